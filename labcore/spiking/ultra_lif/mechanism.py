"""Neurons whose sums are soft maxima: the same smooth function forward and backward.

    LSE(a, b) = eps log(e^(a / eps) + e^(b / eps))        between max(a, b) and max(a, b) + eps log 2
    UltraLIF    H = LSE(V + log leak, I)                                      from v' = leak v + i, V = eps log v
    UltraDLIF   H_i = LSE(V_(i-1), V_i, V_(i+1)) + I_i                        from diffusion along a ring of neurons
    both        s = 1 / (1 + e^(-(H - theta) / eps)),     V <- H (1 - s) + rest s

At eps -> 0, the tropical neuron: H = max(V + log leak, I), a step, and a hard reset. Time is the first axis. eps is one
number for membrane and spike, or a tensor that learns; so may leak and theta be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.spiking.steps import Course

Number = float | Tensor
Variant = Literal["paper", "code"]


def log_sum(a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"], eps: Number) -> Float[Tensor, "*shape"]:
    """LSE(a, b): what addition becomes where numbers are e^(a / eps)."""
    return eps * torch.logaddexp(a / eps, b / eps)


def membrane(
    v: Float[Tensor, "*shape"], current: Float[Tensor, "*shape"], eps: Number, leak: Number
) -> Float[Tensor, "*shape"]:
    """H = LSE(V + log leak, I), before the reset."""
    return log_sum(v + _log(leak), current, eps)


def soft_spike(h: Float[Tensor, "*shape"], theta: Number, eps: Number) -> Float[Tensor, "*shape"]:
    """s between 0 and 1, and its own slope, s (1 - s) / eps, in the backward pass."""
    # the idea
    return torch.sigmoid((h - theta) / eps)


def ultra_lif(
    current: Float[Tensor, "T ..."], eps: Number, leak: Number = 0.9, theta: Number = 1.0, rest: float = 0.0
) -> Course:
    """UltraLIF over time, from V = rest. Raises ValueError for eps <= 0 and a leak outside (0, 1]."""
    _check(current, eps, leak)
    v, out = torch.full_like(current[0], rest), []
    for now in current:
        h = membrane(v, now, eps, leak)
        s = soft_spike(h, theta, eps)
        v = h * (1 - s) + rest * s
        out.append((s, h))
    return _course(out)


def ultra_dlif(
    current: Float[Tensor, "T ... N"],
    eps: Number,
    leak: Number = 0.9,
    theta: Number = 1.0,
    rest: float = 0.0,
    variant: Variant = "paper",
) -> Course:
    """UltraDLIF over time: the last axis is a ring of neurons, each coupled with its two neighbours.

    "paper": the equation above. "code", as in the authors' program: V <- leak V + I, the soft maximum over the
    neighbours makes the spike only, and the reset acts on V itself. Raises ValueError as `ultra_lif` does.
    """
    _check(current, eps, leak)
    if variant not in get_args(Variant):
        raise ValueError(f"variant = {variant!r} is not allowed; it must be one of {', '.join(get_args(Variant))}")
    v, out = torch.full_like(current[0], rest), []
    for now in current:
        if variant == "paper":
            h = kept = around(v, eps) + now
        else:
            kept = leak * v + now
            h = around(kept, eps)
        s = soft_spike(h, theta, eps)
        v = kept * (1 - s) + rest * s
        out.append((s, h))
    return _course(out)


def around(v: Float[Tensor, "... N"], eps: Number) -> Float[Tensor, "... N"]:
    """LSE of each neuron and its two neighbours on the ring."""
    return eps * torch.logsumexp(torch.stack([v.roll(1, -1), v, v.roll(-1, -1)]) / eps, 0)


def tropical_lif(current: Float[Tensor, "T ..."], leak: float = 0.9, theta: float = 1.0, rest: float = 0.0) -> Course:
    """The limit eps -> 0 of UltraLIF. Raises ValueError for a leak outside (0, 1]."""
    _check(current, 1.0, leak)
    v, out = torch.full_like(current[0], rest), []
    for now in current:
        h = torch.maximum(v + math.log(leak), now)
        s = (h >= theta).to(h.dtype)
        v = torch.where(s > 0, rest, h)
        out.append((s, h))
    return _course(out)


def sigmoid_lif(
    current: Float[Tensor, "T ..."], eps: Number, decay: Number = 0.9, theta: Number = 1.0, rest: float = 0.0
) -> Course:
    """A control: the ordinary membrane H = decay V + I with UltraLIF's smooth spike and reset."""
    _check(current, eps, decay)
    v, out = torch.full_like(current[0], rest), []
    for now in current:
        h = decay * v + now
        s = soft_spike(h, theta, eps)
        v = h * (1 - s) + rest * s
        out.append((s, h))
    return _course(out)


def _log(leak: Number) -> Number:
    return leak.log() if isinstance(leak, Tensor) else math.log(leak)


def _course(out: Iterable[tuple[Tensor, Tensor]]) -> Course:
    return Course(*map(torch.stack, zip(*out, strict=True)))


def _check(current: Tensor, eps: Number, leak: Number) -> None:
    if current.ndim < 1 or len(current) < 1:
        raise ValueError(f"current has shape {tuple(current.shape)}; it must be (T, ...) with at least one step")
    for name, value, top in (("eps", eps, math.inf), ("leak", leak, 1.0)):
        if not ((value > 0) & (value <= top) if isinstance(value, Tensor) else torch.tensor(0 < value <= top)).all():
            allowed = "above 0" if top == math.inf else "above 0 and at most 1"
            raise ValueError(f"{name} = {value} is not allowed; it must be {allowed}")
