"""Qubit circuits as diagrams: gates with named angles, evaluation by contraction, and derivatives as sums of circuits.

A circuit is a `Diagram` on wires QUBIT. Its boxes are |0>, <0|, <1| (post-selected, not normalised), H, CNOT and the
rotations R(t) = exp(-i t G): Rx, Rz, and CRz, which is Rz(t) on the second qubit if the first is 1.
A circuit without open wires is a number a, and its doubled value, the circuit beside its conjugate, is |a|^2.
Sources: Toumi, Yeung, de Felice (2021), arXiv:2103.07960 (diagrammatic differentiation); Schuld et al. (2018),
arXiv:1811.11184 (two shifts); Anselmetti et al. (2021), arXiv:2104.05695 (four shifts).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from labcore.diagrams import Box, Diagram, Layer

QUBIT = "qubit"
_ROOT = math.sqrt(0.5)
# G has eigenvalues +-1/2 in Rx and Rz, and 0, 0, +-1/2 in CRz. A rule is a list of (coefficient, shift).
_C, _D = (math.sqrt(2) + 1) / (4 * math.sqrt(2)), (math.sqrt(2) - 1) / (4 * math.sqrt(2))
TWO_TERMS = ((0.5, math.pi / 2), (-0.5, -math.pi / 2))
FOUR_TERMS = ((_C, math.pi / 2), (-_C, -math.pi / 2), (-_D, 3 * math.pi / 2), (_D, -3 * math.pi / 2))
SHIFT_RULE = {"Rx": TWO_TERMS, "Rz": TWO_TERMS, "CRz": FOUR_TERMS}  # of the doubled circuit
# of the amplitude itself; the second is exact for eigenvalues 0, +-1/2
AMPLITUDE_RULE = {
    "Rx": ((0.5, math.pi),),
    "Rz": ((0.5, math.pi),),
    "CRz": ((0.25, math.pi), (-0.25, -math.pi)),
}
FIXED = {
    "|0>": torch.tensor([[1], [0]], dtype=torch.complex128),
    "<0|": torch.tensor([[1, 0]], dtype=torch.complex128),
    "<1|": torch.tensor([[0, 1]], dtype=torch.complex128),
    "H": torch.tensor([[_ROOT, _ROOT], [_ROOT, -_ROOT]], dtype=torch.complex128),
    "CNOT": torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=torch.complex128),
}


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
    width = qubits(2 if name == "CRz" else 1)
    return Box(name, width, width, angle)


def dagger(diagram: Diagram) -> Diagram:
    """The adjoint, read from right to left."""

    def adjoint(box: Box) -> Box:
        return box.data.of if isinstance(box.data, Dagger) else Box(box.name + "\u2020", box.cod, box.dom, Dagger(box))

    return Diagram(diagram.cod, tuple(Layer(x.offset, adjoint(x.box)) for x in reversed(diagram.layers)))


def matrix(box: Box, angle: Callable[[Angle], Tensor]) -> Tensor:
    """The matrix (..., 2^outputs, 2^inputs) of a box; the leading axes are those of the angles."""
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


def contract(circuit: Diagram, angle: Callable[[Angle], Tensor]) -> Tensor:
    """The tensor of a circuit, (..., 2^outputs, 2^inputs), by applying box after box.

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


def values(circuits: Sequence[Diagram], theta: Mapping[str, Tensor]) -> Tensor:
    """The tensors (C, 2^outputs, 2^inputs) of circuits that differ in their angles only; theta: word -> (angles,)."""
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
            turn("Rx", wire)
            turn("Rz", wire)
        layers += [Layer(wire, fixed("H")) for wire in range(width)]
        for wire in range(width - 1):
            turn("CRz", wire)
    return Diagram((), tuple(layers))


def bell_effects(q: int) -> Diagram:
    """q nested Bell effects on 2q qubits, the inner pair first; each is CNOT, H, and two qubits found in |0>."""
    steps = ((0, "CNOT"), (0, "H"), (1, "<0|"), (0, "<0|"))
    return Diagram(qubits(2 * q), tuple(Layer(i + o, fixed(g)) for i in reversed(range(q)) for o, g in steps))


# ---- derivatives


@dataclass(frozen=True)
class Bubble:
    """A function drawn around a scalar: x^power, or log x where `power` is None."""

    power: float | None
    inside: Sum


@dataclass(frozen=True)
class Term:
    """A coefficient times doubled circuits and bubbles."""

    coefficient: float
    factors: tuple[Diagram | Bubble, ...] = ()


Sum = tuple[Term, ...]  # a formal sum of diagrams


