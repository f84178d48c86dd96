"""Whether anybody sees a figure. A run that nobody sees is ended: its cell was deleted, or run again.

A page says that a view is gone, and cannot say that it was the last one: there may be other views, and other pages. So
the kernel waits for a moment, in which a cell that was only moved shows its view again, and then asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

GRACE = 3.0  # seconds until the pages are asked, and then until one of them has answered


class Audience:
    """Calls `leave()` when no page answers `ask()`, which sends {"type": "anyone"}, after a view has gone."""

    def __init__(self, ask: Callable[[], None], leave: Callable[[], None]):
        self._ask, self._leave = ask, leave
        self._timer: threading.Timer | None = None

    def hear(self, said: str) -> None:
        """Take what a page says: "gone", or "opened" or "here" where there is a view."""
        if said == "gone":
            self._wait(self._asked)
        else:
            self.close()

    def close(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _asked(self) -> None:
        self._wait(self._leave)
        self._ask()

    def _wait(self, then: Callable[[], None]) -> None:
        self.close()
        self._timer = threading.Timer(GRACE, then)
        self._timer.daemon = True
        self._timer.start()
