"""Pictures of `hebbian_projection`: weights that turn in plane and space, what they find in digits, forgetting."""

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
    PURPLE,
    RED,
    SKY,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    image,
    inward,
    label,
    note,
    scale,
    sheet,
    values_of,
    vertical,
)

CARD = ("plane", "xy")

UNITS = (RED, BLUE, GREEN, PURPLE)
TASKS = (RED, BLUE, GREEN, PURPLE, ORANGE, SKY)
GUARDS = {"none": "no protection", "HLOP": "lateral units (HLOP)", "SVD": "stored data (SVD)"}


def _thick(color: str, width: float = 3, **more: Any) -> dict[str, Any]:
    return {"line": {"color": color, "width": width, **more}}


def plane(frame: xr.Dataset) -> dict[str, Any]:
    """The cloud with the weights as arrows, the paths of their tips, their angles to the long axis, their lengths."""
    seen, w, cloud = frame.seen.values, frame.w.values, frame.cloud.values
    turn = np.deg2rad(frame.attrs["axis"])
    ray = 2.6 * np.array([np.cos(turn), np.sin(turn)])
    data = [
        curve(*cloud.T, "inputs", SOFT, mode="markers", marker={"size": 4, "color": SOFT, "opacity": 0.5}),
        curve([-ray[0], ray[0]], [-ray[1], ray[1]], "long axis of the cloud", ORANGE, **_thick(ORANGE, 2, dash="dash")),
        curve(
            np.cos(np.linspace(0, 2 * np.pi, 90)),
            np.sin(np.linspace(0, 2 * np.pi, 90)),
            "length 1",
            SOFT,
            **_thick(SOFT, 1, dash="dot"),
        ),
    ]
    notes = [label(0.9 * ray[0], 0.9 * ray[1], "long axis: drag me", ORANGE, yshift=14)]
    # the ring stands where the axis stood first: it may turn halfway, and the hand moves where it begins
    first, angles = np.deg2rad(values_of(frame)["angle"]), np.linspace(0, 180, 61)
    ring = 1.6 * np.array([np.cos(first), np.sin(first)])
    turned = scale("angle", 1.6 * np.cos(np.deg2rad(angles)), angles)
    for k in range(w.shape[1]):
        color, tip = UNITS[k], w[-1, k]
        arrow = {"size": [0, 16], "color": color, "symbol": "arrow", "angleref": "previous", "opacity": 1}
        name = f"unit {k + 1}"
        data += [
            curve(*w[:, k].T, f"path of {name}", color, opacity=0.5, **_thick(color, 1.5)),
            curve([0, tip[0]], [0, tip[1]], name, color, mode="lines+markers", marker=arrow, **_thick(color, 5)),
            curve(seen, frame.away.values[:, k], name, color, axes="2", pin=True, **_thick(color)),
            curve(seen, frame.length.values[:, k], name, color, axes="3", pin=True, **_thick(color)),
        ]
        if np.abs(tip).max() < 2.4:
            notes.append(label(*(tip * (1 + 0.22 / max(np.linalg.norm(tip), 0.3))), f"<b>{k + 1}</b>", color))
    shapes = [horizontal(0, ORANGE, axes="2"), horizontal(1, axes="3")]
    if frame.attrs["turned_at"]:
        shapes += [vertical(frame.attrs["turned_at"], SOFT, axes=a) for a in "23"]
        notes.append(
            label(frame.attrs["turned_at"], 90, "the cloud turns", SOFT, axes="2", xanchor="left", yanchor="bottom")
        )
    reach = [0, frame.attrs["samples"]]
    layout = {
        "height": 480,
        "xaxis": axis("input 1, weight 1", domain=[0, 0.52], range=[-2.6, 2.6], zeroline=False),
        "yaxis": axis("input 2, weight 2", range=[-2.6, 2.6], scaleanchor="x", constrain="domain", zeroline=False),
        "xaxis2": axis("", domain=[0.64, 1], anchor="y2", range=reach, showticklabels=False),
        "yaxis2": axis(
            "angle to the long axis",
            domain=[0.56, 1],
            anchor="x2",
            range=[-4, 100],
            ticksuffix="°",
            tickvals=[0, 45, 90],
        ),
        "xaxis3": axis(frame.seen, domain=[0.64, 1], anchor="y3", range=reach),
        "yaxis3": axis(
            "length", domain=[0, 0.44], anchor="x3", range=[0, float(max(1.6, min(1.1 * frame.length.max(), 6)))]
        ),
        "shapes": shapes,
        "annotations": notes,
        "meta": {"hands": [hand(*ring, across=turned, color=ORANGE)]},
    }
    return {"data": data, "layout": layout}


