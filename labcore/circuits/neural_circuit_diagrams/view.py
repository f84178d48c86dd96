"""Pictures of `neural_circuit_diagrams`: the drawing over its cost, how the cost grows, pictures of equal meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy
import xarray as xr

from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import Diagram, unfolded
from labcore.diagrams.cost import cost
from labcore.diagrams.drawing import layout
from labcore.diagrams.scene import DOUBLE, Mark, Scene
from labcore.diagrams.text import parse
from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    RED,
    SHADE,
    SKY,
    SOFT,
    axis,
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

from . import experiments

CARD = ("diagram", "xy")

_PAGE = 1000.0  # pixels, about the width of a figure
_BARE = BARE | {"showline": False}


def _paths(ways: Iterable[tuple[tuple[float, float], ...]], close: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Many ways as one curve with gaps."""
    points = [p for way in ways for p in (*way, *way[: int(close)], (np.nan, np.nan))]
    return tuple(np.array(points).reshape(-1, 2).T)


def _drawing(scene: Scene, scale: float) -> list[dict[str, Any]]:
    """The scene as five traces: lines, dashes, filled shapes, dots and arrow heads, words."""
    open_kinds, solid = ("cap", "cup", "arc", "triangle"), ("dot", "arrow")
    halves = [tuple((x, y + s) for x, y in w.points) for w in scene.wires if w.double for s in (-DOUBLE, DOUBLE)]
    lines = [*halves, *(w.points for w in scene.wires if not w.scalar and not w.double)] + [
        m.points for m in scene.marks if m.kind in ("cap", "cup", "arc")
    ]
    turn = np.linspace(0, 2 * np.pi, 25)
    lines += [
        tuple((m.points[0][0] + m.r * np.cos(t), m.points[0][1] + m.r * np.sin(t)) for t in turn)
        for m in scene.marks
        if m.kind == "circle"
    ]
    lines += [(*m.points, m.points[0]) for m in scene.marks if m.kind == "triangle"]
    dashed = [d.points for d in scene.dashes] + [w.points for w in scene.wires if w.scalar]
    shapes = [m.points for m in scene.marks if len(m.points) > 3 and m.kind not in (*open_kinds, *solid)]
    bars = [
        ((x0 - 2, y0), (x0 + 2, y0), (x0 + 2, y1), (x0 - 2, y1))
        for m in scene.marks
        if m.kind == "bar"
        for (x0, y0), (_, y1) in [m.points]
    ]
    spots = [m for m in scene.marks if m.kind == "dot" or (m.kind == "arrow" and scale > 0.6)]
    quiet = {"hoverinfo": "skip"}
    return [
        curve(
            *_paths(shapes + bars, True),
            "boxes",
            INK,
            fill="toself",
            fillcolor=SHADE,
            line={"color": INK, "width": 1},
            **quiet,
        ),
        curve(*_paths(lines), "axes", INK, line={"color": INK, "width": 1.4, "simplify": False}, **quiet),
        curve(
            *_paths(dashed),
            "between arrays",
            SOFT,
            line={"color": SOFT, "width": 1.4, "dash": "6px,5px", "simplify": False},
            **quiet,
        ),
        curve(
            np.array([np.mean([x for x, _ in m.points]) for m in spots]),
            np.array([np.mean([y for _, y in m.points]) for m in spots]),
            "copies and joins",
            INK,
            mode="markers",
            marker={
                "color": INK,
                "size": [(7 if m.kind == "dot" else 8) * max(scale, 0.7) for m in spots],
                "symbol": ["circle" if m.kind == "dot" else "triangle-right" for m in spots],
            },
            **quiet,
        ),
        _words(scene, scale),
    ]


