"""The study: would more conversation in the data have done, or does it take another objective?

From one checkpoint, arms differ in what they learn from and how: data mode and amount under
next-token training, preferences, rewards, self-distillation, or a mediator and no training. Each is
measured by every probe.

This package knows nothing of torch; what is learned, and how, is in `uptake.train`.
"""

from __future__ import annotations

__all__: list[str] = []