def _disc(first: np.ndarray, second: np.ndarray, radius: float = 1.0) -> np.ndarray:
    """Points (49, 3) of an ellipse with these half axes."""
    phi = np.linspace(0, 2 * np.pi, 49)[:, None]
    return radius * (np.cos(phi) * first + np.sin(phi) * second)


def subspace(frame: xr.Dataset) -> dict[str, Any]:
    """The cloud in space with the plane of the weights, and how far it is from the cloud's own plane."""
    cloud, w, axes, k = frame.cloud.values, frame.w.values, frame.axes.values, frame.sizes["unit"]
    target = _disc(axes[0], axes[1], 2.2)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter3d",
            "mode": "markers",
            "name": "inputs",
            "marker": {"size": 2, "color": SOFT, "opacity": 0.6},
        },
        {"type": "scatter3d", "mode": "lines", "name": "plane of the cloud", "line": {"color": ORANGE, "width": 6}},
    ]
    for trace, points in zip(data, (cloud, target), strict=True):
        trace.update(dict(zip("xyz", points.T, strict=True)), hoverinfo="skip", showlegend=False)
    now = np.clip(w[-1], -3, 3)
    if k == 2:
        q = np.linalg.qr(now.T)[0].T
        fan = np.vstack([np.zeros(3), _disc(q[0], q[1], 1.6)])
        ring = np.arange(1, len(fan) - 1)
        data.append(
            {"type": "mesh3d", "name": "plane of the weights", "color": BLUE, "opacity": 0.35, "hoverinfo": "skip"}
            | dict(zip("xyz", fan.T, strict=True))
            | {"i": np.zeros_like(ring), "j": ring, "k": ring + 1}
        )
    for j in range(k):
        tip = np.vstack([np.zeros(3), 1.6 * now[j]])
        data.append(
            {"type": "scatter3d", "mode": "lines+text", "name": f"unit {j + 1}", "text": ["", f"{j + 1}"]}
            | {"line": {"color": UNITS[j], "width": 12}, "textfont": {"color": UNITS[j], "size": 18}}
            | dict(zip("xyz", tip.T, strict=True))
            | {"showlegend": False, "hoverinfo": "skip"}
        )
    batch = frame.batch.values
    data += [
        curve(batch, frame.angle.values[:, -1], "plane to plane", INK, axes="2", pin=True, **_thick(INK, 4)),
        *(
            curve(
                batch,
                frame.to_axis.values[:, j],
                f"unit {j + 1} to axis {j + 1}",
                UNITS[j],
                axes="2",
                **_thick(UNITS[j], 2),
            )
            for j in range(k)
        ),
    ]
    bare = {"title": {"text": ""}, "showticklabels": False, "range": [-2.6, 2.6], "gridcolor": "@grid"}
    bare |= {"backgroundcolor": "rgba(0,0,0,0)", "zerolinecolor": "@grid", "showspikes": False}
    # from the side on which the cloud's plane is neither edge-on nor flat
    normal = np.cross(axes[0], axes[1])
    eye = 1.3 * normal / max(np.linalg.norm(normal), 1e-12) + 1.1 * axes[0] / max(np.linalg.norm(axes[0]), 1e-12)
    layout = {
        "height": 460,
        "scene": {
            "domain": {"x": [0, 0.55], "y": [0, 1]},
            **{f"{a}axis": bare for a in "xyz"},
            "aspectmode": "cube",
            "camera": {"eye": dict(zip("xyz", eye.tolist(), strict=True))},
            "uirevision": "keep",
        },
        "xaxis2": axis(frame.batch, domain=[0.66, 1], anchor="y2", range=[0, frame.attrs["batches"]]),
        "yaxis2": axis("angle", anchor="x2", range=[-3, 112], ticksuffix="°", tickvals=[0, 30, 60, 90]),
        "annotations": [
            label(
                0,
                108,
                f"<b>the weights' {'plane' if k == 2 else 'space'} to the cloud's</b>",
                INK,
                axes="2",
                xanchor="left",
                xshift=6,
            ),
            label(0, 101, "each unit to the axis of its number", UNITS[0], axes="2", xanchor="left", xshift=6),
            label(0.01, 0.99, "orange ring: the cloud's plane", ORANGE, xref="paper", yref="paper", xanchor="left"),
            *(
                [label(0.01, 0.93, "blue disc: the weights' plane", BLUE, xref="paper", yref="paper", xanchor="left")]
                * (k == 2)
            ),
        ],
    }
    told = "Each unit has one arrow of weights. Do the arrows come to lie where the inputs do?"
    return {"data": data, "layout": headline(layout, told)}


