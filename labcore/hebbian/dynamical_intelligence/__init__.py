"""Rhythms as a mechanism of computation: slots in time, and modules that lock before the whole does.

A perspective paper; two of its ideas are made to run here.
(A) Nested rhythms carry a sequence. A slow rhythm (theta) lasts T = 1000/f_theta ms; items may fire in its first 0.9 T.
An item that fired gets ready again slowly, a_i = (u/tau) exp(1 - u/tau), u ms after its last spike. One fast period
1000/f_gamma after the last spike of anybody, the readiest item with a_i + noise > 0.2 fires, once a cycle at most.
First out in one cycle is readiest in the next, so the order lives on: capacity = ceil(0.9 f_gamma / f_theta) items.
Spikes one fast period apart fit into the window of STDP, W_ij += exp(-(t_j - t_i)/20 ms); events seconds apart do not.
The links replay the sequence, s <- sign(sum_jk W_jk m_j xi^k + noise) with overlaps m, one step a fast period.
(B) Sparse modules synchronise first: dtheta_i = w_i + (K/deg_i) sum_j A_ij sin(theta_j - theta_i), r = |<exp i theta>|.
Laboratory scale: the buffer is the theta-gamma memory of Lisman and Idiart (1995), cut down to rules that can be
counted; the slow trough resets the fast rhythm. Constants and the graph are ours. Source: arXiv:2105.07284 (2021).
"""

from __future__ import annotations

from .flow import advance
from .kuramoto import modular_graph, neighbours, order
from .mechanism import capacity, readiness, replay, stdp, theta_gamma

__all__ = ["advance", "capacity", "modular_graph", "neighbours", "order", "readiness", "replay", "stdp", "theta_gamma"]
