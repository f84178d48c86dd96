"""Why rare facts are learned as fast as frequent ones when an update's singular values are made equal.

Problem: a memory sees some facts often and most of them rarely. Can one optimizer learn all at the same speed?
Model: key k has the code E_k, answer k the code A_k, both orthonormal; softmax(A^T W E_k) are the chances of the
answers to it, and P has them as columns. The loss is -sum_k p_k log P_kk, and W begins at 0. Its gradient is
    G = A (P - I) diag(p) E^T = U S V^T:
each fact is an outer product of its codes, and its singular value is about its frequency p_k.
Idea: Muon steps along U V^T, so that all outer products grow alike, whatever the codes: polar(Q G R) = Q polar(G) R
for rotations Q, R. Adam divides each *entry* by its size, near sign(G), which does the same in a one-hot code alone.
In practice U V^T comes from Newton-Schulz steps X <- a X + (b XX^T + c (XX^T)^2) X, which are products of matrices.
Laboratory scale: 64 facts, full gradients. The paper's ablations inside language models are not here.
Source: Wang, Zhang, Li, Du, Du, Pang, Yang, Hong, Tan (2025), arXiv:2509.26030. Codes and limits are ours.
Newton-Schulz coefficients: Jordan et al. (2024), https://kellerjordan.github.io/posts/muon.
"""

from __future__ import annotations

from .codes import code, frequencies, rotation, turned
from .memory import Run, chances, gradient, train
from .spectra import isotropy, spectrum
from .updates import CUBIC, QUINTIC, lifted, newton_schulz, polar, rule, signs

__all__ = [
    "CUBIC",
    "QUINTIC",
    "Run",
    "chances",
    "code",
    "frequencies",
    "gradient",
    "isotropy",
    "lifted",
    "newton_schulz",
    "polar",
    "rotation",
    "rule",
    "signs",
    "spectrum",
    "train",
    "turned",
]
