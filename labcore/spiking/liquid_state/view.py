"""Pictures of `liquid_state`: a liquid's spikes and one of its neurons; readers of it; a map of two senses."""

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
    SHADE,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    label,
    segments,
    values_of,
    vertical,
)

CARD = ("unseen", "xy")
DIGIT, ALL = 24, 72  # steps while the digit passes, and in all
COLOURS = {"counts of the channels": ORANGE, "liquid without memory": PURPLE, "liquid": BLUE}


def ripples(frame: xr.Dataset) -> dict[str, Any]:
    """Spikes of all neurons over time, the potential of one, and what is left of them with each gain, to be dragged."""
    values, step, fired = values_of(frame), frame.step.values, frame.fired.values
    n, gain, late = frame.sizes["neuron"], values["gain"], float(frame.here)
    chosen = min(values["neuron"], n)
    at, who = np.nonzero(fired)
    own = step[fired[:, chosen - 1] > 0]
    top = np.array([[k, 1.0] for k in own]).reshape(-1, 2)
    spikes = segments(top, top + [0, 0.9])
    level = frame.potential.values
    low, peak = min(-1.5, float(level.min())), max(2.0, float(level.max()))
    data = [
        curve(step[at], who + 1, "spikes: click one", BLUE, mode="markers", click={"y": "neuron"},
              marker={"size": 3.5, "color": BLUE}, hovertemplate="neuron %{y}, step %{x}<extra></extra>"),
        curve(own, np.full(len(own), chosen), "the chosen neuron", RED, mode="markers", hoverinfo="skip",
              marker={"size": 7, "color": RED}),
        curve(step, level, "potential", RED, axes="2", pin=True),
        curve(*spikes, "its spikes", RED, axes="2", hoverinfo="skip"),
        curve(frame["at"].values, frame.late.values, "neurons that fire long after", GREEN, axes="3"),
        curve([gain], [late], "here", GREEN, axes="3", mode="markers", hoverinfo="skip",
              marker={"size": 14, "color": GREEN, "line": {"color": PAPER, "width": 2}}),
    ]  # fmt: skip
    high = max(0.3, 1.15 * float(frame.late.max()))
    layout = {
        "height": 470,
        "xaxis": axis("time step", domain=[0, 0.5], range=[0, ALL + 1]),
        "yaxis": axis("neuron", range=[0, n + 1]),
        "xaxis2": axis("time step", domain=[0.6, 1], anchor="y2", range=[0, ALL + 1]),
        "yaxis2": axis(f"potential of {chosen}", domain=[0.58, 1], anchor="x2", range=[low - 0.1, peak + 0.2]),
        "xaxis3": axis("recurrent gain", domain=[0.6, 1], anchor="y3", range=[-0.1, 4.1]),
        "yaxis3": axis("fire long after", domain=[0, 0.36], anchor="x3", range=[-0.02, high], tickformat=".0%"),
        "shapes": [
            {"type": "rect", "xref": "x", "yref": "y domain", "x0": 0, "x1": DIGIT + 0.5, "y0": 0, "y1": 1,
             "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
            vertical(DIGIT + 0.5, SOFT),
            horizontal(1, SOFT, axes="2"),
        ],
        "annotations": [
            label(1, n, f"a {values['digit']} passes", INK, xanchor="left", yanchor="bottom"),
            label(DIGIT + 1.5, n, "then nothing comes", SOFT, xanchor="left", yanchor="bottom"),
            label(ALL, 1, "threshold", SOFT, axes="2", xanchor="right", yanchor="top"),
            label(gain, late, "drag it", GREEN, axes="3", yanchor="bottom", yshift=10,
                  xanchor="left" if gain < 0.5 else "right" if gain > 3.5 else "center"),
        ],
        "meta": {"hands": [hand(gain, late, across="gain", axes="3", color=GREEN)]},
    }  # fmt: skip
    if late == 0:
        told = "Once the digit is gone, the liquid falls silent."
    elif late < 0.05:
        told = f"Ripples: {late:.1%} of the neurons still fire, long after the digit."
    else:
        told = f"Seizure: {late:.0%} of the neurons fire in every step, with nothing to fire for."
    return {"data": data, "layout": headline(layout, told)}


def order(frame: xr.Dataset) -> dict[str, Any]:
    """What three linear readers get right, over how many columns of new recordings were moved."""
    values, columns, right = values_of(frame), frame["columns"].values, frame.right.values
    mean, guess, decay = right.mean(1), float(frame.guess), values["decay"]
    data = []
    for name, y in zip(frame.reader.values, mean, strict=True):
        data.append(curve(columns, y, str(name), COLOURS[str(name)], pin=True, mode="lines+markers"))
    names = ["counts" if values["windows"] == 1 else f"{values['windows']} counts", "no memory", "liquid"]
    places = apart(mean[:, -1], 0.065, 1.0)
    layout = {
        "height": 400,
        "xaxis": axis("columns of a new recording put in a random order", range=[-0.3, 10.4], tickvals=columns),
        "yaxis": axis("right on new recordings", range=[0, 1.02], tickformat=".0%"),
        "shapes": [horizontal(guess, SOFT)],
        "annotations": [
            label(-0.2, guess, "guessing", SOFT, xanchor="left", yanchor="top"),
            *[label(8.2, y, text, color, xanchor="left")
              for text, y, color in zip(names, places, COLOURS.values(), strict=True)],
        ],
    }  # fmt: skip
    falls = mean[:, 0] - mean[:, -1]
    if abs(falls).max() < 0.03:
        told = "No reader minds the order."
    else:
        told = (
            f"Shuffled, the liquid's reader falls by {max(falls[2], 0):.0%}, that of counts by {max(falls[0], 0):.0%}."
        )
    if decay == 0 and values["gain"] == 0:
        told += " A liquid without memory minds nothing."
    return {"data": data, "layout": headline(layout, told)}


def unseen(frame: xr.Dataset) -> dict[str, Any]:
    """A map of what is seen, around where each class sounds, and how many of the unseen are named."""
    values, batch = values_of(frame), frame.batch.values
    met, seen, heard = frame.is_met.values > 0, frame.seen.values, frame.heard.values
    guess, new, known = float(frame.guess), frame.new.values, frame.met.values
    fresh = np.flatnonzero(~met)
    colours = dict(zip(fresh, [RED, BLUE, GREEN, ORANGE, PURPLE, INK] * 2, strict=False))
    dots = seen[met].reshape(-1, 2)
    data = [curve(dots[:, 0], dots[:, 1], "seen, of classes met", SOFT, mode="markers", hoverinfo="skip",
                  marker={"size": 4, "color": SOFT, "opacity": 0.45})]  # fmt: skip
    for c in fresh:
        data.append(
            curve(seen[c, :, 0], seen[c, :, 1], f"a {c} that is seen", colours[c], mode="markers",
                  marker={"size": 8, "color": colours[c], "line": {"color": PAPER, "width": 1}},
                  hovertemplate=f"a {c}, which training never met<extra></extra>")
        )  # fmt: skip
    mean = new.mean(0)
    data += [
        curve(batch, known.mean(0), "classes that were met", SOFT, axes="2"),
        curve(batch, mean, "unseen classes", RED, axes="2", pin=True),
    ]
    ends = apart([known.mean(0)[-1], mean[-1]], 0.08, 1.0)
    last, whole = float(batch[-1]), values["batches"]
    far = 1.08 * float(np.abs(np.concatenate([seen.reshape(-1, 2), heard])).max())
    layout = {
        "height": 420,
        "xaxis": axis("common space, first direction", domain=[0, 0.52], range=[-far, far], showticklabels=False),
        "yaxis": axis("second direction", range=[-far, far], showticklabels=False),
        "xaxis2": axis(frame.batch, domain=[0.64, 1], anchor="y2", range=[0, 1.04 * whole]),
        "yaxis2": axis("right on new recordings", anchor="x2", range=[0, 1.05], tickformat=".0%"),
        "shapes": [horizontal(guess, SOFT, axes="2")],
        "annotations": [
            *[label(*heard[c], f"<b>{c}</b>", colours.get(c, INK),
                    font={"size": 24 if c in colours else 15, "color": colours.get(c, SOFT)}) for c in range(10)],
            label(whole, guess, "guessing", SOFT, axes="2", xanchor="right", yanchor="top"),
            label(last, ends[0], "met", SOFT, axes="2", xanchor="right" if last > 0.3 * whole else "left",
                  yanchor="bottom"),
            label(last, ends[1], "unseen", RED, axes="2", xanchor="right" if last > 0.3 * whole else "left",
                  yanchor="bottom"),
        ],
    }  # fmt: skip
    some = ", ".join(str(c) for c in fresh[:-1]) + f" and {fresh[-1]}"
    if last == 0:
        told = f"Nothing is trained yet. Never to be met: {some}."
    else:
        told = f"Of {some}, never met, {mean[-1]:.0%} are named; guessing names {guess:.0%}."
    return {"data": data, "layout": headline(layout, told)}
