"""Views: the pictures of a paper, `widgets/views/<theme>/<key>.py`, one pure function an experiment, of the same name.

A view takes a frame and returns a plotly specification, `{"data": [...], "layout": {...}}`: a plain dict that
`plotly.graph_objects.Figure` accepts, but that costs a hundredth of one, so that a figure can follow a slider.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import xarray as xr

from labcore import catalog
from labcore.experiment import Experiment


def view_of(experiment: Experiment) -> Callable[[xr.Dataset], dict[str, Any]]:
    """The view of an experiment. Raises LookupError when its paper's views hold none."""
    module = f"widgets.views.{catalog.paper(experiment.key).theme}.{experiment.key}"
    view = getattr(importlib.import_module(module), experiment.name, None)
    if view is None:
        raise LookupError(f"{module} has no view {experiment.name!r}")
    return view
