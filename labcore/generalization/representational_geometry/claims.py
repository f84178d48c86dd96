"""Checks of what the activation function makes of the hidden layer's geometry."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, repeats

from .experiments import alignment

N = 8
RUN = dict(width=100, steps=300)
SIZE = "100 hidden units, first weights of size 0.3, 8 networks"
LOW = 0.01  # the loss at which networks are compared


def _networks(seeds: Seeds, n: int = N, **values: float) -> xr.Dataset:
    return repeats(alignment, seeds, n, **(RUN | values))


def _gap(of: xr.DataArray, more: str = "tanh", less: str = "ReLU") -> np.ndarray:
    """What one activation has more than another, by network, on average over bits."""
    gap = of.sel(activation=more) - of.sel(activation=less)
    return (gap.mean("bit") if "bit" in gap.dims else gap).values


def _at_equal_loss(frame: xr.Dataset, name: str) -> xr.DataArray:
    """The alignment when a network's loss is first under 0.01; at the end where it never is."""
    low = frame.loss < LOW
    first = low.argmax("step").where(low.any("step"), frame.sizes["step"] - 1)
    return frame[name].isel(step=first)


@claim("At equal loss tanh's hidden layer is nearer to the labels, and ReLU's to the inputs")
def tanh_sees_labels_relu_sees_inputs(seeds: Seeds) -> Evidence:
    checks, worst = [], 0.0
    for clusters, steps, width, least in ((8, 300, 100, 0.03), (16, 500, 60, 0.02)):
        frame = _networks(seeds, clusters=clusters, steps=steps, width=width)
        labels, inputs = (_gap(_at_equal_loss(frame, name)) for name in ("to_labels", "to_inputs"))
        checks += [
            mean(f"alignment with the labels, tanh minus ReLU, {clusters} clusters", labels) >= least,
            mean(f"alignment with the inputs, ReLU minus tanh, {clusters} clusters", -inputs) >= 0.08,
        ]
        worst = max(worst, float(frame.loss.isel(step=-1).max()))
    checks.append(exact("largest loss at the end", worst) <= LOW)
    return Evidence(
        *checks, size=f"2 bits, compared at a loss of 0.01, {SIZE} (60 units for 16 clusters), 300 and 500 steps"
    )


@claim("ReLU's first weights leave the label directions, tanh's do not, and a shifted tanh's do in part")
def a_deaf_side_leaves_the_labels(seeds: Seeds) -> Evidence:
    off = _networks(seeds).off_labels
    part = {name: mean(f"share of growth off the label directions: {name}", off.sel(activation=name).values)
            for name in ("tanh", "erf", "shifted tanh", "ReLU")}  # fmt: skip
    return Evidence(
        part["tanh"] <= 0.05,
        part["erf"] <= 0.05,
        part["shifted tanh"] >= 0.1,
        mean("the same, ReLU minus shifted tanh", _gap(off, "ReLU", "shifted tanh")) >= 0.1,
        size=f"8 clusters, 2 bits, {SIZE}, 300 steps",
    )


@claim("It is the deaf side and not the saturation: a shifted tanh ends between tanh and ReLU, erf beside tanh")
def the_deaf_side_decides(seeds: Seeds) -> Evidence:
    end = _networks(seeds).to_labels.isel(step=-1)
    beside = mean("alignment with the labels, tanh minus erf", _gap(end, "tanh", "erf"))
    return Evidence(
        beside <= 0.005,
        beside >= -0.005,
        mean("alignment with the labels, tanh minus shifted tanh", _gap(end, "tanh", "shifted tanh")) >= 0.01,
        mean("alignment with the labels, shifted tanh minus ReLU", _gap(end, "shifted tanh", "ReLU")) >= 0.005,
        size=f"8 clusters, 2 bits, {SIZE}, 300 steps",
    )


@claim("tanh writes a bit in more parallel directions, and a noisy reader of it does better in new contexts")
def bits_are_more_parallel(seeds: Seeds) -> Evidence:
    frame = _networks(seeds)
    return Evidence(
        mean("parallelism, tanh minus ReLU", _gap(frame.parallel)) >= 0.2,
        mean("right readings in new contexts with noise, tanh minus ReLU", _gap(frame.read)) >= 0.05,
        size=f"8 clusters, 2 bits, noise of half the size of the hidden values, {SIZE}, 300 steps",
        also={"right readings without noise: tanh": frame.read_clean.sel(activation="tanh").mean(),
              "right readings without noise: ReLU": frame.read_clean.sel(activation="ReLU").mean()},
    )  # fmt: skip


@claim("Large first weights take the difference away, and with one bit ReLU is then nearer to the labels")
def only_small_weights(seeds: Seeds) -> Evidence:
    two, one = (_networks(seeds, k=k, gain=1.5, width=200).to_labels.isel(step=-1) for k in (2, 1))
    return Evidence(
        mean("alignment, tanh minus ReLU, with 2 bits", _gap(two)) <= 0.02,
        mean("alignment, tanh minus ReLU, with 1 bit", _gap(one)) <= 0,
        size="with the labels, 8 clusters, 200 hidden units, first weights of size 1.5, 8 networks, 300 steps",
    )


@claim(
    "With a single bit to learn, tanh's hidden layer is nearer to the labels by 0.03 or more",
    expected="not reproduced",
    reason="All units of one bit pull along one line, and whichever clusters a ReLU unit hears, it speaks for one of "
    "two classes: the two geometries differ by about 0.01 here.",
)
def one_bit_is_enough(seeds: Seeds) -> Evidence:
    end = _networks(seeds, 2 * N, k=1).to_labels.isel(step=-1)
    return Evidence(
        mean("alignment with the labels, tanh minus ReLU", _gap(end)) >= 0.03,
        size="8 clusters, 1 bit, 100 hidden units, first weights of size 0.3, 16 networks, 300 steps",
    )
