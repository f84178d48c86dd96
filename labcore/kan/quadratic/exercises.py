"""The question of the lesson that `quadratic` answers, and its checker."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import neuron


@exercise(
    "Leave the first form as it is (1, 0.6, 0). Let both squares weigh the same, w_b1 = w_b2 = w, and find w and the "
    "constant c that put at least 97 % of the ring points on the right side.",
    asked("weight w", -3.0, 3.0),
    neuron.parameters["c"],
    hint=("A strong w makes the straight part matter less.", "The circle lies where w r^2 + c is about 0."),
)
def around_the_ring(w: float, c: float, seed: int) -> bool | str:
    share = neuron.run(w_b1=w, w_b2=w, c=c, seed=seed).attrs["accuracy"]
    return True if share >= 0.97 else f"With these the neuron gets {share:.1%}."
