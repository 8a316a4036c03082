"""Does the ledger keep what users say, and only what still holds? Replayed on GSM8K in shards.

    python runs/fidelity.py DATA_FOLDER [--part report|tune] [--save]

DATA_FOLDER holds the three files named in FILES: GSM8K train problems cut into shards by others
(RLSTA, a copy of Lost in Conversation). Only the user's turns are replayed; no model is called.

- told: one shard a turn; is each shard, word for word, in what stands at the end? Also with small
  talk between the shards: is it left out?
- corrected: shards are told with a wrong value first (the data's `modified_shard`), and later put
  right in one of several wordings. Counted are the shards whose digits differ. Is the wrong value
  superseded, does any stale value stand, and was anything dropped that holds?

Problems are split by their question (SHA-1): rules were tuned on one part, figures are of the
other. NAMED are the wordings that the figure was asked for in. HELD, and the small talk, were
written down before the rules were last changed, and never used for that; TUNED were (four earlier
held-out lists among them, since their figures had been seen). All are by the author of the rules;
the forms of the held-out ones, not their words, are those of corrections and asides in MRDA, STAR,
CaSiNo and BFCL. Constant policies stand beside.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from table import save
from uptake.analyst import ledger
from uptake.intervals import Ratio, intervals
from uptake.sentences import plain

FILES = ("gsm8k_add_train.jsonl", "gsm8k_refine_train.jsonl", "gsm8k_train_sharded_698.json.gz")

NAMED = (
    "{new}",
    "Sorry, I meant {new}",
    "Actually {new}",
    "No, {new}",
)
TUNED = (
    "{new}",
    "Sorry, I meant: {new}",
    "Actually, {new}",
    "No, {new}",
    "Correction: {new}",
    "I got one thing wrong. {new}",
    "Sorry, I meant {value}, not {wrong}.",
    "Change {wrong} to {value}.",
    "It should be {value} instead of {wrong}.",
    "Hm, I gave you a wrong figure before. {new}",
    "Please amend this: {new}",
    "Oh, my fault, that was off: {new}",
    "Let me rephrase that. {new}",
    "I just noticed an error in what I told you. {new}",
    "Scratch what I said about that. {new}",
    "Hold on, it's different: {new}",
    "To be precise, {new}",
    "Whoops, wrong value. {new}",
    "I double-checked, and {new}",
    "The correct statement is: {new}",
    "Not so, I'm afraid. {new}",
    "I wrote {wrong}, but it is {value}.",
    "Swap the {wrong} for {value}.",
    "{value}, that is, rather than {wrong}.",
    "Where it says {wrong}, read {value}.",
    "The {wrong} ought to be {value}.",
    "Sorry, {value} and not {wrong}.",
    "My earlier number was off. {new}",
    "Small fix on my side: {new}",
    "I have to take that back, {new}",
    "Sorry for the mix-up, {new}",
    "Ignore my previous figure, {new}",
    "Pardon, I misremembered: {new}",
    "Turns out {new}",
    "I should clarify: {new}",
    "That detail was inaccurate. {new}",
    "Ah no, {new}",
    "Let me put that right: {new}",
    "In reality {new}",
    "I need to revise something I told you: {new}",
    "Please use this instead: {new}",
    "It's {value}, I typed {wrong} by accident.",
    "Read {value} for {wrong}.",
    "{wrong} is wrong, it's {value}.",
    "Please swap {wrong} out and put {value}.",
    "Not {wrong} but {value}.",
    "Make the {wrong} a {value}.",
    "Apologies, wrong info. {new}",
    "Quick correction from me: {new}",
    "I need to fix one thing, {new}",
    "Oh no, that's not it. {new}",
    "Disregard the number I gave. {new}",
    "I remembered it wrongly: {new}",
    "Let's change that: {new}",
    "To set the record straight, {new}",
    "I looked again and {new}",
    "The right version: {new}",
    "Er, make that: {new}",
    "Mea culpa. {new}",
    "Should be {value} rather than {wrong}.",
    "I put {wrong} when I wanted {value}.",
    "Take {value} where I wrote {wrong}.",
    "{wrong}? No, {value}.",
    "Swap {value} in for {wrong}.",
    "We said {wrong}; let's say {value}.",
    "whoops, wrong number there. {new}",
    "My bad! {new}",
    "Hang on, that's not right: {new}",
    "I misread my notes. {new}",
    "scratch what I told you earlier, {new}",
    "Apologies, I made an error above. The corrected statement reads: {new}",
    "typo earlier, {new}",
    "wait no {new}",
    "Ignore my last figure, it's this: {new}",
    "Let me rephrase that one properly. {new}",
    "Turns out I had it mixed up. {new}",
    "Just checked with my brother and it's actually different: {new}",
    "oops meant to say {new}",
    "Kindly disregard the previous value, as {new}",
    "I may have given you bad info before; {new}",
    "So, um, I goofed. {new}",
    "Fixing a mistake of mine: {new}",
    "On second look, {new}",
    "EDIT: {new}",
    "*{new}",
    "Oh shoot, I told you that wrong. {new}",
    "dont use what i said b4. {new}",
    "The problem really says: {new}",
    "{new} That's the right number, not the one I gave.",
    "{new} (I wrote it wrong the first time)",
    "it's {value} btw, not {wrong}",
    "Where I said {wrong}, please read {value}.",
    "ugh, {wrong} should've been {value}",
    "Could you swap the {wrong} for {value}? I mistyped.",
    "{value}, sorry! Not {wrong}.",
    "I put down {wrong} but the real number is {value}.",
)
HELD = (
    "wait no, my bad, {new}",
    "Oh wait. {new}",
    "Hang on, you got me confused. {new}",
    "{new} Sorry, that is what I was going to type.",
    "{new}, I mean",
    "Well, no, {new}",
    "or rather: {new}",
    "Excuse me, {new}",
    "Oh I am so sorry, I forgot, {new}",
    "I'm sorry but I've changed my mind again. {new}",
    "Sorry, I remember wrong. {new}",
    "No wait wait scratch that, {new}",
    "My friend just texted me, apparently {new}",
    "oh dear, i looked at the wrong line, {new}",
    "{new}\nsorry about that, autocorrect got me",
    "{new} Forget the other number, that was last year's.",
    "Strike that last bit about it, {new}",
    "Before you go on: one of my numbers is off. {new}",
    "Guess I can't read my own handwriting. {new}",
    "hm thats not what it says here. it says {new}",
    "Replace what I told you before with: {new}",
    "My apologies for the confusion! {new} Kindly go by this from now on.",
    "Just to be clear, {new} I misspoke before.",
    "ok so i lied, {new}",
    "{new} - thats the correct one",
    "{new} (not {wrong})",
    "{value} I mean, no not {wrong}",
    "not {wrong} - {value}",
    "not the {wrong}, the {value}",
    "i typed the wrong number, its {value} and not {wrong} haha",
    "make that {value} (i said {wrong})",
    "For the record, {wrong} was wrong, {value} is what it says here.",
    "Let me correct myself, where you see {wrong} it is supposed to be {value}.",
    "{wrong}... uh, {value}, excuse me.",
)
TALK_TUNED = (
    "Thanks!",
    "How are you today?",
    "It's raining here again.",
    "Okay, got it.",
    "Thank you kindly.",
    "Cheers, that's great.",
    "Good morning to you!",
    "Lovely, thanks a bunch.",
    "Hope you're having a nice day.",
    "Ha, my cat just walked over the keyboard.",
    "What a gorgeous evening it is.",
    "I really need a coffee now.",
    "Sorry, the phone rang, I'm back.",
    "Did you watch the match last night?",
    "Maths was never my strong suit.",
    "It's freezing in this office today.",
    "Great, that makes sense.",
    "I'm on the train, by the way.",
    "You're a star.",
    "Bit tired today, long week.",
    "Much obliged.",
    "Splendid, thanks.",
    "Hey hey!",
    "Good to hear.",
    "How's your day been?",
    "The sun is finally out here.",
    "I could do with a nap.",
    "My neighbour is mowing the lawn again.",
    "Busy day at work today.",
    "Hang on, someone's at the door.",
    "Ok, back now.",
    "You're doing great.",
    "Anyway, where were we.",
    "I love puzzles like this.",
    "Long day, sorry.",
    "Hope the weekend treats you well.",
    "thx!",
    "Thanks a bunch, you're a lifesaver.",
    "ok cool",
    "Much appreciated.",
    "haha no worries",
    "sory, slow typer here lol",
    "Phone rang, back now.",
    "I'd like to express my gratitude for your patience thus far.",
    "Ugh, Mondays, am I right?",
    "It's pouring outside my window.",
    "my cat just walked across the keyboard, ignore that",
    "How's your day going, by the way?",
    "Never been any good at this stuff, honestly.",
    "brb, someone at the door",
    "This is for my daughter's homework and she's about to lose it.",
    "Good evening! I trust you are well.",
    "wow ur fast",
    "I really should have had breakfast before starting this.",
    "Forgive the typos, I'm on the bus.",
    "You've been very helpful so far, I must say.",
    "lol my teacher would love you",
    "Not bad for a computer!",
    "Give me a sec to find my notes.",
    "tbh im kinda tired today",
    "Math was always my sister's thing, not mine.",
    "Great stuff, that's a weight off my mind.",
    "alright alright",
    "Please excuse the interruption; a colleague stopped by.",
    "Been staring at this since 6 am and my brain is mush.",
    "Happy Friday, anyway :)",
    "Do you ever get bored of these?",
    "thank u so muchh",
    "Phew, okay, deep breath.",
    "I told my husband I'd ask a robot and he laughed at me.",
    "No rush on your end.",
    "The game's on in the other room, so I may be a bit distracted.",
    "Hope your having a good one",
    "That was easier than I expected, cheers.",
)
TALK_HELD = (
    "Ugh, my kid is pulling at my sleeve, hold on.",
    "So are you the kind of bot that learns from me?",
    "Numbers and I have never been friends.",
    "I'm a bit nervous about my exam, to be honest.",
    "Can't wait for Saturday.",
    "Sorry for all the back and forth!",
    "lol i always forget things",
    "gosh, what a week it has been",
    "you're way better than my tutor",
    "No hurry, I'm just killing time before my bus.",
    "Got a little distracted by the telly, sorry.",
    "I can hear the neighbours arguing again, charming.",
    "My partner says hi, haha.",
    "thank you dear",
    "that is so kind of you to say",
    "Morning! Coffee in hand, ready to go.",
    "Hi there! Hope all is well on your side.",
    "how's life as a computer?",
    "I'm doing great, and yourself?",
    "Wow, it's unseasonably warm for November.",
    "they say it'll snow tonight, can't believe it",
    "I'm old and my eyes aren't what they used to be.",
    "ok perfect :)",
    "Yay!!",
    "omg this takes me back to school",
    "Sounds good to me, thanks a million.",
    "Hmm, where did I put that sheet...",
    "Excuse the caps, my keyboard is acting up.",
    "I'm typing this on my phone so please bear with me.",
    "Had the worst night's sleep ever, the baby wouldn't settle.",
    "You sound like you enjoy this!",
    "I feel so silly asking this.",
    "Have you got any hobbies?",
    "Right, the kettle's on, let's carry on.",
    "My boss just walked in, acting busy now.",
    "I appreciate you sticking with me here.",
    "nice nice nice",
    "Never thought I'd be doing fractions again at forty-two.",
    "It's past midnight here and I'm wide awake.",
    "Woke up at 5 for no good reason.",
    "I'll buy you a beer some day, if you drink that is.",
    "Goodness, that was quick.",
    "It was my birthday yesterday, so I'm a little hungover.",
    "fyi my autocorrect hates me",
    "Funny how I used to love this in school.",
    "Take your time.",
    "My wife thinks I should do this by hand.",
    "The wifi here is dreadful, sorry if I drop out.",
    "and now the fire alarm is going off, great",
    "cool cool, thanks!",
)

Policy = Callable[[Sequence[str]], list[str]]
"""Given the user's turns, what stands of each at the end: its words, or ""."""


