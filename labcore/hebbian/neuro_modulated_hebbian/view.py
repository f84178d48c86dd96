"""Pictures of `neuro_modulated_hebbian`: six ways to meet damaged digits, competition in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SKY,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    note,
    scale,
    sheet,
    values_of,
    vertical,
)

CARD = ("clusters", "xy")

COLORS = {
    "source": SOFT,
    "batch statistics": SKY,
    "Hebb only": ORANGE,
    "gains only": GREEN,
    "NHL": RED,
    "Tent": BLUE,
}
WORDS = {
    "source": "left as it is",
    "batch statistics": "means taken anew",
    "Hebb only": "+ local rule",
    "gains only": "+ entropy",
    "NHL": "+ both (NHL)",
    "Tent": "+ entropy, both layers (Tent)",
}
UNITS = (RED, BLUE, GREEN, PURPLE, ORANGE, SKY, SOFT, INK)


def adapt(frame: xr.Dataset) -> dict[str, Any]:
    """The accuracy of six methods, what four of them add to batch statistics, what arrives and how damaged it is."""
    batch, total, values = frame.batch.values, frame.attrs["batches"], values_of(frame)
    accuracy = frame.accuracy.mean("repeat").values
    methods = list(frame.learner.values)
    ends, base = accuracy[-1], methods.index("batch statistics")
    bars = {"type": "bar", "orientation": "h", "x": ends[::-1]}
    bars |= {"y": [WORDS[m].replace(", ", ",<br>") for m in methods[::-1]]}
    bars |= {"name": "right so far", "showlegend": False, "marker": {"color": [COLORS[m] for m in methods[::-1]]}}
    bars |= {"text": [f"{v:.1%}" for v in ends[::-1]], "textposition": "auto"}
    points = 100 * (accuracy - accuracy[:, [base]])
    data = [
        bars,
        image(sheet(frame.pictures.values, 3), "2", "Greys", 0, 1),
        *(
            curve(batch, points[:, i], WORDS[m], COLORS[m], axes="3", pin=m == "NHL")
            | {"line": {"color": COLORS[m], "width": 4 if m == "NHL" else 2}}
            | {"mode": "lines+markers" if len(batch) == 1 else "lines"}
            for i, m in enumerate(methods)
            if i > base
        ),
        curve([0, 5], [0, 0], "how damaged", SOFT, axes="4", hoverinfo="skip", line={"color": GRID, "width": 6}),
    ]
    reach = float(max(3, 1.15 * np.abs(points[:, base + 1 :]).max()))
    later = methods[base + 1 :]
    heights = apart(points[-1, base + 1 :], 0.24 * reach, reach)
    severity = values["severity"]
    layout = {
        "height": 560,
        "margin": {"l": 142},
        "xaxis": axis("right answers so far", domain=[0, 0.62], anchor="y", range=[0, 1], tickformat=".0%"),
        "yaxis": axis("", domain=[0.5, 0.94], anchor="x"),
        "xaxis2": axis("", domain=[0.7, 1], anchor="y2", constrain="domain", **BARE),
        "yaxis2": axis("", domain=[0.33, 0.94], anchor="x2", scaleanchor="x2", autorange="reversed", **BARE)
        | {"constrain": "domain"},
        "xaxis3": axis("batches seen", domain=[0, 0.62], anchor="y3", range=[1, 1 + 1.6 * (max(total, 2) - 1)]),
        "yaxis3": axis("points gained", domain=[0, 0.33], anchor="x3", range=[-reach, reach], zeroline=False),
        "xaxis4": axis("severity", domain=[0.7, 1], anchor="y4", range=[-0.2, 5.2], tickvals=[0, 1, 2, 3, 4, 5]),
        "yaxis4": axis("", domain=[0, 0.12], anchor="x4", range=[-1, 1], **BARE),
        "shapes": [
            vertical(float(ends[base]), COLORS["batch statistics"]),
            horizontal(0, COLORS["batch statistics"], axes="3", width=2),
            vertical(severity, INK, "solid", axes="4", width=3),
        ],
        "annotations": [
            note(0, 1, "<b>more than with means taken anew</b>", axes="3", xanchor="left", yanchor="bottom"),
            note(0, 1, f"what arrives: {values['kind']}", SOFT, axes="2", xanchor="left", yanchor="bottom"),
            note(0, 1, "how damaged: drag me", INK, axes="4", xanchor="left", yanchor="bottom"),
            *(
                label(batch[-1], at, WORDS[m].split(", ")[-1], COLORS[m], axes="3", xanchor="left", xshift=6)
                for at, m in zip(heights, later, strict=True)
            ),
        ],
        "meta": {"hands": [hand(severity, None, across="severity", axes="4")]},
    }
    told = "Damaged digits arrive, without labels, and the network may change while it works."
    more = f"Left as it is, it gets {ends[0]:.0%} right so far; with means and variances taken anew, {ends[base]:.0%}."
    return {"data": data, "layout": headline(layout, told, more)}


def _cluster(cloud: np.ndarray, n: int) -> np.ndarray:
    """Where the cluster furthest to the right is: `n` of them stand evenly on the circle of radius 1."""
    first = np.angle(np.exp(1j * n * np.arctan2(cloud[:, 1], cloud[:, 0])).mean()) / n
    angle = first + 2 * np.pi * np.arange(n) / n
    return np.array([np.cos(angle), np.sin(angle)])[:, np.cos(angle).argmax()]


def clusters(frame: xr.Dataset) -> dict[str, Any]:
    """Weights as arrows among the clusters, the ground coloured by the strongest unit; who takes which cluster."""
    w, k = frame.w.values, frame.sizes["unit"]
    # a colour step for each unit: the shading says who wins, its strength how surely
    steps = [[(i + e) / k, UNITS[i]] for i in range(k) for e in (0, 1)] if k > 1 else [[0, UNITS[0]], [1, UNITS[0]]]
    sure = frame.certainty.values
    winner = (
        np.where(sure > max(0.6, 1.0 / k), frame.winner.values.astype(float), np.nan) if k > 1 else frame.winner.values
    )
    ground = {"type": "heatmap", "z": winner, "x": frame.grid_x.values, "y": frame.grid_y.values, "opacity": 0.22}
    ground |= {"zmin": 0.5, "zmax": k + 0.5, "colorscale": steps, "showscale": False, "hoverinfo": "skip"}
    width = values_of(frame)["width"]
    centre = _cluster(frame.cloud.values, frame.sizes["cluster"])
    ring = centre[:, None] + width * np.stack([np.cos(turn := np.linspace(0, 2 * np.pi, 61)), np.sin(turn)])
    edge = centre[0] + width
    data = [
        ground,
        curve(*ring, "width of a cluster", INK, line={"color": INK, "width": 2, "dash": "dot"}, hoverinfo="skip"),
        curve(*frame.cloud.values.T, "inputs", INK, mode="markers", marker={"size": 4, "color": INK, "opacity": 0.45}),
    ]
    notes = []
    for i in range(k):
        tip, color = w[-1, i], UNITS[i]
        head = {"size": [0, 16], "color": color, "symbol": "arrow", "angleref": "previous", "opacity": 1}
        data += [
            curve(*w[:, i].T, f"path of unit {i + 1}", color, opacity=0.6, line={"color": color, "width": 1.5}),
            curve([0, tip[0]], [0, tip[1]], f"unit {i + 1}", color, mode="lines+markers", marker=head)
            | {"line": {"color": color, "width": 5}},
        ]
        notes.append(label(*(tip * (1 + 0.2 / max(np.linalg.norm(tip), 0.3))), f"<b>{i + 1}</b>", color))
    share = frame.share.values
    data.append(
        image(share, "2", [[0, "rgba(47,134,201,0.03)"], [1, BLUE]], 0, 1)
        | {
            "x": frame.unit.values,
            "y": frame.cluster.values,
            "text": np.char.mod("%.2f", share),
            "texttemplate": "%{text}",
        }
    )
    seen, length = frame.seen.values, frame.length.values
    data += [curve(seen, length[:, i], f"unit {i + 1}", UNITS[i], axes="3", pin=True) for i in range(k)]
    layout = {
        "height": 480,
        "xaxis": axis("input 1, weight 1", domain=[0, 0.54], range=[-1.6, 1.6], zeroline=False, constrain="domain"),
        "yaxis": axis("input 2, weight 2", range=[-1.6, 1.6], scaleanchor="x", constrain="domain", zeroline=False),
        "xaxis2": axis(frame.unit, domain=[0.66, 1], anchor="y2", dtick=1),
        "yaxis2": axis(frame.cluster, domain=[0.58, 1], anchor="x2", dtick=1),
        "xaxis3": axis(frame.seen, domain=[0.66, 1], anchor="y3", range=[0, frame.attrs["samples"]]),
        "yaxis3": axis("length", domain=[0, 0.36], anchor="x3", range=[0, float(max(1.3, min(1.1 * length.max(), 5)))]),
        "meta": {"hands": [hand(edge, centre[1], across=scale("width", [edge, edge + 1], [width, width + 1]))]},
        "annotations": [
            *notes,
            label(edge, centre[1], "drag me", INK, yanchor="bottom", yshift=14, bgcolor=PAPER),
            note(0.5, 1, "how much of a cluster each unit takes", SOFT, axes="2", yanchor="bottom"),
            note(0.02, 0.99, "white ground: nobody takes more than 60 %", SOFT, xanchor="left", yanchor="top"),
        ],
    }
    return {"data": data, "layout": layout}
