"""Pictures of `modular_addition`: dials and a vote of waves, neurons as spokes of clocks, a race, and an insight."""

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
    scale,
    segments,
    values_of,
    vertical,
)
from labcore.words import plain

DIAL_X, DIAL_Y, RIM, REACH = 0.6, 0.86, 1.26, 0.6  # radii of the dials and of the answers, length of the longest vote
ZERO = 0.34  # where the dials are held to turn them
HUB, WHEEL = 0.17, 0.42  # radii at which a neuron's first and second phase stand
ALIGNED = 0.5  # rad by which phases may be off and still count as aligned
HEAT = [[0, "rgba(47,134,201,0)"], [1, "rgba(47,134,201,1)"]]
FADED = [[0, "rgba(47,134,201,0.7)"], [1, "rgba(47,134,201,0.03)"]]

SWAPPED = {"square": "z²", "abs": "|z|", "none": "a line"}

CARD = ("vote", "xy")


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
        for against in (True, False):  # votes against lie over the numbers, so they are faint
            mine = (colours == colour) & ((total < 0) == against)
            start, end = _at(angles[mine], RIM), _at(angles[mine], RIM + REACH * total[mine] / most)
            data.append(curve(*segments(start, end), "votes", colour, line={"color": colour, "width": 6},
                              opacity=0.25 if against else 1, hoverinfo="skip"))  # fmt: skip
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
    places = _at(angles, RIM - 0.2)
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


