"""Pictures of `homeostatic`: a stream with its rate and decisions, swap rates, one decision from inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    RED,
    SKY,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    values_of,
    vertical,
)

_COLORS = {"constant": SOFT, "homeostatic": RED, "random": ORANGE, "guess acts": SKY}


def _dots(x: np.ndarray, y: np.ndarray, name: str, color: str, size: int) -> dict[str, Any]:
    return curve(x, y, name, color, axes="3", mode="markers", marker={"size": size, "color": color})


def stream(frame: xr.Dataset) -> dict[str, Any]:
    """Running accuracy with the swaps as ticks, the learning rate as an energy level, and every decision."""
    t, total, who = frame.time.values, frame.attrs["total"], frame.attrs["regulator"]
    mine, other = frame.running.values
    rate, first = frame.eta.values, values_of(frame)["eta0"]
    when, gain = frame.decision.values, frame["take"].values - frame["leave"].values
    took, saw = frame.taken.values > 0, frame.guess.values == frame.label.values
    swaps = frame.swap.values[1:]
    every = max(1, len(rate) // 700)
    color = _COLORS[who] if who != "constant" else RED
    data = [
        curve(t, other, "constant rate", SOFT),
        curve(t, mine, f"{who} rate", color, pin=True, line={"color": color, "width": 3}),
        curve(swaps, np.full(len(swaps), 0.02), "two labels swap", INK, mode="markers")
        | {"marker": {"symbol": "line-ns-open", "size": 9, "color": INK}},
        curve(frame.batch.values[::every], rate[::every], "rate", color, axes="2", fill="tozeroy"),
        _dots(when[~took], gain[~took], "left", SOFT, 3),
        _dots(when[took & saw], gain[took & saw], "taken, seen right", GREEN, 5),
        _dots(when[took & ~saw], gain[took & ~saw], "taken, mistaken", ORANGE, 5),
    ]
    top = max(2.5 * first, 1.15 * float(rate.max()))
    reach = float(max(0.1, 1.15 * np.abs(gain).max()))
    notes = [
        note(0.005, 1.02, f"{who} rate", color, xanchor="left", yanchor="bottom"),
        *([note(0.36, 1.02, "constant rate", SOFT, xanchor="left", yanchor="bottom")] if who != "constant" else []),
        note(0.995, 1.02, "ticks: labels swap", INK, xanchor="right", yanchor="bottom"),
        label(0, first, "first rate: drag me", INK, axes="2", xanchor="left", yanchor="bottom", xshift=6),
        *(
            note(x, 1.02, f"● {text}", c, axes="3", xanchor="left", yanchor="bottom")
            for x, text, c in (
                (0.005, "taken, seen right", GREEN),
                (0.4, "taken, but mistaken", ORANGE),
                (0.82, "left", SOFT),
            )
        ),
    ]
    span = {"range": [0, total]}
    layout = {
        "height": 620,
        "margin": {"l": 72},
        "xaxis": axis("", anchor="y", showticklabels=False, **span),
        "yaxis": axis("right, last 200", domain=[0.62, 0.96], range=[0, 1], tickformat=".0%"),
        "xaxis2": axis("", anchor="y2", showticklabels=False, matches="x", **span),
        "yaxis2": axis("learning rate", domain=[0.35, 0.57], anchor="x2", range=[0, top], nticks=4),
        "xaxis3": axis("samples seen", anchor="y3", matches="x", **span),
        "yaxis3": axis(
            "imagined gain", domain=[0, 0.26], anchor="x3", range=[-reach, reach], tickformat="+.0%", nticks=5
        ),
        "annotations": notes,
        "shapes": [horizontal(first, INK, "dash", axes="2")],
        "meta": {"hands": [hand(None, first, up="eta0", axes="2")]},
    }
    told = "Digits stream by. At each tick two classes swap their labels, and it must learn anew."
    return {"data": data, "layout": headline(layout, told)}


def swap_rates(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy against the swap rate for four regulators and the best constant; at the last one, against the rate."""
    swaps, rates, first = frame.swaps.values, frame.rate.values, values_of(frame)["eta0"]
    constants = frame.constants.mean("repeat").values
    best = constants.max(0)
    data, notes = [curve(swaps, best, WORDS["best"], BLUE, mode="lines+markers", line={"color": BLUE, "width": 2})], []
    data.append(curve(rates, constants[:, -1], "constant rates", BLUE, axes="2", mode="lines+markers"))
    for name in frame.learner.values:
        y, color, mine = frame.accuracy.sel(learner=name).mean("repeat").values, _COLORS[name], name == "homeostatic"
        wide = {"color": color, "width": 4 if mine else 2.5}
        data.append(curve(swaps, y, WORDS[name], color, pin=mine, line=wide, mode="lines+markers"))
        dot = {"size": 13 if mine else 9, "color": color, "line": {"color": PAPER, "width": 1}}
        data.append(curve([first], y[-1:], WORDS[name], color, axes="2", mode="markers", marker=dot))
    ends = sorted([*((d["y"][-1], d["name"], d["line"]["color"]) for d in data if d["xaxis"] == "x")])
    for at, (_, name, color) in zip(apart([y for y, *_ in ends], 0.1), ends, strict=True):
        text = name.replace("moved by ", "moved by<br>")
        notes.append(label(swaps[-1], at, text, color, xanchor="left", xshift=10, align="left"))
    layout = {
        "height": 430,
        "xaxis": axis("label swaps per epoch", domain=[0, 0.55], anchor="y", range=[-0.5, 31]),
        "yaxis": axis("right after the first epoch", domain=[0, 0.93], range=[0, 1], tickformat=".0%"),
        "xaxis2": log_axis("learning rate", domain=[0.66, 1], anchor="y2", range=[-2.75, -0.2]),
        "yaxis2": axis("", domain=[0, 0.93], anchor="x2", range=[0, 1], tickformat=".0%"),
        "shapes": [vertical(first, INK, "dash", axes="2")],
        "annotations": [
            *notes,
            note(0, 1, f"<b>with {swaps[-1]} swaps an epoch</b>", axes="2", xanchor="left", yanchor="bottom"),
            note(0.98, 0.02, "line: constant rates", BLUE, axes="2", xanchor="right", yanchor="bottom"),
            label(np.log10(first), 0.96, "first rate of the dots:<br>drag me", INK, axes="2", xanchor="left")
            | {"yanchor": "top", "xshift": 6, "align": "left"},
        ],
        "meta": {"hands": [hand(first, None, across="eta0", axes="2")]},
    }
    told = "The more often labels swap, the harder it gets: what was learned is wrong again."
    return {"data": data, "layout": headline(layout, told)}


