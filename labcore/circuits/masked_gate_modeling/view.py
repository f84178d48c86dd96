"""Pictures of `masked_gate_modeling`: a circuit with gates hidden in two ways, and what a network guesses of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    GRID,
    HIDDEN,
    INK,
    ORANGE,
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
    horizontal,
    label,
    note,
    segments,
    values_of,
    vertical,
)

_TYPES = (SOFT, INK, SKY, BLUE, GREEN)  # input, output, AND with none, one, both inputs inverted
_SYMBOLS = ("circle", "diamond", "square", "square", "square")
_POWERS = {"type": "log", "exponentformat": "power", "dtick": 1}


def _circuit(frame: xr.Dataset, axes: str, covered: bool) -> list[dict]:
    """The and-inverter graph in levels; with `covered`, hidden gates lose their colour and their inverters."""
    x, y, src, dst = (frame[name].values for name in ("x", "y", "src", "dst"))
    hidden = frame.hidden.values
    xy = np.stack([x, y], 1)
    lost = covered & hidden[dst]
    bubble = frame.invert.values & ~lost
    part = 0.72
    kind = np.where(covered & hidden, -1, frame.kind.values)
    fill = [GRID if k < 0 else _TYPES[k] for k in kind]
    return [
        curve(*segments(xy[src], xy[dst]), "wires", SOFT, axes=axes, pin=not axes, line={"color": SOFT, "width": 1},
              hoverinfo="skip"),
        curve(
            (x[src] + part * (x[dst] - x[src]))[bubble], (y[src] + part * (y[dst] - y[src]))[bubble], "inverters", INK,
            axes=axes, mode="markers", hoverinfo="skip",
            marker={"size": 6, "color": "@paper", "line": {"color": INK, "width": 1.2}},
        ),
        curve(
            x, y, "nodes", BLUE, axes=axes, mode="markers", hoverinfo="text", hovertext=[
                "hidden" if k < 0 else ("input", "output", "AND", "AND, one input inverted", "AND, both inverted")[k]
                for k in kind
            ],
            marker={
                "size": 15, "opacity": 1, "color": fill, "symbol": ["square" if k < 0 else _SYMBOLS[k] for k in kind],
                "line": {"color": np.where(hidden, RED, "@paper"), "width": np.where(hidden, 2.5, 0.5)},
            },
        ),
        curve(
            x[kind < 0], y[kind < 0], "hidden", INK, axes=axes, mode="text", hoverinfo="skip",
            text=["?"] * int((kind < 0).sum()), textfont={"size": 11, "color": INK},
        ),
    ]  # fmt: skip


def masking(frame: xr.Dataset) -> dict[str, Any]:
    """The circuit with hidden gates, the same with hidden latent rows, how many functions are left, and the guesses."""
    count, functions = frame["count"].values, frame.functions.values
    gates, sure = frame.sizes["gate"], frame.certainty.values
    many = "" if bool(frame.complete[-1]) else "at least "
    rows = np.arange(frame.sizes["node"])
    top = frame.x.values.max()
    strip = (rows + 0.5) / len(rows) * top
    place = np.arange(gates)
    left = _circuit(frame, "", covered=True)
    right = _circuit(frame, "2", covered=False)
    hidden = frame.hidden.values
    data = [
        *left,
        *right,
        curve(
            strip, np.full(len(rows), -1.32), "latent rows", BLUE, axes="2", mode="markers", hoverinfo="skip",
            marker={"symbol": "square", "size": 9, "color": np.where(hidden, GRID, np.array(_TYPES)[frame.kind.values]),
                    "line": {"color": [RED if h else "@paper" for h in hidden], "width": 1.5}},
        ),
        curve(count, functions, "hidden in the circuit", ORANGE, axes="3", pin=True, mode="lines+markers"),
        curve(count, np.ones(len(count)), "hidden in the latent space", BLUE, axes="3", mode="lines+markers"),
        *(
            {"type": "bar", "x": place, "y": s, "name": name, "marker": {"color": color}, "xaxis": "x4", "yaxis": "y4",
             "showlegend": False, "hoverinfo": "y+name"}
            for s, name, color in zip(sure, ("from the latent space", "from the circuit"), (BLUE, ORANGE), strict=True)
        ),
    ]  # fmt: skip
    told = "told its Verilog line" if frame.attrs["text"] == "shown" else "told nothing"
    corner = {"xanchor": "left", "yanchor": "top", "align": "left"}
    layout = {
        "height": 640,
        "barmode": "group",
        "xaxis": HIDDEN | {"domain": [0, 0.48], "anchor": "y", "range": [-0.4, top + 0.4]},
        "yaxis": HIDDEN | {"domain": [0.46, 1], "anchor": "x", "range": [-1.5, 1.42]},
        "xaxis2": HIDDEN | {"domain": [0.52, 1], "anchor": "y2", "range": [-0.4, top + 0.4]},
        "yaxis2": HIDDEN | {"domain": [0.46, 1], "anchor": "x2", "range": [-1.5, 1.42]},
        "xaxis3": axis("gates that are hidden", domain=[0.02, 0.44], anchor="y3", tickformat="d"),
        "yaxis3": axis("possible functions", domain=[0, 0.34], anchor="x3", **_POWERS),
        "xaxis4": axis(frame.gate, domain=[0.56, 1], anchor="y4", showticklabels=False),
        "yaxis4": axis("probability of the truth", domain=[0, 0.34], anchor="x4", range=[0, 1.3], tickvals=[0, 0.5, 1]),
        "annotations": [
            note(0, 1, f"<b>Hide gates in the circuit</b>: {many}{functions[-1]:,} functions fit", ORANGE, **corner),
            note(0, 1, "<b>Hide latent rows</b>: still 1 function", BLUE, axes="2", **corner),
            label(0, -1.32, f"assign{frame.attrs['verilog'].split('assign')[1]}", INK, xanchor="left"),
            label(-0.3, -1.12, "rows of the encoder's output:", SOFT, axes="2", xanchor="left"),
            note(0.03, 1, "in the circuit", ORANGE, axes="3", **corner),
            label(count[-1], 0, "in the latent space: 1", BLUE, axes="3", xanchor="right", yanchor="bottom", yshift=4),
            note(0, 1.1, "from the latent space", BLUE, axes="4", **corner),
            note(0, 0.99, f"from the circuit, {told}", ORANGE, axes="4", **corner),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _end(frame: xr.Dataset, axes: str = "") -> dict[str, Any]:
    """The line at which the training ends, for a hand."""
    return vertical(values_of(frame)["steps"], GREEN, "solid", axes=axes, width=2)


def _longer(frame: xr.Dataset, axes: str = "") -> dict[str, Any]:
    return {"hands": [hand(values_of(frame)["steps"], None, across="steps", axes=axes, color=GREEN)]}


_PORTS = {"PI": "input", "PO": "output"}


def pretrain(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy on hidden nodes while training, with what needs no learning; and which types are taken for which."""
    t = frame.time.values
    latent, circuit = frame.accuracy.mean("repeat").values
    levels = (
        (float(frame.lookup), "no learning: count the wires", SOFT),
        (float(frame.majority), "no learning: always the commonest type", SOFT),
        (float(frame.shuffled_edges.mean()), "blue, with its wires shuffled", PURPLE),
    )
    names = [_PORTS.get(str(n), str(n).replace("AND, ", "AND ")) for n in frame.guess.values]
    # beside and below the squares there is room for two short lines
    short = [n.replace(" inverted", "").replace(" ", "<br>") for n in names]
    inverted = any("inverted" in n for n in names)
    ends = ((latent, "hides latent rows", BLUE), (circuit, "hides gates in the circuit", ORANGE))
    data = [
        curve(t, circuit, "hidden in the circuit", ORANGE, pin=True),
        curve(t, latent, "hidden in the latent space", BLUE, pin=True, line={"color": BLUE, "width": 4}),
        {
            "type": "heatmap", "x": names, "y": names, "z": frame.confusion.values, "xaxis": "x2", "yaxis": "y2",
            "zmin": 0, "zmax": 1, "colorscale": [[0, "rgba(47,134,201,0.04)"], [1, BLUE]], "showscale": False,
            "text": [[f"{v:.0%}" for v in row] for row in frame.confusion.values], "texttemplate": "%{text}",
        },
    ]  # fmt: skip
    layout = {
        "height": 420,
        "xaxis": axis(frame.time, domain=[0, 0.54], anchor="y", range=[0, 1.06 * values_of(frame)["steps"]]),
        "meta": _longer(frame),
        "yaxis": axis("hidden nodes guessed right", range=[-0.02, 1.1], tickformat=".0%", tickvals=[0, 0.5, 1]),
        "margin": {"b": 64} if inverted else {},
        "xaxis2": axis(
            "guessed (inverted inputs)" if inverted else frame.guess,
            domain=[0.72, 1],
            anchor="y2",
            showgrid=False,
            tickvals=names,
            ticktext=short,
            tickangle=0,
        ),
        "yaxis2": axis(
            frame["true"],
            anchor="x2",
            autorange="reversed",
            showgrid=False,
            tickvals=names,
            ticktext=[n.replace(" ", "<br>", 1) for n in names],
        ),
        "shapes": [*(horizontal(value, color) for value, _, color in levels), _end(frame)],
        "annotations": [
            *(
                label(0.93, height, text, color, xref="x domain", xanchor="right", yanchor="bottom")
                for height, (_, text, color) in zip(apart([v for v, *_ in levels], 0.06), levels, strict=True)
            ),
            *(
                note(0.93, 0.09 - 0.07 * k, f"{text}: <b>{values[-1]:.0%}</b>", color, xanchor="right",
                     yanchor="bottom")
                for k, (values, text, color) in enumerate(ends)
            ),
            note(0.5, 1, "what blue takes each type for", BLUE, axes="2", yanchor="bottom"),
            note(1, 1, "drag the line: train longer", GREEN, xanchor="right", yanchor="bottom"),
        ],
    }  # fmt: skip
    told = f"Of the types it hides, blue guesses {latent[-1]:.0%} right, orange {circuit[-1]:.0%}."
    more = f"Without learning, {max(level for level, *_ in levels[:2]):.0%} can be had."
    return {"data": data, "layout": headline(layout, told, more)}


