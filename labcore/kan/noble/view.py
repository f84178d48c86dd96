"""Pictures of `noble`: one layer split in two parts, a sharp target learned or not, and a small language model."""

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
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    hand,
    headline,
    horizontal,
    label,
    log_axis,
    note,
    values_of,
    vertical,
)


def layer(frame: xr.Dataset) -> dict[str, Any]:
    """Above the output as straight line plus branch, with the best merged map; below the branch alone."""
    t, output = frame.t.values, frame.output.values
    main, side, merged = frame.main.values, frame.branch.values, frame.merged.values
    reach = max(1.0, float(np.ceil(2 * np.abs(output).max()) / 2))
    wiggle = max(0.25, float(np.ceil(4 * np.abs(side).max()) / 4))
    ends = {"xanchor": "left", "xshift": 5}
    # a rising line leaves the upper left corner free, a falling one the upper right
    corner, anchor = (0.02, "left") if main[-1] > main[0] else (0.98, "right")
    free = {"xanchor": anchor, "yanchor": "top"}
    layout = {
        "height": 520,
        "xaxis": axis("", domain=[0, 0.9], anchor="y", showticklabels=False),
        "yaxis": axis(frame.output, domain=[0.46, 1], range=[-reach, reach]),
        "xaxis2": axis("position t along a slice of the inputs", domain=[0, 0.9], anchor="y2", matches="x"),
        "yaxis2": axis("branch alone", domain=[0, 0.34], anchor="x2", range=[-wiggle, wiggle]),
        "annotations": [
            label(t[-1], output[-1], "output", RED, **ends),
            note(corner, 0.97, "straight: the main part x W", BLUE, **free),
            note(corner, 0.87, f"dashed: the best single matrix, misses {frame.attrs['left']:.1%}", SOFT, **free),
            label(t[-1], side[-1], "branch", ORANGE, axes="2", **ends),
        ],
    }  # fmt: skip
    data = [
        curve(t, merged, "best single matrix", SOFT, line={"color": SOFT, "width": 2, "dash": "dash"}),
        curve(t, main, "main part x W", BLUE),
        curve(t, output, "output", RED, pin=True, line={"color": RED, "width": 3.5}),
        curve(t, side, "branch", ORANGE, axes="2", pin=True, line={"color": ORANGE, "width": 3}),
    ]
    return {"data": data, "layout": layout}


MISSED = 0.125  # the mean square of half a sine
_COLOURS = {"same width": SOFT, "wider": BLUE, "linear branch": GREEN, "ReLU branch": PURPLE, "CosNet branch": RED}
_DASHES = {"same width": "dot", "linear branch": "dash"}


def sharp(frame: xr.Dataset) -> dict[str, Any]:
    """Test error of five networks over training; their shape along the sharp direction; CosNet's frequencies."""
    t, error = frame.time.values, np.clip(frame.error.values.mean(1), 1e-6, 1e4)
    x, names = frame.t.values, [str(m) for m in frame.model.values]
    data, notes = [], []
    heights = apart(np.log10(error[:, -1]), np.float32(0.13))  # all in the precision of the errors
    for k, name in enumerate(names):
        color, thick = _COLOURS[name], 4 if name == "CosNet branch" else 2.5
        line = {"color": color, "width": thick, "dash": _DASHES.get(name, "solid")}
        data.append(curve(t, error[k], name, color, pin=True, line=line))
        # what stands beside a branch is the network of the same width
        text = f"+ {name.removesuffix(' branch')}" if name.endswith("branch") else name
        notes.append(label(1.02, heights[k], text, color, xref="x domain", xanchor="left"))
    data.append(curve(x, frame.target.values, "target", SOFT, axes="2", line={"color": SOFT, "width": 5}, opacity=0.5))
    for name in ("wider", "CosNet branch"):
        shape = frame.prediction.values[names.index(name)]
        data.append(curve(x, shape, name, _COLOURS[name], axes="2"))
    waves = frame.frequency.values
    for k, color in enumerate((ORANGE, RED, PURPLE)):
        data.append(curve(*bundle(t, waves[k]), f"layer {k + 1}", color, axes="3", line={"color": color, "width": 2}))
        notes.append(label(1.02, waves[k, 0, -1], f"layer {k + 1}", color, axes="3", xref="x3 domain", xanchor="left"))
    over = "grey: target, blue: wider, orange: CosNet", "CosNet tunes its cosines: drag their start"
    for k, text in enumerate(over, 2):
        notes.append(note(0.5, 1, text, SOFT, axes=f"{k}", yanchor="bottom"))
    notes.append(label(0.02, np.log10(MISSED), "the fast part missed", SOFT, xref="x domain", xanchor="left",
                       yanchor="bottom"))  # fmt: skip
    low = float(min(-3.5, np.floor(2 * np.log10(error.min())) / 2))
    values = values_of(frame)
    last, start = values["steps"], values["frequency"]
    notes.append(note(0, 1, "drag the line: train longer", INK, xanchor="left", yanchor="bottom"))
    data.append(curve([0], [start], "mean frequency at the start", GREEN, axes="3", mode="markers", hoverinfo="skip",
                      marker={"size": 13, "color": GREEN, "line": {"color": PAPER, "width": 2}}))  # fmt: skip
    fast = [min(0.0, float(waves.min()) - 0.2), max(4.2, float(waves.max()) + 0.2)]
    layout = {
        "height": 540,
        "xaxis": axis(frame.time, domain=[0, 0.36], anchor="y", range=[0, 1.1 * last]),
        "yaxis": log_axis(frame.error, range=[low, max(0.0, np.log10(error.max()))]),
        "xaxis2": axis("position along the fast direction", domain=[0.6, 0.95], anchor="y2"),
        "yaxis2": axis("output", domain=[0.58, 1], anchor="x2"),
        "xaxis3": axis(frame.time, domain=[0.6, 0.95], anchor="y3", range=[-0.03 * last, 1.1 * last]),
        "yaxis3": axis("frequency of a cosine", domain=[0, 0.38], anchor="x3", range=fast),
        "shapes": [horizontal(MISSED, SOFT), vertical(last, INK, "solid", width=2)],
        "meta": {
            "hands": [
                hand(last, None, across="steps", color=INK),
                hand(0, start, up="frequency", axes="3", color=GREEN),
            ]
        },
        "annotations": notes,
    }
    ends = {name: error[names.index(name), -1] for name in ("wider", "CosNet branch")}
    found = [f"the {name} one has {end:.2g}" for name, end in ends.items()]
    told = f"A smooth target with one fast direction. Whoever misses it has an error of {MISSED}:"
    return {"data": data, "layout": headline(layout, told, f"{found[0]}, {found[1].replace(' one', '')}.")}


