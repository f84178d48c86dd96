"""The axes of a picture: which numbers they span, where a number lies on the page, and where their ticks stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from widgets.svg import marks

ROOM = 0.05  # beyond the data at either end, as a share of what they span
TICK = 5.0  # pixels


def numbers(values: Any) -> np.ndarray:
    """Numbers as an array of floats, in which what is missing is nan; words that are numbers count as such."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return values.astype(float).ravel()
    out = [math.nan if v is None else float(v) for v in np.asarray(values, dtype=object).ravel()]
    return np.array(out, dtype=float)


def is_words(values: Any) -> bool:
    """Whether these are categories: words of which one at least is no number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return False
    found = [v for v in np.asarray(values, dtype=object).ravel() if v is not None]
    if not any(isinstance(v, str) for v in found):
        return False
    try:
        [float(v) for v in found]
    except ValueError:
        return True
    return False


@dataclass
class Axis:
    """One axis: `letter` x or y, plotly's `spec` of it, and what lies along it.

    `span` are the numbers at its two ends, logarithms to base 10 on a log axis; `pixels` where these ends lie.
    """

    letter: str
    suffix: str
    spec: Mapping[str, Any]
    other: str  # the suffix of the axis that it stands at
    categories: list[str] = field(default_factory=list)
    span: tuple[float, float] = (0.0, 1.0)
    pixels: tuple[float, float] = (0.0, 1.0)
    gridded: bool = True

    @property
    def log(self) -> bool:
        return self.spec.get("type") == "log"

    @property
    def visible(self) -> bool:
        return self.spec.get("visible", True) is not False

    def values(self, given: Any) -> np.ndarray:
        """What a trace has along this axis as numbers: categories by their place, logarithms on a log axis."""
        if self.categories:
            at = {c: k for k, c in enumerate(self.categories)}
            return np.array([at.get(str(v), math.nan) for v in np.asarray(given, dtype=object).ravel()], float)
        values = numbers(given)
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log10(values), math.nan)
        return values

    def at(self, values: Any) -> np.ndarray:
        """Pixels of numbers as `values` gives them."""
        low, high = self.span
        share = (np.asarray(values, float) - low) / ((high - low) or 1.0)
        return self.pixels[0] + share * (self.pixels[1] - self.pixels[0])

    def place(self, given: Any) -> np.ndarray:
        """Pixels of what a trace has along this axis."""
        return self.at(self.values(given))

    def spot(self, value: Any, *, logarithm: bool) -> float:
        """The pixel of one place that is no trace's: on a log axis annotations say logarithms, shapes do not."""
        if self.categories and str(value) in self.categories:
            return float(self.at(self.categories.index(str(value))))
        value = float(value)
        if self.log and not logarithm:
            value = math.log10(value) if value > 0 else math.nan
        return float(self.at(value))

    @property
    def length(self) -> float:
        return abs(self.pixels[1] - self.pixels[0])

    def ticks(self) -> list[tuple[float, str]]:
        """Where ticks stand, as numbers of `span`, and their words."""
        low, high = sorted(self.span)
        slack = 1e-9 * (high - low)
        inside = lambda v: low - slack <= v <= high + slack  # noqa: E731
        if (given := self.spec.get("tickvals")) is not None:
            texts = self.spec.get("ticktext")
            texts = [self._said(v) for v in given] if texts is None else texts
            places = self.values(given) if not self.categories or is_words(given) else numbers(given)
            return [(float(p), str(t)) for p, t in zip(places, texts) if math.isfinite(p) and inside(p)]
        if self.categories:
            return [(float(k), c) for k, c in enumerate(self.categories) if inside(k)]
        if self.log:
            return [t for t in self._log_ticks(low, high) if inside(t[0])]
        step = float(self.spec.get("dtick") or nice((high - low) / self._count()))
        first = math.ceil((low - slack) / step)
        places = [k * step for k in range(first, int(math.floor((high + slack) / step)) + 1)][:60]
        return [(p, self._said(p, step)) for p in places]

    def minor(self) -> list[float]:
        """Where small ticks stand: the other whole numbers of a log axis's decades, if it asks for them."""
        asked = self.spec.get("minor") or {}
        if asked.get("ticks") != "outside":
            return []
        if asked.get("tickvals") is not None:
            return [float(v) for v in numbers(asked["tickvals"])]
        if not self.log or abs(self.span[1] - self.span[0]) > 8:
            return []
        low, high = sorted(self.span)
        decades = range(math.floor(low), math.ceil(high) + 1)
        places = [d + math.log10(k) for d in decades for k in range(2, 10)]
        return [p for p in places if low <= p <= high]

    def _count(self) -> float:
        """About how many ticks there is room for."""
        if asked := self.spec.get("nticks"):
            return float(asked)
        return min(max(self.length / (80.0 if self.letter == "x" else 40.0), 4.0), 9.0) + 1

    def _log_ticks(self, low: float, high: float) -> list[tuple[float, str]]:
        power = self.spec.get("exponentformat") == "power"
        decades = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
        every = max(1, math.ceil(len(decades) / max(self._count() + 1, 2)))
        ticks = [(float(d), power_of_ten(d) if power else self._said(10.0**d)) for d in decades if d % every == 0]
        if len(ticks) < 2:  # less than a decade: some of the numbers in it
            more = [
                (d + math.log10(k), k * 10.0**d) for d in range(math.floor(low), math.ceil(high) + 1) for k in (2, 5)
            ]
            ticks = sorted(ticks + [(p, self._said(v)) for p, v in more])
        return ticks

    def _said(self, value: Any, step: float = 0.0) -> str:
        if isinstance(value, str):
            return value
        form = self.spec.get("tickformat")
        if form == "d":
            text = f"{value:.0f}"
        elif form:
            text = format(float(value), form)
        else:
            text = plain(float(value), step)
        return text.replace("-", "\N{MINUS SIGN}") + self.spec.get("ticksuffix", "")


