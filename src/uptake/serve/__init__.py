"""Any model behind an OpenAI-compatible address, mediated: the server and its dashboard.

    client → app → surfaces (what is asked) → desk (what is known, the move) → upstream → client
                                                └── store (turns) → dashboard

Needs the extra `[serve]`. This package knows nothing of how a conversation is read, or of why a
move is chosen: that is `uptake.mediator`'s.
"""

from __future__ import annotations

__all__: list[str] = []
