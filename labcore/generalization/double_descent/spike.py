"""Where errors over the width stand out, and whether they do: the spike, in numbers and in words."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def prominence(test: Float[Array, " W"], ratio: Float[Array, " W"]) -> float:
    """Test error at p = n over the lowest test error of the narrower models.

    Errors under 1e-12 count as 1e-12: perfect fits differ by their rounding only.
    """
    at, test = int(np.argmin(np.abs(ratio - 1))), np.maximum(test, 1e-12)
    return float(test[at] / test[:at].min())


def higher(a: Float[Array, " repeat"], b: Float[Array, " repeat"]) -> bool:
    """Whether errors a are higher than b: the median by 2 %, and four of five repetitions; below three, by a tenth.

    Repetitions are counted, not averaged: near p = n one of them can be a thousand times the others.
    """
    times = max(np.median(a), 1e-12) / max(np.median(b), 1e-12)
    return bool(times > 1.1 if len(a) < 3 else times > 1.02 and (a > b).mean() >= 0.8)


def hump(test: Float[Array, "repeat W"]) -> tuple[int, float] | None:
    """The width whose median error stands out most among lower ones on both sides, and how many times it does.

    None where it is by less than a tenth, or within the noise.
    """
    middle = np.maximum(np.median(test, axis=0), 1e-12)
    rises = [min(middle[k] / middle[:k].min(), middle[k] / middle[k + 1 :].min()) for k in range(1, len(middle) - 1)]
    k = 1 + int(np.argmax(rises))
    left, right = int(np.argmin(middle[:k])), k + 1 + int(np.argmin(middle[k + 1 :]))
    stands = rises[k - 1] > 1.1 and all(higher(test[:, k], test[:, side]) for side in (left, right))
    return (k, float(rises[k - 1])) if stands else None


def spike(ratio: Float[Array, " W"], test: Float[Array, "repeat W"], train: Float[Array, "repeat W"]) -> str:
    """The errors at p = n and of the largest model in words, and what shape there is between them."""
    at, middle, shape = int(np.argmin(np.abs(ratio - 1))), np.median(test, axis=0), "no spike"
    if found := hump(test):
        k, times = found
        shape = "a spike" if times > 1.5 else "a bump"
        if higher(test[:, k], test[:, at]):
            shape += f", which is highest at p/n = {ratio[k]:.3g} with {middle[k]:.3g}"
    return (
        f"the test error with as many parameters as samples is {middle[at]:.3g}, {prominence(middle, ratio):.3g} times "
        f"that of the best smaller model: {shape}. With p = n the training error is {np.median(train[:, at]):.2g}. "
        f"The largest model has a test error of {middle[-1]:.3g}."
    )
