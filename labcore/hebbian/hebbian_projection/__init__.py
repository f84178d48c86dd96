"""How a network learns a second task without losing the first, with local rules only.

Problem: gradient steps for a new task change what the weights answer to the inputs of the old ones.
Idea (HLOP): lateral units y = H x beside each layer learn, by Hebb's rule, the subspace that old activity x lives in.
Weight updates then use only the part of the presynaptic activity outside it. The forward pass is untouched.
    feedback estimate   xhat = H^T y
    lateral learning    dH = (1/B) y^T (x - xhat), Hebb minus anti-Hebb, clipped to +-10, momentum 0.9, 5 times a batch
    weight update       dW = err^T (x - H_old^T H_old x), in place of err^T x
Rows of H fixed after a task take part in xhat, so rows added for the next task learn only what is new in it.
The network is spiking, 64-hidden-hidden-10 without biases, and x the decaying trace of spikes that reach a synapse
(online training through time, see online_spiking).
Laboratory scale: 8x8 digits, task j > 1 permutes the pixels; a few epochs a task; one slider sets all layers' shares.
Source: Xiao, Meng, Zhang, He, Lin (2024), arXiv:2402.11984, and its code; the rules in the plane are in hebb_rules.
"""

from __future__ import annotations

from .angles import principal_angles
from .mechanism import Lateral, add_units, gpm_basis, learn_lateral, project
from .online_spiking import online_gradients

__all__ = [
    "Lateral",
    "add_units",
    "gpm_basis",
    "learn_lateral",
    "online_gradients",
    "principal_angles",
    "project",
]
