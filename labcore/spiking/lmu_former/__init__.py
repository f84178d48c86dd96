"""LMUFormer: Low Complexity Yet Powerful Spiking Model With Legendre Memory Units (2024).

Problem: attention compares every sample of a sequence with every other, and has to keep them all.
Idea: a fixed linear memory in its place. Of one number u a sample it keeps d Legendre coefficients of the last theta:
    theta m' = A m + B u,   u(t - r theta) = sum_i P_i(2 r - 1) m_i.
Being linear, it is computed for all times at once when a network learns, and sample after sample when it is used; no
weight goes from a hidden state to the next. With neurons that fire along the sequence all layers but the first add.
Laboratory scale: 8 x 8 digits pixel by pixel, one block, 32 channels, two filters and a third for the place in front.
They look at this pixel and the two before: the paper's are centred, and make a stream wait for what comes next.
Source: Liu, Datta, Li and Beerel (2024), ICLR, arXiv:2402.04882; the memory: Voelker, Kajic and Eliasmith (2019).
"""

from __future__ import annotations

from .memory import curve, parallel, step, streamed
from .networks import Reader

__all__ = ["Reader", "curve", "parallel", "step", "streamed"]
