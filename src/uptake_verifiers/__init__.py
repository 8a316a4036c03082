"""The name by which verifiers finds uptake's environment: it takes top-level modules alone."""

from __future__ import annotations

from uptake.bridges.verifiers import UptakeEnv, UptakeHarness, UptakeTaskset

__all__ = ["UptakeEnv", "UptakeHarness", "UptakeTaskset"]
