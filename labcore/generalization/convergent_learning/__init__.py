"""Do two networks that never met learn the same units?

Problem: networks with other first weights reach the same accuracy. Unit 7 of one has nothing to do with unit 7 of the
other; but is there a unit in the other that says the same?
Idea: show both the same new inputs and compare what the units say, c_ij = corr(unit i of A, unit j of B). Then ask for
    one-to-one    the permutation with the largest sum of c, beside each unit's best partner, whoever else has it
    one-to-many   min |y - Z w|^2 / 2n + penalty |w|_1: each unit of B by few units of A
    many-to-many  groups in the graph of all units with weights |c|; canonical correlations of main directions
Baselines: networks before training, shuffled inputs, and the axes of B turned at random, x -> x Q: that keeps every
subspace and every distance, and no unit.
Laboratory scale: networks 64-m-m-10 on digits, compared on 797 digits that none has seen.
Source: Li, Yosinski, Clune, Lipson, Hopcroft (2016), arXiv:1511.07543. The turned axes as a baseline are ours.
"""

from __future__ import annotations

from .matching import Standard, best_partner, correlations, mutual_information, one_to_one, standardize
from .sparse_maps import predict, sparse_maps
from .subspaces import Turning, canonical_correlations, clusters, dimensions

__all__ = [
    "Standard",
    "Turning",
    "best_partner",
    "canonical_correlations",
    "clusters",
    "correlations",
    "dimensions",
    "mutual_information",
    "one_to_one",
    "predict",
    "sparse_maps",
    "standardize",
]
