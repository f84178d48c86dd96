"""Frames of what a function of your own yields or returns.

- an `xarray.Dataset` or `DataArray`, or a table of pandas
- a dict of arrays: `dict(x=x, loss=loss)`. An array called x, t, time, step, epoch or iteration is the axis of those
  that are as long; y is one of the rows of pictures. `("epoch", loss)` names the dimensions as xarray does. The words
  `reading="..."` and a `progress` from 0 to 1 are taken from a dict, too.
- an array, or several: `x, y` is y over x, as everywhere
- a number: of a generator, it becomes a curve over the frames so far

All frames of a run hold the same variables, of as many dimensions; a curve may grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Number
from typing import Any

import numpy as np
import xarray as xr

from labcore.frames import FrameError
from labcore.words import plain

AXES = ("x", "t", "time", "step", "epoch", "iteration")
_SAID = 3  # variables of which a reading tells


class Loose:
    """The frames of one run of the function `who`."""

    def __init__(self, who: str):
        self._who, self._number = who, 0
        self._first: dict[str, int] = {}  # the dimensions of the variables of the first frame
        self._past: dict[str, list[Any]] = {}  # single numbers so far
        self._stepped = False

    def frames(self, result: Any) -> Iterator[xr.Dataset]:
        """Those of what a call has returned: a generator's, one by one, or the one that is a result.

        A run whose progress nobody tells has frames with `open_ended`, their number.
        """
        if not isinstance(result, Iterator):
            yield self._frame(result)
            return
        self._stepped = True
        try:
            for values in result:
                yield self._frame(values)
        finally:
            if hasattr(result, "close"):
                result.close()

    def _wrong(self, what: str) -> FrameError:
        where = f"{self._who}, frame {self._number}" if self._stepped else self._who
        return FrameError(f"{where}: {what}")

    def _frame(self, values: Any) -> xr.Dataset:
        self._number += 1
        found = self._dataset(values)
        if not found.data_vars:
            raise self._wrong("it holds no variable; at least one array is needed")
        for name, variable in found.variables.items():
            if variable.dtype.kind not in "fiubUOSM":
                raise self._wrong(f"{name} is of type {variable.dtype}, which has no figure; make it real numbers")
        self._same_as_first(found)
        if self._stepped:
            found = self._with_past(found)
        for dim in found.dims:
            if dim not in found.coords:
                found = found.assign_coords({dim: np.arange(found.sizes[dim])})
        for name, variable in found.variables.items():
            variable.attrs = {"long_name": str(name).replace("_", " "), "units": ""} | variable.attrs
        reading = found.attrs.get("reading") or _reading(found)
        found.attrs = {k: v for k, v in found.attrs.items() if isinstance(v, (str, int, float))}
        found.attrs |= {"reading": str(reading), **self._progress(found.attrs.get("progress"))}
        return found

    def _progress(self, told: Any) -> dict[str, Any]:
        if told is None:
            number = self._number
            return {"progress": number / (number + 1), "open_ended": number} if self._stepped else {"progress": 1.0}
        try:
            told = float(told)
        except (TypeError, ValueError):
            told = np.nan
        if not 0 <= told <= 1:
            raise self._wrong(f"progress = {told} is not allowed; it must be from 0 to 1")
        return {"progress": told}

    def _same_as_first(self, found: xr.Dataset) -> None:
        has = {str(name): variable.ndim for name, variable in found.data_vars.items()}
        if not self._first:
            self._first = has
        if has.keys() != self._first.keys():
            raise self._wrong(
                f"it holds {', '.join(has)}, and the first frame held {', '.join(self._first)}; "
                "all frames of a run hold the same variables"
            )
        for name, ndim in has.items():
            if ndim != self._first[name]:
                raise self._wrong(
                    f"{name} has the shape {found[name].shape}, of {ndim} dimensions, and {self._first[name]} in the "
                    "first frame; a curve may grow, but not change its dimensions"
                )

    def _with_past(self, found: xr.Dataset) -> xr.Dataset:
        """Single numbers as curves over the frames."""
        curves = {}
        for name, variable in found.data_vars.items():
            if variable.ndim == 0 and variable.dtype.kind in "fiub":
                past = self._past.setdefault(str(name), [])
                past.append(variable.item())
                curves[name] = xr.Variable(("frame",), np.array(past), variable.attrs)
        if not curves or "frame" in found.dims:
            return found
        return found.assign(curves).assign_coords(frame=np.arange(1, self._number + 1))

    # what was yielded, as a Dataset with copies of its arrays

    def _dataset(self, values: Any) -> xr.Dataset:
        if values is None:
            verb = "yielded" if self._stepped else "returned"
            raise self._wrong(
                f"it {verb} None; it must {verb[:-2]} an xarray.Dataset, a dict of arrays, arrays or a number"
            )
        if not isinstance(values, (xr.Dataset, xr.DataArray)) and hasattr(values, "to_xarray"):
            values = values.to_xarray()
        if isinstance(values, xr.DataArray):
            values = values.to_dataset(name=values.name or self._who)
        if isinstance(values, xr.Dataset):
            return values.copy(deep=True)
        if isinstance(values, Mapping):
            return self._of_mapping(values)
        if isinstance(values, tuple):
            return self._of_several(values)
        return self._of_mapping({self._who: values})

    def _of_several(self, values: tuple) -> xr.Dataset:
        """x, y, ... with the others over the first, where they are curves as long as it."""
        arrays = [self._array(f"array {i}", v) for i, v in enumerate(values, 1)]
        if len(arrays) > 1 and all(a.ndim == 1 and a.shape == arrays[0].shape for a in arrays):
            names = ["y"] if len(arrays) == 2 else [f"y {i}" for i in range(1, len(arrays))]
            return self._of_mapping(dict(zip(["x", *names], arrays)))
        names = [f"{self._who} {i}" for i in range(1, len(arrays) + 1)] if len(arrays) > 1 else [self._who]
        return self._of_mapping(dict(zip(names, arrays)))

    def _of_mapping(self, values: Mapping[str, Any]) -> xr.Dataset:
        attrs = {k: values[k] for k in ("reading", "progress") if k in values and np.ndim(values[k]) == 0}
        data: dict[str, xr.Variable] = {}
        bare: dict[str, np.ndarray] = {}
        for name, value in values.items():
            if name in attrs:
                continue
            if isinstance(value, xr.DataArray):
                data[str(name)] = value.variable.copy(deep=True)
            elif isinstance(value, tuple) and value and _names(value[0]):
                data[str(name)] = self._named(str(name), *value)
            else:
                bare[str(name)] = self._array(str(name), value)
        axes = self._axes(bare)
        dims = _Dims()
        for name, array in bare.items():
            if name not in axes:
                data[name] = xr.Variable(dims.of(array.shape, axes), array)
        coords = {n: xr.Variable((n,), bare[n]) for n in axes if any(n in v.dims for v in data.values())}
        used = {n: axes[n] for n in coords}
        data |= {n: xr.Variable(dims.of(bare[n].shape, used), bare[n]) for n in axes if n not in coords}
        try:
            return xr.Dataset(data, coords, attrs)
        except (ValueError, TypeError) as error:
            raise self._wrong(str(error).splitlines()[0]) from None

    def _axes(self, bare: Mapping[str, np.ndarray]) -> dict[str, int]:
        """The arrays that are axes of others, and how long they are."""
        flat = {n: len(a) for n, a in bare.items() if a.ndim == 1 and len(bare) > 1}
        rows = {a.shape[0] for a in bare.values() if a.ndim == 2}
        words = [n for n in flat if bare[n].dtype.kind in "UO"]
        named = [n for n in AXES if n in flat] + (["y"] if flat.get("y") in rows else []) + words
        others = {length for n, a in bare.items() if n not in named for length in a.shape}
        return {n: flat[n] for n in named if flat[n] in others}

    def _named(self, name: str, dims: Any, values: Any = None, attrs: Any = None) -> xr.Variable:
        try:
            return xr.Variable(dims, self._array(name, values), attrs)
        except (ValueError, TypeError) as error:
            raise self._wrong(f"{name}: {str(error).splitlines()[0]}") from None

    def _array(self, name: str, values: Any) -> np.ndarray:
        if hasattr(values, "detach"):  # a tensor
            values = values.detach().cpu().numpy()
        try:
            array = np.array(values)
        except ValueError:
            raise self._wrong(f"{name} has rows of several lengths; give each a name in a dict, or pad them") from None
        except TypeError:
            array = np.array(None)
        words = array.ndim and all(isinstance(v, str) for v in array.ravel())
        if array.dtype.kind in "USO" and not words:
            others = [v for v in array.ravel() if not isinstance(v, Number)] if array.ndim else []
            what = f"holds {_kind(others[0])} and is" if others else f"is {_kind(values)} and"
            raise self._wrong(f"{name} {what} no array of numbers")
        return array


class _Dims:
    """Names for the dimensions of arrays that have none: equal lengths in the same role are the same dimension."""

    def __init__(self) -> None:
        self._given: dict[str, dict[int, str]] = {}

    def of(self, shape: tuple[int, ...], axes: Mapping[str, int]) -> tuple[str, ...]:
        roles: tuple[str, ...] = ("picture", "row", "column") if len(shape) == 3 else ("row", "column")
        if len(shape) == 1:
            roles = ("index",)
        elif len(shape) == 2 and shape[1] == 2:
            roles = ("point", "coordinate")
        elif len(shape) not in (2, 3):
            roles = tuple(f"axis_{i}" for i in range(len(shape)))
        return tuple(self._one(role, length, axes) for role, length in zip(roles, shape))

    def _one(self, role: str, length: int, axes: Mapping[str, int]) -> str:
        if role != "coordinate":
            fits = [n for n, size in axes.items() if size == length and (n == "y") == (role == "row")]
            if fits:
                return fits[0]
        given = self._given.setdefault(role, {})
        return given.setdefault(length, role if not given else f"{role}_{len(given) + 1}")


def _names(dims: Any) -> bool:
    return isinstance(dims, str) or isinstance(dims, (tuple, list)) and all(isinstance(d, str) for d in dims)


def _kind(values: Any) -> str:
    name = type(values).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _reading(frame: xr.Dataset) -> str:
    """One sentence a variable, made from its numbers."""
    told = [
        _told(str(name), v.values, ordered=not any(frame[dim].dtype.kind in "UO" for dim in v.dims))
        for name, v in frame.data_vars.items()
    ]
    more = len(told) - _SAID
    return " ".join(told[:_SAID]) + (f" And {more} more." if more > 0 else "")


def _told(name: str, values: np.ndarray, ordered: bool) -> str:
    name = name.replace("_", " ")
    name = name[:1].upper() + name[1:]
    if values.dtype.kind not in "fiub":
        return f"{name} has {values.size} words."
    numbers = (values[np.isfinite(values)] if values.dtype.kind == "f" else values).ravel()
    missing = f"; {values.size - numbers.size} of {values.size} are not finite" if numbers.size < values.size else ""
    if not numbers.size:
        return f"{name} has no finite number, of {values.size}."
    rest = 1e-9 * float(np.abs(numbers).max())  # what is left of a zero by rounding
    ends = float(numbers.min()), float(numbers.max()), float(numbers[-1])
    low, high, last = (plain(v if abs(v) > rest else 0.0) for v in ends)
    if values.size == 1:
        return f"{name} is {high}."
    span = f"from {low} to {high}" if low != high else f"always {low}"
    if values.ndim == 1 and not missing:
        return f"{name} goes {span} and ends at {last}." if ordered and low != high else f"{name} is {span}."
    shape = " x ".join(map(str, values.shape))
    return f"{name} ({shape}) is {span}{missing}."
