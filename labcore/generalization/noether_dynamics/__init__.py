"""What a symmetry of the loss does to the steps of training.

Problem: the loss of a normalized layer does not change when its weights are doubled. Is their length then conserved?
Idea: gradient descent is mechanics. With step eta, momentum m and weight decay k,
    v <- m v + grad f + k q,  q <- q - eta v    is, in the time t = eta step,    M q'' + G q' = -grad f - k q
with mass M = eta (1 + m)/2 and friction G = 1 - m: the rule is the kinetic energy, the loss the potential one.
A symmetry of the loss keeps a charge only if it is one of the kinetic energy too. Doubling is not: |q'|^2 quadruples.
For scale invariance, with rho = |q|^2 and inertia neglected,
    rho(t) = rho_0 e^(-2kt/G) + (2M/G) integral e^(-2k(t-s)/G) |q'(s)|^2 ds:
the length is a moving average of squared speeds. The direction moves with rate eta/rho, which settles at
sqrt(2 k eta) / rms(gradient at length 1): an RMSProp that nobody wrote. Exactly, for m = 0 (Pythagoras),
    rho <- (1 - eta k)^2 rho + eta^2 |grad f|^2.
Symmetries that the kinetic energy shares keep their charges under plain steps: sums over classes before a softmax.
For a ReLU unit |w|^2 - |a|^2 changes only by eta^2 (|g_w|^2 - |g_a|^2), exactly.
Laboratory scale: a quadratic on the sphere; networks 64-32-10 on digits.
Source: Tanaka, Kunin (2021), arXiv:2105.02716. The formulas are derived again here; the experiments are ours.
"""

from __future__ import annotations

from .charges import Charges, charges
from .norms import flow_norm, ring, settled_rate, velocity_norm
from .sphere import Path, descend

__all__ = ["Charges", "Path", "charges", "descend", "flow_norm", "ring", "settled_rate", "velocity_norm"]
