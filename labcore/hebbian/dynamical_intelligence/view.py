"""Pictures of `dynamical_intelligence`: who fires when in the slow cycle, what STDP makes of it, phases of modules."""

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
    SKY,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    scale,
    values_of,
    vertical,
)

CARD = ("modules", "xy")

ITEMS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, "#b8a800", "#8c6d5a")
_SCALE = [[0, "#f7fbff"], [0.5, SKY], [1, "#08306b"]]


def _colour(item: np.ndarray) -> list[str]:
    return [ITEMS[(int(i) - 1) % len(ITEMS)] for i in item]


def _square(z: np.ndarray, x: np.ndarray, y: np.ndarray, axes: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": z,
        "x": x,
        "y": y,
        "xaxis": f"x{axes}",
        "yaxis": f"y{axes}",
        "colorscale": _SCALE,
        "showscale": False,
        "meta": {},
    } | more


def buffer(frame: xr.Dataset) -> dict[str, Any]:
    """Each slow cycle is a row, each fast slot a column; beside it the weights that STDP learns from the last ten."""
    item, cycle, phase = (frame[v].values for v in ("item", "cycle", "phase"))
    shown = frame.readiness.values == 0
    period, gap, slots = (frame.attrs[k] for k in ("period", "gap", "slots"))
    n, held, ok = frame.sizes["pre"], frame.held.values, frame.recall_ok.values
    last = int(held[-1])
    paths = np.full((n, last), np.nan)
    for i, c, p in zip(item[~shown], cycle[~shown], phase[~shown], strict=True):
        paths[i - 1, c - 1] = p
    rows = np.tile(np.append(np.arange(1, last + 1.0), np.nan), n)
    lines = np.hstack([paths, np.full((n, 1), np.nan)]).ravel()
    size = max(5, min(13, 200 / last))
    dots = {"mode": "markers", "hoverinfo": "skip"}
    data = [
        curve(lines, rows, "one item", SOFT, pin=True, line={"color": SOFT, "width": 1}, connectgaps=False),
        curve(
            phase[shown],
            cycle[shown],
            "shown",
            BLUE,
            **dots,
            marker={"size": size, "symbol": "diamond-open", "color": _colour(item[shown]), "line": {"width": 2}},
        ),
        {
            **curve(phase[~shown], cycle[~shown], "fires", BLUE),
            "mode": "markers",
            "marker": {"size": size, "color": _colour(item[~shown])},
            "text": item[~shown],
            "hovertemplate": "item %{text}<extra></extra>",
        },
        curve(
            np.full(10, 1.06 * period),
            held,
            "in order",
            GREEN,
            **dots,
            marker={
                "size": size,
                "symbol": ["circle" if x else "x" for x in ok],
                "color": [GREEN if x else RED for x in ok],
            },
        ),
        _square(frame.W_stdp.values, frame.post.values, frame.pre.values, "2"),
    ]
    fits = n <= slots
    # the second slot lies one fast period, 1000 / f ms, after the first
    fast = np.linspace(25, 100, 301)
    second = float(np.interp(values_of(frame)["f_gamma"], fast, 1000 / fast))
    layout = {
        "height": 520,
        "xaxis": axis(frame.phase, domain=[0, 0.6], anchor="y", range=[-0.04 * period, 1.12 * period]),
        "yaxis": axis(frame.cycle, range=[last + 0.9, -0.2], nticks=8),
        "xaxis2": axis(frame.post, domain=[0.72, 1], anchor="y2", nticks=8, showgrid=False),
        "yaxis2": axis(frame.pre, domain=[0.4, 0.95], anchor="x2", autorange="reversed", nticks=8, showgrid=False),
        "shapes": [
            *[vertical(k * gap, SOFT) for k in range(slots)],
            {
                "type": "rect",
                "x0": 0.9 * period,
                "x1": 1.02 * period,
                "y0": 0,
                "y1": 1,
                "yref": "y domain",
                "fillcolor": SHADE,
                "line": {"width": 0},
                "layer": "below",
            },
        ],
        "annotations": [
            label(
                0.5 * slots * gap - gap / 2,
                -0.1,
                f"{slots} slots for {n} items",
                GREEN if fits else RED,
                yanchor="bottom",
            ),
            label(0.96 * period, -0.1, "shown", SOFT, yanchor="bottom"),
            label(0.86, 1, "learned by STDP while held", SOFT, xref="paper", yref="paper", yanchor="top"),
            label(second, 1, "slots: drag me", INK, xanchor="left", xshift=22, bgcolor=PAPER),
        ],
        "meta": {"hands": [hand(second, 1, across=scale("f_gamma", 1000 / fast, fast))]},
    }
    told = "Each row is a slow cycle, and each dotted line a slot of the fast rhythm in it."
    more = "Diamond: an item is shown. Dot: it fires. Right edge: all are in order, or not."
    return {"data": data, "layout": headline(layout, told, more)}


