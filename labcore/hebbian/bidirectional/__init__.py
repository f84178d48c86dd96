"""One set of weights, trained to name a picture on the way up and to draw it on the way down.

Problem: a classifier reaches high accuracy with weights that mean nothing to the eye, and a small, aimed change of a
picture, too faint to bother a person, turns its answer.
Idea: a connection is good if both ends predict each other across it. The same matrices W_l are a classifier C and, as
    C(x): a <- f(a W_l + c_l),    G(z): a <- f(a W_l^T + g_l), from the top down, a last sigmoid,
transposes, a generator G; only the biases differ. Bidirectional learning (BL) takes, for each batch, an Adam step on
the cross-entropy of C(x) with (W, c), then one on the pixels' binary cross-entropy of G(y) against x with (W, g).
Half: generator steps in the first half only. Hybrid adversarial networks (HAN): G(z), z ~ U(-1, 1)^10, has to pass a
discriminator instead. Attack (FGSM): x' = clip(x + eps sign(dL/dx), 0, 1), on the classifier alone.
Laboratory scale: 8x8 digits, 1300 to train, layers of 64 units, all rates 0.003. The published scripts use 0.003 for
the classifier alone and 0.05 for BL: we do not follow, since then the rates differ too. No convolutional HAN.
Source: Pontes-Filho, Liwicki (2018), arXiv:1805.08006; weights start with their standard deviation of 0.1.
"""

from __future__ import annotations

from .gradient_attack import fgsm, input_gradient
from .mechanism import classifier_loss, generator_loss, learn
from .stack import TiedStack, forward, reverse, tied_stack

__all__ = [
    "TiedStack",
    "classifier_loss",
    "fgsm",
    "forward",
    "generator_loss",
    "input_gradient",
    "learn",
    "reverse",
    "tied_stack",
]
