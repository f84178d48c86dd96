"""String diagrams that are programs: one term, read as a drawing, a torch program, a cost and a gradient.

>>> from labcore.diagrams import backprop, compile, cost, layout, parse
>>> scores = parse("scores(y=5, x=7, k=3) = Q[y k], K[x k] | contract k: (Q.k, K.k) | softmax x")
>>> run = compile(scores)  # a torch module: run(q, k) is an array [y x]
>>> cost(scores).multiply_adds, [str(array) for array in backprop(scores).cod]
(105, ['[y k]', '[x k]'])
>>> svg = layout(scores).to_svg()

`Diagram`: `Layer`s of `Box`es on wires of any type, composed by `>>` and `@`; a `Functor` maps one to another.
`Axis`: the wire of the array language, a name and a size; its operations are in `boxes`.
`parse`, `write`: the text form, whose grammar is in `text`. `architecture`: a known network by its name.
`laws` has the rewritings that keep the function, `repeat` the parentheses around what runs again and again.
`compile`, `cost`, `backprop`, `layout`: the four readings; the gradient is a diagram again.
`CompositionError`: wires that do not fit, `AxisError`: of arrays; `TextError`: a text, with line and column.

Importing this loads no torch; `compile` does. The rest is imported from its own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Three of these names are also modules of this package. They are bound now, after their modules have loaded: bound
# later, a name would mean the function or the module, depending on who came first.
from labcore.diagrams.architectures import architecture
from labcore.diagrams.axes import Axis, AxisError
from labcore.diagrams.backprop import backprop
from labcore.diagrams.cost import cost
from labcore.diagrams.diagram import Box, CompositionError, Diagram, Functor, Layer
from labcore.diagrams.drawing import layout
from labcore.diagrams.text import TextError, parse, write

if TYPE_CHECKING:
    from labcore.diagrams.code import compile

__all__ = [
    "Axis",
    "AxisError",
    "Box",
    "CompositionError",
    "Diagram",
    "Functor",
    "Layer",
    "TextError",
    "architecture",
    "backprop",
    "compile",
    "cost",
    "layout",
    "parse",
    "write",
]


def __getattr__(name: str) -> Any:
    if name != "compile":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from labcore.diagrams.code import compile

    return compile
