"""Pictures of `s_kan`: five families on one target, nodes that choose, seven targets, and kernels that choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)

_STEPS = np.array([10, 400])
COLORS = {"spline": BLUE, "chebyshev": ORANGE, "fourier": GREEN, "rbf": PURPLE, "wavelet": RED}


def families(frame: xr.Dataset) -> dict[str, Any]:
    """The target and each family's best fit, one above the other; beside each its error."""
    names, x, truth = list(frame.family.values), frame.x.values, frame.target.values
    rmse, best = frame.rmse.values, int(frame.rmse.values.argmin())
    low, high = min(truth.min(), -0.5), max(truth.max(), 0.5)
    step = 1.25 * (high - low)
    data, notes = [], []
    floors = [step * (len(names) - 1 - k) for k in range(len(names))]
    # a fit may leave its row where there are no samples: it is cut off there
    rows = [np.clip(f, low - 0.1 * step, high + 0.1 * step) + d for f, d in zip(frame.fit.values, floors, strict=True)]
    behind = bundle(x, np.stack([truth + d for d in floors]))
    samples = np.clip(frame.y.values, low - 0.1 * step, high + 0.1 * step)
    data.append(
        curve(np.tile(frame.x_sample.values, len(names)), np.hstack([samples + d for d in floors]), "samples", SOFT,
              mode="markers", marker={"size": 3, "color": SOFT, "opacity": 0.5}, hoverinfo="skip")
    )  # fmt: skip
    data.append(curve(*behind, "target", INK, line={"color": INK, "width": 5}, opacity=0.25, hoverinfo="skip"))
    for k, name in enumerate(names):
        color = COLORS[name]
        data.append(curve(x, rows[k], name, color, pin=True, line={"color": color, "width": 4 if k == best else 2}))
    floor, middle = 1e-3, [d + (low + high) / 2 for d in floors]
    data.append(
        {"type": "bar", "orientation": "h", "x": np.maximum(rmse, floor), "y": middle, "xaxis": "x2", "yaxis": "y2",
         "marker": {"color": [COLORS[n] for n in names]}, "width": 0.4 * step, "showlegend": False,
         "hovertemplate": "error %{x:.4f}<extra></extra>"}
    )  # fmt: skip
    for k, e in enumerate(rmse):
        text = f"{e:.3f}" + (", the closest" if k == best else "")
        inside = e > 0.06
        notes.append(
            label(np.log10(max(e, floor)), middle[k], text, INK, axes="2", xanchor="right" if inside else "left",
                  xshift=-4 if inside else 4, font={"color": "white" if inside else INK})
        )  # fmt: skip
    settings = values_of(frame)
    centre = settings["centre"]
    # where the parts of the target sit that have a place
    placed = settings["kink"] > 0 or settings["bump"] > 0
    if placed:
        notes.append(label(centre, 0, "drag me", GREEN, yref="y domain", yanchor="bottom", xanchor="left", xshift=24))
    words = "grey: target, dots: samples; coloured: best fit"
    bare = {"range": [low - 0.15 * step, floors[0] + high + 0.15 * step], "showgrid": False, "zeroline": False}
    rowed = [f"<span style='color:{COLORS[n]}'>{f'<b>{n}</b>' if k == best else n}</span>" for k, n in enumerate(names)]
    layout = {
        "height": 520,
        "margin": {"l": 116},
        "xaxis": axis("input x", domain=[0, 0.56], anchor="y", range=[-1, 1]),
        "yaxis": axis("one row a family of functions", tickvals=middle, ticktext=rowed, **bare),
        "xaxis2": log_axis("error of the best fit", domain=[0.64, 1], anchor="y2", range=[-3, 0.2]),
        "yaxis2": axis("", anchor="x2", tickvals=middle, showticklabels=False, **bare),
        "shapes": [vertical(centre, GREEN, "solid", width=2)] if placed else [],
        "meta": {"hands": [hand(centre, None, across="centre", color=GREEN)] if placed else []},
        "annotations": [
            note(0, 1, words, INK, xanchor="left", yanchor="bottom"),
            *notes,
        ],
    }  # fmt: skip
    told = f"Five families fit one target, with {settings['size']} functions each: {names[best]} comes closest."
    return {"data": data, "layout": headline(layout, told)}


