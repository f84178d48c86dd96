"""A frame as a file: NetCDF, which keeps everything, and CSV, which everything reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

import xarray as xr


def to_csv(frame: xr.Dataset) -> bytes:
    """The frame as a tidy table: a row a number, columns for the variable, its coordinates, the value and its units."""
    import pandas as pd

    tables = []
    for name, variable in frame.data_vars.items():
        flat = variable.to_dataframe(name="value").reset_index() if variable.dims else None
        table = pd.DataFrame({"value": [variable.item()]}) if flat is None else flat
        if variable.dtype == bool:  # beside numbers, pandas would make numbers of them
            table["value"] = table["value"].astype(object)
        tables.append(table.assign(variable=name, units=variable.attrs.get("units", "")))
    table = pd.concat(tables, ignore_index=True)
    between = [c for c in table.columns if c not in ("variable", "value", "units")]
    return table[["variable", *between, "value", "units"]].to_csv(index=False).encode()


def to_netcdf(frame: xr.Dataset) -> bytes:
    """The frame as a NetCDF-4 file."""
    import dask

    # with a distributed client about, xarray would ask the cluster for a lock on this memory
    with dask.config.set(scheduler="synchronous"):
        return bytes(frame.to_netcdf(engine="h5netcdf"))


WRITERS: dict[str, Callable[[xr.Dataset], bytes]] = {".nc": to_netcdf, ".csv": to_csv}


def writer(path: PurePath | str) -> Callable[[xr.Dataset], bytes]:
    """What writes a frame into a file of this name. Raises ValueError for a suffix that is neither .nc nor .csv."""
    suffix = PurePath(path).suffix.lower()
    if suffix not in WRITERS:
        raise ValueError(f"{path} is not allowed; its name must end in {' or '.join(WRITERS)}")
    return WRITERS[suffix]
