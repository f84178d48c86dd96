"""Pictures of `spike_driven`: what meets each layer, a convolution beside its fold, and training."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import BLUE, ORANGE, RED, SOFT, apart, axis, curve, headline, image, label, note, values_of

CARD = ("pipe", "xy")
SHADES = [[0, "rgb(20,20,25)"], [0.5, "rgb(60,110,160)"], [1, "rgb(255,235,170)"]]
WRONG = [[0, "rgb(240,240,240)"], [1, RED]]


def pipe(frame: xr.Dataset) -> dict[str, Any]:
    """Nanojoules of each layer, the first on top, blue where spikes meet its weights, red where numbers do."""
    energy, largest = frame.energy.values, frame.largest.values
    odd = frame.analog.values > 0
    row = np.arange(len(energy))
    colours = [SOFT if i == 0 else RED if o else BLUE for i, o in enumerate(odd)]
    data = [
        {"type": "bar", "orientation": "h", "x": energy, "y": row, "showlegend": False, "xaxis": "x", "yaxis": "y",
         "marker": {"color": colours}, "hovertemplate": "%{x:.0f} nJ<extra></extra>"},
        curve(frame.rate.values, row, "mean input", BLUE, axes="2", mode="lines+markers", pin=True,
              marker={"size": 9, "color": colours}),
    ]  # fmt: skip
    red = int(odd[1:].sum())
    told = (
        f"{red} of {len(row) - 1} layers behind the first multiply." if red else "Behind the first, nothing multiplies."
    )
    ticks = {"tickvals": row, "ticktext": frame.layer.values, "range": [len(row) - 0.4, -0.6]}
    layout = {
        "height": 470,
        "margin": {"t": 44, "l": 76},
        "xaxis": axis(frame.energy, domain=[0, 0.52], range=[0, 1.3 * float(energy.max())]),
        "yaxis": axis("layer", **ticks),
        "xaxis2": axis("mean input", domain=[0.7, 1], anchor="y2", rangemode="tozero"),
        "yaxis2": axis("layer", anchor="x2", **ticks),
        "annotations": [
            note(0, 1, "grey: the image; blue: spikes meet<br>the weights; red: other numbers do", SOFT,
                 xanchor="left", yanchor="bottom", align="left"),
            *[label(float(energy[i]), float(i), f" up to {largest[i]:.0f}", RED, xanchor="left")
              for i in row[1:] if odd[i]],
        ],
    }  # fmt: skip
    return {"data": data, "layout": headline(layout, f"{float(frame.total):.0f} nJ a digit. {told}")}


def fold(frame: xr.Dataset) -> dict[str, Any]:
    """One channel of the convolution in its parts, and where it differs from its fold."""
    row, column = frame.row.values, frame.column.values
    shown, differs = frame.output.values[0], frame.apart.values
    low, high = float(shown.min()), float(shown.max())
    data = [
        image(shown, "", SHADES, low, max(high, low + 1e-9), x=column, y=row),
        image(differs, "2", WRONG, 0, max(1.0, float(differs.max())), x=column, y=row),
    ]
    square = {"range": [len(row) - 0.5, -0.5], "dtick": 2}
    layout = {
        "height": 380,
        "xaxis": axis(frame.column, domain=[0, 0.44], dtick=2),
        "yaxis": axis(frame.row, **square),
        "xaxis2": axis(frame.column, domain=[0.56, 1], anchor="y2", dtick=2),
        "yaxis2": axis(frame.row, anchor="x2", **square),
        "annotations": [
            note(0, 1.02, "one channel, in five parts", SOFT, xanchor="left", yanchor="bottom"),
            note(0, 1.02, "difference from the fold", RED, axes="2", xanchor="left", yanchor="bottom"),
        ],
    }
    border = float(frame.border)
    told = "Five parts and one give the same numbers everywhere."
    if border > 1e-9:
        told = f"On the border the fold is wrong, by up to {border:.1f}."
    return {"data": data, "layout": headline(layout, told)}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy of both networks over training steps, and what a digit costs."""
    batch, right, end = frame.batch.values, frame.accuracy.values.mean(1), values_of(frame)["batches"]
    cost, colours = frame.energy.values.mean(1), (BLUE, ORANGE)
    places = apart(right[:, -1], 0.08, 1.0)
    data, notes = [], []
    for name, y, color, at in zip(frame.route.values, right, colours, places, strict=True):
        data.append(curve(batch, y, str(name), color, mode="lines+markers", pin=str(name) == "spikes"))
        notes.append(label(float(batch[-1]), at, f" {name}", color, xanchor="left"))
    data.append(
        {"type": "bar", "x": [str(n) for n in frame.route.values], "y": cost, "showlegend": False,
         "xaxis": "x2", "yaxis": "y2", "marker": {"color": list(colours)},
         "hovertemplate": "%{y:.0f} nJ<extra></extra>"}
    )  # fmt: skip
    layout = {
        "height": 390,
        "xaxis": axis(frame.batch, domain=[0, 0.56], range=[0, 1.4 * end]),
        "yaxis": axis("right on new digits", range=[0, 1.05], tickformat=".0%"),
        "xaxis2": axis("network", domain=[0.7, 1], anchor="y2"),
        "yaxis2": axis(frame.energy, anchor="x2", rangemode="tozero"),
        "annotations": notes,
    }
    told = f"Spikes read {right[0, -1]:.0%}, for {cost[0] / cost[1]:.0%} of the energy; numbers {right[1, -1]:.0%}."
    return {"data": data, "layout": headline(layout, told)}
