"""Widgets: what a person sees and moves. `bench("key.experiment")` is the whole of it for most notebooks.

Importing this loads no method, no torch and no plotly; they are loaded when a bench is made.
"""

# Imported eagerly: a lazy attribute would lose to the submodule `widgets.bench` as soon as anything imports that.
from widgets.bench import bench
from widgets.diagram_canvas import diagram_canvas
from widgets.lesson import exercise, ledger, source
from widgets.memory_board import memory_board
from widgets.prediction import Prediction

__all__ = ["Prediction", "bench", "diagram_canvas", "exercise", "ledger", "memory_board", "source"]
