"""An activation that pulls the mean of each layer to 0 and the variance to 1. Klambauer et al., 2017, arXiv:1706.02515.

Problem: through many layers the mean and the variance of a network's signals drift away, and training stalls.
Idea: with weights of variance 1 / (number of inputs), no bias, and the activation
    selu(z) = lambda z for z > 0,    lambda alpha (e^z - 1) for z <= 0,    lambda = 1.0507..., alpha = 1.6732...
the map g from the mean mu and variance nu of a layer's inputs to those of its outputs has (0, 1) as an attracting fixed
point. For one unit, whose weights add up to omega and their squares to tau, it is
    g(mu, nu) = mean and variance of selu(z),    z ~ N(mu omega, nu tau).
A theorem says that g maps the rectangle |mu| <= 0.1, 0.8 <= nu <= 1.5 into itself for |omega| <= 0.1 and
0.95 <= tau <= 1.1. Alpha dropout sets units to -lambda alpha instead of 0, then scales and shifts all of them so that
mean 0 and variance 1 stay.
Ours: over all units of a layer with random weights, omega ~ N(0, 1) at any width, so that few units are as the theorem
asks; together they go from (mu, nu) as a unit with omega = 0 and tau = 1 goes from (0, nu + mu^2).
For other constants such a layer has a fixed point, which attracts, exactly if lambda^2 < 2 < lambda^2 (1 + alpha^2).
Laboratory scale: up to 64 layers of 512 units; training on 8x8 digits by plain gradient descent.
"""

from __future__ import annotations

from .activation import ALPHA, LAMBDA, alpha_dropout, selu
from .moments import attractor, layer_map, unit_map

__all__ = ["ALPHA", "LAMBDA", "alpha_dropout", "attractor", "layer_map", "selu", "unit_map"]
