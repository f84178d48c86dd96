"""Rules for what an experiment's signature promises: bounds that are enforced, and runs that are finite within them."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from labcore.experiment import Experiment, Parameter, ParameterError
from labcore.figure import view_of
from widgets.benches.plot import jsonable
from widgets.check.frames import at_work, reading_is_a_sentence


def bounds_are_enforced(experiment: Experiment) -> Iterator[str]:
    """Each parameter is described, and what it may not be is refused in a line that names it and what it may be."""
    for name, p in experiment.parameters.items():
        if not p.description:
            yield f"{name} has no description: number(low, high, 'what it is')"
        number = p.kind in ("int", "float")
        for value in [p.low - 1, p.high + 1, "many", None, float("nan")] if number else ["no such choice", None]:
            try:
                experiment.validate(**{name: value})
            except ParameterError as error:
                if name not in str(error) or p.allowed not in str(error):
                    yield f"{name} = {value!r} is refused in words that do not say what is allowed: {error}"
            else:
                yield f"{name} = {value!r} is taken"


def conditions_are_possible(experiment: Experiment) -> Iterator[str]:
    """Where a parameter matters only for some values of another one, that one can have them."""
    for p in experiment.parameters.values():
        for other, allowed in p.when.items():
            for value in allowed:
                try:
                    experiment.validate(**{other: value})
                except ParameterError as error:
                    yield f"{p.name} matters where {other} = {value!r}, which cannot be: {error}"


def ends(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Quick settings with one parameter at one of its ends, or one of its choices; never above what quick lowers."""
    for name, p in experiment.parameters.items():
        for value in _ends(p, experiment.quick.get(name, p.high)):
            if name != "seed":
                yield experiment.settings("quick", **{name: value})


def _ends(p: Parameter, top: Any) -> tuple:
    if p.kind == "bool":
        return False, True
    if p.kind == "text":
        return p.default, p.choices[0], " ".join(p.choices[: p.high])
    return p.choices if p.kind == "choice" else (type(p.default)(p.low), type(p.default)(top))


def runs_well(experiment: Experiment, values: dict[str, Any], follow: int) -> Iterator[str]:
    """A run with these values, followed for so many frames: finite and in order, drawn, and ended cleanly; or refused
    in one line that names a parameter.
    """
    last, progress = None, 0.0
    threads = at_work()
    run = experiment.frames(**values)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # numpy's word for a number that is lost on the way
        try:
            # the experiment itself checks that every frame is finite
            for count, last in enumerate(run, 1):
                if last.attrs["progress"] < progress:
                    yield f"the progress falls from {progress}"
                progress = last.attrs["progress"]
                yield from reading_is_a_sentence(last.attrs["reading"])
                if count == follow:
                    break
            else:
                if progress != 1:
                    yield f"the run ends at progress {progress}"
        except ValueError as error:
            named = any(re.search(rf"\b{name} = ", str(error)) for name in experiment.parameters)
            if not named or "\n" in str(error):
                yield f"{error!r} names no parameter in one line"
            return
        run.close()
        if at_work() > threads:
            yield "a stopped run leaves a thread behind"
        json.dumps(jsonable(view_of(experiment)(last)), allow_nan=False)
