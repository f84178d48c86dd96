"""Pictures of `ultra_lif`: tangents that touch or do not, arrows over stairs, a kink that softens, pulses, learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
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

CARD = ("tangents", "xy")
COLOURS = (INK, PURPLE, ORANGE, BLUE)  # of the four kinds of neuron
NAMES = ("surrogate", "smooth spike", "UltraLIF", "UltraDLIF")
HEAT = [[0, "rgba(47,134,201,0.03)"], [1, "rgba(47,134,201,0.85)"]]
WANTED = [[0, "rgba(0,158,115,0.45)"], [1, "rgba(0,158,115,0.45)"]]
LIGHT = [[0, "rgba(230,159,0,0.04)"], [1, "rgba(230,159,0,0.65)"]]


def _dot(x: Any, y: Any, name: str, color: str, size: int = 14, **more: Any) -> dict:
    marker = {"size": size, "color": color, "line": {"color": PAPER, "width": 2}}
    return curve(np.atleast_1d(x), np.atleast_1d(y), name, color, mode="markers", marker=marker, **more)


def tangents(frame: xr.Dataset) -> dict[str, Any]:
    """The loss of two networks as their weights turn, and the tangent that backpropagation says."""
    values, along = values_of(frame), frame.along.values
    turned, soft = values["turned"], values["neurons"]
    data, notes = [], []
    low, high = float(frame.loss.min()), float(frame.loss.max())
    bottom, top = low - 0.35 * (high - low), high + 0.2 * (high - low)
    for k, (axes, color) in enumerate((("", BLUE), ("2", ORANGE))):
        there, said, true = (float(frame[n][k]) for n in ("there", "said_there", "true_there"))
        reach = np.array([-0.55, 0.55])
        data += [
            curve(along, frame.loss[k].values, ("steps", "soft")[k], color, axes=axes, pin=k == 1),
            curve(turned + reach, there + said * reach, "what backpropagation says", RED, axes=axes,
                  line={"color": RED, "width": 3, "dash": "dash"}),
            _dot(turned, there, "here", RED, axes=axes),
        ]  # fmt: skip
        said, true = plain(said, ".2f"), plain(true, ".2f")
        notes += [
            note(0.03, 0.98, ("spikes are steps", f"soft neurons: {soft}")[k], color, axes=axes, xanchor="left",
                 yanchor="top"),
            note(0.03, 0.12, f"slope by backprop {said}", RED, axes=axes, xanchor="left", yanchor="bottom"),
            note(0.03, 0.03, f"slope of the curve {true}", color, axes=axes, xanchor="left", yanchor="bottom"),
        ]  # fmt: skip
    layout = {
        "height": 400,
        "xaxis": axis(frame.along, domain=[0, 0.46], range=[-1.6, 1.6]),
        "yaxis": axis("loss", range=[bottom, top]),
        "xaxis2": axis(frame.along, domain=[0.54, 1], anchor="y2", range=[-1.6, 1.6]),
        "yaxis2": axis("loss", anchor="x2", range=[bottom, top]),
        "annotations": [*notes, note(0.97, 0.98, "drag the dot", RED, xanchor="right", yanchor="top")],
        "meta": {
            "hands": [
                hand(turned, float(frame.there[k]), across="turned", axes=axes, color=RED)
                for k, axes in enumerate(("", "2"))
            ]
        },
    }
    said = "All weights turn a little. Is the slope that backpropagation says (red) the slope of the loss?"
    return {"data": data, "layout": headline(layout, said)}


def field(frame: xr.Dataset) -> dict[str, Any]:
    """Spikes of a neuron over its two weights, with arrows and a descent; the slope that is put in for the step."""
    values = values_of(frame)
    first, second = np.meshgrid(frame.arrow_first.values, frame.arrow_second.values, indexing="ij")
    push = np.stack([frame.push_first.values, frame.push_second.values], -1).reshape(-1, 2)
    start = np.stack([first, second], -1).reshape(-1, 2)
    length = np.hypot(*push.T)
    drawn = push * np.minimum(1, 0.19 / np.maximum(length, 1e-12))[:, None]
    moved = length >= 1e-3
    at = (
        np.abs(frame.first.values[:, None] - start[:, 0]).argmin(0),
        np.abs(frame.second.values[:, None] - start[:, 1]).argmin(0),
    )
    wrong = frame.spikes.values[at] != values["target"]
    stuck = start[~moved & wrong]
    # the head of an arrow: two short strokes back from its end
    end = start + drawn
    turn = np.array([[np.cos(2.6), -np.sin(2.6)], [np.sin(2.6), np.cos(2.6)]])
    strokes = [(start[moved], end[moved])]
    strokes += [(end[moved], end[moved] + 0.35 * drawn[moved] @ m) for m in (turn, turn.T)]
    x, y = segments(*(np.concatenate(parts) for parts in zip(*strokes, strict=True)))
    gap, potential = frame.gap.values, frame.potential.values
    high = float(frame.slope.max())
    on = np.interp(potential, gap, frame.slope.values, left=0, right=0)
    width = values["width"]
    data = [
        image(frame.spikes.values.T, "", HEAT, 0, 12, x=frame.first.values, y=frame.second.values),
        image(np.where(frame.spikes.values.T == values["target"], 1.0, np.nan), "", WANTED, 0, 1,
              x=frame.first.values, y=frame.second.values),
        curve(x, y, "steps of descent", INK, line={"color": INK, "width": 1.4}, hoverinfo="skip"),
        curve(stuck[:, 0], stuck[:, 1], "nothing is learned here", RED, mode="markers",
              marker={"size": 6, "color": RED, "symbol": "x"}, hoverinfo="skip"),
        curve(frame.walk_first.values, frame.walk_second.values, "descent", ORANGE, mode="lines+markers",
              line={"color": ORANGE, "width": 3}, marker={"size": 5, "color": ORANGE}),
        _dot(values["w_1"], values["w_2"], "start", ORANGE, 16),
        curve([-2, 0, 0, 2], np.array([0, 0, 1, 1]) * high, "the spike", BLUE, axes="2",
              line={"color": BLUE, "width": 2.5}),
        curve(gap, frame.slope.values, "slope that is put in", ORANGE, axes="2", pin=True),
        curve(potential, on, "potentials at the start", RED, axes="2", mode="markers",
              marker={"size": 8, "color": RED, "line": {"color": PAPER, "width": 1}}),
        _dot(width / 2, np.interp(width / 2, gap, frame.slope.values), "width", ORANGE, 16, axes="2"),
    ]  # fmt: skip
    layout = {
        "height": 470,
        "xaxis": axis(frame.first, domain=[0, 0.56], range=[-0.5, 2.02], zeroline=False),
        "yaxis": axis(frame.second, range=[-0.5, 2.02], zeroline=False),
        "xaxis2": axis(frame.gap, domain=[0.68, 1], anchor="y2", range=[-2.05, 2.05]),
        "yaxis2": axis("slope that is put in", anchor="x2", range=[-0.05 * high, 1.25 * high]),
        "annotations": [
            *_stairs(frame),
            note(0.02, 0.02, "drag the start", ORANGE, xanchor="left", yanchor="bottom", bgcolor=PAPER, opacity=0.85),
            note(0.03, 0.99, "blue: the spike", BLUE, axes="2", xanchor="left", yanchor="top"),
            note(0.03, 0.93, "orange: its slope; drag its width", ORANGE, axes="2", xanchor="left", yanchor="top"),
            note(0.03, 0.87, "red: the neuron's 12 potentials", RED, axes="2", xanchor="left", yanchor="top"),
        ],
        "meta": {
            "hands": [
                hand(values["w_1"], values["w_2"], across="w_1", up="w_2", color=ORANGE),
                hand(
                    width / 2,
                    float(np.interp(width / 2, gap, frame.slope.values)),
                    across=scale("width", [0, 2], [0, 4]),
                    axes="2",
                    color=ORANGE,
                ),
            ]
        },
    }
    said = f"Blue: how often the neuron spikes. Arrows: where gradients push its weights, to have {values['target']}"
    return {"data": data, "layout": headline(layout, said)}


def _stairs(frame: xr.Dataset) -> list[dict]:
    """How many spikes each stair has, written on it along the upper edge and the right one."""
    first, second, spikes = frame.first.values, frame.second.values, frame.spikes.values
    found = []
    for on, where in ((spikes[:, -3], lambda p: (p, 1.91)), (spikes[-3], lambda p: (1.94, p))):
        for n in np.unique(on):
            middle = float((first if on is spikes[:, -3] else second)[on == n].mean())
            if (on == n).sum() >= 3 and middle < 1.8:
                found.append(label(*where(middle), f"<b>{n}</b>"))
    return found


def surface(frame: xr.Dataset) -> dict[str, Any]:
    """The potential over what a neuron has and what comes; a cut through its spike, and through that of a step."""
    values = values_of(frame)
    eps, before, current, theta = (values[n] for n in ("eps", "before", "current", "theta"))
    v, cut = frame.potential.values, frame.cut.values
    shift = np.log(values["leak"])
    data = [image(frame.membrane.values.T, "", LIGHT, -1, 2.5, x=v, y=frame.current.values)]
    for level in (-0.5, 0.0, 0.5, 1.0, 1.5, theta):
        data.append(_level(level, eps, shift, level == theta))
    data += [
        curve(frame.was.values, frame.came.values, "a neuron with random currents", SOFT, mode="markers",
              marker={"size": 5, "color": SOFT}, hoverinfo="skip"),
        curve([before, before], [-1, 2], "the cut", BLUE, line={"color": BLUE, "width": 1.5, "dash": "dot"},
              hoverinfo="skip"),
        _dot(before, current, "now", BLUE, 16),
        curve(np.concatenate([cut, cut[::-1]]), np.concatenate([frame.hard.values, frame.believed.values[::-1]]),
              "mismatch", BLUE, axes="2", fill="toself", fillcolor="rgba(47,134,201,0.22)",
              line={"color": "rgba(0,0,0,0)", "width": 0}, hoverinfo="skip"),
        curve(cut, frame.hard.values, "a step", BLUE, axes="2"),
        curve(cut, frame.spike.values, "soft spike", ORANGE, axes="2", pin=True, line={"color": ORANGE, "width": 5}),
        curve(cut, frame.believed.values, "what the slopes add up to", INK, axes="2",
              line={"color": INK, "width": 2, "dash": "dash"}),
    ]  # fmt: skip
    share = float(frame.share)
    layout = {
        "height": 430,
        "xaxis": axis(frame.potential, domain=[0, 0.47], range=[-1, 2], zeroline=False),
        "yaxis": axis(frame.current, range=[-1, 2], zeroline=False),
        "xaxis2": axis(frame.cut, domain=[0.58, 1], anchor="y2", range=[-1, 3]),
        "yaxis2": axis("spike", anchor="x2", range=[-0.06, 1.32]),
        "annotations": [
            note(0.02, 0.98, "lines: equal potential after; thick: threshold", INK, xanchor="left", yanchor="top"),
            note(0.98, 0.02, f"{share:.0%} of the gradient goes to I", INK, xanchor="right", yanchor="bottom"),
            note(0.03, 0.99, f"step: misses its slopes by {plain(frame.mismatch_hard, '.2f')}", BLUE, axes="2",
                 xanchor="left", yanchor="top"),
            note(0.03, 0.92, f"soft spike: by {plain(frame.mismatch_soft, '.2f')}", ORANGE, axes="2", xanchor="left",
                 yanchor="top"),
            note(0.97, 0.6, "dashes: what<br>the slopes<br>add up to", INK, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": [hand(before, current, across="before", up="current", color=BLUE)]},
    }  # fmt: skip
    said = f"A soft maximum of what is left and what comes, ε = {eps:.2g}: drag the dot, and make ε small"
    return {"data": data, "layout": headline(layout, said)}


def _level(level: float, eps: float, shift: float, threshold: bool) -> dict:
    """The line on which LSE(V + shift, I) is `level`: a corner of two straight lines as eps goes to 0."""
    u = np.linspace(0, 1, 161)[1:-1]
    u = u**3 / (u**3 + (1 - u) ** 3)  # denser at both ends
    u = np.clip(u, 1e-300, 1)
    reach = 5 / eps
    x = np.concatenate([np.linspace(-reach, np.log(u[0]), 5), np.log(u)])
    share = np.exp(x)
    there, came = level + eps * x - shift, level + eps * np.log1p(-np.minimum(share, 1 - 1e-16))
    tail = np.linspace(0, 4, 5)[1:]
    there, came = np.append(there, np.full(4, level - shift)), np.append(came, came[-1] - tail)
    width = 4 if threshold else 1.2
    return curve(there, came, "threshold" if threshold else f"H = {level:g}", INK,
                 line={"color": INK, "width": width}, hoverinfo="skip")  # fmt: skip


def limit(frame: xr.Dataset) -> dict[str, Any]:
    """Two pulses into three neurons; spikes of a crowd that differ from the limit's and from the ordinary neuron's."""
    values, time = values_of(frame), frame.time.values
    theta, eps = values["theta"], frame.eps.values
    floor = 1e-5
    data = []
    heights = np.zeros(2)
    for k, (name, color) in enumerate((("first pulse", GREEN), ("second pulse", GREEN))):
        when, heights[k] = values[f"when_{k + 1}"], values[f"height_{k + 1}"]
        data.append(curve([when, when], [0, heights[k]], name, color, line={"color": color, "width": 5}))
        data.append(_dot(when, heights[k], name, color))
    styles = (("UltraLIF", ORANGE, {}), ("limit ε → 0", INK, {"dash": "dash"}), ("ordinary", BLUE, {}))
    for k, (name, color, dash) in enumerate(styles):
        course, fires = frame.course[k].values, frame.fires[k].values >= 0.5
        data.append(curve(time, course, name, color, line={"color": color, "width": 2.5} | dash))
        data.append(curve(time[fires], course[fires], f"spikes: {name}", color, mode="markers",
                          marker={"size": 15, "color": color, "symbol": "star"}))  # fmt: skip
    clipped = {n: np.maximum(frame[n].values, floor) for n in ("differ_limit", "differ_ordinary", "error")}
    mine = int(np.argmin(abs(eps - values["eps"])))
    data += [
        curve(eps, clipped["differ_ordinary"], "from the ordinary neuron", BLUE, axes="2"),
        curve(eps, clipped["differ_limit"], "from the limit", ORANGE, axes="2", pin=True),
        _dot(eps[mine], clipped["differ_limit"][mine], "this ε", ORANGE, axes="2"),
    ]
    top = max(1.9, 1.15 * float(frame.course.max()))
    layout = {
        "height": 440,
        "xaxis": axis(frame.time, domain=[0, 0.54], range=[0.3, 16.7]),
        "yaxis": axis("potential, before the reset", range=[min(-0.1, 1.1 * float(frame.course.min())), top]),
        "shapes": [{"type": "line", "x0": 0, "x1": 1, "xref": "x domain", "y0": theta, "y1": theta, "yref": "y",
                    "line": {"color": SOFT, "width": 1.5, "dash": "dot"}},
                   vertical(eps[mine], ORANGE, axes="2")],
        "xaxis2": log_axis("softness ε", domain=[0.67, 1], anchor="y2", range=[-3.1, 0.1]),
        "yaxis2": log_axis("spikes of the crowd that differ", anchor="x2", range=[-5.2, 0.1], minor={}, dtick=None,
                           tickvals=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1],
                           ticktext=["0", "0.01%", "0.1%", "1%", "10%", "100%"]),
        "annotations": [
            note(0.98, 0.98, "star: a spike", SOFT, xanchor="right", yanchor="top"),
            note(0.98, 0.91, "blue: ordinary neuron", BLUE, xanchor="right", yanchor="top"),
            note(0.98, 0.84, "orange: UltraLIF", ORANGE, xanchor="right", yanchor="top"),
            note(0.98, 0.77, "dashes: its limit", INK, xanchor="right", yanchor="top"),
            note(0.98, 0.70, "drag the green pulses", GREEN, xanchor="right", yanchor="top"),
            note(0.03, 0.99, "blue: from the ordinary neuron's", BLUE, axes="2", xanchor="left", yanchor="top"),
            note(0.03, 0.27, "orange: from the<br>limit's; drag the dot", ORANGE, axes="2", xanchor="left",
                 yanchor="top", align="left"),
        ],
        "meta": {
            "hands": [
                *(hand(values[f"when_{k}"], heights[k - 1], across=f"when_{k}", up=f"height_{k}", color=GREEN)
                  for k in (1, 2)),
                hand(values["eps"], clipped["differ_limit"][mine], across="eps", axes="2", color=ORANGE),
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, "Two pulses below the threshold: who fires?")}


def learning(frame: xr.Dataset) -> dict[str, Any]:
    """Test accuracy of four kinds of neuron while they learn, and how busy they are in the end."""
    step, accuracy = frame.step.values, frame.accuracy.values
    mean, last = accuracy.mean(2), accuracy[:, -1]
    data = []
    for k, color in enumerate(COLOURS):
        data.append(curve(step, mean[k], NAMES[k], color, pin=k == 2))
        data.append(_dot(frame.rate[k].values, last[k], NAMES[k], color, 11, axes="2"))
    low = max(0.0, min(0.8, float(last.min()) - 0.05))
    span = 1 - low
    heights = apart(np.clip(mean[:, -1], low, None), 0.055 * span * 1.6, 1.0)
    end = max(float(step[-1]), 1.0)
    total = values_of(frame)["training"]
    layout = {
        "height": 430,
        "xaxis": axis(frame.step, domain=[0, 0.6], range=[0, 1.65 * total]),
        "yaxis": axis("test accuracy", range=[low, 1.01], tickformat=".0%"),
        "xaxis2": axis("mean spike of a hidden neuron", domain=[0.72, 1], anchor="y2", range=[-0.02, 1.02]),
        "yaxis2": axis("test accuracy, each run", anchor="x2", range=[low, 1.01], tickformat=".0%"),
        "annotations": [
            label(end, h, f"{name} {m:.1%}", color, xanchor="left", xshift=8)
            for h, name, m, color in zip(heights, NAMES, mean[:, -1], COLOURS, strict=True)
        ],
    }
    return {"data": data, "layout": headline(layout, "Four kinds of neuron learn digits from the same start")}