WORDS = {
    "constant": "same rate, constant",
    "homeostatic": "rate at stake",
    "random": "moved by random intake",
    "guess acts": "moved by its own guess",
    "best": "best constant",
}


def decision(frame: xr.Dataset) -> dict[str, Any]:
    """The sample, what the network imagines for every rate, and its memory: right or wrong in both futures."""
    now, leave, take = (max(float(v), 1e-3) for v in frame.future_rate.values)
    ok = frame.remembered.values
    share = ok.mean(1)
    memory = {
        "type": "heatmap",
        "z": ok,
        "x": frame.memory.values,
        "y": ["now", "if left", "if taken"],
        "xgap": 1,
        "ygap": 3,
    }
    memory |= {
        "colorscale": [[0, ORANGE], [1, GREEN]],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xaxis": "x3",
        "yaxis": "y3",
    }
    memory |= {"text": np.broadcast_to(frame.truth.values, ok.shape), "hovertemplate": "label %{text}<extra></extra>"}
    dots = {"size": 13, "color": [SOFT, RED], "line": {"color": PAPER, "width": 2}}
    data = [
        curve(frame.rate.values, frame.imagined.values, "imagined accuracy", BLUE, pin=True),
        curve([leave, take], share[1:], "the two futures", INK, mode="markers", marker=dots),
        image(frame.picture.values, "2", "Greys", 0, 1),
        memory,
    ]
    guess, truth = frame.attrs["guess"], frame.attrs["label"]
    down = take < leave
    layout = {
        "height": 560,
        "xaxis": log_axis(frame.rate, domain=[0.34, 1], anchor="y", range=[-3.05, 1.05]),
        "yaxis": axis("memory right afterwards", domain=[0.42, 0.94], range=[0, 1.02], tickformat=".0%"),
        "xaxis2": axis(f"guess {guess}, label {truth}", domain=[0, 0.22], anchor="y2", constrain="domain", **BARE),
        "yaxis2": axis(
            "", domain=[0.5, 0.94], anchor="x2", autorange="reversed", scaleanchor="x2", constrain="domain", **BARE
        ),
        "xaxis3": axis("memory, samples ago", domain=[0.09, 1], anchor="y3"),
        "yaxis3": axis("", domain=[0, 0.25], anchor="x3", autorange="reversed"),
        "shapes": [vertical(leave, SOFT), vertical(take, RED)],
        "annotations": [
            label(
                np.log10(leave),
                1,
                "leave",
                SOFT,
                yref="y domain",
                xanchor="left" if down else "right",
                yanchor="bottom",
                xshift=4 if down else -4,
            ),
            label(
                np.log10(take),
                1,
                "take",
                RED,
                yref="y domain",
                xanchor="right" if down else "left",
                yanchor="bottom",
                xshift=-4 if down else 4,
            ),
            note(1, 1.03, "green: right, orange: wrong", SOFT, axes="3", xanchor="right", yanchor="bottom"),
        ],
    }
    told = f"It guesses {guess}, and the label says {truth}. Should it learn that?"
    verdict = "takes it in" if share[2] > share[1] else "leaves it"
    more = f"It imagines: taken, {share[2]:.0%} of its memory right; left, {share[1]:.0%}."
    return {"data": data, "layout": headline(layout, told, more, f"So it {verdict}.")}
