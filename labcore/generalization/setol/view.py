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
    x = log_axis("how much a direction is stretched (eigenvalue λ)", range=list(SPAN), **more)
    return x, log_axis("share that is stretched at least so much", range=[-np.log10(m) - 0.25, 0.15])


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
        "yaxis2": axis("misfit D of line and dots", range=[0, max(0.3, 1.1 * np.max(distances))],
                       anchor="x2"),
        "shapes": [vertical(float(frame.erg), GREEN, "solid", width=2)],
        "annotations": [
            note(0.97, 0.97, "your line: drag its ends", RED, xanchor="right", yanchor="top"),
            note(0.97, 0.89, "dashes: fitted", ORANGE, xanchor="right", yanchor="top"),
            label(np.log10(float(frame.erg)), -np.log10(m), "volume cut", GREEN, xanchor="right", xshift=-5),
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
        "yaxis2": axis("steepness α", domain=[0.55, 1], anchor="x2", range=[LOW, HIGH]),
        "xaxis3": axis(frame.epoch, domain=[0.63, 1], anchor="y3", range=reach),
        "yaxis3": axis("accuracy", domain=[0, 0.43], anchor="x3", range=[0, 1.04], tickformat=".0%"),
        "shapes": [
            vertical(start[-1], ORANGE, "solid", width=3),
            vertical(erg[-1], GREEN, "solid", width=3),
            horizontal(2, INK, axes="2"),
        ],
        "annotations": [
            note(0.97, 0.97, "straight line, and where it begins", ORANGE, xanchor="right", yanchor="top"),
            note(0.97, 0.89, "volume cut (ERG)", GREEN, xanchor="right", yanchor="top"),
            note(0.97, 0.81, "dotted: a random layer", SOFT, xanchor="right", yanchor="top"),
            note(0.5, (2 - LOW) / (HIGH - LOW), "α = 2", INK, axes="2", yanchor="top"),
            note(0.97, 0.2, "new digits", PURPLE, axes="3", xanchor="right", yanchor="top"),
            note(0.97, 0.09, "dashes: training digits", SOFT, axes="3", xanchor="right", yanchor="top"),
        ],
    }  # fmt: skip
    told = (
        f"In the tail by the straight line: {int(frame.n[-1])} of {m} directions. By the volume cut: "
        f"{int(frame.erg_n[-1])}."
    )
    return {"data": data, "layout": headline(layout, told)}


def ladder(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy, steepness and the size of both tails over the learning rate, and the spectrum at one of them."""
    rate, alpha, test, look = frame.rate.values, frame.alpha.values, frame.test.values, values_of(frame)["look"]
    best = int(test.mean(1).argmax())
    each = dict(mode="markers", hoverinfo="skip", opacity=0.6)
    steep = np.median(alpha, 1)
    _, _, dots = _dots(frame)
    m, inside = frame.sizes["rank"], frame.attrs["inside"]
    random = _random(m)
    law = _law(float(frame.start), frame.attrs["n"], frame.attrs["alpha"], m, ORANGE)
    data = [
        curve(np.repeat(rate, test.shape[1]), test.ravel(), "a network", PURPLE, **each,
              marker={"size": 6, "color": PURPLE}),
        curve(rate, test.mean(1), "accuracy", PURPLE, pin=True, line={"color": PURPLE, "width": 3},
              click={"x": "look"}),
        curve(np.repeat(rate, test.shape[1]), alpha.ravel(), "a network", ORANGE, axes="2", **each,
              marker={"size": 6, "color": ORANGE}),
        curve(rate, steep, "steepness", ORANGE, axes="2", pin=True, line={"color": ORANGE, "width": 3}),
        curve(rate, frame.n.values.mean(1), "in the straight line", ORANGE, axes="3", mode="lines+markers"),
        curve(rate, frame.erg_n.values.mean(1), "above the volume cut", GREEN, axes="3", mode="lines+markers"),
        curve(rate, frame.needed.values.mean(1), "enough", SOFT, axes="3", mode="lines+markers",
              line={"color": SOFT, "width": 2, "dash": "dot"}),
        *(trace | {"xaxis": "x4", "yaxis": "y4"} for trace in (random, dots | {"meta": {}}, law)),
    ]  # fmt: skip
    top = 1.6 * max(v.values.mean(1).max() for v in (frame.n, frame.erg_n, frame.needed))
    words = (("above the volume cut", GREEN), ("in the straight line", ORANGE), ("dots: enough to read digits", SOFT))
    reach = {"range": [-2.7, 0.15]}
    x, y = _share_axes(m, domain=[0.57, 1], anchor="y4")
    layout = {
        "height": 620,
        "xaxis": log_axis("", domain=[0, 0.44], showticklabels=False, matches="x2", **reach),
        "yaxis": axis("new digits read right", domain=[0.55, 1], range=[0, 1.08], tickformat=".0%"),
        "xaxis2": log_axis(frame.rate, domain=[0, 0.44], anchor="y2", **reach),
        "yaxis2": axis("steepness α", domain=[0, 0.44], anchor="x2", type="log", range=[np.log10(1.4), np.log10(12)],
                       tickvals=[2, 3, 5, 10]),
        "xaxis4": x | axis("stretching (eigenvalue λ)"),
        "yaxis4": y | axis("share at least so large", domain=[0.55, 1], anchor="x4"),
        "xaxis3": log_axis(frame.rate, domain=[0.57, 1], anchor="y3", **reach),
        "yaxis3": axis("directions in the tail", domain=[0, 0.36], anchor="x3", range=[0, top]),
        "shapes": [
            horizontal(2, INK, axes="2"),
            *(vertical(look, RED, "solid", axes=axes, width=2.5) for axes in ("", "2", "3")),
            *(vertical(rate[best], SOFT, axes=axes) for axes in ("", "2", "3")),
            vertical(float(frame.start), ORANGE, "solid", axes="4", width=3),
            vertical(float(frame.erg), GREEN, "solid", axes="4", width=3),
        ],
        "annotations": [
            note(0.5, 1, "drag the red line: look inside", RED, yanchor="bottom"),
            note(0.5, 1, f"inside the network at η = {inside:g}", RED, axes="4", yanchor="bottom"),
            label(-2.65, np.log10(2), "α = 2", INK, axes="2", xanchor="left", yanchor="bottom"),
            note(0.03, 0.3, "dotted: the best rate", SOFT, xanchor="left"),
            *(note(0.03, 0.98 - 0.1 * i, word, colour, axes="3", xanchor="left", yanchor="top")
              for i, (word, colour) in enumerate(words)),
        ],
        "meta": {"hands": [hand(look, None, across="look", color=RED)]},
    }  # fmt: skip
    told = f"Best with η = {rate[best]:g}: {test[best].mean():.0%} of new digits, and a steepness of {steep[best]:.1f}."
    return {"data": data, "layout": headline(layout, told)}
