"""Which frames of a run the page gets at once; the others it asks for when a learner goes to them.

Of a brief run it gets the last frame, which is what a hand wants to see, and of any other run one every PACE seconds.
A frame after which none comes for a while is shown as well, and what its run had to say is said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from widgets.benches.runner import Job, Report

PACE, LATE = 0.04, 0.1  # seconds between two frames that are shown; until one that was left out is shown all the same


class Pacing:
    """`tell(report)` shows the newest frame of the report's run and says how it stands; `still(job)`: it is under way.

    For the thread of the runs, and one of its own while a frame waits.
    """

    def __init__(self, tell: Callable[[Report], None], still: Callable[[Job], bool]):
        self._tell, self._still = tell, still
        self._shown_at = 0.0
        self._lock = threading.Lock()
        self._waiting: Report | None = None
        self._timer: threading.Timer | None = None

    def due(self, job: Job, first: bool) -> bool:
        """Whether to show a frame now, the first one of its run or another."""
        now = time.perf_counter()
        if first and job.brief:
            self._shown_at = now  # so that its end comes first
        return now - self._shown_at >= PACE

    def shown(self) -> None:
        """Count from now on."""
        self._shown_at = time.perf_counter()

    def later(self, report: Report) -> None:
        """Tell this when nothing else was told for a while."""
        with self._lock:
            begun, self._waiting = self._waiting is not None, report
        if not begun:
            self._timer = threading.Timer(LATE, self._late)
            self._timer.daemon = True
            self._timer.start()

    def over(self) -> None:
        """Tell nothing later: what comes now is newer."""
        with self._lock:
            self._waiting = None
        if self._timer is not None:  # a process that forks must have no other thread
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        with self._lock:
            report, self._waiting = self._waiting, None
            if report is not None and self._still(report.job):
                self._tell(report)
