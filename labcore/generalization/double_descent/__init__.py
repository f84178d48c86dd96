"""Understanding the Role of Optimization in Double Descent.

Problem: test error often falls, rises to a spike where parameters match training samples, and falls again; but some
experiments show no spike. Idea: it is there exactly when the optimizer reaches a low training loss at that width.
Random features z(x) = act(W x + b) in R^p are frozen; only w (p, c) is trained on L = |Zw - Y|^2 / 2n. With the SVD
Z = U S V^T, noise along u_i costs (u_i . noise / s_i)^2 once mode i is fitted. Near p = n the smallest s_i vanish, and
the cost is huge. But gradient descent with rate eta fits mode i only after about 1 / (eta s_i^2) steps. Ridge, few
steps, small rates and poor conditioning all keep phi(s_i), the share of mode i that is fitted, near 0: no spike.
Laboratory scale: 50-400 samples, p up to 8n. Every full-batch method is its exact filter phi(s); SGD and Adam are run.
A two-layer net with all its weights trained shows the same where its parameters match the samples.
Source: C. Y. Liu, J. Flanigan 2023, arXiv 2312.03951. Theory curves: Hastie et al. 2019, arXiv 1903.08560.
"""

from __future__ import annotations

from .cell_training import train_cells
from .mechanism import filters
from .net_training import train_nets
from .random_features import features, random_layer
from .spectral_bank import SpectralBank, evaluate

__all__ = ["SpectralBank", "evaluate", "features", "filters", "random_layer", "train_cells", "train_nets"]
