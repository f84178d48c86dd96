"""Sums of products of one-dimensional curves, for smooth functions and for the odds of what comes next.

Problem: a dense network mixes all its inputs at once, and needs many weights for a function whose inputs act apart.
Idea: atoms psi_jr(x_j) = sum_c C_jrc B_c(x_j), curves of one input each (here cubic B-splines), meet in an
interaction of limited order and rank.  Additive: f = sum_j psi_j(x_j);  order 2: + sum_{i<j} sum_r psi_ir psi_jr;
CP (full order):  f = sum_r w_r prod_j psi_jr(x_j),   R d (G + k) numbers, linear in d. With all atoms but those of one
input fixed, f is linear in these: alternating least squares (ALS). The same features predict the odds of K bins,
    logits_b = sum_r U_br prod_j psi_jr(x_j),
trained by cross-entropy; a roll-out samples a bin, and a place in it. In chaos the mean of all that may follow is a
state that never follows; a drawn one is typical.
Laboratory scale: a function of six inputs that is made of two products; the logistic map seen every p steps. Splines,
both systems and the sizes are ours; the paper's turbulence, materials, control and text are not run.
Source: Separable neural architectures as a primitive for unified predictive and generative intelligence (2026).
"""

from __future__ import annotations

from .mechanism import Head, additive, als, bases, logistic, order_two, products, roll_out
from .product_target import target

__all__ = [
    "Head",
    "additive",
    "als",
    "bases",
    "logistic",
    "order_two",
    "products",
    "roll_out",
    "target",
]
