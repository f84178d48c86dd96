"""A network as one matrix behind the embedding of its inputs: what follows linearly melts into it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

Array = np.ndarray


def bundle(psi: Float[Array, "k m"], after: Float[Array, "c k"]) -> Float[Array, "c m"]:
    """The matrix that a layer with neurons `psi` and the linear map `after` it are: after (psi Phi) = W Phi.

    Raises ValueError where the shapes do not meet.
    """
    if after.ndim != 2 or psi.ndim != 2 or after.shape[1] != psi.shape[0]:
        raise ValueError(f"after has shape {after.shape}, psi {psi.shape}; they must be (c, k) and (k, m)")
    return after @ psi


def readout(phi: Float[Array, "n m"], y: Float[Array, "n c"], ridge: float) -> Float[Array, "c m"]:
    """The W of the least sum |y - W phi|^2 + n ridge |W|^2: y^T phi (phi^T phi + n ridge I)^-1, no gradient step.

    The smaller of the two Gram matrices is solved. Raises ValueError for a ridge that is not above 0 and for different
    numbers of rows.
    """
    if not ridge > 0:
        raise ValueError(f"ridge = {ridge} is not allowed; it must be above 0")
    if len(phi) != len(y):
        raise ValueError(f"phi has {len(phi)} rows, y {len(y)}; there must be as many")
    n, m = phi.shape
    if m <= n:
        return np.linalg.solve(phi.T @ phi + n * ridge * np.eye(m), phi.T @ y).T  # the idea
    return (phi.T @ np.linalg.solve(phi @ phi.T + n * ridge * np.eye(n), y)).T