def _words(scene: Scene, scale: float) -> dict[str, Any]:
    """Names of axes with their sizes, and the letters in and beside boxes."""
    shown, last = [], {}
    for t in sorted(scene.labels, key=lambda t: t.x):  # on a long diagram, only what has room
        if (t.x - last.get(t.y, -np.inf)) * scale > 45:
            shown.append(t)
            last[t.y] = t.x
    sizes = [14.0] * len(shown)
    x, y = [t.x for t in shown], [t.y - 5 for t in shown]
    text = [f"<i>{t.axis}</i> <sub>{t.size}</sub>" for t in shown]
    hover = [f"axis {t.axis}, size {t.size or t.axis}" for t in shown]
    for mark in scene.marks:
        if not mark.text.strip() and mark.kind != "trapezoid":
            continue
        (left, top), (right, low) = np.min(mark.points, 0), np.max(mark.points, 0)
        x.append((left + right) / 2)
        y.append((top + low) / 2)
        text.append(_word(mark))
        hover.append(_meaning(mark))
        sizes.append(19.0 if mark.kind == "letter" else 12.5)
    return {
        **curve(
            np.array(x),
            np.array(y),
            "names",
            INK,
            mode="text",
            text=text,
            hovertext=hover,
            hoverinfo="text",
            cliponaxis=False,
        ),
        "textfont": {"color": INK, "size": [max(size * min(scale, 1.0), 9) for size in sizes]},
    }


def _word(mark: Mark) -> str:
    if mark.kind == "trapezoid":
        return f"★<br>{mark.text}{mark.sup}"
    sup = f"<sup>{mark.sup}</sup>" if mark.sup else ""
    sub = f"<sub>{mark.sub}</sub>" if mark.sub else ""
    return f"<b>{mark.text}{sup}{sub}</b>" if mark.kind == "letter" else f"{mark.text}{sup}"


def _meaning(mark: Mark) -> str:
    if mark.kind == "trapezoid":
        return "convolution tensor" + (", /: stride, d: dilation, p: padding" if mark.text.strip() else "")
    if mark.kind == "letter" and mark.text == "L":
        return f"learned linear map {mark.sup}" + (" with bias" if mark.sub else "")
    return f"learned numbers {mark.sup}" if mark.kind == "letter" else mark.text


def _places(diagram: Diagram, scene: Scene) -> np.ndarray:
    """Where each cut of the diagram with all blocks opened stands; those inside a folded block share its width."""
    outer = np.array([x for column in scene.columns for path, _, x in column.cuts if path == ""])
    inner = [sum(1 for _ in unfolded(Diagram(layer.box.dom, (_at_top(layer),)))) for layer in diagram.layers]
    found = [outer[:1]]
    for a, b, n in zip(outer[:-1], outer[1:], inner, strict=True):
        found.append(a + (b - a) * np.arange(1, n + 1) / n)
    return np.concatenate(found)


def _at_top(layer: Any) -> Any:
    return type(layer)(0, layer.box)


_OPERATIONS = {"SoftMax": "softmax", "Diag": "join", "Elementwise": "map", "SwapArrays": "swap"}
_WORDS = {"y": "queries", "x": "keys", "k": "numbers a key", "v": "numbers a value", "h": "heads", "m": "model width"}
_AXES = (("y", "queries y"), ("x", "keys x"), ("k", "size k"), ("h", "heads h"))
_WIRES = {
    arch: [(wire, _WORDS[wire]) for wire in wires]
    for arch, wires in (("attention", "yxkv"), ("linear_attention", "yxkv"), ("multihead", "yxhkm"))
}


# a long diagram has no room for a name under each bar
_NAMED = 16


def _laws(text: str) -> tuple[dict[str, int], list[sympy.Expr]]:
    """The sizes that a diagram declares, and the numbers at each of its cuts as an expression in their names.

    None of a diagram with windows: their sizes have to fit one another.
    """
    if "star" in text:
        return {}, []
    sizes = {name: int(size) for name, size in re.findall(r"([\w']+)=(\d+)", text.split(")")[0])}
    table = cost(parse(text, **{name: symbol(name) for name in sizes}))
    return sizes, [sympy.expand(n) for n in table.live]


def _arrays(law: sympy.Expr, sizes: dict[str, int]) -> str:
    """The arrays that are held at a cut, the largest first: the sizes of their wires, one array a line."""
    given = [(symbol(name), size) for name, size in sizes.items()]
    terms = sorted(sympy.Add.make_args(law), key=lambda term: -int(term.subs(given)))
    return "<br>+ ".join(str(term).replace("**2", "²").replace("*", "·") for term in terms)


