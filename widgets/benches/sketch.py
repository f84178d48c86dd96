"""Draw first: a question whose answer is a curve, a place or an order, drawn by hand before it is measured.

    Sketch(
        "Where does the test error go as the model grows?",
        x=Ruler("parameters per sample", 0.1, 8, log=True),
        y=Ruler("test error", 0, 1),
        given=[("as many parameters as samples", (1, 1), (0, 1))],
        answer=lambda frame: (frame.width / 200, frame.test_error),
        judge="turns",
    )

The rulers are said apart from the answer, so that they do not give it away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Literal

import anywidget
import ipywidgets as w
import numpy as np
import traitlets
import xarray as xr
from jaxtyping import Float

from widgets.benches.judging import JUDGES, near
from widgets.benches.parts import button, layout, prose, row, words
from widgets.benches.question import offer
from widgets.benches.ruler import Ruler

Line = tuple[str, Any, Any]  # a name, places along x and heights: what is given
Judge = Callable[[Float[np.ndarray, " P"], Float[np.ndarray, " P"], Float[np.ndarray, " P"]], tuple[float, str]]


@dataclass(frozen=True)
class Sketch:
    """A question that is answered by drawing, and what happens after.

    kind: "curve", one height at each handle along x; "order", one height for each of the names of `x`, of which only
        the order counts; "place", one point in the plane, whose axes have one scale unless one is a log axis.
    given: what is to be seen before: lines (name, x, y), or a rule that takes them from the bench's first frame.
    answer: the measured curve, from the last frame: x, y (P,), for an order its names and heights, for a place two
        numbers.
    judge: what the drawing is judged by, on the axes as they are drawn:
        "direction", the share of the steps between handles in which it goes the measured way;
        "turns", how it goes up and down, whatever the sizes;
        "maximum" or "minimum", the place of the highest or lowest point;
        "height", how far off it is on average;
        "order", the pairs that it puts in the measured order;
        "place", how far the point is from the measured one;
        or, for a curve or an order, a rule (x, drawn, measured) (P,) -> (score from 0 to 1, what goes on after "Your
        drawing"). A flat line is judged by the same.
    then: the values of the run that is asked for; {} are the bench's own.
    start: whether the figure shows where that run starts; else it stays covered while the bench's own run is asked for.
    why: the explanation, in Markdown, that unfolds after the answer.

    Raises ValueError for a kind and a judge that do not fit, and for rulers without the places that they need.
    """

    question: str
    x: Ruler
    y: Ruler
    answer: Callable[[xr.Dataset], tuple[Any, Any]]
    judge: str | Judge
    given: Sequence[Line] | Callable[[xr.Dataset], Sequence[Line]] = ()
    kind: Literal["curve", "place", "order"] = "curve"
    then: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    start: bool = False

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError(f"question = {self.question!r} is not allowed; it must ask something")
        if self.kind not in JUDGES:
            raise ValueError(f"kind = {self.kind!r} is not allowed; it must be {', '.join(JUDGES)}")
        if not (callable(self.judge) and self.kind != "place") and self.judge not in JUDGES[self.kind]:
            allowed = ", ".join(JUDGES[self.kind]) + ("" if self.kind == "place" else " or a rule")
            raise ValueError(f"judge = {self.judge!r} is not allowed for a {self.kind}; it must be {allowed}")
        for axis, allowed in {"x": self.kind != "place", "y": False}.items():
            if (names := getattr(self, axis).names) and not allowed:
                raise ValueError(f"{axis} has names, {names}; only x of a curve or an order may have some")
        if self.kind == "order" and not self.x.names:
            raise ValueError("x has no names; an order is one of things that have names")
        if self.kind != "place" and len(self.x.places) < 2:
            raise ValueError(f"x has {len(self.x.places)} handle; a {self.kind} needs at least 2")
        if not callable(self.given):
            _lines(self.given)

    def panel(self, committed: Callable[[tuple[list[float], list[float]] | None], None]) -> SketchPanel:
        """The question as a widget. It calls `committed(x, y)` once; with None when the learner skips."""
        return SketchPanel(self, committed)

    def measured(self, frame: xr.Dataset) -> tuple[Float[np.ndarray, " P"], Float[np.ndarray, " P"]]:
        """The answer on this frame, as numbers that can be drawn.

        Raises ValueError for an answer of the wrong shape or of other names, and for one without a finite number.
        """
        x, y = self.answer(frame)
        y = np.atleast_1d(np.asarray(y, dtype=float))
        if self.x.names:
            found = [str(name) for name in np.atleast_1d(np.asarray(x))]
            if sorted(found) != sorted(self.x.names):
                raise ValueError(f"answer gives the names {found}; x has {list(self.x.names)}")
            x, y = self.x.places, y[[found.index(name) for name in self.x.names]]
        x = np.atleast_1d(np.asarray(x, dtype=float))
        if x.ndim != 1 or x.shape != y.shape or (self.kind == "place" and len(x) != 1):
            asked = "two numbers" if self.kind == "place" else "two arrays (P,)"
            raise ValueError(f"answer gives shapes {x.shape} and {y.shape}; a {self.kind} is {asked}")
        along = self.x.share(x)
        seen = (along >= -1e-9) & (along <= 1 + 1e-9) & np.isfinite(self.y.share(y))
        if not seen.any():
            raise ValueError("answer has no finite number that these axes can show")
        order = np.argsort(x[seen], kind="stable")
        return x[seen][order], y[seen][order]

    def judged(self, drawn: Sequence[float], frame: xr.Dataset) -> tuple[float, float, str]:
        """The score of a drawing and that of a flat line, from 0 to 1, and the words that say the first.

        `drawn` are the heights at the handles, or a place's x and y; its flat line is the middle of the picture.
        """
        x, measured = self.measured(frame)
        if self.kind == "place":
            middle = [float(self.x.value(0.5)), float(self.y.value(0.5))]
            (score, said), (flat, _) = (near(self, at, x[0], measured[0]) for at in (drawn, middle))
            return score, flat, said
        if not self.x.names:
            inside = (x >= self.x.places[0]) & (x <= self.x.places[-1])
            x, measured = x[inside], measured[inside]
        if len(x) < 2:
            return 0.0, 0.0, "cannot be compared: too little was measured where it was drawn"
        # between its handles the drawing is straight, on these axes
        along = np.interp(self.x.share(x), self.x.share(self.x.places), self.y.share(drawn))
        rule = self.judge if callable(self.judge) else partial(JUDGES[self.kind][self.judge], self)
        (score, said), (flat, _) = (
            rule(x, y, measured) for y in (self.y.value(along), np.full(len(x), np.median(measured)))
        )
        return score, flat, said


def _lines(given: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as the page takes them. Raises ValueError for what is no (name, x, y) of one length."""
    made = []
    for line in given:
        try:
            name, x, y = line
            x, y = (np.atleast_1d(np.asarray(part, dtype=float)) for part in (x, y))
        except (TypeError, ValueError):
            raise ValueError(f"given = {line!r} is not allowed; it must be (name, x, y)") from None
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"given {name!r} has shapes {x.shape} and {y.shape}; they must be (P,) and alike")
        made.append({"name": str(name), "x": _numbers(x), "y": _numbers(y)})
    return made


