"""Questions of the lesson that `utility_duality` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import sentences
from .rivals import rival_gradient


@exercise(
    "A learner gives three options the probabilities 0.7, 0.2 and 0.1. The third is shown, and one rival is drawn. By "
    "how much, in units of the step size, does the third option's utility rise on average?",
    asked("mean rise", -2.0, 2.0),
    hint="It is raised by 1, and lowered by 1 when the rival is the third option itself.",
)
def the_mean_rise(rise: float, seed: int) -> bool | str:
    u = np.log([[0.7, 0.2, 0.1]])
    exact = float(rival_gradient(u, np.array([2]), 0, np.random.default_rng(seed))[0, 2])
    if abs(rise - exact) < 0.01:
        return True
    return "Sometimes the rival is the third option itself." if abs(rise - 1) < 0.01 else False


@exercise(
    "With 15 % wrong words in the demonstrations, at which temperature τ is a sampled sentence of 12 words right in "
    "half of the cases, to five points?",
    sentences.parameters["tau"],
    hint="Each word must be right in 0.5^(1/12) of the cases. Drag the line until the red curve is at a half.",
)
def half_of_the_sentences(tau: float, seed: int) -> bool | str:
    frame = sentences.run(tau=tau, seed=seed)
    right = float(np.interp(np.log(tau), np.log(frame.tau), frame.whole.sel(rule="sampling")))
    return True if abs(right - 0.5) < 0.05 else f"At this τ about {right:.0%} of sampled sentences are right."
