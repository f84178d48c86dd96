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
    headline,
    horizontal,
    image,
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


def _tired(alpha: float | np.ndarray, spikes: int) -> np.ndarray:
    """The thresholds of a fresh neuron, over its resting one, after 0, 1, ... of its own spikes (mV)."""
    theta = [np.full_like(np.asarray(alpha, float), 20.0)]
    for _ in range(spikes):
        theta.append(theta[-1] + alpha * 10 / abs(theta[-1] - 10))
    return np.array(theta)


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy while it learns, what each neuron has become and which class it feeds, who spikes, who tires."""
    images, n = frame.images.values, frame.sizes["unit"]
    w2, label_now, alpha = frame.w2.values, frame.attrs["label"], values_of(frame)["alpha"]
    # neurons in the order of the class that they feed, so that pictures and spikes line up
    order = np.lexsort((-w2.max(1), w2.argmax(1)))
    columns = int(np.ceil(n**0.5 * 1.15))
    markers = "lines+markers" if len(images) < 3 else "lines"
    supervised, vote = frame.acc_supervised.values, frame.acc_vote.values
    many, alphas = 100, np.linspace(0, 5, 101)
    ends = _tired(alphas, many)[-1]
    end = float(np.interp(alpha, alphas, ends))
    data = [
        curve(images, vote, "vote of the neurons below", SOFT, mode=markers, line={"color": SOFT, "width": 2}),
        curve(images, supervised, "class neurons", RED, mode=markers, pin=True, line={"color": RED, "width": 4}),
        image(sheet(frame.w1.values[order], columns), "2", _WEIGHTS, 0, float(max(frame.w1.max(), 1e-12))),
        curve(np.arange(many + 1), _tired(alpha, many), "threshold of one neuron", BLUE, axes="3"),
    ]
    heads = ("training: a teacher fires", "test: no teacher")
    notes = [
        note(0.98, 0.3, "orange: class neurons<br>grey: vote of the neurons below", SOFT, xanchor="right")
        | {"yanchor": "bottom", "align": "right"},
        note(0, 1, "what each neuron looks for, and the class it feeds", SOFT, axes="2", xanchor="left")
        | {"yanchor": "bottom"},
        note(0, 1, "how a neuron tires", SOFT, axes="3", xanchor="left", yanchor="bottom"),
        label(many, end, "tiring α: drag the end", BLUE, axes="3", xanchor="right", yanchor="bottom", yshift=8),
    ]
    for place, feeds in enumerate(w2.argmax(1)[order]):
        row, column = divmod(place, columns)
        notes.append(label(9 * column - 0.5, 9 * row - 0.5, f"{feeds}", RED, axes="2", xanchor="left", yanchor="top"))
        notes[-1]["font"]["size"] = 10 if n <= 81 else 8
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
        "height": 600,
        "xaxis": axis(frame.images, domain=[0, 0.46], anchor="y", range=[0, frame.attrs["total"]]),
        "yaxis": axis("named correctly", domain=[0.52, 1], range=[0, 1], tickformat=".0%"),
        "xaxis2": axis("", domain=[0.55, 1], anchor="y2", constrain="domain", **BARE),
        "yaxis2": axis("", domain=[0.38, 1], anchor="x2", autorange="reversed", scaleanchor="x2", **BARE)
        | {"constrain": "domain", "constraintoward": "top"},
        "xaxis3": axis("spikes of its own", domain=[0.55, 1], anchor="y3", range=[0, 1.04 * many]),
        "yaxis3": axis("threshold (mV)", domain=[0.06, 0.3], anchor="x3", range=[15, 130], nticks=4),
        "xaxis4": axis(frame.time, domain=[0, 0.21], anchor="y4", range=[0, 150], dtick=50),
        "yaxis4": classes | {"domain": [0.06, 0.33], "anchor": "x4", "ticktext": ["neurons", f"class {label_now}"]},
        "xaxis5": axis(frame.time, domain=[0.25, 0.46], anchor="y5", range=[0, 150], dtick=50),
        "yaxis5": classes | {"domain": [0.06, 0.33], "anchor": "x5", "showticklabels": False},
        "shapes": [
            horizontal(0.1),
            *(band | {"xref": f"x{a} domain", "yref": f"y{a}", "layer": "below"} for a in "45"),
        ],
        "annotations": [*notes, label(0.01, 0.1, "guessing", SOFT, xref="x domain", xanchor="left", yanchor="bottom")],
        "meta": {"hands": [hand(many, end, up=scale("alpha", ends, alphas), axes="3", color=BLUE)]},
    }
    told = "Digits come in as spikes. No error comes back: synapses only count who fires with whom."
    more = f"The class neurons name {supervised[-1]:.0%} of new digits; guessing gets 10 %."
    return {"data": data, "layout": headline(layout, told, more)}
