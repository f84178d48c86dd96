"""Build bumps from two opposed activations, then let attention merge them so that a plain weight matrix suffices.

Problem: a KAN layer has G + k coefficients on each of its I x O edges; ReLU-KAN makes its bumps cheap, not fewer.
For input x_i and j = 0 .. G+k-1, with bounds s_j = (j - k)/G and e_j = s_j + (k+1)/G, shared by inputs and trainable,
    a = act(x_i - s_j),    b = act(e_j - x_i).
ReLU-KAN: act = relu, R_ij = (a b)^2 16/(e_j - s_j)^4, a bump on [s_j, e_j] of height 1; y = W R, O I (G+k) weights.
AF-KAN: any act and any combination F_ij of a and b, scaled to [0, 1]; then the G+k features of an input become one,
    alpha = softmax over inputs of (u . F_i + c) / max(tau, 1),    h_i = alpha_i sum_j F_ij,    y = W act(LayerNorm h).
Numbers to learn in a layer: O I + 2(G+k) + (G+k+1) + 2I + 1. tau starts at sqrt(I). Other reductions: spatial
(a width-3 convolution over inputs gives a softmax over j), multistep (h_i = u . F_i + c), none (y = W F).
Laboratory scale: 8x8 digits, 64-h-10, AdamW. The authors' code scales F by the batch it is in, in prediction too, so
that an answer depends on its neighbours; here prediction uses running values, which is our correction.
Source: Ta, Tran (2025), AF-KAN: Activation Function-Based Kolmogorov-Arnold Networks, arXiv:2503.06112,
read with the authors' All-KAN repository.
"""

from __future__ import annotations

from .mechanism import AFLayer, FunctionNorm, ReLUKANLayer, bounds, bump_features, make_network, relu_bumps

__all__ = ["AFLayer", "FunctionNorm", "ReLUKANLayer", "bounds", "bump_features", "make_network", "relu_bumps"]
