"""The questions of the lesson that `s_kan` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import families, select


@exercise(
    "The target is a pure sine, and still Fourier is the worst of the five families (no noise, M = 8 functions). Find "
    "such a frequency, in half waves for each unit.",
    families.parameters["frequency"],
    hint="A Fourier sum must close up: it has the same value at -1 and at 1.",
)
def fourier_loses(frequency: float, seed: int) -> bool | str:
    frame = families.run(frequency=frequency, noise=0.0, n=400, seed=seed)
    order = list(frame.family.values[frame.rmse.values.argsort()])
    place = order.index("fourier") + 1
    return True if place == 5 else f"With {frequency:g} half waves Fourier is number {place} of 5; {order[-1]} is last."


@exercise(
    "Switch the entropy penalty off. Find a last temperature τ (from 0.05 to 1) at which some node gives its "
    "favourite less than 90 % just before pruning.",
    select.parameters["tau_end"],
    hint="What does the temperature do to the differences between the numbers θ?",
)
def too_soft(tau: float, seed: int) -> bool | str:
    frame = select.run(n_seeds=1, tau_end=tau, penalty=0, seed=seed)
    before = int((frame.time.values < frame.attrs["stages"][1]).sum()) - 1
    share = float(frame.alpha[0, before].max("family").min())
    if share < 0.9:
        return True
    return f"At the end of stage 2 the less decided node still gives {share:.0%} to one family."
