"""Pictures of `generalized_convolution`: an answer over two pixels, where a template is found, filters, a contest."""

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
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    image,
    label,
    note,
    sheet,
    values_of,
    vertical,
)

CARD = ("surface", "xy")
INKS = [[0, "rgb(245,245,245)"], [1, "rgb(35,45,60)"]]
ANSWERS = [[0, "rgb(230,159,0)"], [0.5, "rgb(245,245,245)"], [1, "rgb(47,134,201)"]]
COLOURS = {"dot": ORANGE, "polynomial": PURPLE, "sine": SKY, "L1": BLUE, "L2": GREEN, "gauss": RED}
SHORT = {"dot": "dot product", "polynomial": "its square", "sine": "its sine", "L1": "L1 distance",
         "L2": "L2 distance", "gauss": "Gaussian kernel"}  # fmt: skip
SHAPES = {
    "dot": "A dot product: straight lines, and no best patch. Further along the weights is always more.",
    "polynomial": "A square of a dot product: two ways to be large, on opposite sides.",
    "sine": "A sine of a dot product: stripes that come back for ever.",
    "L1": "An L1 distance: a diamond with its tip on the template.",
    "L2": "An L2 distance: an ellipse around the template.",
    "gauss": "A Gaussian kernel: a bump at the template, and nothing far away.",
}


