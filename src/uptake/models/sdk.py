"""The official SDKs as clients: `openai` for OpenAI, Azure and what is like them, `anthropic`.

Their own retries are off, and a reply is read as it comes, so that it can be bounded. Both are
made by one generator, so that one exchange serves them.

This module knows nothing of what is sent, or of whether to try again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uptake.models.apis import Api, Azure, Chat, Messages
from uptake.models.client import (
    CONNECT_SECONDS,
    BrokenError,
    Client,
    StatusError,
    UnreachableError,
    read,
)

if TYPE_CHECKING:
    import anthropic
    import openai

__all__ = ["AnthropicClient", "OpenAIClient", "sdk_client"]

# Requests at once over one SDK client. For each request its pool looks at every connection, and
# asks the system about those that idle: a pool of hundreds is slower than a few small ones.
LANE = 32

# The last version of the API that has a temperature, which newer models reject by themselves.
ANTHROPIC_VERSION = "2023-06-01"


def sdk_client(api: Api, *, timeout: float, limit: int) -> Client:
    """The SDK's client for `api`. `timeout` in seconds is for one exchange, `limit` in bytes."""
    if isinstance(api, Messages):
        return AnthropicClient(api, timeout=timeout, limit=limit)
    if isinstance(api, Chat | Azure):
        return OpenAIClient(api, timeout=timeout, limit=limit)
    raise TypeError(f"no SDK speaks {api.kind}")


@dataclass(slots=True)
class _Lane:
    """One client of the SDK, with connections of its own, and how many requests it has."""

    sdk: Any
    busy: int = 0


class _SdkClient:
    """What both have in common. `_errors` is the SDK's module, where its exceptions are."""

    def __init__(self, errors: Any, timeout: float, limit: int) -> None:
        self._errors = errors
        self._timeout = errors.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        self._limit = limit
        self._lanes: list[_Lane] = []

    async def exchange(self, body: Mapping[str, Any]) -> bytes:
        """Send `body`, and read the reply. Raises what a `Client` raises."""
        lane = self._free()
        lane.busy += 1
        try:
            async with self._send(lane.sdk, body) as response:
                return await read(response.iter_bytes(), self._limit)
        except self._errors.APIStatusError as error:
            headers = error.response.headers
            raise StatusError(error.status_code, error.body, headers) from error
        except self._errors.APIConnectionError as error:  # a timeout is one of these
            if _never_connected(error):
                raise UnreachableError from error
            if isinstance(error, self._errors.APITimeoutError):
                raise TimeoutError from error
            raise BrokenError("the connection broke") from error
        finally:
            lane.busy -= 1

    def _free(self) -> _Lane:
        for lane in self._lanes:
            if lane.busy < LANE:
                return lane
        # The SDK's own HTTP client, made here, does not try to close itself on some later event
        # loop. A key does not follow a redirection to wherever that leads.
        http = self._errors.DefaultAsyncHttpxClient(timeout=self._timeout, follow_redirects=False)
        made = self._made({"max_retries": 0, "timeout": self._timeout, "http_client": http})
        self._lanes.append(_Lane(made))
        return self._lanes[-1]

    def _made(self, options: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _send(self, sdk: Any, body: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connections."""
        for lane in self._lanes:
            await lane.sdk.close()


class OpenAIClient(_SdkClient):
    """The `openai` SDK, at an address of its own or as Azure's."""

    def __init__(self, api: Chat | Azure, *, timeout: float, limit: int) -> None:
        import openai  # late: it takes most of a second

        super().__init__(openai, timeout, limit)
        self._api = api
        self._headers = self._withheld()

    def _made(self, options: dict[str, Any]) -> openai.AsyncOpenAI:
        api, key = self._api, self._api.key or "none"
        if isinstance(api, Chat):
            return self._errors.AsyncOpenAI(base_url=api.base_url, api_key=key, **options)
        options |= {"azure_ad_token" if api.entra else "api_key": key}
        where = {"azure_endpoint": api.endpoint, "api_version": api.version}
        return self._errors.AsyncAzureOpenAI(**where, **options)

    def _send(
        self, sdk: openai.AsyncOpenAI, body: Mapping[str, Any]
    ) -> AbstractAsyncContextManager[Any]:
        # As extra fields the messages go as they are: the SDK would walk through all of them.
        return sdk.chat.completions.with_streaming_response.create(
            model=body["model"], messages=(), extra_body=body, extra_headers=self._headers
        )

    def _withheld(self) -> dict[str, Any]:
        """Headers that the SDK would fill in from the environment, and that are not for all."""
        private = () if self._api.official else ("OpenAI-Organization", "OpenAI-Project")
        names = private if self._api.key else (*private, "Authorization", "api-key")
        return dict.fromkeys(names, self._errors.omit)


class AnthropicClient(_SdkClient):
    """The `anthropic` SDK."""

    def __init__(self, api: Messages, *, timeout: float, limit: int) -> None:
        import anthropic  # late: it takes more than a second

        super().__init__(anthropic, timeout, limit)
        self._api = api
        self._headers: dict[str, Any] = {"anthropic-version": ANTHROPIC_VERSION}
        if not api.key:
            self._headers["Authorization"] = anthropic.omit

    def _made(self, options: dict[str, Any]) -> anthropic.AsyncAnthropic:
        key = self._api.key or "none"
        options |= {"base_url": self._api.base_url, "open_telemetry": False}
        return self._errors.AsyncAnthropic(api_key=key, **options)

    def _send(
        self, sdk: anthropic.AsyncAnthropic, body: Mapping[str, Any]
    ) -> AbstractAsyncContextManager[Any]:
        return sdk.messages.with_streaming_response.create(
            model=body["model"],
            max_tokens=body["max_tokens"],
            messages=(),
            extra_body=body,
            extra_headers=self._headers,
        )


def _never_connected(error: BaseException) -> bool:
    """Whether no connection came about. httpx and its successor name these errors `Connect…`."""
    cause = error.__cause__
    return cause is not None and type(cause).__name__.startswith("Connect")
