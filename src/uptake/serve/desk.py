"""The desk: what is known of a conversation when a request comes in, and what is to be done.

`Desk.case` finds the turn that a request goes on from, brings the ledger up to it (from memory, or
by hearing the history again), and has the next move chosen. `Desk.close` keeps the turn.

A history that the client has shortened is known by its explicit id alone; what fits nothing that
was kept begins a new ledger. This module knows nothing of HTTP or of any API's shape.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from uptake.analyst import Analyst, Deterministic
from uptake.conversation import Conversation, Message
from uptake.ground import CommonGround
from uptake.mediator import Mediation, mediate
from uptake.serve import keys
from uptake.serve.amending import heard, without
from uptake.serve.records import Amendment, Turn, along, new_id
from uptake.serve.store import Store
from uptake.serve.surfaces import Asked

__all__ = ["Case", "Desk", "dict_of"]

REMEMBERED = 4_096
"""Turns whose ledgers are held in memory."""

MANY = 20_000
"""Characters not heard yet from which they are heard beside the event loop."""

NEAR = 64
"""Earlier replies at most among which the turn before is looked for."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A turn that was kept, as far as the next one needs it."""

    id: str
    conversation: str
    ground: CommonGround
    children: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One request, and what is known of it.

    `chain` are the hashes of its messages, `before` the ledger before what is new, `new` how many
    of its last messages the turn before had not seen, `now` the ledger with them. `mediation` is
    what is to be done, None where the conversation is not mediated.
    """

    asked: Asked
    tenant: str
    thread: str | None
    conversation: str
    id: str
    parent: str | None
    chain: tuple[bytes, ...]
    new: int
    before: CommonGround
    now: CommonGround
    mediation: Mediation | None = None

    @property
    def said(self) -> tuple[Message, ...]:
        """The messages that the turn before had not seen."""
        messages = self.asked.conversation.messages
        return messages[len(messages) - self.new :]

    @property
    def sent(self) -> Conversation | None:
        """What a mediated model is to get; None where that is the conversation as it came."""
        sent = None if self.mediation is None else self.mediation.sent
        return None if sent == self.asked.conversation else sent


class Desk:
    """Knows conversations. One a process; `store` is what processes share."""

    def __init__(self, store: Store, analyst: Analyst | None = None) -> None:
        self._store = store
        self._analyst = analyst or Deterministic()
        self._memory: OrderedDict[bytes, _Known] = OrderedDict()

    async def case(self, asked: Asked, tenant: str, thread: str | None, *, mediated: bool) -> Case:
        """What is known of a request, and the move. Raises StoreError."""
        seed = keys.seed(tenant, thread)
        chain = tuple(_chain(seed, asked.conversation.messages))
        found = await self._before(tenant, asked.conversation, chain)
        line: list[Turn] = []
        if thread is not None and found is None:
            line = await self._recognised(tenant, thread, asked.conversation)
        name = new_id()
        messages = asked.conversation.messages
        if line:
            past, new = _messages(line), len(messages) - _overlap(line, messages)
            whole = (*past, *messages[len(messages) - new :])
            known, place = _Known(line[-1].id, line[-1].conversation, CommonGround()), 0
        elif found is not None:
            known, place = found
            whole, new = messages, len(messages) - place
        else:
            known, place, whole, new = None, 0, messages, len(messages)
        history = len(whole) - new
        made: dict[int, list[Amendment]] = {}
        if thread is not None and known is not None:
            made = await self._amended(tenant, thread, known.id)
        ready = known.ground if known is not None and not made else CommonGround()
        start = place if ready.turns else 0
        before, shown = ready, whole[:history]
        if made or start < history:
            before, shown = await _heard(shown, made, (ready, start))
        done: Mediation | None = None
        if mediated:
            work = asked.conversation
            if line or made:
                work = Conversation((*shown, *whole[history:]))
            done = await self._mediation(work, asked, before)
            now = done.reading.ground
        else:
            now, _ = await _heard(whole, made, (before, history))
        return Case(
            asked,
            tenant,
            thread,
            _conversation(tenant, thread, known, name),
            name,
            None if known is None else known.id,
            chain,
            new,
            before,
            now,
            done,
        )

    async def _mediation(self, work: Conversation, asked: Asked, before: CommonGround) -> Mediation:
        """What is to be done, worked out on `work`; the model gets no message but the client's."""
        done = await self._mediated(work, asked, before)
        if work is asked.conversation:
            return done
        theirs = {id(message) for message in asked.conversation.messages}
        extra = [message for message in work if id(message) not in theirs]
        if done.sent is not None and extra:
            done = replace(done, sent=without(done.sent, extra))
        return done

    async def _before(
        self, tenant: str, conversation: Conversation, chain: Sequence[bytes]
    ) -> tuple[_Known, int] | None:
        """The turn that a request goes on from, and how many of its messages that one holds."""
        replies = [
            place + 1
            for place, message in enumerate(conversation.messages[:-1])
            if message.role == "assistant"
        ]
        last = replies[: -NEAR - 1 : -1]
        near = next((n for n, place in enumerate(last) if chain[place - 1] in self._memory), None)
        # A later turn that is not in memory may have gone through another process.
        later = [chain[place - 1] for place in last[:near]]
        turn = await self._store.find(tenant, later) if later else None
        if turn is not None:
            place = next(place for place in last if chain[place - 1] == turn.key)
            children = await self._store.children(tenant, turn.id)
            return _Known(turn.id, turn.conversation, CommonGround(), children), place
        if near is None:
            return None
        key = chain[last[near] - 1]
        self._memory.move_to_end(key)
        return self._memory[key], last[near]

    async def _recognised(self, tenant: str, thread: str, conversation: Conversation) -> list[Turn]:
        """The kept line that a shortened history goes on from; empty where it fits none."""
        latest = await self._store.latest(tenant, thread)
        if latest is None:
            return []
        line = await self._store.line(tenant, latest.id)
        return line if _overlap(line, conversation.messages) else []

    async def _amended(self, tenant: str, thread: str, parent: str) -> dict[int, list[Amendment]]:
        """What was put right in this line, by how many user turns there were then."""
        made = await self._store.amendments(tenant, thread)
        if not made:
            return {}
        turns: dict[str, int] = {}
        count = 0
        for turn in await self._store.line(tenant, parent):
            count += sum(message.get("role") == "user" for message in turn.said)
            turns[turn.id] = count
        found: dict[int, list[Amendment]] = {}
        for each in made:
            if each.after in turns:
                found.setdefault(turns[each.after], []).append(each)
        return found

    async def _mediated(self, work: Conversation, asked: Asked, before: CommonGround) -> Mediation:
        fresh = work.said_by("user")[len(before.turns) :]
        if sum(map(len, fresh)) < MANY or not isinstance(self._analyst, Deterministic):
            return await mediate(self._analyst, work, asked.request, before)
        # By rule there is nothing to wait for, so that a loop of its own does in a thread.
        return await asyncio.to_thread(
            lambda: asyncio.run(mediate(self._analyst, work, asked.request, before))
        )

    async def close(self, case: Case, turn: Turn) -> None:
        """Keep the turn that a case came to, and remember it. Raises StoreError."""
        await self._store.add(turn)
        if turn.state != "finished":
            return
        parent = self._memory.get(case.chain[-1 - case.new]) if case.new < len(case.chain) else None
        if parent is not None and parent.id == case.parent:
            self._memory[case.chain[-1 - case.new]] = replace(parent, children=parent.children + 1)
        self._memory[turn.key] = _Known(turn.id, turn.conversation, case.now)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)

    def forget(self) -> None:
        """Nothing is held in memory any more: after a deletion, say."""
        self._memory.clear()


