"""Signals on their way through many layers, the tails of what comes out, and depth over width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.frames import label as beside
from labcore.words import plain

from .activations import Activation, code
from .critical import critical, tuned
from .ensemble import cross, next_layer
from .fates import fate, fate_map, spoken
from .flow import LARGEST, SMALLEST, flow, gaps
from .fluctuations import four_point_with_skip

WORDS = {"relu": "ReLU", "leaky": "leaky ReLU", "gelu": "GELU", "swish": "SiLU (Swish)"}
Tunable = Literal["relu", "leaky", "linear", "tanh", "sin", "gelu", "swish"]
Tuned = Annotated[Tunable, choice("What each neuron does to its sum", label="activation", main=True, words=WORDS)]
WEIGHTS, BIASES = np.linspace(0.5, 4, 71), np.linspace(0, 1, 41)

JOURNEY = Frame(
    weight=axis("weights' variance × width, C_W"),
    bias=axis("biases' variance C_b"),
    fate=var("bias weight", "what becomes of a signal"),
    net=axis("network"),
    layer=axis("layer", start=1),
    size=var("net layer", "size of the signal K, in a network"),
    gap=var("net layer", "gap between two inputs over their size, in a network"),
    theory_size=var("layer", "size of the signal K, infinitely wide"),
    theory_gap=var("layer", "gap between two inputs over their size, infinitely wide"),
    end=var("", "what becomes of the signal, by number"),
    c_w=var("", "C_W at the critical point", optional=True),
    c_b=var("", "C_b at the critical point", optional=True),
)


@experiment(quick=dict(nets=3), frame=JOURNEY)
def journey(
    activation: Annotated[
        Activation, choice("What each neuron does to its sum", label="activation", main=True, words=WORDS)
    ] = "relu",
    weights: Annotated[
        float, number(0.5, 4, "Variance of a weight times the width", "drawing", label="weights C_W", main=True)
    ] = 2.0,
    biases: Annotated[float, number(0, 1, "Variance of a bias", "drawing", label="biases C_b", main=True)] = 0.0,
    depth: Annotated[int, number(2, 60, "Layers", "network", label="layers L")] = 50,
    width: Annotated[int, number(8, 256, "Neurons in a layer", "network", label="width n")] = 100,
    start: Annotated[
        float, number(0.1, 10, "Mean square of the first layer's numbers", "signal", label="first size K")
    ] = 1.0,
    apart: Annotated[
        float, number(0.01, 1, "First gap of two inputs, over their size", "signal", label="first gap")
    ] = 0.1,
    nets: Annotated[int, number(2, 12, "Networks that are drawn", "network", label="networks")] = 5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two inputs cross networks with fresh random weights; what theory says for infinite width; a map of fates.

    Sizes are mean squares over a layer, a gap is the root mean square difference of the two inputs' numbers over the
    root of the size. The map is that of two inputs that are nearly the same, in infinitely wide layers. One frame.
    """
    rng = np.random.default_rng(seed)
    u, w = rng.standard_normal((2, nets, width))
    same = 1 - apart**2 / 2
    first = np.sqrt(start) * u, np.sqrt(start) * (same * u + np.sqrt(1 - same**2) * w)
    size, gap = cross(code(activation), *first, weights, biases, depth, rng)
    size = np.clip(size, SMALLEST, LARGEST)
    k = flow(activation, weights, biases, start, depth)
    d = gaps(activation, weights, k, start * apart**2)
    theory_gap = np.sqrt(d / k)
    end = int(fate(k[-1] / start, theory_gap[-1] / apart))
    values = dict(
        weight=WEIGHTS,
        bias=BIASES,
        fate=fate_map(activation, WEIGHTS, BIASES, start, depth),
        size=size,
        gap=np.sqrt(np.clip(gap, SMALLEST, LARGEST) / size),
        theory_size=k,
        theory_gap=theory_gap,
        end=end,
    )
    if point := critical(activation):
        values |= dict(c_w=point.c_w, c_b=point.c_b)
    none = "" if point else " This activation has no critical point."
    yield JOURNEY(
        values,
        f"In {depth} infinitely wide layers the signal's size goes from {start:g} to {_number(k[-1])}, and the gap of "
        f"two inputs, as a share of its root, from {apart:g} to {_number(theory_gap[-1])}: {spoken(end)}.{none}",
    )


