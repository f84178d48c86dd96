"""Functions that trust no caller: what the types of their parameters declare is checked at each call.

    @checked
    @kernel
    def velocity(theta: Float[Array, " N"], starts: Annotated[Int[Array, " N+1"], rows("E")], ...) -> ...

A compiled loop reads past the end of an array that is too short, so a public kernel is `checked`. The types are read
once, when the function is made. At a call each argument must be what its type says:
    arrays   of the declared kind of number, `Float` being float64, and the declared shape. A name is one size in the
             whole call, in fields of named tuples too, and a name that is also a whole number among the arguments is
             that number. There are no empty dimensions, and floats are finite.
    numbers  whole where `int` is declared, finite where `float` is.
    others   one of a `Literal`'s choices, or an instance of the class.
`Annotated` adds what a type cannot say: `within`, `above`, `index`, `rows`, and the words ANY, INFINITE, EMPTY and
CONTIGUOUS. What is said of a named tuple is said of its fields.

The check takes some microseconds and runs once a call, never inside a loop: where compiled code names a checked
function, numba takes the kernel itself. `function.kernel` is that kernel, `function.check` the check alone.
"""

from __future__ import annotations

import functools
import inspect
import math
import reprlib
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numba.types
import numpy as np
from jaxtyping import AbstractArray, Bool
from numba import typeof
from numba.core.dispatcher import Dispatcher

ANY = "any"  # whatever floats the array holds are right: it is only written, or the function looks at them itself
INFINITE = "infinite"  # may hold infinities, still no NaN
EMPTY = "empty"  # may have no entries
CONTIGUOUS = "contiguous"  # lies in one piece, row by row

Array = np.ndarray
Sizes = dict[str, int]
_NUMBERS = {np.dtype(t) for t in ("?", "b", "h", "i", "q", "B", "H", "I", "Q", "f", "d", "F", "D")}  # numba's


class Rule(NamedTuple):
    """Which entries are wrong, given the sizes of the call, and what is allowed."""

    text: str  # as a signature shows it
    wrong: Callable[[Any, Sizes], Any]
    allowed: Callable[[Sizes], str]

    def __repr__(self) -> str:
        return self.text


def within(low: float | str, high: float | str = np.inf) -> Rule:
    """From low to high, both included; each is a number or an expression of sizes, such as "N-1"."""
    bottom, top = _expression(low), _expression(high)

    def allowed(sizes: Sizes) -> str:
        return f"at least {bottom(sizes)}" if top(sizes) == np.inf else f"from {bottom(sizes)} to {top(sizes)}"

    def wrong(values: Any, sizes: Sizes) -> Any:
        return np.logical_not((values >= bottom(sizes)) & (values <= top(sizes)))

    return Rule(f"within({low!r}, {high!r})", wrong, allowed)


def above(low: float) -> Rule:
    """Greater than low."""
    return Rule(f"above({low})", lambda values, sizes: ~np.greater(values, low), lambda sizes: f"above {low}")


def index(size: str) -> Rule:
    """A position in a dimension: from 0 to size - 1."""
    return within(0, f"{size}-1")


def rows(entries: str, least: int = 0) -> Rule:
    """Row i is [starts[i], starts[i + 1]) of a list with so many entries: starts rise from 0 to their number.

    No row has fewer than `least`.
    """
    end = _expression(entries)

    def wrong(starts: Array, sizes: Sizes) -> Bool[Array, " starts"]:
        bad = (starts < 0) | (starts > end(sizes))
        bad[1:] |= starts[1:] < starts[:-1] + least
        bad[0] |= starts[0] != 0
        bad[-1] |= starts[-1] != end(sizes)
        return bad

    def allowed(sizes: Sizes) -> str:
        return f"from 0 to {end(sizes)}, beginning and ending there, and {least} or more above the one before"

    return Rule(f"rows({entries!r}, {least})", wrong, allowed)


