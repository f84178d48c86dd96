"""Qubit circuits as diagrams: gates with named angles, words and cups made of them, evaluation by contraction.

A circuit is a `Diagram` on wires QUBIT. Its boxes are |0>, <0|, <1| (post-selected, not normalised), H, CNOT and the
rotations R(t) = exp(-i t G): Rx, Rz, and CRz, which is Rz(t) on the second qubit if the first is 1.
A circuit without open wires is a number a, and its doubled value, the circuit beside its conjugate, is |a|^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from labcore.diagrams import Box, Diagram, Layer

QUBIT = "qubit"
_ROOT = math.sqrt(0.5)
FIXED = {
    "|0>": torch.tensor([[1], [0]], dtype=torch.complex128),
    "<0|": torch.tensor([[1, 0]], dtype=torch.complex128),
    "<1|": torch.tensor([[0, 1]], dtype=torch.complex128),
    "H": torch.tensor([[_ROOT, _ROOT], [_ROOT, -_ROOT]], dtype=torch.complex128),
    "CNOT": torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=torch.complex128),
}
ROTATIONS = ("Rx", "Rz", "CRz")


@dataclass(frozen=True)
class Angle:
    """Angle number `k` of a word, moved by `shift`."""

    word: str
    k: int
    shift: float = 0.0


@dataclass(frozen=True)
class Dagger:
    """Marks the adjoint of a box."""

    of: Box


def qubits(n: int) -> tuple[str, ...]:
    return (QUBIT,) * n


def fixed(name: str) -> Box:
    """|0>, <0|, <1|, H or CNOT."""
    rows, columns = FIXED[name].shape
    return Box(name, qubits(columns.bit_length() - 1), qubits(rows.bit_length() - 1))


def rotation(name: str, angle: Angle) -> Box:
    """Rx, Rz or CRz. Raises ValueError for another."""
    if name not in ROTATIONS:
        raise ValueError(f"name = {name!r} is not allowed; it must be one of {', '.join(ROTATIONS)}")
    width = qubits(2 if name == "CRz" else 1)
    return Box(name, width, width, angle)


def dagger(diagram: Diagram) -> Diagram:
    """The adjoint, read from right to left."""

    def adjoint(box: Box) -> Box:
        return box.data.of if isinstance(box.data, Dagger) else Box(box.name + "\u2020", box.cod, box.dom, Dagger(box))

    return Diagram(diagram.cod, tuple(Layer(x.offset, adjoint(x.box)) for x in reversed(diagram.layers)))


def matrix(
    box: Box, angle: Callable[[Angle], Float[Tensor, "*angles"]]
) -> Complex[Tensor, "*angles 2**outputs 2**inputs"]:
    """The matrix of a box; the leading axes are those of the angles."""
    if isinstance(box.data, Dagger):
        return matrix(box.data.of, angle).mH
    if box.name in FIXED:
        return FIXED[box.name]
    t = angle(box.data) / 2
    if box.name == "Rx":
        c, s = torch.complex(t.cos(), torch.zeros_like(t)), torch.complex(torch.zeros_like(t), -t.sin())
        return torch.stack([torch.stack([c, s], -1), torch.stack([s, c], -1)], -2)
    plus = torch.complex(t.cos(), t.sin())
    phases = [plus.conj(), plus] if box.name == "Rz" else [torch.ones_like(plus)] * 2 + [plus.conj(), plus]
    return torch.diag_embed(torch.stack(phases, -1))


def contract(
    circuit: Diagram, angle: Callable[[Angle], Float[Tensor, "*angles"]]
) -> Complex[Tensor, "*angles 2**outputs 2**inputs"]:
    """The tensor of a circuit, by applying box after box.

    `angle` gives the value of each angle, a tensor with any leading axes (models, words, shifted copies).
    """
    inputs = 2 ** len(circuit.dom)
    state = torch.eye(inputs, dtype=torch.complex128)
    for layer, cut in zip(circuit.layers, circuit.cuts):
        gate = matrix(layer.box, angle)
        above, width = 2**layer.offset, 2 ** len(layer.box.dom)
        state = state.reshape(*state.shape[:-2], above, width, 2 ** len(cut) // (above * width) * inputs)
        state = gate.unsqueeze(-3) @ state
        state = state.reshape(*state.shape[:-3], -1, inputs)
    return state


def places(circuit: Diagram) -> list[tuple[str, int, int]]:
    """Name and qubits of each box, in order; qubits are numbered as they are born, and -1 means no second one."""
    alive: list[int] = []
    found, born = [], 0
    for layer in circuit.layers:
        if layer.box.name == "|0>":
            alive.insert(layer.offset, born)
            born += 1
        on = alive[layer.offset : layer.offset + max(1, len(layer.box.dom))]
        found.append((layer.box.name, on[0], on[1] if len(on) > 1 else -1))
        if not layer.box.cod:
            del alive[layer.offset]
    return found


def values(
    circuits: Sequence[Diagram], theta: Mapping[str, Float[Tensor, " K"]]
) -> Complex[Tensor, "C 2**outputs 2**inputs"]:
    """The tensors of circuits that differ in their angles only; theta has the angles of each word.

    Raises ValueError for circuits that differ in anything else.
    """
    first = [(layer.offset, layer.box.name) for layer in circuits[0].layers]
    for i, circuit in enumerate(circuits):
        if circuit.dom != circuits[0].dom or [(layer.offset, layer.box.name) for layer in circuit.layers] != first:
            raise ValueError(f"circuit {i} has other boxes than circuit 0; circuits must differ in their angles only")
    batches = []
    for boxes in zip(*([layer.box for layer in c.layers] for c in circuits), strict=True):
        angles = [box.data.of.data if isinstance(box.data, Dagger) else box.data for box in boxes]
        if isinstance(angles[0], Angle):
            shifts = torch.tensor([a.shift for a in angles], dtype=torch.float64)
            batches.append(torch.stack([theta[a.word][a.k] for a in angles]) + shifts)
    each = iter(batches)
    return contract(circuits[0], lambda _: next(each)).expand(len(circuits), -1, -1)


def word_circuit(word: str, width: int, depth: int) -> Diagram:
    """The state of a word on `width` qubits: Rx Rz Rx on one; on more, `depth` layers of IQP after a free Rx, Rz each.

    The angles are numbered in the order in which they act.
    """
    layers = [Layer(i, fixed("|0>")) for i in range(width)]
    k = 0

    def turn(gate: str, wire: int) -> None:
        nonlocal k
        layers.append(Layer(wire, rotation(gate, Angle(word, k))))
        k += 1

    if width == 1:
        for gate in ("Rx", "Rz", "Rx"):
            turn(gate, 0)
    for _ in range(depth if width > 1 else 0):
        for wire in range(width):
            turn("Rx", wire)  # the idea
            turn("Rz", wire)  # the idea
        layers += [Layer(wire, fixed("H")) for wire in range(width)]  # the idea
        for wire in range(width - 1):
            turn("CRz", wire)  # the idea
    return Diagram((), tuple(layers))


def bell_effects(q: int) -> Diagram:
    """q nested Bell effects on 2q qubits, the inner pair first; each is CNOT, H, and two qubits found in |0>."""
    steps = ((0, "CNOT"), (0, "H"), (1, "<0|"), (0, "<0|"))
    return Diagram(qubits(2 * q), tuple(Layer(i + o, fixed(g)) for i in reversed(range(q)) for o, g in steps))
