"""A network of signs as it is drawn: layers from left to right, and gates once it is read."""

from __future__ import annotations

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from labcore.figure import BLUE, GREEN, INK, ORANGE, PAPER, SOFT, curve, label, note, segments
from labcore.primitives.logic import boolean

_SYMBOL = {boolean.ZERO: "0", boolean.ONE: "1", boolean.BUF: "=", boolean.AND: "and", boolean.OR: "or"}
_SYMBOL |= {boolean.MAJ: "maj", -1: "?", -2: ""}

_INPUTS = {"multiplier2": ["2a", "a", "2b", "b"], "eca_cell": ["left", "self", "right"]}
_OUTPUTS = {"multiplier2": "product:<br>8, 4, 2, 1", "eca_cell": "next"}


def _places(width: Int[np.ndarray, " layers"]) -> Float[np.ndarray, "N 2"]:
    """Coordinates of the constant, which is not drawn here, and of all nodes, layer by layer, top to bottom."""
    places = [[np.nan, np.nan]]
    for column, count in enumerate(width):
        places += [[column, (count - 1) / 2 - row] for row in range(count)]
    return np.array(places, float)


def sizes(frame: xr.Dataset) -> Float[np.ndarray, " E"]:
    """How large the weights of the drawn run are, each over the norm sqrt(m) of its neuron of m edges."""
    neuron = frame.target.values - 1 - int(frame.width[0])
    return np.abs(frame.weights.values[frame.attrs["drawn"]]) / np.sqrt(frame.fan_in.values[neuron])


def network(frame: xr.Dataset) -> tuple[list[dict], list[dict], list[float]]:
    """Traces, annotations and the y range of the circuit of the drawn run."""
    width = frame.width.values
    place, depth, inputs = _places(width), float(width.max()) / 2, 1 + int(width[0])
    weights, source, target = frame.weights.values[frame.attrs["drawn"]], frame.source.values, frame.target.values
    size = sizes(frame)
    read = bool((frame.gate.values != -2).any())
    if read:
        # only what belongs to a gate is left, all of one strength; a neuron that is no gate keeps its weights
        gate_of = frame.gate.values[target - inputs]
        size = np.where(gate_of == -1, size, np.where(frame.kept.values != 0, 0.577, 0))
    end = place[target]
    start = np.where(
        (source == 0)[:, None], np.stack([end[:, 0] - 1, np.full(len(end), -depth - 0.45)], 1), place[source]
    )
    traces = []
    for low, high, thick in ((0.12, 0.3, 1.0), (0.3, 0.5, 2.2), (0.5, 9, 4.0)):
        for positive, color in ((True, BLUE), (False, ORANGE)):
            some = (size >= low) & (size < high) & ((weights > 0) == positive)
            x, y = segments(start[some], end[some])
            traces.append(curve(x, y, "weight", color, line={"color": color, "width": thick}, hoverinfo="skip"))
    shown = place[1:]
    symbols = _INPUTS.get(frame.attrs["task"], [""] * (inputs - 1)) + [_SYMBOL[int(k)] for k in frame.gate.values]
    big = 30 if len(shown) <= 20 else 24
    traces.append(
        curve(
            shown[:, 0],
            shown[:, 1],
            "neuron",
            INK,
            mode="markers+text",
            text=symbols,
            textfont={"size": 11, "color": INK},
            marker={"size": big, "color": PAPER, "line": {"color": GREEN if read else SOFT, "width": 2.5}},
            hoverinfo="skip",
        )
    )
    layers = np.arange(len(width) - 1)
    traces.append(
        curve(
            layers,
            np.full(len(layers), -depth - 0.45),
            "the constant -1",
            SOFT,
            mode="markers+text",
            text=["-1"] * len(layers),
            textfont={"size": 10, "color": SOFT},
            marker={"size": 20, "color": PAPER, "line": {"color": SOFT, "width": 1}},
            hoverinfo="skip",
        )
    )
    names = ["inputs", *([""] * (len(width) - 2)), _OUTPUTS.get(frame.attrs["task"], "outputs")]
    notes = [label(c, width[c] / 2 + 0.25, names[c], SOFT, yanchor="bottom") for c in (0, len(width) - 1)]
    signs = (
        f"<span style='color:{BLUE}'>blue: positive</span>, <span style='color:{ORANGE}'>orange: negative, a NOT</span>"
    )
    notes.append(note(0.5, -0.02, signs, yanchor="top"))
    return traces, notes, [-depth - 0.9, depth + 0.8]
