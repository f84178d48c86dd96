"""Kolmogorov-Arnold Networks: A Critical Assessment of Claims, Performance, and Practical Viability.

Problem: networks with learnable curves on their edges are said to beat MLPs in accuracy and to read like formulas.
When is that so, what does it come from, and what does it cost? Idea: compare at equal parameters and at equal work.
A KAN layer is y_o = sum_i phi_{o,i}(x_i), phi(x) = wb silu(x) + ws sum_c C_c B_{c,k}(x), with B the G + k B-splines of
degree k on a grid of G intervals: a change of one C moves k + 1 intervals of phi, of wb or ws all. Nodes only add.
The grid follows the data (0.02 uniform + 0.98 quantiles), can be refined without changing phi, and weak edges with
|phi|_1 = mean |phi(x)| below 0.03 are pruned. The rivals: an MLP with silu, and the ablation, an MLP with one learnable
B-spline a neuron. Learning rates of all three are chosen from the same three values, on validation samples.
Laboratory scale: widths up to 10, 200-1000 samples, formulas of 1-3 inputs and the data sets inside scikit-learn.
Sources: this assessment (Hou et al., 2024, arXiv 2407.11075); KAN: Liu et al. 2024, arXiv 2404.19756; equal budgets and
the ablation: Yu, Yu, Wang 2024, arXiv 2407.16674.
"""

from __future__ import annotations

from .fair_contest import contest
from .kan import KAN, KANLayer, snapshot
from .reading import snap_all, written
from .tasks import error_of, formula_task, real_task

__all__ = [
    "KAN",
    "KANLayer",
    "contest",
    "error_of",
    "formula_task",
    "real_task",
    "snap_all",
    "snapshot",
    "written",
]