_TEXTS = {
    "true": (GREEN, "its line of Verilog"),
    "zero": (SOFT, "nothing"),
    "shuffled": (RED, "the line of another circuit"),
}


def alignment(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy on hidden nodes with the true line of Verilog, with none, and with a wrong one; beside it the training.

    Bars are means, dots and thin lines are runs.
    """
    t, final = frame.time.values, frame.accuracy.isel(time=-1)
    data = []
    names = [_TEXTS[str(text)][1].replace(" of ", "<br>of ", 1) for text in frame.text.values]
    for place, text in enumerate(frame.text.values):
        color, runs = _TEXTS[str(text)][0], frame.accuracy.sel(text=text).values
        reached = final.sel(text=text).values
        data += [
            {
                "type": "bar", "orientation": "h", "x": [reached.mean()], "y": [place], "width": 0.62,
                "marker": {"color": color, "opacity": 0.55}, "name": "mean", "showlegend": False,
                "text": [f"<b>{reached.mean():.0%}</b>"], "textposition": "inside", "insidetextanchor": "start",
                "textangle": 0, "textfont": {"size": 17, "color": INK}, "hoverinfo": "skip",
            },
            curve(reached, np.full(len(reached), place), "runs", color, mode="markers",
                  marker={"color": color, "size": 9, "line": {"color": "@paper", "width": 1}}),
            curve(*bundle(t, runs), "runs", color, axes="2", line={"color": color, "width": 0.8}, opacity=0.6),
            curve(t, runs.mean(0), _TEXTS[str(text)][1], color, axes="2", pin=True,
                  line={"color": color, "width": 3}),
        ]  # fmt: skip
    layout = {
        "height": 380,
        "margin": {"l": 136},
        "xaxis": axis("hidden nodes guessed right", domain=[0, 0.52], anchor="y", range=[0, 1], tickformat=".0%",
                      tickvals=[0, 0.5, 1]),
        "yaxis": axis("", anchor="x", range=[2.5, -0.5], tickvals=[0, 1, 2], ticktext=names, showgrid=False),
        "xaxis2": axis(frame.time, domain=[0.66, 1], anchor="y2", range=[0, 1.06 * values_of(frame)["steps"]]),
        "meta": _longer(frame, "2"),
        "shapes": [_end(frame, "2")],
        "yaxis2": axis("guessed right", anchor="x2", range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1]),
        "annotations": [
            note(0, 1.01, "<b>what it is told of the circuit</b>", INK, xanchor="left", yanchor="bottom"),
            note(1, 1.01, "drag the line: train longer", GREEN, axes="2", xanchor="right", yanchor="bottom"),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


_FAMILIES = {
    "add": (BLUE, "sum"),
    "lt": (ORANGE, "less than"),
    "eq": (GREEN, "equal"),
    "mux": (RED, "choose"),
    "parity": (SKY, "parity"),
    "and": (PURPLE, "and"),
    "or": (SOFT, "or"),
}


def embedding(frame: xr.Dataset) -> dict[str, Any]:
    """What linear models read from frozen rows while the encoder trains; unseen circuits, each joined to its family."""
    families = [_FAMILIES[name] for name in frame.attrs["families"].split(", ")]
    xy, family, t = frame.place.values, frame.family.values, frame.time.values
    data = []
    readings = (
        (frame.families.values, ORANGE, "which function it is: right", "z.0%"),
        (frame.r2.values, BLUE, "how often a gate gives 1: R<sup>2</sup>", "z.2f"),
    )
    notes = [
        note(0, 1.01, "<b>each dot an unseen circuit</b>, joined to its like", INK, axes="2", xanchor="left",
             yanchor="bottom"),
    ]  # fmt: skip
    for place, (values, color, words, form) in enumerate(readings):
        data.append(curve(t, values, words, color, axes="3", pin=True, line={"color": color, "width": 3}))
        for k, (value, when, shade) in enumerate(((values[0], "untrained", SOFT), (values[-1], "now", color))):
            data.append(
                {"type": "bar", "orientation": "h", "x": [max(float(value), 0.0)], "y": [3 * place + k], "width": 0.86,
                 "marker": {"color": shade, "opacity": 0.55}, "name": when, "showlegend": False, "hoverinfo": "skip",
                 "text": [f"<b>{value:{form}}</b> {when}"], "textposition": "inside", "insidetextanchor": "start",
                 "textfont": {"size": 15, "color": INK}}
            )  # fmt: skip
        notes.append(label(0, 3 * place - 0.5, words, color, xanchor="left", yanchor="bottom"))
    for k in np.unique(family):
        mine, (color, name) = xy[family == k], families[k]
        middle = np.median(mine, 0)
        data += [
            curve(*segments(np.broadcast_to(middle, mine.shape), mine), name, color, axes="2", opacity=0.5,
                  line={"color": color, "width": 1.5}, hoverinfo="skip"),
            curve(*mine.T, name, color, axes="2", mode="markers", hoverinfo="name",
                  marker={"size": 8, "color": color, "line": {"color": "@paper", "width": 1}}),
        ]  # fmt: skip
    named = [f"<span style='color:{color}'>{name.replace(' ', '&nbsp;')}</span>" for color, name in families]
    notes.append(note(1, 1.01, "drag the line: train longer", GREEN, axes="3", xanchor="right", yanchor="bottom"))
    notes.append(note(0.5, -0.03, " &nbsp; ".join(named), SOFT, axes="2", yanchor="top"))
    layout = {
        "height": 470,
        "xaxis": HIDDEN | {"domain": [0, 0.42], "anchor": "y", "range": [0, 1]},
        "yaxis": HIDDEN | {"domain": [0.4, 1], "anchor": "x", "range": [4.6, -1.3]},
        "xaxis3": axis(frame.time, domain=[0, 0.42], anchor="y3", range=[0, 1.06 * values_of(frame)["steps"]]),
        "meta": _longer(frame, "3"),
        "shapes": [_end(frame, "3")],
        "yaxis3": axis("read right", domain=[0, 0.27], anchor="x3", range=[0, 1.1], tickvals=[0, 0.5, 1]),
        "xaxis2": HIDDEN | {"domain": [0.5, 1], "anchor": "y2"},
        "yaxis2": HIDDEN | {"anchor": "x2"},
        "annotations": notes,
    }
    first, last = (float(frame.families[k]) for k in (0, -1))
    told = f"Before any training, {first:z.0%} of the circuits are read right."
    more = [f"After {int(t[-1])} steps it is {last:z.0%}."] if t[-1] else []
    return {"data": data, "layout": headline(layout, told, *more)}
