"""The pictures: one function an experiment, of the same name."""

from __future__ import annotations

from typing import Any

import xarray as xr

from labcore.figure import BLUE, axis, curve


def course(frame: xr.Dataset) -> dict[str, Any]:
    """The distance over the steps, mean of the repetitions."""
    along = frame.distance.mean("repeat").values
    return {
        "data": [curve(frame.step.values, along, "distance", BLUE, pin=True)],
        "layout": {"xaxis": axis(frame.step), "yaxis": axis(frame.distance)},
    }
