"""What a trained network has learned of a function: the fit, and its first two Taylor coefficients from diagrams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .taylor_trees import MLP, rules

Array = np.ndarray
Loss = Literal["relative", "mean square"]


def fit(
    net: MLP, u: Float[Tensor, "N d"], target: Float[Tensor, " N"], amp: float, loss: Loss, iterations: int
) -> Iterator[tuple[int, MLP]]:
    """Full-batch L-BFGS on N(U) - N(0) = target. Yields (iterations done, N); U and a keep their units in N.

    The relative loss counts a small target as much as a large one: the Taylor series is about small ones.
    Raises ValueError for another loss.
    """
    if loss not in get_args(Loss):
        raise ValueError(f"loss = {loss!r} is not allowed; it must be one of {', '.join(get_args(Loss))}")
    scale = target.abs().mean()
    spread = target.abs() + 1e-3 * scale if loss == "relative" else scale
    # inputs are scaled and never shifted: U = 0 is the point of the expansion
    inner = MLP([w.clone() for w in net.weights], [b.clone() for b in net.biases], net.activation)
    parameters = [*inner.weights, *inner.biases]
    for p in parameters:
        p.requires_grad_(True)
    optimizer = torch.optim.LBFGS(parameters, max_iter=10, history_size=50, line_search_fn="strong_wolfe",
                                  tolerance_grad=0, tolerance_change=0)  # fmt: skip
    x, zero = u / amp, torch.zeros(1, u.shape[1], dtype=u.dtype)

    def closure() -> Tensor:
        optimizer.zero_grad()
        objective = ((scale * (inner(x) - inner(zero)) - target) / spread).square().mean()
        objective.backward()
        return objective

    for done in range(0, iterations + 1, 10):
        if done:
            optimizer.step(closure)
        weights, biases = ([p.detach().clone() for p in part] for part in (inner.weights, inner.biases))
        weights[0] /= amp
        weights[-1] *= scale
        biases[-1] *= scale
        yield done, MLP(weights, biases, net.activation)


def taylor(net: MLP) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Gradient and Hessian at U = 0, from the diagrams of order 1 and 2."""
    d = net.weights[0].shape[1]
    r = rules(net, torch.zeros(d, dtype=torch.float64), 2)
    top = len(r.vertex)
    hessian = sum(
        torch.einsum("j,ja,jb->ab", r.propagator[layer, top][0] * v[2], r.incoming[layer], r.incoming[layer])
        for layer, v in enumerate(r.vertex)
    )
    return r.incoming[-1][0].numpy(), hessian.numpy()
