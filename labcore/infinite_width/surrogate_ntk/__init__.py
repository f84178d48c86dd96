"""A generalized neural tangent kernel for surrogate gradient learning. Eilers, Memmesheimer, Goedeke, arXiv:2405.15539.

Problem: a neuron that fires or does not, s(z) = sign(z), has the slope 0, and at its jump an infinite one. Gradients
pass nothing. In practice the slope of something smooth, t'(z), stands for s'(z) in the backward pass, and it works.
Idea: such a step of learning moves a very wide network as a kernel says, too, but by one with two different slopes. The
weights were changed with the surrogate's slope at the example x'; the answer at x changes by the true response:
    Theta_1 = Sigma_1,    Theta_(l+1)(x, x') = Sigma_(l+1)(x, x') + Theta_l(x, x') w^2 E[s'(u) t'(v)].
With both slopes true the kernel of ever steeper activations grows without limit where x = x', and is useless; with one
of them it stays finite: E[sign'(u) t'(v)] = 4/pi / sqrt(2 d (1/a^2 + 2 d') - 4 c^2) for t = erf(a z). It is not
symmetric. After so many steps the network's answer is that of gradient descent with this kernel, and in the end
    f(x) = f_0(x) + Theta(x, X) Theta(X, X)^-1 (y - f_0(X)).
Laboratory scale: five examples on a circle, networks of 50 to 1600 neurons in one or two layers, t = erf.
Source: Eilers, Memmesheimer, Goedeke (2024), arXiv:2405.15539. The closed forms for erf are derived here.
"""

from __future__ import annotations

from .descent import Course, descend, fastest, smooth_kernel, surrogate_kernel
from .nets import Nets, draw, learn, measured_kernel, outputs

__all__ = [
    "Course",
    "Nets",
    "descend",
    "draw",
    "fastest",
    "learn",
    "measured_kernel",
    "outputs",
    "smooth_kernel",
    "surrogate_kernel",
]
