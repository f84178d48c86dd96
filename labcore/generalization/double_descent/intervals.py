"""A confidence interval for a share."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Array = np.ndarray


def wilson(share: ArrayLike, m: int, z: float = 1.96) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Lower and upper end of the Wilson score interval for a share in [0, 1] seen in m samples.

    z = 1.96 gives 95 %. Raises ValueError for m < 1 or a share outside [0, 1]. Source: Wilson 1927.
    """
    q = np.asarray(share, float)
    if m < 1:
        raise ValueError(f"m = {m} is not allowed; it must be at least 1")
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError(f"share has values from {q.min():g} to {q.max():g}; all must be in [0, 1]")
    middle, half = q + z * z / (2 * m), z * np.sqrt(q * (1 - q) / m + z * z / (4 * m * m))
    return (middle - half) / (1 + z * z / m), (middle + half) / (1 + z * z / m)
