"""Pictures of `representational_geometry`: weights over a field of arrows, kernels, and paths from inputs to labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    HIDDEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SKY,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    image,
    label,
    log_axis,
    note,
    segments,
    values_of,
)

Array = np.ndarray

CARD = ("weights", "xy")
COLOURS = {"tanh": BLUE, "erf": SKY, "shifted tanh": GREEN, "leaky ReLU": PURPLE, "ReLU": ORANGE}
SIGNED = [[0, ORANGE], [0.5, "rgba(127,127,127,0.06)"], [1, BLUE]]
AGREE = {1: (BLUE, "both"), 0: (SOFT, "one label"), -1: (ORANGE, "none")}


def _arrows(column: Array, row: Array, u: Array, v: Array) -> dict:
    """A field (rows, columns) as one trace of arrows, as long as the square roots of what they stand for."""
    size = np.hypot(u, v)
    scale = 0.9 * (column[1] - column[0]) / np.sqrt(np.maximum(size * max(size.max(), 1e-12), 1e-24))
    base = np.stack(np.meshgrid(column, row), -1).reshape(-1, 2)
    way = np.stack([u * scale, v * scale], -1).reshape(-1, 2)
    tip, side = base + way, way[:, ::-1] * [-1, 1]
    wings = [tip - 0.35 * way + 0.2 * turn * side for turn in (1, -1)]
    x, y = segments(np.vstack([base, *wings]), np.vstack([tip, tip, tip]))
    return curve(x, y, "push", SOFT, line={"color": SOFT, "width": 1}, opacity=0.55, hoverinfo="skip")


def _plane(frame: xr.Dataset, reach: float, domain: list[float]) -> tuple[list[dict], list[dict], dict[str, Any]]:
    """Arrows, directions of the clusters A and B with their names, and both axes."""
    ray = 2 * reach
    x, y = segments(np.zeros((2, 2)), np.array([[ray, ray], [ray, -ray]]))
    data = [
        curve(x, y, "A and B alone", GREEN, line={"color": GREEN, "width": 1.5, "dash": "dot"}, hoverinfo="skip"),
        _arrows(frame.column.values, frame.row.values, frame.push_across.values, frame.push_along.values),
    ]  # fmt: skip
    at = 0.6 * reach  # between the rays: outside, lines of units that hear one cluster run along them
    notes = [
        label(at, at, "cluster A", GREEN, xanchor="left", yanchor="top", xshift=4),
        label(at, -at, "cluster B", GREEN, xanchor="left", yanchor="bottom", xshift=4),
    ]
    axes = {
        "xaxis": axis("across classes: towards A and B together", domain=domain, range=[-reach, reach], zeroline=True),
        "yaxis": axis("within the class: A against B", range=[-reach, reach], scaleanchor="x", zeroline=True),
    }
    return data, notes, axes


def _dots(x: Array, y: Array, name: str, color: str, size: float, **more: Any) -> dict:
    edge = {"color": PAPER, "width": 1 if size < 12 else 2}
    return curve(x, y, name, color, mode="markers", marker={"size": size, "color": color, "line": edge}, **more)


def neuron(frame: xr.Dataset) -> dict[str, Any]:
    """The way of one unit and of sixty others over the expected push, and what it comes to say to each cluster."""
    data, notes, axes = _plane(frame, 1.2, [0, 0.56])
    x, y = frame.across.values, frame.along.values
    many_x, many_y = frame.others_across.values, frame.others_along.values
    gap = np.full((1, many_x.shape[1]), np.nan)
    data += [
        curve(np.vstack([many_x, gap]).T.ravel(), np.vstack([many_y, gap]).T.ravel(), "other units", BLUE,
              line={"color": BLUE, "width": 1}, opacity=0.6, hoverinfo="skip"),
        _dots(many_x[-1], many_y[-1], "other units", BLUE, 5, hoverinfo="skip"),
        curve(x, y, "its way", RED, line={"color": RED, "width": 3}),
        _dots(x[-1:], y[-1:], "where it ends", RED, 12),
        _dots(x[:1], y[:1], "where it starts", INK, 9),
    ]  # fmt: skip
    notes.append(label(x[0], y[0], "drag me", INK, xanchor="right", yanchor="bottom", xshift=-6))
    agrees, value = frame.agrees.values, frame.value.values
    order = np.lexsort([frame.cluster.values, -agrees])
    names = np.array([{3: "A", 7: "B"}.get(int(c), str(int(c))) for c in frame.cluster.values])
    places = np.arange(len(order))
    for agree, (colour, words) in AGREE.items():
        these = agrees[order] == agree
        data.append(
            {"type": "bar", "x": places[these], "y": value[order][these], "name": words, "showlegend": False,
             "marker": {"color": colour}, "xaxis": "x2", "yaxis": "y2"}
        )  # fmt: skip
        notes.append(note(float(places[these].mean() + 0.5) / len(order), 1, words, colour, axes="2", yanchor="bottom"))
    top = 1.1 * max(np.abs(value).max(), 1)
    layout = {
        "height": 460,
        **axes,
        "xaxis2": axis("cluster, by the labels it shares with A", domain=[0.66, 1], anchor="y2",
                       range=[-0.5, len(order) - 0.5], tickvals=places, ticktext=names[order].tolist()),
        "yaxis2": axis("value of the unit", anchor="x2", range=[-top, top], zeroline=True),
        "annotations": notes,
        "meta": {"hands": [hand(x[0], y[0], across="across", up="along", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _kernels(frame: xr.Dataset, shown: list[tuple[str, Array, str]], first: int) -> tuple[list[dict], list[dict]]:
    """Kernels with their titles above, on the axes numbered from `first`."""
    data, notes = [], []
    for i, (title, values, colour) in enumerate(shown):
        axes = str(first + i)
        data.append(image(values[::-1], axes, SIGNED, -1, 1))
        notes.append(note(0.5, 1, title, colour, axes=axes, yanchor="bottom"))
    return data, notes


def weights(frame: xr.Dataset) -> dict[str, Any]:
    """Ways of the units that speak for a class, over the first push; the hidden kernel between inputs and labels."""
    x, y = frame.across.values, frame.along.values
    speaks = frame.vote.values > 0
    reach = 1.08 * max(float(frame.row[-1]), float(np.abs(np.stack([x[:, speaks], y[:, speaks]])).max(initial=0)))
    data, notes, axes = _plane(frame, reach, [0, 0.5])
    gap = np.full((1, int(speaks.sum())), np.nan)
    data += [
        curve(np.vstack([x[:, speaks], gap]).T.ravel(), np.vstack([y[:, speaks], gap]).T.ravel(), "units", BLUE,
              line={"color": BLUE, "width": 1.2}, hoverinfo="skip"),
        _dots(x[-1, speaks], y[-1, speaks], "units that speak for the class", RED, 5),
    ]  # fmt: skip
    images, titles = _kernels(
        frame,
        [
            ("inputs", frame.inputs.values, SOFT),
            ("hidden layer", frame.hidden.values, RED),
            ("labels", frame.labels.values, SOFT),
        ],
        2,
    )
    step = frame.step.values
    side = "left" if step[-1] ** 2 < values_of(frame)["steps"] else "right"
    curves = (("with the labels", frame.to_labels.values, BLUE), ("with the inputs", frame.to_inputs.values, ORANGE))
    data += images
    for at, (name, values, colour) in zip(
        ("bottom", "top"), sorted(curves, key=lambda c: float(c[1][-1]), reverse=True), strict=True
    ):
        data.append(curve(step[1:], values[1:], name, colour, axes="5", pin=True, line={"color": colour, "width": 3}))
        place = np.log10(max(step[-1], 1)), float(values[-1])
        notes.append(label(*place, name, colour, axes="5", xanchor=side, yanchor=at))
    third = (0.42 - 0.04) / 3
    notes.append(note(0.5, 1, "a line each unit · arrows: the first push", SOFT, yanchor="bottom"))
    layout = {"height": 520, **axes, "annotations": notes + titles}
    for i in range(3):
        left = 0.58 + i * (third + 0.02)
        layout[f"xaxis{2 + i}"] = {**HIDDEN, "domain": [left, left + third], "anchor": f"y{2 + i}"}
        layout[f"yaxis{2 + i}"] = {**HIDDEN, "domain": [0.62, 0.94], "anchor": f"x{2 + i}", "scaleanchor": f"x{2 + i}"}
    layout["xaxis5"] = log_axis(
        frame.step, domain=[0.58, 1], anchor="y5", range=[0, np.log10(values_of(frame)["steps"])]
    )
    layout["yaxis5"] = axis("alignment", domain=[0, 0.5], anchor="x5", range=[0, 1.2])
    told = f"{float(frame.off_labels):.0%} of what the weights have grown lies off the directions of the labels."
    return {"data": data, "layout": headline(layout, told)}


def alignment(frame: xr.Dataset) -> dict[str, Any]:
    """Kernels from the inputs' to the labels'; the ways of all hidden layers between these; how bits are written."""
    names = [str(name) for name in frame.activation.values]
    x, y = frame.to_inputs.values, frame.to_labels.values
    data, notes = [], []
    for i, name in enumerate(names):
        colour, main = COLOURS[name], name in ("tanh", "ReLU")
        line = {"color": colour, "width": 4 if main else 1.5, "dash": "dot" if name == "erf" else "solid"}
        data.append(curve(x[i].mean(0), y[i].mean(0), name, colour, pin=main, line=line))
        data.append(_dots(x[i, :, -1], y[i, :, -1], name, colour, 11 if main else 7))
        notes.append(note(0.04, 0.44 - 0.1 * i, f"● {name}", colour, xanchor="left", yanchor="bottom"))
    low = max(0.0, min(float(x.min()), float(y.min())) - 0.05)
    kept = {name: frame.hidden.values[names.index(name)] for name in ("tanh", "ReLU")}
    images, titles = _kernels(
        frame,
        [
            ("the inputs", frame.inputs.values, SOFT),
            ("ReLU's hidden layer", kept["ReLU"], COLOURS["ReLU"]),
            ("tanh's hidden layer", kept["tanh"], COLOURS["tanh"]),
            ("the labels", frame.labels.values, SOFT),
        ],
        2,
    )
    place = np.arange(len(names))
    bottom = min(0.0, 1.1 * float(frame.parallel.min()))
    for values, symbol in ((frame.parallel.values, "circle"), (frame.read.values, "diamond")):
        each = values.mean(2)  # over the bits
        for i, name in enumerate(names):
            data.append(
                curve(np.full(each.shape[1], place[i]), each[i], name, COLOURS[name], axes="6", mode="markers",
                      marker={"size": 10, "symbol": symbol, "color": COLOURS[name]})
            )  # fmt: skip
    layout = {
        "height": 640,
        "xaxis": axis("likeness to the inputs' table (1: the same)", domain=[0, 0.5], range=[low, 1.03]),
        "yaxis": axis("likeness to the labels' table", domain=[0, 0.53], range=[low, 1.03]),
        "xaxis6": axis("", domain=[0.62, 1], anchor="y6", range=[-0.6, len(names) - 0.4], tickvals=place,
                       ticktext=[name.replace(" ", "<br>") for name in names]),
        "yaxis6": axis("cosine, or share", domain=[0.08, 0.45], anchor="x6", range=[bottom, 1.05]),
        "annotations": [
            *notes,
            *titles,
            label(x[0, :, 0].mean(), y[0, :, 0].mean(), "all start here", SOFT, xanchor="right", xshift=-8),
            note(0, 1, "● a bit has the same direction everywhere<br>◆ a bit is read rightly in new contexts", SOFT,
                 axes="6", xanchor="left", yanchor="bottom", align="left"),
        ],
    }  # fmt: skip
    for i in range(4):
        left = 0.26 * i
        layout[f"xaxis{2 + i}"] = {**HIDDEN, "domain": [left, left + 0.21], "anchor": f"y{2 + i}"}
        layout[f"yaxis{2 + i}"] = {
            **HIDDEN,
            "domain": [0.66, 0.95],
            "anchor": f"x{2 + i}",
            "scaleanchor": f"x{2 + i}",
        }
    data += images
    ends = dict(zip(names, y[:, :, -1].mean(1), strict=True))
    told = f"Likeness to the labels: tanh {ends['tanh']:.2f}, ReLU {ends['ReLU']:.2f}."
    return {"data": data, "layout": headline(layout, told)}
