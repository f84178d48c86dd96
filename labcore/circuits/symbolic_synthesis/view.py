"""Pictures of `symbolic_synthesis`: a program that writes a graph, a population of them, and what the graph decides."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    GRID,
    HIDDEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SHADE,
    SKY,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    label,
    note,
    scale,
    segments,
    values_of,
    vertical,
)

from .graph_programs import Program, draw_graph

_PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE)


# what the words of a program do, in a newcomer's words
_STEPS = (
    "<b>push</b>: remember this node",
    "<b>pop</b>: forget the last one",
    "<b>add</b>: make a node (circle),",
    "and go there",
    "<b>connect</b>: wire it to the one",
    "remembered (square: the wire)",
    "<b>next_port</b>, <b>prev_port</b>:",
    "another plug",
)


def program(frame: xr.Dataset) -> dict[str, Any]:
    """The graph that is there so far, cursor and stack; below, which chunk of the representation each element gets."""
    x, y, a, b = (frame[name].values for name in ("x", "y", "end_a", "end_b"))
    made, drawn = frame.node_made.values, frame.edge_made.values
    start, stop = frame.start.values, frame.stop.values
    color = [_PALETTE[i % len(_PALETTE)] for i in range(frame.sizes["element"])]
    number, edge_number = frame.node_number.values, frame.edge_number.values
    # edges between the same nodes lie beside each other
    pair = [tuple(sorted(p)) for p in zip(a.tolist(), b.tolist(), strict=True)]
    rank = np.array([pair[:i].count(p) for i, p in enumerate(pair)]) - np.array([pair.count(p) - 1 for p in pair]) / 2
    along = np.stack([x[b] - x[a], y[b] - y[a]], 1)
    side = np.stack([-along[:, 1], along[:, 0]], 1) / np.linalg.norm(along, axis=1, keepdims=True)
    side *= np.where(a > b, -1, 1)[:, None]
    middle = np.stack([x[a] + x[b], y[a] + y[b]], 1) / 2 + 0.28 * rank[:, None] * side
    gap = np.full(len(a), np.nan)
    ex = np.stack([x[a], middle[:, 0], x[b], gap], 1)
    ey = np.stack([y[a], middle[:, 1], y[b], gap], 1)
    cursor, depth = frame.attrs["cursor"], frame.on_stack.values
    names = [str(i) for i in range(len(start))]
    data = [
        curve(ex[~drawn].ravel(), ey[~drawn].ravel(), "edges to come", GRID, pin=True, hoverinfo="skip",
              line={"color": GRID, "width": 2, "dash": "dot"}),
        curve(ex[drawn].ravel(), ey[drawn].ravel(), "edges", SOFT, pin=True, line={"color": SOFT, "width": 3},
              hoverinfo="skip"),
        curve(x[cursor : cursor + 1], y[cursor : cursor + 1], "cursor", RED, mode="markers", hoverinfo="skip",
              marker={"size": 46, "color": "rgba(0,0,0,0)", "line": {"color": RED, "width": 3}}),
        curve(
            np.r_[x, middle[:, 0]], np.r_[y, middle[:, 1]], "elements", BLUE, mode="markers+text",
            text=[str(n) for n in (*number, *edge_number)], textposition="middle center", hoverinfo="text",
            textfont={"size": 13, "color": ["white" if m else SOFT for m in (*made, *drawn)]},
            hovertext=[*(f"node {n}" for n in number),
                       *(f"edge {n}, port {p}" for n, p in zip(edge_number, frame.port.values, strict=True))],
            marker={
                "opacity": 1, "size": [32] * len(x) + [20] * len(a),
                "symbol": ["circle"] * len(x) + ["square"] * len(a),
                "color": np.where(np.r_[made, drawn], np.array(color)[np.r_[number, edge_number]], GRID),
            },
        ),
        {
            "type": "bar", "orientation": "h", "y": np.zeros(len(start)), "x": stop - start, "base": start,
            "marker": {"color": color, "line": {"color": "@paper", "width": 1}}, "text": names,
            "width": 0.8,
            "textposition": "inside", "insidetextanchor": "middle", "xaxis": "x2", "yaxis": "y2", "showlegend": False,
            "hoverinfo": "skip",
        },
    ]  # fmt: skip
    lines, done = [], frame.attrs["done"] if "(" not in frame.attrs["program"] else 0
    left = done
    for line in textwrap.wrap(frame.attrs["program"], 24, break_on_hyphens=False):
        words = line.split()
        lines.append(" ".join(f"<b>{w}</b>" if i < left else w for i, w in enumerate(words)))
        left -= len(words)
    stack = [f"{depth[i]} x node {number[i]}" if depth[i] > 1 else f"node {number[i]}" for i in np.flatnonzero(depth)]
    corner = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top", "align": "left"}
    layout = {
        "height": 570,
        "bargap": 0,
        "xaxis": HIDDEN | {"domain": [0, 0.5], "anchor": "y", "range": [-1.6, 1.6]},
        "yaxis": HIDDEN | {"domain": [0.28, 1], "anchor": "x", "range": [-1.45, 1.45]},
        "xaxis2": axis("the 64 numbers of the representation x", domain=[0, 1], anchor="y2", range=[0, 64]),
        "yaxis2": axis(
            "part", domain=[0.02, 0.14], anchor="x2", range=[-0.5, 0.5], showticklabels=False, showgrid=False
        ),
        "annotations": [
            label(0.52, 1, "<b>The program</b>", INK, **corner),
            label(0.52, 0.94, "<br>".join(lines), INK, **corner),
            label(0.52, 0.7, f"steps done: {frame.attrs['done']}" + " (bold)" * (done > 0), INK, **corner),
            label(0.52, 0.64, f"ring: the cursor,<br>at plug {frame.attrs['cursor_port']} of its node", RED, **corner),
            label(0.52, 0.57, f"remembered (the stack): {', '.join(stack) or 'nothing'}", SOFT, **corner),
            label(0.52, 0.5, "<br>".join(_STEPS), SOFT, **corner),
            label(0, 0.215, "circle or square with this number gets this part of x:", SOFT, **corner),
        ],
    }
    return {"data": data, "layout": layout}


def evolve(frame: xr.Dataset) -> dict[str, Any]:
    """The newest generation, best trained first, coloured by test accuracy; accuracies and bits over generations."""
    train, test, kept = (frame[name].values for name in ("train", "test", "kept"))
    now, size = train[-1], int((train[-1] >= 0).sum())
    order = np.argsort(-now, kind="stable")[:size]
    column = np.empty(len(now), int)
    column[order] = np.arange(size)
    owner = frame.owner.values
    at = np.stack([frame.x.values + 3.0 * column[owner], frame.y.values], 1)
    done = test[-1].max() >= 0
    generation = frame.generation.values
    shades = np.where(test[-1] >= 0, test[-1], np.nan)[owner] if done else np.full(len(owner), 0.5)
    lows = test[test >= 0]
    mean_kept = np.array([t[k].mean() if k.any() else np.nan for t, k in zip(train, kept, strict=True)])
    mean_all = np.array([t[t >= 0].mean() for t in train])
    finished = np.array([t.max() >= 0 for t in test])
    mean_test = np.array([t[t >= 0].mean() if f else np.nan for t, f in zip(test, finished, strict=True)])
    spread = 0.06 * (np.arange(len(now)) - (len(now) - 1) / 2) / max(1, len(now) / 4)
    dots_x = (generation[:, None] + spread)[test >= 0]
    low = min([0.5, *mean_all, *lows])
    bits = frame.bits.values
    data = [
        curve(*segments(at[frame.end_a.values], at[frame.end_b.values]), "edges", SOFT,
              line={"color": SOFT, "width": 2}, hoverinfo="skip"),
        curve(
            *at.T, "nodes", BLUE, mode="markers", hoverinfo="skip",
            marker={"size": 10, "color": shades, "colorscale": [[0, ORANGE], [0.5, "#dddddd"], [1, BLUE]],
                    "cmin": lows.min() if lows.size else 0, "cmax": lows.max() if lows.size else 1,
                    "line": {"color": INK, "width": 0.5}},
        ),
        curve(dots_x, test[test >= 0], "test accuracy of a program", RED, axes="2", mode="markers",
              marker={"size": 6, "color": RED, "opacity": 0.6}),
        curve(generation, mean_test, "mean test accuracy", RED, axes="2", line={"color": RED, "width": 2}),
        curve(generation, mean_all, "training, all", BLUE, axes="2", line={"color": BLUE, "width": 1.5, "dash": "dot"},
              mode="lines+markers"),
        curve(generation, mean_kept, "training, kept", BLUE, axes="2", pin=True, line={"color": BLUE, "width": 4},
              mode="lines+markers"),
    ]  # fmt: skip
    half = int(kept[-1].sum())
    shape = {"type": "rect", "x0": -1.5, "x1": 3.0 * half - 1.5, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}
    parts = frame.attrs["library"].split("\n")
    parts = [p if len(p) < 34 else p[:31] + "..." for p in parts if p][-3:]
    told = ["<b>Library</b>: new words,", "steps that many share", *(parts or ["none yet"]), ""]
    told += ["The programs kept are", f"{bits[-1, 0]:.0f} bits long, spelled out,"]
    told += [f"and {bits[-1, 1]:.0f} with the library."]
    ranked = [f"{v:.0%}" for v in now[order]]
    fate = [("kept for the next generation", 0, BLUE), ("thrown out", half, SOFT)] if half else []
    corner = {"xanchor": "left", "yanchor": "top", "align": "left"}
    last = values_of(frame)["generations"]
    whole = [0.5, max(last, len(generation)) + 0.5]
    layout = {
        "height": 600,
        "xaxis": HIDDEN | {"domain": [0, 1], "anchor": "y", "range": [-1.8, 3.0 * size - 1.2]},
        "yaxis": HIDDEN | {"domain": [0.68, 0.96], "anchor": "x", "range": [-2.3, 1.6]},
        "xaxis2": axis(frame.generation, domain=[0, 0.6], anchor="y2", dtick=1, range=whole),
        "yaxis2": axis("accuracy", domain=[0, 0.56], anchor="x2", tickformat=".0%", range=[low - 0.04, 1]),
        "shapes": [shape | {"fillcolor": SHADE, "line": {"width": 0}, "layer": "below"}] * (half > 0)
        + [vertical(last, GREEN, "solid", axes="2", width=2)],
        "meta": {"hands": [hand(last, None, across="generations", axes="2", color=GREEN)]},
        "annotations": [
            *(label(3.0 * k, -1.45, text, SOFT, yanchor="top") for k, text in enumerate(ranked)),
            *(label(3.0 * at - 1.4, 1, text, color, yref="y domain", xanchor="left", yanchor="bottom")
              for text, at, color in fate if at < size),
            note(0, 1.02, f"<span style='color:{BLUE}'>training rows (thick: of those kept)</span> &nbsp; "
                 f"<span style='color:{RED}'>new rows</span>", SOFT, axes="2", xanchor="left", yanchor="bottom"),
            label(last, 1, "drag: go on", GREEN, axes="2", yref="y2 domain", xanchor="right", xshift=-6, yanchor="top"),
            label(1.03, 1, "<br>".join(told), GREEN, xref="x2 domain", yref="y2 domain", **corner),
        ],
    }  # fmt: skip
    words = f"Generation {generation[-1]}: {size} programs, each has written a graph. The better half is kept."
    more = "Below each, how much of its training it gets right. Blue: good on new rows."
    return {"data": data, "layout": headline(layout, words, more)}


def _program(text: str) -> Program:
    """A program from its text, as `shown` writes it."""
    words = re.findall(r"\w+|[(),]", text)

    def steps(at: int) -> tuple[Program, int]:
        out: list = []
        while at < len(words) and words[at] not in "),":
            word, at = words[at], at + 1
            if words[at : at + 1] == ["("]:
                parts = []
                while words[at] != ")":
                    part, at = steps(at + 1)
                    parts.append(part)
                at += 1
                out.append((word, *parts))
            else:
                out.append(word)
        return tuple(out), at

    return steps(0)[0]


def _small_graphs(programs: list[str]) -> list[dict[str, Any]]:
    """The graph of each program as a small picture, side by side at 0, 1, ... of the axes x3 and y3."""
    nodes, starts, ends = [], [], []
    for column, text in enumerate(programs):
        graph = draw_graph(_program(text), 3, {})
        turn = np.pi / 2 - 2 * np.pi * np.arange(len(graph.nodes)) / len(graph.nodes)
        at = np.stack([column + 0.3 * np.cos(turn), np.sin(turn)], 1)
        nodes.append(at)
        starts += [at[a] for a, _ in graph.ends]
        ends += [at[b] for _, b in graph.ends]
    return [
        curve(*segments(np.array(starts).reshape(-1, 2), np.array(ends).reshape(-1, 2)), "edges", BLUE, axes="3",
              hoverinfo="skip", line={"color": BLUE, "width": 1.5}),
        curve(*np.concatenate(nodes).T, "nodes", BLUE, axes="3", mode="markers", hoverinfo="skip",
              marker={"size": 6, "color": BLUE}),
    ]  # fmt: skip


def graph_choice(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of every graph, worst first, each dot a repetition; beside it the graphs that no program wrote.

    Each graph is drawn below its dots.
    """
    scores, base = frame.test.values, frame.base.values
    order = np.argsort(scores.mean(1), kind="stable")
    place, repeats = np.arange(len(order)), scores.shape[1]
    names = ["no graph:<br>linear head", "one<br>node", "complete<br>graph", "random<br>graph"]
    everything = np.r_[scores.ravel(), base.ravel()]
    # from the worst to the best repetition of each graph
    reach_of = [np.stack([p, f(v)], 1) for p, v in ((place, scores[order]), (np.arange(4), base)) for f in (
        lambda v: v.min(1), lambda v: v.max(1))]  # fmt: skip
    programs = frame.attrs["programs"].split("\n")
    data = [
        curve(*segments(reach_of[0], reach_of[1]), "repetitions", SKY, opacity=0.5, hoverinfo="skip",
              line={"color": SKY, "width": 5}),
        curve(*segments(reach_of[2], reach_of[3]), "repetitions", ORANGE, axes="2", opacity=0.4, hoverinfo="skip",
              line={"color": ORANGE, "width": 5}),
        curve(np.repeat(place, repeats), scores[order].ravel(), "repetition", SKY, mode="markers",
              marker={"size": 7, "color": SKY}),
        curve(place, scores[order].mean(1), "mean of a graph", BLUE, pin=True, mode="lines+markers"),
        curve(np.repeat(np.arange(4), repeats), base.ravel(), "repetition", ORANGE, axes="2", mode="markers",
              marker={"size": 7, "color": ORANGE, "opacity": 0.6}),
        curve(np.arange(4), base.mean(1), "mean", ORANGE, axes="2", mode="markers",
              marker={"size": 14, "symbol": "line-ew-open", "color": ORANGE, "line": {"width": 3}}),
        *_small_graphs([programs[i] for i in order]),
    ]  # fmt: skip
    low, high = base[0].min(), base[0].max()
    mean, own = scores.mean(1), np.ptp(scores, 1).mean()
    ratio = float(frame.F)
    verdict = "more than luck" if ratio >= 2 else "no more than luck"
    band = {"type": "rect", "xref": "x domain", "x0": 0, "x1": 1, "y0": low, "y1": high, "layer": "below"}
    reach = [everything.min() - 0.03, everything.max() + 0.05]
    stops = np.arange(4, 17)
    last = values_of(frame)["programs"] - 0.5  # the line stands behind the last graph
    wide = [-0.7, last + 0.7]
    layout = {
        "height": 500,
        "xaxis": axis("", domain=[0, 0.58], anchor="y", showticklabels=False, range=wide, showgrid=False),
        "yaxis": axis(frame.test, domain=[0.22, 1], tickformat=".0%", range=reach),
        "xaxis3": axis("graphs written by programs, worst first", domain=[0, 0.58], anchor="y3", range=wide, **BARE),
        "yaxis3": axis("", domain=[0, 0.16], anchor="x3", range=[-1.4, 1.4], **BARE),
        "xaxis2": axis("", domain=[0.64, 1], anchor="y2", tickvals=[0, 1, 2, 3], ticktext=names, range=[-0.5, 3.5]),
        "yaxis2": axis("", domain=[0.22, 1], anchor="x2", range=reach, showticklabels=False),
        "shapes": [
            band | {"fillcolor": "rgba(230,159,0,0.16)", "line": {"width": 0}},
            vertical(last, GREEN, "solid", width=2),
        ],
        "meta": {"hands": [hand(last, None, across=scale("programs", stops - 0.5, stops), color=GREEN)]},
        "annotations": [
            label(0.02, high, "repetitions of the linear head", ORANGE, xref="x domain", xanchor="left",
                  yanchor="bottom"),
            note(0.02, 0.02, f"F = {ratio:.2f} (from 2 on the graphs differ clearly)", INK, xanchor="left",
                 yanchor="bottom"),
            note(1, 1.01, "drag the line: more graphs", GREEN, xanchor="right", yanchor="bottom"),
            note(0, 1.01, "<b>not written by a program</b>", INK, axes="2", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    between = f"Between the worst graph and the best: {100 * np.ptp(mean):.0f} points (line)."
    within = f"Of one graph, between repetitions: {100 * own:.0f} points (bars)."
    return {"data": data, "layout": headline(layout, between, within, f"So the graph matters {verdict}.")}
