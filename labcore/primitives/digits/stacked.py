"""The bundled digits as tensors, one split for each of several networks that train side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.data import digits_split


class Digits(NamedTuple):
    """S splits: pixels in [0, 1] unless a span was given or noise was added, and classes 0 .. 9."""

    x: Float[Tensor, "S n_train 64"]
    labels: Int[Tensor, "S n_train"]
    x_test: Float[Tensor, "S n_test 64"]
    labels_test: Int[Tensor, "S n_test"]


def stacked_digits(
    n_train: int,
    n_test: int,
    seeds: Sequence[Sequence[int]],
    noise: float = 0.0,
    span: tuple[float, float] = (0.0, 1.0),
) -> Digits:
    """Split s is `digits_split(n_train, n_test, seeds[s])`, plus Gaussian noise of this standard deviation.

    span: what black and white are, before the noise. Errors of `digits_split` pass through.
    """
    low, high = span
    parts = []
    for s in seeds:
        split, grain = digits_split(n_train, n_test, s), np.random.default_rng([*s, 4])
        # test first: then their noise does not depend on n_train
        x_test, x = (low + (high - low) * v + noise * grain.normal(size=v.shape) for v in (split.x_test, split.x_train))
        parts.append((x, split.y_train.argmax(1), x_test, split.y_test.argmax(1)))
    x, labels, x_test, labels_test = (torch.tensor(np.stack(p)) for p in zip(*parts, strict=True))
    return Digits(x.float(), labels, x_test.float(), labels_test)