def _number(x: float) -> str:
    """Sizes of any order, for people: 7,584, 0.00006, 10^15."""
    if 1e-6 <= x < 1e6:
        return f"{x:,.0f}" if x >= 100 else np.format_float_positional(x, precision=2, fractional=False, trim="-")
    return f"10^{np.log10(x):.0f}"


TAILS = Frame(
    output=axis("output over its standard deviation"),
    density=var("output", "how often it comes out"),
    layer=axis("layer", start=1),
    size=var("layer", "mean size of the signal K"),
    spread=var("layer", "variance of the size between networks over its mean squared"),
    error=var("layer", "standard error of that"),
    first_order=var("layer", "the same to first order in 1 / width"),
    exact=var("layer", "the same exactly", optional=True),
    beyond=var("layer", "share of outputs beyond four standard deviations"),
)
EDGES = np.linspace(-8, 8, 65)
FOUR = 6.334e-5  # share of a Gaussian beyond four standard deviations
WATCHED, BESIDE = 20_000, 8  # networks, and neurons of each, whose outputs are counted


@experiment(quick=dict(nets=2000), frame=TAILS)
def tails(
    activation: Tuned = "relu",
    width: Annotated[int, number(8, 256, "Neurons in a layer", label="width n", main=True)] = 32,
    depth: Annotated[int, number(2, 60, "Layers", label="layers L", main=True)] = 11,
    skip: Annotated[
        float, number(0, 0.95, "Share of a layer's input that is added to what it makes", label="skip γ")
    ] = 0.0,
    nets: Annotated[int, number(1000, 50_000, "Networks that are drawn", scale="log", label="networks")] = 20_000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The outputs of many random networks at the critical point, as layers are added; a frame a layer.

    `spread` is E z_i^2 z_j^2 / K^2 - 1 of two neurons, which is the relative variance of the size between networks.
    `exact` is there for activations with s(2z) = 2 s(z) and no skip: (1 + nu / n)^(L - 1) - 1.
    """
    c_b, c_w = tuned(activation, skip)
    point = critical(activation)
    k = flow(activation, c_w, c_b, point.size or 1.0, depth, skip)
    v = four_point_with_skip(activation, c_w, k, skip)
    first_order = v / (width * k**2)
    exact = (1 + first_order[1]) ** np.arange(depth) - 1 if point.kind == "every size" and skip == 0 else None
    rng = np.random.default_rng(seed)
    z = np.sqrt(k[0]) * rng.standard_normal((nets, width))
    size, spread, error, beyond = [k[0]], [0.0], [0.0], []
    for layer in range(1, depth + 1):
        if layer > 1:
            second, fourth = next_layer(code(activation), z, c_w, c_b, skip, rng)
            size.append(second.mean())
            spread.append(fourth.mean() / size[-1] ** 2 - 1)
            error.append(fourth.std() / np.sqrt(nets) / size[-1] ** 2)
        seen = (z[:WATCHED, :BESIDE] / np.sqrt(size[-1])).ravel()
        beyond.append(float((np.abs(seen) > 4).mean()))
        values = dict(
            output=(EDGES[1:] + EDGES[:-1]) / 2,
            density=_counted(seen) / len(seen) / np.diff(EDGES),
            size=np.array(size),
            spread=np.array(spread),
            error=np.array(error),
            first_order=first_order[:layer],
            beyond=np.array(beyond),
        )
        if exact is not None:
            values["exact"] = exact[:layer]
        yield TAILS(
            values,
            f"After {layer} layer{'' if layer == 1 else 's'} of {width} neurons {beyond[-1]:.3%} of the outputs lie "
            f"beyond four standard deviations, of a Gaussian's {FOUR:.3%}. The size has a relative variance of "
            f"{plain(spread[-1], '.2f')} between networks; the first order is {first_order[layer - 1]:.2f}.",
            layer / depth,
        )


def _counted(outputs: np.ndarray) -> np.ndarray:
    """How many lie between each two of EDGES, which are equally far apart."""
    at = np.floor((outputs - EDGES[0]) / (EDGES[1] - EDGES[0]))
    inside = (at >= 0) & (at < len(EDGES) - 1)
    return np.bincount(at[inside].astype(int), minlength=len(EDGES) - 1)


SHARES = np.arange(5) / 16  # layers crossed over width
WIDTHS = (16, 32, 64, 128)

COLLAPSE = Frame(
    width=axis("width n"),
    ratio=axis("layers crossed / width"),
    layers=beside("width ratio", "layers crossed"),
    swing=var("width ratio", "1 + relative variance of the size between networks"),
    error=var("width ratio", "standard error of that"),
    theory=var("width ratio", "1 + the same to first order in 1 / width"),
)


@experiment(quick=dict(nets=1000), frame=COLLAPSE)
def collapse(
    activation: Tuned = "relu",
    skip: Annotated[
        float, number(0, 0.95, "Share of a layer's input that is added to what it makes", label="skip γ", main=True)
    ] = 0.0,
    against: Annotated[
        Literal["layers", "ratio"],
        choice("What the curves stand over", label="drawn over", main=True, words={"ratio": "layers / width"}),
    ] = "layers",
    nets: Annotated[int, number(1000, 50_000, "Networks of each width", scale="log", label="networks")] = 20_000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """How much the size of a signal differs between networks of four widths; a frame a width.

    At the critical point, after 0, 1/16, ... 4/16 of as many layers as a layer has neurons.
    """
    c_b, c_w = tuned(activation, skip)
    start = critical(activation).size or 1.0
    layers, swing, error, theory = [], [], [], []
    for at, width in enumerate(WIDTHS):
        rng = np.random.default_rng([seed, width])
        taken = (SHARES * width).astype(int)
        k = flow(activation, c_w, c_b, start, taken[-1] + 1, skip)
        v = four_point_with_skip(activation, c_w, k, skip)
        z = np.sqrt(start) * rng.standard_normal((nets, width))
        rows = [(1.0, 0.0)]
        for crossed in range(1, taken[-1] + 1):
            second, fourth = next_layer(code(activation), z, c_w, c_b, skip, rng)
            if crossed in taken:
                rows.append((fourth.mean() / second.mean() ** 2, fourth.std() / np.sqrt(nets) / second.mean() ** 2))
        layers.append(taken)
        swing.append([r[0] for r in rows])
        error.append([r[1] for r in rows])
        theory.append(1 + (v / (width * k**2))[taken])
        few = f"{taken[-1]} layers of {width} neurons"
        if at == 0:
            told = (
                f"After {few} the size of a signal has a relative variance of {swing[0][-1] - 1:.2f} between networks."
            )
        else:
            told = (
                f"After {few} the size of a signal has a relative variance of {plain(swing[at][-1] - 1, '.2f')} "
                f"between networks, after {layers[0][-1]} layers of {WIDTHS[0]} neurons {swing[0][-1] - 1:.2f}."
            )
        yield COLLAPSE(
            dict(
                width=np.array(WIDTHS[: at + 1]),
                ratio=SHARES,
                layers=np.array(layers),
                swing=np.array(swing),
                error=np.array(error),
                theory=np.array(theory),
            ),
            told,
            (at + 1) / len(WIDTHS),
        )
