"""Networks of signs that are found, not trained: two projections and one reflection, with no gradient.

Problem: y = sign(w.x) with x, y = +-1 has no useful derivative, so a logic circuit cannot be learned by descent.
Idea: give every data item its own copy of everything, and look for a point in two sets, each easy to project on.
    A (divide)  each neuron, each item:  y = +-1,  y (w.x) >= Delta = sqrt(m / sigma),  m edges, inputs = data
    B (concur)  one weight an edge for all items, |w|^2 = m at each neuron; one value a node; outputs = labels
RRR:  z <- z + beta (P_B(2 P_A(z) - z) - P_A(z)),   gap = |P_B(2 P_A(z) - z) - P_A(z)| a neuron and item, rms.
P_A moves w' = (w + u x)/(1 - u^2), x' = (x + u w)/(1 - u^2), with u the root of a rising function of one variable.
Why gates: k equal weights of norm sqrt(m) have the margin sqrt(m/k), k odd: enough only if k <= sigma. With sigma = 3
a neuron that sees every pattern is a copy, a NOT or a majority of 3 (with the constant -1 in it: AND, OR).
The metric g of a neuron and item grows where its part of the gap is large: g += gamma (gap^2/mean - g).
Generative: no data at the inputs; A rounds them, item by item, to a hypercube's corner or to a single +1 among -1.
Laboratory scale: circuits of up to 32 neurons and 64 items. The projections and the step are in
relax_reflect.py; the gate read-out is ours, and so are the pictures of the generative model.
Source: Elser and Lal, Learning with Boolean threshold functions (2026), arXiv:2602.17493; their toolkit boolearn.
"""

from __future__ import annotations

from .relax_reflect import State, advance, project_neuron, random_state
from .threshold_circuits import Task, circuit, make_task, read_gates
from .wiring import Wiring, accuracy, layered

__all__ = [
    "State",
    "Task",
    "Wiring",
    "accuracy",
    "advance",
    "circuit",
    "layered",
    "make_task",
    "project_neuron",
    "random_state",
    "read_gates",
]
