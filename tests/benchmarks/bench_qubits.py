"""Contraction of a sentence's circuit, beside discopy; the parser."""

from __future__ import annotations

import numpy as np

from labcore.circuits.qnlp import Simple, draw_angles, hasten, links, parse, to_circuits
from labcore.circuits.qnlp.pregroup import ty
from labcore.circuits.qnlp.qubit_circuit import contract, word_circuit
from labcore.circuits.qnlp.toy_corpus import LEXICON
from tests.benchmarks.timing import Duel, Growth, Work

DEPTH = 2


def discopys(words: list[str], theta: dict) -> tuple[Work, int]:
    """The amplitude (2^open,) by discopy, its diagram made beforehand, and how many of its cups carry sqrt 2."""
    from discopy import quantum
    from discopy.cat import Category
    from discopy.grammar import pregroup

    def type_of(name: str) -> pregroup.Ty:
        out = pregroup.Ty()
        for t in LEXICON[name]:
            one = pregroup.Ty(t.name)
            for _ in range(abs(t.winding)):
                one = one.l if t.winding < 0 else one.r
            out = out @ one
        return out

    gates = {"Rx": quantum.Rx, "Rz": quantum.Rz, "CRz": quantum.CRz}

    def circuit_of(name: str) -> quantum.Circuit:
        circuit = quantum.Id(quantum.qubit**0)
        for layer in word_circuit(name, len(LEXICON[name]), DEPTH).layers:
            kind = layer.box.name
            if kind in gates:
                gate = gates[kind](theta[name][layer.box.data.k].item() / (2 * np.pi))
            else:
                gate = quantum.Ket(0) if kind == "|0>" else quantum.H
            rest = len(circuit.cod) - layer.offset - len(gate.dom)
            circuit = circuit >> quantum.Id(quantum.qubit**layer.offset) @ gate @ quantum.Id(quantum.qubit**rest)
        return circuit

    boxes = [pregroup.Word(word, type_of(word)) for word in words]
    sentence = pregroup.eager_parse(*boxes)
    functor = quantum.circuit.Functor(
        ob={pregroup.Ty("n"): quantum.qubit, pregroup.Ty("s"): quantum.qubit},
        ar={box: circuit_of(box.name) for box in boxes},
        dom=Category(pregroup.Ty, pregroup.Diagram),
    )
    made, cups = functor(sentence), len(sentence.boxes) - len(words)
    return lambda: np.asarray(made.eval().array).ravel(), cups


def sentence(quick: bool) -> list[Duel]:
    rows = []
    for text in ("Alice sleeps",) if quick else ("Alice loves Bob", "clever Alice loves clever Bob"):
        words = text.split()
        theta = draw_angles(words, 1, DEPTH, 5)
        circuit = to_circuits(1, 1, DEPTH)(hasten(parse(words, LEXICON)))
        theirs, cups = discopys(words, theta)

        def ours(circuit=circuit, theta=theta, cups=cups) -> np.ndarray:
            state = contract(circuit, lambda a: theta[a.word][..., a.k] + a.shift)[:, 0].numpy()
            return state * 2 ** (cups / 2)

        wires = max(map(len, circuit.cuts))
        what = f'circuit of "{text}", {len(circuit.layers)} boxes, {wires} qubits at most'
        rows.append(Duel(what, ours, "discopy eval", theirs, 1e-10, table=len(words) != 3))
    return rows


def growth(quick: bool) -> list[Growth]:
    states = {}
    for width in (10, 14) if quick else (12, 14, 16, 18, 20):
        circuit = word_circuit("w", width, 1)
        theta = np.random.default_rng(0).uniform(0, 2 * np.pi, 4 * width)
        states[2**width] = word(circuit, theta), len(circuit.layers)
    types = {}
    for n in (21, 81) if quick else (21, 41, 81, 161, 321):
        # nested pairs, so that every span has to be tried
        half = (n - 1) // 2
        wires = ty("n " * half + "s " + "n.r " * half)
        types[n] = (lambda wires=wires: links(wires, Simple("s"))), 1
    return [
        Growth("gate on a state of qubits", "amplitudes", states, 1, "us", "gate"),
        Growth("parse of a sentence (at most)", "types", types, 3),
    ]


def word(circuit, theta: np.ndarray) -> Work:
    import torch

    angles = torch.tensor(theta)
    return lambda: contract(circuit, lambda a: angles[a.k])


PEERS = (sentence,)
GROWTH = (growth,)
MEMORY = ()
