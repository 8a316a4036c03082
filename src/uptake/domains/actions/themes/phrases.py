"""What themes say alike of a parameter."""

from __future__ import annotations

__all__ = ["DAY", "TIME"]

DAY = "The day as YYYY-MM-DD."
TIME = "The time as HH:MM, from 00:00 to 23:59."