@dataclass(frozen=True)
class Correction:
    """A conversation in which `wrong` turns were told and later put right."""

    question: str
    wording: str
    turns: tuple[str, ...]
    wrong: tuple[int, ...]  # the turns that said a wrong value
    right: tuple[str, ...]  # the shards that put them right
    holds: tuple[int, ...]  # the turns of which nothing was corrected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=("report", "tune"), default="report")
    parser.add_argument("--show", type=int, default=0, help="print so many failures of each kind")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    held = asked.part == "report"
    told = list(additive(asked.data, asked.part))
    corrected = list(corrections(asked.data, asked.part, (*NAMED, *HELD) if held else TUNED))
    rows = [*told_rows(told, TALK_HELD if held else TALK_TUNED), *corrected_rows(corrected)]
    for row in rows:
        bounds = f" [{row['low']}, {row['high']}]" if row.get("low") is not None else ""
        print(f"{row['value']:.4f}{bounds}  n={row['n']:5}  {row['figure']}")
    if asked.show:
        failures(told, corrected, asked.show)
    if asked.save:
        command = "python runs/fidelity.py DATA_FOLDER --save"
        save("4-fidelity", title="Fidelity of the ledger on real text", command=command, rows=rows)


# The data


def part_of(question: str) -> str:
    """The part a question belongs to, the same on every machine."""
    words = plain(question).encode()
    return "tune" if hashlib.sha1(words).digest()[0] % 2 else "report"


