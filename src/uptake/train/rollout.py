"""Rollouts: many conversations at once, as the tokens that a trainer needs.

The model's own tokens are never made anew from its words: what the user says is put behind them,
as the chat template writes it. Each token has a mask: 1 where the model drew it, 0 where it is the
user's or the template's. A conversation is one sequence, unless it goes on from words that are not
the model's own (`Told.person`); then each reply is one.

A conversation may be *elicited*: its first reply is drawn under a system message that is left out
of the sequence, so that what the model can do when told to is learned for when it is not.

This module knows nothing of torch, of how tokens are drawn, or of how anything is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from uptake.domains import domain
from uptake.episode import Episode, Verify
from uptake.errors import UptakeError
from uptake.train.env import Env
from uptake.train.reward import PRICES, Prices, Reward
from uptake.train.tasks import Task
from uptake.users import user

__all__ = [
    "Coder",
    "Drawn",
    "Rollout",
    "Sampler",
    "Talk",
    "TemplateError",
    "Tokens",
    "begin",
    "roll",
    "verifier",
]

MARK, HEARD = "⟪uptake⟫", "⟪heard⟫"
"""Stand for a reply, and for what is said to it, while it is found what the template makes of them.
"""


class TemplateError(UptakeError):
    """A chat template by which no conversation can be told: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A reply as it was drawn: its tokens, and the log-probability of each, in nats.

    The end token is among them, unless the reply was cut off.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


Sampler = Callable[[Sequence[Sequence[int]]], Sequence[Drawn]]
"""Draws a reply to each of the prompts, which are token ids; there may be none."""


@dataclass(slots=True)
class Tokens:
    """A sequence: the prompt, what follows it, which of that the model drew, and how likely.

    `mask` is 1 where the model drew the token; `logprobs` is 0 where it did not. Both are as long
    as `completion`.
    """

    prompt: list[int]
    completion: list[int] = field(default_factory=list[int])
    mask: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])

    def drew(self, drawn: Drawn) -> None:
        """Add what the model drew."""
        self.completion += drawn.tokens
        self.mask += [1] * len(drawn.tokens)
        self.logprobs += drawn.logprobs

    def heard(self, tokens: Sequence[int]) -> None:
        """Add what was put behind it: nothing is learned from these."""
        self.completion += tokens
        self.mask += [0] * len(tokens)
        self.logprobs += [0.0] * len(tokens)

    @property
    def all(self) -> list[int]:
        """Prompt and completion."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Rollout:
    """One conversation: its task, its sequences, what was played, and its reward (None: no score).

    `cut` is whether a reply or the conversation came to the end of its room.
    """

    task: Task
    sequences: tuple[Tokens, ...]
    episode: Episode | None
    reward: Reward | None
    cut: bool


class Coder:
    """Between chat messages and tokens, by a tokenizer of transformers with a chat template.

    `end` is the token by which a reply ends: what the template puts behind the last one, where
    that is a special token (as `<end_of_turn>` of Gemma, whose tokenizer ends texts by another),
    and otherwise the tokenizer's own; `line` the token of a new line. Where a template can have a
    model think, it does not.

    Raises TemplateError where a conversation cannot be told by the template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end = self._end()
        self.line = self._ids("\n")[-1]

    def prompt(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        """The tokens up to where the next reply goes."""
        return self._ids(self._render(messages))

    def behind(self, messages: Sequence[Mapping[str, Any]], *, ended: bool) -> list[int]:
        """What the template puts between the last reply and the next, the user's words included.

        `messages` ends with that reply and what was said to it; `ended` is whether the model drew
        the end token itself.
        """
        at = max(i for i, message in enumerate(messages) if message["role"] == "assistant")
        marked = [*messages[:at], {**messages[at], "content": MARK}, *messages[at + 1 :]]
        tokens = self._ids(self._render(marked).rpartition(MARK)[2])
        return tokens[1:] if ended and tokens[:1] == [self.end] else tokens

    def chat(self, messages: Sequence[Mapping[str, Any]]) -> Tokens:
        """A whole chat as if the model had drawn each of the assistant's messages.

        Nothing is kept of what follows the last of them. Raises ValueError where there is none.
        """
        row: Tokens | None = None
        for at, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            if row is None:
                row = Tokens(self.prompt(messages[:at]))
            else:
                row.heard(self.behind(messages[:at], ended=True))
            said = (*self._ids(message["content"]), self.end)
            row.drew(Drawn(said, (0.0,) * len(said)))
        if row is None:
            raise ValueError("no message of the assistant's")
        return row

    def text(self, tokens: Sequence[int]) -> str:
        """The words of a reply."""
        return self._tokenizer.decode(list(tokens), skip_special_tokens=True).strip()

    def _end(self) -> int:
        from jinja2 import TemplateError as Fault

        words = (("user", "Hi"), ("assistant", MARK), ("user", HEARD))
        talk = [{"role": role, "content": text} for role, text in words]
        try:
            told, closed = self._render(talk), self._render(talk[:2], opening=False)
        except (Fault, TypeError, ValueError, KeyError) as fault:
            raise TemplateError(
                f"the chat template cannot tell a conversation ({fault}); save another with the "
                "tokenizer"
            ) from fault
        if HEARD not in told.rpartition(MARK)[2] or MARK not in told or MARK not in closed:
            raise TemplateError(
                "the chat template leaves out what was said before; save another with the tokenizer"
            )
        for token in self._ids(closed.rpartition(MARK)[2])[:1]:
            known = self._tokenizer.added_tokens_decoder.get(token)
            if known is not None and known.special:
                return token
        if self._tokenizer.eos_token_id is None:
            raise TemplateError(
                "neither the chat template nor the tokenizer says how a reply ends; give it an "
                "eos_token"
            )
        return self._tokenizer.eos_token_id

    def _render(self, messages: Sequence[Mapping[str, Any]], *, opening: bool = True) -> str:
        return self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=opening, enable_thinking=False
        )

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]


