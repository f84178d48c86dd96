"""Programs write the graph on which a network computes; the graphs that learn best lend parts to the next programs.

Problem: a network that learns from few examples needs the right structure, and nobody knows which one that is.
Idea: between encoder and head stands a graph network whose graph a short program wrote. Nodes and edges together are
the graph's elements, numbered as they were made. The encoder's output x in R^D is cut into as many consecutive chunks;
element e gets chunk e, repeated to length D, plus a code of its number (and, for an edge, of its port):
    h_i <- chunk(i) + code(i, 0),   e_ij <- chunk(ij) + code(ij, port + 1),    3 layers
    h_i <- W ((1 + eps) h_i + sum_j relu(h_j + e_ij)) + b,      mean over nodes, linear head.
So the program decides which part of the representation meets which. A population of programs evolves: train a fresh
network for each, keep the half with the best training accuracy, find steps that the kept programs share, make them new
primitives (library learning), search short programs in the larger language, skip graphs that are there already.
Laboratory scale: rows of three 4x4 panels stand in for Raven's matrices, a two-layer MLP for the vision transformer,
populations of 8 for 50; a part that saves most bits is found by trying all runs of steps, where the paper uses Stitch.
Source: Whitehouse, Symbolic Synthesis of Neural Networks (2023), arXiv:2303.03340.
"""

from __future__ import annotations

from .graph_programs import Graph, draw_graph, shown, trace
from .graph_structured import chunks, graph_module, train, wire
from .mechanism import Generation, select
from .program_library import compress
from .program_search import explore

__all__ = [
    "Generation",
    "Graph",
    "chunks",
    "compress",
    "draw_graph",
    "explore",
    "graph_module",
    "select",
    "shown",
    "trace",
    "train",
    "wire",
]
