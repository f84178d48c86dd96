"""Pictures of `setol`: eigenvalues as a falling curve with two marks on it, in three settings."""

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
    axis,
    curve,
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

from .spectrum import random_share

SPAN = (-2.0, 2.2)  # decades of eigenvalues, in units of their mean
SLOPES = np.geomspace(10, 1.2, 60)
LOW, HIGH = 1.4, 5.0  # exponents shown while a layer learns


def _dots(frame: xr.Dataset) -> tuple[np.ndarray, np.ndarray, dict]:
    """Each eigenvalue as a dot, over the share of all that are at least as large."""
    lam = frame.eigenvalue.values
    share = np.arange(1, len(lam) + 1) / len(lam)
    dots = curve(lam, share, "eigenvalues", BLUE, mode="markers", marker={"size": 6, "color": BLUE}, pin=True)
    return lam, share, dots


def _law(start: float, n: float, alpha: float, m: int, color: str, dash: str = "solid") -> dict:
    """A power law as a straight line, from where it begins to where one eigenvalue of m is left."""
    end = start * max(n, 1.001) ** (1 / (alpha - 1))
    line = {"color": color, "width": 3, "dash": dash}
    return curve([start, end], [n / m, 1 / m], "power law", color, line=line, hoverinfo="skip")


def _random(m: int) -> dict:
    """The same curve for a layer before training: Marchenko and Pastur's law."""
    lam = np.geomspace(0.01, 4, 80)
    return curve(lam, np.maximum(random_share(lam), 0.2 / m), "a random layer", SOFT, hoverinfo="skip",
                 line={"color": SOFT, "width": 2, "dash": "dot"})  # fmt: skip


def _share_axes(m: int, **more: Any) -> tuple[dict, dict]:
    x = log_axis("eigenvalue λ, over the mean of all", range=list(SPAN), **more)
    return x, log_axis("share of eigenvalues at least λ", range=[-np.log10(m) - 0.25, 0.15])


