"""Pictures of `kan_assessment`: one edge under the hand, edges while they learn, what is forgotten, the fair fight."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    RED,
    SHADE,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    inward,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)


def edge(frame: xr.Dataset) -> dict[str, Any]:
    """A curve before and after one of its control points is moved, and the bases that make it."""
    x, place, cursor = frame.x.values, frame.greville.values, frame.attrs["cursor"]
    dragged, (low, high) = frame.attrs["dragged"], frame.attrs["span"]
    before, after = frame.before.values, frame.after.values
    control, moved = frame.control.values, frame.moved_control.values
    fine, bases, active = x[::2], frame.basis.values[:, ::2], frame.active.values > 0
    # without the local support all bases are at work everywhere: thin lines can be told apart
    knots, heavy = frame.knot.values, 2.5 if active.sum() < len(bases) else 0.8
    dots, thick = {"mode": "markers", "hoverinfo": "skip"}, {"color": GREEN, "width": heavy}
    data = [
        curve(x, before, "before", SOFT, line={"color": SOFT, "width": 2, "dash": "dot"}),
        curve(place, moved, "control points", ORANGE, mode="lines+markers", line={"color": ORANGE, "width": 1}),
        curve(x, after, "after", BLUE, pin=True, line={"color": BLUE, "width": 4}),
        curve(place[[dragged]], moved[[dragged]], "moved", RED, marker={"color": RED, "size": 15}, **dots),
        curve(*bundle(fine, bases[~active]), "bases", SOFT, axes="2", line={"color": SOFT, "width": 1}, opacity=0.6),
        curve(*bundle(fine, bases[active]), "bases at the cursor", GREEN, axes="2", line=thick),
    ]
    # every control point can be taken; the one that is moved then goes back to its place
    points = [
        hand(
            place[c],
            moved[c],
            up=scale("height", [control[c], control[c] + 1], [0, 1]),
            color=RED,
            sets=None if c == dragged else {"drag": c},
        )
        for c in (*(c for c in range(len(place)) if c != dragged), dragged)
    ]
    inside = (x >= low) & (x <= high)
    # bases that reach everywhere lift the curve outside of it, too
    follows = "only this part follows" if np.allclose(after[~inside], before[~inside]) else "not only this part follows"
    top, above = {"yref": "y domain", "yanchor": "bottom"}, {"yref": "y2 domain", "yanchor": "bottom"}
    span = {"type": "rect", "x0": max(low, -1), "x1": min(high, 1), "y0": 0, "y1": 1, "yref": "y domain"}
    layout = {
        "height": 520,
        "xaxis": axis("", anchor="y", matches="x2", showticklabels=False),
        "yaxis": axis("edge function", domain=[0.36, 1]),
        "xaxis2": axis(frame.x, anchor="y2", range=[-1.12, 1.12], tickformat=".2f",
                       tickvals=knots[:: -(-len(knots) // 12)],
                       minor={"tickvals": knots, "ticks": "outside", "showgrid": True, "gridcolor": GRID}),
        "yaxis2": axis("bases", domain=[0, 0.26], anchor="x2"),
        "shapes": [
            vertical(cursor, GREEN, "solid", axes="2", width=2.5),
            {**span, "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"},
        ],
        "annotations": [
            label(place[dragged], moved[dragged], "drag me", RED, xanchor="right", xshift=-18),
            label((max(low, -1) + min(high, 1)) / 2, 1, follows, SOFT, **top),
            label(cursor, 1, "green: the bases at work here (drag me)", GREEN, axes="2",
                  xanchor=inward(cursor, -1.12, 1.12), **above),
        ],
        "meta": {"hands": [hand(cursor, None, across="x", axes="2", color=GREEN), *points]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Every edge's curve in a row of its layer, strong ones bold; the error over time; guess against formula."""
    layer, phi, score = frame.layer.values, frame.phi.values, frame.score.values
    rows = int(layer.max()) + 1
    groups: dict[str, list[np.ndarray]] = {"strong": [], "weak": [], "gone": []}
    limit = 0.15 * score.max()
    for number in range(rows):
        members = np.flatnonzero(layer == number)
        for seat, e in enumerate(members):
            half = max(np.ptp(phi[e]) / 2, 1e-6)
            u = (seat + 0.5 + 0.8 * (np.linspace(0, 1, phi.shape[1]) - 0.5)) / len(members)
            v = number + 0.5 + 0.35 * (phi[e] - phi[e].min() - half) / half
            kind = "gone" if not frame.alive.values[e] else "strong" if score[e] > limit else "weak"
            groups[kind].append(np.stack([np.append(u, np.nan), np.append(v, np.nan)]))
    looks = {"strong": (BLUE, 3.0, 1.0), "weak": (BLUE, 1.5, 0.45), "gone": (SOFT, 1.0, 0.3)}
    data = []
    for kind, curves in groups.items():
        color, width, opacity = looks[kind]
        u, v = np.concatenate(curves, 1) if curves else np.empty((2, 0))
        data.append(curve(u, v, kind, color, line={"color": color, "width": width}, opacity=opacity, hoverinfo="skip"))
    step, test, fit = frame.step.values, frame.test.values, frame.train.values
    marks = {"mode": "markers", "marker": {"color": BLUE, "size": 4, "opacity": 0.6}}
    ends = [float(frame.target.min()), float(frame.target.max())]
    data += [
        curve(step, fit, "training", SOFT, axes="2", line={"color": SOFT, "width": 2}),
        curve(step, test, "test", RED, axes="2", pin=True, line={"color": RED, "width": 3.5}),
        curve(ends, ends, "perfect", SOFT, axes="3", line={"color": SOFT, "dash": "dot", "width": 1.5}),
        curve(frame.target.values, frame.guess.values, "test samples", BLUE, axes="3", **marks),
    ]
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    names = ["inputs to hidden nodes", "hidden nodes to output"]
    extended = frame.attrs["extended"]
    layout = {
        "height": 500,
        "xaxis": axis("every edge's curve; bold ones matter most", domain=[0, 0.55], range=[0, 1], **hidden),
        "yaxis": axis("", range=[0, rows], **hidden),
        "xaxis2": axis("training step", domain=[0.65, 1], anchor="y2"),
        "yaxis2": log_axis("error / spread", domain=[0.58, 1], anchor="x2"),
        "xaxis3": axis("formula", domain=[0.65, 1], anchor="y3"),
        "yaxis3": axis(frame.guess, domain=[0, 0.4], anchor="x3"),
        "shapes": [vertical(extended, axes="2")] if 0 < extended <= step[-1] else [],
        "annotations": [
            *[label(0, r + 0.97, names[min(r, 1)], SOFT, xanchor="left", yanchor="top") for r in range(rows)],
            label(step[-1], np.log10(test[-1]), "test", RED, axes="2", xanchor="right", yanchor="bottom"),
            *([label(extended, 1, "finer grid", SOFT, axes="2", yref="y2 domain", yanchor="bottom")]
              if 0 < extended <= step[-1] else []),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def forgetting(frame: xr.Dataset) -> dict[str, Any]:
    """The curve as both networks have it now, the part that is being learned shaded; and the error on each peak."""
    x, peak, (low, high) = frame.x.values, frame.peak.values, frame.attrs["part"]
    now, fresh = (np.clip(frame[name].mean("repeat").values, 1e-5, None) for name in ("error", "fresh"))
    data = [curve(x, frame.target.values, "target", SOFT, line={"color": SOFT, "width": 7}, opacity=0.45)]
    notes = [label((low + high) / 2, 1, "learned now", SOFT, yref="y domain", yanchor="bottom")]
    reach = [float(min(now.min(), fresh.min())) / 2, float(max(now.max(), fresh.max(), 1)) * 2]
    for k, (name, color) in enumerate((("KAN", BLUE), ("MLP", RED))):
        marks = {"mode": "lines+markers", "marker": {"color": color, "size": 11}, "line": {"color": color, "width": 3}}
        thin = {"mode": "lines+markers", "marker": {"color": color, "size": 7, "symbol": "circle-open"}}
        data += [
            curve(x, frame.curve.values[k], name, color, pin=True, line={"color": color, "width": 3}),
            curve(peak, fresh[k], f"{name}, fresh", color, axes="2", line={"color": color, "dash": "dot"}, **thin),
            curve(peak, now[k], f"{name}, now", color, axes="2", **marks),
        ]
        # above the peaks, which end at 1 of 1.5
        notes.append(note(0.99, 1 - 0.11 * k, name, color, xanchor="right", yanchor="top"))
        notes.append(label(peak[0], np.log10(now[k, 0]), f"{name} now", color, axes="2", xanchor="right", xshift=-10))
    part = {"type": "rect", "x0": low, "x1": high, "y0": 0, "y1": 1, "yref": "y domain"}
    layout = {
        "height": 520,
        "xaxis": axis(frame.x, anchor="y", range=[-1, 1]),
        "yaxis": axis("curve", domain=[0.55, 0.96], range=[-0.7, 1.5]),
        "xaxis2": axis("peak, from left to right", anchor="y2", tickvals=peak.tolist(),
                       range=[peak[0] - 0.24 * len(peak), peak[-1] + 0.3]),
        "yaxis2": log_axis("error on the peak / spread", domain=[0, 0.36], anchor="x2", range=np.log10(reach).tolist()),
        "shapes": [{**part, "fillcolor": SHADE, "line": {"width": 0}, "layer": "below"}],
        "annotations": [*notes, note(0.99, 1, "dotted: when the peak was fresh", SOFT, axes="2", xanchor="right",
                                     yanchor="bottom")],
    }  # fmt: skip
    return {"data": data, "layout": layout}


_TASKS = {
    "exp_sin": "exp(sin πx<br>+ y²)",
    "xy": "x times y",
    "sin_product": "sin 3πx ·<br>cos 2πy",
    "sin_20x": "sin 20x /<br>(1 + 4x²)",
}


def fair_fight(frame: xr.Dataset) -> dict[str, Any]:
    """Test errors of the three fighters on each task, at the end and over what was spent until then.

    On the left each repeat is a small dot, the mean a large one; on the right the means of the lowest task on the way.
    """
    colors = {"KAN": BLUE, "MLP": RED, "spline MLP": GREEN}
    tasks = list(dict.fromkeys(frame.task.values.tolist()))
    data, notes = [], []
    for seat, (model, color) in enumerate(colors.items()):
        runs = np.flatnonzero(frame.model.values == model)
        if not len(runs):
            continue
        height = np.array([tasks.index(frame.task.values[r]) for r in runs]) + 0.22 * (1 - seat)
        error = np.clip(frame.error.values[runs], 1e-5, None)
        small = {"mode": "markers", "opacity": 0.5, "hoverinfo": "skip", "marker": {"color": color, "size": 6}}
        large = {"mode": "markers", "marker": {"color": color, "size": 14}}
        data.append(curve(error.ravel(), np.repeat(height, error.shape[1]), model, color, **small))
        alone = {"sets": [{"tasks": str(frame.task.values[r])} for r in runs]}
        data.append(curve(error.mean(1), height, model, color, pin=True, click=alone, **large))
        mean = error.mean(1)[0]
        notes.append(label(np.log10(mean), height[0], f"{model} {mean:.3g}", color, yshift=(14, 14, -16)[seat]))
        for r in runs[frame.task.values[runs] == tasks[0]]:
            way = np.clip(frame.course.values[r].mean(0), 1e-5, None)
            # a clock may show nothing yet
            spent = np.maximum(frame.spent.values[r], 1e-3 * frame.spent.values[r, -1] + 1e-9)
            data.append(curve(spent, way, model, color, axes="2", pin=True))
    notes.append(
        note(0, 1, "\N{LEFTWARDS ARROW} better; click a dot: its task alone", SOFT, xanchor="left", yanchor="bottom")
    )
    # wide enough for a tick with a number, however near to each other the errors are
    low = np.log10(np.clip(frame.error.values.min(), 1e-5, None)) - 0.3
    named = [_TASKS.get(t, t.replace("_", " ")) for t in tasks]
    equal = {"params": "parameters", "flops": "work"}[frame.attrs["budget_kind"]]
    layout = {
        "height": max(340, 120 + 90 * len(tasks)),
        "margin": {"l": 124},
        "xaxis": log_axis(f"test error, at equal {equal}", domain=[0, 0.5],
                          range=[low, max(np.log10(max(frame.error.values.max(), 1e-5)) + 0.3, np.ceil(low) + 0.1)]),
        "yaxis": axis(frame.task, tickvals=list(range(len(tasks))), ticktext=named,
                      range=[-0.6, len(tasks) - 0.4]),
        "annotations": notes,
    }  # fmt: skip
    rows, spans = frame.task.values == tasks[0], np.log10(np.maximum(frame.spent.values, 1e-9))
    way = np.log10(np.clip(frame.course.values[rows].mean(1), 1e-5, None))
    ends = [float(spans[rows, 0].min()) - 0.1, float(spans[rows, -1].max()) + 0.1]
    values = values_of(frame)
    if values["against"] == "steps":  # where a training ends is a place of this axis
        last = values["steps"]
        ends[1] = np.log10(600) + 0.2
        layout |= {
            "shapes": [vertical(last, INK, "solid", axes="2", width=2)],
            "meta": {"hands": [hand(last, None, across="steps", axes="2", color=INK)]},
        }
        notes.append(label(np.log10(last), 0, "drag: train longer", INK, axes="2", yref="y2 domain", xanchor="right",
                           yanchor="bottom", xshift=-5))  # fmt: skip
    layout |= {
        "xaxis2": log_axis(frame.spent, domain=[0.62, 1], anchor="y2", range=[max(ends[0], ends[1] - 3), ends[1]]),
        "yaxis2": log_axis("test error on the way", anchor="x2",
                           range=[float(way.min()) - 0.2, float(way.max()) + 0.2]),
    }  # fmt: skip
    notes.append(note(0.5, 1, named[0].replace("<br>", " "), INK, axes="2", yanchor="bottom"))
    told, best = f"As many {equal} each. ", []
    for task in tasks:
        on = np.flatnonzero(frame.task.values == task)
        if len(on) == len(colors):  # a winner has beaten somebody
            best.append(str(frame.model.values[on[frame.error.values[on].mean(1).argmin()]]))
    tally = ", ".join(f"{model} on {best.count(model)}" for model in colors if model in best)
    told += f"Smallest mean error: {tally} of {len(best)}." if best else "Not all three have run yet."
    return {"data": data, "layout": headline(layout, told)}
