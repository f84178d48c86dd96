"""Pictures of `selu`: a plane of mean and variance, a rectangle and its image, dropout, and races of deep networks."""

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
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    values_of,
    vertical,
)

from .activation import ALPHA, LAMBDA
from .moments import BOX, around

CARD = ("plane", "xy")
NAMED = (("SELU", ALPHA, LAMBDA), ("ELU", 1.0, 1.0), ("ReLU (He)", 0.0, 2**0.5))
TOP = 4.3  # of the shown variances
KINDS = {"ordinary dropout": RED, "alpha dropout": BLUE, "no dropout": SOFT}
RIVALS = {"SELU": BLUE, "ReLU": RED, "batch-normalised ReLU": GREEN}


def _arrows(frame: xr.Dataset) -> dict[str, Any]:
    """Short arrows, from where they are a part of the way to where a layer leads."""
    start = np.stack([frame.from_mean.values, frame.from_variance.values], 1)
    way = np.stack([frame.to_mean.values, frame.to_variance.values], 1) - start
    long = np.hypot(way[:, 0] / 2.4, way[:, 1] / TOP)  # in widths of the panel
    way *= (np.minimum(0.3, 0.09 / np.maximum(long, 1e-9)))[:, None]
    points = np.stack([start, start + way, np.full_like(start, np.nan)], 1).reshape(-1, 2)
    return curve(
        points[:, 0], points[:, 1], "one layer on", SOFT, mode="lines+markers", hoverinfo="skip",
        line={"color": SOFT, "width": 1.2},
        marker={"symbol": "arrow", "angleref": "previous", "size": np.tile([0, 10, 0], len(start)), "color": SOFT},
    )  # fmt: skip


