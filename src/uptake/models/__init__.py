"""A string to a Model: what `--model` takes.

| string | model |
|---|---|
| `embedded` | the small model that ships |
| `openai/NAME`, `ollama/NAME`, … | a provider's endpoint; `PROVIDERS` lists them |
| `http://host:port/v1#NAME` | any other OpenAI-compatible endpoint |
| `hf:PATH` | a local Hugging Face folder (extra `[train]`) |
| `policy:NAME` | a constant policy; `POLICIES` lists them |

This module knows nothing of what the model will be asked.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from uptake.errors import UptakeError
from uptake.model import Model
from uptake.models.policies import POLICIES
from uptake.models.prices import Price, parse_price, price_of

__all__ = ["ACCEPTED", "PROVIDERS", "MissingKeyError", "Provider", "UnknownModelError", "model"]


class UnknownModelError(UptakeError, ValueError):
    """No model goes by this string: one line that lists what is accepted."""


class MissingKeyError(UptakeError):
    """A provider wants a key and its environment variable is not set."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where an endpoint is, which variable holds its key (None: needs none), whether it is free."""

    base_url: str
    key: str | None = None
    free: bool = False


PROVIDERS: dict[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
    "gemini": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "fireworks": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
    "huggingface": Provider("https://router.huggingface.co/v1", "HF_TOKEN"),
    "ollama": Provider("http://localhost:11434/v1", free=True),
    "lmstudio": Provider("http://localhost:1234/v1", free=True),
    "llamacpp": Provider("http://localhost:8080/v1", free=True),
    "vllm": Provider("http://localhost:8000/v1", free=True),
}

ACCEPTED = (
    "embedded, PROVIDER/NAME ("
    + ", ".join(PROVIDERS)
    + "), http://HOST:PORT/v1#NAME, hf:FOLDER, "
    + ", ".join(POLICIES)
)
"""What `model` takes, as one line."""


def model(
    spec: str,
    *,
    cache: Path | str | None = None,
    price: Price | str | None = None,
    concurrency: int | None = None,
    rpm: float | None = None,
    timeout: float | None = None,
    retries: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Model:
    """The model that `spec` names.

    The options are an `Endpoint`'s and mean nothing to other models; None is its default.
    `price` may be text (`"0.15,0.60"`, dollars per million tokens). Raises UnknownModelError,
    MissingKeyError, PriceError and CacheError, each one line; ModelError for a broken folder.
    """
    given: dict[str, Any] = {
        "cache": cache,
        "price": parse_price(price) if isinstance(price, str) else price,
        "concurrency": concurrency,
        "rpm": rpm,
        "timeout": timeout,
        "retries": retries,
        "extra": extra,
    }
    options = {name: value for name, value in given.items() if value is not None}
    for fits, make in _KINDS:
        if fits(spec):
            return make(spec, options)
    raise UnknownModelError(f"unknown model {spec!r}: expected one of {ACCEPTED}")


def _embedded(_spec: str, _options: dict[str, Any]) -> Model:
    from uptake.embedded import Embedded  # late: it loads a runtime

    return Embedded()


def _policy(spec: str, _options: dict[str, Any]) -> Model:
    return POLICIES[spec]()


def _local(spec: str, _options: dict[str, Any]) -> Model:
    from uptake.models.local import Local  # late: it belongs to an extra

    return Local(spec.removeprefix("hf:"))


def _at_provider(spec: str, options: dict[str, Any]) -> Model:
    provider_name, _, name = spec.partition("/")
    provider = PROVIDERS[provider_name]
    base_url = _base_url(provider_name, provider)
    key = os.environ.get(provider.key) if provider.key else None
    # A base URL on this machine stands in for the provider, as tests and proxies do.
    if provider.key and not key and not _is_here(urlsplit(base_url)):
        raise MissingKeyError(f"{spec} needs a key: set the environment variable {provider.key}")
    price = Price(0.0, 0.0) if provider.free else price_of(spec)
    hint = f"set {provider.key} to a valid key" if provider.key else "it was sent no key"
    return _endpoint(spec, name, base_url, key, hint, price, options)


def _at_url(spec: str, options: dict[str, Any]) -> Model:
    try:
        url = urlsplit(spec)
        valid = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        valid = False
        url = urlsplit("")
    if not valid or not url.fragment:
        raise UnknownModelError(
            f"model {spec!r}: expected http://HOST:PORT/v1#NAME, where NAME is the model there"
        )
    if url.username or url.password:
        raise UnknownModelError(
            f"model at {url.hostname}: leave the key out of the address, set UPTAKE_API_KEY"
        )
    path = url.path.rstrip("/") or "/v1"
    base_url = url._replace(path=path, fragment="").geturl()
    key, hint = _key_for(url)
    return _endpoint(spec, url.fragment, base_url, key, hint, None, options)


def _endpoint(
    spec: str,
    name: str,
    base_url: str,
    key: str | None,
    key_hint: str,
    price: Price | None,
    options: dict[str, Any],
) -> Model:
    from uptake.models.endpoint import Endpoint

    options.setdefault("price", price)
    return Endpoint(name, base_url, name=spec, key=key, key_hint=key_hint, **options)


def _base_url(name: str, provider: Provider) -> str:
    """The provider's address, or what its usual variable says instead."""
    if name == "openai":
        return os.environ.get("OPENAI_BASE_URL", "").rstrip("/") or provider.base_url
    if name == "ollama" and (host := os.environ.get("OLLAMA_HOST", "").rstrip("/")):
        url = urlsplit(host if "://" in host else f"http://{host}")
        # Ollama listens on 0.0.0.0 where told to, but nobody can call that address.
        where = "localhost" if url.hostname in (None, "0.0.0.0") else url.hostname
        return f"{url.scheme}://{where}:{url.port or 11434}/v1"
    return provider.base_url


def _key_for(url: SplitResult) -> tuple[str | None, str]:
    """The key for an address, and a hint. A provider's key goes to that provider and this machine.

    Anything else gets `UPTAKE_API_KEY` or nothing, so that no key leaves for a stranger.
    """
    for provider in PROVIDERS.values():
        if provider.key and urlsplit(provider.base_url).hostname == url.hostname:
            return os.environ.get(provider.key), f"set {provider.key} to a valid key"
    names = ["UPTAKE_API_KEY", *(["OPENAI_API_KEY"] if _is_here(url) else [])]
    key = next((os.environ[name] for name in names if os.environ.get(name)), None)
    return key, f"set {' or '.join(names)} to a valid key"


def _is_here(url: SplitResult) -> bool:
    if url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def _names_provider(spec: str) -> bool:
    provider, _, name = spec.partition("/")
    return provider in PROVIDERS and bool(name)


_KINDS: list[tuple[Callable[[str], bool], Callable[[str, dict[str, Any]], Model]]] = [
    (lambda spec: spec == "embedded", _embedded),
    (lambda spec: spec in POLICIES, _policy),
    (lambda spec: spec.startswith("hf:") and len(spec) > len("hf:"), _local),
    (lambda spec: spec.startswith(("http://", "https://")), _at_url),
    (_names_provider, _at_provider),
]
