"""Two tails of one spectrum, and a layer's quality read from them without any data.

Problem: which of two trained networks will do better on new data? Here the answer is looked for in the weights alone.
Idea: the eigenvalues lam of W^T W / N of a layer W (N, M), N >= M, grow a heavy tail in training. Two ways to say where
it begins:
    a power law, density ~ lam^-alpha from lam_min on: maximum likelihood for each candidate lam_min,
        alpha = 1 + n / sum ln(lam_i / lam_min),
    and of the candidates the one with the smallest Kolmogorov-Smirnov distance;
    the ERG cut: with the mean of all eigenvalues at 1, the largest subspace of the largest eigenvalues whose product
        is at least 1, sum ln lam_i >= 0. On it the layer keeps volumes, as a step of the renormalization group does.
Ideal learning is said to be where both begin at the same eigenvalue, and that is found near alpha = 2: above it the
layer has more to learn, below it has learned too much.
For a pure power law with a = alpha - 1 > 1 the cut takes exactly the share e (1 - 1/a)^a of the eigenvalues.
Laboratory scale: the middle layer of a network 64-192-192-10 that learns digits by plain SGD. The derivation of layer
quality from the R-transform is not claimed here, only what is measured.
Source: Martin, Hinrichs (2025), arXiv:2507.17912; the power law follows Clauset, Shalizi, Newman (2009).
"""

from __future__ import annotations

from .spectrum import Cut, Tail, eigenvalues, erg_cut, power_law, tail_from

__all__ = ["Cut", "Tail", "eigenvalues", "erg_cut", "power_law", "tail_from"]
