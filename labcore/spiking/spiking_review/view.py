"""Pictures of `spiking_review`: a neuron that counts, roads on a plane of accuracy and cost, fields that form."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    scale,
    sheet,
    values_of,
    vertical,
)

CARD = ("paths", "xy")
DOT = {"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}
WEIGHTS = [[0, "rgb(20,20,25)"], [0.5, "rgb(120,60,90)"], [0.8, "rgb(235,140,70)"], [1, "rgb(255,240,190)"]]
COSTS = {
    "operations": "operations for a digit",
    "arithmetic": "arithmetic for a digit (nJ)",
    "memory": "arithmetic and memory for a digit (nJ)",
}
COLOURS = {"no hidden layer": PURPLE, "ordinary": INK, "STDP": ORANGE, "trained with spikes": RED}
SHORT = {"no hidden layer": "no hidden<br>layer"}


def count(frame: xr.Dataset) -> dict[str, Any]:
    """Charge and spikes over time for one current; the rate over all currents, a staircase under the diagonal."""
    values, current, rate = values_of(frame), frame.current.values, frame.rate.values
    step, charge, fired = frame.step.values, frame.charge.values, frame.spikes.values > 0
    a, steps, start, here = values["current"], values["steps"], values["start"], float(frame.here)
    wide, top = (24 if steps <= 20 else 64), max(2.0, 1.1 * float(charge.max()))
    data = [
        curve(step, charge, "charge", BLUE, mode="lines+markers"),
        curve(step[fired], charge[fired], "it fires", RED, mode="markers", marker={"size": 10, "color": RED}),
        curve([0], [start], "at the start", BLUE, mode="markers", hoverinfo="skip", marker=DOT | {"color": BLUE}),
        curve([0, 1, 1.2], [0, 1, 1], "the current itself", SOFT, axes="2", line={"color": SOFT, "dash": "dash"}),
        curve(current, rate, "spikes a step", BLUE, axes="2", pin=True, line={"color": BLUE, "width": 2.5}),
        curve([a], [here], "this current", RED, axes="2", mode="markers", hoverinfo="skip", marker=DOT),
    ]
    layout = {
        "height": 390,
        "xaxis": axis(frame.step, domain=[0, 0.45], range=[-1, wide + 0.5]),
        "yaxis": axis("charge (thresholds)", range=[-0.1, top]),
        "xaxis2": axis(frame.current, domain=[0.57, 1], anchor="y2", range=[-0.03, 1.23]),
        "yaxis2": axis("spikes a step", anchor="x2", range=[-0.05, 1.15]),
        "shapes": [horizontal(1, INK, "dash"), vertical(steps + 0.5, GREEN, "solid", width=4)],
        "annotations": [
            label(wide, 1, "threshold", INK, xanchor="right", yanchor="bottom", bgcolor=PAPER),
            label(steps + 0.5, top, " T, drag it" if steps < 48 else "T, drag it ", GREEN,
                  xanchor="left" if steps < 48 else "right", yanchor="top"),
            label(a, here, "drag it", RED, axes="2", yanchor="top", yshift=-10),
        ],
        "meta": {"hands": [
            hand(steps + 0.5, None, across=scale("steps", [1.5, 64.5], [1, 64]), color=GREEN),
            hand(0, start, up="start", color=BLUE),
            hand(a, here, across="current", axes="2", color=RED),
        ]},
    }  # fmt: skip
    off = float(abs(rate - current.clip(0, 1)).max())
    fires = f"{int(fired.sum())} spikes in {steps} step{'s' * (steps > 1)}"
    return {"data": data, "layout": headline(layout, f"{fires}; the stairs are off by {off:.2f} at most.")}


def paths(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over cost, a dot a road and a path for conversion; and what conversion costs over its time steps."""
    values, steps = values_of(frame), frame.steps.values
    counted, at = values["counted"], values["steps"]
    cost = dict(zip(frame.road.values.tolist(), frame.cost.sel(measure=counted).values.tolist(), strict=True))
    right = dict(zip(cost, frame.right.values.mean(1).tolist(), strict=True))
    # strictly rising, so that every place of the hand is one number of steps
    along = frame.path_cost.sel(measure=counted).values * (1 + 1e-9 * steps)
    path, ordinary = frame.path.values.mean(1), cost["ordinary"]
    here, price = float(path[at - 1]), float(along[at - 1])
    bits = [r for r in cost if "bit" in r]
    low = min(path.min(), min(right.values())) - 0.03
    left, far = np.log10(min(cost.values()) / 1.6), np.log10(max(along[-1], *cost.values()) * 1.25)
    powers = 2 ** np.arange(7) - 1
    data = [
        curve(along, path, "converted", BLUE, pin=True),
        curve(along[powers], path[powers], "1, 2, 4, ... 64 steps", BLUE, mode="markers",
              marker={"size": 6, "color": BLUE}),
        curve([cost[b] for b in bits], [right[b] for b in bits], "few bits", GREEN, mode="markers", text=bits,
              hovertemplate="%{text}: %{y:.1%}<extra></extra>",
              marker={"size": 9, "symbol": "diamond", "color": GREEN}),
        *[curve([cost[r]], [right[r]], r, c, mode="markers", marker={"size": 11, "color": c},
                hovertemplate=f"{r}: %{{y:.1%}}<extra></extra>")
          for r, c in COLOURS.items() if r in cost],
        curve([price], [here], "T", BLUE, mode="markers", hoverinfo="skip", marker=DOT | {"color": BLUE}),
        curve(steps, along, "converted", BLUE, axes="2"),
        curve([at], [price], "T", BLUE, axes="2", mode="markers", hoverinfo="skip", marker=DOT | {"color": BLUE}),
    ]  # fmt: skip
    # three roads end near each other: their labels stand one above the other
    rise = {"STDP": -8, "trained with spikes": 28}
    marks = [
        label(np.log10(cost[r]), right[r], SHORT.get(r, r), c, yanchor="top" if r == "STDP" else "bottom",
              yshift=rise.get(r, 8))
        for r, c in COLOURS.items() if r in cost
    ]  # fmt: skip
    if "1 bit" in cost:
        marks.append(label(np.log10(cost["1 bit"]), right["1 bit"], "1 bit ", GREEN, xanchor="right", xshift=-6))
    cheaper = int(frame.cheaper.sel(measure=counted))
    high = 1.15 * max(float(along[-1]), ordinary)
    apart = 0.02 if low > 0.8 else 0.1
    ticks = np.arange(np.ceil(low / apart), round(1 / apart) + 1) * apart  # up to 100 %, with room above for labels
    layout = {
        "height": 420,
        "xaxis": log_axis(COSTS[counted], domain=[0, 0.55], range=[left, far]),
        "yaxis": axis("right on new digits", range=[low, 1.04], tickformat=".0%", tickvals=ticks),
        "xaxis2": axis(frame.steps, domain=[0.68, 1], anchor="y2", range=[0, 65]),
        "yaxis2": axis(COSTS[counted], anchor="x2", range=[0, high]),
        "shapes": [horizontal(ordinary, INK, "dash", axes="2"),
                   *([vertical(cheaper + 0.5, SOFT, axes="2")] if 0 < cheaper < len(steps) else [])],
        "annotations": [
            *marks,
            note(0.98, 0.03, f"converted, T = {at}:<br>drag the dot", BLUE, xanchor="right", yanchor="bottom",
                 align="right"),
            label(64, ordinary, "ordinary", INK, axes="2", xanchor="right", yanchor="top"),
            note(0.03, 0.98, f"cheaper: up to {cheaper}", SOFT, axes="2", xanchor="left", yanchor="top"),
        ],
        "meta": {"hands": [
            hand(price, here, across=scale("steps", along, steps), color=BLUE),
            hand(at, price, across="steps", axes="2", color=BLUE),
        ]},
    }  # fmt: skip
    ratio = price / ordinary
    told = f"{here:.1%} read, {right['ordinary']:.1%} by the ordinary network, for {ratio:.2f} of its cost."
    return {"data": data, "layout": headline(layout, told)}


