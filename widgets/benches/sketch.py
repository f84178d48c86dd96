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

from widgets.benches.parts import button, layout, prose, row, words

Line = tuple[str, Any, Any]  # a name, places along x and heights: what is given
Judge = Callable[[Float[np.ndarray, " P"], Float[np.ndarray, " P"], Float[np.ndarray, " P"]], tuple[float, str]]

HANDLES = 9  # along a ruler that names no places
LEVEL = 0.03  # of the picture's height: a curve that moves less is flat
LEG = 0.08  # of the picture's height: a way up or down that is less is a wiggle
ALIKE = 0.01  # of the picture's height: heights that differ by less have no order


@dataclass(frozen=True)
class Ruler:
    """An axis of a sketch: its title, its two ends, and where along it the handles stand.

    `at` are places in the units of the axis; without it there are nine, evenly spaced. `names` in place of the ends
    makes an axis of things, one handle each. Raises ValueError for ends that are not in order, for a log axis that
    does not begin above 0 and for places beyond the ends.
    """

    title: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    at: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low = {self.low}, high = {self.high} is not allowed; low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low} is not allowed on a log axis; it must be above 0")
        if any(not self.low <= place <= self.high for place in self.at):
            raise ValueError(f"at = {self.at} is not allowed; places must lie from {self.low} to {self.high}")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"at = {self.at} is not allowed; places must rise")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names = {self.names} is not allowed; names must differ")

    @property
    def places(self) -> Float[np.ndarray, " P"]:
        """Where the handles stand."""
        if self.names:
            return np.arange(len(self.names), dtype=float)
        return np.array(self.at or self.value(np.linspace(0, 1, HANDLES)), dtype=float)

    def share(self, values: Any) -> np.ndarray:
        """How far along the axis values lie, 0 at its low end and 1 at its high one."""
        low, high = (-0.5, len(self.names) - 0.5) if self.names else (self.low, self.high)
        values = np.asarray(values, dtype=float)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log(values / low) / math.log(high / low)
        return (values - low) / (high - low)

    def value(self, share: Any) -> np.ndarray:
        """The inverse of `share`."""
        share = np.asarray(share, dtype=float)
        return self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share

    def said(self, share: float) -> str:
        """A place along the axis in words."""
        return self.names[round(share * len(self.names) - 0.5)] if self.names else f"{float(self.value(share)):.3g}"


