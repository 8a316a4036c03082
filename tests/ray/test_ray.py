"""`uptake audit --ray` on clusters of this machine, each node with processes of its own.

A node has one processor and the cluster of most tests two nodes, so that both are at work.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import ray
from chats import begun, found, log, state
from command import surroundings, uptake
from ray.cluster_utils import Cluster

from uptake.audit import cluster as on_ray
from uptake.audit.escalate import doubted
from uptake.audit.run import audit_logs
from uptake.audit.setup import Setup
from uptake.errors import UptakeError

SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20}
HEAD = SMALL | {"include_dashboard": False}


@pytest.fixture(scope="module", autouse=True)
def apart():
    """Clusters that others may have on this machine are not seen, and nothing is left of ours."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray-") as short:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_TMPDIR", short)  # short: a socket's path is at most 107 bytes
        patch.setenv("HOME", short)
        yield


@contextmanager
def cluster(**head):
    running = Cluster(initialize_head=True, head_node_args=HEAD | head)
    try:
        yield running
    finally:
        running.shutdown()


@pytest.fixture(scope="module")
def two():
    """Two nodes."""
    with cluster() as running:
        running.add_node(**SMALL)
        yield running


@pytest.fixture
def env(tmp_path):
    return surroundings(tmp_path)


def where(work):
    """`work`, and the node where it was done; by value, since no node has this file."""

    def done(batch):
        time.sleep(0.05)  # long enough for either node to be given some
        return ray.get_runtime_context().get_node_id(), work(batch)

    return done


@dataclass(frozen=True)
class Seen(Setup):
    """A setup that keeps the node of each batch, and calls `then` with how many are done."""

    nodes: list[str] = field(default_factory=list)
    then: object = None

    def in_order(self, work, batches):
        for node, done in on_ray.in_order(where(work), batches, 1, self.ray):
            self.nodes.append(node)
            if self.then:
                self.then(self.nodes)
            yield done


