"""Leaky integrate-and-fire neurons of networks that learn: whole steps, potentials in units of the threshold.

    H_t = decay V_(t-1) + I_t,    s_t = 1 where H_t >= theta, else 0,
    V_t = H_t (1 - s_t)  (hard reset),    H_t - theta s_t  (soft),    H_t  (none).

With `decay_input` the current counts (1 - decay) I_t: then a constant current is where the potential goes. decay = 1
is a neuron without a leak. It is the neuron of `lif.current_step` whose current is new in every step, at rest and reset
0, without a refractory time: `lif.decay(tau, dt)` is its decay. Time is the first axis, whatever comes after it.
`lif` is for gradients, which pass the spikes by a surrogate slope; `lif_compiled` is the same in one compiled loop.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.kernels import kernel
from labcore.primitives.spiking.surrogate import Surrogate, spike

Array = np.ndarray
Reset = Literal["hard", "soft", "none"]


class Course(NamedTuple):
    """Over time: spikes, 0.0 or 1.0, and potentials H before the reset; both (T, ...), tensors or arrays."""

    spikes: Float[Tensor, "T ..."]
    potential: Float[Tensor, "T ..."]


def lif(
    current: Float[Tensor, "T ..."],
    decay: float | Tensor = 0.5,
    theta: float | Tensor = 1.0,
    reset: Reset = "hard",
    decay_input: bool = False,
    detach_reset: bool = True,
    surrogate: Surrogate = "atan",
    alpha: float | Tensor = 2.0,
    start: float | Tensor = 0.0,
) -> Course:
    """The neurons under these currents, differentiable in currents, decay, theta and start.

    decay, theta and start are numbers, or tensors that broadcast to a step's shape. detach_reset: no gradient goes
    through the reset. Raises ValueError for currents without time, a reset or surrogate that is not known, and a decay
    outside [0, 1].
    """
    _check(current.shape, decay, reset)
    dtype, shape = current.dtype, current.shape[1:]
    # as tensors of the currents' kind, so that 1 - decay is rounded as the compiled loop rounds it
    decay, theta, start = (torch.as_tensor(x, dtype=dtype, device=current.device) for x in (decay, theta, start))
    if decay_input:
        current = (1 - decay) * current
    v, spikes, potential = start.expand(shape), [], []
    for now in current:
        h = decay * v + now  # the idea
        s = spike(h - theta, surrogate, alpha)  # the idea
        spikes.append(s)
        potential.append(h)
        if reset != "none":
            past = s.detach() if detach_reset else s
            v = h * (1 - past) if reset == "hard" else h - theta * past  # the idea
        else:
            v = h
    return Course(torch.stack(spikes), torch.stack(potential))


def lif_compiled(
    current: Float[Array, "T ..."],
    decay: float | Array = 0.5,
    theta: float | Array = 1.0,
    reset: Reset = "hard",
    decay_input: bool = False,
    start: float | Array = 0.0,
) -> Course:
    """The same numbers as `lif`, bit for bit, from float32 or float64 arrays and without gradients.

    Raises ValueError as `lif` does, and for currents of another kind of number or that are not finite.
    """
    _check(current.shape, decay, reset)
    if current.dtype not in (np.float32, np.float64):
        raise ValueError(f"current has dtype {current.dtype}; it must be float32 or float64")
    if not np.isfinite(current).all():
        raise ValueError("current holds values that are not finite")
    shape, dtype = current.shape[1:], current.dtype
    try:
        each = [np.broadcast_to(np.asarray(x, dtype), shape).ravel() for x in (decay, theta, start)]
    except ValueError:
        raise ValueError(f"decay, theta and start must broadcast to {shape}, the shape of a step") from None
    flat = np.ascontiguousarray(current).reshape(len(current), -1)
    spikes, potential = np.empty_like(flat), np.empty_like(flat)
    _walk(flat, *each, get_args(Reset).index(reset), decay_input, dtype.type(1), spikes, potential)
    return Course(spikes.reshape(current.shape), potential.reshape(current.shape))


@kernel
def _walk(current, decay, theta, start, reset, decay_input, one, spikes, potential):
    # `one` is of the arrays' kind: a literal would make float32 arithmetic float64
    v, zero = start.copy(), one - one
    for t in range(len(current)):
        for j in range(len(v)):
            now = (one - decay[j]) * current[t, j] if decay_input else current[t, j]
            h = decay[j] * v[j] + now
            s = one if h - theta[j] >= zero else zero
            spikes[t, j], potential[t, j] = s, h
            v[j] = h * (one - s) if reset == 0 else h - theta[j] * s if reset == 1 else h


def _check(shape: tuple[int, ...], decay: float | Tensor | Array, reset: str) -> None:
    if len(shape) < 1 or shape[0] < 1:
        raise ValueError(f"current has shape {tuple(shape)}; it must be (T, ...) with at least one step")
    if reset not in get_args(Reset):
        raise ValueError(f"reset = {reset!r} is not allowed; it must be one of {', '.join(get_args(Reset))}")
    bounds = (decay, decay) if isinstance(decay, (int, float)) else (decay.min(), decay.max())
    if not (bounds[0] >= 0 and bounds[1] <= 1):
        raise ValueError(f"decay = {decay} is not allowed; it must be from 0 to 1")
