"""Pictures of `quadratic`: a line that bends into conics, networks learning shapes, and the map of collapse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    SOFT,
    axis,
    curve,
    hand,
    label,
    log_axis,
    note,
    scale,
    values_of,
)

CARD = ("shapes", "xy")

_SIDES = [
    [0, "rgba(230,159,0,0.16)"],
    [0.5, "rgba(230,159,0,0.16)"],
    [0.5, "rgba(47,134,201,0.16)"],
    [1, "rgba(47,134,201,0.16)"],
]


def level_line(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where z (Y, X) crosses zero, as connected lines with gaps between them: two arrays (P,).

    Marching triangles: each square is cut along a diagonal; a triangle whose corners differ in sign is crossed once.
    """
    above = z > 0
    first, second = [], []  # the grid edges, as pairs of corner numbers, that a piece of the line joins
    number = np.arange(z.size).reshape(z.shape)
    a, b, c, d = (number[k] for k in (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:], np.s_[1:, :-1]))
    flat = above.ravel()
    for p, q, r in ((a, b, c), (a, c, d)):
        corners = np.stack([p.ravel(), q.ravel(), r.ravel()], 1)
        corners = corners[flat[corners].any(1) & ~flat[corners].all(1)]
        count = flat[corners].sum(1)
        odd = np.where(count == 1, flat[corners].argmax(1), (~flat[corners]).argmax(1))
        lone, others = (
            corners[np.arange(len(corners)), odd],
            [corners[np.arange(len(corners)), (odd + k) % 3] for k in (1, 2)],
        )
        for edge, other in zip((first, second), others):
            edge.append(np.sort(np.stack([lone, other], 1), 1) @ [z.size, 1])
    ends = np.stack([np.concatenate(first), np.concatenate(second)], 1)
    # each crossed edge belongs to at most two triangles: follow the pieces from one to the next
    touching: dict[int, list[int]] = {}
    for k, pair in enumerate(ends.tolist()):
        for edge in pair:
            touching.setdefault(edge, []).append(k)
    pairs, left, order = ends.tolist(), set(range(len(ends))), []
    starts = [e for e, ks in touching.items() if len(ks) == 1] + list(touching)
    for edge in starts:
        here, walk = edge, [edge]
        while k := next((k + 1 for k in touching[here] if k in left), 0):
            left.discard(k - 1)
            one, two = pairs[k - 1]
            here = two if one == here else one
            walk.append(here)
        if len(walk) > 1:
            order += [*walk, -1]
    edges = np.array(order[:-1], dtype=int)
    p, q = np.divmod(np.maximum(edges, 0), z.size)
    values, xs, ys = z.ravel(), np.tile(x, len(y)), np.repeat(y, len(x))
    gap = values[p] - values[q]
    t = values[p] / np.where(gap == 0, 1, gap)
    out = [np.where(edges < 0, np.nan, w[p] + t * (w[q] - w[p])) for w in (xs, ys)]
    return out[0], out[1]


def _dots(frame: xr.Dataset, axes: str = "", size: int = 6) -> list[dict]:
    """The samples of both classes."""
    return [
        curve(
            frame.px.values[of],
            frame.py.values[of],
            name,
            color,
            axes=axes,
            mode="markers",
            marker={"size": size, "color": color, "symbol": symbol},
            hoverinfo="skip",
        )
        for of, name, color, symbol in (
            (frame.label.values == 1, "class 1", BLUE, "circle"),
            (frame.label.values == 0, "class 0", ORANGE, "diamond"),
        )
    ]


def _sides(frame: xr.Dataset, value: np.ndarray, axes: str = "") -> dict:
    return {
        "type": "heatmap",
        "x": frame.x1.values,
        "y": frame.x2.values,
        "z": np.sign(value),
        "zmin": -1,
        "zmax": 1,
        "colorscale": _SIDES,
        "showscale": False,
        "hoverinfo": "skip",
        "xaxis": f"x{axes}",
        "yaxis": f"y{axes}",
    }


def _crossing(
    parameter: str, need: Callable[[np.ndarray], np.ndarray], value: float, first: bool
) -> tuple[float, dict[str, Any]] | None:
    """Where the boundary crosses a line through the window, and the parameter that moves this place along the line.

    `need` says which value makes the boundary pass through each place. Of several crossings it is the first or last.
    None where there is none, or the parameter moves it nowhere.
    """
    at = np.linspace(-1.5, 1.5, 601)
    needed = need(at)
    found = np.flatnonzero((needed[:-1] - value) * (needed[1:] - value) <= 0)
    if not len(found):
        return None
    k = int(found[0 if first else -1])
    turns = np.sign(np.diff(needed))
    if not turns[k]:
        return None
    low = high = k
    while low and turns[low - 1] == turns[k]:
        low -= 1
    while high + 1 < len(turns) and turns[high + 1] == turns[k]:
        high += 1
    place = at[k] + (value - needed[k]) / (needed[k + 1] - needed[k]) * (at[1] - at[0])
    return float(place), scale(parameter, at[low : high + 2], needed[low : high + 2])


