"""The run thread of a bench: one run at a time, the newest wins, and it stops, pauses and steps between frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import xarray as xr

LINGER = 1.0  # seconds that the thread waits for more work before it ends

State = Literal["running", "paused", "done", "stopped", "ready", "failed"]


@dataclass(frozen=True)
class Job:
    """Values to run, and what for.

    `preview`: hold after the first frame, to show where a long run starts. `prepare`: keep the frames, and show none.
    `asked`: show what a question was about. `at`: how far the run is in the frame that is shown when it has ended.
    """

    values: dict[str, Any]
    preview: bool = False
    prepare: bool = False
    asked: bool = False
    at: float = 1.0


@dataclass(frozen=True)
class Report:
    """How the run of `job` stands. `seconds` counts computing, not pauses."""

    job: Job
    state: State
    frames: int = 0
    seconds: float = 0.0
    progress: float = 0.0
    error: BaseException | None = None


class Runner:
    """Runs jobs in a daemon thread, which ends when there is nothing to do: a process that forks must have no other.

    `frames(values)` makes the frames; `on_frame(job, frame)` and `on_report(report)` are called from the thread.
    """

    def __init__(
        self,
        frames: Callable[[dict[str, Any]], Iterator[xr.Dataset]],
        on_frame: Callable[[Job, xr.Dataset], None],
        on_report: Callable[[Report], None],
    ):
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
            self._wake.notify_all()

    @property
    def paused(self) -> bool:
        return self._paused

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
                self._on_report(self._run(job))
            except Exception as error:  # noqa: BLE001 - an error in a view must reach the bench, not kill its thread
                self._on_report(Report(job, "failed", error=error))

    def _superseded(self) -> bool:
        return self._stop or self._next is not None

    def _run(self, job: Job) -> Report:
        """One run, with a report while it goes; returns the last report."""
        count, seconds, progress = 0, 0.0, 0.0
        frames = self._frames(job.values)
        try:
            while True:
                began = time.perf_counter()
                frame = next(frames, None)
                seconds += time.perf_counter() - began
                if frame is None:
                    return Report(job, "done", count, seconds, 1.0)
                count, progress = count + 1, frame.attrs["progress"]
                if self._next is not None and count > 1:
                    return Report(job, "stopped", count, seconds, progress)
                self._on_frame(job, frame)
                if self._stop:
                    return Report(job, "stopped", count, seconds, progress)
                if job.preview and count == 1 and progress < 1:
                    return Report(job, "ready", count, seconds, progress)
                if progress < 1:
                    self._hold(Report(job, "running", count, seconds, progress))
                    if self._superseded():
                        return Report(job, "stopped", count, seconds, progress)
        finally:
            frames.close()

    def _hold(self, report: Report) -> None:
        """Report, and wait here while the run is paused and no step was asked for."""
        with self._wake:
            self._steps = max(0, self._steps - 1)
            held = self._paused and self._steps == 0
        self._on_report(replace(report, state="paused") if held else report)
        if held:
            with self._wake:
                self._wake.wait_for(lambda: not self._paused or self._steps > 0 or self._superseded())
