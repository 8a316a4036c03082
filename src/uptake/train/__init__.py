"""Training: the environment and its rewards, recipes, a corpus, and the loops that fit to them.

The environment, the rewards and the tasks need nothing but the base; what makes a model needs the
extra `train` (torch, transformers, TRL), and imports it inside its functions.
"""

from __future__ import annotations

__all__: list[str] = []
