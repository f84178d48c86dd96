"""Rethinking Pretraining as a Bridge from ANNs to SNNs (2022).

Problem: a network of neurons that fire is trained over many time steps, each as costly as a whole ordinary network.
Idea: train an ordinary network first, which has no time. Copy its weights, gains, biases and running statistics into
a spiking network of the same graph, as a beginning and no more: no threshold is balanced, no rate calibrated. Then
train that one, all layers, for few epochs:
    V_t = decay V_(t-1) + I_t,  a spike where V_t >= theta, then V_t = 0;  backward 1 / a where |V - theta| < a / 2
Static images go into both; events into the spiking one, and into the ordinary one their mean over time.
Laboratory scale: three convolutions on the 8 x 8 digits, still or as events; work is counted in operations.
Source: Lin, Hu, Ma, Li, Yu (2022), arXiv:2203.01158. Constants are ours: the authors' code has decay 1/4, theta 1/2 and
a slope as wide as ours. Statistics that are measured anew after the copy, and a rate of learning chosen for the network
without a copy, are ours as well.
"""

from __future__ import annotations

from .bridge import copied, remeasured, shuffled
from .network import Neuron, Twin

__all__ = ["Neuron", "Twin", "copied", "remeasured", "shuffled"]
