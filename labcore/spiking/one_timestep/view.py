"""Pictures of `one_timestep`: a trained network with fewer steps and other thresholds; two routes to a single step."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    ORANGE,
    PAPER,
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
    note,
    values_of,
    vertical,
)

CARD = ("shrink", "xy")
FIRES = [[0, "rgb(20,20,25)"], [0.02, "rgb(60,50,90)"], [0.3, "rgb(225,120,60)"], [1, "rgb(255,235,170)"]]
COLOURS = {"one at a time": BLUE, "at once": ORANGE}


def lever(frame: xr.Dataset) -> dict[str, Any]:
    """How much each layer fires, and accuracy over time steps, with the number of them to be dragged."""
    values, layer, rate = values_of(frame), frame.layer.values, frame.rate.values
    steps, right = frame.steps.values, frame.accuracy.values
    at, here, depth = values["steps"], float(frame.here), len(layer)
    silent = rate < 0.005
    data = [
        {"type": "bar", "x": layer, "y": rate, "name": "fires", "xaxis": "x", "yaxis": "y", "showlegend": False,
         "marker": {"color": [RED if s else BLUE for s in silent]},
         "hovertemplate": "layer %{x}: %{y:.1%}<extra></extra>"},
        curve(steps, right, "right on new digits", BLUE, axes="2", mode="lines+markers", pin=True),
        curve([at], [here], "here", RED, axes="2", mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    dead = int(silent.sum())
    if dead:
        told = f"{dead} of {depth} layers are silent: nothing comes through."
    elif here < 0.2:
        told = "All layers fire, and yet the network guesses."
    else:
        told = f"All layers fire, and {here:.0%} of the digits are read."
    layout = {
        "height": 390,
        "xaxis": axis("hidden layer", domain=[0, 0.44], range=[0.4, depth + 0.6], dtick=1),
        "yaxis": axis("share of neurons that fire in a time step", range=[0, 0.62], tickformat=".0%"),
        "xaxis2": axis("time steps", domain=[0.58, 1], anchor="y2", range=[0.5, 8.5], dtick=1),
        "yaxis2": axis("right on new digits", anchor="x2", range=[0, 1.05], tickformat=".0%"),
        "shapes": [horizontal(0.1, SOFT, axes="2")],
        "annotations": [
            label(8.4, 0.1, "guessing", SOFT, axes="2", xanchor="right", yanchor="bottom"),
            label(at, here, "drag it", RED, axes="2", yanchor="top" if here > 0.3 else "bottom",
                  yshift=-12 if here > 0.3 else 12),
            *[label(k, 0.01, "silent", RED, textangle=-90, yanchor="bottom") for k in layer[silent]],
        ],
        "meta": {"hands": [hand(at, here, across="steps", axes="2", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def shrink(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of both routes while they learn, and which layers fire, over the same training steps."""
    values, batch = values_of(frame), frame.batch.values
    right, steps, rate = frame.accuracy.values.mean(1), frame.steps.values[0], frame.rate.values
    depth, end = frame.sizes["layer"], values["batches"]
    data, layout_notes, shapes = [], [], []
    for route, y in zip(frame.route.values, right, strict=True):
        name, color = str(route), COLOURS[str(route)]
        data.append(curve(batch, y, f"steps taken away {name}", color, pin=name == "one at a time"))
    places = apart(right[:, -1], 0.07, 1.0)
    for route, at in zip(frame.route.values, places, strict=True):
        layout_notes.append(label(batch[-1], at, f" {route}", COLOURS[str(route)], xanchor="left"))
    for t in range(int(steps.max()), 0, -1):
        inside = batch[steps == t]
        if len(inside):
            layout_notes.append(label(float(inside[0]), 1.07, f"T = {t}", BLUE, xanchor="left", yanchor="middle"))
            shapes += [vertical(float(inside[0]), SOFT)] if inside[0] > 0 else []
    grid = np.linspace(0, end, 120)
    for k, axes in ((0, "2"), (1, "3")):
        shown = rate[k][np.clip(np.searchsorted(batch, grid, side="right") - 1, 0, None)].T
        shown = np.where(grid[None] <= batch[-1], shown, np.nan)
        data.append(image(shown, axes, FIRES, 0, 0.4, x=grid, y=frame.layer.values))
    silent = int((rate[1, -1] < 0.005).sum())
    notes = [
        note(0, 1.02, "which layers fire, one at a time", BLUE, axes="2", xanchor="left", yanchor="bottom"),
        note(0, 1.02, "at once: black is silent" if silent else "at once", ORANGE, axes="3", xanchor="left",
             yanchor="bottom"),
    ]  # fmt: skip
    layout = {
        "height": 420,
        "xaxis": axis(frame.batch, domain=[0, 0.5], range=[0, 1.28 * end]),
        "yaxis": axis("right on new digits", range=[0, 1.12], tickformat=".0%"),
        "xaxis2": axis("", domain=[0.62, 1], anchor="y2", range=[0, end], showticklabels=False),
        "yaxis2": axis("layer", domain=[0.57, 0.93], anchor="x2", range=[depth + 0.5, 0.5], dtick=max(1, depth // 4)),
        "xaxis3": axis("training steps", domain=[0.62, 1], anchor="y3", range=[0, end]),
        "yaxis3": axis("layer", domain=[0, 0.36], anchor="x3", range=[depth + 0.5, 0.5], dtick=max(1, depth // 4)),
        "shapes": [*shapes, horizontal(0.1, SOFT)],
        "annotations": [
            *layout_notes,
            *notes,
            label(1.27 * end, 0.1, "guessing", SOFT, xanchor="right", yanchor="bottom"),
        ],
    }
    if silent and batch[-1] > 0:
        told = f"With all steps gone at once, {silent} of {depth} layers are silent, and nothing can wake them."
    elif batch[-1] < end:
        told = "Both networks began with the same weights."
    else:
        gap = right[0, -1] - right[1, -1]
        told = f"{right[0, -1]:.0%} one at a time, {right[1, -1]:.0%} at once."
        told += " One repetition tells little." if abs(gap) < 0.05 and frame.sizes["repeat"] < 3 else ""
    return {"data": data, "layout": headline(layout, told)}