def _constants(values: dict[str, Any]) -> list[dict]:
    """Where constants lead: borders between dying out, coming to rest and growing without end."""
    a = np.linspace(0, 3, 121)
    dies = np.sqrt(2 / (1 + a**2))
    clear = {"color": "rgba(0,0,0,0)"}
    return [
        curve(a, np.full_like(a, 2**0.5), "grows without end above", RED, axes="2", line={"color": RED, "width": 1.5}),
        curve(a, dies, "dies out below", PURPLE, axes="2", line={"color": PURPLE, "width": 1.5}),
        curve(np.append(a, a[::-1]), np.append(np.full_like(a, 2**0.5), dies[::-1]), "comes to rest", GREEN, axes="2",
              fill="toself", fillcolor="rgba(0,158,115,0.14)", line=clear, hoverinfo="skip"),
        curve([x for _, x, _ in NAMED], [y for _, _, y in NAMED], "known ones", INK, axes="2", mode="markers",
              marker={"size": 8, "color": PAPER, "line": {"color": INK, "width": 1.5}}),
        curve([values["alpha"]], [values["lam"]], "constants", ORANGE, axes="2", mode="markers",
              marker={"size": 14, "color": ORANGE, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip


def plane(frame: xr.Dataset) -> dict[str, Any]:
    """Mean and variance of a network's layers in the plane, with the map's arrows; the constants, to be dragged."""
    values = values_of(frame)
    mean, variance = frame["mean"].values, frame["variance"].values
    dots = {"size": np.append(13, np.full(len(mean) - 1, 7)), "color": BLUE, "line": {"color": PAPER, "width": 1}}
    data = [
        _arrows(frame),
        curve(mean, variance, "network, layer by layer", BLUE, mode="lines+markers", pin=True, marker=dots,
              line={"color": BLUE, "width": 2}),
    ]  # fmt: skip
    notes = [note(0.02, 0.99, "drag the large blue dot", BLUE, xanchor="left", yanchor="top")]
    if "rest" in frame and float(frame.rest[1]) < TOP and abs(float(frame.rest[0])) < 1.2:
        place = [float(v) for v in frame.rest]
        star = {"symbol": "star", "size": 17, "color": GREEN, "line": {"color": PAPER, "width": 1}}
        data.append(curve([place[0]], [place[1]], "here all arrows end", GREEN, mode="markers", marker=star))
        notes.append(label(*place, "rest", GREEN, xanchor="left", yanchor="top", xshift=9, yshift=-3))
    data += _constants(values)
    notes += [
        note(0.98, 0.98, "grows without end", RED, axes="2", xanchor="right", yanchor="top"),
        note(0.98, 0.45, "comes to rest", GREEN, axes="2", xanchor="right"),
        note(0.02, 0.02, "dies out", PURPLE, axes="2", xanchor="left", yanchor="bottom"),
        *(
            label(x, y, name, INK, axes="2", xanchor="left", yanchor="bottom", xshift=9, yshift=4)
            for name, x, y in NAMED
        ),
        label(values["alpha"], values["lam"], "drag", ORANGE, axes="2", yanchor="top", yshift=-15),
    ]
    layout = {
        "height": 460,
        "xaxis": axis("mean of a layer's outputs", domain=[0, 0.58], range=[-1.2, 1.2]),
        "yaxis": axis("their variance", range=[-0.15, TOP]),
        "xaxis2": axis("drop below 0 α", domain=[0.69, 1], range=[-0.12, 3.12], anchor="y2"),
        "yaxis2": axis("scale λ", range=[0.45, 2.05], anchor="x2"),
        "annotations": notes,
        "meta": {
            "hands": [
                hand(values["mu"], values["nu"], across="mu", up="nu", color=BLUE),
                hand(values["alpha"], values["lam"], across="alpha", up="lam", axes="2", color=ORANGE),
            ]
        },
    }
    last = len(mean) - 1
    where = f"After {last} layer{'' if last == 1 else 's'}: mean {_short(mean[-1])}, variance {_short(variance[-1])}."
    return {"data": data, "layout": headline(layout, where)}


def _short(x: float) -> str:
    """Two decimals, or three digits of what is very large; without a minus at zero."""
    return f"{x:.3g}" if abs(x) >= 100 else f"{x + 0.0 if abs(x) >= 0.005 else 0.0:.2f}"


def rectangle(frame: xr.Dataset) -> dict[str, Any]:
    """The weights of a layer's units and the theorem's box; the theorem's rectangle and its image."""
    values = values_of(frame)
    omega, tau = values["omega"], values["tau"]
    box = around(BOX, 1).T
    green = {"color": GREEN, "width": 2}
    data = [
        curve(frame.omega_of.values, frame.tau_of.values, "units of a layer", BLUE, mode="markers",
              marker={"size": 6, "color": BLUE, "opacity": 0.55}),
        curve(*box, "the theorem's weights", GREEN, fill="toself", fillcolor="rgba(0,158,115,0.18)", line=green,
              hoverinfo="skip"),
        curve([omega], [tau], "one unit", ORANGE, mode="markers",
              marker={"size": 14, "color": ORANGE, "line": {"color": PAPER, "width": 2}}),
        curve(frame.border_mean.values, frame.border_variance.values, "the theorem's rectangle", GREEN, axes="2",
              line=green),
        curve(frame.image_mean.values, frame.image_variance.values, "after this unit", ORANGE, axes="2", pin=True,
              fill="toself", fillcolor="rgba(230,159,0,0.18)"),
        curve(frame.path_mean.values, frame.path_variance.values, "again and again", INK, axes="2",
              mode="lines+markers", marker={"size": 5, "color": INK}, line={"color": INK, "width": 1}),
    ]  # fmt: skip
    layout = {
        "height": 440,
        "xaxis": axis("sum of a unit's weights ω", domain=[0, 0.46], range=[-3.2, 3.2]),
        "yaxis": axis("sum of their squares τ", range=[0.4, 1.6]),
        "xaxis2": axis("mean of outputs", domain=[0.57, 1], anchor="y2", range=[-0.3, 0.3]),
        "yaxis2": axis("their variance", anchor="x2", range=[0.4, 2.4]),
        "annotations": [
            note(0.02, 0.98, "dots: the units of a random layer", BLUE, xanchor="left", yanchor="top"),
            note(0.02, 0.02, "green: the theorem's box", GREEN, xanchor="left", yanchor="bottom"),
            label(omega, tau, "drag", ORANGE, yanchor="bottom", yshift=15),
            note(0.02, 0.98, "green: the theorem's frame", GREEN, axes="2", xanchor="left", yanchor="top"),
            note(0.02, 0.91, "orange: the same after this unit", ORANGE, axes="2", xanchor="left", yanchor="top"),
        ],
        "meta": {"hands": [hand(omega, tau, across="omega", up="tau", color=ORANGE)]},
    }
    told = "Weights in the green box keep a unit's outputs in the green frame."
    return {
        "data": data,
        "layout": headline(layout, told, f"{float(frame.inside):.0%} of this layer's units lie in the box."),
    }


def dropout(frame: xr.Dataset) -> dict[str, Any]:
    """Outputs of a layer before and after alpha dropout; the variance layer by layer with each kind of dropout."""
    values, names = values_of(frame), [str(k) for k in frame.kind.values]
    x, density, layer = frame.output.values, frame.density.values, frame.layer.values
    seen = np.flatnonzero(density[:2].max(0) > 0)
    low, high = min(-2.6, x[seen[0]] - 0.2, values["value"] - 0.4), max(4.0, values["value"] + 0.4)
    top = float(density[:2].max()) * 1.12
    gone = float(frame.becomes)
    data = [
        curve(x, density[0], "without dropout", SOFT, line={"color": SOFT, "width": 2, "shape": "hvh"}),
        curve(x, density[1], "with alpha dropout", BLUE, fill="tozeroy", fillcolor="rgba(47,134,201,0.25)",
              line={"color": BLUE, "width": 2, "shape": "hvh"}),
    ]  # fmt: skip
    for k, name in enumerate(names):
        data.append(curve(layer, frame["variance"].values[k], name, KINDS[name], axes="2", pin=name == "alpha dropout",
                          mode="lines+markers", marker={"size": 5, "color": KINDS[name]}))  # fmt: skip
    ends = frame["variance"].values[:, -1]
    most = max(1.6, float(frame["variance"].max())) * 1.1
    layout = {
        "height": 440,
        "xaxis": axis("output of a unit of the first layer", domain=[0, 0.45], range=[low, high]),
        "yaxis": axis("share of units, per unit of output", range=[0, top]),
        "xaxis2": axis(frame.layer, domain=[0.57, 1], anchor="y2", range=[0.5, layer[-1] + 0.5]),
        "yaxis2": axis(frame["variance"], anchor="x2", range=[0, most]),
        "shapes": [
            {"type": "line", "x0": values["value"], "x1": values["value"], "y0": 0, "y1": 1, "yref": "y domain",
             "line": {"color": ORANGE, "width": 2}},
            horizontal(1, SOFT, axes="2"),
        ],
        "annotations": [
            note(0.98, 0.98, "grey: without dropout", SOFT, xanchor="right", yanchor="top"),
            note(0.98, 0.91, "blue: with alpha dropout", BLUE, xanchor="right", yanchor="top"),
            note(0.98, 0.84, f"dropped units become {_short(gone)}", BLUE, xanchor="right", yanchor="top"),
            label(values["value"], top, "drag", ORANGE, xanchor="left", yanchor="top", xshift=4),
            *(note(0.03, 0.98 - 0.07 * k, name, color, axes="2", xanchor="left", yanchor="top")
              for k, (name, color) in enumerate(KINDS.items())),
        ],
        "meta": {"hands": [hand(values["value"], None, across="value", color=ORANGE)]},
    }  # fmt: skip
    words = f"The last layer's variance: {_short(ends[1])} with alpha dropout, {_short(ends[2])} with ordinary dropout."
    return {"data": data, "layout": headline(layout, words)}


def training(frame: xr.Dataset) -> dict[str, Any]:
    """Share of test images named rightly over the training steps, thin lines are single networks; the learning rate."""
    step, names = frame.step.values, [str(r) for r in frame.rival.values]
    mean = frame.accuracy.values.mean(2)
    data = []
    for k, name in enumerate(names):
        x, y = bundle(step, frame.accuracy.values[k].T)
        data.append(curve(x, y, name, RIVALS[name], line={"color": RIVALS[name], "width": 1}, opacity=0.4,
                          hoverinfo="skip"))  # fmt: skip
        data.append(
            curve(step, mean[k], name, RIVALS[name], pin=name == "SELU", line={"color": RIVALS[name], "width": 3})
        )
    steps, rate = values_of(frame)["steps"], values_of(frame)["rate"]
    data.append(curve([rate], [0], "learning rate", INK, axes="2", mode="markers", hoverinfo="skip",
                      marker={"size": 15, "color": INK, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    layout = {
        "height": 500,
        "xaxis": axis("training step", anchor="y", range=[0, steps * 1.5], tickvals=np.linspace(0, steps, 4).round()),
        "yaxis": axis("test images named rightly", domain=[0.3, 1], range=[0, 1.03], tickformat=".0%"),
        "xaxis2": log_axis("learning rate of all three: drag the dot", anchor="y2", range=[-3.1, np.log10(0.3) + 0.1]),
        "yaxis2": axis("", anchor="x2", domain=[0, 0.06], range=[-1, 1], showticklabels=False, showgrid=False),
        "shapes": [horizontal(0.1, SOFT), vertical(steps, INK, "solid", width=2)],
        "meta": {
            "hands": [hand(steps, None, across="steps", color=INK), hand(rate, 0, across="rate", axes="2", color=INK)]
        },
        "annotations": [
            *(label(step[-1], at, name.replace(" ", "<br>"), RIVALS[name], xanchor="left", xshift=8, align="left")
              for at, name in zip(apart(mean[:, -1], 0.08, 0.98), names, strict=True)),
            label(steps * 1.5, 0.1, "guessing", SOFT, xanchor="right", yanchor="top"),
            label(steps, 1, "drag the line: train longer", INK, yref="y domain", yanchor="bottom"),
        ],
    }  # fmt: skip
    words = ", ".join(f"{name} {m:.0%}" for name, m in zip(names, mean[:, -1], strict=True))
    return {"data": data, "layout": headline(layout, f"Named rightly: {words}.")}
