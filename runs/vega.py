"""Make the script that draws the report's plots: Vega, Vega-Lite and vega-embed in one file.

    python runs/vega.py

The report must work with no network, and the packages that bring this script weigh a hundred times
as much, so it lies beside the page. Make it again when altair moves to another version of
Vega-Lite; a test says when. Needs the tools of `.[dev]`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import altair as alt
import vl_convert

SCRIPT = Path(__file__).parent.parent / "src" / "uptake" / "report" / "vega.js"


def main() -> None:
    """Write the script, the versions in its first line."""
    convert = cast(Any, vl_convert)  # its stubs name the arguments otherwise than it takes them
    lite = alt.SCHEMA_VERSION.lstrip("v").rsplit(".", 1)[0]
    script = convert.javascript_bundle(vl_version=lite)
    versions = f"Vega {convert.get_vega_version()}, Vega-Lite {lite}, "
    versions += f"vega-embed {convert.get_vega_embed_version()}"
    SCRIPT.write_text(f"/* {versions}; vega.LICENSE */\n{script}", encoding="utf-8")
    print(f"{SCRIPT.name}: {versions}, {SCRIPT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
