"""Pictures of `af_kan`: the features of one input, and networks made of them on digits."""

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
    SHADE,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    note,
    scale,
    values_of,
    vertical,
)


def bumps(frame: xr.Dataset) -> dict[str, Any]:
    """All features over x with the cursor; the two sides of one of them; what a layer can make of all."""
    x, f, at, j = frame.x.values, frame.feature.values, frame.attrs["at"], frame.attrs["looked_at"]
    active, start, end = frame.active.values.astype(bool), frame.start.values, frame.end.values
    seen = f[:, (x >= 0) & (x <= 1)]
    low, high = min(-0.1, seen.min() - 0.1), max(1.15, seen.max() + 0.15)
    f = np.where((f < low - 0.2) | (f > high + 0.2), np.nan, f)
    awake, asleep = [k for k in range(len(f)) if active[k]], [k for k in range(len(f)) if not active[k]]
    marker = {"size": 10, "color": RED, "line": {"color": "white", "width": 1.5}}
    wide = {"mode": "markers", "marker": marker, "hoverinfo": "skip"}
    click = {"x": "x"}
    data = [
        *(
            curve(*bundle(x, f[rows]), name, color, line={"color": color, "width": width}, pin=True, click=click)
            for rows, name, color, width in ((asleep, "silent", SOFT, 1.5), (awake, "respond", BLUE, 2.5))
            if rows
        ),
        curve(x, f[j], f"feature {j}", ORANGE, line={"color": ORANGE, "width": 4}, click=click),
        curve(np.full(len(awake), at), np.clip(frame.value.values[awake], low, high), "now", RED, **wide),
        *(curve(x, s, "side", c, axes="2") for s, c in zip(frame.sides.values, (GREEN, PURPLE), strict=True)),
        curve(x, frame.full.values, "random coefficients", BLUE, axes="3"),
        curve(x, frame.merged.values, "merged", ORANGE, axes="3", line={"color": ORANGE, "width": 3.5}),
    ]  # fmt: skip
    sides = frame.sides.values
    pixels = (x >= 0) & (x <= 1)
    both = np.stack([frame.full.values, frame.merged.values])[:, pixels]
    reach = [both.min() - 0.15 * np.ptp(both) - 0.1, both.max() + 0.15 * np.ptp(both) + 0.1]
    names = [str(n) for n in frame.side.values]
    left, right = ({"xanchor": side, "yanchor": "bottom"} for side in ("left", "right"))
    by = values_of(frame)
    bounds = [
        hand(place, None, across=scale(name, [place, place + 1], [by[name], by[name] + 1]), color=ORANGE)
        for place, name in ((float(start[j]), "start_by"), (float(end[j]), "end_by"))
    ]
    layout = {
        "height": 540,
        "meta": {"hands": [*bounds, hand(at, None, across="x", color=RED)]},
        "xaxis": axis("input x (pixels lie in [0, 1])", domain=[0, 0.58], anchor="y", range=[-0.5, 1.5]),
        "yaxis": axis("height of a bump", domain=[0, 0.95], range=[low, high]),
        "xaxis2": axis(frame.x, domain=[0.68, 1], anchor="y2", range=[-0.5, 1.5]),
        "yaxis2": axis("its two sides", domain=[0.6, 0.95], anchor="x2", range=[sides.min() - 0.1, sides.max() + 0.1]),
        "xaxis3": axis(frame.x, domain=[0.68, 1], anchor="y3", range=[-0.5, 1.5]),
        "yaxis3": axis("curve of an edge", domain=[0, 0.36], anchor="x3", range=reach),
        "shapes": [
            vertical(at, RED, "solid", width=3),
            {"type": "rect", "x0": float(start[j]), "x1": float(end[j]), "y0": 0, "y1": 1, "yref": "y domain",
             "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
            *(vertical(float(v[j]), ORANGE) for v in (start, end)),
        ],
        "annotations": [
            label((start[j] + end[j]) / 2, high, f"bump {j}: drag its start s, its end e", ORANGE, yanchor="top"),
            note(0, 1, f"rises: {names[0]}", GREEN, axes="2", **left),
            note(1, 1, f"falls: {names[1]}", PURPLE, axes="2", **right),
            note(0, 1, "a weight a bump", BLUE, axes="3", **left),
            note(1, 1, "bumps summed first", ORANGE, axes="3", **right),
        ],
    }  # fmt: skip
    told = f"<b>{active.sum()} of {len(f)} bumps respond</b> at the dark orange line: the blue ones."
    return {"data": data, "layout": headline(layout, told, "A bump is one side that rises times one that falls.")}


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy while four networks train, over their size; where attention looks; how the bounds move."""
    t, accuracy, params = frame.time.values, frame.accuracy.mean("repeat").values, frame.params.values
    names, colors = list(frame.model.values), (ORANGE, PURPLE, BLUE, GREEN)
    data, notes = [], []
    for k, (name, color) in enumerate(zip(names, colors, strict=True)):
        data.append(curve(t, accuracy[k], name, color, pin=True, line={"color": color, "width": 4 if k == 0 else 2.5}))
        text = f"{name.partition(',')[0]}, {int(params[k]):,} numbers: {accuracy[k, -1]:.1%}"
        notes.append(note(0.93, 0.05 + 0.1 * (3 - k), text, color, xanchor="right", yanchor="bottom", bgcolor=PAPER))
    weight = frame.attention.values.reshape(8, 8)
    data.append(
        {"type": "heatmap", "z": weight * 64, "xaxis": "x2", "yaxis": "y2", "zmid": 1, "colorscale": "Viridis",
         "colorbar": {"len": 0.9, "y": 0.45, "x": 1, "title": {"text": "times<br>the mean"}, "thickness": 10},
         "hovertemplate": "row %{y}, column %{x}: %{z:.2f} x the mean<extra></extra>"}
    )  # fmt: skip
    last = values_of(frame)["steps"]
    notes.append(note(1, 1, "drag the line: train longer", INK, xanchor="right", yanchor="bottom"))
    notes.append(note(0, 1, "which pixels AF-KAN looks at", INK, axes="2", xanchor="left", yanchor="bottom"))
    layout = {
        "height": 440,
        "xaxis": axis(frame.time, domain=[0, 0.52], anchor="y", range=[0, 1.06 * last]),
        "shapes": [vertical(last, INK, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="steps", color=INK)]},
        "yaxis": axis("test digits that are right", tickformat=".0%", range=[0, 1.02]),
        "xaxis2": axis("column of the picture", domain=[0.64, 0.97], anchor="y2"),
        "yaxis2": axis("row", domain=[0.12, 0.9], anchor="x2", autorange="reversed"),
        "annotations": notes,
    }
    told = f"With {params[0]:,} numbers to learn AF-KAN reads {accuracy[0, -1]:.0%} of the digits."
    rivals = ((k, name) for k, name in ((1, "ReLU-KAN"), (3, "an ordinary network")))
    more = ", ".join(f"{name} {accuracy[k, -1]:.0%} with {params[k]:,}" for k, name in rivals) + "."
    return {"data": data, "layout": headline(layout, told, more)}
