"""One Timestep is All You Need: Training Spiking Neural Networks with Ultra Low Latency (2021).

Problem: a spiking network shows an image for many time steps. If it had one step only, it would be a network of neurons
that fire or do not, and the first to answer. But a trained network that gets one step is silent in its deep layers, and
what is silent does not learn.
Idea: take the time steps away one after the other, and train in between. Each stage begins with the weights, thresholds
and leaks of the one before. Before the first, thresholds are set layer by layer to a percentile of the currents:
    U_t = leak U_(t-1) + W o_t,  z = U_t / threshold - 1,  o = 1 where z >= 0,  do/dz = gamma max(0, 1 - |z|).
Laboratory scale: up to 10 narrow layers on the 8 x 8 digits, no biases, no batch norm, which would wake silent layers.
Source: Chowdhury, Rathi and Roy (2021), arXiv:2110.05929. The rival whose thresholds are set anew for one step is ours.
"""

from __future__ import annotations

from .networks import Deep
from .routes import schedule

__all__ = ["Deep", "schedule"]
