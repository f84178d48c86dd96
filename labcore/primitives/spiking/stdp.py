"""Pair-based spike-timing-dependent plasticity through traces, and the scaling that keeps it in bounds.

A neuron's trace decays with its time constant (ms) and grows by `step` with each of its spikes, so that it is
step sum_k exp(-(t - t_k) / tau) over all its past spikes, and every pair of spikes counts. A synapse reads traces only
when one of its two neurons spikes:
    pre spike    w += at_pre  * trace of the post neuron    (post came before pre)
    post spike   w += at_post * trace of the pre neuron     (pre came before post)
Classical STDP has at_pre < 0 < at_post, symmetric STDP has both above 0. Weights are clipped to [low, high] each time.
Order in a step: traces decay; then all pre spikes (their traces grow, weights read the post traces); then all post
spikes (their traces grow, weights read the pre traces). So a pair in the same step counts once, as pre before post.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float

from labcore.checked import INFINITE, checked
from labcore.kernels import kernel
from labcore.primitives.spiking.lif import fade

Array = np.ndarray


@checked
@kernel
def pair_stdp(
    w: Float[Array, "m n"],
    trace_pre: Float[Array, " m"],
    trace_post: Float[Array, " n"],
    pre: Bool[Array, " m"],
    post: Bool[Array, " n"],
    at_pre: float,
    at_post: float,
    low: Annotated[float, INFINITE],
    high: Annotated[float, INFINITE],
    step: float = 1.0,
) -> None:
    """One step's spikes pre and post change the weights w and both traces, in place.

    The traces must have decayed already (`spiking.fade`). Costs the spikes times their fan, not the number of synapses.
    """
    m, n = w.shape
    for i in range(m):
        if pre[i]:
            trace_pre[i] += step  # the idea
            for j in range(n):
                # the idea
                w[i, j] = min(max(w[i, j] + at_pre * trace_post[j], low), high)
    for j in range(n):
        if post[j]:
            trace_post[j] += step  # the idea
            for i in range(m):
                w[i, j] = min(max(w[i, j] + at_post * trace_pre[i], low), high)  # the idea


@checked
@kernel
def scale(w: Float[Array, "m n"], target: float) -> None:
    """Synaptic scaling: the weights w into each post neuron get the sum `target`. Those of sum 0 stay."""
    for j in range(w.shape[1]):
        total = 0.0
        for i in range(w.shape[0]):
            total += w[i, j]
        if total > 0:
            for i in range(w.shape[0]):
                w[i, j] *= target / total


@checked
@kernel
def follow(
    pre: Bool[Array, "R T"], post: Bool[Array, "R T"], at_pre: float, at_post: float, keep: float, step: float
) -> Float[Array, "R T"]:
    """The weight of R lone synapses over time, from 0 and without bounds, whose neurons spike as pre and post."""
    out = np.empty(pre.shape)
    for r in range(pre.shape[0]):
        w, x, y = np.zeros((1, 1)), np.zeros(1), np.zeros(1)
        for t in range(pre.shape[1]):
            fade(x, keep)
            fade(y, keep)
            pair_stdp(w, x, y, pre[r, t : t + 1], post[r, t : t + 1], at_pre, at_post, -np.inf, np.inf, step)
            out[r, t] = w[0, 0]
    return out
