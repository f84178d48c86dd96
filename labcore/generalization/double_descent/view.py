"""Pictures of `double_descent`: the spike over width, samples and time, and the modes of the data that make it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    RED,
    SOFT,
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
    vertical,
)

FLOOR = 1e-9  # errors below it are drawn here, so that a curve on a log axis has no gap


def _decades(*arrays: np.ndarray, low: float = 1e-6, high: float = 1e6) -> list[float]:
    """A log range rounded outward to half decades, so that the axis stands still while a curve moves a little."""
    values = np.concatenate([np.ravel(a) for a in arrays])
    values = np.clip(values[values > 0], low, high) if (values > 0).any() else np.array([1.0])
    return [np.floor(2 * np.log10(values.min())) / 2, np.ceil(2 * np.log10(1.15 * values.max())) / 2]


def _height(error: float) -> float:
    """Where a label stands on a log axis; a perfect fit is drawn at the floor of the curves."""
    return float(np.log10(max(error, FLOOR)))


def _errors(x: np.ndarray, frame: xr.Dataset, click: dict | None = None) -> list[dict]:
    """Test and training error over x: each repeat thin, the median thick."""
    test, train = frame.test.values, frame.train.values
    thin = bundle(x, np.clip(test, FLOOR, None))
    middle = np.clip(np.median(test, 0), FLOOR, None)
    more = {"mode": "lines+markers", "marker": {"size": 8, "color": RED}, "line": {"color": RED, "width": 4}}
    return [
        curve(*thin, "each repeat", RED, line={"color": RED, "width": 1}, opacity=0.35, hoverinfo="skip"),
        curve(x, np.clip(np.median(train, 0), FLOOR, None), "training error", BLUE, pin=True),
        curve(x, middle, "test error, median", RED, pin=True, click=click, **more),
    ]


def _training(x: np.ndarray, train: np.ndarray, span: list[float]) -> dict:
    """The name of the training error, left of the last point of its curve in the picture, below all other curves."""
    seen = [i for i, error in enumerate(train) if _height(error) > span[0] + 0.1] or [0]
    last = seen[-1]
    side = {"xanchor": "right", "xshift": -8} if last else {"xanchor": "left"}
    return label(np.log10(x[last]), _height(train[last]), "training", BLUE, yanchor="top", yshift=-2, **side)


def model_wise(frame: xr.Dataset) -> dict[str, Any]:
    """Errors over parameters per sample, the condition number under them, and what each mode of one width costs."""
    x, at, look = frame.ratio.values, values_of(frame)["look_at"], frame.attrs["look_at"]
    data = _errors(x, frame, click={"x": "look_at"})
    test, train = np.median(frame.test.values, 0), np.median(frame.train.values, 0)
    # the training error may sink out of the picture: the test error is what the eye should follow
    shown = [test, np.clip(train, test.min() / 4, None)]
    notes = [
        label(np.log10(x[-1]), _height(test[-1]), "test", RED, xanchor="right", yanchor="bottom", yshift=8),
        label(0, 1, "parameters = samples", SOFT, yref="y domain", yanchor="bottom", xanchor="center"),
    ]
    span = _decades(*shown)
    if _height(train[0]) > span[0] + 0.1:
        notes.append(_training(x, train, span))
    if "theory" in frame:
        theory = frame.theory.values
        data.append(curve(x, theory, "theory", SOFT, line={"color": SOFT, "dash": "dash", "width": 2}))
        place = int(np.argmax(theory))
        notes.append(label(np.log10(x[place]), _height(theory[place]), "theory", SOFT, xanchor="left", xshift=12))
    if "error_rate" in frame:
        rate = np.median(frame.error_rate.values, 0)
        data.append(curve(x, rate, "share of wrong answers", PURPLE, pin=True, mode="lines+markers"))
        notes.append(label(np.log10(x[0]), _height(rate[0]), "wrong answers", PURPLE, xanchor="left", yanchor="bottom"))
        shown.append(rate)
    cond = np.median(frame.cond.values, 0)
    data.append(curve(x, cond, "condition number", GREEN, axes="2", mode="lines+markers"))
    phi, cost, s = frame.phi.values, frame.cost.values, frame.s.values
    modes = np.arange(1, len(s) + 1)
    # areas and not bars: one path each, so that the figure keeps up with the slider
    step = {"shape": "hvh", "width": 0}
    data += [
        curve(
            modes,
            cost,
            "cost once fitted",
            SOFT,
            axes="3",
            fill="tozeroy",
            fillcolor="rgba(130,140,150,0.35)",
            line=step,
        ),
        curve(
            modes, np.clip(phi * cost, FLOOR, None), "cost now", RED, axes="3", fill="tozeroy", fillcolor=RED, line=step
        ),
        curve(modes, s, "singular value", BLUE, axes="4"),
    ]
    notes += [
        note(0.5, 1, f"inside the model at the line: p/n = {look:.3g}", SOFT, axes="3", yanchor="bottom"),
        note(0.03, 0.97, "grey: once it is fitted", SOFT, axes="3", xanchor="left", yanchor="top"),
        note(0.03, 0.9, "so far", RED, axes="3", xanchor="left", yanchor="top"),
        note(0.02, 0.98, "strongest direction / weakest", GREEN, axes="2", xanchor="left", yanchor="top"),
    ]
    layout = {
        "height": 560,
        "xaxis": log_axis("", domain=[0, 0.55], anchor="y", showticklabels=False, matches="x2", minor={}),
        "yaxis": log_axis("squared error", domain=[0.34, 1], range=_decades(*shown)),
        "xaxis2": log_axis(
            "parameters / training samples p/n",
            domain=[0, 0.55],
            anchor="y2",
            minor={},
            tickvals=[0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
            ticktext=["0.05", "0.1", "0.25", "0.5", "1", "2", "4", "8"],
        ),
        "yaxis2": log_axis("condition number", domain=[0, 0.26], anchor="x2", nticks=4, dtick=2),
        "xaxis3": axis("", domain=[0.66, 1], anchor="y3", showticklabels=False, matches="x4"),
        "yaxis3": log_axis("noise it adds", domain=[0.34, 1], anchor="x3", range=_decades(cost, low=1e-4)),
        "xaxis4": axis("directions (modes), strong to weak", domain=[0.66, 1], anchor="y4"),
        "yaxis4": log_axis("its strength s", domain=[0, 0.26], anchor="x4", dtick=2),
        "shapes": [
            vertical(at, RED, "solid", width=2.5),
            vertical(1.0),
            vertical(1.0, axes="2"),
        ],
        "annotations": notes,
        "meta": {"hands": [hand(at, None, across="look_at", color=RED)]},
    }
    told = "Left: error on new data, as the model grows. Drag the line to look inside one."
    more = "Right: how much noise each direction of its data adds, strong directions first."
    return {"data": data, "layout": headline(layout, told, more)}


def sample_wise(frame: xr.Dataset) -> dict[str, Any]:
    """Errors of one width over the number of training samples, and the condition number."""
    x = frame.ratio.values
    data = _errors(x, frame)
    test, train = np.median(frame.test.values, 0), np.median(frame.train.values, 0)
    data.append(curve(x, np.median(frame.cond.values, 0), "condition number", GREEN, axes="2", mode="lines+markers"))
    over, under = {"yanchor": "bottom", "yshift": 8}, {"yanchor": "top", "yshift": -8}
    at_test, at_train = (over, under) if test[-1] >= train[-1] else (under, over)
    ticks = {"tickvals": [0.1, 0.25, 0.5, 1, 2, 4], "ticktext": ["0.1", "0.25", "0.5", "1", "2", "4"], "minor": {}}
    layout = {
        "height": 480,
        "xaxis": log_axis("", anchor="y", showticklabels=False, matches="x2", minor={}),
        "yaxis": log_axis(
            "squared error", domain=[0.36, 1], range=_decades(test, np.clip(frame.train.values, test.min() / 4, None))
        ),
        "xaxis2": log_axis("training samples / parameters n/p", anchor="y2", **ticks),
        "yaxis2": log_axis("condition number", domain=[0, 0.27], anchor="x2", dtick=2),
        "shapes": [vertical(1.0), vertical(1.0, axes="2")],
        "annotations": [
            label(0, 1, "samples = parameters", SOFT, yref="y domain", yanchor="bottom"),
            label(np.log10(x[-1]), _height(test[-1]), "test", RED, xanchor="right", **at_test),
            label(np.log10(x[-1]), _height(train[-1]), "training", BLUE, xanchor="right", **at_train),
        ],
    }
    return {"data": data, "layout": layout}


def epoch_wise(frame: xr.Dataset) -> dict[str, Any]:
    """Test error over width and time as a map with lines of equal training error, and cuts through the cursor."""
    x, t = frame.ratio.values, frame.step.values
    test = np.log10(np.clip(frame.test.transpose("time", "width").values, 1e-6, 1e4))
    train = np.log10(np.clip(frame.train.transpose("time", "width").values, 1e-6, 1e4))
    i = int(np.abs(np.log(x / frame.attrs["at_ratio"])).argmin())
    k = int(np.abs(np.log(t / frame.attrs["at_step"])).argmin())
    ratio, step = (values_of(frame)[name] for name in ("at_ratio", "at_step"))
    place = {"x": x, "y": t, "xaxis": "x", "yaxis": "y"}
    click = {"click": {"x": "at_ratio", "y": "at_step"}}
    data = [
        {
            "type": "heatmap",
            **place,
            "z": test,
            "colorscale": "Cividis",
            "meta": click,
            "zsmooth": "best",
            "colorbar": {
                "title": {"text": "test error", "side": "right"},
                "x": 0.5,
                "len": 1,
                "thickness": 12,
                "tickvals": [-2, -1.5, -1, -0.5, 0, 0.5, 1],
                "ticktext": ["0.01", "0.03", "0.1", "0.3", "1", "3", "10"],
            },
            "hovertemplate": "p/n = %{x:.2f}, step %{y:.3g}<extra></extra>",
        },
        {
            "type": "contour",
            **place,
            "z": train,
            "showscale": False,
            "hoverinfo": "skip",
            "meta": click,
            "contours": {"coloring": "lines", "start": -4, "end": -1, "size": 0.5},
            "line": {"width": 1},
            "colorscale": [[0, "#ffffff"], [1, "#ffffff"]],
            "opacity": 0.6,
        },
        curve(t, 10 ** test[:, i], "test error over time", RED, axes="2", pin=True, line={"color": RED, "width": 3.5}),
        curve(t, np.clip(10 ** train[:, i], 1e-6, None), "training error over time", BLUE, axes="2"),
        curve(x, 10 ** test[k], "test error over width", RED, axes="3", pin=True, line={"color": RED, "width": 3.5}),
        curve(x, np.clip(10 ** train[k], 1e-6, None), "training error over width", BLUE, axes="3"),
    ]
    span = _decades(10**test, low=1e-4)
    ratios = {"tickvals": [0.05, 0.25, 1, 4], "ticktext": ["0.05", "0.25", "1", "4"], "minor": {}}
    layout = {
        "height": 520,
        "xaxis": log_axis("parameters / training samples p/n", domain=[0, 0.48], **ratios),
        "yaxis": log_axis(frame.step),
        "xaxis2": log_axis(frame.step, domain=[0.7, 1], anchor="y2"),
        "yaxis2": log_axis("error", domain=[0.6, 1], anchor="x2", range=span),
        "xaxis3": log_axis("p/n", domain=[0.7, 1], anchor="y3", **ratios),
        "yaxis3": log_axis("error", domain=[0, 0.4], anchor="x3", range=span),
        "shapes": [
            vertical(ratio, RED, "solid"),
            {
                "type": "line",
                "x0": 0,
                "x1": 1,
                "xref": "x domain",
                "y0": step,
                "y1": step,
                "line": {"color": RED, "width": 1.5},
            },
        ],
        "meta": {"hands": [hand(ratio, step, across="at_ratio", up="at_step", color=RED)]},
        "annotations": [
            note(0.5, 1, "drag, or click, to move both cuts; white: equal training error", SOFT, yanchor="bottom"),
            *[
                note(0.03, 0.12 + 0.14 * up, name, color, axes=panel, xanchor="left")
                for panel in ("2", "3")
                for up, name, color in ((1, "test", RED), (0, "training", BLUE))
            ],
            note(0.5, 1, f"at p/n = {x[i]:.3g}", SOFT, axes="2", yanchor="bottom"),
            note(0.5, 1, f"after {t[k]:,.0f} steps", SOFT, axes="3", yanchor="bottom"),
        ],
    }
    return {"data": data, "layout": layout}


def _noises(noise: float, low: float) -> dict[str, Any]:
    """The squared noise of the labels, as a place of the noise; no noise stands at `low`, the end of the picture."""
    least = 1.05 * np.sqrt(low)
    ends = np.union1d([0, *np.geomspace(least, max(2, 2 * least), 40)], noise if noise > least else 0)
    return scale("noise", np.maximum(ends**2, low), ends)


def two_layer(frame: xr.Dataset) -> dict[str, Any]:
    """Errors of two-layer networks over their width, as the training goes on, and the noise of their labels."""
    x, noise = frame.ratio.values, values_of(frame)["noise"]
    test = np.median(frame.test.values, 0)
    train = np.median(frame.train.values, 0)
    # the axis stands still over two and a half decades, so that the spike is seen to sink
    span = _decades(test, np.clip(train, test.min() / 4, None), np.array([noise**2, 0.012, 2.5]))
    noises = _noises(noise, 10 ** span[0])
    level = float(np.interp(noise, noises["values"], noises["places"]))
    layout = {
        "height": 440,
        "xaxis": log_axis(frame.ratio, range=[np.log10(x[0]) - 0.05, np.log10(x[-1]) + 0.05]),
        "yaxis": log_axis("squared error", range=span),
        "shapes": [vertical(1.0), horizontal(level, INK, "dash", width=2.5)],
        "annotations": [
            label(0, 1, "parameters = samples", SOFT, yref="y domain", yanchor="bottom"),
            label(np.log10(x[-1]), _height(test[-1]), "test", RED, xanchor="right", yanchor="bottom", yshift=8),
            _training(x, train, span),
            label(0.99, np.log10(level), "noise in the labels: drag me", INK, xref="x domain", xanchor="right")
            | {"yanchor": "top", "xshift": -16},
        ],
        "meta": {"hands": [hand(None, level, up=noises)]},
    }
    few, top, many = (int(frame.h[i]) for i in (2, int(test[2:].argmax()) + 2, -1))
    told = f"Error on new data: {test[2]:.2g} with {few} hidden units, {test[-1]:.2g} with {many}"
    told += f", and most between them with {top}, {test[2:].max():.2g}." if few < top < many else "."
    return {"data": _errors(x, frame), "layout": headline(layout, told)}
