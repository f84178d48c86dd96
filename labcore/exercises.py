"""Exercises: a question of a lesson, with the code that checks an answer by running experiments.

    @exercise("Find a kappa above 1 for which the error never rises.", hint="When do the slow directions arrive?")
    def no_bump(text: str, seed: int) -> bool | str: ...

They are in a paper's `exercises.py`. A lesson shows one with `exercise("KEY.NAME", seed=seed)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labcore import catalog
from labcore.catalog import UnknownKey
from labcore.experiment import key_of

Check = Callable[[str, int], bool | str]


@dataclass(frozen=True)
class Exercise:
    """A question, its hint, and `check(text, seed)`.

    True is a right answer, False a wrong one, a sentence one that helps. Any right answer must pass, however it is
    written: parse numbers, try code, do not compare strings. ValueError says what cannot be read.
    """

    key: str
    name: str
    question: str
    hint: str
    check: Check

    def __call__(self, text: str, seed: int = 0) -> bool | str:
        return self.check(text, seed)


def exercise(question: str, *, hint: str = "") -> Callable[[Check], Exercise]:
    """Turn `function(text, seed) -> bool | str` into an exercise of the paper whose folder it lies in."""
    return lambda check: Exercise(key_of(check.__module__), check.__name__, question, hint, check)


def exercises_of(key: str) -> list[Exercise]:
    """The exercises of one paper, in source order. Imports its `exercises`. Raises as `load_paper` does."""
    return [e for e in vars(catalog.load_part(key, "exercises")).values() if isinstance(e, Exercise)]


def load_exercise(name: str) -> Exercise:
    """The exercise `KEY.NAME`. Raises `UnknownKey`."""
    key, _, short = name.partition(".")
    found = {e.name: e for e in exercises_of(key)}
    if short not in found:
        raise UnknownKey("exercise", name, [f"{key}.{n}" for n in found])
    return found[short]
