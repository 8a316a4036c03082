"""What the server counts, for Prometheus. Names follow its conventions; no label holds what anyone
said or who they are.

This module knows nothing of HTTP.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Metrics:
    """One a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.requests = Counter(
            "uptake_requests",
            "Requests answered",
            ["surface", "move", "arm", "status"],
            registry=registry,
        )
        self.open = Gauge("uptake_requests_open", "Requests being answered", registry=registry)
        self.mediation = Histogram(
            "uptake_mediation_seconds",
            "Time that mediation took",
            registry=registry,
            buckets=_SECONDS,
        )
        self.first = Histogram(
            "uptake_first_byte_seconds",
            "Time from a request to the first byte of its reply",
            ["surface"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.tokens = Counter(
            "uptake_tokens", "Tokens, as the upstream counts them", ["direction"], registry=registry
        )
        self.failed = Counter(
            "uptake_failures", "What failed without failing a request", ["part"], registry=registry
        )

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
