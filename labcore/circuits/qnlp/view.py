"""Pictures of `qnlp`: a sentence that turns into a circuit, words that learn, and a derivative made of diagrams."""

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
    SHADE,
    SOFT,
    apart,
    axis,
    curve,
    hand,
    headline,
    label,
    note,
    vertical,
)

HIDDEN = {"visible": False, "fixedrange": True, "zeroline": False}
_TYPES = {"n": "noun", "n.r": "noun<br>to the<br>left", "n.l": "noun<br>to the<br>right", "s": "sentence"}
STEP, GAP = 0.62, 0.8  # between the boxes on a wire, between words


def _line(paths: list[list[tuple[float, float]]]) -> tuple[np.ndarray, np.ndarray]:
    """Paths as one trace with gaps."""
    points = [p for path in paths for p in (*path, (np.nan, np.nan))] or [(np.nan, np.nan)]
    return tuple(np.array(points, float).T)


def _levels(partner: np.ndarray) -> dict[int, int]:
    """Left end of each cup -> how many cups deep it encloses others, from 1."""
    level: dict[int, int] = {}
    for i, j in sorted(((i, j) for i, j in enumerate(partner) if j > i), key=lambda pair: pair[1] - pair[0]):
        level[i] = 1 + max((level[k] for k in range(i + 1, j) if k in level), default=0)
    return level


def _cup(a: float, b: float, y: float, depth: float, top: float = 0.0) -> list[tuple[float, float]]:
    u = np.linspace(0, np.pi, 17)
    arc = zip((a + b) / 2 - (b - a) / 2 * np.cos(u), y - depth * np.sin(u))
    return [(a, top), *arc, (b, top)]


