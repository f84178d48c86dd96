"""The points of a sweep on this machine: one after the other here, as a loop would, and in helper processes beside it.

Threads gain nothing: most of a point is Python and small calls of torch, which hold the interpreter's lock; two threads
pass it back and forth ten thousand times a second and more, which is work of its own. Processes need seconds to start.
So nobody waits for them: the points begin here at once, and helpers, which are workers of a small Dask cluster, join
when they are ready. A sweep that is too short for them never starts any.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

from labcore.threads import ONE_THREAD

HELPER_STARTS = 4.0  # seconds of one core until a helper has loaded a method: a longer sweep is worth one
COMPILING = 10.0  # seconds of the first point that say nothing about the others

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def outcomes(
    work: Callable[[dict], T], points: Mapping[K, dict], preload: str, stop: threading.Event
) -> Iterator[tuple[K, Any]]:
    """Each point with a future that holds what `work` makes of it, as they are done, in any order.

    `preload` is the module that a helper imports before it takes points. `stop` ends it with the point under way here;
    what helpers are at is dropped. Points of a helper that dies are run by the others, or here.
    """
    waiting, ended, helpers = deque(points), queue.SimpleQueue(), Helpers(preload)
    here, theirs = None, {}  # the point under way in this process; the helpers' points by their futures
    began, seconds = 0.0, []
    try:
        while waiting or here or theirs:
            if here is None and waiting:
                key, began = waiting.popleft(), time.perf_counter()
                here = _Point(work, points[key])
                here.future.add_done_callback(ended.put)
            for _ in range(min(helpers.room(len(waiting)) - len(theirs), len(waiting))):
                other = waiting.popleft()
                future = helpers.submit(work, points[other])
                theirs[future] = other
                future.add_done_callback(ended.put)
            with contextlib.suppress(queue.Empty):
                future = ended.get(timeout=0.2)
                if here and future is here.future:
                    seconds.append(time.perf_counter() - began)
                    here = None
                    yield key, future
                elif future in theirs:
                    yield theirs.pop(future), future
            if stop.is_set():
                if here:
                    here.join()
                    yield key, here.future
                return
            if theirs and not helpers.ready():
                waiting.extendleft(theirs.values())
                theirs.clear()
            # a point takes as long as the last one did, or longer when this one does
            now = time.perf_counter() - began if here else 0.0
            takes = max(now, seconds[-1]) if len(seconds) > 1 else now - (0.0 if seconds else COMPILING)
            helpers.grow(min(len(waiting), int(len(waiting) * takes / HELPER_STARTS)))
    finally:
        if here:
            here.interrupt()
        helpers.close()


class _Point(threading.Thread):
    """A point of this process, in a thread of its own: however long it is, those of the helpers are kept meanwhile."""

    def __init__(self, work: Callable[[dict], Any], parameters: dict):
        super().__init__(name="labcore-point", daemon=True)
        self._work, self._parameters, self.future = work, parameters, Future()
        self.start()

    def run(self) -> None:
        try:
            self.future.set_result(self._work(self._parameters))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self.future.set_exception(error)

    def interrupt(self) -> None:
        """As Ctrl-C does in a loop. A process must not end while a thread is inside torch: it would abort."""
        if self.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(KeyboardInterrupt))
            self.join()


class Helpers:
    """Worker processes of a Dask scheduler in this process, started one by one. They end when this process does.

    At most one for each core but one; the environment's LABCORE_HELPERS is another number.
    """

    def __init__(self, preload: str):
        from dask.system import CPU_COUNT  # the cores that this process may use, which can be fewer than there are

        self._preload = preload
        self._most = int(os.environ.get("LABCORE_HELPERS", CPU_COUNT - 1))
        self._started: list[subprocess.Popen] = []
        self._open = contextlib.ExitStack()
        self._cluster = self._client = None

    def grow(self, wanted: int) -> None:
        """Have so many started, if the most allows. Where none can be started, none is."""
        for _ in range(min(wanted, self._most) - len(self._started)):
            try:
                if self._cluster is None:
                    self._begin()
                self._started.append(self._start())
            except (OSError, RuntimeError) as error:
                logging.getLogger(__name__).warning("No helper process: %s", error)
                self._most = len(self._started)

    def _begin(self) -> None:
        import dask
        from distributed import Client, LocalCluster

        self._folder = self._open.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
        with dask.config.set({"distributed.admin.tick.interval": "500ms"}):  # this process has better things to do
            self._cluster = self._open.enter_context(LocalCluster(n_workers=0, host="127.0.0.1", **quiet))
            self._client = self._open.enter_context(Client(self._cluster, set_as_default=False))

    def _start(self) -> subprocess.Popen:
        # not by multiprocessing, whose children run the caller's script once more
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self._cluster.scheduler_address]
        options = ["--nthreads=1", "--no-nanny", "--no-dashboard", "--memory-limit=0", "--death-timeout=60"]
        place = ["--host=127.0.0.1", f"--local-directory={self._folder}", f"--preload={self._preload}"]
        quiet = {"DASK_LOGGING__DISTRIBUTED": "critical", "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
        return subprocess.Popen(
            [*command, *options, *place],
            env=os.environ | ONE_THREAD | quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the caller, who ends them
        )

    def ready(self) -> int:
        return len(self._cluster.scheduler.workers) if self._cluster is not None else 0

    def room(self, waiting: int) -> int:
        """How many points they may have at once: some in advance, but not of the last ones."""
        ready = self.ready()
        return ready * (3 if waiting > 4 * ready else 1)

    def submit(self, work: Callable[[dict], T], parameters: dict) -> Any:
        """A future of `work(parameters)`. Raises, where it is asked, if the point kills one process after the other."""
        return self._client.submit(work, parameters, key=f"labcore-{uuid.uuid4().hex}")

    def close(self) -> None:
        self._open.close()
        for process in self._started:
            process.kill()
            process.wait()


_lock, _inside, _undo = threading.Lock(), 0, contextlib.ExitStack()
_keeper: _Keeper | None = None


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread a library while a point runs, once its paper is loaded.

    Points share the cores, and a sum that is split over threads has other last bits. Points may run in several threads
    of a process; the last one to end gives the libraries their threads back.
    """
    global _inside, _keeper
    torch, pools = sys.modules.get("torch"), _pools(len(sys.modules))
    with _lock:
        if not _inside:
            _keeper = _undo.enter_context(contextlib.closing(_Keeper()))
            if torch:
                _undo.callback(torch.set_num_threads, torch.get_num_threads())
        _keeper.limit(pools)
        _inside += 1
    try:
        with pools.limit(limits=1, user_api="openmp"):  # OpenMP keeps this number for each thread
            if torch:
                torch.set_num_threads(1)
            yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _undo.close()


class _Keeper:
    """A thread that limits the BLAS of this process while points run, however they overlap, and then gives it back.

    OpenBLAS has one pool for all threads, and threadpoolctl heeds one thread at a time: what others ask for is ignored.
    """

    def __init__(self) -> None:
        self._thread, self._limits = ThreadPoolExecutor(1, "labcore-one-thread"), contextlib.ExitStack()
        self._limited: ThreadpoolController | None = None

    def limit(self, pools: ThreadpoolController) -> None:
        """Limit these pools, unless they are limited already."""
        if pools is not self._limited:
            self._thread.submit(self._limit, pools).result()
            self._limited = pools

    def _limit(self, pools: ThreadpoolController) -> None:
        if self._limited is None and hasattr(OpenBLASController, "clear_controlling_thread"):
            OpenBLASController.clear_controlling_thread(force=True)  # whoever calls a sweep may be inside a limit
        self._limits.enter_context(pools.limit(limits=1, user_api="blas"))

    def close(self) -> None:
        self._thread.submit(self._limits.close).result()
        self._thread.shutdown()


@functools.lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    """The thread pools of this process; they are looked for again when something was imported."""
    return ThreadpoolController()
