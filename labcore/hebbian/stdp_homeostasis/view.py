"""Pictures of `stdp_homeostasis`: a board of lamps, what a detector accepts, and detectors taught in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PAPER,
    RED,
    SHADE,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    note,
    sheet,
    values_of,
    vertical,
)

CARD = ("detector", "xy")

_LAMPS = (GRID, BLUE, PAPER, ORANGE)  # off, on, missing, stranger
_WEIGHTS = [[0, "rgba(47,134,201,0.04)"], [1, BLUE]]


def detector(frame: xr.Dataset) -> dict[str, Any]:
    """The lamps, the detector's potential against its threshold, and the map of all inputs that it accepts."""
    off, extra = (int(v) for v in frame.attrs["at"])
    state, h = frame.state.values, float(frame.attrs["threshold"])
    lamps = np.arange(len(state))
    color = GREEN if frame.attrs["detected"] else RED
    strangers, limit = frame.strangers.values, frame.limit.values
    active = frame.sizes["missing"] - 1
    # what a click on each lamp makes of the input: another one of its kind goes on or off
    turns = [
        {"off": off + 1} if s == 1 else {"off": off - 1} if s == 2 else {"extra": extra + (1 if s == 0 else -1)}
        for s in state
    ]
    t, potential = frame.time.values, frame.potential.values
    data = [
        curve(
            lamps % 8,
            lamps // 8,
            "lamps",
            INK,
            mode="markers",
            hoverinfo="none",
            click={"sets": turns},
            marker={
                "size": 22,
                "color": [_LAMPS[s] for s in state],
                "line": {"width": 3, "color": [BLUE if s in (1, 2) else ORANGE if s == 3 else GRID for s in state]},
            },
        ),
        curve(t, potential, "potential", color, axes="2", pin=True, line={"color": color, "width": 4}),
        {"type": "heatmap", "z": frame.accepted.values, "x": strangers, "y": frame.missing.values, "zmin": 0, "zmax": 1}
        | {"colorscale": [[0, "rgba(107,114,128,0.08)"], [1, GREEN]], "showscale": False, "xgap": 1, "ygap": 1}
        | {"xaxis": "x3", "yaxis": "y3", "meta": {"click": {"x": "extra", "y": "off"}}, "opacity": 0.8}
        | {"hovertemplate": "%{y} missing, %{x} strangers<extra></extra>"},
        curve(strangers, limit, "the rule", INK, axes="3", line={"color": INK, "width": 2, "dash": "dash"}),
        curve([extra], [off], "this input", RED, axes="3", mode="markers", hoverinfo="skip")
        | {"marker": {"size": 15, "color": RED, "line": {"color": "white", "width": 2}}},
    ]
    verdict = "detected" if frame.attrs["detected"] else "not detected"
    # the map shows what may be accepted and a margin around it
    down = min(active, max(6.0, 1.4 * limit[0], off + 1))
    right = min(strangers[-1], max(10.0, 1.4 * (limit[0] / max(limit[0] - limit[1], 0.1)), extra + 1))
    low = float(min(-0.1, 1.1 * potential.min()))
    layout = {
        "height": 440,
        "xaxis": axis("ring: off<br>orange: stranger", domain=[0, 0.29], anchor="y", range=[-0.6, 7.6], **BARE),
        "yaxis": axis("", range=[7.6, -0.6], scaleanchor="x", constrain="domain", **BARE),
        "xaxis2": axis(frame.time, domain=[0.37, 0.64], anchor="y2", range=[0, 49]),
        "yaxis2": axis("potential (1: what the pattern gives)", anchor="x2", range=[low, 1.18]),
        "xaxis3": axis("strangers that are on", domain=[0.73, 1], anchor="y3", range=[-0.5, right + 0.5])
        | {"showgrid": False, "zeroline": False},
        "yaxis3": axis(frame.missing, anchor="x3", range=[down + 0.5, -0.5], showgrid=False) | {"zeroline": False},
        "shapes": [
            horizontal(h, INK, axes="2", width=2),
        ],
        "meta": {
            "hands": [
                hand(None, h, up="h", axes="2"),
                hand(extra, off, across="extra", up="off", axes="3", color=RED),
            ]
        },
        "annotations": [
            label(
                1,
                h,
                "threshold: drag me",
                INK,
                xref="x2 domain",
                yref="y2",
                xanchor="right",
                yanchor="bottom",
                xshift=-32,
            ),
            note(0.5, 1, f"<b>{verdict}</b>", color, axes="2", yanchor="bottom"),
            note(
                0.5, 1, f"{off} off, {extra} more on<br>click a lamp: one like it goes on or off", INK, yanchor="bottom"
            ),
            note(1, 1, "green: accepted. Click, or drag", GREEN, axes="3", yanchor="bottom", xanchor="right"),
        ],
    }
    return {"data": data, "layout": layout}


