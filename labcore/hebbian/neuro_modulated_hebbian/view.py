"""Pictures of `neuro_modulated_hebbian`: six methods on a stream of corrupted digits, competition in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, SOFT, axis, curve, image, label, note, sheet

COLORS = {
    "source": SOFT,
    "batch statistics": SKY,
    "Hebb only": ORANGE,
    "gains only": GREEN,
    "NHL": RED,
    "Tent": BLUE,
}
UNITS = (RED, BLUE, GREEN, PURPLE, ORANGE, SKY, SOFT, INK)
_BARE = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}


def adapt(frame: xr.Dataset) -> dict[str, Any]:
    """What arrives, the accuracy so far of six methods, what changed in the filters, and the gains."""
    batch, total = frame.batch.values, frame.attrs["batches"]
    accuracy = frame.accuracy.mean("repeat").values
    methods = list(frame.learner.values)
    data = [
        curve(
            batch,
            accuracy[:, i],
            m,
            COLORS[m],
            pin=m == "NHL",
            line={"color": COLORS[m], "width": 4 if m == "NHL" else 2},
            mode="lines+markers" if len(batch) == 1 else "lines",
        )
        for i, m in enumerate(methods)
    ]
    ends = accuracy[-1]
    data.append(
        {"type": "bar", "orientation": "h", "x": ends[::-1], "y": methods[::-1], "name": "accuracy so far"}
        | {"xaxis": "x2", "yaxis": "y2", "showlegend": False, "marker": {"color": [COLORS[m] for m in methods[::-1]]}}
        | {"text": [f"{v:.1%}" for v in ends[::-1]], "textposition": "auto"}
    )
    before, now = frame.before.values, frame.filters.values
    largest = max(np.abs(before).max(), np.abs(now).max(), 1e-12)
    tiles = [(f / largest).reshape(-1, 3, 3) for f in (before, now)]
    data += [
        image(sheet(frame.pictures.values, 3), "3", "Greys", 0, 1),
        image(sheet(np.concatenate(tiles), 16), "4", "RdBu", -1, 1),
        {"type": "bar", "x": frame.filter.values, "y": frame.gain.values, "name": "gain", "showlegend": False}
        | {"xaxis": "x5", "yaxis": "y5", "marker": {"color": RED}},
    ]
    low = max(0.0, accuracy[:, 1:].min() - 0.05)  # the source, far below, has its bar
    layout = {
        "height": 600,
        "xaxis": axis("batches seen", domain=[0, 0.4], anchor="y", range=[1, max(total, 2)]),
        "yaxis": axis(frame.accuracy, domain=[0.47, 1], range=[low, 1], tickformat=".0%"),
        "xaxis2": axis(frame.accuracy, domain=[0.57, 0.77], anchor="y2", range=[0, 1], tickformat=".0%", nticks=3),
        "yaxis2": axis("", domain=[0.47, 1], anchor="x2"),
        "xaxis3": axis("what arrives", domain=[0.81, 1], anchor="y3", constrain="domain", **_BARE),
        "yaxis3": axis("", domain=[0.47, 1], anchor="x3", autorange="reversed", scaleanchor="x3", **_BARE)
        | {"constrain": "domain"},
        "xaxis4": axis("first-layer filters of NHL: before above, now below", domain=[0, 0.52], anchor="y4", **_BARE),
        "yaxis4": axis("", domain=[0.08, 0.3], anchor="x4", autorange="reversed", **_BARE),
        "xaxis5": axis("channel", domain=[0.62, 1], anchor="y5"),
        "yaxis5": axis(
            "gain, at first 1", domain=[0.08, 0.3], anchor="x5", range=[0, float(max(1.5, frame.gain.max() * 1.1))]
        ),
        "shapes": [
            {"type": "line", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "xref": "x5 domain", "yref": "y5"}
            | {"line": {"color": SOFT, "width": 1.5, "dash": "dot"}}
        ],
    }
    return {"data": data, "layout": layout}


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
    data = [
        ground,
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
        "annotations": [
            *notes,
            note(0.5, 1, "how much of a cluster each unit takes", SOFT, axes="2", yanchor="bottom"),
            note(0.02, 0.99, "white ground: nobody takes more than 60 %", SOFT, xanchor="left", yanchor="top"),
        ],
    }
    return {"data": data, "layout": layout}
