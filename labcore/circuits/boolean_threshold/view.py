"""Pictures of `boolean_threshold`: a circuit that falls into place, a projection, a near miss, a contest, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    GRID,
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

from .circuit_drawing import network, sizes
from .picture_sheets import sheets

CARD = ("search", "xy")

_GATES = np.linspace(1, 9, 401)

GOAL = {
    "type": "line", "x0": 0, "x1": 1, "y0": 0.01, "y1": 0.01, "xref": "x2 domain", "yref": "y2",
    "line": {"color": GREEN, "width": 1.5, "dash": "dash"},
}  # fmt: skip


def _gaps(frame: xr.Dataset) -> list[dict[str, Any]]:
    """The gap of the drawn run, in front of those of the others."""
    drawn, it, gap = frame.attrs["drawn"], frame.iteration.values, frame.gap.values
    others = gap[np.arange(len(gap)) != drawn]
    return [
        curve(*bundle(it, others), "gap of the other runs", GRID, axes="2", line={"color": SOFT, "width": 0.8}),
        curve(it, gap[drawn], "gap", RED, axes="2", pin=True, line={"color": RED, "width": 3}),
    ]


def _which(frame: xr.Dataset) -> dict[str, Any]:
    told = f"run {frame.attrs['drawn'] + 1} of {frame.sizes['repeat']}"
    return note(0.96, 0.98, told, RED, axes="2", xanchor="right", yanchor="top")


def search(frame: xr.Dataset) -> dict[str, Any]:
    """The circuit of one run; the gap of all runs; the bits that are right; how large the weights are."""
    drawn = frame.attrs["drawn"]
    circuit, notes, reach = network(frame)
    it, check, right = frame.iteration.values, frame.check.values, frame.right.values
    count, edges = np.histogram(sizes(frame), bins=50, range=(0, 1.02))
    data = [
        *_gaps(frame),
        curve(check, right[drawn], "output bits right", GREEN, axes="3", line={"color": GREEN, "width": 3}),
        {
            "type": "bar",
            "x": (edges[1:] + edges[:-1]) / 2,
            "y": count,
            "width": 0.02,
            "marker": {"color": INK},
            "xaxis": "x4",
            "yaxis": "y4",
            "showlegend": False,
            "name": "weights",
        },
        *circuit,
    ]
    last = np.log10(max(2, it[-1]))
    top = 1.3 * max(1, count.max())
    margin = 1 / np.sqrt(values_of(frame)["sigma"])  # of a gate with that many equal weights
    layout = {
        "height": 560,
        "bargap": 0,
        "xaxis": {"domain": [0, 0.55], "anchor": "y", "visible": False, "range": [-0.4, frame.sizes["layer"] - 0.6]},
        "yaxis": {"domain": [0.04, 1], "anchor": "x", "visible": False, "range": reach},
        "xaxis2": log_axis("", domain=[0.64, 1], anchor="y2", range=[0, last], showticklabels=False),
        "yaxis2": log_axis("gap to goal", domain=[0.68, 1], anchor="x2", range=[-2.3, 0.5]),
        "xaxis3": log_axis("iterations", domain=[0.64, 1], anchor="y3", range=[0, last]),
        "yaxis3": axis("bits right", domain=[0.43, 0.63], anchor="x3", range=[0.3, 1.04], tickformat=".0%", nticks=4),
        "xaxis4": axis("size of a weight (1: it is alone)", domain=[0.64, 1], anchor="y4", range=[-0.02, 1.05]),
        "yaxis4": axis("weights", domain=[0, 0.24], anchor="x4", range=[0, top], nticks=4),
        "shapes": [
            GOAL,
            *[vertical(1 / np.sqrt(k), PURPLE, axes="4") for k in (1, 3, 5)],
            vertical(margin, GREEN, "solid", axes="4", width=3),
        ],
        "annotations": [
            *notes,
            label(0.02, -2, "goal", GREEN, axes="2", yanchor="bottom", xanchor="left"),
            _which(frame),
            *[
                label(1 / np.sqrt(k), top, words, PURPLE, axes="4", yanchor="bottom", xanchor=side)
                for k, words, side in ((1, "1 alone", "center"), (3, "3 equal", "left"), (5, "5 equal", "right"))
            ],
            label(
                margin,
                0.98 * top,
                "largest gate:<br>drag me",
                GREEN,
                axes="4",
                yanchor="top",
                **({"xanchor": "left", "xshift": 20} if margin < 0.65 else {"xanchor": "right", "xshift": -20}),
            ),
        ],
        "meta": {
            "hands": [hand(margin, None, across=scale("sigma", 1 / np.sqrt(_GATES), _GATES), axes="4", color=GREEN)]
        },
    }
    return {"data": data, "layout": layout}


def projection(frame: xr.Dataset) -> dict[str, Any]:
    """The plane of one edge: margin curves, how far each point must move, the point, its projection, its reflection."""
    w, x, y = frame.point_w.values, frame.point_x.values, frame.point_y.values
    gap = np.full((4, 1), np.nan)
    up, down = (
        (
            np.hstack([frame.branch_w.values, gap])[rows].ravel(),
            np.hstack([frame.branch_x.values, gap])[rows].ravel(),
        )
        for rows in (slice(0, 2), slice(2, 4))
    )
    data = [
        {
            "type": "heatmap",
            "x": frame.w.values,
            "y": frame.x.values,
            "z": frame.distance.values,
            "colorscale": [[0, "rgba(86,180,233,0.0)"], [1, "rgba(86,180,233,0.75)"]],
            "showscale": False,
            "meta": {"click": {"x": "w", "y": "x"}},
            "name": "distance to A",
        },
        curve(*up, "w.x = +Delta", BLUE, pin=True, hoverinfo="skip", line={"color": BLUE, "width": 3}),
        curve(*down, "w.x = -Delta", ORANGE, pin=True, hoverinfo="skip", line={"color": ORANGE, "width": 3}),
        curve(w, x, "path", INK, hoverinfo="skip", line={"color": INK, "width": 2, "dash": "dot"}),
        curve(
            w,
            x,
            "points",
            INK,
            mode="markers",
            marker={"size": [16, 16, 12], "color": [RED, GREEN, PURPLE], "line": {"color": PAPER, "width": 2}},
            hoverinfo="skip",
        ),
    ]
    names = (f"your point z, output {y[0]:.2f}", f"nearest in A, output {y[1]:+.0f}", f"mirror image, {y[2]:.2f}")
    rises = x[2] >= x[0]
    # one above the other, on the side where there is room
    side = {"xanchor": "right", "xshift": -12} if w.max() > 0.9 else {"xanchor": "left", "xshift": 12}
    told = [
        label(w[k], x[k], names[k], color, yanchor=place, yshift=7 * (k - 1) * (1 if rises else -1), **side)
        for k, (color, place) in enumerate(
            zip((RED, GREEN, PURPLE), ("top", "middle", "bottom") if rises else ("bottom", "middle", "top"))
        )
    ]
    layout = {
        "height": 520,
        "xaxis": axis("weight w of the edge", range=[-3, 3], constrain="domain"),
        "yaxis": axis("value x at the edge", range=[-3, 3], scaleanchor="x", constrain="domain"),
        "annotations": [
            *told,
            note(0.5, 1.01, "the bluer a place, the farther it is from A", SOFT, yanchor="bottom"),
            label(-2.9, -2.55, "drag z, or click", SOFT, xanchor="left", yanchor="bottom"),
            label(2.9, 2.9, "set A: a clear +1", BLUE, xanchor="right", yanchor="top"),
            label(-2.9, -2.9, "set A: a clear +1", BLUE, xanchor="left", yanchor="bottom"),
            label(-2.9, 2.9, "set A: a clear −1", ORANGE, xanchor="left", yanchor="top", bgcolor=PAPER),
            label(2.9, -2.9, "set A: a clear −1", ORANGE, xanchor="right", yanchor="bottom", bgcolor=PAPER),
        ],
        "meta": {"hands": [hand(w[0], x[0], across="w", up="x", color=RED)]},
    }
    told = "In set A a neuron is sure: of +1 beyond a blue curve, of −1 beyond an orange one."
    more = f"Your point z goes there: its weight changes by {w[1] - w[0]:+.2f}, its value by {x[1] - x[0]:+.2f}."
    return {"data": data, "layout": headline(layout, told, more)}


def near_miss(frame: xr.Dataset) -> dict[str, Any]:
    """Two circles and a line, the paths of both methods, and where each says that the answer is."""
    turn = np.linspace(0, 2 * np.pi, 121)
    centre, path, answer = frame.centre.values, frame.path.values, frame.path_a.values
    circles = (centre[:, None] + np.stack([np.cos(turn), np.sin(turn)], 1)[None]).transpose(2, 0, 1)
    gap = np.full((2, 2, 1), np.nan)
    circle_x, circle_y = np.concatenate([circles, gap], axis=2).reshape(2, -1)
    low = min(-3.0, float(np.clip(path[1, :, 1].min(), -9, 0)) - 0.4)
    grid_x, grid_y = (g.ravel() for g in np.meshgrid(np.linspace(-3, 3, 31), np.linspace(-3, 3, 31)))
    data = [
        curve(
            grid_x,
            grid_y,
            "start here",
            SOFT,
            mode="markers",
            marker={"size": 14, "color": SOFT, "opacity": 0.0},
            click={"x": "start_x", "y": "start_y"},
            hoverinfo="skip",
        ),
        curve([-6, 6], [0, 0], "set B", INK, line={"color": INK, "width": 2.5}, hoverinfo="skip"),
        curve(circle_x, circle_y, "set A", SKY, line={"color": SKY, "width": 4}, hoverinfo="skip"),
    ]
    for j, color in ((1, BLUE), (0, RED)):
        name = str(frame.method.values[j])
        data.append(
            curve(
                path[j, :, 0],
                path[j, :, 1],
                name,
                color,
                pin=True,
                mode="lines+markers",
                marker={"size": 5, "color": color},
                line={"color": color, "width": 2},
            )
        )
    data.append(
        curve(
            answer[:, 0],
            answer[:, 1],
            "answers",
            INK,
            mode="markers",
            marker={"size": 15, "symbol": "star", "color": [RED, BLUE], "line": {"color": PAPER, "width": 1.5}},
            hoverinfo="skip",
        )
    )
    start = path[0, 0]
    side = "right" if start[0] <= 0 else "left"
    found = frame.found.values
    layout = {
        "height": 520,
        "xaxis": axis("along the line", range=[-4, 4], constrain="domain"),
        "yaxis": axis("across the line", range=[low, 3.2], scaleanchor="x", constrain="domain"),
        "meta": {
            "hands": [
                hand(start[0], start[1], across="start_x", up="start_y", color=SOFT),
                # the left circle's lowest point is as high over the line as it misses it by
                hand(centre[0, 0], centre[0, 1] - 1, up="miss", color=SKY),
            ]
        },
        "annotations": [
            label(
                start[0],
                start[1],
                "start:<br>drag me",
                SOFT,
                xanchor=side,
                xshift=-8 if side == "right" else 8,
            ),
            label(3.9, 0, "set B", INK, xanchor="right", yanchor="bottom"),
            label(centre[0, 0], centre[0, 1] + 0.2, "set A", SKY),
            label(centre[1, 0], centre[1, 1] + 0.2, "set A", SKY),
            note(
                0.99,
                0.98,
                f"<span style='color:{RED}'>back and forth: {found[0]:.0%} of random starts succeed</span><br>"
                f"<span style='color:{BLUE}'>RRR: {found[1]:.0%}</span><br>stars: the answer of each",
                SOFT,
                xanchor="right",
                yanchor="top",
                align="right",
            ),
        ],
    }
    return {"data": data, "layout": layout}


def against_gradient(frame: xr.Dataset) -> dict[str, Any]:
    """The share of networks that are solved, and how many bits the others have right."""
    work, right, soft = frame.work.values, frame.right.values, frame.soft.values
    share, runs = frame.share.values, right.shape[1]
    colors = (RED, BLUE, PURPLE)
    data = []
    for j, (name, color) in enumerate(zip(frame.method.values.tolist(), colors, strict=True)):
        data.append(curve(work, share[j], name, color, pin=True, line={"color": color, "width": 4, "shape": "hv"}))
    spots = np.concatenate([right[:, :, -1], soft[None, :, -1]])
    jitter = np.linspace(-0.25, 0.25, runs) if runs > 1 else np.zeros(1)
    for j, color in enumerate((*colors, GREEN)):
        data.append(
            curve(
                j + jitter,
                spots[j],
                "networks",
                color,
                axes="2",
                mode="markers",
                marker={"size": 10, "color": color, "line": {"color": PAPER, "width": 1}},
            )
        )
    heights, last = apart(share[:, -1], 0.07), values_of(frame)["max_iter"]
    layout = {
        "height": 440,
        "xaxis": axis(
            "work (RRR iterations, or as much of Adam)", domain=[0, 0.48], anchor="y", range=[0, 1.06 * last]
        ),
        "shapes": [vertical(last, GREEN, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="max_iter", color=GREEN)]},
        "yaxis": axis("networks solved exactly", range=[-0.03, 1.12], tickformat=".0%"),
        "xaxis2": axis(
            "",
            domain=[0.6, 1],
            anchor="y2",
            range=[-0.6, 3.6],
            tickvals=[0, 1, 2, 3],
            ticktext=["RRR", "straight-<br>through", "tanh, then<br>signs", "tanh<br>itself"],
        ),
        "yaxis2": axis(
            "output bits right, each network", anchor="x2", tickformat=".0%", range=[min(0.8, spots.min()) - 0.02, 1.02]
        ),
        "annotations": [
            note(1, 1, "drag the line: search longer", GREEN, xanchor="right", yanchor="bottom"),
            *(
                label(work[-1], heights[j], name, color, xanchor="right", yanchor="bottom", yshift=4, xshift=-8)
                for j, (name, color) in enumerate(zip(frame.method.values.tolist(), colors, strict=True))
            ),
        ],
    }
    return {"data": data, "layout": layout}


def generate(frame: xr.Dataset) -> dict[str, Any]:
    """What the network makes of the code of each picture, and of codes that no picture took; the gap of all runs."""
    images, outlines, told, (width, height) = sheets(frame)
    last = values_of(frame)["max_iter"]
    layout = {
        "height": 640,
        "xaxis": {"domain": [0, 1], "anchor": "y", "visible": False, "range": [-1, width], "constrain": "domain"},
        "yaxis": {"domain": [0.36, 1], "anchor": "x", "visible": False, "range": [height - 0.6, -1.6],
                  "scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
        "xaxis2": log_axis("iterations", domain=[0, 1], anchor="y2", range=[0, np.log10(1.3 * last)]),
        "yaxis2": log_axis("gap to a solution", domain=[0, 0.26], anchor="x2", range=[-2.5, 0.5]),
        "shapes": [*outlines, GOAL, vertical(last, GREEN, "solid", axes="2", width=2)],
        "meta": {"hands": [hand(last, None, across="max_iter", axes="2", color=GREEN)]},
        "annotations": [
            *told, _which(frame),
            label(0.02, -2, "goal", GREEN, axes="2", yanchor="bottom", xanchor="left"),
            note(1, 1, "drag the line: search longer", GREEN, axes="2", xanchor="right", yanchor="bottom"),
        ],
    }  # fmt: skip
    return {"data": [*_gaps(frame), *images], "layout": layout}
