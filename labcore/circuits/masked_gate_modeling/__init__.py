"""Learning what circuits are by guessing gates that are hidden, without hiding what the circuit computes.

Problem: masked modeling hides a part of the input. Hide a gate of a circuit, and it may be any of many functions.
Idea: hide the gate in the latent space. A circuit is an and-inverter graph G; a graph encoder E sees all of it:
    H = E(G),    H_M <- m (one learned row),    Z = D(H, edges),    guess the types of M from Z:  masked gate modeling.
H was computed from the intact circuit, so its function is never damaged. Where gates are hidden at the input after
all, a text says what the circuit does: mask with m', encode by the same E, ask the embedding of its Verilog line by
cross-attention, guess the types: Verilog-AIG alignment. L = CE + CE' + 0.1 (Huber of in-degree + Huber of out-degree).
Laboratory scale: circuits of 2 to 5 bits, d = 32, 3 layers; a hashed text vector stands in for a language model's.
Where inverters are nodes, as in the paper, the type of a gate follows from its two degrees. So there is a second
labelling: inverters on edges, ANDs labelled by how many of their inputs are inverted. Only it needs the function.
Source: Wu et al., Circuit Representation Learning with Masked Gate Modeling and Verilog-AIG Alignment (2025),
arXiv:2502.12732.
"""

from __future__ import annotations

from .aig import Aig, build, verilog
from .circuit_encoder import Batch, align, encode, layer
from .circuit_functions import completions, signal_probability
from .circuit_graph import with_inverters, with_polarity
from .circuit_study import Study, batch, collect, study, train, unseen
from .mechanism import accuracy, guess, guess_with_text, losses, see

__all__ = [
    "Aig",
    "Batch",
    "Study",
    "accuracy",
    "align",
    "batch",
    "build",
    "collect",
    "completions",
    "encode",
    "guess",
    "guess_with_text",
    "layer",
    "losses",
    "see",
    "signal_probability",
    "study",
    "train",
    "unseen",
    "verilog",
    "with_inverters",
    "with_polarity",
]
