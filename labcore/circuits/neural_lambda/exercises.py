"""The question on lambda terms: one that takes exactly two steps."""

from __future__ import annotations

from labcore.exercises import exercise

from .lambda_terms import parse, reduction


@exercise(
    "Write a closed term that takes exactly two steps to its normal form: L for λ, @ before function and argument, "
    "spaces between. Any such term is right.",
    hint="@ L 0 L 0 takes one. What if the result is a redex again?",
)
def takes_two_steps(text: str, seed: int) -> bool | str:
    plain = text.replace("λ", " L ").replace("@", " @ ").replace("L", " L ")
    term = parse([int(t) if t.isdigit() else t for t in plain.split()])
    if term is None:
        return "That is no closed term. Write for example  @ L 0 L 0"
    steps = len(list(reduction(term, 20))) - 1
    return True if steps == 2 else f"Its number of steps is {steps}." if steps < 20 else "It does not end in 20 steps."
