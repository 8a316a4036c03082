"""What a run leaves in its folder: `run.json`, its settings, and `episodes.jsonl`, what was played.

`episodes.jsonl` is only ever appended to, one whole line an episode, so that a run that is killed
loses nothing it had finished. A line that a crash tore is cut off when the run goes on. An episode
that failed may be played again later: the later line counts.

This module knows nothing of why an episode is played, or of what it scores.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from uptake.episode import Episode
from uptake.errors import UptakeError
from uptake.run.lines import append, compare, hold, repair, replace
from uptake.scenario import CONDITIONS

__all__ = [
    "Key",
    "Record",
    "count",
    "episodes",
    "not_taken",
    "notes",
    "played",
    "read_lines",
    "settings",
]

Key = tuple[Any, ...]
EPISODES = "episodes.jsonl"
SETTINGS = "run.json"
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
SYNC_EVERY = 5.0  # seconds: what a power cut may cost; a killed process costs nothing


class Record:
    """The folder of one run, open for appending and held by this process alone.

    `done` holds the key of every episode that was played without an error, `failed` of every
    other. `tokens` and `cost` (US dollars) are what the run has used so far, controls aside:
    every recorded episode, played again or not, and what `lose` was told of.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        """Open `out`, made if need be, for a run with these `settings`.

        Raises:
            UptakeError: the folder cannot be written, is in use, belongs to another run, or holds
                a line that is no episode.
        """
        self.out = out
        self.path = out / EPISODES
        self.done: set[Key] = set()
        self.failed: set[Key] = set()
        self._broken: UptakeError | None = None
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise _unwritable(self.path, error, 0) from error
        try:
            self._begin(settings)
        except BaseException:
            os.close(self._file)
            raise

    def _begin(self, settings: Mapping[str, Any]) -> None:
        hold(self._file, self.out)
        try:
            self._size = repair(self._file)
            held = _check(self.out, settings, self._size)
        except OSError as error:
            raise _unwritable(self.path, error, 0) from error
        self._settings = dict(settings)
        self._free = frozenset(settings.get("controls", ()))
        lost = held.get("lost", {})
        self._lost_tokens = self.tokens = int(lost.get("tokens", 0))
        self._lost_cost = self.cost = float(lost.get("cost", 0.0))
        self._not_taken: list[str] = held.get("not_taken", [])
        self._notes: list[str] = held.get("notes", [])
        for episode in read_lines(self.path):
            self._count(episode)
        self._synced = time.monotonic()

    def _count(self, episode: Episode) -> None:
        if episode.error is None:
            self.done.add(episode.key)
            self.failed.discard(episode.key)
        else:
            self.failed.add(episode.key)
        if episode.model in self._free:
            return
        for turn in episode.turns:
            if not turn.cached:
                self.tokens += turn.prompt_tokens + turn.completion_tokens
                self.cost += turn.cost or 0.0
            self.tokens += turn.user_prompt_tokens + turn.user_completion_tokens
            self.cost += turn.user_cost or 0.0

    def add(self, episode: Episode) -> None:
        """Append one episode, whole or not at all; after a line that failed, no other.

        Raises:
            UptakeError: the line could not be written (disk full, quota, folder gone).
        """
        if self._broken:
            raise self._broken
        line = (_ENCODE(episode.to_dict()) + "\n").encode()
        try:
            append(self._file, line)
            if time.monotonic() - self._synced > SYNC_EVERY:
                self.sync()
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            kept = len(self.done) + len(self.failed)
            self._broken = _unwritable(self.path, error, kept)
            raise self._broken from error
        self._size += len(line)
        self._count(episode)

    def sync(self) -> None:
        """Wait until the disk itself has what was appended."""
        os.fsync(self._file)
        self._synced = time.monotonic()

    def lose(self, tokens: int, cost: float) -> None:
        """Remember what was spent on conversations that no line records, for later limits.

        A disk that is full loses this figure, never an episode.
        """
        if tokens <= 0 and cost <= 1e-9:
            return
        self._lost_tokens += max(0, tokens)
        self._lost_cost += max(0.0, cost)
        self._keep()

    def withhold(self, parameters: Iterable[str]) -> None:
        """Remember which sampling parameters the model's server did not take, for the report."""
        found = sorted({*self._not_taken, *parameters})
        if found != self._not_taken:
            self._not_taken = found
            self._keep()

    def note(self, lines: Iterable[str]) -> None:
        """Remember what a reader of the scores must know, in place of what was noted before."""
        found = list(lines)
        if found != self._notes:
            self._notes = found
            self._keep()

    def _keep(self) -> None:
        held = {
            "settings": self._settings,
            "lost": {"tokens": self._lost_tokens, "cost": self._lost_cost},
            "not_taken": self._not_taken,
            "notes": self._notes,
        }
        with contextlib.suppress(OSError):
            replace(self.out / SETTINGS, held)

    def close(self) -> None:
        """Let the folder go. What was appended is on disk."""
        with contextlib.suppress(OSError):
            self.sync()
        os.close(self._file)


