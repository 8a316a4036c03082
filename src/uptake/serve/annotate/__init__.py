"""A small page on which people say what the turns of their own conversations do.

`app` has its addresses, `tasks` what is to be labelled. Labels, agreement and their place in an
audit are `audit.labels`.
"""

from __future__ import annotations

__all__: list[str] = []
