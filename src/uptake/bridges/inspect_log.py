"""Logs of Inspect in which a task of uptake was played, read as a run: `uptake report x.eval`.

An `.eval` log is a zip of JSON files, which Inspect compresses with zstandard; that is all that
is needed to read it, so Inspect itself is not. A log that is not finished has its samples, too.

This module knows nothing of how an episode is played.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from uptake.episode import Episode
from uptake.errors import UptakeError
from uptake.run.record import Record

__all__ = ["EPISODE", "SETTINGS", "Log", "gather", "read_log", "unzipped"]

EPISODE = "uptake:episode"
"""Where the store of a sample, and the metadata of its score, hold the episode."""

SETTINGS = "uptake"
"""Where the metadata of a task hold the settings of the run."""

ZSTANDARD = 93
"""The number of zstandard among the compressions of a zip; zipfile knows it from Python 3.14."""

BROKEN = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of data that is not laid out as it should be."""


@dataclass(frozen=True)
class Log:
    """What a log of Inspect tells of a run: its settings, as in `run.json`, and its episodes."""

    settings: Mapping[str, Any]
    episodes: tuple[Episode, ...]


def read_log(path: Path) -> Log:
    """The run in an Inspect log, `.eval` or `.json`. A sample that failed is a failed episode.

    Raises:
        UptakeError: it cannot be read, is no Inspect log, or not one of a task of uptake's.
    """
    try:
        with path.open("rb") as file:
            zipped = zipfile.is_zipfile(file)
        header, samples = unzipped(path) if zipped else _plain(path)
        spec = _fields(header["eval"])
        if SETTINGS not in _fields(spec.get("metadata")):
            raise UptakeError(f"{path}: a log of {spec['task']}, which is no task of uptake's")
        found = tuple(_episode(spec, sample) for sample in samples if not _cancelled(sample))
        return Log(_settings(header), found)
    except OSError as error:
        raise UptakeError(f"cannot read {path}: {error.strerror or error}") from error
    except (*BROKEN, zipfile.BadZipFile, zlib.error) as error:
        why = f"{type(error).__name__}: {error}"
        raise UptakeError(f"{path}: not a log of Inspect ({why})") from error


def gather(paths: Sequence[Path], out: Path) -> Path:
    """Make `out` the folder of a run that played the episodes of these logs, and give it.

    Where two logs have an episode in common, one that did not fail counts, and of two alike the
    later. A folder that was made of the same logs before gets what is new in them.

    Raises:
        UptakeError: a log cannot be read, or the folder cannot be written or is another run's.
    """
    logs = [read_log(path) for path in paths]
    found: dict[tuple[Any, ...], Episode] = {}
    for episode in (episode for log in logs for episode in log.episodes):
        before = found.get(episode.key)
        if before is None or before.error is not None or episode.error is None:
            found[episode.key] = episode
    record = Record(out, {**_together([log.settings for log in logs]), "logs": _names(paths)})
    try:
        for key, episode in found.items():
            if key not in record.done and (episode.error is None or key not in record.failed):
                record.add(episode)
    finally:
        record.close()
    return out


def _names(paths: Sequence[Path]) -> list[str]:
    return [path.name for path in paths]


