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
from uptake.domains.summary.documents import Document, Dossier, Plant, draw
from uptake.domains.summary.scoring import Covers, Insight, Scores, insights_of, score, stated
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
    shards = [_handover(group, rng.choice(_HERE[split])) for group in groups]
    for extra in limit:
        shards.insert(rng.randint(0, len(shards)), extra)
    asked = " ".join([wish, *(extra.text for extra in limit)])
    papers = "\n\n".join(document.text() for document in dossier.documents)
    last = rng.random() < 0.5
    meta: dict[str, Any] = {
        "theme": dossier.theme.name,
        "topic": dossier.topic.name,
        "split": split,
        "asked": "last" if last else "first",
        "documents": len(dossier.documents),
        "insights": [_planted(plant) for plant in dossier.relevant],
        "distracting": [_planted(plant) for plant in dossier.distracting],
    }
    return Instruction(
        ident,
        "summary",
        full=f"{papers}\n\n{asked}" if last else f"{asked}\n\n{papers}",
        shards=(Shard(f"{wish} {_MORE[split]}"), *shards),
        answer="\n".join(_gold(plant) for plant in dossier.relevant),
        meta=meta,
    )


def _limit(split: str, wanted: int, rng: Random) -> Shard:
    """The number of bullets, which is that of the findings."""
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


def _handover(group: Sequence[Document], here: str) -> Shard:
    """A shard of documents; what is known of it is the first relevant figure in it."""
    texts = [document.text() for document in group]
    text = "\n\n".join([here, *texts])
    unnumbered = [document.text(numbered=False) for document in group]
    for i, document in enumerate(group):
        if (said := document.first) is not None:
            changed = [*texts[:i], document.text(changed=True), *texts[i + 1 :]]
            return Shard(
                text,
                quantity=f"{said.quantity}, as document {document.number} says",
                value=said.figure,
                contradicted="\n\n".join([here, *changed]),
                ambiguous="\n\n".join([here, *unnumbered]),
            )
    return Shard(text, needed=False)


def _planted(plant: Plant) -> dict[str, Any]:
    details: list[dict[str, Any]] = [{"names": list(plant.names)}, {"number": plant.number}]
    details += [{"names": [plant.option]}] if plant.option else []
    return {"text": plant.text, "documents": list(plant.documents), "details": details}


def _gold(plant: Plant) -> str:
    return f"- {plant.text} [{', '.join(str(number) for number in plant.documents)}]"


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

    def verify(self, instruction: Instruction, reply: str) -> Verdict:
        """The joint score; None, for any reply, where the insights cannot be looked for.

        A reply without a bullet, or without a sentence that cites, commits to nothing: 0.
        """
        insights, given = _known(instruction, self.covers), bullets(reply)
        found = None if insights is None else score(insights, reply, self.covers)
        answer = "\n".join(map(str, given)) if given else None
        if insights is None:
            return Verdict(None, answer)
        return Verdict(0.0 if found is None else found.joint, answer)


summary = Summary()