def surface(frame: xr.Dataset) -> dict[str, Any]:
    """The neuron's answer to all pairs of pixels as a map, and along the line through the template."""
    values, said = values_of(frame), frame.said.values
    x, y, operator = values["t_x"], values["t_y"], values["operator"]
    row = int(np.abs(frame.row.values - y).argmin())
    low, high = float(said.min()), float(said.max())
    high = max(high, low + 1e-9)
    place = frame.column.values
    data = [
        image(said, "", ANSWERS, low, high, x=place, y=frame.row.values),
        {"type": "contour", "z": said, "x": place, "y": frame.row.values, "contours": {"coloring": "none"},
         "ncontours": 12, "line": {"color": INK, "width": 1}, "showscale": False, "hoverinfo": "skip",
         "showlegend": False, "xaxis": "x", "yaxis": "y", "opacity": 0.5},
        curve(frame.pair_x.values, frame.pair_y.values, "pixels of digits", INK, mode="markers", hoverinfo="skip",
              marker={"size": 5, "color": INK, "opacity": 0.5}),
        curve([frame.liked.values[0]], [frame.liked.values[1]], "liked best", INK, mode="markers", hoverinfo="skip",
              marker={"size": 12, "color": "rgba(0,0,0,0)", "line": {"color": INK, "width": 2}}),
        curve([-1, 1], [y, y], "line through it", RED, line={"color": RED, "width": 1.5, "dash": "dot"},
              hoverinfo="skip"),
        curve([x], [y], "template", RED, mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
        curve(place, said[row], "answer along the line", COLOURS[operator], axes="2", pin=True),
    ]  # fmt: skip
    word = "template" if operator in ("L1", "L2", "gauss") else "weights"
    pad = 0.06 * (high - low)
    layout = {
        "height": 430,
        "xaxis": axis("first pixel: paper -1, ink 1", domain=[0, 0.46], range=[-1.05, 1.05], constrain="domain"),
        "yaxis": axis("second pixel", range=[-1.05, 1.05], scaleanchor="x", constrain="domain"),
        "xaxis2": axis("first pixel", domain=[0.6, 1], anchor="y2", range=[-1, 1]),
        "yaxis2": axis("answer along the dotted line", anchor="x2", range=[low - pad, high + pad]),
        "annotations": [note(0, 1.0, "dots: neighbours in a digit; ring: liked best", INK, xanchor="left",
                             yanchor="bottom"),
                        label(x, y, f"drag the {word}", RED, yanchor="bottom" if y < 0.6 else "top",
                              yshift=12 if y < 0.6 else -12)],
        "meta": {"hands": [hand(x, y, across="t_x", up="t_y", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, SHAPES[operator])}


def _box(k: int, color: str, axes: str = "", side: int = 6, size: int = 3) -> dict[str, Any]:
    """A frame around the patch number k of a picture."""
    top, left = divmod(k, side)
    return {"type": "rect", "x0": left - 0.5, "x1": left + size - 0.5, "y0": top - 0.5, "y1": top + size - 0.5,
            "line": {"color": color, "width": 3}, "xref": f"x{axes}", "yref": f"y{axes}"}  # fmt: skip


def find(frame: xr.Dataset) -> dict[str, Any]:
    """The template, to be painted; the digit with the best patch of either filter; what both say everywhere."""
    values, template = values_of(frame), frame.template.values
    dot, other = (int(k) for k in frame.best.values)
    rows, columns = (v.ravel() for v in np.meshgrid(np.arange(3), np.arange(3), indexing="ij"))
    turned = [{f"p{i + 1}": 0.0 if template.ravel()[i] > 0.5 else 1.0} for i in range(9)]
    scales = [v - v.min() for v in frame.said.values]
    name = SHORT[values["operator"]]
    data = [
        image(template, "", INKS, 0, 1),
        curve(columns, rows, "touch to paint", RED, mode="markers", click={"sets": turned}, hoverinfo="none",
              marker={"size": 34, "symbol": "square", "color": "rgba(213,94,0,0.02)",
                      "line": {"color": RED, "width": 1}}),
        image(frame.picture.values, "2", INKS, 0, 1.6),
    ]  # fmt: skip
    for axes, said in zip("34", scales, strict=True):
        data.append(image(said, axes, [[0, "rgb(245,245,245)"], [1, "rgb(47,134,201)"]], 0, max(said.max(), 1e-9)))
    square = HIDDEN | {"constrain": "domain"}
    down = square | {"autorange": "reversed"}
    named = {"visible": True, "showline": False, "showticklabels": False, "ticks": ""}
    layout = {
        "height": 380,
        "xaxis": axis("", domain=[0, 0.17], **square),
        "yaxis": axis("", scaleanchor="x", **down),
        "xaxis2": axis("column", domain=[0.24, 0.54], anchor="y2", **square | named),
        "yaxis2": axis("row", anchor="x2", scaleanchor="x2", **down | named),
        "xaxis3": axis("", domain=[0.6, 0.78], anchor="y3", **square),
        "yaxis3": axis("", anchor="x3", scaleanchor="x3", **down),
        "xaxis4": axis("", domain=[0.82, 1], anchor="y4", **square),
        "yaxis4": axis("", anchor="x4", scaleanchor="x4", **down),
        "shapes": [_box(dot, ORANGE, "2"), _box(other, BLUE, "2"), _box(dot, ORANGE, "3", size=1),
                   _box(other, BLUE, "4", size=1)],
        "annotations": [
            note(0.5, 1.02, "template: touch to paint", RED, yanchor="bottom"),
            note(0.5, 1.02, "the patch that each likes best", INK, axes="2", yanchor="bottom"),
            note(0.5, 1.02, "dot product", ORANGE, axes="3", yanchor="bottom"),
            note(0.5, 1.02, name, BLUE, axes="4", yanchor="bottom"),
        ],
    }  # fmt: skip
    said, alike = frame.said.values, float(frame.unlike[0]) < float(frame.nearest) + 0.02
    told = "The dot product likes ink; the distance likes what looks like the template."
    if np.ptp(said[0]) < 1e-9:
        told = "The dot product answers the same everywhere: it looks for nothing."
    elif np.allclose(*said):
        told = "Two dot products: both like the same ink."
    elif alike or dot == other:
        told = "Both find the patch that looks like the template."
    return {"data": data, "layout": headline(layout, told)}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """All filters: template, scales and the patch that each likes best; accuracy over steps."""
    values, k = values_of(frame), frame.sizes["row"]
    distance = values["operator"] in ("L1", "L2", "gauss")
    weight, scale, n = frame.weight.values, frame.scale.values, frame.sizes["filter"]
    patch = frame.patch.values.reshape(n, k, k)
    columns = min(n, 8)
    reach = float(np.abs(weight).max())
    shades = (INKS, 0, 1) if distance else (ANSWERS, -reach, reach)
    data = [
        image(sheet(weight, columns), "", *shades),
        image(sheet(patch, columns), "2", INKS, 0, 1),
    ]  # fmt: skip
    titles = [("templates" if distance else "weights", ""), ("the patch that each likes best", "2")]
    if distance:
        data.append(image(sheet(scale, columns), "3", [[0, "rgb(245,245,245)"], [1, "rgb(0,120,90)"]], 0,
                          float(scale.max())))  # fmt: skip
        titles.append(("scales: which pixels count", "3"))
    data.append(curve(frame.step.values, frame.accuracy.values, "right on new digits", COLOURS[values["operator"]],
                      axes="4", mode="lines+markers", pin=True))  # fmt: skip
    square = HIDDEN | {"constrain": "domain"}
    layout: dict[str, Any] = {
        "height": 480,
        "xaxis4": axis(frame.step, domain=[0.64, 1], anchor="y4", range=[0, values["steps"]]),
        "yaxis4": axis("right on new digits", anchor="x4", range=[0, 1.02], tickformat=".0%"),
        "annotations": [
            note(0, 1.02, words, INK, axes=axes, xanchor="left", yanchor="bottom") for words, axes in titles
        ],
    }
    for i, (_, axes) in enumerate(titles):
        low, high = (len(titles) - 1 - i) / len(titles), (len(titles) - i) / len(titles)
        layout[f"xaxis{axes}"] = axis("", domain=[0, 0.54], anchor=f"y{axes}", **square)
        layout[f"yaxis{axes}"] = axis("", domain=[low, high - 0.09], anchor=f"x{axes}", scaleanchor=f"x{axes}",
                                      autorange="reversed", **square)  # fmt: skip
    return {"data": data, "layout": layout}


def contest(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of each kind of filter over the steps: its mean, and each repetition, thin."""
    step, last = frame.step.values, values_of(frame)["steps"]
    mean = frame.accuracy.values.mean(2)
    names = [str(o) for o in frame.operator.values]
    order = np.argsort(mean[:, -1])
    data, notes = [], []
    low = max(0.0, min(float(mean[:, -1].min()) - 0.25, 0.7)) if step[-1] else 0.0
    heights = apart(mean[order, -1], 0.065 * (1.03 - low), 1.0)
    for height, i in zip(heights, order, strict=True):
        color, runs = COLOURS[names[i]], frame.accuracy.values[i]
        if runs.shape[1] > 1:
            data.append(curve(*bundle(step, runs.T), "repetitions", color, line={"color": color, "width": 1},
                              opacity=0.35, hoverinfo="skip"))  # fmt: skip
        data.append(curve(step, mean[i], SHORT[names[i]], color, pin=names[i] in ("dot", "L1"),
                          line={"color": color, "width": 4 if names[i] == "L1" else 2.5}))  # fmt: skip
        notes.append(label(1.01, height, f"{SHORT[names[i]]} {mean[i, -1]:.0%}", color, xref="x domain",
                           xanchor="left"))  # fmt: skip
    notes.append(label(last, 0, "drag: train longer, or less", INK, yref="y domain", xanchor="right", yanchor="bottom",
                       xshift=-6))  # fmt: skip
    layout = {
        "height": 420,
        "xaxis": axis(frame.step, domain=[0, 0.74], range=[0, 1.25 * last]),
        "yaxis": axis("right on new digits", range=[low, 1.03], tickformat=".0%"),
        "annotations": notes,
        "shapes": [vertical(last, INK, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="steps", color=INK)]},
    }
    dot, l1 = (f"{mean[names.index(kind), -1]:.0%}" for kind in ("dot", "L1"))
    told = f"Right after {step[-1]} steps: {dot} with dot products, {l1} with L1 distances."
    return {"data": data, "layout": headline(layout, told)}