def _hands(frame: xr.Dataset) -> list[dict[str, Any]]:
    """Three places of the boundary: each is moved along its line by one of the terms that bend it."""
    v = values_of(frame)

    def product(x: Any, y: Any) -> Any:
        first, second = ((v[f"w_{f}1"] * x + v[f"w_{f}2"] * y + v[f"b_{f}"]) for f in "rg")
        return first * second

    line = 0.8
    level = _crossing("c", lambda x: -product(x, 0) - v["w_b1"] * x**2, v["c"], False)
    side = _crossing("w_b1", lambda y: -(product(line, y) + v["w_b2"] * y**2 + v["c"]) / line**2, v["w_b1"], True)
    top = _crossing("w_b2", lambda x: -(product(x, line) + v["w_b1"] * x**2 + v["c"]) / line**2, v["w_b2"], True)
    made = [hand(line, side[0], up=side[1], color=RED)] if side else []
    made += [hand(top[0], line, across=top[1], color=RED)] if top else []
    return made + ([hand(level[0], 0, across=level[1], color=RED)] if level else [])


def neuron(frame: xr.Dataset) -> dict[str, Any]:
    """Two classes of points, the boundary of the quadratic neuron, and that of its first linear form alone."""
    x, y = frame.x1.values, frame.x2.values
    line, bent = (level_line(x, y, frame[name].values) for name in ("linear", "value"))
    data = [
        _sides(frame, frame.value.values),
        *_dots(frame),
        curve(*line, "linear neuron", SOFT, pin=True, line={"color": SOFT, "width": 2.5, "dash": "dash"}),
        curve(*bent, "quadratic neuron", RED, pin=True, line={"color": RED, "width": 5}),
    ]
    share, line_share = frame.attrs["accuracy"], frame.attrs["best_line"]
    text = f"<b>{share:.1%}</b> on the right side; best straight line {line_share:.1%}"
    at = {"xref": "x", "yref": "y domain", "xanchor": "left", "yanchor": "bottom", "font": {"size": 16, "color": INK}}
    notes = [label(x[0], 1.01, text, INK, **at)]
    if np.isfinite(line[1]).any():
        k = int(np.nanargmin(line[1]))
        notes.append(label(line[0][k], line[1][k], "first form alone", SOFT, bgcolor="@paper", yanchor="bottom"))
    if np.isfinite(bent[1]).any() and not np.array_equal(line[1], bent[1], equal_nan=True):
        k = int(np.nanargmax(bent[1]))
        notes.append(label(bent[0][k], bent[1][k], "quadratic neuron", RED, bgcolor="@paper", yanchor="top", yshift=-4))
    hands = _hands(frame)
    notes += [label(h["x"], h["y"], "drag me", RED, bgcolor="@paper", yanchor="bottom", yshift=14) for h in hands[-1:]]
    layout = {
        "height": 560,
        "margin": {"t": 32},
        "meta": {"hands": hands},
        "xaxis": axis("first input x\u2081", range=[x[0], x[-1]], constrain="domain"),
        "yaxis": axis("second input x\u2082", range=[y[0], y[-1]], scaleanchor="x", constrain="domain"),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


_COLORS = (RED, BLUE, GREEN)


def shapes(frame: xr.Dataset) -> dict[str, Any]:
    """The regions that each network has learned by now, and the accuracy over time."""
    x, y, t = frame.x1.values, frame.x2.values, frame.time.values
    score = frame.accuracy.mean("repeat").values
    titles = ("quadratic neurons", "linear, same structure", "linear, as many parameters")
    data, notes, layout = [], [], {"height": 560}
    for k, (text, color) in enumerate(zip(titles, _COLORS)):
        a = str(k + 1) if k else ""
        value = frame.value.values[k]
        data += [_sides(frame, value, a), *_dots(frame, a, 4)]
        data.append(curve(*level_line(x, y, value), text, color, axes=a, line={"color": color, "width": 4}))
        left = 0.35 * k
        layout[f"xaxis{a}"] = axis("x\u2081", domain=[left, left + 0.3], anchor=f"y{a}", range=[x[0], x[-1]])
        layout[f"yaxis{a}"] = axis("x\u2082" if not k else "", domain=[0.44, 0.95], anchor=f"x{a}", range=[y[0], y[-1]])
        notes.append(note(0.5, 1, f"{text}: <b>{score[k, -1]:.1%}</b>", color, axes=a, yanchor="bottom"))
        dash = ("solid", "dash", "dot")[k]
        data.append(
            curve(t, score[k], text, color, axes="4", pin=True, line={"color": color, "width": 3.5, "dash": dash})
        )
    layout["xaxis4"] = axis(frame.time, domain=[0, 1], anchor="y4")
    layout["yaxis4"] = axis(
        "accuracy", domain=[0, 0.28], anchor="x4", tickformat=".0%", range=[min(0.4, score.min()), 1.04]
    )
    return {"data": data, "layout": layout | {"annotations": notes}}


def _smooth(loss: np.ndarray, window: int = 9) -> np.ndarray:
    """Geometric mean over the last `window` steps, so that curves of single batches can be told apart; a jump stays."""
    log = np.pad(np.log(loss), ((0, 0), (window - 1, 0)), mode="edge")
    mean = np.lib.stride_tricks.sliding_window_view(log, window, axis=1).mean(-1)
    return np.where(loss > 10, loss, np.exp(mean))


def _narrow(way: str) -> str:
    """A way to train in lines that fit under a cell."""
    text = way.replace("random start, ", "random<br>start,<br>")
    text = text.replace(" neurons", "<br>neurons").replace(" (again)", "<br>(again)")
    return text if "<br>" in text or len(text) <= 8 else text.replace("= ", "=<br>")


def collapse(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy for every depth and way to train, with the collapsed ones crossed out, and the loss of the deepest."""
    score, died = frame.accuracy.mean("repeat").values, (frame.died > 0).sum("repeat").values
    repeats = frame.sizes["repeat"]
    ways = [_narrow(str(w)) for w in frame.way.values]
    depth = frame.depth.values
    cells = [
        label(
            k,
            int(d),
            f"{score[i, k]:.0%}" if not died[i, k] else "lost" if died[i, k] == repeats else f"{died[i, k]}/{repeats}",
            "#ffffff" if died[i, k] or score[i, k] < 0.5 else "#1f2328",
        )
        for i, d in enumerate(depth)
        for k in range(len(ways))
    ]
    heat = {
        "type": "heatmap",
        "x": np.arange(len(ways)),
        "y": depth,
        "z": np.where(died > 0, 0.0, score),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "#b23c00"], [0.5, "#d98b4a"], [0.85, "#bcd7ea"], [1, "#6db3e0"]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "hovertemplate": "depth %{y}: accuracy %{z:.1%}<extra></extra>",
        "xaxis": "x",
        "yaxis": "y",
    }
    t, loss = frame.time.values, _smooth(np.clip(frame.loss.values, 1e-4, 1e4))
    colors = (RED, ORANGE, GREEN, BLUE, INK)
    data = [heat]
    notes = [
        *cells,
        note(
            0.5,
            1,
            "test accuracy of each way to train; lost: infinite loss",
            SOFT,
            yanchor="bottom",
        ),
        note(0.5, 1, f"loss with {depth[-1]} hidden layers", SOFT, axes="2", yanchor="bottom"),
    ]
    ends: list[float] = []
    for k, (color, way) in enumerate(zip(colors, frame.way.values)):
        step = int(frame.died.values[-1, k, 0])
        upto = step if step else len(t)
        data.append(
            curve(t[:upto], loss[k, :upto], str(way), color, axes="2", pin=True, line={"color": color, "width": 2})
        )
        if step:
            mark = {"size": 13, "color": color, "symbol": "x"}
            data.append(
                curve(
                    t[upto - 1 : upto],
                    loss[k, upto - 1 : upto],
                    f"{way} diverged",
                    color,
                    axes="2",
                    mode="markers",
                    marker=mark,
                )
            )
        height = max(float(np.log10(loss[k, upto - 1])), -2.2)
        # labels at one height would hide each other
        while any(abs(height - other) < 0.28 for other in ends):
            height += -0.05 if step else 0.05
        ends.append(height)
        if step:
            here, name = float(t[upto - 1]), str(way).split(",")[0]
            late = here > 0.7 * float(t[-1])
            side = {"xanchor": "right", "xshift": -10} if late else {"xanchor": "left", "xshift": 10}
            x = max(here, 0.1 * float(t[-1]))
            notes.append(label(x, height, f"{name}: step {step}", color, axes="2", yanchor="middle", **side))
        else:
            notes.append(label(1.02, height, str(way), color, axes="2", xref="x2 domain", xanchor="left"))
    layout = {
        "height": 500,
        "margin": {"b": 72},
        "xaxis": axis(
            "",
            domain=[0, 0.46],
            anchor="y",
            tickvals=list(range(len(ways))),
            ticktext=ways,
            tickangle=0,
            showgrid=False,
        ),
        "yaxis": axis("hidden layers", domain=[0, 0.95], anchor="x", dtick=1, showgrid=False),
        "xaxis2": axis(frame.time, domain=[0.58, 0.86], anchor="y2", range=[0, float(t[-1])]),
        "yaxis2": log_axis(frame.loss, domain=[0, 0.95], anchor="x2", range=[-2.5, 4.3]),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}
