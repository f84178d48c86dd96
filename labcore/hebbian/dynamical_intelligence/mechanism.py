"""Items in the slots of a slow rhythm, the links that STDP makes of their spikes, and the replay along them."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
Positive = Annotated[float, above(0)]
EXCITABLE, THRESHOLD, LOAD_PHASE, WAIT, STDP_MS = 0.9, 0.2, 0.95, 1.0, 20.0
# Hz: a cycle is walked through in steps of WAIT ms, so a shorter one cannot be seen, and one of 100 s is 10^5 steps
Rate = Annotated[float, within(0.01, 1000 / WAIT)]


@checked
@kernel
def readiness(u: float, tau: Positive) -> float:
    """After-depolarisation u ms after the last spike: 0 at once, 1 after tau, then fading."""
    return u / tau * np.exp(1 - u / tau)


@checked
@kernel
def theta_gamma(
    n: Annotated[int, within(1)],
    f_theta: Rate,
    f_gamma: Rate,
    tau: Positive,
    noise: float,
    cycles: Annotated[int, within(0)],
    start: float,
    rng: np.random.Generator,
) -> tuple[Int[Array, " S"], Float[Array, " S"], Float[Array, " S"]]:
    """Spikes of n items: which, when in ms, and how ready, 0 where the world presents the item.

    One item is presented every second cycle; the first cycle begins at `start`.
    """
    period, gap = 1000 / f_theta, 1000 / f_gamma
    last = np.full(n, -np.inf)
    most, spikes = cycles * (n + 1), 0
    who, when, ready = np.empty(most, np.int64), np.empty(most), np.zeros(most)
    for cycle in range(cycles):
        begin = start + cycle * period
        phase, fired = 0.0, np.zeros(n, np.bool_)
        while phase < EXCITABLE * period - 1e-9:  # a slot that begins as the phase ends does not exist
            best, level = -1, THRESHOLD
            for i in range(n):
                if last[i] > -np.inf and not fired[i]:
                    a = readiness(begin + phase - last[i], tau) + noise * rng.standard_normal()  # the idea
                    if a > level:
                        best, level = i, a
            if best < 0:
                phase += WAIT  # nobody is ready yet
                continue
            fired[best], last[best] = True, begin + phase  # the idea
            who[spikes], when[spikes], ready[spikes] = best, begin + phase, level
            spikes += 1
            # the idea
            phase += gap  # feedback inhibition: silence for one fast period
        if cycle % 2 == 0 and cycle // 2 < n:  # the world presents the next item, late in the cycle
            new, at = cycle // 2, begin + LOAD_PHASE * period
            last[new], who[spikes], when[spikes] = at, new, at
            spikes += 1
    return who[:spikes], when[:spikes], ready[:spikes]


def capacity(f_theta: float, f_gamma: float) -> int:
    """How many fast slots begin inside the excitable phase of a slow cycle."""
    return math.ceil(EXCITABLE * f_gamma / f_theta - 1e-9)


def stdp(who: Int[Array, " S"], when: Float[Array, " S"], n: int) -> Float[Array, "n n"]:
    """W: from i to j, exp(-(t_j - t_i)/20 ms) summed over all pairs of spikes with i before j."""
    late = when[None] - when[:, None]
    pairs = np.where((late > 0) & (who[:, None] != who[None]), np.exp(-np.maximum(late, 0) / STDP_MS), 0.0)
    w = np.zeros((n, n))
    np.add.at(w, (who[:, None].repeat(len(who), 1), who[None].repeat(len(who), 0)), pairs)
    return w


def replay(
    w: Float[Array, "n n"], patterns: Float[Array, "n N"], noise: float, rng: np.random.Generator
) -> Float[Array, "n n"]:
    """Overlaps with n patterns, one row a fast period: s <- sign(sum_jk W_jk m_j xi^k + noise)."""
    n, size = patterns.shape
    s, course = patterns[0], np.empty((n, n))
    for t in range(n):
        m = course[t] = np.einsum("kn,n->k", patterns, s) / size
        field = np.einsum("j,jk,kn->n", m, w, patterns) + noise * rng.standard_normal(size)
        s = np.where(field < 0, -1.0, 1.0)
    return course