def extract(frame: xr.Dataset) -> dict[str, Any]:
    """The weights as small pictures, and the squared cosines to the best subspace over the passes."""
    images = frame.image.values
    k = len(images)
    images = images / np.maximum(np.abs(images).max((1, 2), keepdims=True), 1e-12)
    epoch, cos2 = frame.epoch.values, frame.cos2.values
    data = [
        image(sheet(images, int(np.ceil(np.sqrt(k)))), "", [[0, RED], [0.5, PAPER], [1, BLUE]], -1, 1),
        curve(*bundle(epoch, cos2.T), "each direction", SOFT, axes="2", **_thick(SOFT, 1)),
        curve(epoch, cos2.mean(1), "mean", RED, axes="2", pin=True, **_thick(RED, 4)),
        curve(epoch, frame.power.values / frame.attrs["best"], "power kept", BLUE, axes="2", pin=True, **_thick(BLUE)),
    ]
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    layout = {
        "height": 420,
        "margin": {"t": 44},
        "xaxis": axis(f"weights of the {k} units (blue +, orange −)", domain=[0, 0.52], constrain="domain", **hidden),
        "yaxis": axis("", autorange="reversed", scaleanchor="x", constrain="domain", **hidden),
        "xaxis2": axis(frame.epoch, domain=[0.62, 1], anchor="y2", range=[0, frame.attrs["epochs"]]),
        "yaxis2": axis("share of the best possible", anchor="x2", range=[0, 1.04], tickformat=".0%"),
        "annotations": [
            note(
                0,
                1,
                f"<span style='color:{BLUE}'>power of the digits that they keep</span><br>"
                f"<span style='color:{RED}'>best directions found, mean</span>; grey: each",
                SOFT,
                axes="2",
                xanchor="left",
                yanchor="bottom",
                align="left",
            )
        ],
    }
    told = f"{k} units, each changing its own weights by a local rule."
    more = f"Of the {k} directions in which digits vary most they hold {float(cos2[-1].mean()):.0%}."
    return {"data": data, "layout": headline(layout, told, more)}


