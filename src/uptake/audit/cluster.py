"""A function over many batches on a Ray cluster, the results in the order of the batches.

Plain tasks of Ray, and not Ray Data: a Dataset reads files itself, in blocks of rows, keeps their
order only by an option, and goes on after a stop from a checkpoint of its own by an id of each row.
The audit has its own reader, which counts what cannot be read by file and line, and goes on from
the middle of a log. All it wants of a cluster is a function done elsewhere, a few batches ahead.

What reads and writes stays in the process that asks: no node needs to see the logs.

This module knows nothing of what is worked out.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from uptake.errors import UptakeError

__all__ = ["AUTO", "hushed", "in_order", "require"]

In = TypeVar("In")
Out = TypeVar("Out")

AUTO = "auto"
"""The cluster of RAY_ADDRESS, or of a head that runs here; where there is none, one is started."""

_AHEAD = 2  # batches for each processor: one at work, and one that is there when it is done
_REACH = 5.0  # seconds to wait for an address; Ray itself waits for minutes
_PATIENCE = 600.0  # seconds without any processor, before a cluster is given up
_LONGEST = 300  # characters of what Ray says


def require() -> None:
    """Raises UptakeError where Ray is not installed."""
    try:
        import_module("ray.exceptions")  # by `ray` alone, Ray's own folder in /tmp would do
    except ImportError as error:
        raise UptakeError("--ray needs Ray: pip install 'uptake[ray]'") from error


@contextmanager
def hushed() -> Generator[None]:
    """Without the dozens of lines that Ray prints of each node that it lost; its logs have them."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


def in_order(
    work: Callable[[In], Out], batches: Iterable[In], processes: int, address: str = AUTO
) -> Iterator[Out]:
    """`work` of each batch, in order, on the cluster of an address: HOST:PORT, `AUTO` or "local".

    A cluster that is started here has `processes` processors, and ends with this; within a program
    that has called `ray.init`, its cluster is taken. `work` and what it takes and gives must be
    picklable, and what they are made of installed on every node. An exception of `work` is raised
    here. A batch whose process or node is lost is done again elsewhere, as often as Ray does so.

    Raises:
        UptakeError: Ray is not installed, there is no such cluster, it has lost a batch for good,
            has no processor left, or has another version of uptake.
    """
    require()
    joined = _join(address, processes)
    try:
        yield from _spread(work, batches)
    finally:
        if joined:
            _leave()


def _join(address: str, processes: int) -> bool:
    """Be in a cluster; False where this process was in one before."""
    import ray
    from ray.exceptions import RayError

    if ray.is_initialized():
        return False
    head = _head(address)
    if head is not None:
        _reach(head)
    init = partial(ray.init, logging_level=logging.ERROR, log_to_driver=False)
    try:
        if head is None:
            init(address="local", num_cpus=processes, include_dashboard=False)
        else:
            init(address=None if address == AUTO else address)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        where = "start a Ray cluster here" if head is None else f"join the Ray cluster at {head}"
        raise UptakeError(f"cannot {where}: {_one_line(error.__cause__ or error)}") from error
    return True


def _leave() -> None:
    import ray

    ray.shutdown()


def _head(address: str) -> str | None:
    """Where the head of the cluster is; None where one is to be started."""
    from ray._private import services  # nothing public says it without waiting for the head

    named = os.environ.get("RAY_ADDRESS", "") if address == AUTO else address
    if not named:
        return services.canonicalize_bootstrap_address(cast("str", None))
    return None if named == "local" else named


def _reach(head: str) -> None:
    """See that somebody listens there: for a head that is gone, Ray waits for minutes."""
    host, _, port = head.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise UptakeError(
            f"{head}: not the address of a Ray cluster, HOST:PORT of its head;"
            " logs are named before --ray"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
    except (OSError, OverflowError) as error:
        raise UptakeError(
            f"no Ray cluster at {head} ({error}): `ray start --head` starts one and says where,"
            " `ray stop` forgets one that is gone"
        ) from error


def _spread(work: Callable[[In], Out], batches: Iterable[In]) -> Iterator[Out]:
    import ray

    task = ray.remote(_done)
    # In a tuple, so that it does not travel with each batch: a process fetches it once.
    held = (ray.put(work), version("uptake"))
    going: deque[Any] = deque()
    for batch in batches:
        going.append(task.remote(held, batch))
        while len(going) > _AHEAD * max(_processors(), 1):
            yield _taken(going.popleft())
    while going:
        yield _taken(going.popleft())


def _processors() -> int:
    """How many the cluster has just now: nodes come and go."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def _taken(going: Any) -> Any:
    """What came of a batch, once it is done."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError

    while True:
        try:
            return ray.get(going, timeout=_PATIENCE)
        except GetTimeoutError:
            if not _processors():
                raise UptakeError(
                    f"the Ray cluster has had no processor for {_PATIENCE:.0f} seconds: add a node;"
                    " the same command goes on"
                ) from None
        except RayTaskError as error:
            raise _cause(error) from None
        except RayError as error:
            raise UptakeError(
                f"the Ray cluster lost a batch and did not get it back: {_one_line(error)}"
            ) from error


def _cause(error: Any) -> Exception:
    """What was raised on a node, as it was, or that the node cannot load what is to be done."""
    cause: Exception = error.cause
    if isinstance(cause, ImportError) or "failed to import on the worker" in str(cause):
        return UptakeError(
            f"a node of the Ray cluster cannot load uptake ({_one_line(cause)}): every node needs"
            f" pip install 'uptake[ray]=={version('uptake')}'"
        )
    return cause


def _one_line(error: BaseException) -> str:
    """What Ray says, or of a traceback in it the last line."""
    said = str(error).strip()
    if "Traceback" in said:
        said = said.splitlines()[-1]
    return " ".join(said.split())[:_LONGEST] or type(error).__name__


def _done(held: tuple[Any, str], batch: Any) -> Any:
    """What a batch comes to; this runs in a process of the cluster."""
    return _work(*held)(batch)


@lru_cache(maxsize=1)
def _work(held: Any, wanted: str) -> Callable[[Any], Any]:
    """The function, fetched once for each process."""
    import ray

    here = version("uptake")
    if here != wanted:
        node = ray.util.get_node_ip_address()
        raise UptakeError(f"node {node} has uptake {here}, and {wanted} was asked for: install it")
    gc.set_threshold(200_000)  # an audit makes many objects and hardly a circle of them
    return ray.get(held)