def _operations(names: list[str], macs: np.ndarray) -> list[str]:
    """A word for each operation. A contraction that is fused with its scale stands where its work is counted."""
    words = [_OPERATIONS.get(name, name.lower()) for name in names]
    for n in range(1, len(names)):
        if names[n - 1 : n + 1] == ["Contract", "Scale"] and macs[n] and not macs[n - 1]:
            words[n - 1 : n + 1] = ["", "contract<br>and scale"]
    return words


def _pull(law: sympy.Expr, sizes: dict[str, int]) -> tuple[str, dict[str, Any]] | None:
    """The first free size that this bar grows with, and its scale along the bar; None where it grows with none."""
    for name in ("x", "m", "h", "k"):
        p, own = experiments.diagram.parameters[name], symbol(name)
        if name not in sizes or own not in law.free_symbols:
            continue
        values = np.arange(int(p.low), int(p.high) + 1)
        alone = law.subs([(symbol(other), size) for other, size in sizes.items() if other != name])
        places = np.array([float(alone.subs(own, int(n))) for n in values])
        if (np.diff(places) > 0).all():
            return name, scale(name, places, values)
    return None


def diagram(frame: xr.Dataset) -> dict[str, Any]:
    """The drawing, and under it the numbers in memory at each cut and the multiply-adds of each operation.

    Under each bar of memory stand the arrays that it counts, under each bar of work its operation. The highest bar of
    memory is dragged by a size that it grows with.
    """
    drawn = parse(frame.attrs["text"])
    scene = layout(drawn, "all")
    wide = _PAGE / max(scene.width, 700)
    place = _places(drawn, scene)
    live, macs = frame.live.values.astype(int), frame.macs.values.astype(int)
    middle, width = (place[1:] + place[:-1]) / 2, np.diff(place)
    top, most = int(live.argmax()), int(macs.argmax())
    sizes, laws = _laws(frame.attrs["text"])
    named = len(live) <= _NAMED
    arrays = [_arrays(law, sizes) for law in laws] if named else []
    lines = max((text.count("<br>") + 1 for text in arrays), default=0)
    tall, low = scene.height * max(wide, 0.72), 130  # a long diagram is drawn taller, so that names have room
    total = tall + 2 * low + 110 + 15 * lines
    share = [v / (total - 70) for v in (tall, low)]
    data = _drawing(scene, wide) + [
        {
            "type": "bar",
            "x": place,
            "y": live,
            "name": "numbers in memory",
            "xaxis": "x2",
            "yaxis": "y2",
            "width": np.full(len(place), 14 / wide),
            "marker": {"color": [BLUE if n == top else SKY for n in range(len(live))]},
            "showlegend": False,
            "hovertemplate": "%{y:,} numbers in memory<extra></extra>",
        },
        curve(
            place,
            live,
            "numbers in memory",
            BLUE,
            axes="2",
            pin=True,
            hoverinfo="skip",
            line={"color": BLUE, "width": 1},
        ),
        {
            "type": "bar",
            "x": middle,
            "y": macs,
            "name": "multiply-adds",
            "xaxis": "x",
            "yaxis": "y3",
            "width": 0.7 * width,
            "marker": {"color": ORANGE},
            "showlegend": False,
            "customdata": frame.operation.values.astype(str),
            "hovertemplate": "%{customdata}: %{y:,} multiply-adds<extra></extra>",
        },
    ]
    gap = (1 - share[0] - 2 * share[1]) / 2
    reach = [-0.01 * scene.width, 1.02 * scene.width]
    ticks = {"ticks": "", "showgrid": False, "zeroline": False, "showline": False, "tickfont": {"size": 11}}
    under = {"tickvals": place, "ticktext": arrays} if arrays else {"showticklabels": False}
    words = {"tickvals": middle, "ticktext": _operations(frame.operation.values.tolist(), macs)}
    pulled = _pull(laws[top], sizes) if laws else None
    free = None if pulled is None else experiments.diagram.parameters[pulled[0]].label
    told = f"most at once: {live[top]:,}" + (f"<br>drag me: {free}" if free else "")
    figure = {
        "height": int(total),
        "bargap": 0,
        "xaxis": axis(
            "operations, from left to right", range=reach, anchor="y3", **ticks,
            **(words if named else {"showticklabels": False}),
        ),
        "xaxis2": axis("", range=reach, anchor="y2", matches="x", **ticks, **under),
        "yaxis": axis("", range=[scene.height, 0], domain=[1 - share[0], 1], **_BARE),
        "yaxis2": axis(frame.live, domain=[share[1] + 1.3 * gap, 2 * share[1] + 1.3 * gap], nticks=4, anchor="x2"),
        "yaxis3": axis(frame.macs, domain=[0, share[1]], rangemode="tozero", nticks=4),
        "shapes": [
            vertical(place[top], RED, "dot", width=1)
            | {"y1": 1, "y0": share[1] + 1.3 * gap, "yref": "paper", "opacity": 0.5}
        ],
        "meta": {"hands": [hand(place[top], live[top], up=pulled[1], axes="2", color=BLUE)] if pulled else []},
        "annotations": [
            label(
                place[top],
                live[top],
                told,
                RED,
                axes="2",
                yanchor="bottom",
                yshift=20,  # above the ring of the hand
                **_side(place[top], scene),
            ),
            label(
                middle[most],
                macs[most],
                f"most work: {macs[most]:,}",
                ORANGE,
                yref="y3",
                yanchor="bottom",
                **_side(middle[most], scene),
            ),
        ],
    }  # fmt: skip
    if wide < 0.45:
        told = "a long diagram: drag over a part of it to come closer"
        figure["annotations"].append(
            label(0, 1, told, SOFT, xref="paper", yref="paper", xanchor="left", yanchor="bottom")
        )
    names = _WIRES.get(values_of(frame)["arch"])
    if names:
        told = ", ".join(f"<i>{wire}</i> {word}" for wire, word in names)
        figure = headline(
            figure,
            f"Each wire is an axis: {told}.",
            "Blue: the numbers in memory. Under each bar, its arrays: wire times wire.",
        )
    for name in ("yaxis2", "yaxis3"):  # small panels
        figure[name]["title"]["font"] = {"size": 13}
    figure["yaxis2"]["range"] = [0, 1.8 * max(live.max(), 1)]
    figure["yaxis3"]["range"] = [0, 1.3 * max(macs.max(), 1)]
    return {"data": data, "layout": figure}


