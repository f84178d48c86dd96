"""Adapting to corrupted inputs at test time, without labels: a local rule below, one global signal above.

Problem: a trained network meets noise, blur or fog. Its test data arrive once, in batches, and carry no labels.
Idea: two loops of different kinds. The first layer's filters w_k follow soft competitive Hebbian learning on patches p,
    u_k = w_k.p,   y = softmax(u / tau),   dw_k = mean_p y_k (p - u_k w_k),   w_k += eta dw_k / max|dw|.
Then a neuro-modulator, a gain g and a shift b for each channel after batch normalisation, takes one Adam step on the
mean entropy of the predictions; nothing else sees that signal. The batch is then answered with the new parameters.
The soft rule in a free-energy view: competition is a posterior over hidden causes, Hebb the M-step. Its units end at
length 1 along the mean of what they win; a single unit (y = 1) at the mean of all, where Oja's finds the first axis.
Laboratory scale: 8x8 digits and conv 16 - conv 32 - linear, trained on 900 clean images; 897 others are corrupted.
The placing of the modulator, the size of the Hebbian step and all constants are a reconstruction: no code was found.
Source: Tang et al. (2023), arXiv:2303.00914; baselines: batch statistics and Tent (Wang et al. 2021, arXiv:2006.10726).
"""

from __future__ import annotations

from .mechanism import Net, entropy, forward, hebb_filters, patches, source_net

__all__ = ["Net", "entropy", "forward", "hebb_filters", "patches", "source_net"]
