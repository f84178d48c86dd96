"""Pictures of `neural_lambda`: what is learned first, and a program that the model runs beside the true run."""

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
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    label,
    note,
    segments,
    values_of,
    vertical,
)

from .lambda_terms import Term, leftmost_redex, parse, unnamed

CARD = ("execution", "x3y3")


def learning(frame: xr.Dataset) -> dict[str, Any]:
    """Right answers while it trains, by the uses of the argument; by size and uses; and executions that arrive."""
    t, uses = frame.time.values, frame.uses.values
    mean, alike = frame.exact.mean("repeat").values, frame.similarity.mean("repeat").values
    dropped = float(frame.baseline.sel(rule="drop the argument"))
    end = float(t[-1])
    span = max(end, 1.0)
    data = [
        curve([0, span], [dropped] * 2, "rule", SOFT, line={"color": SOFT, "width": 1.5, "dash": "dash"}),
        curve(t, alike, "similarity of the tokens", SOFT, line={"color": SOFT, "width": 1.5}),
        *(
            curve(t, y, f"argument used {name}", color, line={"color": color, "width": 2})
            for y, name, color in zip(frame.exact_by_uses.values, uses, (BLUE, ORANGE, RED), strict=True)
        ),
        curve(t, mean, "all held-out terms", INK, pin=True, line={"color": INK, "width": 4}),
        {
            "type": "heatmap",
            "x": uses,
            "y": frame["size"].values,
            "z": np.where(frame.grid_count > 0, frame.grid, np.nan),
            "text": [[f"{p:.0%} of {n}" if n else "" for p, n in zip(*row, strict=True)]
                     for row in zip(frame.grid.values, frame.grid_count.values, strict=True)],
            "texttemplate": "%{text}",
            "textfont": {"size": 11},
            "colorscale": "Cividis",
            "zmin": 0,
            "zmax": 1,
            "showscale": False,
            "xaxis": "x2",
            "yaxis": "y2",
            "hovertemplate": "argument used %{x}, %{y} tokens: %{text}<extra></extra>",
        },
        {
            "type": "bar",
            "x": frame.depth.values,
            "y": frame.finished.values,
            "name": "runs that arrive",
            "marker": {"color": BLUE},
            "width": 0.5,
            "xaxis": "x3",
            "yaxis": "y3",
            "showlegend": False,
        },
        curve(
            frame.depth.values,
            frame.power.values,
            "expected",
            ORANGE,
            axes="3",
            mode="markers",
            marker={"symbol": "line-ew", "size": 34, "line": {"color": ORANGE, "width": 4}},
        ),
    ]  # fmt: skip
    colors = (BLUE, ORANGE, RED)
    words = ["thrown away", "moved", "copied"]  # of an argument that is used never, once, and more often
    ends = [(y[-1], w, c) for y, w, c in zip(frame.exact_by_uses.values, words, colors, strict=True)]
    ends += [(mean[-1], f"all: {mean[-1]:.0%}", INK), (alike[-1], "tokens alike", SOFT)]
    ends += [(dropped, "always thrown", SOFT)]
    ends.sort(key=lambda e: e[0])
    last = values_of(frame)["steps"]
    counts = [f"{name} ({n})" for name, n in zip(frame.depth.values, frame.depth_count.values, strict=True)]
    layout = {
        "height": 540,
        "xaxis": axis(frame.time, domain=[0, 0.52], anchor="y", range=[0, 1.42 * last]),
        "shapes": [vertical(last, GREEN, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="steps", color=GREEN)]},
        "yaxis": axis(frame.exact, range=[0, 1.04], tickformat=".0%"),
        "xaxis2": axis("uses of the argument in step 1", domain=[0.62, 1], anchor="y2", type="category"),
        "yaxis2": axis(frame["size"], domain=[0.58, 1], anchor="x2", dtick=1),
        "xaxis3": axis(
            "steps of the program (terms)", domain=[0.62, 1], anchor="y3", type="category",
            tickvals=frame.depth.values, ticktext=counts,
        ),
        "yaxis3": axis("runs that arrive", domain=[0, 0.36], anchor="x3", range=[0, 1.1], tickformat=".0%", nticks=4),
        "annotations": [
            *(
                label(t[-1], y, text, color, xanchor="left", xshift=4)
                for y, (_, text, color) in zip(apart([e for e, _, _ in ends], 0.05, 1.02), ends, strict=True)
            ),
            label(last, 1, "drag: train longer", GREEN, yref="y domain", yanchor="bottom"),
            note(0, 1, "orange: expected from single steps", ORANGE, axes="3", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    never, once, more = frame.exact_by_uses.values[:, -1]
    told = "A step of a program throws its argument away, moves it, or copies it."
    score = f"Right after {int(end)} steps: thrown away {never:.0%}, moved {once:.0%}, copied {more:.0%}."
    return {"data": data, "layout": headline(layout, told, score)}


def _drawing(term: Term, text: list[str]) -> tuple[list[list], list[tuple], list[tuple], set[int]]:
    """Nodes [x, y, text, number of the token], edges and binding arcs as pairs of nodes, and the nodes of the redex."""
    nodes: list[list] = []
    edges: list[tuple] = []
    arcs: list[tuple] = []
    width = 0

    def walk(term: Term, token: int, depth: int, binders: tuple[int, ...]) -> tuple[int, int]:
        """The node of this term, and the token after it."""
        nonlocal width
        me = len(nodes)
        nodes.append([0.0, -float(depth), text[token], token])
        if isinstance(term, int):
            nodes[me][0] = float(width)
            width += 1
            arcs.append((me, binders[term]))
            return me, token + 1
        if term[0] == "L":
            named = not text[token + 1].isdigit() and text[token + 1] not in ("L", "@")
            nodes[me][2] = "λ" + (text[token + 1] if named else "")
            child, after = walk(term[1], token + 1 + named, depth + 1, (me, *binders))
            nodes[me][0] = nodes[child][0]
            edges.append((me, child))
            return me, after
        first, after = walk(term[1], token + 1, depth + 1, binders)
        second, after = walk(term[2], after, depth + 1, binders)
        nodes[me][0] = (nodes[first][0] + nodes[second][0]) / 2
        edges.extend([(me, first), (me, second)])
        return me, after

    walk(term, 0, 0, ())
    redex = set()
    if found := leftmost_redex(term):  # counts the tokens without names, which is the order of the nodes
        redex = {found[0], found[0] + 1}
    return nodes, edges, arcs, redex


def execution(frame: xr.Dataset) -> dict[str, Any]:
    """The true run and the model's, term by term; the term that is read as a tree; and where the model looks."""
    look, right = frame.attrs["look"], frame.right.values.astype(bool)
    rows, slots = frame.row.values, frame.slot.values
    true, said = frame.true.values.astype(str), frame.answer.values.astype(str)
    here = [s for s in said[look] if s]
    term = (
        parse([int(s) if s.isdigit() else s for s in here]) if frame.attrs["notation"] == "de Bruijn" else unnamed(here)
    )
    data = [_tokens(true, np.full(true.shape, 0.9), "", rows), _tokens(said, frame.sure.values, "2", rows)]
    notes = [
        note(0, 1, "the true run, a row a step", INK, xanchor="left", yanchor="bottom"),
        note(0, 1, "the model's run, greener where sure; click a row", INK, axes="2", xanchor="left", yanchor="bottom"),
    ]
    shown = [row for row in rows if said[row][0]]
    first_wrong = next((row for row in shown if not right[row]), None)
    for row in shown[1:]:
        mark, color = ("✓", GREEN) if right[row] else ("✗", RED)
        notes.append(
            label(len(slots) - 0.4, row, mark, color, axes="2", xanchor="left", font={"color": color, "size": 18})
        )
    shapes = [
        {"type": "rect", "x0": -0.5, "x1": len(slots) - 0.5, "y0": look - 0.5, "y1": look + 0.5, "xref": "x2",
         "yref": "y2", "line": {"color": ORANGE, "width": 3}},
    ]  # fmt: skip
    if first_wrong is not None and first_wrong != look:
        shapes.append(
            shapes[0] | {"y0": first_wrong - 0.5, "y1": first_wrong + 0.5, "line": {"color": RED, "width": 3}}
        )
    if term is not None:
        nodes, edges, arcs, redex = _drawing(term, here)
        data += _tree(nodes, edges, arcs, redex)
        deepest, widest = min(n[1] for n in nodes), max(n[0] for n in nodes)
    else:
        deepest, widest = -1.0, 1.0
        notes.append(label(0.5, -0.5, "this answer is no term", RED, axes="3"))
    tokens = ["λ" if s == "L" else s for s in here]
    answer = ["λ" if s == "L" else s for s in said[look + 1] if s] if look + 1 < len(said) else []
    attention = frame.attention.mean("head").values[-1][: len(answer), : len(here)]
    data.append(
        {
            "type": "heatmap", "z": attention if attention.size else np.zeros((1, 1)), "xaxis": "x4", "yaxis": "y4",
            "colorscale": [[0, PAPER], [1, BLUE]], "zmin": 0, "showscale": False, "xgap": 1, "ygap": 1,
            "hovertemplate": "sign %{y} reads sign %{x}: %{z:.2f}<extra></extra>",
        }
    )  # fmt: skip
    plain = {"showgrid": False, "zeroline": False}
    down = {"autorange": False, "range": [len(rows) - 0.5, -0.5], "dtick": 1}
    layout = {
        "height": 560,
        "xaxis": axis("the term, sign by sign", domain=[0, 0.46], anchor="y", showticklabels=False, **plain),
        "yaxis": axis("step", domain=[0.62, 1], anchor="x", **down, **plain),
        "xaxis2": axis("the term, sign by sign", domain=[0.53, 0.97], anchor="y2", showticklabels=False, **plain),
        "yaxis2": axis("step", domain=[0.62, 1], anchor="x2", **down, **plain),
        "xaxis3": axis("the term in the orange frame", domain=[0, 0.46], anchor="y3", showticklabels=False,
                       range=[-0.7, widest + 0.9], **plain),
        "yaxis3": axis("", domain=[0, 0.46], anchor="x3", showticklabels=False, range=[deepest - 0.6, 0.6], **plain),
        "xaxis4": axis("sign of the term that is read", domain=[0.6, 0.97], anchor="y4", side="bottom",
                       tickvals=list(range(len(here))), ticktext=tokens, **plain),
        "yaxis4": axis("sign that is written", domain=[0.04, 0.44], anchor="x4", autorange="reversed",
                       tickvals=list(range(len(answer))), ticktext=answer, **plain),
        "annotations": [
            *notes,
            note(0, 1, "orange: where the next step works<br>blue: its argument; dotted: a number and its λ", SOFT,
                 axes="3", xanchor="left", yanchor="bottom", align="left"),
            note(0, 1, "the bluer, the more it is read for that sign", SOFT, axes="4", xanchor="left",
                 yanchor="bottom"),
        ],
        "shapes": shapes,
    }  # fmt: skip
    told = "A program is rewritten step by step, until nothing is left to do."
    made = int(right[shown[1:]].sum()) if len(shown) > 1 else 0
    more = f"The model reads its own last row and writes the next: {made} of {len(shown) - 1} rows are right."
    return {"data": data, "layout": headline(layout, told, more)}


def _tokens(texts: np.ndarray, sure: np.ndarray, axes: str, rows: np.ndarray) -> dict:
    """A table of tokens, one row a step."""
    pretty = np.where(texts == "L", "λ", texts)
    return {
        "type": "heatmap",
        "y": rows,
        "z": np.where(texts == "", np.nan, sure),
        "text": pretty.tolist(),
        "texttemplate": "%{text}",
        "textfont": {"size": 14, "color": "#1f2328"},
        "colorscale": [[0, "#f2b8a0"], [0.5, "#f6eccb"], [1, "#bfe3d3"]],
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 4,
        "showscale": False,
        "xaxis": f"x{axes}",
        "yaxis": f"y{axes}",
        "meta": {"click": {"y": "look"}},
        "hovertemplate": "step %{y}, token %{x}: %{text}<extra></extra>"
        if not axes
        else "step %{y}, token %{x}: %{text}, probability %{z:.2f}<extra></extra>",
    }


def _tree(nodes: list[list], edges: list[tuple], arcs: list[tuple], redex: set[int]) -> list[dict]:
    at = np.array([n[:2] for n in nodes])
    children: dict[int, list[int]] = {}
    for a, b in edges:
        children.setdefault(a, []).append(b)
    argument, waiting = set(), [children[min(redex)][1]] if redex else []
    while waiting:
        node = waiting.pop()
        argument.add(node)
        waiting += children.get(node, [])

    def lines(pairs: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
        a, b = np.array(pairs, int).reshape(-1, 2).T
        return segments(at[a], at[b])

    s = np.linspace(0, 1, 15)
    bows = []
    for leaf, binder in arcs:
        (x0, y0), (x1, y1) = at[leaf], at[binder]
        bow = 0.35 + 0.12 * abs(y1 - y0)
        bows.append((x0 + (x1 - x0) * s + 4 * bow * s * (1 - s), y0 + (y1 - y0) * s))
    hot = [(a, b) for a, b in edges if redex >= {a, b}]
    colors = [ORANGE if i in redex else BLUE if i in argument else SOFT for i in range(len(nodes))]
    gap = [np.nan]
    traces = [
        curve(*lines(edges), "term", GRID, axes="3", line={"color": SOFT, "width": 1.5}, hoverinfo="skip"),
        curve(
            np.concatenate([v for x, _ in bows for v in (x, gap)]),
            np.concatenate([v for _, y in bows for v in (y, gap)]),
            "binding",
            PURPLE,
            axes="3",
            line={"color": PURPLE, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        ),
        curve(*lines(hot), "redex", ORANGE, axes="3", line={"color": ORANGE, "width": 7}, hoverinfo="skip"),
        curve(
            at[:, 0],
            at[:, 1],
            "term",
            SOFT,
            axes="3",
            mode="markers+text",
            text=[n[2] for n in nodes],
            textfont={"color": "white", "size": 13},
            marker={"size": 26, "color": colors},
            hoverinfo="skip",
        ),
    ]
    return traces
