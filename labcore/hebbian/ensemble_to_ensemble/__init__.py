"""Ensembles of neurons that talk to their partner ensemble, and edges that move to where activities agree.

Problem: most weights of a dense network can go. Which wiring may one lay down before training, and where should an
edge that turns out to be useless move? In the mouse visual cortex, ensembles drive corresponding ensembles.
Idea (G2GNet): each hidden layer of H units has G groups. Between hidden layers a mask M is full within corresponding
groups and Bernoulli(p) across them, so that a share  rho = 1/G + p (1 - 1/G)  of the edges exists:
    a' = ReLU((W * M) a + b),    weights start with std sqrt(2 / (rho H)).
Dynamic sparse training: every q epochs, in the first 70 % of training, the share z_t = (z/2)(1 + cos(pi t/T)) of the
live edges with the smallest |w| goes, and as many dead ones come, weight 0: anywhere at random (SET), or where the
|correlation| of the activities on both sides, over training samples, is largest (Hebbian).
Laboratory scale: noisy 8x8 digits, 64-128-128-128-10, input and read-out dense. The exact pattern across groups, the
schedule and all constants are a reconstruction. A mask saves edges here, not time: the products stay dense.
Source: Konstantaropoulos, Smirnakis, Papadopouli (2025), arXiv:2508.14140; SET: Mocanu et al. (2018), arXiv:1707.04780.
"""

from __future__ import annotations

from .masked_linear import (
    MaskedStack,
    activities,
    correlations,
    group_mask,
    groups_of,
    masked_stack,
    modularity,
    rewire,
    scattered_mask,
)
from .mechanism import learn, move_edges, wire

__all__ = [
    "MaskedStack",
    "activities",
    "correlations",
    "group_mask",
    "groups_of",
    "learn",
    "masked_stack",
    "modularity",
    "move_edges",
    "rewire",
    "scattered_mask",
    "wire",
]
