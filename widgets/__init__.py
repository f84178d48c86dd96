"""Widgets: what a person sees and moves. `bench("key.experiment")` is the whole of it for most notebooks.

Importing this loads nothing else. A name is loaded when it is used, and methods, torch and plotly when a bench is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from widgets.atlas.navigation import lesson_nav
    from widgets.benches.bench import bench
    from widgets.benches.prediction import Prediction
    from widgets.benches.ruler import Ruler
    from widgets.benches.sketch import Sketch
    from widgets.boards.diagram.canvas import diagram_canvas
    from widgets.boards.memory import memory_board
    from widgets.lesson import exercise, ledger, source

_HOMES = {
    "Prediction": "benches.prediction",
    "Ruler": "benches.ruler",
    "Sketch": "benches.sketch",
    "bench": "benches.bench",
    "diagram_canvas": "boards.diagram.canvas",
    "exercise": "lesson",
    "ledger": "lesson",
    "lesson_nav": "atlas.navigation",
    "memory_board": "boards.memory",
    "source": "lesson",
}
__all__ = [
    "Prediction",
    "Ruler",
    "Sketch",
    "bench",
    "diagram_canvas",
    "exercise",
    "ledger",
    "lesson_nav",
    "memory_board",
    "source",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
