"""A bench on a page without a kernel: its question, its figure, a film, and one control over a few values."""

from __future__ import annotations

import atexit
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import xarray as xr

from labcore.experiment import MAIN, Experiment, Parameter
from labcore.without import Without
from widgets.benches.controls import positions, shown
from widgets.benches.pins import ghosts, pin
from widgets.benches.plot import CARTESIAN, Spec
from widgets.benches.prediction import Prediction, covered
from widgets.benches.question import Question
from widgets.benches.sketch import Canvas, Sketch, _lines, _numbers
from widgets.benches.static_bench import answer, asked, folded
from widgets.benches.taken_out import as_html
from widgets.site.packed import packed
from widgets.site.runs import FRAMES, Runs, thinned
from widgets.svg.draw import svg

POINTS = 9  # of the control


@dataclass(frozen=True)
class Plan:
    """What a lesson gives its benches: bytes a bench, CPU seconds a run and those of all points of a control, and what
    the links of its text ask for, {label: {parameter: [values as text]}}."""

    bytes: int = 400_000
    seconds: float = 8.0
    grid: float = 10.0
    links: Mapping[str, Mapping[str, Sequence[str]]] | None = None

    @classmethod
    def given(cls) -> Plan:
        """The one of this process's environment."""
        return cls(**json.loads(os.environ.get("LABCORE_SITE", "{}")))


@functools.cache
def _runs() -> Runs:
    runs = Runs()
    atexit.register(runs.close)
    return runs


