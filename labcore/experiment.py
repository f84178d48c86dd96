"""Experiments: the signature is the parameter list, the yields are the frames.

    @experiment(quick=dict(n_seeds=2), frame=FRAME)
    def model_wise(noise: Annotated[float, number(0, 2, "Label noise")] = 0.5, seed: Seed = 0):
        yield FRAME(dict(width=p, test=errors), "The error peaks at width 100.")

An experiment is a generator of `xarray.Dataset` frames, declared by a `labcore.frames.Frame`. The last frame is the
result. Each frame carries `attrs["progress"]` in [0, 1] and `attrs["reading"]`, one sentence computed from its numbers.
A run that diverges raises `Diverged(step)`.

A parameter is `Annotated[type, pydantic.Field(...)]` with `ge` and `le` for numbers, or `Literal[...]`, or `bool`, or
`Annotated[str, text(...)]`, a sentence of given words.
`Field(json_schema_extra=...)` may add, for whoever draws or documents the parameter:
    label  two or three plain words for a person, with the lesson's symbol ("learning rate η"; default: the name)
    main   whether its control stands open in a bench (at most three of an experiment; default: the first three numbers)
    words  {value of a Literal: what a person reads for it} (default: the value itself)
    unit   "steps", "ms", ...
    scale  "log" or "linear" (default: log when ge > 0 and le/ge >= 1000)
    group  the heading it stands under in a bench
    step   how far apart the stops of its slider are (default: round numbers)
    when   {"other parameter": [values for which this one matters]}
"""

from __future__ import annotations

import collections
import dataclasses
import difflib
import functools
import importlib
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import annotated_types
import numpy as np
import pydantic
import xarray as xr
from pydantic import Field

from labcore import catalog
from labcore.code_version import code_version
from labcore.frames import Frame, FrameError

Seed = Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of all the randomness in the run")]
Budget = Literal["quick", "full"]


_RESERVED = {"budget", "out", "json", "help"}


MAIN = 3  # parameters of an experiment whose controls stand open


def number(
    low: float,
    high: float,
    description: str,
    group: str = "",
    unit: str = "",
    scale: str = "",
    label: str = "",
    main: bool = False,
    **when: list,
) -> Any:
    """The `Field` of a number in [low, high]; `when` names the values of other parameters for which it matters."""
    extra = {"group": group, "unit": unit, "label": label, "main": main, "when": when}
    extra |= {"scale": scale} if scale else {}
    return Field(ge=low, le=high, description=description, json_schema_extra=extra)


def choice(
    description: str,
    group: str = "",
    label: str = "",
    main: bool = False,
    words: Mapping[Any, str] | None = None,
    **when: list,
) -> Any:
    """The `Field` of a bool or a Literal; `words` are what a person reads for its values."""
    extra = {"group": group, "label": label, "main": main, "words": dict(words or {}), "when": when}
    return Field(description=description, json_schema_extra=extra)


def text(
    vocabulary: Iterable[str],
    most: int,
    description: str,
    group: str = "",
    label: str = "",
    main: bool = False,
    **when: list,
) -> Any:
    """The `Field` of a sentence that a person types: from one to `most` words of the vocabulary, with blanks between.

    It may have a full stop, and letters of any case; the experiment gets the words as the vocabulary writes them.
    """
    extra = {"group": group, "label": label, "main": main, "when": when}
    extra |= {"vocabulary": list(vocabulary), "most": most}
    return Field(description=description, json_schema_extra=extra)


class ParameterError(ValueError):
    """A parameter that does not exist, has the wrong type or is out of its range."""


class Diverged(ArithmeticError):
    """Raised by an experiment whose training diverged at a step: its last finite frame ends the run, and says so.

    `last` is that frame, where it was not shown.
    """

    def __init__(self, step: float, last: xr.Dataset | None = None):
        super().__init__(f"diverged before step {step}")
        self.last = last


