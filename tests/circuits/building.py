"""Diagrams from operations in one expression, for tests."""

from __future__ import annotations

from labcore.diagrams import Axis, Diagram
from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import Operation, Sketch


def array(*axes: Axis) -> Array:
    return Array(axes)


def composed(dom: tuple[Array, ...], *steps: Operation | tuple[Operation, int]) -> Diagram:
    """These operations on these arrays, each on the first row or, as (operation, row), on another."""
    sketch = Sketch(dom)
    for step in steps:
        sketch.do(*step if isinstance(step, tuple) else (step,))
    return sketch.diagram