def _numbers(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON has them: what is not finite is None, a gap."""
    return [float(v) if math.isfinite(v) else None for v in values]


class Canvas(anywidget.AnyWidget):
    """The picture to draw on: two axes, what is given, handles, and later the measured curve."""

    _esm = Path(__file__).parent / "sketch.js"
    _css = Path(__file__).parent / "sketch.css"

    kind = traitlets.Unicode().tag(sync=True)
    axes = traitlets.Dict().tag(sync=True)  # x and y: title, low, high, log, names; x has the handles' places, too
    given = traitlets.List().tag(sync=True)  # of dicts: name, x, y
    drawn = traitlets.List().tag(sync=True)  # heights at the handles, None where no hand was; of a place its x and y
    done = traitlets.Bool(False).tag(sync=True)  # the drawing is kept as it is
    measured = traitlets.Dict().tag(sync=True)  # x, y, and `spoken`, the picture in words

    def __init__(self, sketch: Sketch):
        axes = {
            k: {n: getattr(r, n) for n in ("title", "low", "high", "log", "names")}
            for k, r in (("x", sketch.x), ("y", sketch.y))
        }
        axes["x"]["at"] = sketch.x.places.tolist()
        given = [] if callable(sketch.given) else _lines(sketch.given)
        blank = [None] * (2 if sketch.kind == "place" else len(axes["x"]["at"]))
        super().__init__(kind=sketch.kind, axes=axes, given=given, drawn=blank, layout=layout())
        # a page that opens onto a running kernel may have missed what was said before
        self.on_msg(lambda *_: self.send_state(["given", "drawn", "done", "measured"]))

    @property
    def filled(self) -> list[float] | None:
        """What is drawn, straight between the handles that were moved and level beyond; None while it is too little."""
        moved = [k for k, value in enumerate(self.drawn) if value is not None]
        if len(moved) < 2:
            return None
        if self.kind == "place":
            return list(self.drawn)
        y = self.axes["y"]
        ruler = Ruler("", y["low"], y["high"], y["log"])
        at = range(len(self.drawn))
        return ruler.value(np.interp(at, moved, ruler.share([self.drawn[k] for k in moved]))).tolist()


class SketchPanel(w.VBox):
    """The question with its canvas. Calls `committed` once, with x and y of the drawing, or None when skipped."""

    def __init__(self, sketch: Sketch, committed: Callable[[tuple[list[float], list[float]] | None], None]):
        self._sketch, self._committed, self._closed = sketch, committed, False
        self.canvas = Canvas(sketch)
        self._drawing: list[float] | None = None
        self._commit = button("Commit", "check", "", lambda: self._close(self.canvas.filled), "primary")
        self._commit.disabled = True
        self._commit.add_class("labcore-commit")  # by which a class's page knows it
        skip = button("Skip", "", "Show the result without a drawing", lambda: self._close(None))
        skip.add_class("labcore-skip")
        question = words(f'<div class="labcore-question">Draw first. {escape(sketch.question)}</div>')
        super().__init__([question, self.canvas, row([self._commit, skip], "labcore-toolbar")], layout=layout())
        self.add_class("labcore-predict")
        self.canvas.observe(lambda _: setattr(self._commit, "disabled", self.canvas.filled is None), "drawn")

    def opened(self, frame: xr.Dataset) -> None:
        """Show what is given, where a rule takes it from the bench's first frame."""
        if callable(self._sketch.given) and not self._closed:
            self.canvas.given = _lines(self._sketch.given(frame))

    def measured(self, frame: xr.Dataset) -> None:
        """Draw the measured curve over the drawing, and say how near the drawing came to what the question is about."""
        x, y = self._sketch.measured(frame)
        said = ""
        if self._drawing is not None:
            score, flat, verdict = self._sketch.judged(self._drawing, frame)
            rival = "the middle of the picture" if self._sketch.kind == "place" else "a flat line"
            points, theirs = round(100 * score), round(100 * flat)
            beside = f"; {rival} would have {theirs}" if points > theirs else f", no more than {rival} would have"
            said = f"Your drawing {verdict}. That is {points} of 100 points{beside}."
        self.canvas.measured = {"x": _numbers(x), "y": _numbers(y), "spoken": said}
        verdict = f'<div class="labcore-verdict">{escape(said)}</div>' if said else ""
        more = [prose(self._sketch.why, "labcore-why")] if self._sketch.why else []
        self._say(f"{verdict}<div>Measured: {escape(frame.attrs['reading'])}</div>", *more)

    def _close(self, drawing: list[float] | None) -> None:
        if self._closed:  # a double click sends two clicks before the page can take the button away
            return
        self._closed, self._drawing = True, drawing
        self._fix()
        self._commit_drawing()

    def _fix(self) -> None:
        if self._drawing is not None:
            self.canvas.drawn = self._drawing
        self.canvas.done = True

    def _commit_drawing(self) -> None:
        self._say("<div>The experiment runs; the answer comes at its end.</div>")
        drawing = self._drawing
        if drawing is None:
            self._committed(None)
        elif self._sketch.kind == "place":
            self._committed(([drawing[0]], [drawing[1]]))
        else:
            self._committed((self._sketch.x.places.tolist(), drawing))

    @property
    def kept(self) -> list[float] | None:
        return self._drawing

    def restore(self, drawing: Any) -> bool:
        """Show the drawing of an earlier sitting, and offer the result."""
        whole = isinstance(drawing, list) and len(drawing) == len(self.canvas.drawn)
        if self._closed or not whole or not all(type(v) in (int, float) and math.isfinite(v) for v in drawing):
            return False
        self._closed, self._drawing = True, [float(v) for v in drawing]
        self._fix()
        self._say("", offer(self._commit_drawing))
        return True

    def _say(self, then: str, *more: w.Widget) -> None:
        question = f'<div class="labcore-question">{escape(self._sketch.question)}</div>'
        skipped = "<div>You skipped the drawing.</div>" if self._drawing is None else ""
        self.children = [words(question), self.canvas, words(f'<div role="status">{skipped}{then}</div>'), *more]