@dataclass(frozen=True)
class Sketch:
    """A question that is answered by drawing, and what happens after.

    kind: "curve", one height at each handle along x; "order", one height for each of the names of `x`, of which only
        the order counts; "place", one point in the plane.
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

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError(f"question = {self.question!r} is not allowed; it must ask something")
        if self.kind not in _JUDGES:
            raise ValueError(f"kind = {self.kind!r} is not allowed; it must be {', '.join(_JUDGES)}")
        if not (callable(self.judge) and self.kind != "place") and self.judge not in _JUDGES[self.kind]:
            allowed = ", ".join(_JUDGES[self.kind]) + ("" if self.kind == "place" else " or a rule")
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
            (score, said), (flat, _) = (_near(self, at, x[0], measured[0]) for at in (drawn, middle))
            return score, flat, said
        if not self.x.names:
            inside = (x >= self.x.places[0]) & (x <= self.x.places[-1])
            x, measured = x[inside], measured[inside]
        if len(x) < 2:
            return 0.0, 0.0, "cannot be compared: too little was measured where it was drawn"
        # between its handles the drawing is straight, on these axes
        along = np.interp(self.x.share(x), self.x.share(self.x.places), self.y.share(drawn))
        rule = self.judge if callable(self.judge) else partial(_JUDGES[self.kind][self.judge], self)
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
        skip = button("Skip", "", "Show the result without a drawing", lambda: self._close(None))
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
            said = f"Your drawing {verdict}: {score:.0%} right, {rival} {flat:.0%}."
        self.canvas.measured = {"x": _numbers(x), "y": _numbers(y), "spoken": said}
        verdict = f'<div class="labcore-verdict">{escape(said)}</div>' if said else ""
        more = [prose(self._sketch.why, "labcore-why")] if self._sketch.why else []
        self._say(f"{verdict}<div>Measured: {escape(frame.attrs['reading'])}</div>", *more)

    def _close(self, drawing: list[float] | None) -> None:
        if self._closed:  # a double click sends two clicks before the page can take the button away
            return
        self._closed, self._drawing = True, drawing
        if drawing is not None:
            self.canvas.drawn = drawing
        self.canvas.done = True
        self._say("<div>The experiment runs; the answer comes at its end.</div>")
        if drawing is None:
            self._committed(None)
        elif self._sketch.kind == "place":
            self._committed(([drawing[0]], [drawing[1]]))
        else:
            self._committed((self._sketch.x.places.tolist(), drawing))

    def _say(self, then: str, *more: w.Widget) -> None:
        question = f'<div class="labcore-question">{escape(self._sketch.question)}</div>'
        skipped = "<div>You skipped the drawing.</div>" if self._drawing is None else ""
        self.children = [words(question), self.canvas, words(f'<div role="status">{skipped}{then}</div>'), *more]


# what a drawing is judged by: rules of the sketch, x, drawn and measured heights (P,)


def _goes(shares: np.ndarray) -> np.ndarray:
    """The way of each step, 1, 0 or -1, from heights as shares of the picture; slight ones are level."""
    steps, reach = np.diff(shares), np.ptp(shares)
    return np.where(np.abs(steps) < 0.05 * reach, 0, np.sign(steps)) if reach >= LEVEL else np.zeros(len(steps))


def _direction(sketch: Sketch, x: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    at = sketch.x.share(sketch.x.places)
    at = at[(at >= sketch.x.share(x[0]) - 1e-9) & (at <= sketch.x.share(x[-1]) + 1e-9)]
    mine, theirs = (_goes(np.interp(at, sketch.x.share(x), sketch.y.share(y))) for y in (drawn, measured))
    right = int((mine == theirs).sum())
    return right / max(len(mine), 1), f"goes the measured way in {right} of {len(mine)} steps"


def _legs(shares: np.ndarray) -> list[str]:
    """The ways that a curve goes, one after another, "up" or "down", from heights as shares of the picture."""
    legs: list[str] = []
    low = high = shares[0]
    for height in shares:
        low, high = min(low, height), max(high, height)  # since the last turn
        if height - low >= LEG and legs[-1:] != ["up"]:
            legs.append("up")
            high = height
        elif high - height >= LEG and legs[-1:] != ["down"]:
            legs.append("down")
            low = height
    return legs


def _turns(sketch: Sketch, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    mine, theirs = (_legs(sketch.y.share(y)) for y in (drawn, measured))
    said = [", then ".join(legs) or "neither up nor down" for legs in (mine, theirs)]
    # legs alternate, so two lists are alike from the same first one on, or from the second of either
    shifts = [(mine, theirs), (mine[1:], theirs), (mine, theirs[1:])]
    alike = max(min(len(a), len(b)) if a[:1] == b[:1] else 0 for a, b in shifts)
    score = alike / max(len(mine), len(theirs)) if mine or theirs else 1.0
    return score, f"goes {said[0]}, the measured one {said[1]}"


def _extreme(
    best: Callable, sketch: Sketch, x: np.ndarray, drawn: np.ndarray, measured: np.ndarray
) -> tuple[float, str]:
    word = "highest" if best is np.max else "lowest"
    at = []
    for y in (drawn, measured):
        shares = sketch.y.share(y)
        best_at = np.flatnonzero(shares == best(shares))
        plateau = best_at[: 1 + int(np.argmax(np.append(np.diff(best_at), 2) > 1))]  # the first of several
        at.append(float(sketch.x.share(x)[plateau].mean()) if np.ptp(shares) >= LEVEL else None)
    if None in at:
        score = float(at == [None, None])
    else:
        score = 1 - abs(at[0] - at[1])
    said = ["nowhere" if share is None else f"at {sketch.x.said(share)}" for share in at]
    return score, f"is {word} {said[0]}, the measured one {said[1]}"


def _height(sketch: Sketch, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    theirs = sketch.y.share(measured)
    off, flat = (float(np.abs(y - theirs).mean()) for y in (sketch.y.share(drawn), np.median(theirs)))
    # the score is the part of the best flat line's error that the drawing saves
    said = f"is off by {off:.0%} of the picture's height on average, the best flat line by {flat:.0%}"
    return max(0.0, 1 - off / max(flat, ALIKE)), said


def _order(sketch: Sketch, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    first, second = np.triu_indices(len(drawn), 1)
    mine, theirs = (y[first] - y[second] for y in (sketch.y.share(drawn), sketch.y.share(measured)))
    mine, theirs = np.sign(mine), np.where(np.abs(theirs) < ALIKE, 0, np.sign(theirs))
    # what is measured alike cannot be put in a wrong order; what is drawn alike is as good as a coin
    points = np.where(theirs == 0, 1.0, np.where(mine == 0, 0.5, mine == theirs))
    return float(points.mean()), f"has {points.sum():g} of {len(points)} pairs in the measured order"


def _near(sketch: Sketch, at: Sequence[float], x: float, y: float) -> tuple[float, str]:
    off = float(np.hypot(sketch.x.share(at[0]) - sketch.x.share(x), sketch.y.share(at[1]) - sketch.y.share(y)))
    # half a picture away is as wrong as can be
    return max(0.0, 1 - 2 * off), f"is at ({at[0]:.3g}, {at[1]:.3g}), the measured place at ({x:.3g}, {y:.3g})"


_JUDGES: dict[str, dict[str, Callable]] = {
    "curve": {
        "direction": _direction,
        "turns": _turns,
        "maximum": partial(_extreme, np.max),
        "minimum": partial(_extreme, np.min),
        "height": _height,
        "order": _order,
    },
    "order": {"order": _order},
    "place": {"place": _near},
}
