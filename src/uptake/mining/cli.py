"""The command `uptake mine`.

This module knows nothing that the library does not.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["mine"]


def mine(
    *logs: str,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    form: Annotated[str | None, Parameter(name="--format")] = None,
    whole: Annotated[bool, Parameter(name="--all", negative=())] = False,
) -> int:
    """Make scenarios of real conversations that broke, for uptake probe replay.

    The file holds what people said, word for word.

    Args:
        logs: Files, folders or patterns, as for uptake audit. Without any, standard input.
        out: The file to make, for --instructions.
        form: The format, where it is not to be found out.
        whole: Take conversations that did not break, too.
    """
    import json
    import sys

    from uptake.errors import UptakeError
    from uptake.instructions.own import own
    from uptake.mining import WHY, Left
    from uptake.mining import mine as one
    from uptake.transcripts import Fault, read
    from uptake.transcripts.files import STDIN

    if not logs and sys.stdin.isatty():
        raise UptakeError("name a log: a file, a folder or a pattern; or pipe one in")
    kept: Counter[str] = Counter()
    left: Counter[str] = Counter()
    beside = out.with_name(f"{out.name}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", errors="backslashreplace") as lines:
            for found in read(*(logs or (STDIN,)), form=form):
                if isinstance(found, Fault):
                    print(f"not read: {found}", file=sys.stderr)
                    continue
                made = one(found, whole=whole)
                if isinstance(made, Left):
                    left[made.why] += 1
                    continue
                kept[f"{made.domain}, {made.meta['mined']['checked_by']}"] += 1
                lines.write(json.dumps(own(made), ensure_ascii=False) + "\n")
        if not kept:
            why = "; ".join(f"{n:,} {WHY[name]}" for name, n in left.most_common())
            raise UptakeError(f"no scenario in these conversations: {why or 'there are none'}")
        beside.replace(out)
    except OSError as error:
        raise UptakeError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
    print(f"{kept.total():,} of {kept.total() + left.total():,} conversations are in {out}")
    for name, n in kept.most_common():
        print(f"  {n:,} checked by {name}")
    for name, n in left.most_common():
        print(f"  left out {n:,} that {WHY[name]}")
    return 0
