"""Attention between spikes: whole numbers, in either order of the product, and what each order costs."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.spiking.operations import Work

Order = Literal["tokens", "features"]
ORDERS: tuple[str, ...] = get_args(Order)


def coincidences(q: Float[Tensor, "*batch N d"], k: Float[Tensor, "*batch N d"]) -> Float[Tensor, "*batch N N"]:
    """Q K^T: for each pair of tokens, in how many features both fire."""
    # the idea
    return q @ k.mT


def spiking_attention(
    q: Float[Tensor, "*batch N d"],
    k: Float[Tensor, "*batch N d"],
    v: Float[Tensor, "*batch N d"],
    order: Order = "tokens",
) -> Float[Tensor, "*batch N d"]:
    """(Q K^T) V, for order `tokens`, or Q (K^T V), for `features`: the same numbers, whole ones where all are spikes.

    Q K^T holds for two tokens the features in which both fire; K^T V for two features the tokens in which they do.
    In float32 they are exact as long as they are below 2^24. Raises ValueError for an order that is not known.
    """
    if order == "tokens":
        # the idea
        return coincidences(q, k) @ v
    if order == "features":
        # the idea
        return q @ (k.mT @ v)
    raise ValueError(f"order = {order!r} is not allowed; it must be one of {', '.join(ORDERS)}")


def softmax_attention(
    q: Float[Tensor, "*batch N d"], k: Float[Tensor, "*batch N d"], v: Float[Tensor, "*batch N d"]
) -> Float[Tensor, "*batch N d"]:
    """softmax(Q K^T / sqrt d) V: the ordinary one, which has one order only."""
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v


def order_work(
    q: Float[np.ndarray, "*batch N d"],
    k: Float[np.ndarray, "*batch N d"],
    v: Float[np.ndarray, "*batch N d"],
    order: Order = "tokens",
) -> Work:
    """Additions of one order of the product, each with one word fetched.

    Where two spikes meet, 1 is added. Then each spike of the third matrix adds the counts that are not 0: a count is
    one number, and so one addition. Raises ValueError for an order that is not known, or what is not 0 or 1.
    """
    for x in (q, k, v):
        if not np.isin(x, (0, 1)).all():
            raise ValueError("q, k and v must hold spikes, 0 or 1")
    if order not in ORDERS:
        raise ValueError(f"order = {order!r} is not allowed; it must be one of {', '.join(ORDERS)}")
    if order == "tokens":
        counts = q @ np.swapaxes(k, -1, -2)
        second = (counts > 0).sum(-2) * v.sum(-1)
    else:
        counts = np.swapaxes(k, -1, -2) @ v
        second = (counts > 0).sum(-1) * q.sum(-2)
    additions = float(counts.sum() + second.sum())
    return Work(additions=additions, moved=additions)


def softmax_work(
    q: Float[np.ndarray, "*batch N d"], k: Float[np.ndarray, "*batch N d"], v: Float[np.ndarray, "*batch N d"]
) -> Work:
    """The work of the ordinary one on spikes: coincidences, one exponential and one division a pair, spikes of V.

    An exponential counts as one product, far less than it costs. After a softmax no weight is 0: each spike of V is
    added for each query.
    """
    n = q.shape[-2]
    additions = float((q.sum(-2) * k.sum(-2)).sum()) + n * float(v.sum())
    pairs = 2.0 * n * q.size / q.shape[-1]
    return Work(products=pairs, additions=additions, moved=additions + pairs)
