"""A spiking neuron that learns a pattern from one presentation, and then knows exactly what it accepts.

Problem: supervised learning on neuromorphic chips (SpiNNaker) should be local and quick. Is once enough?
Idea: a teacher's spike right after the pattern, then homeostasis. A pattern P is `a` input lines spiking together.
    t = 0         the lines of P spike;  t = delta  the teacher makes the detector spike:  w += A+ exp(-delta/tau+)
    t = 2 delta   all other lines spike, after the detector:       w -= A- exp(-delta/tau-), not below 0
    homeostasis   w <- w (S + kappa) / sum_{i in P} w_i,           so that P drives the detector to exactly S = 1
Each spike also inhibits by kappa/a, so strangers count against. Tested without a teacher, an input with o lines of P
and e strangers makes the detector spike if and only if
    (o - kappa e) / a >= h,        where h S is the threshold: the tolerance of the detector.
Taught to one neuron, several patterns add up, and homeostasis serves the weakest of them.
Laboratory scale: 64 lines. Only the abstract was at hand: inhibition, the pass of the other lines and the law of
homeostasis are our reconstruction, chosen to give the behaviour that it states. A single detector is exact by design.
Source: "Supervised learning of spatial features with STDP and homeostasis using Spiking Neural Networks on SpiNNaker"
(2023), arXiv:2312.02659.
"""

from __future__ import annotations

from .line_patterns import draw
from .mechanism import accepts, fires, homeostasis, learned, respond, teach

__all__ = ["accepts", "draw", "fires", "homeostasis", "learned", "respond", "teach"]
