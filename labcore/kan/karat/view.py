"""Pictures of `karat`: a row of scores and what becomes of it, and a ViT trained with either row map."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    axis,
    bundle,
    curve,
    hand,
    headline,
    label,
    log_axis,
    note,
    scale,
    values_of,
    vertical,
)


def _bars(frame: xr.Dataset, name: str, color: str, axes: str) -> list[dict]:
    """One row as bars, with the row before the move as an outline behind them."""
    before, now = frame[name].values
    tokens = frame.token.values
    place = {"xaxis": f"x{axes}", "yaxis": f"y{axes}", "x": tokens, "showlegend": False}
    hover = {"hovertemplate": "token %{x}: %{y:.3f}<extra></extra>", "meta": {"click": {"x": "token"}}}
    edges = np.repeat(np.append(tokens - 0.5, tokens[-1] + 0.5), 2)[1:-1]
    return [
        {"type": "bar", **place, "y": now, "marker": {"color": color}, "name": "now", **hover},
        curve(
            edges, np.repeat(before, 2), "before", INK, axes=axes, line={"color": INK, "width": 1.5}, hoverinfo="skip"
        ),
    ]


def _span(*arrays: np.ndarray) -> list[float]:
    """A range with room above, rounded so that the axis stands still while the bars move a little."""
    low, high = min(0.0, *(a.min() for a in arrays)), max(a.max() for a in arrays)
    step = 10 ** np.floor(np.log10(max(high - low, 1e-9))) / 2
    return [float(np.floor(low / step) * step), float(np.ceil(high / step) * step)]


def _push(frame: xr.Dataset, at: float) -> dict[str, Any]:
    """The line at the score of the pushed token, as a hand for the push."""
    push = values_of(frame)["push"]
    return hand(at, None, across=scale("push", [at, at + 1], [push, push + 1]), axes="4", color=RED)


def row(frame: xr.Dataset) -> dict[str, Any]:
    """Scores, softmax of them and the learned row, each before and now; on the right the curves of one token."""
    pushed, at = frame.attrs["pushed"], frame.attrs["at"]
    t, curves = frame.t.values, frame.curves.values
    data = [
        curve(*bundle(t, curves), "learned curves", ORANGE, axes="4", pin=True, line={"color": ORANGE, "width": 2}),
        *_bars(frame, "score", SOFT, ""),
        *_bars(frame, "softmax", BLUE, "2"),
        *_bars(frame, "learned", ORANGE, "3"),
    ]
    shown = float(np.clip(at, t[0], t[-1]))
    side, shift = ("right", -4) if shown > 0 else ("left", 4)
    nearest = np.array([np.interp(shown, t, c) for c in curves])
    dot = {"mode": "markers", "marker": {"size": 8, "color": RED}, "hoverinfo": "skip"}
    data.append(curve(np.full(len(nearest), shown), nearest, "now", RED, axes="4", **dot))
    change = [np.abs(np.diff(frame[name].values, axis=0)).max() for name in ("softmax", "learned")]

    def title(axes: str, text: str, color: str) -> dict:
        return note(0, 1, text, color, axes=axes, xanchor="left", yanchor="bottom")

    ends = {"range": [-0.6, 16.6]}
    hidden = {"showticklabels": False, **ends}
    layout = {
        "height": 540,
        "bargap": 0.25,
        "xaxis": axis("", domain=[0, 0.58], anchor="y", **hidden),
        "yaxis": axis(frame.score, domain=[0.74, 0.96], anchor="x", nticks=4, range=_span(1.2 * frame.score.values)),
        "xaxis2": axis("", domain=[0, 0.58], anchor="y2", **hidden),
        "yaxis2": axis("attention", domain=[0.4, 0.62], anchor="x2", nticks=4, range=_span(frame.softmax.values)),
        "xaxis3": axis("token (0: class token); click one to push it", domain=[0, 0.58], anchor="y3", **ends, dtick=2),
        "yaxis3": axis("attention", domain=[0, 0.28], anchor="x3", nticks=4, range=_span(frame.learned.values)),
        "xaxis4": axis("score t", domain=[0.7, 1], anchor="y4", range=[t[0], t[-1]]),
        "yaxis4": axis("learned function of that score", domain=[0, 0.96], anchor="x4"),
        "shapes": [vertical(shown, RED, axes="4")],
        # a score that lies beyond the curves is drawn at their end, which no push means
        "meta": {"hands": [_push(frame, at)] if t[0] <= at <= t[-1] else []},
        "annotations": [
            title("", "scores; line: before you moved them", SOFT),
            title("2", f"softmax: largest change {change[0]:.3f}", BLUE),
            title("3", f"learned row: largest change {change[1]:.3f}", ORANGE),
            title("4", f"token {pushed}: curves of {len(curves)} units", ORANGE),
            label(pushed, max(0.0, frame.score.values[1, pushed]), f"token {pushed}", RED, yanchor="bottom",
                  bgcolor=PAPER),
            label(shown, 0, "score now", RED, axes="4", yref="y4 domain", yanchor="bottom", xanchor=side, xshift=shift),
        ],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def digits(frame: xr.Dataset) -> dict[str, Any]:
    """Accuracy while both networks train, the singular values of their attention, and one attention matrix of each."""
    t, accuracy = frame.time.values, frame.accuracy.values
    r, rank = int(frame.ranks.sel(mode="learned").max()), int(values_of(frame)["rank"])
    index, singular = frame["index"].values, np.maximum(frame.singular.values, 1e-17)
    maps, loud = frame.attention.values, np.abs(frame.attention.values).reshape(2, -1).max(1)
    colours = {"zmin": -1, "zmax": 1, "colorscale": [[0, BLUE], [0.5, PAPER], [1, RED]], "showscale": False}
    tokens = frame.token.values
    data, notes = [], []
    for k, (color, name) in enumerate(((BLUE, "softmax"), (ORANGE, "learned rows"))):
        thin = bundle(t, accuracy[k])
        thick = {"color": color, "width": 3.5}
        data += [
            curve(*thin, "each run", color, line={"color": color, "width": 1}, opacity=0.35, hoverinfo="skip"),
            curve(t, accuracy[k].mean(0), f"{name}, mean", color, pin=True, line=thick),
            curve(index, singular[k], name, color, axes="2", mode="lines+markers", pin=True, line=thick),
            {
                "type": "heatmap", "x": tokens, "y": tokens, "z": maps[k] / max(loud[k], 1e-12), **colours,
                "xaxis": f"x{3 + k}", "yaxis": f"y{3 + k}",
                "hovertemplate": "from %{y} to %{x}: %{z:.2f}<extra></extra>",
            },
        ]  # fmt: skip
        low = {"xanchor": "right", "yanchor": "bottom"}
        notes += [
            note(0.98, 0.06 + 0.1 * (1 - k), f"{name}: {accuracy[k, :, -1].mean():.1%}", color, **low),
            note(0.5, 1, f"{name}, largest {loud[k]:.2f}", color, axes=f"{3 + k}", yanchor="bottom"),
        ]  # fmt: skip
    notes.append(
        label(17, np.log10(singular[0, -1]), "softmax", BLUE, axes="2", xanchor="right", yanchor="bottom", yshift=6)
    )
    if r < len(index):
        side = {"xanchor": "left", "xshift": 6} if r <= 10 else {"xanchor": "right", "xshift": -6}
        notes.append(label(r + 0.5, -8, f"nothing after {r}", ORANGE, axes="2", **side))
    at = {"xanchor": "left", "xshift": 6} if rank <= 10 else {"xanchor": "right", "xshift": -6}
    notes.append(label(rank + 0.5, -4, "r: drag me", GREEN, axes="2", **at))
    whole = [0, float(t[-1] / frame.attrs["progress"]) if frame.attrs["progress"] else 1.0]
    square = {"showticklabels": False, "ticks": ""}
    layout = {
        "height": 560,
        "xaxis": axis(frame.time, domain=[0, 0.44], anchor="y", range=whole),
        "yaxis": axis("test digits that are right", domain=[0.56, 1], tickformat=".0%", range=[0, 1.02]),
        "xaxis2": axis(frame["index"], domain=[0.58, 1], anchor="y2", range=[0.5, 17.5]),
        "yaxis2": log_axis(
            "singular value / largest", domain=[0.56, 1], anchor="x2", range=[-17.5, 0.5], dtick=4, minor={}
        ),
        "xaxis3": axis("attended token", domain=[0, 0.44], anchor="y3", **square),
        "yaxis3": axis("attending token", domain=[0, 0.4], anchor="x3", autorange="reversed", **square),
        "xaxis4": axis("attended token (orange +, blue −)", domain=[0.58, 1], anchor="y4", **square),
        "yaxis4": axis("attending token", domain=[0, 0.4], anchor="x4", autorange="reversed", **square),
        "shapes": [vertical(rank + 0.5, GREEN, "solid", axes="2", width=3)],
        "annotations": notes,
        "meta": {"hands": [hand(rank + 0.5, None, across=scale("rank", [1.5, 17.5], [1, 17]), axes="2", color=GREEN)]},
    }
    soft = int(frame.ranks.sel(mode="softmax").max())
    told = f"Who attends to whom: learned rows are of rank {r}, softmax of {soft}."
    more = "Digits read right: {:.0%} with learned rows, {:.0%} with softmax.".format(*accuracy[::-1, :, -1].mean(1))
    return {"data": data, "layout": headline(layout, told, more)}
