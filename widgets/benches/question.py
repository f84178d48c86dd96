"""What a learner answers before a bench shows a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ipywidgets as w


class Question(Protocol):
    """What a learner answers before a bench shows the run of the values `then`, and of the bench's own where it is {}.

    `panel(committed)` makes the widget that asks. It calls `committed(answer)` once, with None where the learner skips;
    its method `measured(frame)` then gets that run's last frame, once. `why` is Markdown, for after the answer.
    A widget with a method `opened(frame)` gets the bench's first frame there.
    """

    question: str
    then: Mapping[str, Any]
    why: str

    def panel(self, committed: Callable[[Any], None]) -> w.Widget: ...