def additive(folder: Path, part: str) -> Iterator[tuple[str, list[str]]]:
    """(question, shards) of the rows of a part, in both files."""
    for row in lines(folder / FILES[0]):
        if part_of(row["question"]) == part:
            yield plain(row["question"]), row["shards"]
    for row in json.loads(gzip.decompress((folder / FILES[2]).read_bytes())):
        if part_of(row["question"]) == part:
            yield plain(row["question"]), [shard["shard"] for shard in row["shards"]]


def corrections(folder: Path, part: str, wordings: Sequence[str]) -> Iterator[Correction]:
    """Each row of a part in each wording: all told, the wrong values last put right."""
    questions = {row["task_id"]: row["question"] for row in lines(folder / FILES[0])}
    for row in lines(folder / FILES[1]):
        question = questions[row["task_id"]]
        if part_of(question) != part:
            continue
        shards = {each["shard_id"]: each["shard"].strip() for each in row["shards"]}
        wrong = {each["shard_id"]: each["shard"].strip() for each in row["modified_shard"]}
        for wording in wordings:
            made = _correction(plain(question), shards, wrong, wording)
            if made.wrong:
                yield made


def _correction(
    question: str, shards: dict[int, str], wrong: dict[int, str], wording: str
) -> Correction:
    turns: list[str] = []
    places: dict[int, int] = {}
    for number, shard in shards.items():
        other = wrong.get(number, shard)
        changes = _changes(other, shard, wording)
        turns.append(other if changes else shard)
        if changes:
            places[number] = len(turns) - 1
    holds = tuple(set(range(len(turns))) - set(places.values()))
    for number in places:
        value, was = _one(wrong[number], shards[number]) or ("", "")
        turns.append(wording.format(new=shards[number], value=value, wrong=was))
    right = tuple(shards[number] for number in places)
    return Correction(question, wording, tuple(turns), tuple(places.values()), right, holds)


