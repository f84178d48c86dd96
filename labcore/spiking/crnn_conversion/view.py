"""Pictures of `crnn_conversion`: pours of current and the counts they leave, where a sequence is wrong, digits read."""

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
    RED,
    SKY,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    label,
    note,
    values_of,
    vertical,
)

COLOURS = {"bipolar": BLUE, "soft": ORANGE, "hard": RED}
NAMES = {"bipolar": "can fire -1", "soft": "cannot: a spike takes a threshold", "hard": "cannot: a spike takes all"}
CARD = ("glass", "x2y2")


def glass(frame: xr.Dataset) -> dict[str, Any]:
    """The current as bars and the charge that it leaves; what both neurons have counted, in all orders."""
    values, step = values_of(frame), frame.step.values
    rounded = float(frame.rounded)
    current, charge = frame.current.values, frame.charge.values[0]
    count, other = frame["count"].values, frame.other.values
    data = [
        curve(step, charge, "charge", SKY, fill="tozeroy", fillcolor="rgba(86,180,233,0.35)",
              line={"color": SKY, "width": 1.5, "shape": "hv"}),
        {"type": "bar", "x": step, "y": current, "name": "current", "marker": {"color": SOFT}, "width": 0.35,
         "xaxis": "x", "yaxis": "y", "showlegend": False},
    ]  # fmt: skip
    for k, kind in ((1, "soft"), (0, "bipolar")):
        color, shift = COLOURS[kind], 0.05 * (2 * k - 1)
        x, y = bundle(step, other[k] + shift)
        data.append(curve(x, y, "other orders", color, axes="2", hoverinfo="skip", opacity=0.3,
                          line={"color": color, "width": 1, "shape": "hv"}))  # fmt: skip
        data.append(curve(step, count[k] + shift, NAMES[kind], color, axes="2", pin=kind == "bipolar",
                          line={"color": color, "width": 3, "shape": "hv"}))  # fmt: skip
    low, high = min(0.0, rounded), 2 ** values["bits"] - 1
    top = max(float(count.max()), float(other.max()), 3.0)
    pours = [(values["first_at"], values["first"], "first"), (values["second_at"], values["second"], "second")]
    for at, size, _ in pours:
        data.append(curve([at], [size], "pour", RED, mode="markers", hoverinfo="skip",
                          marker={"size": 15, "color": RED, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    ends = other[1, :, -1]
    if len(np.unique(np.append(ends, rounded))) == 1:
        told = "Both end on the rounded sum, in every order: nothing had to be taken back."
    else:
        told = "Only the neuron that can take a spike back ends on the rounded sum in every order."
    held = " The sum is beyond what it can count." if not -0.5 <= current.sum() < high + 0.5 else ""
    layout = {
        "height": 400,
        "xaxis": axis("step", domain=[0, 0.45], range=[-0.8, 23.8]),
        "yaxis": axis("current and charge (thresholds)", range=[-6.6, 8.6]),
        "xaxis2": axis("step", domain=[0.57, 1], anchor="y2", range=[-0.8, 23.8]),
        "yaxis2": axis("spikes counted", anchor="x2", range=[low - 0.5, top + 0.9]),
        "shapes": [horizontal(0, SOFT, "solid", width=1), horizontal(1, SKY),
                   horizontal(rounded, INK, "dash", axes="2")],
        "annotations": [
            note(0.98, 0.02, "blue: charge in the neuron that can fire -1", INK, xanchor="right", yanchor="bottom"),
            label(23.6, 1, "it fires above", INK, xanchor="right", yanchor="bottom"),
            note(0.02, 0.99, "can fire -1", BLUE, axes="2", xanchor="left", yanchor="top"),
            note(0.02, 0.99, "cannot", ORANGE, axes="2", xanchor="left", yanchor="top", yshift=-18),
            label(23.6, rounded, "the rounded sum", INK, axes="2", xanchor="right", yanchor="bottom"),
            label(pours[0][0], pours[0][1], "drag a pour", RED, xanchor="left", xshift=12),
        ],
        "meta": {"hands": [hand(at, size, across=f"{name}_at", up=name, color=RED) for at, size, name in pours]},
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, told + held)}


WRONG = [[0, "rgb(245,245,245)"], [0.02, "rgb(250,220,190)"], [0.3, "rgb(213,94,0)"], [1, "rgb(110,40,0)"]]


def sequence(frame: xr.Dataset) -> dict[str, Any]:
    """Where states are wrong: element by element, for every number of small steps; and how many on average."""
    values, element, steps = values_of(frame), frame.element.values, frame.steps.values
    wrong, sure, most = frame.wrong.values, float(frame.sure), int(frame.steps.values[-1])
    data = [
        {"type": "heatmap", "x": element, "y": steps, "z": wrong, "zmin": 0, "zmax": 1, "colorscale": WRONG,
         "showscale": False, "xaxis": "x", "yaxis": "y",
         "hovertemplate": "element %{x}, %{y} steps: %{z:.0%} wrong<extra></extra>"},
        curve(wrong.mean(1), steps, "wrong", RED, axes="2", pin=True),
    ]  # fmt: skip
    handed = values["hand_over"] == "canonical" and values["neuron"] == "bipolar"
    layout: dict[str, Any] = {
        "height": 420,
        "xaxis": axis(frame.element, domain=[0, 0.62], range=[0.5, 1.14 * values["length"]]),
        "yaxis": axis(frame.steps, range=[0.5, most + 0.5]),
        "xaxis2": axis("wrong, all elements", domain=[0.74, 1], anchor="y2", range=[-0.02, 1], tickformat=".0%"),
        "yaxis2": axis("small steps", anchor="x2", range=[0.5, most + 0.5]),
        "annotations": [label(values["length"], most, "drag the end ", GREEN, xanchor="right", yanchor="top")],
        "shapes": [vertical(values["length"] + 0.5, GREEN, "solid", width=4)],
        "meta": {"hands": [hand(values["length"], None, across="length", color=GREEN)]},
    }
    if sure <= most:
        layout["shapes"] += [horizontal(sure, BLUE, "dash", axes=axes) for axes in ("", "2")]
        words = f"{sure:.0f} steps are sure" if handed else f"{sure:.0f} would be sure for counts handed on"
        layout["annotations"].append(label(element[-1], sure, words, BLUE, xanchor="right", yanchor="bottom"))
    grows = wrong[: int(min(sure, most)) - 1, -10:].mean() > 1.2 * wrong[: int(min(sure, most)) - 1, :10].mean() + 0.02
    right = np.flatnonzero(wrong.any(1))
    if len(right) and right[-1] + 1 == most and values["neuron"] != "bipolar":
        told = "A neuron that cannot take spikes back never reads the states of the network."
    elif grows:
        told = "The further along the sequence, the more small steps it takes."
    elif len(right) and right[-1] + 1 == most:
        told = "So few small steps are not enough."
    else:
        told = f"From {right[-1] + 2 if len(right) else 1} small steps on no state is wrong."
    return {"data": data, "layout": headline(layout, told)}


def convert(frame: xr.Dataset) -> dict[str, Any]:
    """Digits read by the three spiking networks over small steps, beside the quantised twin; additions for a digit."""
    data, annotations, most = [], [], 29
    quantised, sure = float(frame.quantised), float(frame.sure)
    if "accuracy" not in frame:
        data.append(curve(frame.step.values, frame.learned.values, "quantised network", GREEN, mode="lines+markers"))
        data.append(curve([1], [0], "additions", BLUE, axes="2", hoverinfo="skip", opacity=0))
        layout = {
            "xaxis": axis(frame.step, domain=[0, 0.54], range=[0, values_of(frame)["training"]]),
            "annotations": [note(0.5, 0.5, "first it learns", SOFT, axes="2")],
            "shapes": [],
        }
    else:
        steps = frame.steps.values
        for kind, right in zip(frame.kind.values, frame.accuracy.values, strict=True):
            color = COLOURS[str(kind)]
            data.append(curve(steps, right, NAMES[str(kind)], color, mode="lines+markers", pin=kind == "bipolar"))
        data.append(curve(steps, frame.additions.values / 1000, "additions", BLUE, axes="2", mode="lines+markers"))
        annotations += [note(0.98, 0.32 - 0.1 * i, NAMES[kind], COLOURS[kind], xanchor="right")
                        for i, kind in enumerate(NAMES)]  # fmt: skip
        products = float(frame.products) / 1000
        annotations += [
            label(most, quantised, "quantised twin", INK, xanchor="right", yanchor="bottom"),
            label(most, products, "products of the quantised twin", INK, axes="2", xanchor="right", yanchor="top"),
        ]
        layout = {
            "xaxis": axis(frame.steps, domain=[0, 0.54], range=[0, most + 0.5]),
            "annotations": annotations,
            "shapes": [horizontal(quantised, INK, "dash"), vertical(sure, BLUE),
                       horizontal(products, INK, "dash", axes="2")],
        }  # fmt: skip
        annotations.append(label(sure, 0.02, f" {sure:.0f} are sure", BLUE, xanchor="left", yanchor="bottom"))
    top = max(float(frame.additions.max()) if "additions" in frame else 0.0, float(frame.products)) / 1000
    layout |= {
        "height": 400,
        "yaxis": axis("right on new digits", range=[0, 1.05], tickformat=".0%"),
        "xaxis2": axis("small steps for each row", domain=[0.68, 1], anchor="y2", range=[0, most + 0.5]),
        "yaxis2": axis("additions for a digit (thousands)", anchor="x2", range=[0, 1.15 * top]),
    }
    return {"data": data, "layout": layout}
