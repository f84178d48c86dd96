"""A layer whose inputs and weights meet only in a dot product of two random embeddings.

Problem: a neuron f(w.x + b) stores as many numbers as it has inputs, and its inputs and weights are tied by f.
Idea: take them apart. With the Fourier transform of f as a set of frequencies omega and weights a,
    f(z) = Re E[a e^(i omega z)],    omega drawn from a density of one's choice,
and e^(i omega w.x) = e^(u.v) with u = c x, v = c w, c^2 = i omega (bilinear, no modulus), a Gaussian g gives
    e^(u.v) = E[e^(g.u - u.u/2) e^(g.v - v.v/2)].
So f(w.x + b) = Re E[Phi(x) . Psi(w, b)] with the same m draws of (omega, g) in both. A tilt M of the draws keeps the
mean and changes the spread: (1 + 4M)^(d/4) e^(sqrt(1+4M) g.u - u.u/2 - M|g|^2). The second moment is exact:
    E|a Phi Psi|^2 = |a|^2 ((1+4M)^2 / (1+8M))^(d/2) e^(omega |x + w|^2 (1+4M)/(1+8M)),
and the best M solves a quadratic equation. For the arc-cosine kernel both sides are relu(G .) / sqrt(m).
What follows a layer linearly melts into its weights: a network is W Phi(x), and least squares finds W.
Laboratory scale: 2 to 32 inputs for the estimates, the 8 x 8 digits for the network.
Source: Sehanobish, Choromanski, Zhao, Dubey, Likhosherstov (2023), arXiv:2310.13225. The exact spread, the best tilt
and the choice of densities are ours.
"""

from __future__ import annotations

from .bundle import bundle, readout
from .embeddings import Draw, best_tilt, draw, embed_inputs, embed_neurons
from .spread import second_moment, spread
from .targets import exact

__all__ = [
    "Draw",
    "best_tilt",
    "bundle",
    "draw",
    "embed_inputs",
    "embed_neurons",
    "exact",
    "readout",
    "second_moment",
    "spread",
]
