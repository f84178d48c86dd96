"""What happens to signals in deep networks with random weights, and what decides it before any training.

Problem: a hundred layers multiply whatever a layer does to a signal. How must weights be drawn, and what is left to go
wrong when they are drawn well?
Idea: let biases have variance C_b and weights C_W / n in layers of n neurons. For n without limit a layer makes
    K' = C_b + C_W g(K),    g(K) = E s(z)^2, z ~ N(0, K)
of a signal of size K, the mean square of its numbers. A small change of the size grows by C_W g'(K), the squared gap
between two nearly equal signals by C_W E s'(z)^2. Only where both are 1, at the critical point of the activation, do
signals of any depth still tell inputs apart. For a finite n the size differs from network to network,
    Cov(z_i^2, z_j^2) = V / n,    V' = (C_W g'(K))^2 V + C_W^2 Var s(z)^2,
and at the critical point V / n K^2 is nu (depth / width): 5 for ReLU, 2 for a linear network, 2/3 for tanh. Outputs are
Gaussian only where this is small.
Laboratory scale: up to 60 layers of up to 256 neurons, many thousands of networks. The recursion with skips is ours.
Source: D. A. Roberts, S. Yaida, B. Hanin (2022), The Principles of Deep Learning Theory, arXiv:2106.10165.
"""

from __future__ import annotations

from .activations import NAMES, output, slope
from .critical import critical, tuned
from .ensemble import cross, next_layer
from .flow import flow, gaps, parallel, passed, perpendicular
from .fluctuations import four_point, four_point_with_skip

__all__ = [
    "NAMES",
    "critical",
    "cross",
    "flow",
    "four_point",
    "four_point_with_skip",
    "gaps",
    "next_layer",
    "output",
    "parallel",
    "passed",
    "perpendicular",
    "slope",
    "tuned",
]
