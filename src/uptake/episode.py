"""One played conversation: `play` a scenario against a model, and keep everything as an `Episode`.

An episode holds what was said, what it cost and what the verifier made of each reply, so that
every score can be worked out from the file later. It never holds a wrong 0: what failed or could
not be decided has no score.

This module knows nothing of other episodes (`run`), of averages (`scores`) or of files.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from uptake.conversation import Conversation, Message
from uptake.instruction import Instruction, Verdict
from uptake.judge import Judge
from uptake.mediator import MediatedReply
from uptake.model import Model, ModelError, Reply, Sampling
from uptake.questions import questions, target, yes_or_no
from uptake.scenario import Scenario
from uptake.seeds import stable_seed
from uptake.user import Said, ScriptedUser, User

__all__ = ["RULES", "Episode", "Rule", "Turn", "Verify", "play"]

Verify = Callable[[Instruction, str], Verdict]
"""What judges a reply. That of a domain with `slow = True` is called in a worker thread."""

Rule = Literal["last", "any", "first_ready"]

RULES: tuple[Rule, ...] = ("last", "any", "first_ready")


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user said, what the model replied, and what is known of it.

    `reply` has the tool calls, too, as text (`Message.written`).
    `told` are the shards told up to here, in the order told; `ready` is whether every needed one
    is among them. `score` and `answer` are the verifier's (None: could not decide; commits to
    nothing). `asked` is whether the reply asks the user something and commits to no answer, and
    `about` the shard that its question fits best, told or not (None: it fits none).
    `rival` is the score of the reply under the other reading of what is wanted (`Told.rival`);
    `made` is whether the reply was put into the model's mouth, and then has no score. `person`
    is what a person said here, from which the conversation goes on (`Told.person`). `states` is
    whether the reply holds the value that puts right what was wrong here (`Told.fact`), and
    `best` and `good` are what a good partner does, and its words (`Scenario.best`).
    `cost` is in US dollars, None where no price is known. The `user_…` fields are what a Model
    as user cost; `unfaithful` is what it got wrong at this turn (see `Said`). `move` is what a
    mediator chose to do.
    """

    user: str
    reply: str
    told: tuple[int, ...]
    ready: bool
    score: float | None = None
    answer: str | None = None
    asked: bool = False
    about: int | None = None
    rival: float | None = None
    made: bool = False
    person: str | None = None
    states: bool | None = None
    best: str | None = None
    good: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    cached: bool = False
    finish_reason: str = "stop"
    unfaithful: str | None = None
    user_prompt_tokens: int = 0
    user_completion_tokens: int = 0
    user_cost: float | None = None
    move: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One conversation from beginning to end; one line of `episodes.jsonl`.

    `ended` is "done" (the user had nothing more to say), "capped" (too many turns) or "error"
    (then `error` says what in one line, and `turns` holds what was played before). `user` is
    "scripted" or the name of the user's model, `seconds` the wall time. `shards` are the words of
    the instruction's, which `Turn.told` counts.
    """

    probe: str
    domain: str
    instruction_id: str
    condition: str
    model: str
    mediated: bool
    repeat: int
    seed: int
    turns: tuple[Turn, ...]
    gold: str
    ended: str
    error: str | None
    seconds: float
    user: str
    needed_shards: int
    system: str | None = None
    shards: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str, str, bool, int, str]:
        """What makes an episode this one: no run plays a key twice."""
        return (
            self.probe,
            self.domain,
            self.instruction_id,
            self.condition,
            self.model,
            self.mediated,
            self.repeat,
            self.user,
        )

    def score(self, rule: str = "last") -> float | None:
        """The score in [0, 1] under one rule; None where there is none to give.

        `last` is the last reply's score, the headline. `any` is the best of all replies: it pays
        for guessing. `first_ready` is the score of the first reply after everything needed was
        told. An episode that ended in error has no score, nor has one whose deciding reply the
        verifier could not judge (for `any`, unless another reply has the full score already).
        Raises ValueError for an unknown rule.
        """
        if rule not in RULES:
            raise ValueError(f"unknown rule {rule!r}; choose from {', '.join(RULES)}")
        if self.ended == "error" or not self.turns:
            return None
        if rule == "last":
            return self.turns[-1].score
        if rule == "first_ready":
            return next((turn.score for turn in self.turns if turn.ready and not turn.made), None)
        scores = [turn.score for turn in self.turns if not turn.made]
        best = max((score for score in scores if score is not None), default=None)
        return best if best == 1 or None not in scores else None

    @property
    def compared(self) -> bool:
        """Whether its replies are compared with a person's, turn by turn."""
        return any(turn.person is not None for turn in self.turns)

    def conversation(self) -> Conversation:
        """The conversation as it was played, system prompt and all.

        Where the replies are compared with a person's, it has the person's, and ends with the
        model's own.
        """
        talk = _begun(self.system)
        for turn in self.turns[:-1]:
            talk = talk.user(turn.user).assistant(_after(turn))
        last = self.turns[-1:]
        return talk.user(last[0].user).assistant(last[0].reply) if last else talk

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same episode back."""
        data = _flat(self)
        data["turns"] = [_flat(turn) | {"told": list(turn.told)} for turn in self.turns]
        data["shards"] = list(self.shards)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Episode:
        """An episode from its JSON object; fields of a later version are let go.

        Raises ValueError where a field is missing.
        """
        try:
            turns = tuple(_known(Turn, turn) for turn in data["turns"])
            turns = tuple(replace(turn, told=tuple(turn.told)) for turn in turns)
            shards = tuple(data.get("shards", ()))
            return _known(cls, {**data, "turns": turns, "shards": shards})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an episode: {error}") from None


def _flat(item: Episode | Turn) -> dict[str, Any]:
    """Its fields as they are: nothing in them can change, so that nothing need be copied."""
    return {name: getattr(item, name) for name in item.__slots__}


def _known(kind: Any, data: Mapping[str, Any]) -> Any:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in data.items() if name in names})


class _PlayError(Exception):
    """What broke while an episode was played, in one line."""


async def play(
    scenario: Scenario,
    model: Model,
    *,
    verify: Verify,
    user: User | None = None,
    repeat: int = 0,
    seed: int = 0,
    sampling: Sampling | None = None,
    probe: str = "lost",
    max_turns: int | None = None,
    judge: Judge | None = None,
) -> Episode:
    """Play one conversation to its end. `user` is a `ScriptedUser` unless given.

    The seed of each reply is derived from (seed, instruction, condition, repeat, turn); that of
    `sampling` is not used. `max_turns` caps the user's turns (default: twice the plan and two).
    A `judge` scores what `verify` finds an answer in.
    Whatever the model, the user or the verifier raises ends the episode with `error`, except a
    fatal ModelError, which no later episode could survive either, and cancellation.
    """
    user = user or ScriptedUser()
    started = time.perf_counter()
    cap = 2 * len(scenario.turns) + 2 if max_turns is None else max_turns
    turns: list[Turn] = []
    talk = _begun(scenario.system)
    error = None
    try:
        ended = "capped"
        while (said := await _listen(user, scenario, talk, turns)) is not None:
            if len(turns) >= cap:
                break
            if scenario.until_right and turns and turns[-1].score == 1:
                ended = "done"
                break
            heard = talk.user(said.text)
            at = stable_seed(seed, scenario.instruction.id, scenario.condition, repeat, len(turns))
            drawn = _drawn(scenario, sampling or Sampling(), at)
            if (made := _made(scenario, len(turns))) is not None:
                turns.append(_unasked(scenario, turns, said, made))
            else:
                turn = await _exchange(scenario, model, verify, judge, turns, said, heard, drawn)
                turns.append(turn)
            talk = heard.assistant(_after(turns[-1]))
        else:
            ended = "done"
    except _PlayError as failure:
        ended, error = "error", str(failure)
    return Episode(
        probe=probe,
        domain=scenario.instruction.domain,
        instruction_id=scenario.instruction.id,
        condition=scenario.condition,
        model=model.name,
        mediated=bool(getattr(model, "mediated", False)),
        repeat=repeat,
        seed=seed,
        turns=tuple(turns),
        gold=scenario.wanted(len(scenario.turns)).answer,
        ended=ended,
        error=error,
        seconds=time.perf_counter() - started,
        user=user.name,
        needed_shards=len(scenario.instruction.needed),
        system=scenario.system,
        shards=tuple(shard.text for shard in scenario.instruction.shards),
    )


def _drawn(scenario: Scenario, sampling: Sampling, seed: int) -> Sampling:
    return replace(
        sampling,
        seed=seed,
        effort=scenario.effort or sampling.effort,
        max_tokens=scenario.reply_tokens or sampling.max_tokens,
    )


def _begun(system: str | None) -> Conversation:
    return Conversation() if system is None else Conversation().system(system)


def _after(turn: Turn) -> str:
    """The words from which the conversation goes on."""
    return turn.reply if turn.person is None else turn.person


async def _listen(
    user: User, scenario: Scenario, talk: Conversation, turns: list[Turn]
) -> Said | None:
    told = frozenset(turns[-1].told) if turns else frozenset[int]()
    asked = bool(turns) and turns[-1].asked
    try:
        return await user.say(scenario, talk, told, asked=asked)
    except Exception as error:
        raise _failed("user", error) from error


async def _exchange(
    scenario: Scenario,
    model: Model,
    verify: Verify,
    judge: Judge | None,
    turns: list[Turn],
    said: Said,
    talk: Conversation,
    sampling: Sampling,
) -> Turn:
    """One turn of each: the model's reply to `talk`, which ends with what was said, judged."""
    try:
        reply = await _reply(model, talk, sampling, limited=scenario.reply_tokens is not None)
    except Exception as error:
        raise _failed("model", error) from error
    written, at = reply.message.written, len(turns)
    line = scenario.turns[at] if scenario.scripted else None
    if line is not None and line.yes is not None:
        verdict = _yes_or_no(line.yes, written)
    else:
        wanted_now = scenario.wanted(at)
        verdict = await _judged(verify, wanted_now, written)
        if judge is not None:
            try:
                verdict = await judge.score(wanted_now, written, verdict)
            except Exception as error:
                raise _failed("judge", error) from error
    told = _told(turns, said)
    # Where something else is wanted than the scenario's instruction, all of it is told at once.
    else_wanted = scenario.scripted and scenario.wanted(at) is not scenario.instruction
    ready = else_wanted or scenario.instruction.needed <= set(told)
    best, good = scenario.best(at, told)
    turn = replace(_turn(said, reply, verdict, told, ready), best=best, good=good)
    if line is not None and line.person is not None:
        turn = replace(turn, person=line.person)
    if line is not None and line.fact is not None:
        turn = replace(turn, states=_holds(line.fact, written))
    if line is not None and line.rival is not None:
        turn = replace(turn, rival=(await _judged(verify, line.rival, written)).score)
    wanted = questions(reply.text, talk.said_by("user"))
    if not wanted or verdict.answer is not None:
        return turn
    shards = scenario.instruction.shards
    return replace(turn, asked=True, about=target(wanted, shards, range(1, len(shards))))