def learn_order(frame: xr.Dataset) -> dict[str, Any]:
    """The replay of a sequence learned as it happens, and of the same one learned through the buffer."""
    step, post = frame.step.values, frame.post.values
    overlap = frame.overlap.values
    right = np.einsum("wii->wi", overlap)
    colours = (RED, GREEN)
    names = frame.way.values.tolist()
    data = [
        *[
            curve(
                step,
                right[i],
                names[i],
                colours[i],
                pin=True,
                mode="lines+markers",
                line={"color": colours[i], "width": 3},
            )
            for i in (1, 0)
        ],
        *[
            _square(overlap[i], post, step, axes, zmin=0, zmax=1, hovertemplate="overlap %{z:.2f}<extra></extra>")
            for i, axes in ((0, "2"), (1, "3"))
        ],
    ]
    tick = {"nticks": 8, "showgrid": False}
    layout = {
        "height": 430,
        "xaxis": axis(frame.step, domain=[0, 0.34], anchor="y", nticks=8),
        "yaxis": axis("overlap with the pattern whose turn it is", anchor="x", range=[-0.35, 1.25]),
        "xaxis2": axis("pattern", domain=[0.45, 0.7], anchor="y2", **tick),
        "yaxis2": axis("step of the replay", domain=[0.2, 0.9], anchor="x2", autorange="reversed", **tick),
        "xaxis3": axis("pattern", domain=[0.75, 1], anchor="y3", **tick),
        "yaxis3": axis("", domain=[0.2, 0.9], anchor="x3", autorange="reversed", showticklabels=False, showgrid=False),
        "annotations": [
            label(x, 0.92, f"learned {name}", c, xref="paper", yref="paper", xanchor="center", yanchor="bottom")
            for x, name, c in zip((0.575, 0.875), names, colours, strict=True)
        ]
        + [
            label(step[-1], y, names[i], colours[i], xanchor="right", yanchor="bottom", yshift=6)
            for i, y in enumerate(right[:, -1])
        ],
    }
    return {"data": data, "layout": layout}


def modules(frame: xr.Dataset) -> dict[str, Any]:
    """Phases on one ring a module, order against coupling at three scales, and who moves with whom."""
    theta, n, blocks = frame.phase.values, frame.sizes["node"], frame.sizes["block"]
    block = np.arange(n) * blocks // n
    radius = 1 - 0.12 * block
    k, sweep, now = frame.coupling.values, frame.sweep.values, frame.attrs["K"]
    turn = np.linspace(0, 2 * np.pi, 61)
    rings = 1 - 0.12 * np.arange(blocks)
    circles, around = bundle(np.cos(turn), np.sin(turn) * rings[:, None])
    circles = (np.append(np.cos(turn), np.nan) * rings[:, None]).ravel()
    every = slice(None, None, max(1, n // 120))
    other = frame.other.values[every]
    gap = int((sweep[2] - sweep[0]).argmax())
    data = [
        *[
            curve(k, y, name, colour, axes="2", pin=True, line={"color": colour, "width": 3})
            for name, y, colour in zip(("all", "halves", "modules"), sweep, (RED, ORANGE, BLUE), strict=True)
        ],
        curve(circles, around, "rings", SOFT, line={"color": "@grid", "width": 1}, hoverinfo="skip"),
        curve(
            radius * np.cos(theta),
            radius * np.sin(theta),
            "oscillators",
            BLUE,
            mode="markers",
            hoverinfo="skip",
            marker={"size": 6, "opacity": 0.75, "color": _colour(block + 1)},
        ),
        _square(frame.connectivity.values[every, every], other, other, "3", zmin=0, zmax=1),
    ]
    beside = {"xanchor": "left", "xshift": 24} if now < 4 else {"xanchor": "right", "xshift": -24}
    places = {0: 0, 1: len(k) // 2, 2: gap}
    layout = {
        "height": 560,
        "xaxis": axis("phase: one ring a module", domain=[0, 0.48], anchor="y", range=[-1.1, 1.1], showticklabels=False)
        | {"showgrid": False, "zeroline": False, "constrain": "domain"},
        "yaxis": {
            "domain": [0, 1],
            "scaleanchor": "x",
            "range": [-1.1, 1.1],
            "visible": False,
            "constrain": "domain",
        },
        "xaxis2": axis(frame.coupling, domain=[0.58, 1], anchor="y2", range=[0, 6]),
        "yaxis2": axis("order r (1: together)", domain=[0.58, 1], anchor="x2", range=[0, 1.05]),
        "xaxis3": axis(frame.other, domain=[0.62, 0.96], anchor="y3", constrain="domain", showgrid=False),
        "yaxis3": axis(frame.node, domain=[0, 0.42], anchor="x3", scaleanchor="x3", autorange="reversed", nticks=4)
        | {"constrain": "domain", "showgrid": False},
        "shapes": [vertical(now, GREEN, "solid", axes="2", width=3)],
        "annotations": [
            label(k[-1], sweep[0, -1], "all", RED, axes="2", xanchor="right", yanchor="top", yshift=-4),
            label(k[places[1]], sweep[1, places[1]], "halves", ORANGE, axes="2", xanchor="left", yanchor="top"),
            label(k[gap], sweep[2, gap], "modules", BLUE, axes="2", yanchor="bottom")
            | ({"xanchor": "right", "xshift": -6} if gap else {"xanchor": "left", "xshift": 6}),
            label(now, 0.01, "K: drag me", GREEN, axes="2", yanchor="bottom", **beside),
            label(0.79, 0.43, "who moves with whom", SOFT, xref="paper", yref="paper", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(now, None, across="K", axes="2", color=GREEN)]},
    }
    return {"data": data, "layout": layout}
