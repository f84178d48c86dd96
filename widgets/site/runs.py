"""Runs within a bound: another process computes them, and is ended when one takes too long.

`python -m widgets.site.runs` is that process. It reads (kind, experiment, values, CPU seconds) from its input and
writes frames. It gives up by itself between two frames, and keeps all that it has loaded and compiled; ended it is only
for a frame that takes too long.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import psutil
import xarray as xr

FRAMES = 40  # of a run, at most: its first, its last, and others between them
START = 120.0  # seconds that loading a method, and compiling it, may take
WAIT = 8  # times as long as its CPU seconds may a run wait for a busy machine
SLACK = 0.5  # CPU seconds for a run to give up by itself
KNOWN = 2.0  # CPU seconds after which a run's progress says how long it takes
FAR = 2.0  # times as long as it may take: a run that is expected to is given up at once

GONE = object()  # the answer of a process that has ended


class Runs:
    """The other process. `spent` are the CPU seconds of its last run; `close` ends it."""

    def __init__(self) -> None:
        self.spent = 0.0
        self._process: subprocess.Popen | None = None
        self._heard: queue.Queue = queue.Queue()

    def run(self, experiment: str, values: Mapping[str, Any], seconds: float) -> list[xr.Dataset] | None:
        """At most `FRAMES` frames of a run; None where it needs more CPU seconds than these.

        Raises RuntimeError with the words of a run that failed.
        """
        if self._process is None:
            self._begin()
        if self._ask(("load", experiment, {}, START), START) is None:
            raise RuntimeError(f"{experiment} could not be loaded within {START:.0f} s")
        found = self._ask(("run", experiment, dict(values), seconds), seconds)
        if isinstance(found, str):
            raise RuntimeError(found)
        return found

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process = None

    def _begin(self) -> None:
        line = [sys.executable, "-m", "widgets.site.runs"]
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._heard = queue.Queue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._heard), daemon=True).start()

    def _ask(self, request: tuple, seconds: float) -> Any:
        """The answer; None where more than so many CPU seconds are needed, and no process where it does not say so."""
        process = psutil.Process(self._process.pid)
        used = lambda: sum(process.cpu_times()[:2])  # noqa: E731
        before, began, most = used(), time.monotonic(), seconds + SLACK
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()
        while True:
            try:
                answer, self.spent = self._heard.get(timeout=0.05)
            except queue.Empty:
                self.spent = seconds
                with contextlib.suppress(psutil.Error):
                    if used() - before <= most and time.monotonic() - began <= WAIT * most:
                        continue
                self.close()
                return None
            if answer is GONE:  # killed by the machine for its memory, perhaps
                self.close()
            return None if answer is GONE else answer


def _listen(stream: BinaryIO, heard: queue.Queue) -> None:
    with contextlib.suppress(EOFError, pickle.UnpicklingError, OSError):
        while True:
            heard.put(pickle.load(stream))
    heard.put((GONE, 0.0))
    stream.close()


def thinned(items: list, most: int) -> list:
    """At most so many, evenly, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)] if most > 1 else [items[-1]]


def main() -> None:
    from labcore import catalog
    from widgets.benches.recording import Recording

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a method prints is no answer
    while True:
        try:
            kind, name, values, seconds = pickle.load(sys.stdin.buffer)
        except (EOFError, KeyboardInterrupt):  # a kernel that ends interrupts all of its processes
            return
        experiment = catalog.load_experiment(name)
        found: Any = True
        began = time.process_time()
        if kind == "run":
            try:
                run = Recording(values, lambda: experiment.frames(**values))  # noqa: B023
                found = thinned(list(run.frames), FRAMES) if _ends(run, seconds) else None
            except Exception as error:  # noqa: BLE001 - said by whoever asked
                found = f"{type(error).__name__}: {error}"
        pickle.dump((found, time.process_time() - began), answers)
        answers.flush()


def _ends(run: Iterable[xr.Dataset], seconds: float) -> bool:
    """Compute a run to its end, unless it takes more CPU seconds than these, or is going to take far more."""
    began = time.process_time()
    for frame in run:
        used, progress = time.process_time() - began, frame.attrs["progress"]
        if progress < 1 and (used > seconds or used > KNOWN and used > FAR * seconds * progress):
            return False
    return True


if __name__ == "__main__":
    main()
