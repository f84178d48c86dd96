"""Pictures of `bidirectional`: what weights draw when run backwards, and one digit under attack."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import BLUE, ORANGE, RED, SOFT, axis, curve, hand, image, inward, label, note, sheet, vertical

CARD = ("train", "x3y3")

COLORS = (ORANGE, BLUE)  # one way, two ways
NAMES = ("one way", "two ways")
PAPER_AND_INK = [[0, "#ffffff"], [1, "#000000"]]
SIGNED = [[0, BLUE], [0.5, "#ffffff"], [1, RED]]
_BARE = {"showgrid": False, "zeroline": False, "ticks": "", "constrain": "domain"}


def _rows(axes: str, columns: int, low: float, high: float, x: list[float], title: str, ticks: list[str]) -> dict:
    """Axes of a sheet of two rows, the learners named at the left and the columns below."""
    places = [9 * c + 3.5 for c in range(columns)]
    return {
        f"xaxis{axes}": axis(title, domain=x, anchor=f"y{axes}", tickvals=places, ticktext=ticks, **_BARE),
        f"yaxis{axes}": axis(
            "",
            domain=[low, high],
            anchor=f"x{axes}",
            automargin=True,
            tickvals=[3.5, 12.5],
            ticktext=list(NAMES),
            **_BARE,
        )
        | {"autorange": "reversed", "scaleanchor": f"x{axes}"},
    }


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Ten drawings and ten filters of both networks; accuracy under attack and under noise."""
    units = frame.sizes["unit"]
    shown = min(6, units)
    w1 = frame.w1.values.transpose(0, 2, 1)
    # the strongest units: those that draw and read most
    w1 = [w[np.argsort(-np.abs(w).sum(1))[:shown]] for w in w1]
    w1 = [w / max(np.abs(w).max(), 1e-12) for w in w1]
    data = [
        image(sheet(frame.drawn.values.reshape(-1, 8, 8), 10), "3", PAPER_AND_INK, 0, 1),
        image(sheet(np.reshape(w1, (-1, 8, 8)), shown), "4", SIGNED, -1, 1),
    ]
    notes = []
    for axes, name, x in (("", "fgsm", frame.eps.values), ("2", "noisy", frame.sigma.values)):
        accuracy = frame[name].mean("repeat").values
        data += [
            curve(x, accuracy[i], f"{NAMES[i]}, {name}", COLORS[i], axes=axes, pin=not axes, mode="lines+markers")
            for i in (0, 1)
        ]
        at = 1 if name == "fgsm" else 3
        upper = int(accuracy[1, at] >= accuracy[0, at])
        notes += [
            label(x[at], accuracy[i, at], NAMES[i], COLORS[i], axes=axes)
            | {"xanchor": "left" if i == upper else "right", "yanchor": "bottom" if i == upper else "top"}
            | {"xshift": 6 if i == upper else -6}
            for i in (0, 1)
        ]
    like = frame.likeness.mean("repeat").values
    told = f"likeness to the mean digits: one way {like[0]:.2f}, two ways {like[1]:.2f}"
    notes.append(
        note(0, 1, f"<b>drawn by their own weights, run backwards</b><br>{told}", axes="3", yanchor="bottom", yshift=4)
        | {"xanchor": "left", "align": "left"}
    )
    layout = {
        "height": 560,
        "xaxis": axis("size of the attack ε", domain=[0.44, 0.68], anchor="y"),
        "yaxis": axis("accuracy under attack", domain=[0, 0.42], range=[0, 1.02], tickformat=".0%"),
        "xaxis2": axis("strength of the noise", domain=[0.77, 1], anchor="y2"),
        "yaxis2": axis(frame.noisy, domain=[0, 0.42], anchor="x2", range=[0, 1.02], tickformat=".0%"),
        "annotations": notes,
    }
    layout |= _rows("3", 10, 0.58, 0.92, [0, 1], "class at the top", [str(c) for c in range(10)])
    layout |= _rows("4", shown, 0, 0.42, [0, 0.32], f"first layer, {shown} of {units} units", [""] * shown)
    return {"data": data, "layout": layout}


def attack(frame: xr.Dataset) -> dict[str, Any]:
    """A digit, the direction of its attack and the result, for both networks; what they say; how many survive."""
    at, names = frame.attrs["at"], list(frame.learner.values)
    original, gone = frame.original.values, np.full(64, np.nan)
    gradient = frame.gradient.values
    gradient = gradient / np.maximum(np.abs(gradient).max(1, keepdims=True), 1e-12)
    pictures = np.stack([np.stack([original, gone, a]) for a in frame.attacked.values])
    gradients = np.stack([np.stack([gone, g, gone]) for g in gradient])
    data = [
        image(sheet(pictures.reshape(-1, 8, 8), 3), "2", PAPER_AND_INK, 0, 1),
        image(sheet(gradients.reshape(-1, 8, 8), 3), "2", SIGNED, -1, 1),
    ]
    belief = frame.belief.values
    for i, axes in ((0, "3"), (1, "4")):
        for j, (picture, color) in enumerate((("clean", SOFT), ("attacked", COLORS[i]))):
            data.append(
                {"type": "bar", "x": frame.digit.values, "y": belief[i, j], "name": f"{names[i]}, {picture}"}
                | {"xaxis": f"x{axes}", "yaxis": f"y{axes}", "showlegend": False, "marker": {"color": color}}
            )
    accuracy, here = frame.accuracy.values, frame.here.values
    data += [curve(frame.eps.values, accuracy[i], names[i], COLORS[i], pin=True) for i in (0, 1)]
    data.append(
        curve([at, at], here, "here", RED, mode="markers", marker={"size": 10, "color": list(COLORS)}, hoverinfo="skip")
    )
    notes = [label(at, 1.02, "ε: drag me", RED, yanchor="bottom", xanchor=inward(at, -0.01, 0.51))]
    notes += [
        note(0.98, 0.98 - 0.07 * i, f"{names[1 - i]} {here[1 - i]:.0%}", COLORS[1 - i], xanchor="right", yanchor="top")
        for i in (0, 1)
    ]
    for i, axes in ((0, "3"), (1, "4")):
        clean, turned = belief[i].argmax(1)
        right = "still right" if turned == frame.attrs["label"] else "fooled" if clean != turned else "wrong anyway"
        notes.append(
            note(
                0.5, 1, f"{names[i]}: says {clean},<br>then {turned} ({right})", COLORS[i], axes=axes, yanchor="bottom"
            )
        )
    layout = {
        "height": 520,
        "barmode": "group",
        "xaxis": axis("attack size ε", domain=[0.78, 1], anchor="y", range=[-0.01, 0.51]),
        "yaxis": axis("test digits that survive", range=[0, 1.02], tickformat=".0%", domain=[0, 0.93]),
        "xaxis3": axis("", domain=[0.43, 0.67], anchor="y3", dtick=1),
        "yaxis3": axis(frame.belief, domain=[0.56, 0.93], anchor="x3", range=[0, 1.02], tickformat=".0%"),
        "xaxis4": axis("class (grey: before the attack)", domain=[0.43, 0.67], anchor="y4", dtick=1),
        "yaxis4": axis(frame.belief, domain=[0, 0.37], anchor="x4", range=[0, 1.02], tickformat=".0%"),
        "shapes": [vertical(at, RED, "solid", width=3)],
        "annotations": notes,
        "meta": {"hands": [hand(at, None, across="eps", color=RED)]},
    }
    layout |= _rows("2", 3, 0, 0.93, [0, 0.33], "", ["digit", "gradient", "attacked"])
    return {"data": data, "layout": layout}
