"""What a reply does to the common ground, read off its words: the acts of one turn.

An `Annotator` says which acts a reply performs, each with the piece of the reply that performs
it. `RuleAnnotator` is the one that ships: patterns of English, no model, the same answer every
time. Whatever else keeps to the protocol (a trained classifier, say) can stand in its place.

The words alone are read, so nothing here knows whether an answer is right, whether a correction is
true, or whether a question was worth asking. How often the rules are right: docs/acts.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar, Protocol

from uptake import signs
from uptake.conversation import Conversation
from uptake.questions import offers, questions
from uptake.sentences import Sentence, heard, plain, sentences, shown

__all__ = ["ACTS", "ASKING", "Act", "Annotator", "RuleAnnotator", "names"]

ACTS: Mapping[str, str] = MappingProxyType(
    {
        "acknowledge": "signals understanding, adds nothing",
        "display": "restates what was understood",
        "check": "offers a candidate reading, wants yes or no",
        "align": "asks whether the partner understood",
        "clarify": "asks about a specific part",
        "huh": "signals non-understanding",
        "follow_up": "seeks more, presumes understanding",
        "repair_self": "mends the speaker's own earlier turn",
        "repair_third": "mends a misreading that the partner's reply showed",
        "correct_other": "corrects the partner's claim or presupposition",
        "reject": "disagrees or declines",
        "repeat": "asks again after a failure",
        "reference_repair": "re-fixes what an expression refers to",
        "topic_open": "opens a new topic",
        "topic_return": "resumes an earlier topic",
        "topic_handoff": "bridges to another topic",
        "cancel": "withdraws a contribution",
        "presume": "commits to one reading without evidence",
        "commit": "gives an answer, or does what was asked",
        "offer": "offers more help",
        "refuse": "will not or cannot do what was asked",
    }
)
"""Every act there is a word for. `RuleAnnotator` looks for some of them (`RuleAnnotator.finds`)."""

ASKING = frozenset({"check", "clarify", "huh", "follow_up"})
"""The acts that want information from the user; `questions` finds the sentences."""

_LATELY = 3  # messages of the user's whose words a reply may give back or deny
# What speaks the reply's own mind gives nothing back.
_OWN_VIEW = frozenset({"correct_other", "refuse", "reject", "repair_self", "offer", "huh"})


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a reply does: its name in `ACTS`, and the piece of the reply that does it.

    `said` is verbatim. It is what a question is about, what was acknowledged, what was committed
    to. "" where an annotator judges a reply as a whole.
    """

    name: str
    said: str = ""


class Annotator(Protocol):
    """Says what a reply does."""

    def acts(self, reply: str, context: Conversation) -> tuple[Act, ...]:
        """The acts of `reply`, as a reply to `context`: all that was said before it."""
        ...


def names(acts: Sequence[Act]) -> frozenset[str]:
    """The names alone: what a reply does, however often."""
    return frozenset(act.name for act in acts)


@dataclass(frozen=True, slots=True)
class RuleAnnotator:
    """Acts by patterns of English. Never raises; an empty reply does nothing.

    What is quoted or code says nothing, and a question that repeats the user's asks nothing.
    """

    finds: ClassVar[frozenset[str]] = ASKING | frozenset(
        "acknowledge commit correct_other display offer presume refuse reject repair_self"
        " topic_return".split()
    )

    def acts(self, reply: str, context: Conversation) -> tuple[Act, ...]:
        """The acts of `reply` in the order of its sentences; last, the answer it commits to."""
        return self.answering(reply, context.said_by("user"))

    def answering(self, reply: str, said: Sequence[str]) -> tuple[Act, ...]:
        """`acts` of a reply to who has said this, turn by turn."""
        turn = _turn(reply, said)
        found: list[Act] = []
        content: list[tuple[Sentence, bool]] = []  # may answer; whether it does something else too
        for index, sentence in enumerate(turn.sentences):
            done = _done(turn, index)
            found += [Act(name, sentence.text) for name in sorted(done)]
            if not done & (ASKING | {"offer", "refuse"}) and not _filler(turn, index):
                busy = done - {"presume", "topic_return"}
                if busy == {"acknowledge"} and _goes_on(sentence.read):
                    busy = busy - {"acknowledge"}
                content.append((sentence, bool(busy)))
        answer = _answer(turn, content, names(found))
        if answer is None:
            return tuple(found)
        # A candidate reading that is acted on before the user could say yes.
        early = [Act("presume", act.said) for act in found if act.name == "check"]
        return (*found, *early, Act("commit", answer))


