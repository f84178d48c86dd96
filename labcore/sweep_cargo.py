"""A function of your own on its way to where a sweep's points run: with its code, and a copy of all that it reaches.

A paper in a folder of yours, or of a package, goes to a cluster in the same way: there is no such folder there, and
perhaps no such package.
"""

from __future__ import annotations

import functools
import io
import pickle
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import cloudpickle
from cloudpickle import cloudpickle as inner

from labcore import catalog
from labcore.experiment import Experiment
from labcore.function_code import CodeError, at_home, yours
from labcore.functions import Function
from labcore.import_closure import closure

_CLASSES = (inner._make_skeleton_class, inner._make_skeleton_enum)


def is_packed(experiment: Experiment, cluster: Any) -> bool:
    """Whether points need the experiment itself, and not only its name."""
    return not experiment.named or cluster is not None and _goes(experiment.__module__, _package(experiment))


def _package(experiment: Experiment) -> str:
    """The package that brings the paper, as its module is called: "their_lab"; "" for one of the house."""
    guest = catalog.paper(experiment.key).guest if experiment.named else None
    return guest.package.partition(".")[0] if guest else ""


def _goes(module: str, package: str) -> bool:
    """Whether a module goes along: one of yours, or of the package that brings the paper."""
    return yours(module) or module.partition(".")[0] == package


def house_of(experiment: Experiment) -> tuple[str, ...]:
    """The modules of Labcore that a packed experiment needs where it goes. Raises `CodeError`."""
    if not experiment.named:
        return experiment.reached.house
    files = closure(Path(sys.modules[experiment.__module__].__file__))
    names = {name for name, module in sys.modules.items() if _file_of(module) in files}
    return tuple(sorted(name for name in names if name.startswith("labcore.")))


def packed_of(experiment: Experiment) -> bytes:
    """The experiment as bytes, with those of your modules that it reaches.

    Raises `CodeError` for what cannot be sent.
    """
    package = _package(experiment)
    if experiment.named:
        files = closure(Path(sys.modules[experiment.__module__].__file__))
        own = [m for m in list(sys.modules.values()) if _file_of(m) in files and _goes(m.__name__, package)]
        compiles, what = True, (Experiment, (experiment._function, experiment.key, experiment.quick, experiment.frame))
    else:
        compiles, own = experiment.reached.compiles, experiment.reached.modules
        what = (Function, (experiment.function, None, experiment.quick, experiment.frame))
    theirs = cloudpickle.list_registry_pickle_by_value()
    ours = [module for module in own if module.__name__ not in theirs]
    for module in ours:
        cloudpickle.register_pickle_by_value(module)
    parcel = io.BytesIO()
    try:
        _Pickler(parcel, package).dump((*what, _hints(what[1][0])))
    except Exception as error:
        raise CodeError(f"{experiment.id} cannot be sent to another process: {error}") from None
    finally:
        for module in ours:
            cloudpickle.unregister_pickle_by_value(module)
    return pickle.dumps((compiles, parcel.getvalue()))


def _file_of(module: Any) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if file else None


def unpacked(packed: bytes) -> Experiment:
    """The experiment, whose function has values of its own for all globals: a point sees nothing of other points.

    Those of one process share them where something of yours is compiled, which takes seconds.
    """
    compiles, parcel = pickle.loads(packed)
    return _kept(parcel) if compiles else _made(parcel)


def _made(parcel: bytes) -> Experiment:
    kind, arguments, hints = pickle.loads(parcel)
    if hints:
        _plain(arguments[0]).__annotations__ = hints
    return kind(*arguments)


def _plain(function: Any) -> Any:
    """The function in a partial or a method."""
    while hasattr(function, "func") or hasattr(function, "__func__"):
        function = function.func if hasattr(function, "func") else function.__func__
    return function


def _hints(function: Any) -> dict[str, Any]:
    """The annotations as objects: a name in one is no global that the code reads, and stays behind."""
    plain = _plain(function)
    return typing.get_type_hints(plain, include_extras=True) if isinstance(plain, FunctionType) else {}


_kept = functools.lru_cache(maxsize=1)(_made)


class _Pickler(cloudpickle.Pickler):
    """Copies are whole: they share no class and no compiled function with the process that they come from.

    cloudpickle would let a class of a notebook find its original in the same process, and change that; numba would let
    a compiled function, with the globals that it was compiled for.
    """

    def __init__(self, parcel: io.BytesIO, package: str):
        super().__init__(parcel)
        self._package_of_paper = package

    def reducer_override(self, value: Any) -> Any:
        if isinstance(function := getattr(value, "py_func", None), Callable) and hasattr(value, "targetoptions"):
            if _goes(function.__module__, self._package_of_paper):
                return _compiled, (function, value.targetoptions)
            if at_home(value, function.__module__):
                return value.__qualname__
        if isinstance(value, functools._lru_cache_wrapper) and _goes(value.__module__, self._package_of_paper):
            return _cached, (value.__wrapped__, value.cache_parameters())
        made = super().reducer_override(value)
        if isinstance(made, tuple) and made[0] in _CLASSES:
            *before, _, extra = made[1]
            return (made[0], (*before, None, extra), *made[2:])
        return made


def _compiled(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    from numba import jit

    return jit(**options)(function)


def _cached(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    return functools.lru_cache(**options)(function)
