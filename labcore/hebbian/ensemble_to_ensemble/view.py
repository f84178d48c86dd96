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
    PAPER,
    RED,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    image,
    label,
    note,
    scale,
    values_of,
    vertical,
)

CARD = ("train", "x5y5")

COLORS = {"dense": INK, "random": SOFT, "groups": BLUE, "groups + SET": ORANGE, "groups + Hebb": GREEN}
WORDS = {
    "dense": "dense",
    "random": "at random",
    "groups": "groups",
    "groups + SET": "moved by dice (SET)",
    "groups + Hebb": "moved by Hebb",
}
_BARE = BARE | {"constrain": "domain"}


def _square(axes: str, x: list[float], y: list[float], title: str, side: str = "") -> dict[str, Any]:
    return {
        f"xaxis{axes}": axis(title, domain=x, anchor=f"y{axes}", **_BARE),
        f"yaxis{axes}": axis(side, domain=y, anchor=f"x{axes}", autorange="reversed", **_BARE)
        | {"scaleanchor": f"x{axes}"},
    }


def train(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy over epochs of five wirings, what it is now over the edges that they have, and three of the masks."""
    epoch, names, values = frame.epoch.values, list(frame.wiring.values), values_of(frame)
    accuracy = frame.accuracy.mean("repeat").values
    spread = frame.accuracy[:, :, -1].std("repeat").values
    edges = frame.edges.mean("repeat").values
    share = edges / edges[0]
    at = min(len(epoch) - 1, frame.attrs["epochs"] // 5)
    thick = {"dense": 4, "groups": 4}
    data = [
        curve(
            epoch,
            accuracy[i],
            WORDS[n],
            COLORS[n],
            pin=n in thick,
            line={"color": COLORS[n], "width": thick.get(n, 1.8)},
            mode="lines+markers" if len(epoch) == 1 else "lines",
        )
        for i, n in enumerate(names)
    ]
    for i, n in enumerate(names):
        dot = {"size": 11, "color": COLORS[n], "line": {"color": PAPER, "width": 1}}
        data.append(
            curve(share[i : i + 1], accuracy[i, -1:], WORDS[n], COLORS[n], axes="2", mode="markers", marker=dot)
        )
        data[-1]["error_y"] = {"type": "data", "array": spread[i : i + 1], "color": COLORS[n], "thickness": 1.5}
    now = accuracy[:, -1]
    low, high = max(0.0, float(now.min()) - 0.12), min(1.0, float(now.max()) + 0.08)
    few = share[1:].mean()
    # in groups G and with chance p between them, 1/G + p (1 - 1/G) of the edges are there
    within = 1 / values["groups"]
    kept = [within, within + 0.5 * (1 - within)]
    beside = {"xanchor": "right", "xshift": -10} if few > 0.45 else {"xanchor": "left", "xshift": 10}
    held = within + values["p_inter"] * (1 - within)
    layout = {
        "height": 600,
        "xaxis": axis(frame.epoch, domain=[0, 0.42], anchor="y", range=[1, max(frame.attrs["epochs"], 2)]),
        "yaxis": axis("accuracy on noisy test digits", domain=[0.5, 0.96], range=[0, 1.0], tickformat=".0%"),
        "xaxis2": axis("edges between hidden layers", domain=[0.54, 1], anchor="y2", tickformat=".0%", range=[0, 1.22])
        | {"tickvals": [0, 0.25, 0.5, 0.75, 1]},
        "yaxis2": axis("now", domain=[0.5, 0.96], anchor="x2", tickformat=".0%", range=[low, high]),
        "shapes": [vertical(held, BLUE, "solid", axes="2", width=3)],
        "annotations": [
            label(epoch[at], accuracy[0, at], "dense", INK, xanchor="right", yanchor="bottom", xshift=-4),
            label(epoch[at], accuracy[1:, at].min(), f"{few:.0%} of the edges", BLUE)
            | {"xanchor": "left", "yanchor": "top", "xshift": 8},
            label(1, now[0], WORDS["dense"], INK, axes="2", yanchor="bottom", yshift=12),
            *(
                label(few, y, WORDS[n], COLORS[n], axes="2", **beside)
                for n, y in zip(names[1:], apart(now[1:], 0.09 * (high - low), high), strict=True)
            ),
            label(held, 0.02, "edges: drag me", BLUE, axes="2", yref="y2 domain", xanchor="left", yanchor="bottom")
            | {"xshift": 6},
        ],
        "meta": {"hands": [hand(held, None, across=scale("p_inter", kept, [0, 0.5]), axes="2", color=BLUE)]},
    }
    for axes, n, x in (("3", "random", [0, 0.3]), ("4", "groups", [0.35, 0.65]), ("5", "groups + Hebb", [0.7, 1])):
        i = names.index(n)
        q = round(frame.modularity[i].mean().item(), 2) + 0.0  # no minus before a zero
        data.append(image(frame.mask[i].values, axes, [[0, "rgba(0,0,0,0)"], [1, COLORS[n]]], 0, 1))
        layout |= _square(axes, x, [0, 0.35], f"{WORDS[n]}:<br>in groups by {q:.2f}", "to unit" if axes == "3" else "")
    told = f"Five wirings learn the same digits. One is dense; the other four have {few:.0%} of its edges."
    more = f"Now the dense one reads {now[0]:.0%}, and the one in groups {now[names.index('groups')]:.0%}."
    return {"data": data, "layout": headline(layout, told, more)}


def grow(frame: xr.Dataset) -> dict[str, Any]:
    """Where edges went under both rules, between which groups weight runs, and how far joined units agree."""
    colors = {"SET": ORANGE, "Hebb": GREEN}
    # 0 none, 1 kept, 2 grown, 3 lost
    fates = [[0, "rgba(0,0,0,0)"], [0.25, "rgba(0,0,0,0)"], [0.25, SOFT], [0.5, SOFT]]
    fates += [[0.5, GREEN], [0.75, GREEN], [0.75, RED], [1, RED]]
    move = frame.move.values
    names = {"SET": "SET: anywhere", "Hebb": "Hebb: where units agree"}
    data, layout = [], {"height": 640}
    for i, (rule, axes, x) in enumerate((("SET", "3", [0, 0.3]), ("Hebb", "4", [0.35, 0.65]))):
        change = frame.change[i].values
        grown = int((change == 2).sum())
        data.append(image(change, axes, fates, -0.5, 3.5))
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
