"""Pictures of `epochwise_descent`: the error that falls twice, the student's path, and its modes filling up."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    GRID,
    ORANGE,
    RED,
    SHADE,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    log_axis,
    values_of,
    vertical,
)


def _falls(t: np.ndarray, error: np.ndarray) -> list[tuple[float, float]]:
    """The stretches of time in which a curve goes down, those long enough to see."""
    down = np.diff(np.log(error + 1e-12)) < -1e-3
    edges = np.flatnonzero(np.diff(np.r_[0, down, 0]))
    return [(t[a], t[b]) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 4]


_DOT = {
    "mode": "markers",
    "marker": {"size": 12, "color": RED, "line": {"color": "white", "width": 2}},
    "hoverinfo": "skip",
}
_STEP = {"shape": "hvh", "width": 0}


def trajectory(frame: xr.Dataset) -> dict[str, Any]:
    """Test error over training time, the path in the plane of R and Q, and the share of each mode learned by now."""
    t, now, where = frame.time.values, frame.attrs["at_time"], values_of(frame)["at_time"]
    error = frame.error.mean("repeat").values
    fast, slow = frame.error_fast.values, frame.error_slow.values
    R, Q, power = frame.R.values, frame.Q.values, frame.attrs["teacher_power"]
    at = int(np.abs(np.log(t / now)).argmin())
    # an error below a thousandth is zero to the eye; a log axis would spend the picture on it
    top = 1.08 * max(error.max(), frame.theory.values.max())
    reach = np.array([min(0.0, R.min()), max(1.1, 1.1 * R.max())])
    levels = 0.5 * np.linspace(-1, 1, 11)
    equal = bundle(reach, 2 * reach[None] + 2 * levels[:, None] - power)
    grid = np.linspace(*reach, 40)
    fast_share, modes = frame.fast_share.values, np.arange(frame.sizes["mode"])
    data = [
        curve(t, fast, "fast directions", BLUE, line={"color": BLUE, "width": 1.5}),
        curve(t, slow, "slow directions", ORANGE, line={"color": ORANGE, "width": 1.5}),
        curve(
            t, frame.theory.values, "theory (time as a ridge)", SOFT, line={"color": SOFT, "width": 1.5, "dash": "dash"}
        ),
        curve(t, error, "test error", RED, line={"color": RED, "width": 4}, pin=True),
        curve(*equal, "equal test error", GRID, axes="2", line={"color": GRID, "width": 1.5}, hoverinfo="skip"),
        curve(
            grid,
            grid**2 / power,
            "best size for this alignment",
            SOFT,
            axes="2",
            line={"color": SOFT, "dash": "dot", "width": 1.5},
        ),
        curve(R, Q, "the student's path", RED, axes="2", line={"color": RED, "width": 3}),
        curve([now], error[at : at + 1], "now", RED, **_DOT),
        curve(R[at : at + 1], Q[at : at + 1], "now", RED, axes="2", **_DOT),
        curve(
            modes,
            frame.phi.values * fast_share,
            "fast",
            BLUE,
            axes="3",
            stackgroup="learned",
            fillcolor=BLUE,
            line=_STEP,
        ),
        curve(
            modes,
            frame.phi.values * (1 - fast_share),
            "slow",
            ORANGE,
            axes="3",
            stackgroup="learned",
            fillcolor=ORANGE,
            line=_STEP,
        ),
    ]
    shades = [
        {
            "type": "rect",
            "x0": a,
            "x1": b,
            "y0": 0,
            "y1": 1,
            "yref": "y domain",
            "fillcolor": SHADE,
            "line": {"width": 0},
            "layer": "below",
        }
        for a, b in _falls(t, error)
    ]
    place = [int(f * (len(t) - 1)) for f in (0.05, 0.5)]
    layout = {
        "height": 560,
        "xaxis": log_axis("training time t (steps)", domain=[0, 0.58], anchor="y"),
        "yaxis": axis("test error", domain=[0.36, 1], range=[0, top]),
        "xaxis2": axis("alignment with the teacher R", domain=[0.68, 1], anchor="y2", range=list(reach)),
        "yaxis2": axis("size of the student Q", domain=[0.36, 1], anchor="x2", range=[0, max(1.2, 1.1 * Q.max())]),
        "xaxis3": axis("modes of the data, from large to small", domain=[0, 1], anchor="y3"),
        "yaxis3": axis("learned by now", domain=[0, 0.2], anchor="x3", range=[0, 1.05], tickformat=".0%", nticks=3),
        "shapes": [vertical(where, GREEN, "solid", width=3), *shades],
        "annotations": [
            label(np.log10(where), top, "now: drag me", GREEN, yanchor="bottom"),
            label(np.log10(t[place[0]]), fast[place[0]], "fast part", BLUE, yanchor="bottom", xanchor="left"),
            label(np.log10(t[place[1]]), slow[place[1]], "slow part", ORANGE, yanchor="bottom"),
            label(R[-1], Q[-1], "end", RED, axes="2", xanchor="left", yanchor="top", xshift=4),
            label(R[0], Q[0], "start", RED, axes="2", xanchor="right", yanchor="bottom", xshift=-4),
            label(
                0.03,
                0.97,
                "grey lines: equal test error<br>dotted: best size",
                SOFT,
                xref="x2 domain",
                yref="y2 domain",
                xanchor="left",
                yanchor="top",
                align="left",
            ),
            label(
                0.02, 1, "fast directions", BLUE, xref="x3 domain", yref="y3 domain", xanchor="left", yanchor="bottom"
            ),
            label(
                0.98,
                1,
                "slow directions",
                ORANGE,
                xref="x3 domain",
                yref="y3 domain",
                xanchor="right",
                yanchor="bottom",
            ),
            label(np.log10(t[2]), frame.theory.values[2], "theory", SOFT, xanchor="left", yanchor="bottom", xshift=4),
        ],
        "meta": {"hands": [hand(where, None, across="at_time", color=GREEN)]},
    }
    return {"data": data, "layout": layout}


def two_scale_digits(frame: xr.Dataset) -> dict[str, Any]:
    """Errors of a network on digits while it trains; where the test error turns, the picture says so."""
    t, test = frame.time.values, frame.test.values
    data = [
        curve(t, frame.train.values, "training error", SOFT, line={"color": SOFT, "width": 2}),
        curve(t, test, "test error", RED, pin=True, line={"color": RED, "width": 4}),
        curve(t, frame.error_rate.values, "share of wrong answers", BLUE, axes="2", pin=True),
    ]
    # the largest rise after a first descent; one of a twentieth can be seen
    rise = test - np.minimum.accumulate(test)
    top = int(rise.argmax())
    low = int(test[: top + 1].argmin())
    turns = [(low, "down ...", "top"), (top, "... up ...", "bottom")] if test[top] > 1.05 * test[low] else []
    if turns and test[-1] < 0.95 * test[top]:
        turns.append((len(t) - 1, "... and down again", "top"))
    span = {"range": [0, np.log10(values_of(frame)["steps"])]}
    layout = {
        "height": 420,
        "xaxis": log_axis(frame.time, domain=[0, 0.46], anchor="y", **span),
        "yaxis": axis("squared error", range=[0, 1.1 * max(test.max(), frame.train.values.max())]),
        "xaxis2": log_axis(frame.time, domain=[0.56, 1], anchor="y2", **span),
        "yaxis2": axis("share of wrong answers", anchor="x2", range=[0, 1], tickformat=".0%"),
        "annotations": [
            label(0.05, test[0], "test", RED, xanchor="left", yanchor="bottom", yshift=8),
            label(np.log10(t[-1]), frame.train.values[-1], "training", SOFT, xanchor="right", yanchor="top", yshift=-6),
            *(
                label(np.log10(t[at]), test[at], words, RED, yanchor=side, yshift=8 if side == "bottom" else -8)
                | {"xanchor": "right" if at == len(t) - 1 else "center"}
                for at, words, side in turns
            ),
        ],
    }
    way = f"is {test[-1]:.2f}" if not turns else f"fell to {test[low]:.2f} and rose to {test[top]:.2f}"
    way += f", and is down again at {test[-1]:.2f}" * (len(turns) > 2)
    told = "A network learns a part of its inputs fast, and the rest slowly."
    return {"data": data, "layout": headline(layout, told, f"Its error on new digits {way}.")}
