from __future__ import annotations

import pytest
from command import serving, surroundings, toy
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("uptake", deadline=None)
settings.load_profile("uptake")


@pytest.fixture
def server():
    """A server whose model solves the toy domain."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """Where the command runs: with the toy domain installed."""
    return surroundings(toy.install(tmp_path_factory.mktemp("site")))
