"""What a learner answers before a bench shows a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ipywidgets as w

from widgets.benches.parts import button, row


class Question(Protocol):
    """What a learner answers before a bench shows the run of the values `then`, and of the bench's own where it is {}.

    `panel(committed)` makes the widget that asks. It calls `committed(answer)` once, with None where the learner skips;
    its method `measured(frame)` then gets that run's last frame, once. `why` is Markdown, for after the answer.
    `start` says that the first frame of the bench's own run tells nothing of the answer, and may be seen before.
    A widget with a method `opened(frame)` gets the bench's first frame there. One whose answer is to be kept has it in
    `kept`, as JSON has it, None where the learner skipped; its method `restore(answer)` shows one that was kept, offers
    the result with `offer`, and is False for what is no answer of this question.
    """

    question: str
    then: Mapping[str, Any]
    why: str
    start: bool

    def panel(self, committed: Callable[[Any], None]) -> w.Widget: ...


def offer(show: Callable[[], None]) -> w.Widget:
    """The button under an answer of an earlier sitting. It calls `show()` once."""

    def press() -> None:
        if not made.disabled:  # a double click sends two
            made.disabled = True
            show()

    made = button("Show the result", "play", "Run what the question asks about", press, "primary")
    return row([made], "labcore-toolbar")
