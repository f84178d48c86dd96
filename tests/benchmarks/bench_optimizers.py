"""Dynamics of training: many descents of a small network at once, beside loops; Newton-Schulz beside an SVD."""

from __future__ import annotations

import numpy as np
import torch

from labcore.generalization.muon_tail import lifted, newton_schulz
from labcore.generalization.opposing_signals import draw, ends, moments
from labcore.generalization.opposing_signals.experiments import POINTS, START
from labcore.generalization.opposing_signals.outliers import merged
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray


def problems(n: int) -> tuple[Array, Array, Array]:
    """Second moments, cross moments and power of data with n sizes of outliers."""
    found = [merged(moments(draw(POINTS, s, 0.04, 0.1, 3.0, "opposing", 0))) for s in np.linspace(2, 10, n)]
    second, cross, power = (np.concatenate(part) for part in list(zip(*found, strict=True))[1:])
    return second, cross, power


def by_numpy(second: Array, cross: Array, etas: Array, steps: int) -> Array:
    """All descents side by side, a step at a time."""
    w = np.broadcast_to(START, (len(second), len(etas), len(START))).copy()
    for _ in range(steps):
        v, c = w[..., :-1], w[..., -1:]
        sv = v @ second
        slope = np.concatenate(
            [c * (c * sv - cross[:, None]), ((c * sv - cross[:, None]) * v).sum(-1, keepdims=True)], -1
        )
        w -= etas[:, None] * slope
    return w


def by_torch(second: Array, cross: Array, etas: Array, steps: int) -> Array:
    """The same with gradients by autograd."""
    s, r, rate = torch.tensor(second), torch.tensor(cross)[:, None], torch.tensor(etas)[:, None]
    w = torch.tensor(np.broadcast_to(START, (len(second), len(etas), len(START))).copy()).requires_grad_()
    for _ in range(steps):
        v, c = w[..., :-1], w[..., -1]
        loss = 0.5 * c**2 * ((v @ s) * v).sum(-1) - c * (v * r).sum(-1)
        slope = torch.autograd.grad(loss.sum(), w)[0]
        w = (w.detach() - rate * slope).requires_grad_()
    return w.detach().numpy()


def one_by_one(second: Array, cross: Array, etas: Array, steps: int) -> Array:
    """Each descent alone."""
    out = np.empty((len(second), len(etas), len(START)))
    for k, (s, r) in enumerate(zip(second, cross, strict=True)):
        for e, eta in enumerate(etas):
            w = START.copy()
            for _ in range(steps):
                v, c = w[:-1], w[-1]
                bent = c * (s @ v) - r
                w -= eta * np.append(c * bent, bent @ v)
            out[k, e] = w
    return out


def edge_of_stability(quick: bool) -> list[Duel]:
    duels = []
    for n, rivals in (
        (40, {"NumPy, all side by side": by_numpy, "torch autograd": by_torch}),
        (8, {"NumPy": one_by_one}),
    ):
        n, steps = (5, 50) if quick else (n, 500)
        second, cross, power = problems(n)
        etas = np.geomspace(0.01, 0.1, n)
        given = second, cross, etas, steps
        ours = lambda p=power, g=given: ends(g[0], g[1], p, START, g[2], g[3])[0]  # noqa: E731
        what = f"{n * n} descents of 7 weights, {steps} steps"
        duels += [Duel(what, ours, rival, lambda w=w, g=given: w(*g), 1e-8, table=True) for rival, w in rivals.items()]
    return duels


def over_descents(quick: bool) -> list[Growth]:
    works = {}
    for n in (4, 8, 16) if quick else (8, 16, 32, 64):
        second, cross, power = problems(n)
        etas = np.geomspace(0.01, 0.1, n)
        works[n * n] = (lambda a=(second, cross, power), e=etas: ends(*a, START, e, 100), 1)
    return [Growth("descents of a small network", "descents", works, 1.0)]


def by_svd(g: torch.Tensor) -> Array:
    """What five Newton-Schulz steps make of g, its singular values put through the same polynomial."""
    u, s, vt = torch.linalg.svd(g, full_matrices=False)
    after = lifted((s / s.norm()).numpy(), 5)[-1]
    return ((u * torch.from_numpy(after)) @ vt).numpy()


def equalising(quick: bool) -> list[Duel]:
    """Not many times faster on one core: both take about as many operations.

    The steps are products of matrices only, which is what accelerators do best; an SVD is a long chain of small ones.
    """
    duels = []
    for m, n in ((8, 8), (8, 32)) if quick else ((64, 64), (256, 256), (256, 1024)):
        g = np.random.default_rng(0).standard_normal((m, n))
        what = f"5 Newton-Schulz steps, {m} x {n}"
        duels.append(
            Duel(
                what,
                lambda g=g: newton_schulz(g),
                "torch.linalg.svd",
                lambda g=g: by_svd(torch.from_numpy(g)),
                1e-8,
                table=True,
            )
        )
    return duels


PEERS, GROWTH, MEMORY = (edge_of_stability, equalising), (over_descents,), ()
