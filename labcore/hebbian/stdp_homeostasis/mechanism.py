"""A detector that is taught by one presentation, scaled by homeostasis and asked; and the rule that says its answer."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int64

from labcore.checked import checked
from labcore.kernels import kernel
from labcore.primitives.spiking.lif import cell, current_step, decay, fade, reset
from labcore.primitives.spiking.stdp import pair_stdp

Array = np.ndarray
DT, DELTA = 1.0, 5  # ms a step; steps between pattern, teacher and the other lines
DETECTOR = cell(tau=20, rest=0, reset=0, refractory=5, dt=DT)  # potentials in units of S
TRACE = decay(20, DT)  # tau+ = tau- = 20 ms
START = 0.1  # weight of every line before it is taught, in units of A+
SLACK = 1e-9  # a drive of exactly h S must count as enough, whatever its last bit


@checked
@kernel
def teach(w: Float[Array, "n 1"], pattern: Bool[Array, " n"], a_plus: float, a_minus: float) -> None:
    """One presentation of a pattern to one detector with weights w, in place, by pair-based STDP.

    The teacher clamps the detector: it spikes when told to, and only then.
    """
    x, y = np.zeros(len(pattern)), np.zeros(1)
    nobody, teacher = np.zeros(len(pattern), np.bool_), np.zeros(1, np.bool_)
    for t in range(2 * DELTA + 1):
        fade(x, TRACE)
        fade(y, TRACE)
        pre = pattern if t == 0 else ~pattern if t == 2 * DELTA else nobody
        teacher[0] = t == DELTA
        pair_stdp(w, x, y, pre, teacher, -a_minus, a_plus, 0.0, np.inf)


def homeostasis(
    w: Float[Array, " n"], patterns: Bool[Array, "p n"], kappa: float, inhibition: float
) -> Float[Array, " n"]:
    """Weights scaled so that each of the patterns drives its detector to at least S = 1, the weakest to S.

    A pattern whose lines have all lost their weights is forgotten: no factor could save it.
    """
    sums = np.einsum("pn,n->p", patterns, w)
    alive = sums > 1e-12
    needed = (1 + inhibition * patterns.sum(1)[alive]) / sums[alive]
    return w * needed.max() if len(needed) else w


@checked
@kernel
def respond(
    w: Float[Array, "n D"],
    inhibition: Float[Array, " D"],
    h: float,
    probes: Bool[Array, "B n"],
    arrive: Int64[Array, " n"],
    steps: int,
) -> tuple[Int64[Array, "B D"], Float[Array, "steps D"]]:
    """Spikes of detectors for probes, and the potential at the last one.

    Line i spikes so that it arrives at step arrive[i]; all alike means synchronous. inhibition is per spike.
    """
    n, d = w.shape
    spikes, trace = np.zeros((len(probes), d), np.int64), np.zeros((steps, d))
    threshold, fired, none = np.full(d, h - SLACK), np.zeros(d, np.bool_), np.zeros(d)
    for b in range(len(probes)):
        v, wait = np.full(d, DETECTOR.rest), np.zeros(d, np.int64)
        for t in range(steps):
            current_step(v, none, threshold, wait, fired, DETECTOR, 0.0, 0.0)
            trace[t] = v
            for i in range(n):
                if probes[b, i] and arrive[i] == t:
                    for j in range(d):
                        # what arrives leaks for one step before it meets the threshold; S is what is left then
                        v[j] += (w[i, j] - inhibition[j]) / DETECTOR.keep
            reset(v, wait, fired, DETECTOR)
            for j in range(d):
                spikes[b, j] += fired[j]
    return spikes, trace


def fires(
    w: Float[Array, "n D"], inhibition: Float[Array, " D"], h: float, probes: Bool[Array, "B n"]
) -> Bool[Array, "B D"]:
    """Whether each detector spikes for each probe, all lines at once."""
    return respond(w, inhibition, h, probes, np.zeros(probes.shape[1], np.int64), 3)[0] > 0


def accepts(pattern: Bool[Array, " n"], probes: Bool[Array, "B n"], h: float, kappa: float) -> Bool[Array, " B"]:
    """The rule: (o - kappa e)/a >= h for probes with o lines of the pattern and e strangers."""
    o, e = (probes & pattern).sum(1), (probes & ~pattern).sum(1)
    return (o - kappa * e) / pattern.sum() >= h - SLACK


def learned(
    patterns: Bool[Array, "p n"], kappa: float, forget: float = 1.0, start: float = START
) -> tuple[Float[Array, " n"], Float[Array, " n"], float]:
    """Weights of one detector taught these patterns in turn: by STDP alone, scaled; and its inhibition.

    forget is A-/A+, and A+ is 1. Raises ValueError for a pattern without lines, or with all of them.
    """
    size = patterns.sum(1)
    if not len(size) or size.min() == 0 or size.max() == patterns.shape[1]:
        raise ValueError(f"patterns of {size.tolist()} lines are not allowed; each needs 1 to {patterns.shape[1] - 1}")
    w = np.full((patterns.shape[1], 1), start)
    for pattern in np.ascontiguousarray(patterns):  # rows that lie apart would compile `teach` once more
        teach.kernel(w, pattern, 1.0, forget)
    inhibition = kappa / size.mean()
    return w[:, 0], homeostasis(w[:, 0], patterns, kappa, inhibition), inhibition
