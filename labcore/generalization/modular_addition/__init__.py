"""How a small network adds on a clock, and why it finds that way.

Problem: a network learns x + y mod p from a table in which numbers are mere names. What is in its weights then?
Idea: each neuron keeps one frequency k, a wave over the numbers in both layers, w = 2 pi k / p,
    theta_m[n] = alpha cos(w n + phi),  xi_m[j] = beta cos(w j + psi),  h_m = act(theta_m[x] + theta_m[y]),
with phases aligned, psi = 2 phi. A neuron's vote for the answer is noisy. Neurons with evenly spread phases cancel each
other's noise, and waves of all frequencies meet at x + y alone: a majority that is right, of voters that are not.
Training, while nothing is known yet, lets each frequency of each neuron run for itself (z^2, D = psi - 2 phi):
    alpha' = (2/p) alpha beta cos D,  beta' = (1/p) alpha^2 cos D,  D' = -(1/p) (alpha^2/beta + 4 beta) sin D
They keep alpha^2 - 2 beta^2 and alpha^2 beta sin D, and grow without limit in finite time: the first one there wins.
Weight decay makes a network that knows its examples by heart let go of all but the winners: it groks.
Laboratory scale: p up to 59, at most 512 neurons, full batches; no test pair has its mirror (y, x) in training.
Source: He, Wang, Chen, Yang (2026), arXiv:2602.16849. Formulas are derived again, the time of blowing up is ours.
"""

from __future__ import annotations

from .frequency_race import blow_up_time, race
from .spectrum import Neurons, amplitude_phase, read
from .training import Look, Table, start, table, train
from .voting import even_phases, flawed_indicator, voters, votes

__all__ = [
    "Look",
    "Neurons",
    "Table",
    "amplitude_phase",
    "blow_up_time",
    "even_phases",
    "flawed_indicator",
    "race",
    "read",
    "start",
    "table",
    "train",
    "voters",
    "votes",
]
