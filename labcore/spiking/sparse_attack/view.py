"""Pictures of `sparse_attack`: a slope over potentials, events with flips marked, and how many flips are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    label,
    note,
    scale,
    values_of,
    vertical,
)

CARD = ("membrane", "xy")
EVENTS = [[0, "rgb(25,28,40)"], [1, "rgb(235,235,225)"]]
BARS = [ORANGE, BLUE, SOFT]


def membrane(frame: xr.Dataset) -> dict[str, Any]:
    """The potentials of the first layer with the attacker's slope over them, to be dragged; success beside."""
    values, u = values_of(frame), frame.u.values
    fitted, bell = values["kind"] == "fitted", values["kind"] == "gauss"
    spread, high = float(frame.spread), float(frame.potentials.max())
    shown = frame.slope.values / max(float(frame.slope.max()), 1e-12) * high
    success, color = frame.success.values, BLUE if fitted else ORANGE
    data = [
        {"type": "bar", "x": u, "y": frame.potentials.values, "marker": {"color": SOFT}, "opacity": 0.4,
         "name": "potentials", "showlegend": False, "hoverinfo": "skip", "xaxis": "x", "yaxis": "y"},
        curve(u, shown, "slope", color, pin=True),
        {"type": "bar", "x": list(frame.attacker.values), "y": success, "marker": {"color": [color, *BARS[1:]]},
         "xaxis": "x2", "yaxis": "y2", "showlegend": False, "name": "made wrong",
         "hovertemplate": "%{x}: %{y:.0%}<extra></extra>"},
    ]  # fmt: skip
    hands = []
    if not fitted:
        c, w = values["centre"] if bell else 0.0, values["width"]
        half = w / 2 if values["kind"] == "rectangle" else w
        places = np.array([0.1, w, 30.0]) if 0.1 < w < 30 else np.array([0.1, 30.0])
        hands.append(hand(c + half, high / 2, across=scale("width", c + places * half / w, places), color=color))
        if bell:
            hands.append(hand(c, high, across="centre", color=color))
    reached = float(frame.reached)
    told = f"The slope reaches {reached:.0%} of the potentials, and {success[0]:.0%} of the digits are made wrong."
    layout = {
        "height": 390,
        "bargap": 0.02,
        "xaxis": axis(frame.u, domain=[0, 0.58], range=[u[0], u[-1]]),
        "yaxis": axis(frame.potentials, range=[0, 1.15 * high]),
        "xaxis2": axis("attacker", domain=[0.7, 1], anchor="y2"),
        "yaxis2": axis(frame.success, anchor="x2", range=[0, 1.05], tickformat=".0%"),
        "shapes": [vertical(0)],
        "annotations": [
            label(0, 1.15 * high, "threshold", SOFT, xanchor="right", yanchor="top", xshift=-4),
            note(0.99, 0.98, f"attacker's slope{'' if fitted else ': drag it'}", color, xanchor="right", yanchor="top"),
            note(0.01, 0.98, f"potentials, spread {spread:.2g}", SOFT, xanchor="left", yanchor="top"),
        ],
    }  # fmt: skip
    if hands:
        layout["meta"] = {"hands": hands}
    return {"data": data, "layout": headline(layout, told)}


