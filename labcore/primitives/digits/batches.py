"""Splits and batches of the digits for S runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.primitives.digits.stacked import stacked_digits
from labcore.primitives.runs.layers import streams

N_TRAIN, N_TEST = 1297, 500


class DigitBatches(NamedTuple):
    """One split of the digits and one order of batches a run."""

    x: Float[Tensor, "S n 64"]
    y: Int[Tensor, "S n"]
    x_test: Float[Tensor, "S n_test 64"]
    y_test: Int[Tensor, "S n_test"]
    order: Int[np.ndarray, "S steps batch"]

    def batch(self, step: int) -> tuple[Float[Tensor, "S batch 64"], Int[Tensor, "S batch"]]:
        """Images and labels of the batch of a step, 0, 1, ..."""
        at = torch.as_tensor(self.order[:, step])
        return self.x.gather(1, at[..., None].expand(-1, -1, 64)), self.y.gather(1, at)


def digit_batches(seeds: Sequence[list[int]], steps: int, batch: int = 64) -> DigitBatches:
    """1297 training and 500 test digits a run, and `steps` batches; run i draws from seeds[i] alone."""
    splits = stacked_digits(N_TRAIN, N_TEST, [[*s, 3] for s in seeds])
    order = np.stack([g.integers(0, N_TRAIN, (steps, batch)) for g in streams(seeds, 4)])
    return DigitBatches(*splits, order)
