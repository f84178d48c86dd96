"""Exercises: a question of a lesson, with the code that checks an answer by running experiments.

    @exercise(
        "Find a kappa above 1 for which the error never rises.",
        trajectory.parameters["kappa"],
        hint="When do the slow directions arrive?",
    )
    def no_bump(kappa: float, seed: int) -> bool | str: ...

They are in a paper's `exercises.py`. A lesson shows one with `exercise("KEY.NAME", seed=seed)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labcore import catalog
from labcore.answers import several, taken
from labcore.catalog import UnknownKey
from labcore.experiment import Parameter, key_of

Check = Callable[..., bool | str]


@dataclass(frozen=True)
class Exercise:
    """A question, what it asks for, its hints, and `check`.

    `check(*values, seed)` gets a number for each parameter that is asked for, in its bounds; where none is asked for,
    `check(text, seed)` gets what was typed. True is a right answer, False a wrong one, a sentence one that helps. Any
    right answer must pass: try code, do not compare strings. ValueError says what cannot be read.
    """

    key: str
    name: str
    question: str
    asks: tuple[Parameter, ...]
    hints: tuple[str, ...]
    check: Check

    def __call__(self, text: str, seed: int = 0) -> bool | str:
        if len(self.asks) > 1:
            return self.check(*several(self.asks, text), seed)
        return self.check(taken(self.asks[0], text) if self.asks else text, seed)


def exercise(question: str, *asks: Parameter, hint: str | tuple[str, ...] = ()) -> Callable[[Check], Exercise]:
    """Turn `function(*values, seed) -> bool | str` into an exercise of the paper whose folder it lies in.

    `asks` are parameters of an experiment, or made with `asked`. Several hints are shown one after another.
    """
    hints = (hint,) if isinstance(hint, str) else hint
    return lambda check: Exercise(key_of(check.__module__), check.__name__, question, asks, hints, check)


def asked(label: str, low: float, high: float, unit: str = "") -> Parameter:
    """A number that an exercise asks for and that no experiment takes; a whole one where both bounds are `int`."""
    kind = "int" if isinstance(low, int) and isinstance(high, int) else "float"
    return Parameter(label, kind, None, label, label, low, high, unit=unit)


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
