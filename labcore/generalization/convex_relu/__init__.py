"""Training a two-layer ReLU network to its best, and proving that it is.

Problem: min over w_j, a_j of    1/2 |sum_j relu(X w_j) a_j - y|^2 + beta/2 sum_j (|w_j|^2 + a_j^2)    has many valleys.
Idea: what makes it hard is only which samples each unit hears. For n samples there are finitely many such patterns
D_i = diag(1[X u >= 0]); list them, and give each of them two vectors, v_i for units that add and w_i for those that
take away:    min 1/2 |sum_i D_i X (v_i - w_i) - y|^2 + beta sum_i (|v_i| + |w_i|)
with the cone constraints (2 D_i - I) X v_i >= 0, and the same for w_i: each unit hears the samples of its pattern and
no others. That is convex, and has the same lowest value: w_j = v_i / sqrt|v_i|, a_j = sqrt|v_i| is the network.
Certificate: r = y - f(X) of a best network has |r.relu(X w)| <= beta for every unit w of length 1. Any r scaled to
keep that gives a floor, r.y - |r|^2/2, below which no network of any width can get.
Laboratory scale: up to 60 samples with one input and a constant, where all patterns can be listed and the certificate
is exact; two inputs and digits with patterns that are drawn. The iteration solves n equations, not 2Pd (`program.py`).
Source: Bai, Gautam, Sojoudi (2022), arXiv:2201.01965, with the program of Pilanci, Ergen (2020), arXiv:2002.10553.
"""

from __future__ import annotations

from .admm import step
from .certificate import Certificate, certify
from .descent import train
from .network import Network, loss, outputs
from .patterns import all_patterns, directions, drawn_patterns
from .program import Program, advance, network, program, solve

__all__ = [
    "Certificate",
    "Network",
    "Program",
    "advance",
    "all_patterns",
    "certify",
    "directions",
    "drawn_patterns",
    "loss",
    "network",
    "outputs",
    "program",
    "solve",
    "step",
    "train",
]
