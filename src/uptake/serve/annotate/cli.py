"""The command `uptake annotate`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["annotate"]


def annotate(
    *logs: str,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("labels.jsonl"),
    form: Annotated[str | None, Parameter(name="--format")] = None,
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 20,
    seed: int = 0,
    port: Annotated[int, Parameter(name=["--port", "-p"])] = 8010,
) -> int:
    """Say what the turns of your own conversations do, on a page of this machine alone.

    Args:
        logs: Files, folders or patterns, as for uptake audit.
        out: The file of the labels; what it holds already is kept and shown.
        form: The format, where it is not to be found out.
        n: How many conversations, drawn by the seed.
        seed: The same seed draws the same conversations.
        port: The port on the loopback; 0 takes any.
    """
    import secrets
    import socket
    from importlib.util import find_spec

    from uptake.audit.labels import agreement
    from uptake.errors import UptakeError
    from uptake.transcripts import read

    if not logs:
        raise UptakeError("name a log: a file, a folder or a pattern")
    missing = [each for each in ("itsdangerous", "starlette", "uvicorn") if not find_spec(each)]
    if missing:
        raise UptakeError(f"this needs {', '.join(missing)}: pip install 'uptake[serve]'")
    from uptake.serve.annotate.app import create_annotator, open_door
    from uptake.serve.annotate.tasks import Tasks, sample

    tasks = Tasks(sample(read(*logs, form=form), n, seed), out)
    key = secrets.token_urlsafe(12)
    with socket.socket() as door:
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            raise UptakeError(f"port {port}: {error.strerror}; choose another --port") from error
        app = create_annotator(tasks, key)
        with suppress(KeyboardInterrupt):
            print(f"http://127.0.0.1:{door.getsockname()[1]}/{key}/", flush=True)
            print(f"{len(tasks.tasks):,} turns; labels go to {out}; Ctrl-C ends", flush=True)
            open_door(app, door)
    for row in agreement(list(tasks.labels.values())):
        kappa = "" if row.kappa is None else f", kappa {row.kappa.value:.2f}"
        alpha = "–" if row.alpha is None else f"{row.alpha:.2f}"
        print(f"{row.act.replace('_', ' ')}: alpha {alpha}{kappa} ({row.n:,} turns)")
    return 0