@dataclass(frozen=True)
class Parameter:
    """One parameter of an experiment, as read from the signature."""

    name: str
    kind: Literal["int", "float", "bool", "choice", "text"]
    default: Any
    description: str
    label: str
    low: float | None = None
    high: float | None = None
    choices: tuple = ()  # of a text: its words
    unit: str = ""
    log: bool = False
    group: str = ""
    main: bool = False
    when: Mapping[str, tuple] = field(default_factory=dict)
    step: float | None = None
    words: Mapping[Any, str] = field(default_factory=dict)

    def word(self, value: Any) -> str:
        """What a person reads for a value of a choice."""
        return self.words.get(value) or str(value).replace("_", " ")

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(map(str, self.choices))
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return f"from 1 to {self.high} of the words {', '.join(self.choices)}"
        unit = f" {self.unit}" if self.unit else ""
        if self.kind == "int":
            return f"a whole number from {self.low:.0f} to {self.high:.0f}{unit}"
        return f"from {self.low:g} to {self.high:g}{unit}"

    def spelled(self, sentence: str) -> str:
        """A text with its words as the vocabulary writes them, one blank between them, and no full stop."""
        known = {word.casefold(): word for word in self.choices}
        return " ".join(known.get(word.casefold(), word) for word in sentence.strip().removesuffix(".").split())

    def wrong(self, sentence: Any) -> str:
        """What is wrong with a text that is spelled: its first unknown word, or how many it has; "" if nothing is."""
        if self.kind != "text" or not isinstance(sentence, str):
            return ""
        words = sentence.split()
        if unknown := [word for word in words if word not in self.choices]:
            near = difflib.get_close_matches(unknown[0], self.choices, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            return f"is not allowed: {unknown[0][:30]!r} is not known{hint}; it must be {self.allowed}"
        return "" if 1 <= len(words) <= self.high else f"is not allowed: {len(words)} words; it must be {self.allowed}"

    def matters(self, values: Mapping[str, Any]) -> bool:
        """Whether this parameter has an effect when the others have these values."""
        return all(values[other] in allowed for other, allowed in self.when.items())


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    base, *extras = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    info = next((e for e in extras if isinstance(e, pydantic.fields.FieldInfo)), Field())
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    common = dict(
        name=name,
        default=default,
        description=info.description or "",
        unit=extra.get("unit", ""),
        group=extra.get("group", ""),
        label=extra.get("label") or name.replace("_", " "),
        main=extra.get("main", False),
        when={k: tuple(v) for k, v in extra.get("when", {}).items()},
        words=extra.get("words", {}),
    )
    if unknown := common["words"].keys() - set(typing.get_args(base)):
        raise TypeError(f"parameter {name!r}: {min(unknown, key=str)!r} has words, and is no choice")
    if typing.get_origin(base) is Literal:
        return Parameter(kind="choice", choices=typing.get_args(base), **common)
    if base is bool:
        return Parameter(kind="bool", **common)
    if base is str and "vocabulary" in extra:
        return Parameter(kind="text", choices=tuple(extra["vocabulary"]), low=1, high=extra["most"], **common)
    if base not in (int, float):
        raise TypeError(
            f"parameter {name!r}: type {base} is not supported; use int, float, bool, Literal[...] or a text"
        )
    low = next((m.ge for m in info.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in info.metadata if isinstance(m, annotated_types.Le)), None)
    if low is None or high is None:
        raise TypeError(f"parameter {name!r}: a number needs both bounds, Annotated[..., number(low, high, 'words')]")
    scale = extra.get("scale", "log" if low > 0 and high / low >= 1000 else "linear")
    return Parameter(kind=base.__name__, low=low, high=high, log=scale == "log", step=extra.get("step"), **common)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(parameter: Parameter, value: Any) -> Any:
    """The value as Python has it: no numpy scalar, and "2" from a command line or a link is the 2 of a Literal."""
    value = value.item() if isinstance(value, np.generic) else value
    if parameter.kind == "text" and isinstance(value, str):
        return parameter.spelled(value)
    return next((c for c in parameter.choices if isinstance(value, str) and str(c) == value), value)


class Experiment:
    """A function that yields frames, with validated parameters. Made by the `experiment` decorator.

    What depends on where it comes from, its lesson, view and code, is asked of it and of nothing else.
    """

    named = True  # whether another process can load it by its id

    def __init__(
        self,
        function: Callable[..., Iterator[xr.Dataset]],
        key: str,
        quick: Mapping[str, Any],
        frame: Frame | None = None,
    ):
        functools.update_wrapper(self, function)
        self.key, self.name, self.quick, self.frame = key, function.__name__, dict(quick), frame
        self._function = function
        hints = typing.get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
        for name, p in signature.parameters.items():
            if name not in hints or p.default is p.empty:
                raise TypeError(f"{self.id}: parameter {name!r} needs a type and a default")
            if name in _RESERVED:
                raise TypeError(f"{self.id}: no parameter may be named {name!r}; the command line uses that name")
        self.parameters = {name: _parameter(name, hints[name], p.default) for name, p in signature.parameters.items()}
        self._choose_main()
        for p in self.parameters.values():
            if unknown := p.when.keys() - self.parameters.keys():
                raise TypeError(f"{self.id}: parameter {p.name!r} depends on {min(unknown)!r}, which does not exist")
        fields = {name: (hints[name], p.default) for name, p in signature.parameters.items()}
        self._model = pydantic.create_model(f"{key}.{self.name}", **fields)
        for name, value in self.validate().items():
            self.parameters[name] = dataclasses.replace(self.parameters[name], default=value)
        self.validate(**self.quick)

    def _choose_main(self) -> None:
        """The first numbers are the main parameters where the experiment names none."""
        named = [n for n, p in self.parameters.items() if p.main]
        if len(named) > MAIN:
            raise TypeError(f"{self.id}: at most {MAIN} parameters are main, not {', '.join(named)}")
        numbers = [n for n, p in self.parameters.items() if p.kind in ("int", "float") and n != "seed"]
        for name in named or numbers[:MAIN]:
            self.parameters[name] = dataclasses.replace(self.parameters[name], main=True)

    @property
    def id(self) -> str:
        return f"{self.key}.{self.name}"

    @property
    def notebook(self) -> str:
        """The lesson that shows it, in Labcore's folder; "" where there is none."""
        try:
            return catalog.paper(self.key).notebook
        except catalog.UnknownKey:
            return ""

    @property
    def view(self) -> Callable[[xr.Dataset], dict[str, Any]]:
        """What makes a figure of its frames: the function of the same name in the `view.py` beside it.

        Raises LookupError where there is none.
        """
        module = f"{self.__module__.rpartition('.')[0]}.view"
        view = getattr(importlib.import_module(module), self.name, None)
        if view is None:
            raise LookupError(f"{module} has no view {self.name!r}")
        return view

    @property
    def code(self) -> str:
        """A short hash of the code behind its frames."""
        return code_version(self.key)

    def __reduce__(self) -> tuple:
        return catalog.load_experiment, (self.id,)

    def __repr__(self) -> str:
        return f"<experiment {self.id}({', '.join(self.parameters)})>"

    def validate(self, /, **values: Any) -> dict[str, Any]:
        """All parameters with their values: those given, checked and converted, and the defaults.

        Raises `ParameterError`, one readable line that names the parameter, the value and what is allowed.
        """
        problems = []
        for name in (n for n in values if n not in self.parameters):
            near = difflib.get_close_matches(name, self.parameters, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "it has " + ", ".join(self.parameters)
            problems.append(f"there is no parameter {name!r}; {hint}")
        # defaults are converted too: a run must not depend on whether a value was typed or left alone
        merged = {name: _plain(p, values.get(name, p.default)) for name, p in self.parameters.items()}
        for name, value in merged.items():
            # pydantic takes True for 1; a person who passes True for a number has made a mistake
            if isinstance(value, bool) and self.parameters[name].kind != "bool":
                problems.append(f"{name} = {value} is not allowed; it must be {self.parameters[name].allowed}")
            elif wrong := self.parameters[name].wrong(value):
                problems.append(f"{name} = {_shown(value)} {wrong}")
        if not problems:
            try:
                return self._model(**merged).model_dump()
            except pydantic.ValidationError as error:
                for name in dict.fromkeys(e["loc"][0] for e in error.errors()):
                    problems.append(
                        f"{name} = {_shown(merged[name])} is not allowed; it must be {self.parameters[name].allowed}"
                    )
        raise ParameterError(f"{self.id}: " + "; ".join(problems))

    def settings(self, /, budget: Budget = "full", **values: Any) -> dict[str, Any]:
        """The validated values of one run: the budget's overrides, then `values` on top."""
        if budget not in typing.get_args(Budget):
            raise ParameterError(f"{self.id}: budget = {budget!r} is not allowed; it must be quick or full")
        return self.validate(**({**self.quick, **values} if budget == "quick" else values))

    def frames(self, /, budget: Budget = "full", **values: Any) -> Iterator[xr.Dataset]:
        """Validate now, then iterate over the frames. Closing the iterator stops the run."""
        settings = self.settings(budget, **values)
        return self._frames(settings)

    def _frames(self, settings: dict[str, Any]) -> Iterator[xr.Dataset]:
        made_by = {"experiment": self.id, "parameters": json.dumps(settings)}
        last: xr.Dataset | None = None
        try:
            for frame in self._function(**settings):
                self._check(frame)
                frame.attrs.update(made_by)
                last = frame
                yield frame
        except Diverged as end:
            last = last if end.last is None else end.last.assign_attrs(made_by)
            if last is None:
                raise FrameError(f"{self.id} {end}, and before its first frame; the start is a frame too") from None
            reading = f"The training {end}. Before that: {last.attrs['reading']}"
            yield last.assign_attrs(progress=1.0, reading=reading)

    def _check(self, frame: xr.Dataset) -> None:
        check_frame(frame, self.id)

    __call__ = frames

    def run(self, /, budget: Budget = "full", **values: Any) -> xr.Dataset:
        """The last frame. Raises `ParameterError` for bad input."""
        last = collections.deque(self.frames(budget, **values), maxlen=1)
        if not last:
            raise FrameError(f"{self.id} yielded no frame")
        return last[0]

    def still(self, /, **values: Any) -> xr.Dataset:
        """The frame for a page where nothing runs: the last."""
        return self.run(**values)


def check_frame(frame: xr.Dataset, who: str) -> None:
    """Raise `FrameError` unless the frame is finite, has a reading and a progress in [0, 1]."""
    if not isinstance(frame, xr.Dataset):
        raise FrameError(f"{who}: a frame must be an xarray.Dataset, got {type(frame).__name__}")
    if not isinstance(frame.attrs.get("reading"), str) or not frame.attrs["reading"]:
        raise FrameError(f'{who}: a frame needs attrs["reading"], one sentence')
    progress = frame.attrs.get("progress")
    if progress is None or not 0 <= progress <= 1:
        raise FrameError(f'{who}: a frame needs attrs["progress"] in [0, 1], got {progress!r}')
    for name, variable in frame.variables.items():
        if variable.dtype.kind in "fc" and not np.isfinite(variable.values).all():
            raise FrameError(
                f"{who}: {name} has {int((~np.isfinite(variable.values)).sum())} non-finite values; "
                "a run that diverges must end with a finite frame whose reading says so"
            )


def key_of(module: str) -> str:
    """The key of the paper that a module belongs to: the name of its folder, or its own where it has none."""
    return module.split(".")[-2:][0]


def experiment(
    function: Callable[..., Iterator[xr.Dataset]] | None = None,
    /,
    *,
    quick: Mapping[str, Any] | None = None,
    frame: Frame | None = None,
):
    """Turn a generator function into an `Experiment` of the paper whose folder it lies in: `@experiment`, or
    `@experiment(quick=dict(n_seeds=2), frame=FRAME)`.

    `quick` overrides defaults for tests and Binder, with the idea still visible. `frame` declares what it yields.
    """

    def wrap(function: Callable[..., Iterator[xr.Dataset]]) -> Experiment:
        return Experiment(function, key_of(function.__module__), quick or {}, frame)

    return wrap if function is None else wrap(function)
