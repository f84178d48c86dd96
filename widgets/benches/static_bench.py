"""A bench where nothing runs: its question, its figure, what is read of it, and the answer in a fold."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import xarray as xr
from IPython.display import display

from labcore.experiment import Experiment
from labcore.without import Without
from widgets.benches.parts import markdown
from widgets.benches.plot import Spec
from widgets.benches.prediction import Prediction
from widgets.benches.question import Question
from widgets.benches.sketch import Sketch
from widgets.benches.taken_out import as_html
from widgets.svg.draw import svg


class StaticBench:
    """The final figure and its reading, for an executed notebook that is read where nothing runs.

    With a question it is the figure that the question asks about, and the answer and its explanation stand below.
    """

    def __init__(
        self,
        experiment: Experiment,
        values: dict[str, Any],
        view: Callable[[xr.Dataset], Spec],
        question: Question | None = None,
        without: Without | None = None,
    ):
        self.experiment, self.question, self.without = experiment, question, without
        self.values = experiment.validate(**{**values, **question.then}) if question else values
        self.frame = experiment.still(**self.values)
        self.spec = view(self.frame)

    @property
    def reading(self) -> str:
        return self.frame.attrs["reading"]

    @property
    def outputs(self) -> list[dict[str, str]]:
        """What the bench leaves in a notebook, one after another.

        The figure is an output of its own, and a picture: a page that takes a notebook's HTML apart, as GitHub's does,
        still shows it.
        """
        below = f"<p>{escape(self.reading)}</p>"
        if self.question:
            below += folded("The answer", answer(self.question, self.frame))
        if self.without:
            below += folded(f"The line that carries the idea: {self.without.idea}", as_html(self.without))
        made = [
            {"image/svg+xml": svg(self.spec, page=False, label=self.reading), "text/plain": self.reading},
            {"text/html": below, "text/plain": ""},
        ]
        if self.question:
            made.insert(0, {"text/html": asked(self.question), "text/plain": self.question.question})
        return made

    def _ipython_display_(self) -> None:
        for bundle in self.outputs:
            display(bundle, raw=True)


def folded(head: str, body: str) -> str:
    return f"<details><summary>{escape(head)}</summary>{body}</details>"


def asked(question: Question) -> str:
    """A question and what may be answered, as HTML."""
    html = f"<p><b>{escape(question.question)}</b></p>"
    if isinstance(question, Prediction):
        html += f"<ul>{''.join(f'<li>{escape(option)}</li>' for option in question.options)}</ul>"
    elif isinstance(question, Sketch):
        html += f"<p>Draw it on paper: {escape(question.y.title)}, over {escape(question.x.title)}.</p>"
    return html


def answer(question: Question, frame: xr.Dataset) -> str:
    """What holds on the frame that a question is about, and why, as HTML."""
    held = question.holding(frame) if isinstance(question, Prediction) else ()
    was = " and ".join(f"<b>{escape(option)}</b>" for option in held)
    was = f"It was a tie between {was}." if len(held) > 1 else f"It was: {was}." if held else ""
    return (f"<p>{was}</p>" if was else "") + markdown(question.why)
