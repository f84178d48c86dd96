"""Pictures of `spikformer`: coincidences token by token; additions of the two orders; digits read by four networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    ORANGE,
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
    image,
    label,
    log_axis,
    values_of,
    vertical,
)

CARD = ("tally", "xy")
COUNTS = [[0, "rgb(20,20,25)"], [0.25, "rgb(60,50,90)"], [0.6, "rgb(225,120,60)"], [1, "rgb(255,235,170)"]]
WAYS = {"tokens": BLUE, "features": ORANGE, "softmax": RED}
NAMES = {"tokens": "(Q Kᵀ) V", "features": "Q (Kᵀ V)", "softmax": "with a softmax"}
ARMS = {"spikes": BLUE, "softmax": ORANGE, "no attention": PURPLE, "quantised": GREEN}


def tally(frame: xr.Dataset) -> dict[str, Any]:
    """How often both fire, for each pair of tokens, and the spikes that meet those of the token that is held."""
    values, count, q, k = values_of(frame), frame.met.values, frame.q.values, frame.k.values
    n, d = q.shape
    at = min(values["token"], n)
    asks = q[at - 1]
    best = int(count[at - 1].argmax()) + 1
    fired = [np.argwhere(k * s > 0) + 1 for s in (1 - asks, asks)]
    size = 6 if max(n, d) <= 40 else 4
    dots = {"mode": "markers", "hoverinfo": "skip"}
    data = [
        image(count, "", COUNTS, 0, max(1.0, float(count.max())), x=frame.answers.values, y=frame.asks.values,
              hoverinfo="all", hovertemplate="token %{y} asks, %{x} answers: %{z}<extra></extra>"),
        curve(fired[0][:, 1], fired[0][:, 0], "only the key fires", SOFT, axes="2",
              marker={"size": size, "color": SOFT, "opacity": 0.4}, **dots),
        curve(fired[1][:, 1], fired[1][:, 0], "both fire", ORANGE, axes="2",
              marker={"size": size + 3, "color": ORANGE}, **dots),
    ]  # fmt: skip
    columns = np.flatnonzero(asks) + 1
    x, y = bundle(np.array([0.5, n + 0.5]), np.tile(columns[:, None], 2))
    data.insert(1, curve(y, x, "where the query fires", ORANGE, axes="2", hoverinfo="skip",
                         line={"color": ORANGE, "width": 1}, opacity=0.5))  # fmt: skip
    share = float(frame.fires.mean())
    told = f"Token {at} and token {best} fire together {count[at - 1, best - 1]:.0f} times."
    behind = "all are silent" if share == 0 else f"{share:.0%} fire"
    threshold = 1 / 2.0 ** values["power"]  # in one step from rest
    layout = {
        "height": 420,
        "xaxis": axis("token that answers", domain=[0, 0.42], range=[0.5, n + 0.5]),
        "yaxis": axis("token that asks (drag)", range=[n + 0.5, 0.5]),
        "xaxis2": axis("feature", domain=[0.56, 1], anchor="y2", range=[0.3, d + 0.7]),
        "yaxis2": axis("token that answers", anchor="x2", range=[n + 0.5, 0.5]),
        "shapes": [
            {"type": "rect", "x0": 0.5, "x1": n + 0.5, "y0": at - 0.5, "y1": at + 0.5, "xref": "x", "yref": "y",
             "line": {"color": ORANGE, "width": 2.5}},
        ],
        "meta": {"hands": [hand(None, at, up="token", color=ORANGE)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told, f"A sum of {threshold:g} fires: behind attention {behind}.")}


def orders(frame: xr.Dataset) -> dict[str, Any]:
    """Additions of both orders, and energy with a softmax beside them, over the number of tokens."""
    values, size, here = values_of(frame), frame.length.values, frame.here.values
    n, d = values["tokens"], values["features"]
    data, labels = [], []
    for k, (way, color) in enumerate(WAYS.items()):
        if way != "softmax":
            y = frame.additions.sel(way=way).values
            data.append(curve(size, np.maximum(y, 1), NAMES[way], color, pin=way == "tokens"))
        data.append(curve(size, np.maximum(frame.energy.sel(way=way).values, 1), NAMES[way], color, axes="2"))
        data.append(curve([n], [max(float(frame.here_energy[k]), 1)], NAMES[way], color, axes="2", mode="markers",
                          hoverinfo="skip", marker={"size": 9, "color": color}))  # fmt: skip
    ends = np.log10(np.maximum(frame.energy.values[:, -1], 1))
    for way, place in zip(WAYS, apart(ends, 0.28), strict=True):
        labels.append(label(np.log10(270), place, NAMES[way], WAYS[way], axes="2", xanchor="left"))
    for way, y, side in zip(("tokens", "features"), here, (1, -1), strict=False):
        up = (y >= max(here[:2])) if here[0] != here[1] else side > 0
        labels.append(label(np.log10(n), np.log10(max(y, 1)), f"{NAMES[way]}: {y:,.0f}".replace(",", " "), WAYS[way],
                            xanchor="right", xshift=-8, yshift=14 if up else -14))  # fmt: skip
        data.append(curve([n], [max(y, 1)], NAMES[way], WAYS[way], mode="markers", hoverinfo="skip",
                          marker={"size": 11, "color": WAYS[way]}))  # fmt: skip
    cheap, dear = (0, 1) if here[0] <= here[1] else (1, 0)
    names = list(NAMES.values())
    if max(here[:2]) < 1.05 * min(here[:2]):
        told = "Both orders cost about the same."
    else:
        told = f"{names[cheap]} is cheaper, {here[dear] / max(here[cheap], 1):.1f} times, and gives the same numbers."
    layout = {
        "height": 410,
        "xaxis": log_axis("tokens N", domain=[0, 0.42], range=[np.log10(1.8), np.log10(270)]),
        "yaxis": log_axis("additions"),
        "xaxis2": log_axis("tokens N", domain=[0.55, 0.86], anchor="y2", range=[np.log10(1.8), np.log10(270)]),
        "yaxis2": log_axis("energy, with memory (pJ)", anchor="x2"),
        "shapes": [vertical(d, SOFT), vertical(n, BLUE, "solid", width=2)],
        "annotations": [*labels, label(np.log10(d), 0.99, "N = d", SOFT, yref="y domain", xanchor="right", xshift=-3,
                                       yanchor="top")],
        "meta": {"hands": [hand(n, None, across="tokens", color=BLUE)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of the four networks while they learn, and the energy of a digit."""
    values, batch = values_of(frame), frame.batch.values
    right, energy, end = frame.accuracy.values.mean(1), frame.energy.values.mean(1) / 1000, values["batches"]
    data, labels = [], []
    for y, at, (name, color) in zip(right, apart(right[:, -1], 0.065, 1.0), ARMS.items(), strict=True):
        data.append(curve(batch, y, name, color, pin=name == "spikes"))
        labels.append(label(batch[-1], at, f" {name}", color, xanchor="left"))
    data.append({
        "type": "bar", "orientation": "h", "x": energy, "y": list(ARMS),
        "xaxis": "x2", "yaxis": "y2",
        "name": "energy", "showlegend": False, "marker": {"color": list(ARMS.values())},
        "text": [f"{e:.0f}" for e in energy], "hovertemplate": "%{y}: %{x:.0f} nJ<extra></extra>",
    })  # fmt: skip
    share = float(frame.rate.sel(arm="spikes").isel(batch=-1).mean())
    silent = "silent" if share < 0.005 else f"{share:.0%} of the neurons fire"
    told = f"{right[0, -1]:.0%} with coincidences, {right[1, -1]:.0%} with a softmax, {right[2, -1]:.0%} without."
    layout = {
        "height": 400,
        "xaxis": axis(frame.batch, domain=[0, 0.5], range=[0, 1.4 * end]),
        "yaxis": axis("right on new digits", range=[0, 1.05], tickformat=".0%"),
        "xaxis2": axis("energy of a digit (nJ)", domain=[0.68, 1], anchor="y2", rangemode="tozero"),
        "yaxis2": axis("", anchor="x2", autorange="reversed"),
        "shapes": [horizontal(0.1, SOFT)],
        "annotations": [*labels, label(0, 0.1, "guessing", SOFT, xanchor="left", yanchor="top")],
    }
    return {"data": data, "layout": headline(layout, told, f"Behind the coincidences: {silent}.")}
