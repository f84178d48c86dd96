"""Why a wide network learns as if its answer were written down before: its tangent kernel does not move.

Problem: a network has thousands of random weights that all change in training. What can be said about what it learns?
Idea: a small step of training at x' moves the output at x by the tangent kernel, summed over all parameters p,
    Theta(x, x') = sum_p df(x)/dp df(x')/dp.
Divide each sum over n neurons by sqrt(n) inside the network, z_(l+1) = w W s(z_l) / sqrt(n_l) + b beta, all W and beta
N(0, 1), and take a learning rate that does not depend on n. Then, as the layers get wide,
    Theta goes at the start to one fixed kernel:   Sigma_(l+1) = w^2 E[s(u) s(v)] + b^2,   (u, v) ~ N(0, Sigma_l),
                                                   Theta_(l+1) = Sigma_(l+1) + Theta_l w^2 E[s'(u) s'(v)],
    and stays there while it learns:               df(x)/dt = -1/N sum_i Theta(x, x_i) (f(x_i) - y_i),
so the error along each eigenvector of Theta / N falls as e^(-lambda t). Where the output is multiplied by a small alpha
(Chizat and Bach) the kernel must move: the network learns features instead.
Laboratory scale: inputs on a circle, widths to 2048; w^2 = 2 in all layers, steps of gradient descent in place of t.
Source: Jacot, Gabriel, Hongler (2018), arXiv:1806.07572; Chizat, Oyallon, Bach (2019), arXiv:1812.07956.
"""

from __future__ import annotations

from .flow import left, solve
from .networks import Networks, backward, draw, forward, gram, step

__all__ = ["Networks", "backward", "draw", "forward", "gram", "left", "solve", "step"]
