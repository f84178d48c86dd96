"""Pictures of `opposing_signals`: a ball in a valley that gets steeper, a map of leaps, and framed digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    HIDDEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    horizontal,
    image,
    inward,
    label,
    log_axis,
    note,
    scale,
    sheet,
    values_of,
)

TRAIL = 16  # steps behind the ball
FRAME_INK = 1.5  # frames are drawn no stronger than that
INKS = [[0, "#ffffff"], [1 / FRAME_INK, "#3b4250"], [1, PURPLE]]  # a black frame would be lost on a dark page
FADED = [[0, "rgba(47,134,201,0.05)"], [1, "rgba(47,134,201,0.75)"]]


def _limit(frame: xr.Dataset, axes: str) -> tuple[list[dict], list[dict], list[dict]]:
    """The line 2/η as shape, words over its panel and hand, where the optimizer has one."""
    if "threshold" not in frame:
        return [], [], []
    at, eta = float(frame.threshold), values_of(frame)["eta"]
    rates = np.union1d(np.geomspace(0.005, 0.5, 40), eta)  # places between two are interpolated
    words = note(0.5, 1, "green: steps can follow up to here; drag it", GREEN, axes=axes, yanchor="bottom")
    means = scale("eta", (at * eta) / rates, rates)
    return (
        [horizontal(at, GREEN, "solid", axes=axes, width=3)],
        [words],
        [hand(None, at, up=means, axes=axes, color=GREEN)],
    )


def _until(values: np.ndarray, most: float) -> list[float]:
    """The range of an axis from 0 to the values' largest, but for what runs away."""
    return [0, 1.1 * float(min(values.max(), most))]


