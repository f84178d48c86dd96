"""The question on hidden gates: how many may be hidden before a hundred functions fit."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import masking


@exercise(
    'In the first bench (3-bit adder): find a value of "hidden gates" at which at least 100 functions are possible, '
    "but with one hidden gate less fewer than 100. Any share that does it is right.",
    asked("hidden gates", 0.05, 0.9),
    hint="Each hidden gate multiplies the count by about four.",
)
def few_functions(mask: float, seed: int) -> bool | str:
    frame = masking.run(mask=mask, steps=0, seed=seed)
    hidden, functions = frame.sizes["gate"], int(frame.functions[-1])
    if functions < 100:
        return f"{hidden} hidden gates leave {functions} functions. Hide more."
    before = int(frame.functions[-2])
    return True if before < 100 else f"{hidden} hidden gates leave {functions}, but one less leaves {before} already."
