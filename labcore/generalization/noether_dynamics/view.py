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
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    scale,
    values_of,
)

COLOURS = (RED, ORANGE, BLUE, GREEN)  # of the four networks
DECAYS = np.array([0.002, 0.05])  # ends of the weight decay of the four networks


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
        note(
            0.5,
            1,
            "dashes: predicted from speed · dots: gradient flow",
            SOFT,
            axes="2",
            yanchor="bottom",
        ),
        note(0.98, 0.95, "how fast the direction turns", PURPLE, axes="3", xanchor="right", yanchor="top"),
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
        "yaxis3": log_axis("rate of turning η/ρ", domain=[0, 0.34], anchor="x3",
                           range=[np.log10(rates.min()) - 0.2, np.log10(rates.max()) + 0.2]),
        "shapes": shapes,
        "annotations": notes,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _settled(settled: float, values: dict[str, Any], axes: str = "") -> tuple[dict, dict]:
    """The line of the turn √(2kη) that is predicted, and the hand that drags it: it sets the decay k."""
    ends = np.union1d(np.geomspace(*DECAYS, 40).round(9), round(values["decay"], 9))
    means = scale("decay", np.sqrt(2 * ends * values["eta"]), ends)
    return horizontal(settled, INK, axes=axes, width=2.5), hand(None, settled, up=means, axes=axes)


