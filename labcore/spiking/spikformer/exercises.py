"""Questions of the lesson on attention between spikes, and their checkers."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import orders


@exercise(
    "A neuron behind attention starts at rest, halves its input, and fires at 1/2: it fires where scale times count is "
    "at least 1. The scale is 2 to a whole power. What is the smallest power with which a count of 2 makes it fire?",
    asked("power", -8, 2),
    hint=("The threshold, counted in coincidences, is 1 over the scale.", "2 times 1/2 is 1."),
)
def least_scale(power: int, seed: int) -> bool | str:
    if 2 * 2.0**power < 1:
        return "With that it is silent."
    return True if 2 * 2.0 ** (power - 1) < 1 else "It fires, and with a smaller scale as well."


@exercise(
    "Heads have 32 features. Queries fire at a rate of 0.5, keys at 0.2, values at 0.2. From how many tokens on is "
    "Q (K^T V) at least a tenth cheaper than (Q K^T) V? Any number that does it, up to 100, is right.",
    asked("tokens", 2, 100),
    hint=("With equal rates 40 tokens would do.", "In the bench of the two orders, set the queries to 0.5."),
)
def enough_tokens(tokens: int, seed: int) -> bool | str:
    here = orders.run(tokens=tokens, features=32, asking=0.5, seed=seed).here.values
    return True if here[1] <= 0.9 * here[0] else f"Then they take {here[0]:.0f} and {here[1]:.0f} additions."