@dataclass(slots=True)
class Talk:
    """A conversation under way, for whoever draws its replies."""

    task: Task
    env: Env
    sequences: list[Tokens]
    elicit: str = ""
    led: list[int] = field(default_factory=list[int])
    cut: bool = False

    @property
    def over(self) -> bool:
        """Whether no reply is wanted any more."""
        return self.env.episode is not None

    @property
    def drawn_from(self) -> list[int]:
        """The tokens that the next reply is drawn behind."""
        return self.led + self.sequences[-1].completion

    def open(self, coder: Coder) -> None:
        """Begin a sequence with what was said so far."""
        messages = self.env.messages
        self.sequences.append(Tokens(coder.prompt(messages)))
        self.led = self.sequences[-1].prompt
        if self.elicit and len(self.sequences) == 1:
            self.led = coder.prompt([{"role": "system", "content": self.elicit}, *messages])

    def hear(self, coder: Coder, drawn: Drawn) -> None:
        """Take in a reply, let the user answer, and put that behind it."""
        self.sequences[-1].drew(drawn)
        self.led = self.sequences[-1].prompt
        ended = bool(drawn.tokens) and drawn.tokens[-1] == coder.end
        self.cut = self.cut or not ended
        text = coder.text(drawn.tokens)
        if self.env.reply(text) is None:
            return
        messages = self.env.messages
        if messages[-2]["content"] == text:
            self.sequences[-1].heard(coder.behind(messages, ended=ended))
        else:
            self.open(coder)

    def rollout(self, multiplier: float = 0.0) -> Rollout:
        """What came of it; `multiplier` is that of the constraint on needless questions."""
        episode = self.env.episode
        got = None if episode is None else self.env.score(multiplier=multiplier)
        used = tuple(each for each in self.sequences if each.completion)
        return Rollout(self.task, used, episode, got, self.cut)


def begin(
    task: Task, coder: Coder, *, prices: Prices = PRICES, seed: int = 0, elicit: str = ""
) -> Talk:
    """A conversation of the task, up to where its first reply goes; `elicit` is as in `roll`."""
    verify = verifier(task.scenario.instruction.domain)
    env = Env(verify, user=user(task.user), probe=task.probe, seed=seed, prices=prices)
    talk = Talk(task, env, [], elicit)
    if env.reset(task.scenario):
        talk.open(coder)
    return talk


def roll(
    tasks: Sequence[Task],
    coder: Coder,
    sampler: Sampler,
    *,
    room: int,
    seed: int = 0,
    multiplier: float = 0.0,
    prices: Prices = PRICES,
    elicit: Sequence[str] = (),
) -> list[Rollout]:
    """Play the tasks at once, turn by turn; the rollouts in their order.

    `room` is how many tokens a conversation may have before a reply: one that has more is let go,
    without a score. `multiplier` is that of the constraint on needless questions. `elicit` has for
    each task the system message that its first reply is drawn under, "" for none.
    """
    talks = [
        begin(task, coder, prices=prices, seed=seed, elicit=lead)
        for task, lead in zip(tasks, elicit or [""] * len(tasks), strict=True)
    ]
    live = [talk for talk in talks if not talk.over]
    while live:
        short = [talk for talk in live if len(talk.drawn_from) < room]
        for talk in live:
            talk.cut = talk.cut or len(talk.drawn_from) >= room
        drawn = sampler([talk.drawn_from for talk in short])
        for talk, reply in zip(short, drawn, strict=True):
            talk.hear(coder, reply)
        live = [talk for talk in short if not talk.over]
    return [talk.rollout(multiplier) for talk in talks]


@cache
def verifier(source: str) -> Verify | None:
    """The verifier of a domain; None where it has none."""
    return getattr(domain(source), "verify", None)
