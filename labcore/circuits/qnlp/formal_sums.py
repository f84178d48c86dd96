"""Derivatives of circuits as formal sums of circuits with shifted angles; a function around one is a bubble.

Sources: Toumi, Yeung, de Felice (2021), arXiv:2103.07960 (diagrammatic differentiation); Schuld et al. (2018),
arXiv:1811.11184 (two shifts); Anselmetti et al. (2021), arXiv:2104.05695 (four shifts).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from labcore.diagrams import Diagram, Layer

from .qubit_circuit import Angle, values

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
                # the idea
                terms += [Term(term.coefficient * c, (*others, moved)) for c, moved in _shifted(factor, word, k, rules)]
                continue
            outer = 1.0 if factor.power is None else factor.power
            slope = Bubble(-1.0 if factor.power is None else factor.power - 1, factor.inside)
            for inner in derivative(factor.inside, word, k, rules):  # the idea
                # the idea
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


def evaluate(*groups: Sequence[Sum], theta: Mapping[str, Float[Tensor, " K"]]) -> list[Float[Tensor, " N"]]:
    """The numbers that each group of N formal sums stands for; circuits of one shape are contracted at once."""
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
    theta: Mapping[str, Float[Tensor, " K"]],
    rules: Mapping[str, tuple] = SHIFT_RULE,
    h: float = 1e-5,
) -> list[Float[Tensor, " P"]]:
    """The derivatives of scalar(circuit) by all `angles`, in the order of theta: formal sums, autograd, differences."""
    by_shift, up, down = evaluate(
        [derivative(scalar(circuit), *which, rules) for which in angles],
        [scalar(moved(circuit, *which, h)) for which in angles],
        [scalar(moved(circuit, *which, -h)) for which in angles],
        theta=theta,
    )
    leaves = {name: angles.clone().requires_grad_() for name, angles in theta.items()}
    (value,) = evaluate([scalar(circuit)], theta=leaves)
    return [by_shift, torch.cat(torch.autograd.grad(value.sum(), list(leaves.values()))), (up - down) / (2 * h)]