@dataclass(frozen=True, slots=True)
class _Turn:
    """A reply with what its sentences are judged by."""

    reply: str
    sentences: tuple[Sentence, ...]
    asks: frozenset[str]
    offers: frozenset[str]
    last: str  # what the user said last
    told: frozenset[str]  # stems of what the user has said lately
    lost: bool  # it says that it did not understand
    refused: bool  # it says that it will not
    repaired: bool  # it takes back something of its own
    moved: bool  # it opens with a feeling about what the user told


def _turn(reply: str, said: Sequence[str]) -> _Turn:
    found = sentences(reply)
    if "?" in reply:
        echoed = heard(said)
        found = tuple(sentence for sentence in found if not _echo(sentence, echoed))
    reads = [sentence.read for sentence in found]
    return _Turn(
        reply,
        found,
        frozenset(questions(reply, said)),
        frozenset(offers(reply)),
        said[-1].strip().lower().replace("’", "'") if said else "",
        frozenset[str]().union(*(_stems(text.lower()) for text in said[-_LATELY:])),
        any(map(signs.HUH.search, reads)),
        any(map(signs.REFUSE.search, reads)),
        any(map(signs.REPAIR.search, reads)),
        bool(found) and bool(signs.MOVED.search(reads[0])),
    )


def _filler(turn: _Turn, index: int) -> bool:
    """Whether a sentence says nothing: a greeting, a feeling, the number of a list's item."""
    low = turn.sentences[index].read
    if index == 0 and low.strip(" .").isdigit():
        return low.strip(" .") == "1"
    return bool(signs.FILLER.search(low)) or (index == 0 and turn.moved)


def _goes_on(low: str) -> bool:
    """Whether a sentence that opens with thanks goes on to state something."""
    rest = signs.ACKNOWLEDGE.sub("", low, count=1).lstrip(" ,;:.!-")
    return len(_stems(rest)) > 1 and bool(signs.VERB.search(rest) and not signs.FILLER.search(rest))


def _echo(sentence: Sentence, echoed: frozenset[str]) -> bool:
    """Whether a sentence only repeats a question of the user's."""
    return "?" in sentence.text[-4:] and plain(sentence.text) in echoed


def _done(turn: _Turn, index: int) -> set[str]:
    """What one sentence does; nothing where it is plain content."""
    sentence, low = turn.sentences[index], turn.sentences[index].read
    done = {name for name, rule in signs.BESIDE.items() if rule.search(low)}
    if index == 0 and signs.ACKNOWLEDGE.search(low):
        done.add("acknowledge")
    main = _main(turn, sentence, index)
    if main in ASKING:
        done.discard("presume")
    if main == "reject" and _corrects(turn, low, index):
        done.add("correct_other")
    if "presume" not in done and _displays(turn, index, main):
        done.add("display")
    return done | ({main} if main else set())


def _main(turn: _Turn, sentence: Sentence, index: int) -> str | None:
    """The one thing that a sentence is for, the surest signs first."""
    low = sentence.read
    if sentence.text in turn.asks:
        # What is asked after a refusal is whether something else would do.
        instead = turn.refused and signs.INSTEAD.search(low) and not signs.WH.match(low)
        return "offer" if instead else _asking(turn, low)
    if signs.YOU_MEAN.search(low):  # the reply goes on without waiting for a yes
        return "check"
    found = {
        "huh": signs.HUH.search(low),
        "follow_up": signs.CURIOUS.search(low),
        "offer": sentence.text in turn.offers,
        "reject": signs.REJECT.search(low),
        "refuse": signs.REFUSE.search(low),
        "repair_self": signs.REPAIR.search(low),
        "correct_other": _corrects(turn, low, index),
    }
    return next((name for name, sign in found.items() if sign), None)


