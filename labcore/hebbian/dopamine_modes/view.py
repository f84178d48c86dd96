"""Pictures of `dopamine_modes`: methods that specialise, one network with a switch, and what a penalty silences."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    inward,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

_COLORS = {
    "frozen": SOFT, "bias only": SKY, "gain only": ORANGE, "gate": RED, "gate, hardened": PURPLE, "LoRA": BLUE,
}  # fmt: skip
_MODES = {"off": SOFT, "upright": BLUE, "turned": RED}
_PLACES = ("", "bottom center", "bottom left", "middle right", "bottom right", "top left")


def specialise(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy in training, accuracy for the number of parameters, and what happens when the mode is left on."""
    t, mean = frame.time.values, frame.accuracy.mean("repeat").values
    learners, sizes = list(frame.learner.values), frame.parameters.values
    data = []
    for i, name in enumerate(learners):
        line = {"color": _COLORS[name], "width": 3.5 if name == "gate" else 2, "dash": "dash" if i == 4 else "solid"}
        data.append(curve(t, mean[:, i], name, _COLORS[name], pin=name == "gate", line=line))
    for i, name in enumerate(learners[1:], 1):
        dot = {
            "size": 13,
            "color": _COLORS[name],
            "symbol": "circle-open" if i == 4 else "circle",
            "line": {"width": 3},
        }
        point = curve(sizes[i : i + 1], mean[-1:, i], name, _COLORS[name], axes="2", mode="markers+text", marker=dot)
        data.append(point | {"text": [name], "textposition": _PLACES[i], "textfont": {"color": _COLORS[name]}})
    table = frame.table.mean("repeat").values
    for i, name in enumerate(learners):
        bar = {"type": "bar", "x": list(frame.condition.values), "y": table[i], "name": name, "showlegend": False}
        bar |= {"xaxis": "x3", "yaxis": "y3", "marker": {"color": _COLORS[name]}}
        data.append(bar | {"text": [f"{v:.0%}" for v in table[i]], "textangle": 0, "textfont": {"size": 10}})
    low = float(min(mean.min(), mean[-1].min()))
    pad = 0.12 * max(0.05, float(mean.max()) - low)
    reach = [low - pad, float(mean.max()) + 2 * pad]
    layout = {
        "height": 600,
        "barmode": "group",
        "xaxis": axis("training steps", domain=[0, 0.44], anchor="y"),
        "yaxis": axis(frame.accuracy, domain=[0.47, 0.96], range=reach, tickformat=".0%"),
        "xaxis2": log_axis(frame.parameters, domain=[0.55, 1], anchor="y2", range=[1.35, np.log10(sizes.max()) + 0.45]),
        "yaxis2": axis("", domain=[0.47, 0.96], anchor="x2", range=reach, tickformat=".0%"),
        "xaxis3": axis("digits shown, and whether the mode is on", domain=[0, 1], anchor="y3"),
        "yaxis3": axis("right", domain=[0, 0.3], anchor="x3", range=[0, 1.15], tickformat=".0%", nticks=4),
        "shapes": [
            horizontal(mean[-1, 0], axes="2", width=2),
        ],
        "annotations": [
            label(1, mean[-1, 0], "frozen base", SOFT, axes="2", xref="x2 domain", xanchor="right", yanchor="top"),
        ],
    }
    end = dict(zip(learners, mean[-1], strict=True))
    told = "No weight moves. A gate only decides which neurons speak, and how loud."
    more = f"Turned digits: {end['frozen']:.0%} before, {end['gate']:.0%} with the gate, {end['LoRA']:.0%} with LoRA."
    return {"data": data, "layout": headline(layout, told, more)}


