"""Learning by rivals: raise the utility of what was shown, lower that of what the learner itself would have chosen."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import checked, index, within
from labcore.kernels import kernel

Array = np.ndarray


def softmax(u: Float[Array, "*n K"], tau: float = 1.0) -> Float[Array, "*n K"]:
    """exp(u / tau) over its sum, along the last axis. Raises ValueError for tau <= 0."""
    if not tau > 0:
        raise ValueError(f"tau = {tau} is not allowed; it must be above 0")
    raised = np.exp((u - u.max(-1, keepdims=True)) / tau)
    return raised / raised.sum(-1, keepdims=True)


def rival_gradient(
    u: Float[Array, "n K"], shown: Int[Array, " n"], rivals: int, rng: np.random.Generator
) -> Float[Array, "n K"]:
    """By how much a step raises each utility: +1 for what was shown, -1/rivals for each rival, drawn from softmax(u).

    Its mean over rivals is the gradient of log softmax(u)[shown], which comes for rivals = 0. A rival that is the shown
    option itself cancels; it is not drawn again. Raises ValueError for rivals < 0.
    """
    if rivals < 0:
        raise ValueError(f"rivals = {rivals} is not allowed; it must be 0 or more")
    p = softmax(u)
    # whom the learner would choose in the place of what was shown
    chosen = rng.multinomial(rivals, p) / rivals if rivals else p  # the idea
    return np.eye(u.shape[1])[shown] - chosen  # the idea


@checked
@kernel
def learn(
    u: Float[Array, "X K"],
    asked: Annotated[Int[Array, " T"], index("X")],
    shown: Annotated[Int[Array, " T"], index("K")],
    luck: Annotated[Float[Array, "T R"], within(0, 1)],
    lr: float,
    exact: bool,
) -> None:
    """T steps on a table of utilities, in place: one demonstration each, against R rivals drawn with `luck`.

    `luck` holds uniform numbers in [0, 1]. With `exact` a step lowers every option by its probability instead.
    """
    x_count, k_count = u.shape
    p = np.empty(k_count)
    for t in range(len(asked)):
        row = u[asked[t]]
        top, total = row.max(), 0.0
        for k in range(k_count):
            p[k] = np.exp(row[k] - top)
            total += p[k]
        if exact:
            for k in range(k_count):
                row[k] -= lr * p[k] / total
        else:
            step = lr / luck.shape[1]
            for r in range(luck.shape[1]):
                left, k = luck[t, r] * total, 0
                while k < k_count - 1 and left > p[k]:
                    left -= p[k]
                    k += 1
                row[k] -= step
        row[shown[t]] += lr
