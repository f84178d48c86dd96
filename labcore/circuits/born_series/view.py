"""Pictures of `born_series`: a wave in a well, coefficients of two networks beside Born's, and trees that add up."""

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
    curve,
    hand,
    headline,
    label,
    note,
    values_of,
    vertical,
)

CARD = ("diagrams", "xy")


def scattering(frame: xr.Dataset) -> dict[str, Any]:
    """The wave and its outer line, the well under it, and a over the depth with two orders of the Born series."""
    r, u, line = frame.r.values, frame.u.values, frame.line.values
    depth = frame.depth.values
    exact, first, second = frame.length.values
    amp, a, d = frame.attrs["amp"], frame.attrs["a"], len(frame.bin)
    edges = np.repeat(np.arange(d + 1) / d, 2)
    step = np.concatenate([[0], np.repeat(frame.potential.values, 2), [0]])
    low = -3.0
    shown = np.where((exact < 0.2) & (exact > 2 * low), exact, np.nan)  # beyond the pole a comes back from above
    data = [
        curve([-1.2, 2], [line[0] - 1.2 * (line[-1] - line[0]) / 2, line[-1]], "outer line", ORANGE,
              line={"color": ORANGE, "width": 2, "dash": "dash"}),
        curve(r, u, "wave", BLUE, pin=True, line={"color": BLUE, "width": 4}),
        curve(
            [a] if -1.2 < a < 2 else [], [0] if -1.2 < a < 2 else [], "scattering length", RED,
            mode="markers", marker={"size": 13, "color": RED},
        ),
        curve(edges, step, "well", SOFT, axes="2", fill="tozeroy", fillcolor=SHADE, line={"color": SOFT, "width": 2}),
        curve(depth, first, "first Born order", ORANGE, axes="3", line={"color": ORANGE, "width": 2}),
        curve(depth, second, "second Born order", GREEN, axes="3", line={"color": GREEN, "width": 2}),
        curve(depth, shown, "exact", BLUE, axes="3", pin=True, line={"color": BLUE, "width": 4}),
        curve([amp], [min(max(a, low), 0.2)], "now", RED, axes="3", mode="markers", marker={"size": 13, "color": RED}),
    ]  # fmt: skip
    top = max(1.2, float(np.max(u)) * 1.1)
    foot = min(-0.3, float(u.min()) * 1.1)
    layout = {
        "height": 500,
        "xaxis": axis(frame.r, domain=[0, 0.54], anchor="y", range=[-1.2, 2]),
        "yaxis": axis("wave u", domain=[0.44, 1], range=[foot, top]),
        "xaxis2": axis(frame.r, domain=[0, 0.54], anchor="y2", range=[-1.2, 2]),
        "yaxis2": axis("depth U", domain=[0, 0.28], anchor="x2", range=[0, max(2.0, 1.15 * step.max())]),
        "xaxis3": axis(frame.depth, domain=[0.66, 1], anchor="y3"),
        "yaxis3": axis("scattering length a (ranges)", anchor="x3", range=[low, 0.2]),
        "shapes": [vertical(frame.attrs["at"], GREEN, "solid", axes="2", width=3), vertical(amp, RED, axes="3")],
        "annotations": [
            label(a, 0, f"a = {a:.2f}", RED, yshift=14, xanchor="right") if -1.2 < a < 2
            else label(-1.1, 0, f"a = {a:.1f}, outside the picture", RED, xanchor="left", yanchor="bottom"),
            label(1.5, float(np.interp(1.5, r, u)), "the wave", BLUE, yanchor="bottom", xanchor="right", yshift=4),
            label(frame.attrs["at"], 1, "drag me", GREEN, axes="2", yref="y2 domain", yanchor="bottom"),
            label(2.35, float(np.clip(first[-4], low, 0)), "first order", ORANGE, axes="3", xanchor="right",
                  yanchor="top"),
            label(amp, 1, "drag me", RED, axes="3", yref="y3 domain", yanchor="bottom"),
            note(0.97, 0.99, "blue: exact<br>green: second order", INK, axes="3", xanchor="right", yanchor="top",
                 align="right"),
        ],
        "meta": {"hands": [hand(frame.attrs["at"], None, across="r", axes="2", color=GREEN),
                           hand(amp, None, across="amp", axes="3", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def iterations(frame: xr.Dataset) -> dict[str, Any]:
    """The second-order matrices of Born and of both networks, their first orders, and the errors while they train."""
    second, bins = frame.second.values, frame.i.values
    half = max(np.abs(second[0]).max(), 1e-12) * 1.5
    errors, t = frame.hessian_error.values, frame.time.values
    now = frame.attrs["done"] // 10 + 1
    upto = [now, 0] if frame.attrs["phase"] == 1 else [len(t), now]
    titles = [
        "Born's<br>second order",
        f"network 1:<br>{errors[0, -1]:.0%} off",
        f"network 2:<br>{errors[1, -1]:.0%} off" if upto[1] else "network 2:<br>not begun",
    ]
    data, layout, notes = [], {}, []
    for k in range(3):
        suffix = str(k + 1) if k else ""
        x0 = 0.345 * k
        data.append(
            {
                "type": "heatmap", "x": bins, "y": bins, "z": np.clip(second[k], -half, half),
                "colorscale": [[0, BLUE], [0.5, PAPER], [1, ORANGE]], "zmin": -half, "zmax": half,
                "showscale": False, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}",
                "hovertemplate": "bins %{x} and %{y}: %{z:.5f}<extra></extra>",
            }
        )  # fmt: skip
        at = {"dtick": 1, "range": [0.5, len(bins) + 0.5]}
        layout[f"xaxis{suffix}"] = axis("one bin of the well", domain=[x0, x0 + 0.3], anchor=f"y{suffix}", **at)
        layout[f"yaxis{suffix}"] = axis("another bin", domain=[0.5, 1], anchor=f"x{suffix}", **at)
        if k:
            layout[f"yaxis{suffix}"]["showticklabels"] = False
            layout[f"yaxis{suffix}"]["title"] = {"text": ""}
        notes.append(note(0.5, 1.0, f"<b>{titles[k]}</b>", (INK, RED, GREEN)[k], axes=suffix, yanchor="bottom"))
    data += [
        curve(t[: upto[0]], errors[0, : upto[0]], "network 1", RED, axes="4", pin=True),
        curve(t[: upto[1]], errors[1, : upto[1]], "network 2", GREEN, axes="4", pin=True),
    ]
    for k in range(1 + (upto[1] > 0)):
        told = f"network {k + 1}: {errors[k, upto[k] - 1]:.0%}"
        notes.append(note(0.93, 1 - 0.13 * k, told, (RED, GREEN)[k], axes="4", xanchor="right", yanchor="top"))
    end = values_of(frame)["iterations"]
    notes.append(note(0.93, 1 - 0.13 * 2, "drag: train longer", PURPLE, axes="4", xanchor="right", yanchor="top"))
    layout |= {
        "height": 580,
        "margin": {"l": 72, "t": 40},
        "xaxis4": axis("training (iterations)", domain=[0, 1], anchor="y4", range=[0, 1.06 * end]),
        "shapes": [vertical(end, PURPLE, "solid", axes="4", width=2)],
        "meta": {"hands": [hand(end, None, across="iterations", axes="4", color=PURPLE)]},
        "yaxis4": axis(
            "second order off by", domain=[0, 0.32], anchor="x4", range=[0, 1.5], tickformat=".0%", nticks=5
        ),
        "annotations": notes,
    }
    born, first = frame.first.values[:2]
    off = np.linalg.norm(first - born) / np.linalg.norm(born)
    told = f"Network 1 has the first order {off:.1%} off, the second one {errors[0, upto[0] - 1]:.0%}."
    more = "Squares: what two bins of the well do together; blue takes away from the length, orange adds."
    return {"data": data, "layout": headline(layout, told, more)}


def _tree(text: str) -> tuple[list[list[float]], list[tuple[int, int]], list[bool]]:
    """Node places (x in [0, 1], y from 1 at the output to 0 at the inputs), lines and which nodes are leaves."""
    nodes: list[list[float]] = []
    lines: list[tuple[int, int]] = []
    leaf: list[bool] = []
    open_: list[int] = []
    at = 0
    for sign in text:
        if sign == ")":
            me = open_.pop()
            below = [nodes[b] for a, b in lines if a == me]
            nodes[me] = [sum(p[0] for p in below) / len(below), 0.3 + max(p[1] for p in below)]
            continue
        if open_:
            lines.append((open_[-1], len(nodes)))
        leaf.append(sign == "o")
        nodes.append([float(at), 0.0])
        if sign == "o":
            at += 1
        else:
            open_.append(len(nodes) - 1)
    span = max(at - 1, 1)
    return [[x / span if at > 1 else 0.5, y] for x, y in nodes], lines, leaf


def diagrams(frame: xr.Dataset) -> dict[str, Any]:
    """The trees as Feynman diagrams, as thick as what they carry; their sum; the chosen one by layer and neuron."""
    parts, copies, pick = frame.contribution.values, frame.copies.values, frame.attrs["pick"]
    n, exact = len(parts), frame.attrs["exact"]
    most = max(np.abs(parts).max(), 1e-300)
    data, notes = [], []
    highest = max(max(y for _, y in _tree(str(s))[0]) for s in frame.diagram.values) + 0.35
    dots: list[list] = [[], [], [], [], []]
    for k, text in enumerate(frame.diagram.values):
        nodes, lines, leaf = _tree(str(text))
        x = [k + 1 + 0.7 * (p[0] - 0.5) for p in nodes]
        y = [p[1] for p in nodes]
        top = x[0], y[0] + 0.3
        lx = [v for a, b in lines for v in (x[a], x[b], np.nan)] + [x[0], top[0]]
        ly = [v for a, b in lines for v in (y[a], y[b], np.nan)] + [y[0], top[1]]
        color = BLUE if parts[k] >= 0 else ORANGE
        width = 1 + 8 * np.sqrt(abs(parts[k]) / most)
        data.append(
            curve(
                np.array(lx),
                np.array(ly),
                f"shape {k + 1}",
                color,
                line={"color": color, "width": width},
                hoverinfo="skip",
            )
        )
        dots[0] += x
        dots[1] += y
        dots[2] += [7 if is_leaf else 14 for is_leaf in leaf]
        dots[3] += [SOFT if is_leaf else color for is_leaf in leaf]
        dots[4] += [k] * len(nodes)
        notes.append(label(k + 1, -0.12, f"×{copies[k]}", SOFT, yanchor="top"))
    data.append(
        curve(dots[0], dots[1], "vertices", INK, mode="markers", hoverinfo="skip",
              marker={"size": dots[2], "color": dots[3]}, click={"sets": [{"tree": k + 1} for k in dots[4]]})
    )  # fmt: skip
    total = np.cumsum(parts)
    numbers = np.arange(1, n + 1)
    data.append(
        {
            "type": "bar", "x": numbers, "y": parts, "base": total - parts, "xaxis": "x2", "yaxis": "y2", "width": 0.6,
            "marker": {"color": [BLUE if p >= 0 else ORANGE for p in parts],
                       "line": {"color": INK, "width": [3 if k == pick else 0 for k in range(n)]}},
            "meta": {"click": {"x": "tree"}}, "showlegend": False, "name": "contribution",
            "hovertemplate": "shape %{x}: %{customdata:.5g}<extra></extra>", "customdata": parts,
        }
    )  # fmt: skip
    data.append(curve([0.5, n + 0.5], [exact] * 2, "by autodiff", INK, axes="2",
                      line={"color": INK, "width": 2, "dash": "dash"}))  # fmt: skip
    where = frame.place.values
    rows = where.reshape(-1, where.shape[2])
    names = [f"vertex {v},<br>layer {layer}" for v in frame.vertex.values for layer in frame.layer.values]
    none = not where.any()
    scale = max(np.abs(rows).max(), 1e-300)
    data.append(
        {
            "type": "heatmap", "x": frame.neuron.values, "y": names, "z": rows, "xaxis": "x3", "yaxis": "y3",
            "colorscale": [[0, ORANGE], [0.5, PAPER], [1, BLUE]], "zmin": -scale, "zmax": scale,
            "showscale": False, "ygap": 2,
            "hovertemplate": "%{y}, neuron %{x}: %{z:.4g}<extra></extra>",
        }
    )  # fmt: skip
    title = "no vertex: one line<br>from input to output" if none else f"drawing {pick + 1}: which<br>neurons carry it"
    span = [0.5, n + 0.5]
    reach = [min(0, total.min(), exact), max(0, total.max(), exact)]
    pad = 0.15 * (reach[1] - reach[0] or 1)
    layout = {
        "height": 600,
        "xaxis": axis("", domain=[0, 0.56], anchor="y", range=span, showticklabels=False, showgrid=False,
                      zeroline=False),
        "yaxis": axis("input to output", domain=[0.5, 0.95], range=[-0.35, highest], showticklabels=False,
                      showgrid=False, zeroline=False),
        "xaxis2": axis("drawing (click one); dashed: directly", domain=[0, 0.56], anchor="y2", range=span, dtick=1),
        "yaxis2": axis("derivative, added up", domain=[0, 0.4], anchor="x2", range=[reach[0] - pad, reach[1] + pad]),
        "xaxis3": axis(frame.neuron, domain=[0.73, 1], anchor="y3"),
        "yaxis3": axis("", anchor="x3", domain=[0.1, 0.9], autorange="reversed"),
        "shapes": [
            {"type": "rect", "x0": pick + 0.55, "x1": pick + 1.45, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain",
             "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
        ],
        "annotations": [
            *notes,
            note(0, 1, "the thicker, the more it carries; blue adds, orange takes away", SOFT, xanchor="left",
                 yanchor="bottom"),
            note(0.5, 1, title, INK, axes="3", yanchor="bottom"),
        ],
    }  # fmt: skip
    order = ("first", "second", "third", "fourth", "fifth")[int(values_of(frame)["order"]) - 1]
    told = f"The {order} derivative of a trained network: {n} drawing{'s' * (n > 1)} added up."
    more = f"The bars reach {total[-1]:.4g}. Computed directly: {exact:.4g}."
    return {"data": data, "layout": headline(layout, told, more)}
