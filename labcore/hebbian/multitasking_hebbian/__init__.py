"""One associative memory that recalls several patterns at the same moment.

Problem: a Hopfield network recalls one stored pattern at a time, and every neuron serves it. Does it have to?
Idea: give patterns blanks. Entries xi_i^mu are 0 with probability d, +1 and -1 with (1-d)/2 each. Neurons that are
blank in the recalled pattern are free to obey another one, so retrieval is parallel.
    overlaps  m_mu = (1/N) sum_i xi_i^mu s_i  (at most 1-d)        energy  H = -(N/2) sum_mu m_mu^2 + diagonal
    dynamics  a random neuron, h_i = sum_{j != i} J_ij s_j with J = xi xi^T / N, s_i = +1 with p = 1/(1+exp(-2 h_i/T))
    hierarchy m = (1-d) (1, d, d^2, ...), stable at T = 0 while 1 - 2 d + d^K > 0;  equal overlaps at larger d or T
    learning  from M examples xi_i^mu chi, chi = +-1 of mean r: rho = (1 - r^2)/(M r^2) measures what they hide
    cost      L+- = |xi^mu -+ s|^2/(2N):  sum_mu L+ L- = sum_mu ((1+a_mu)/2)^2 - sum_mu m_mu^2,  a_mu = mean of xi^2
Laboratory scale: N to 100,000, no matrix is ever stored (see `glauber`); theory is exact for N to infinity (`mattis`).
The d_c from 1 - 2 d + d^K = 0 and the boundary d = 2/3 below T_c = 1 - d were derived again here, and are tested.
Source: Agliari, Alessandrelli, Barra, Ricci-Tersenghi (2023), arXiv:2308.04106.
"""

from __future__ import annotations

from .glauber import advance, energy, pattern_sums
from .mechanism import cue, draw_patterns, examples, hebbian, serves

__all__ = ["advance", "cue", "draw_patterns", "energy", "examples", "hebbian", "pattern_sums", "serves"]
