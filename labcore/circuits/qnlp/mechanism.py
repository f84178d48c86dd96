"""The functor from sentence diagrams to circuits, and p(true) of a circuit."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from labcore.diagrams.diagram import Box, Diagram, Functor

from . import qubit_circuit as qc
from .pregroup import CAP, CUP, WORD, Simple
from .sentence_learner import read


def to_circuits(q_n: int = 1, q_s: int = 0, depth: int = 3) -> Functor:
    """The functor F from sentence diagrams to circuits."""
    size = {"n": q_n, "s": q_s}

    def ob(simple: Simple) -> tuple[str, ...]:
        return qc.qubits(size[simple.name])  # the idea

    def ar(box: Box) -> Diagram:
        if box.data == WORD:
            return qc.word_circuit(box.name, sum(size[t.name] for t in box.cod), depth)  # the idea
        if box.data == CUP:
            return qc.bell_effects(size[box.dom[0].name])  # the idea
        if box.data == CAP:
            return qc.dagger(qc.bell_effects(size[box.cod[0].name]))
        return qc.dagger(ar(box.data.of))

    return Functor(ob, ar)  # the idea


def p_true(circuit: Diagram, angle: Callable[[qc.Angle], Float[Tensor, "*angles"]]) -> Float[Tensor, "*angles"]:
    """p(true) of a circuit with q_s = 0 or 1 open wires."""
    bells = sum(layer.box.name == "CNOT" for layer in circuit.layers)
    amplitude = qc.contract(circuit, angle)[..., 0]
    return read(2**bells * (amplitude.real**2 + amplitude.imag**2))
