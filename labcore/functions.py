"""A function of your own as an experiment: one of a notebook's cell, say, that knows nothing of Labcore.

    def wave(frequency=(0.5, 5.0), shape=["sine", "square"], noisy=False):
        x = np.linspace(0, 1, 200)
        return dict(x=x, wave=np.sin(2 * np.pi * frequency * x))

    experiment_of(wave).run(frequency=2)

Its parameters are those of its signature. One is declared as in a paper, `Annotated[float, number(0, 1, "words")]`, or
a `Literal`, or by its default, in the way of `ipywidgets.interact`:
    3 or 0.5                         a number v, from -v to 3 v (0: from 0 to 1)
    (low, high), (low, high, step)   a number in between, which starts in the middle
    ["sine", "square"]               one of these, the first to begin with
    True                             on or off
A parameter `seed` with a whole number is a seed. What a function may yield or return, `labcore.loose_frames` says.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import math
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
import xarray as xr

from labcore import catalog
from labcore.auto_view import auto_view
from labcore.experiment import MAIN, Experiment, ParameterError, Seed, choice, key_of, number
from labcore.frames import Frame, FrameError
from labcore.function_code import Reached, reached
from labcore.loose_frames import Loose

MOST_FRAMES = 10_000  # of a run that nobody can stop
STILL_FRAMES = 1_000  # of one for a page where nothing runs

# what `bench`, `sweep`, `run` and a link take themselves
_TAKEN = frozenset("at bench cluster each label name opening out predict progress self stop view without".split())


class Function(Experiment):
    """The experiment of a function, `function(lr=0.1, ...)`, which yields or returns what it likes."""

    named = False
    notebook = ""

    def __init__(
        self,
        function: Callable[..., Any],
        view: Callable[[xr.Dataset], dict[str, Any]] | None = None,
        quick: Mapping[str, Any] | None = None,
        frame: Frame | None = None,
    ):
        self.function, self._view = function, view
        name = _name(function)
        if not callable(function) or inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise ParameterError(f"{name} is not allowed; it must be a function that is not async")
        if isinstance(function, type):
            raise ParameterError(f"{name} is not allowed; it is a class: give an object of it, or one of its methods")
        declared = _declared(function, name)

        def frames(**values: Any) -> Iterator[xr.Dataset]:
            return Loose(name).frames(function(**values))

        frames.__name__ = frames.__qualname__ = name
        frames.__module__, frames.__doc__ = function.__module__, inspect.getdoc(function)
        frames.__annotations__ = {n: hint for n, (hint, _) in declared.items()}
        kind = inspect.Parameter.KEYWORD_ONLY
        frames.__signature__ = inspect.Signature(
            [inspect.Parameter(n, kind, default=default) for n, (_, default) in declared.items()]
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # pydantic has names of its own, such as "copy"
                super().__init__(frames, name, quick or {}, frame)
        except TypeError as error:
            text = str(error)
            raise ParameterError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None

    @property
    def id(self) -> str:
        return self.name

    @property
    def view(self) -> Callable[[xr.Dataset], dict[str, Any]]:
        return self._view or auto_view

    @property
    def code(self) -> str:
        """A hash of all that the function computes with, as it is in this moment. Raises `CodeError`."""
        return self.reached.code

    @property
    def reached(self) -> Reached:
        """What the function computes with. Raises `CodeError` for what cannot be told from its like."""
        return reached(self.function, self.id)

    def __reduce__(self) -> tuple:
        return Function, (self.function, self._view, self.quick, self.frame)

    def _choose_main(self) -> None:
        """The first parameters are the main ones where none is named, whatever their kind."""
        if not any(p.main for p in self.parameters.values()):
            for name in [n for n in self.parameters if n != "seed"][:MAIN]:
                self.parameters[name] = dataclasses.replace(self.parameters[name], main=True)
        super()._choose_main()

    def _check(self, frame: xr.Dataset) -> None:
        """What a person's own function yields may have gaps."""

    def run(self, /, budget: str = "full", **values: Any) -> xr.Dataset:
        """The last frame. Raises `ParameterError` for bad input, `FrameError` for a run of over 10,000 frames."""
        frame, ended = self._at_most(MOST_FRAMES, budget, values)
        if not ended:
            raise FrameError(f"{self.id} had not ended after {MOST_FRAMES:,} frames")
        return frame

    def still(self, /, **values: Any) -> xr.Dataset:
        """The last frame, or that of a run that was ended after 1,000 frames, which says so."""
        frame, ended = self._at_most(STILL_FRAMES, "full", values)
        note = "" if ended else f" It had not ended after {STILL_FRAMES:,} frames."
        return frame.assign_attrs(reading=frame.attrs["reading"] + note)

    def _at_most(self, most: int, budget: str, values: Mapping[str, Any]) -> tuple[xr.Dataset, bool]:
        """The last of so many frames, and whether the run ended there."""
        frames, last = self.frames(budget, **values), None
        try:
            for frame in itertools.islice(frames, most):
                last = frame
            ended = next(frames, None) is None
        finally:
            frames.close()
        if last is None:
            raise FrameError(f"{self.id} yielded no frame")
        if ended:
            last.attrs = {k: v for k, v in last.attrs.items() if k != "open_ended"} | {"progress": 1.0}
        return last, ended


def experiment_of(what: str | Experiment | Callable[..., Any]) -> Experiment:
    """The experiment `KEY.EXPERIMENT` of the catalogue, or the one that a function is.

    Raises `UnknownKey`, and `ParameterError` for a signature that cannot be read: it names the parameter.
    """
    if isinstance(what, str):
        return catalog.load_experiment(what)
    if isinstance(what, Function):
        return what
    if isinstance(what, Experiment):
        return Function(what._function, quick=what.quick, frame=what.frame) if _homeless(what) else what
    return Function(what)


