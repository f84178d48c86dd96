"""A network whose first layer sees only the direction of each unit's weights, trained four ways.

    h_j = relu(x.w_j / |w_j| + b_j),    p = softmax(h A + c),    cross-entropy
"plain" leaves out the division. "length 1, RMSProp" keeps |w_j| = 1 and steps with an RMSProp of its own,
    v <- beta v + (1 - beta) |g|^2,  u <- normalized u - sqrt(2 k eta / v) g,    beta = e^(-4 k eta),
which is what rho = |w|^2 does by itself: rho^2 is such an average, rho^2 = eta v / 2k.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
Arm = Literal["normalized, decay", "normalized", "plain, decay", "length 1, RMSProp"]
ARMS: tuple[Arm, ...] = ("normalized, decay", "normalized", "plain, decay", "length 1, RMSProp")
HIGH = 1e3  # a loss above it has run away


class Start(NamedTuple):
    """Data, the samples of each step's batch and first weights, the same for all arms."""

    x: Float[Array, "n d"]
    labels: Int[Array, " n"]
    w: Float[Array, "d H"]
    a: Float[Array, "H c"]
    batches: Int[Array, "T m"]


class Training(NamedTuple):
    """One arm before each step, on that step's batch; arrays end where it ran away."""

    loss: Float[Array, " T"]
    rho: Float[Array, "T H"]  # |w_j|^2; of the spherical arm the one that its v stands for
    unit_gradient: Float[Array, "T H"]  # |g_j|^2, the squared gradient of the direction u_j
    speed: Float[Array, "T H"]  # |q'|^2 of w_j
    turn: Float[Array, "T H"]  # |u_j after the step - u_j before|, about the angle


def train(start: Start, arm: Arm, eta: float, decay: float, size: float = 1.0) -> Training:
    """Gradient descent on batches. Decay acts on the first layer's weights alone, `size` multiplies their gradients.

    Raises ValueError for an arm that is none of `ARMS`.
    """
    if arm not in ARMS:
        raise ValueError(f"arm = {arm!r} is not allowed; it must be one of {', '.join(ARMS)}")
    targets = np.eye(start.a.shape[1])[start.labels]
    w, a = start.w.copy(), start.a.copy()
    b, c = np.zeros(w.shape[1]), np.zeros(a.shape[1])
    k = 0.0 if arm == "normalized" else decay
    beta, v = np.exp(-4 * decay * eta), 2 * decay / eta * (w**2).sum(0) ** 2
    rows = []
    for batch in start.batches:
        x, target = start.x[batch], targets[batch]
        rho = (w**2).sum(0)
        length = np.sqrt(rho) if arm != "plain, decay" else np.ones_like(rho)
        before = x @ w / length + b
        h = np.maximum(before, 0)
        z = h @ a + c
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        loss = -np.log(np.maximum((p * target).sum(1), 1e-300)).mean()
        back = (p - target) / len(batch)
        back_h = (before > 0) * (back @ a.T)
        g = size * (x.T @ back_h)  # by the direction, where there is one
        if arm != "plain, decay":
            u = w / length
            g -= u * (u * g).sum(0)
        square = (g**2).sum(0)
        if arm == "length 1, RMSProp":
            rho = np.sqrt(eta * v / (2 * decay)) if decay else rho
            v = beta * v + (1 - beta) * square
            moved = u - np.sqrt(2 * decay * eta / np.maximum(v, 1e-300)) * g
            new = moved / np.sqrt((moved**2).sum(0))
        else:
            new = w - eta * (g / length + k * w)
        if not np.isfinite(new).all() or not loss < HIGH:
            break
        turn = np.sqrt(((_unit(new) - _unit(w)) ** 2).sum(0))
        rows.append((loss, rho, square, (((new - w) / eta) ** 2).sum(0), turn))
        w, a, b, c = new, a - eta * (h.T @ back), b - eta * back_h.sum(0), c - eta * back.sum(0)
    return Training(*(np.array(part) for part in zip(*rows, strict=True)))


def _unit(w: Float[Array, "d H"]) -> Float[Array, "d H"]:
    return w / np.sqrt(np.maximum((w**2).sum(0), 1e-300))