def flips(frame: xr.Dataset) -> dict[str, Any]:
    """The events of all time steps with the flips marked, and the lead of the right digit, flip by flip."""
    values = values_of(frame)
    time, many = frame.sizes["step"], 4  # frames in a row
    sheet = np.full((2 * 9 - 1, many * 9 - 1), np.nan)
    xs, ys = [], []
    for t in range(time):
        r, c = divmod(t, many)
        sheet[9 * r : 9 * r + 8, 9 * c : 9 * c + 8] = frame.events.values[t]
        i, j = np.nonzero(frame.marked.values[t])
        xs += list(9 * c + j)
        ys += list(9 * r + i)
    made, target = values["count"], int(frame.right)
    said, lead, k = int(frame.answer.values.argmax()), frame.lead.values, frame.flip.values
    wrong = said != target
    data = [
        {"type": "heatmap", "z": sheet, "zmin": 0, "zmax": 1, "colorscale": EVENTS,
         "showscale": False, "hoverinfo": "skip", "xaxis": "x", "yaxis": "y"},
        {"type": "scatter", "mode": "markers", "x": xs, "y": ys, "xaxis": "x", "yaxis": "y", "name": "flipped",
         "marker": {"color": RED, "size": 8, "line": {"color": PAPER, "width": 1}}, "showlegend": False,
         "hoverinfo": "skip"},
        curve(k, frame.chance.values, "flips by chance", SOFT, axes="2"),
        curve(k, lead, "the attacker's flips", BLUE, axes="2", pin=True),
        curve([made], [lead[made]], "here", RED, axes="2", mode="markers", hoverinfo="skip",
              marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    low, high = min(lead.min(), 0), max(lead.max(), frame.chance.values.max())
    room = 0.12 * (high - low)
    told = f"{made} of 512 events are flipped: the network reads the {target} as a {said}{'!' if wrong else '.'}"
    layout = {
        "height": 390,
        "xaxis": axis("8 time steps, one after the other", domain=[0, 0.56], showticklabels=False, showgrid=False,
                      zeroline=False, range=[-0.6, many * 9 - 1.4]),
        "yaxis": axis("rows of pixels", showticklabels=False, showgrid=False, zeroline=False, range=[16.6, -0.6]),
        "xaxis2": axis("events flipped", domain=[0.68, 1], anchor="y2", range=[-1, 41]),
        "yaxis2": axis(frame.lead, anchor="x2", range=[low - room, high + room]),
        "shapes": [horizontal(0, SOFT, axes="2")],
        "annotations": [
            label(40, 0, "below: wrong", SOFT, axes="2", xanchor="right", yanchor="top"),
            label(40, float(frame.chance.values[-1]), "by chance", SOFT, axes="2", xanchor="right",
                  yanchor="bottom", yshift=14),
            label(made, float(lead[made]), "drag it", RED, axes="2", xanchor="left", xshift=12, yanchor="bottom"),
        ],
        "meta": {"hands": [hand(float(made), float(lead[made]), across="count", axes="2", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}


def needed(frame: xr.Dataset) -> dict[str, Any]:
    """Flips that are enough, a dot a digit, for each attacker, with their median."""
    data, notes = [], []
    colours = dict(zip(frame.attacker.values, (BLUE, GREEN, SOFT), strict=True))
    spots = np.linspace(-0.28, 0.28, frame.sizes["sample"])
    for k, name in enumerate(frame.attacker.values):
        y, wrong = frame.flips.values[k], frame.wrong.values[k] > 0
        mark = {"color": colours[name], "size": 8, "symbol": ["circle" if w else "x" for w in wrong]}
        data.append(curve(k + spots, y, str(name), colours[name], mode="markers", marker=mark))
        middle = float(np.median(y))
        data.append(curve([k - 0.35, k + 0.35], [middle, middle], "median", colours[name]))
        notes.append(label(k + 0.37, np.log10(max(middle, 1)), f"{middle:.3g}", colours[name], xanchor="left"))
    a, b, c = np.median(frame.flips.values, 1)
    told = f"Half of the digits need at most {a:.3g} flips; by chance {c:.3g}."
    layout = {
        "height": 390,
        "xaxis": axis("flips that were", tickvals=[0, 1, 2], ticktext=["tried one by one", "taken from the gradient",
                      "drawn by chance"], range=[-0.5, 2.7]),
        "yaxis": axis(frame.flips, type="log", range=[0, 2.6], tickvals=[1, 3, 10, 30, 100, 300]),
        "annotations": notes,
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told)}