def language(frame: xr.Dataset) -> dict[str, Any]:
    """How far two character models are ahead of the narrow one, while they train and on held-out text."""
    t = frame.time.values
    train, held = frame.train.values.mean(1), frame.held_out.values.mean(1)
    seen, ahead, when = train[0] - train, held[0] - held, frame.steps_to.values
    data, notes = [], []
    for k, (name, color) in enumerate(zip(map(str, frame.model.values), (SOFT, BLUE, RED))):
        line = {"color": color, "width": 3}
        if not k:
            continue
        data.append(curve(t, seen[k], f"{name}, training", color, line=line, pin=True))
        notes.append(note(0.93, 1.01 - 0.07 * k, name, color, xanchor="right", yanchor="top"))
        data.append(curve(t, ahead[k], f"{name}, ahead", color, axes="2", line=line, pin=True))
        met = f", there at step {when[k]}" if when[k] else ""
        text = f"{name}: {int(frame.parameters[k]):,} numbers{met}"
        notes.append(note(0.98, 1.01 - 0.07 * k, text, color, axes="2", xanchor="right", yanchor="top"))
    own = f"0: width 32, {int(frame.parameters[0]):,} numbers"
    notes.append(note(0.98, 0.02, own, SOFT, axes="2", xanchor="right", yanchor="bottom"))
    notes.append(note(0, 1.01, "on the text that it learns", INK, xanchor="left", yanchor="bottom"))
    notes.append(note(1, 1.01, "drag the line: train longer", INK, xanchor="right", yanchor="bottom"))
    notes.append(note(0.5, 1.01, "on new text", INK, axes="2", yanchor="bottom"))
    # the first frame is far from the rest, and the rest is what there is to see
    reach = max(0.1, *(float(np.abs(v[:, 1:]).max(initial=0)) for v in (seen, ahead)))
    last = values_of(frame)["steps"]
    names = [str(name) for name in frame.model.values]
    told = f"Three models guess the next letter. {names[0].capitalize()} is the smallest."
    gains = [f"{name} {'+' if ahead[k, -1] >= 0 else '−'}{abs(ahead[k, -1]):.2f}" for k, name in enumerate(names) if k]
    more = f"Ahead of it on new text, in nats: {', '.join(gains)}."
    layout = {
        "height": 440,
        "xaxis": axis(frame.time, domain=[0, 0.46], anchor="y", range=[0, 1.06 * last]),
        "shapes": [vertical(last, INK, "solid", width=2)],
        "meta": {"hands": [hand(last, None, across="steps", color=INK)]},
        "yaxis": axis("ahead of width 32 (nats a letter)", range=[-0.6 * reach, 1.5 * reach]),
        "xaxis2": axis(frame.time, domain=[0.54, 1], anchor="y2", range=[0, 1.06 * last]),
        "yaxis2": axis("", anchor="x2", range=[-0.6 * reach, 1.5 * reach], showticklabels=False),
        "annotations": notes,
    }
    return {"data": data, "layout": headline(layout, told, more)}
