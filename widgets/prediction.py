"""Predict first: a question before the result. The bench stays covered, or stays put, until the learner commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import ipywidgets as w


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
        self._options = w.RadioButtons(options=list(prediction.options), value=None, layout=w.Layout(width="auto"))
        self._commit = w.Button(description="Commit", icon="check", button_style="primary", disabled=True)
        self._skip = w.Button(description="Skip", tooltip="Show the result without a prediction")
        self._buttons = w.HBox([self._commit, self._skip])
        self._buttons.add_class("labcore-toolbar")
        question = w.HTML(f'<div class="labcore-question">Predict first. {escape(prediction.question)}</div>')
        super().__init__([question, self._options, self._buttons])
        self.add_class("labcore-predict")
        self._options.observe(lambda _: setattr(self._commit, "disabled", self._options.value is None), "value")
        self._commit.on_click(lambda _: self._close(self._options.value))
        self._skip.on_click(lambda _: self._close(None))

    def _close(self, choice: str | None) -> None:
        if self._closed:  # a double click sends two clicks before the page can take the button away
            return
        self._closed = True
        said = "You skipped the prediction." if choice is None else f"You predicted: <b>{escape(choice)}</b>."
        question = f'<div class="labcore-question">{escape(self._prediction.question)}</div>'
        self.children = [w.HTML(f"{question}<div>{said} Now compare with what was measured, under the figure.</div>")]
        self._committed(choice)
