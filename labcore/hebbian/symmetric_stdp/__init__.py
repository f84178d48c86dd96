"""Supervised learning in a spiking network whose synapses only know that two spikes were close in time.

Problem: classical STDP has no place for a label. A teacher that makes the right output neuron fire is not enough:
its spikes come before and after those of the layer below equally often, and strengthening and weakening cancel.
Idea: a symmetric window. Traces x (pre) and y (post) decay with tau = 20 ms and grow by 0.1 with each own spike;
    pre spike   g += eta y,      post spike   g += eta x,      clipped to [0, g_max]
so that a pair dt apart adds 0.1 eta exp(-|dt|/tau) in either order. What only grows must be held by
    scaling     before each image g <- g target / sum g for every post neuron: one weight gains, the others lose
    tiring      threshold -72 mV + theta, theta starts at 20 and each own spike adds alpha 10 / |theta - 10|
Poisson pixels -> N_E excitatory neurons that inhibit each other -> 10 class neurons. In training these *are* the
teacher, the right one firing at 200 Hz; in a test they are free neurons and the one that fires most is the answer.
Laboratory scale: 8x8 digits for MNIST, 64 neurons, 150 ms an image and then a reset in place of a rest, direct
inhibition without the relay neurons, `scale1` 0.25 for 0.1, no second, brighter try for an image that stays unseen.
Source: Hao, Huang, Dong, Xu (2018), arXiv:1812.06574; constants from the authors' code, sym-STDP-SNN.
"""

from __future__ import annotations

from .mechanism import Network, present, show, start
from .spike_readout import answers, votes

__all__ = ["Network", "answers", "present", "show", "start", "votes"]
