"""Pictures of `circuit_priors`: a worm that swims with its neurons lit, the wave along it, and who learns how fast."""

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
    vertical,
)

SIDES = {"dorsal": BLUE, "ventral": ORANGE}
WORDS = {
    "NCAP": "the worm's wiring",
    "NCAP, random sizes": "sizes at random",
    "NCAP, free signs": "signs at random",
    "MLP": "plain network",
}
COLOURS = {"NCAP": BLUE, "NCAP, random sizes": SKY, "NCAP, free signs": PURPLE, "MLP": RED}


def _lit(x: np.ndarray, y: np.ndarray, activity: np.ndarray, side: str) -> dict[str, Any]:
    """Neurons as rings that fill and grow with their activity."""
    fill = [f"rgba{(*bytes.fromhex(SIDES[side][1:]), round(abs(float(a)), 2))}" for a in activity]  # no -0.0
    marker = {"color": fill, "size": 7 + 8 * activity, "line": {"color": SIDES[side], "width": 1.5}}
    return curve(x, y, f"{side} B-neurons", SIDES[side], mode="markers", marker=marker, hoverinfo="skip")


def swim(frame: xr.Dataset) -> dict[str, Any]:
    """The body in the water, the way of its centre over time, the bend of every joint over time, activity now."""
    x, y, box, period = frame.x.values, frame.y.values, frame.attrs["box"], frame.attrs["period"]
    cycles, end = frame.time.values / period, frame.attrs["steps"] / period
    joint, b, torque = frame.joint.values, frame.b.values[:, :, -1], frame.torque.values[:, -1]
    # a neuron sits beside its joint; a muscle shortens its own side, so the lit side is the hollow one
    along = np.stack([x[2:] - x[:-2], y[2:] - y[:-2]])
    along /= np.maximum(np.linalg.norm(along, axis=0), 1e-9)
    aside = 0.04 * np.stack([-along[1], along[0]])
    com_x, com_y = frame.com_x.values, frame.com_y.values
    way, forward, (lowest, highest) = frame.forward.values, frame.attrs["speed"], frame.attrs["reach"]
    # a few cycles are enough to see the stripes lean
    window = [max(0, cycles[-1] - 4), max(min(4, end), cycles[-1])]
    recent = cycles >= window[0]
    shots = [np.column_stack([v, np.full(len(v), np.nan)]).ravel() for v in (frame.shot_x.values, frame.shot_y.values)]
    data = [
        curve(*shots, "once a cycle", SOFT, line={"color": SOFT, "width": 1}, opacity=0.6, hoverinfo="skip"),
        curve(com_x, com_y, "centre so far", GREEN, pin=True, line={"color": GREEN, "width": 2.5}),
        curve(x, y, "body", INK, pin=True, line={"color": INK, "width": 7}, hoverinfo="skip"),
        curve(x[:1], y[:1], "head", INK, mode="markers", marker={"size": 15, "color": INK}, hoverinfo="skip"),
        _lit(x[1:-1] + aside[0], y[1:-1] + aside[1], b[0], "dorsal"),
        _lit(x[1:-1] - aside[0], y[1:-1] - aside[1], b[1], "ventral"),
        curve(cycles, way, "way forward", GREEN, axes="2", pin=True, line={"color": GREEN, "width": 3}),
        {
            "type": "heatmap",
            "x": cycles[recent],
            "y": joint,
            "z": frame.angle.values[:, recent],
            "zmin": -1,
            "zmax": 1,
            "colorscale": [[0, ORANGE], [0.5, PAPER], [1, BLUE]],
            "showscale": False,
            "xaxis": "x3",
            "yaxis": "y3",
            "hovertemplate": "cycle %{x:.2f}, joint %{y}: bend %{z:.2f}<extra></extra>",
            "meta": {},
        },
        *[
            {
                "type": "bar",
                "x": joint,
                "y": sign * b[k],
                "marker": {"color": SIDES[side]},
                "xaxis": "x4",
                "yaxis": "y4",
                "name": f"{side} B-neuron",
                "showlegend": False,
                "hoverinfo": "skip",
                "meta": {},
            }
            for k, (side, sign) in enumerate((("dorsal", 1), ("ventral", -1)))
        ],
        curve(joint, torque, "torque", INK, axes="4", mode="lines+markers", line={"color": INK, "width": 2}),
    ]
    layout = {
        "height": 640,
        "barmode": "relative",
        "bargap": 0.3,
        "xaxis": axis(frame.x, domain=[0, 1], anchor="y", range=[box[0] - 0.12, box[2] + 0.12]),
        "yaxis": axis(frame.y, domain=[0.47, 1], anchor="x", scaleanchor="x", range=[box[1] - 0.12, box[3] + 0.12]),
        "xaxis2": axis("time (cycles)", domain=[0, 0.27], anchor="y2", range=[0, end]),
        "yaxis2": axis(
            "way forward", domain=[0, 0.31], anchor="x2", range=[min(-0.02, 1.15 * lowest), max(0.1, 1.15 * highest)]
        ),
        "xaxis3": axis("time (cycles)", domain=[0.37, 0.66], anchor="y3", range=window),
        "yaxis3": axis("joint", domain=[0, 0.31], anchor="x3", range=[joint[-1] + 0.5, 0.5], dtick=1 + len(joint) // 7),
        "xaxis4": axis("joint", domain=[0.77, 1], anchor="y4", range=[0.4, joint[-1] + 0.6], dtick=1 + len(joint) // 7),
        "yaxis4": axis("activity now", domain=[0, 0.31], anchor="x4", range=[-1.12, 1.12], nticks=5),
        "annotations": [
            label(x[0], y[0], "head", INK, yanchor="bottom", yshift=9),
            note(0.01, 0.99, "B-neurons, dorsal side", BLUE, xanchor="left", yanchor="top"),
            note(0.01, 0.92, "B-neurons, ventral side", ORANGE, xanchor="left", yanchor="top"),
            note(0.01, 0.85, "path of the centre", GREEN, xanchor="left", yanchor="top"),
            note(0.01, 0.78, "thin: once a cycle", SOFT, xanchor="left", yanchor="top"),
            note(0.04, 1, f"{forward:+.3f} per cycle", GREEN, axes="2", xanchor="left", yanchor="bottom"),
            note(
                0, 1, "bend of each joint: stripes lean<br>when a wave runs to the tail", SOFT, axes="3",
                xanchor="left", yanchor="bottom", align="left",
            ),
            note(
                0, 1, "bars: B-neurons<br>line: torque", SOFT, axes="4", xanchor="left", yanchor="bottom", align="left"
            ),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """The best speed so far over trials for each controller, and the path of each controller's best."""
    trial, names, best = frame.trial.values, [str(n) for n in frame.controller.values], frame.best.values
    mean = best.mean(1)
    reach = max(0.13, 1.08 * best.max())
    path_x, path_y, params = frame.path_x.values, frame.path_y.values, frame.params.values
    # a body that stays where it is should look so, not fill the picture with rounding errors
    still = {"range": [-0.1, 0.1]} if max(np.ptp(path_x), np.ptp(path_y)) < 0.01 else {}
    values = values_of(frame)
    trials, gens = frame.attrs["trials"], np.arange(1, 61)
    longer = scale("gens", 1 + gens * values["lam"], gens)
    # a click takes one controller alone, and the next one all four again
    alone = values["compare"] != "all four"
    data = []
    for k, name in enumerate(names):
        colour, click = COLOURS[name], {"sets": [{"compare": "all four" if alone else name}] * len(trial)}
        thin = {"color": colour, "width": 1, "shape": "hv"}
        data += [
            curve(*bundle(trial, best[k]), f"{name}, each run", colour, line=thin, opacity=0.6, hoverinfo="skip"),
            curve(trial, mean[k], name, colour, pin=True, click=click,
                  line={"color": colour, "width": 3.5, "shape": "hv"}),
            curve(path_x[k], path_y[k], name, colour, axes="2", line={"color": colour, "width": 2.5}),
            curve(
                path_x[k, -1:], path_y[k, -1:], name, colour, axes="2", mode="markers",
                marker={"size": 10, "color": colour}, hoverinfo="skip",
            ),
        ]  # fmt: skip
    right, full = np.log10(trial[-1]), np.log10(trials)
    heights = apart(mean[:, -1], 0.075 * reach)
    layout = {
        "height": 460,
        "xaxis": log_axis("trials of 5 cycles", domain=[0, 0.6], anchor="y", range=[-0.05, 1.62 * full]),
        "yaxis": axis("best so far (body lengths per cycle)", range=[min(-0.01, 1.2 * best.min()), 1.12 * reach]),
        "xaxis2": axis("x (body lengths)", domain=[0.7, 1], anchor="y2", nticks=5, **still),
        "yaxis2": axis("y (body lengths)", anchor="x2", scaleanchor="x2", nticks=6),
        "shapes": [vertical(trials, GREEN, "solid", width=2)],
        "meta": {"hands": [hand(trials, None, across=longer, color=GREEN)]},
        "annotations": [
            note(1, 1, "drag the line: train longer", GREEN, xanchor="right", yanchor="bottom"),
            *[
                label(right, h, f"{WORDS[name]} ({params[k]})", COLOURS[name], xanchor="left", xshift=6)
                for k, (name, h) in enumerate(zip(names, heights, strict=True))
            ],
            note(0.02, 0.98, "left end: untrained; in brackets: weights", SOFT, xanchor="left"),
            note(
                0.03, 0.99, "how far the best<br>swims in 5 cycles", SOFT, axes="2", xanchor="left", yanchor="top",
                align="left",
            ),
            label(0, 0, "+", INK, axes="2"),
        ],
    }  # fmt: skip
    told_of = "Thick: the mean; thin: single runs. " + (
        "Click it for all four." if alone else "Click a thick line to train it alone."
    )
    told = "Three controllers have the worm's wiring (NCAP), one is a plain network (MLP)."
    return {"data": data, "layout": headline(layout, told, told_of)}
