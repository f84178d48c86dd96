"""A target that kernels cannot learn with the samples with which three layers can.

Problem: learn h(x) = g(p(x)) for x ~ N(0, I_d), where p is a polynomial of degree k and g one of degree q. A kernel has
to find all of h's d^(kq) coefficients at once; that p is inside, it cannot use.
Idea: a bottleneck of width one, f(x) = g1(x) + c.relu(a g1(x) + b) with g1(x) = u.act(Vx); only u and c learn.
Stage 1 (c = 0) fits u to h itself. What g1 can hold is the part of degree k, and Stein's lemma says what that is:
    P_k(g(p)) = E[g'(z)] p + a contamination, which vanishes when p is a sum of many orthogonal pieces.
Stage 2, on fresh samples, fits c: a curve over one number. Together they need about d^k samples.
Laboratory scale: k = 2, p = x.Ax with tr A = 0 and unit variance, d up to 32, g of degree 2 or 3; closed forms.
Source: Wang, Nichani, Lee (2023), arXiv:2311.13774. The choice of A, and the exact floor and ceiling, are ours.
"""

from __future__ import annotations

from .bottleneck import Network, descend, fit_inner, fit_outer, hidden, modes, predict
from .target import ceiling, degree_two, floor, form, inner, link

__all__ = [
    "Network",
    "ceiling",
    "degree_two",
    "descend",
    "fit_inner",
    "fit_outer",
    "floor",
    "form",
    "hidden",
    "inner",
    "link",
    "modes",
    "predict",
]
