"""Deep Learning in Spiking Neural Networks (2018).

Problem: a spike costs its receiver one addition where an ordinary network multiplies. But a spike has no slope to learn
by. The review orders what had been tried, and asks of each way two things: how accurate, and how many operations.
Idea: four roads to a classifier of one hidden layer, on the same digits, with operations counted from real spikes:
    ordinary     64 pixels, K ReLUs, 10 outputs, backpropagation
    converted    the same weights; a ReLU becomes a neuron that fires floor(1/2 + T a) times in T steps
    trained      neurons that fire learn by backpropagation through time, with a surrogate slope
    STDP         no labels: the first neuron to fire wins the image, and learns which pixels came before its spike
Laboratory scale: 8 x 8 digits. Beside them stand networks whose hidden units have few bits, and one without a hidden
layer; memory is priced as well as arithmetic. These rivals and all constants are ours: the review has none.
Source: Tavanaei, Ghodrati, Kheradpisheh, Masquelier and Maida (2018), arXiv:1804.08150.
"""

from __future__ import annotations

from .conversion import count
from .plasticity import events, first_spikes, learn

__all__ = ["count", "events", "first_spikes", "learn"]