async def _reply(model: Model, talk: Conversation, sampling: Sampling, *, limited: bool) -> Reply:
    """The model's reply. Where the token limit is what is `limited`, saying nothing is one, too."""
    try:
        return await model.reply(talk, sampling)
    except ModelError as error:
        if not (limited and error.cut_off):
            raise
        return Reply(Message("assistant", ""), "length")


def _made(scenario: Scenario, at: int) -> str | None:
    return scenario.turns[at].made if scenario.scripted else None


def _unasked(scenario: Scenario, turns: list[Turn], said: Said, made: str) -> Turn:
    """A turn whose reply the scenario gives: the model is not asked, and nothing is judged."""
    told = _told(turns, said)
    return Turn(said.text, made, told, scenario.instruction.needed <= set(told), made=True)


def _told(turns: list[Turn], said: Said) -> tuple[int, ...]:
    before = turns[-1].told if turns else ()
    return (*before, *(shard for shard in said.shards if shard not in before))


def _holds(value: str, reply: str) -> bool:
    """Whether a value stands in a reply as a word or number of its own."""
    without = re.sub(r"(?<=\d),(?=\d{3})", "", reply)
    found = rf"(?<![\w.]){re.escape(value)}(?![\w]|[.,]\d)"
    return re.search(found, without, re.IGNORECASE) is not None


