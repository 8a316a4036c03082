"""The vocabulary of the summary domain: settings, topics and the claims made in documents.

A theme has three topics; one is asked about, the others distract. A claim is a sentence about a
place or a person ({e}) with a figure ({n}), and in some a word of a few ({d}). Training and
held-out themes share no topic, sentence, place, family name or word of a few.

This module knows nothing of which claims stand in which document.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAMILIES", "PLACES", "THEMES", "Claim", "Theme", "Topic"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence in several wordings, the plainest first.

    `about` says what {e} is ("place" or "person"); the figure is from `low` to `high`; `quantity`
    is the figure as a noun phrase; `options` are what {d} can be.
    """

    about: str
    low: int
    high: int
    quantity: str
    wordings: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be asked about ("the roadworks"), and what is claimed of it."""

    name: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """A setting, the kinds of documents in it, idle sentences, and its topics."""

    name: str
    setting: str
    kinds: tuple[str, ...]
    idle: tuple[str, ...]
    topics: tuple[Topic, ...]


def _claim(
    about: str, low: int, high: int, quantity: str, *wordings: str, options: str = ""
) -> Claim:
    return Claim(about, low, high, quantity, wordings, tuple(options.split()))


_TRAIN = (
    Theme(
        "town",
        "a small town",
        ("council minutes", "town paper", "letter to the editor", "chat note"),
        (
            "The rest of the morning went by quietly.",
            "Nobody raised an objection.",
            "More on this will follow in due course.",
            "Several neighbours stayed for tea.",
            "It was a mild day with little wind.",
        ),
        (
            Topic("the roadworks", (
                _claim("place", 3, 60, "how many weeks {e} is closed",
                    "{e} will be closed for {n} weeks",
                    "For {n} weeks no car can pass through {e}",
                    "Drivers have to avoid {e} for {n} weeks"),
                _claim("place", 20, 400, "how many metres of pipe are laid under {e}",
                    "{n} metres of {d} pipe are being laid under {e}",
                    "Under {e} the crew is putting down {n} metres of {d} pipe",
                    "The trench in {e} gets {n} metres of new {d} pipe",
                    options="clay copper concrete"),
                _claim("person", 30, 900, "how many signatures {e} has collected",
                    "{e} has collected {n} signatures against the digging",
                    "A petition against the digging, started by {e}, has {n} names on it",
                    "{n} people have signed what {e} wrote against the digging"),
                _claim("place", 5, 90, "how many parking spaces {e} loses",
                    "{e} loses {n} parking spaces to the building site",
                    "The building site takes {n} parking spaces from {e}",
                    "Because of the building site there are {n} fewer places to park in {e}"),
            )),
            Topic("the library", (
                _claim("person", 40, 800, "how many books {e} gave away",
                    "{e} gave {n} {d} books to the library",
                    "The library received {n} {d} books from {e}",
                    "{n} {d} books on the shelves are a gift of {e}",
                    options="picture history travel"),
                _claim("place", 4, 70, "how many reading seats {e} gets",
                    "The branch in {e} gets {n} reading seats",
                    "{n} reading seats are planned for the branch in {e}",
                    "Readers in {e} can look forward to {n} seats"),
                _claim("person", 3, 40, "how many evenings {e} reads aloud",
                    "{e} will read aloud to children on {n} evenings",
                    "On {n} evenings children can hear {e} read aloud",
                    "Children are invited to {n} evenings of stories read by {e}"),
                _claim("place", 10, 300, "how many late books were found in {e}",
                    "{n} late books turned up in {e}",
                    "In {e} somebody found {n} books that were long overdue",
                    "A search of {e} brought back {n} overdue books"),
            )),
            Topic("the spring fair", (
                _claim("person", 50, 950, "how many cakes {e} bakes",
                    "{e} bakes {n} {d} cakes for the fair",
                    "For the fair, {n} {d} cakes come from the oven of {e}",
                    "The fair can count on {n} {d} cakes by {e}",
                    options="lemon almond cherry"),
                _claim("place", 6, 120, "how many stalls stand in {e}",
                    "{n} stalls of the fair will stand in {e}",
                    "The fair puts up {n} stalls in {e}",
                    "Visitors of the fair find {n} stalls along {e}"),
                _claim("person", 8, 90, "how many musicians {e} brings",
                    "{e} brings {n} musicians to the fair",
                    "A band of {n} plays at the fair, led by {e}",
                    "At the fair {e} conducts {n} players"),
                _claim("place", 15, 500, "how many lamps light up {e}",
                    "{n} paper lamps will light up {e} on the night of the fair",
                    "On the night of the fair {e} is lit by {n} paper lamps",
                    "Helpers hang {n} paper lamps over {e} for the fair"),
            )),
        ),
    ),
    Theme(
        "college",
        "an evening college",
        ("staff minutes", "student review", "notice", "chat note"),
        (
            "The caretaker locked up as usual.",
            "Everybody was in good spirits.",
            "The next meeting is not yet fixed.",
            "There was coffee in the hall.",
            "Thanks went to all who helped.",
        ),
        (
            Topic("the new courses", (
                _claim("person", 6, 48, "how many students are in the course of {e}",
                    "The {d} course taught by {e} has {n} students",
                    "{n} students have joined {e} for {d}",
                    "With {e}, {n} people are learning {d}",
                    options="pottery weaving welding"),
                _claim("person", 30, 480, "what the course of {e} costs",
                    "The course of {e} costs {n} crowns",
                    "Anyone who wants to learn from {e} pays {n} crowns",
                    "{n} crowns is the fee that {e} charges for the course"),
                _claim("place", 3, 36, "how many courses are held in {e}",
                    "{n} of the courses are held in {e}",
                    "The rooms in {e} host {n} courses",
                    "In {e} there is space for {n} courses"),
                _claim("person", 2, 25, "how many lessons of {e} were cancelled",
                    "{n} lessons with {e} were cancelled",
                    "{e} had to call off {n} lessons",
                    "No fewer than {n} lessons by {e} did not take place"),
            )),
            Topic("the canteen", (
                _claim("person", 40, 600, "how many meals {e} cooks",
                    "{e} cooks {n} meals a day in the canteen",
                    "The canteen serves {n} meals a day since {e} runs the stove",
                    "Each day {n} plates in the canteen are the work of {e}"),
                _claim("place", 5, 95, "how many kilos of vegetables come from {e}",
                    "{n} kilos of {d} a week reach the canteen from {e}",
                    "From {e} the canteen gets {n} kilos of {d} a week",
                    "A farm in {e} sends the canteen {n} kilos of {d} a week",
                    options="leeks beans carrots"),
                _claim("person", 12, 200, "how many complaints {e} counted",
                    "{e} counted {n} complaints about cold soup",
                    "There were {n} complaints about cold soup, says {e}",
                    "According to {e}, cold soup drew {n} complaints"),
                _claim("place", 8, 80, "how many tables stand in {e}",
                    "The canteen puts {n} extra tables in {e}",
                    "{n} extra tables of the canteen go to {e}",
                    "In {e} one can now eat at {n} extra tables"),
            )),
            Topic("the old building", (
                _claim("place", 4, 75, "how many windows facing {e} are broken",
                    "{n} windows that face {e} are broken",
                    "On the side of {e} there are {n} broken windows",
                    "Towards {e}, {n} windows have lost their glass"),
                _claim("person", 10, 290, "how many tiles {e} replaced",
                    "{e} replaced {n} {d} roof tiles",
                    "{n} {d} tiles on the roof were renewed by {e}",
                    "The roof owes {n} new {d} tiles to {e}",
                    options="grey brown black"),
                _claim("person", 3, 55, "how many keys {e} lost",
                    "{e} has lost {n} keys of the building",
                    "{n} keys of the building are missing since {e} had them",
                    "The building has {n} keys fewer because of {e}"),
                _claim("place", 20, 700, "how many litres of water ran into {e}",
                    "{n} litres of water ran from the cellar into {e}",
                    "The flooded cellar let {n} litres of water into {e}",
                    "{e} took in {n} litres of water from the cellar"),
            )),
        ),
    ),
)  # fmt: skip

_HELDOUT = (
    Theme(
        "ferry",
        "an island ferry company",
        ("logbook entry", "passenger feedback", "board minutes", "radio news"),
        (
            "The sea was calm for most of the week.",
            "A gull sat on the railing throughout.",
            "The harbour office has been informed.",
            "No further remarks were made.",
            "Tickets can be bought at the pier as before.",
        ),
        (
            Topic("the new timetable", (
                _claim("place", 2, 30, "how many crossings a day {e} has",
                    "{e} is now served by {n} crossings a day",
                    "Boats call at {e} {n} times a day",
                    "The people of {e} can choose between {n} crossings each day"),
                _claim("place", 5, 85, "how many minutes the trip to {e} takes",
                    "The trip to {e} takes {n} minutes on the {d} route",
                    "On the {d} route one is in {e} after {n} minutes",
                    "{n} minutes is what the {d} route to {e} needs",
                    options="northern southern outer"),
                _claim("person", 15, 650, "how many travellers {e} asked",
                    "{e} asked {n} travellers what they think of the timetable",
                    "{n} travellers told {e} their opinion of the timetable",
                    "A survey by {e} on the timetable reached {n} travellers"),
                _claim("person", 3, 70, "how many connections {e} missed",
                    "{e} missed {n} connecting buses since the change",
                    "Since the change, {n} buses left without {e}",
                    "The change made {e} late for {n} buses"),
            )),
            Topic("the electric ship", (
                _claim("person", 20, 900, "how many hours {e} tested it",
                    "{e} tested the electric ship for {n} hours",
                    "The electric ship spent {n} hours at sea with {e} testing it",
                    "Trials of the electric ship by {e} lasted {n} hours"),
                _claim("place", 6, 64, "how many chargers {e} gets",
                    "{n} {d} chargers for the ship are built at {e}",
                    "At {e} the ship will find {n} {d} chargers",
                    "The quay of {e} receives {n} {d} chargers for the ship",
                    options="floating solar double"),
                _claim("person", 4, 99, "how many faults {e} reported",
                    "{e} reported {n} faults in the batteries",
                    "There are {n} faults in the batteries on the list of {e}",
                    "On inspection {e} noted {n} battery faults"),
                _claim("place", 30, 800, "how many guests came to see it at {e}",
                    "{n} guests came to see the ship at {e}",
                    "At {e} the ship was visited by {n} guests",
                    "A crowd of {n} admired the ship at {e}"),
            )),
            Topic("the crews", (
                _claim("person", 2, 45, "how many years {e} has sailed",
                    "{e} retires after {n} years as {d}",
                    "After {n} years as {d}, {e} leaves the company",
                    "The farewell of {e} ends {n} years of work as {d}",
                    options="captain engineer deckhand"),
                _claim("place", 7, 130, "how many sailors live in {e}",
                    "{n} of the sailors live in {e}",
                    "{e} is home to {n} of the sailors",
                    "Among the sailors, {n} have a house in {e}"),
                _claim("person", 5, 60, "how many recruits {e} trains",
                    "{e} is training {n} recruits",
                    "{n} recruits are learning the ropes from {e}",
                    "The class of {e} has {n} recruits in it"),
                _claim("place", 10, 350, "how many uniforms were sewn in {e}",
                    "{n} uniforms for the crews were sewn in {e}",
                    "A tailor in {e} made {n} uniforms for the crews",
                    "The crews wear {n} uniforms that come from {e}"),
            )),
        ),
    ),
    Theme(
        "flats",
        "a block of flats",
        ("tenants' minutes", "e-mail", "poster", "message in the group"),
        (
            "The lift works again, by the way.",
            "Please keep the front door shut at night.",
            "Some of the tenants were away.",
            "A longer report is on the noticeboard.",
            "Greetings to everybody on the upper floors.",
        ),
        (
            Topic("the heating", (
                _claim("person", 12, 480, "what {e} paid for heating",
                    "{e} paid {n} francs for heating last winter",
                    "Last winter the heating cost {e} {n} francs",
                    "{n} francs for heating stand on the last bill of {e}"),
                _claim("place", 3, 77, "how many radiators in {e} stay cold",
                    "{n} radiators in {e} stay cold",
                    "In {e} the warmth does not reach {n} radiators",
                    "{e} reports {n} radiators that do not get warm"),
                _claim("person", 2, 50, "how many valves {e} mended",
                    "{e} mended {n} {d} valves",
                    "{n} {d} valves were put right by {e}",
                    "Thanks to {e}, {n} {d} valves work again",
                    options="brass steel rubber"),
                _claim("place", 14, 88, "how many degrees were measured in {e}",
                    "A thermometer in {e} showed {n} degrees",
                    "It was {n} degrees in {e} when somebody measured",
                    "Measured in {e}: {n} degrees"),
            )),
            Topic("the shared garden", (
                _claim("person", 5, 250, "how many bushes {e} planted",
                    "{e} planted {n} {d} bushes in the garden",
                    "The garden has {n} new {d} bushes because of {e}",
                    "With {n} {d} bushes {e} has made the garden greener",
                    options="rose hazel laurel"),
                _claim("place", 4, 66, "how many benches face {e}",
                    "{n} benches in the garden will face {e}",
                    "Towards {e} the garden gets {n} benches",
                    "From {n} garden benches one will see {e}"),
                _claim("person", 6, 140, "how many hours {e} weeded",
                    "{e} spent {n} hours weeding",
                    "The weeding took {e} {n} hours",
                    "{n} hours of weeding are to the credit of {e}"),
                _claim("place", 9, 410, "how many bulbs are left in {e}",
                    "{n} bulbs are left over in {e}",
                    "In {e} there are still {n} bulbs to be had",
                    "Whoever needs bulbs finds {n} of them in {e}"),
            )),
            Topic("the bicycle cellar", (
                _claim("place", 8, 160, "how many bicycles were moved to {e}",
                    "{n} bicycles were moved from the cellar to {e}",
                    "{e} now holds {n} bicycles from the cellar",
                    "The cellar gave {n} of its bicycles over to {e}"),
                _claim("person", 3, 58, "how many locks {e} cut",
                    "{e} cut {n} {d} locks of bicycles without an owner",
                    "{n} {d} locks of ownerless bicycles were opened by {e}",
                    "For bicycles nobody owns, {e} broke {n} {d} locks",
                    options="chain cable folding"),
                _claim("person", 11, 330, "how many stickers {e} handed out",
                    "{e} handed out {n} stickers for bicycles",
                    "{n} bicycles carry a sticker from {e}",
                    "So far {e} has given stickers to {n} cyclists"),
                _claim("place", 2, 42, "how many racks {e} gets",
                    "{e} gets {n} racks",
                    "{n} racks are to be bolted down in {e}",
                    "The caretakers want {n} racks in {e}"),
            )),
        ),
    ),
)  # fmt: skip

THEMES = {"train": _TRAIN, "heldout": _HELDOUT}
"""The themes of each split."""

PLACES = {
    "train": (
        "Alder Birch Cobble Drover Elm Fuller Gorse Hatter Ivy Juniper Kiln Larch".split(),
        "Lane Street Square Row Yard".split(),
    ),
    "heldout": (
        "Amber Breaker Cormorant Dolphin Eider Fathom Gannet Harpoon Inlet Jetty Kelp".split(),
        "Bay Point Wharf Landing Steps".split(),
    ),
}
"""The two halves of the names of places, in each split."""

FAMILIES = {
    "train": "Abbot Bellamy Calloway Draper Eastlake Farrow Gilder Hobart Ingle Jessop".split(),
    "heldout": "Aldous Brandt Coyle Dunbar Eklund Fairfax Goring Halloran Ivers Jardine".split(),
}
"""The family names of each split; given names are those of the math domain."""
