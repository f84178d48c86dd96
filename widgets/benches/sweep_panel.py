"""The Sweep panel of a bench: one parameter over many values and seeds, drawn as one fan of curves while it runs."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w
import xarray as xr

from labcore.experiment import Experiment, Parameter, ParameterError
from labcore.sweeps import Progress, SweepError, sweep, values_in
from widgets.benches.controls import shown
from widgets.benches.parts import button, layout, line, row, said, style, words
from widgets.benches.pins import pin
from widgets.benches.plot import Plot, Spec

MOST_HERE = 200  # points; more than a page can draw, and than a visitor of a shared machine should ask for
_FAN = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#d8c61f")  # viridis, darker at its bright end


class SweepPanel(w.VBox):
    """Fields for what to vary, Run and Stop, and the fan. `wait()` lets a script wait for the end.

    The points are kept in `sweeps/<experiment>` of the working folder; on a server for visitors, who share its disk,
    in a temporary folder that goes with the kernel. `values()` gives the bench's current values.
    """

    def __init__(
        self, experiment: Experiment, values: Callable[[], dict[str, Any]], view: Callable[[xr.Dataset], Spec]
    ):
        self._experiment, self._values, self._view = experiment, values, view
        self._stop, self._thread = threading.Event(), None
        visitors = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
        self._visitors, self._temporary = visitors, None
        names = [(p.label, name) for name, p in experiment.parameters.items() if name != "seed"]
        look = {"label_width": "88px", "size": {"width": "min(420px, 98%)"}}
        named = style(w.Dropdown, description_width="88px")
        self._name = w.Dropdown(description="vary", options=names, layout=layout(**look["size"]), style=named)
        self._list = line("over", placeholder="0, 0.2, 0.5  or  1:6", **look)
        self._seeds = line("seeds", "0:3", **look)
        # visitors have no such field, not even off the page: a scheduler's answers are unpickled, and so can run code
        self._address = (
            None if visitors else line("cluster", placeholder="this machine, or tcp://scheduler:8786", **look)
        )
        run = button("Run sweep", "play", "", self.run, "primary")
        halt = button("Stop sweep", "stop", "", self.stop)
        self._bar = w.FloatProgress(min=0, max=1, layout=layout(width="160px"), style=style(w.FloatProgress))
        self._words = words(css="labcore-status")
        self._plot = Plot({"data": [], "layout": {"height": 360}}, "")
        self._plot.layout.display = "none"
        self._plot.add_class("labcore-picture")
        buttons = row([run, halt, self._bar], "labcore-toolbar")
        fields = [self._name, self._list, self._seeds, *([self._address] if self._address else [])]
        super().__init__([*fields, buttons, self._words, self._plot], layout=layout())
        self._name.observe(lambda _: self._suggest(), "value")
        self._suggest()

    @property
    def folder(self) -> Path:
        """Where the points are kept."""
        if self._visitors and self._temporary is None:
            # not before it is needed: a visitor's kernel may be a copy of one that has made this panel
            self._temporary = tempfile.TemporaryDirectory(prefix="labcore-sweep-", ignore_cleanup_errors=True)
        return Path(self._temporary.name if self._visitors else "sweeps") / self._experiment.id

    def _suggest(self) -> None:
        """A few values over the whole range, so that one press gives a picture."""
        p = self._experiment.parameters[self._name.value]
        if p.kind == "text":
            values = [self._values()[p.name]]
        elif p.kind in ("choice", "bool"):
            values = list(p.choices or (False, True))
        else:
            low, high = (p.low, p.high) if not p.log else (max(p.low, 1e-12), p.high)
            parts = [i / 3 for i in range(4)]
            values = [low * (high / low) ** t if p.log else low + (high - low) * t for t in parts]
            values = [round(v) if p.kind == "int" else float(f"{v:.3g}") for v in values]
            values = [min(max(v, p.low), p.high) for v in values]
        self._list.value = ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in dict.fromkeys(values))

    def run(self) -> None:
        """Begin, or go on where an earlier sweep of the same points ended."""
        if self._thread is not None and self._thread.is_alive():
            return self._say("A sweep is under way.")
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, name="labcore-sweep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sweep after the points that are being computed."""
        self._stop.set()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until no sweep is under way. For tests and scripts."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        name, points = self._name.value, []
        parameter = self._experiment.parameters[name]
        try:
            swept = {key: _several(text) for key, text in ((name, self._list.value), ("seed", self._seeds.value))}
            if "seed" not in self._experiment.parameters:
                swept.pop("seed")
            many = len(swept[name]) * len(swept.get("seed", [0]))
            if many > MOST_HERE:
                return self._refuse(
                    f"{many} points are too many for a page, which takes {MOST_HERE}. Use labcore.sweep."
                )

            def each(parameters: dict[str, Any], frame: xr.Dataset) -> None:
                points.append(
                    (parameters[name], pin(self._view(frame), parameters).traces, self._view(frame)["layout"])
                )
                points.sort(key=lambda p: (isinstance(p[0], str), p[0]))
                self._plot.layout.display = None
                self._plot.show(fan(parameter, points), f"{len(points)} of {many} points, each with its curve.")

            found = sweep(
                self._experiment.id if self._experiment.named else self._experiment,
                out=self.folder,
                cluster=(self._address.value.strip() or None) if self._address else None,
                progress=self._progress,
                each=each,
                stop=self._stop,
                **{**self._values(), **swept},
            )
        except (ParameterError, SweepError) as error:
            return self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - a bug must appear in the panel, not die with its thread
            return self._refuse(said(f"{type(error).__name__}: {error}"))
        states = found.point_state.values.ravel().tolist()
        errors = sorted({said(e) for e in found.point_error.values.ravel().tolist() if e})
        ended = "Stopped" if self._stop.is_set() else "Done"
        place = escape(self.folder.as_posix())
        which = "" if self._experiment.named else f", {self._experiment.id}"
        where = "" if self._visitors else f' They are in <code>labcore.open_sweep("{place}"{which})</code>.'
        self._words.value = f"<span>{ended}: {states.count('done')} of {len(states)} points.{where}</span>" + "".join(
            f'<br><span class="labcore-error">{escape(e[:300])}</span>' for e in errors[:3]
        )

    def _progress(self, now: Progress) -> None:
        self._bar.value = (now.done + now.failed) / now.total
        failed = f", {now.failed} failed" if now.failed else ""
        self._say(f"{now.done} of {now.total} points{failed}, {now.seconds:.0f} s")

    def _say(self, text: str) -> None:
        self._words.value = f"<span>{escape(text)}</span>"

    def _refuse(self, text: str) -> None:
        self._words.value = f'<span class="labcore-error" role="alert">{escape(text[:400])}</span>'


def _several(text: str) -> list[Any]:
    found = values_in(text)
    return [found] if isinstance(found, str) else found


def fan(parameter: Parameter, points: list[tuple[Any, list[dict], dict]]) -> Spec:
    """The curves of all points in one figure, coloured by the value of this parameter.

    Points are (value, traces, layout).
    """
    values = list(dict.fromkeys(value for value, _, _ in points))
    traces, seen = [], set()
    for value, curves, _ in points:
        position = values.index(value) / max(len(values) - 1, 1)
        color = _FAN[round(position * (len(_FAN) - 1))]
        for trace in curves:
            kept = {k: v for k, v in trace.items() if k not in ("marker", "text", "texttemplate", "mode")}
            style = {"color": color, "width": 1.8}
            word = f"{parameter.label} = {parameter.word(value) if parameter.kind == 'choice' else shown(value)}"
            more = {"mode": "lines", "line": style, "opacity": 0.8, "name": word, "legendgroup": word, "meta": None}
            traces.append(kept | more | {"showlegend": value not in seen})
            seen.add(value)
    layout = {k: v for k, v in points[-1][2].items() if k not in ("annotations", "shapes", "meta", "images")}
    return {
        "data": traces,
        "layout": layout | {"showlegend": True, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"}},
    }
