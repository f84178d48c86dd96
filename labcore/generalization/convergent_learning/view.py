"""Pictures of `convergent_learning`: a matrix that sorts itself, weighted partners, a turn, groups, baselines."""

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
    PURPLE,
    RED,
    SOFT,
    axis,
    curve,
    hand,
    headline,
    horizontal,
    image,
    label,
    log_axis,
    note,
    scale,
    segments,
    values_of,
    vertical,
)

SIGNED = [[0, "rgba(230,159,0,1)"], [0.5, "rgba(128,128,128,0.06)"], [1, "rgba(47,134,201,1)"]]
# what is weak stays pale, or sixty times sixty places would hide the diagonal
LIKE = [
    [0, "rgba(230,159,0,1)"],
    [0.25, "rgba(230,159,0,0.3)"],
    [0.5, "rgba(128,128,128,0.03)"],
    [0.75, "rgba(47,134,201,0.25)"],
    [1, "rgba(47,134,201,1)"],
]
FADED = [[0, "rgba(47,134,201,0.02)"], [0.5, "rgba(47,134,201,0.25)"], [1, "rgba(47,134,201,1)"]]
CARD = ("meet", "xy")
ROW = 4  # partners' pictures in a row


def _matrix(frame: xr.Dataset, low: float, high: float, axes: str = "", **more: Any) -> dict:
    """The likeness of all units, from white to blue, below zero orange."""
    colours = LIKE if low < 0 else FADED
    return image(frame.likeness.values, axes, colours, low, high, x=frame.column.values, y=frame.row.values, **more)


def _places(frame: xr.Dataset, axes: str = "", **across: Any) -> dict[str, Any]:
    """The axes of the matrix, row 1 on top."""
    n, m = frame.likeness.shape
    return {
        f"xaxis{axes}": axis(frame.column, range=[0.5, m + 0.5], showgrid=False, zeroline=False, **across),
        f"yaxis{axes}": axis(frame.row, range=[n + 0.5, 0.5], showgrid=False, zeroline=False),
    }


def _picture(weights: np.ndarray, axes: str) -> dict:
    return image(weights[::-1], axes, SIGNED, -1, 1)


def _square(x: list[float], y: list[float], axes: str) -> dict[str, Any]:
    """Axes of a picture, of which nothing is seen."""
    return {
        f"xaxis{axes}": {**HIDDEN, "domain": x, "anchor": f"y{axes}"},
        f"yaxis{axes}": {**HIDDEN, "domain": y, "anchor": f"x{axes}", "scaleanchor": f"x{axes}"},
    }


def meet(frame: xr.Dataset) -> dict[str, Any]:
    """The matrix of all pairs, the input weights of the picked one, and what lies on the diagonal."""
    values, alike = values_of(frame), frame.likeness.values
    n, m = alike.shape
    pairs, diagonal = frame.pair.values, frame.diagonal.values
    information = values["likeness"] == "information"
    i, j = min(values["a"], n), min(values["b"], m)
    made = values["matched"] / 100 * len(pairs)
    line, best = 0.5 + made, np.where(pairs <= round(made), frame.best.values, np.nan)
    data = [
        _matrix(frame, 0 if information else -1, max(alike.max(), 1e-9) if information else 1, hoverinfo="none",
                meta={"click": {"x": "b", "y": "a"}}),
        curve([j], [i], "picked", RED, mode="markers", hoverinfo="skip",
              marker={"symbol": "square-open", "size": 11, "color": RED, "line": {"width": 3, "color": RED}}),
        _picture(frame.picture_a.values, "2"),
        _picture(frame.picture_b.values, "3"),
        curve(pairs, best, "best partner, whoever has it", ORANGE, axes="4",
              line={"color": ORANGE, "width": 1.5, "dash": "dot"}),
        curve(frame.stranger.values, frame.untrained.values, "never trained, matched", SOFT, axes="4",
              line={"color": SOFT, "width": 2, "dash": "dash"}),
        curve(pairs, diagonal, "on the diagonal", BLUE, axes="4", line={"color": BLUE, "width": 3}),
    ]  # fmt: skip
    unit = " bits" if information else ""
    untrained = frame.untrained.values
    layout = {
        "height": 560,
        **_places(frame, domain=[0, 0.52]),
        **_square([0.62, 0.78], [0.6, 0.92], "2"),
        **_square([0.84, 1], [0.6, 0.92], "3"),
        "xaxis4": axis(frame.pair, domain=[0.62, 1], anchor="y4"),
        "yaxis4": axis("mutual information (bits)" if information else "correlation", domain=[0, 0.44], anchor="x4",
                       **({} if information else {"range": [min(-0.3, diagonal.min() - 0.05), 1.05]})),
        "shapes": [
            vertical(line, GREEN, "solid", width=3),
            horizontal(float(frame.shuffled), SOFT, axes="4"),
        ],
        "annotations": [
            note(0.5, 1, "left of the green line: matched; drag it", GREEN, yanchor="bottom"),
            note(0.5, 1, f"A's unit {frame.unit_a.values[i - 1]}", RED, axes="2", yanchor="bottom"),
            note(0.5, 1, f"B's unit {frame.unit_b.values[j - 1]}", RED, axes="3", yanchor="bottom"),
            note(0.5, 0, f"together: {alike[i - 1, j - 1]:.2f}{unit}".replace("-0.00", "0.00"), RED, axes="2",
                 yanchor="top", yshift=-4),
            note(0.5, 0, "pick any place", SOFT, axes="3", yanchor="top", yshift=-4),
            note(0.02, 1, "dots: best partner, whoever has it", ORANGE, axes="4", xanchor="left", yanchor="bottom"),
            label(0.3 * len(untrained), untrained[round(0.3 * len(untrained))], "never trained", SOFT, axes="4",
                  yanchor="top", xanchor="right"),
            label(0.02, float(frame.shuffled), "inputs shuffled", SOFT, axes="4", xref="x4 domain", xanchor="left",
                  yanchor="top"),
        ],
        "meta": {
            "hands": [
                hand(line, None, across=scale("matched", [0.5, len(pairs) + 0.5], [0, 100]), color=GREEN),
                hand(j, i, across="b", up="a", color=RED),
            ]
        },
    }  # fmt: skip
    return {"data": data, "layout": layout}


