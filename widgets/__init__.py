"""Widgets: what a person sees and moves. `bench("key.experiment")` is the whole of it for most notebooks.

Importing this loads no method, no torch and no plotly; they are loaded when a bench is made.
"""

from widgets.benches.bench import bench
from widgets.benches.prediction import Prediction
from widgets.benches.ruler import Ruler
from widgets.benches.sketch import Sketch
from widgets.boards.diagram.canvas import diagram_canvas
from widgets.boards.memory import memory_board
from widgets.lesson import exercise, ledger, source

__all__ = ["Prediction", "Ruler", "Sketch", "bench", "diagram_canvas", "exercise", "ledger", "memory_board", "source"]
