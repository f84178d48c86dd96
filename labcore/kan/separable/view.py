"""Pictures of `separable`: atoms and what each component carries, learning curves, and two futures of a chaotic map."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    hand,
    label,
    log_axis,
    note,
    values_of,
    vertical,
)

CARD = ("fit", "x2y2")


def atoms(frame: xr.Dataset) -> dict[str, Any]:
    """Above, the atoms of each input; below, f along that input: the target, and the model without the component."""
    t, off, d = frame.x.values, int(frame.attrs["off"]), frame.sizes["input"]
    out = frame.component.values == off
    psi, low = frame.psi.values, np.stack([frame.slice_true.values, frame.slice_cut.values, frame.slice_model.values])
    reach = [float(psi.min()) - 0.1, float(psi.max()) + 0.1]
    span = [float(low.min()) - 0.15, float(low.max()) + 0.15]
    data, notes, layout = [], [], {"height": 520}
    gap = 0.02
    width = (1 - gap * (d - 1)) / d
    for j in range(d):
        top, bottom = str(2 * j + 1) if j else "", str(2 * j + 2)
        left = j * (width + gap)
        domain = [left, left + width]
        if (~out).any():
            on = bundle(t, psi[~out, j])
            data.append(curve(*on, "components that are on", BLUE, axes=top, line={"color": BLUE, "width": 2.5}))
        if out.any():
            dash = {"color": ORANGE, "width": 3, "dash": "dash"}
            data.append(curve(t, psi[out, j][0], f"component {off}, off", ORANGE, axes=top, line=dash))
        truth = {"color": SOFT, "width": 6}
        data.append(curve(t, frame.slice_true.values[j], "f", SOFT, axes=bottom, pin=True, line=truth, opacity=0.55))
        red = {"color": RED, "width": 2.5}
        data.append(curve(t, frame.slice_cut.values[j], "model", RED, axes=bottom, pin=True, line=red))
        ends = {"showticklabels": not j, "nticks": 5}
        layout[f"xaxis{top}"] = axis("", domain=domain, anchor=f"y{top}", showticklabels=False)
        layout[f"yaxis{top}"] = axis(
            frame.psi if not j else "", domain=[0.56, 0.94], anchor=f"x{top}", range=reach, **ends
        )
        layout[f"xaxis{bottom}"] = axis(f"x<sub>{j + 1}</sub>", domain=domain, anchor=f"y{bottom}", tickvals=[0, 1])
        layout[f"yaxis{bottom}"] = axis(
            "f along one input" if not j else "", domain=[0, 0.44], anchor=f"x{bottom}", range=span, **ends
        )
    above = {"xref": "paper", "yref": "paper", "yanchor": "bottom"}
    switched = f"component {off}, switched off" if out.any() else "no component is off"
    notes = [
        label(0, 0.955, "atoms that are on", BLUE, xanchor="left", **above),
        label(1, 0.955, switched, ORANGE if out.any() else SOFT, xanchor="right", **above),
        label(0, 0.45, "grey: the target f", SOFT, xanchor="left", **above),
        label(1, 0.45, f"the model as it is now: error {frame.attrs['cut']:.1%}", RED, xanchor="right", **above),
    ]
    return {"data": data, "layout": layout | {"annotations": notes}}


_COLORS = {"CP": RED, "order 2": ORANGE, "additive": SOFT, "MLP": BLUE}
_WORDS = {"CP": "products", "order 2": "pairs", "additive": "sum"}


def fit(frame: xr.Dataset) -> dict[str, Any]:
    """Test error of the four models over training time, and f along one input as each has it now."""
    t, x = frame.time.values, frame.x.values
    error = frame.error.mean("repeat").values
    data, notes = [], []
    truth = frame.slice_true.values
    data.append(curve(x, truth, "f", GREEN, axes="2", line={"color": GREEN, "width": 8}, opacity=0.4))
    # labels of two lines
    heights = apart(np.log10(error[:, -1]), 0.3, top=0.3)
    for k, name in enumerate(map(str, frame.model.values)):
        color = _COLORS[name]
        line = {"color": color, "width": 3.5 if name in ("CP", "MLP") else 2.5}
        data.append(curve(t, error[k], name, color, pin=True, line=line))
        data.append(curve(x, frame.slice.values[k], name, color, axes="2", line=line))
        text = f"{_WORDS.get(name, name)} {error[k, -1]:.1%}<br>{int(frame.params[k])} numbers"
        notes.append(label(1.02, heights[k], text, color, xref="x domain", xanchor="left", align="left"))
    last = values_of(frame)["steps"]
    notes.append(note(1, 1, "drag the line: train longer", INK, xanchor="right", yanchor="bottom"))
    notes.append(note(0.98, 0.98, "green: the target", GREEN, axes="2", xanchor="right", yanchor="top"))
    reach = [float(truth.min()) - 0.4, float(truth.max()) + 0.4]
    layout = {
        "height": 460,
        "xaxis": axis(frame.time, domain=[0, 0.44], anchor="y", range=[0, 1.02 * last]),
        "yaxis": log_axis("share of f that is left over", range=[-3.2, 0.35]),
        "shapes": [vertical(last, INK, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="steps", color=INK)]},
        "xaxis2": axis("second input x\u2082", domain=[0.66, 1], anchor="y2"),
        "yaxis2": axis("f along x\u2082", anchor="x2", range=reach),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


def rollout(frame: xr.Dataset) -> dict[str, Any]:
    """What follows a state, true and predicted; both models' own futures; and where each spends its time."""
    states, hist, grid = frame.states.values[:, :60], frame.hist.values, frame.bin.values
    now, t = frame.now.values, frame.time.values[:60]
    # a spike has no useful height: it would flatten the rest
    tall = 1.6 * float(max(hist[0].max(), hist[2].max()))
    odds = {
        "type": "heatmap", "x": now, "y": grid, "z": np.clip(frame.odds.values, 0, 6), "zmin": 0, "zmax": 6,
        "colorscale": [[0, "rgba(47,134,201,0)"], [1, "rgba(47,134,201,0.9)"]], "showscale": False, "hoverinfo": "skip",
        "xaxis": "x", "yaxis": "y",
    }  # fmt: skip
    dots = {"mode": "markers", "marker": {"size": 5, "color": INK}}
    edge = 0.5 * (grid[1] - grid[0])
    steps = {"shape": "hvh", "width": 3}
    data = [
        odds,
        curve(now, frame.next.values, "what follows", INK, **dots),
        curve(
            now, frame.forecast.values[0], "mean-square forecast", RED, mode="markers", marker={"size": 6, "color": RED}
        ),
        curve(t, states[0], "truth", SOFT, axes="2", line={"color": SOFT, "width": 1.5}),
        curve(t, states[1], "mean-square model", RED, axes="3", line={"color": RED, "width": 2.5}),
        curve(t, states[2], "distributional model", BLUE, axes="4", line={"color": BLUE, "width": 1.5}),
        curve(
            grid,
            hist[0],
            "truth",
            SOFT,
            axes="5",
            fill="tozeroy",
            fillcolor="rgba(130,140,150,0.4)",
            line={**steps, "width": 0},
        ),
        curve(grid, np.minimum(hist[1], tall), "mean-square model", RED, axes="5", line=steps | {"color": RED}),
        curve(grid, hist[2], "distributional model", BLUE, axes="5", pin=True, line=steps | {"color": BLUE}),
    ]
    w1 = frame.w1.mean("repeat").values
    layout: dict[str, Any] = {
        "height": 620,
        "xaxis": axis(frame.now, domain=[0, 0.4], anchor="y", range=[0, 1]),
        "yaxis": axis(frame.next, domain=[0.56, 0.95], range=[0, 1]),
        "xaxis5": axis(frame.bin, domain=[0, 1], anchor="y5", range=[grid[0] - edge, grid[-1] + edge]),
        "yaxis5": axis("time spent (density)", domain=[0, 0.36], anchor="x5", range=[0, tall]),
    }
    notes = [
        note(0, 1, "black: what follows; orange: mean; blue: odds", SOFT, xanchor="left", yanchor="bottom"),
        note(
            0.5,
            1,
            f"grey: truth; distance W1 to it:<br><b>mean-square {w1[0]:.3f}, distributional {w1[1]:.3f}</b>",
            INK,
            axes="5",
            yanchor="bottom",
        ),
    ]
    rows = (
        ("2", "truth", SOFT, 0.85),
        ("3", "mean-square model, fed with itself", RED, 0.7),
        ("4", "distributional model, fed with itself", BLUE, 0.55),
    )
    for a, text, color, bottom in rows:
        last = a == "4"
        layout[f"xaxis{a}"] = axis("seen states" if last else "", domain=[0.5, 1], anchor=f"y{a}", showticklabels=last)
        layout[f"yaxis{a}"] = axis(
            "", domain=[bottom + 0.01, bottom + 0.1], anchor=f"x{a}", range=[-0.02, 1.02], tickvals=[0, 1]
        )
        notes.append(note(0, 1, text, color, axes=a, xanchor="left", yanchor="bottom"))
    return {"data": data, "layout": layout | {"annotations": notes}}
