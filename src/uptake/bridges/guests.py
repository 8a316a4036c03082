"""What Inspect loads by its entry point `inspect_ai`: tasks, and scanners where Scout is installed.

This module knows nothing of either.
"""

from __future__ import annotations

from importlib.util import find_spec

from uptake.bridges import inspect as inspect

if find_spec("inspect_scout"):
    from uptake.bridges import scout as scout

__all__: list[str] = []
