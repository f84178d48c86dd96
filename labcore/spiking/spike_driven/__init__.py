"""Spike-driven Transformer V2: Meta Spiking Neural Network Architecture (2024).

Problem: a weight that meets a spike is added, a weight that meets a number is multiplied. Shortcuts that add spikes to
spikes, attention, and stacked convolutions bring numbers back into networks whose neurons all fire.
Idea: shortcuts add membrane potentials, before the neuron, so that every weight meets spikes of neurons only:
    U' = U + TokenMixer(SN(U)),    U'' = U' + ChannelMixer(SN(U')).
Attention of spikes, SN(scale Q (K^T V)), sums rows that spikes select. A re-parameterised convolution (1x1, batch norm,
depthwise 3x3, 1x1, batch norm) is linear: after training it is folded into one 3x3 convolution, so that no number
stands between its parts. Only the first layer sees the image.
Laboratory scale: one convolution block and one transformer block of 16 channels on 4 x 4 places of the 8 x 8 digits,
3x3 in place of 7x7, expansions of 2 in place of 4; a 1x1 in front of the depthwise pair of the convolution block.
Source: Yao et al. (2024), arXiv:2404.03663, SDSA-1 and SDSA-3.
"""

from __future__ import annotations

from .counter import Met, binary, work
from .layers import Conv, Folded, RepConv
from .network import Meta

__all__ = ["Conv", "Folded", "Met", "Meta", "RepConv", "binary", "work"]
