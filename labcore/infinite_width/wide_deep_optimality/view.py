"""Pictures of `wide_deep_optimality`: correlations on their way, a map of answers, risks over the examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    HIDDEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    values_of,
    vertical,
)

COLOURS = {
    "deep network": BLUE,
    "nearest neighbour": RED,
    "weighted vote": GREEN,
    "majority": PURPLE,
    "best possible": SOFT,
}
TWO = [[0, "rgba(230,159,0,0.45)"], [1, "rgba(47,134,201,0.45)"]]  # answers -1 and +1
CARD = ("answers", "x2y2")


def profile(frame: xr.Dataset) -> dict[str, Any]:
    """The activation; a correlation that climbs down the stairs of its layers; what an example counts at a distance."""
    values, path = values_of(frame), frame.path.values
    stairs = np.repeat(path, 2)
    data = [
        curve(frame.z.values, frame.output.values, "activation", BLUE),
        curve([0, 1], [0, 1], "the same", SOFT, axes="2", line={"color": SOFT, "width": 1.5, "dash": "dot"}),
        curve(frame.xi.values, frame.passed.values, "passed on", BLUE, axes="2"),
        curve(frame.tried.values, frame.measured.values, "random neurons", BLUE, axes="2", mode="markers",
              marker={"size": 6, "color": PAPER, "line": {"color": BLUE, "width": 1.5}}),
        curve(stairs[:-1], np.append(0, stairs[2:]), "layer by layer", RED, axes="2",
              line={"color": RED, "width": 2}, hoverinfo="skip"),
        curve([path[0]], [0], "first correlation", RED, axes="2", mode="markers",
              marker={"size": 13, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    constant = values["constant"]
    data.append(curve([0], [constant], "constant part", BLUE, axes="2", mode="markers",
                      marker={"size": 13, "color": BLUE, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    distance, kernel = frame.distance.values, frame.kernel.values
    data.append(curve(distance, kernel, "this network", BLUE, axes="3", pin=True))
    # two inputs of length 1 with this correlation lie so far apart
    away = float(np.sqrt(2 - 2 * path[0]))
    counts = float(np.exp(np.interp(np.log(away), np.log(distance), np.log(kernel))))
    data.append(curve([away], [counts], "this pair", RED, axes="3", mode="markers",
                      marker={"size": 11, "color": RED, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    notes = [
        note(0, 1, "<b>a neuron</b>", xanchor="left", yanchor="bottom"),
        note(0, 1, "<b>a layer, and the next, ...</b>", axes="2", xanchor="left", yanchor="bottom"),
        note(0, 1, "<b>the whole network</b>", axes="3", xanchor="left", yanchor="bottom"),
        note(0.04, 0.97, "drag both dots", INK, axes="2", xanchor="left", yanchor="top"),
        note(0.04, 0.89, "rings: random neurons", BLUE, axes="2", xanchor="left", yanchor="top"),
        note(0.05, 0.03, "● this pair", RED, axes="3", xanchor="left", yanchor="bottom"),
        note(0.96, 0.97, "this network", BLUE, axes="3", xanchor="right", yanchor="top"),
    ]
    if "limit" in frame:
        line = {"color": GREEN, "width": 2.5, "dash": "dash"}
        data.append(curve(distance, frame.limit.values, "infinite depth", GREEN, axes="3", line=line))
        words = "dashes:<br>infinite depth"
        notes.append(note(0.96, 0.88, words, GREEN, axes="3", xanchor="right", yanchor="top", align="right"))
    if "fixed" in frame:
        place = float(frame.fixed)
        data.append(curve([place], [place], "here all end", PURPLE, axes="2", mode="markers",
                          marker={"size": 11, "color": PURPLE}))  # fmt: skip
    layout = {
        "height": 420,
        "xaxis": axis("its input z", domain=[0, 0.24]),
        "yaxis": axis("its answer s(z)"),
        "xaxis2": axis("correlation of two inputs, before", domain=[0.33, 0.64], range=[-0.04, 1.04], anchor="y2"),
        "yaxis2": axis("and after the layer", range=[-0.04, 1.04], anchor="x2"),
        "xaxis3": log_axis("distance r of an example", domain=[0.76, 1], anchor="y3"),
        "yaxis3": log_axis("what it counts in the vote", anchor="x3", range=[-6, 12], dtick=3),
        "annotations": notes,
        "meta": {
            "hands": [
                hand(path[0], 0, across="start", axes="2", color=RED),
                hand(0, constant, up="constant", axes="2", color=BLUE),
            ]
        },
    }
    told = "Two inputs are alike (correlation 1) or not (0). Each layer takes some of the likeness away."
    more = "The slower it goes, the more an example counts in what the network answers."
    return {"data": data, "layout": headline(layout, told, more)}


def _picture(frame: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The map as a rectangle (h, w) with gaps outside of the triangle, and the places of its columns and rows."""
    (across, column), (up, row) = (np.unique(v.values.round(9), return_inverse=True) for v in (frame.across, frame.up))
    z = np.full((len(up), len(across)), np.nan)
    z[row, column] = frame.vote.values
    return z, across, up