def _shifted(circuit: Diagram, word: str, k: int, rules: Mapping[str, tuple]) -> list[tuple[float, Diagram]]:
    """d(f ; g) = df ; g + f ; dg: one box after the other is replaced by its rule."""
    terms = []
    for column, layer in enumerate(circuit.layers):
        a = layer.box.data
        if isinstance(a, Angle) and (a.word, a.k) == (word, k):
            for coefficient, shift in rules[layer.box.name]:
                box = replace(layer.box, data=replace(a, shift=a.shift + shift))
                layers = (*circuit.layers[:column], Layer(layer.offset, box), *circuit.layers[column + 1 :])
                terms.append((coefficient, Diagram(circuit.dom, layers)))
    return terms


def derivative_of_amplitude(circuit: Diagram, word: str, k: int) -> list[tuple[float, Diagram]]:
    """d circuit / d (angle k of word), before doubling."""
    return _shifted(circuit, word, k, AMPLITUDE_RULE)


def derivative(scalar: Sum, word: str, k: int, rules: Mapping[str, tuple] = SHIFT_RULE) -> Sum:
    """d scalar / d (angle k of word) as a formal sum of diagrams: the product rule, and h'(f) df around a bubble."""
    terms: list[Term] = []
    for term in scalar:
        for i, factor in enumerate(term.factors):
            others = term.factors[:i] + term.factors[i + 1 :]
            if isinstance(factor, Diagram):
                terms += [Term(term.coefficient * c, (*others, moved)) for c, moved in _shifted(factor, word, k, rules)]
                continue
            outer = 1.0 if factor.power is None else factor.power
            slope = Bubble(-1.0 if factor.power is None else factor.power - 1, factor.inside)
            for inner in derivative(factor.inside, word, k, rules):
                terms.append(Term(term.coefficient * outer * inner.coefficient, (*others, slope, *inner.factors)))
    return tuple(terms)


def moved(circuit: Diagram, word: str, k: int, by: float) -> Diagram:
    """The circuit with angle k of the word moved, in every box that has it."""

    def move(layer: Layer) -> Layer:
        a = layer.box.data
        if isinstance(a, Angle) and (a.word, a.k) == (word, k):
            return Layer(layer.offset, replace(layer.box, data=replace(a, shift=a.shift + by)))
        return layer

    return Diagram(circuit.dom, tuple(map(move, circuit.layers)))


def evaluate(*groups: Sequence[Sum], theta: Mapping[str, Tensor]) -> list[Tensor]:
    """The numbers (N,) that each group of N formal sums stands for; circuits of one shape are contracted at once."""
    shapes: dict[tuple, dict[int, Diagram]] = {}  # by identity: hashing a circuit costs as much as contracting it

    def visit(part: Sum) -> None:
        for term in part:
            for factor in term.factors:
                if isinstance(factor, Diagram):
                    shape = tuple((x.offset, x.box.name) for x in factor.layers)
                    shapes.setdefault(shape, {})[id(factor)] = factor
                else:
                    visit(factor.inside)

    for scalars in groups:
        for scalar in scalars:
            visit(scalar)
    doubled: dict[int, Tensor] = {}
    for circuits in shapes.values():
        amplitude = values(list(circuits.values()), theta)[:, 0, 0]
        doubled |= zip(circuits, (amplitude.real**2 + amplitude.imag**2).unbind(), strict=True)

    def fold(part: Sum) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for term in part:
            product = term.coefficient
            for factor in term.factors:
                if isinstance(factor, Diagram):
                    product = product * doubled[id(factor)]
                else:
                    x = fold(factor.inside)
                    product = product * (x.log() if factor.power is None else x**factor.power)
            total = total + product
        return total

    return [torch.stack([fold(scalar) for scalar in scalars]) for scalars in groups]


def three_ways(
    scalar: Callable[[Diagram], Sum],
    circuit: Diagram,
    angles: Sequence[tuple[str, int]],
    theta: Mapping[str, Tensor],
    rules: Mapping[str, tuple] = SHIFT_RULE,
    h: float = 1e-5,
) -> list[Tensor]:
    """The derivatives of scalar(circuit) by all `angles`, in the order of theta: formal sums, autograd, differences."""
    by_shift, up, down = evaluate(
        [derivative(scalar(circuit), *which, rules) for which in angles],
        [scalar(moved(circuit, *which, h)) for which in angles],
        [scalar(moved(circuit, *which, -h)) for which in angles],
        theta=theta,
    )
    leaves = {name: values.clone().requires_grad_() for name, values in theta.items()}
    (value,) = evaluate([scalar(circuit)], theta=leaves)
    return [by_shift, torch.cat(torch.autograd.grad(value.sum(), list(leaves.values()))), (up - down) / (2 * h)]
