"""A ReLU of few levels, as a spiking neuron's count is one: theta times a whole number from `low` to `high`.

An ordinary network of such units, with as many bits as a spiking one has time steps, is the rival it must beat.
Source: learned step size quantisation, Esser et al. (2020), arXiv:1902.08153.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def staircase(
    z: Float[Tensor, "*shape"], theta: Float[Tensor, " *theta"], low: int, high: int
) -> Float[Tensor, "*shape"]:
    """theta clip(round(z / theta), low, high), halves upwards; backward as if nothing were rounded.

    So theta, the height of a step, above 0, learns as well. Raises ValueError for low above high.
    """
    if low > high:
        raise ValueError(f"low = {low} is not allowed; it must be at most high = {high}")
    held = (z / theta).clamp(low, high)
    return theta * (held + ((held + 0.5).floor() - held).detach())
