"""Back-propagation on memory devices that step up and down along a crooked staircase.

Problem: a hardware synapse is a conductance G in [0, 1]. A pulse moves it by one step; the steps shrink on the way.
With P pulses from 0 to 1, curvature c = 1/A and B = 1/(1 - exp(-P c)):
    k pulses up    G <- B - (B - G) exp(-k c)          k pulses down, mirrored    G <- (G + B - 1) exp(-k c) - (B - 1)
So from a high G the step up is small and the step down is large: +1 and -1 do not cancel, and weights leak to 0.
A weight is a pair, w = w_max (G+ - G-). Back-propagation asks for dw = -lr grad; the hardware answers in whole pulses,
k = floor(|dw| P / w_max + U) with U uniform (stochastic rounding), three a step at most. Ways to spend them:
    single          G+ goes up or down, G- is a fixed 0.5         pair   G+ and G- move in opposite directions, k each
    halved pair     the same, each rounds half of the request     unidirectional   dw > 0: G+ up;  dw < 0: G- up
Nothing is ever stepped down in the last one; where max(G) > 0.75, both devices are reset and the difference is written
again (refresh). Its pulses are counted. Laboratory scale: 8x8 digits, 64-32-10 without biases, batches of 10.
Pulse, writing and refresh rules and w_max = 1 are reconstructed. The halved pair is ours: k pulses for each of two
devices move a weight twice as far as was asked, so one learning rate for all does not compare methods.
Source: Lim, Bae, Eum, Lee, Kim, Kwon, Park, Lee (2017), arXiv:1707.06381.
"""

from __future__ import annotations

from .mechanism import fabricate, refresh, step, train
from .perceptron import gradient
from .pulsed_device import depress, potentiate, rounded, write

__all__ = [
    "depress",
    "fabricate",
    "gradient",
    "potentiate",
    "refresh",
    "rounded",
    "step",
    "train",
    "write",
]
