"""Pictures of `spiking_diffusion`: digits at a threshold to be turned, gains that leave 1, and the rivals."""

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
    SKY,
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
    sheet,
    values_of,
    vertical,
)

CARD = ("knob", "x2y2")
GREY = [[0, "rgb(15,15,20)"], [1, "rgb(250,245,230)"]]
STEPS = (BLUE, SKY, GREEN, ORANGE, RED, PURPLE, SOFT, INK)


def knob(frame: xr.Dataset) -> dict[str, Any]:
    """25 pictures, and over the threshold their distance from digits and the error of the noise told, with the hand."""
    values, threshold, off = values_of(frame), frame.threshold.values, frame.distance.values
    theta, told, best = values["theta"], frame.error.values, float(frame.best)
    pictures = sheet(frame.picture.values, 5)
    here = float(np.interp(theta, threshold, off))
    one = int(np.flatnonzero(threshold == 1)[0])
    scaled = told / told[one] * off[one]  # both curves meet at threshold 1
    data = [
        image(pictures, "", GREY, -1, 1),
        curve(threshold, scaled, "error of the noise told", ORANGE, axes="2"),
        curve(threshold, off, "distance from digits", BLUE, axes="2", mode="lines+markers", pin=True),
        curve([theta], [here], "here", RED, axes="2", mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    inside = threshold[0] <= theta <= threshold[-1]
    change = here / off[one] - 1
    if values["done"] < 1:
        layout_told = f"{values['done']:.0%} of the way from noise. The weights never change."
    elif not inside:
        layout_told = "So far from the threshold of its training the network breaks."
    elif abs(change) < 0.01:
        layout_told = f"Distance from digits {here:.2f}, as at threshold 1."
    else:
        word = "less" if change < 0 else "more"
        layout_told = f"Distance from digits {here:.2f}, {abs(change):.0%} {word} than at threshold 1."
    high = float(max(off.max(), scaled.max()))
    low = 0.95 * float(off.min()) if off.min() > 0.8 * high else 0  # what is nearly flat is seen from near
    layout = {
        "height": 420,
        "xaxis": axis("pictures from the same noise", domain=[0, 0.46], **BARE),
        "yaxis": axis("", **BARE, autorange="reversed", scaleanchor="x"),
        "xaxis2": axis("threshold of all neurons (1 in training)", domain=[0.58, 1], anchor="y2", range=[0.35, 2.05]),
        "yaxis2": axis(frame.distance, anchor="x2", range=[low, low + 1.3 * (high - low)]),
        "shapes": [vertical(1, SOFT, axes="2"), vertical(best, BLUE, axes="2")],
        "annotations": [
            note(0.98, 0.93, "distance from digits", BLUE, axes="2", xanchor="right", yanchor="top"),
            note(0.98, 0.87, "error of the noise told, scaled", ORANGE, axes="2", xanchor="right", yanchor="top"),
            label(theta, here, "drag it", RED, axes="2", xanchor="left" if theta < 1.6 else "right", yanchor="middle",
                  xshift=12 if theta < 1.6 else -12),
            note(0.98, 0.99, f"best with other noise: {best:g}", BLUE, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": [hand(theta, None, across="theta", axes="2", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, layout_told)}


def gains(frame: xr.Dataset) -> dict[str, Any]:
    """Bars of the gains, layer by layer, as they leave 1; the error of both copies while they are tuned."""
    values, p, batch = values_of(frame), frame.p.values, frame.batch.values
    steps, layers = frame.sizes["step"], frame.layer.values
    data = []
    for t in range(steps):
        x = layers + 0.8 * ((t + 0.5) / steps - 0.5)
        data.append({"type": "bar", "x": x, "y": p[:, t] - 1, "base": 1, "width": 0.8 / steps, "name": f"step {t + 1}",
                     "marker": {"color": STEPS[t]}, "xaxis": "x", "yaxis": "y", "showlegend": False,
                     "hovertemplate": f"step {t + 1}<extra></extra>"})  # fmt: skip
    ends = [float(e[-1]) for e in frame.error.values]
    top, low = float(frame.error.max()), float(frame.error.min())
    room = max(top - low, 0.01)
    for name, told, color in zip(frame.route.values, frame.error.values, (BLUE, SOFT), strict=True):
        data.append(curve(batch, told, str(name), color, axes="2", mode="lines+markers", pin=color == BLUE))
    places = apart(ends, 0.09 * room)
    far = max(0.15, 1.15 * float(np.abs(p - 1).max()))
    layout = {
        "height": 400,
        "barmode": "overlay",
        "xaxis": axis("layer of weights", domain=[0, 0.5], dtick=1, range=[0.4, len(layers) + 0.6]),
        "yaxis": axis("gain p of a time step", range=[1 - far, 1 + far]),
        "xaxis2": axis(frame.batch, domain=[0.64, 1], anchor="y2", range=[0, 1.02 * values["fine"]]),
        "yaxis2": axis(frame.error, anchor="x2", range=[low - 0.2 * room, top + 0.1 * room]),
        "shapes": [horizontal(1, SOFT, "solid", width=1)],
        "annotations": [
            *[note(0.02 + 0.96 * t / max(steps, 5), 1.0, f"step {t + 1}", STEPS[t], xanchor="left", yanchor="top")
              for t in range(steps)],
            *[label(batch[-1], y, f"{name} ", color, axes="2", yanchor="top" if y == min(places) else "bottom",
                    yshift=-8 if y == min(places) else 4,
                    xanchor="right" if batch[-1] > values["fine"] / 2 else "left")
              for name, y, color in zip(frame.route.values, places, (BLUE, SOFT), strict=True) if batch[-1] > 0],
        ],
    }  # fmt: skip
    change = ends[0] / ends[1] - 1
    if batch[-1] == 0:
        told = "Two copies of one network. All gains are 1."
    else:
        told = f"With gains the error is {abs(change):.1%} {'lower' if change < 0 else 'higher'}."
    return {"data": data, "layout": headline(layout, told)}


def rivals(frame: xr.Dataset) -> dict[str, Any]:
    """Distance from digits and energy of one noise told, for each network that is trained so far."""
    names, off, energy = [str(n) for n in frame.network.values], frame.distance.values, frame.energy.values
    colours = [(BLUE, SKY, ORANGE, SOFT)[i] for i in range(len(names))]
    bars = {"type": "bar", "marker": {"color": colours}, "showlegend": False, "cliponaxis": False}
    data = [
        bars | {"x": names, "y": off, "text": [f"{v:.2f}" for v in off], "textposition": "outside",
                "xaxis": "x", "yaxis": "y", "name": "distance"},
        bars | {"x": names, "y": energy, "text": [f"{v:.0f}" for v in energy], "textposition": "outside",
                "xaxis": "x2", "yaxis": "y2", "name": "energy"},
    ]  # fmt: skip
    layout = {
        "height": 400,
        "xaxis": axis("network", domain=[0, 0.44]),
        "yaxis": axis(frame.distance, range=[0, 1.15 * off.max()]),
        "xaxis2": axis("network", domain=[0.58, 1], anchor="y2"),
        "yaxis2": axis(frame.energy, anchor="x2", range=[0, 1.15 * energy.max()]),
    }
    if len(names) < 4:
        told = f"{len(names)} of 4 networks are trained."
    else:
        least = names[int(off.argmin())]
        told = f"Nearest to digits: {least}. Least energy: {names[int(energy.argmin())]}."
    return {"data": data, "layout": headline(layout, told)}
