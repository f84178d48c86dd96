"""A neuron that multiplies two linear forms: it bends its boundary, and collapses with depth unless trained gently.

Problem: a neuron s(w.x + b) cuts its input space along a plane; a ring around a point takes many of them.
Idea: a quadratic neuron  s((w_r.x + b_r)(w_g.x + b_g) + w_b.(x*x) + c)  cuts along a quadric, with three
matrices a layer in place of one. L quadratic layers are piecewise polynomials of degree 2^L: numbers can explode.
ReLinear: (i) start at w_g = 0, b_g = 1, w_b = 0, c = 0, where every quadratic neuron is the linear one with w_r, b_r;
(ii) let the quadratic terms learn gamma << 1 times as fast (or hold them near that start by an l2 or l1 penalty).
With gamma = 0 the network is, and stays, the conventional one.
Laboratory scale: two-dimensional shapes; 8x8 digits, width 24, depth 1 to 8, 300 steps of SGD with momentum. One gamma
for both groups (w_g, b_g) and (w_b, c). All layers are quadratic, the last one too: depth D has degree 2^(D+1).
Source: Fan, Li, Wang, Lai, Wang (2021), On Expressivity and Trainability of Quadratic Networks, arXiv 2110.06081.
"""

from __future__ import annotations

from .mechanism import initial, layers, linear_neurons, network, quadratic_layer, relinear_step

__all__ = [
    "initial",
    "layers",
    "linear_neurons",
    "network",
    "quadratic_layer",
    "relinear_step",
]
