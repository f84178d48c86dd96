"""Pictures of `convex_relu`: points to drag, a curve in a circle, a race to a floor, drawn units, squares to avoid."""

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
    PAPER,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    segments,
    values_of,
    vertical,
)

REACH = 1.2  # of the circle's panel, in prices
TICKS = (1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 1e3, 1e4, 1e6, 1e9)
FAINT = 3e-3  # of the strongest unit: what is weaker is not drawn
COLOURS = (RED, ORANGE, PURPLE, SOFT)  # of the widths


def _round(degrees: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
    """Points (.., 2) of a circle's panel."""
    turned = np.radians(degrees)
    return np.stack([np.cos(turned) * radius, np.sin(turned) * radius], axis=-1)


def fit(frame: xr.Dataset) -> dict[str, Any]:
    """The points with the program's network and its rivals; what a unit would save in each direction; all losses."""
    x, y, at, values = frame.x.values, frame.y.values, frame.at.values, values_of(frame)
    saves = np.minimum(np.abs(frame.saves.values), REACH)
    edge, full = frame.turn.values, np.linspace(0, 360, 181)
    spokes = segments(_round(edge, 0.0), _round(edge, REACH))
    bulge = _round(frame.angle.values, saves)
    limit = _round(full, 1.0)
    data = [
        curve(*bundle(at, frame.runs.values), "gradient descent", SOFT, line={"color": SOFT, "width": 1.2},
              opacity=0.7, hoverinfo="skip"),
        curve(at, frame.best.values, "the program's network", BLUE, pin=True, line={"color": BLUE, "width": 4}),
        curve(*spokes, "a point is heard from here", GRID, axes="2", line={"color": GRID, "width": 1.5},
              hoverinfo="skip"),
        curve(*limit.T, "price of a unit", GREEN, axes="2", line={"color": GREEN, "width": 3}, hoverinfo="skip"),
        curve(*bulge.T, "what a unit saves", BLUE, axes="2", line={"color": BLUE, "width": 2}, hoverinfo="skip",
              fill="toself", fillcolor="rgba(47,134,201,0.15)"),
    ]  # fmt: skip
    if "facing" in frame:
        data += _units(frame)
    data.append(curve(x, y, "points", INK, mode="markers",
                      marker={"size": 15, "color": INK, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    floor = max(float(frame.floor), 1e-9)
    found, ends = max(float(frame.loss) / floor, 1), np.maximum(frame.run_loss.values / floor, 1)
    rows = 0.25 + 0.5 * ((7 * np.arange(len(ends))) % len(ends)) / max(len(ends) - 1, 1)
    data += [
        curve(ends, rows, "gradient descent", SOFT, axes="3", mode="markers",
              marker={"size": 10, "color": SOFT, "opacity": 0.8}),
        curve([found], [0.5], "the program", BLUE, axes="3", mode="markers",
              marker={"size": 15, "color": BLUE, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    room = max(np.log10(max(ends.max(), found)), 0.15)
    ticks = [t for t in TICKS if np.log10(t) < 1.1 * room][-5:]
    layout = {
        "height": 560,
        "xaxis": axis(frame.x, domain=[0, 0.45], range=[-1.15, 1.15]),
        "yaxis": axis(frame.y, range=[-1.7, 1.7]),
        "xaxis2": {**HIDDEN, "domain": [0.52, 1], "anchor": "y2", "range": [-1.65, 1.65]},
        "yaxis2": {**HIDDEN, "domain": [0.34, 1], "anchor": "x2", "range": [-1.4, 1.4], "scaleanchor": "x2"},
        "xaxis3": log_axis("loss at the end / floor", domain=[0.52, 1], anchor="y3",
                           range=[-0.12 * room, 1.1 * room], tickvals=ticks, ticktext=[f"{t:g}" for t in ticks]),
        "yaxis3": {**HIDDEN, "domain": [0, 0.2], "anchor": "x3", "range": [0, 1]},
        "shapes": [vertical(1, GREEN, "solid", axes="3", width=3)],
        "annotations": [
            note(0.5, 1, "drag the points", INK, yanchor="bottom"),
            note(0.5, 1, "blue inside the green circle: nothing can be better", INK, axes="2", yanchor="bottom"),
            label(1.45, 0, "hears<br>the right", SOFT, axes="2"),
            label(-1.45, 0, "hears<br>the left", SOFT, axes="2"),
            label(0, 1.3, "hears all", SOFT, axes="2"),
            label(0, -1.3, "hears nobody", SOFT, axes="2"),
            label(0, 1, "floor: nobody gets below", GREEN, axes="3", xanchor="left", yanchor="bottom"),
        ],
        "meta": {
            "hands": [
                hand(values[f"x_{k}"], values[f"y_{k}"], across=f"x_{k}", up=f"y_{k}", color=INK)
                for k in range(1, len(x) + 1)
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _units(frame: xr.Dataset) -> list[dict]:
    """The network's units: on the circle, and on the curve where they bend it; red ones add, purple ones take away."""
    facing, strength = frame.facing.values, frame.strength.values
    size = 7 + 13 * np.sqrt(np.abs(strength) / max(np.abs(strength).max(), 1e-12))
    radius = np.interp(facing, frame.angle.values, np.minimum(np.abs(frame.saves.values), REACH))
    turned = np.radians(facing)
    with np.errstate(divide="ignore", over="ignore"):
        kink = np.where(np.abs(np.cos(turned)) > 1e-9, -np.tan(turned), np.inf)
    data = []
    for sign, colour, words in ((1, RED, "bend up"), (-1, PURPLE, "bend down")):
        some = sign * strength > FAINT * np.abs(strength).max()
        bends = some & (np.abs(kink) < 1.1)
        marks = {"color": colour, "line": {"color": PAPER, "width": 1}}
        data += [
            curve(*_round(facing[some], radius[some]).T, words, colour, axes="2", mode="markers",
                  marker=marks | {"size": size[some]}),
            curve(kink[bends], np.interp(kink[bends], frame.at.values, frame.best.values), words, colour,
                  mode="markers", marker=marks | {"size": 0.8 * size[bends], "symbol": "diamond"}),
        ]  # fmt: skip
    return data


def race(frame: xr.Dataset) -> dict[str, Any]:
    """Losses of all networks in training, the program's, and the floor under them; beside it where the runs are now."""
    step, widths, best = frame.step.values[1:], frame.width.values, float(frame.best)
    loss, convex, floor = (
        frame.loss.values[..., 1:] / best,
        frame.convex.values[1:] / best,
        frame.floor.values[1:] / best,
    )
    data = []
    for i, (m, colour) in enumerate(zip(widths, COLOURS)):
        runs = loss.shape[1]
        data += [
            curve(*bundle(step, loss[i]), f"{m} units", colour, line={"color": colour, "width": 1.2}, opacity=0.8,
                  hoverinfo="skip", pin=i == 1),
            curve(i + 0.5 * (np.arange(runs) / max(runs - 1, 1) - 0.5), loss[i, :, -1], f"{m} units", colour, axes="2",
                  mode="markers", marker={"size": 9, "color": colour, "opacity": 0.85}),
        ]  # fmt: skip
    data += [
        curve(step, convex, "the program", BLUE, line={"color": BLUE, "width": 4}),
        curve(step, np.maximum(floor, 1e-3), "floor", GREEN, line={"color": GREEN, "width": 3}),
    ]
    height = [np.log10(0.4), np.log10(min(max(loss.max(), 3), 30)) + 0.1]
    layout = {
        "height": 460,
        "xaxis": log_axis("step", domain=[0, 0.6]),
        "yaxis": log_axis("loss, over the lowest possible one", range=height),
        "xaxis2": axis("units of the network", domain=[0.68, 1], anchor="y2", range=[-0.6, len(widths) - 0.4],
                       tickvals=list(range(len(widths))), ticktext=[str(m) for m in widths]),
        "yaxis2": log_axis("", anchor="x2", matches="y", showticklabels=False),
        "shapes": [horizontal(1, GREEN, axes="2", width=2)],
        "annotations": [
            note(0.5, 1, "thin: gradient descent · blue: the convex program", SOFT, yanchor="bottom"),
            note(0.02, 0.06, "green: the floor that is proved", GREEN, xanchor="left", yanchor="bottom"),
            *(note(0.98, 0.97 - 0.07 * i, f"{m} units", colour, xanchor="right", yanchor="top")
              for i, (m, colour) in enumerate(zip(widths, COLOURS))),
            note(0.5, 1, "each dot is a run", SOFT, axes="2", yanchor="bottom"),
        ],
    }  # fmt: skip
    now = (loss[..., -1] <= 1.01).mean(1)
    told = ", ".join(f"{share:.0%} with {m}" for share, m in zip(now, widths))
    return {"data": data, "layout": headline(layout, f"Within 1 % of the lowest loss: {told} units.")}


def draws(frame: xr.Dataset) -> dict[str, Any]:
    """How far above the lowest loss the same random units end: frozen, and free within their patterns."""
    drawn, data, notes, most = frame.drawn.values, [], [], values_of(frame)["most"]
    at = min(1, len(drawn) - 1)  # where few are drawn both ways are far apart
    ways = (
        ("frozen", ORANGE, "frozen units", "left", "bottom"),
        ("moving", BLUE, "only their patterns", "right", "top"),
    )
    for name, colour, words, side, edge in ways:
        above = 100 * np.maximum(frame[name].values, 1e-3)
        data += [
            curve(*bundle(drawn, above), words, colour, line={"color": colour, "width": 1}, opacity=0.6,
                  hoverinfo="skip"),
            curve(drawn, np.exp(np.log(above).mean(0)), words, colour, mode="lines+markers", pin=name == "frozen",
                  marker={"size": 8, "color": colour}, line={"color": colour, "width": 4}),
        ]  # fmt: skip
        height = np.log10(above).mean(0)[at]
        notes.append(label(np.log10(drawn[at]), height, words, colour, xanchor=side, yanchor=edge))
    layout = {
        "height": 440,
        "xaxis": log_axis(frame.drawn, range=list(np.log10([8, 2500]))),
        "yaxis": log_axis("loss above the lowest possible one (%)", range=[-1.45, 3.2]),
        "shapes": [horizontal(0.1, SOFT), vertical(most, INK, "solid", width=3)],
        "annotations": [
            *notes,
            label(np.log10(drawn[0]), -1, "on this line: 0.1 % or less", SOFT, xanchor="left", yanchor="top"),
            label(np.log10(most), 3.2, "drag me", INK, xanchor="right", yanchor="top", xshift=-8),
            note(1, 1, f"{frame.patterns.values[:, -1].mean():.0f} of {int(frame.every)} patterns at the end", SOFT,
                 xanchor="right", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(most, None, across="most")]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """The program's loss over the units that are drawn for it; each trained network, and what its patterns allow."""
    drawn, trained, settled = frame.drawn.values, frame.trained.values, frame.settled.values
    still, moving, most = frame.frozen.values, frame.moving.values, values_of(frame)["most"]
    place = np.arange(1, len(trained) + 1)
    drops = segments(np.column_stack([place, trained]), np.column_stack([place, settled]))
    data = [
        curve(drawn, still, "frozen units", ORANGE, mode="lines+markers", marker={"size": 8, "color": ORANGE}),
        curve(drawn, moving, "only their patterns", BLUE, mode="lines+markers", pin=True,
              line={"color": BLUE, "width": 4}, marker={"size": 8, "color": BLUE}),
        curve(*drops, "the program saves", GREEN, axes="2", line={"color": GREEN, "width": 2}, hoverinfo="skip"),
        curve(place, trained, "a trained network", SOFT, axes="2", mode="markers",
              marker={"size": 12, "color": SOFT}),
        curve(place, settled, "the program with its patterns", GREEN, axes="2", mode="markers",
              marker={"size": 14, "color": GREEN}),
    ]  # fmt: skip
    every, ticks = (
        np.concatenate([still, moving, trained, settled]),
        [t * 10**k for k in range(-2, 4) for t in (1, 2, 5)],
    )
    spans = np.log10([max(every.min(), 1e-6) * 0.8, every.max() * 1.3])
    layout = {
        "height": 440,
        "xaxis": log_axis(frame.drawn, domain=[0, 0.52], range=list(np.log10([4, 200])), dtick=None, minor={},
                          tickvals=[5, 10, 20, 50, 100, 200]),
        "yaxis": log_axis("loss on the training digits", range=list(spans), dtick=None, minor={},
                          tickvals=ticks),
        "xaxis2": axis("trained network", domain=[0.62, 1], anchor="y2", range=[0.4, len(place) + 0.6],
                       tickvals=place),
        "yaxis2": log_axis("", anchor="x2", range=list(spans), dtick=None, minor={}, tickvals=ticks),
        "shapes": [vertical(most, INK, "solid", width=3), horizontal(moving[-1], BLUE, axes="2", width=2)],
        "annotations": [
            label(np.log10(drawn[0]), np.log10(still[0]), "drawn and frozen", ORANGE, xanchor="left", yanchor="bottom",
                  yshift=6),
            label(np.log10(drawn[0]), np.log10(moving[0]), "drawn, for their patterns", BLUE, xanchor="left",
                  yanchor="bottom", yshift=6),
            label(np.log10(most), spans[0], "drag me", INK, xanchor="left", yanchor="bottom", xshift=8),
            note(0.97, 0.98, "grey: as trained", SOFT, axes="2", xanchor="right", yanchor="top"),
            note(0.97, 0.9, "green: the program with its patterns", GREEN, axes="2", xanchor="right", yanchor="top"),
            note(0.97, 0.82, "dots: with drawn patterns", BLUE, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": [hand(most, None, across="most")]},
    }  # fmt: skip
    told = (
        f"Loss with {int(frame.patterns[-1])} drawn patterns: {moving[-1]:.1f}. Of trained networks: "
        f"{np.median(trained):.1f}. With the patterns that these found: {np.median(settled):.1f}."
    )
    return {"data": data, "layout": headline(layout, told)}


SIGNED = [[0, "rgba(230,159,0,0.75)"], [0.5, "rgba(128,128,128,0.03)"], [1, "rgba(47,134,201,0.75)"]]


def squares(frame: xr.Dataset) -> dict[str, Any]:
    """Both networks' outputs over the plane, squares that an attack can reach, and how many new points stay right."""
    values, places = values_of(frame), np.column_stack([frame.x1.values, frame.x2.values])
    e, at = values["e"], frame.a1.values
    sign, attack, right = frame.sign.values, frame.attack.values, frame.right.values
    corner = e * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    around = places[:, None] + corner
    box = bundle(np.zeros(5), around[..., 0])[1], bundle(np.zeros(5), around[..., 1])[1]
    data = []
    for axes, output in zip(("", "2"), frame.output.values):
        data.append(image(np.tanh(3 * output), axes, SIGNED, -1, 1, x=at, y=at))
        if e > 0 and axes:
            data.append(curve(*box, "squares", SOFT, axes=axes, line={"color": SOFT, "width": 1}, hoverinfo="skip"))
        if axes and "w1" in frame:
            data.append(curve(*_lines(frame), "where units bend", INK, axes=axes, line={"color": INK, "width": 1.5},
                              hoverinfo="skip"))  # fmt: skip
        for s, colour, words in ((1, BLUE, "label +"), (-1, ORANGE, "label −")):
            data.append(curve(*places[sign == s].T, words, colour, axes=axes, mode="markers",
                              marker={"size": 8, "color": colour, "line": {"color": PAPER, "width": 1}}))  # fmt: skip
        data.append(curve(places[-1:, 0], places[-1:, 1], "stray", BLUE, axes=axes, mode="markers",
                          marker={"size": 15, "color": BLUE, "line": {"color": RED, "width": 3}}))  # fmt: skip
    for name, colour, row in zip(frame.network.values, (SOFT, GREEN), right):
        data.append(curve(attack, 100 * row, str(name), colour, axes="3", pin=name == "robust", mode="lines+markers",
                          marker={"size": 8, "color": colour}, line={"color": colour, "width": 3}))  # fmt: skip
    heights = apart(100 * right[:, 2], 7)
    x, y = float(places[-1, 0]), float(places[-1, 1])
    place = {"range": [-1.2, 1.2], "zeroline": False, "showgrid": False}
    layout = {
        "height": 430,
        "xaxis": axis("x₁", domain=[0, 0.32], **place),
        "yaxis": axis("x₂", scaleanchor="x", constrain="domain", **place),
        "xaxis2": axis("x₁", domain=[0.36, 0.68], anchor="y2", **place),
        "yaxis2": axis("", anchor="x2", scaleanchor="x2", constrain="domain", showticklabels=False, **place),
        "xaxis3": axis(frame.attack, domain=[0.77, 1], anchor="y3"),
        "yaxis3": axis("new points told rightly (%)", anchor="x3", range=[0, 105]),
        "annotations": [
            note(0.5, 1, "plain (drag the red ring)", SOFT, yanchor="bottom"),
            note(0.5, 1, "robust: no line cuts a square", GREEN, axes="2", yanchor="bottom"),
            *(
                label(attack[2], h, str(name), colour, axes="3", yanchor="bottom", yshift=6)
                for h, name, colour in zip(heights, frame.network.values, (SOFT, GREEN))
            ),
        ],
        "meta": {
            "hands": [
                hand(x, y, across="stray_x", up="stray_y", axes="2", color=RED),
                hand(x, y, across="stray_x", up="stray_y", color=RED),
                hand(e, None, across="e", axes="3", color=GREEN),
            ]
        },
        "shapes": [vertical(e, GREEN, "dash", axes="3", width=2)],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _lines(frame: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The line w1 x1 + w2 x2 + w0 = 0 of each unit, long enough for the panel."""
    across = np.column_stack([frame.w1.values, frame.w2.values])
    square = np.maximum((across**2).sum(1, keepdims=True), 1e-12)
    foot = -frame.w0.values[:, None] * across / square
    along = 4 * np.column_stack([-across[:, 1], across[:, 0]]) / np.sqrt(square)
    near = (np.abs(foot) < 3).all(1)
    return segments((foot - along)[near], (foot + along)[near])
