"""Spikformer V2: Join the High Accuracy Club on ImageNet with an SNN Ticket (2024).

Problem: attention multiplies numbers and takes a softmax of them. A network of spikes has neither products nor
exponentials, so a transformer does not fit.
Idea: let queries, keys and values be spikes. Then Q K^T counts, for two tokens, in how many features both fire. It is
never negative, so it needs no softmax, and all is additions:
    out = LIF(scale (Q K^T) V),  threshold 1/2;     (Q K^T) V = Q (K^T V), in whichever order is cheaper.
Laboratory scale: 8 x 8 digits as 16 tokens of 2 x 2 pixels, one block. A learned place is added to each token instead
of the convolutional stem; the pre-training with masked images, whose details the abstract does not give, is left out.
Source: Zhou et al. (2024), arXiv:2401.02020; block and constants as in Zhou et al. (2023), arXiv:2209.15425. The rival
with a softmax that has its own threshold, the one with few levels, and counting the spikes of each order are ours.
"""

from __future__ import annotations

from .attention import order_work, spiking_attention

__all__ = ["order_work", "spiking_attention"]
