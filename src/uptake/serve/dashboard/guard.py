"""Who may look: login by token, signed cookies, forms that only our pages can send, safe headers.

A session is a random id in a cookie that the token signs, so that every worker knows it and nobody
else can make one; changing the token ends them all. This module knows nothing of pages or stores.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import parse_qsl

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from uptake.errors import UptakeError

__all__ = ["COOKIE", "POLICY", "SHORTEST", "Attempts", "SafeHeaders", "Sessions", "form"]

COOKIE = "uptake_dashboard"
SECONDS = 12 * 3600
"""How long a login lasts."""

SHORTEST = 16
"""Characters of a token, at least: what signs cookies must not be found by trying."""

FORM_BYTES = 64 * 1024
FORM_FIELDS = 20

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The content security policy of every page: nothing runs or loads but what we serve."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class SafeHeaders:
    """Puts the headers that keep a page to itself on every response. Plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers put in."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, guarded)


class Sessions:
    """Logins by one token. Raises UptakeError where the token is too short to be one."""

    def __init__(self, token: str) -> None:
        token = token.strip()
        if len(token) < SHORTEST:
            raise UptakeError(
                f"the dashboard's token has {len(token)} characters: give {SHORTEST} or more,"
                ' as `python -c "import secrets; print(secrets.token_urlsafe())"` makes them'
            )
        self._token = _digest(token)
        self._cookies = URLSafeTimedSerializer(
            token, salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._forms = Signer(token, salt="form", digest_method=hashlib.sha256)

    def opens(self, given: str) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return secrets.compare_digest(_digest(given), self._token)

    def begin(self, request: Request, response: Response) -> None:
        """Log this browser in."""
        response.set_cookie(
            COOKIE,
            str(self._cookies.dumps(secrets.token_hex(16))),
            max_age=SECONDS,
            path=_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def end(self, request: Request, response: Response) -> None:
        """Have this browser forget its login."""
        response.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")

    def of(self, request: Request) -> str | None:
        """The session of a request; None where there is none, or it is forged or over."""
        try:
            held = self._cookies.loads(request.cookies.get(COOKIE, ""), max_age=SECONDS)
        except BadSignature:
            return None
        return held if isinstance(held, str) else None

    def stamp(self, session: str) -> str:
        """What a form of this session carries, which no other site can know."""
        return self._forms.get_signature(session).decode()

    def check(self, request: Request, session: str, stamp: str) -> None:
        """Raises HTTPException 403 where a form was not sent by a page of this session."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or not self._forms.verify_signature(session, stamp):
            raise HTTPException(403, "This form is not of your session: load the page again.")


class Attempts:
    """Counts failed logins: `most` a minute from one address, and no more are looked at."""

    def __init__(self, most: int = 5, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Seconds until another try from this address is looked at; 0: at once."""
        recent = self._recent(address)
        if len(recent) < self._most:
            return 0
        return max(1, int(recent[0] + 60 - self._clock()) + 1)

    def failed(self, address: str) -> None:
        """One more failed try. The oldest addresses are forgotten beyond a thousand."""
        self._failed[address] = [*self._recent(address), self._clock()]
        self._failed.move_to_end(address)
        while len(self._failed) > 1000:
            self._failed.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        return [at for at in self._failed.get(address, ()) if self._clock() - at < 60]


async def form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises HTTPException 400 for what is none, 413 where it is too long."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(400, "This address takes forms.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise HTTPException(413, f"A form may have {FORM_BYTES:,} bytes.")
    text = body.decode("ascii", "replace")
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise HTTPException(400, "This form has too many fields.") from None
    return dict(fields)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _path(request: Request) -> str:
    return str(request.scope.get("root_path", "")) or "/"
