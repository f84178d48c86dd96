"""Message passing on graphs with `index_add`: several graphs side by side are one graph with no edges between them.

Sum, mean and softmax aggregation. Softmax aggregation (Li et al. 2020, arXiv:2006.07739) weighs the messages that meet
at a node channel by channel,  sum_j softmax_j(t m_j) m_j:  the mean at t = 0, the maximum for large t. Like the mean,
it does not see how many messages there are.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Aggregation = Literal["sum", "mean", "softmax"]


def add_rows(
    messages: Float[Tensor, " R *rest"], row: Int[Tensor, " E"], dst: Int[Tensor, " E"], n: int
) -> Float[Tensor, " n *rest"]:
    """The sum of what arrives at each of n nodes: edge e carries messages[row[e]] to dst[e]."""
    return messages.new_zeros(n, *messages.shape[1:]).index_add(0, dst, messages[row])


def softmax_rows(
    messages: Float[Tensor, "R d"], scores: Float[Tensor, "R d"], row: Int[Tensor, " E"], dst: Int[Tensor, " E"], n: int
) -> Float[Tensor, "n d"]:
    """sum_e softmax_e(scores[row[e]]) messages[row[e]] at each of n nodes; a node that gets nothing gets zero."""
    messages, scores = messages.index_select(0, row), scores.index_select(0, row)
    # each node's own largest score: with one for all, the exponentials of nodes whose scores are lower would vanish
    largest = scores.new_full((n, scores.shape[1]), -torch.inf)
    largest = largest.scatter_reduce(0, dst[:, None].expand_as(scores), scores.detach(), "amax")
    weight = (scores - largest.index_select(0, dst)).exp()
    both = torch.cat([weight * messages, weight], -1)
    top, bottom = both.new_zeros(n, both.shape[1]).index_add(0, dst, both).chunk(2, -1)
    return top / bottom.clamp(min=1)  # the largest weight is 1, so that less than 1 is nothing


def message_pass(
    h: Float[Tensor, "N d"],
    src: Int[Tensor, " E"],
    dst: Int[Tensor, " E"],
    edge: Float[Tensor, "E d"] | None = None,
    aggregate: Aggregation = "sum",
    t: float = 1.0,
) -> Float[Tensor, "N d"]:
    """Messages h[src] (+ edge) aggregated at dst.

    Raises ValueError for an aggregation that does not exist and for an edge to or from a node that does not.
    """
    n = len(h)
    for name, ends in (("src", src), ("dst", dst)):
        if len(ends) and not 0 <= int(ends.min()) <= int(ends.max()) < n:
            raise ValueError(f"{name} reaches from {int(ends.min())} to {int(ends.max())}; nodes are 0 to {n - 1}")
    messages = h[src] if edge is None else h[src] + edge
    every = torch.arange(len(messages))
    if aggregate == "sum":
        return add_rows(messages, every, dst, n)
    if aggregate == "mean":
        count = torch.zeros(n).index_add(0, dst, torch.ones(len(dst))).clamp(min=1)
        return add_rows(messages, every, dst, n) / count.view(-1, *[1] * (h.ndim - 1))
    if aggregate == "softmax":
        return softmax_rows(messages, t * messages, every, dst, n)
    raise ValueError(f"aggregate = {aggregate!r} is not allowed; it must be sum, mean or softmax")
