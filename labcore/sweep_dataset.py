"""The points of a sweep, put together as one Dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from labcore.sweep_files import Grid, error_in, failure, read


def assembled(folder: Path, grid: Grid, known: Mapping[Path, xr.Dataset]) -> xr.Dataset:
    """What `open_sweep` returns; the points that are `known` are not read again."""
    shape = tuple(len(v) for v in grid.swept.values())
    points: dict[tuple[int, ...], xr.Dataset] = {}
    reading, error, state = (np.full(shape, fill, dtype=object) for fill in ("", "", "missing"))
    for place, parameters in grid.points():
        path = grid.file(folder, parameters)
        found, damage = (known[path], "") if path in known else read(path, grid.experiment, parameters)
        if found is not None:
            points[place], state[place], reading[place] = found, "done", found.attrs.get("reading", "")
        elif damage:
            error[place] = f"{path.name} {damage}"
        elif failure(path).exists():
            state[place], error[place] = "failed", error_in(failure(path))
    taken = {str(name) for p in points.values() for name in (*p.variables, *p.dims)}
    dims = [f"parameter_{name}" if name in taken else name for name in grid.swept]
    words_of_points = {"point_state": state, "point_reading": reading, "point_error": error}
    out = xr.Dataset(
        {name: (dims, words.astype(str)) for name, words in words_of_points.items()},
        coords={dim: (dim, values) for dim, values in zip(dims, grid.swept.values())},
        attrs={"experiment": grid.experiment, "code_version": grid.code, "fixed": json.dumps(grid.fixed)},
    )
    return out.assign(_stacked(points, dims, shape))


def _stacked(points: dict[tuple[int, ...], xr.Dataset], dims: list[str], shape: tuple[int, ...]) -> dict[str, Any]:
    """Each variable of the points in one array of this shape, joined over the points' own coordinates."""
    if not points:
        return {}
    aligned = [p.drop_attrs(deep=False) for p in points.values()]
    first = aligned[0]
    if not all(
        p.sizes == first.sizes
        and p.indexes.keys() == first.indexes.keys()
        and all(p.indexes[k].equals(first.indexes[k]) for k in p.indexes)
        for p in aligned
    ):
        # a coordinate with repeated values cannot be joined by value; its order can
        repeated = {d for p in aligned for d, index in p.indexes.items() if not index.is_unique}
        aligned = [p.assign_coords({d: np.arange(p.sizes[d]) for d in repeated}) for p in aligned]
        aligned = list(xr.align(*aligned, join="outer"))
    stacked: dict[str, Any] = {}
    for name in dict.fromkeys(n for p in aligned for n in (*p.coords, *p.data_vars)):
        parts = {place: p[name] for place, p in zip(points, aligned) if name in p.variables}
        one = next(iter(parts.values()))
        if name in one.dims:
            stacked[name] = one.variable  # an index: alignment made it the same for all
            continue
        whole = len(parts) == int(np.prod(shape))
        kind = np.result_type(*(v.dtype for v in parts.values()))
        if not whole and kind.kind in "iub":
            kind = np.dtype(float)
        fill = np.nan if kind.kind in "fc" else "" if kind.kind in "UO" else 0
        array = np.full((*shape, *one.shape), fill, dtype=kind)
        for place, values in parts.items():
            array[place] = values.transpose(*one.dims).values
        stacked[name] = xr.Variable((*dims, *one.dims), array, one.attrs)
    return stacked
