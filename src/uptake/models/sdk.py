"""The official SDKs as clients: `openai` for OpenAI, Azure and what is like them, `anthropic`.

Their own retries are off, and a reply is read as it comes, so that it can be bounded. Both are
made by one generator, so that one exchange serves them.

This module knows nothing of what is sent, or of whether to try again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
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

# The last version of the API that has a temperature, which newer models reject by themselves.
ANTHROPIC_VERSION = "2023-06-01"


def sdk_client(api: Api, *, timeout: float, limit: int) -> Client:
    """The SDK's client for `api`. `timeout` in seconds is for one exchange, `limit` in bytes."""
    if isinstance(api, Messages):
        return AnthropicClient(api, timeout=timeout, limit=limit)
    if isinstance(api, Chat | Azure):
        return OpenAIClient(api, timeout=timeout, limit=limit)
    raise TypeError(f"no SDK speaks {api.kind}")


class _SdkClient:
    """What both have in common. `_errors` is the SDK's module, where its exceptions are."""

    _errors: Any
    _sdk: Any
    _limit: int

    async def exchange(self, body: Mapping[str, Any]) -> bytes:
        """Send `body`, and read the reply. Raises what a `Client` raises."""
        try:
            async with self._send(body) as response:
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

    def _send(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.close()


class OpenAIClient(_SdkClient):
    """The `openai` SDK, at an address of its own or as Azure's."""

    def __init__(self, api: Chat | Azure, *, timeout: float, limit: int) -> None:
        import openai  # late: it takes most of a second

        self._errors = openai
        self._limit = limit
        self._api = api
        limits = openai.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        options: dict[str, Any] = {
            "max_retries": 0,
            "timeout": limits,
            # The SDK's own, made here, does not try to close itself on some later event loop. A
            # key does not follow a redirection to wherever that leads.
            "http_client": openai.DefaultAsyncHttpxClient(timeout=limits, follow_redirects=False),
        }
        self._sdk: openai.AsyncOpenAI = (
            openai.AsyncOpenAI(base_url=api.base_url, api_key=api.key or "none", **options)
            if isinstance(api, Chat)
            else _azure(api, options)
        )
        self._headers = self._withheld()

    def _send(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
        # As extra fields the messages go as they are: the SDK would walk through all of them.
        return self._sdk.chat.completions.with_streaming_response.create(
            model=body["model"], messages=(), extra_body=body, extra_headers=self._headers
        )

    def _withheld(self) -> dict[str, Any]:
        """Headers that the SDK would fill in from the environment, and that are not for all."""
        private = () if self._api.official else ("OpenAI-Organization", "OpenAI-Project")
        names = private if self._api.key else (*private, "Authorization", "api-key")
        return dict.fromkeys(names, self._errors.omit)


def _azure(api: Azure, options: dict[str, Any]) -> openai.AsyncAzureOpenAI:
    import openai  # late: it takes most of a second

    key = {"azure_ad_token" if api.entra else "api_key": api.key or "none"}
    return openai.AsyncAzureOpenAI(
        azure_endpoint=api.endpoint, api_version=api.version, **key, **options
    )


class AnthropicClient(_SdkClient):
    """The `anthropic` SDK."""

    def __init__(self, api: Messages, *, timeout: float, limit: int) -> None:
        import anthropic  # late: it takes more than a second

        self._errors = anthropic
        self._limit = limit
        limits = anthropic.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        self._sdk: anthropic.AsyncAnthropic = anthropic.AsyncAnthropic(
            base_url=api.base_url,
            api_key=api.key or "none",
            max_retries=0,
            timeout=limits,
            open_telemetry=False,
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=limits, follow_redirects=False),
        )
        self._headers: dict[str, Any] = {"anthropic-version": ANTHROPIC_VERSION}
        if not api.key:
            self._headers["Authorization"] = anthropic.omit

    def _send(self, body: Mapping[str, Any]) -> AbstractAsyncContextManager[Any]:
        return self._sdk.messages.with_streaming_response.create(
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
