"""The kernel of learning with surrogate gradients, and what gradient descent does where a kernel says how f moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from labcore.primitives.wide.duals import SIGN, Activation, signal, slope
from labcore.primitives.wide.recursion import nngp_ntk

Array = np.ndarray


class Course(NamedTuple):
    """Answers after the last step, and what was wrong at the examples before each step and at the end."""

    f: Float[Array, " m"]
    wrong: Float[Array, "steps+1 n"]


def surrogate_kernel(
    x1: Float[Array, "n1 n0"],
    x2: Float[Array, "n2 n0"],
    depth: int,
    bias_var: float,
    steep: float = np.inf,
    sharp: float | None = None,
) -> Float[Array, "n1 n2"]:
    """How f at x1 moves when the network learns at x2: s = erf(steep z) at x1, the slope of erf(sharp z) at x2.

    Without `sharp` both slopes are those of s, and it is the ordinary tangent kernel. Raises ValueError as `nngp_ntk`
    does, and where the ordinary kernel of a step, or that of an input without length, is infinite.
    """
    second = None if sharp is None else Activation("erf", sharp)
    with np.errstate(divide="ignore", invalid="ignore"):
        theta = nngp_ntk(x1, x2, Activation("erf", steep), depth, 1.0, bias_var, second).theta
    if not np.isfinite(theta).all():
        raise ValueError(f"steep = {steep} is not allowed here; the kernel is infinite where two inputs are the same")
    return theta


def smooth_kernel(
    x1: Float[Array, "n1 n0"], x2: Float[Array, "n2 n0"], depth: int, bias_var: float, sharp: float
) -> Float[Array, "n1 n2"]:
    """What one would get if the pretended gradients were the true ones: the slope of erf(sharp z) on both sides."""
    soft, n0 = Activation("erf", sharp), x1.shape[1]
    c = x1 @ x2.T / n0 + bias_var
    d1, d2 = (x1**2).sum(1)[:, None] / n0 + bias_var, (x2**2).sum(1)[None] / n0 + bias_var
    theta = c
    for _ in range(depth):
        passed = slope(soft, c, d1, d2)
        c, d1, d2 = (signal(SIGN, *of) + bias_var for of in ((c, d1, d2), (d1, d1, d1), (d2, d2, d2)))
        theta = c + theta * passed
    return theta


def fastest(inside: Float[Array, "n n"]) -> float:
    """The rate above which gradient descent with this kernel runs away; 0 where no rate is small enough.

    The kernel need not be symmetric: its eigenvalues may be complex, and each must stay inside a circle.
    """
    values = np.linalg.eigvals(inside)
    size, real = np.abs(values) ** 2, values.real
    kept = size > (1e-12 * np.abs(values).max()) ** 2  # an eigenvalue of 0 moves nothing, and is harmless
    return float(max((2 * real[kept] / size[kept]).min(), 0.0))


def descend(
    inside: Float[Array, "n n"], across: Float[Array, "m n"], y: Float[Array, " n"], rate: float, steps: int
) -> Course:
    """Gradient descent from f = 0: at each step f(x) moves by -rate sum_i Theta(x, x_i) (f(x_i) - y_i).

    `inside` is Theta among the examples, `across` from the examples to the asked inputs. After many steps
    f = across inside^-1 y. Raises ValueError for a rate at which it runs away.
    """
    if not 0 < rate <= (most := fastest(inside)):
        raise ValueError(f"rate = {rate:g} is not allowed; with this kernel it must be above 0 and at most {most:.3g}")
    wrong, pushed = [-y], np.zeros(len(y))
    for _ in range(steps):
        pushed = pushed - rate * wrong[-1]
        wrong.append(inside @ pushed - y)
    return Course(across @ pushed, np.array(wrong))
