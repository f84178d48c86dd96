"""Pictures of `ann_to_snn_pretraining`: just after the copy, the race over operations, filters before and after."""

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
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    note,
    sheet,
    values_of,
    vertical,
)

from .history import reaches

CARD = ("race", "xy")
GOAL = 0.95
WEIGHTS = [[0, "rgb(178,90,20)"], [0.5, "rgb(245,245,245)"], [1, "rgb(30,90,160)"]]
LAYERS = [BLUE, GREEN, ORANGE, PURPLE]


def copy(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over time steps, beside how far each layer's currents spread."""
    values, steps, right = values_of(frame), frame.steps.values, frame.accuracy.values
    at, here, truth, layer = values["steps"], float(frame.here), float(frame.analog), frame.layer.values
    late = at > len(steps) - 2
    data = [
        curve(steps, right, "spiking copy", BLUE, mode="lines+markers", pin=True),
        curve([at], [here], "here", RED, mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
        {"type": "bar", "x": layer, "y": frame.spread.values, "name": "spread", "xaxis": "x2", "yaxis": "y2",
         "showlegend": False, "marker": {"color": BLUE}},
    ]  # fmt: skip
    told = f"With ReLUs {truth:.0%} of new digits are read, by the copy that fires {here:.0%}."
    layout = {
        "height": 390,
        "xaxis": axis(frame.steps, domain=[0, 0.54], range=[0.5, len(steps) + 0.5], dtick=1),
        "yaxis": axis(frame.accuracy, range=[0, 1.08], tickformat=".0%"),
        "xaxis2": axis(frame.layer, domain=[0.68, 1], anchor="y2", dtick=1),
        "yaxis2": axis("spread of the currents (ReLUs: 1)", anchor="x2", range=[0, 1.5]),
        "shapes": [horizontal(truth, INK, "dash"), horizontal(0.1), horizontal(1, INK, "dash", axes="2")],
        "annotations": [
            label(len(steps) + 0.4, truth, "with ReLUs", INK, xanchor="right", yanchor="bottom"),
            label(1.6 if late else len(steps) + 0.4, 0.1, "guessing", SOFT, xanchor="left" if late else "right",
                  yanchor="bottom"),
            label(at, here, "drag it", RED, yanchor="top" if here > 0.3 else "bottom",
                  yshift=-12 if here > 0.3 else 12),
            label(2, 1, "as with ReLUs", INK, axes="2", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(at, here, across="steps", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def race(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over operations: ReLUs in grey, then the copy, against the network from scratch."""
    spent, analog = frame.analog_operations.values, frame.analog.values.mean(0)
    data = [curve(spent, analog, "with ReLUs", SOFT)]
    top, shapes, notes = float(max(spent[-1], 1.0)), [horizontal(GOAL, INK, "dash")], []
    told = "First it learns with ReLUs."
    if "accuracy" in frame:
        operations, right = frame.operations.values, frame.accuracy.values.mean(1)
        top = float(max(operations.max(), top))
        ends = []
        for k, (name, color) in enumerate(zip(("copied", "from scratch"), (BLUE, ORANGE), strict=True)):
            data.append(curve(operations[k], right[k], name, color, mode="lines+markers", pin=k == 0))
            ends.append(reaches(operations[k], right[k], GOAL))
            if ends[-1] is not None:
                shapes.append(vertical(ends[-1], color))
        if None not in ends:
            told = f"To 95 % the copy takes {ends[0] / ends[1]:.0%} of the operations, ReLUs included."
        else:
            told = f"The copy now reads {right[0, -1]:.0%}, the network from scratch {right[1, -1]:.0%}."
        drop = [[spent[-1], operations[0, 0]], [analog[-1], right[0, 0]]]
        data.append(curve(*drop, "the copy", RED, hoverinfo="skip", line={"color": RED, "width": 2, "dash": "dot"}))
        notes.append(label(operations[0, 0], right[0, 0], " copied", RED, xanchor="left", yanchor="top"))
    places = ((0.24, "with ReLUs", SOFT), (0.16, "copied, with spikes", BLUE), (0.08, "from scratch", ORANGE))
    notes += [note(0.98, y, words, color, xanchor="right") for y, words, color in places]
    layout = {
        "height": 400,
        "xaxis": axis("operations for each run (millions)", range=[0, 1.06 * top]),
        "yaxis": axis("right on new digits", range=[0, 1.05], tickformat=".0%"),
        "shapes": shapes,
        "annotations": [*notes, note(0.02, GOAL / 1.05, "95 %", INK, xanchor="left", yanchor="bottom")],
    }
    return {"data": data, "layout": headline(layout, told)}


def filters(frame: xr.Dataset) -> dict[str, Any]:
    """Filters of the first layer before and after, and by what angle each layer's weights have turned."""
    values, epoch = values_of(frame), frame.epoch.values
    place = values["look"] / 2  # what lies beyond the last epoch shows the last
    at = min(place, float(epoch[-1]))
    both = np.concatenate([frame.before.values[:8], frame.after.values[:8]])
    high = float(np.abs(both).max()) or 1.0
    data = [image(sheet(both, min(8, len(both) // 2))[::-1], "", WEIGHTS, -high, high)]
    turned = np.degrees(np.arccos(frame.cosine.values.clip(-1, 1)))  # nearly all cosines are nearly 1; angles are not
    for k, (angle, color) in enumerate(zip(turned, LAYERS, strict=True)):
        data.append(curve(epoch, angle, f"layer {k + 1}", color, axes="2", pin=k == 0, mode="lines+markers",
                          click={"sets": [{"shuffle": k + 1}] * len(epoch)}))  # fmt: skip
    late = place > epoch[-1] / 2
    top = max(20.0, 1.1 * float(turned.max()))
    names = [note(0.02, 0.8 - 0.08 * k, f"layer {k + 1}", c, axes="2", xanchor="left") for k, c in enumerate(LAYERS)]
    layout = {
        "height": 390,
        "xaxis": axis("filters with ReLUs, above, and now", domain=[0, 0.5], showticklabels=False, showgrid=False),
        "yaxis": axis("rows of pixels", showticklabels=False, showgrid=False),
        "xaxis2": axis(frame.epoch, domain=[0.64, 1], anchor="y2", range=[-0.1, max(epoch[-1], place) + 0.1]),
        "yaxis2": axis("angle to the copied weights (degrees)", anchor="x2", range=[-0.12 * top, top]),
        "shapes": [vertical(place, RED, "solid", axes="2", width=3)],
        "annotations": [
            *names,
            label(place, -0.06 * top, "drag", RED, axes="2", xanchor="right" if late else "left", yanchor="middle",
                  xshift=-20 if late else 20),
        ],
        "meta": {"hands": [hand(place, None, across={"parameter": "look", "places": np.arange(9) / 2,
                                                 "values": np.arange(9.0)}, axes="2", color=RED)]},
    }  # fmt: skip
    now = turned[:, np.flatnonzero(epoch == at)[0]]
    most = int(now.argmax())
    told = f"After {at:g} epoch{'s' * (at != 1)} layer 1 has turned by {now[0]:.0f}°"
    told += f", layer {most + 1} by {now[most]:.0f}°." if most else ", the most of all."
    return {"data": data, "layout": headline(layout, told)}
