"""Pictures of `effective_theory`: a map with a signal's way beside it, the tails of outputs, depth over width."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import distance_transform_edt

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    image,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

from .experiments import FOUR
from .fates import spoken

CARD = ("journey", "xy")
GROUND = ("rgba(107,114,128,0.30)", "rgba(86,180,233,0.38)", "rgba(0,158,115,0.60)", "rgba(230,159,0,0.40)",
          "rgba(213,94,0,0.42)")  # fmt: skip
SHORT = ("dies out", "all inputs<br>become alike", "arrives", "neighbours<br>part", "explodes")
INKS = (SOFT, BLUE, GREEN, ORANGE, RED)
SIZED = (1e-8, 1e8)  # sizes that are drawn
ROOM = 0.08  # share of the map that a region needs for its name


def journey(frame: xr.Dataset) -> dict[str, Any]:
    """The map of fates with the setting as a point; the signal's size and the gap of two inputs over the layers."""
    values, end = values_of(frame), int(frame.end)
    weight, bias, layer = frame.weight.values, frame.bias.values, frame.layer.values
    steps = [[(k + e) / 5, colour] for k, colour in enumerate(GROUND) for e in (0, 1)]
    data = [image(frame.fate.values, "", steps, -0.5, 4.5, x=weight, y=bias)]
    notes = _names(frame.fate.values, weight, bias)
    if "c_w" in frame:
        c_w, c_b = float(frame.c_w), float(frame.c_b)
        star = {"symbol": "star", "size": 15, "color": PAPER, "line": {"color": INK, "width": 1.5}}
        data.append(curve([c_w], [c_b], "critical point", INK, mode="markers", marker=star))
        up = dict(yanchor="top", yshift=-8) if c_b < 0.02 else dict(yanchor="bottom", yshift=8)
        notes.append(label(c_w, c_b, "critical point", INK, **up))
    else:
        notes.append(note(0.98, 0.97, "no critical point", INK, xanchor="right", yanchor="top"))
    here = values["weights"], values["biases"]
    dot = {"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}
    data.append(curve([here[0]], [here[1]], "your setting", RED, mode="markers", marker=dot))
    for rows, theory, name, axes in (
        (np.clip(frame.size.values, *SIZED), np.clip(frame.theory_size.values, *SIZED), "size", "2"),
        (np.maximum(frame.gap.values, 1e-6), np.maximum(frame.theory_gap.values, 1e-6), "gap", "3"),
    ):
        x, y = bundle(layer, rows)
        data.append(
            curve(x, y, f"{name}, drawn networks", BLUE, axes=axes, opacity=0.45, line={"color": BLUE, "width": 1.2})
        )
        data.append(curve(layer, theory, f"{name}, infinitely wide", INKS[end], axes=axes, pin=True))
    span = _span(frame.theory_size.values)
    each = 1 if span[1] - span[0] < 5 else 4
    headed = f"After {layer[-1]} layers <b>{spoken(end)}</b>."
    layout = {
        "height": 460,
        "xaxis": axis("weights' variance × width, C<sub>W</sub>", domain=[0, 0.5], range=[0.5, 4.08]),
        "yaxis": axis("biases' variance C<sub>b</sub>", range=[-0.06, 1]),
        "xaxis2": axis("", domain=[0.63, 1], anchor="y2", matches="x3", showticklabels=False),
        "yaxis2": log_axis("size K", domain=[0.55, 1], anchor="x2", range=span, dtick=each),
        "xaxis3": axis(frame.layer, domain=[0.63, 1], anchor="y3", range=[1, layer[-1]]),
        "yaxis3": log_axis("gap / size", domain=[0, 0.43], anchor="x3", range=[-6, 0.5], dtick=2),
        "annotations": [
            *notes,
            note(0.03, 0.96, "drag the red dot", INK, xanchor="left", yanchor="top"),
            note(0.97, 0.97, "size of the signal", INK, axes="2", xanchor="right", yanchor="top"),
            note(0.03, 0.05, "gap of two inputs", INK, axes="3", xanchor="left", yanchor="bottom"),
            note(0.03, 0.05, "thin: drawn networks", BLUE, axes="2", xanchor="left", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(*here, across="weights", up="biases", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, headed)}


def _span(sizes: np.ndarray) -> list[float]:
    """Powers of ten that hold these sizes with room for networks that are off."""
    low, high = np.log10(np.clip(sizes.min(), *SIZED)), np.log10(np.clip(sizes.max(), *SIZED))
    return [min(low - 0.5, -1.5), max(high + 0.5, 1.5)]


def _names(fate: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> list[dict[str, Any]]:
    """The name of each region where it is widest."""
    notes = []
    for k, name in enumerate(SHORT):
        region = np.pad(fate == k, 1)
        if region.mean() < ROOM:
            if k == 0 and (fate[0] == 0).sum() >= 20:  # a strip along the lower side
                notes.append(label(weight[0], 0, name, INK, xanchor="left", yanchor="top", xshift=4, yshift=-6))
            continue
        row, column = np.unravel_index(distance_transform_edt(region).argmax(), region.shape)
        notes.append(label(weight[column - 1], bias[row - 1], name, INK))
    return notes


def tails(frame: xr.Dataset) -> dict[str, Any]:
    """How often each output comes, beside a Gaussian; how much the size differs between networks, over layers."""
    values, x, layer = values_of(frame), frame.output.values, frame.layer.values
    seen = frame.density.values > 0
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    spread, depth = frame.spread.values, values["depth"]
    ever, over = 1 + spread, 1 + frame.first_order.values
    data = [
        curve(x, normal, "a Gaussian", SOFT, line={"color": SOFT, "width": 2, "dash": "dash"}),
        curve(x[seen], frame.density.values[seen], "outputs", BLUE, mode="lines+markers", marker={"size": 5}, pin=True),
        curve(layer, over, "first order", ORANGE, axes="2", line={"color": ORANGE, "width": 2.5, "dash": "dash"}),
    ]
    notes = [
        note(0.5, 0.05, "dashes: a Gaussian", SOFT, xanchor="center", yanchor="bottom"),
        note(0.03, 0.97, "dots: drawn networks", BLUE, axes="2", xanchor="left", yanchor="top"),
        note(0.03, 0.89, "dashes: first order in 1 / width", ORANGE, axes="2", xanchor="left", yanchor="top"),
    ]
    if "exact" in frame:
        data.append(curve(layer, 1 + frame.exact.values, "exact", GREEN, axes="2"))
        notes.append(note(0.03, 0.81, "line: exact", GREEN, axes="2", xanchor="left", yanchor="top"))
    data.append(
        curve(layer, ever, "drawn networks", BLUE, axes="2", mode="markers", marker={"size": 8, "color": BLUE},
              error_y={"type": "data", "array": 2 * frame.error.values, "color": BLUE, "thickness": 1, "width": 0},
              pin=True)
    )  # fmt: skip
    times = float(frame.beyond[-1]) / FOUR
    much = (
        f"{times:,.0f} times as often as" if times >= 1.5 else "about as often as" if times > 0.5 else "less often than"
    )
    many = f"{layer[-1]} layer{'' if layer[-1] == 1 else 's'}"
    told = f"Beyond four standard deviations: <b>{much}</b> a Gaussian ({many}, width {values['width']})."
    top = max(2.0, 1.15 * ever.max(), 1.15 * over.max(), 1 + 2 * _last(frame))
    layout = {
        "height": 420,
        "xaxis": axis(frame.output, domain=[0, 0.52], range=[-8, 8]),
        "yaxis": log_axis("how often", range=[-6, 0.2], dtick=2),
        "xaxis2": axis(frame.layer, domain=[0.66, 1], anchor="y2", range=[0.5, depth + 0.5]),
        "yaxis2": log_axis("1 + variance of sizes", anchor="x2", dtick=None, nticks=6,
                           range=[-0.02, np.log10(top)]),
        "annotations": notes,
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def _last(frame: xr.Dataset) -> float:
    """The first order at the last layer of the run, so that the axis stays where it is while layers are added."""
    so_far = frame.first_order.values
    return float(so_far[-1]) / max(len(so_far) - 1, 1) * (values_of(frame)["depth"] - 1)


def collapse(frame: xr.Dataset) -> dict[str, Any]:
    """The size's variance between networks of four widths, over layers or over layers / width; what a layer is made of.

    Both parts of the lower strip are shares of the size K: what came in is gamma^2 of it.
    """
    values = values_of(frame)
    over, kept = frame.ratio.values if values["against"] == "ratio" else None, values["skip"] ** 2
    data, notes = [], []
    for at, width in enumerate(frame.width.values):
        colour = (RED, ORANGE, BLUE, PURPLE)[at]
        x = frame.layers.values[at] if over is None else over
        y, error = frame.swing.values[at], frame.error.values[at]
        data.append(curve(x, frame.theory.values[at], f"first order, width {width}", colour,
                          line={"color": colour, "width": 1.5, "dash": "dash"}))  # fmt: skip
        data.append(
            curve(x, y, f"width {width}", colour, mode="lines+markers", marker={"size": 8}, pin=at == 0,
                  error_y={"type": "data", "array": 2 * error, "color": colour, "thickness": 1, "width": 0})
        )  # fmt: skip
        if over is None:
            notes.append(label(x[-1], np.log10(y[-1]), f"width {width}", colour, xanchor="left", xshift=8))
        else:
            notes.append(note(0.03, 0.96 - 0.07 * at, f"width {width}", colour, xanchor="left", yanchor="top"))
    notes.append(note(0.97, 0.04, "dashes: first order", SOFT, xanchor="right", yanchor="bottom"))
    widest = max(frame.swing.values.max(), frame.theory.values.max(), 1.5)
    along, span = (frame.layers, [-0.5, 40]) if over is None else (frame.ratio, [-0.005, 0.26])
    bar = {"type": "bar", "orientation": "h", "y": [0], "width": 0.8, "offset": -0.4, "xaxis": "x2", "yaxis": "y2",
           "hoverinfo": "skip", "showlegend": False}  # fmt: skip
    data += [
        bar | {"x": [kept], "base": 0, "name": "came in", "marker": {"color": GREEN}},
        bar | {"x": [1 - kept], "base": kept, "name": "newly made", "marker": {"color": GREEN, "opacity": 0.25}},
    ]
    notes += [
        note(0, 1, "a layer's output: <b>came in</b>, by a skip", GREEN, axes="2", xanchor="left", yanchor="bottom"),
        note(1, 1, "newly made", SOFT, axes="2", xanchor="right", yanchor="bottom"),
        label(kept, 0, "\N{LEFTWARDS ARROW} drag \N{RIGHTWARDS ARROW}", INK, axes="2",
              **(dict(xanchor="left", xshift=10) if kept < 0.6 else dict(xanchor="right", xshift=-10))),
    ]  # fmt: skip
    skips = np.unique(np.append(np.linspace(0, 0.95, 20), values["skip"]))
    layout = {
        "height": 500,
        "xaxis": axis(along, anchor="y", range=span),
        "yaxis": log_axis("1 + variance of sizes between networks", range=[-0.02, np.log10(1.15 * widest)], dtick=None,
                          nticks=6, domain=[0.32, 1]),
        "xaxis2": axis("share of the size K", anchor="y2", range=[0, 1], tickformat=".0%"),
        "yaxis2": axis("", anchor="x2", domain=[0, 0.11], range=[-0.5, 0.5], showticklabels=False, showgrid=False),
        "annotations": notes,
        "shapes": [vertical(kept, INK, "solid", axes="2", width=3)],
        "meta": {"hands": [hand(kept, None, across=scale("skip", skips**2, skips), axes="2", color=INK)]},
    }  # fmt: skip
    crossed, width, off = frame.layers.values[-1, -1], frame.width.values[-1], frame.swing.values[-1, -1] - 1
    told = "Networks differ in the size of their signals, the more, the deeper and the narrower they are."
    more = f"After {crossed} layers of {width} neurons by {np.sqrt(max(off, 0)):.0%} of the mean (standard deviation)."
    return {"data": data, "layout": headline(layout, told, more)}
