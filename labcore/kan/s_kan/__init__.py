"""Let each node of a Kolmogorov-Arnold network find out which kind of function its edges should be.

Problem: a KAN's edge functions are splines, or Chebyshev sums, or Fourier sums, ... and no family is best everywhere.
Idea (S-KAN): give each node i of a layer a pool P of families and let it choose while it trains,
    phi_oi(x) = sum_{p in P} alpha_ip phi^(p)_oi(x),      alpha_i = softmax(theta_i / tau),
    phi^(p)_oi(x) = sum_{m=1..M} c_oipm B^(p)_m(x),       y_o = sum_i phi_oi(x_i) + b_o.
(1) Full training: all families and theta, tau = 1. (2) Selective training: tau falls to tau_end and
lambda sum_i H(alpha_i), H the entropy, joins the loss, so that each node commits. (3) Pruning: only the family with the
largest alpha_ip stays, its coefficients times alpha_ip; the survivors are trained on with alpha = 1.
Every B^(p)_m is scaled to mean square 1: without that the loudest family at the start would win the choice.
Laboratory scale: 128 samples of targets in one or two variables, tanh between layers, Adam. The published descriptions
name the pool and the stages; this gate (softmax, temperature, entropy) is our reading. S-ConvKAN, the same layer on
every patch of a picture, reads 8x8 digits.
Source: Yang, Zhang, Luo, Lu, Shen (2024), Activation Space Selectable Kolmogorov-Arnold Networks, arXiv:2408.08338.
"""

from __future__ import annotations

from .basis_bank import bank
from .convolution import SelectableConv
from .mechanism import PrunedLayer, SelectableLayer, SelectableNet, ThreeStages, temperature

__all__ = [
    "PrunedLayer",
    "SelectableConv",
    "SelectableLayer",
    "SelectableNet",
    "ThreeStages",
    "bank",
    "temperature",
]
