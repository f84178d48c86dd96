"""The points of a sweep on a Dask cluster that is there already."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore.function_code import house_version
from labcore.sweep_files import SweepError, short_hash

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 30.0  # seconds without a single worker after which a sweep gives up
SPEAKS = 10.0  # seconds in which a scheduler must say its first word


def on_cluster(
    work: Callable[[dict], Any],
    todo: Mapping[Path, dict],
    cluster: str | Client,
    stop: threading.Event,
    check: Callable[[Client], None],
) -> Iterator[tuple[Path, Any]]:
    """Each point of `todo` and the future of its `work`, as they are done, once `check` has let the cluster pass.

    Raises `SweepError` where no scheduler answers, and when no worker is there or left.
    """
    if not todo:
        return
    waiting = iter(todo.items())
    with _client(cluster) as client:
        check(client)
        run = uuid.uuid4().hex[:8]  # two sweeps on one cluster do not share futures: one may be stopped
        ended: queue.Queue[Any] = queue.Queue()
        running = {}

        def submit(path: Path, parameters: dict) -> None:
            future = client.submit(work, parameters, key=f"labcore-{path.stem}-{run}")
            running[future] = path
            future.add_done_callback(ended.put)

        # a few a thread are under way: the results of a long sweep never pile up on the cluster
        for point in itertools.islice(waiting, max(4, 3 * sum(client.nthreads().values()))):
            submit(*point)
        seen = time.monotonic()
        try:
            while running and not stop.is_set():
                try:
                    future = ended.get(timeout=0.5)
                except queue.Empty:
                    seen = time.monotonic() if client.scheduler_info()["workers"] else seen
                    if time.monotonic() - seen > PATIENCE:
                        raise SweepError(f"no worker is left at {client.scheduler.address}") from None
                    continue
                yield running.pop(future), future
                for point in itertools.islice(waiting, 1):
                    submit(*point)
        finally:
            client.cancel(list(running))


# It is sent as it stands: a worker without Labcore could not load a function of it.
_ASK = """
def version_there(module, function, *arguments):
    try:
        import importlib
        return getattr(importlib.import_module(module), function)(*arguments)
    except Exception as error:
        return f"none ({type(error).__name__}: {error})"
"""


def check_workers(name: str, code: str, client: Client) -> None:
    """Raise `SweepError`, which names them, if workers have no Labcore or other code for this experiment."""
    _compare(name, code, client, "labcore.code_version", "code_version", name.partition(".")[0])


def check_carried(name: str, house: tuple[str, ...], client: Client) -> None:
    """Raise `SweepError` as `check_workers` does, for a function that is sent and needs these modules of Labcore."""
    _compare(name, worker_version(house), client, "labcore.sweep_cluster", "worker_version", house)


def worker_version(house: tuple[str, ...]) -> str:
    """What a worker must have as it is here: the Python that compiled the function, and modules of Labcore."""
    versions = [house_version(module) for module in ("labcore.functions", *house)]
    return f"{sys.version_info.major}.{sys.version_info.minor} {short_hash(versions)[:12]}"


def _compare(name: str, code: str, client: Client, *asked: Any) -> None:
    sent: dict[str, Any] = {"__name__": "__main__"}
    exec(_ASK, sent)
    found = client.run(sent["version_there"], *asked, on_error="return")
    others = [f"{worker} has {version}" for worker, version in found.items() if version != code]
    if others:
        raise SweepError(
            f"the workers need Labcore with the code that is here, for {name} version {code}: "
            f"{'; '.join(others[:5])}{f' and {len(others) - 5} more' if len(others) > 5 else ''}"
        )


@contextlib.contextmanager
def _client(cluster: str | Client) -> Iterator[Client]:
    """A client of this cluster for the length of a `with`; what was not ours is left as it was."""
    from distributed import Client

    if not isinstance(cluster, str):
        yield _with_workers(cluster)
        return
    try:
        _knock(cluster)
        client = Client(cluster, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SweepError(f"no Dask scheduler answers at {cluster}: {error}") from None
    with client:
        yield _with_workers(client)


def _knock(address: str) -> None:
    """Raise OSError where no scheduler is, ValueError for what is no address.

    Dask would knock at a closed port for as long as it may, and wait for a stranger who is silent without an end.
    """
    scheme, _, place = address.strip().rpartition("://")
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is tcp://host:port")
    if scheme in ("tcp", "tls", ""):
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=SPEAKS) as line,
            line.makefile("rb") as said,
        ):
            # it speaks first, eight bytes with the length of what follows; with keys the caller does
            if scheme != "tls" and not 0 < int.from_bytes(said.read(8), "little") < 2**20:
                raise OSError("what answers there is something else")


def _with_workers(client: Client) -> Client:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise SweepError(f"the scheduler at {client.scheduler.address} has no worker") from None
    return client