def fields(frame: xr.Dataset) -> dict[str, Any]:
    """Fields of up to 100 neurons, the winner framed; spikes of the image now shown; what is read at the end."""
    values, when = values_of(frame), frame.when.values
    weight = frame.weight.values[:100]
    columns, steps = int(np.ceil(len(weight) ** 0.5)), values["steps"]
    pictures = sheet(weight, columns)
    winner, fired = int(frame.winner), int(frame.fired)
    pixel, seen = frame.pixel.values, when < steps
    before = seen & (when <= fired) if fired >= 0 else np.zeros_like(seen)
    late = seen & ~before
    dots = {"size": 7, "symbol": "line-ns-open"}
    data = [
        image(pictures, "", WEIGHTS, 0, 1),
        curve(when[late] + 1, pixel[late], "too late", SOFT, axes="2", mode="markers", marker=dots | {"color": SOFT}),
        curve(when[before] + 1, pixel[before], "in time", ORANGE, axes="2", mode="markers",
              marker=dots | {"color": ORANGE}),
    ]  # fmt: skip
    shapes, annotations = [], []
    if 0 < winner <= len(weight):
        r, c = divmod(winner - 1, columns)
        shapes.append({"type": "rect", "x0": 9 * c - 0.8, "x1": 9 * c + 7.8, "y0": 9 * r - 0.8, "y1": 9 * r + 7.8,
                       "xref": "x", "yref": "y", "line": {"color": RED, "width": 4}})  # fmt: skip
    if fired >= 0:
        shapes.append(vertical(fired + 1, RED, "solid", axes="2"))
        annotations.append(note(0.98, 0.98, f"neuron {winner} fires", RED, axes="2", xanchor="right", yanchor="top"))
    layout: dict[str, Any] = {
        "height": 470,
        "xaxis": axis("fields: bright is a large weight", domain=[0, 0.52], **BARE),
        "yaxis": axis("", range=[pictures.shape[0], -1], scaleanchor="x", constrain="domain", **BARE),
        "xaxis2": axis("time step of this image", domain=[0.65, 1], anchor="y2", range=[0.3, steps + 0.7]),
        "yaxis2": axis("pixel", domain=[0.52, 1], anchor="x2", range=[64, -1]),
        "xaxis3": axis("right on new digits", domain=[0.65, 1], anchor="y3", range=[0, 1.02], tickformat=".0%"),
        "yaxis3": axis("", domain=[0, 0.3], anchor="x3", type="category", autorange="reversed"),
    }
    kinds = frame.features.values.tolist() if "right" in frame else ["learned", "random", "pixels"]
    bars = frame.right.values if "right" in frame else np.zeros(3)
    data.append({"type": "bar", "orientation": "h", "x": bars, "y": kinds, "xaxis": "x3", "yaxis": "y3",
                 "name": "right", "showlegend": False, "marker": {"color": [BLUE, SOFT, PURPLE]},
                 "hovertemplate": "%{y}: %{x:.1%}<extra></extra>"})  # fmt: skip
    if "right" in frame:
        annotations += [label(0.02, k, f"{v:.1%}", PAPER if v > 0.2 else INK, axes="3", xanchor="left")
                        for k, v in zip(kinds, bars, strict=True)]  # fmt: skip
        told = f"From {values['labels']} labels: {bars[0]:.0%} with what was learned, {bars[2]:.0%} from the pixels."
    else:
        annotations.append(note(0.5, 0.5, "read at the end", SOFT, axes="3"))
        told = f"After {int(frame.shown[-1])} images the fields are {float(frame.apart[-1]):.2f} apart."
    layout |= {"shapes": shapes, "annotations": annotations}
    return {"data": data, "layout": headline(layout, told)}
