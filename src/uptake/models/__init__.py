"""A string to a Model: what `--model` takes.

| string | model |
|---|---|
| `embedded` | the small model that ships |
| `embedded:FOLDER` | another of its kind, as `uptake train` saves them; needs no torch |
| `openai/NAME`, `azure/DEPLOYMENT`, … | a provider's endpoint; `PROVIDERS` lists them |
| `http://host:port/v1#NAME` | any other OpenAI-compatible endpoint |
| `hf:PATH` | a local Hugging Face folder (extra `[train]`) |
| `policy:NAME` | a constant policy; `POLICIES` lists them |

This module knows nothing of what the model will be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from uptake.errors import UptakeError
from uptake.model import Model
from uptake.models.apis import Api, Chat
from uptake.models.policies import POLICIES
from uptake.models.prices import Price, parse_price, price_of
from uptake.models.providers import PROVIDERS, api_at_provider, key_for

__all__ = ["ACCEPTED", "UnknownModelError", "model"]


class UnknownModelError(UptakeError, ValueError):
    """No model goes by this string: one line that lists what is accepted."""


ACCEPTED = (
    "embedded, embedded:FOLDER, PROVIDER/NAME ("
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


def _embedded(spec: str, _options: dict[str, Any]) -> Model:
    from uptake.embedded import Embedded  # late: it loads a runtime

    return Embedded(spec.partition(":")[2] or None)


def _policy(spec: str, _options: dict[str, Any]) -> Model:
    return POLICIES[spec]()


def _local(spec: str, _options: dict[str, Any]) -> Model:
    from uptake.models.local import Local  # late: it belongs to an extra

    return Local(spec.removeprefix("hf:"))


def _at_provider(spec: str, options: dict[str, Any]) -> Model:
    provider, _, name = spec.partition("/")
    price = Price(0.0, 0.0) if PROVIDERS[provider].free else price_of(spec)
    return _endpoint(spec, name, api_at_provider(provider), price, options)


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
    key, hint = key_for(url)
    return _endpoint(spec, url.fragment, Chat(base_url, key=key, key_hint=hint), None, options)


def _endpoint(
    spec: str, name: str, api: Api, price: Price | None, options: dict[str, Any]
) -> Model:
    from uptake.models.endpoint import Endpoint

    options.setdefault("price", price)
    return Endpoint(name, api, name=spec, **options)


def _folder_of_ours(spec: str) -> bool:
    return spec.startswith("embedded:") and spec != "embedded:"


def _names_provider(spec: str) -> bool:
    provider, _, name = spec.partition("/")
    return provider in PROVIDERS and bool(name)


_KINDS: list[tuple[Callable[[str], bool], Callable[[str, dict[str, Any]], Model]]] = [
    (lambda spec: spec == "embedded" or _folder_of_ours(spec), _embedded),
    (lambda spec: spec in POLICIES, _policy),
    (lambda spec: spec.startswith("hf:") and len(spec) > len("hf:"), _local),
    (lambda spec: spec.startswith(("http://", "https://")), _at_url),
    (_names_provider, _at_provider),
]
