"""Angles between two subspaces, for many pairs at once."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

Array = np.ndarray


def principal_angles(a: Float[Array, "... k d"], b: Float[Array, "... m d"]) -> Float[Array, "... k"]:
    """Principal angles between the row spans of a and b, k <= m, in radians, rising.

    From the cosines above 45 degrees and the sines below, because arccos loses half of the digits near 1.
    Source: Björck and Golub (1973). Raises ValueError when k > m or the dimensions differ.
    """
    if np.shape(a)[-1] != np.shape(b)[-1] or np.shape(a)[-2] > np.shape(b)[-2]:
        raise ValueError(
            f"a, b have shapes {np.shape(a)}, {np.shape(b)}; they must be (..., k, D), (..., m, D), k <= m"
        )
    qa, qb = (torch.linalg.qr(torch.tensor(np.array(rows, dtype=float)).mT)[0] for rows in (a, b))
    overlap = qb.mT @ qa
    cosine = torch.linalg.svdvals(overlap).clamp(max=1)
    sine = torch.linalg.svdvals(qa - qb @ overlap).flip(-1).clamp(max=1)
    return torch.where(cosine**2 > 0.5, torch.asin(sine), torch.acos(cosine)).numpy()
