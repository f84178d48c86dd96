"""What the kernel of the slider's benchmark does: one stage that shows one case after another, and a log of moments.

The log has a line for each moment, of its name and the time in milliseconds since 1970, which is the page's clock too.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

import widgets
from widgets.benches.bench import INSTANT, Bench
from widgets.benches.plot import Plot

WIDGET, CURVE = "a curve and a heat map, FigureWidget", "a curve and a heat map"
THEORY = "double_descent.model_wise, theory"
VALUES = {THEORY: {"data": "isotropic", "method": "ridge"}}


def picture(frequency: float) -> dict[str, Any]:
    """A curve and a heat map, side by side."""
    x = np.linspace(0, 1, 200)
    sheet = np.outer(np.sin(frequency * x[::5]), x[::4])
    return {
        "data": [
            {"type": "scatter", "x": x, "y": np.sin(frequency * x)},
            {"type": "heatmap", "z": sheet, "xaxis": "x2", "yaxis": "y2"},
        ],
        "layout": {
            "xaxis": {"domain": [0, 0.45]}, "xaxis2": {"domain": [0.55, 1], "anchor": "y2"},
            "yaxis2": {"anchor": "x2"}, "height": 420,
        },
    }  # fmt: skip


class Stage:
    """Shows the next of some cases whenever its button is pressed, and writes down what its kernel does when."""

    def __init__(self, names: Sequence[str], log: Path):
        self._names, self._log = iter(names), log.open("a", buffering=1, encoding="utf-8")
        self._place, self._word = w.VBox(), w.Label("")
        self._shown: w.Widget | None = None
        following = w.Button(description="next")
        following.on_click(lambda _: self._turn())
        self.widget = w.VBox([w.HBox([following, self._word]), self._place])

    def _turn(self) -> None:
        if self._shown is not None:
            self._place.children = []
            self._shown.close()
        name = next(self._names)
        self._shown = self._bare(name) if name in (WIDGET, CURVE) else self._bench(name)
        self._place.children = [self._shown]
        self._word.value = name
        self._mark("case", name)

    def _mark(self, moment: str, more: Any = None) -> None:
        self._log.write(json.dumps([moment, 1e3 * time.time(), more]) + "\n")

    def _marked(self, call: Callable[..., Any], before: str = "", after: str = "") -> Callable[..., Any]:
        @functools.wraps(call)
        def marked(*args: Any, **kwargs: Any) -> Any:
            if before:
                self._mark(before)
            result = call(*args, **kwargs)
            if after:
                self._mark(after)
            return result

        return marked

    def _bench(self, name: str) -> Bench:
        made = widgets.bench(name.partition(",")[0], **VALUES.get(name, {}))
        computed, show, report = made._computed, made._film.show, made._report

        def frames(values: dict[str, Any]) -> Iterator[Any]:
            self._mark("begun")
            for frame in computed(values):
                self._mark("frame")
                yield frame

        def told(said: Any) -> None:
            report(said)
            cost = max(made._cost.get(made._last_moved or "", 0.0), made._long)
            if said.state == "done" and not said.job.prepare:
                self._mark("done", [cost, cost <= INSTANT])

        def shown() -> None:
            show()
            self._mark("sent", made._film.shots[-1].frame.attrs["reading"])

        made._computed, made._film.show, made._runner._on_report = frames, shown, told
        made.set = self._marked(made.set, before="heard")
        made.view = self._marked(made.view, after="picture")
        return made

    def _bare(self, name: str) -> w.Widget:
        import plotly.graph_objects as go

        slider = w.FloatSlider(min=0, max=20, step=0.1, description="frequency")
        box = w.VBox([slider])
        box.add_class("labcore-main")
        figure = Plot(picture(0.0)) if name == CURVE else go.FigureWidget(go.Figure(picture(0.0)))

        def show(made: dict[str, Any]) -> None:
            if name == CURVE:
                return figure.show(made, str(slider.value))
            with figure.batch_update():
                figure.data[0].y, figure.data[1].z = made["data"][0]["y"], made["data"][1]["z"]

        def move(change: dict[str, Any]) -> None:
            for moment in ("heard", "begun", "frame"):
                self._mark(moment)
            made = picture(change["new"])
            self._mark("picture")
            show(made)
            self._mark("sent", str(change["new"]) if name == CURVE else None)
            self._mark("done", [0.0, True])

        slider.observe(move, "value")
        return w.VBox([box, figure])
