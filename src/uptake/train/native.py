"""What the labels of public dialogue corpora say of acts: one table, with the reason of each line.

A corpus judges some acts and is silent on others. A line says which acts a native label shows, and
which it leaves `open`: there the label neither shows the act nor speaks against it. What a corpus
judges (`JUDGED`) and a turn's labels neither show nor leave open, the turn does not do. What it
does not judge is known of none of its turns.

This module knows nothing of where the corpora lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

__all__ = ["JUDGED", "LEARNED", "NATIVE", "Native", "judged"]

LEARNED = (
    "acknowledge",
    "display",
    "check",
    "align",
    "clarify",
    "huh",
    "follow_up",
    "repair_self",
    "correct_other",
    "reject",
    "topic_open",
)
"""The acts that some corpus judges, in the order of the annotator's columns."""


@dataclass(frozen=True, slots=True)
class Native:
    """One native label (a pattern of `fnmatch`; the first that fits counts) and what it shows."""

    corpus: str
    label: str
    shows: tuple[str, ...]
    open: tuple[str, ...]
    why: str


def _line(corpus: str, label: str, shows: str, leaves_open: str, why: str) -> Native:
    return Native(corpus, label, tuple(shows.split()), tuple(leaves_open.split()), why)


_QUESTION = "clarify follow_up"

NATIVE: tuple[Native, ...] = (
    # MRDA (Shriberg et al. 2004; the tags as the manual of Dhillon et al. 2004 defines them)
    _line("mrda", "b", "acknowledge", "", "a continuer: heard, go on; Traum's ack"),
    _line("mrda", "bk", "acknowledge", "", "acknowledges what was said, and adds nothing"),
    _line("mrda", "bh", "acknowledge", "", "a continuer in the form of a question (really?)"),
    _line(
        "mrda", "aa", "", "acknowledge", "agrees: more than having understood, in the same words"
    ),
    _line("mrda", "aap", "", "acknowledge reject", "agrees in part"),
    _line("mrda", "ba", "", "acknowledge", "assesses what was said (that's good)"),
    _line("mrda", "m", "display", "acknowledge", "says the other's words back"),
    _line("mrda", "bs", "display", "", "sums up what was said"),
    _line("mrda", "bu", "check", _QUESTION, "the speaker's reading, put up for confirmation"),
    _line("mrda", "f", "align", "check", "asks whether the hearer follows (you know?)"),
    _line("mrda", "g", "", "check align", "a question tag; what it asks after, bu and f tell"),
    _line("mrda", "br", "huh", _QUESTION, "asks for all of it again: not heard or not understood"),
    _line("mrda", "bsc", "repair_self", "", "mends the speaker's own words"),
    _line("mrda", "bc", "correct_other", "", "mends the other's words"),
    _line("mrda", "ar", "reject", "", "disagrees"),
    _line("mrda", "arp", "reject", "", "disagrees in part"),
    _line("mrda", "nd", "", "reject", "an answer that was not hoped for: not always a no"),
    _line("mrda", "ng", "", "reject correct_other", "answers in the negative: it may only inform"),
    _line("mrda", "tc", "topic_open", "", "changes the topic"),
    _line("mrda", "qrr", "", _QUESTION, "the other half of a question"),
    _line("mrda", "q[ywho]", "", _QUESTION, "a question, for a part or for more: not told apart"),
    _line("mrda", "qr", "", _QUESTION, "a question with a choice, likewise"),
    # Molweni (Li et al. 2020): relations of Segmented Discourse Representation Theory
    _line(
        "molweni",
        "Clarification_question",
        "clarify",
        "check huh follow_up",
        "asks about what was said; whether by a reading is not told",
    ),
    _line("molweni", "Q-Elab", "follow_up", "clarify check", "a question that goes on from a turn"),
    _line("molweni", "Acknowledgement", "acknowledge", "", "shows that it was understood"),
    _line(
        "molweni", "Correction", "correct_other", "", "says that a turn was wrong, and what is so"
    ),
    _line("molweni", "Contrast", "", "correct_other", "sets another thing against it"),
    _line(
        "molweni", "Comment", "", "acknowledge", "a remark on a turn: thanks and praise among them"
    ),
    # TIAGE (Xie et al. 2021)
    _line("tiage", "topic_shift", "topic_open", "", "the turn moves to another topic"),
    _line("tiage", "no_topic_shift", "", "", "it stays"),
    # CIMA (Stasaski et al. 2020)
    _line("cima", "Correction", "correct_other", "", "the tutor puts the student's words right"),
    _line("cima", "student:Affirmation", "acknowledge", "", "the student has understood"),
    _line("cima", "student:Guess", "", "acknowledge", "an attempt: of an answer, not of a reading"),
    # STAR (Mosig et al. 2020): the action that the wizard chose
    _line(
        "star", "*_ask_confirm_booking", "check", "", "the request as it was understood: book it?"
    ),
    _line("star", "*_available", "", "check", "the same, or an offer: not told apart"),
    _line("star", "plane_flight_available", "", "check", "likewise"),
    _line(
        "star", "*_ask_proceed", "align", "check clarify", "asks whether the step was understood"
    ),
    _line(
        "star",
        "trip_inform_last_step_and_done",
        "",
        "align check clarify",
        "likewise, or more help",
    ),
    _line("star", "out_of_scope", "huh", "", "did not understand the request"),
    _line(
        "star", "*_answer_incorrect_*", "correct_other", "", "the answer was wrong, and what is so"
    ),
    _line("star", "*_answer_2_*", "", "correct_other", "the answer told, as a help"),
    _line(
        "star",
        "trivia_ask_question",
        "",
        "clarify check",
        "the quiz itself: asks about nothing said",
    ),
    _line("star", "*_ask_*more*", "", "clarify check", "offers to go on"),
    _line("star", "*_ask_different_time", "", "clarify check", "offers another time"),
    _line("star", "*_ask_next", "", "clarify check", "offers to go on"),
    _line("star", "*_nothing_found", "", "clarify check huh", "says no, and offers to search anew"),
    _line("star", "*_ask_*", "clarify", "", "asks for one detail of the request"),
    _line("star", "ask_*", "clarify", "", "likewise"),
    _line(
        "star", "custom", "", "check align clarify huh correct_other", "whatever the wizard typed"
    ),
    # CaSiNo (Chawla et al. 2021)
    _line(
        "casino", "elicit-pref", "clarify", "follow_up", "asks what the other wants, to settle it"
    ),
    _line("casino", "non-strategic", "", "clarify", "what is left: some of it asks"),
    _line(
        "casino",
        "small-talk",
        "",
        "clarify",
        "greetings, which ask (how are you?) and want nothing",
    ),
    _line("casino", "other-need", "", "clarify", "speaks of the other's needs, in part by asking"),
)
"""Every native label that says something of an act; one that is not here shows none."""

