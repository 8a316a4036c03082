"""Whatever fits our OpenAPI document, or does not quite, gets an answer of ours and never a 500."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings


@pytest.fixture(scope="module")
def server():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [sys.executable, "-m", "uptake", "serve", "--port", str(port)]
    running = subprocess.Popen(
        [*command, "--store", "memory:", "--no-dashboard"],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/ready", timeout=5).status_code == 200:
                    break
            assert running.poll() is None
            time.sleep(0.1)
        yield url
    finally:
        running.terminate()
        running.wait()


def test_no_request_that_the_document_lets_in_is_a_fault_of_ours(server):
    document = schemathesis.openapi.from_url(f"{server}/openapi.json")
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:
        checked(operation)


def checked(operation):
    @settings(
        max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def check(case):
        answer = case.call(timeout=60)
        assert answer.status_code < 500, answer.text
        (content,) = answer.headers["content-type"]
        assert content.startswith(("application/json", "text/event-stream", "text/plain"))

    check()