def checked(function: Callable) -> Callable:
    """The function, or the kernel, with its arguments checked; raises ValueError with the first that is not allowed.

    A type that cannot be checked is a TypeError at once.
    """
    plain = inspect.unwrap(function)
    signature, hints = inspect.signature(plain), get_type_hints(plain, include_extras=True)
    checks = []
    for at, (name, parameter) in enumerate(signature.parameters.items()):
        if name not in hints or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            raise TypeError(f"{plain.__qualname__}: parameter {name} needs a type and must be an ordinary one")
        checks += _checks(name, hints[name], (at,))
    singles = [c for c in checks if not isinstance(c, _Array)]
    ruled = [s for s in singles if s.rules]
    arrays = [c for c in checks if isinstance(c, _Array)]
    derived = [a for a in arrays if a.others]
    looked = [a for a in arrays if a.rules or (a.floats and not a.any)]
    defaults = [p.default for p in signature.parameters.values() if p.default is not p.empty]
    most, fixed = len(signature.parameters), _fixed(function)
    least = most - len(defaults)

    def check(*args: Any, **kwargs: Any) -> list[Any]:
        """The arguments in order, numbers as what is declared. Raises ValueError."""
        if kwargs or not least <= len(args) <= most:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.arguments.values()
        values, sizes = [*args, *defaults[len(args) - least :]], {}
        for single in singles:
            single.read(values, sizes)
        for array in arrays:
            array.measure(_at(values, array.path), sizes)
        for array in derived:
            array.calculate(_at(values, array.path), sizes)
        for array in looked:
            array.look(_at(values, array.path), sizes)
        for single in ruled:
            single.look(_at(values, single.path), sizes)
        for at, kind in fixed:
            if not values[at].flags.carray or values[at].dtype != kind.dtype.name:
                name = list(signature.parameters)[at]
                raise ValueError(f"{name} is {typeof(values[at])}; it must be {kind}")
        return values

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*check(*args, **kwargs))

    call.check, call.kernel = check, function
    if isinstance(function, Dispatcher):
        call._numba_type_ = function._numba_type_  # what numba asks an object for that compiled code names
    return call


def _fixed(function: Callable) -> list[tuple[int, Any]]:
    """The arrays among the arguments of a kernel that is compiled for one signature and no other, and their types."""
    if not isinstance(function, Dispatcher) or function._can_compile:
        return []
    return [(at, k) for at, k in enumerate(function.nopython_signatures[0].args) if isinstance(k, numba.types.Array)]


def _finite(values: Array) -> bool:
    """One pass without a copy; squares that are too large for a number are looked at one by one."""
    flat = values.reshape(-1)
    return math.isfinite(np.dot(flat, flat)) or bool(np.isfinite(values).all())


def _expression(text: float | str) -> Callable[[Sizes], float]:
    if not isinstance(text, str):
        return lambda sizes: text
    code = compile(text, "size", "eval")

    def size(sizes: Sizes) -> float:
        try:
            return eval(code, {}, sizes)
        except NameError as error:
            raise ValueError(f"{error.name} is not known: an array of that size is not given, and must be") from None

    return size


def _refuse(label: str, value: Any, allowed: str) -> None:
    shown = reprlib.repr(value) if isinstance(value, str | list | tuple | dict) else str(value).split("\n")[0][:60]
    raise ValueError(f"{label} = {shown} is not allowed; it must be {allowed}")


