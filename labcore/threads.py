"""One thread a library: for processes that share a machine's cores, and while something runs that others wait for."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import OpenBLASController, ThreadpoolController

# of visitors' kernels and a sweep's workers: read by the libraries when they are loaded
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}

_lock, _inside, _undo = threading.Lock(), 0, contextlib.ExitStack()
_keeper: _Keeper | None = None


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread a library: for a sweep's point, once its paper is loaded, and for a run that follows a hand.

    Points share the cores, and a sum that is split over threads has other last bits. Small products on two threads
    take twice the work and no less time, and ten times the time where the cores have something else to do. It may be
    entered in several threads of a process; the last one to leave gives the libraries their threads back.
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
    """A thread that limits the BLAS of this process while others run, however they overlap, and then gives it back.

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
