"""The question of the lesson that `quadratic` answers, and its checker."""

from __future__ import annotations

import re

from labcore.exercises import exercise

from .experiments import neuron


@exercise(
    "Leave the first form as it is (1, 0.6, 0). Let both squares weigh the same, w_b1 = w_b2 = w, and find w and the "
    "constant c that put at least 97 % of the ring points on the right side.",
    hint="A strong w makes the straight part matter less. The circle lies where w r^2 + c is about 0.",
)
def around_the_ring(text: str, seed: int) -> bool | str:
    found = [float(v) for v in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", text)]
    if len(found) != 2:
        return "Give two numbers, first w, then c, like: -1 0.5"
    w, c = found
    share = neuron.run(w_b1=w, w_b2=w, c=c, seed=seed).attrs["accuracy"]
    return True if share >= 0.97 else f"With these the neuron gets {share:.1%}."