def sentence(frame: xr.Dataset) -> dict[str, Any]:
    """Words and cups, which turn into circuits and Bell effects as the functor is applied; p(true) beside them."""
    f, words = frame.attrs["functor"], frame.attrs["words"].split()
    owner, partner, types = frame.word.values, frame.partner.values, frame.type.values
    grammatical, q_s = frame.attrs["grammatical"], frame.attrs["q_s"]
    x = np.arange(len(owner)) + GAP * owner
    # boxes of each wire: those before its cup belong to the word
    height, inside, pairs, closed = dict.fromkeys(range(len(words)), 0), [], [], set()
    level: dict[int, int] = {}
    for name, i, j in zip(frame.gate.values, frame.first.values, frame.second.values):
        if name == "|0>":
            level[i] = 0
        elif name == "CNOT":
            closed |= {i, j}
        elif i not in closed:
            ends = [i] if j < 0 else [i, j]
            at = max(level[e] for e in ends)
            for e in ends:
                level[e] = at + 1
            height[owner[i]] = max(height[owner[i]], at + 1)
            (inside if j < 0 else pairs).append((name, i, j, at))
    tall = {k: STEP * (h + 1) + 0.5 for k, h in height.items()}
    tops = {k: 1.0 + f * (max(1.0, t) - 1.0) for k, t in tall.items()}
    outline, notes = [], []
    for k, word in enumerate(words):
        a, b = x[owner == k].min() - 0.45, x[owner == k].max() + 0.45
        mid, top = (a + b) / 2, tops[k]
        outline.append([(a, 0), (mid + f * (a - mid), top), (mid + f * (b - mid), top), (b, 0), (a, 0)])
        notes.append(label(mid, top, word, INK, yanchor="bottom", font={"color": INK, "size": 15}))
    depth = _levels(partner)
    space, below = 0.85 + 1.3 * f, 1.55 * f
    deepest = max(depth.values(), default=0)
    widest = max((x[j] - x[i] for i, j in enumerate(partner) if j > i), default=0)
    floor = -(0.8 + space * max(deepest - 1, 0) + (1 - f) * max(0.9, 0.15 + 0.05 * widest) + below + 0.35)
    wires, faded, extra, loose, dots, targets, effects, boxes = [], [], [], [], [], [], [], []
    for i, j in enumerate(partner):
        qubit = types[i].startswith("n") or q_s
        if j < 0:
            wrong = not grammatical
            (loose if wrong else wires if qubit else faded).append([(x[i], 0), (x[i], floor)])
            if wrong or qubit or f < 1:
                color = RED if wrong else GREEN
                fade = 1.0 if wrong or qubit else 1 - f
                text = f"{types[i]}: 1 qubit" if f >= 0.5 and not wrong else types[i] if wrong else "s: a sentence"
                notes.append(label(x[i], floor, text, color, yanchor="top", opacity=fade))
        elif j > i:
            y = -(0.8 + space * (depth[i] - 1))
            arc = (1 - f) * (0.45 + 0.05 * (x[j] - x[i]))
            (wires if qubit else faded).append(_cup(x[i], x[j], y, arc))
            if qubit:
                extra += [[(x[i], y), (x[i], y - below)], [(x[j], y), (x[j], y - 0.55 * below)]]
                dots.append((x[i], y))
                targets.append((x[j], y))
                boxes.append((x[i], y - 0.5 * below, "H"))
                effects += [(x[i], y - below, "\u27e80|"), (x[j], y - 0.55 * below, "\u27e80|")]
    inner, kets = [], []
    for i in level:
        top = tops[owner[i]]
        inner.append([(x[i], top - 0.35), (x[i], 0)])
        kets.append((x[i], top - 0.35, "|0\u27e9"))

    def place(i: int, at: int) -> float:
        k = owner[i]
        return tops[k] - 0.35 - STEP * (at + 1) * (tops[k] / max(1.0, tall[k]))

    for name, i, _, at in inside:
        boxes.append((x[i], place(i, at), name))
    for _, i, j, at in pairs:
        y = place(i, at)
        inner.append([(x[i], y), (x[j], y)])
        dots.append((x[i], y))
        boxes.append((x[j], y, "Rz"))
    if f < 1 and np.ptp(x) < 22:  # else there is no room for the types
        for i, t in enumerate(types):
            if partner[i] >= 0:
                beside = {"xanchor": "left", "yanchor": "top", "xshift": 2, "opacity": 1 - f}
                words = f"{t}<br>{_TYPES.get(t, '')}" if np.ptp(x) < 9 else t  # else there is room for the symbol only
                notes.append(label(x[i], 0, words, SOFT, font={"color": SOFT, "size": 12}, align="left", **beside))
    flat = (floor - 0.7, max(tops.values()) + 0.75)
    size = float(np.clip(min(430 / (np.ptp(x) + 2), 350 * STEP / (flat[1] - flat[0])), 9, 26))

    def marks(points: list, color: str, marker: dict, text: bool = False) -> dict:
        xs, ys, *names = zip(*points) if points else ((np.nan,), (np.nan,), ("",))
        more = {"text": list(names[0]), "textfont": {"color": INK, "size": 0.52 * size + 1}} if text else {}
        mode = "markers+text" if text else "markers"
        return curve(
            np.array(xs), np.array(ys), "", color, mode=mode, marker=marker, opacity=f, hoverinfo="skip", **more
        )

    def wire(paths: list, color: str, opacity: float = 1.0, **more: Any) -> dict:
        return curve(*_line(paths), "wires", color, opacity=opacity, hoverinfo="skip", **more)

    thin = {"color": BLUE, "width": 2}
    plain = {"symbol": "square", "size": size, "color": PAPER, "line": {"color": BLUE, "width": 1.5}}
    bare = {"symbol": "square", "size": size * 0.8, "color": PAPER, "line": {"width": 0}}
    cross = {"symbol": "circle-cross-open", "size": size * 0.62, "color": ORANGE, "line": {"width": 2}}
    data = [
        curve(*_line(outline), "words", BLUE, pin=True, fill="toself", fillcolor="rgba(47,134,201,0.12)", line=thin,
              hoverinfo="skip"),
        wire(wires, ORANGE, pin=True, line={"color": ORANGE, "width": 3}),
        wire(faded, ORANGE, 1 - f, line={"color": ORANGE, "width": 3}),
        wire(loose, RED, line={"color": RED, "width": 4, "dash": "dash"}),
        wire(extra, ORANGE, f, line={"color": ORANGE, "width": 3}),
        wire(inner, BLUE, f, line=thin),
        marks(dots, INK, {"size": size * 0.34, "color": INK}),
        marks(targets, ORANGE, cross),
        marks(boxes, BLUE, plain, True),
        marks([*kets, *effects], SOFT, bare, True),
    ]  # fmt: skip
    if grammatical:
        data += [
            curve(frame.angle.values, frame.p_sweep.values, "p(true)", RED, axes="2", pin=True),
            curve([frame.attrs["angle_1"]], [float(frame.p)], "now", RED, axes="2", mode="markers",
                  marker={"size": 11, "color": RED, "line": {"color": "white", "width": 2}}),
        ]  # fmt: skip
        notes.append(
            note(0.5, 1.02, f"true with {float(frame.p):.1%}", RED, axes="2", yanchor="bottom",
                 font={"color": RED, "size": 17})
        )  # fmt: skip
    else:
        notes.append(note(0.5, 0.5, "not a sentence:<br>dark orange wires stay open", RED, axes="2"))
    if f > 0.5 and grammatical and not q_s:
        open_wire = x[int(np.flatnonzero(partner < 0)[0])]
        notes.append(label(open_wire, -0.1, "s: 0 qubits", GREEN, yanchor="top"))
    told = (
        "triangles: words, with one wire for each part of their type<br>cups: parts that contract"
        if f < 0.5
        else "blue: each word is a circuit; orange: each cup is a Bell effect,<br>kept only if both qubits are in 0"
    )
    told = label(
        0, 0, told, SOFT, xref="x domain", yref="paper", xanchor="left", yanchor="top", yshift=-8, align="left"
    )
    notes.append(told)
    angle = f"first angle<br>of {frame.attrs.get('noun', 'Alice')} (rad)"
    layout = {
        "height": 520,
        "xaxis": axis("", domain=[0, 0.72], anchor="y", range=[x.min() - 0.8, x.max() + 0.8], **HIDDEN),
        "yaxis": axis("", range=list(flat), **HIDDEN),
        "xaxis2": axis(angle, domain=[0.8, 1], anchor="y2", range=[0, 2 * np.pi],
                       tickvals=[0, np.pi, 2 * np.pi], ticktext=["0", "\u03c0", "2\u03c0"]),
        "yaxis2": axis("chance p that it is true", domain=[0.18, 0.86], anchor="x2", range=[0, 1.02]),
        "annotations": notes,
    }  # fmt: skip
    if grammatical:
        layout["shapes"] = [vertical(frame.attrs["angle_1"], GREEN, "solid", axes="2", width=3)]
        layout["meta"] = {"hands": [hand(frame.attrs["angle_1"], None, across="angle_1", axes="2", color=GREEN)]}
    return {"data": data, "layout": layout}