def digits(text: str) -> list[str]:
    """The numbers of a text that are written in digits."""
    return re.findall(r"\d+(?:[.,]\d+)*", text)


def _changes(wrong: str, right: str, wording: str) -> bool:
    """Whether a value in digits stands in another's place, and the wording can say which."""
    old, new = digits(wrong), digits(right)
    if old == new or len(old) != len(new):
        return False
    return "{wrong}" not in wording or _one(wrong, right) is not None


def _one(wrong: str, right: str) -> tuple[str, str] | None:
    """(right, wrong): the value, where just one differs and nothing else does."""
    old, new = digits(wrong), digits(right)
    differ = [(b, a) for a, b in zip(old, new, strict=False) if a != b]
    same = re.sub(r"\d", "", wrong) == re.sub(r"\d", "", right)
    return differ[0] if len(differ) == 1 and same else None


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# The policies


def uptake(turns: Sequence[str]) -> list[str]:
    """The ledger of `uptake.analyst`."""
    ground = ledger(turns)
    stands: dict[int, list[str]] = defaultdict(list)
    for entry in ground.standing():
        stands[entry.span.turn].append(ground.wording(entry))
    return [" ".join(stands[turn]) for turn in range(len(turns))]


def never(turns: Sequence[str]) -> list[str]:
    """Nothing is ever superseded or left out."""
    return list(turns)


