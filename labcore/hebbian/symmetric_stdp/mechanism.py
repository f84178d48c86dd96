"""The spiking network, image after image: who learns, who tires, and a teacher in the class layer's place."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, Float32, Int8, Int64

from labcore.checked import checked, index
from labcore.kernels import kernel
from labcore.primitives.spiking.lif import adapt, cell, conductance_step, decay, deliver, fade, reset
from labcore.primitives.spiking.stdp import pair_stdp, scale

Array = np.ndarray
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

    w1: Float[Array, "64 N_E"]  # input -> excitatory, in units of the leak
    w2: Float[Array, "N_E K"]  # excitatory -> class
    theta: Float[Array, " N_E"]  # mV


@checked
@kernel
def show(
    net: Network,
    draws: Float32[Array, "B T 65"],
    rates: Float32[Array, "B 64"],
    labels: Annotated[Int64[Array, " B"], index("K")],
    learn: bool,
    sign: float,
    target1: float,
    alpha: float,
    inhibition: float,
    counts_e: Int64[Array, "B N_E"],
    counts_c: Int64[Array, "B K"],
    raster: Int8[Array, "N_E+K T"],
) -> None:
    """Show B images one after the other; `learn` puts the teacher in the class layer's place and lets weights move.

    draws are uniform numbers, one a pixel and step, and one for the teacher; rates are in spikes a step; sign is that
    of the change when post came before pre, 1 symmetric, -1 classical. Written are the spikes, counts_e and counts_c,
    and raster: who spiked when in the last image.
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
            scale(w2, 1 / n_class * MAX2 * n)  # as if each class had its share of the neurons, at full weight
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
            fired = conductance_step(v, g_e, g_i, limit, wait, e, EXCITATORY, E_EXC, E_INH, KEEP_E, KEEP_I)  # the idea
            if learn:
                c[labels[b]] = draws[b, t, n_in] < TEACHER * DT / 1000  # the idea
            else:
                conductance_step(v_c, g_c, none, limit_c, wait_c, c, CLASS, E_EXC, E_INH, KEEP_E, KEEP_I)
            deliver(g_e, w1, inputs)
            if fired:
                for j in range(n):
                    g_i[j] += inhibition * (fired - e[j])  # everybody but itself
                deliver(g_c, w2, e)
            if learn:
                pair_stdp(w1, x, y, inputs, e, sign * ETA1, ETA1, 0.0, MAX1, JUMP)  # the idea
                pair_stdp(w2, y2, z, e, c, sign * ETA2, ETA2, 0.0, MAX2, JUMP)  # the idea
                adapt(theta, e, alpha)
            reset(v, wait, e, EXCITATORY)
            if not learn:
                reset(v_c, wait_c, c, CLASS)
            counts_e[b] += e
            counts_c[b] += c
            raster[:n, t] = e
            raster[n:, t] = c
        c[:] = False


def start(n: int, rng: np.random.Generator, classes: int = 10) -> Network:
    """Random weights, thresholds as in the paper."""
    w1, w2 = rng.random((64, n)) * 0.3 * MAX1, rng.random((n, classes)) * (1 / classes) * MAX2
    return Network(w1, w2, np.full(n, 20.0))


def present(
    net: Network,
    images: Float[Array, "B 64"],
    labels: Int64[Array, " B"],
    rng: np.random.Generator,
    learn: bool,
    rate: float = 30.0,
    rule: Rule = "symmetric",
    scale1: float = 0.25,
    alpha: float = 0.2,
    inhibition: float = 17.0,
) -> tuple[Int64[Array, "B N_E"], Int64[Array, "B K"], Int8[Array, "N_E+K T"]]:
    """`show` images with pixels in [0, 1], at `rate` Hz a grey level of 16. Returns what it writes.

    Raises ValueError for an unknown rule.
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule = {rule!r} is not allowed; it must be one of {', '.join(get_args(Rule))}")
    (n, classes), b = net.w2.shape, len(images)
    out = np.empty((b, n), np.int64), np.empty((b, classes), np.int64), np.empty((n + classes, STEPS), np.int8)
    sign = 1.0 if rule == "symmetric" else -1.0
    rates = (images * 16 * rate * DT / 1000).astype(np.float32)
    draws = rng.random((b, STEPS, 65), dtype=np.float32)
    show(net, draws, rates, labels, learn, sign, scale1, alpha, inhibition, *out)
    return out
