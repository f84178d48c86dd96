"""Towards Effective and Sparse Adversarial Attack on Spiking Neural Networks via Breaking Invisible Surrogate
Gradients (2025).

Problem: an attacker follows the gradient of a network's answer. A spike has none: it was trained with a surrogate
slope, which leaves no trace in the network that is handed out. The attacker has to guess it, and a wrong guess finds
nothing.
Idea: read the slope off the potentials H that the victim shows. With u = H - theta, and sigma_t the spread of a layer's
potentials in steps 1 to t, take (PDSG)
    ds/du = exp(-(u - sigma_t / 2)^2 / (2 sigma_t^2)) / (sqrt(2 pi) sigma_t).
Where inputs are events, 0 or 1, the gradient only proposes flips; each is tried by a forward pass, those that hurt are
kept, and in the end as many as possible are taken back (SDA).
Laboratory scale: three narrow layers on the 8 x 8 digits. Victims of different scale of currents are ours.
Source: L. Lun, K. Feng, Q. Ni, L. Liang, Y. Wang, Y. Li, D. Yu and X. Cui (2025), arXiv:2503.03272.
"""

from __future__ import annotations

from .attacks import pgd
from .flips import reduced, sparse
from .neurons import FITTED, Guess, neurons
from .victims import Victim, trained

__all__ = ["FITTED", "Guess", "Victim", "neurons", "pgd", "reduced", "sparse", "trained"]
