"""Weighted L1 distances of patches to templates, forward and backward, beside broadcasting and `torch.cdist`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from labcore.infinite_width.generalized_convolution import weighted_l1
from tests.benchmarks.timing import Duel, Memory


def gradients(distance, p: torch.Tensor, t: torch.Tensor, a: torch.Tensor) -> np.ndarray:
    """Distances and the gradients of their mean by patches, templates and scales, in one array."""
    p, t, a = (v.clone().requires_grad_() for v in (p, t, a))
    out = distance(p, t, a)
    out.mean().backward()
    return np.concatenate([v.detach().numpy().ravel() for v in (out, p.grad, t.grad, a.grad)])


def broadcast(p: torch.Tensor, t: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    return (a * (p[:, None] - t).abs()).sum(2)


def by_cdist(p: torch.Tensor, t: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """torch has no weights: patches and templates are scaled for each filter apart."""
    return torch.cat([torch.cdist(p * a[f], (t * a)[[f]], p=1) for f in range(len(t))], 1)


PROGRAMS = {"ours": weighted_l1, "torch broadcasting": broadcast, "torch.cdist, filter by filter": by_cdist}


def step(program: str, n: int, d: int, filters: int) -> Callable[[], np.ndarray]:
    """Distances of n patches to the templates and all gradients."""
    rng = np.random.default_rng(0)
    given = [torch.tensor(rng.random(shape)) for shape in ((n, d), (filters, d), (filters, d))]
    return lambda: gradients(PROGRAMS[program], *given)


def distances(quick: bool) -> list[Duel]:
    n, d, filters = size = (200, 9, 4) if quick else (20_000, 72, 16)
    name = f"weighted L1, {n:,} patches of {d} pixels, {filters} templates, forward + backward"
    rivals = list(PROGRAMS)[1:]
    return [Duel(name, step("ours", *size), r, step(r, *size), 1e-9, table=r == rivals[0]) for r in rivals]


def memory(quick: bool) -> list[Memory]:
    size, rival = (2000, 9, 4) if quick else (20_000, 72, 16), "torch broadcasting"
    name = f"weighted L1, {size[0]:,} patches of {size[1]} pixels, {size[2]} templates, forward + backward"
    return [Memory(name, __name__, ("step", "ours", *size), rival, ("step", rival, *size))]


PEERS, GROWTH, MEMORY = (distances,), (), (memory,)
