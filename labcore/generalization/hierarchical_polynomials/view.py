"""Pictures of `hierarchical_polynomials`: a bottleneck that becomes a line, a race, and the ceiling of few pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

from .experiments import BENDS, TWISTS
from .target import Link, ceiling, link

CARD = ("bottleneck", "xy")
LEAST = 1e-4  # errors are drawn no lower
AT_BEND, AT_TWIST = -np.sqrt(3), 2.5  # places of the hands: z^3 - 3z is 0 at the first


def _at(z: float, g: Link) -> float:
    return float(link(np.array([z]), g)[0])


def bottleneck(frame: xr.Dataset) -> dict[str, Any]:
    """The learned number against p, the link and its fit, and what the number is made of as samples grow."""
    values = values_of(frame)
    samples, g = values["samples"], Link(values["slope"], values["bend"], values["twist"])
    z, shares, now = frame.z.values, frame.parts.values, frame.now.values
    data = [
        curve([-5, 5], [-5, 5], "p itself", SOFT, line={"color": SOFT, "width": 1.5, "dash": "dot"}, hoverinfo="skip"),
        curve(
            frame.inner.values,
            frame.learned.values,
            "new samples",
            BLUE,
            mode="markers",
            marker={"size": 5, "color": BLUE, "opacity": 0.6},
        ),
        curve(z, frame.g.values, "outer link g", INK, axes="2", line={"color": INK, "width": 2, "dash": "dash"}),
        curve(z, frame.fitted.values, "stage 2", GREEN, axes="2", pin=True, line={"color": GREEN, "width": 3}),
    ]
    ratio = frame.ratio.values
    for k, colour in enumerate((BLUE, ORANGE, SOFT)):
        data.append(
            curve(
                ratio,
                shares[k],
                str(frame.part.values[k]),
                colour,
                axes="3",
                stackgroup="parts",
                line={"color": colour, "width": 1},
                hoverinfo="skip",
            )
        )
    bends = scale("bend", [_at(AT_BEND, g._replace(bend=v)) for v in BENDS], BENDS)
    twists = scale("twist", [_at(AT_TWIST, g._replace(twist=v)) for v in TWISTS], TWISTS)
    made_of = (f"{word} {share:.0%}" for word, share in zip(("p", "contamination", "noise"), now, strict=True))
    layout = {
        "height": 560,
        "xaxis": axis("the hidden number p(x), never shown", domain=[0, 0.5], range=[-4.5, 4.5]),
        "yaxis": axis("what the bottleneck has learned to say", range=[-4.5, 4.5]),
        "xaxis2": axis("p, or what the bottleneck says", domain=[0.62, 1], anchor="y2", range=[-3, 3]),
        "yaxis2": axis("output", domain=[0.6, 1], anchor="x2", range=[-5, 10.5]),
        "xaxis3": log_axis("samples (in units of d²)", domain=[0.62, 1], anchor="y3", range=[0, np.log10(32)]),
        "yaxis3": axis("made of (shares)", domain=[0, 0.38], anchor="x3", range=[0, 1]),
        "shapes": [vertical(samples, INK, "solid", axes="3", width=3)],
        "annotations": [
            note(0.03, 0.97, f"correlation {float(frame.correlation):.3f}", BLUE, xanchor="left", yanchor="top"),
            note(0.5, 0.97, "the true link g", INK, axes="2", yanchor="top"),
            note(0.5, 0.86, "what stage 2 made of it", GREEN, axes="2", yanchor="top"),
            note(0.5, 1, "drag the line: more samples, less noise", INK, axes="3", yanchor="bottom"),
            note(0.75, 0.3, "p itself", BLUE, axes="3"),
            note(0.1, 0.9, "noise", SOFT, axes="3", xanchor="left"),
            note(0.97, 0.97, "contamination", INK, axes="3", xanchor="right", yanchor="top"),
            note(0.03, 0.05, "dotted: p itself", SOFT, xanchor="left", yanchor="bottom"),
        ],
        "meta": {
            "hands": [
                hand(samples, None, across="samples", axes="3"),
                hand(AT_BEND, _at(AT_BEND, g), up=bends, axes="2", color=RED),
                hand(AT_TWIST, _at(AT_TWIST, g), up=twists, axes="2", color=PURPLE),
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, f"What the bottleneck has learned: {', '.join(made_of)}.")}


def race(frame: xr.Dataset) -> dict[str, Any]:
    """Test error over the number of samples, on log axes, with the floor of all polynomials of degree 2."""
    low, values = float(frame.floor), values_of(frame)
    held = values["twist"] == 0 and values["bend"] >= 0.2  # the bend alone makes the floor, and it is in the picture
    data, notes, names = [], [], (
        ("three", "three layers", BLUE),
        ("net", "two layers", GREEN),
        ("quadratic", "quadratic kernel", ORANGE),
        ("kernel", "exponential kernel", RED),
    )  # fmt: skip
    ends = {}
    for name, words, colour in names:
        of = frame[name]
        x, y = of[of.dims[1]].values, np.maximum(of.mean("repeat").values, LEAST)
        dots = {"mode": "lines+markers", "marker": {"size": 8, "color": colour}}
        data.append(curve(x, y, words, colour, pin=name == "three", **dots))
        ends[name] = x[-1], np.log10(y[-1])
    heights = apart([*(end[1] for end in ends.values()), np.log10(max(low, LEAST))], 0.07)  # the floor is a line too
    for (name, words, colour), height in zip(names, heights[:-1], strict=True):
        notes.append(label(np.log10(ends[name][0]), height, words, colour, xanchor="left", xshift=10))
    shapes = []
    for value, words, colour, where in (
        (low, "no polynomial of degree 2 comes below" + ": drag me" * held, INK, "top"),
        (float(frame.endless), "three layers with endless samples for stage 1", BLUE, "top"),
    ):
        if value > LEAST:
            shapes.append(horizontal(value, colour, "dash"))
            notes.append(note(0.02, np.log10(value), words, colour, yref="y", xanchor="left", yanchor=where))
    products = float(frame.products)
    if products <= 45:
        shapes.append(vertical(products))
        words = f"{products * values['d'] ** 2:,.0f} samples: as many<br>as products of four inputs"
        notes.append(
            label(np.log10(products), -1.42, words, SOFT, xanchor="right", yanchor="bottom", align="right", xshift=-6)
        )
    layout = {
        "height": 480,
        "xaxis": log_axis("samples (in units of d²)", range=[-0.05, 2.25]),
        "yaxis": log_axis("error, as a share of the target's variance", range=[-1.45, 0.1]),
        "shapes": shapes,
        "annotations": notes,
        "meta": {"hands": [hand(None, low, up=_floors(values["bend"], low))] if held else []},
    }
    return {"data": data, "layout": layout}


def _floors(bend: float, low: float) -> dict[str, Any]:
    """The floor, nearly as a²/(1 + a²), as a place of the bend a; `low` is where this bend has it."""
    ends = np.union1d(np.linspace(0.2, BENDS[1], 27).round(9), round(bend, 9))  # a log axis has no 0
    share = ends**2 / (1 + ends**2)
    return scale("bend", low * share / share[np.searchsorted(ends, round(bend, 9))], ends)


def pieces(frame: xr.Dataset) -> dict[str, Any]:
    """Correlation of the bottleneck with p, and its ceiling; the errors beside them."""
    values = values_of(frame)
    x, r, high = frame.pieces.values, frame.correlation.values, frame.ceiling.values
    # between two it is interpolated; rounded, since linspace's 0.3 is not the parameter's and two so near are no scale
    ends = np.union1d(np.linspace(*BENDS, 31).round(9), round(values["bend"], 9))
    two = np.diag([0.5, -0.5])
    means = scale("bend", [ceiling(two, Link(1.0, bend)) for bend in ends], ends)
    dots, top, end = {"mode": "lines+markers"}, np.ones(len(x)), np.log10(x[-1])
    data = [
        curve(x, top, "all of p", SOFT, line={"color": SOFT, "width": 1}, hoverinfo="skip"),
        curve(x, high, "endless samples", ORANGE, line={"color": ORANGE, "width": 2.5, "dash": "dash"},
              fill="tonexty", fillcolor="rgba(230,159,0,0.25)"),
        curve(x, r, "these samples", BLUE, pin=True, marker={"size": 8, "color": BLUE}, **dots),
        curve(x, frame.floor.values, "degree 2", INK, axes="2", line={"color": INK, "width": 2, "dash": "dash"}),
        curve(x, frame.error.values, "three layers", BLUE, axes="2", marker={"size": 8, "color": BLUE}, **dots),
    ]  # fmt: skip
    squares = dict(type="log", tickvals=[2, 4, 8, 16, 32], range=list(np.log10([1.8, 36])))
    layout = {
        "height": 440,
        "xaxis": axis("squares that p is made of", domain=[0, 0.52], **squares),
        "yaxis": axis("how well the bottleneck follows p (correlation)",
                      range=[min(0.5, r.min() - 0.05, high.min() - 0.05), 1.03]),
        "xaxis2": axis("squares that p is made of", domain=[0.64, 1], anchor="y2", **squares),
        "yaxis2": axis("error (share of the variance)", anchor="x2", rangemode="tozero"),
        "annotations": [
            label(np.log10(x[0]), 0.99, "contamination: stays with any number of samples", ORANGE, xanchor="left",
                  yanchor="top", xshift=6),
            note(0.97, 0.05, f"blue: {values['samples'] * values['d'] ** 2:,} samples", BLUE, xanchor="right",
                 yanchor="bottom"),
            note(0.97, 0.13, "dashes: endless samples", ORANGE, xanchor="right", yanchor="bottom"),
            label(np.log10(x[0]), high[0], "bend a: drag me", ORANGE, xanchor="left", xshift=14),
            label(end, float(frame.floor[-1]), "no bottleneck: degree 2", INK, axes="2", xanchor="right",
                  yanchor="bottom"),
            label(end, float(frame.error[-1]), "three layers", BLUE, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": [hand(float(x[0]), float(high[0]), up=means, color=ORANGE)]},
    }  # fmt: skip
    told = f"p of {x[0]:.0f} squares is followed to {r[0]:.2f}, p of {x[-1]:.0f} squares to {r[-1]:.2f}."
    return {"data": data, "layout": headline(layout, told)}
