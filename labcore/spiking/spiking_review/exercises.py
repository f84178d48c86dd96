"""Questions of the lesson that `spiking_review` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise
from labcore.primitives.spiking.operations import Work

from .conversion import count, staircase


@exercise(
    "A neuron without a leak has the threshold 1 and begins with a charge of 0.5. A spike takes 1. It gets 0.3 in each "
    "of 5 steps. How often does it fire?",
    asked("spikes", 0, 5),
    hint=("It adds up: 0.8, 1.1, and 0.1 is left.", "5 times 0.3 is 1.5, and it rounds."),
)
def how_often(spikes: int, seed: int) -> bool | str:
    fired = count(np.full((5, 1), 0.3)).spikes.sum()
    if spikes == fired:
        return True
    return "It fires T a times, rounded, and halves are rounded up." if spikes == fired - 1 else False


@exercise(
    "How many time steps does the same neuron need at least, so that its rate is off by no more than 0.01, for every "
    "current between 0 and 1?",
    asked("time steps", 1, 1000),
    hint=("Its count is off by half a spike at most.", "Half a spike in T steps is a rate of 1 / (2 T)."),
)
def close_enough(steps: int, seed: int) -> bool | str:
    # the currents at which it is worst lie half way between two rates
    def off(t: int) -> float:
        worst = (np.arange(t) + 0.5) / t
        return float(abs(staircase(worst, t) - worst).max())

    if off(steps) > 0.01 + 1e-9:
        return f"With that it may be off by {off(steps):.3f}."
    return True if steps == 1 or off(steps - 1) > 0.01 + 1e-9 else "That is enough, and so are fewer."


@exercise(
    "The hidden layer of an ordinary network is read with 1000 products, 4.6 pJ each, and each fetches a weight for "
    "5 pJ. An addition takes 0.9 pJ, and its weight has to be fetched too. How many additions cost as much as the 1000 "
    "products? (What neurons read and write is left out.)",
    asked("additions", 0.0, 100_000.0),
    hint=("A product and its weight are 9.6 pJ.", "An addition and its weight are 5.9 pJ."),
)
def as_much_as_products(additions: float, seed: int) -> bool | str:
    products = Work(products=1000, moved=1000).energy()
    each = Work(additions=1, moved=1).energy()
    if abs(additions * each - products) <= 0.01 * products:
        return True
    alone = Work(products=1000).energy() / Work(additions=1).energy()
    return "That leaves out memory." if abs(additions / alone - 1) < 0.02 else False
