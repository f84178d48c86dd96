"""The rivals on digits: a trained hidden layer, and the cosine features of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from sklearn.kernel_approximation import RBFSampler
from torch import nn

from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.runs.training import adamw, cosine_rate, train_step

Array = np.ndarray
RATE = 1e-2
GAMMA = 0.1  # of the Gaussian kernel exp(-gamma r^2) that the cosine features stand for


def train(hidden: int, steps: int, seeds: Sequence[Sequence[int]]) -> list[float]:
    """Accuracy on new digits of 64 - hidden - 10 with ReLU, by AdamW on batches of 64, a run a seed."""
    data = digit_batches([list(s) for s in seeds], steps)
    rngs = streams(seeds, 7)
    model = nn.Sequential(Linear(rngs, 64, hidden), nn.ReLU(), Linear(rngs, hidden, 10))
    optimizer = adamw(model, RATE)
    for step in range(steps):
        cosine_rate(optimizer, RATE, step, steps)
        train_step(model, optimizer, *data.batch(step))
    with torch.no_grad():
        right = model(data.x_test).argmax(2) == data.y_test
    return right.double().mean(1).tolist()


def cosine_features(
    x: Float[Array, "n 64"], x_test: Float[Array, "n_test 64"], m: int, seed: Sequence[int]
) -> tuple[Float[Array, "n m"], Float[Array, "n_test m"]]:
    """m features sqrt(2 / m) cos(g.x + b) of both sets (Rahimi and Recht)."""
    sampler = RBFSampler(gamma=GAMMA, n_components=m, random_state=int(np.random.default_rng(seed).integers(2**31)))
    return sampler.fit_transform(x), sampler.transform(x_test)
