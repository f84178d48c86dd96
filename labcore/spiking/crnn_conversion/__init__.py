"""Obtaining Optimal Spiking Neural Network in Sequence Learning via CRNN-SNN Conversion (2024).

Problem: a spiking twin of a trained network only comes near to it. A neuron that fires too early cannot take the spike
back, and in a recurrent network each error is the next element's input.
Idea: let a neuron count its spikes S and fire -1 as well, when its charge is below 0 and S above its lowest value.
It begins with half a threshold of charge:
    h = V + I,  o = +1 if h >= theta and S < high,  -1 if h < 0 and S > low,  V = h - theta o,  S += o.
Once the current has stopped, theta S is the quantised activation of its sum, exactly and in any order of arrival. So a
quantised network, convolutional and recurrent, has a spiking twin without any error, if each element of the sequence
gets enough small steps. How many are enough depends on how a state is handed on to the next element.
Laboratory scale: digits read row by row, 4 filters along a row, 64 recurrent units. Weights are multiples of 1/1024, so
that sums are exact in any order.
Source: Su et al. (2024), arXiv:2408.09403; the conditions of the neuron from later public code. The order in which
states are handed over (`canonical`), and the number of steps that is sure, are ours.
"""

from __future__ import annotations

from .neuron import KINDS, Range, count_range, enough, pour, quantise
from .recurrent import Read, Weights, quantised, spiking, sure

__all__ = [
    "KINDS",
    "Range",
    "Read",
    "Weights",
    "count_range",
    "enough",
    "pour",
    "quantise",
    "quantised",
    "spiking",
    "sure",
]
