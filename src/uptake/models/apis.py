"""What kinds of API an Endpoint speaks: where requests go, in which format, with which key.

This module knows nothing of connections, or of how often to try.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from uptake.model import Sampling
from uptake.models import messages, wire

__all__ = ["Api", "Azure", "Chat", "Messages"]

KEY_HINT = "set the key that it wants"


class Api(Protocol):
    """One API at one address.

    `kind` and `address` tell it from any other, in a cache as well; `key_hint` ends the line about
    a refused key, `path_hint` the one about an address where nothing is. `required` names the
    parameters that cannot be left out, whatever a server says of them.
    """

    kind: ClassVar[str]
    path_hint: ClassVar[str]
    required: ClassVar[frozenset[str]]

    @property
    def address(self) -> str:
        """Where it is, as errors show it."""
        ...

    @property
    def key_hint(self) -> str:
        """How to mend a refused key."""
        ...

    def parameters(self, sampling: Sampling, dropped: Collection[str]) -> dict[str, Any]:
        """The sampling parameters of a request, without those that the server has rejected."""
        ...

    def body(
        self,
        model: str,
        talk: Sequence[Mapping[str, Any]],
        sent: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> dict[str, Any]:
        """A request: chat dicts, parameters and whatever else is wanted, in the API's format.

        Raises UnsendableError for what the format has no place for.
        """
        ...

    def read_answer(self, body: bytes) -> wire.Answer:
        """What a reply says. Raises UnreadableError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keyed:
    """What is sent to be let in: `key` (None: nothing), and how to mend one that was refused."""

    key: str | None = None
    key_hint: str = KEY_HINT


@dataclass(frozen=True, slots=True)
class _ChatFormat(_Keyed):
    """What OpenAI's chat format is, wherever it is spoken."""

    required: ClassVar[frozenset[str]] = frozenset()

    @property
    def official(self) -> bool:
        """Whether this is OpenAI itself."""
        return False

    def parameters(self, sampling: Sampling, dropped: Collection[str]) -> dict[str, Any]:
        """See `Api`. Once one name of the token limit is rejected, it goes by the other."""
        # OpenAI itself has given up the old name.
        names = wire.LIMIT_NAMES[::-1] if self.official else wire.LIMIT_NAMES
        name = next((name for name in names if name not in dropped), names[0])
        return wire.parameters(sampling, limit_name=name, dropped=dropped)

    def body(
        self,
        model: str,
        talk: Sequence[Mapping[str, Any]],
        sent: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> dict[str, Any]:
        """See `Api`. The messages go as they are."""
        return {"model": model, "messages": talk, **sent, **extra}

    def read_answer(self, body: bytes) -> wire.Answer:
        """See `Api`."""
        return wire.read_answer(body)


@dataclass(frozen=True, slots=True)
class Chat(_ChatFormat):
    """OpenAI's chat completions at `base_url`, with `key` as the bearer token (None: none)."""

    base_url: str
    kind: ClassVar[str] = "chat"
    path_hint: ClassVar[str] = (
        "check the model's name, and that the address ends where /chat/completions begins"
        " (often /v1)"
    )

    @property
    def address(self) -> str:
        """The base URL."""
        return self.base_url

    @property
    def url(self) -> str:
        """Where requests go."""
        base = urlsplit(self.base_url)
        return base._replace(path=f"{base.path.rstrip('/')}/chat/completions").geturl()

    @property
    def official(self) -> bool:
        """Whether this is OpenAI itself."""
        return "api.openai.com" in self.base_url


@dataclass(frozen=True, slots=True)
class Azure(_ChatFormat):
    """Chat completions of the resource at `endpoint`, by a dated `version` of Azure's own API.

    The model is the name of a deployment. `key` is the resource's, or with `entra` a token of
    Entra ID (Azure AD). The undated API, `/openai/v1`, is a `Chat`.
    """

    endpoint: str
    version: str
    entra: bool = False
    kind: ClassVar[str] = "azure"
    path_hint: ClassVar[str] = (
        "check the deployment's name, AZURE_OPENAI_ENDPOINT and OPENAI_API_VERSION"
    )

    @property
    def address(self) -> str:
        """The resource and the version."""
        return f"{self.endpoint}/openai?api-version={self.version}"


@dataclass(frozen=True, slots=True)
class Messages(_Keyed):
    """Anthropic's Messages API at `base_url`, which ends before `/v1`; `key` may be None."""

    base_url: str
    kind: ClassVar[str] = "messages"
    required: ClassVar[frozenset[str]] = frozenset({"max_tokens"})
    path_hint: ClassVar[str] = (
        "check the model's name, and that the address ends where /v1/messages begins"
    )

    @property
    def address(self) -> str:
        """The base URL."""
        return self.base_url

    def parameters(self, sampling: Sampling, dropped: Collection[str]) -> dict[str, Any]:
        """See `Api`. There is no seed."""
        return messages.parameters(sampling, dropped=dropped)

    def body(
        self,
        model: str,
        talk: Sequence[Mapping[str, Any]],
        sent: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> dict[str, Any]:
        """See `Api`. Messages, tools and tool calls are translated."""
        named = messages.nested(sent)
        return {"model": model, **messages.request(talk), **named, **messages.settings(extra)}

    def read_answer(self, body: bytes) -> wire.Answer:
        """See `Api`."""
        return messages.read_answer(body)