def training(frame: xr.Dataset) -> dict[str, Any]:
    """Nouns on the Bloch sphere, what the circuits say of four sentences, and accuracy over training time."""
    states, group = frame.word_states.values, frame.noun_class.values
    # the sphere is turned so that the means of the two classes lie left and right, and z up as far as it can
    right = states[group == 0].mean(0) - states[group == 1].mean(0)
    right = right / max(np.linalg.norm(right), 1e-9)
    up = np.array([0.0, 0.0, 1.0]) - right[2] * right
    up = up / np.linalg.norm(up) if np.linalg.norm(up) > 1e-6 else np.array([0.0, 1.0, 0.0])
    flat = states @ np.stack([right, up], 1)
    u = np.linspace(0, 2 * np.pi, 73)
    circle = curve(np.cos(u), np.sin(u), "sphere", SOFT, line={"color": SOFT, "width": 1}, hoverinfo="skip")
    colors = [BLUE if g == 0 else ORANGE for g in group]
    dots = curve(*flat.T, "nouns", BLUE, mode="markers", marker={"size": 13, "color": colors}, hoverinfo="skip")
    leads, names = [], []
    for side in (0, 1):
        mine = sorted(np.flatnonzero(group == side), key=lambda n: flat[n, 1])
        ys = np.cumsum([0.0, *(max(0.17, flat[b, 1] - flat[a, 1]) for a, b in zip(mine, mine[1:]))])
        ys += flat[mine, 1].mean() - ys.mean()
        ys -= max(0.0, ys[-1] - 1.25)
        for n, y in zip(mine, ys):
            edge, end = (1.3, "left") if side == 0 else (-1.3, "right")
            leads.append([tuple(flat[n]), (edge, y)])
            names.append(label(edge, y, str(frame.noun.values[n]), colors[n], xanchor=end))
    leaders = curve(*_line(leads), "names", SOFT, line={"color": SOFT, "width": 0.8}, hoverinfo="skip")
    other = "Bob" if frame.attrs["dave"] == "in any role" else "Dave"
    asked = [f"{a} {verb} {b}" for verb in ("loves", "fears") for a, b in (("Alice", other), (other, "Alice"))]
    told = frame.sel(sentence=asked)
    truth = told.truth.values > 0.5
    said = [f"{s}<br>({'true' if t else 'false'}, {'seen' if k else 'unseen'})" for s, t, k in
            zip(asked, truth, told.seen.values)]  # fmt: skip
    bars = {
        "type": "bar", "x": told.p.values, "y": said, "orientation": "h", "xaxis": "x2", "yaxis": "y2",
        "marker": {"color": [GREEN if t else RED for t in truth]}, "showlegend": False, "hoverinfo": "x",
    }  # fmt: skip
    t = frame.time.values
    test, train = frame.test_acc.mean("repeat").values, frame.train_acc.mean("repeat").values
    bag = float(frame.base_acc[1:].mean("repeat").max())
    data = [
        circle,
        leaders,
        dots,
        bars,
        curve(t, train[0], "training sentences", SOFT, axes="3", line={"color": SOFT, "width": 2}),
        curve(t, test[1], "shuffled grammar", ORANGE, axes="3", line={"color": ORANGE, "width": 2.5}),
        curve(t[[0, -1]], np.array([bag, bag]), "bags of words", BLUE, axes="3",
              line={"color": BLUE, "width": 2, "dash": "dash"}),
        curve(t, test[0], "unseen sentences", RED, axes="3", pin=True, line={"color": RED, "width": 4}),
    ]  # fmt: skip
    ends = [(train[0, -1], "seen", SOFT), (test[0, -1], "unseen", RED),
            (test[1, -1], "grammar shuffled", ORANGE), (bag, "bags of words", BLUE)]  # fmt: skip
    ends.sort(key=lambda e: -e[0])
    notes = [  # from the highest down
        label(1.02, -depth, f"{text} {y:.0%}", color, axes="3", xref="x3 domain", xanchor="left")
        for depth, (y, text, color) in zip(apart([-y for y, *_ in ends], 0.085), ends)
    ]
    notes += [
        *names,
        label(
            0, 1.4, "nouns on the Bloch sphere<br>(turned so that the two classes lie apart)", SOFT, yanchor="bottom"
        ),
        label(0.5, 1, "1/2", SOFT, axes="2", yref="y2 domain", yanchor="bottom"),
    ]
    layout = {
        "height": 520,
        "margin": {"l": 108},
        "xaxis": axis("", domain=[0, 0.42], anchor="y", range=[-1.85, 1.85], **HIDDEN),
        "yaxis": axis("", domain=[0, 1], range=[-1.5, 1.9], scaleanchor="x", **HIDDEN),
        "xaxis2": axis(frame.p, domain=[0.6, 1], anchor="y2", range=[0, 1]),
        "yaxis2": axis("", domain=[0.62, 0.97], anchor="x2", autorange="reversed"),
        "xaxis3": axis(frame.time, domain=[0.53, 0.79], anchor="y3"),
        "yaxis3": axis("sentences that are right", domain=[0, 0.42], anchor="x3", tickformat=".0%", range=[0, 1.05]),
        "shapes": [vertical(0.5, SOFT, axes="2")],
        "annotations": notes,
    }  # fmt: skip
    return {"data": data, "layout": layout}


