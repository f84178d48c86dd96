"""Grammar as a wiring plan: a sentence diagram becomes a quantum circuit, and word circuits are learned.

Problem: a bag of words says the same about "Alice loves Bob" and "Bob loves Alice". Where does word order enter?
Idea: a sentence is a diagram, words joined by cups (n n.r -> 1); meaning is a functor F on such diagrams.
    F(n) = q_n qubits, F(s) = q_s qubits, F(n.l) = F(n.r) = F(n);    F(f ; g) = F(f) ; F(g),  F(f @ g) = F(f) @ F(g)
    F(word) = U(theta_word) |0...0>: one qubit Rx Rz Rx, else layers of (Rx, Rz, H on each, CRz on neighbours)
    F(cup) = Bell effect <00| (H @ 1) CNOT = (<00| + <11|) / sqrt 2, post-selected: a transpose, no conjugate
    q_s = 0: p(true) = 2^cups |amplitude|^2;   q_s = 1: p(true) = |v_1|^2 / (|v_0|^2 + |v_1|^2)
theta belongs to words, not to sentences: learned by cross-entropy on some sentences, it gives p for all others.
The derivative of a diagram is a formal sum of diagrams with shifted angles; a bubble around it gives the chain rule.
Laboratory scale: up to ten nouns in two hidden classes, four verbs; circuits are contracted, not run on a device.
The toy world, the rescaling and the controls are ours.
Source: Toumi, Category Theory for Quantum Natural Language Processing (2022), arXiv:2212.06615; the circuits follow
Meichanetzidis, Toumi, de Felice, Coecke (2020), arXiv:2012.03756.
"""

from __future__ import annotations

from .formal_sums import derivative
from .mechanism import p_true, to_circuits
from .pregroup import Simple, hasten, links, parse
from .qubit_circuit import contract, word_circuit
from .sentence_learner import Learner, draw_angles
from .toy_corpus import toy_sentences

__all__ = [
    "Learner",
    "Simple",
    "contract",
    "derivative",
    "draw_angles",
    "hasten",
    "links",
    "p_true",
    "parse",
    "to_circuits",
    "toy_sentences",
    "word_circuit",
]
