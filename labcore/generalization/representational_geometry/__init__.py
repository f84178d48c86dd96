"""Which geometry a hidden layer learns, and what the activation function has to do with it.

Problem: two networks give all the same answers. Do they see the inputs alike, in their hidden layers?
Idea: a unit's first weights w grow by sums of    x phi'(w.x) error:    only by inputs that the unit hears, phi' > 0.
tanh hears both sides of 0, so each unit sums up all inputs by their labels, turns to the label directions, and
saturates: its two values are the two labels. ReLU is deaf on one side. A unit grows on the inputs of its own side
alone and comes to stand for a few of them: the geometry of the inputs survives.
Model: h = phi(W^T x) without a bias, k outputs f = V^T h + c, logistic loss of k bits, small first weights.
Measures: alignment of centred kernels, <K_H, K_Y> / |K_H| |K_Y|, of the hidden layer with labels and with inputs;
parallelism, the mean cosine of a bit's coding directions in different contexts; how well a linear reader of a bit,
made in half of the contexts, does in the others.
Expected push of x ~ N(mu, s^2 I), by Stein's lemma:    E[x phi'(u)] = mu E[phi'(u)] + s^2 w E[phi''(u)],  u = w.x.
Laboratory scale: clusters around orthogonal centres in 40 dimensions, labelled by bits of their number; 200 units.
Source: Alleman, Lindsey, Fusi (2024), arXiv:2401.13558: idea and measures. Data, sizes and the plane are ours.
"""

from __future__ import annotations

from .activations import activate, expected_slope
from .clusters import Task, draw
from .geometry import cka, cross_context, kernel, off_labels, parallelism
from .mechanism import Look, expected_push, follow, push, train

__all__ = [
    "Look",
    "Task",
    "activate",
    "cka",
    "cross_context",
    "draw",
    "expected_push",
    "expected_slope",
    "follow",
    "kernel",
    "off_labels",
    "parallelism",
    "push",
    "train",
]
