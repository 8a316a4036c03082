"""The JSON object that a model was asked for, found in what it wrote around it.

This module knows nothing of what is asked, or of what the object should hold.
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

__all__ = ["json_object"]


def json_object(reply: str) -> dict[str, Any] | None:
    """What stands from the first "{" to the last "}", as JSON; None where that is no object."""
    found = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        data: Any = json.loads(found.group()) if found else None
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None
