"""The questions on sentences: angles that make one true, the cups of a long one, and what its gradient costs."""

from __future__ import annotations

from labcore.answers import number
from labcore.exercises import exercise

from .experiments import gradients, sentence


@exercise(
    "Find three angles of Alice for which <i>Alice sleeps</i> has p(true) of at least 0.9. Write them with spaces "
    "between. Any angles that do it are right.",
    hint="In the first bench, choose sleeps and '-'. Move one angle to the top of its curve, then the next, and go "
    "round again.",
)
def alice_makes_it_true(text: str, seed: int) -> bool | str:
    angles = [number(part) for part in text.replace(";", " ").split()]
    if len(angles) != 3:
        return "Write three angles with spaces between them, for example: 1.0 2.0 1.0"
    values = dict(zip(("angle_1", "angle_2", "angle_3"), angles))
    here = sentence.run(verb="sleeps", whom="-", seed=seed, **values)
    return True if float(here.p) >= 0.9 else f"With these angles p(true) is {float(here.p):.3f}."


@exercise("How many cups does <i>Alice whom Bob loves loves clever Bob</i> need? Work it out from the types.")
def cups_needed(text: str, seed: int) -> bool | str:
    frame = sentence.run(subject="Alice whom Bob loves", verb="loves", whom="clever Bob", seed=seed)
    cups = int((frame.partner >= 0).sum()) // 2
    return number(text) == cups or f"Count the wires: there are {frame.sizes['wire']}, and one of them stays open."


@exercise(
    "A quantum computer measures p of one circuit at a time. How many circuits does the whole gradient of "
    "<i>Alice loves Bob</i> need at depth 1?"
)
def evaluations(text: str, seed: int) -> bool | str:
    counts = {"Rx": 2, "Rz": 2, "CRz": 4}
    for gate, by in (("Rx", "first Rx of Alice"), ("CRz", "CRz of loves")):
        counts[gate] = gradients.run(by=by, depth=1, seed=seed).sizes["term"]
    alice = bob = 3 * counts["Rx"]
    loves = 4 * counts["Rx"] + counts["CRz"]
    right = number(text) == alice + bob + loves
    return right or "Each noun has three angles; loves has four of one kind and one of another."
