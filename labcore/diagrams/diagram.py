"""String diagrams: boxes with typed inputs and outputs, put one after another (`>>`) and side by side (`@`).

A diagram is kept as a list of layers. Each layer holds one box and how many wires pass above it, so every reading of a
diagram (drawing, code, cost, gradient, matrix) is one walk over its layers. An object, the type of one wire, is any
hashable value: an array's axes, a grammatical type, a number of qubits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

Ty = tuple[Hashable, ...]  # the objects on parallel wires, from top to bottom


class CompositionError(ValueError):
    """Two diagrams were composed whose wires do not fit."""


@dataclass(frozen=True)
class Box:
    """One operation, from the wires `dom` to the wires `cod`. Diagrams treat it as opaque; a functor looks inside."""

    name: str
    dom: Ty
    cod: Ty
    data: Any = None


@dataclass(frozen=True)
class Layer:
    """One column: a box with `offset` wires passing above it."""

    offset: int
    box: Box


@dataclass(frozen=True)
class Diagram:
    """Layers from left to right on wires that start as `dom`. Raises `CompositionError` where a box does not fit."""

    dom: Ty
    layers: tuple[Layer, ...] = ()
    cuts: tuple[Ty, ...] = field(init=False, compare=False, repr=False)  # the wires before, between and after layers

    def __post_init__(self) -> None:
        cuts = [self.dom]
        for column, layer in enumerate(self.layers):
            now, (i, box) = cuts[-1], (layer.offset, layer.box)
            if not 0 <= i <= len(now):  # a box without inputs would fit anywhere
                raise CompositionError(f"Column {column + 1}, {box.name}: wire {i + 1} is none of the {len(now)}")
            found = now[i : i + len(box.dom)]
            if found != box.dom:
                raise CompositionError(f"Column {column + 1}, {box.name}: {mismatch(found, box.dom, i)}")
            cuts.append(now[:i] + box.cod + now[i + len(box.dom) :])
        object.__setattr__(self, "cuts", tuple(cuts))

    @property
    def cod(self) -> Ty:
        return self.cuts[-1]

    @staticmethod
    def of(box: Box) -> Diagram:
        """The diagram with this one box."""
        return Diagram(box.dom, (Layer(0, box),))

    def __rshift__(self, after: Diagram) -> Diagram:
        if self.cod != after.dom:
            raise CompositionError(f"The two diagrams do not fit: {mismatch(self.cod, after.dom)}")
        return Diagram(self.dom, self.layers + after.layers)

    def __matmul__(self, below: Diagram) -> Diagram:
        """Side by side; the upper diagram's boxes come first."""
        shift = len(self.cod)
        lower = tuple(Layer(layer.offset + shift, layer.box) for layer in below.layers)
        return Diagram(self.dom + below.dom, self.layers + lower)


def mismatch(found: Ty, wanted: Ty, first: int = 0) -> str:
    """Where two types differ, in words. Objects with a method `difference(other) -> str` say it themselves."""
    if len(found) != len(wanted):
        return f"{len(found)} wires come in, {len(wanted)} are wanted"
    for row, (have, want) in enumerate(zip(found, wanted), start=first + 1):
        if have != want:
            say = getattr(have, "difference", None)
            return f"wire {row}: " + (say(want) if say else f"{have} comes in, {want} is wanted")
    raise ValueError("the types are equal")


@dataclass(frozen=True)
class Functor:
    """A map of diagrams that keeps `>>` and `@`: objects to types by `ob`, boxes to diagrams by `ar`."""

    ob: Callable[[Hashable], Ty]
    ar: Callable[[Box], Diagram]

    def of_type(self, ty: Ty) -> Ty:
        """The type that a type is sent to."""
        return tuple(image for ob in ty for image in self.ob(ob))

    def __call__(self, diagram: Diagram) -> Diagram:
        layers: list[Layer] = []
        for layer, cut in zip(diagram.layers, diagram.cuts):
            image, above = self.ar(layer.box), len(self.of_type(cut[: layer.offset]))
            wanted = self.of_type(layer.box.dom), self.of_type(layer.box.cod)
            for have, want in zip((image.dom, image.cod), wanted):
                if have != want:
                    raise CompositionError(f"The image of {layer.box.name} does not fit: {mismatch(have, want)}")
            layers += [Layer(inner.offset + above, inner.box) for inner in image.layers]
        return Diagram(self.of_type(diagram.dom), tuple(layers))
