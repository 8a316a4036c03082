"""Where uptake meets other programs: its probes as Inspect tasks, Inspect's logs as runs, the
audit as a scanner of Scout.

Nothing else in uptake imports these, but the command that reads their logs.
"""

from __future__ import annotations

__all__: list[str] = []
