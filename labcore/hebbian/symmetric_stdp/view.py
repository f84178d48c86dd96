"""Pictures of `symmetric_stdp`: the window of a synapse, and a spiking classifier while it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    INK,
    RED,
    SHADE,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    horizontal,
    label,
    note,
    scale,
    sheet,
    values_of,
    vertical,
)

from .mechanism import JUMP

_WEIGHTS = [[0, "rgba(47,134,201,0.04)"], [1, BLUE]]


def window(frame: xr.Dataset) -> dict[str, Any]:
    """The change that one pair of spikes makes, over its lag, and the weights that a random teacher makes of it."""
    lag, change, at = frame.lag.values, frame.change.values, frame.attrs["at"]
    now = int(np.abs(lag - at).argmin())
    t, mean = frame.time.values, frame["mean"].values
    top = float(max(0.11, 1.1 * np.abs(change).max()))
    reach = float(max(6, 1.1 * np.abs(frame.weight.values).max()))
    zero = {"width": 0}
    settings = values_of(frame)
    # a lobe is held where its traces have faded to 1/e
    tau = settings["tau"]
    unit = JUMP / np.e
    lobes = [
        hand(x, unit * settings[name], up=scale(name, [0, unit], [0, 1]), color=color)
        for x, name, color in ((-tau, "before", RED), (tau, "after", BLUE))
    ]
    data = [
        curve(
            lag[lag < 0],
            change[lag < 0],
            "before",
            RED,
            fill="tozeroy",
            fillcolor="rgba(213,94,0,0.35)",
            line=zero,
            hoverinfo="skip",
        ),
        curve(
            lag[lag >= 0],
            change[lag >= 0],
            "after",
            BLUE,
            fill="tozeroy",
            fillcolor="rgba(47,134,201,0.35)",
            line=zero,
            hoverinfo="skip",
        ),
        curve(lag, change, "change of the weight", INK, pin=True),
        curve([at], change[now : now + 1], "this pair", GREEN, mode="markers", marker={"size": 13, "color": GREEN}),
        curve(
            *bundle(t, frame.weight.values),
            "single weights",
            SOFT,
            axes="2",
            line={"color": SOFT, "width": 0.7},
            opacity=0.6,
            hoverinfo="skip",
        ),
        curve(t, mean, "mean weight", BLUE, axes="2", pin=True, line={"color": BLUE, "width": 4}),
    ]
    layout = {
        "height": 400,
        "margin": {"l": 72},
        "xaxis": axis("teacher's spike, after the other (ms)", domain=[0, 0.46], anchor="y", range=[-80, 80]),
        "yaxis": axis("change of the weight", range=[-top, top], zeroline=True),
        "xaxis2": axis("time with a random teacher (ms)", domain=[0.57, 1], anchor="y2", range=[0, 150]),
        "yaxis2": axis(frame.weight, anchor="x2", range=[-reach, reach], zeroline=True),
        "shapes": [vertical(at, GREEN, "solid", width=3)],
        "annotations": [
            label(at, 1, "this pair: drag me", GREEN, yref="y domain", yanchor="bottom"),
            note(0.02, 0.1, "teacher first: lift me", RED, xanchor="left", yanchor="bottom"),
            note(0.98, 0.1, "teacher last: lift me", BLUE, xanchor="right", yanchor="bottom"),
            note(0.03, 0.98, "mean of 400 weights", BLUE, axes="2", xanchor="left", yanchor="top"),
        ],
        "meta": {"hands": [hand(at, None, across="lag", color=GREEN), *lobes]},
    }
    return {"data": data, "layout": layout}


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy while it learns, what each neuron has become, which class it feeds, and who spikes at one image."""
    images, n = frame.images.values, frame.sizes["unit"]
    w2, label_now = frame.w2.values, frame.attrs["label"]
    # neurons in the order of the class that they feed, so that pictures, bars and spikes line up
    order = np.lexsort((-w2.max(1), w2.argmax(1)))
    columns = int(np.ceil(n**0.5 * 1.15))
    markers = "lines+markers" if len(images) < 3 else "lines"
    heat = {"type": "heatmap", "showscale": False, "hoverinfo": "skip", "colorscale": _WEIGHTS}
    supervised, vote = frame.acc_supervised.values, frame.acc_vote.values
    data = [
        curve(images, vote, "vote of the neurons below", SOFT, mode=markers, line={"color": SOFT, "width": 2}),
        curve(images, supervised, "class neurons", RED, mode=markers, pin=True, line={"color": RED, "width": 4}),
        heat | {"z": sheet(frame.w1.values[order], columns), "xaxis": "x2", "yaxis": "y2", "zmin": 0},
        heat | {"z": w2[order].T, "x": np.arange(n), "y": np.arange(10), "xaxis": "x3", "yaxis": "y3", "zmin": 0},
    ]
    heads = ("training: a teacher fires", "test: no teacher")
    notes = [
        note(0.98, 0.3, "orange: class neurons<br>grey: vote of the neurons below", SOFT, xanchor="right")
        | {"yanchor": "bottom", "align": "right"},
        note(0, 1, "what each neuron looks for", SOFT, axes="2", xanchor="left", yanchor="bottom"),
        note(0, 1, "and which class it feeds", SOFT, axes="3", xanchor="left", yanchor="bottom"),
    ]
    for axes, raster, head in zip(("4", "5"), frame.raster.values, heads, strict=True):
        spikes = raster[np.r_[order, n : n + 10]]
        for part, color, size in ((slice(0, n), INK, 6), (slice(n, n + 10), RED, 7)):
            who, when = np.nonzero(spikes[part])
            # the ten class neurons get as much room as the others have
            place = who * 10 / n if part.start == 0 else 11 + who
            data.append(
                curve(
                    frame.time.values[when],
                    place,
                    "spikes",
                    color,
                    axes=axes,
                    mode="markers",
                    marker={"size": size, "color": color, "symbol": "line-ns-open", "line": {"width": 1.5}},
                    hoverinfo="skip",
                )
            )
        notes.append(note(0, 1, head, SOFT, axes=axes, xanchor="left", yanchor="bottom"))
    classes = axis("", range=[-0.7, 20.8], tickvals=[5, 11 + label_now], zeroline=False, showgrid=False)
    band = {"type": "rect", "x0": 0, "x1": 1, "y0": 10.5, "y1": 20.7, "fillcolor": SHADE, "line": {"width": 0}}
    layout = {
        "height": 640,
        "xaxis": axis(frame.images, domain=[0, 0.46], anchor="y", range=[0, frame.attrs["total"]]),
        "yaxis": axis("named correctly", domain=[0.55, 1], range=[0, 1], tickformat=".0%"),
        "xaxis2": axis("", domain=[0.55, 1], anchor="y2", constrain="domain", **BARE),
        "yaxis2": axis("", domain=[0.42, 1], anchor="x2", autorange="reversed", scaleanchor="x2", **BARE)
        | {"constrain": "domain", "constraintoward": "top"},
        "xaxis3": axis("neuron, sorted by the class it feeds", domain=[0.55, 1], anchor="y3", **BARE),
        "yaxis3": axis(frame.label, domain=[0.08, 0.33], anchor="x3", autorange="reversed", dtick=1, showgrid=False),
        "xaxis4": axis(frame.time, domain=[0, 0.21], anchor="y4", range=[0, 150], dtick=50),
        "yaxis4": classes | {"domain": [0.08, 0.37], "anchor": "x4", "ticktext": ["neurons", f"class {label_now}"]},
        "xaxis5": axis(frame.time, domain=[0.25, 0.46], anchor="y5", range=[0, 150], dtick=50),
        "yaxis5": classes | {"domain": [0.08, 0.37], "anchor": "x5", "showticklabels": False},
        "shapes": [
            horizontal(0.1),
            *(band | {"xref": f"x{a} domain", "yref": f"y{a}", "layer": "below"} for a in "45"),
        ],
        "annotations": [*notes, label(0.01, 0.1, "guessing", SOFT, xref="x domain", xanchor="left", yanchor="bottom")],
    }
    return {"data": data, "layout": layout}
