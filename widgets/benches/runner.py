"""The run thread of a bench: one run at a time, the newest wins, and it stops, pauses and steps between frames."""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from threading import Timer
from typing import Any, Literal

import xarray as xr

GRACE = 0.1  # seconds that a brief run goes on although another one waits: a hand that moves on sees where runs end
LINGER = 1.0  # seconds that the thread waits for more work before it ends
# seconds that a run has to come to its next frame before it is interrupted: when it is stopped, and when another one
# waits for it, since a first call may load and compile for long
STOPPED, REPLACED = 1.0, 10.0
AGAIN = 1.0  # seconds between two tries
SILENT = 5.0  # seconds without a first frame after which a run is said to be at work
TRIES = 10  # of interrupting code that takes the interrupt for an error of its own

State = Literal["running", "silent", "paused", "done", "stopped", "ready", "failed"]


@dataclass(frozen=True)
class Job:
    """Values to run, and what for.

    `preview`: hold after the first frame, to show where a long run starts. `prepare`: keep the frames, and show none,
    for `most` seconds of this thread's computing. `asked`: show what a question was about. `at`: how far the run is in
    the frame that is shown when it has ended. `brief`: it took next to no time before.
    """

    values: dict[str, Any]
    preview: bool = False
    prepare: bool = False
    most: float = math.inf
    asked: bool = False
    at: float = 1.0
    brief: bool = False


@dataclass(frozen=True)
class Report:
    """How the run of `job` stands. `seconds` counts computing, not pauses.

    `silent`: at work without a first frame. `open_ended`: nobody knows how far it is.
    """

    job: Job
    state: State
    frames: int = 0
    seconds: float = 0.0
    progress: float = 0.0
    open_ended: bool = False
    error: BaseException | None = None


