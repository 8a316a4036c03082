"""Where uptake meets other programs: its probes as Inspect tasks, and Inspect's logs as runs.

Nothing else in uptake imports these, but the command that reads their logs.
"""

from __future__ import annotations

__all__: list[str] = []