def _together(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of several logs as those of one run; "several" where they differ.

    The model is the first that is no constant policy, and all others are beside it.
    """
    first = settings[0]
    joined = {
        key: value if all(each.get(key) == value for each in settings) else "several"
        for key, value in first.items()
    }
    models = list(dict.fromkeys(str(each["model"]) for each in settings))
    joined["probes"] = list(dict.fromkeys(probe for each in settings for probe in each["probes"]))
    probed = [model for model in models if not model.startswith("policy:")] or models[:1]
    joined["model"] = probed[0]
    joined["controls"] = [model for model in models if model not in probed]
    return joined


def _settings(header: Mapping[str, Any]) -> dict[str, Any]:
    """What the task was made with, and what the eval was then run with."""
    spec = _fields(header["eval"])
    held = _fields(_fields(spec["metadata"])[SETTINGS])
    drawn = _fields(_fields(header.get("plan")).get("config"))
    return {
        **held,
        "model": _model(spec),
        "repeats": _fields(spec.get("config")).get("epochs") or held["repeats"],
        "temperature": drawn.get("temperature", held["temperature"]),
        "reply_tokens": drawn.get("max_tokens", held["reply_tokens"]),
    }


def _fields(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one where there is none."""
    return cast("Mapping[str, Any]", value or {})


def _model(spec: Mapping[str, Any]) -> str:
    """The name that an episode has of the model: that of one of uptake's own is its own."""
    return str(spec["model"]).removeprefix("uptake/")


def _episode(spec: Mapping[str, Any], sample: Mapping[str, Any]) -> Episode:
    held = _fields(_fields(sample.get("store")).get(EPISODE))
    if held and not sample.get("error"):
        return Episode.from_dict(held)
    told = _fields(sample["metadata"])
    return Episode(
        probe=told["probe"],
        domain=told["domain"],
        instruction_id=told["instruction_id"],
        condition=told["condition"],
        model=_model(spec),
        mediated=False,
        repeat=int(sample["epoch"]) - 1,
        seed=int(_fields(_fields(spec["metadata"])[SETTINGS])["seed"]),
        turns=(),
        gold=str(sample["target"]),
        ended="error",
        error=_why(sample),
        seconds=float(sample.get("total_time") or 0.0),
        user="scripted",
        needed_shards=int(told["needed_shards"]),
    )


def _why(sample: Mapping[str, Any]) -> str:
    """Why a sample has no episode, in one line."""
    limit = _fields(sample.get("limit"))
    if limit:
        return f"a limit of Inspect's was reached: {limit.get('type')}"
    error = _fields(sample.get("error"))
    return " ".join(str(error.get("message", "it was not played to its end")).split())


def _cancelled(sample: Mapping[str, Any]) -> bool:
    """Whether it was cut short because the eval was: it is missing, and did not fail."""
    message = str(_fields(sample.get("error")).get("message", ""))
    return message.startswith(("CancelledError(", "Cancelled("))


# The two formats


def _plain(path: Path) -> tuple[Mapping[str, Any], Iterator[Mapping[str, Any]]]:
    log: dict[str, Any] = json.loads(path.read_bytes())
    return log, iter(log.get("samples") or ())


def unzipped(path: Path) -> tuple[Mapping[str, Any], Iterator[Mapping[str, Any]]]:
    """The head of the log, or what it began with if it is not finished, and its samples."""
    with zipfile.ZipFile(path) as zipped:
        # A sample that was written again is listed twice: the later counts.
        entries = {info.filename: info for info in zipped.infolist()}
    heads = ("header.json", "_journal/start.json")
    head = next((entries[name] for name in heads if name in entries), None)
    if head is None:
        raise ValueError("a zip without header.json")
    samples = [info for name, info in sorted(entries.items()) if name.startswith("samples/")]
    return _entry(path, head), (_entry(path, info) for info in samples)


def _entry(path: Path, info: zipfile.ZipInfo) -> Mapping[str, Any]:
    """One JSON file of the zip."""
    if info.compress_type != ZSTANDARD:
        with zipfile.ZipFile(path) as zipped:
            return json.loads(zipped.read(info))
    import zstandard

    with path.open("rb") as file:
        # The local header has 30 bytes, the last four the lengths of the name and the extra field.
        file.seek(info.header_offset)
        start = file.read(30)
        file.seek(int.from_bytes(start[26:28], "little") + int.from_bytes(start[28:], "little"), 1)
        raw = file.read(info.compress_size)
    # Large files are several frames.
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    try:
        return json.loads(reader.read())
    except zstandard.ZstdError as error:
        raise ValueError(f"{info.filename}: {error}") from error