class Runner:
    """Runs jobs in a daemon thread, which ends when there is nothing to do: a process that forks must have no other.

    `frames(values)` makes the frames; `on_frame(job, frame)` and `on_report(report)` are called from the thread.
    With `interrupts`, a run that is to end and does not come to its next frame is interrupted, as Ctrl-C does it: it
    may be of a function that never yields one.
    """

    def __init__(
        self,
        frames: Callable[[dict[str, Any]], Iterator[xr.Dataset]],
        on_frame: Callable[[Job, xr.Dataset], None],
        on_report: Callable[[Report], None],
        interrupts: bool = False,
    ):
        self._interrupts = interrupts
        self._inside: object = None  # stands for the frame whose code is at work
        self._interrupted = False
        self._reach = threading.Lock()  # of these two
        self._frames, self._on_frame, self._on_report = frames, on_frame, on_report
        self._wake = threading.Condition()
        self._next: Job | None = None
        self._stop = self._paused = False
        self._steps = 0
        self._busy = False
        self._job: Job | None = None
        self._thread: threading.Thread | None = None

    def submit(self, job: Job, paused: bool = False) -> None:
        """Run this now; a run under way ends at its next frame. Jobs not yet begun are replaced."""
        with self._wake:
            self._stop, self._paused, self._steps = False, paused, 1 if paused else 0
            self._begin(job)

    def offer(self, job: Job) -> None:
        """Run this after the run under way, unless another job waits for that already."""
        with self._wake:
            if self._next is None and not self._stop:
                self._begin(job)

    def _begin(self, job: Job) -> None:
        self._next = job
        self._hurry(REPLACED)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="labcore-bench", daemon=True)
            self._thread.start()
        self._wake.notify_all()

    def pause(self, paused: bool) -> None:
        with self._wake:
            self._paused = paused
            self._wake.notify_all()

    def step(self) -> None:
        """Let a paused run go on for one frame; a running one pauses after its next frame."""
        with self._wake:
            self._paused = True
            self._steps += 1
            self._wake.notify_all()

    def stop(self) -> None:
        """End the run under way at its next frame."""
        with self._wake:
            self._stop, self._next = True, None
            self._hurry(STOPPED)
            self._wake.notify_all()

    def _hurry(self, seconds: float, tries: int = TRIES) -> None:
        """Interrupt the run under way if it is still at the same frame after so long."""
        if self._inside is None:
            return
        timer = threading.Timer(seconds, self._interrupt, (self._inside, tries))
        timer.daemon = True
        timer.start()

    def _interrupt(self, frame: object, tries: int) -> None:
        with self._reach:
            if self._inside is not frame or self._thread is None:
                return
            self._interrupted = True
            _raise_in(self._thread, KeyboardInterrupt)
        if tries > 1:
            self._hurry(AGAIN, tries - 1)

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def stopping(self) -> bool:
        """Whether the run under way is to end."""
        return self._stop

    @property
    def active(self) -> bool:
        """Whether a run is under way or waiting to begin that is to be seen."""
        with self._wake:
            jobs = (self._job if self._busy else None, self._next)
            return any(job is not None and not job.prepare for job in jobs)

    @property
    def job(self) -> Job | None:
        """The run under way."""
        with self._wake:
            return self._job if self._busy else None

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is under way. For tests and scripts."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._busy and self._next is None, timeout)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                self._wake.notify_all()
                if not self._wake.wait_for(lambda: self._next is not None, LINGER):
                    self._thread = None
                    return
                job, self._next, self._busy, self._stop = self._next, None, True, False
                self._job = job
            try:
                with _alone(job):
                    last = self._run(job)
                self._on_report(last)
            except (
                Exception,
                SystemExit,
            ) as error:  # an error in a view, or sys.exit(): the bench is told, its thread lives
                self._on_report(Report(job, "failed", error=error))

    def _superseded(self) -> bool:
        return self._stop or self._next is not None

    def _run(self, job: Job) -> Report:
        """One run, with a report while it goes; returns the last report."""
        count, seconds, progress, unknown = 0, 0.0, 0.0, False
        begun = time.perf_counter()
        began_at = time.thread_time()  # the benches of a page compute at the same time, and wait for each other
        frames = self._frames(job.values)
        try:
            while True:
                began = time.perf_counter()
                try:
                    if count == 0 and (self._interrupts or not (job.preview or job.prepare)):
                        frame = self._first(frames, job)
                    else:
                        frame = self._take(frames)
                except _Ended:
                    return Report(job, "stopped", count, seconds, progress, unknown)
                seconds += time.perf_counter() - began
                if frame is None:
                    return Report(job, "done", count, seconds, 1.0)
                count, progress = count + 1, frame.attrs["progress"]
                unknown = "open_ended" in frame.attrs
                if self._next is not None and count > 1 and not self._spared(job, begun):
                    return Report(job, "stopped", count, seconds, progress, unknown)
                self._on_frame(job, frame)
                if self._stop or time.thread_time() - began_at > job.most:
                    return Report(job, "stopped", count, seconds, progress, unknown)
                if job.preview and count == 1 and progress < 1:
                    return Report(job, "ready", count, seconds, progress, unknown)
                if progress < 1:
                    self._hold(Report(job, "running", count, seconds, progress, unknown))
                    if self._stop or (self._next is not None and not self._spared(job, begun)):
                        return Report(job, "stopped", count, seconds, progress, unknown)
        finally:
            frames.close()

    def _spared(self, job: Job, begun: float) -> bool:
        """Whether a run goes on for now although another one waits."""
        return job.brief and time.perf_counter() - begun < GRACE

    def _first(self, frames: Iterator[xr.Dataset], job: Job) -> xr.Dataset | None:
        """The first frame of a run, which is said to be at work where that takes long."""
        timer = Timer(SILENT, self._on_report, (Report(job, "silent"),))
        timer.daemon = True
        timer.start()
        try:
            return self._take(frames)
        finally:
            timer.cancel()

    def _take(self, frames: Iterator[xr.Dataset]) -> xr.Dataset | None:
        """The next frame, None at the end. Raises `_Ended` where it was interrupted."""
        if not self._interrupts:
            return next(frames, None)
        try:
            with self._reach:
                self._inside, self._interrupted = object(), False
            if self._superseded():  # in the moment before, when there was nothing to interrupt
                self._hurry(STOPPED if self._stop else REPLACED)
            try:
                return next(frames, None)
            finally:
                with self._reach:
                    self._inside = None
                    if self._interrupted:  # it may have come too late, and would break what comes next
                        _raise_in(self._thread, None)
        except KeyboardInterrupt:
            self._inside = None
            raise _Ended from None

    def _hold(self, report: Report) -> None:
        """Report, and wait here while the run is paused and no step was asked for."""
        with self._wake:
            self._steps = max(0, self._steps - 1)
            held = self._paused and self._steps == 0
        self._on_report(replace(report, state="paused") if held else report)
        if held:
            with self._wake:
                self._wake.wait_for(lambda: not self._paused or self._steps > 0 or self._superseded())


def _alone(job: Job) -> AbstractContextManager[None]:
    """A hand waits for a brief run, and its products are small: see `one_thread`."""
    if not job.brief:
        return nullcontext()
    from labcore.threads import one_thread  # loaded when the first hand moves

    return one_thread()


class _Ended(Exception):
    """The code of a run was interrupted."""


def _raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Raise an error in another thread, between two steps of its Python; None takes back one that has not come yet."""
    error = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), error)
