from __future__ import annotations

import pytest

# What Inspect itself is warned of is not ours to mend. It also leaves streams to the garbage
# collector, which is why `make test-inspect` runs without pytest's plugin for such.
INSPECTS = (
    "ignore:The 'initial' parameter:DeprecationWarning",
    "ignore:Unclosed <MemoryObject:ResourceWarning",
    "ignore:The inplace keyword:DeprecationWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in INSPECTS:
        config.addinivalue_line("filterwarnings", line)
