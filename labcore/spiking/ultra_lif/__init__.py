"""UltraLIF: spiking neurons that are differentiable as they are. J. M. A. Minoza, 2026, arXiv:2602.11206.

Problem: a spike is a step, whose slope is 0. Training puts a smooth slope in its place, which is not the network's own.
Idea: v = e^(V / eps), read in V, turns products into sums and sums into soft maxima, LSE_eps(a, b) = eps log(e^(a/eps)
+ e^(b/eps)). From the leaky neuron v' = tau v + i, and from diffusion along a ring, come
    UltraLIF   H = LSE_eps(V + log tau, I),        UltraDLIF   H_i = LSE_eps(V_(i-1), V_i, V_(i+1)) + I_i,
    s = sigmoid((H - theta) / eps),   V <- H (1 - s),
smooth in everything; eps learns too. As eps -> 0 they become H = max(V + log tau, I), a step and a hard reset: a
neuron that remembers the largest of its decayed inputs, not their sum.
Laboratory scale: digits of 8 x 8 pixels, one hidden layer of 16 to 128 neurons, 1 to 16 steps.
Source: Minoza (2026), arXiv:2602.11206. The control with an ordinary membrane and a smooth spike is the laboratory's.
"""

from __future__ import annotations

from .mechanism import around, log_sum, membrane, sigmoid_lif, soft_spike, tropical_lif, ultra_dlif, ultra_lif
from .networks import KINDS, Network, fire

__all__ = [
    "KINDS",
    "Network",
    "around",
    "fire",
    "log_sum",
    "membrane",
    "sigmoid_lif",
    "soft_spike",
    "tropical_lif",
    "ultra_dlif",
    "ultra_lif",
]