def continual(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy on every task while they are learned one after another, without protection and with HLOP; leakage.

    The strip below is the space of a layer's inputs: each task that is done closes a part of it to those that follow.
    """
    epoch, per_task, values = frame.epoch.values, frame.attrs["epochs"], values_of(frame)
    accuracy, n_tasks, protect = frame.accuracy.mean("repeat").values, frame.sizes["task"], values["protect"]
    data, notes, shapes = [], [], []
    end = n_tasks * per_task
    for axes, method in (("", "none"), ("2", "HLOP")):
        m = list(frame.learner.values).index(method)
        for task in range(n_tasks):
            color, begun = TASKS[task], epoch >= task * per_task
            data.append(
                curve(
                    epoch[begun],
                    accuracy[begun, m, task],
                    f"{GUARDS[method]}, task {task + 1}",
                    color,
                    axes=axes,
                    pin=method == "HLOP",
                    **_thick(color),
                )
            )
            if task and not axes:
                shapes += [vertical(task * per_task, SOFT, axes=a) for a in ("", "2")]
            if not axes:
                notes.append(
                    label((task + 0.5) * per_task, 1.05, f"task {task + 1}", color, axes=axes, yanchor="bottom")
                )
        notes.append(note(0, 1, f"<b>{GUARDS[method]}</b>", axes=axes, xanchor="left", yanchor="bottom"))
    after = frame.table.values[-1]
    finished = len(frame.after) - 1
    done = max(finished, 1)
    methods = [GUARDS[m].replace(" (", "<br>(").replace("no p", "no<br>p") for m in frame.learner.values]
    colors = [TASKS[t] for t in range(done)]
    for t in range(done):
        data.append(
            {"type": "bar", "x": methods, "y": after[:, t], "name": f"task {t + 1}", "xaxis": "x3", "yaxis": "y3"}
            | {"marker": {"color": colors[t]}, "showlegend": False}
        )
    leak = frame.leak.values[-1].mean(1)
    data.append(
        {"type": "bar", "x": methods, "y": leak, "name": "leak", "xaxis": "x4", "yaxis": "y4", "showlegend": False}
        | {"marker": {"color": SOFT}}
    )
    # what each task closes: a later one a third of what the first one does, and no more than there is
    closed = np.minimum(np.cumsum([0, protect, *[protect / 3] * (n_tasks - 1)]), 1)
    for t, (low, high) in enumerate(zip(closed[:-1], closed[1:], strict=True)):
        box = {"type": "rect", "xref": "x5", "yref": "y5 domain", "x0": low, "x1": high, "y0": 0.15, "y1": 0.85}
        shapes.append(box | {"fillcolor": TASKS[t], "opacity": 0.75 if t < finished else 0.2, "line": {"width": 0}})
    data.append(curve([0, 1], [0.5, 0.5], "free", SOFT, axes="5", opacity=0.5, hoverinfo="skip"))
    shapes += [
        vertical(protect, INK, "solid", axes="5", width=3),
        vertical(end, SOFT, "solid", axes="2", width=2),
    ]
    longer = scale("n_tasks", per_task * np.arange(2, 6), np.arange(2, 6))
    layout = {
        "height": 640,
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": axis("", domain=[0, 0.58], anchor="y", range=[0, 1.06 * end], showticklabels=False),
        "yaxis": axis(frame.accuracy, domain=[0.67, 0.96], range=[0, 1.2], tickvals=[0, 0.5, 1], tickformat=".0%"),
        "xaxis2": axis(frame.epoch, domain=[0, 0.58], anchor="y2", range=[0, 1.06 * end]),
        "yaxis2": axis(
            frame.accuracy, domain=[0.3, 0.59], anchor="x2", range=[0, 1.2], tickvals=[0, 0.5, 1], tickformat=".0%"
        ),
        "xaxis5": axis(
            "directions of each layer's inputs that are closed", domain=[0, 0.58], anchor="y5", range=[0, 1],
            tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1], showgrid=False,
        ),
        "yaxis5": axis("", domain=[0, 0.1], anchor="x5", range=[0, 1], **BARE),
        "xaxis3": axis("", domain=[0.7, 1], anchor="y3", tickangle=0),
        "yaxis3": axis("right answers", domain=[0.62, 0.96], anchor="x3", range=[0, 1.05], tickformat=".0%"),
        "xaxis4": axis("", domain=[0.7, 1], anchor="y4", tickangle=0),
        "yaxis4": axis(
            "felt by old inputs",
            domain=[0, 0.41],
            anchor="x4",
            range=[0, float(max(0.3, 1.1 * leak.max()))],
            tickformat=".0%",
        ),
        "meta": {
            "hands": [
                hand(protect, None, across="protect", axes="5", color=INK),
                hand(end, None, across=longer, axes="2", color=SOFT),
            ]
        },
        "shapes": shapes,
        "annotations": [
            *notes,
            note(1, 1, "drag the line: one more task", SOFT, axes="2", xanchor="right", yanchor="bottom"),
            label(protect, 1, "drag me: what task 1 closes", INK, axes="5", yref="y5 domain", yanchor="bottom",
                  xanchor=inward(protect, 0, 1)),
            note(0, 1, "<b>on all tasks so far</b>", axes="3", xanchor="left", yanchor="bottom"),
            note(0, 1, "<b>how much of an update they feel</b>", axes="4", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}