def detect(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over the number of patterns taught, the detectors' weights, and which pattern makes which spike."""
    taught, total, h = frame.taught.values, frame.attrs["patterns"], values_of(frame)["h"]
    mode = "lines+markers"
    lines = (
        (frame.accuracy.values, "right decisions (balanced accuracy)", RED, 4, True),
        (frame.fpr.values, "false alarms", ORANGE, 2, False),
        (frame.own.values, "only their own detector spikes", BLUE, 2, False),
    )
    data = [
        curve(taught, y, name, color, mode=mode, pin=pin, line={"color": color, "width": width})
        for y, name, color, width, pin in lines[::-1]
    ]
    told = [f'<span style="color:{color}">{name}</span>' for _, name, color, _, _ in lines]
    names = f"{told[0]},<br>{', '.join(told[1:])}"  # in two lines, for phones
    neurons = frame.sizes["neuron"]
    # each detector's 64 weights as a picture, over its largest
    w = frame.w.values / np.maximum(frame.w.values.max(1, keepdims=True), 1e-12)
    data += [
        image(sheet(w.reshape(-1, 8, 8), int(np.ceil(neurons**0.5))), "2", _WEIGHTS, 0, 1),
        {"type": "heatmap", "showscale": False, "zmin": 0, "zmax": 1, "colorscale": _WEIGHTS}
        | {
            "z": frame.confusion.values,
            "x": frame.pattern.values,
            "y": frame.neuron.values,
            "xaxis": "x3",
            "yaxis": "y3",
        }
        | {"xgap": 1, "ygap": 1, "hovertemplate": "pattern %{x}, detector %{y}: %{z}<extra></extra>"},
    ]
    layout = {
        "height": 430,
        "margin": {"t": 40},
        "xaxis": axis(frame.taught, domain=[0, 0.4], anchor="y", range=[0.7, max(total, 10) + 2.3]),
        "yaxis": axis("share", range=[-0.03, 1.05], tickformat=".0%"),
        "xaxis2": axis("weights of the 64 lines", domain=[0.46, 0.7], anchor="y2", constrain="domain", **BARE),
        "yaxis2": axis("", anchor="x2", autorange="reversed", scaleanchor="x2", constrain="domain", **BARE),
        "xaxis3": axis("pattern shown", domain=[0.78, 1], anchor="y3", range=[0.5, total + 0.5], showgrid=False),
        "yaxis3": axis(frame.neuron, anchor="x3", range=[max(neurons, 1) + 0.5, 0.5], showgrid=False, tickformat="d")
        | {"nticks": min(neurons + 1, 10)},
        "shapes": [
            {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "xref": "x3 domain", "yref": "y3 domain"}
            | {"fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
            vertical(total, GREEN, "solid", width=3),
            horizontal(h, INK, "dash"),
        ],
        "meta": {"hands": [hand(total, None, across="n_patterns", color=GREEN), hand(None, h, up="h")]},
        "annotations": [
            label(total, 0.25, "patterns:<br>drag me", GREEN, xanchor="left", xshift=6, align="left"),
            label(total, h, "threshold h:<br>drag me", INK, xanchor="left", yanchor="top", xshift=6, align="left"),
            note(0, 1, names, SOFT, xanchor="left", yanchor="bottom", align="left"),
            note(0.5, 1, "blue: it spikes", SOFT, axes="3", yanchor="bottom"),
        ],
    }
    who = "one neuron" if neurons == 1 else f"{neurons} neurons, one each"
    told = f"Taught {int(taught[-1])} pattern{'s' * bool(taught[-1] > 1)}: {who}."
    more = f"Spikes for what it was not taught: {frame.fpr.values[-1]:.0%}."
    more += f" For its own pattern alone: {frame.own.values[-1]:.0%}." if neurons > 1 else ""
    return {"data": data, "layout": headline(layout, told, more)}