def same(one, other):
    """Two audits wrote the same rows, events and faults, and found the same."""
    for name in ("turns.jsonl", "events.jsonl", "faults.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert found(one) == found(other)


@pytest.fixture(scope="module")
def chats(tmp_path_factory):
    return log(tmp_path_factory.mktemp("log") / "chats.jsonl", 1600, "{broken", '{"weather": 1}')


@pytest.fixture(scope="module")
def plain(chats, tmp_path_factory):
    """What an audit without Ray writes."""
    out = tmp_path_factory.mktemp("plain") / "out"
    audit_logs(Setup((str(chats),), out, events=True))
    return out


def test_both_nodes_work_and_what_is_written_is_the_same_to_the_byte(two, chats, plain, tmp_path):
    setup = Seen((str(chats),), tmp_path / "out", events=True, ray=two.address)
    audit_logs(setup)
    assert len(setup.nodes) > 20
    assert set(setup.nodes) == {node["NodeID"] for node in nodes(two) if node["Alive"]}
    same(setup.out, plain)


def nodes(running):
    ray.init(running.address, log_to_driver=False)
    try:
        return ray.nodes()
    finally:
        ray.shutdown()


def test_a_node_that_is_killed_in_the_middle_loses_nothing(two, chats, plain, tmp_path):
    third = two.add_node(**SMALL)

    def kill(done):
        if third.node_id in done and third in two.worker_nodes:
            two.remove_node(third, allow_graceful=False)  # kill -9 of all that it has

    setup = Seen((str(chats),), tmp_path / "out", events=True, ray=two.address, then=kill)
    audit_logs(setup)
    assert third not in two.worker_nodes
    assert set(setup.nodes[-3:]) <= set(setup.nodes) - {third.node_id}
    same(setup.out, plain)
    two.wait_for_nodes()  # until its head knows that there are two again


def test_the_terminal_does_not_hear_of_a_lost_node(two, chats, plain, tmp_path, env):
    third = two.add_node(**SMALL)
    process = begun(env, chats, tmp_path / "out", "--events", "--ray", two.address)
    two.remove_node(third, allow_graceful=False)
    said, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert said.startswith("1,600 conversations")
    same(tmp_path / "out", plain)
    two.wait_for_nodes()


def test_turns_in_doubt_are_the_same_on_a_cluster(two, chats, tmp_path):
    told = []
    for address in (None, two.address):
        setup = Setup((str(chats),), tmp_path / "out", ray=address)
        with doubted(setup, 0.1) as found:
            told.append((found.conversations, found.turns, found.questions, found.acts))
    assert told[0] == told[1]
    assert told[0][:2] == (1600, 6400)
    assert told[0][2] > 0


def test_results_come_in_order_and_no_more_is_read_than_is_soon_worked_on(two):
    read = []

    def batches():
        for number in range(30):
            read.append(number)
            yield number

    def slow(number):
        time.sleep(0.3 if number % 5 == 0 else 0)
        return number, os.getpid()

    done, most = [], 0
    for number, process in on_ray.in_order(slow, batches(), 1, two.address):
        done.append((number, process))
        most = max(most, len(read) - len(done))
    assert [number for number, _ in done] == list(range(30))
    assert len({process for _, process in done}) > 1
    assert most <= 2 * 2


def test_an_exception_of_the_work_is_raised_as_it_was(two):
    def fail(number):
        raise KeyError(number)

    with pytest.raises(KeyError) as raised:
        list(on_ray.in_order(fail, range(3), 1, two.address))
    assert type(raised.value) is KeyError
    assert not ray.is_initialized()


def test_a_batch_that_ends_every_process_is_one_line(two):
    def end(number):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(
        UptakeError, match=r"lost a batch and did not get it back: .*died"
    ) as raised:
        list(on_ray.in_order(end, range(1), 1, two.address))
    assert "\n" not in str(raised.value)


def test_another_version_on_a_node_is_refused(two, monkeypatch):
    monkeypatch.setattr(on_ray, "version", lambda name: "9.9.9")
    with pytest.raises(UptakeError, match=r"node [\d.]+ has uptake .*, and 9\.9\.9 was asked for"):
        list(on_ray.in_order(str, range(3), 1, two.address))


def test_a_program_that_is_in_a_cluster_stays_in_it(two):
    ray.init(two.address, log_to_driver=False)
    try:
        assert list(on_ray.in_order(str, range(3), 1)) == ["0", "1", "2"]
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_no_processor_or_no_uptake_on_a_node_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['uptake'] = None")
    monkeypatch.setattr(on_ray, "_PATIENCE", 1)
    with cluster(num_cpus=0) as running:
        with pytest.raises(UptakeError, match="no processor for 1 seconds"):
            list(on_ray.in_order(str, range(3), 1, running.address))
        running.add_node(**SMALL, env_vars={"PYTHONPATH": str(tmp_path)})
        with pytest.raises(UptakeError, match=r"cannot load uptake \(ModuleNotFound") as raised:
            list(on_ray.in_order(str, range(3), 1, running.address))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_audit_that_was_stopped_goes_on_with_or_without(two, chats, plain, tmp_path, env, how):
    out = tmp_path / "out"
    process = begun(env, chats, out, "--events", "--ray", two.address)
    process.send_signal(how)
    _, err = process.communicate(timeout=120)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    if how == signal.SIGINT:
        assert err.splitlines()[-1].endswith("the same command goes on")
    before = state(out)
    assert not before["state"]["finished"]
    assert 0 < before["findings"]["conversations"] < 1600
    more = ["--ray"] if how == signal.SIGKILL else []
    code, said, err = uptake(
        env | {"RAY_ADDRESS": two.address}, "audit", chats, "--out", out, "--events", *more
    )
    assert (code, err) == (0, [])
    assert "1,600 conversations" in said
    same(out, plain)


def test_without_a_cluster_one_is_started_and_ended(chats, plain, tmp_path, env):
    out = tmp_path / "out"
    words = ["--out", out, "--events", "--ray", "--processes", 1]
    code, said, err = uptake(env, "audit", chats, *words)
    assert (code, err) == (0, [])
    assert "1,600 conversations" in said
    same(out, plain)
    left = subprocess.run(["pgrep", "-f", sessions()[-1]], capture_output=True, check=False).stdout
    assert left == b""


def sessions():
    """The clusters that there were, each by its folder."""
    return sorted(map(str, Path(os.environ["RAY_TMPDIR"], "ray").glob("session_2*")))


def test_a_head_of_this_machine_is_found_and_one_that_is_gone_is_one_line(
    chats, plain, tmp_path, env
):
    words = ["--num-cpus=1", f"--object-store-memory={80 << 20}", "--include-dashboard=false"]
    command = Path(sys.executable).with_name("ray")
    head = subprocess.Popen(
        [command, "start", "--head", f"--port={free()}", "--block", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    try:
        for line in head.stdout:
            if "Ray runtime started" in line:
                break
        before = sessions()
        code, _, err = uptake(env, "audit", chats, "-o", tmp_path / "out", "--events", "--ray")
        assert code == 0, err  # Ray warns of other clusters on this machine
        assert sessions() == before
        same(tmp_path / "out", plain)
    finally:
        os.killpg(head.pid, signal.SIGKILL)
        head.communicate()
    code, _, err = uptake(env, "audit", chats, "-o", tmp_path / "gone", "--ray")
    assert code == 2
    assert len(err) == 1
    assert "no Ray cluster at" in err[0]


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_address_where_there_is_no_cluster_is_one_line_and_code_2(chats, tmp_path, env):
    nobody = f"127.0.0.1:{free()}"
    for words, address, line in (
        (["--ray", nobody], "", f"no Ray cluster at {nobody}"),
        (["--ray"], nobody, f"no Ray cluster at {nobody}"),
        (["--ray", "chats.jsonl"], "", "chats.jsonl: not the address of a Ray cluster"),
        (["--ray", "ray://127.0.0.1:10001"], "", "not the address of a Ray cluster"),
    ):
        around = env | {"RAY_ADDRESS": address}
        code, _, err = uptake(around, "audit", chats, "--out", tmp_path / "out", *words)
        assert code == 2
        assert len(err) == 1
        assert line in err[0]