def dict_of(message: Message) -> Mapping[str, Any]:
    """A message as `keys` read it: its dict, with nothing copied."""
    if message.extra is None:
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": message.content, **message.extra}


def _chain(key: bytes, messages: Sequence[Message]) -> Iterator[bytes]:
    """`keys.chain` of messages."""
    for message in messages:
        content = message.content
        if message.extra is None and type(content) is str:
            key = keys.extend_plain(key, message.role, content)
        else:
            key = keys.extend(key, dict_of(message))
        yield key


async def _heard(
    messages: Sequence[Message],
    made: Mapping[int, Sequence[Amendment]],
    before: tuple[CommonGround, int],
) -> tuple[CommonGround, tuple[Message, ...]]:
    """`amending.heard`, beside the event loop where there is much to hear."""
    fresh = sum(len(m.text) for m in messages[before[1] :] if m.role == "user")
    if fresh < MANY:
        return heard(messages, made, before=before)
    return await asyncio.to_thread(heard, messages, made, before=before)


def _conversation(tenant: str, thread: str | None, known: _Known | None, turn: str) -> str:
    """The conversation that a turn is of: its thread's, its parent's, or one that it begins.

    The second child of a turn begins one, since a line has but one end.
    """
    if thread is not None:
        return keys.seed(tenant, thread).hex()
    if known is None or known.children:
        return turn
    return known.conversation


def _messages(line: Sequence[Turn]) -> tuple[Message, ...]:
    """All that was said and replied along a line."""
    return Conversation.from_dicts(along(line)).messages


def _overlap(line: Sequence[Turn], messages: Sequence[Message]) -> int:
    """How many of `messages` the end of a line holds already; 0 where they do not fit.

    What the user said decides: their turns before the present one must be the line's last ones.
    """
    new = len(messages)
    while new and messages[new - 1].role != "assistant":
        new -= 1
    said = [message.text.strip() for message in messages[:new] if message.role == "user"]
    kept = [message.text.strip() for message in _messages(line) if message.role == "user"]
    return new if said and kept[-len(said) :] == said else 0
