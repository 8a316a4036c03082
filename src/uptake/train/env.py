"""The environment a model is taught in: `reset(scenario)`, `reply(text)`, `score(transcript)`.

It is `play` itself with the model's place left empty: whoever trains says what the model said. So
the conversation, the user, and what is made of each reply are those that a probe measures. Nothing
here depends on a trainer, or on anything that only an extra installs. A trainer that is
asynchronous can give `play` a Model of its own and call `reward` on the episode.

This module knows nothing of tokens, of how replies are drawn, or of what is learned from a reward.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from typing import Any

from uptake.conversation import Conversation, Message
from uptake.episode import Episode, Verify, play
from uptake.instruction import Instruction, Verdict
from uptake.model import Reply, Sampling
from uptake.scenario import Scenario
from uptake.train.reward import PRICES, Prices, Reward, reward
from uptake.user import User

__all__ = ["Env", "EnvError"]


class EnvError(RuntimeError):
    """The environment was called out of turn: a mistake in the trainer."""


class Env:
    """One conversation at a time, deterministic by scenario, user and seed.

    `verify` is a domain's, and judges on the caller's thread; None where there is nothing to judge
    by, and then there is no score. `user` is a `ScriptedUser` unless given, and must not wait for
    anything but what it computes. `prices` are what a reply may cost (`train.reward`).
    """

    def __init__(
        self,
        verify: Verify | None,
        *,
        user: User | None = None,
        probe: str = "",
        seed: int = 0,
        prices: Prices = PRICES,
    ) -> None:
        self._verify = verify
        self._user = user
        self._probe = probe
        self._seed = seed
        self._prices = prices
        self._scenario: Scenario | None = None
        self._playing: Coroutine[Conversation, str | None, Episode] | None = None
        self._talk = Conversation()
        self._episode: Episode | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation so far, as chat dicts; after the last reply, as it was played."""
        return self._talk.to_dicts()

    @property
    def episode(self) -> Episode | None:
        """What was played, once it has ended; None before."""
        return self._episode

    def reset(self, scenario: Scenario, *, repeat: int = 0) -> list[dict[str, Any]]:
        """Begin a conversation: the messages up to where the model's first reply goes.

        Empty where the scenario ends before a model is asked anything.
        """
        if self._playing is not None:
            self._playing.close()
        self._scenario, self._episode, self._talk = scenario, None, Conversation()
        self._playing = play(
            scenario,
            _Seat(),
            verify=self._judge,
            user=self._user,
            probe=self._probe,
            seed=self._seed,
            repeat=repeat,
        )
        self._go_on(None)
        return self.messages

    def reply(self, text: str) -> str | None:
        """Say `text` in the model's place: what the user says next, or None at the end.

        `messages` has all that was said since: where the conversation goes on from a person's
        words, these stand there and not `text`.

        Raises EnvError where no conversation waits for a reply.
        """
        if self._playing is None:
            raise EnvError("no conversation waits for a reply: call reset() first")
        self._go_on(text)
        return None if self._episode is not None else self._talk.messages[-1].text

    def score(self, transcript: Episode | None = None, *, multiplier: float = 0.0) -> Reward | None:
        """The reward of a transcript in named parts, by default of the one just played.

        None where a reply could not be judged or something broke; `multiplier` is the extra price
        of asking needlessly (`train.reward.Constraint`).

        Raises EnvError where the conversation has not ended.
        """
        episode = transcript or self._episode
        if episode is None or self._scenario is None:
            raise EnvError("the conversation has not ended: reply until there is no answer")
        return reward(self._scenario, episode, prices=self._prices, multiplier=multiplier)

    def _judge(self, instruction: Instruction, text: str) -> Verdict:
        return Verdict(None) if self._verify is None else self._verify(instruction, text)

    def _go_on(self, text: str | None) -> None:
        """Play on until a reply is wanted or the episode is whole."""
        assert self._playing is not None
        try:
            self._talk = self._playing.send(text)
        except StopIteration as done:
            self._playing, self._episode = None, done.value
            self._talk = done.value.conversation()


class _Seat:
    """The model's place in `play`: hands the conversation out and waits for a reply."""

    name = "policy"

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        return Reply(Message("assistant", await _said_to(conversation)))

    async def aclose(self) -> None:
        """Nothing to free."""


@types.coroutine
def _said_to(conversation: Conversation) -> Generator[Conversation, str, str]:
    return (yield conversation)
