"""Pictures of `modular_addition`: dials that add their angles, and a vote of waves."""

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
    PURPLE,
    RED,
    SKY,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    label,
    note,
    scale,
    segments,
    values_of,
)

DIAL_X, DIAL_Y, RIM, REACH = 0.62, 0.9, 1.22, 0.8  # radii of the dials and of the answers, length of the longest vote
ZERO = 0.34  # where the dials are held to turn them


def _at(angle: np.ndarray | float, radius: np.ndarray | float) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _angle(number: np.ndarray | float, p: int) -> np.ndarray | float:
    """Where a number stands: 0 is at the top, and they go on as on a clock."""
    return np.pi / 2 - 2 * np.pi * number / p


def vote(frame: xr.Dataset) -> dict[str, Any]:
    """Two dials with the numbers, the votes as rays around them, and the waves that they are the sum of."""
    values, total, answers = values_of(frame), frame.vote.values, frame.answer.values
    p, turn = values["p"], values["turn"]
    x, y = values["x"] % p, values["y"] % p
    right, most = (x + y) % p, max(np.abs(total).max(), 1e-9)
    colours = np.full(p, SOFT, dtype=object)
    colours[[2 * x % p, 2 * y % p]] = RED
    colours[right] = GREEN
    data = []
    for radius, number, colour, name in ((DIAL_X, x, BLUE, "x"), (DIAL_Y, y, ORANGE, "y")):
        ring = _at(_angle(np.arange(p) + turn, p), radius)
        tip = _at(_angle(number + turn, p), radius)
        data.append(curve(*ring.T, f"dial of {name}", colour, mode="markers", hoverinfo="skip",
                          marker={"size": 4, "color": colour, "opacity": 0.6}))  # fmt: skip
        data.append(curve([0, tip[0]], [0, tip[1]], name, colour, line={"color": colour, "width": 3}, hoverinfo="skip"))
    zero = _at(_angle(turn, p), np.array([ZERO, DIAL_Y]))
    data.append(curve(*zero.T, "zero of both dials", PURPLE, hoverinfo="skip",
                      line={"color": PURPLE, "width": 1.5, "dash": "dot"}))  # fmt: skip
    angles = _angle(answers, p)
    for colour in (SOFT, RED, GREEN):
        mine = colours == colour
        start, end = _at(angles[mine], RIM), _at(angles[mine], RIM + REACH * total[mine] / most)
        data.append(curve(*segments(start, end), "votes", colour, line={"color": colour, "width": 6}, hoverinfo="skip"))
    w = 2 * np.pi * frame.frequency.values / p
    size = 2 / p * (frame.wave.values * np.exp(-1j * w[:, None] * answers)).sum(1)
    fine = np.linspace(-0.5, p - 0.5, 8 * p + 1)
    waves = (size[:, None] * np.exp(1j * w[:, None] * fine)).real
    data += [
        {"type": "bar", "x": answers, "y": total, "name": "vote of all", "xaxis": "x2", "yaxis": "y2",
         "marker": {"color": list(colours)}, "showlegend": False, "meta": {}},
        curve(*bundle(fine, waves), "one frequency", SKY, axes="2", line={"color": SKY, "width": 1}, hoverinfo="skip"),
    ]  # fmt: skip
    if "expected" in frame:
        data.append(curve(answers, frame.expected.values, "closed form", INK, axes="2", mode="markers",
                          marker={"size": 6, "color": INK, "symbol": "line-ew-open"}))  # fmt: skip
    numbers = np.arange(p)
    hands = [
        hand(*_at(_angle(x + turn, p), DIAL_X), around=scale("x", _angle(numbers + turn, p), numbers), color=BLUE),
        hand(*_at(_angle(y + turn, p), DIAL_Y), around=scale("y", _angle(numbers + turn, p), numbers), color=ORANGE),
        hand(*_at(_angle(turn, p), ZERO), around=scale("turn", _angle(np.array([-3.0, 3.0]), p), [-3.0, 3.0]),
             color=PURPLE),
    ]  # fmt: skip
    places = _at(angles, RIM - 0.13)
    size_of, inks = 12 if p < 30 else 9, [GREEN if n == right else SOFT for n in range(p)]
    edge = RIM + REACH + 0.05
    low, high = min(total.min(), waves.min()), max(total.max(), waves.max(), 1e-9)
    layout = {
        "height": 480,
        "bargap": 0.25,
        "xaxis": {**HIDDEN, "domain": [0, 0.5], "range": [-edge, edge]},
        "yaxis": {**HIDDEN, "range": [-edge, edge], "scaleanchor": "x"},
        "xaxis2": axis(frame.answer, domain=[0.58, 1], anchor="y2", range=[-0.6, p - 0.4]),
        "yaxis2": axis("votes", anchor="x2", range=[low - 0.05 * (high - low), high + 0.16 * (high - low)]),
        "annotations": [
            *(label(*place, str(n), font={"size": size_of, "color": inks[n]}) for n, place in enumerate(places)),
            label(right, total[right], f"{x} + {y}", GREEN, axes="2", yanchor="bottom"),
            note(0.5, 1, "thin: one frequency each, bars: all", SOFT, axes="2", yanchor="bottom"),
        ],
        "meta": {"hands": hands},
    }  # fmt: skip
    return {"data": data, "layout": layout}


CARD = ("vote", "xy")
