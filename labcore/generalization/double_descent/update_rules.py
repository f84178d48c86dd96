"""The three update rules of the compiled training loops, in place, for a gradient g and the update's number k >= 1.

    sgd        w -= lr g
    momentum   m = 0.9 m + g,  w -= lr m
    adam       m = 0.9 m + 0.1 g,  v = 0.999 v + 0.001 g^2,  w -= lr m^ / (sqrt(v^) + 1e-8), ^ = bias-corrected

They are those of torch.optim. Source of Adam: Kingma, Ba 2014, arXiv 1412.6980.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

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
        step, inverse = lr / (1.0 - 0.9**k), 1.0 / (1.0 - 0.999**k)
        for i in range(w.size):
            m[i] = 0.9 * m[i] + 0.1 * g[i]
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i]
            w[i] -= step * m[i] / ((v[i] * inverse) ** 0.5 + 1e-8)
