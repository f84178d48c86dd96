"""Questions of the lesson on double descent: a ridge that melts the spike, and the worst number of samples."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import model_wise, sample_wise


@exercise(
    "Find a ridge for which the error at p = n is at most 1.2 times the best narrower model's, and the best width is "
    "no worse than without ridge (isotropic data, noise 0.5). Any value that does it is right.",
    model_wise.parameters["ridge"],
    hint="Look at the theory curve of the second bench while you move the slider.",
)
def spike_melts(ridge: float, seed: int) -> bool | str:
    same = dict(data="isotropic", label_noise=0.5, seed=seed)
    test = model_wise.run(method="ridge", ridge=ridge, **same).test.median("repeat").values
    spike, best = test[6] / test[:6].min(), test.min()
    if spike > 1.2:
        return f"With this ridge the error at p = n is still {spike:.2f} times the best narrower model's."
    limit = model_wise.run(method="exact", **same).test.median("repeat").values.min()
    if best <= limit:
        return True
    return f"The spike is gone, but the best width is now at {best:.2f}; without ridge it was {limit:.2f}."


@exercise(
    "Someone has 150 samples and the worst possible luck: more data made it worse up to exactly there, and it gets "
    "better from there on. How many parameters does the model have?",
    sample_wise.parameters["p"],
    hint="Where is the peak, in samples for each parameter?",
)
def more_data_hurts(p: int, seed: int) -> bool | str:
    if abs(p - 150) > 15:
        return f"A model of {p} parameters has its worst luck elsewhere."
    frame = sample_wise.run(p=p, method="exact", seed=seed)
    k = int(frame.test.median("repeat").values[1:].argmax()) + 1
    return abs(float(frame.n[k]) / p - 1) < 0.11 or f"With p = {p} the worst number of samples is {int(frame.n[k])}."
