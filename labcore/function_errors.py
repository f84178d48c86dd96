"""What went wrong in a function of your own, in words that name the line of your code."""

from __future__ import annotations

import linecache
import os
import traceback
from types import TracebackType

from labcore.experiment import ParameterError
from labcore.frames import FrameError
from labcore.function_code import yours


def told(error: BaseException) -> str:
    """One line: `ZeroDivisionError: division by zero (line 3 of the cell, in wave: y = 1 / x)`.

    An error that is ours, about a frame or a value, speaks for itself.
    """
    if isinstance(error, (FrameError, ParameterError)):
        return str(error)
    lines = str(error).splitlines()
    words = f"{type(error).__name__}: {lines[0]}" if lines and lines[0] else type(error).__name__
    place = _last_of_yours(error)
    return f"{words} ({place})" if place else words


def traced(error: BaseException) -> str:
    """The traceback, from where your code was called."""
    trace, called = error.__traceback__, False
    while trace is not None and not (called and _is_yours(trace)):
        called |= trace.tb_frame.f_globals.get("__name__", "").startswith("labcore.")
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _is_yours(trace: TracebackType) -> bool:
    return yours(trace.tb_frame.f_globals.get("__name__", ""))


def _last_of_yours(error: BaseException) -> str:
    found, trace = None, error.__traceback__
    while trace is not None:
        found, trace = trace if _is_yours(trace) else found, trace.tb_next
    if found is None:
        return ""
    code, number = found.tb_frame.f_code, found.tb_lineno
    file = code.co_filename
    text = linecache.getline(file, number).strip()
    where = os.path.basename(file) if os.path.exists(file) else "the cell"
    return f"line {number} of {where}, in {code.co_name}" + (f": {text}" if text else "")
