"""A function of your own on its way to where a sweep's points run: with its code, and a copy of all that it reaches."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle
from cloudpickle import cloudpickle as inner

from labcore.function_code import CodeError, at_home, yours
from labcore.functions import Function

_CLASSES = (inner._make_skeleton_class, inner._make_skeleton_enum)


def packed_of(experiment: Function) -> bytes:
    """The experiment as bytes, with those of your modules that it reaches.

    Raises `CodeError` for what cannot be sent.
    """
    reached = experiment.reached
    theirs = cloudpickle.list_registry_pickle_by_value()
    ours = [module for module in reached.modules if module.__name__ not in theirs]
    for module in ours:
        cloudpickle.register_pickle_by_value(module)
    parcel = io.BytesIO()
    try:
        _Pickler(parcel).dump(Function(experiment.function, None, experiment.quick, experiment.frame))
    except Exception as error:
        raise CodeError(f"{experiment.id} cannot be sent to another process: {error}") from None
    finally:
        for module in ours:
            cloudpickle.unregister_pickle_by_value(module)
    return pickle.dumps((reached.compiles, parcel.getvalue()))


def unpacked(packed: bytes) -> Function:
    """The experiment, whose function has values of its own for all globals: a point sees nothing of other points.

    Those of one process share them where something of yours is compiled, which takes seconds.
    """
    compiles, parcel = pickle.loads(packed)
    return _kept(parcel) if compiles else pickle.loads(parcel)


@functools.lru_cache(maxsize=1)
def _kept(parcel: bytes) -> Function:
    return pickle.loads(parcel)


class _Pickler(cloudpickle.Pickler):
    """Copies are whole: they share no class and no compiled function with the process that they come from.

    cloudpickle would let a class of a notebook find its original in the same process, and change that; numba would let
    a compiled function, with the globals that it was compiled for.
    """

    def reducer_override(self, value: Any) -> Any:
        if isinstance(function := getattr(value, "py_func", None), Callable) and hasattr(value, "targetoptions"):
            if yours(function.__module__):
                return _compiled, (function, value.targetoptions)
            if at_home(value, function.__module__):
                return value.__qualname__
        if isinstance(value, functools._lru_cache_wrapper) and yours(value.__module__):
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