def _yes_or_no(right: bool, reply: str) -> Verdict:
    given = yes_or_no(reply)
    if given is None:
        return Verdict(0.0)
    return Verdict(float(given == right), "yes" if given else "no")


async def _judged(verify: Verify, wanted: Instruction, reply: str) -> Verdict:
    """The verdict on one reply; a slow verifier lets other episodes go on in the meantime."""
    if _slow(verify):
        return await asyncio.to_thread(_judge, verify, wanted, reply)
    return _judge(verify, wanted, reply)


def _turn(said: Said, reply: Reply, verdict: Verdict, told: tuple[int, ...], ready: bool) -> Turn:
    spent = said.usage
    return Turn(
        user=said.text,
        reply=reply.message.written,
        told=told,
        ready=ready,
        score=verdict.score,
        answer=verdict.answer,
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        cost=reply.usage.cost,
        cached=reply.usage.cached,
        finish_reason=reply.finish_reason,
        unfaithful=said.unfaithful,
        user_prompt_tokens=spent.prompt_tokens if spent else 0,
        user_completion_tokens=spent.completion_tokens if spent else 0,
        user_cost=spent.cost if spent else None,
        move=reply.mediation.move.name if isinstance(reply, MediatedReply) else None,
    )


def _slow(verify: Verify) -> bool:
    """Whether the domain whose `verify` it is says so of itself."""
    return bool(getattr(getattr(verify, "__self__", None), "slow", False))


def _judge(verify: Verify, instruction: Instruction, reply: str) -> Verdict:
    try:
        return _sound(verify(instruction, reply))
    except Exception as error:
        raise _failed("verifier", error) from error


def _sound(verdict: Verdict) -> Verdict:
    score = verdict.score
    if score is not None and not (math.isfinite(score) and 0 <= score <= 1):
        raise ValueError(f"the score must be in [0, 1] or None, not {score}")
    return verdict


def _failed(who: str, error: Exception) -> Exception:
    """The one line of what broke, or the error itself where no episode could survive it."""
    if isinstance(error, ModelError) and error.fatal:
        return error
    line = " ".join(str(error).split())
    if isinstance(error, ModelError):
        return _PlayError(line)
    return _PlayError(f"{who}: {type(error).__name__}: {line}" if line else f"{who}: {error!r}")