JUDGED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "mrda": frozenset(LEARNED),
        "molweni": frozenset({"acknowledge", "clarify", "follow_up", "correct_other"}),
        "tiage": frozenset({"topic_open"}),
        "cima": frozenset({"acknowledge", "correct_other"}),
        "star": frozenset({"check", "align", "clarify", "huh", "correct_other"}),
        "casino": frozenset({"clarify"}),
    }
)
"""The acts that each corpus judges."""


def judged(corpus: str, speaker: str, labels: Sequence[str]) -> dict[str, bool]:
    """What a turn's native labels say: each act that is judged of it, and whether it does it.

    Of a turn without labels nothing is known. Quoted speech (`q:` in MRDA) is not the speaker's.
    """
    if not labels:
        return {}
    lines = [line for label in labels if (line := _first(corpus, label)) is not None]
    shown = {act for line in lines for act in line.shows}
    unknown = {act for line in lines for act in line.open} - shown
    found = {act: act in shown for act in JUDGED[corpus] if act not in unknown}
    if corpus == "cima":
        student = speaker == "student"
        found.pop("correct_other" if student else "acknowledge", None)
    return found


def _first(corpus: str, label: str) -> Native | None:
    return next((n for n in NATIVE if n.corpus == corpus and fnmatchcase(label, n.label)), None)