def answers(frame: xr.Dataset) -> dict[str, Any]:
    """The octant with the network's answers; which rule it answers like, and how often it is wrong, over depth."""
    z, across, up = _picture(frame)
    layer, plus = frame.layer.values, frame.label.values > 0
    depth, top = values_of(frame)["depth"], np.sqrt(0.75)
    data = [
        image(z, "", TWO, -1, 1, x=across, y=up),
        curve([0, 1, 0.5, 0], [0, 0, top, 0], "octant", SOFT, line={"color": SOFT, "width": 1.5}, hoverinfo="skip"),
    ]
    for which, name, color in ((plus, "label +1", BLUE), (~plus, "label -1", ORANGE)):
        data.append(
            curve(frame.x_across.values[which], frame.x_up.values[which], name, color, mode="markers",
                  marker={"size": 7, "color": color, "line": {"color": PAPER, "width": 1}}, hoverinfo="skip")
        )  # fmt: skip
    named = [str(r) for r in frame.rule.values]
    for name in ("nearest neighbour", "weighted vote", "majority"):
        data.append(curve(layer, frame.agree.values[:, named.index(name)], name, COLOURS[name], axes="2"))
    data.append(curve(layer, frame.risk.values, "wrong", BLUE, axes="3", pin=True))
    span = [0, np.log10(max(depth, 2))]
    best = float(frame.best)
    layout = {
        "height": 500,
        "xaxis": axis("", domain=[0, 0.5], range=[-0.02, 1.02], **HIDDEN),
        "yaxis": axis("", range=[-0.03, 1.12], scaleanchor="x", constrain="domain", **HIDDEN),
        "xaxis2": log_axis("", domain=[0.62, 1], anchor="y2", range=span, showticklabels=False, matches="x3"),
        "yaxis2": axis("answers the same", domain=[0.55, 1], anchor="x2", range=[0, 1.04], tickformat=".0%"),
        "xaxis3": log_axis("layers", domain=[0.62, 1], anchor="y3", range=span),
        "yaxis3": axis("wrong", domain=[0, 0.42], anchor="x3", range=[0, 0.5], tickformat=".0%"),
        "shapes": [horizontal(best, SOFT, axes="3")],
        "annotations": [
            note(0.0, 0.99, "dots: examples", SOFT, xanchor="left", yanchor="top"),
            note(0.0, 0.93, "ground: the network's answer", SOFT, xanchor="left", yanchor="top"),
            *(note(0.03, 0.34 - 0.12 * i, f"as the {name}", COLOURS[name], axes="2", xanchor="left")
              for i, name in enumerate(("nearest neighbour", "weighted vote", "majority"))),
            label(0, best, "cannot be avoided", SOFT, axes="3", xanchor="left", yanchor="top"),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def risks(frame: xr.Dataset) -> dict[str, Any]:
    """How often each rule is wrong over the number of examples, above what cannot be avoided."""
    n, mean, most = frame.n.values, frame.risk.values.mean(2), values_of(frame)["n_max"]
    unsure = frame.risk.values.std(2) / np.sqrt(frame.sizes["repeat"])
    names = [str(r) for r in frame.rule.values]
    shown = [name for name in names if name != "majority"]
    data = [
        curve(n, mean[:, names.index(name)], name, COLOURS[name], mode="lines+markers", pin=name == "deep network",
              line={"color": COLOURS[name], "width": 3, "dash": "dot" if name == "best possible" else "solid"})
        for name in shown
    ]  # fmt: skip
    for trace, name in zip(data, shown, strict=True):
        bars = {"type": "data", "array": unsure[:, names.index(name)], "color": COLOURS[name], "thickness": 1.5}
        trace["error_y"] = bars
    ends = apart([mean[-1, names.index(name)] for name in shown], 0.012)
    low = mean[:, names.index("best possible")].min()
    high = mean[:, [names.index(s) for s in shown]].max()
    layout = {
        "height": 440,
        "xaxis": log_axis(
            frame.n, range=[np.log10(20), np.log10(1600) + 0.5], dtick=None, minor={}, tickvals=25 * 2 ** np.arange(7)
        ),
        "yaxis": axis("wrong answers", range=[low - 0.02, high + 0.02], tickformat=".0%"),
        "annotations": [
            label(np.log10(n[-1]), h, name, COLOURS[name], xanchor="left", xshift=10)
            for h, name in zip(ends, shown, strict=True)
        ]
        + [
            label(np.log10(most), 1, "examples: drag me", GREEN, yref="y domain", yanchor="bottom"),
            note(0.01, 0.02, "bars: how sure these means are", SOFT, xanchor="left", yanchor="bottom"),
        ],
        "shapes": [vertical(most, GREEN, "solid", width=3)],
        "meta": {"hands": [hand(most, None, across="n_max", color=GREEN)]},
    }
    wrong, least = (mean[-1, names.index(name)] for name in ("deep network", "best possible"))
    told = f"With {n[-1]} examples the deep network is wrong in {wrong:.1%} of its answers."
    more = f"{least:.1%} cannot be avoided: labels are drawn by chance."
    return {"data": data, "layout": headline(layout, told, more)}