class StillBench:
    """A bench as HTML, with all that it can show packed beside it.

    `values` are those that it opens with, and `small` those of the quick budget, which stand in where a run of the
    others needs too long: the page then says so.
    """

    def __init__(
        self,
        experiment: Experiment,
        values: dict[str, Any],
        small: dict[str, Any],
        view: Callable[[xr.Dataset], Spec],
        question: Question | None = None,
        without: Without | None = None,
        label: str = "",
    ):
        self.experiment, self.view, self.question, self.without = experiment, view, question, without
        self.label, self.plan = label or experiment.id, Plan.given()
        self.small = False
        self.opening = _runs().run(experiment.id, values, self.plan.seconds)
        self._cost = _runs().spent  # of one run, in CPU seconds
        then = experiment.validate(**{**values, **question.then}) if question else values
        self.asked = self.opening
        if self.opening and then != values:
            self.asked = _runs().run(experiment.id, then, self.plan.seconds)
        if not self.opening or not self.asked:
            self.small, values = True, small
            then = experiment.validate(**{**values, **question.then}) if question else values
            self.opening = self._surely(values)
            self._cost = _runs().spent
            self.asked = self.opening if then == values else self._surely(then)
        self.values, self.then = values, then
        self.control = _control(experiment, question, (self.plan.links or {}).get(self.label, {}))
        self.points = dict(self._points())

    def _surely(self, values: dict[str, Any]) -> list[xr.Dataset]:
        """The frames of a quick run, which takes a second or two; an hour of a busy machine is not waited for."""
        found = _runs().run(self.experiment.id, values, 60.0)
        if found is None:
            raise TimeoutError(f"{self.experiment.id} needs more than 60 s with its quick values {values}")
        return found

    def _points(self) -> Iterator[tuple[Any, xr.Dataset]]:
        """The last frames over the control's values, as many as the time allows."""
        if self.control is None:
            return
        name, left = self.control.name, self.plan.grid
        links = (self.plan.links or {}).get(self.label, {}).get(name, ())
        runs, cost = _runs(), self._cost
        yield self.values[name], self.opening[-1]
        for value in points(self.control, self.values[name], [self.then[name], *links]):
            # a run that has no time to end would be for nothing
            if value == self.values[name] or left <= cost:
                continue
            try:
                values = self.experiment.validate(**{**self.values, name: value})
                if values == self.then:
                    yield value, self.asked[-1]
                    continue
                frames = runs.run(self.experiment.id, values, left)
            except (ValueError, RuntimeError):
                continue  # not every value goes with all others
            left -= runs.spent
            if frames:
                cost = runs.spent
                yield value, frames[-1]

    @property
    def covered(self) -> bool:
        """Whether the figure that the bench opens with is what the question asks about."""
        return self.question is not None and self.then == self.values

    @property
    def _held(self) -> Spec:
        """The figure of a bench that is covered."""
        first, last = self.opening[0], self.opening[-1]
        return self.view(first) if self.question.start and len(self.opening) > 1 else covered(self.view(last))

    def _repr_html_(self) -> str:
        last = self.opening[-1]
        first = self._held if self.covered else self.view(last)
        parts = []
        if self.question:
            parts.append(_form(self.question, self.opening[0]))
        reading = "What was measured comes after your prediction." if self.covered else last.attrs["reading"]
        parts.append(f'<div class="labcore-picture"><div class="site-still">{svg(first, label=reading)}</div></div>')
        parts.append(f'<p class="labcore-reading site-still">{escape(reading)}</p>')
        if self.control is not None and len(self.points) > 1:
            parts.append(self._slider())
        if self.question:
            end = self.asked[-1]
            measured = f'<div class="site-still">{svg(self.view(end), label=end.attrs["reading"])}</div>'
            measured += f"<p>Measured: {escape(end.attrs['reading'])}</p>"
            body = f'<div class="site-verdict" role="status"></div>{measured}{answer(self.question, end)}'
            parts.append(f'<details class="site-answer"><summary>The answer</summary>{body}</details>')
        if self.without:
            head = f"The line that carries the idea: {self.without.idea}"
            parts.append(folded(head, as_html(self.without)))
        if self.small:
            parts.append('<p class="site-note">Computed at a small size, so that this page could be made quickly.</p>')
        parts.append(f'<script type="text/plain" class="site-data">{self._pack()}</script>')
        facts = {"label": self.label, "labelled": self.control.name if self.control is not None else ""}
        facts["values"] = [_text(v) for v in self._sorted()] if self.control is not None else []
        if self.control is not None:
            facts |= {"start": _text(self.values[self.control.name]), "then": _text(self.then[self.control.name])}
        return (
            f'<section class="labcore-bench site-bench" id="{escape(self.label)}" '
            f'data-facts="{escape(json.dumps(facts))}">{"".join(parts)}</section>'
        )

    def _sorted(self) -> list[Any]:
        """The control's values, in the order in which it goes through them."""
        if self.control.kind in ("int", "float"):
            return sorted(self.points)
        order = list(self.control.choices) if self.control.kind == "choice" else [False, True]
        return [v for v in order if v in self.points]

    def _slider(self) -> str:
        values = self._sorted()
        name, start = escape(self.control.label), values.index(self.values[self.control.name])
        if self.control.kind in ("int", "float"):
            part = (
                f'<input type="range" min="0" max="{len(values) - 1}" step="1" value="{start}" disabled>'
                f"<output>{escape(shown(values[start]))}</output>"
            )
        else:
            options = "".join(
                f'<option value="{k}"{" selected" if k == start else ""}>{escape(_word(v, self.control))}</option>'
                for k, v in enumerate(values)
            )
            part = f"<select disabled>{options}</select>"
        return f'<label class="site-control"><span>{name}</span>{part}</label>'

    def _pack(self) -> str:
        """All figures and facts, with as many frames as there is room for."""
        for most in (FRAMES, 20, 10, 5, 2, 1):
            text = self._packed(most)
            if len(text) <= self.plan.bytes:
                return text
        return text

    def _packed(self, most: int) -> str:
        runs: dict[str, list[int]] = {}
        frames: list[xr.Dataset] = []

        def add(name: str, more: Sequence[xr.Dataset]) -> None:
            runs[name] = list(range(len(frames), len(frames) + len(more)))
            frames.extend(more)

        add("opening", thinned(self.opening, most))
        if self.question and self.then != self.values:
            add("asked", thinned(self.asked, most))
        add("points", [self.points[v] for v in self._sorted()] if self.control is not None else [])
        name = self.control.name if self.control is not None else ""
        specs = [_without_hands(self.view(frame), name) for frame in frames]
        more: dict[str, Any] = {"runs": runs, "ghosts": 0}
        more["told"] = [[f.attrs["reading"], float(f"{f.attrs['progress']:.4g}")] for f in frames]
        more["shown"] = [_word(v, self.control) for v in self._sorted()] if self.control is not None else []
        more["whole"] = sorted({k for k, s in enumerate(specs) if not _kinds(s) <= CARTESIAN})
        if self.covered:
            specs.append(_without_hands(self._held, ""))
            more["covered"] = len(specs) - 1
        elif self.question:
            before, after = self.view(self.opening[-1]), self.view(self.asked[-1])
            kept = pin(before, self.values)
            kept = replace(kept, traces=[trace for trace in kept.traces if _fits(trace, before, after)])
            made = ghosts([kept], self.then, self.experiment.parameters) if kept.traces else []
            more["ghosts"] = len(specs)
            specs.append({"data": made, "layout": {}})
        if isinstance(self.question, Prediction):
            more["held"] = list(self.question.holding(self.asked[-1]))
        elif isinstance(self.question, Sketch):
            more["sketch"] = _sketch(self.question, self.opening[0], self.asked[-1])
        return packed(specs, more)


def _without_hands(spec: Spec, name: str) -> Spec:
    """A figure whose parts move nothing but this parameter."""

    def left(part: Mapping[str, Any]) -> dict[str, Any]:
        moves = name and json.dumps(name) in json.dumps(part.get("meta"), default=str)
        return {k: v for k, v in part.items() if k != "meta" or moves}

    return {"data": [left(trace) for trace in spec["data"]], "layout": left(spec.get("layout", {}))}


