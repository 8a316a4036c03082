"""Summaries with citations, generated without end; the verifier looks for what was planted.

After the summary task of Lost in Conversation (Laban et al. 2025, arXiv 2505.06120), which is made
from SummHay (Laban et al. 2024, arXiv 2407.01370): short documents hold insights, each a claim with
a name and a figure, and a query asks for those on one topic, with the documents that say so.
Training and held-out documents differ in themes, topics, names and wordings. The score is SummHay's
joint score with three rules against copying, which `uptake.domains.summary.scoring` states.

This package knows nothing of models, or of how the documents are handed over in turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from uptake.domains import seeded
from uptake.domains.summary.bullets import bullets
from uptake.domains.summary.documents import Document, Dossier, draw, idle
from uptake.domains.summary.readings import as_told, changed, planted, withdrawn
from uptake.domains.summary.scoring import (
    Covers,
    Insight,
    Scores,
    insights_of,
    score,
    stated,
    untrue,
)
from uptake.instruction import Instruction, Shard, Verdict

__all__ = ["Summary", "instruction", "scores", "summary"]

_WISH = {
    "train": (
        "I have a few documents from {setting}. Summarise in bullets what they say about {topic}, "
        "one bullet for each finding, and cite the documents in brackets, as in [1] or [1, 3].",
        "Please write me a bulleted summary of what the documents from {setting} say about "
        "{topic}: a bullet for each finding, with the numbers of the documents in brackets "
        "behind it, like [2][4].",
    ),
    "heldout": (
        "What do these papers of {setting} tell us about {topic}? List it in bullets, a single "
        "finding in each, and put the numbers of the documents that state it in brackets at the "
        "end, such as [2] or [1][4].",
        "From the papers of {setting} I need an overview of {topic}, as a list with one finding "
        "per bullet. Every bullet should name its documents in brackets, for example [1, 2].",
    ),
}
_MORE = {
    "train": "I hand you the documents as I find them; always give the whole summary.",
    "heldout": "The papers will come bit by bit; keep the list complete with each of them.",
}
_HERE = {
    "train": ("Here is what I found:", "This came in as well:", "The next part:"),
    "heldout": ("More for the list:", "From the same pile:", "Another bit:"),
}
_LIMIT = {
    "train": "Write exactly {n} bullets.",
    "heldout": "The list should have {n} bullets in all.",
}
_CHECK = {
    "train": "Do the documents say that {claim}?",
    "heldout": "Do the papers say that {claim}?",
}
_MOST_SHARDS = 8
_RUBRIC = """\
The reference lists insights, one a line, each with the numbers of the documents that hold it in
brackets. For each insight find the bullet of the reply that states it best; a bullet counts for
one insight only. Coverage is 1 where the bullet states all of the insight, 0.5 where it states a
part, and 0 where no bullet does. Citation is the F1 of the documents which that bullet cites,
against those of the insight. The score is the mean over all insights of coverage times citation."""


def instruction(dossier: Dossier, rng: Random, ident: str) -> Instruction:
    """Tell a dossier as an instruction: shard 0 is the query, most others hand over documents."""
    split = dossier.split
    wish = rng.choice(_WISH[split]).format(setting=dossier.theme.setting, topic=dossier.topic.name)
    wanted = len(dossier.relevant)
    limited = rng.random() < 0.4
    limit = [_limit(split, wanted, rng)] if limited else []
    groups = _groups(dossier.documents, _MOST_SHARDS - 1 - len(limit), rng)
    found = [_handover(dossier, group, rng.choice(_HERE[split])) for group in groups]
    for extra in limit:
        found.insert(rng.randint(0, len(found)), (extra, {}))
    shards = [shard for shard, _ in found]
    answer, wanted_of = as_told(dossier.relevant)
    asked = " ".join([wish, *(extra.text for extra in limit)])
    papers = "\n\n".join(document.text() for document in dossier.documents)
    last = rng.random() < 0.5
    meta: dict[str, Any] = {
        "theme": dossier.theme.name,
        "topic": dossier.topic.name,
        "split": split,
        "asked": "last" if last else "first",
        "documents": len(dossier.documents),
        "distracting": [planted(plant) for plant in dossier.distracting],
        **wanted_of,
        **{
            reading: {str(i): o[reading] for i, (_, o) in enumerate(found, 1) if reading in o}
            for reading in ("revised", "withdrawn")
        },
        "gaps": _gaps(shards),
        "distractor": _idle(dossier, Random(f"{ident}/aside")),
    }
    return Instruction(
        ident,
        "summary",
        full=f"{papers}\n\n{asked}" if last else f"{asked}\n\n{papers}",
        shards=(Shard(f"{wish} {_MORE[split]}"), *shards),
        answer=answer,
        meta=meta,
    )


def _gaps(shards: Sequence[Shard]) -> list[int]:
    """The shards, the intent being 0, that leave a gap in the numbers of the documents.

    Nobody can know that the last documents are lacking, or that the bullets should be so many.
    """
    papers = [i for i, shard in enumerate(shards, 1) if "\n\n" in shard.text]
    return [i for i in papers[:-1] if shards[i - 1].needed]


def _idle(dossier: Dossier, rng: Random) -> str:
    """One more document, in which there is nothing."""
    document = idle(dossier.theme, len(dossier.documents) + 1, rng)
    return f"{rng.choice(_HERE[dossier.split])}\n\n{document.text()}"


def _limit(split: str, wanted: int, rng: Random) -> Shard:
    """The number of bullets, which is that of the findings.

    Another number has no one right summary, and the score does not depend on it: nothing is
    `revised` or `withdrawn`.
    """
    other = rng.choice([n for n in range(2, 8) if n != wanted])
    return Shard(
        _LIMIT[split].format(n=wanted),
        quantity="how many bullets the summary has",
        value=str(wanted),
        contradicted=_LIMIT[split].format(n=other),
    )


def _groups(documents: Sequence[Document], most: int, rng: Random) -> list[Sequence[Document]]:
    """The documents by one or two, in their order, in no more than `most` groups."""
    while True:
        groups: list[Sequence[Document]] = []
        at = 0
        while at < len(documents):
            size = rng.randint(1, 2)
            groups.append(documents[at : at + size])
            at += size
        if len(groups) <= most:
            return groups


def _handover(
    dossier: Dossier, group: Sequence[Document], here: str
) -> tuple[Shard, dict[str, Any]]:
    """A shard of documents with what is known of a relevant insight in it; its other readings.

    An insight is preferred that stands in these documents alone. Of one that others state, too, a
    changed figure would leave them at odds, so that no answer is `revised`. Documents that hold
    nothing relevant have nothing that could be changed.
    """
    text = "\n\n".join([here, *(document.text() for document in group)])
    plants = [one.plant for document in group for one in document.statements if one.plant]
    if not plants:
        return Shard(text, needed=False), {}
    numbers = {document.number for document in group}
    alone = [plant for plant in plants if set(plant.documents) <= numbers]
    plant = (alone or plants)[0]
    at, figure = next(
        (document.number, one.figure)
        for document in group
        for one in document.statements
        if one.plant == plant
    )
    other = changed(dossier.relevant, plant) if alone else None
    without = withdrawn(dossier.relevant, plant)
    check = _CHECK[dossier.split]
    shard = Shard(
        text,
        quantity=f"{plant.quantity}, as document {at} says",
        value=figure,
        contradicted="\n\n".join(document.text(changed=plant) for document in group),
        ambiguous="\n\n".join([here, *(document.text(numbered=False) for document in group)]),
        revised=other[0] if other else None,
        withdrawn=without[0],
        claim=plant.clause(plant.number),
        check=check.format(claim=plant.clause(plant.number)),
        false_claim=plant.clause(plant.other),
        false_check=check.format(claim=plant.clause(plant.other)),
    )
    readings = {"withdrawn": without[1]} | ({"revised": other[1]} if other else {})
    return shard, readings


def scores(instruction: Instruction, reply: str, covers: Covers = stated) -> Scores | None:
    """Coverage, citation and joint score of a reply; None where it commits to nothing.

    None, too, where the instruction's insights are missing or, with the rule `stated`, lack the
    details that the rule looks for.
    """
    insights = _known(instruction, covers)
    return None if insights is None else score(insights, reply, covers)


def _known(instruction: Instruction, covers: Covers) -> Sequence[Insight] | None:
    """The insights, where `covers` can say whether a bullet covers them."""
    insights = insights_of(instruction.meta)
    if insights is None or (covers is stated and not all(one.details for one in insights)):
        return None
    return insights


class Summary:
    """The summary domain. `covers` says how far a bullet covers an insight.

    Unless given, the insight's key details are looked for in the bullet. `rubric` is what a judge
    is told, where one scores the replies instead.
    """

    name = "summary"
    rubric = _RUBRIC

    def __init__(self, covers: Covers = stated) -> None:
        self.covers = covers

    def generate(self, n: int, *, seed: int = 0, split: str = "heldout") -> list[Instruction]:
        """`n` instructions; the same for the same seed and split ("train" or "heldout").

        Raises ValueError for another split.
        """

        def make(rng: Random, ident: str) -> Instruction:
            return instruction(draw(rng, split), rng, ident)

        return seeded(self.name, n, seed, split, make)

    def caveat(self, instruction: Instruction) -> str | None:
        """That its insights cannot be looked for; None where they can."""
        if _known(instruction, self.covers) is not None:
            return None
        return (
            "without a score: whether a bullet covers an insight is for a model to judge; "
            "give one with --judge MODEL"
        )

    def guess(self, said: Sequence[str]) -> str:
        """A bullet that fits any documents."""
        return "- There were 12 of them. [1]"

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """The joint score; None, for any reply, where the insights cannot be looked for.

        0 where a bullet states what is untrue (see `scoring`). A reply without a bullet, or without
        a sentence that cites, commits to nothing: 0.
        """
        insights, given = _known(instruction, self.covers), bullets(reply)
        answer = "\n".join(map(str, given)) if given else None
        if insights is None:
            return Verdict(None, answer)
        found = score(insights, reply, self.covers)
        if found is None or untrue(instruction.meta, reply):
            return Verdict(0.0, answer)
        return Verdict(found.joint, answer)


summary = Summary()
