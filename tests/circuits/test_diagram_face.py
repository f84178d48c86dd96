"""The names that `labcore.diagrams` shows: its example runs, and a name never means the module of that name."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

from labcore import diagrams


def test_the_example_runs():
    found = doctest.testmod(diagrams)
    assert (found.attempted, found.failed) == (5, 0)


def test_a_name_is_no_module_whatever_was_imported_before():
    for module in pkgutil.iter_modules(diagrams.__path__):
        importlib.import_module(f"labcore.diagrams.{module.name}")
    for name in diagrams.__all__:
        found = getattr(diagrams, name)
        assert not inspect.ismodule(found) and found.__name__ == name
        assert name in diagrams.__doc__
