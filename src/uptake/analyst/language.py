"""A language pack: the words by which a user's turn is understood, from a data file.

A pack is `languages/CODE.toml`, or a file of your own; it is read when it is first needed, and
its patterns are compiled once. What follows from a match is for the modules that read the pack to
say. `docs/ground.md` says what a pack holds and how to add one.

This module knows nothing of ledgers or of English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from uptake.errors import UptakeError
from uptake.sieve import Sieve, Sign

__all__ = ["ENGLISH", "Language", "Pack", "Phrase", "Pointer"]

FOLDER = Path(__file__).parent / "languages"

# What is put in another's place: a few words, a number with its signs among them.
_PHRASE = r"(?:[$€£]?[\w'][\w'.,:/%°-]*(?<![.,:])%?(?: [$€£]?[\w'][\w'.,:/%°-]*(?<![.,:])%?){0,3}?)"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern that may be looked for anywhere, or at one place only.

    `cues` only save time: one of them stands in whatever the pattern matches, if there are any.
    """

    pattern: re.Pattern[str] | Sign
    cues: tuple[str, ...] = ()

    def at(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its match that begins at `start`."""
        if self.cues and not _stands(self.cues, text):
            return None
        return self.pattern.match(text, start)

    def within(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its first match from `start` on."""
        if self.cues and not _stands(self.cues, text):
            return None
        return self.pattern.search(text, start)

    def each(self, text: str) -> Iterator[re.Match[str]]:
        """Its matches in order."""
        return self.pattern.finditer(text)

    def all_of(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Its match from `start` to the end of the text."""
        if self.cues and not _stands(self.cues, text):
            return None
        return self.pattern.fullmatch(text, start)


def _stands(cues: Sequence[str], text: str) -> bool:
    return any(map(text.__contains__, cues))


@dataclass(frozen=True, slots=True)
class Pointer:
    """Words that point at something, and the shape of what they point at."""

    kind: str
    words: Phrase


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it is used: sets of words, numbers by their names, patterns compiled.

    `phrases` holds a pattern by its place in the file (`withdraw.weak`), `lists` several.
    """

    stop: frozenset[str]
    glue: frozenset[str]
    additive: frozenset[str]
    one: frozenset[str]
    one_after: frozenset[str]
    meta: frozenset[str]
    signal: frozenset[str]
    undo: frozenset[str]
    was: frozenset[str]
    now: frozenset[str]
    sequence: frozenset[str]
    places: frozenset[str]
    talkers: frozenset[str]
    sources: frozenset[str]
    apart: frozenset[str]
    anaphors: frozenset[str]
    mine: frozenset[str]
    deictic: frozenset[str]
    indefinite: frozenset[str]
    dayhalf: frozenset[str]
    joins_numbers: frozenset[str]
    negations: frozenset[str]
    enders: frozenset[str]
    things: frozenset[str]
    last: frozenset[str]
    other: frozenset[str]
    same: Mapping[str, str]
    endings: tuple[tuple[str, str, int], ...]
    numbers: Mapping[str, float]
    scales: Mapping[str, float]
    ordinals: Mapping[str, int]
    sets: Mapping[str, str]
    phrases: Mapping[str, Phrase]
    lists: Mapping[str, tuple[Phrase, ...]]
    cues: Mapping[str, tuple[str, ...]]
    pointers: tuple[Pointer, ...]
    valued: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Gather the words that can begin a value."""
        words = (self.numbers, self.scales, self.ordinals, self.sets)
        object.__setattr__(self, "valued", frozenset[str]().union(*words))

    def __getitem__(self, place: str) -> Phrase:
        return self.phrases[place]

    def among(self, place: str, text: str) -> tuple[Phrase, ...]:
        """The patterns of a list that may match in `text`: none where it has no cue of theirs."""
        cues = self.cues.get(place)
        return self.lists[place] if not cues or _stands(cues, text) else ()


class Language(NamedTuple):
    """A language by its code, or by a pack of your own at `path`."""

    code: str
    path: Path | None = None

    @property
    def file(self) -> Path:
        """Where its pack lies."""
        return self.path or FOLDER / f"{self.code}.toml"

    @property
    def pack(self) -> Pack:
        """Its pack. Raises UptakeError where there is none, or where it is not whole."""
        return _pack(self)


ENGLISH = Language("en")
"""The language that uptake speaks."""


@cache
def _pack(language: Language) -> Pack:
    path = language.file
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise UptakeError(
            f"no language pack {path}: choose from {known}, or write one (docs/ground.md)"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UptakeError(f"language pack {path}: not TOML: {error}") from error
    try:
        return _compiled(data)
    except KeyError as error:
        raise UptakeError(
            f"language pack {path}: {error} is missing; languages/en.toml has all"
        ) from error
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise UptakeError(f"language pack {path}: {error}") from error


def _compiled(data: Mapping[str, Any]) -> Pack:
    lead, withdraw, topic = data["lead"], data["withdraw"], data["topic"]
    goal, social = data["goal"], data["social"]
    phrases = {
        "lead.soft": _phrase(_any(lead["soft"]) + r"(?!\w)"),
        "lead.plain": _phrase(_any(lead["plain"]) + r"(?!\w)"),
        "lead.mild": _phrase(_any(lead["mild"]) + r"(?!\w)"),
        "lead.sure": _phrase(_any(lead["sure"]) + r"(?!\w)"),
        "lead.filler": _phrase(_any(lead["filler"]) + r"(?!\w)"),
        "lead.trail": _phrase(lead["trail"]),
        "lead.wrong": _phrase(lead["wrong"]),
        "contrast.parts": _phrase(data["contrast"]["parts"]),
        "social.phrase": _phrase(_any(social["phrases"]) + r"(?!\w)"),
        "social.talk": _phrase(_any(social["talk"])),
        "topic.open": _phrase(r"\W*" + _any(topic["open"]) + r"(?!\w)"),
        **{f"withdraw.{name}": _phrase(withdraw[name]) for name in _WITHDRAW},
        **{f"topic.{name}": _phrase(topic[name]) for name in ("again", "several", "label")},
        **{f"social.{name}": _phrase(social[name]) for name in _SOCIAL},
        **{f"goal.{name}": _phrase(goal[name]) for name in _GOAL},
        **{f"clause.{name}": _phrase(data["clause"][name]) for name in ("cut", "part")},
        **{f"presuppose.{name}": _phrase(data["presuppose"][name]) for name in ("before", "ends")},
        **{f"point.{name}": _phrase(data["point_words"][name]) for name in ("ask_only", "empty")},
    }
    cues = {str(place): _cues(words) for place, words in data["cues"].items()}
    sieves = [(Sieve(), places) for places in _SIEVED]
    phrases |= {
        place: Phrase(sieve.sign(str(phrases[place].pattern.pattern)))
        for sieve, places in sieves
        for place in places
    }
    phrases = {
        place: replace(phrase, cues=cues.get(place, ())) for place, phrase in phrases.items()
    }
    lists: dict[str, tuple[Phrase, ...]] = {
        **{
            f"contrast.{name}": _phrases(data["contrast"][name], data["contrast"]["after"])
            for name in ("sure", "opened", "values")
        },
        "contrast.anywhere": _phrases(data["contrast"]["anywhere"]),
        "withdraw.sure": _phrases(withdraw["sure"]),
        "topic.back": _phrases(topic["back"]),
    }
    return Pack(
        stop=_words(data["stop"]),
        glue=_words(data["glue"]),
        additive=_words(data["additive"]),
        one=frozenset(data["one"]),
        one_after=_words(data["one_after"]),
        meta=_words(lead["meta"]) | _words(lead["signal"]) | _words(data["stop"]),
        signal=_words(lead["signal"]),
        undo=_words(lead["undo"]),
        was=_words(data["contrast"]["was"]),
        now=_words(data["contrast"]["now"]),
        sequence=_words(lead["sequence"]),
        places=_words(lead["places"]),
        talkers=_words(lead["talkers"]),
        sources=_words(data["sources"]),
        apart=_words(data["apart"]),
        anaphors=_words(data["anaphors"]),
        mine=_words(data["mine"]),
        deictic=_words(data["deictic"]),
        indefinite=frozenset(data["indefinite"]),
        dayhalf=frozenset(data["dayhalf"]),
        joins_numbers=frozenset(data["joins_numbers"]),
        negations=frozenset(data["negations"]),
        enders=_words(topic["enders"]),
        things=_words(topic["thing"]),
        last=_words(data["point_words"]["last"]),
        other=_words(data["point_words"]["other"]),
        same={str(word): str(other) for word, other in data["same"].items()},
        endings=tuple((str(end), str(put), int(least)) for end, put, least in data["endings"]),
        numbers={str(word): float(number) for word, number in data["numbers"].items()},
        scales={str(word): float(number) for word, number in data["scales"].items()},
        ordinals={str(word): int(number) for word, number in data["ordinals"].items()},
        sets={word: name for name, words in data["sets"].items() for word in words.split()},
        phrases=phrases,
        lists=lists,
        cues=cues,
        pointers=tuple(
            Pointer(each["kind"], _phrase(each["words"], cues.get(f"point.{each['kind']}", ())))
            for each in data["point"]
        ),
    )


# Long patterns that seldom match: what may match is asked of an automaton (`sieve`). The last two
# have one each: with the others they would make a large one.
_SIEVED = (
    (
        *("lead.trail", "lead.wrong", "withdraw.weak", "topic.open", "topic.several"),
        *("social.doubt", "social.telling", "social.announce", "goal.wants", "goal.prefers"),
    ),
    ("lead.sure",),
    ("social.talk",),
)
_WITHDRAW = ("weak", "weak_colon", "mine", "about", "last", "everything", "idiom")
_SOCIAL = ("doubt", "doubt_answer", "telling", "until_asked", "done", "announce")
_GOAL = ("asks", "orders", "wants", "prefers", "pasted", "go")


def _phrase(pattern: str, cues: tuple[str, ...] = ()) -> Phrase:
    pattern = pattern.replace("OLD", f"(?P<old>{_PHRASE})").replace("NEW", f"(?P<new>{_PHRASE})")
    return Phrase(re.compile(pattern), cues)


def _cues(text: str) -> tuple[str, ...]:
    """Pieces of text, in which a low line stands for a space."""
    return tuple(word.replace("_", " ") for word in text.split())


def _phrases(patterns: Sequence[str], after: str = "") -> tuple[Phrase, ...]:
    return tuple(_phrase(pattern + after) for pattern in patterns)


def _any(patterns: Sequence[str]) -> str:
    return "(?:" + "|".join(f"(?:{pattern})" for pattern in patterns) + ")"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
