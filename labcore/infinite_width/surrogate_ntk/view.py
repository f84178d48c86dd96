"""Pictures of `surrogate_ntk`: a spike that grows, a step seen from both sides, a cloud of trained networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)
from labcore.words import plain

CARD = ("cloud", "xy")
TOP = 6.0  # where the spike leaves the picture
HALF = 0.4769362762044699  # erf is a half there: the dot on the activation that is dragged
RING = {"size": 7, "color": PAPER}
DASH, DOT = {"width": 2, "dash": "dash"}, {"width": 2, "dash": "dot"}


def _ring(color: str) -> dict[str, Any]:
    return {**RING, "line": {"color": color, "width": 1.5}}


def steeper(frame: xr.Dataset) -> dict[str, Any]:
    """The activation with the slope that stands for its own; two kernels over the angle; their tips over steepness."""
    values, z, angle = values_of(frame), frame.z.values, frame.angle.values
    m, a = values["steep"], values["sharp"]
    steepness, tip = frame.steepness.values, float(frame.here_ordinary)
    data = [
        curve(z, frame.fired.values, "what a neuron sends on", INK),
        curve(z, frame.pretended.values, "surrogate slope", BLUE, line={"color": BLUE, **DASH}),
        curve([HALF / m], [0.5], "steepness", RED, mode="markers", hoverinfo="skip",
              marker={"size": 13, "color": RED, "line": {"color": PAPER, "width": 2}}),
        curve(angle, frame.ordinary.values, "ordinary kernel", RED, axes="2", pin=True),
        curve(angle, frame.surrogate.values, "surrogate kernel", BLUE, axes="2"),
        *(curve(frame.tried.values, v.values, "random networks", color, axes="2", mode="markers", marker=_ring(color))
          for v, color in ((frame.ordinary_measured, RED), (frame.surrogate_measured, BLUE))),
        curve(steepness, frame.peak_ordinary.values, "ordinary, same input", RED, axes="3"),
        curve(steepness, frame.apart_ordinary.values, "ordinary, 60 degrees apart", RED, axes="3",
              line={"color": RED, **DOT}),
        curve(steepness, frame.peak_surrogate.values, "surrogate, same input", BLUE, axes="3"),
        curve([m], [tip], "here", RED, axes="3", mode="markers",
              marker={"size": 13, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    at = 0.95 if a > 1.5 else 0.2  # where the slope leaves room
    notes = [
        note(0.98, at, "line: sent on", INK, xanchor="right"),
        note(0.98, at - 0.1, "dashes: slope<br>for learning", BLUE, xanchor="right", align="right"),
        note(0.98, 0.97, "ordinary", RED, axes="2", xanchor="right", yanchor="top"),
        note(0.98, 0.88, "surrogate", BLUE, axes="2", xanchor="right", yanchor="top"),
        note(0.98, 0.79, "rings: networks", SOFT, axes="2", xanchor="right", yanchor="top"),
        note(0.04, 0.98, "same input", RED, axes="3", xanchor="left", yanchor="top"),
        note(0.04, 0.89, "dots: 60° apart", RED, axes="3", xanchor="left", yanchor="top"),
        note(0.04, 0.80, "surrogate", BLUE, axes="3", xanchor="left", yanchor="top"),
    ]
    if tip > TOP:
        notes.append(label(0, TOP, f"to {_said(tip)} ↑", RED, axes="2", xanchor="right", yanchor="top", xshift=-12))
    low = min(frame.ordinary.values.min(), frame.surrogate.values.min())
    sizes = np.log10([*frame.peak_ordinary.values, *frame.peak_surrogate.values, *frame.apart_ordinary.values, tip])
    stops = np.unique(np.append(np.geomspace(1, 1024, 41), m))
    layout = {
        "height": 420,
        "xaxis": axis("field z of a neuron", domain=[0, 0.25], range=[-1.5, 1.5]),
        "yaxis": axis("what it sends on", range=[-1.15, max(1.3, 1.2 * 2 * a / np.sqrt(np.pi))]),
        "xaxis2": axis(frame.angle, domain=[0.34, 0.68], anchor="y2", range=[-180, 180], dtick=90),
        "yaxis2": axis("kernel", anchor="x2", range=[low - 0.2, TOP]),
        "xaxis3": log_axis(frame.steepness, domain=[0.77, 1], anchor="y3", range=[-0.05, 3.65]),
        "yaxis3": log_axis("kernel", anchor="x3", range=[sizes.min() - 0.2, sizes.max() + 0.2]),
        "shapes": [vertical(m, SOFT, axes="3")],
        "annotations": notes,
        "meta": {
            "hands": [
                hand(HALF / m, 0.5, across=scale("steep", HALF / stops, stops), color=RED),
                hand(m, tip, across="steep", axes="3", color=RED),
            ]
        },
    }
    words = f"The tip of the ordinary kernel is {_said(tip)}, that of the surrogate one {_said(frame.here_surrogate)}."
    return {"data": data, "layout": headline(layout, words)}


def _said(x: Any) -> str:
    """A number above 0 as one says it: 11.7, 66,747, 265 million."""
    x = float(x)
    return plain(x, ".3g") if x < 1000 else f"{x:,.0f}" if x < 1e6 else f"{x / 1e6:,.0f} million"


def sides(frame: xr.Dataset) -> dict[str, Any]:
    """The two inputs in their plane; how far each moves when the other is taught, in networks and by three kernels."""
    values, moved, expected = values_of(frame), frame.moved.values, frame.expected.values
    a, b = (values["a_length"], 0.0), (values["b_across"], values["b_up"])
    spread = np.random.default_rng(0).uniform(-0.22, 0.22, moved.shape)  # so that dots do not hide each other
    named = ("B moves", "A moves")
    data = [
        curve([0, a[0]], [0, 0], "input A", ORANGE),
        curve([0, b[0]], [0, b[1]], "input B", GREEN),
        *(curve([x], [y], name, color, mode="markers",
                marker={"size": 15, "color": color, "line": {"color": PAPER, "width": 2}}, hoverinfo="skip")
          for name, (x, y), color in (("A", a, ORANGE), ("B", b, GREEN))),
        *(curve(k + spread[k], moved[k], "one network", color, axes="2", mode="markers",
                marker={"size": 6, "color": color, "opacity": 0.45})
          for k, color in ((0, GREEN), (1, ORANGE))),
    ]  # fmt: skip
    for row, name, line in (
        (expected[2], "smooth network", {"color": SOFT, **DOT}),
        (expected[1], "smooth slopes on both sides", {"color": SOFT, **DASH}),
        (expected[0], "surrogate kernel", {"color": BLUE, "width": 4}),
    ):
        x, y = np.array([-0.34, 0.34, np.nan, 0.66, 1.34]), np.array([row[0], row[0], np.nan, row[1], row[1]])
        data.append(curve(x, y, name, BLUE, axes="2", line=line, pin=name == "surrogate kernel"))
    means = moved.mean(1)
    data.append(
        curve([0, 1], means, "mean of the networks", INK, axes="2", mode="markers",
              marker={"size": 12, "color": INK, "symbol": "diamond", "line": {"color": PAPER, "width": 2}})
    )  # fmt: skip
    low, high = np.quantile(moved, [0.02, 0.98])
    low, high = min(low, expected.min(), 0.0), max(high, expected.max(), 0.2)
    room = 0.1 * (high - low)
    layout = {
        "height": 440,
        "xaxis": axis("first coordinate of an input", domain=[0, 0.42], range=[-4.3, 4.3]),
        "yaxis": axis("second coordinate", range=[-4.3, 4.3], scaleanchor="x", constrain="domain"),
        "xaxis2": axis("", domain=[0.54, 1], anchor="y2", range=[-0.5, 1.5], tickvals=[0, 1],
                       ticktext=["A is taught,<br>B moves", "B is taught,<br>A moves"], showgrid=False),
        "yaxis2": axis("move of the answer", anchor="x2", range=[low - room, high + 3.4 * room]),
        "annotations": [
            label(*a, "A", ORANGE, yshift=-27),
            label(*b, "B", GREEN, yshift=27),
            note(0.02, 0.98, "drag A and B", SOFT, xanchor="left", yanchor="top"),
            note(0.02, 0.99, "line: surrogate kernel", BLUE, axes="2", xanchor="left", yanchor="top"),
            note(0.02, 0.92, "dashes: smooth slopes on both sides", SOFT, axes="2", xanchor="left", yanchor="top"),
            note(0.02, 0.85, "dots: a smooth network", SOFT, axes="2", xanchor="left", yanchor="top"),
            note(0.98, 0.99, "diamond: mean", INK, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {
            "hands": [
                hand(*a, across="a_length", color=ORANGE),
                hand(*b, across="b_across", up="b_up", color=GREEN),
            ]
        },
    }  # fmt: skip
    told = [f"{name} by {plain(v, '.2f')}" for name, v in zip(named, means, strict=True)]
    first = f"{told[0]} when A is taught; {told[1]} when B is taught."
    return {"data": data, "layout": headline(layout, first)}


def cloud(frame: xr.Dataset) -> dict[str, Any]:
    """Answers over the circle: networks, their mean, and kernels; and the error of the examples over the steps."""
    values, angle = values_of(frame), frame.angle.values
    everyone, step = bundle(angle, frame.f.values), frame.step.values[1:]
    errors = bundle(step, frame.error.values[:, 1:])
    thin = {"color": ORANGE, "width": 1}
    reach = max(2.2, 1.1 * float(abs(frame.predicted).max()))
    mine = (values["place"], values["target"])
    marker = {"size": 12, "color": INK, "line": {"color": PAPER, "width": 2}}
    data = [
        curve(*everyone, "networks", ORANGE, line=thin, opacity=0.6, hoverinfo="skip"),
        curve(angle, frame.ordinary.values, "ordinary kernel", RED, line={"color": RED, **DOT}),
        curve(angle, frame.smooth.values, "smooth network", SOFT, line={"color": SOFT, **DASH}),
        curve(angle, frame.predicted.values, "surrogate kernel", BLUE, pin=True, line={"color": BLUE, "width": 3.5}),
        curve(angle, frame.f.values.mean(0), "mean of the networks", INK, line={"color": INK, "width": 2}),
        curve(frame.place.values[:-1], frame.target.values[:-1], "examples", INK, mode="markers", marker=marker),
        curve([mine[0]], [mine[1]], "your example", GREEN, mode="markers",
              marker={**marker, "size": 16, "color": GREEN}),
        curve(*errors, "a network", ORANGE, axes="2", line=thin, opacity=0.6, hoverinfo="skip"),
        curve(step, frame.expected.values[1:], "surrogate kernel", BLUE, axes="2", line={"color": BLUE, "width": 3.5}),
    ]  # fmt: skip
    words = (
        ("thin: networks", ORANGE), ("their mean", INK), ("surrogate kernel", BLUE),
        ("dashes: a smooth network", SOFT), ("dots: the ordinary kernel", RED),
    )  # fmt: skip
    layout = {
        "height": 460,
        "xaxis": axis(frame.angle, domain=[0, 0.62], range=[0, 360], dtick=60),
        "yaxis": axis("answer f", range=[-reach, 1.35 * reach]),
        "xaxis2": log_axis("learning step", domain=[0.72, 1], anchor="y2", range=[0, np.log10(values["steps"])]),
        "yaxis2": axis("squared error of the examples", anchor="x2", range=[0, 1.05 * float(frame.expected[0])]),
        "shapes": [horizontal(0, SOFT)],
        "annotations": [
            *(note(0.02 + 0.45 * (i // 3), 0.99 - 0.065 * (i % 3), text, color, xanchor="left", yanchor="top")
              for i, (text, color) in enumerate(words)),
            label(*mine, "drag me", GREEN, yshift=30),
        ],
        "meta": {"hands": [hand(*mine, across="place", up="target", color=GREEN)]},
    }  # fmt: skip
    one, mean = plain(frame.away.mean(), ".0%"), plain(frame.together, ".0%")
    return {
        "data": data,
        "layout": headline(layout, f"Distance from the blue curve: one network {one}, the mean {mean}."),
    }
