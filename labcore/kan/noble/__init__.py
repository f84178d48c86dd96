"""A thin branch of two learned cosine layers beside every linear map of a transformer, trained with it from scratch.

Problem: a network of smooth layers learns sharp, high-frequency detail last; making it wider helps little.
Idea (NOBLE): every linear map (q, k, v, o and both maps of the MLP) gets a nonlinear low-rank branch,
    y = x W + b + sigma(x W_down) W_up,       W_down (d_in x r),  W_up (r x d_out),  r << d,
and sigma is CosNet, two cosine layers with learned frequencies w and phases p and a matrix M (r x r) between them:
    z = x W_down,   u = cos(w1 * z + p1),   v = u M,   sigma(z) = cos(w2 * v + p2).
It costs r (d_in + d_out) + r^2 + 4 r numbers a layer. With sigma = identity the branch would be one more matrix, which
can be merged into W; CosNet cannot. W_up starts small, so that the branch starts as a small perturbation.
Laboratory scale: a regression in three dimensions with one sharp direction, and a character model (width 32, 2 blocks)
on scikit-learn's descriptions of its data sets. Starting values are ours: phases are uniform, and frequencies are
uniform within a half of their mean.
Source: NOBLE: Accelerating Transformers with Nonlinear Low-Rank Branches (2026), arXiv:2603.06492.
"""

from __future__ import annotations

from .character_model import TinyLM, bundled_text
from .mechanism import CosNet, NobleLinear, merged
from .sharp_regression import MLP, sharp_target

__all__ = [
    "CosNet",
    "MLP",
    "NobleLinear",
    "TinyLM",
    "bundled_text",
    "merged",
    "sharp_target",
]
