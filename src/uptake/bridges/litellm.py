"""LiteLLM's proxy, mediated: a `CustomLogger` that reads each chat before it is sent on.

    litellm_settings:
      callbacks: uptake.bridges.litellm.mediator

It keeps nothing: a conversation is read from its history alone, so there is no dashboard, and no
history that was cut short is made whole again (`uptake serve` does both). Where anything fails the
request goes on as it came. This module knows nothing of how a move is chosen.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

from litellm.integrations.custom_logger import CustomLogger

from uptake.analyst import Analyst, Deterministic
from uptake.mediator import Mediation, mediate
from uptake.serve.surfaces.chat import Chat

__all__ = ["UptakeMediator", "mediator"]

log = logging.getLogger("uptake.litellm")

_CHATS = ("completion", "acompletion")
_LEADS = "uptake_leads"


class UptakeMediator(CustomLogger):
    """Mediates the chats that pass a LiteLLM proxy; by rule unless `analyst` is given."""

    def __init__(self, analyst: Analyst | None = None) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._analyst = analyst or Deterministic()
        self._chat = Chat()

    async def async_pre_call_hook(
        self,
        user_api_key_dict: Any,
        cache: Any,
        data: dict[str, Any],
        call_type: str,
    ) -> dict[str, Any]:
        """The request with what holds in place of the conversation; as it came where it fails.

        A move that is the reply goes out as LiteLLM's own mock response, so no model is called.
        """
        if call_type not in _CHATS:
            return data
        try:
            asked = self._chat.read(data)
            done = await mediate(self._analyst, asked.conversation, asked.request)
        except Exception as error:  # noqa: BLE001 a fault of ours must not be the client's
            log.warning("a request went on as it came: %s", type(error).__name__)
            return data
        return _mended(data, done)

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        """The reply, after what had to be put right first."""
        words = _leads(data)
        message = _first(response, "message")
        if words and message is not None and message.content:
            message.content = f"{words}\n\n{message.content}"
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any]:
        """The same for a stream: the words lead the first piece that has any."""
        words = _leads(request_data)
        async for part in response:
            delta = _first(part, "delta")
            if words and delta is not None and delta.content:
                delta.content, words = f"{words}\n\n{delta.content}", ""
            yield part


def _mended(data: dict[str, Any], done: Mediation) -> dict[str, Any]:
    move = done.move
    if move.speaks:
        return {**data, "mock_response": move.say or ""}
    if done.sent is not None:
        data = {**data, "messages": done.sent.to_dicts()}
    if move.say:
        metadata = cast("Mapping[str, Any]", data.get("metadata") or {})
        data = {**data, "metadata": {**metadata, _LEADS: move.say}}
    return data


def _leads(data: Mapping[str, Any]) -> str:
    """What the reply has to begin with, "" for nothing."""
    metadata: Any = data.get("metadata") or data.get("litellm_metadata") or {}
    return str(cast("Mapping[str, Any]", metadata).get(_LEADS) or "")


def _first(answer: Any, part: str) -> Any:
    """The message or the delta of the first choice; None where there is none."""
    choices: Any = getattr(answer, "choices", None)
    return getattr(choices[0], part, None) if choices else None


mediator = UptakeMediator()
"""What a proxy's configuration names."""