def switch(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of the three modes at every angle, the digits, the neurons as lamps, and whom each digit needs."""
    x, angle, shut, at = frame.turn.values, frame.attrs["angle"], frame.attrs["shut"], frame.attrs["shown_layer"]
    data, notes = [], []
    for i, name in enumerate(frame.mode.values):
        on = name == frame.attrs["mode"]
        line = {"color": _MODES[name], "width": 4.5 if on else 2}
        data.append(curve(x, frame["curves"].values[i], f"mode {name}", _MODES[name], pin=on, line=line))
        word = f"<b>{name}</b>" if on else name
        notes.append(note(0.02 + 0.27 * i, 0.02, word, _MODES[name], xanchor="left", yanchor="bottom"))
    as_is, cut = frame.by_digit.values
    color = _MODES[frame.attrs["mode"]]
    bars = [("with all gates", as_is, SOFT if shut else color)] + ([("gate shut", cut, GREEN)] if shut else [])
    for name, y, c in bars:
        bar = {
            "type": "bar",
            "x": frame.digit.values,
            "y": y,
            "name": name,
            "showlegend": False,
            "marker": {"color": c},
        }
        data.append(bar | {"xaxis": "x2", "yaxis": "y2"})
    light = frame.brightness.values
    n = frame.sizes["neuron"]
    top = max(float(np.abs(light).max()), 1e-9)
    for i in range(2):
        rim = [3 if (i + 1 == at and j + 1 == shut) else 1 for j in range(n)]
        lamp = {"size": 21, "color": light[i], "cmin": 0, "cmax": top, "colorscale": [[0, "#20252c"], [1, "#ffd54a"]]}
        lamp |= {"line": {"color": [GREEN if r == 3 else SOFT for r in rim], "width": rim}}
        row = curve(
            frame.neuron.values, np.full(n, i + 1), f"layer {i + 1}", SOFT, axes="3", mode="markers", marker=lamp
        )
        data.append(row | {"meta": {"click": {"x": "neuron", "y": "layer"}}, "customdata": light[i]})
        data[-1]["hovertemplate"] = "neuron %{x}: brightness %{customdata:.2f}<extra></extra>"
    heat = {"type": "heatmap", "z": frame.attribution.values, "x": frame.neuron.values, "y": frame.digit.values}
    heat |= {
        "colorscale": [[0, "rgba(213,94,0,0.03)"], [1, RED]],
        "showscale": False,
        "xaxis": "x4",
        "yaxis": "y4",
        "zmin": 0,
    }
    heat["hovertemplate"] = "digit %{y}, neuron %{x}: %{z:.0%}<extra></extra>"
    data.append(heat)
    shut_note = [note(1, 1, f"neuron {shut} of layer {at} shut", GREEN, axes="2", xanchor="right", yanchor="bottom")][
        : bool(shut)
    ]
    layout = {
        "height": 720,
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": axis(frame.turn, domain=[0, 0.46], anchor="y", range=[-2, 92]),
        "yaxis": axis(frame["curves"], domain=[0.64, 0.97], range=[0, 1], tickformat=".0%"),
        "xaxis2": axis(frame.digit, domain=[0.56, 1], anchor="y2", dtick=1),
        "yaxis2": axis("", domain=[0.64, 0.97], anchor="x2", range=[0, 1.02], tickformat=".0%"),
        "xaxis3": axis("", anchor="y3", range=[0.2, n + 0.8], showgrid=False, showticklabels=False, zeroline=False),
        "yaxis3": axis("layer", domain=[0.36, 0.5], anchor="x3", range=[0.4, 2.6], dtick=1, showgrid=False,
                       zeroline=False),
        "xaxis4": axis(frame.neuron, anchor="y4", range=[0.2, n + 0.8]),
        "yaxis4": axis(frame.digit, domain=[0, 0.27], anchor="x4", dtick=2),
        "shapes": [vertical(angle, GREEN, "solid", width=3)],
        "annotations": [
            *notes,
            label(angle, 1.0, "shown: drag me", GREEN, yanchor="bottom", xanchor=inward(angle, -2, 92)),
            note(
                0, 1, "lamps: gain x how often it speaks; click one to shut its gate", SOFT, axes="3", xanchor="left",
                yanchor="bottom",
            ),
            note(0, 1, f"whom each digit needs, layer {at}", SOFT, axes="4", xanchor="left", yanchor="bottom"),
            *shut_note,
        ],
        "meta": {"hands": [hand(angle, None, across="angle", color=GREEN)]},
    }  # fmt: skip
    told = "One network, two modes: each says which neurons speak, and how loud. No weight is touched."
    return {"data": data, "layout": headline(layout, told)}


def sparsity(frame: xr.Dataset) -> dict[str, Any]:
    """Who still speaks, and what is still right, for each penalty on open gates; how soft a gate is in training."""
    names, tau = [f"{v:g}" for v in frame.penalty.values], values_of(frame)["tau"]
    shares = (("opening of the gates", "opened", SKY), ("speak", "speaks", RED), ("speak strongly", "strong", PURPLE))
    data, notes = [], []
    for name, key, color in shares:
        y = frame[key].mean("repeat").values
        data.append(curve(names, y, name, color, pin=key == "speaks", mode="lines+markers"))
        up = key == "opened"
        notes.append(label(0, y[0], name, color, yanchor="bottom" if up or key == "strong" else "top", xanchor="left"))
    gates = [frame[key].mean("repeat").values for key in ("accuracy", "soft_accuracy")]
    for y, other, name, color in zip(gates, gates[::-1], ("hard gates", "soft gates"), (RED, SKY), strict=True):
        data.append(curve(names, y, name, color, axes="2", mode="lines+markers"))
        above = y[0] > other[0] or (y is gates[1] and y[0] == other[0])
        notes.append(label(0, y[0], name, color, axes="2", yanchor="bottom" if above else "top", xanchor="left"))
    frozen = frame.attrs["frozen"]
    low = min(float(gates[0].min()), frozen) - 0.03
    signal, softness = np.linspace(-1.5, 1.5, 121), np.linspace(0.05, 1, 96)
    open_at = 1 / (1 + np.exp(-GRIP / softness))
    grip = hand(GRIP, np.interp(tau, softness, open_at), up=scale("tau", open_at, softness), axes="3", color=SKY)
    data += [
        curve([-1.5, 0, 0, 1.5], [0, 0, 1, 1], "hard, afterwards", RED, axes="3", line={"color": RED, "width": 2}),
        curve(signal, 1 / (1 + np.exp(-signal / tau)), "soft, in training", SKY, axes="3"),
    ]
    sparse = {"tickvals": list(range(0, len(names), 2)), "ticktext": names[::2], "tickangle": 0}
    layout = {
        "height": 420,
        "xaxis": axis("price of an open gate, λ", type="category", domain=[0, 0.29], anchor="y", **sparse),
        "yaxis": axis("share of neurons", range=[0, 1.02], tickformat=".0%"),
        "xaxis2": axis("price of an open gate, λ", type="category", domain=[0.39, 0.68], anchor="y2", **sparse),
        "yaxis2": axis(
            "right on turned digits",
            anchor="x2",
            tickformat=".0%",
            range=[low, float(np.max(gates)) + 0.03],
        ),
        "xaxis3": axis("signal over the threshold", domain=[0.78, 1], anchor="y3", range=[-1.5, 1.5], nticks=4),
        "yaxis3": axis("how far a gate opens", anchor="x3", range=[-0.02, 1.12], tickformat=".0%"),
        "shapes": [
            horizontal(frozen, axes="2", width=2),
        ],
        "annotations": [
            *notes,
            label(0, frozen, "frozen base", SOFT, xref="x2 domain", yref="y2", xanchor="left", yanchor="top"),
            note(0.02, 0.99, "hard, afterwards", RED, axes="3", xanchor="left", yanchor="top"),
            label(GRIP, 0.45, "soft, in<br>training:<br>drag me", SKY, axes="3", xanchor="left", yanchor="top"),
        ],
        "meta": {"hands": [grip]},
    }
    told = "Each open gate costs its price. The higher it is, the fewer neurons speak."
    more = "In training a gate may stand half open; afterwards it is open or shut."
    return {"data": data, "layout": headline(layout, told, more)}


GRIP = 0.3  # where the soft gate is held, in units of the signal
