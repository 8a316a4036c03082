"""Turns about which the annotator is in doubt, put to a model before an audit.

The logs are read once to find them: how many there are is told, with tokens and price, before
anything is asked. Then they are asked about, each by itself, under the limits of a budget. Every
call is a line of `answers.jsonl` at once, so that whoever goes on pays for nothing twice; once all
is asked, `escalated.json` says so, and the audit reads the answers.

A model that fails, or that answers something else, leaves the annotator's own reading.

This module knows nothing of what an audit finds.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from uptake.audit.annotator import LearnedMarks
from uptake.audit.answers import (
    ANSWERS,
    NONSENSE,
    Called,
    Escalated,
    Talk,
    read_calls,
    talk_of,
)
from uptake.audit.doubts import DOUBT, Question, ask, decided, questions, schema
from uptake.audit.heard import listen
from uptake.audit.labels import Place, final, place, read_labels
from uptake.audit.redact import Mask
from uptake.audit.run import BATCH
from uptake.audit.setup import Setup, settings_of
from uptake.conversation import Conversation
from uptake.errors import UptakeError
from uptake.model import Model, ModelError, Sampling
from uptake.models.prices import Price
from uptake.run import Limits, check_price
from uptake.run.budget import Budget, LimitReachedError, metered
from uptake.run.lines import append, compare, hold, repair
from uptake.run.lines import replace as write
from uptake.run.plan import CHARACTERS_A_TOKEN
from uptake.run.progress import Progress
from uptake.seeds import stable_seed
from uptake.transcripts import Fault, Transcript, expanded, read_file
from uptake.transcripts.files import STDIN

__all__ = ["Doubted", "doubted", "escalate"]

STATE = "escalated.json"
TOKENS = 128  # the most of one reply
TOKENS_A_REPLY = 16  # what an answer commonly takes


@dataclass(slots=True)
class Doubted:
    """The turns in doubt of some logs: how many, of which acts, and what asking would take.

    `spool` holds the questions as lines; it is nowhere on disk by name.
    """

    spool: IO[bytes]
    conversations: int = 0
    turns: int = 0
    questions: int = 0
    asked: int = 0
    acts: Counter[str] = field(default_factory=Counter[str])
    tokens: int = 0

    def describe(self, model: Model, out: Path) -> str:
        """What would be asked, for a person."""
        left = self.questions - self.asked
        acts = ", ".join(f"{name} {count:,}" for name, count in self.acts.most_common())
        price: Price | None = getattr(model, "price", Price(0.0, 0.0))
        cost = "not known"
        if price is not None:
            cost = f"about ${price.cost(self.tokens, left * TOKENS_A_REPLY):,.2f}"
        return "\n".join(
            [
                f"{self.questions:,} of {self.turns:,} turns in {self.conversations:,} "
                f"conversations are in doubt, for {model.name}",
                f"acts        {acts or 'none'}",
                f"asked       {self.asked:,} are answered already and not counted below",
                f"calls       {left:,}",
                f"tokens      about {self.tokens:,} in, {left * TOKENS_A_REPLY:,} out",
                f"price       {cost}",
                f"estimates   {CHARACTERS_A_TOKEN} characters a token, {TOKENS_A_REPLY} tokens a "
                "reply",
                f"\nNothing was asked. Without --plan the answers go to {out / ANSWERS}.",
            ]
        )


@contextmanager
def doubted(setup: Setup, doubt: float = DOUBT) -> Generator[Doubted]:
    """Find the turns in doubt, but those that people labelled, and write their questions down.

    Raises:
        UptakeError: a log is not there, or is standard input, which cannot be read twice.
    """
    _check(setup, doubt)
    done = {(call.talk, call.turn) for call in _held(setup.out) if not call.failed}
    labelled = frozenset(final(read_labels(setup.labels))) if setup.labels else frozenset[Place]()
    with tempfile.TemporaryFile() as spool:
        found = Doubted(spool)
        work = partial(_doubts, setup.redact, doubt, labelled)
        for each in setup.in_order(work, _batches(setup)):
            found.conversations += each.conversations
            found.turns += each.turns
            for talk, question in each.questions:
                found.questions += 1
                if (talk, question.turn) in done:
                    found.asked += 1
                    continue
                found.acts.update(question.asked)
                found.tokens += -(-_length(ask(question)) // CHARACTERS_A_TOKEN)
                line = {"talk": talk, **asdict(question), "found": sorted(question.found)}
                spool.write(json.dumps(line).encode() + b"\n")
        yield found


def escalate(
    setup: Setup,
    model: Model,
    *,
    doubt: float = DOUBT,
    limits: Limits | None = None,
    show: bool = False,
) -> Setup:
    """Ask `model` about the turns in doubt, and give the setup of an audit that has its answers.

    Goes on where it was stopped; what was asked to the end is not asked again. The model is
    closed. `show` shows on standard error how far it is.

    Raises:
        UptakeError: as `doubted`; a cost limit without a price; the folder belongs to other
            settings, is in use, or cannot be written.
        ModelError: the model cannot be asked at all. What it answered is kept.
    """
    limits = limits or Limits()
    _check(setup, doubt)
    check_price(model, limits)
    files = expanded(setup.logs)
    settings = {**settings_of(setup, files), "model": model.name, "doubt": doubt}
    state = setup.out / STATE
    before = _state(setup.out, settings)
    if before is not None:
        asyncio.run(model.aclose())
        return replace(setup, escalated=before)
    try:
        setup.out.mkdir(parents=True, exist_ok=True)
        file = os.open(setup.out / ANSWERS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise UptakeError(f"cannot write {setup.out}: {error.strerror or error}") from error
    try:
        hold(file, setup.out)
        repair(file)  # of a line that a crash tore
        write(state, {"settings": settings, "done": None})
        with doubted(setup, doubt) as found:
            begun = Escalated(model.name, doubt, found.conversations, found.turns, found.questions)
            left = found.questions - found.asked
            with Progress(left, show=show and left > 0, what="turns asked about") as shown:
                stopped = asyncio.run(_asking(found, model, limits, file, setup.out, shown))
        done = _counted(begun, setup.out, stopped)
        write(state, {"settings": settings, "done": asdict(done)})
    except OSError as error:
        raise UptakeError(f"cannot write {setup.out}: {error.strerror or error}") from error
    finally:
        os.close(file)
    return replace(setup, escalated=done)


def _check(setup: Setup, doubt: float) -> None:
    if STDIN in setup.logs:
        raise UptakeError("--escalate reads the logs twice: name files in place of standard input")
    if not 0 <= doubt < 1:
        raise UptakeError(f"--doubt must be from 0 up to 1, not {doubt:g}")


def _state(out: Path, settings: dict[str, Any]) -> Escalated | None:
    """What came of asking that was done before; None where it is not done."""
    path = out / STATE
    if not path.exists():
        return None
    try:
        held = json.loads(path.read_bytes())
        compare(out, held["settings"], settings)
        return None if held["done"] is None else Escalated(**held["done"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UptakeError(
            f"{path}: not the state of asking a model ({error}); choose another --out"
        ) from error


def _held(out: Path) -> list[Called]:
    """The calls that were made before."""
    path = out / ANSWERS
    return list(read_calls(path)) if path.exists() else []


def _counted(begun: Escalated, out: Path, stopped: str | None) -> Escalated:
    calls = _held(out)
    last = {(call.talk, call.turn): call for call in calls}
    answered = sum(call.acts is not None for call in last.values())
    nonsense = sum(call.why == NONSENSE for call in last.values())
    failed = sum(call.failed for call in last.values())
    tokens, cost = calls[-1].spent if calls else (0, 0.0)
    return replace(
        begun,
        answered=answered,
        changed=sum(call.changed for call in last.values()),
        nonsense=nonsense,
        failed=failed,
        left=begun.doubted - answered - nonsense - failed,
        tokens=tokens,
        cost=cost,
        stopped=stopped,
    )


# What is in doubt


@dataclass(frozen=True)
class _Found:
    """What came of a batch of conversations."""

    conversations: int
    turns: int
    questions: list[tuple[Talk, Question]]


def _batches(setup: Setup) -> Iterator[list[Transcript]]:
    batch: list[Transcript] = []
    for file in expanded(setup.logs):
        for item in read_file(file, setup.form):
            if isinstance(item, Fault):  # the audit lists it
                continue
            batch.append(item)
            if len(batch) >= BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _doubts(
    redact: bool, doubt: float, labelled: frozenset[Place], batch: Iterable[Transcript]
) -> _Found:
    """The questions of a batch; this runs in whichever process."""
    transcripts = list(batch)
    heard = [listen(transcript.conversation) for transcript in transcripts]
    found = _Found(len(heard), sum(len(each.turns) for each in heard), [])
    unsure = LearnedMarks().unsure(heard, doubt)
    for transcript, each, doubts in zip(transcripts, heard, unsure, strict=True):
        wanted = {at: acts for at, acts in doubts.items() if place(transcript, at) not in labelled}
        mask: Any = Mask(each.texts.values()) if redact else str
        talk = talk_of(transcript, redact=redact)
        found.questions.extend((talk, question) for question in questions(each, wanted, mask))
    return found


def _length(conversation: Conversation) -> int:
    return sum(len(message.text) for message in conversation)


# Asking


async def _asking(
    found: Doubted, model: Model, limits: Limits, file: int, out: Path, shown: Progress
) -> str | None:
    """Ask every question of the spool; which limit ended it, if one did."""
    calls = _held(out)
    spent = calls[-1].spent if calls else (0, 0.0)
    budget = Budget(limits.max_tokens, limits.max_cost, *spent)
    sitting = _Sitting(found.spool, metered(model, budget), budget, file, shown)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limits.concurrency):
                group.create_task(sitting.work())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        await model.aclose()
    return sitting.stopped


class _Sitting:
    """What the workers share that ask."""

    def __init__(
        self, spool: IO[bytes], model: Model, budget: Budget, file: int, shown: Progress
    ) -> None:
        self.stopped: str | None = None
        self._model, self._budget, self._file, self._shown = model, budget, file, shown
        spool.seek(0)
        self._lines = iter(spool)

    async def work(self) -> None:
        """Take questions until none is left or a limit is reached."""
        for line in self._lines:
            row = json.loads(line)
            file, number, conversation = row["talk"]
            question = Question(
                row["turn"], tuple(row["asked"]), frozenset(row["found"]), row["told"]
            )
            try:
                acts, why = await self._answer(question)
            except LimitReachedError as limit:
                self.stopped = self.stopped or str(limit)
                return
            spent = (self._budget.spent_tokens, self._budget.spent_cost)
            given = None if acts is None else tuple(sorted(acts))
            found = tuple(sorted(question.found))
            call = Called(
                file, number, conversation, question.turn, question.asked, found, given, why, spent
            )
            append(self._file, json.dumps(asdict(call)).encode() + b"\n")
            self._shown.advance(failed=acts is None)
            if self.stopped:
                return
            # A model that answers without waiting must not keep the others, or Ctrl-C, out.
            await asyncio.sleep(0)

    async def _answer(self, question: Question) -> tuple[frozenset[str] | None, str]:
        """The acts that the model names; None where it names none of use, and why."""
        sampling = Sampling(
            temperature=0.0,
            max_tokens=TOKENS,
            seed=stable_seed("escalate", question.told),
            schema=schema(question),
        )
        try:
            reply = await self._model.reply(ask(question), sampling)
        except ModelError as error:
            if error.fatal:
                raise
            return None, " ".join(str(error).split())[:200] or "failed"
        acts = decided(question, reply.text)
        return acts, "" if acts is not None else NONSENSE