def nice(step: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `step`."""
    if not step > 0 or not math.isfinite(step):
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def power_of_ten(exponent: int) -> str:
    """1, 10, and the others as 10 to some power."""
    if exponent in (0, 1):
        return str(10**exponent)
    return f"10<sup>{exponent}</sup>".replace("-", "\N{MINUS SIGN}")


def plain(value: float, step: float = 0.0) -> str:
    """A number of an axis in few letters: 0.25, 1500, 20k, 3M."""
    if abs(value) < 1e-12 or (step and abs(value) < step * 1e-6):
        return "0"
    for unit, word in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit and (unit > 1e3 or max(abs(value), step) >= 1e4):
            return f"{value / unit:.10g}{word}" if step == 0 or step >= unit / 1e4 else f"{value:.6g}"
    if abs(value) < 1e-4:
        digits, exponent = f"{value:.3e}".split("e")
        return f"{float(digits):g}×10<sup>{int(exponent)}</sup>"
    places = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 10
    text = f"{value:.{min(places, 10)}f}"
    return text.rstrip("0").rstrip(".") if not step else text


def spanned(axis: Axis, extents: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The span of an axis whose data reach from low to high, each with a share of room beyond.

    A range that the view names has the last word.
    """
    given, auto = axis.spec.get("range"), axis.spec.get("autorange")
    if given is not None and auto is not True:
        low, high = (float(v) if v is not None else math.nan for v in given)
        if math.isfinite(low) and math.isfinite(high) and low != high:
            return (high, low) if auto == "reversed" and high > low else (low, high)
    found = [(lo, hi, room) for lo, hi, room in extents if math.isfinite(lo) and math.isfinite(hi)]
    if axis.categories and not found:
        low, high = -0.5, len(axis.categories) - 0.5
    elif not found:
        low, high = (0.0, 1.0) if not axis.log else (0.0, 1.0)
    else:
        least, most = min(lo for lo, _, _ in found), max(hi for _, hi, _ in found)
        wide = (most - least) or (abs(most) * 0.5 if not axis.log else 1.0) or 1.0
        low = min(lo - room * wide for lo, _, room in found)
        high = max(hi + room * wide for _, hi, room in found)
        if least == most:
            low, high = least - wide, most + wide
        if axis.spec.get("rangemode") == "tozero" and not axis.log:
            low, high = min(low, 0.0) if least < 0 else 0.0, max(high, 0.0)
    return (high, low) if auto == "reversed" else (low, high)


def words_of(axis: Axis, left: float, bottom: float, low: float, high: float, plot: Mapping[str, float]) -> str:
    """The line, ticks and title of an axis that stands at pixel `left` (of a y axis) or `bottom` (of an x axis)."""
    spec, out = axis.spec, []
    if not axis.visible:
        return ""
    line = {**marks.paint("stroke", "@soft"), "stroke_width": 1}
    upright = axis.letter == "y"
    ticked = spec.get("ticks", "outside") == "outside"
    labelled = spec.get("showticklabels", True)
    size = float((spec.get("tickfont") or {}).get("size", 13))
    title = spec.get("title") or {}
    title = {"text": title} if isinstance(title, str) else title
    ticks = [(float(axis.at(v)), text) for v, text in axis.ticks()]
    if spec.get("showline", True):
        ends = dict(x1=left, x2=left, y1=low, y2=high) if upright else dict(x1=low, x2=high, y1=bottom, y2=bottom)
        out.append(marks.element("line", **ends, **line))
    if ticked:
        longs = "".join(_tick(upright, left, bottom, p, TICK) for p, _ in ticks)
        shorts = "".join(_tick(upright, left, bottom, float(axis.at(v)), 3) for v in axis.minor())
        if longs or shorts:
            out.append(marks.element("path", d=longs + shorts, fill="none", **line))
    away = (TICK if ticked else 0) + 3
    reach = away
    if labelled and ticks:
        if upright:
            ticks = _apart(ticks, size * 1.05)
            reach += max(marks.measured(text, size)[0] for _, text in ticks)
            out += [marks.words(left - away, p, text, size=size, anchor="end") for p, text in ticks]
        else:
            turned = float(spec.get("tickangle") or 0)
            widths = [marks.measured(text, size)[0] for _, text in ticks]
            room = axis.length / max(len(ticks), 1) if axis.categories or len(ticks) > 1 else axis.length
            gaps = np.diff(sorted(p for p, _ in ticks))
            room = float(gaps.min()) if len(gaps) else room
            if spec.get("tickangle") is None and max(widths) + 6 > room:
                if axis.categories or spec.get("tickvals") is not None:
                    size *= max(min(room / (max(widths) + 4), 1.0), 0.75)
                    widths = [marks.measured(text, size)[0] for _, text in ticks]
                if max(widths) <= room:
                    pass
                elif axis.categories or spec.get("tickvals") is not None:
                    turned = 30.0 if max(widths) * 0.87 < 3 * room and room > 24 else 90.0
                else:
                    ticks = ticks[:: math.ceil((max(widths) + 8) / room)]
            rad = math.radians(abs(turned))
            reach += max(
                w * math.sin(rad) + marks.measured(t, size)[1] * math.cos(rad) for w, (_, t) in zip(widths, ticks)
            )
            anchor = "middle" if not turned else "start" if turned > 0 else "end"
            out += [
                marks.words(
                    p,
                    bottom + away,
                    text,
                    size=size,
                    anchor=anchor,
                    upright="top" if turned < 80 else "middle",
                    turned=turned,
                )
                for p, text in ticks
            ]
    if title.get("text"):
        font = title.get("font") or {}
        named = {"size": float(font.get("size", 16)), "colour": font.get("color", "@ink")}
        standoff = float(title.get("standoff", 8))
        _, tall = marks.measured(title["text"], named["size"])
        if upright:
            x = max(left - reach - standoff - tall / 2, named["size"] * 0.6)
            named["size"] = fitting(title["text"], named["size"], abs(high - low) + 40)
            out.append(marks.words(x, (low + high) / 2, title["text"], turned=-90, **named))
        else:
            y = min(bottom + reach + standoff * 0.6, plot["height"] - tall - 1)
            named["size"] = fitting(title["text"], named["size"], abs(high - low) + 60)
            out.append(marks.words((low + high) / 2, y, title["text"], upright="top", **named))
    return "".join(out)


def fitting(text: str, size: float, room: float) -> float:
    """The size at which a title has room, not below two thirds of its own."""
    return max(size * min(1.0, room / max(marks.measured(text, size)[0], 1.0)), size * 0.66)


def _tick(upright: bool, left: float, bottom: float, at: float, long: float) -> str:
    at = marks.written(round(at, 1))
    return f"M{left:.1f},{at}h{-long:g}" if upright else f"M{at},{bottom:.1f}v{long:g}"


def _apart(ticks: list[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """Without those that would stand over one before."""
    kept: list[tuple[float, str]] = []
    for place, text in ticks:
        if not kept or abs(place - kept[-1][0]) >= least:
            kept.append((place, text))
    return kept
