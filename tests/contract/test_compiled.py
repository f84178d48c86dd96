"""No compiled function trusts its caller: what does not fit its declared types is a ValueError, never a crash.

Arguments that fit are made up from the types alone, so that a new kernel is tried without a line here. A test run
spoils them one by one. The nightly run also computes, with numba's own checks of every index switched on.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from jaxtyping import AbstractArray
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.dufunc import DUFunc

import labcore
from labcore.checked import ANY, EMPTY, INFINITE, Rule

ROOT = Path(labcore.__file__).parents[1]
COMPILES = re.compile(r"\b(checked|kernel|njit|jit|vectorize)\b")


def modules() -> dict[str, str]:
    """The modules of labcore that may hold compiled code, by the last two parts of their names."""
    paths = [p for p in sorted((ROOT / "labcore").rglob("*.py")) if COMPILES.search(p.read_text(encoding="utf-8"))]
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in paths]
    return {".".join(name.split(".")[-2:]): name for name in names}


MODULES = modules()


class Place(NamedTuple):
    """Where a value stands among the arguments, and what is declared there."""

    name: str
    field: str | None
    type: Any
    notes: tuple
    optional: bool

    @property
    def label(self) -> str:
        return self.field or self.name

    @property
    def is_array(self) -> bool:
        return isinstance(self.type, type) and issubclass(self.type, AbstractArray)

    @property
    def dims(self) -> list[str]:
        return self.type.dim_str.split() if self.is_array else []

    @property
    def rules(self) -> list[Rule]:
        return [n for n in self.notes if isinstance(n, Rule)]


def functions(module: str) -> dict[str, Callable]:
    """The checked functions that a module defines."""
    found = vars(importlib.import_module(module)).items()
    return {name: f for name, f in found if hasattr(f, "check") and f.__module__ == module}


def places(name: str, hint: Any, field: str | None = None, notes: tuple = (), optional: bool = False) -> list[Place]:
    if get_origin(hint) is Annotated:
        return places(name, get_args(hint)[0], field, notes + hint.__metadata__, optional)
    if get_origin(hint) in (Union, types.UnionType):
        return places(name, get_args(hint)[0], field, notes, True)
    if hasattr(hint, "_fields"):
        parts = get_type_hints(hint, include_extras=True)
        return [place for part in hint._fields for place in places(name, parts[part], part, notes)]
    return [Place(name, field, hint, notes, optional)]


def declared(function: Callable) -> list[Place]:
    plain = inspect.unwrap(function)
    hints = get_type_hints(plain, include_extras=True)
    return [place for name in inspect.signature(plain).parameters for place in places(name, hints[name])]


def words(dims: list[str]) -> list[str]:
    return [w for dim in dims for w in set(re.findall(r"[A-Za-z_]\w*", dim))]


def candidates(place: Place, sizes: dict[str, int], rng: np.random.Generator) -> Iterator[Any]:
    """Values of the declared type, from the usual to the dull."""
    if place.is_array:
        shape = tuple(sizes["*"] if d.startswith("*") else eval(d, {}, sizes) for d in place.dims)
        kinds = place.type.dtypes
        if "bool" in kinds:
            yield rng.random(shape) < 0.5
        elif "float64" in kinds or "float32" in kinds:
            dtype = np.float64 if "float64" in kinds else np.float32
            yield rng.standard_normal(shape).astype(dtype)
            yield rng.random(shape).astype(dtype)
        else:
            dtype = np.int64 if "int64" in kinds else np.dtype(kinds[0])
            yield rng.integers(0, 2, shape).astype(dtype)
            for end in range(12):  # rows of a list
                yield np.ascontiguousarray(np.broadcast_to(np.linspace(0, end, shape[-1]), shape), dtype)
    elif place.type is int:
        yield sizes[place.label]
    elif place.type is float:
        yield from (0.5, 2.0, 0.0, 0.05)
    elif place.type is bool:
        yield True
    elif place.type is np.random.Generator:
        yield rng
    elif get_origin(place.type) is Callable:
        yield print
    else:
        yield from get_args(place.type)


def fitting(function: Callable) -> dict[str, Any]:
    """Arguments that fit: sizes are drawn until no rule objects."""
    found, rng = declared(function), np.random.default_rng(0)
    names = sorted(set(words([d for p in found for d in p.dims])))
    numbers = [p.label for p in found if p.type is int and p.label not in names]
    hints = get_type_hints(inspect.unwrap(function))
    for _ in range(500):
        sizes = dict(zip([*names, "*"], rng.permutation(np.arange(2, 3 + len(names))).tolist()))
        sizes |= zip(numbers, rng.integers(0, 3, len(numbers)).tolist())
        made: dict[str, Any] = {}
        for place in found:
            fits = (v for v in candidates(place, sizes, rng) if all(fine(r, v, sizes) for r in place.rules))
            if (value := next(fits, None)) is None:
                break
            if place.field is None:
                made[place.name] = value
            else:
                made.setdefault(place.name, {})[place.field] = value
        else:
            return {n: hints[n](**v) if isinstance(v, dict) else v for n, v in made.items()}
    raise AssertionError(f"no arguments of {function.__qualname__} fit their own types")


def fine(rule: Rule, value: Any, sizes: dict[str, int]) -> bool:
    return not np.any(rule.wrong(value, sizes))


def last(value: np.ndarray, entry: Any) -> np.ndarray:
    spoiled = value.copy()
    spoiled.flat[-1] = entry
    return spoiled


def spoiled(place: Place, value: Any, known: list[str]) -> Iterator[tuple[str, Any]]:
    """Values that are wrong whatever else is given. known: all names of sizes, as often as they are used."""
    if place.is_array:
        yield from spoiled_array(place, value, known)
        return
    yield "a list", [1.0]
    yield "an object", object()
    yield "no such word", "no such word"
    if place.type in (int, float, bool):
        yield "complex", 1j
    if place.type in (int, float):
        yield "no number", np.nan
    if place.type is float and INFINITE not in place.notes:
        yield "infinite", -np.inf
    if place.type is int:
        yield "a fraction", 1.5
        yield "too long", 2**70


def spoiled_array(place: Place, value: np.ndarray, known: list[str]) -> Iterator[tuple[str, Any]]:
    yield "a list", value.tolist()
    yield "a number", 1.0
    if not place.optional:
        yield "nothing", None
    if not any(d.startswith("*") for d in place.dims):
        yield "one axis more", value[None]
        yield "one axis less", value[0] if value.ndim > 1 else np.array(value[0])
    for dtype in ("complex128", "object", "float16", "U3", ">f8", ">i8", "float64", "int64", "bool"):
        if np.dtype(dtype).name not in place.type.dtypes or not np.dtype(dtype).isnative or dtype == "float16":
            yield dtype, value.astype(dtype)
    for axis, dim in enumerate(place.dims):
        names = words([dim])
        if not dim.startswith("*") and all(known.count(name) > 1 for name in names):
            yield f"longer along {dim}", np.concatenate([value, value.take([-1], axis)], axis)
            yield f"shorter along {dim}", value.take(range(value.shape[axis] - 1), axis)
        if EMPTY not in place.notes:
            yield f"empty along {dim}", value.take([], axis)
    if value.dtype.kind == "f" and ANY not in place.notes:
        yield "no number", last(value, np.nan)
        if INFINITE not in place.notes:
            yield "infinite", last(value, np.inf)
    if value.dtype.kind == "i" and place.rules:
        yield "an index below", last(value, -1)
        yield "an index above", last(value, 10**2)


def replaced(given: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    if place.field is not None:
        value = given[place.name]._replace(**{place.field: value})
    return given | {place.name: value}


def value_at(given: dict[str, Any], place: Place) -> Any:
    return given[place.name] if place.field is None else getattr(given[place.name], place.field)


@pytest.mark.parametrize("module", MODULES)
def test_no_public_function_is_compiled_and_bare(module):
    found = vars(importlib.import_module(MODULES[module])).items()
    assert not [name for name, f in found if isinstance(f, Dispatcher | DUFunc) and not name.startswith("_")]


@pytest.mark.parametrize("module", MODULES)
def test_what_does_not_fit_is_refused_before_it_is_computed(module):
    faults = []
    for name, function in functions(MODULES[module]).items():
        given, found = fitting(function), declared(function)
        function.check(**given)
        known = words([d for p in found for d in p.dims]) + [p.label for p in found if p.type is int]
        for place in found:
            for what, bad in spoiled(place, value_at(given, place), known):
                try:
                    function(**replaced(given, place, bad))
                    faults.append(f"{name}: {place.label} may be {what}")
                except ValueError as error:
                    if place.label not in str(error) and "has shape" not in str(error):
                        faults.append(f"{name}: {place.label} is {what}, and is not named: {error}")
                except Exception as error:  # noqa: BLE001 - any other kind is what is looked for
                    faults.append(f"{name}: {place.label} is {what}: {error!r}")
    assert not faults, "\n".join(faults)


def edges(place: Place, value: Any) -> Iterator[Any]:
    """Values that may be right: where they are, the function must end in time and leave no array."""
    if place.type is float:
        yield from (0.0, -1.0)
    elif place.type is int:
        yield from (0, -1)
    elif place.is_array:
        yield np.zeros_like(value)
        for axis in range(value.ndim):
            yield value.take([0], axis)
            yield np.concatenate([value, value], axis)


def compute(module: str) -> None:
    """Every function of a module with what fits it and with what may: a result or a ValueError."""
    for name, function in functions(MODULES[module]).items():
        given, found = fitting(function), declared(function)
        for place in [None, *found]:
            for value in [None] if place is None else edges(place, value_at(given, place)):
                trial = fitting(function) if place is None else replaced(fitting(function), place, value)
                try:
                    function(**trial)
                except ValueError:
                    assert place is not None or function.kernel is inspect.unwrap(function), f"{name}: nothing fits"
                except Exception as error:
                    where = place and place.label
                    raise AssertionError(f"{name} with {where} = {value}: {error!r}") from error


@pytest.mark.nightly
@pytest.mark.parametrize("module", MODULES)
def test_what_may_fit_leaves_no_array(module, tmp_path):
    code = f"from tests.contract.test_compiled import compute; compute({module!r})"
    strict = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=strict, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
