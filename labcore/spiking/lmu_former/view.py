"""Pictures of `lmu_former`: a signal and the curve its memory holds, readers that learn, a digit that is read."""

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
    SHADE,
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
    scale,
    values_of,
    vertical,
)

from .experiments import KNOT, RIVALS

CARD = ("window", "xy")
BRIGHT = [[0, "rgb(235,238,242)"], [1, "rgb(30,40,70)"]]
NEURONS = {"relu": "ReLU", "lif": "spikes", "one bit": "one bit"}


def window(frame: xr.Dataset) -> dict[str, Any]:
    """The signal with its last theta samples as the memory holds them, and the numbers that are kept."""
    values, m = values_of(frame), frame.memory.values
    d, theta, now = values["d"], values["theta"], values["now"]
    points = [values[f"p{k}"] for k in range(7)]
    at = KNOT * np.arange(7)
    held, there = frame.remembered.values, frame.past.values
    # the size of what the noise cannot explain, beside the signal in the window
    miss, size = float(np.sqrt(np.mean((held - there) ** 2))), max(float(there.std()), 0.05)
    top = 1.15 + values["ripple"]
    data = [
        curve(frame.time.values, frame.signal.values, "signal", SOFT, line={"color": SOFT, "width": 1.5}),
        curve(now - frame.ago.values, held, "what the numbers hold", ORANGE, pin=True,
              line={"color": ORANGE, "width": 4}),
        curve(at, points, "points of the signal", RED, mode="markers", hoverinfo="skip",
              marker={"size": 12, "color": RED, "line": {"color": PAPER, "width": 2}}),
        {"type": "bar", "x": frame.degree.values, "y": m, "name": "number", "xaxis": "x2", "yaxis": "y2",
         "marker": {"color": ORANGE}, "showlegend": False},
    ]  # fmt: skip
    kept = f"{d} numbers for {theta} samples"
    if miss < 0.15 * size:
        told = f"{kept}: the curve lies on the signal."
    elif miss < 0.6 * size:
        told = f"{kept}: the slow part is there, the detail is not."
    else:
        told = f"{kept}: hardly more than guessed."
    layout = {
        "height": 380,
        "xaxis": axis(frame.time, domain=[0, 0.62], range=[-8, 200]),
        "yaxis": axis("signal", range=[-top, top]),
        "xaxis2": axis("which number", domain=[0.72, 1], anchor="y2", range=[-0.8, max(24, d + 2)]),
        "yaxis2": axis("its value", anchor="x2", range=[-top, top]),
        "shapes": [
            {"type": "rect", "x0": now - theta, "x1": now, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain",
             "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
            vertical(now - theta, GREEN, "dash"),
            vertical(now, BLUE, "dash"),
            vertical(d - 0.5, ORANGE, "dash", axes="2"),
        ],
        "annotations": [
            label(now, top, " now", BLUE, xanchor="left", yanchor="top"),
            label(max(now - theta, -8), top, "θ ", GREEN, xanchor="right", yanchor="top"),
            label(d - 0.5, top, " d", ORANGE, axes="2", xanchor="left", yanchor="top"),
        ],
        "meta": {
            "hands": [
                *[hand(float(x), y, up=f"p{k}", color=RED) for k, (x, y) in enumerate(zip(at, points, strict=True))],
                hand(now, None, across="now", color=BLUE),
                hand(now - theta, None, across=scale("theta", [now - 128, now - 8], [128, 8]), color=GREEN),
                hand(d - 0.5, None, across=scale("d", [1.5, 63.5], [2, 64]), axes="2", color=ORANGE),
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of both networks while they learn, and after each pixel."""
    values, batch, pixel = values_of(frame), frame.batch.values, frame.pixel.values
    right, along = frame.accuracy.values.mean(1), frame.along.values.mean(1)
    end, last = values["batches"], pixel[-1]
    names, colours = ("memory", RIVALS[values["rival"]]), (BLUE, ORANGE)
    data, notes = [], []
    places = apart(along[:, -1], 0.08, 1.03)
    for k in (0, 1):
        data.append(curve(batch, right[k], names[k], colours[k], pin=k == 0))
        data.append(curve(pixel, along[k], names[k], colours[k], axes="2"))
        notes.append(label(last, places[k], f" {names[k]}", colours[k], axes="2", xanchor="left"))
    energy = frame.energy.values
    told = f"{right[0, -1]:.0%} with the memory, {right[1, -1]:.0%} beside it ({names[1]})."
    if batch[-1] < end:
        told = f"After {batch[-1]:.0f} training steps: {told}"
    cost = f"Energy for a digit, memory included: {energy[0]:.0f} and {energy[1]:.0f} nJ."
    layout = {
        "height": 380,
        "xaxis": axis(frame.batch, domain=[0, 0.42], range=[0, 1.03 * end]),
        "yaxis": axis("right on new digits", range=[0, 1.05], tickformat=".0%"),
        "xaxis2": axis(frame.pixel, domain=[0.54, 1], anchor="y2", range=[0, 1.42 * last]),
        "yaxis2": axis("right after so many pixels", anchor="x2", range=[0, 1.05], tickformat=".0%"),
        "shapes": [
            horizontal(0.1, SOFT), horizontal(0.1, SOFT, axes="2"),
            *([vertical(64, SOFT, axes="2")] if last > 64 else []),
        ],
        "annotations": [*notes, label(1.02 * end, 0.1, "guessing", SOFT, xanchor="right", yanchor="bottom")],
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told, cost)}


def pixels(frame: xr.Dataset) -> dict[str, Any]:
    """The part of a digit that was read when the network is sure, and its guess after each pixel."""
    values, pixel, chance = values_of(frame), frame.pixel.values, frame.chance.values
    sure, at, truth = values["sure"], int(frame.sure_at), int(frame.truth)
    never = at > pixel[-1]
    whole = np.zeros(64)
    whole[frame.place.values.astype(int)] = frame.brightness.values
    seen = np.full(64, np.nan)
    first = frame.place.values.astype(int)[: min(at, 64)]
    seen[first] = whole[first]
    said = int(chance[:, min(at, 64) - 1].argmax())
    data = [
        image(whole.reshape(8, 8), "", BRIGHT, 0, 1, opacity=0.25),
        image(seen.reshape(8, 8), "", BRIGHT, 0, 1),
    ]
    for c in np.argsort(chance.max(1)):
        name = f"{c}"
        color = BLUE if c == truth else RED if c == said else SOFT
        width = 3 if c in (truth, said) else 1
        data.append(curve(pixel, chance[c], name, color, axes="2", pin=int(c) == truth,
                          line={"color": color, "width": width}))  # fmt: skip
    words = "never sure" if never else f"sure after {at} of 64 pixels"
    verdict = f"It says {said}, and it is a {truth}."
    overall = (
        f"Stopped when sure, it reads {float(frame.stopped):.0%} of new digits from {float(frame.needed):.0f} pixels "
        f"on average; from all, {float(frame.accuracy[-1]):.0%}."
    )
    layout = {
        "height": 380,
        "xaxis": axis("what it has read", domain=[0, 0.34], showticklabels=False, constrain="domain",
                      showgrid=False, zeroline=False, ticks=""),
        "yaxis": axis("row", autorange="reversed", scaleanchor="x", showticklabels=False, showgrid=False,
                      zeroline=False, ticks=""),
        "xaxis2": axis(frame.pixel, domain=[0.45, 1], anchor="y2", range=[0, 70]),
        "yaxis2": axis("probability of each digit", anchor="x2", range=[0, 1.05]),
        "shapes": [horizontal(sure, GREEN, "dash", axes="2"),
                   *([] if never else [vertical(at, INK, axes="2")])],
        "annotations": [
            label(1, sure, "sure above", GREEN, axes="2", xanchor="left", yanchor="top" if sure > 0.9 else "bottom"),
            *([] if never else [label(at, 0.02, f"{at} " if at > 50 else f" {at}", INK, axes="2",
                                      xanchor="right" if at > 50 else "left", yanchor="bottom")]),
            label(64.5, float(chance[truth, -1]), f" {truth}", BLUE, axes="2", xanchor="left"),
            *([] if said == truth else [
                note(0.98, 0.02, f"red: {said}", RED, axes="2", xanchor="right", yanchor="bottom")]),
        ],
        "meta": {"hands": [hand(None, sure, up="sure", axes="2", color=GREEN)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, f"It is {words}. {verdict}", overall)}