def _homeless(experiment: Experiment) -> bool:
    """Whether it was declared outside of any paper, in a notebook's cell."""
    try:
        return experiment.name not in catalog.paper(key_of(experiment.__module__)).experiments
    except catalog.UnknownKey:
        return True


def _name(function: Any) -> str:
    """What to call it: also where that is a part of a file's name."""
    function = function.func if isinstance(function, functools.partial) else function
    name = getattr(function, "__name__", type(function).__name__)
    return "function" if name == "<lambda>" else name


def _declared(function: Callable[..., Any], who: str) -> dict[str, tuple[Any, Any]]:
    """Type and default of each parameter."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise ParameterError(f"{who}: its signature cannot be read; define it by `def`") from None
    hints = _hints(function, who)
    declared = {}
    for name, p in signature.parameters.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            stars = "*" if p.kind is p.VAR_POSITIONAL else "**"
            raise ParameterError(f"{who}: parameter {stars}{name} has no control; name each parameter, with a default")
        if p.kind is p.POSITIONAL_ONLY:
            raise ParameterError(f"{who}: parameter {name!r} has no name in a call; remove the / behind it")
        if name in _TAKEN:
            raise ParameterError(f"{who}: no parameter may be named {name!r}; bench and sweep use that name")
        if name.startswith("_"):
            raise ParameterError(f"{who}: no parameter may be named {name!r}; begin it with a letter")
        if p.default is p.empty:
            raise ParameterError(
                f"{who}: parameter {name!r} needs a default: a number, (low, high), a list of choices, True or False"
            )
        declared[name] = _declaration(f"{who}: parameter {name!r}", name, hints.get(name), p.default)
    return declared


def _hints(function: Callable[..., Any], who: str) -> dict[str, Any]:
    inner = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    try:
        return typing.get_type_hints(inner, include_extras=True)
    except TypeError:  # it has none: a callable that is no function
        return {}
    except Exception as error:
        raise ParameterError(f"{who}: its annotations cannot be read ({type(error).__name__}: {error})") from None


def _declaration(what: str, name: str, hint: Any, default: Any) -> tuple[Any, Any]:
    """The type of one parameter, with its limits, and its default."""
    extras = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    if isinstance(default, list) and (words := [e for e in extras if isinstance(e, pydantic.fields.FieldInfo)]):
        kind, first = _choices(what, default)
        return Annotated[typing.get_args(kind)[0], words[0]], first
    if typing.get_origin(hint) is Literal or any(isinstance(e, pydantic.fields.FieldInfo) for e in extras):
        return hint, default
    default = default.item() if isinstance(default, np.generic) else default
    if isinstance(default, bool):
        return Annotated[bool, choice("")], default
    if isinstance(default, Real):
        if not math.isfinite(default):
            raise ParameterError(f"{what}: the default {default} is not allowed; it must be finite")
        if name == "seed" and isinstance(default, int):
            return Seed, default
        low, high = (0, 1) if default == 0 else sorted((-default, 3 * default))
        return _ranged(hint, low, high, default, None)
    if isinstance(default, tuple):
        return _range(what, hint, default)
    if isinstance(default, list):
        return _choices(what, default)
    if isinstance(default, str):
        raise ParameterError(f"{what}: a text is not allowed; list the choices, {name}=[{_short(default)}, ...]")
    raise ParameterError(
        f"{what}: the default {_short(default)} is not allowed; it must be a number, (low, high), (low, high, step), "
        "a list of choices, True or False"
    )


def _range(what: str, hint: Any, default: tuple) -> tuple[Any, Any]:
    """(low, high) or (low, high, step)."""
    numbers = [v.item() if isinstance(v, np.generic) else v for v in default]
    plain = all(isinstance(v, Real) and not isinstance(v, bool) and math.isfinite(v) for v in numbers)
    if not plain or len(numbers) not in (2, 3):
        raise ParameterError(f"{what}: {_short(default)} is not allowed; it must be (low, high) or (low, high, step)")
    low, high, step = (*numbers, None)[:3]
    if low >= high:
        raise ParameterError(f"{what}: {_short(default)} is not allowed; its low end must be below its high end")
    if step is not None and not 0 < step <= high - low:
        raise ParameterError(f"{what}: {_short(default)} is not allowed; its step must be from 0 to {high - low:g}")
    middle = low + (high - low) / 2
    if step is not None:
        middle = low + int((middle - low) / step) * step
    if all(isinstance(v, int) for v in numbers):
        middle = int(middle)
    return _ranged(hint, low, high, middle, step)


def _ranged(hint: Any, low: Real, high: Real, default: Real, step: Real | None) -> tuple[Any, Any]:
    whole = hint is not float and all(isinstance(v, int) for v in (low, high, default, step or 0))
    field = number(low, high, "", scale="linear")
    if step is not None:
        field.json_schema_extra["step"] = step
    return Annotated[int if whole else float, field], default if whole else float(default)


def _choices(what: str, default: list) -> tuple[Any, Any]:
    values = [v.item() if isinstance(v, np.generic) else v for v in default]
    if not values:
        raise ParameterError(f"{what}: [] is not allowed; it must hold a choice")
    for v in values:
        if not isinstance(v, (str, bool, int, float)):
            raise ParameterError(f"{what}: the choice {_short(v)} is not allowed; it must be a text or a number")
    if len({str(v) for v in values}) < len(values) or len(set(values)) < len(values):
        raise ParameterError(f"{what}: {_short(default)} is not allowed; no two choices may be the same")
    return Annotated[Literal[tuple(values)], choice("")], values[0]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