def _asking(turn: _Turn, low: str) -> str:
    """Which of the acts that ask a sentence is, given that it asks."""
    specific = signs.WH.search(low)
    if signs.HUH.search(low) or (turn.lost and not specific):
        return "huh"
    if signs.CURIOUS.search(low) or (turn.moved and "?" in low):
        return "follow_up"
    if signs.TAG.search(low):
        return "check"
    if signs.CHOICE.search(low):
        return "clarify"
    if signs.READING.search(low):
        return "check"
    # "Three boxes?" has the words of a statement: it wants a yes or a no.
    return "clarify" if specific or signs.INVERTED.search(low) or "?" not in low[-4:] else "check"


def _corrects(turn: _Turn, low: str, index: int) -> bool:
    """Whether a sentence corrects the user: by a sign, or by denying what they said."""
    yes_or_no = bool(signs.INVERTED.search(turn.last))
    if turn.repaired:
        return False
    if signs.CORRECT.search(low) or (index == 0 and not yes_or_no and signs.NO.search(low)):
        return True
    # Later on, a denial is part of an explanation; so is one in a reason or an aside.
    if index > 1 or yes_or_no or signs.NOT.search(turn.last):
        return False
    if not signs.NOT.search(low) or signs.REASONS.search(low):
        return False
    words = _stems(low)
    shared = len(words & turn.told)
    return shared >= 2 or (shared > 0 and 2 * shared >= len(words))


def _displays(turn: _Turn, index: int, main: str | None) -> bool:
    """Whether a sentence gives back what the user said: by a sign, or in the user's own words."""
    low = turn.sentences[index].read
    if main in _OWN_VIEW or ("?" in low[-4:] and main not in ASKING):
        return False
    if signs.DISPLAY.search(low):
        return True
    if (
        main is not None
        or signs.QUESTION.search(turn.last)
        or signs.NOT.search(low)
        or signs.RESULT.search(low)
    ):
        return False
    if index > 1 or signs.VERB.search(low) or signs.CODE.search(low):
        return False
    words = _stems(signs.ACKNOWLEDGE.sub("", low, count=1))
    shared = len(words & turn.told)
    if 2 * shared < max(len(words), 1) or not _numbers(low) <= turn.told:
        return False
    # "Got it, 12 eggs." or "12 eggs, 5 broken.": after thanks, or with no verb of its own.
    nearby = turn.sentences[max(index - 1, 0) : index + 1]
    thanked = any(signs.ACKNOWLEDGE.search(each.read) for each in nearby)
    return thanked or shared > 1


def _answer(
    turn: _Turn, content: Sequence[tuple[Sentence, bool]], done: frozenset[str]
) -> str | None:
    """The piece of a reply that commits to an answer; None where it commits to none.

    `content` is each sentence that may, and whether it does something else as well.
    """
    results = [
        each.text
        for each, _ in content
        if signs.RESULT.search(each.read) and not signs.SUPPOSED.search(each.read)
    ]
    if results:
        return results[-1]
    if done & {"clarify", "huh", "check", "refuse", "reject"}:
        return None
    if (code := shown(turn.reply)) and not done & ASKING:
        return code[-1]
    if "correct_other" in done:
        return next((each.text for each, _ in content if signs.ADVICE.search(each.read)), None)
    return next((each.text for each, busy in reversed(content) if not busy), None)


@lru_cache(maxsize=1024)  # what the user said is asked for at each of the next replies
def _stems(low: str) -> frozenset[str]:
    """The content words of a text, cut to their first letters so that kin are equal."""
    words = re.findall(r"[^\W_]+", re.sub(r"'\w+", "", low))
    return frozenset(word[:5] for word in words if word not in signs.COMMON)


def _numbers(low: str) -> frozenset[str]:
    return frozenset(word for word in _stems(low) if word.isdigit())
