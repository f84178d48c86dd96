"""The question of the lesson that `af_kan` answers, and its checker."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import bumps


@exercise(
    "With relu and G = 2 intervals, how large must the overlap k be for exactly 5 features to respond at x = 0.75?",
    bumps.parameters["k"],
    hint="A bump is (k + 1)/G wide, and starts are 1/G apart.",
)
def all_respond(k: int, seed: int) -> bool | str:
    frame = bumps.run(act="relu", grid=2, k=k, x=0.75, seed=seed)
    count = int(frame.active.sum())
    if count == 5:
        return True
    return f"With k = {k} the number of features that respond is {count} of {frame.sizes['bump']}."
