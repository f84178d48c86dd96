"""Which classifier a network becomes as its width and then its depth go to infinity: one of three, by its activation.

Problem: a network of infinite width, fully trained, is a kernel machine. What is left of it at infinite depth?
Idea: for inputs of length 1 with correlation xi, an activation of unit power passes on the correlation
    q(xi) = E[s(u) s(v)] = sum_k a_k^2 xi^k,    a_k its Hermite coefficients, sum a_k^2 = 1
to the next layer. The tangent kernel of L such layers is made of q and its slope,
    K_0 = S_0 = xi,    S_L = q(S_{L-1}),    K_L = S_L + K_{L-1} q'(S_{L-1}),
and the network answers sign(y^T K_L(X, X)^-1 K_L(X, x)). For inputs with coordinates >= 0, as L grows:
    a_0 != 0             all correlations go to one constant: it answers with the majority of the labels;
    a_0 = a_1 = 0        they vanish, the nearest input's the most slowly: it copies the nearest neighbour;
    a_0 = 0, a_1 != 0    K_L / (L a_1^2L) -> psi, which solves psi(q(xi)) = a_1^2 psi(xi): a vote in which an example at
                         distance r counts about r^-alpha, alpha = -2 ln a_1^2 / ln q'(1).
For alpha = d, the dimension of the inputs' sphere, the vote is consistent: with more data its risk goes to the lowest
possible one.
Laboratory scale: activations of three Hermite polynomials, up to 1600 inputs in 1 to 3 dimensions; risks are exact.
Source: Radhakrishnan, Belkin, Uhler (2023), arXiv:2204.14126; PNAS 120(14). The early ends of the recursion are ours.
"""

from __future__ import annotations

from .deep_kernel import log_kernel, log_koenigs
from .dual import alpha, dual, regime, slope_at_one
from .votes import nearest, network_votes, singular_vote

__all__ = [
    "alpha",
    "dual",
    "log_kernel",
    "log_koenigs",
    "nearest",
    "network_votes",
    "regime",
    "singular_vote",
    "slope_at_one",
]
