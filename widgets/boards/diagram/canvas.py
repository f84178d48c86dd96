"""A canvas for neural circuit diagrams: read one in four ways, change it, build one wire by wire.

from widgets import diagram_canvas
diagram_canvas("multihead")
diagram_canvas("f(y=20, x=24, k=8) = Q[y k], K[x k]")
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from widgets.benches.front_end import is_static

if TYPE_CHECKING:
    from widgets.boards.diagram.board import DiagramCanvas


class StaticCanvas:
    """The drawing, the program and the reading of a diagram, for notebooks that nobody touches."""

    def __init__(self, canvas: DiagramCanvas):
        self.canvas, self.reading = canvas, canvas.reading

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        picture = f'<div style="overflow-x: auto">{self.canvas.scene["svg"]}</div>'
        code = f"<pre>{escape(self.canvas.code)}</pre>"
        return {"text/html": f"{picture}<p>{escape(self.reading)}</p>{code}", "text/plain": self.reading}


def diagram_canvas(
    program: str = "multihead", seed: int = 0, opening: bool = False, **sizes: int
) -> DiagramCanvas | StaticCanvas:
    """A canvas with a diagram to read, change and build; a picture and a sentence where there is no front end.

    With `opening`, data run through it once when it comes into view.
    """
    # the language is loaded when a canvas is made, not when `widgets` is imported
    from widgets.boards.diagram.board import DiagramCanvas

    canvas = DiagramCanvas(program, seed, opening, **sizes)
    return StaticCanvas(canvas) if is_static() else canvas
