"""The three update rules of the compiled training loops, in place, for a gradient g and the update's number k >= 1.

    sgd        w -= lr g
    momentum   m = 0.9 m + g,  w -= lr m
    adam       `flat_adam.adam_update`

They are those of torch.optim.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel
from labcore.primitives.runs.flat_adam import adam_update

Array = np.ndarray
Rule = Literal["sgd", "momentum", "adam"]
RULES = ("sgd", "momentum", "adam")


def rule_number(rule: str) -> int:
    """The position of a rule in `RULES`, which is how the kernels name it. Raises ValueError for an unknown rule."""
    if rule not in RULES:
        raise ValueError(f"rule = {rule!r} is not allowed; it must be one of {', '.join(RULES)}")
    return RULES.index(rule)


@checked
@kernel
def update(
    w: Float[Array, " N"],
    m: Float[Array, " N"],
    v: Float[Array, " N"],
    g: Float[Array, " N"],
    k: Annotated[int, within(1)],
    lr: float,
    rule: Annotated[int, within(0, 2)],
) -> None:
    """One update of the flat weights w and moments m, v, in place."""
    if rule == 0:
        for i in range(w.size):
            w[i] -= lr * g[i]
    elif rule == 1:
        for i in range(w.size):
            m[i] = 0.9 * m[i] + g[i]
            w[i] -= lr * m[i]
    else:
        adam_update(w, m, v, g, k, lr)
