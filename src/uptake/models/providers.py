"""Providers by name: where each is, which API it speaks, and which variable holds its key.

A key goes to its provider, or where the provider's own variable moves it, and nowhere else.

This module knows nothing of what is sent, or of how often to try.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from uptake.errors import UptakeError
from uptake.models.apis import Api, Azure, Chat, Messages

__all__ = ["PROVIDERS", "MissingKeyError", "Provider", "api_at_provider", "key_for"]


class MissingKeyError(UptakeError):
    """A provider wants a key, or an address, and the environment variable for it is not set."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where an endpoint is, and the names of the variables that it goes by.

    `base_url` is None where only `moved_by`, the variable that holds another address, can say.
    `key` is None where none is needed. `free` is whether tokens cost nothing.
    """

    base_url: str | None
    key: str | None = None
    moved_by: str | None = None
    free: bool = False


PROVIDERS: dict[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "azure": Provider(None, "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
    "anthropic": Provider("https://api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "gemini": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "fireworks": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
    "huggingface": Provider("https://router.huggingface.co/v1", "HF_TOKEN"),
    "ollama": Provider("http://localhost:11434/v1", moved_by="OLLAMA_HOST", free=True),
    "lmstudio": Provider("http://localhost:1234/v1", free=True),
    "llamacpp": Provider("http://localhost:8080/v1", free=True),
    "vllm": Provider("http://localhost:8000/v1", free=True),
    "sglang": Provider("http://localhost:30000/v1", free=True),
}


def api_at_provider(name: str) -> Api:
    """The API of the provider of this name, as the environment has it. Raises MissingKeyError."""
    provider = PROVIDERS[name]
    base_url = _base_url(name, provider)
    key = _variable(provider.key)
    token = _variable("AZURE_OPENAI_AD_TOKEN") if name == "azure" else None
    # A base URL on this machine stands in for the provider, as tests and proxies do.
    if provider.key and not (key or token) and not _is_here(urlsplit(base_url)):
        raise MissingKeyError(f"{name} needs a key: set the environment variable {provider.key}")
    hint = f"set {provider.key} to a valid key" if provider.key else "it was sent no key"
    if name == "azure":
        return _azure(base_url, token or key, hint, entra=bool(token))
    if name == "anthropic":
        return Messages(base_url.removesuffix("/v1"), key=key, key_hint=hint)
    return Chat(base_url, key=key, key_hint=hint)


def _azure(endpoint: str, key: str | None, hint: str, *, entra: bool) -> Api:
    """The dated API where `OPENAI_API_VERSION` names a version of it, and else `/openai/v1`."""
    version = _variable("OPENAI_API_VERSION")
    root = endpoint.removesuffix("/v1").removesuffix("/openai")
    if version and not endpoint.endswith("/v1"):
        return Azure(root, version, key=key, key_hint=hint, entra=entra)
    return Chat(f"{root}/openai/v1", key=key, key_hint=hint)


def _base_url(name: str, provider: Provider) -> str:
    """The provider's address, or what its usual variable says instead."""
    moved = (_variable(provider.moved_by) or "").rstrip("/")
    if not moved and provider.base_url is None:
        raise MissingKeyError(
            f"{name} has no address of its own: set the environment variable {provider.moved_by},"
            " for example to https://RESOURCE.openai.azure.com"
        )
    if name == "ollama" and moved:
        url = urlsplit(moved if "://" in moved else f"http://{moved}")
        # Ollama listens on 0.0.0.0 where told to, but nobody can call that address.
        where = "localhost" if url.hostname in (None, "0.0.0.0") else url.hostname
        return f"{url.scheme}://{where}:{url.port or 11434}/v1"
    return moved or provider.base_url or ""


def key_for(url: SplitResult) -> tuple[str | None, str]:
    """The key for an address, and a hint. A provider's key goes to that provider and this machine.

    Anything else gets `UPTAKE_API_KEY` or nothing, so that no key leaves for a stranger.
    """
    for provider in PROVIDERS.values():
        if provider.key and provider.base_url and _host(provider.base_url) == url.hostname:
            return _variable(provider.key), f"set {provider.key} to a valid key"
    names = ["UPTAKE_API_KEY", *(["OPENAI_API_KEY"] if _is_here(url) else [])]
    key = next((key for name in names if (key := _variable(name))), None)
    return key, f"set {' or '.join(names)} to a valid key"


def _variable(name: str | None) -> str | None:
    """What a variable holds, without the line break that a key from a file ends with."""
    return (os.environ.get(name, "").strip() or None) if name else None


def _host(address: str) -> str | None:
    return urlsplit(address).hostname


def _is_here(url: SplitResult) -> bool:
    if url.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False