def valley(frame: xr.Dataset) -> dict[str, Any]:
    """The loss from above with the ball in it; sharpness, the two groups and the loss over the steps so far."""
    values, steps = values_of(frame), frame.step.values
    x, y, steep = frame.across.values, frame.along.values, frame.sharpness.values
    ground = np.log10(frame.landscape.values)
    colours = (BLUE, ORANGE, SOFT)
    tail = slice(-TRAIL, None)
    data = [
        image(
            ground,
            "",
            FADED,
            float(np.percentile(ground, 2)),
            float(np.percentile(ground, 98)),
            x=frame.b_o.values,
            y=frame.c.values,
        ),
        curve(x, y, "the path", SOFT, line={"color": SOFT, "width": 1.5}, hoverinfo="skip"),
        curve(
            x[tail],
            y[tail],
            "last steps",
            INK,
            mode="lines+markers",
            marker={"size": 5, "color": INK},
            line={"color": INK, "width": 1.5},
        ),
        curve(
            x[-1:],
            y[-1:],
            "now",
            RED,
            mode="markers",
            marker={"size": 16, "color": RED, "line": {"color": PAPER, "width": 2}},
        ),
        curve(steps, steep, "sharpness", RED, axes="2", pin=True, line={"color": RED, "width": 3}),
    ]
    group = frame.group_loss.values
    for g in (0, 1):
        data.append(
            curve(
                steps,
                group[g],
                str(frame.group.values[g]),
                colours[g],
                axes="3",
                line={"color": colours[g], "width": 2},
            )
        )
    data.append(curve(steps, frame.loss.values, "loss of all points", INK, axes="4", pin=True))
    shapes, words, hands = _limit(frame, "2")
    last = values["steps"]
    limit = float(frame.threshold) if "threshold" in frame else 0.0
    top = max(limit if limit < 40 else 0, min(steep.max(), max(5 * limit, 60)), 20)
    group_range, loss_range = _until(group[:2], 10 * group[:2, 0].max()), _until(frame.loss.values, 3 * frame.loss[0])
    high = group_range[1]
    ends = apart(np.minimum(group[:2, -1], high), 0.12 * high, top=0.85 * high)
    across, along = frame.b_o.values[[0, -1]], frame.c.values[[0, -1]]
    seen = np.clip(x[-1], *across), np.clip(y[-1], *along)  # where the ball leaves the map, its name stays at the edge
    side = inward(x[-1], *across)
    early = {"xanchor": "left" if steps[-1] < 0.7 * last else "right", "yanchor": "bottom"}
    layout = {
        "height": 560,
        "xaxis": axis(frame.b_o, domain=[0, 0.42], range=across),
        "yaxis": axis(frame.c, range=along),
        "xaxis2": axis("", domain=[0.54, 1], anchor="y2", range=[0, last], showticklabels=False, matches="x4"),
        "yaxis2": axis("sharpness", domain=[0.64, 0.96], anchor="x2", range=[0, 1.15 * top]),
        "xaxis3": axis("", domain=[0.54, 1], anchor="y3", range=[0, last], showticklabels=False, matches="x4"),
        "yaxis3": axis("loss of a group", domain=[0.3, 0.58], anchor="x3", range=group_range),
        "xaxis4": axis(frame.step, domain=[0.54, 1], anchor="y4", range=[0, last]),
        "yaxis4": axis("loss", domain=[0, 0.24], anchor="x4", range=loss_range),
        "shapes": shapes,
        "annotations": [
            *words,
            label(*seen, "the network", RED, xanchor=side, yanchor="bottom" if seen[1] < 0.9 * along[1] else "top",
                  yshift=10 if seen[1] < 0.9 * along[1] else -10),
            note(0.5, 1, "the loss from above: blue is high", SOFT, yanchor="bottom"),
            *(
                label(steps[-1], height, text, colour, axes="3", **early)
                for height, text, colour in zip(ends, ("group +", "group −"), colours)
            ),
        ],
        "meta": {"hands": hands},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def edge(frame: xr.Dataset) -> dict[str, Any]:
    """How far the loss leaps for each learning rate and outlier size, and where the outliers say that it begins to."""
    rise, away = frame.rise.values, frame.ran_away.values.astype(bool)
    shown = np.where(away, np.nan, np.log10(np.clip(rise, 1e-4, 10)))
    x, y = frame.eta.values, frame["size"].values
    seen = (frame.line.values >= x[0]) & (frame.line.values <= x[-1])
    data = [
        image(np.where(away, 1.0, np.nan), "", [[0, RED], [1, RED]], 0, 1, x=x, y=y, opacity=0.8),
        image(shown, "", FADED, -4, 1, x=x, y=y),
        curve(frame.line.values[seen], y[seen], "q s² |β| = 2/η", INK, line={"color": INK, "width": 3, "dash": "dash"}),
    ]
    notes = [
        note(0.03, 0.03, "the loss only falls", SOFT, xanchor="left", yanchor="bottom"),
        note(1, 1, "orange-red: training runs away · blue: the loss leaps", xanchor="right", yanchor="bottom"),
    ]  # fmt: skip
    if seen.any():
        at = int(np.flatnonzero(seen).mean())
        notes.append(
            label(
                np.log10(frame.line.values[at]),
                y[at],
                "the outliers' own line",
                INK,
                xanchor="right",
                yanchor="top",
                xshift=-8,
            )
        )
    layout = {
        "height": 440,
        "xaxis": log_axis(frame.eta),
        "yaxis": axis(frame["size"]),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


def digit_outliers(frame: xr.Dataset) -> dict[str, Any]:
    """The digits that the next step moves most, beside sharpness and the groups' losses over the steps so far."""
    values, steps, steep = values_of(frame), frame.step.values, frame.sharpness.values
    data = [
        image(sheet(np.minimum(pictures.values, FRAME_INK), 3)[::-1], axes, INKS, 0, FRAME_INK)
        for pictures, axes in ((frame.rising, ""), (frame.falling, "2"))
    ]
    data.append(curve(steps, steep, "sharpness", RED, axes="3", pin=True, line={"color": RED, "width": 3}))
    shapes, words, hands = _limit(frame, "3")
    notes = [
        note(0.5, 1, "their loss rises most", RED, yanchor="bottom"),
        note(0.5, 1, "their loss falls most", BLUE, axes="2", yanchor="bottom"),
        *words,
    ]
    last = values["steps"]
    if "group_loss" in frame:
        group = frame.group_loss.values
        colours = (BLUE, ORANGE, SOFT)
        for g, colour in enumerate(colours):
            data.append(curve(steps, group[g], str(frame.group.values[g]), colour, axes="4"))
        notes += [
            note(0.98, 1 - 0.16 * g, str(name), colour, axes="4", xanchor="right", yanchor="top")
            for g, (name, colour) in enumerate(zip(frame.group.values, colours))
        ]
    else:
        data.append(curve(steps, frame.loss.values, "loss", INK, axes="4"))
    top = max(steep.max(), float(frame.threshold) if float(frame.threshold) < 25 else 0, 5)
    layout = {
        "height": 520,
        "xaxis": {**HIDDEN, "domain": [0, 0.4], "anchor": "y"},
        "yaxis": {**HIDDEN, "domain": [0.54, 0.94], "scaleanchor": "x"},
        "xaxis2": {**HIDDEN, "domain": [0, 0.4], "anchor": "y2"},
        "yaxis2": {**HIDDEN, "domain": [0, 0.4], "scaleanchor": "x2"},
        "xaxis3": axis("", domain=[0.52, 1], anchor="y3", range=[0, last], showticklabels=False, matches="x4"),
        "yaxis3": axis("sharpness", domain=[0.54, 0.94], anchor="x3", range=[0, 1.15 * top]),
        "xaxis4": axis(frame.step, domain=[0.52, 1], anchor="y4", range=[0, last]),
        "yaxis4": axis("loss", domain=[0, 0.4], anchor="x4", rangemode="tozero"),
        "shapes": shapes,
        "annotations": notes,
        "meta": {"hands": hands},
    }
    return {"data": data, "layout": layout}
