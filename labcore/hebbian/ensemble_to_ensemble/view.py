"""Pictures of `ensemble_to_ensemble`: five wirings learn side by side, and edges move to where activities agree."""

from __future__ import annotations

from typing import Any

import xarray as xr

from labcore.figure import (
    BARE,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SOFT,
    axis,
    curve,
    headline,
    image,
    label,
    note,
)

CARD = ("train", "x5y5")

COLORS = {"dense": INK, "random": SOFT, "groups": BLUE, "groups + SET": ORANGE, "groups + Hebb": GREEN}
_BARE = BARE | {"constrain": "domain"}


def _square(axes: str, x: list[float], y: list[float], title: str, side: str = "") -> dict[str, Any]:
    return {
        f"xaxis{axes}": axis(title, domain=x, anchor=f"y{axes}", **_BARE),
        f"yaxis{axes}": axis(side, domain=y, anchor=f"x{axes}", autorange="reversed", **_BARE)
        | {"scaleanchor": f"x{axes}"},
    }


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over epochs of five wirings, their edges at the end, and three of the masks."""
    epoch, names = frame.epoch.values, list(frame.wiring.values)
    accuracy = frame.accuracy.mean("repeat").values
    spread = frame.accuracy[:, :, -1].std("repeat").values
    edges = frame.edges.mean("repeat").values
    at = min(len(epoch) - 1, frame.attrs["epochs"] // 8)
    thick = {"dense": 4, "groups": 4}
    data = [
        curve(
            epoch,
            accuracy[i],
            n,
            COLORS[n],
            pin=n in thick,
            line={"color": COLORS[n], "width": thick.get(n, 1.8)},
            mode="lines+markers" if len(epoch) == 1 else "lines",
        )
        for i, n in enumerate(names)
    ]
    order = names[::-1]
    data.append(
        {
            "type": "bar",
            "orientation": "h",
            "y": order,
            "x": accuracy[::-1, -1],
            "name": "accuracy",
            "showlegend": False,
        }
        | {"xaxis": "x2", "yaxis": "y2", "marker": {"color": [COLORS[n] for n in order]}}
        | {"error_x": {"type": "data", "array": spread[::-1], "color": PURPLE, "thickness": 2}}
        | {"text": [f"{a:.1%}, {e:,.0f} edges" for a, e in zip(accuracy[::-1, -1], edges[::-1], strict=True)]}
        | {"textposition": "inside", "insidetextanchor": "start"}
    )
    layout = {
        "height": 600,
        "xaxis": axis(frame.epoch, domain=[0, 0.5], anchor="y", range=[1, max(frame.attrs["epochs"], 2)]),
        "yaxis": axis("accuracy on noisy test digits", domain=[0.5, 1], range=[0, 1.0], tickformat=".0%"),
        "xaxis2": axis("accuracy now, with its spread", domain=[0.68, 1], anchor="y2", tickformat=".0%")
        | {"range": [0, 1]},
        "yaxis2": axis("", domain=[0.5, 1], anchor="x2", automargin=True),
        "annotations": [
            label(epoch[at], accuracy[0, at], "dense", INK, xanchor="right", yanchor="bottom", xshift=-4),
            label(epoch[at], accuracy[1:, at].min(), f"{edges[2] / edges[0]:.0%} of the edges", BLUE)
            | {"xanchor": "left", "yanchor": "top", "xshift": 8},
        ],
    }
    for axes, n, x in (("3", "random", [0, 0.3]), ("4", "groups", [0.35, 0.65]), ("5", "groups + Hebb", [0.7, 1])):
        i = names.index(n)
        q = round(frame.modularity[i].mean().item(), 2) + 0.0  # no minus before a zero
        data.append(image(frame.mask[i].values, axes, [[0, "rgba(0,0,0,0)"], [1, COLORS[n]]], 0, 1))
        layout |= _square(axes, x, [0, 0.35], f"{n}:<br>modularity {q:.2f}", "to unit" if axes == "3" else "")
    return {"data": data, "layout": layout}


def grow(frame: xr.Dataset) -> dict[str, Any]:
    """Where edges went under both rules, between which groups weight runs, and how far joined units agree."""
    colors = {"SET": ORANGE, "Hebb": GREEN}
    # 0 none, 1 kept, 2 grown, 3 lost
    scale = [[0, "rgba(0,0,0,0)"], [0.25, "rgba(0,0,0,0)"], [0.25, SOFT], [0.5, SOFT]]
    scale += [[0.5, GREEN], [0.75, GREEN], [0.75, RED], [1, RED]]
    move = frame.move.values
    names = {"SET": "SET: anywhere", "Hebb": "Hebb: where units agree"}
    data, layout = [], {"height": 640}
    for i, (rule, axes, x) in enumerate((("SET", "3", [0, 0.3]), ("Hebb", "4", [0.35, 0.65]))):
        change = frame.change[i].values
        grown = int((change == 2).sum())
        data.append(image(change, axes, scale, -0.5, 3.5))
        layout |= _square(axes, x, [0.5, 0.95], f"{names[rule]}, {grown}", "to unit" if i == 0 else "")
    between = frame.between.sel(rule="Hebb").values
    data.append(
        image(between, "5", [[0, "rgba(47,134,201,0.03)"], [1, BLUE]], 0, max(between.max(), 1e-12))
        | {"x": frame.origin.values, "y": frame.to.values}
    )
    layout |= _square("5", [0.7, 1], [0.5, 0.95], "Hebb: between groups")
    mode = {"mode": "lines+markers"}
    grown, chance = frame.grown.values, frame.chance.values
    data += [curve(move, grown[i], f"grown by {r}", colors[r], pin=True, **mode) for i, r in enumerate(colors)]
    data.append(curve(move, chance[1], "all candidates", SOFT, line={"color": SOFT, "dash": "dash", "width": 2}))
    spread = frame.spread.sel(rule="Hebb").values
    data += [
        {"type": "bar", "x": frame["size"].values, "y": spread[j], "name": n, "marker": {"color": c, "opacity": 0.65}}
        | {"xaxis": "x2", "yaxis": "y2", "showlegend": False}
        for j, (n, c) in enumerate((("live", GREEN), ("missing", SOFT)))
    ]
    means = [float((frame["size"].values * s).sum()) for s in spread]
    lost = f"<span style='color:{RED}'>dark orange: lost</span>"
    high = float(max(grown.max(), chance.max(), 0.3)) * 1.15
    layout |= {
        "barmode": "overlay",
        "xaxis": axis("epoch", domain=[0, 0.44], anchor="y", range=[0, frame.attrs["epochs"]]),
        "yaxis": axis("how far joined units agree", domain=[0, 0.36], range=[0, high]),
        "xaxis2": axis("|correlation| across an edge (Hebb)", domain=[0.56, 1], anchor="y2"),
        "yaxis2": axis(frame.spread, domain=[0, 0.36], anchor="x2", tickformat=".0%"),
        "annotations": [
            label(move[-1], grown[1, -1], "grown by Hebb", GREEN, xanchor="left", xshift=8),
            label(move[-1], max(grown[0, -1], chance[1, -1]), "grown by SET", ORANGE)
            | {"xanchor": "left", "yanchor": "bottom", "xshift": 8},
            label(move[-1], min(grown[0, -1], chance[1, -1]), "all candidates", SOFT)
            | {"xanchor": "left", "yanchor": "top", "xshift": 8},
            note(0.97, 0.97, f"live edges, mean {means[0]:.2f}", GREEN, axes="2", xanchor="right", yanchor="top"),
            note(0.97, 0.83, f"missing edges, mean {means[1]:.2f}", SOFT, axes="2", xanchor="right", yanchor="top"),
            label(0, 1.0, f"grey: kept   <span style='color:{GREEN}'>green: grown</span>   {lost}   (since the start)")
            | {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"},
        ],
    }
    layout["plot_bgcolor"] = "rgba(0,0,0,0)"
    told = "The weakest edges die. New ones grow: anywhere, or where units agree."
    more = f"So far the new ones join units that agree by {grown[0, -1]:.2f}, or by {grown[1, -1]:.2f}."
    return {"data": data, "layout": headline(layout, told, more)}
