"""Pictures of `ntk`: a fan of kernels that closes, networks beside pencil and paper, neurons that turn to features."""

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
    SKY,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    log_axis,
    note,
    scale,
    values_of,
)

WAVES = (PURPLE, BLUE, GREEN, ORANGE, RED)
NAMES = ("level", "1 period", "2 periods", "3 periods", "4 periods")
DEGREES = {
    "range": [-184, 184],
    "tickvals": [-180, -90, 0, 90, 180],
    "ticktext": ["-180°", "-90°", "0°", "90°", "180°"],
}
AWAY = {
    "tickvals": [0.02, 0.05, 0.1, 0.2, 0.5, 1, 1e2, 1e4, 1e6, 1e8],
    "ticktext": ["2%", "5%", "10%", "20%", "50%", "100%", "10² times", "10⁴ times", "10⁶ times", "10⁸ times"],
}
CARD = ("kernel", "xy")


def kernel(frame: xr.Dataset) -> dict[str, Any]:
    """Kernels of random networks around the limit; how far they are from it, over the width."""
    angle, size = frame.angle.values, frame.size.values
    slices, limit, distance = frame.slices.values, frame.limit.values, frame.distance.values
    mean, width = distance.mean(1), values_of(frame)["width"]
    top = max(1.9 * limit.max(), 1.05 * slices.max())
    low, high = min(0.02, 0.8 * mean.min()), max(1.3, 1.3 * distance.max())
    data = [
        curve(*bundle(angle, slices), "random networks", BLUE, line={"color": BLUE, "width": 1.6}),
        curve(angle, limit, "infinite width", INK, line={"color": INK, "width": 3.5, "dash": "dash"}),
        curve(*bundle(size, distance.T), "each network", SKY, axes="2", line={"color": SKY, "width": 1}),
        curve(size, mean, "their mean", BLUE, axes="2", pin=True),
        curve([width], mean[-1:], "this width", BLUE, axes="2", mode="markers",
              marker={"size": 14, "color": BLUE, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    layout = {
        "height": 400,
        "xaxis": axis("direction of the other input", domain=[0, 0.56], **DEGREES),
        "yaxis": axis("how much it moves there (kernel Θ)", range=[min(-0.15 * limit.max(), slices.min()), top]),
        "xaxis2": log_axis("neurons of a layer", domain=[0.7, 1], anchor="y2", range=[1.1, 3.4], minor={}, dtick=None,
                            tickvals=[16, 64, 256, 1024]),
        "yaxis2": log_axis("distance from the limit", anchor="x2", range=[np.log10(low), np.log10(high)],
                           minor={}, dtick=None, **AWAY),
        "annotations": [
            note(0.02, 0.97, "dashes: infinite width", INK, xanchor="left", yanchor="top"),
            note(0.02, 0.88, f"lines: {len(slices)} random networks", BLUE, xanchor="left", yanchor="top"),
            note(0.04, 0.05, "drag the dot", BLUE, axes="2", xanchor="left", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(width, mean[-1], across="width", axes="2", color=BLUE)]},
    }  # fmt: skip
    said = "One small step of training raises the answer at 0°. How much does it raise it elsewhere?"
    return {"data": data, "layout": headline(layout, said)}


def training(frame: xr.Dataset) -> dict[str, Any]:
    """What networks and pencil and paper answer around the circle; what is left of each wave of the error over time."""
    values, angle, time = values_of(frame), frame.angle.values, frame.time.values
    places = (np.arange(8) * 45 + 180) % 360 - 180
    y = [values[f"y_{k}"] for k in range(1, 9)]
    wrong, predicted = (np.exp(np.log(np.maximum(v.values, 1e-9)).mean(1)) for v in (frame.wrong, frame.predicted))
    dashes = {"width": 2, "dash": "dash"}
    data = [
        curve(*bundle(angle, frame.start.values), "before training", SOFT, line={"color": SOFT, "width": 0.8}),
        curve(*bundle(angle, frame.answer.values), "networks", BLUE, line={"color": BLUE, "width": 2.5}),
        curve(*bundle(angle, frame.paper.values), "pencil and paper", INK, line={"color": INK} | dashes),
        curve(places, y, "examples", RED, mode="markers",
              marker={"size": 13, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    for k, (name, color) in enumerate(zip(NAMES, WAVES, strict=True)):
        data.append(curve(time, wrong[:, k], name, color, axes="2", pin=k == 3))
        data.append(curve(time, predicted[:, k], f"{name}, on paper", INK, axes="2", line={"color": INK} | dashes,
                          hoverinfo="skip"))  # fmt: skip
    end = values["time"]
    heights = apart(np.log10(np.maximum(wrong[-1], 10**-2.9)), 0.22)
    names = [
        label(time[-1], h, name, color, axes="2", xanchor="left", xshift=6)
        for h, name, color in zip(heights, NAMES, WAVES, strict=True)
    ]
    layout = {
        "height": 430,
        "xaxis": axis("direction of the input", domain=[0, 0.5], **DEGREES),
        "yaxis": axis("answer", range=[-2.6, 2.6]),
        "xaxis2": axis("training time t", domain=[0.62, 1], anchor="y2", range=[0, end * 1.36]),
        "yaxis2": log_axis("what is wrong, wave by wave", anchor="x2", range=[-3, 0.5]),
        "annotations": [
            note(0.02, 0.99, "dashes: pencil and paper", INK, xanchor="left", yanchor="top"),
            note(0.02, 0.92, "lines: networks", BLUE, xanchor="left", yanchor="top"),
            note(0.98, 0.02, "drag the examples", RED, xanchor="right", yanchor="bottom"),
            *names,
        ],
        "meta": {"hands": [hand(float(x), v, up=f"y_{k}", color=RED) for k, (x, v) in enumerate(zip(places, y), 1)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, "Networks learn eight examples; the dashes were known before")}


def features(frame: xr.Dataset) -> dict[str, Any]:
    """The hidden neurons before and after; target and answer; how far the kernel moved, over the output's scale."""
    values, angle = values_of(frame), frame.angle.values
    before, after = frame.before.values, frame.after.values
    reach = 3.3 * max(1.0, (0.2 / values["alpha"]) ** 0.5)  # the same in all frames, or a feature moves under the hand
    turns = np.deg2rad([values[f"feature_{k}"] for k in (1, 2, 3)])
    ends = 0.9 * reach * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    rays = np.stack([np.zeros_like(ends), ends, np.full_like(ends, np.nan)], axis=1).reshape(-1, 2)
    alpha, moved, scales = values["alpha"], frame.moved.values, frame.scale.values
    larger = scales >= alpha * (1 - 1e-9)  # the curve ends where one has come, so that a question stays one
    mine = max(float(moved[larger][0]), 1e-6)
    around = np.array([0.0, 360.0])
    data = [
        curve(rays[:, 0], rays[:, 1], "features", ORANGE, line={"color": ORANGE, "width": 2}, hoverinfo="skip"),
        curve(before[:, 0], before[:, 1], "before training", SOFT, mode="markers",
              marker={"size": 4, "color": SOFT, "opacity": 0.5}, hoverinfo="skip"),
        curve(after[:, 0], after[:, 1], "after training", BLUE, mode="markers",
              marker={"size": 5, "color": BLUE}, hoverinfo="skip"),
        curve(ends[:, 0], ends[:, 1], "ends of features", ORANGE, mode="markers",
              marker={"size": 14, "color": ORANGE, "line": {"color": PAPER, "width": 2}}, hoverinfo="skip"),
        curve(angle, frame.answer.values, "network", BLUE, axes="2"),
        curve(angle, frame.target.values, "target", INK, axes="2", line={"color": INK, "width": 2, "dash": "dash"}),
        curve(scales[larger], np.maximum(moved[larger], 1e-6), "change of the kernel", BLUE, axes="3", pin=True),
        curve([alpha], [mine], "this scale", BLUE, axes="3", mode="markers",
              marker={"size": 14, "color": BLUE, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    square = {"range": [-reach, reach], "zeroline": False}
    layout = {
        "height": 470,
        "xaxis": axis("first weight of a neuron", domain=[0, 0.5], **square),
        "yaxis": axis("its second weight", scaleanchor="x", constrain="domain", **square),
        "xaxis2": axis("direction of the input", domain=[0.63, 1], anchor="y2", **DEGREES),
        "yaxis2": axis("answer", domain=[0.62, 1], anchor="x2"),
        "xaxis3": log_axis("output scale α", domain=[0.63, 1], anchor="y3", range=[-1.65, 1.1], minor={}, dtick=None,
                            tickvals=[0.03, 0.1, 0.3, 1, 3, 10]),
        "yaxis3": log_axis("kernel changed by", domain=[0, 0.42], anchor="x3", range=[-2.6, 1.2],
                           tickvals=[0.01, 0.1, 1, 10], ticktext=["1%", "10%", "100%", "1000%"], dtick=None, minor={}),
        "annotations": [
            note(0.02, 0.99, "grey: before", SOFT, xanchor="left", yanchor="top"),
            note(0.02, 0.93, "blue: after training", BLUE, xanchor="left", yanchor="top"),
            note(0.02, 0.02, "drag a feature", ORANGE, xanchor="left", yanchor="bottom"),
            note(0.98, 0.98, "drag the dot", BLUE, axes="3", xanchor="right", yanchor="top"),
        ],
        "meta": {
            "hands": [
                *(hand(float(x), float(y), around=scale(f"feature_{k}", np.deg2rad(around), around), color=ORANGE)
                  for k, (x, y) in enumerate(ends, 1)),
                hand(alpha, mine, across="alpha", axes="3", color=BLUE),
            ]
        },
    }  # fmt: skip
    return {
        "data": data,
        "layout": headline(layout, f"{len(after)} neurons learn: do they stay, or turn to the features?"),
    }
