"""Pictures of `snnk`: a neuron and its estimate side by side, features over lengths, accuracy over stored numbers."""

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
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

CARD = ("neuron", "xy")
SPAN = [-1.6, 1.6]
DIVERGING = [[0, "rgb(230,159,0)"], [0.5, "rgb(245,245,245)"], [1, "rgb(47,134,201)"]]


def neuron(frame: xr.Dataset) -> dict[str, Any]:
    """The plane of inputs as the neuron answers and as the dot product does; one against the other."""
    values, place = values_of(frame), frame.row.values
    true, found = frame.exact.values, frame.estimate.values
    top = max(float(np.abs(true).max()), 1e-9)
    w_x, w_y = values["w_x"], values["w_y"]
    data = []
    for z, axes in ((found, ""), (true, "2")):
        data.append(image(np.clip(z, -top, top), axes, DIVERGING, -top, top, x=place, y=place))
        data.append(curve([0, w_x], [0, w_y], "weights", INK, axes=axes, line={"color": INK, "width": 3},
                          hoverinfo="skip"))  # fmt: skip
    data += [
        curve([w_x], [w_y], "weights", RED, mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
        curve([-top, top], [-top, top], "equal", SOFT, axes="3", line={"color": SOFT, "width": 1.5, "dash": "dot"}),
        curve(true.ravel(), found.ravel(), "inputs", BLUE, axes="3", mode="markers",
              marker={"size": 4, "color": BLUE, "opacity": 0.45}),
    ]  # fmt: skip
    square = {"scaleratio": 1, "constrain": "domain", "range": SPAN}
    low = -0.1 * top if true.min() >= 0 else -1.2 * top
    layout = {
        "height": 400,
        "xaxis": axis("first input", domain=[0, 0.27], **square),
        "yaxis": axis("second input", scaleanchor="x", **square),
        "xaxis2": axis("first input", domain=[0.34, 0.61], anchor="y2", **square),
        "yaxis2": axis("", scaleanchor="x2", anchor="x2", showticklabels=False, **square),
        "xaxis3": axis("neuron", domain=[0.72, 1], anchor="y3", range=[low, 1.1 * top]),
        "yaxis3": axis("dot product", anchor="x3", range=[1.6 * low, 1.6 * top]),
        "annotations": [
            note(0.5, 1.0, f"dot product of {values['features']:,} features", INK, yanchor="bottom"),
            note(0.5, 1.0, "the neuron itself", INK, axes="2", yanchor="bottom"),
            note(0.5, 1.0, "each dot is an input", INK, axes="3", yanchor="bottom"),
            note(0.03, 0.03, "drag the weights", RED, xanchor="left", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(w_x, w_y, across="w_x", up="w_y", color=RED)]},
    }
    return {"data": data, "layout": layout}


def cost(frame: xr.Dataset) -> dict[str, Any]:
    """Features needed over the length of the vectors; the error over features at the length that is chosen."""
    values, m, wanted = values_of(frame), frame.m.values, values_of(frame)["wanted"]
    both = [("plain", RED), ("tilted", GREEN)][: 1 if values["kind"] == "arc-cosine" else 2]
    length, here = values["length"], frame.here.values
    data, ends = [], []
    for k, (name, color) in enumerate(both):
        data.append(curve(frame.radius.values, frame.needed.values[k], f"{name} draws", color, pin=k == 0))
        data.append(curve(m, frame.predicted.values[k], f"{name}, predicted", color, axes="2"))
        data.append(curve(m, frame.error.values[k], f"{name}, measured", color, axes="2", mode="markers",
                          marker={"size": 9, "color": PAPER, "line": {"color": color, "width": 2}}))  # fmt: skip
        data.append(curve([length], [here[k]], "here", color, mode="markers",
                          marker={"size": 14, "color": color, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
        ends.append(np.log10(frame.needed.values[k, -1]))
    top = max(*ends, 3) + 1.2
    low, high = np.log10(min(frame.predicted.values.min(), wanted)), np.log10(max(frame.predicted.values.max(), wanted))
    layout = {
        "height": 420,
        "xaxis": axis(frame.radius, domain=[0, 0.42], range=[0.15, 1.85]),
        "yaxis": log_axis("features needed", range=[0, top]),
        "xaxis2": log_axis("features m", domain=[0.58, 1], anchor="y2", range=[0.3, 3.4]),
        "yaxis2": log_axis("error", anchor="x2", range=[low - 0.5, high + 0.5]),
        "shapes": [horizontal(wanted, INK, axes="2")],
        "annotations": [
            *(label(1.5, h, name, color, xanchor="left", xshift=8)
              for h, (name, color) in zip(apart(ends, 0.06 * top), both, strict=True)),
            label(length, np.log10(here[0]), "drag", RED, yanchor="bottom", yshift=10),
            label(3.4, np.log10(wanted), "error allowed", INK, axes="2", xanchor="right", yanchor="bottom"),
            note(0.97, 0.97, "rings: measured", SOFT, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {
            "hands": [
                hand(length, here[0], across="length", color=RED),
                hand(None, wanted, up="wanted", axes="2", color=INK),
            ]
        },
    }  # fmt: skip
    word = "Tilting the draws saves most where it is dearest" if len(both) == 2 else "Here length is cheap"
    return {"data": data, "layout": headline(layout, f"Longer vectors need more features. {word}.")}


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy on new digits over the numbers that are stored, as far as the line goes."""
    colours = {"one matrix, solved": BLUE, "trained network": ORANGE, "cosine features, solved": SOFT}
    data, ends = [], []
    for k, (name, color) in enumerate(colours.items()):
        x, runs = frame.stored.values[k], frame.accuracy.values[k]
        across, each = bundle(x, runs.T)
        data.append(curve(across, each, name, color, line={"color": color, "width": 1}, opacity=0.35, hoverinfo="skip"))
        data.append(curve(x, runs.mean(1), name, color, mode="lines+markers", pin=k == 0,
                          line={"color": color, "width": 1.5 if k == 2 else 3}))  # fmt: skip
        ends.append(float(runs[-1].mean()))
    values, stored = values_of(frame), int(frame.stored.values[0, -1])
    # the axes stand still while the line moves
    most, line = 10 * 16 * 2 ** np.arange(7), 160 * 2 ** (values["sizes"] - 1)
    low = max(0.0, min(float(frame.accuracy.values.min()) - 0.05, 0.1))
    names = [f"{name.split(',')[0]} {end:.1%}" for name, end in zip(colours, ends, strict=True)]
    layout = {
        "height": 430,
        "xaxis": log_axis("numbers that are stored", range=[2.1, np.log10(most[-1]) + 0.9]),
        "yaxis": axis("right on new digits", range=[low, 1.05], tickformat=".0%"),
        "annotations": [
            *(label(np.log10(stored), h, name, color, xanchor="left", xshift=12)
              for h, (name, color) in zip(apart(ends, 0.055 * (1.05 - low), 1.02), zip(names, colours.values()),
                                          strict=True)),
            label(np.log10(line), 0, "drag: more numbers, or fewer", INK, yref="y domain", yanchor="bottom",
                  **(dict(xanchor="right", xshift=-6) if line > 1000 else dict(xanchor="left", xshift=6))),
        ],
        "shapes": [vertical(line, INK, "solid", width=2)],
        "meta": {"hands": [hand(line, None, across=scale("sizes", most, np.arange(1, 8)), color=INK)]},
    }  # fmt: skip
    told = f"With {stored:,} stored numbers: one solved matrix {ends[0]:.1%}, a trained network {ends[1]:.1%}."
    return {"data": data, "layout": headline(layout, told)}