def read_lines(path: Path) -> Iterator[Episode]:
    """Every recorded episode in the order of the file, failures that were played again included.

    A last line without its end is the mark of a crash and is passed over.

    Raises:
        UptakeError: the file cannot be read, or a line is no episode.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    yield _episode(line, path, number)
    except OSError as error:
        raise UptakeError(f"cannot read {path}: {error.strerror}") from error


def episodes(out: Path) -> list[Episode]:
    """The episodes of the run in `out`, one a key: where one was played again, the later.

    `out` is the folder of a run, or a file like its `episodes.jsonl`.

    The model that was probed comes before the controls, then conditions and instructions in
    order, whatever order they were finished in: the same run is always read the same.

    Raises:
        UptakeError: there is no run in `out`, or a line is no episode.
    """
    path = Path(out) if Path(out).is_file() else Path(out) / EPISODES
    if not path.is_file():
        raise UptakeError(f"no run in {out}: it has no {EPISODES}")
    last = {episode.key: episode for episode in read_lines(path)}
    controls = frozenset(settings(out).get("controls", ()))
    ranks = {condition: rank for rank, condition in enumerate(CONDITIONS)}

    def place(episode: Episode) -> Key:
        rank = ranks.get(episode.condition, len(ranks))
        return episode.model in controls, rank, episode.instruction_id, episode.key

    return sorted(last.values(), key=place)


def played(out: Path, wanted: Mapping[str, Any]) -> set[Key]:
    """The keys that a run with these settings would find played in `out`. Nothing is written.

    Raises:
        UptakeError: `out` belongs to other settings, or holds a line that is no episode.
    """
    if not (Path(out) / EPISODES).exists():
        return set()
    compare(Path(out), settings(out), wanted)
    return {episode.key for episode in episodes(out) if episode.error is None}


def count(out: Path) -> int:
    """How many episodes the run in `out` holds; 0 where there is none."""
    return len(episodes(out)) if (Path(out) / EPISODES).is_file() else 0


def settings(out: Path) -> dict[str, Any]:
    """The settings that the run in `out` was begun with; empty where it has no `run.json`.

    Those of a file are in its folder, if it has the name that a run gives it.
    """
    if Path(out).is_file():
        return settings(Path(out).parent) if Path(out).name == EPISODES else {}
    return dict(_held(Path(out)).get("settings", {}))


def not_taken(out: Path) -> list[str]:
    """The sampling parameters that the model's server did not take, so that it used its own."""
    return list(_held(Path(out)).get("not_taken", []))


def notes(out: Path) -> list[str]:
    """What a reader of the scores must know of the run: one line each, see `run.caveats`."""
    return list(_held(Path(out)).get("notes", []))


def _held(out: Path) -> dict[str, Any]:
    """What `run.json` holds; empty where there is none."""
    path = out / SETTINGS
    try:
        held: dict[str, Any] = json.loads(path.read_bytes())
        dict(held["settings"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UptakeError(f"{path}: not the settings of a run ({error}); delete it") from error
    return held


def _episode(line: bytes, path: Path, number: int) -> Episode:
    try:
        return Episode.from_dict(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UptakeError(
            f"{path}:{number}: not an episode ({type(error).__name__}: {error}); "
            "delete that line, and the same command plays it again"
        ) from error


def _check(out: Path, wanted: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Compare with the settings that `out` was begun with, or put them there; all that it holds."""
    path = out / SETTINGS
    if not path.exists():
        if size:
            raise UptakeError(f"{out} holds episodes without a {SETTINGS}: choose another --out")
        replace(path, {"settings": dict(wanted)})
    compare(out, settings(out), wanted)
    return _held(out)


def _unwritable(path: Path, error: OSError, kept: int) -> UptakeError:
    line = f"cannot write {path}: {error.strerror}"
    if kept:
        line += f"; {kept} finished episodes are kept: make room, then run the same command again"
    return UptakeError(line)