_ANGLES = {
    "first Rx of Alice": "first angle of Alice",
    "Rz of Alice": "second angle of Alice",
    "CRz of loves": "controlled angle of loves",
}


def _shift_text(shift: float) -> str:
    quarters = round(shift / (np.pi / 2))
    return ("+" if quarters > 0 else "\u2212") + ("3" if abs(quarters) == 3 else "") + "\u03c0/2"


def gradients(frame: xr.Dataset) -> dict[str, Any]:
    """The formal sum as small diagrams; the curve with its tangent; the derivative by every angle in two ways."""
    words, log = frame.attrs["words"].split(), frame.attrs["bubble"] == "log p"
    t, here, now = frame.attrs["t"], frame.attrs["here"], int(frame.attrs["now"])
    slope = float(frame.by_shift[now])
    shift, slots, coefficient = frame["shift"].values, frame.slot.values, frame.coefficient.values
    terms = len(shift)
    rows = -(-terms // 2)  # two diagrams in each
    centre, outline, hot, cups, notes = (0.0, 2.2, 4.4), [], [], [], []
    for k in range(terms):
        left, low = 8.4 * (k % 2) + 4.4, 4.4 * (rows - 1 - k // 2)
        for slot, (c, word) in enumerate(zip(centre, words)):
            wide = 1.0 if slot == 1 else 0.6
            a, b = left + c - wide, left + c + wide
            lit = slot == slots[k]
            (hot if lit else outline).append([(a, low), ((a + b) / 2, low + 1.1), (b, low), (a, low)])
            text = f"{word}<br>{_shift_text(shift[k])}" if lit else word
            notes.append(label(left + c, low + 1.15, text, RED if lit else SOFT, yanchor="bottom",
                               font={"color": RED if lit else SOFT, "size": 12}))  # fmt: skip
        ends = (left, left + 1.55), (left + 2.85, left + 4.4)
        cups += [[(x, low + y) for x, y in _cup(a, b, -0.15, 0.5)] for a, b in ends]
        cups.append([(left + 2.2, low), (left + 2.2, low - 0.75)])
        sign, size = "+" if coefficient[k] > 0 else "\u2212", abs(coefficient[k])
        amount = ("1/2" if abs(size - 0.5) < 1e-9 else f"{size:.3f}") + ("/p" if log else "")
        notes.append(
            label(left - 0.9, low + 0.4, f"{sign} {amount}", INK, xanchor="right", font={"color": INK, "size": 14})
        )
        adds = f"adds {float(frame.contribution[k]):+.3f}"
        notes.append(label(left + 2.2, low - 0.8, adds, SOFT, yanchor="top"))
    grid, value = frame.angle.values, frame.value.values
    reach = [float(min(value.min(), frame.copy_value.min())), float(max(value.max(), frame.copy_value.max()))]
    pad = 0.12 * (reach[1] - reach[0]) + 1e-6
    near = np.array([t - 0.9, t + 0.9])
    names, exact = [str(n) for n in frame.parameter.values], frame.by_autograd.values
    marks = {"size": 11, "symbol": "circle-open", "color": RED, "line": {"width": 2.5}}
    data = [
        curve(*_line(outline), "words", BLUE, fill="toself", fillcolor="rgba(47,134,201,0.12)", line={"color": BLUE},
              hoverinfo="skip"),
        curve(*_line(hot), "shifted word", RED, fill="toself", fillcolor="rgba(213,94,0,0.25)", line={"color": RED},
              hoverinfo="skip"),
        curve(*_line(cups), "cups", ORANGE, line={"color": ORANGE, "width": 2.5}, hoverinfo="skip"),
        curve(grid, value, frame.attrs["bubble"], BLUE, axes="2", pin=True),
        curve(near, here + slope * (near - t), "slope", RED, axes="2", line={"color": RED, "width": 4}),
        curve(t + shift, frame.copy_value.values, "shifted diagrams", RED, axes="2", mode="markers", marker=marks),
        {"type": "bar", "x": names, "y": exact, "xaxis": "x3", "yaxis": "y3", "marker": {"color": SHADE,
         "line": {"color": SOFT, "width": 1}}, "showlegend": False, "name": "autograd"},
        curve(names, frame.by_shift.values, "sum of diagrams", RED, axes="3", mode="markers", marker=marks),
    ]  # fmt: skip
    name = frame.attrs["bubble"]
    notes += [
        label(-2.0, 4.4 * (rows - 1) + 1.5, "slope of log p =" if log else "slope of p =", INK, xanchor="left",
              font={"color": INK, "size": 15}),
        label(t, 0, "angle: drag me", GREEN, axes="2", yref="y2 domain", xanchor="left", yanchor="bottom", xshift=24),
        note(0, 1.01, f"slope {slope:+.3f}<br>circles: shifted diagrams", RED, axes="2", xanchor="left",
             yanchor="bottom", align="left"),
        note(0, 1.01, "bars: backpropagation<br>circles: sum of diagrams", SOFT, axes="3", xanchor="left",
             yanchor="bottom", align="left"),
    ]  # fmt: skip
    pixels = 300 + 170 * rows  # of the panels, without margins
    low = 235 / pixels
    layout = {
        "height": pixels + 112,
        "margin": {"b": 88},
        "xaxis": axis("", domain=[0, 1], anchor="y", range=[-2.2, 18], **HIDDEN),
        "yaxis": axis("", domain=[300 / pixels, 1], anchor="x", range=[-1.6, 2.4 + 4.4 * (rows - 1)], **HIDDEN),
        "xaxis2": axis(f"{_ANGLES[frame.angle.attrs['long_name']]} (rad)", domain=[0, 0.44], anchor="y2",
                       tickvals=np.pi * np.arange(-1, 4),
                       ticktext=["\u2212\u03c0", "0", "\u03c0", "2\u03c0", "3\u03c0"]),
        "yaxis2": axis(f"{name} (chance of true)", domain=[0, low], anchor="x2",
                       range=[reach[0] - pad, reach[1] + pad]),
        "xaxis3": axis("angle of the sentence", domain=[0.54, 1], anchor="y3", tickangle=-60, type="category"),
        "yaxis3": axis(f"slope of {name}", domain=[0, low], anchor="x3"),
        "shapes": [vertical(t, GREEN, "solid", axes="2", width=3)],
        "annotations": notes,
        "meta": {"hands": [hand(t, None, across="t", axes="2", color=GREEN)]},
    }  # fmt: skip
    sum_of = " ".join(f"{'−' if c < 0 else '+'} {abs(c):.3f}" for c in map(float, frame.contribution.values))
    told = f"The slope of a sentence: {terms} pictures of itself, a word turned a bit."
    exact_here = float(exact[now])
    right = abs(slope - exact_here) < 1e-6
    more = f"{sum_of.removeprefix('+ ')} = {slope:.3f}" if terms <= 4 else f"Together they give {slope:.3f}"
    more = f"{more}, {'the slope of the curve' if right else f'and the slope is {exact_here:.3f}'}.".replace("-", "−")
    return {"data": data, "layout": headline(layout, told, more)}
