"""Who may come in, and who they are: the client's key, its tenant, its conversation.

A key is compared, hashed with the store's salt, sent on, and never kept. This module knows nothing
of what is asked.
"""

from __future__ import annotations

import hmac

from starlette.types import Scope

from uptake.serve import keys, wire
from uptake.serve.plan import Caller
from uptake.serve.settings import Settings

__all__ = ["ARM", "CONVERSATION", "Access", "Refused"]

CONVERSATION = b"x-uptake-conversation"
"""The header by which a client gives a conversation an id of its own."""

ARM = b"x-uptake-arm"
"""The header by which a client chooses an arm."""


class Refused(Exception):
    """A request that is not taken: what is wrong, and the status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Access:
    """Knows tenants by the store's `salt`."""

    def __init__(self, settings: Settings, salt: bytes) -> None:
        self._keys = [key.encode() for key in settings.client_keys]
        self._salt = salt
        self._tenants: dict[str | None, str] = {}

    def caller(self, scope: Scope) -> Caller:
        """Who asks. Raises Refused."""
        credential = _credential(scope)
        self.check(credential)
        thread = wire.header(scope, CONVERSATION)
        if thread is not None and not keys.is_thread(thread):
            raise Refused("x-uptake-conversation: give 1 to 200 printable ASCII characters", 400)
        return Caller(self._tenant(credential), thread, wire.header(scope, ARM))

    def check(self, credential: str | None) -> None:
        """Raises Refused for a key that is not among those that may come in."""
        if not self._keys:
            return
        given = (credential or "").encode()
        if not any([hmac.compare_digest(given, key) for key in self._keys]):  # noqa: C419
            raise Refused("this key may not come in here", 401)

    def admit(self, scope: Scope) -> None:
        """The same for a request that is of no conversation. Raises Refused."""
        self.check(_credential(scope))

    def _tenant(self, credential: str | None) -> str:
        # Remembered for as long as there are few: a hash costs more than a look.
        if credential not in self._tenants:
            if len(self._tenants) >= 1000:
                self._tenants.clear()
            self._tenants[credential] = keys.tenant(self._salt, credential)
        return self._tenants[credential]


def _credential(scope: Scope) -> str | None:
    """The key that a request was sent with, None where there is none."""
    bearer = wire.header(scope, b"authorization")
    if bearer is not None:
        kind, _, rest = bearer.partition(" ")
        return rest.strip() if kind.lower() == "bearer" else bearer
    return wire.header(scope, b"x-api-key") or wire.header(scope, b"api-key")
