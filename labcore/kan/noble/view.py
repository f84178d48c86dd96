"""Pictures of `noble`: one layer split in two parts, a sharp target learned or not, and a small language model."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from labcore.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SOFT,
    apart,
    axis,
    bundle,
    curve,
    headline,
    label,
    log_axis,
    note,
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
        notes.append(label(1.02, heights[k], name, color, xref="x domain", xanchor="left"))
    data.append(curve(x, frame.target.values, "target", SOFT, axes="2", line={"color": SOFT, "width": 5}, opacity=0.5))
    for name in ("wider", "CosNet branch"):
        shape = frame.prediction.values[names.index(name)]
        data.append(curve(x, shape, name, _COLOURS[name], axes="2"))
    waves = frame.frequency.values
    for k, color in enumerate((ORANGE, RED, PURPLE)):
        data.append(curve(*bundle(t, waves[k]), f"layer {k + 1}", color, axes="3", line={"color": color, "width": 2}))
        notes.append(label(1.02, waves[k, 0, -1], f"layer {k + 1}", color, axes="3", xref="x3 domain", xanchor="left"))
    over = "grey: target, blue: wider, orange: CosNet", "CosNet tunes its own frequencies"
    for k, text in enumerate(over, 2):
        notes.append(note(0.5, 1, text, SOFT, axes=f"{k}", yanchor="bottom"))
    low = float(min(-3.5, np.floor(2 * np.log10(error.min())) / 2))
    whole = [0, float(t[-1] / frame.attrs["progress"]) if frame.attrs["progress"] else 1.0]
    layout = {
        "height": 540,
        "xaxis": axis(frame.time, domain=[0, 0.36], anchor="y", range=whole),
        "yaxis": log_axis(frame.error, range=[low, max(0.0, np.log10(error.max()))]),
        "xaxis2": axis("position along the sharp direction", domain=[0.6, 0.95], anchor="y2"),
        "yaxis2": axis("output", domain=[0.58, 1], anchor="x2"),
        "xaxis3": axis(frame.time, domain=[0.6, 0.95], anchor="y3", range=whole),
        "yaxis3": axis(frame.frequency, domain=[0, 0.38], anchor="x3"),
        "annotations": notes,
    }
    return {"data": data, "layout": layout}


def language(frame: xr.Dataset) -> dict[str, Any]:
    """Training loss of three character models, and how far two of them are ahead of the narrow one on held-out text."""
    t = frame.time.values
    train, held = frame.train.values.mean(1), frame.held_out.values.mean(1)
    ahead, when = held[0] - held, frame.steps_to.values
    data, notes = [], []
    ends = apart(train[:, -1], np.float32(0.05))  # in the precision of the losses
    for k, (name, color) in enumerate(zip(map(str, frame.model.values), (SOFT, BLUE, RED))):
        line = {"color": color, "width": 3}
        data.append(curve(t, train[k], f"{name}, training", color, line=line, pin=True))
        notes.append(label(1.02, ends[k], name, color, xref="x domain", xanchor="left"))
        if not k:
            continue
        data.append(curve(t, ahead[k], f"{name}, ahead", color, axes="2", line=line, pin=True))
        met = f", there at step {when[k]}" if when[k] else ""
        text = f"{name}: {int(frame.parameters[k]):,} numbers{met}"
        notes.append(note(0.98, 1.01 - 0.07 * k, text, color, axes="2", xanchor="right", yanchor="top"))
    own = f"0: width 32, {int(frame.parameters[0]):,} numbers"
    notes.append(note(0.98, 0.02, own, SOFT, axes="2", xanchor="right", yanchor="bottom"))
    # the first frame is far above the rest, and the rest is what there is to see
    rest = train[:, 1:] if len(t) > 1 else train
    reach = max(0.1, float(np.abs(ahead[:, 1:]).max(initial=0)))
    span = int(t[-1] / frame.attrs["progress"]) if frame.attrs["progress"] else 0
    names = [str(name) for name in frame.model.values]
    told = f"Three models guess the next letter. {names[0].capitalize()} is the smallest."
    gains = [f"{name} {'+' if ahead[k, -1] >= 0 else '−'}{abs(ahead[k, -1]):.2f}" for k, name in enumerate(names) if k]
    more = f"Ahead of it on new text, in nats: {', '.join(gains)}."
    layout = {
        "height": 440,
        "xaxis": axis(frame.time, domain=[0, 0.38], anchor="y", range=[0, max(span, 2)]),
        "yaxis": axis(frame.train, range=[float(rest.min()) - 0.15, float(rest.max()) + 0.1]),
        "xaxis2": axis(frame.time, domain=[0.6, 1], anchor="y2", range=[0, max(span, 2)]),
        "yaxis2": axis("ahead of width 32 on new text (nats)", anchor="x2", range=[-0.6 * reach, 1.5 * reach]),
        "annotations": notes,
    }
    return {"data": data, "layout": headline(layout, told, more)}
