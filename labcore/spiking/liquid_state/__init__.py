"""Resistive memory-based zero-shot liquid state machine for multimodal event data learning (2023).

Problem: a network of spikes that learns from events pays for it at every synapse, again and again.
Idea: do not train it. Cells of a memory chip, formed by chance, are the weights of two liquids, one for each sense:
    v_t = decay v_(t-1) (1 - s_(t-1)) + W_in x_t + W_rec s_(t-1),  s_t = 1 where v_t >= 1.
How often each neuron fired is the state. Only a projection of each is trained, so that what belongs together comes to
lie together. A class that neither sense has met is then named by the other sense: the nearest of its embeddings.
Laboratory scale: digits swept past a slit for what is seen, a made-up sound for what is heard, 256 neurons, simulated
cells: the difference of two normal conductances. A threshold of 1, the window's counts as states, as in the paper's
program; its liquid is taken from the arguments of that program and from what liquid state machines are.
Source: Lin et al. (2023), arXiv:2307.00771; github.com/MrLinNing/MemristorLSM.
"""

from __future__ import annotations

from .alignment import Projections, info_nce
from .liquid import course, pairs, states, wires

__all__ = ["Projections", "course", "info_nce", "pairs", "states", "wires"]
