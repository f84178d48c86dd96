"""Supervised learning in a spiking network whose synapses only know that two spikes were close in time.

Problem: classical STDP has no place for a label. A teacher that makes the right output neuron fire is not enough:
its spikes come before and after those of the layer below equally often, and strengthening and weakening cancel.
Idea: a symmetric window. Traces x (pre) and y (post) decay with tau = 20 ms and grow by 0.1 with each own spike;
    pre spike   g += eta y,      post spike   g += eta x,      clipped to [0, g_max]
so that a pair dt apart adds 0.1 eta exp(-|dt|/tau) in either order. What only grows must be held by
    scaling     before each image g <- g target / sum g for every post neuron: one weight gains, the others lose
    tiring      threshold -72 mV + theta, theta starts at 20 and each own spike adds alpha 10 / |theta - 10|
Poisson pixels -> N_E excitatory neurons that inhibit each other -> 10 class neurons. In training these *are* the
teacher, the right one firing at 200 Hz; in a test they are free neurons and the one that fires most is the answer.
Laboratory scale: 8x8 digits for MNIST, 64 neurons, 150 ms an image and then a reset in place of a rest, direct
inhibition without the relay neurons, `scale1` 0.25 for 0.1, no second, brighter try for an image that stays unseen.
Source: Hao, Huang, Dong, Xu (2018), arXiv:1812.06574; constants from the authors' code, sym-STDP-SNN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from labcore.claims import Evidence, claim
from labcore.data import digits_split
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.spike_readout import answers, votes
from labcore.primitives.spiking import adapt, cell, conductance_step, decay, deliver, fade, reset
from labcore.primitives.stdp import follow, pair_stdp, scale

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Rule = Literal["symmetric", "classical"]

DT, STEPS = 0.5, 300  # ms; an image is shown for 150 ms
EXCITATORY = cell(tau=100, rest=-65, reset=-65, refractory=2, dt=DT)
CLASS = cell(tau=10, rest=-60, reset=-45, refractory=2, dt=DT)
THRESHOLD_E, THRESHOLD_C = -72.0, -40.0  # mV; theta comes on top of the first
E_EXC, E_INH = 0.0, -100.0  # mV, where the two kinds of conductance pull
KEEP_E, KEEP_I, KEEP_TRACE, KEEP_THETA = decay(1, DT), decay(2, DT), decay(20, DT), decay(6e6, DT)
ETA1, ETA2, MAX1, MAX2 = 0.005, 0.04, 1.0, 8.0
JUMP = 0.1  # what a spike adds to its neuron's trace
TEACHER = 200.0  # Hz


class Network(NamedTuple):
    """What learning changes."""

    w1: Array  # (64, N_E) input -> excitatory, in units of the leak
    w2: Array  # (N_E, 10) excitatory -> class
    theta: Array  # (N_E,) mV


@njit(cache=True, nogil=True)
def show(
    net: Network,
    draws: NDArray[np.float32],
    rates: NDArray[np.float32],
    labels: Counts,
    learn: bool,
    sign: float,
    target1: float,
    alpha: float,
    inhibition: float,
    counts_e: Counts,
    counts_c: Counts,
    raster: NDArray[np.int8],
) -> None:
    """Show B images one after the other; `learn` puts the teacher in the class layer's place and lets weights move.

    draws (B, T, 65): uniform numbers, one a pixel and step, and one for the teacher; rates (B, 64): spikes a step;
    sign: of the change when post came before pre, 1 symmetric, -1 classical; counts_e (B, N_E), counts_c (B, 10):
    spikes, written; raster (N_E + 10, T): who spiked when in the last image, written.
    """
    w1, w2, theta = net
    n_in, n = w1.shape
    n_class = w2.shape[1]
    inputs, e, c = np.zeros(n_in, np.bool_), np.zeros(n, np.bool_), np.zeros(n_class, np.bool_)
    limit, limit_c = np.empty(n), np.full(n_class, THRESHOLD_C)
    for b in range(len(labels)):
        # the rest between images is a reset: nothing but weights and thresholds is carried over
        x, y, y2, z = np.zeros(n_in), np.zeros(n), np.zeros(n), np.zeros(n_class)  # y2: y as the class layer sees it
        v, g_e, g_i, wait = np.full(n, EXCITATORY.rest), np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
        v_c, g_c, none = np.full(n_class, CLASS.rest), np.zeros(n_class), np.zeros(n_class)
        wait_c = np.zeros(n_class, np.int64)
        counts_e[b], counts_c[b], raster[:] = 0, 0, 0
        if learn:
            scale(w1, target1 * n_in)
            scale(w2, 0.1 * MAX2 * n)
        for t in range(draws.shape[1]):
            if learn:
                fade(theta, KEEP_THETA)
                fade(x, KEEP_TRACE)
                fade(y, KEEP_TRACE)
                fade(y2, KEEP_TRACE)
                fade(z, KEEP_TRACE)
            for j in range(n):
                limit[j] = THRESHOLD_E + theta[j]
            for i in range(n_in):
                inputs[i] = draws[b, t, i] < rates[b, i]
            fired = conductance_step(v, g_e, g_i, limit, wait, e, EXCITATORY, E_EXC, E_INH, KEEP_E, KEEP_I)
            if learn:
                c[labels[b]] = draws[b, t, n_in] < TEACHER * DT / 1000
            else:
                conductance_step(v_c, g_c, none, limit_c, wait_c, c, CLASS, E_EXC, E_INH, KEEP_E, KEEP_I)
            deliver(g_e, w1, inputs)
            if fired:
                for j in range(n):
                    g_i[j] += inhibition * (fired - e[j])  # everybody but itself
                deliver(g_c, w2, e)
            if learn:
                pair_stdp(w1, x, y, inputs, e, sign * ETA1, ETA1, 0.0, MAX1, JUMP)
                pair_stdp(w2, y2, z, e, c, sign * ETA2, ETA2, 0.0, MAX2, JUMP)
                adapt(theta, e, alpha)
            reset(v, wait, e, EXCITATORY)
            if not learn:
                reset(v_c, wait_c, c, CLASS)
            counts_e[b] += e
            counts_c[b] += c
            raster[:n, t] = e
            raster[n:, t] = c
        c[:] = False


def start(n: int, rng: np.random.Generator) -> Network:
    """Random weights, thresholds as in the paper."""
    return Network(rng.random((64, n)) * 0.3 * MAX1, rng.random((n, 10)) * 0.1 * MAX2, np.full(n, 20.0))


def present(
    net: Network,
    images: Array,
    labels: Counts,
    rng: np.random.Generator,
    learn: bool,
    rate: float = 30.0,
    rule: Rule = "symmetric",
    scale1: float = 0.25,
    alpha: float = 0.2,
    inhibition: float = 17.0,
) -> tuple[Counts, Counts, NDArray[np.int8]]:
    """`show` images (B, 64) with pixels in [0, 1], at `rate` Hz a grey level of 16. Returns what it writes."""
    n, b = len(net.theta), len(images)
    out = np.empty((b, n), np.int64), np.empty((b, 10), np.int64), np.empty((n + 10, STEPS), np.int8)
    sign = 1.0 if rule == "symmetric" else -1.0
    rates = (images * 16 * rate * DT / 1000).astype(np.float32)
    draws = rng.random((b, STEPS, 65), dtype=np.float32)
    show(net, draws, rates, labels, learn, sign, scale1, alpha, inhibition, *out)
    return out


@experiment("symmetric_stdp")
def window(
    before: Annotated[
        float, number(-1, 1, "Left lobe: the change when the teacher fires before the neuron below", "window")
    ] = 1.0,
    after: Annotated[float, number(-1, 1, "Right lobe: the change when it fires after", "window")] = 1.0,
    lag: Annotated[
        float, number(-60, 60, "One pair: from the spike below to the teacher's spike", "pair", "ms")
    ] = 10.0,
    tau: Annotated[float, number(5, 50, "How long a synapse remembers a spike", "window", "ms")] = 20.0,
    pre_rate: Annotated[float, number(5, 200, "Firing of the neuron below", "trains", "Hz")] = 40.0,
    post_rate: Annotated[float, number(5, 400, "Firing of the teacher", "trains", "Hz")] = TEACHER,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The window of a synapse, pair by pair, and what it makes of a teacher who knows nothing of the other's timing.

    change (lag): one pair of spikes, simulated at each lag, for eta 1 and traces that grow by 0.1. weight (synapse,
    time): 400 synapses, each between two Poisson neurons, for the 150 ms of one image; mean (time): over all of them.
    One frame.
    """
    lags = np.arange(-160, 161)
    pre, post = np.zeros((2, len(lags), 322), np.bool_)
    pre[:, 160] = True
    post[np.arange(len(lags)), 160 + lags] = True
    keep = decay(tau, DT)
    change = follow(pre, post, before, after, keep, JUMP)[:, -1]
    rng = np.random.default_rng(seed)
    trains = rng.random((2, 400, STEPS)) < np.array([pre_rate, post_rate])[:, None, None] * DT / 1000
    weight = follow(trains[0], trains[1], before, after, keep, JUMP)
    at = round(lag / DT) + 160
    end, spread = weight[:, -1].mean(), weight[:, -1].std()
    yield xr.Dataset(
        {
            "change": variable("lag", change, "change of the weight by one pair"),
            "weight": variable(("synapse", "time"), weight[:40, ::2], "weight"),
            "mean": variable("time", weight.mean(0)[::2], "mean weight"),
        },
        coords={
            "lag": variable("lag", lags * DT, "teacher's spike after the other", "ms"),
            "synapse": variable("synapse", np.arange(40), "synapse"),
            "time": variable("time", np.arange(0, STEPS, 2) * DT, "time", "ms"),
        },
        attrs={
            "reading": f"A teacher's spike {abs(lags[at]) * DT:g} ms {'before' if lag < 0 else 'after'} the other "
            f"changes the weight by {change[at]:+.3f}. A teacher at {post_rate:g} Hz, with no common timing, moves 400 "
            f"weights by {end:+.2f} on average within one image; they scatter by {spread:.2f}.",
            "progress": 1.0,
            "at": float(lags[at] * DT),
        },
    )


