"""An endpoint as a Model: one of the APIs of `apis`, with what measuring needs around it.

Retries that are counted here, a pace, a bound on concurrency and on the size of a reply, tokens
and price, a cache, and every failure as one clear line: the same for every API.

This module knows nothing of providers and their keys (`models`), of formats or connections, or of
what is asked.
"""

from __future__ import annotations

import asyncio
import json
import logging
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from uptake.conversation import Conversation, Message
from uptake.model import ModelError, Reply, Sampling, Usage
from uptake.models import direct, sdk, wire
from uptake.models.apis import Api, Chat
from uptake.models.cache import Cache, key_of
from uptake.models.client import (
    BrokenError,
    Client,
    StatusError,
    TooLongError,
    UnreachableError,
    first_cause,
)
from uptake.models.limits import Backoff, Pace, retry_after

if TYPE_CHECKING:
    from uptake.models.prices import Price

__all__ = ["Endpoint"]

log = logging.getLogger(__name__)


class Endpoint:
    """The model `model` behind an API.

    - `name` is shown in tables.
    - `price` in dollars per million tokens; a cost that the server states is believed before it.
    - `cache` is a file for replies, or None for no cache. Its key holds the API and its address,
      the model, the messages and all sampling settings with the seed, so repeats stay independent
      even where the server takes no seed.
    - `concurrency` bounds requests in flight, `rpm` requests a minute.
    - `timeout` is for one try, in seconds; `retries` is how often a try that may yet succeed
      (429, 5xx, a dropped connection, a timeout) is made again.
    - `max_reply_bytes` bounds what is read of a reply.
    - `extra` is added to every request, say `{"reasoning_effort": "low"}`.
    - `client` is what connects: "sdk", the official one, or "aiohttp", which costs a fraction of
      its CPU and speaks the chat format only. None is the latter where it is installed.

    Where the server reports no token counts, they are estimated high (three bytes a token), so
    that a budget stops a run too early rather than too late.

    A parameter that the server rejects (a seed, the temperature of a reasoning model, the old or
    new name of the token limit, a schema for the reply) is dropped once and for all; `dropped`
    names them. The reasoning effort never is: a server that rejects it ends the run.

    `reply` raises ModelError. Fatal: unreachable, 401, 402, 404, quota used up, or no such
    endpoint there at all. Not fatal: 429, 5xx and timeouts after all retries, 400, 403, a
    conversation that the API has no way to say, and a reply that is empty, too long, not JSON or
    not UTF-8.
    """

    def __init__(
        self,
        model: str,
        api: Api,
        *,
        name: str | None = None,
        price: Price | None = None,
        cache: Path | str | None = None,
        concurrency: int = 64,
        rpm: float | None = None,
        timeout: float = 120.0,
        retries: int = 5,
        max_reply_bytes: int = 1 << 20,
        extra: Mapping[str, Any] | None = None,
        client: Literal["sdk", "aiohttp"] | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        if client == "aiohttp" and not isinstance(api, Chat):
            raise ValueError(f"over aiohttp only the chat format is spoken, not {api.kind}")
        self._name = name or f"{api.address}#{model}"
        self._model = model
        self._api = api
        self._price = price
        self._cache = None if cache is None else Cache(cache)
        self._concurrency = concurrency
        self._rpm = rpm
        self._timeout = timeout
        self._backoff = Backoff(retries)
        self._max_reply_bytes = max_reply_bytes
        self._extra = dict(extra or {})
        self._wanted = client
        self._dropped: set[str] = set()
        self._answered = False
        self._line: _Line | None = None
        # One asker a key: the others wait and read what the first was told.
        self._asking: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @property
    def name(self) -> str:
        """What tables show."""
        return self._name

    @property
    def dropped(self) -> frozenset[str]:
        """Sampling parameters that the server does not take."""
        return frozenset(self._dropped)

    @property
    def price(self) -> Price | None:
        """What its tokens cost, None where unknown (a cost cannot be bounded then)."""
        return self._price

    @property
    def takes_effort(self) -> bool:
        """Whether the API has a place for `Sampling.effort`."""
        return self._api.kind != "messages"

    async def reply(self, conversation: Conversation, sampling: Sampling) -> Reply:
        """One reply, the first where the API offers several. Raises ModelError."""
        messages = conversation.to_dicts()
        if self._cache is None:
            return await self._ask(messages, sampling)
        key = self._cache_key(messages, sampling)
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            stored = self._cache.get(key)
            if stored is not None:
                return _thaw(stored)
            reply = await self._ask(messages, sampling)
            self._cache.put(key, _freeze(reply))
            return reply

    async def aclose(self) -> None:
        """Close the connections and the cache. A later `reply` opens them again."""
        if self._line is not None and self._line.loop is asyncio.get_running_loop():
            await self._line.client.aclose()
        self._line = None
        if self._cache is not None:
            if self._cache.failed is not None:
                log.warning("%s: replies not cached: %s", self._cache.path, self._cache.failed)
            self._cache.close()

    async def _ask(self, messages: list[dict[str, Any]], sampling: Sampling) -> Reply:
        """Try until there is a reply or no hope of one."""
        line = self._open()
        failures = 0
        while True:
            sent = self._api.parameters(sampling, self._dropped)
            try:
                async with line.slots:
                    await line.pace.wait()
                    body = await self._exchange(line.client, messages, sent)
                return self._receive(body, messages)
            except _RejectedError as rejected:
                self._drop(rejected.parameter)
            except _FailedTryError as failed:
                failures += 1
                wait = self._backoff.delay(failures, failed.wait) if failed.again else None
                if wait is None:
                    raise self._error(failed, failures) from failed.__cause__
                if failed.wait is not None:
                    line.pace.hold(failed.wait)
                await asyncio.sleep(wait)

    async def _exchange(
        self, client: Client, messages: list[dict[str, Any]], sent: dict[str, Any]
    ) -> bytes:
        """One request, and the bytes of its reply. Raises _RejectedError and _FailedTryError."""
        try:
            body = self._api.body(self._model, messages, sent, self._extra)
            async with asyncio.timeout(self._timeout):
                return await client.exchange(body)
        except StatusError as error:
            raise self._status_trouble(error, sent) from error
        except UnreachableError as error:
            raise self._unreachable(error) from error
        except TimeoutError as error:
            raise _FailedTryError(f"no reply within {self._timeout:g} s", again=True) from error
        except BrokenError as error:
            raise _FailedTryError(str(error), again=True) from error
        except (TooLongError, wire.UnsendableError) as error:
            raise _FailedTryError(str(error)) from error

    def _receive(self, body: bytes, messages: list[dict[str, Any]]) -> Reply:
        try:
            answer = self._api.read_answer(body)
        except wire.UnreadableError as error:
            # Not JSON from a server that has never answered: the address is no such endpoint.
            fatal = not self._answered and "not JSON" in str(error)
            raise _FailedTryError(str(error), fatal=fatal) from error
        self._answered = True
        prompt, completion = answer.prompt_tokens, answer.completion_tokens
        if prompt is None or completion is None:
            prompt, completion = _tokens(messages), _tokens(answer.message.to_dict())
        cost = answer.cost
        if cost is None and self._price is not None:
            cost = self._price.cost(prompt, completion)
        return Reply(answer.message, answer.finish_reason, Usage(prompt, completion, cost))

    def _status_trouble(
        self, error: StatusError, sent: dict[str, Any]
    ) -> _RejectedError | _FailedTryError:
        if error.status in (400, 422):
            self._answered = True
            parameter = wire.rejected_parameter(error.body, sent.keys() - self._api.required)
            if parameter in wire.EFFORTS:  # without it the run would measure something else
                said = wire.said_by(error.body)
                return _FailedTryError(f"it takes no such {parameter}: {said}", fatal=True)
            if parameter is not None:
                return _RejectedError(parameter)
        hints = {"key_hint": self._api.key_hint, "path_hint": self._api.path_hint}
        refusal = wire.refusal(error.status, error.body, **hints)
        wait = retry_after(error.headers) if refusal.again else None
        return _FailedTryError(refusal.reason, again=refusal.again, fatal=refusal.fatal, wait=wait)

    def _unreachable(self, error: Exception) -> _FailedTryError:
        why = wire.one_line(str(first_cause(error)))
        # A server that has answered before may be restarting; one that never has is not there.
        return _FailedTryError(
            f"no server answers there ({why}); start it, or check the address",
            again=self._answered,
            fatal=True,
        )

    def _drop(self, parameter: str) -> None:
        if parameter in self._dropped:
            return  # another caller was quicker
        self._dropped.add(parameter)
        log.warning("%s takes no %s: no longer sent", self._name, parameter)

    def _error(self, failed: _FailedTryError, tries: int) -> ModelError:
        tried = f", {tries} tries" if tries > 1 else ""
        asked = ""
        if failed.wait is not None and failed.wait > self._backoff.patience:
            asked = f"; it asks to wait {failed.wait:g} s"
        address = self._api.address
        where = "" if address in self._name else f" at {address}"
        cut_off = bool(getattr(failed.__cause__, "cut_off", False))
        line = f"{self._name}{where}: {failed}{asked}{tried}"
        return ModelError(line, fatal=failed.fatal, cut_off=cut_off)

    def _cache_key(self, messages: list[dict[str, Any]], sampling: Sampling) -> str:
        settings: list[Any] = [
            sampling.temperature,
            sampling.top_p,
            sampling.max_tokens,
            sampling.seed,
        ]
        # Only where there are any, so that what was kept before there were is found.
        settings += [part for part in (sampling.effort, sampling.schema) if part is not None]
        where = [self._api.kind, self._api.address, self._model, self._extra]
        return key_of([*where, settings, messages])

    def _open(self) -> _Line:
        """The client and limits of the running event loop: sockets cannot move between loops."""
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop:
            slots = asyncio.Semaphore(self._concurrency)
            self._line = _Line(loop, self._client(), slots, Pace(self._rpm))
        return self._line

    def _client(self) -> Client:
        wanted = self._wanted or ("aiohttp" if direct.installed() else "sdk")
        timeout, limit = self._timeout, self._max_reply_bytes
        if isinstance(self._api, Chat) and wanted == "aiohttp":
            return direct.DirectClient(self._api.url, self._api.key, timeout=timeout, limit=limit)
        return sdk.sdk_client(self._api, timeout=timeout, limit=limit)


@dataclass(frozen=True, slots=True)
class _Line:
    """What belongs to one event loop."""

    loop: asyncio.AbstractEventLoop
    client: Client
    slots: asyncio.Semaphore
    pace: Pace


class _RejectedError(Exception):
    """The server does not take a parameter."""

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter


class _FailedTryError(Exception):
    """One try came to nothing: why, and what that means for the next."""

    def __init__(
        self, reason: str, *, again: bool = False, fatal: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.fatal = fatal
        self.wait = wait


def _tokens(said: Any) -> int:
    """No fewer tokens than were used, in any common tokenizer: three bytes each."""
    return -(-len(json.dumps(said, ensure_ascii=False).encode(errors="replace")) // 3)


def _freeze(reply: Reply) -> str:
    usage = reply.usage
    return json.dumps(
        {
            "message": reply.message.to_dict(),
            "finish_reason": reply.finish_reason,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
        }
    )


def _thaw(stored: str) -> Reply:
    """A reply from the cache: its tokens as they were, at no cost."""
    data = json.loads(stored)
    usage = Usage(data["prompt_tokens"], data["completion_tokens"], cost=0.0, cached=True)
    return Reply(Message.from_dict(data["message"]), data["finish_reason"], usage)
