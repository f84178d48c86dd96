"""Atoms and how they meet, their fit by least squares, and what runs on its own output in chaos."""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.primitives.splines.bspline import BSplineBasis

Array = np.ndarray
DEGREE = 3


@lru_cache(maxsize=32)
def _splines(intervals: int, inputs: int) -> BSplineBasis:
    return BSplineBasis.uniform(0, 1, intervals, DEGREE, inputs)


def bases(x: Float[Array, "N d"], intervals: int) -> Float[Array, "d N G+k"]:
    """The values of the G + k cubic B-splines on [0, 1] of each input."""
    return _splines(intervals, x.shape[1]).dense(x).transpose(1, 0, 2)


def products(basis: Float[Tensor, "M d N G+k"], c: Float[Tensor, "M d G+k R"]) -> Float[Tensor, "M N R"]:
    """prod_j psi_jr(x_j) of M models, from bases and atoms."""
    # one after the other: the gradient of each factor is then a product too, and never a quotient by a zero
    return reduce(torch.mul, (basis @ c).unbind(1))


def order_two(basis: Float[Tensor, "M d N G+k"], c: Float[Tensor, "M d G+k R"]) -> Float[Tensor, "M N"]:
    """sum_j psi_j0 + sum_{i<j} sum_{r>0} psi_ir psi_jr of M models; pairs as (square of sum - squares)/2."""
    psi = basis @ c
    pairs = psi[..., 1:]
    return psi[..., 0].sum(1) + 0.5 * (pairs.sum(1) ** 2 - (pairs**2).sum(1)).sum(-1)


def additive(basis: Float[Array, "d N G+k"], y: Float[Array, " N"], ridge: float = 1e-8) -> Float[Array, "d G+k"]:
    """The atoms of the best sum_j psi_j(x_j), by ridge regression."""
    features = np.concatenate(basis, axis=1)
    gram = features.T @ features + ridge * len(y) * np.eye(features.shape[1])
    return np.linalg.solve(gram, features.T @ y).reshape(len(basis), -1)


def als(
    basis: Float[Array, "d N G+k"],
    y: Float[Array, " N"],
    rank: int,
    rng: np.random.Generator,
    sweeps: int = 40,
    ridge: float = 1e-7,
    starts: int = 6,
) -> tuple[Float[Array, "d G+k R"], Float[Array, " solves"]]:
    """The atoms of a CP model by alternating least squares, from the best of several starts after half of the sweeps.

    Also its objective, mean squared error + ridge |C|^2, after each of the d * sweeps solves: it never rises. Raises
    ValueError for less than one start.
    """
    if starts < 1:
        raise ValueError(f"starts = {starts} is not allowed; it must be at least 1")
    d, _, size = basis.shape
    # Around 1, products of many atoms keep their size, but the components start alike, and some never part.
    # Around 0 they are unlike, but a product of many of them is nearly 0 almost everywhere. So half of each.
    drawn = [rng.normal(*((0, 1) if k % 2 else (1, 0.5)), size=(d, size, rank)) for k in range(starts)]
    half = sweeps // 2
    tried = [_sweep(basis, y, c, half, ridge) for c in drawn] if half and starts > 1 else [(drawn[0], [])]
    c, objective = min(tried, key=lambda run: run[1][-1] if run[1] else 0.0)
    c, rest = _sweep(basis, y, c, sweeps - len(objective) // d, ridge)
    return c, np.array([*objective, *rest])


def _sweep(
    basis: Float[Array, "d N G+k"], y: Float[Array, " N"], c: Float[Array, "d G+k R"], sweeps: int, ridge: float
) -> tuple[Float[Array, "d G+k R"], list[float]]:
    """Solve for the atoms of each input in turn, `sweeps` times; also the objective after each solve."""
    d, n, size = basis.shape
    rank, objective = c.shape[2], []
    for _ in range(sweeps):
        c = balanced(c)
        psi = basis @ c
        for j in range(d):
            others = np.delete(psi, j, axis=0).prod(0)
            a = (basis[j][:, :, None] * others[:, None, :]).reshape(n, size * rank)
            gram = a.T @ a / n + ridge * np.eye(size * rank)
            c[j] = np.linalg.solve(gram, a.T @ y / n).reshape(size, rank)
            psi[j] = basis[j] @ c[j]
            objective.append(float(np.mean((psi.prod(0).sum(1) - y) ** 2) + ridge * (c**2).sum()))
    return c, objective


def balanced(c: Float[Array, "d G+k R"]) -> Float[Array, "d G+k R"]:
    """The same products, with atoms of one norm in each component: the ridge |C|^2 is smallest there."""
    norm = np.sqrt((c**2).sum(1, keepdims=True))
    alive = norm > 0
    mean = np.exp(np.log(np.where(alive, norm, 1)).mean(0))
    return np.where(alive.all(0), c * mean / np.where(alive, norm, 1), c)


def logistic(x: Float[Array, " S"], r: float, p: int, count: int) -> Float[Array, "S count+1"]:
    """x and the `count` states that follow, seen every p steps of x -> r x (1 - x)."""
    out = np.empty((len(x), count + 1))
    out[:, 0] = x
    for k in range(1, count + 1):
        for _ in range(p):
            x = r * x * (1 - x)
        out[:, k] = x
    return out


class Head(NamedTuple):
    """S trained models: atoms of the L last states, and U of K bins; K = 1 is the mean."""

    atoms: Float[Array, "S L G+k R"]
    u: Float[Array, "S R K"]

    def outputs(self, history: Float[Array, "S P L"]) -> Float[Array, "S P K"]:
        """Logits, or the mean, after each of P histories."""
        s, chains, lags = history.shape
        intervals = self.atoms.shape[2] - DEGREE
        idx, values = _splines(intervals, lags).local(history.reshape(-1, lags))
        rows = idx.reshape(s, chains, lags, 1) + np.arange(DEGREE + 1)
        active = self.atoms[np.arange(s)[:, None, None, None], np.arange(lags)[:, None], rows]
        psi = np.einsum("spljr,splj->splr", active, values.reshape(rows.shape))
        return psi.prod(2) @ self.u


def roll_out(
    head: Head, history: Float[Array, "S P L"], steps: int, rngs: list[np.random.Generator]
) -> Float[Array, "S P steps"]:
    """Let the models run on their own output: the states after each history, clipped to [0, 1].

    A mean is the next state; from K logits a bin is drawn, and the next state is uniform in it.
    """
    s, chains, _ = history.shape
    out, bins = np.empty((s, chains, steps)), head.u.shape[2]
    draws = None if bins == 1 else np.stack([g.uniform(size=(steps, chains, 2)) for g in rngs])
    for k in range(steps):
        z = head.outputs(history)  # the idea
        if draws is None:
            new = z[..., 0]  # the idea
        else:
            odds = np.exp(z - z.max(-1, keepdims=True)).cumsum(-1)
            chosen = (odds < draws[:, k, :, :1] * odds[..., -1:]).sum(-1)  # the idea
            new = (np.minimum(chosen, bins - 1) + draws[:, k, :, 1]) / bins  # the idea
        out[:, :, k] = np.clip(new, 0, 1)
        history = np.concatenate([history[:, :, 1:], out[:, :, k : k + 1]], axis=2)  # the idea
    return out
