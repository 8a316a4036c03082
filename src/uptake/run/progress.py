"""How far a run is, how fast it goes and how long it will take, on standard error.

On a terminal a bar (rich); elsewhere a plain line now and then, so that logs stay short.

This module knows nothing of what is counted.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

__all__ = ["Progress", "clock"]

LINE_EVERY = 30.0  # seconds between plain lines
WINDOW = 60.0  # seconds over which the rate is taken


class Progress:
    """Counts up to `total` of `what`; `show` False counts in silence."""

    def __init__(self, total: int, *, show: bool = True, what: str = "episodes") -> None:
        """Nothing is shown before the progress is entered."""
        self.what = what
        self.total = total
        self.done = 0
        self.failed = 0
        self._show = show
        self._bar: Bar | None = None
        self._begun = self._said = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque([(self._begun, 0)])

    def __enter__(self) -> Self:
        if self._show and sys.stderr.isatty():
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, words="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif self._show and self._said != self._begun:
            print(self.line(), file=sys.stderr, flush=True)  # noqa: T201

    def advance(self, *, failed: bool = False) -> None:
        """One more is done."""
        self.done += 1
        self.failed += failed
        now = time.monotonic()
        if now - self._recent[-1][0] >= 1.0:
            self._recent.append((now, self.done))
            while len(self._recent) > 2 and now - self._recent[0][0] > WINDOW:
                self._recent.popleft()
        if self._bar:
            self._bar.update(self._task, completed=self.done, words=self._words(now))
        elif self._show and now - self._said > LINE_EVERY:
            self._said = now
            print(self.line(), file=sys.stderr, flush=True)  # noqa: T201

    def line(self) -> str:
        """The whole state in one plain line."""
        words = self._words(time.monotonic())
        return f"{self.done:,} of {self.total:,} {self.what}, {words}"

    def _words(self, now: float) -> str:
        since, before = self._recent[0]
        rate = (self.done - before) / max(now - since, 1e-9)
        left = clock((self.total - self.done) / rate) if rate > 0 else "?"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{rate:.1f}/s, {left} left{failed}"


def clock(seconds: float) -> str:
    """A duration as people say it: 45 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
        console=Console(stderr=True),
        transient=True,
    )
