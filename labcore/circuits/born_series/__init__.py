"""What a trained network knows of a function's higher orders: its Taylor coefficients, taken apart into diagrams.

Problem: a network f = z^L, z^{l+1} = W^{l+1} phi(z^l) + b^{l+1}, fits a function. Are its second derivatives right?
Idea 1: d^n f / dx_a1 .. dx_an is a sum over trees with n labelled leaves whose vertices have k >= 2 lines coming in,
and over all places (layer, neuron) of the vertices, earlier layers towards the leaves. A vertex stands for
V^l_j(k) = phi^(k)(z^l_j), an inner line for the propagator P^{l->m} = W^m D^{m-1} .. D^{l+1} W^{l+1}, D = diag(phi'),
a leaf for Q^l = dz^l/dx, the line to the output for R^l = df/da^l. H_ab = sum_{l,j} R^l_j phi''(z^l_j) Q^l_ja Q^l_jb.
Idea 2: a network learns the leading order. So train N1 on a(U), take g = grad N1(0), train N2 on what is left, a - g.U,
and take its Hessian H2: a ~ g.U + U^T H2 U / 2, a second Born approximation that a machine has learned.
Here a is the S-wave scattering length at zero energy of a well U(r) >= 0, r < 1, of d steps: a ~ U.a1 + U^T A2 U.
Laboratory scale: 8 bins, two hidden layers of 24. The tree rule as written, the loss and the sizes are ours.
Source: Kaspschak, Meissner (2020), arXiv:2009.03192; Physical Review Research 3, 023223.
"""

from __future__ import annotations

from .mechanism import fit, taylor
from .taylor_trees import MLP, mlp, rules, shapes, value

__all__ = ["MLP", "fit", "mlp", "rules", "shapes", "taylor", "value"]
