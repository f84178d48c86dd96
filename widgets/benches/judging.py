"""What a drawing is judged by: rules of its axes, x, and the drawn and measured heights there (P,).

Each gives a score from 0 to 1, and what goes on after "Your drawing".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np

from widgets.benches.ruler import Ruler

LEVEL = 0.03  # of the picture's height: a curve that moves less is flat
LEG = 0.08  # of the picture's height: a way up or down that is less is a wiggle
ALIKE = 0.01  # of the picture's height: heights that differ by less have no order


class Axes(Protocol):
    """The two axes of a picture, as a sketch has them."""

    x: Ruler
    y: Ruler


def _goes(shares: np.ndarray) -> np.ndarray:
    """The way of each step, 1, 0 or -1, from heights as shares of the picture; slight ones are level."""
    steps, reach = np.diff(shares), np.ptp(shares)
    return np.where(np.abs(steps) < 0.05 * reach, 0, np.sign(steps)) if reach >= LEVEL else np.zeros(len(steps))


def _direction(axes: Axes, x: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    at = axes.x.share(axes.x.places)
    at = at[(at >= axes.x.share(x[0]) - 1e-9) & (at <= axes.x.share(x[-1]) + 1e-9)]
    mine, theirs = (_goes(np.interp(at, axes.x.share(x), axes.y.share(y))) for y in (drawn, measured))
    right = int((mine == theirs).sum())
    return right / max(len(mine), 1), f"goes the measured way in {right} of {len(mine)} steps"


def _legs(shares: np.ndarray) -> list[str]:
    """The ways that a curve goes, one after another, "up" or "down", from heights as shares of the picture."""
    legs: list[str] = []
    low = high = shares[0]
    for height in shares:
        low, high = min(low, height), max(high, height)  # since the last turn
        if height - low >= LEG and legs[-1:] != ["up"]:
            legs.append("up")
            high = height
        elif high - height >= LEG and legs[-1:] != ["down"]:
            legs.append("down")
            low = height
    return legs


def _turns(axes: Axes, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    mine, theirs = (_legs(axes.y.share(y)) for y in (drawn, measured))
    said = [", then ".join(legs) or "neither up nor down" for legs in (mine, theirs)]
    # legs alternate, so two lists are alike from the same first one on, or from the second of either
    shifts = [(mine, theirs), (mine[1:], theirs), (mine, theirs[1:])]
    alike = max(min(len(a), len(b)) if a[:1] == b[:1] else 0 for a, b in shifts)
    score = alike / max(len(mine), len(theirs)) if mine or theirs else 1.0
    return score, f"goes {said[0]}, the measured one {said[1]}"


def _extreme(best: Callable, axes: Axes, x: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    word = "highest" if best is np.max else "lowest"
    at = []
    for y in (drawn, measured):
        shares = axes.y.share(y)
        best_at = np.flatnonzero(shares == best(shares))
        plateau = best_at[: 1 + int(np.argmax(np.append(np.diff(best_at), 2) > 1))]  # the first of several
        at.append(float(axes.x.share(x)[plateau].mean()) if np.ptp(shares) >= LEVEL else None)
    if None in at:
        score = float(at == [None, None])
    else:
        score = 1 - abs(at[0] - at[1])
    said = ["nowhere" if share is None else f"at {axes.x.said(share)}" for share in at]
    return score, f"is {word} {said[0]}, the measured one {said[1]}"


def _height(axes: Axes, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    theirs = axes.y.share(measured)
    off, flat = (float(np.abs(y - theirs).mean()) for y in (axes.y.share(drawn), np.median(theirs)))
    # the score is the part of the best flat line's error that the drawing saves
    said = f"is off by {off:.0%} of the picture's height on average, the best flat line by {flat:.0%}"
    return max(0.0, 1 - off / max(flat, ALIKE)), said


def _order(axes: Axes, _: np.ndarray, drawn: np.ndarray, measured: np.ndarray) -> tuple[float, str]:
    first, second = np.triu_indices(len(drawn), 1)
    mine, theirs = (y[first] - y[second] for y in (axes.y.share(drawn), axes.y.share(measured)))
    mine, theirs = np.sign(mine), np.where(np.abs(theirs) < ALIKE, 0, np.sign(theirs))
    # what is measured alike cannot be put in a wrong order; what is drawn alike is as good as a coin
    points = np.where(theirs == 0, 1.0, np.where(mine == 0, 0.5, mine == theirs))
    return float(points.mean()), f"has {points.sum():g} of {len(points)} pairs in the measured order"


def near(axes: Axes, at: Sequence[float], x: float, y: float) -> tuple[float, str]:
    off = float(np.hypot(axes.x.share(at[0]) - axes.x.share(x), axes.y.share(at[1]) - axes.y.share(y)))
    # half a picture away is as wrong as can be
    return max(0.0, 1 - 2 * off), f"is at ({at[0]:.3g}, {at[1]:.3g}), the measured place at ({x:.3g}, {y:.3g})"


JUDGES: dict[str, dict[str, Callable]] = {
    "curve": {
        "direction": _direction,
        "turns": _turns,
        "maximum": partial(_extreme, np.max),
        "minimum": partial(_extreme, np.min),
        "height": _height,
        "order": _order,
    },
    "order": {"order": _order},
    "place": {"place": near},
}