def scaling(frame: xr.Dataset) -> dict[str, Any]:
    """Memory and work against the length of the sequence: lines are read off diagrams, dots counted by torch."""
    x, colors = frame.x.values, {"attention": RED, "linear_attention": BLUE}
    names = {"attention": "softmax attention", "linear_attention": "linear attention"}
    data, notes = [], []
    slopes = {"attention": frame.attrs["slope_attention"], "linear_attention": frame.attrs["slope_linear"]}
    for model, color in colors.items():
        row = frame.sel(model=model)
        peak, macs = row.peak.values, row.macs.values
        data.append(curve(x, peak, f"memory, {names[model]}", color, pin=True))
        data.append(curve(x, macs, f"multiply-adds, {names[model]}", color, axes="2", pin=True))
        dots = {"mode": "markers", "marker": {"color": color, "size": 9, "symbol": "circle-open", "line": {"width": 2}}}
        data.append(curve(x, row.flops.values / 2, f"counted, {names[model]}", color, axes="2", **dots))
        grow = f"{names[model]}<br>length to the<br>power {slopes[model]:.2f}"
        up = {"yanchor": "bottom"} if model == "attention" else {"yanchor": "top"}
        n = len(x) // 2
        shift = {"xshift": -8 if model == "attention" else 8, "xanchor": "right" if model == "attention" else "left"}
        notes.append(label(np.log10(x[n]), np.log10(peak[n]), grow, color, **up, **shift))
        notes.append(label(np.log10(x[n]), np.log10(macs[n]), names[model], color, axes="2", **up, **shift))
    notes.append(
        note(
            0.97,
            0.04,
            "line: read off the diagram<br>dots: counted by torch",
            SOFT,
            axes="2",
            xanchor="right",
            yanchor="bottom",
            align="right",
        )
    )
    k, far = values_of(frame)["k"], float(frame.peak.sel(model="linear_attention")[-1])
    keys = np.arange(1, 65)  # the memory of linear attention grows with them in a straight line
    told = {"xref": "x domain", "xanchor": "right", "yanchor": "bottom", "yshift": 14}
    notes.append(label(1, np.log10(far), "drag me:<br>size of keys", BLUE, **told))
    ticks = [int(n) for n in 2 ** np.arange(6, 13) if x[0] <= n <= x[-1]]
    at = {"type": "log", "tickvals": ticks, "ticktext": [str(n) for n in ticks]}
    figure = {
        "height": 430,
        "xaxis": axis("length of the sequence", domain=[0, 0.44], anchor="y", **at),
        "yaxis": log_axis(frame.peak),
        "xaxis2": axis("length of the sequence", domain=[0.56, 1], anchor="y2", **at),
        "yaxis2": log_axis("multiply-adds", anchor="x2"),
        "meta": {"hands": [hand(x[-1], far, up=scale("k", far / k * keys, keys), color=BLUE)]},
        "annotations": notes,
    }
    return {"data": data, "layout": figure}


