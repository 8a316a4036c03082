from __future__ import annotations

from pathlib import Path

import pytest
from command import serving, surroundings, toy
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("uptake", deadline=None)
settings.load_profile("uptake")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", type=Path, help="the folder for pictures of the dashboard")


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a test leaves the pictures that it takes: docs/images, where that was asked for."""
    return request.config.getoption("--pictures") or tmp_path


@pytest.fixture
def server():
    """A server whose model solves the toy domain."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """Where the command runs: with the toy domain installed."""
    return surroundings(toy.install(tmp_path_factory.mktemp("site")))
