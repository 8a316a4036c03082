"""What is to be done with one request: `Plan`, and how it is come to.

Mending never stands in the way: whatever fails or is late on the way to a plan, the request goes
upstream as it came, and the plan says why.

This module knows nothing of how a reply is relayed, or of any API's shape.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any, cast

from uptake.conversation import Conversation, Message
from uptake.model import ModelError
from uptake.serve import arms, keys
from uptake.serve.desk import Case, Desk, dict_of
from uptake.serve.records import Arm
from uptake.serve.settings import Settings
from uptake.serve.store import StoreError
from uptake.serve.surfaces import Asked, Body, Surface, Unreadable

__all__ = ["Caller", "Plan", "Planner", "written"]

log = logging.getLogger("uptake.serve")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the tenant, and what their headers say of the conversation and the arm."""

    tenant: str
    thread: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a request.

    `body` goes upstream, unless the move `speaks` and `words` are the whole reply; otherwise
    `words` come before the model's. `asked` and `data` are None where the body could not be read,
    `case` also where nothing is known of the conversation, and so nothing of it is kept.
    """

    body: bytes
    move: str
    why: str
    arm: Arm = "original"
    asked: Asked | None = None
    data: Body | None = None
    case: Case | None = None
    words: str | None = None
    speaks: bool = False

    @property
    def stream(self) -> bool:
        """Whether the reply is to come as events."""
        return self.asked is not None and self.asked.stream


class Planner:
    """Makes plans for one surface."""

    def __init__(self, surface: Surface, desk: Desk, settings: Settings) -> None:
        self._surface = surface
        self._desk = desk
        self._settings = settings

    async def plan(self, body: bytes, caller: Caller) -> Plan:
        """What is to be done. Raises nothing but cancellation."""
        try:
            data = _object(body)
            asked = self._surface.read(data)
        except Unreadable as error:
            return Plan(body, "pass", f"not read: {error}")
        except Exception as error:  # noqa: BLE001 whatever a body does, the upstream judges it
            log.warning("a %s request could not be read: %s", self._surface.name, _kind(error))
            return Plan(body, "pass", "not read: it is not what was expected")
        own = asked.thread if asked.thread is not None and keys.is_thread(asked.thread) else None
        thread = caller.thread or own
        try:
            arm = self._arm(caller, thread, asked)
            async with asyncio.timeout(self._settings.mediate_seconds):
                case = await self._desk.case(
                    asked, caller.tenant, thread, mediated=arm != "original"
                )
            return self._decided(body, data, arm, case)
        except TimeoutError:
            why = "mediation took too long"
        except (StoreError, ModelError) as error:
            log.warning("mediation failed: %s", error)
            why = f"mediation failed: {error}"
        except Exception as error:
            log.warning("mediation failed: %s", _kind(error), exc_info=error)
            why = "mediation failed"
        return Plan(body, "pass", why, asked=asked, data=data)

    def _decided(self, body: bytes, data: Body, arm: Arm, case: Case) -> Plan:
        asked, done = case.asked, case.mediation
        if done is None:
            why = "the conversation is not in a mediated arm"
            return Plan(body, "pass", why, arm, asked, data, case)
        if arm == "shadow":
            why = "shadow: mediated for the record only"
            return Plan(body, "pass", why, arm, asked, data, case)
        move, sent = done.move, case.sent
        if sent is not None:
            body = written(self._surface.rewritten(data, sent))
        return Plan(body, move.name, move.why, arm, asked, data, case, move.say, move.speaks)

    def _arm(self, caller: Caller, thread: str | None, asked: Asked) -> Arm:
        def root() -> bytes:
            seed = keys.seed(caller.tenant, thread)
            if thread is not None:
                return seed
            chain = keys.chain(seed, map(dict_of, _opening(asked.conversation)))
            return chain[-1] if chain else seed

        return arms.choose(self._settings.mode, self._settings.share, root, caller.arm)


def written(body: Body) -> bytes:
    """A body as bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _opening(conversation: Conversation) -> tuple[Message, ...]:
    """The messages up to the user's first, with it."""
    for place, message in enumerate(conversation):
        if message.role == "user":
            return conversation.messages[: place + 1]
    return ()


def _object(body: bytes) -> dict[str, Any]:
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(data, dict):
        raise Unreadable("the body is not a JSON object")
    return cast("dict[str, Any]", data)


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
