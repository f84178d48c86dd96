"""The frame that ends a run that diverged."""

from __future__ import annotations

import xarray as xr


def diverged(last: xr.Dataset | None, step: int) -> xr.Dataset:
    """The end of a run that diverged: its last finite frame, with a reading that says so."""
    assert last is not None, "the first frame shows the start, which is finite"
    reading = f"The training diverged before step {step}. Before that: {last.attrs['reading']}"
    return last.assign_attrs(progress=1.0, reading=reading)