def _fits(trace: Mapping[str, Any], before: Spec, after: Spec) -> bool:
    """Whether a trace of one figure means the same on the axes of another."""

    def axis(spec: Spec, letter: str) -> list[Any]:
        found = spec.get("layout", {}).get(f"{letter}axis{str(trace.get(f'{letter}axis', letter))[1:]}", {})
        title = found.get("title") or {}
        words = [str(v) for v in found.get("ticktext", ())]
        return [title.get("text") if isinstance(title, dict) else title, found.get("type"), words]

    return all(axis(before, letter) == axis(after, letter) for letter in "xy")


def _kinds(spec: Spec) -> set[str]:
    return {trace.get("type", "scatter") for trace in spec["data"]}


def _sketch(sketch: Sketch, opened: xr.Dataset, end: xr.Dataset) -> dict[str, Any]:
    """What the canvas of `sketch.js` is given: its axes, what is to be seen before, and the measured curve."""
    canvas = Canvas(sketch)
    given = canvas.given
    if callable(sketch.given):
        given = _lines(sketch.given(opened))
    x, y = sketch.measured(end)
    state = {"kind": canvas.kind, "axes": canvas.axes, "given": given, "drawn": list(canvas.drawn)}
    state["result"] = {"x": _numbers(x), "y": _numbers(y), "spoken": ""}
    canvas.close()
    return state


def _sheet(sketch: Sketch, opened: xr.Dataset) -> Spec:
    """The empty axes of a sketch with what is given, for a pencil."""
    lines = _lines(sketch.given(opened) if callable(sketch.given) else sketch.given)
    more = {"type": "scatter", "mode": "lines+markers", "line": {"color": "@soft"}, "showlegend": True}
    axes = {}
    for letter, ruler in (("x", sketch.x), ("y", sketch.y)):
        names = {"tickvals": list(range(len(ruler.names))), "ticktext": list(ruler.names)} if ruler.names else {}
        ends = [-0.5, len(ruler.names) - 0.5] if ruler.names else [ruler.low, ruler.high]
        kind = {"type": "log", "range": [float(np.log10(v)) for v in ends]} if ruler.log else {"range": ends}
        axes[f"{letter}axis"] = {"title": {"text": ruler.title}, **kind, **names}
    data = [{**more, **line} for line in lines] or [{**more, "x": [None], "y": [None], "showlegend": False}]
    return {"data": data, "layout": {**axes, "height": 360}}


def _form(question: Question, opened: xr.Dataset) -> str:
    """The question, to be answered on the page; `opened` is the bench's first frame."""
    head = asked(question)
    if isinstance(question, Prediction):
        options = "".join(
            f'<label><input type="radio" name="option" value="{escape(o)}"> {escape(o)}</label>'
            for o in question.options
        )
        head = (
            f'<p class="labcore-question">Predict first. {escape(question.question)}</p><fieldset>{options}</fieldset>'
        )
    elif isinstance(question, Sketch):
        on_paper = f'<div class="site-print">{svg(_sheet(question, opened))}</div>'
        head = f'<p class="labcore-question">Draw first. {escape(question.question)}</p>{on_paper}'
        head += '<div class="site-sketch"></div>'
    buttons = '<button type="submit" disabled>Commit</button> <button type="button">Skip</button>'
    return f'<form class="site-question">{head}<p class="site-buttons">{buttons}</p></form>'


def _word(value: Any, parameter: Parameter) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return parameter.word(value) if parameter.kind == "choice" else shown(value)


def _text(value: Any) -> str:
    """A value as a link writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _control(experiment: Experiment, question: Question | None, links: Mapping[str, Sequence[str]]) -> Parameter | None:
    """The one parameter that can be moved: that of the question, or the one that most links move, or the main one."""
    if question and len(question.then) == 1:
        return experiment.parameters[next(iter(question.then))]
    known = [name for name in sorted(links, key=lambda n: -len(set(links[n]))) if name in experiment.parameters]
    main = [n for n, p in experiment.parameters.items() if p.main and n != "seed"][:MAIN]
    names = [n for n in [*known, *main] if n != "seed"]
    return experiment.parameters[names[0]] if names else None


def points(parameter: Parameter, start: Any, wanted: Sequence[Any]) -> list[Any]:
    """At most nine values of a parameter: where it stands, what is wanted of it, and others over its range."""
    if parameter.kind == "bool":
        return [start, not start]
    if parameter.kind == "choice":
        return list(dict.fromkeys([start, *parameter.choices]))[:POINTS]
    kind = int if parameter.kind == "int" else float
    made = [kind(start)]
    for value in wanted:
        number = kind(float(value))
        if parameter.low <= number <= parameter.high:
            made.append(number)
    scale = np.log if parameter.log else np.asarray
    grid = [kind(v) for v in positions(parameter)]
    spread = [grid[round(k * (len(grid) - 1) / (POINTS - 1))] for k in range(POINTS)]
    made = list(dict.fromkeys(made))[:POINTS]
    # the widest gaps first
    while len(made) < POINTS and (rest := [v for v in spread if v not in made]):
        far = lambda v: min(abs(float(scale(v)) - float(scale(m))) for m in made)  # noqa: B023,E731
        made.append(max(rest, key=far))
    return made
