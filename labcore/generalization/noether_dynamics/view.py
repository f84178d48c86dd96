"""Pictures of `noether_dynamics`: a spiral onto a ring, lengths and turns of a network's units, two kept charges."""

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
    bundle,
    curve,
    horizontal,
    label,
    log_axis,
    note,
    values_of,
)

COLOURS = (RED, ORANGE, BLUE, GREEN)  # of the four networks


def spiral(frame: xr.Dataset) -> dict[str, Any]:
    """The weights in the plane, and their squared length beside what speeds and what gradient flow predict."""
    x, y, step, length = frame.x.values, frame.y.values, frame.step.values, frame.length.values
    turn = np.linspace(0, 2 * np.pi, 121)
    first = np.sqrt(length[0])  # gradient flow stays on this circle, but for decay
    reach = 1.1 * np.sqrt(max(length.max(), float(frame.ring) if "ring" in frame else 0, 1e-6))
    data = [
        curve(first * np.cos(turn), first * np.sin(turn), "length at the start", SOFT,
              line={"color": SOFT, "width": 1.5, "dash": "dot"}, hoverinfo="skip"),
        curve(x, y, "the weights", BLUE, line={"color": BLUE, "width": 1.5}, mode="lines"),
        curve(x[-1:], y[-1:], "now", RED, mode="markers",
              marker={"size": 14, "color": RED, "line": {"color": PAPER, "width": 2}}),
        curve(step, frame.flow.values, "gradient flow", SOFT, axes="2",
              line={"color": SOFT, "width": 2, "dash": "dot"}),
        curve(step, length, "measured", BLUE, axes="2", pin=True, line={"color": BLUE, "width": 4}),
        curve(step, frame.predicted.values, "from the speeds", ORANGE, axes="2",
              line={"color": ORANGE, "width": 2, "dash": "dash"}),
        curve(step, frame.rate.values, "rate of the direction", PURPLE, axes="3", pin=True),
    ]  # fmt: skip
    notes = []
    if len(step) > 1 and values_of(frame)["d"] == 2:
        corner = np.array([[x[-2], y[-2]], [0, 0], [x[-1], y[-1]]])
        u, v = corner[0] / np.linalg.norm(corner[0]), corner[2] / np.linalg.norm(corner[2])
        angle, passed = np.arctan2(u[0] * v[1] - u[1] * v[0], u @ v), int(step[-1] - step[-2])
        data.insert(2, curve(*corner.T, "turn", PURPLE, line={"color": PURPLE, "width": 1.5}, hoverinfo="skip"))
        said = "the last step turns" if passed == 1 else f"the last {passed} steps turn"
        notes.append(note(0.5, 1, f"{said} it by {abs(angle):.2g} rad", PURPLE, yanchor="bottom"))
    notes += [
        note(0.5, 1, "blue: measured, dashes: from the speeds, dots: flow", SOFT, axes="2", yanchor="bottom"),
        note(0.98, 0.95, "rate of the direction", PURPLE, axes="3", xanchor="right", yanchor="top"),
    ]
    shapes = []
    if "ring" in frame:
        radius, settled = float(np.sqrt(frame.ring)), float(frame.settled)
        if values_of(frame)["d"] == 2:
            data.insert(
                0, curve(radius * np.cos(turn), radius * np.sin(turn), "ring", GREEN, line={"color": GREEN, "width": 3})
            )
            notes.append(label(0, radius, "ring of balance", GREEN, yanchor="bottom"))
        shapes += [horizontal(float(frame.ring), GREEN, axes="2"), horizontal(settled, GREEN, axes="3")]
    rates = frame.rate.values
    layout = {
        "height": 520,
        "xaxis": axis(frame.x, domain=[0, 0.44], range=[-reach, reach]),
        "yaxis": axis(frame.y, range=[-reach, reach], scaleanchor="x"),
        "xaxis2": axis("", domain=[0.56, 1], anchor="y2", showticklabels=False, matches="x3"),
        "yaxis2": axis(frame.length, domain=[0.44, 1], anchor="x2", rangemode="tozero"),
        "xaxis3": axis(frame.step, domain=[0.56, 1], anchor="y3"),
        "yaxis3": log_axis("rate η/ρ", domain=[0, 0.34], anchor="x3",
                           range=[np.log10(rates.min()) - 0.2, np.log10(rates.max()) + 0.2]),
        "shapes": shapes,
        "annotations": notes,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _names(axes: str, colours: tuple[str, ...], names: np.ndarray) -> list[dict]:
    """The networks' names, one below the other in the upper right of a panel."""
    return [
        note(0.98, 0.98 - 0.1 * i, str(name), colour, axes=axes, xanchor="right", yanchor="top")
        for i, (name, colour) in enumerate(zip(names, colours))
    ]


def neurons(frame: xr.Dataset) -> dict[str, Any]:
    """Lengths of all units beside their predictions; by how much a step turns them; the loss of the four networks."""
    step, arms = frame.step.values, frame.arm.values
    rho, predicted = (np.where(v.values.T > 1e-3, v.values.T, np.nan) for v in (frame.rho, frame.predicted))
    data = [
        curve(*bundle(step, rho), "measured", BLUE, line={"color": BLUE, "width": 2}, hoverinfo="skip"),
        curve(*bundle(step, predicted), "from the speeds", ORANGE, line={"color": ORANGE, "width": 1, "dash": "dash"},
              hoverinfo="skip"),
    ]  # fmt: skip
    for i, name in enumerate(arms):
        line = {"color": COLOURS[i], "width": 2.5, "dash": "dash" if name == "length 1, RMSProp" else "solid"}
        data.append(curve(step, frame.turn.values[i], str(name), COLOURS[i], axes="2", line=line, pin=i == 0))
        data.append(curve(step, frame.loss.values[i], str(name), COLOURS[i], axes="3", line=line))
    settled = float(frame.settled)
    layout = {
        "height": 560,
        "xaxis": axis(frame.step, domain=[0, 0.44]),
        "yaxis": log_axis("squared length ρ of a unit"),
        "xaxis2": axis("", domain=[0.56, 1], anchor="y2", showticklabels=False, matches="x3"),
        "yaxis2": log_axis("turn in a step (rad)", domain=[0.54, 1], anchor="x2"),
        "xaxis3": axis(frame.step, domain=[0.56, 1], anchor="y3"),
        "yaxis3": log_axis("loss", domain=[0, 0.44], anchor="x3"),
        "shapes": [horizontal(settled, INK, axes="2")],
        "annotations": [
            note(0.5, 1, "blue: measured, dashes: from the speeds", SOFT, yanchor="bottom"),
            label(step[-1], np.log10(settled), "√(2kη)", INK, axes="2", xanchor="right", yanchor="bottom"),
            *_names("3", COLOURS, arms),
        ],
    }
    return {"data": data, "layout": layout}


def turns(frame: xr.Dataset) -> dict[str, Any]:
    """By how much a step turns the weights, over the size of the gradients."""
    size, arms, turn = frame["size"].values, frame.arm.values, np.clip(frame.turn.values, 1e-5, None)
    settled = float(frame.settled)
    data = [
        curve(size, turn[i], str(name), COLOURS[i], mode="lines+markers", marker={"size": 9, "color": COLOURS[i]},
              line={"color": COLOURS[i], "width": 3, "dash": "dash" if name == "length 1, RMSProp" else "solid"},
              pin=i in (0, 2))
        for i, name in enumerate(arms)
    ]  # fmt: skip
    heights = apart(np.log10(turn[:, -1]), 0.09)
    layout = {
        "height": 440,
        "xaxis": log_axis("size of the gradients", range=[-1.1, 1.95]),
        "yaxis": log_axis("turn in a step (rad)"),
        "shapes": [horizontal(settled, INK)],
        "annotations": [
            *(
                label(np.log10(size[-1]), h, str(name), colour, xanchor="left", xshift=10, bgcolor=PAPER)
                for h, name, colour in zip(heights, arms, COLOURS)
            ),
            label(-1.05, np.log10(settled), "√(2kη)", INK, xanchor="left", yanchor="bottom"),
        ],
    }
    return {"data": data, "layout": layout}


def charges(frame: xr.Dataset) -> dict[str, Any]:
    """Both charges of every unit over training, and how far predictions are off."""
    step = frame.step.values
    data, notes = [], []
    for axes, name, colour in (("", "sums", BLUE), ("2", "balance", ORANGE)):
        measured, predicted = frame[name].values.T, frame[f"{name}_predicted"].values.T
        data.append(curve(*bundle(step, measured), name, colour, axes=axes, line={"color": colour, "width": 3},
                          hoverinfo="skip"))  # fmt: skip
        data.append(curve(*bundle(step, predicted), "predicted", INK, axes=axes, hoverinfo="skip",
                          line={"color": INK, "width": 1, "dash": "dot"}))  # fmt: skip
        off = np.abs(measured - predicted).max(0)
        data.append(curve(step, np.maximum(off, 1e-18), f"error of {name}", colour, axes="4", pin=True))
    balance, flow = frame.balance.values, frame.balance_flow.values
    data.append(curve(step, np.abs(balance - flow).max(1) + 1e-18, "moved by the steps", RED, axes="4"))
    notes += [
        note(0.5, 1, "a sum over classes, each unit", BLUE, yanchor="bottom"),
        note(0.5, 1, "a balance |w|² − |a|², each unit", ORANGE, axes="2", yanchor="bottom"),
        note(0.98, 0.97, "moved by steps, not by flow", RED, axes="4", xanchor="right", yanchor="top"),
        note(0.98, 0.06, "off the prediction", SOFT, axes="4", xanchor="right", yanchor="bottom"),
    ]
    layout = {
        "height": 520,
        "margin": {"l": 84},
        "xaxis": axis("", domain=[0, 0.46], anchor="y", showticklabels=False, matches="x4"),
        "yaxis": axis("sum", domain=[0.46, 0.95]),
        "xaxis2": axis("", domain=[0.56, 1], anchor="y2", showticklabels=False, matches="x4"),
        "yaxis2": axis("balance", domain=[0.46, 0.95], anchor="x2"),
        "xaxis4": axis(frame.step, domain=[0, 1], anchor="y4"),
        "yaxis4": log_axis("largest difference", domain=[0, 0.34], anchor="x4", dtick=8, range=[-18, 1]),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}
