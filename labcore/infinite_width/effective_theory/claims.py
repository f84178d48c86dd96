"""Checks of what deep networks with random weights do to signals."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, jackknife, mean, once

from .critical import critical
from .experiments import collapse, journey, tails

NETS = 50_000
PUBLISHED = {"gelu": (0.17292, 1.98306), "swish": (0.55514, 1.98800)}  # C_b, C_W


@claim("ReLU at C_W = 2: two outputs vary together as (1 + 5/n)^(L-1) - 1, far above the first order 5 (L-1) / n")
def the_exact_law(seeds: Seeds) -> Evidence:
    frames = [once(tails, width=32, depth=11, nets=NETS, seed=s) for s in seeds(20)]
    few, many = ([float(f.spread.sel(layer=layer)) for f in frames] for layer in (5, 11))
    law, first = frames[0].exact.sel(layer=[5, 11]).values, float(frames[0].first_order.sel(layer=11))
    return Evidence(
        mean("measured / exact, 5 layers", few / law[0]) <= 1.12,
        mean("measured / exact, 5 layers", few / law[0]) >= 0.88,
        mean("measured / exact, 11 layers", many / law[1]) <= 1.12,
        mean("measured / exact, 11 layers", many / law[1]) >= 0.88,
        mean("measured / first order, 11 layers", np.array(many) / first) >= 1.5,
        size=f"width 32, {20 * NETS:,} networks",
    )


def _steepness(seeds: Seeds, activation: str) -> tuple[np.ndarray, float]:
    """Slopes of ln(1 + V / n K^2) over layers / width, one for each of 8 runs, and the first order's slope."""
    frames = [once(tails, activation=activation, width=64, depth=21, nets=5000, seed=s) for s in seeds(8)]
    x = (frames[0].layer.values[10:] - 1) / 64
    measured = np.array([(np.log1p(f.spread.values[10:]) @ x) / (x @ x) for f in frames])
    return measured, float(frames[0].first_order.values[10:] @ x / (x @ x))


@claim("Depth over width is the only knob: its slope is 5 for ReLU, 2 without activation, 2/3 for tanh")
def three_slopes(seeds: Seeds) -> Evidence:
    checks, also = [], {}
    for activation, nu in (("relu", 5.0), ("linear", 2.0), ("tanh", 2 / 3)):
        slopes, also[f"recursion, {activation}"] = _steepness(seeds, activation)
        checks += [mean(f"slope / {nu:.3g}, {activation}", slopes / nu) <= 1.25]
        checks += [mean(f"slope / {nu:.3g}, {activation}", slopes / nu) >= 0.75]
    return Evidence(*checks, size="width 64, 11 to 21 layers, 8 times 5000 networks each", also=also)


@claim("Twice as deep and twice as wide is nearly the same: over depth / width, four widths lie on one curve")
def one_curve(seeds: Seeds) -> Evidence:
    frames = [once(collapse, nets=5000, seed=s) for s in seeds(8)]
    logs = np.array([np.log(f.swing.values) for f in frames])  # repeat, width, ratio
    over = lambda a, b: a.mean() / b.mean()  # noqa: E731
    same = jackknife("ln(1 + V), 16 layers of 128 over 4 of 32", over, logs[:, 3, 2], logs[:, 1, 2])
    return Evidence(
        same <= 1.25,
        same >= 0.8,
        jackknife("ln(1 + V), 8 layers of 128 over 8 of 32", over, logs[:, 3, 1], logs[:, 1, 4]) <= 0.4,
        size="ReLU, 8 times 5000 networks of each width",
        also={
            f"{n // 8} layers of {n} over 4 of 32": over(logs[:, w, 2], logs[:, 1, 2]) for w, n in ((0, 16), (2, 64))
        },
    )


@claim("GELU and SiLU are critical at one size only, at the published C_b and C_W; the sigmoid nowhere")
def critical_points(seeds: Seeds) -> Evidence:
    off = []
    for name, published in PUBLISHED.items():
        frame = once(journey, activation=name, nets=2, depth=2, seed=seeds.first)
        off.append(np.abs(np.array([float(frame.c_b), float(frame.c_w)]) - published).max())
    none = "c_w" not in once(journey, activation="sigmoid", nets=2, depth=2, seed=seeds.first)
    return Evidence(
        exact("largest difference from the published C_b and C_W", max(off)) <= 1e-4,
        exact("sigmoids without a critical point", float(none)) >= 1,
        size="solved to 1e-12",
        also={f"K of {name}": critical(name).size for name in PUBLISHED},
    )


@claim("A fifth off the critical C_W, 20 ReLU layers change a signal's size over thirtyfold; at it they keep it")
def a_fifth_off(seeds: Seeds) -> Evidence:
    ends = {c_w: once(journey, weights=c_w, depth=21, nets=12, width=256, seed=seeds.first) for c_w in (1.6, 2.0, 2.4)}
    size = {c_w: float(f.theory_size[-1]) for c_w, f in ends.items()}
    return Evidence(
        exact("size at C_W = 2.4, infinitely wide", size[2.4]) >= 30,
        exact("size at C_W = 1.6, infinitely wide", size[1.6]) <= 1 / 30,
        exact("change of the size at C_W = 2, infinitely wide", abs(size[2.0] - 1)) <= 0.05,
        size="20 layers crossed, first size 1",
        also={f"12 networks of width 256, C_W = {c}": float(f["size"][:, -1].mean()) for c, f in ends.items()},
    )


@claim("Skips make networks more alike, without activation by 1 - γ⁴; with ReLU the factor is another one")
def skips(seeds: Seeds) -> Evidence:
    checks = []
    for activation, nu in (("linear", 2.0), ("relu", 5.0)):
        frames = [
            once(tails, activation=activation, width=128, depth=5, skip=0.8, nets=10_000, seed=s) for s in seeds(12)
        ]
        found = np.array([float(f.spread[-1]) for f in frames]) * 128 / 4
        ours = float(frames[0].first_order[-1]) * 128 / 4
        checks += [mean(f"measured / our recursion, {activation}", found / ours) <= 1.1]
        checks += [mean(f"measured / our recursion, {activation}", found / ours) >= 0.9]
        if activation == "relu":
            checks += [mean("measured / 5 (1 - γ⁴), relu", found / (nu * (1 - 0.8**4))) <= 0.9]
        else:
            checks += [exact("our recursion - 2 (1 - γ⁴), linear", abs(ours - nu * (1 - 0.8**4))) <= 1e-9]
    return Evidence(*checks, size="γ = 0.8, 5 layers of 128 neurons, 12 times 10,000 networks")
