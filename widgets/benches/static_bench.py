"""A bench where nothing runs: its figure, and what is read below it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import xarray as xr

from labcore.experiment import Experiment
from labcore.without import Without
from widgets.benches.parts import markdown
from widgets.benches.plot import Spec
from widgets.benches.prediction import Prediction
from widgets.benches.question import Question
from widgets.benches.taken_out import as_html


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
        self.frame = experiment.run(**self.values)
        self.spec = view(self.frame)

    @property
    def reading(self) -> str:
        return self.frame.attrs["reading"]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        import plotly.graph_objects as go
        import plotly.io as pio

        from labcore.figure import on_paper

        figure = go.Figure(on_paper(self.spec))
        merged: dict[str, Any] = {}
        for renderer in (pio.renderers["plotly_mimetype"], pio.renderers["notebook_connected"]):
            merged.update(renderer.to_mimebundle(figure.to_dict()))
        asked = answer = ""
        if self.question:
            asked = f"<p><b>{escape(self.question.question)}</b></p>"
            held = self.question.holding(self.frame) if isinstance(self.question, Prediction) else ()
            answer = f"<p>It was: <b>{escape(' and '.join(held))}</b>.</p>" if held else ""
            answer += markdown(self.question.why)
        fold = ""
        if self.without:
            head = f"The line that carries the idea: {self.without.idea}"
            fold = f"<details><summary>{escape(head)}</summary>{as_html(self.without)}</details>"
        merged["text/html"] = f"{asked}{merged['text/html']}<p>{escape(self.reading)}</p>{answer}{fold}"
        merged["text/plain"] = self.reading
        return merged
