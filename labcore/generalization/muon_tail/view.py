"""Pictures of `muon_tail`: three memories that fill, beside their spectra; how even they end; a lift in steps."""

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
    RED,
    SKY,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    horizontal,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

COLOURS = (ORANGE, RED, BLUE)  # gradient descent, Adam, Muon
ROWS = ([0.74, 0.96], [0.46, 0.68], [0.18, 0.40])
HELD = 4  # the fact whose frequency is held to drag the exponent
CARD = ("evenness", "xy")


def memory(frame: xr.Dataset) -> dict[str, Any]:
    """What each optimizer's memory knows, fact by fact, and its singular values; below, the turn of the codes."""
    values, facts = values_of(frame), frame.fact.values
    data, shapes, notes, layout = [], [], [], {"height": 640, "bargap": 0.15}
    titles = ("", "chance of the right answer", ""), ("", "singular value / largest", "")
    for i, (name, colour, rows) in enumerate(zip(_names(values), COLOURS, ROWS, strict=True)):
        left, right = ("" if i == 0 else str(2 * i + 1)), str(2 * i + 2)
        singular = frame.singular.values[i]
        data += [
            _bars(facts, frame.known.values[i], name, colour, left, pin=i == 1),
            _bars(frame.direction.values, singular / singular[0], name, colour, right),
        ]
        shapes.append(horizontal(float(frame.level), INK, axes=left, width=1))
        equal = f"like {float(frame['rank'][i]):.0f} equal ones"
        notes += [
            note(0.5, 1, name, colour, axes=left, yanchor="bottom"),
            note(0.5, 1, equal, colour, axes=right, yanchor="bottom"),
        ]
        low, hidden = i == 2, {"showticklabels": False}
        layout |= {
            f"xaxis{left}": axis("fact, the most frequent first" if low else "", domain=[0, 0.45], anchor=f"y{left}",
                                 range=[0.3, facts[-1] + 0.7], **({} if low else hidden)),
            f"yaxis{left}": axis(titles[0][i], domain=rows, anchor=f"x{left}", range=[0, 1.02], tickformat=".0%",
                                 nticks=4),
            f"xaxis{right}": axis("direction, the strongest first" if low else "", domain=[0.57, 1],
                                  anchor=f"y{right}", **({} if low else hidden)),
            f"yaxis{right}": axis(titles[1][i], domain=rows, anchor=f"x{right}", range=[0, 1.02], nticks=4),
        }  # fmt: skip
    seen = frame.frequency.values / frame.frequency.values[0]
    data.append(curve(facts, seen, "how often it is seen", INK, hoverinfo="skip",
                      line={"color": INK, "width": 1.5, "dash": "dot"}))  # fmt: skip
    notes.append(note(0.97, 0.6, "dots: how often it is seen", INK, xanchor="right", bgcolor=PAPER, opacity=0.85))
    stop = 1 - values["eps"]
    hands = [
        hand(None, stop, up=scale("eps", [0.7, 0.99], [0.3, 0.01]), color=GREEN),
        hand(values["turn"], 0, across="turn", axes="7", color=GREEN),
    ]
    shapes.append(horizontal(stop, GREEN, "solid", width=2))
    if values["shape"] == "power law":
        exponents = np.linspace(0, 2, 201)
        hands.append(hand(HELD, float(seen[HELD - 1]), up=scale("exponent", HELD**-exponents, exponents)))
    data.append(curve([0, 1], [0, 0], "turn of the codes", SOFT, axes="7", line={"color": SOFT, "width": 3}))
    layout |= {
        "xaxis7": {**HIDDEN, "domain": [0, 1], "anchor": "y7", "range": [-0.02, 1.02]},
        "yaxis7": {**HIDDEN, "domain": [0.02, 0.08], "anchor": "x7", "range": [-1, 1]},
        "shapes": shapes,
        "annotations": [
            *notes,
            note(0, 0, "one-hot codes", GREEN, axes="7", xanchor="left", yanchor="top"),
            note(1, 0, "turned at random", GREEN, axes="7", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": hands},
    }
    return {"data": data, "layout": layout}


def _names(values: dict[str, Any]) -> tuple[str, str, str]:
    adam = "Adam" if values["adam"] == "adam" else "signs alone"
    return "gradient descent", adam, "Muon" if values["muon"] == "exact" else f"Muon, {values['ns_steps']} steps"


def _bars(x: np.ndarray, y: np.ndarray, name: str, colour: str, axes: str, pin: bool = False) -> dict:
    bars = {"type": "bar", "x": x, "y": y, "name": name, "marker": {"color": colour}, "showlegend": False}
    return bars | {"xaxis": f"x{axes}", "yaxis": f"y{axes}", "meta": {"pin": True} if pin else {}}


def evenness(frame: xr.Dataset) -> dict[str, Any]:
    """The chance of the least known fact along turns of the codes, or along the tail exponent."""
    x, mean = frame.place.values, frame.balance.values.mean(-1)
    values = values_of(frame)
    last = 1.0 if values["over"] == "turn" else values["exponent"] or 1.0
    said = {"SignGD": "Adam by signs alone", "Muon, Newton-Schulz": f"Muon, {values['ns_steps']} quick steps"}
    line = {"color": SOFT, "width": 1.5, "dash": "dot"}
    data = [curve([0, last], [float(frame.stop)] * 2, "the best known fact", SOFT, line=line)]
    styles = ((ORANGE, "solid"), (RED, "dash"), (RED, "solid"), (BLUE, "solid"), (SKY, "dash"))
    for r, (name, (colour, dash)) in enumerate(zip(frame.rule.values, styles, strict=True)):
        line = {"color": colour, "width": 3, "dash": dash}
        data.append(curve(x, mean[r], str(name), colour, mode="lines+markers", line=line, pin=name in ("Adam", "Muon"),
                          marker={"size": 8, "color": colour}))  # fmt: skip
    heights = apart(mean[:, -1], 0.07, top=0.99)
    layout = {
        "height": 440,
        "xaxis": axis(
            f"{frame.place.attrs['long_name']} (0: one-hot, 1: at random)" if values["over"] == "turn" else frame.place,
            range=[-0.02 * last, 1.56 * last],
            tickvals=np.linspace(0, last, 6),
        ),
        "yaxis": axis("chance of the least known fact", range=[-0.02, 1.06], tickformat=".0%"),
        "annotations": [
            label(0, float(frame.stop), "the best known fact: drag me", INK, xanchor="left", yanchor="bottom"),
            *(label(x[-1], height, said.get(str(name), str(name)), colour, xanchor="left", xshift=10)
            for name, height, (colour, _) in zip(frame.rule.values, heights, styles)),
        ],
        "meta": {"hands": [hand(None, 1 - values["eps"], up=scale("eps", [0.7, 0.99], [0.3, 0.01]))]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def lift(frame: xr.Dataset) -> dict[str, Any]:
    """All singular values before and after, and one of them step by step."""
    before, after, path, step = frame.before.values, frame.after.values, frame.path.values, frame.step.values
    sigma = values_of(frame)["sigma"]
    data = [
        curve(before, after, "after all steps", BLUE, line={"color": BLUE, "width": 3}),
        curve(frame.own_before.values, frame.own_after.values, "of the gradient", ORANGE, mode="markers",
              marker={"size": 7, "color": ORANGE, "line": {"color": PAPER, "width": 1}}),
        curve([sigma], path[-1:], "this one", GREEN, mode="markers",
              marker={"size": 13, "color": GREEN, "line": {"color": PAPER, "width": 2}}),
        curve(step, np.maximum(path, 1e-5), "this one", GREEN, axes="2", mode="lines+markers", pin=True,
              marker={"size": 10, "color": GREEN}, line={"color": GREEN, "width": 3}),
    ]  # fmt: skip
    layout = {
        "height": 440,
        "xaxis": log_axis("singular value σ before (norm 1)", domain=[0, 0.52], range=[-4.1, 0.1]),
        "yaxis": axis("singular value after all steps", range=[0, 1.3]),
        "xaxis2": axis("Newton-Schulz step", domain=[0.66, 1], anchor="y2", range=[-0.4, step[-1] + 0.4], dtick=1),
        "yaxis2": log_axis("this singular value on its way", anchor="x2", range=[-4.2, 0.3]),
        "shapes": [horizontal(1, SOFT), horizontal(1, SOFT, axes="2"), vertical(sigma, GREEN, "solid", width=2)],
        "annotations": [
            note(0.5, 1, "all singular values; dots: of a gradient", SOFT, yanchor="bottom"),
            note(0.5, 1, "this one, step by step", GREEN, axes="2", yanchor="bottom"),
            note(0.02, 0.97, "drag the line", GREEN, xanchor="left", yanchor="top") if sigma > 1e-3 else
            note(0.98, 0.06, "drag the line", GREEN, xanchor="right", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(sigma, None, across="sigma", color=GREEN)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}