def gauge(frame: xr.Dataset) -> dict[str, Any]:
    """A line through the largest eigenvalues to drag, beside the fitted one; how well each beginning fits."""
    lam, _, dots = _dots(frame)
    m, slope = len(lam), values_of(frame)["slope"]
    start, n = float(frame.hand_start), int(frame.hand_n)
    end = start * n ** (1 / (slope - 1))
    slopes = np.union1d(SLOPES, slope)[::-1]  # places between two are interpolated
    ends = np.log(start) + np.log(n) / (slopes - 1)
    seen = ends < np.log(1e6)
    data = [
        dots,
        _law(float(frame.start), int(frame.n), float(frame.alpha), m, ORANGE, "dash"),
        _law(start, n, slope, m, RED),
        curve([start, end], [n / m, 1 / m], "drag these", RED, mode="markers",
              marker={"size": 13, "color": RED, "line": {"color": PAPER, "width": 2}}),
        curve(frame.candidate.values, frame.off.values, "likeliest line from there", ORANGE, axes="2", pin=True),
        curve([start], [float(frame.hand_distance)], "your line", RED, axes="2", mode="markers",
              marker={"size": 11, "color": RED}),
        curve([float(frame.start)], [float(frame.distance)], "fitted", ORANGE, axes="2", mode="markers",
              marker={"size": 11, "color": ORANGE}),
    ]  # fmt: skip
    x, y = _share_axes(m, domain=[0, 0.52])
    distances = np.append(frame.off.values, float(frame.hand_distance))
    layout = {
        "height": 440,
        "xaxis": x,
        "yaxis": y,
        "xaxis2": log_axis("where the line begins", domain=[0.64, 1], anchor="y2", range=list(SPAN)),
        "yaxis2": axis("distance D of line and eigenvalues", range=[0, max(0.3, 1.1 * np.max(distances))],
                       anchor="x2"),
        "shapes": [vertical(float(frame.erg), GREEN, "solid", width=2)],
        "annotations": [
            note(0.97, 0.97, "your line: drag its ends", RED, xanchor="right", yanchor="top"),
            note(0.97, 0.89, "dashes: fitted", ORANGE, xanchor="right", yanchor="top"),
            label(np.log10(float(frame.erg)), -np.log10(m), "ERG cut", GREEN, xanchor="right", xshift=-5),
            note(0.97, 0.97, "your line", RED, axes="2", xanchor="right", yanchor="top"),
            note(0.97, 0.88, "likeliest lines", ORANGE, axes="2", xanchor="right", yanchor="top"),
        ],
        "meta": {
            "hands": [
                hand(start, n / m, across="start", color=RED),
                hand(end, 1 / m, across=scale("slope", np.exp(ends[seen]), slopes[seen]), color=RED),
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": layout}


def training(frame: xr.Dataset) -> dict[str, Any]:
    """The spectrum now, with the two places where its tail begins; the exponent and accuracies over epochs."""
    lam, _, dots = _dots(frame)
    m, epoch = len(lam), frame.epoch.values
    start, erg, alpha = frame.start.values, frame.erg.values, frame.alpha.values
    data = [
        _random(m),
        dots,
        _law(start[-1], frame.n.values[-1], alpha[-1], m, ORANGE),
        curve(epoch, alpha, "exponent α", ORANGE, axes="2", pin=True),
        curve(epoch[-1:], alpha[-1:], "now", ORANGE, axes="2", mode="markers", marker={"size": 10, "color": ORANGE}),
        curve(epoch, frame.train.values, "training digits", SOFT, axes="3",
              line={"color": SOFT, "width": 2, "dash": "dash"}),
        curve(epoch, frame.test.values, "new digits", PURPLE, axes="3", pin=True),
    ]  # fmt: skip
    x, y = _share_axes(m, domain=[0, 0.52])
    reach = [0, max(values_of(frame)["epochs"], 1)]
    layout = {
        "height": 500,
        "xaxis": x,
        "yaxis": y,
        "xaxis2": axis("", domain=[0.63, 1], anchor="y2", showticklabels=False, matches="x3", range=reach),
        "yaxis2": axis("exponent α", domain=[0.55, 1], anchor="x2", range=[LOW, HIGH]),
        "xaxis3": axis(frame.epoch, domain=[0.63, 1], anchor="y3", range=reach),
        "yaxis3": axis("accuracy", domain=[0, 0.43], anchor="x3", range=[0, 1.04], tickformat=".0%"),
        "shapes": [
            vertical(start[-1], ORANGE, "solid", width=3),
            vertical(erg[-1], GREEN, "solid", width=3),
            horizontal(2, INK, axes="2"),
        ],
        "annotations": [
            note(0.97, 0.97, "the power law, and where it begins", ORANGE, xanchor="right", yanchor="top"),
            note(0.97, 0.89, "ERG cut", GREEN, xanchor="right", yanchor="top"),
            note(0.97, 0.81, "dotted: a random layer", SOFT, xanchor="right", yanchor="top"),
            note(0.5, (2 - LOW) / (HIGH - LOW), "α = 2", INK, axes="2", yanchor="top"),
            note(0.97, 0.2, "new digits", PURPLE, axes="3", xanchor="right", yanchor="top"),
            note(0.97, 0.09, "dashes: training digits", SOFT, axes="3", xanchor="right", yanchor="top"),
        ],
    }  # fmt: skip
    told = (
        f"In the tail by the power law: {int(frame.n[-1])} of {m} directions. By the ERG cut: {int(frame.erg_n[-1])}."
    )
    return {"data": data, "layout": headline(layout, told)}


def ladder(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy on new digits over the exponent, a dot a network; the size of both tails over the learning rate."""
    rate, alpha, test = frame.rate.values, frame.alpha.values, frame.test.values
    middle = np.median(alpha, 1), test.mean(1)
    data = [
        curve(alpha.ravel(), test.ravel(), "a network", BLUE, mode="markers", marker={"size": 7, "color": BLUE},
              hoverinfo="skip"),
        curve(*middle, "a learning rate", INK, mode="lines+markers", pin=True,
              line={"color": INK, "width": 1.5}, marker={"size": 5, "color": INK}),
        curve(rate, frame.n.values.mean(1), "power law", ORANGE, axes="2", mode="lines+markers", pin=True),
        curve(rate, frame.erg_n.values.mean(1), "above the ERG cut", GREEN, axes="2", mode="lines+markers"),
        curve(rate, frame.needed.values.mean(1), "needed", SOFT, axes="2", mode="lines+markers",
              line={"color": SOFT, "width": 2, "dash": "dot"}),
    ]  # fmt: skip
    top = 1.45 * max(v.values.mean(1).max() for v in (frame.n, frame.erg_n))
    words = (("above the ERG cut", GREEN), ("in the power law", ORANGE), ("dots: enough to read digits", SOFT))
    named = {k: ("left", "middle", 8) for k in (0, len(rate) - 1)} | {int(test.mean(1).argmax()): ("left", "bottom", 4)}
    layout = {
        "height": 440,
        "xaxis": log_axis("exponent α of the middle layer", domain=[0, 0.44], range=[np.log10(1.5), 1.1], dtick=None,
                          tickvals=[2, 3, 5, 10]),
        "yaxis": axis("accuracy on new digits", range=[0, 1.08], tickformat=".0%"),
        "xaxis2": log_axis(frame.rate, domain=[0.56, 1], anchor="y2", range=[-2.6, 0.1]),
        "yaxis2": axis("directions of the layer", anchor="x2", range=[0, top]),
        "shapes": [vertical(2, INK)],
        "annotations": [
            label(np.log10(2), 0.75, "α = 2", INK, xanchor="left", xshift=5),
            *(label(np.log10(middle[0][k]), middle[1][k], f"η = {rate[k]:g}", INK, xanchor=x, yanchor=y, xshift=shift)
              for k, (x, y, shift) in named.items()),
            *(note(0.97, 0.97 - 0.08 * i, word, colour, axes="2", xanchor="right", yanchor="top")
              for i, (word, colour) in enumerate(words)),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}