def readings(frame: xr.Dataset) -> dict[str, Any]:
    """The sizes of the four axes, to be dragged; how many functions one picture then means with and without names.

    Wires of one size have one colour and are joined: without names any of them may stand for another.
    """
    count = frame.functions.values.astype(int)
    apart, rank, values = frame.difference.values, frame.reading.values, values_of(frame)
    sizes = np.array([values[name] for name, _ in _AXES])
    shades = {2: GREEN, 3: BLUE, 4: ORANGE, 5: RED}
    colors = [shades[int(n)] for n in sizes]
    rows = range(len(_AXES))
    data = [
        *(
            curve(np.flatnonzero(sizes == n), sizes[sizes == n], f"size {n}", shades[n], axes="3", mode="lines",
                  hoverinfo="skip", line={"color": shades[n], "width": 4})
            for n in np.unique(sizes).tolist()
        ),
        curve(np.arange(len(_AXES)), sizes, "sizes", INK, axes="3", mode="markers", hoverinfo="skip",
              marker={"color": colors, "size": 20, "line": {"color": PAPER, "width": 2}}),
        {
            "type": "bar",
            "x": ["no names", "names"],
            "y": np.maximum(count, 1.15),  # one is zero on a log axis
            "marker": {"color": [RED, BLUE]},
            "width": [0.6, 0.6],
            "showlegend": False,
            "xaxis": "x2",
            "yaxis": "y2",
            "hoverinfo": "skip",
            "name": "functions",
        },
        curve(rank, 100 * apart, "each reading of the picture", RED, pin=True),
        curve(rank[:1], 100 * apart[:1], "what was meant", BLUE, mode="markers", marker={"color": BLUE, "size": 11}),
    ]  # fmt: skip
    figure = {
        "height": 420,
        "xaxis3": axis("axis (drag its dot)", domain=[0, 0.32], anchor="y3", range=[-0.5, 3.5], tickvals=[*rows],
                       ticktext=[word for _, word in _AXES], showgrid=False, zeroline=False),
        "yaxis3": axis("size of the axis", range=[1.6, 5.6], dtick=1, anchor="x3"),
        "xaxis2": axis("wires with", domain=[0.42, 0.6], anchor="y2"),
        "yaxis2": log_axis(frame.functions, range=[0, 4.4], anchor="x2"),
        "xaxis": axis("readings without names, sorted", domain=[0.71, 1], anchor="y", nticks=4),
        "yaxis": axis("off from what was meant (%)", rangemode="tozero"),
        "meta": {
            "hands": [
                hand(float(n), float(size), up=name, axes="3", color=color)
                for n, ((name, _), size, color) in enumerate(zip(_AXES, sizes, colors, strict=True))
            ]
        },
        "annotations": [
            label(n, np.log10(max(c, 1.15)), f"<b>{c:,}</b>", color, axes="2", yanchor="bottom", font={"size": 18})
            for n, (c, color) in enumerate(zip(count, (RED, BLUE), strict=True))
        ]
        + [label(rank[0], 100 * apart[0], "what was meant", BLUE, xanchor="left", yanchor="bottom", xshift=10)],
    }  # fmt: skip
    alike = [" ".join(n for (n, _), at in zip(_AXES, sizes, strict=True) if at == size) for size in np.unique(sizes)]
    mixed = [f"<i>{names}</i>" for names in alike if len(names) > 1]
    told = f"Wires of one size can be mixed up: {', or '.join(mixed)}." if mixed else "No two wires are of one size."
    many = f"Without names the same picture is {count[0]:,} function{'s' * int(count[0] > 1)}, with names {count[1]}."
    return {"data": data, "layout": headline(figure, told, many)}


