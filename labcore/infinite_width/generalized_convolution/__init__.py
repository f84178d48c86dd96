"""Convolutions whose neurons do not multiply: kernels of a patch and weights, or distances to a template.

Problem: a convolution scores a patch p by w.p + b. The best patch of such a filter is the brightest in its direction,
not the one that looks like it.
Idea: put another function of two vectors in its place, and train it in the same way:
    dot        w.p + b                                    a half-plane
    polynomial (w.p + b)^2
    sine       sin(w.p + b): a shift-invariant kernel     stripes
    L1         b - sum_j a_j |p_j - t_j|                  a diamond around the template t
    L2         b - sum_j a_j (p_j - t_j)^2                an ellipse
    gauss      exp(-sum_j a_j (p_j - t_j)^2)              a bump
with a scale a_j >= 0 (e^theta) and a template t_j for every weight, both trained. The exponential of L2 is the Gaussian
kernel, and L2 with equal scales is a dot product with the bias b - a |t|^2, but for a |p|^2, which all filters share.
L1 is computed exactly and without a table of all differences.
Laboratory scale: two such layers on the 8 x 8 digits, 8 and 16 filters.
Source: Ghiasi-Shirazi (2017), arXiv:1707.09864. Network, batch norm and the test by the nearest patch are ours.
"""

from __future__ import annotations

from .distances import nearest_patch, weighted_l1, weighted_l2
from .layers import OPERATORS, Convolution, Operator, patches, score
from .network import Network

__all__ = [
    "Convolution",
    "Network",
    "OPERATORS",
    "Operator",
    "nearest_patch",
    "patches",
    "score",
    "weighted_l1",
    "weighted_l2",
]
