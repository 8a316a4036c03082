"""The dashboard: what was said, what holds of it, and why each move was made, live.

    store → ledger (folded) → views → templates → a browser
    feed ─────────────────────────────────────────────┘

A person can put the ledger right here, and the next turn obeys. This package knows nothing of how
a request is answered.
"""

from __future__ import annotations

from uptake.serve.dashboard.app import Replay, create_dashboard
from uptake.serve.dashboard.feed import Feed

__all__ = ["Feed", "Replay", "create_dashboard"]
