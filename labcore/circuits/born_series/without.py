"""A wave that scatters once."""

from __future__ import annotations

import xarray as xr

from labcore.without import Without


def _no_nearer(frame: xr.Dataset) -> bool:
    """Whether the second order of a shallow well is as far off as the first."""
    exact, first, second = frame.length.sel(depth=0.2, method="nearest").values
    return bool(abs(second - exact) > 0.5 * abs(first - exact))


WITHOUT = Without(
    idea="the second scattering",
    file="well_scattering.py",
    line="return matrix + matrix.T - np.diag(2 * ((b**5 - a**5) / 15 - a**3 * (b**2 - a**2) / 6))",
    instead="return np.zeros((d, d))",
    shows="born_series.scattering",
    # the claim about the second order is a slow one
    fails=_no_nearer,
)
