"""Samples: a noisy wave of one input, four groups of points in the plane, some with the wrong label, and digits."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.data import digits_split

Array = np.ndarray
CORNERS = 0.6 * np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
SPREAD = 0.3  # half the side of a group


def with_constant(x: Float[Array, "n ..."]) -> Float[Array, "n d+1"]:
    """The inputs with a column of ones."""
    return np.column_stack([x, np.ones(len(x))])


def wave(n: int, noise: float, rng: np.random.Generator) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """n inputs in [-1, 1], sorted, with their constant, and sin(5 x) + noise."""
    x = np.sort(rng.uniform(-1, 1, n))
    return with_constant(x), np.sin(5 * x) + noise * rng.standard_normal(n)


def groups(n: int, wrong: float, rng: np.random.Generator) -> tuple[Float[Array, "n 2"], Float[Array, " n"]]:
    """n points in four square groups, labels -1 and +1 like a chessboard, of which a share is turned over."""
    corner = np.arange(n) % 4
    sign = np.where(corner % 2, 1.0, -1.0)
    sign[rng.permutation(n)[: round(wrong * n)]] *= -1
    return CORNERS[corner] + SPREAD * rng.uniform(-1, 1, (n, 2)), sign


def threes_and_eights(
    n: int, seed: int
) -> tuple[Float[Array, "n 17"], Float[Array, " n"], Float[Array, "m 17"], Float[Array, " m"]]:
    """n digits and about 160 others: ink in 4 x 4 squares from -1 to 1, with a constant; labels -1 (three), +1 (eight).

    Raises ValueError where there are fewer than n of both among 1000 digits.
    """
    split, out = digits_split(1000, 797, seed), []
    for pixels, one_hot in ((split.x_train, split.y_train), (split.x_test, split.y_test)):
        digit = one_hot.argmax(1)
        of = np.isin(digit, (3, 8))
        ink = pixels[of].reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
        out += [with_constant(2 * ink - 1), np.where(digit[of] == 8, 1.0, -1.0)]
    if n > len(out[0]):
        raise ValueError(f"n = {n} is not allowed; there are {len(out[0])} threes and eights")
    return out[0][:n], out[1][:n], out[2], out[3]