def always(turns: Sequence[str]) -> list[str]:
    """Each turn supersedes the most similar one before it."""
    return _similar(turns, range(1, len(turns)))


def _similar(turns: Sequence[str], correcting: Iterable[int]) -> list[str]:
    stands = list(turns)
    words = [set(plain(turn).split()) for turn in turns]
    for turn in correcting:
        alike = {
            other: len(words[turn] & words[other]) / max(1, len(words[turn] | words[other]))
            for other in range(turn)
            if stands[other]
        }
        if alike:
            stands[max(alike, key=lambda each: alike[each])] = ""
    return stands


POLICIES: dict[str, Policy] = {
    "uptake": uptake,
    "never supersede": never,
    "always supersede the most similar": always,
}


# The figures


def told_rows(
    told: Sequence[tuple[str, list[str]]], talk: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Shards that stand word for word at the end, plain and between small talk."""
    for name, policy in POLICIES.items():
        kept = [(question, *_kept(shards, policy(shards))) for question, shards in told]
        yield _row(f"{name}: shards that stand, told one a turn", _grouped(kept), "= 1")
        mixed = [(q, shards, *_mixed(shards, talk, i)) for i, (q, shards) in enumerate(told)]
        stood = [(q, shards, policy(turns), small) for q, shards, turns, small in mixed]
        kept = [(q, *_kept(shards, stands)) for q, shards, stands, _ in stood]
        yield _row(f"{name}: shards that stand, small talk between", _grouped(kept), "= 1")
        left = [(q, sum(not stands[i] for i in small), len(small)) for q, _, stands, small in stood]
        yield _row(f"{name}: small talk left out", _grouped(left), "= 1")


def _kept(shards: Sequence[str], stands: Sequence[str]) -> tuple[int, int]:
    said = _spaced(" ".join(stands))
    return sum(_spaced(shard) in said for shard in shards), len(shards)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _mixed(shards: Sequence[str], talk: Sequence[str], seed: int) -> tuple[list[str], list[int]]:
    """The shards with small talk after about half of them, and where that stands."""
    random = Random(f"talk/{seed}")
    turns: list[str] = []
    small: list[int] = []
    for shard in shards:
        turns.append(shard)
        if random.random() < 0.5:
            small.append(len(turns))
            turns.append(random.choice(talk))
    return turns, small


def corrected_rows(made: Sequence[Correction]) -> Iterator[dict[str, Any]]:
    """What was superseded, what stale value stands, and what was dropped that holds."""
    for name, policy in POLICIES.items():
        outcomes = [(each, *_outcome(each, policy(each.turns))) for each in made]
        parts = {
            "the four named wordings": [e for e in outcomes if e[0].wording in NAMED],
            "wordings not tuned on": [e for e in outcomes if e[0].wording not in NAMED],
        }
        if name == "uptake":
            parts |= {
                "the bare new sentence": [e for e in outcomes if e[0].wording == BARE],
                "of these, the value alone": [e for e in outcomes if BARE not in e[0].wording],
            }
        for part, found in parts.items():
            for what, index, target in zip(WHAT, range(1, 4), TARGETS, strict=True):
                counted = [(each[0].question, *each[index]) for each in found]
                yield _row(f"{name}: {what}, {part}", _grouped(counted), target)
    alone = [each for each in made if BARE not in each.wording]
    yield _row(
        "uptake: known to be unclear, the value alone",
        _grouped((each.question, *_pending(each)) for each in alone),
    )
    found = [(each, _outcome(each, uptake(each.turns))[0]) for each in made]
    for wording in dict.fromkeys(each.wording for each in made):
        counted = [(each.question, *good) for each, good in found if each.wording == wording]
        yield _row(f"uptake: corrected values superseded, “{wording}”", _grouped(counted))


def _pending(made: Correction) -> tuple[int, int]:
    """How many corrections are entered as pending: the value was said in several places."""
    first = len(made.turns) - len(made.wrong)
    unclear = {e.span.turn for e in ledger(made.turns).entries if e.status == "pending"}
    return sum(turn >= first for turn in unclear), len(made.wrong)


BARE = "{new}"
TARGETS = ("≥ 0.95", "≤ 0.02", "≤ 0.02")
WHAT = ("corrected values superseded", "stale values left standing", "what holds, dropped")


def _outcome(
    made: Correction, stands: Sequence[str]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(count, of how many) for each of WHAT."""
    everything = _spaced(" ".join(stands))
    good = stale = 0
    for turn, right in zip(made.wrong, made.right, strict=True):
        old, new = digits(made.turns[turn]), digits(right)
        stood = digits(stands[turn])
        gone = [value for value in old if value not in new]
        left = any(value in stood for value in gone) or (not gone and stood == old)
        put = stood == new or _spaced(right) in everything
        good += not left and put
        stale += left
    dropped = sum(_spaced(made.turns[turn]) not in everything for turn in made.holds)
    n = len(made.wrong)
    return (good, n), (stale, n), (dropped, len(made.holds))


def _grouped(counted: Iterable[tuple[str, int, int]]) -> dict[str, tuple[float, int]]:
    """Per distinct question, the share and the number counted: a question weighs one."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for question, count, of in counted:
        sums[question][0] += count
        sums[question][1] += of
    return {question: (count / of, of) for question, (count, of) in sums.items() if of}


def _row(figure: str, shares: dict[str, tuple[float, int]], target: str = "") -> dict[str, Any]:
    values = np.array([share for share, _ in shares.values()])
    found = intervals([Ratio(values, np.ones(len(values)))])[0]
    counted = sum(of for _, of in shares.values())
    row = {
        "figure": figure,
        "value": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "n": len(values),
        "note": f"mean over distinct questions; {counted} counted in all",
        **({"detail": True} if "“" in figure else {}),  # of one wording
    }
    return row | ({"target": target} if target else {})


# For whoever tunes


def failures(told: Sequence[tuple[str, list[str]]], made: Sequence[Correction], count: int) -> None:
    """Print conversations of which a figure is wrong."""
    bad = [shards for _, shards in told if _kept(shards, uptake(shards))[0] < len(shards)]
    for shards in bad[:count]:
        said = _spaced(" ".join(uptake(shards)))
        print("TOLD", *(f"{'  ' if _spaced(s) in said else 'X '}{s}" for s in shards), sep="\n  ")
    for index, what in enumerate(WHAT):
        for each in made:
            stands = uptake(each.turns)
            share = _outcome(each, stands)[index]
            if (share[0] < share[1]) if index == 0 else share[0]:
                count -= 1 / len(WHAT)
                print(what.upper(), *zip(each.turns, stands, strict=True), sep="\n  ")
            if count <= 0:
                break
        count = max(count, 1)


if __name__ == "__main__":
    main()
