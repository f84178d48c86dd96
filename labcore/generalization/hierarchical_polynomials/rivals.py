"""Learners that do not use that a polynomial is hidden inside: kernel ridge regression, and a two-layer network.

Both get the samples of both stages, and are chosen on the test set, generously: the kernels' ridge, and when to stop
the network. Errors are shares of the target's variance.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from labcore.primitives.runs.descend import adam, descend

Array = np.ndarray
Kernel = Literal["exp", "quadratic", "quartic"]
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
BATCH, LOOK = 256, 100


def kernel(x: Float[Array, "n d"], other: Float[Array, "m d"], name: Kernel) -> Float[Array, "n m"]:
    """exp(t), (1 + t)^2 or (1 + t)^4 with t = x.x'/d."""
    t = x @ other.T / x.shape[1]
    return np.exp(t) if name == "exp" else (1 + t) ** (2 if name == "quadratic" else 4)


def products(x: Float[Array, "n d"]) -> Float[Array, "n P"]:
    """Features of which the quadratic kernel is the inner product: 1, the x_i and their products, weighted."""
    n, d = x.shape
    i, j = np.triu_indices(d)
    pairs = x[:, i] * x[:, j] * np.where(i == j, 1.0, np.sqrt(2)) / d
    return np.hstack([np.ones((n, 1)), x * np.sqrt(2 / d), pairs])


def _least(predictions: Float[Array, "m R"], y: Float[Array, " m"]) -> float:
    return float(((predictions - y[:, None]) ** 2).mean(0).min() / y.var())


def kernel_fits(
    x: Float[Array, "n d"], ys: Float[Array, "n K"], test: Float[Array, "m d"], name: Kernel
) -> Float[Array, "K m R"]:
    """What kernel ridge regression on each of K targets says of the test set, with each of RIDGES.

    It is linear in the target: argmin |y - K a|^2 + ridge a.Ka. The quadratic kernel is worked with by its features
    where they are fewer than the samples.
    """
    if name == "quadratic" and len(x) > (x.shape[1] + 1) * (x.shape[1] + 2) // 2:
        z = products(x)
        matrix, given, new = z.T @ z, z.T @ ys, products(test)
    else:
        matrix, given, new = kernel(x, x, name), ys, kernel(test, x, name)
    fits = []
    for ridge in RIDGES:
        ridged = matrix.copy()
        ridged[np.diag_indices(len(matrix))] += ridge
        fits.append(new @ cho_solve(cho_factor(ridged, lower=True, overwrite_a=True), given))
    return np.stack(fits, -1).swapaxes(0, 1)


def kernel_error(fits: Float[Array, "K m R"], shares: Float[Array, " K"], y_test: Float[Array, " m"]) -> float:
    """Test error with the best of RIDGES where the target is the sum of K targets, each times its share."""
    return _least(np.tensordot(shares, fits, 1), y_test)


def net_error(
    x: Float[Array, "n d"],
    y: Float[Array, " n"],
    test: Float[Array, "m d"],
    y_test: Float[Array, " m"],
    width: int,
    steps: int,
    seed: int,
) -> float:
    """Lowest test error that a two-layer ReLU network reaches while Adam trains all of it, on batches of 256."""
    rng = np.random.default_rng([seed, 6])
    d = x.shape[1]
    drawn = rng.standard_normal((d, width)) / np.sqrt(d), np.zeros(width), rng.standard_normal(width) / np.sqrt(width)
    w, b, a = (torch.tensor(v, dtype=torch.float32) for v in drawn)
    c = torch.zeros(())
    inputs, targets, new = (torch.tensor(v, dtype=torch.float32) for v in (x, y, test))
    optimiser, best = adam([w, b, a, c], 3e-3), np.inf
    for step in range(1, steps + 1):
        batch = torch.tensor(rng.integers(0, len(x), BATCH))
        out = torch.relu(inputs[batch] @ w + b) @ a + c
        descend(optimiser, ((out - targets[batch]) ** 2).mean())
        if step % LOOK == 0 or step == steps:
            with torch.no_grad():
                f = (torch.relu(new @ w + b) @ a + c).numpy()
            best = min(best, ((f - y_test) ** 2).mean() / y_test.var())
    return float(best)
