"""`repair`: is a misreading mended when the user points it out, and does the mend last?

The model is made to have misread a request (its first reply is given to it), and the user says
what was meant (`third`: third-position repair); other questions follow, and then the first one
again. Or it misreads by itself (`chance`): where its own reply is wrong, the user says once more
what was told. Or the user does not follow: "Huh?" after the model's own answer (`huh`, an open
request), "Which one?" after a reply that left two answers standing (`which`, a restricted one).
After Schegloff 1992 and Dingemanse & Enfield 2015.

This module knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from uptake.instruction import Instruction
from uptake.measures import Metric
from uptake.probes.variants import Played, changeable, changed, pick, short, spoken, then, written
from uptake.scenario import Scenario, Told, bullets, question

__all__ = ["Repair", "repair"]

MEANT = ("No, I meant this:", "No, what I said was:", "You misread me.")
ONCE_MORE = ("So, once more: {question}", "And to come back to what I asked: {question}")
EITHER = "It is one of two: {}, or else {}."
LONG_EITHER = "It is one of two. Either this:\n\n{}\n\nOr else this:\n\n{}"
TOLD = ("No, that is not it. I said: {text}", "No, I meant what I told you: {text}")
ASIDE = ("Thanks, one moment.", "Good. Give me a second.")
HUH = ("Huh?", "Sorry, what?", "I do not follow.", "What do you mean?", "Come again?")


@dataclass(frozen=True, slots=True)
class Repair:
    """A misunderstanding, on either side."""

    name: str = "repair"
    conditions: tuple[str, ...] = ("third", "chance", "huh", "which")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is read off the episodes; see `docs/probes.md`."""
        return METRICS

    def scenarios(
        self, instruction: Instruction, other: Instruction | None = None
    ) -> list[Scenario]:
        """`instruction` under each condition; where no fact can be misread, `chance` and `huh`."""
        everything = tuple(range(len(instruction.shards)))
        asked = Told(instruction.full, everything, good=spoken(instruction))
        huh = pick(HUH, instruction.id, "huh")
        plans: dict[str, tuple[Told, ...]] = {
            "chance": (asked, _told_again(instruction)),
            "huh": (asked, Told(huh, (), good=spoken(instruction), poor=huh, move="repair")),
        }
        shard = changeable(instruction)
        if shard is not None:
            plans["third"] = _third(instruction, shard, asked)
            plans["which"] = _which(instruction, shard, asked)
        return [
            Scenario(
                instruction,
                condition,
                plans[condition],
                scripted=True,
                until_right=condition == "chance",
            )
            for condition in self.conditions
            if condition in plans
        ]


def _told_again(instruction: Instruction) -> Told:
    text = bullets([shard.text for shard in instruction.shards])
    words = pick(TOLD, instruction.id, "told").format(text=text)
    return Told(words, (), good=spoken(instruction), move="repair")


def _third(instruction: Instruction, shard: int, asked: Told) -> tuple[Told, ...]:
    """Asked and misread, mended, a word on something else, and asked again."""
    wrong = changed(instruction, shard)
    meant = then(pick(MEANT, instruction.id, "meant"), instruction.shards[shard].text)
    once_more = pick(ONCE_MORE, instruction.id, "once more")
    others = [s for i, s in enumerate(instruction.shards) if i != shard and s.check and s.claim]
    after = Told(
        meant, (), rival=wrong, good=spoken(instruction), poor=spoken(wrong), move="repair"
    )
    aside = Told(pick(ASIDE, instruction.id, "aside"), (), good="You are welcome.", move="hold")
    checks = [Told(s.check or "", (), yes=True, good=f"Yes, {s.claim}.") for s in others]
    return (
        replace(asked, made=spoken(wrong)),
        after,
        next(iter(checks), aside),
        replace(after, text=once_more.format(question=question(instruction)), move="answer"),
    )


def _which(instruction: Instruction, shard: int, asked: Told) -> tuple[Told, ...]:
    wrong = changed(instruction, shard)
    two = sorted((written(instruction), written(wrong)))
    words = EITHER if short(two[0]) else LONG_EITHER
    return (
        replace(asked, made=words.format(*two)),
        Told("Which one?", (), rival=wrong, good=spoken(instruction), poor=spoken(wrong)),
    )


def taken_up(played: Played) -> float | None:
    """The score of the reply to "No, I meant…"."""
    return played["third"].turns[1].score if "third" in played else None


def persists(played: Played) -> float | None:
    """The score when asked again two turns later; None where the repair was not taken up."""
    return played["third"].turns[-1].score if taken_up(played) == 1 else None


def reasks(played: Played) -> float | None:
    """Whether any reply after the misreading asks for what had been told."""
    if "third" not in played:
        return None
    return float(any(turn.about in turn.told for turn in played["third"].turns[1:] if turn.asked))


def mends_own(played: Played) -> float | None:
    """Of the model's own wrong answers, those that are right once all is said again."""
    if "chance" not in played or played["chance"].turns[0].score == 1:
        return None
    turns = played["chance"].turns
    return turns[1].score if len(turns) > 1 else None


def answers_huh(played: Played) -> float | None:
    """Whether "Huh?" gets the right answer. One that never was right counts, too: as a failure."""
    return played["huh"].turns[-1].score if "huh" in played else None


def answers_which(played: Played) -> float | None:
    """Whether "Which one?" is answered rightly."""
    return played["which"].turns[-1].score if "which" in played else None


METRICS = (
    Metric("taken_up", "third", taken_up, 'right after "No, I meant…"', headline=True),
    Metric("persists", "third", persists, "still right two turns later", pooled=True),
    Metric("reasks", "third", reasks, "asks again for what had been told"),
    Metric(
        "mends_own",
        "chance",
        mends_own,
        "of its own wrong answers, right after being told again",
        pooled=True,
    ),
    Metric(
        "answers_huh",
        "huh",
        answers_huh,
        'right after "Huh?"',
        headline=True,
    ),
    Metric("answers_which", "which", answers_which, 'settles on the right one after "Which one?"'),
)


repair = Repair()
