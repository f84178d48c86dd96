"""A sentence of your own, and the experiments that take one.

    on_text("qnlp.sentence").run(sentence="Alice whom Bob loves sleeps")

The experiments are in a paper's `text.py`, under the names of those that they stand for; their parameter `sentence` is
a `labcore.experiment.text`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment
    from labcore.frames import Frame


def of_text(
    view: Callable[[xr.Dataset], dict[str, Any]], frame: Frame
) -> Callable[[Callable[..., xr.Dataset]], Callable[[], Experiment]]:
    """Turn `function(sentence=..., ...)`, which returns a frame, into `made()`, of an experiment."""

    def wrap(function: Callable[..., xr.Dataset]) -> Callable[[], Experiment]:
        # its name in the file is that of `made`: it goes to other processes by its code, without words for types
        function.__annotations__ = get_type_hints(function, include_extras=True)

        @functools.wraps(function)
        def made() -> Experiment:
            from labcore.functions import Function

            return Function(function, view, frame=frame)

        return made

    return wrap


def on_text(name: str) -> Experiment:
    """The experiment `KEY.EXPERIMENT` on a sentence of yours, its parameter `sentence`, for `bench`, `sweep` and `run`.

    Raises `UnknownKey`, and LookupError for an experiment that takes no sentence.
    """
    from labcore import catalog

    key, _, short = name.partition(".")
    if short not in catalog.paper(key).texts:
        takes = [f"{p.key}.{t}" for p in catalog.papers() for t in p.texts]
        raise LookupError(f"{name} takes no sentence; {' and '.join(takes)} {'does' if len(takes) == 1 else 'do'}")
    return getattr(catalog.load_part(key, "text"), short)()