def _checks(label: str, hint: Any, path: tuple[int, ...], notes: tuple = (), optional: bool = False) -> list[Any]:
    """The checks of the argument at this path: (2,) is the third, (2, 0) the first field of the third."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _checks(label, parts[0], path, notes + hint.__metadata__, optional)
    if origin in (Union, types.UnionType) and len(parts) == 2 and type(None) in parts:
        return _checks(label, next(p for p in parts if p is not type(None)), path, notes, True)
    if isinstance(hint, type) and issubclass(hint, AbstractArray) and hint.array_type is np.ndarray:
        return [_Array(label, hint, path, notes, optional)]
    if optional:
        raise TypeError(f"{label}: None can be checked beside an array only, not {hint}")
    checks = [_Single(label, hint, path, notes)]
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        fields = get_type_hints(hint, include_extras=True)
        for at, name in enumerate(hint._fields):
            checks += _checks(f"{label}.{name}", fields[name], (*path, at), notes)
    return checks


def _at(values: list[Any], path: tuple[int, ...]) -> Any:
    for step in path:
        values = values[step]
    return values


class _Single:
    """A number, a choice, or an object."""

    def __init__(self, label: str, hint: Any, path: tuple[int, ...], notes: tuple):
        self.label, self.path, self.infinite = label, path, INFINITE in notes
        self.name = label.rpartition(".")[2]
        self.rules = [n for n in notes if isinstance(n, Rule)]
        self.choices = get_args(hint) if get_origin(hint) is Literal else ()
        self.hint = get_origin(hint) if get_origin(hint) is Callable else hint
        if not (self.choices or isinstance(self.hint, type)):
            raise TypeError(f"{label}: {hint} cannot be checked")

    def read(self, values: list[Any], sizes: Sizes) -> None:
        """It is of the right kind; a whole number is a size that shapes may name."""
        value = made = _at(values, self.path)
        if self.hint is float:
            if type(value) is not float:
                if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
                    _refuse(self.label, value, "a number")
                made = float(value)
            if made != made or (not self.infinite and made in (np.inf, -np.inf)):
                _refuse(self.label, value, "a number" if self.infinite else "finite")
        elif self.hint is int:
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
                _refuse(self.label, value, "a whole number of at most 64 bits")
            made = sizes[self.name] = int(value)
        elif self.hint is bool:
            if not isinstance(value, bool | np.bool_):
                _refuse(self.label, value, "True or False")
            made = bool(value)
        elif self.choices:
            if not isinstance(value, str | int) or value not in self.choices:
                _refuse(self.label, value, f"one of {', '.join(map(str, self.choices))}")
        elif not isinstance(value, self.hint):
            _refuse(self.label, value, f"a {self.hint.__name__}")
        if len(self.path) == 1:  # an argument becomes what is declared, so that a kernel is compiled once
            values[self.path[0]] = made

    def look(self, value: Any, sizes: Sizes) -> None:
        """It is in the allowed range, which may depend on sizes."""
        for rule in self.rules:
            if rule.wrong(value, sizes):
                _refuse(self.label, value, rule.allowed(sizes))


class _Array:
    """An array: kind of number and shape first, its entries when all sizes are known."""

    def __init__(self, label: str, hint: Any, path: tuple[int, ...], notes: tuple, optional: bool):
        self.label, self.path, self.optional = label, path, optional
        self.kinds = {t for t in _NUMBERS if t.name in hint.dtypes}
        if np.dtype(float) in self.kinds:  # several are none in particular, and that is numpy's own
            self.kinds.discard(np.dtype(np.float32))
        self.dims = hint.dim_str.split()
        self.text = f"({', '.join(self.dims)}{',' * (len(self.dims) == 1)})"
        self.leading = self.dims[:1] if self.dims[:1] and self.dims[0].startswith("*") else []  # "*K": any axes before
        self.dims = self.dims[len(self.leading) :]
        self.plain = [
            (at, int(d) if d.isdigit() else d) for at, d in enumerate(self.dims) if d.isdigit() or d.isidentifier()
        ]
        known = {at for at, _ in self.plain}
        self.others = [(at, compile(d, "size", "eval")) for at, d in enumerate(self.dims) if at not in known]
        self.names = {d for _, d in self.plain}.union(*(code.co_names for _, code in self.others))
        self.empty, self.any, self.contiguous = EMPTY in notes, ANY in notes, CONTIGUOUS in notes
        self.infinite = INFINITE in notes
        self.floats = any(t.kind in "fc" for t in self.kinds)
        self.rules = [n for n in notes if isinstance(n, Rule)]

    def measure(self, value: Any, sizes: Sizes) -> None:
        """It is an array of the right kind and number of dimensions, and sizes that have a name agree."""
        if value is None and self.optional:
            return
        if not isinstance(value, Array):
            _refuse(self.label, value, f"an array {self._shape(sizes)}")
        if value.dtype not in self.kinds:
            names = ", ".join(sorted((t.name for t in self.kinds), key=lambda name: (len(name), name)))
            raise ValueError(f"{self.label} has dtype {value.dtype}; it must be {names}")
        shape = value.shape
        if len(shape) != len(self.dims) and not (self.leading and len(shape) > len(self.dims)):
            self._wrong_shape(value, sizes)
        shape = shape[len(shape) - len(self.dims) :]
        for at, dim in self.plain:
            if shape[at] != (dim if isinstance(dim, int) else sizes.setdefault(dim, shape[at])):
                self._wrong_shape(value, sizes)
        if self.contiguous and not value.flags.c_contiguous:
            raise ValueError(f"{self.label} is a view with gaps; it must be contiguous")
        if not self.empty and not value.size:
            raise ValueError(f"{self.label} has shape {value.shape}; it must have at least one entry")

    def calculate(self, value: Array, sizes: Sizes) -> None:
        """Sizes that are expressions agree; the one name that is not known yet is what the rest leaves."""
        for at, code in self.others if value is not None else ():
            size = value.shape[at - len(self.dims)]
            for name in code.co_names:
                if name not in sizes:
                    sizes[name] = size - eval(code, {}, {**sizes, name: 0})
                    if sizes[name] < 1:
                        self._wrong_shape(value, sizes)
            if eval(code, {}, sizes) != size:
                self._wrong_shape(value, sizes)

    def look(self, value: Array, sizes: Sizes) -> None:
        """The entries are allowed."""
        if value is None or not value.size:
            return
        if value.dtype.kind in "fc" and not self.any and not _finite(value):
            bad = np.isnan(value) if self.infinite else ~np.isfinite(value)
            if bad.any():
                self._wrong_entry(value, bad, "a number" if self.infinite else "finite")
        for rule in self.rules:
            if (wrong := rule.wrong(value, sizes)).any():
                self._wrong_entry(value, wrong, rule.allowed(sizes))

    def _shape(self, sizes: Sizes) -> str:
        known = ", ".join(f"{n} = {s}" for n, s in sizes.items() if n in self.names)
        return f"{self.text} with {known}" if known else self.text

    def _wrong_shape(self, value: Array, sizes: Sizes) -> None:
        raise ValueError(f"{self.label} has shape {value.shape}; it must be {self._shape(sizes)}")

    def _wrong_entry(self, value: Array, wrong: Array, allowed: str) -> None:
        at = np.unravel_index(wrong.argmax(), wrong.shape)
        _refuse(f"{self.label}[{', '.join(map(str, at))}]", value[at], allowed)