def neurons(frame: xr.Dataset) -> dict[str, Any]:
    """Lengths of all units, one of them beside its prediction; by how much a step turns the four networks' units."""
    step, arms, values = frame.step.values, frame.arm.values, values_of(frame)
    rho, predicted = (np.where(v.values.T > 1e-3, v.values.T, np.nan) for v in (frame.rho, frame.predicted))
    last = frame.rho.values[-1]
    alive = np.flatnonzero(last > 1e-3)
    one = int(alive[np.argsort(last[alive])[len(alive) // 2]]) if len(alive) else 0  # a typical unit
    data = [
        curve(*bundle(step, rho), "all units", SOFT, line={"color": SOFT, "width": 1}, opacity=0.55, hoverinfo="skip"),
        curve(step, rho[one], "a unit", BLUE, line={"color": BLUE, "width": 4}),
        curve(step, predicted[one], "predicted from its speed", ORANGE,
              line={"color": ORANGE, "width": 2, "dash": "dash"}),
    ]  # fmt: skip
    for i, name in enumerate(arms):
        line = {"color": COLOURS[i], "width": 3, "dash": "dash" if name == "length 1, RMSProp" else "solid"}
        data.append(curve(step, frame.turn.values[i], str(name), COLOURS[i], axes="2", line=line, pin=i == 0))
    settled, late = float(frame.settled), frame.turn.values[0, len(step) // 2 :]
    line, drag = _settled(settled, values, "2")
    low, high = max(min(frame.turn.values.min(), settled), 1e-6), max(frame.turn.values.max(), settled)
    layout = {
        "height": 480,
        "xaxis": axis(frame.step, domain=[0, 0.44]),
        "yaxis": log_axis("squared length ρ of a unit"),
        "xaxis2": axis(frame.step, domain=[0.57, 1], anchor="y2"),
        "yaxis2": log_axis("turn of a unit in a step (radians)", anchor="x2",
                           range=[np.log10(low) - 0.55, np.log10(high) + 0.15]),
        "shapes": [line],
        "annotations": [
            note(0.5, 1, "grey: all units · blue: one · dashes: predicted for it", SOFT, yanchor="bottom"),
            label(0, np.log10(settled), "predicted turn √(2kη): drag me", INK, axes="2", xanchor="left",
                  yanchor="bottom", xshift=4),
            *(note(0.98, 0.3 - 0.07 * i, str(name), colour, axes="2", xanchor="right", yanchor="top")
              for i, (name, colour) in enumerate(zip(arms, COLOURS))),
        ],
        "meta": {"hands": [drag]},
    }  # fmt: skip
    turned = f"{np.sqrt((late**2).mean()):.3f} rad a step with decay; predicted: {settled:.3f}"
    return {"data": data, "layout": headline(layout, f"Units of all lengths turn by about {turned}.")}


def turns(frame: xr.Dataset) -> dict[str, Any]:
    """By how much a step turns the weights, over the size of the gradients."""
    size, arms, turn = frame["size"].values, frame.arm.values, np.clip(frame.turn.values, 1e-5, None)
    line, drag = _settled(float(frame.settled), values_of(frame))
    data = [
        curve(size, turn[i], str(name), COLOURS[i], mode="lines+markers", marker={"size": 9, "color": COLOURS[i]},
              line={"color": COLOURS[i], "width": 3, "dash": "dash" if name == "length 1, RMSProp" else "solid"},
              pin=i in (0, 2))
        for i, name in enumerate(arms)
    ]  # fmt: skip
    heights = apart(np.log10(turn[:, -1]), 0.09)
    layout = {
        "height": 440,
        "xaxis": log_axis("size of the gradients (1: as they are)", range=[-1.1, 1.95]),
        "yaxis": log_axis("turn of a unit in a step (radians)"),
        "shapes": [line],
        "annotations": [
            *(
                label(np.log10(size[-1]), h, str(name), colour, xanchor="left", xshift=10, bgcolor=PAPER)
                for h, name, colour in zip(heights, arms, COLOURS)
            ),
            label(-1.05, np.log10(float(frame.settled)), "predicted √(2kη): drag me", INK, xanchor="left",
                  yanchor="bottom"),
        ],
        "meta": {"hands": [drag]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _decays(total: float, values: dict[str, Any], steps: int) -> dict[str, Any]:
    """What is left of a sum after the training, as a place of the weight decay k: (1 - eta k)^steps of it, exactly."""
    ends = np.linspace(0, 0.1, 101)
    ends = ends[(1 - values["eta"] * ends) ** steps > 0.005]  # below, the places of all larger ones are as good as 0
    ends = np.union1d(ends, values["decay"])
    return scale("decay", total * (1 - values["eta"] * ends) ** steps, ends)


def charges(frame: xr.Dataset) -> dict[str, Any]:
    """The sums of all units, how far their balances have moved since the start, and how far predictions are off."""
    step, values = frame.step.values, values_of(frame)
    seen = np.unique(np.linspace(0, len(step) - 1, 101).round().astype(int))  # the panels are no wider
    sums, balance = frame.sums.values.T, frame.balance.values.T
    start = balance[:, :1]
    data, off = [], {}
    for axes, name, colour, measured, zero in (("", "sums", BLUE, sums, 0), ("2", "balance", ORANGE, balance, start)):
        predicted = frame[f"{name}_predicted"].values.T
        off[name] = np.abs(measured - predicted).max(0)
        data.append(curve(*bundle(step[seen], (measured - zero)[:, seen]), name, colour, axes=axes, hoverinfo="skip",
                          line={"color": colour, "width": 3}))  # fmt: skip
        data.append(curve(*bundle(step[seen], (predicted - zero)[:, seen]), "predicted", INK, axes=axes,
                          line={"color": INK, "width": 1, "dash": "dot"}))  # fmt: skip
    for name, colour in (("sums", BLUE), ("balance", ORANGE)):
        data.append(curve(step, np.maximum(off[name], 1e-18), f"error of {name}", colour, axes="4", pin=True))
    top = int(sums[:, 0].argmax())
    last = int(step[-1])
    means = _decays(float(sums[top, 0]), values, last)
    held = float(means["places"][means["values"] == values["decay"]][0])
    data.append(curve([last], [held], "drag me", RED, mode="markers",
                      marker={"size": 14, "color": RED, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    reach = 1.15 * float(np.abs(sums[:, 0]).max())
    moved = np.abs(balance - start).max()
    height = 1.1 * max(moved, 1e-9)
    layout = {
        "height": 540,
        "margin": {"l": 84},
        "xaxis": axis(frame.step, domain=[0, 0.44], anchor="y", range=[0, 1.03 * last]),
        "yaxis": axis("sum of a unit's output weights", domain=[0.46, 0.95], range=[-reach, reach]),
        "xaxis2": axis(frame.step, domain=[0.6, 1], anchor="y2"),
        "yaxis2": axis("balance: change since the start", domain=[0.46, 0.95], anchor="x2", range=[-height, height]),
        "xaxis4": axis(frame.step, domain=[0, 1], anchor="y4"),
        "yaxis4": log_axis("predictions are off by", domain=[0, 0.26], anchor="x4", dtick=4, range=[-18, -10]),
        "annotations": [
            note(0.5, 1, "a line each unit; dots: predicted", BLUE, yanchor="bottom"),
            note(0.5, 1, "balance of a unit, |w|² − |a|²", ORANGE, axes="2", yanchor="bottom"),
            label(last, held, "weight decay: drag me down", RED, xanchor="right", yanchor="top", yshift=-8),
            note(0.98, 0.95, "the machine's last digit is near 10⁻¹⁶", SOFT, axes="4", xanchor="right", yanchor="top"),
        ],
        "meta": {"hands": [hand(last, held, up=means, color=RED)]},
    }  # fmt: skip
    shifted = np.abs(sums - sums[:, :1]).max()
    told = f"Sums have moved by {shifted:.2g} at most, balances by {moved:.2g}, just as predicted."
    return {"data": data, "layout": headline(layout, told)}
