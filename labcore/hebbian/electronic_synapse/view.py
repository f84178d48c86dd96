"""Pictures of `electronic_synapse`: five ways to train, where their devices stand, and what pulses leave behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    label,
    note,
    scale,
    values_of,
)

CARD = ("cancel", "x2y2")

METHODS = {"software": INK, "unidirectional": GREEN, "pair": RED, "halved pair": ORANGE, "single": PURPLE}


def _tent(frame: xr.Dataset, axes: str) -> dict[str, Any]:
    """A device on its way up and down again, one dot for each recorded stair."""
    k, last = frame.pulse.values, frame.pulse.values[-1]
    x, y = np.r_[k, last + k], np.r_[frame.stair_up.values, frame.stair_down.values]
    return curve(x, y, "staircase", SOFT, axes=axes, mode="lines+markers", marker={"size": 3, "color": SOFT})


def _bend(frame: xr.Dataset) -> tuple[dict[str, Any], dict[str, Any]]:
    """A hand on the rising staircase, whose height there means the curvature, and its label."""
    pulses = float(frame.pulse[-1])
    at, curvatures = min(pulses / 8, 8.0), np.linspace(0, 0.33, 67)
    bent = curvatures[1:]
    heights = np.r_[at / pulses, np.expm1(-at * bent) / np.expm1(-pulses * bent)]
    height = float(np.interp(values_of(frame)["curvature"], curvatures, heights))
    grip = hand(at, height, up=scale("curvature", heights, curvatures), axes="2")
    return grip, label(at, height, "bend me", INK, axes="2", xanchor="left", xshift=12, yshift=-8)


def hwtrain(frame: xr.Dataset) -> dict[str, Any]:
    """Test accuracy while training; the staircase, and where on it the devices of one method stand."""
    t, mean = frame.time.values, frame.accuracy.mean("repeat").values
    show, last = frame.attrs["show"], float(frame.pulse[-1])
    names = frame.method.values.tolist()
    level, share = frame.level.values, frame.devices.values
    data = []
    for name, y in zip(names, mean, strict=True):
        data.append(
            curve(t, y, name, METHODS[name], pin=True, line={"color": METHODS[name], "width": 4 if name == show else 2})
        )
        if name != "software":
            data[-1]["meta"]["click"] = {"sets": [{"show": name}] * len(t)}
    most = max(share.max(), 0.02)
    data += [
        _tent(frame, "2"),
        curve(share[0], level, "G+", BLUE, axes="3", fill="tozerox"),
        curve(share[1], level, "G-", ORANGE, axes="3", fill="tozerox"),
    ]
    low = max(0.0, min(0.85, mean[:, len(t) // 4 :].min()) - 0.05)
    place = apart(mean[:, -1].clip(low), 0.07 * (1 - low), 1.0)
    grip, bend = _bend(frame)
    layout = {
        "height": 430,
        "xaxis": axis(frame.time, domain=[0, 0.46], anchor="y", range=[0, 1.36 * max(t[-1], 0.5)]),
        "yaxis": axis(frame.accuracy, domain=[0, 0.93], anchor="x", range=[low, 1], tickformat=".0%"),
        "xaxis2": axis("pulses up, then down", domain=[0.57, 0.82], anchor="y2", range=[0, 2 * last]),
        "yaxis2": axis(frame.level, domain=[0, 0.93], anchor="x2", range=[-0.02, 1.02]),
        "xaxis3": axis("share of them", domain=[0.85, 1], anchor="y3", tickformat=".0%", range=[0, 1.1 * most])
        | {"nticks": 3},
        "yaxis3": axis("", domain=[0, 0.93], anchor="x3", range=[-0.02, 1.02], showticklabels=False),
        "annotations": [
            *[
                label(t[-1], y, name, METHODS[name], xanchor="left", xshift=4)
                for name, y in zip(names, place, strict=True)
            ],
            note(0, 1, "click a curve to see its devices", SOFT, xanchor="left", yanchor="bottom"),
            note(0, 1, "one device", SOFT, axes="2", xanchor="left", yanchor="bottom"),
            note(1, 1, f"all of: {show}", METHODS[show], axes="3", xanchor="right", yanchor="bottom"),
            note(0.98, 0.99, "G+", BLUE, axes="3", xanchor="right", yanchor="top"),
            note(0.98, 0.93, "G-", ORANGE, axes="3", xanchor="right", yanchor="top"),
            bend,
        ],
        "meta": {"hands": [grip]},
    }
    right = dict(zip(names, mean[:, -1], strict=True))
    told = "Every weight is the difference of two devices, G+ and G-, that climb and fall in steps."
    more = (
        f"Digits read right: {right['unidirectional']:.0%} with unidirectional pulses, "
        f"{right['pair']:.0%} with the pair, {right['software']:.0%} in software."
    )
    return {"data": data, "layout": headline(layout, told, more)}


def cancel(frame: xr.Dataset) -> dict[str, Any]:
    """One device on its staircase, and the mean weight while requests cancel out."""
    path, ups, last = frame.path.values, frame.attrs["ups"], float(frame.pulse[-1])
    n, t, names = frame.event.values, frame.request.values, frame.method.values.tolist()
    mean = frame.weight.values
    # on its way down the device stands where the falling staircase has the same height
    fall = last + np.interp(-path[ups:], -frame.stair_down.values, frame.pulse.values)
    rise = np.minimum(n[: ups + 1], last)
    dot = {"size": 7, "color": RED}
    data = [
        *[
            curve(t, mean[i], name, METHODS[name], pin=True, line={"color": METHODS[name], "width": 3})
            for i, name in enumerate(names)
        ],
        *[
            curve(t, y, "theory", METHODS[name], line={"color": METHODS[name], "width": 1.5, "dash": "dot"})
            for name, y in zip(names, frame.theory.values, strict=True)
        ],
        _tent(frame, "2"),
        curve(rise, path[: ups + 1], "up", GREEN, axes="2", mode="markers", marker=dot | {"color": GREEN}),
        curve(fall[1:], path[ups + 1 :], "down", RED, axes="2", mode="markers", marker=dot),
    ]
    at = len(t) // 4
    start = mean[:, 0].max()
    grip, bend = _bend(frame)
    layout = {
        "height": 430,
        "xaxis": axis(frame.request, domain=[0, 0.46], anchor="y", range=[0, 1.5 * t[-1]]),
        "yaxis": axis("mean weight of 1000 synapses", anchor="x", range=[min(0, mean.min()) - 0.02, 1.15 * start]),
        "xaxis2": axis("pulses up, then down", domain=[0.58, 1], anchor="y2", range=[0, 2 * last]),
        "yaxis2": axis(frame.path, anchor="x2", range=[-0.03, 1.1]),
        # pulses at the top of the staircase change nothing, so no place means how many there were
        "meta": {"hands": [grip, *([hand(ups, path[ups], across="ups", axes="2", color=GREEN)] if ups < last else [])]},
        "annotations": [
            *[
                label(t[-1], y, name, METHODS[name], xanchor="left", xshift=4)
                for name, y in zip(names, apart(mean[:, -1], 0.06 * start, 1.1 * start), strict=True)
            ],
            bend,
            label(t[at], start, "a weight that should stay", INK, xanchor="left", yanchor="bottom"),
            label(rise[-1], path[ups], f"{ups} up: {path[ups]:.2f}", GREEN, axes="2", xanchor="left", xshift=18),
            label(
                fall[-1],
                path[-1],
                f"{len(n) - 1 - ups} down: {path[-1]:.2f}",
                RED,
                axes="2",
                xanchor="right",
                xshift=-8,
            ),
        ],
    }
    told = "1000 synapses are asked up or down by the toss of a coin. What is left of their weight?"
    return {"data": data, "layout": headline(layout, told)}
