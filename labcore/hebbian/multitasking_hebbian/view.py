"""Pictures of `multitasking_hebbian`: whom each neuron serves, the map of regimes, the valleys, and the examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
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
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    image,
    inward,
    label,
    log_axis,
    note,
    scale,
    sheet,
    values_of,
    vertical,
)

CARD = ("phase_diagram", "xy")

PATTERNS = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, "#b8a800", "#8c6d5a")
REGIMES = (GRID, BLUE, ORANGE, GREEN)
_DASH = {"color": INK, "width": 1.5, "dash": "dash"}


def _steps(colours: list[str]) -> list[list]:
    """A colour scale of flat steps, one a whole number."""
    n = len(colours)
    return [[(i + side) / n, c] for i, c in enumerate(colours) for side in (0, 1)]


def _hidden(**more: Any) -> dict[str, Any]:
    return {"visible": False, "constrain": "domain"} | more


def retrieve(frame: xr.Dataset) -> dict[str, Any]:
    """Neurons coloured by the pattern that they serve, how many serve which, all overlaps and the energy in time."""
    t, m, k = frame.time.values, np.abs(frame.overlap.values), frame.sizes["pattern"]
    colours, ends = [GRID, *PATTERNS[:k]], [np.log10(0.009), np.log10(1.6 * frame.attrs["sweeps"])]
    levels, share = frame.levels.values, frame.share.values
    side = frame.sizes["row"]
    values = values_of(frame)
    left = 1 - values["d"]
    recalled = int((m[-1] > max(0.1 * left, 3 * (left / values["N"]) ** 0.5)).sum())  # as the reading counts
    low, high = -0.04, 1.12
    data = [
        {
            "type": "heatmap",
            "z": frame.state.values,
            "zmin": -0.5,
            "zmax": k + 0.5,
            "colorscale": _steps(colours),
            "showscale": False,
            "hovertemplate": "serves pattern %{z}<extra></extra>",
            "meta": {},
        },
        *[
            curve(
                t, m[:, q], f"pattern {q + 1}", PATTERNS[q], axes="2", pin=True, line={"color": PATTERNS[q], "width": 3}
            )
            for q in range(k)
        ],
        curve(*bundle(t, np.abs(frame.theory.values.T)), "theory", INK, axes="2", line=_DASH, hoverinfo="skip"),
        {
            "type": "bar",
            "x": ["none", *[str(q + 1) for q in range(k)]],
            "y": share,
            "text": [f"{s:.0%}" if s >= 0.005 else "" for s in share],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colours},
            "xaxis": "x3",
            "yaxis": "y3",
            "showlegend": False,
            "meta": {},
            "hoverinfo": "skip",
        },
        curve(t, frame.energy.values, "energy", INK, axes="4", pin=True, line={"color": INK, "width": 2.5}),
    ]
    rungs = [
        {
            "type": "line",
            "x0": 10 ** ends[0],
            "x1": 10 ** ends[1],
            "y0": y,
            "y1": y,
            "xref": "x2",
            "yref": "y2",
            "line": {"color": PATTERNS[q], "width": 1, "dash": "dot"},
        }
        for q, y in enumerate(levels[:5])
    ]
    layout = {
        "height": 600,
        "xaxis": _hidden(domain=[0, 0.4], anchor="y"),
        "yaxis": _hidden(domain=[0.34, 0.95], anchor="x", scaleanchor="x", range=[side, 0]),
        "xaxis2": log_axis(frame.time, domain=[0.53, 1], anchor="y2", range=ends),
        "yaxis2": axis("overlap |m|: how well each is recalled", domain=[0.42, 1], anchor="x2", range=[low, high]),
        "xaxis3": axis(frame.state, domain=[0, 0.4], anchor="y3", type="category"),
        "yaxis3": axis(
            "neurons", domain=[0, 0.22], anchor="x3", tickformat=".0%", range=[0, 1.25 * share.max()], nticks=3
        ),
        "xaxis4": log_axis(frame.time, domain=[0.53, 1], anchor="y4", range=ends),
        "yaxis4": axis("energy a neuron", domain=[0, 0.24], anchor="x4", nticks=4),
        "bargap": 0.15,
        "shapes": rungs,
        "annotations": [
            note(0.5, 1, "one dot a neuron, coloured<br>by the pattern that it serves", SOFT, xanchor="center")
            | {"yanchor": "bottom"},
            *[
                label(ends[0], y, words, PATTERNS[q], axes="2", **_CORNER)
                for q, (y, words) in enumerate(zip(levels, _RUNGS, strict=False))
                if not q or (y > 0.03 and levels[q - 1] - y > 0.06)
            ],
            label(ends[1], high, "dashed: theory of infinitely many neurons", SOFT, axes="2", **_RIGHT),
        ],
        # lifting the first rung leaves fewer blanks
        "meta": {"hands": [hand(None, left, up=scale("d", [0, 1], [1, 0]), axes="2", color=BLUE)]},
    }
    told = f"Each neuron serves one of {k} patterns, or none. How many can be recalled at once?"
    more = f"Now it {'is' if recalled == 1 else 'are'} {recalled}."
    return {"data": data, "layout": headline(layout, told, more)}


_RUNGS = ("the most possible, 1-d: drag me", "second rung, (1-d)d", "third rung, (1-d)d²")
_CORNER = {"xanchor": "left", "yanchor": "bottom", "xshift": 2}
_PIXELS = [[0, PAPER], [1 / 3, PAPER], [1 / 3, "#d9b36c"], [2 / 3, "#d9b36c"], [2 / 3, INK], [1, INK]]


def pictures(frame: xr.Dataset) -> dict[str, Any]:
    """Pictures of one's own as they are stored, what was shown and what it became, and how much of each is right."""
    stored, names, t = frame.stored.values, [str(n) for n in frame.pattern.values], frame.time.values
    k, h, w = stored.shape
    columns, room = min(k, 4), max(2, h // 6)  # rows above each picture, for its name
    on_top = sheet(np.pad(stored.astype(float), ((0, 0), (room, 0), (0, 0)), constant_values=np.nan), columns)
    pair = sheet(np.stack([frame.cue.values, frame.state.values]), 2)
    notes = []
    for q, name in enumerate(names):
        r, c = divmod(q, columns)
        x, y = c * (w + 1) + (w - 1) / 2, r * (h + room + 1) + room - 0.5
        notes.append(label(x, y, name[:12], PATTERNS[q], yanchor="bottom"))
    said = (f"shown: {frame.attrs['start']}", "now")
    notes += [
        label(c * (w + 1) + (w - 1) / 2, -0.5, words, SOFT, axes="2", yanchor="bottom") for c, words in enumerate(said)
    ]
    data = [image(on_top, "", _PIXELS, -1, 1), image(pair, "2", _PIXELS, -1, 1)]
    right = frame.right.values
    for q, name in enumerate(names):
        data.append(
            curve(t, right[:, q], name, PATTERNS[q], axes="3", pin=True, line={"color": PATTERNS[q], "width": 3})
        )
    ends = np.argsort(right[-1], kind="stable")[::-1]
    for q, height in zip(ends, apart(-right[-1][ends], 0.09)):
        notes.append(label(1.02, -height, names[q][:12], PATTERNS[q], axes="3", xref="x3 domain", xanchor="left"))
    data.append(curve(t, frame.energy.values, "energy", INK, axes="4", pin=True, line={"color": INK, "width": 2.5}))
    layout = {
        "height": 600,
        "margin": {"r": 90},
        "xaxis": _hidden(domain=[0, 0.46], anchor="y"),
        "yaxis": _hidden(domain=[0.56, 0.95], anchor="x", scaleanchor="x", range=[len(on_top) - 0.5, -0.5]),
        "xaxis2": _hidden(domain=[0, 0.46], anchor="y2"),
        "yaxis2": _hidden(domain=[0, 0.44], anchor="x2", scaleanchor="x2", range=[h - 0.5, -0.5 - room]),
        "xaxis3": axis(frame.time, domain=[0.57, 1], anchor="y3", range=[0, frame.attrs["sweeps"]]),
        "yaxis3": axis("pixels that are right", domain=[0.42, 1], anchor="x3", tickformat=".0%", range=[-0.02, 1.04]),
        "xaxis4": axis(frame.time, domain=[0.57, 1], anchor="y4", range=[0, frame.attrs["sweeps"]]),
        "yaxis4": axis("energy H/N", domain=[0, 0.24], anchor="x4", nticks=4),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


def _breakdown(k: int) -> float | None:
    """d_c, where 1 - 2 d + d^K = 0: the hierarchy at T = 0 ends there. None for two patterns, where it never does."""
    if k < 3:
        return None
    roots = np.roots([1, *[0] * (k - 2), -2, 1])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(real[(real > 0.4) & (real < 1 - 1e-6)].min())


def phase_diagram(frame: xr.Dataset) -> dict[str, Any]:
    """Regimes over dilution and temperature, and the overlaps along both lines through the point."""
    ds, ts, kind = frame.dilution.values, frame.temperature.values, frame.regime.values
    (d, temperature), k = frame.attrs["at"], frame.sizes["pattern"]
    click = {"click": {"x": "d", "y": "T"}}
    end = _breakdown(k)
    words = ("nothing", "one pattern", "several, unequal", "all,<br>equally")
    notes = []
    for regime, word in enumerate(words):
        rows, columns = np.nonzero(kind == regime)
        if len(rows) > 0.02 * kind.size:
            # the cell of this kind that lies nearest to the middle of them all, but not under the point or on the axis
            covered = (np.abs(ds[columns] - d) < 0.19) & (np.abs(ts[rows] - temperature) < 0.07)
            far = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
            near = np.argmin(far + len(ts) ** 2 * (covered | (ts[rows] < 0.1)))
            colour = INK if regime == 0 else "#ffffff" if regime == 1 else "#1f2328"
            notes.append(label(ds[columns[near]], ts[rows[near]], f"<b>{word}</b>", colour))
    dots = {"mode": "markers", "hoverinfo": "skip"}
    data = [
        {
            "type": "heatmap",
            "x": ds,
            "y": ts,
            "z": kind,
            "zmin": -0.5,
            "zmax": 3.5,
            "colorscale": _steps(list(REGIMES)),
            "showscale": False,
            "meta": click,
            "hovertemplate": "d = %{x:.2f}, T = %{y:.2f}<extra></extra>",
        },
        curve([0, 0.95], [1, 0.05], "T_c = 1 - d", INK, line=_DASH, hoverinfo="skip"),
        curve([d], [temperature], "here", RED, mode="markers", marker=_HERE, hoverinfo="skip"),
    ]
    for axes, x, name, at, click in (
        ("2", ds, "d", frame.point_d.values, {"x": "d"}),
        ("3", ts, "T", frame.point_T.values, {"x": "T"}),
    ):
        lines, seen = np.abs(frame[f"along_{name}"].values), frame[f"network_{name}"].values
        for q in range(k):
            data.append(curve(x, lines[:, q], f"pattern {q + 1}", PATTERNS[q], axes=axes, pin=True, click=click))
        data.append(
            curve(
                np.tile(at, k),
                seen.T.ravel(),
                "networks",
                INK,
                axes=axes,
                marker={"size": 7, "color": np.repeat(PATTERNS[:k], len(at)), "line": {"color": INK, "width": 1}},
                **dots,
            )
        )
    layout = {
        "height": 560,
        "xaxis": axis("blank share d", domain=[0, 0.5], anchor="y", range=[ds[0], ds[-1]]),
        "yaxis": axis(frame.temperature, range=[-0.02, 1.02]),
        "xaxis2": axis("blank share d", domain=[0.61, 1], anchor="y2", range=[0, 0.96]),
        "yaxis2": axis("overlap |m|", domain=[0.6, 1], anchor="x2", range=[-0.04, 1.05]),
        "xaxis3": axis(frame.temperature, domain=[0.61, 1], anchor="y3", range=[-0.02, 1.02]),
        "yaxis3": axis("overlap |m|", domain=[0, 0.4], anchor="x3", range=[-0.04, 1.05]),
        "shapes": [
            vertical(d, RED, "solid", width=2),
            vertical(d, RED, axes="2"),
            vertical(temperature, RED, axes="3"),
        ],
        "annotations": [
            *notes,
            label(0.62, 0.41, "T<sub>c</sub> = 1 - d", INK, xanchor="left", yanchor="bottom"),
            note(0.98, 1, f"at T = {temperature:.2f}", SOFT, axes="2", **_RIGHT),
            note(0.98, 1, f"at d = {d:.2f}", SOFT, axes="3", **_RIGHT),
            note(0.98, 0.86, "lines: theory<br>dots: networks", SOFT, axes="3", **_RIGHT),
            label(d, 1.02, "drag the point, or click the map", RED, yanchor="bottom", xanchor=inward(d, ds[0], ds[-1])),
        ],
        "meta": {"hands": [hand(d, temperature, across="d", up="T", color=RED)]},
    }
    if end:
        layout["annotations"].append(
            label(
                end,
                0,
                f"d<sub>c</sub> = {end:.3f}",
                "#1f2328",
                showarrow=True,
                arrowcolor="#1f2328",
                ay=-20,
                ax=0,
            )
        )
    return {"data": data, "layout": layout}


_HERE = {"size": 14, "color": RED, "line": {"color": "white", "width": 2}}
_RIGHT = {"xanchor": "right", "yanchor": "top", "align": "right"}


def landscape(frame: xr.Dataset) -> dict[str, Any]:
    """The free energy over two overlaps with the paths of networks on it, and the overlaps in time."""
    path, theory, t = frame.path.values, frame.theory.values, frame.time.values
    f = frame.free_energy.values
    m1, m2 = frame.m1.values, frame.m2.values

    def trails(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(bundle(t, p[:, :, q])[1] for q in range(2))

    reach = float(m1[-1])
    low = np.sort(np.abs(path), 2)
    last, most = apart(low[:, -1].mean(0), 0.12, 1.0), 1 - values_of(frame)["d"]
    data = [
        {
            "type": "contour",
            "x": m1,
            "y": m2,
            "z": f,
            "colorscale": "Cividis",
            "ncontours": 24,
            "zmax": float(np.quantile(f, 0.9)),
            "zmin": 0.0,
            "line": {"width": 0.6},
            "hovertemplate": "m1 = %{x:.2f}, m2 = %{y:.2f}: %{z:.3f}<extra></extra>",
            "colorbar": {
                "title": {"text": "free energy: downhill is dark", "side": "right"},
                "x": 0.505,
                "thickness": 12,
            },
            "meta": {},
        },
        curve(*trails(theory), "steepest descent", "#ffffff", line={"color": "#ffffff", "width": 1.5, "dash": "dot"}),
        curve(*trails(path), "networks", RED, line={"color": RED, "width": 2}),
        curve(
            path[:, -1, 0],
            path[:, -1, 1],
            "now",
            RED,
            mode="markers",
            marker={"size": 9, "color": RED, "line": {"color": "white", "width": 1.5}},
        ),
        curve(*bundle(t, low[:, :, 1]), "larger overlap", BLUE, axes="2", pin=True, line={"color": BLUE, "width": 1.5}),
        curve(
            *bundle(t, low[:, :, 0]),
            "smaller overlap",
            ORANGE,
            axes="2",
            pin=True,
            line={"color": ORANGE, "width": 1.5},
        ),
    ]
    layout = {
        "height": 500,
        "xaxis": axis("overlap with pattern 1, m₁", domain=[0, 0.5], range=[-reach, reach], constrain="domain"),
        "yaxis": axis("overlap with pattern 2, m₂", range=[-reach, reach], scaleanchor="x", constrain="domain"),
        "xaxis2": axis(frame.time, domain=[0.725, 1], anchor="y2", range=[0, 1.5 * max(t[-1], 1)]),
        "yaxis2": axis("overlap |m|", anchor="x2", range=[-0.02, 1.08]),
        "shapes": [horizontal(most, INK, axes="2")],
        "meta": {"hands": [hand(None, most, up=scale("d", [0, 1], [1, 0]), axes="2")]},
        "annotations": [
            label(1, most, "the most possible, 1-d: drag me", INK, axes="2", xref="x2 domain", xanchor="right")
            | {"yanchor": "bottom", "yshift": 10},
            label(t[-1], last[1], "the better<br>pattern", BLUE, axes="2", yanchor="top", yshift=-4, **_BESIDE),
            label(t[-1], last[0], "the other", ORANGE, axes="2", **_BESIDE),
            label(0, 1.0, "solid: networks; dotted: steepest descent", SOFT, yref="paper", yanchor="bottom", yshift=4),
        ],
    }
    told = f"{path.shape[0]} networks, each a dot that rolls downhill. Where it ends, it stays."
    return {"data": data, "layout": headline(layout, told)}


_BESIDE = {"xanchor": "left", "xshift": 6, "align": "left"}


def learn(frame: xr.Dataset) -> dict[str, Any]:
    """Recall of the patterns behind M noisy examples, grouped by a teacher or not."""
    m, mean = frame["count"].values, frame.overlap.mean("repeat").values
    ideal = frame.ideal.values
    most = frame.attrs["most"]
    ends = [0.9, 2.4 * max(2, most)]
    marks = {"mode": "lines+markers"}
    data = [
        curve(
            *bundle(m, mean[:, 0].T),
            "teacher",
            BLUE,
            pin=True,
            line={"color": BLUE, "width": 3},
            marker={"size": 7},
            **marks,
        ),
        curve(
            *bundle(m, mean[:, 1].T),
            "no teacher",
            ORANGE,
            pin=True,
            line={"color": ORANGE, "width": 3, "dash": "dash"},
            marker={"size": 7, "symbol": "diamond"},
            **marks,
        ),
        curve(*bundle(np.array(ends), np.repeat(ideal[:, None], 2, 1)), "the patterns themselves", SOFT, line=_DOT),
    ]
    layout = {
        "height": 440,
        "xaxis": log_axis(frame["count"], range=list(np.log10(ends))),
        "yaxis": axis("overlap |m| with the patterns", range=[-0.02, 1.15 * max(ideal[0], mean.max())]),
        "annotations": [
            *[
                label(np.log10(ends[0]), y, name, SOFT, xanchor="left", yanchor="bottom", xshift=4)
                for y, name in zip(
                    ideal, ("first, if the patterns themselves are stored", "second", "third"), strict=False
                )
                if y > 0.03
            ],
            label(np.log10(most), 0.5, "examples: drag me", GREEN, yref="y domain", xanchor="right", xshift=-6),
            label(np.log10(m[-1]), mean[-1, 0, 0], "teacher", BLUE, xanchor="left", xshift=8, yshift=9),
            label(np.log10(m[-1]), mean[-1, 1, 0], "no teacher", ORANGE, xanchor="left", xshift=8, yshift=-9),
        ],
        "shapes": [vertical(most, GREEN, "solid", width=3)],
        "meta": {"hands": [hand(most, None, across="M", color=GREEN)]},
    }
    told = f"It has seen {m[-1]} bad cop{'y' if m[-1] == 1 else 'ies'} of each pattern, never the pattern itself."
    more = f"It recalls {mean[-1, 0, 0]:.2f} of the first one; stored directly, {ideal[0]:.2f} is the most."
    return {"data": data, "layout": headline(layout, told, more)}


_DOT = {"color": SOFT, "width": 1.5, "dash": "dot"}
