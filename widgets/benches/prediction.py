"""Predict first: a question before the result. The bench stays covered, or stays put, until the learner commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import ipywidgets as w

from widgets.benches.parts import button, layout, row, style, words


@dataclass(frozen=True)
class Prediction:
    """A question, the options to choose from, and what happens after the choice.

    With `then`, the bench shows its figure, waits, and on commitment pins it and moves to these values.
    Without, the figure itself stays covered until commitment.
    """

    question: str
    options: tuple[str, ...]
    then: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise ValueError(f"a prediction needs at least 2 options, got {self.options!r}")


class PredictionPanel(w.VBox):
    """The question with its options. Calls `committed(choice)` once; choice is None when the learner skips."""

    def __init__(self, prediction: Prediction, committed: Callable[[str | None], None]):
        self._prediction, self._committed, self._closed = prediction, committed, False
        look = {"layout": layout(width="auto"), "style": style(w.RadioButtons)}
        self._options = w.RadioButtons(options=list(prediction.options), value=None, **look)
        self._commit = button("Commit", "check", "", lambda: self._close(self._options.value), "primary")
        self._commit.disabled = True
        skip = button("Skip", "", "Show the result without a prediction", lambda: self._close(None))
        question = words(f'<div class="labcore-question">Predict first. {escape(prediction.question)}</div>')
        buttons = row([self._commit, skip], "labcore-toolbar")
        super().__init__([question, self._options, buttons], layout=layout())
        self.add_class("labcore-predict")
        self._options.observe(lambda _: setattr(self._commit, "disabled", self._options.value is None), "value")

    def _close(self, choice: str | None) -> None:
        if self._closed:  # a double click sends two clicks before the page can take the button away
            return
        self._closed = True
        said = "You skipped the prediction." if choice is None else f"You predicted: <b>{escape(choice)}</b>."
        question = f'<div class="labcore-question">{escape(self._prediction.question)}</div>'
        self.children = [words(f"{question}<div>{said} Now compare with what was measured, under the figure.</div>")]
        self._committed(choice)