def training(frame: xr.Dataset) -> dict[str, Any]:
    """Each neuron a spoke on its frequency's clock, from 2φ to ψ; its spectrum; how well the network adds."""
    step, count = frame.step.values, frame.sizes["frequency"]
    columns = int(np.ceil(np.sqrt(count)))
    k = np.arange(count)
    middle = np.stack([k % columns, -(k // columns)], 1)
    own, inner, outer = frame.own.values.astype(int) - 1, frame.phase.values, frame.phase_out.values
    start, end = middle[own] + _at(inner, HUB), middle[own] + _at(outer, WHEEL)
    off = np.abs((outer - inner + np.pi) % (2 * np.pi) - np.pi)
    data = []
    for colour, those in ((RED, off >= ALIGNED), (GREEN, off < ALIGNED)):
        data.append(curve(*segments(start[those], end[those]), "neurons", colour,
                          line={"color": colour, "width": 1.2}, hoverinfo="skip"))  # fmt: skip
    for points, colour in ((start, BLUE), (end, ORANGE)):
        data.append(curve(*points.T, "phases", colour, mode="markers", marker={"size": 4, "color": colour},
                          hoverinfo="skip"))  # fmt: skip
    data += [
        image(frame.heat.values, "2", HEAT, 0, 1, x=frame.frequency.values, y=frame.neuron.values),
        curve(step, frame.accuracy.values, "added right", GREEN, axes="3", pin=True, line={"color": GREEN, "width": 3}),
        curve(step, frame.share.values, "in one frequency", BLUE, axes="3"),
    ]
    rows = -(-count // columns)
    shares = {str(name): plain(v, ".0%") for name, v in zip(frame.swap.values, frame.swapped.values)}
    swaps = ", ".join(f"{word} {shares[name]}" for name, word in SWAPPED.items())
    last = values_of(frame)["steps"]
    layout = {
        "height": 520,
        "xaxis": {**HIDDEN, "domain": [0, 0.52], "range": [-0.55, columns - 0.45]},
        "yaxis": {**HIDDEN, "domain": [0, 0.95], "range": [0.45 - rows, 0.6], "scaleanchor": "x"},
        "xaxis2": axis(frame.frequency, domain=[0.62, 1], anchor="y2"),
        "yaxis2": axis("neuron", domain=[0.5, 0.95], anchor="x2"),
        "xaxis3": axis(frame.step, domain=[0.62, 1], anchor="y3", range=[0, last]),
        "yaxis3": axis("share", domain=[0, 0.32], anchor="x3", range=[0, 1.05]),
        "annotations": [
            *(label(x, y, str(n + 1), INK) for n, (x, y) in enumerate(middle)),
            note(0.5, 1, "a clock each frequency, a spoke each neuron", SOFT, yanchor="bottom"),
            note(0.5, 1, "what each neuron is made of", SOFT, axes="2", yanchor="bottom"),
            note(0.5, 1, f"afterwards with {swaps}", SOFT, axes="3", yanchor="bottom"),
            note(0.98, 0.42, "pairs added right", GREEN, axes="3", xanchor="right", yanchor="bottom"),
            note(0.98, 0.22, "of a neuron in one frequency", BLUE, axes="3", xanchor="right", yanchor="bottom"),
        ],
    }
    return {"data": data, "layout": layout}


def race(frame: xr.Dataset) -> dict[str, Any]:
    """Where each frequency starts on a map of times, and where it runs; the amplitudes over time."""
    values, time, finish = values_of(frame), frame.time.values, frame.finish.values
    alpha, off, top = frame.amplitude.values, frame.turning.values, float(frame["size"].values[-1])
    winner = int(finish.argmin())
    colours = [RED if i == 0 else GREEN if i == winner else SOFT for i in range(len(finish))]
    colours[winner] = GREEN if winner else RED
    inside = np.where(alpha <= top, alpha, np.nan)
    data = [
        image(np.log(frame.clock.values), "", FADED, float(np.log(finish.min())), float(np.log(finish.min()) + 3),
              x=frame.off.values, y=frame["size"].values),
    ]  # fmt: skip
    high = 4 * top
    for i, colour in enumerate(colours):
        wide = 3 if i in (0, winner) else 1.2
        data.append(curve(off[i], inside[i], "path", colour, line={"color": colour, "width": wide}, hoverinfo="skip"))
        shown = np.where(alpha[i] <= high, alpha[i], np.nan)
        data.append(curve(time, shown, "amplitude", colour, axes="2", line={"color": colour, "width": wide},
                          pin=i == 0, hoverinfo="skip"))  # fmt: skip
    data.append(curve(off[:, 0], alpha[:, 0], "starts", INK, mode="markers", marker={"size": 8, "color": colours},
                      hoverinfo="skip"))  # fmt: skip
    first = {"your frequency": (0, RED)} | ({} if winner == 0 else {"the winner": (winner, GREEN)})
    layout = {
        "height": 460,
        "xaxis": axis("phases off at the start: misalignment D (rad)", domain=[0, 0.52], range=[-np.pi, np.pi]),
        "yaxis": axis("height of its wave: amplitude α", range=[0, top]),
        "xaxis2": axis(frame.time, domain=[0.62, 1], anchor="y2", range=[0, time[-1]]),
        "yaxis2": axis("height of each wave", anchor="x2", range=[0, high]),
        "shapes": [vertical(float(finish[i]), colour, axes="2") for i, colour in first.values()],
        "annotations": [
            label(off[0, 0], alpha[0, 0], "yours: drag me", RED, yanchor="bottom", yshift=16,
                  xanchor="left" if off[0, 0] < 0 else "right"),
            note(0.5, 1, "strong blue: soon infinite", SOFT, yanchor="bottom"),
            *(note(0.04, 0.97 - 0.09 * n, name, colour, axes="2", xanchor="left", yanchor="top")
              for n, (name, (_, colour)) in enumerate(first.items())),
        ],
        "meta": {"hands": [hand(values["off"], values["mine"], across="off", up="mine", color=RED)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def lottery(frame: xr.Dataset) -> dict[str, Any]:
    """One neuron's amplitudes and misalignments beside what its start foretells, and how many winners are foretold."""
    step, last, finish = frame.step.values, values_of(frame)["steps"], frame.finish.values
    amplitude, predicted, turning = frame.amplitude.values, frame.predicted.values, frame.turning.values
    winner, largest = int(finish.argmin()), int(amplitude[:, 0].argmax())
    others = [k for k in range(len(finish)) if k not in (winner, largest)]
    high = 1.25 * amplitude.max()
    predicted = np.where(predicted <= high, predicted, np.nan)
    jumps = np.abs(np.diff(turning, axis=1, prepend=turning[:, :1])) > np.pi
    turning = np.where(jumps, np.nan, turning)
    data = []
    for axes, lines in (("", amplitude), ("2", turning)):
        data.append(curve(*bundle(step, lines[others]), "others", SOFT, axes=axes, line={"color": SOFT, "width": 1},
                          hoverinfo="skip"))  # fmt: skip
        for k, colour in dict([(largest, ORANGE), (winner, GREEN)]).items():
            line = {"color": colour, "width": 3}
            data.append(curve(step, lines[k], f"frequency {k + 1}", colour, axes=axes, line=line,
                              pin=k == winner and not axes))  # fmt: skip
    data.append(curve(*bundle(step, predicted[[largest, winner]]), "predicted", INK, hoverinfo="skip",
                      line={"color": INK, "width": 2, "dash": "dot"}))  # fmt: skip
    for i, colour in enumerate((GREEN, ORANGE)):
        name = str(frame.rule.values[i])
        data.append(curve(step, frame.right.values[i], name, colour, axes="3", line={"color": colour, "width": 3}))
    chance = float(frame.chance)
    side = {"xanchor": "left" if step[-1] < 0.5 * last else "right"}
    upper, lower = {"yanchor": "bottom", "yshift": 6}, {"yanchor": "top", "yshift": -6}
    first = int(frame.right.values[0, -1] < frame.right.values[1, -1])
    layout = {
        "height": 500,
        "xaxis": axis("", domain=[0, 0.46], showticklabels=False, range=[0, last]),
        "yaxis": axis("height of each wave α", domain=[0.42, 0.95], range=[0, high]),
        "xaxis2": axis(frame.step, domain=[0, 0.46], anchor="y2", range=[0, last]),
        "yaxis2": axis("phases off D (rad)", domain=[0, 0.34], anchor="x2", range=[-np.pi, np.pi]),
        "xaxis3": axis(frame.step, domain=[0.58, 1], anchor="y3", range=[0, last]),
        "yaxis3": axis("neurons foretold (share)", domain=[0, 0.95], anchor="x3", range=[0, 1.08]),
        "shapes": [horizontal(chance, SOFT, axes="3")],
        "annotations": [
            note(0.02, 0.98, f"one neuron: k = {winner + 1} should win", GREEN, xanchor="left", yanchor="top"),
            note(0.02, 0.88, "dots: foretold for both", SOFT, xanchor="left", yanchor="top"),
            *(label(step[-1], frame.right.values[i, -1], words, colour, axes="3", **side,
                    **(upper if i == first else lower))
              for i, (words, colour) in enumerate((("who wins the race", GREEN), ("who was largest", ORANGE)))),
            label(0.02 * last, chance, "guessing", SOFT, axes="3", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    if winner != largest:
        layout["annotations"].append(
            note(0.02, 0.78, f"k = {largest + 1} was the largest", ORANGE, xanchor="left", yanchor="top")
        )
    race, size = frame.right.values[:, -1]
    told = f"At step {step[-1]} the race has foretold {race:.0%} of the neurons, the first sizes {size:.0%}."
    return {"data": data, "layout": headline(layout, told)}


def grokking(frame: xr.Dataset) -> dict[str, Any]:
    """The frequencies of all neurons; accuracy on both parts over the steps so far; how pure the neurons are."""
    seen = frame.step.values > 0
    step, last = np.maximum(frame.step.values, 1), values_of(frame)["steps"]
    seen = seen if seen.any() else ~seen
    data = [image(frame.heat.values, "", HEAT, 0, 1, x=frame.frequency.values, y=frame.neuron.values)]
    for i, colour in enumerate((BLUE, ORANGE)):
        name = f"{frame.part.values[i]} pairs"
        data.append(curve(step[seen], frame.accuracy.values[i][seen], name, colour, axes="2", pin=i == 1,
                          line={"color": colour, "width": 3}))  # fmt: skip
    weights = frame["size"].values / frame["size"].values[0]
    data += [
        curve(step[seen], frame.share.values[seen], "in one frequency", GREEN, axes="3"),
        curve(step[seen], frame.off.values[seen], "misalignment", RED, axes="3"),
        curve(step[seen], weights[seen], "size of the weights", PURPLE, axes="3"),
    ]
    ends = [np.log10(4), np.log10(last)]
    names = {"of a neuron in one frequency": GREEN, "weights, of their first size": PURPLE, "phases off (rad)": RED}
    high = 1.3 * max(1.6, weights.max())
    heights = apart([frame.share.values[-1], weights[-1], frame.off.values[-1]], 0.13 * high, 0.87 * high)
    marks = [vertical(float(frame[name]), colour, axes="2")
             for name, colour in (("memory", BLUE), ("insight", ORANGE)) if name in frame]  # fmt: skip
    layout = {
        "height": 500,
        "xaxis": axis(frame.frequency, domain=[0, 0.42]),
        "yaxis": axis("neuron", domain=[0, 0.95]),
        "xaxis2": log_axis("", domain=[0.54, 1], anchor="y2", range=ends, showticklabels=False),
        "yaxis2": axis("added right", domain=[0.5, 0.95], anchor="x2", range=[-0.03, 1.08]),
        "xaxis3": log_axis(frame.step, domain=[0.54, 1], anchor="y3", range=ends),
        "yaxis3": axis("share, or rad", domain=[0, 0.4], anchor="x3", range=[0, high]),
        "shapes": marks,
        "annotations": [
            note(0.5, 1, "what each neuron is made of", SOFT, yanchor="bottom"),
            note(0.03, 0.95, "training pairs", BLUE, axes="2", xanchor="left", yanchor="top"),
            note(0.03, 0.82, "test pairs", ORANGE, axes="2", xanchor="left", yanchor="top"),
            *(
                label(ends[1], height, words, colour, axes="3", xanchor="right", yanchor="bottom")
                for height, (words, colour) in zip(heights, names.items())
            ),
        ],
    }
    return {"data": data, "layout": layout}
