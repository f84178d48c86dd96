"""Eight activations and their slopes, compiled: a network's loops and the averages of theory read the same lines."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray
Activation = Literal["relu", "leaky", "linear", "tanh", "sin", "gelu", "swish", "sigmoid"]
NAMES = get_args(Activation)
LEAK = 0.2  # slope of the leaky one below 0
Code = Annotated[int, within(0, 7)]


def code(activation: Activation) -> int:
    """Its number, which a loop takes. Raises ValueError for a name that is not one of NAMES."""
    if activation not in NAMES:
        raise ValueError(f"activation = {activation!r} is not allowed; it must be one of {', '.join(NAMES)}")
    return NAMES.index(activation)


@kernel
def _fire(which, z):
    """s(z) of one number."""
    if which == 0:
        return z if z > 0 else 0.0
    if which == 1:
        return z if z > 0 else LEAK * z
    if which == 2:
        return z
    if which == 3:
        return math.tanh(z)
    if which == 4:
        return math.sin(z)
    if which == 5:
        return z * 0.5 * math.erfc(-z / math.sqrt(2.0))
    return (z if which == 6 else 1.0) * _logistic(z)


@kernel
def _steep(which, z):
    """s'(z) of one number; at a kink the mean of both sides."""
    if which <= 1:
        low = LEAK * which
        return 1.0 if z > 0 else low if z < 0 else (1 + low) / 2
    if which == 2:
        return 1.0
    if which == 3:
        return 1 - math.tanh(z) ** 2
    if which == 4:
        return math.cos(z)
    if which == 5:
        return 0.5 * math.erfc(-z / math.sqrt(2.0)) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    p = _logistic(z)
    return p + z * p * (1 - p) if which == 6 else p * (1 - p)


@kernel
def _logistic(z):
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    small = math.exp(z)
    return small / (1 + small)


@checked
@kernel
def fired(which: Code, z: Float[Array, " N"]) -> Float[Array, " N"]:
    """s of each number."""
    out = np.empty(len(z))
    for i in range(len(z)):
        out[i] = _fire(which, z[i])
    return out


@checked
@kernel
def steepness(which: Code, z: Float[Array, " N"]) -> Float[Array, " N"]:
    """s' of each number."""
    out = np.empty(len(z))
    for i in range(len(z)):
        out[i] = _steep(which, z[i])
    return out


def output(activation: Activation, z: Array) -> Array:
    """s(z), of the shape of z."""
    return fired(code(activation), np.ascontiguousarray(z).ravel()).reshape(np.shape(z))


def slope(activation: Activation, z: Array) -> Array:
    """s'(z), of the shape of z."""
    return steepness(code(activation), np.ascontiguousarray(z).ravel()).reshape(np.shape(z))