def select(frame: xr.Dataset) -> dict[str, Any]:
    """Each node's choice while it trains, the functions behind it, and the error against the best single family."""
    t, alpha, x = frame.time.values, frame.alpha.values[0], frame.x.values
    names = list(frame.family.values)
    data, notes, shapes = [], [], []
    stages, end = (
        frame.attrs["stages"],
        t[-1] / max(frame.attrs["progress"], 1e-9) if t[-1] else frame.attrs["stages"][1],
    )
    curves = frame.curves.values
    for i in range(2):
        top, under = ("", "2")[i], ("3", "4")[i]
        for p, name in enumerate(names):
            color = COLORS[name]
            data.append(
                curve(t, alpha[:, i, p], name, color, axes=top, stackgroup=f"node{i}", fillcolor=color,
                      line={"width": 0, "color": color})
            )  # fmt: skip
            heavy = float(alpha[-1, i, p])
            data.append(
                curve(x, curves[i, p], name, color, axes=under, line={"color": color, "width": 1.5 + 3 * heavy},
                      opacity=0.25 + 0.75 * heavy)
            )  # fmt: skip
        won = int(alpha[-1, i].argmax())
        leans = f"leans to <b>{names[won]}</b>" if alpha[-1, i, won] > 0.5 else "has not chosen"
        text = f"x{i + 1} {leans}, {alpha[-1, i, won]:.0%}"
        notes.append(note(0, 1, text, COLORS[names[won]], axes=top, xanchor="left", yanchor="bottom"))
        shapes += [vertical(s, INK, axes=top) for s in stages]
        if t[-1] > 0.2 * end:
            middles = alpha[-1, i].cumsum() - alpha[-1, i] / 2
            notes += [
                label(t[-1] * 0.99, m, n, "white", axes=top, xanchor="right")
                for m, n, share in zip(middles, names, alpha[-1, i], strict=True)
                if share > 0.12
            ]
    error = np.maximum(frame.rmse.values, 1e-6)
    single = frame.single.mean("repeat").values
    best = int(single.argmin())
    mean = np.exp(np.log(error).mean(0))
    data += [
        curve(*bundle(t, error), "runs", INK, axes="5", line={"color": SOFT, "width": 1}, hoverinfo="skip"),
        curve(t, mean, "mean", INK, axes="5", line={"color": INK, "width": 3}, pin=True),
        curve([0, end], [single[best]] * 2, f"{names[best]} alone", COLORS[names[best]], axes="5",
              line={"color": COLORS[names[best]], "width": 2, "dash": "dash"}),
    ]  # fmt: skip
    shapes += [vertical(s, INK, axes="5") for s in stages]
    spots = np.array([stages[0] / 2, (stages[0] + stages[1]) / 2, (stages[1] + end) / 2]) / end
    words = ("all families train", "choices sharpen", "one each")
    notes += [note(s, 1, w, SOFT, axes="5", yanchor="bottom") for s, w in zip(spots, words, strict=True) if s < 1]
    notes.append(label(end, np.log10(single[best]), f"{names[best]} alone, closed form", COLORS[names[best]], axes="5",
                       xanchor="right", yanchor="bottom"))  # fmt: skip
    time_axis = dict(range=[0, end])
    # wide enough from the start that the axis stands still while the error falls
    reach = [min(-3.2, np.log10(error.min()) - 0.1), max(0.3, np.log10(error.max()) + 0.1)]
    layout = {
        "height": 700,
        "xaxis": axis(frame.time, domain=[0, 0.46], anchor="y", **time_axis),
        "yaxis": axis(frame.alpha, domain=[0.74, 0.97], range=[0, 1]),
        "xaxis2": axis(frame.time, domain=[0.54, 1], anchor="y2", **time_axis),
        "yaxis2": axis("", domain=[0.74, 0.97], anchor="x2", range=[0, 1]),
        "xaxis3": axis("input x1", domain=[0, 0.46], anchor="y3"),
        "yaxis3": axis("weight x function", domain=[0.38, 0.6], anchor="x3"),
        "xaxis4": axis("input x2", domain=[0.54, 1], anchor="y4"),
        "yaxis4": axis("", domain=[0.38, 0.6], anchor="x4"),
        "xaxis5": axis(frame.time, domain=[0, 1], anchor="y5", **time_axis),
        "yaxis5": log_axis(frame.rmse, domain=[0, 0.22], anchor="x5", range=reach),
        "shapes": shapes,
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


def seven_tasks(frame: xr.Dataset) -> dict[str, Any]:
    """How far off each model is on each target, over the best single family there; below, the stages of S-KAN."""
    gap, models, tasks = frame.gap.values, [str(m) for m in frame.model.values], [str(t) for t in frame.task.values]
    rank = frame["rank"].values.mean(1)
    seats = np.arange(len(models))
    reach = [min(-0.7, float(gap.min()) - 0.15), max(2.4, float(gap.max()) + 1.1)]
    data: list[dict] = []
    notes = [note(0, 1, "each dot a target; large: the worst of a row", SOFT, xanchor="left",
                  yanchor="bottom")]  # fmt: skip
    for k, name in enumerate(models):
        color = COLORS.get(name, INK)
        worst = int(gap[k].argmax())
        dots = {"color": color, "size": np.where(np.arange(len(tasks)) == worst, 17, 8), "opacity": 0.75}
        data.append(
            curve(10 ** gap[k], np.full(len(tasks), k), name, color, mode="markers", marker=dots, text=tasks,
                  hovertemplate="%{text}: x%{x:.2g}<extra></extra>", pin=not k)
        )  # fmt: skip
        times = 10 ** gap[k, worst]
        text = f"{times:.1f} times, {tasks[worst]}" if times < 9.95 else f"{times:.0f} times, {tasks[worst]}"
        notes.append(label(gap[k, worst], k, text, color, xanchor="left", xshift=14))
    rows = [f"<b>{m}</b>" if m == "S-KAN" else m for m in models]
    stages, strip = _stages(frame)
    layout = {
        "height": 540,
        "margin": {"l": 176},
        "xaxis": log_axis("times as far off as the best family", anchor="y", range=reach),
        "yaxis": axis("network", domain=[0.34, 1], tickvals=seats,
                      ticktext=[f"{m}, place {r:.1f}" for m, r in zip(rows, rank, strict=True)],
                      range=[len(models) - 0.4, -0.6], showgrid=False, zeroline=False),
        **strip,
        "shapes": [vertical(1, SOFT), *strip["shapes"]],
        "annotations": [*notes, *strip["annotations"]],
    }  # fmt: skip
    data += stages
    own = models.index("S-KAN")
    steady = min((k for k in range(len(models)) if models[k] in COLORS), key=lambda k: gap[k].max())
    told = f"S-KAN chooses: at worst it is {10 ** gap[own].max():.1f} times as far off as the best family."
    more = f"{models[steady].capitalize()} alone never chooses: at worst {10 ** gap[steady].max():.1f} times."
    return {"data": data, "layout": headline(layout, told, more)}


def _stages(frame: xr.Dataset) -> tuple[list[dict], dict[str, Any]]:
    """The three stages as one bar with borders to drag, and how far the run is: traces, and a part of the layout."""
    values = values_of(frame)
    long = [values[name] for name in ("full", "selective", "tune")]
    ends, steps = np.cumsum(long).tolist(), (50, 1000)
    words = "all<br>families", "choices<br>sharpen", "one<br>each"  # of two lines, for a narrow page
    data = [
        {"type": "bar", "orientation": "h", "x": [n], "base": end - n, "y": [0], "width": 1, "offset": -0.5,
         "xaxis": "x2", "yaxis": "y2", "marker": {"color": INK, "opacity": shade}, "showlegend": False, "name": word,
         "hovertemplate": f"{n} steps<extra></extra>"}
        for n, end, shade, word in zip(long, ends, (0.12, 0.3, 0.12), words, strict=True)
    ]  # fmt: skip
    now = frame.attrs["progress"] * ends[-1]
    data.append(curve([0, now], [-0.62, -0.62], "done", GREEN, axes="2", line={"color": GREEN, "width": 4}))
    hands = []
    for name, n, end in zip(("full", "selective", "tune"), long, ends, strict=True):
        lengths = np.unique([*steps, n])
        hands.append(hand(end, None, across=scale(name, end - n + lengths, lengths), axes="2", color=INK))
    return data, {
        "xaxis2": axis("training step; drag a border", anchor="y2", range=[0, 1.15 * ends[-1]]),
        "yaxis2": axis("", anchor="x2", domain=[0, 0.13], range=[-0.75, 0.5], showticklabels=False, showgrid=False),
        "shapes": [vertical(end, INK, "solid", axes="2", width=2) for end in ends],
        "meta": {"hands": hands},
        "annotations": [
            label(end - n / 2, 0, word, INK, axes="2")
            for n, end, word in zip(long, ends, words, strict=True) if n > 0.2 * ends[-1]
        ],
    }  # fmt: skip


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of the three kernels while they train, and what the entries of the choosing kernel lean to."""
    t, accuracy, alpha = frame.time.values, frame.accuracy.values, frame.alpha.mean("repeat").values.reshape(9, -1)
    names = ("S-ConvKAN", f"{frame.attrs['rival']} alone", "plain kernel")
    end, stages = sum(values_of(frame)[stage] for stage in ("full", "selective", "tune")), frame.attrs["stages"]
    data: list[dict] = []
    notes = [label(s, 0.02, w, SOFT, yref="y domain", xanchor="left", yanchor="bottom")
             for s, w in zip(stages, ("choices sharpen:<br>drag me", "pruned:<br>drag me"))]  # fmt: skip
    colors, plain = (INK, COLORS[frame.attrs["rival"]], SOFT), {"showgrid": False, "zeroline": False}
    for k, (name, color) in enumerate(zip(names, colors)):
        thick = {"color": color, "width": 3.5 if k == 0 else 2.5}
        data.append(curve(*bundle(t, accuracy[k]), "runs", color, line={"color": color, "width": 1}, opacity=0.35,
                          hoverinfo="skip"))  # fmt: skip
        data.append(curve(t, accuracy[k].mean(0), name, color, pin=True, line=thick))
        text = f"{name}: {accuracy[k, :, -1].mean():.1%}, {int(frame.params[k])} numbers"
        notes.append(note(0.98, 0.55 - 0.08 * k, text, color, xanchor="right", yanchor="bottom"))
    families, most = [str(name) for name in frame.family.values], alpha.argmax(1)
    data.append(
        curve(
            np.tile([1, 2, 3], 3), np.repeat([1, 2, 3], 3), "kernel", INK, axes="2", mode="markers+text",
            marker={"symbol": "square", "size": 74, "color": [COLORS[families[p]] for p in most],
                    "opacity": alpha.max(1).clip(0.15, 1)},
            text=[f"{families[p]}<br>{a:.0%}" for p, a in zip(most, alpha.max(1), strict=True)],
            textfont={"color": INK, "size": 12},
            hovertext=[", ".join(f"{n} {a:.0%}" for n, a in zip(families, row, strict=True)) for row in alpha],
            hoverinfo="text",
        )
    )  # fmt: skip
    told = "the nine curves of the choosing kernel,<br>and what each is mostly made of"
    notes.append(note(0.5, 1, told, INK, axes="2", yanchor="bottom"))
    layout = {
        "height": 460,
        "xaxis": axis(frame.time, domain=[0, 0.5], anchor="y", range=[0, end]),
        "yaxis": axis("test digits that are right", tickformat=".0%", range=[0, 1.02]),
        "xaxis2": axis("column of the kernel", domain=[0.62, 1], anchor="y2", range=[0.45, 3.55], dtick=1, **plain),
        "yaxis2": axis("row", domain=[0.02, 0.88], anchor="x2", range=[3.55, 0.45], dtick=1, **plain),
        "shapes": [vertical(s, GREEN, "solid", width=2) | {"y1": 0.3} for s in stages],
        "meta": {
            "hands": [
                hand(stages[0], 0.3, across="full", color=GREEN),
                hand(stages[1], 0.3, across=scale("selective", stages[0] + _STEPS, _STEPS), color=GREEN),
            ]
        },
        "annotations": notes,
    }
    return {"data": data, "layout": layout}
