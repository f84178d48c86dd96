"""The points of a sweep on this machine: one after the other here, as a loop would, and in helper processes beside it.

Threads gain nothing: most of a point is Python and small calls of torch, which hold the interpreter's lock; two threads
pass it back and forth ten thousand times a second and more, which is work of its own. Processes need seconds to start.
So nobody waits for them: the points begin here at once, and helpers join when they are ready. A sweep that is too short
for them never starts any.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from labcore.experiment import ParameterError
from labcore.sweep_helper import receive, send
from labcore.threads import ONE_THREAD

HELPER_STARTS = 4.0  # seconds of one core until a helper has loaded a method: a longer sweep is worth one
COMPILING = 10.0  # seconds of the first point that say nothing about the others

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class ProcessDied(RuntimeError):
    """The helper process ended under a point, which is then likely to be why."""


class NeverStarted(RuntimeError):
    """The helper process ended before it could take a point."""


def outcomes(
    work: Callable[[dict], T],
    points: Mapping[K, dict],
    preload: str,
    stop: threading.Event,
    suspects: Collection[K] = (),
    begin: Callable[[K], None] = lambda key: None,
) -> Iterator[tuple[K, Future[T]]]:
    """Each point with a future that holds what `work` makes of it, as they are done, in any order.

    `preload` is the module that a helper imports before it takes points. `stop` ends it with the point under way here;
    what helpers are at is dropped. `begin` is called with each point before it is begun.
    The suspects, which may have killed a process, come last, each alone and in a helper where there may be one. A point
    whose helper dies becomes a suspect; when it dies again, the future raises `ProcessDied`.
    """
    last = deque(key for key in points if key in suspects)
    waiting, tried = deque(key for key in points if key not in suspects), set(last)
    ended, helpers = queue.SimpleQueue(), Helpers(preload)
    here, theirs = None, {}  # the point under way in this process; the helpers' points by their futures
    began, seconds = 0.0, []

    def begin_here(key: K) -> _Point:
        begin(key)
        point = _Point(work, key, points[key])
        point.future.add_done_callback(ended.put)
        return point

    def send_away(key: K) -> None:
        begin(key)
        future = helpers.submit(work, points[key])
        theirs[future] = key
        future.add_done_callback(ended.put)

    try:
        while waiting or last or here or theirs:
            if here is None and waiting:
                here, began = begin_here(waiting.popleft()), time.perf_counter()
            for _ in range(min(helpers.idle(), len(waiting))):
                send_away(waiting.popleft())
            if last and not here and not theirs:
                key = last.popleft()
                if helpers.have_one():
                    send_away(key)
                else:
                    here, began = begin_here(key), time.perf_counter()
            with contextlib.suppress(queue.Empty):
                future = ended.get(timeout=0.2)
                if here and future is here.future:
                    key, here = here.key, None
                    seconds.append(time.perf_counter() - began)
                else:
                    key = theirs.pop(future)
                died = future.exception()
                if isinstance(died, NeverStarted) and here:
                    waiting.appendleft(key)
                elif isinstance(died, NeverStarted):
                    here, began = begin_here(key), time.perf_counter()
                elif isinstance(died, ProcessDied) and key not in tried:
                    tried.add(key)
                    last.append(key)
                else:
                    yield key, future
            if stop.is_set():
                if here:
                    here.join()
                    yield here.key, here.future
                return
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

    def __init__(self, work: Callable[[dict], Any], key: Any, parameters: dict):
        super().__init__(name="labcore-point", daemon=True)
        self._work, self._parameters, self.key, self.future = work, parameters, key, Future()
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
    """Helper processes, started one by one. They end when this process does.

    At most one for each core but one; the environment's LABCORE_HELPERS is another number. Raises `ParameterError`
    where that is none.
    """

    def __init__(self, preload: str):
        from dask.system import CPU_COUNT  # the cores that this process may use, which can be fewer than there are

        asked = os.environ.get("LABCORE_HELPERS", "").strip()
        if asked and not asked.isdecimal():
            raise ParameterError(f"LABCORE_HELPERS = {asked!r} is not allowed; it must be a whole number, 0 or more")
        self._preload, self._most, self._any = preload, int(asked or CPU_COUNT - 1), asked != "0"
        self._running: list[_Helper] = []
        self._started = 0

    def grow(self, wanted: int) -> None:
        """Have so many started, if the most allows. Where none can be started, none is."""
        for _ in range(min(wanted, self._most) - self._started):
            if not self._start_one():
                self._most = self._started

    def have_one(self) -> bool:
        """See that one can be sent a point, also where a single core allows none beside this process."""
        return any(h.free for h in self._running) or self._any and self._start_one()

    def _start_one(self) -> bool:
        try:
            self._running.append(_Helper(self._start()))
        except (OSError, RuntimeError) as error:
            logging.getLogger(__name__).warning("No helper process: %s", error)
            self._any = False
            return False
        self._started += 1
        return True

    def _start(self) -> subprocess.Popen:
        # not by multiprocessing, whose children run the caller's script once more
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "labcore.sweep_helper", self._preload, str(os.getpid())],
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the caller, who ends them
        )

    def idle(self) -> int:
        """How many wait for a point."""
        return sum(h.free and h.ready for h in self._running)

    def submit(self, work: Callable[[dict], T], parameters: dict) -> Future[T]:
        """A future of `work(parameters)` in one that waits, or will."""
        return max((h for h in self._running if h.free), key=lambda h: h.ready).submit(work, parameters)

    def close(self) -> None:
        for helper in self._running:
            helper.close()


class _Helper(threading.Thread):
    """One helper process, and the thread here that waits for its answers. One point at a time."""

    def __init__(self, process: subprocess.Popen):
        super().__init__(name="labcore-helper", daemon=True)
        self._process, self._future = process, None
        self.ready, self._alive = False, True
        self._lock = threading.Lock()
        self.start()

    @property
    def free(self) -> bool:
        return self._alive and self._future is None

    def submit(self, work: Callable[[dict], T], parameters: dict) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if not self._alive:
                future.set_exception(NeverStarted())
                return future
            self._future = future
        with contextlib.suppress(OSError):  # it has died; the thread says so
            send(self._process.stdin, (work, parameters))
        return future

    def run(self) -> None:
        with contextlib.suppress(EOFError):
            receive(self._process.stdout)
            self.ready = True
            while True:
                answer = receive(self._process.stdout)
                future, self._future = self._future, None
                try:
                    result, error = pickle.loads(answer)
                except Exception as unread:  # noqa: BLE001 - as the point's own error
                    result, error = None, unread
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
        code = self._process.wait()
        with self._lock:
            self._alive, future = False, self._future
        if future:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            future.set_exception(ProcessDied(f"its process died ({how})") if self.ready else NeverStarted())

    def close(self) -> None:
        self._process.kill()
        self.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