@experiment("symmetric_stdp", quick=dict(n_train=300, N_E=36))
def train(
    alpha: Annotated[float, number(0, 5, "Tiring: how fast a neuron's threshold rises with its spikes", "rule")] = 0.2,
    stdp: Annotated[Rule, choice("Symmetric: both orders strengthen. Classical: the wrong order weakens", "rule")] = (
        "symmetric"
    ),
    scale1: Annotated[float, number(0.1, 0.4, "Sum of a neuron's input weights, over 64 pixels", "rule")] = 0.25,
    inhibition: Annotated[float, number(0, 30, "How hard a spike holds down the other neurons", "network")] = 17.0,
    N_E: Annotated[int, number(16, 144, "Excitatory neurons", "network")] = 64,
    rate: Annotated[float, number(5, 60, "Firing of a pixel for each of 16 grey levels", "data", "Hz")] = 30.0,
    n_train: Annotated[int, number(60, 1300, "Training images; a third as many are tested", "data")] = 900,
    epochs: Annotated[int, number(1, 3, "How often each training image is shown", "data")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A digit classifier that learns by symmetric STDP, tested twelve times on the way; the last test is the full one.

    acc_supervised and acc_vote (images): share of test images that the class neurons name, and that the excitatory
    neurons name by vote; w1 (unit, row, column), w2 (unit, label), theta (unit); raster (mode, neuron, time): who
    spikes at one test image, if it is shown with the teacher (on copies) and if it is tested.
    """
    data = digits_split(n_train, n_train // 3, [seed, 0])
    labels, right = data.y_train.argmax(1), data.y_test.argmax(1)
    learn, test = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    knobs = dict(rate=rate, rule=stdp, scale1=scale1, alpha=alpha, inhibition=inhibition)
    net, total, n_test = start(N_E, learn), n_train * epochs, len(right)
    counts, log = np.zeros((total, N_E), np.int64), []
    stops = np.unique(np.linspace(0, total, 13).astype(int))
    for first, last in zip(stops, stops[1:], strict=False):
        order = np.arange(first, last) % n_train
        counts[first:last] = present(net, data.x_train[order], labels[order], learn, True, **knobs)[0]
        seen = n_test if last == total else min(60, n_test)
        # no label goes into a test
        tested, spoken, _ = present(net, data.x_test[:seen], np.zeros(seen, np.int64), test, False, **knobs)
        past = np.arange(max(0, last - n_train), last)
        vote = votes(counts[past], labels[past % n_train], tested)
        log.append([last, (answers(spoken) == right[:seen]).mean(), (vote == right[:seen]).mean()])
        copy = Network(*(part.copy() for part in net))
        rasters = [present(copy, data.x_test[:1], right[:1], test, taught, **knobs)[2] for taught in (True, False)]
        images, supervised, voted = np.array(log).T
        yield xr.Dataset(
            {
                "acc_supervised": variable("images", supervised, "test images named by the class neurons"),
                "acc_vote": variable("images", voted, "test images named by vote"),
                "w1": variable(("unit", "row", "column"), net.w1.T.reshape(-1, 8, 8).copy(), "weight from a pixel"),
                "w2": variable(("unit", "label"), net.w2.copy(), "weight to a class neuron"),
                "theta": variable("unit", net.theta.copy(), "theta, the part of the threshold that tires", "mV"),
                "raster": variable(("mode", "neuron", "time"), np.stack(rasters), "spikes at one image"),
            },
            coords={
                "images": variable("images", images, "images seen"),
                "unit": variable("unit", np.arange(N_E), "excitatory neuron"),
                "row": variable("row", np.arange(8), "row of the image"),
                "column": variable("column", np.arange(8), "column of the image"),
                "label": variable("label", np.arange(10), "class"),
                "mode": variable("mode", ["training", "test"], "who drives the class neurons"),
                "neuron": variable("neuron", np.arange(N_E + 10), "neuron; the last ten are the classes"),
                "time": variable("time", np.arange(STEPS) * DT, "time", "ms"),
            },
            attrs={
                "reading": f"After {last} images the class neurons name {supervised[-1]:.0%} of {seen} new digits; "
                f"{(spoken.max(1) == 0).mean():.0%} get no answer, and guessing gets 10%. A vote of the neurons below "
                f"names {voted[-1]:.0%}. Each image makes {tested.sum(1).mean():.0f} spikes there.",
                "progress": float(last / total),
                "label": int(right[0]),
                "total": total,
            },
        )


def _end(budget: Budget, **values: float | str) -> tuple[float, float]:
    """Final supervised and vote accuracy, mean of three seeds."""
    frames = [train.run(budget, seed=s, **values) for s in range(3)]
    return tuple(float(np.mean([f[name][-1] for f in frames])) for name in ("acc_supervised", "acc_vote"))


@claim("symmetric_stdp", "Symmetric STDP and a teacher train a classifier whose class layer is as good as a vote")
def learns_with_a_teacher(budget: Budget) -> Evidence:
    supervised, vote = _end(budget, n_train=900, N_E=64)
    rule = "supervised accuracy >= 0.78 and >= vote - 0.05 (900 images, 64 neurons, mean)"
    return Evidence({"supervised": supervised, "vote": vote}, rule, supervised >= max(0.78, vote - 0.05), n_seeds=3)


@claim("symmetric_stdp", "Neurons must tire: with thresholds that stay, a few of them win every image")
def neurons_must_tire(budget: Budget) -> Evidence:
    without, tiring = _end(budget, alpha=0.0)[0], _end(budget)[0]
    rule = "supervised accuracy <= 0.3 without intrinsic plasticity (mean)"
    return Evidence({"supervised, alpha = 0": without, "supervised": tiring}, rule, without <= 0.3, n_seeds=3)


@claim("symmetric_stdp", "Classical STDP with the same constants cannot use the teacher")
def classical_cannot_use_the_teacher(budget: Budget) -> Evidence:
    supervised, vote = _end(budget, stdp="classical")
    rule = "supervised accuracy <= 0.3 (mean); the vote, which uses no synapses to the classes, is shown beside it"
    return Evidence({"supervised": supervised, "vote": vote}, rule, supervised <= 0.3, n_seeds=3)
