"""What the frames of an experiment hold, declared once beside it: names, dimensions, long names and units.

    FRAME = Frame(
        time=axis("training time", "steps"),
        repeat=axis("run"),
        error=var("repeat time", "test error"),
    )
    yield FRAME(dict(time=t, error=errors), "After 100 steps the test error is 0.1.", progress=1.0)

From this one place a figure takes its axis titles, a file its column names, a sweep its dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

# not promised by xarray: where it is gone, frames are made in the public way; a test holds one against the other
_direct = getattr(xr.Dataset, "_construct_direct", None)


class FrameError(RuntimeError):
    """An experiment yielded a frame that breaks the contract (a bug of the paper, not of its user)."""


@dataclass(frozen=True)
class Column:
    """One variable, coordinate or dimension of a frame."""

    dims: tuple[str, ...] | None  # None: a dimension, which lies along itself
    long_name: str
    units: str = ""
    values: tuple | None = None  # of a dimension that is the same in every frame
    start: int = 0  # of a dimension without values, which counts
    optional: bool = False
    label: bool = False  # a coordinate that is no dimension: other names for the places along one


def axis(long_name: str, units: str = "", *, values: Sequence | None = None, start: int = 0) -> Column:
    """A dimension. In a frame that gives it no values it has these, or counts from `start` where there are none."""
    return Column(None, long_name, units, None if values is None else tuple(values), start)


def var(dims: str, long_name: str, units: str = "", *, optional: bool = False) -> Column:
    """A variable over dimensions, named in order: `var("repeat time", "test error")`; "" is a single number.

    An optional one may be left out of a frame.
    """
    return Column(tuple(dims.split()), long_name, units, optional=optional)


def label(dims: str, long_name: str, units: str = "", *, optional: bool = False) -> Column:
    """A coordinate that is no dimension: a second scale along one, such as width / samples along the width."""
    return Column(tuple(dims.split()), long_name, units, optional=optional, label=True)


class Frame:
    """The declaration of an experiment's frames. Called with arrays, it makes one.

    Raises `FrameError` for a variable over a dimension that is not declared.
    """

    def __init__(self, **columns: Column):
        self.columns = columns
        self._kept: dict[str, tuple[Any, xr.Variable, xr.Index]] = {}
        for name, column in columns.items():
            for dim in column.dims or ():
                if dim not in columns or columns[dim].dims is not None:
                    raise FrameError(f"{name} lies over {dim}, which is not declared as an axis")

    def __or__(self, more: Frame) -> Frame:
        """Both declarations as one."""
        return Frame(**self.columns, **more.columns)

    def __call__(
        self,
        values: Mapping[str, Any],
        reading: str,
        progress: float = 1.0,
        /,
        names: Mapping[str, str] | None = None,
        **attrs: Any,
    ) -> xr.Dataset:
        """The frame of these values, by name. `names` gives long names that hold for this frame only.

        Whole numbers of five digits and more are written in groups of three: 10,000,000 steps.

        A dimension is taken along when a variable of the frame lies over it. Raises `FrameError` for a name that is
        not declared, for one that is declared, not optional and not given, and for an array of other dimensions.
        """
        names = names or {}
        if unknown := [n for n in (*values, *names) if n not in self.columns]:
            raise FrameError(f"{unknown[0]} is not declared; the frame has {', '.join(self.columns)}")
        data: dict[str, xr.Variable] = {}
        coords: dict[str, xr.Variable] = {}
        for name, column in self.columns.items():
            if column.dims is None:
                continue
            if name in values:
                (coords if column.label else data)[name] = self._variable(name, column.dims, values[name], names)
            elif not column.optional:
                raise FrameError(f"{name} is declared and not given; what may be left out is optional=True")
        sizes = {dim: size for v in (*data.values(), *coords.values()) for dim, size in zip(v.dims, v.shape)}
        indexes: dict[str, xr.Index] = {}
        for name, column in self.columns.items():
            if column.dims is None and (name in values or name in sizes):
                along = values.get(name, column.values)
                along = np.arange(column.start, column.start + sizes[name]) if along is None else along
                coords[name], indexes[name] = self._indexed(self._variable(name, (name,), along, names))
        said = {"reading": _grouped(reading), "progress": progress, **attrs}
        return _dataset(data, coords, indexes, said)

    def _indexed(self, along: xr.Variable) -> tuple[xr.Variable, xr.Index]:
        """A dimension's coordinate and its index, which is made anew only where the frame before had another."""
        (name,) = along.dims
        values, kept = along.values, self._kept.get(name)
        # the bytes of objects are their addresses
        key = None if values.dtype == object else (values.dtype, len(values), values.tobytes())
        if kept is None or key is None or kept[0] != key:
            # a copy: what the experiment writes into its array later is not what was kept under these bytes
            made = xr.Coordinates({name: along.copy()})
            kept = self._kept[name] = key, made.variables[name], made.xindexes[name]
        variable = kept[1].copy(deep=False)
        variable.attrs = along.attrs
        return variable, kept[2]

    def _variable(self, name: str, dims: tuple[str, ...], values: Any, names: Mapping[str, str]) -> xr.Variable:
        column, array = self.columns[name], np.asarray(values)
        if array.ndim != len(dims):
            raise FrameError(f"{name} has {array.ndim} dimensions and is declared over {len(dims)}: {' '.join(dims)}")
        return xr.Variable(dims, array, {"long_name": names.get(name, column.long_name), "units": column.units})


def snapshot(frame: xr.Dataset) -> xr.Dataset:
    """The frame as it is now: an experiment may go on writing into arrays that it has shown."""
    if len(frame.coords) > len(frame.xindexes):  # a coordinate without an index is an array as others are
        return frame.copy(deep=True)
    return frame.copy(data={name: frame.variables[name].values.copy() for name in frame.data_vars})


def _dataset(
    data: dict[str, xr.Variable], coords: dict[str, xr.Variable], indexes: dict[str, xr.Index], attrs: dict[str, Any]
) -> xr.Dataset:
    """The frame of parts that fit. xarray's own way looks at each part again, for half a millisecond a frame."""
    sizes: dict[str, int] = {}
    for name, variable in (*data.items(), *coords.items()):
        for dim, size in zip(variable.dims, variable.shape):
            if sizes.setdefault(dim, size) != size:
                raise FrameError(f"{name} has {size} values along {dim}, where others have {sizes[dim]}")
    if _direct is None:
        return xr.Dataset(data, coords, attrs)
    return _direct({**data, **coords}, set(coords), sizes, attrs, indexes)


def _grouped(sentence: str) -> str:
    return re.sub(r"(?<![\w.,])\d{5,}(?!\w)", lambda found: f"{int(found[0]):,}", sentence)
