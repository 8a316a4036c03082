"""How a summary is scored against the insights planted in its documents.

The measures are those of SummHay (Laban et al. 2024, arXiv 2407.01370): coverage of each insight
(1, 0.5 or 0), F1 of the documents cited where it is covered, and their product, the joint score.
There a model judges coverage; here the key details of each insight are known and looked for.
`Covers` is where such a judge could stand in.

So that copying does not pay, three rules of our own:

* a bullet counts for one insight at most, and an insight takes one bullet;
* a bullet of more than three times the words of the longest insight covers nothing;
* with more bullets than there are insights, the joint score is multiplied by insights / bullets.

A reply that states what is known to be untrue (`meta["untrue"]`: a figure that was corrected, an
insight that was taken back) scores 0, so that whoever does not take a correction up gets nothing.

This module knows nothing of how documents are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from uptake.domains.summary.bullets import Bullet, bullets, figures, words

__all__ = [
    "Covers",
    "Detail",
    "Insight",
    "Scores",
    "citation_f1",
    "insights_of",
    "score",
    "stated",
    "untrue",
]

_PARTIAL = 0.5
_LONGEST = 3
_OTHER_FIGURES = 1


@dataclass(frozen=True, slots=True)
class Detail:
    """What a bullet must state: a `number`, or one of `names` (spellings of the same thing)."""

    number: float | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Insight:
    """A claim, the documents that hold it, and its key details (none where nobody knows them)."""

    text: str
    documents: frozenset[int]
    details: tuple[Detail, ...] = ()


Covers = Callable[[Insight, str], float]
"""The coverage, from 0 to 1, of an insight by the text of one bullet (without its citations)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the relevant insights, in [0, 1], and what was counted.

    `coverage` and `citation` are before the penalty for surplus bullets, `joint` is after it;
    `citation` is the mean over covered insights (0 where none is). `unmatched` of the `bullets`
    were matched with no insight.
    """

    coverage: float
    citation: float
    joint: float
    bullets: int
    unmatched: int


def stated(insight: Insight, text: str) -> float:
    """1 where `text` states every key detail, 0.5 where at least half with a name, else 0.

    A text with more than one figure that the insight does not have guesses: it gets 0.5 at most.
    """
    said = f" {' '.join(words(text))} "
    numbers = set(figures(text))
    held = [_has(detail, said, numbers) for detail in insight.details]
    own = {detail.number for detail in insight.details if detail.number is not None}
    if held and all(held) and len(numbers - own) <= _OTHER_FIGURES:
        return 1.0
    named = any(h for h, detail in zip(held, insight.details, strict=True) if detail.names)
    return _PARTIAL if named and 2 * sum(held) >= len(held) else 0.0


def _has(detail: Detail, said: str, numbers: set[float]) -> bool:
    if detail.number is not None:
        return detail.number in numbers
    return any(f" {' '.join(words(name))} " in said for name in detail.names)


def citation_f1(cited: frozenset[int], holding: frozenset[int]) -> float:
    """F1 of the documents cited against those that hold the insight; 0 where none is cited."""
    right = len(cited & holding)
    return 2 * right / (len(cited) + len(holding)) if right else 0.0


def score(insights: Sequence[Insight], reply: str, covers: Covers = stated) -> Scores | None:
    """The scores of a reply; None where it commits to nothing. Raises ValueError for no insights.

    Insights and bullets are paired one to one, the pair of the highest joint score first.
    """
    if not insights:
        raise ValueError("there are no insights to score a summary by; plant one")
    given = bullets(reply)
    if not given:
        return None
    pairs = _pairs(insights, given, covers)
    coverage = sum(cover for cover, _ in pairs)
    joint = sum(cover * f1 for cover, f1 in pairs)
    spare = min(1.0, len(insights) / len(given))
    return Scores(
        coverage=coverage / len(insights),
        citation=sum(f1 for _, f1 in pairs) / len(pairs) if pairs else 0.0,
        joint=joint / len(insights) * spare,
        bullets=len(given),
        unmatched=len(given) - len(pairs),
    )


def _pairs(
    insights: Sequence[Insight], given: Sequence[Bullet], covers: Covers
) -> list[tuple[float, float]]:
    """Coverage and citation F1 of each covered insight, by the one bullet that it takes."""
    longest = _LONGEST * max(len(words(insight.text)) for insight in insights)
    found = [
        (cover, citation_f1(bullet.documents, insight.documents), i, b)
        for b, bullet in enumerate(given)
        if len(words(bullet.text)) <= longest
        for i, insight in enumerate(insights)
        if (cover := covers(insight, bullet.text)) > 0
    ]
    found.sort(key=lambda pair: (-pair[0] * pair[1], -pair[0], pair[2], pair[3]))
    taken: set[int] = set()
    used: set[int] = set()
    pairs: list[tuple[float, float]] = []
    for cover, f1, i, b in found:
        if i not in taken and b not in used:
            taken.add(i)
            used.add(b)
            pairs.append((cover, f1))
    return pairs


def untrue(meta: Mapping[str, Any], reply: str) -> bool:
    """Whether a bullet states something under "untrue" in an instruction's meta.

    Each item there has `names` and a `number`. A bullet that states one of the insights in full is
    no such one, whatever else it mentions.
    """
    insights = insights_of(meta) or ()
    for bullet in bullets(reply):
        said, numbers = f" {' '.join(words(bullet.text))} ", set(figures(bullet.text))
        named = [
            item
            for item in meta.get("untrue", ())
            if float(item["number"]) in numbers and _has(Detail(names=item["names"]), said, numbers)
        ]
        if named and not any(stated(one, bullet.text) == 1 for one in insights):
            return True
    return False


def insights_of(meta: Mapping[str, Any]) -> tuple[Insight, ...] | None:
    """The insights under "insights" in an instruction's meta; None where they cannot be read."""
    items: Any = meta.get("insights")
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        return None
    try:
        return tuple(_insight(item) for item in cast("Sequence[Any]", items))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _insight(item: Any) -> Insight:
    documents = frozenset(int(number) for number in item["documents"])
    details = tuple(_detail(one) for one in item.get("details", ()))
    if not words(item["text"]) or not documents:
        raise ValueError("an insight has words, and documents that hold it")
    return Insight(item["text"], documents, details)


def _detail(one: Mapping[str, Any]) -> Detail:
    if "number" in one:
        return Detail(number=float(one["number"]))
    names = tuple(one["names"])
    if isinstance(one["names"], str) or not names or not all(words(name) for name in names):
        raise ValueError("a detail is a number, or names with words in them")
    return Detail(names=names)
