"""Pictures of `utility_duality`: options that are pulled up and down, averages, learners, and three ways to decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    label,
    log_axis,
    note,
    segments,
    values_of,
    vertical,
)

COLOURS = (INK, RED, BLUE, GREEN)  # of the four learners
ARROW = 4.0  # times as long as the step is


def tug(frame: xr.Dataset) -> dict[str, Any]:
    """Options at the height of their utilities with the last pull on each; shares chosen and shown; their distance."""
    place, u, moved = np.arange(frame.sizes["option"]), frame.utility.values, frame.moved.values
    up = moved > 0
    start = np.stack([place, u - ARROW * moved], 1)
    data = []
    for name, which, color in (("raised", up, GREEN), ("lowered", moved < 0, RED)):
        xs, ys = segments(start[which], np.stack([place, u], 1)[which])
        data.append(curve(xs, ys, name, color, line={"color": color, "width": 7}, hoverinfo="skip"))
    data += [
        curve(place, frame.exact.values, "all options at once", SOFT, mode="markers",
              marker={"size": 24, "color": PAPER, "line": {"color": SOFT, "width": 2}}),
        curve(place, u, "utility", BLUE, mode="markers",
              marker={"size": 17, "color": [GREEN if g else RED if m < 0 else BLUE for g, m in zip(up, moved)]}),
        {"type": "bar", "x": place, "y": frame.chosen.values, "name": "the learner chooses",
         "xaxis": "x2", "yaxis": "y2", "marker": {"color": BLUE}, "showlegend": False, "width": 0.6},
    ]  # fmt: skip
    ticks = segments(np.stack([place - 0.4, frame.shown.values], 1), np.stack([place + 0.4, frame.shown.values], 1))
    data += [
        curve(*ticks, "shown", INK, axes="2", line={"color": INK, "width": 4}),
        curve(frame.step.values, np.maximum(frame.apart_exact.values, 1e-4), "all options at once", SOFT, axes="3"),
        curve(frame.step.values, np.maximum(frame.apart.values, 1e-4), "against rivals", BLUE, axes="3", pin=True),
    ]
    reach = max(1.0, float(np.abs(np.r_[u, frame.exact.values, start[:, 1]]).max()) * 1.15)
    names = dict(tickvals=place, ticktext=[str(o) for o in frame.option.values])
    layout = {
        "height": 480,
        "xaxis": axis("option", domain=[0, 0.44], range=[-0.6, len(place) - 0.4], **names),
        "yaxis": axis("utility", range=[-reach, reach]),
        "xaxis2": axis("", domain=[0.56, 1], anchor="y2", range=[-0.6, len(place) - 0.4], **names),
        "yaxis2": axis("share", domain=[0.54, 1], anchor="x2", tickformat=".0%",
                       range=[0, 1.15 * max(frame.chosen.values.max(), frame.shown.values.max())]),
        "xaxis3": axis(frame.step, domain=[0.56, 1], anchor="y3"),
        "yaxis3": axis("shares apart", domain=[0, 0.38], anchor="x3", tickformat=".0%", rangemode="tozero"),
        "annotations": [
            note(0.97, 0.98, "shown: up", GREEN, xanchor="right", yanchor="top"),
            note(0.97, 0.9, "rivals: down", RED, xanchor="right", yanchor="top"),
            note(0.97, 0.82, "rings: all options at once", SOFT, xanchor="right", yanchor="top"),
            note(0.97, 0.98, "the learner chooses", BLUE, axes="2", xanchor="right", yanchor="top"),
            note(0.97, 0.83, "lines: what is shown", INK, axes="2", xanchor="right", yanchor="top"),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def average(frame: xr.Dataset) -> dict[str, Any]:
    """Each weight's mean step over its gradient; the cosine of both over the rivals averaged."""
    exact, mean, draws = frame.exact.values, frame.average.values, frame.draws.values
    many = values_of(frame)["draws"]
    reach = 1.05 * float(np.abs(exact).max())
    data = [
        curve([-reach, reach], [-reach, reach], "equal", INK, line={"color": INK, "width": 1.5, "dash": "dot"}),
        curve(exact, mean, "a weight", BLUE, mode="markers", marker={"size": 5, "color": BLUE}, hoverinfo="skip"),
        curve(draws, frame.cosine.values, "cosine", BLUE, axes="2", mode="lines+markers", pin=True),
    ]
    tall = max(reach, 1.05 * float(np.abs(mean).max()))
    layout = {
        "height": 400,
        "xaxis": axis("how far the usual step moves it", domain=[0, 0.46], range=[-reach, reach]),
        "yaxis": axis("how far steps against rivals move it", range=[-tall, tall]),
        "xaxis2": log_axis(frame.draws, domain=[0.6, 1], anchor="y2", range=[-0.15, 4.55]),
        "yaxis2": axis("do both agree? (cosine)", anchor="x2", range=[0, 1.05]),
        "shapes": [vertical(float(many), INK, "solid", axes="2", width=3)],
        "annotations": [
            note(0.03, 0.97, "dots: a weight each", BLUE, xanchor="left", yanchor="top"),
            note(0.97, 0.05, "dotted: both alike", INK, xanchor="right", yanchor="bottom"),
            label(np.log10(many), 0, "drag me", INK, axes="2", xanchor="right" if many > 30 else "left",
                  yanchor="bottom", xshift=-10 if many > 30 else 10),
        ],
        "meta": {"hands": [hand(float(many), None, across="draws", axes="2")]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of each learner over its steps, and how its steps lie to the exact ones."""
    step, arms, steps = frame.step.values, frame.arm.values, values_of(frame)["steps"]
    data = []
    for i, name in enumerate(arms):
        line = {"color": COLOURS[i], "width": 3 if i else 5}
        data.append(curve(step, frame.test.values[i], str(name), COLOURS[i], line=line, pin=i < 2))
        data.append(curve(step, frame.cosine.values[i], str(name), COLOURS[i], axes="2", line=line))
    low = apart([0.1 * (len(arms) - i) for i in range(len(arms))], 0.1)
    layout = {
        "height": 400,
        "xaxis": axis(frame.step, domain=[0, 0.46], range=[0, 1.25 * steps]),
        "yaxis": axis("accuracy on new digits", range=[0, 1.03], tickformat=".0%"),
        "xaxis2": axis(frame.step, domain=[0.6, 1], anchor="y2", range=[0, 1.25 * steps]),
        "yaxis2": axis("agrees with the exact step (cosine)", anchor="x2", range=[-0.25, 1.05]),
        "shapes": [vertical(steps, INK, "solid", width=3)],
        "meta": {"hands": [hand(steps, None, across="steps")]},
        "annotations": [
            *(note(0.75, h, str(name), colour, xanchor="right") for h, name, colour in zip(low, arms, COLOURS)),
            note(0.75, 0.5, "lowered in a step:", SOFT, xanchor="right"),
            label(steps, 0, "drag me", INK, xanchor="left", yanchor="bottom", xshift=8),
        ],
    }
    return {"data": data, "layout": layout}


def sentences(frame: xr.Dataset) -> dict[str, Any]:
    """Sentences right by each rule over the temperature, which is a line to drag; the words' probabilities there."""
    values, taus, whole = values_of(frame), frame.tau.values, frame.whole.values
    tau, word = values["tau"], frame.word.values
    colours = (GREEN, RED, PURPLE)
    data = [
        curve(taus, whole[i], str(rule), colours[i], pin=i == 1,
              line={"color": colours[i], "width": 3.5 if i == 1 else 2.5, "dash": "dash" if i == 0 else "solid"})
        for i, rule in enumerate(frame.rule.values)
    ]  # fmt: skip
    data += [
        curve(taus, frame.token.values[1], "a sampled word", SOFT, line={"color": SOFT, "width": 2, "dash": "dot"}),
        {"type": "bar", "x": word, "y": frame.chance.values, "name": "probability", "xaxis": "x2", "yaxis": "y2",
         "marker": {"color": BLUE}, "showlegend": False},
    ]  # fmt: skip
    words = ("sentence of best options", "sampled sentence", "least risk of 32 samples")
    layout = {
        "height": 440,
        "xaxis": log_axis("temperature τ", domain=[0, 0.56], range=[-1.05, 0.35], dtick=None, minor={},
                          tickvals=[0.1, 0.2, 0.5, 1, 2]),
        "yaxis": axis("right answers", range=[-0.03, 1.08], tickformat=".0%"),
        "xaxis2": axis(frame.word, domain=[0.68, 1], anchor="y2"),
        "yaxis2": axis("its probability at your τ", anchor="x2", range=[0, 1.05]),
        "shapes": [
            vertical(tau, INK, "solid", width=3),
            vertical(float(frame.tau_likelihood), SOFT, "dot"),
        ],
        "annotations": [
            *(note(0.03, 0.62 - 0.08 * i, name, colour, xanchor="left")
              for i, (name, colour) in enumerate(zip(words, colours))),
            note(0.03, 0.38, "dots: a sampled word", SOFT, xanchor="left"),
            note(0.03, 0.3, "dotted upright: likeliest τ", SOFT, xanchor="left"),
            label(np.log10(tau), 0, "drag me", INK, xanchor="right" if tau > 0.4 else "left", yanchor="bottom",
                  xshift=-18 if tau > 0.4 else 18),
        ],
        "meta": {"hands": [hand(tau, None, across="tau", color=INK)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}