def partners(frame: xr.Dataset) -> dict[str, Any]:
    """Error over the penalty; each unit of B by what it needs; the chosen unit and its partners as pictures."""
    values = values_of(frame)
    penalty, target = values["penalty"], min(values["target"], frame.sizes["target"])
    error, x = frame.error.values, frame.penalty.values
    now = int(np.searchsorted(x, penalty))
    used_each, error_each = frame.used_each.values, frame.error_each.values
    data = [
        curve(x, error, "few units", BLUE, pin=True, line={"color": BLUE, "width": 3}),
        curve(used_each, error_each, "each unit of B", BLUE, axes="2", mode="markers",
              marker={"size": 8, "color": BLUE, "opacity": 0.6},
              click={"sets": [{"target": t + 1} for t in range(len(used_each))]}),
        curve(used_each[target - 1 : target], error_each[target - 1 : target], "the chosen one", RED, axes="2",
              mode="markers", marker={"size": 15, "color": RED, "symbol": "circle-open", "line": {"width": 3}}),
        _picture(frame.picture.values, "3"),
    ]  # fmt: skip
    single, full = float(frame.single), float(frame.full)
    notes = [
        label(0.02, single, "best unit alone", ORANGE, xref="x domain", xanchor="left", yanchor="bottom"),
        label(0.98, full, "all units", GREEN, xref="x domain", xanchor="right", yanchor="bottom"),
        label(np.log10(penalty), error[now], f"{frame.used.values[now]:.1f} units: drag me", BLUE, yshift=14,
              xanchor="right" if now > len(x) / 2 else "left"),
        note(0.98, 0.97, "each unit of B: pick one", BLUE, axes="2", xanchor="right", yanchor="top"),
        note(0.5, 1, "the unit of B", RED, axes="3", yanchor="bottom"),
    ]  # fmt: skip
    weights, pictures = frame.weight.values, frame.pictures.values
    some = int((weights != 0).sum())
    shown = np.full((2 * 10 - 1, ROW * 9 - 1), np.nan)
    for p in range(min(some, 2 * ROW)):
        r, c = divmod(p, ROW)
        shown[r * 10 : r * 10 + 8, c * 9 : c * 9 + 8] = pictures[p]
        notes.append(label(c * 9 + 3.5, 18 - (r * 10 + 8.1), f"{weights[p]:+.2f}", INK if weights[p] > 0 else PURPLE,
                           axes="4"))  # fmt: skip
    data.append(image(shown[::-1], "4", SIGNED, -1, 1))
    more = int(used_each[target - 1]) - some
    notes.append(
        note(
            0.5,
            1,
            f"is about this sum of A's units{f', and {more} more' if more > 0 else ''}"
            if some
            else "no unit of A is worth the price",
            INK,
            axes="4",
            yanchor="bottom",
        )  # fmt: skip
    )
    layout = {
        "height": 580,
        "xaxis": log_axis(frame.penalty, domain=[0, 0.44], anchor="y"),
        "yaxis": axis("share of variance missed", domain=[0.58, 1], rangemode="tozero"),
        "xaxis2": axis(frame.used_each, domain=[0, 0.44], anchor="y2", rangemode="tozero"),
        "yaxis2": axis("share missed, each unit", domain=[0, 0.42], anchor="x2", rangemode="tozero"),
        **_square([0.65, 0.85], [0.66, 0.95], "3"),
        "xaxis4": {**HIDDEN, "domain": [0.52, 1], "anchor": "y4", "range": [-0.5, ROW * 9 - 1.5]},
        "yaxis4": {**HIDDEN, "domain": [0, 0.56], "anchor": "x4", "range": [-1.5, 18.5], "scaleanchor": "x4"},
        "shapes": [horizontal(single, ORANGE, "dash"), horizontal(full, GREEN, "dash"),
                   vertical(penalty, BLUE, "solid", width=3)],
        "annotations": notes,
        "meta": {"hands": [hand(penalty, None, across="penalty", color=BLUE)]},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def turn(frame: xr.Dataset) -> dict[str, Any]:
    """What a turn of B's axes does to matched units and to main directions, and the matrix as it is then."""
    values, share = values_of(frame), frame.share.values
    turned = values["turned"]
    matched, canonical, shuffled = frame.matched.values, frame.canonical.values, float(frame.shuffled)
    data = [
        curve(share, canonical, "main directions", GREEN, line={"color": GREEN, "width": 3}),
        curve(share, matched, "matched units", BLUE, line={"color": BLUE, "width": 3}),
        _matrix(frame, -1, 1, "2"),
    ]
    layout = {
        "height": 470,
        "xaxis": axis(frame.share, domain=[0, 0.42], range=[-3, 103]),
        "yaxis": axis("mean correlation", range=[0, 1.02]),
        **_places(frame, "2", domain=[0.55, 1], anchor="y2"),
        "shapes": [horizontal(shuffled, SOFT), vertical(turned, INK, "solid", width=3)],
        "annotations": [
            label(100, canonical[-1], "ten main directions", GREEN, xanchor="right", yanchor="top", yshift=-6),
            label(100, matched[-1], "matched units", BLUE, xanchor="right", yanchor="top", yshift=-6),
            label(50, shuffled, "inputs shuffled", SOFT, xanchor="center", yanchor="bottom"),
            note(0.5, 1, "drag the line: B's axes turn", INK, yanchor="bottom"),
            note(0.5, 1, "matched again at each turn", SOFT, axes="2", yanchor="bottom"),
        ],
        "meta": {"hands": [hand(turned, None, across="turned", color=INK)]},
    }
    layout["yaxis2"]["anchor"] = "x2"
    if values["sets"]:
        _sets(frame, values["layer"], data, layout)
        told = "{} sets of networks, a dot each. Matched units: {:.2f}; with axes turned {:.2f}, never trained {:.2f}."
        means = frame.matched_each.sel(depth=values["layer"]).mean("repeat")
        three = (float(means.sel(kind=kind)) for kind in ("trained", "axes turned", "never trained"))
        layout = headline(layout, told.format(frame.sizes["repeat"], *three))
    return {"data": data, "layout": layout}


def _sets(frame: xr.Dataset, layer: int, data: list[dict], layout: dict[str, Any]) -> None:
    """Add other sets of networks to a turn: dots at both ends of it, dashes for those that were never trained."""
    for name, colour in (("matched_each", BLUE), ("canonical_each", GREEN)):
        each = frame[name].sel(depth=layer)
        for x, kind in ((0, "trained"), (100, "axes turned")):
            y = each.sel(kind=kind).values
            data.append(curve(np.full(len(y), x), y, kind, colour, mode="markers", hoverinfo="skip",
                              marker={"size": 9, "color": colour, "opacity": 0.6}))  # fmt: skip
        before = float(each.sel(kind="never trained").mean())
        layout["shapes"].append(horizontal(before, colour, "dash"))
        layout["annotations"].append(label(2, before, "never trained", colour, xanchor="left", yanchor="bottom"))


def groups(frame: xr.Dataset) -> dict[str, Any]:
    """The matrix with the units of a group together, each group framed, and how many units of each network it has."""
    size = frame["size"].values
    ends = np.cumsum(size, 1) + 0.5
    starts = ends - size
    (top, left), (bottom, right) = starts, ends
    corners = [np.stack(corner, 1) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    boxes = segments(np.concatenate(corners), np.concatenate(corners[1:] + corners[:1]))
    k = frame.group.values
    data = [
        _matrix(frame, 0, 1),
        curve(*boxes, "groups", RED, line={"color": RED, "width": 2}, hoverinfo="skip"),
    ]
    for net, colour, shift in ((0, BLUE, -0.2), (1, ORANGE, 0.2)):
        data.append({"type": "bar", "x": k + shift, "y": size[net], "width": 0.38, "marker": {"color": colour},
                     "name": f"network {frame.net.values[net]}", "xaxis": "x2", "yaxis": "y2",
                     "showlegend": False})  # fmt: skip
    layout = {
        "height": 480,
        **_places(frame, domain=[0, 0.54]),
        "xaxis2": axis(frame.group, domain=[0.66, 1], anchor="y2", range=[0.4, len(k) + 0.6]),
        "yaxis2": axis(frame["size"], anchor="x2", domain=[0.15, 0.85]),
        "annotations": [
            note(0.5, 1, "each frame is a group of units of both", RED, yanchor="bottom"),
            note(0.3, 1, "of A", BLUE, axes="2", yanchor="bottom"),
            note(0.7, 1, "of B", ORANGE, axes="2", yanchor="bottom"),
        ],
    }
    return {"data": data, "layout": layout}
