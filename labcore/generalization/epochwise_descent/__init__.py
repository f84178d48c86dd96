"""Why the test error of one model can fall, rise and fall again while it trains.

Problem: deep networks show double descent over training time; which part of that needs depth or label noise? None.
Idea: features of two scales are learned at two speeds, and the slow ones act as label noise for the fast ones.
Teacher y = z.w* + eps; z in R^d with entries N(0, 1/d), w* ~ N(0, I_d), eps ~ N(0, sigma^2). The student sees
x = F^T z, whose modulation F has singular value 1 on p fast directions and 1/kappa on d - p slow ones, and
learns x.w by gradient descent on 1/2 |X w - y|^2 + l2/2 |w|^2 from w = 0, with eta = 1 / (s_max^2 + l2).
With X = U diag(s) V^T:    w(t) = V diag(phi / s) U^T y,    phi = s^2/(s^2 + l2) (1 - (1 - eta (s^2 + l2))^t).
Order parameters: R = (F w).w*/d, Q = |F w|^2/d, and the noiseless test error E_G = 1/2 (|w*|^2/d - 2 R + Q).
A mode is learned after 1/(eta s^2) steps, so the slow block comes kappa^2 later. Until then its share of y is noise
to the fast block, which overfits it when n/p is near 1. Then the slow block is learned and that noise is gone.
Laboratory scale: d = 100 and F diagonal (a rotation of F changes nothing in law; the tests check it).
The paper's replica theory is replaced by the deterministic equivalent, with time as a ridge 1/(eta t).
Source: Pezeshki, Mitra, Bengio, Lajoie (2021), arXiv:2112.03215.
"""

from __future__ import annotations

from .mechanism import Course, Modes, decompose, follow, learned, modulation, theory
from .turns import describe, short, turning_points

__all__ = [
    "Course",
    "Modes",
    "decompose",
    "describe",
    "follow",
    "learned",
    "modulation",
    "short",
    "theory",
    "turning_points",
]
