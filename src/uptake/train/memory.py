"""The memory that training takes: given back as it goes, and said in one line where it runs out.

Torch says that in several ways: an error of its own on a GPU, a plain RuntimeError on a CPU.

This module knows nothing of how anything is trained.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator
from contextlib import contextmanager

from uptake.errors import UptakeError
from uptake.train.methods import AnyRecipe, DistilRecipe, ExamplesRecipe, GRPORecipe

__all__ = ["give_back", "in_memory"]

SIGNS = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch's errors say in such a case, on a GPU, on Linux, and on Windows."""


def give_back() -> None:
    """Return freed memory to the system, where the C library keeps it.

    Batches of ever other shapes leave glibc with gigabytes of holes.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


@contextmanager
def in_memory(recipe: AnyRecipe) -> Generator[None]:
    """Raise UptakeError where memory runs out within: what to make smaller in the recipe."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in SIGNS):
            raise
        raise UptakeError(
            f"out of memory: give {recipe.name} {_smaller(recipe)}; what was saved is kept"
        ) from error


def _smaller(recipe: AnyRecipe) -> str:
    """The settings that take memory, as they are."""
    if isinstance(recipe, GRPORecipe):
        keys = ["batch_tokens" if recipe.trainer == "compact" else "group", "room"]
        keys += ["vllm_memory"] if recipe.vllm else []
    elif isinstance(recipe, DistilRecipe):
        keys = ["batch_tokens", "room"]
    elif isinstance(recipe, ExamplesRecipe):
        keys = ["batch", "room"]
    else:
        keys = ["batch_tokens", "hidden_size"]
    settings = recipe.to_dict()
    said = "less of " + " or ".join(f"{key} (= {settings[key]})" for key in keys)
    if settings.get("lora_rank") == 0 and settings.get("trainer") != "compact":
        said += ", or a lora_rank"
    return said
