"""Spiking Diffusion Models (2024).

Problem: a network that makes pictures from noise is called many times and costs much energy. Spiking networks are
cheap, but their denoisers were poor: a spike added to a spike is no spike, and all time steps share one set of weights.
Idea: a residual stream of numbers whose branches begin with spikes, and a learned gain for each time step and layer:
    stream = stream + BN(p[t] (W s_t + b)),   s_t = 1 where the charge reaches V_th,   noise = sum_t 0.8^(T-1-t) y_t.
After training, all thresholds V_th are shifted at once while pictures are made: to first order the told noise changes
by (shift) d noise / d V_th, which acts as a guidance that costs nothing.
Laboratory scale: 8 x 8 digits, two blocks of dense layers, 100 diffusion times; the last matrix reads the stream.
Source: Cao, Guo, Wang, Zhou, Cheng, Zhang and Xu (2024), arXiv:2408.16467. The rivals without spikes are ours.
"""

from __future__ import annotations

from .diffusion import ddim, frechet
from .networks import Denoiser

__all__ = ["Denoiser", "ddim", "frechet"]