_LAWS = {
    "yank": "a wire bent there and back is pulled straight",
    "bend": "a map on a bent wire goes round the bend",
    "slide": "boxes that share no wire change places",
    "reorder": "of two contractions the other one comes first",
    "fuse": "wires that meet in several steps meet in one",
}


def rewrite(frame: xr.Dataset) -> dict[str, Any]:
    """The drawing before and after a law; below, what their programs cost."""
    scenes = [layout(parse(frame.attrs[side])) for side in ("before", "after")]
    wide, tall = max(max(s.width for s in scenes), 380.0), sum(s.height for s in scenes)
    scale, low = _PAGE / max(wide, 700), 130
    total = tall * max(scale, 0.72) + low + 220
    share = [s.height * max(scale, 0.72) / (total - 70) for s in scenes]
    same = float(frame.apart) < 1e-9
    color = BLUE if same else RED
    data = _drawing(scenes[0], scale) + [t | {"xaxis": "x2", "yaxis": "y2"} for t in _drawing(scenes[1], scale)]
    bars = (("x3", frame.macs, SKY), ("x4", frame.peak, ORANGE))
    sides = frame.side.values.tolist()
    data += [
        {
            "type": "bar",
            "orientation": "h",
            "y": sides,
            "x": values.values,
            "text": [f"{int(v):,}" for v in values.values],
            "textposition": "auto",
            "marker": {"color": [SOFT, shade]},
            "xaxis": at,
            "yaxis": at.replace("x", "y"),
            "showlegend": False,
            "hoverinfo": "skip",
            "name": values.attrs["long_name"],
        }
        for at, values, shade in bars
    ]
    bottom = low / (total - 70)
    middle = bottom + 0.11
    reach = [-0.01 * wide, 1.02 * wide]
    told = "<b>after</b>"
    corner = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    figure = {
        "height": int(total),
        "xaxis": axis("", range=reach, anchor="y", **_BARE),
        "yaxis": axis("", range=[scenes[0].height, 0], domain=[1 - share[0], 1], **_BARE),
        "xaxis2": axis("operations, from left to right", range=reach, anchor="y2", **_BARE),
        "yaxis2": axis("", range=[scenes[1].height, 0], domain=[middle, middle + share[1]], **_BARE),
        "xaxis3": axis(frame.macs, domain=[0.09, 0.48], anchor="y3", rangemode="tozero", nticks=4),
        "yaxis3": axis("side of the law", domain=[0, bottom], anchor="x3", autorange="reversed"),
        "xaxis4": axis(frame.peak, domain=[0.6, 1], anchor="y4", rangemode="tozero", nticks=4),
        "yaxis4": axis("", domain=[0, bottom], anchor="x4", autorange="reversed", showticklabels=False),
        "annotations": [
            label(0, 1, "<b>before</b>", SOFT, **corner),
            label(0, middle + share[1], told, color, **corner),
        ],
    }
    law = values_of(frame)["law"]
    first, last = (f"{int(v):,}" for v in frame.macs.values)
    verdict = "The same function" if same else "Another function: the law does not allow it"
    verdict += f", with {last} multiply-adds in place of {first}." if first != last else "."
    return {"data": data, "layout": headline(figure, f"<b>{law.capitalize()}</b>: {_LAWS[law]}.", verdict)}


def _side(x: float, scene: Scene) -> dict[str, str]:
    return {"xanchor": "left" if x < 0.15 * scene.width else "right" if x > 0.85 * scene.width else "center"}
