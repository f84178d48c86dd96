"""A B-spline KAN layer, forward + backward in float32, beside a dense basis, pykan and SciPy.

dense basis  all G + k bases by the recursion on the whole array, then one matrix product (as efficient-kan does)
pykan        its layer with the same weights, if `import kan` works: pip install -e ".[benchmark]" pandas tqdm
             pyyaml matplotlib
yardstick    one dense linear layer with (G + k + 1) times the inputs: the matrix product alone
"""

from __future__ import annotations

import importlib.util

import numpy as np
import torch
from scipy.interpolate import BSpline
from torch import Tensor, nn

from labcore.kan.kan_assessment.kan import KANLayer
from labcore.kan.kan_assessment.peers import DenseBasisLayer
from labcore.primitives.splines.bspline import BSplineBasis
from tests.benchmarks.timing import Duel, Growth, Memory, Work

DEGREE = 3


def step(name: str, grid: int, batch: int = 1024, inputs: int = 64, outputs: int = 64) -> Work:
    """One forward and backward of a contender; it returns the output and the gradient at the inputs."""
    draw = torch.Generator().manual_seed(0)
    ours = KANLayer(inputs, outputs, grid, DEGREE, [draw])
    x = (2 * torch.rand(batch, inputs, generator=draw) - 1).requires_grad_()
    upstream = torch.randn(batch, outputs, generator=draw)
    if name == "ours":
        layer, held = (lambda x: ours(x[:, None])[:, 0]), ours
    elif name == "dense basis":
        layer = held = DenseBasisLayer(ours)
    elif name == "pykan":
        from kan.KANLayer import KANLayer as PyKANLayer

        held = PyKANLayer(inputs, outputs, num=grid, k=DEGREE)
        layer = lambda x: held(x)[0]  # noqa: E731
        with torch.no_grad():
            held.grid.copy_(torch.tensor(ours.basis.knots))
            held.coef.copy_(ours.splines()[0].permute(0, 2, 1))
            held.scale_base.copy_(ours.base[0])
            held.scale_sp.fill_(1)
    else:
        wide = inputs * (grid + DEGREE + 1)
        layer = held = nn.Linear(wide, outputs)
        x = torch.randn(batch, wide, generator=draw).requires_grad_()

    def run() -> tuple[Tensor, Tensor]:
        y = layer(x)
        y.backward(upstream)
        slope = x.grad
        for tensor in (x, *held.parameters()):  # the next step begins with no gradient, as in training
            tensor.grad = None
        return y.detach(), slope

    return run


def layers(quick: bool) -> list[Duel]:
    sizes = (64, 8, 8) if quick else (1024, 64, 64)
    rivals = [("dense basis", 1e-4), *([("pykan", 1e-4)] if importlib.util.find_spec("kan") else [])]
    rows = []
    for grid in (8,) if quick else (8, 64):
        what = f"KAN layer {sizes[1]} to {sizes[2]}, grid {grid}, batch {sizes[0]}, forward + backward"
        ours = step("ours", grid, *sizes)
        rows += [Duel(what, ours, n, step(n, grid, *sizes), tol, table=True) for n, tol in rivals]
        if grid == 8:
            wide = f"yardstick: a dense layer of {grid + DEGREE + 1} times the inputs"
            rows.append(Duel(what, ours, wide, step("yardstick", grid, *sizes), None, table=True))
    return rows


def bases(quick: bool) -> list[Duel]:
    """All bases at many points, in float64, beside SciPy's."""
    grid, x = 16, np.random.default_rng(0).uniform(-1, 1, 500 if quick else 20_000)
    basis = BSplineBasis.uniform(-1, 1, grid, DEGREE)
    return [
        Duel(
            f"{grid + DEGREE} B-splines at {len(x)} points",
            lambda: basis.dense(x[:, None])[:, 0],
            "SciPy BSpline.design_matrix",
            lambda: BSpline.design_matrix(x, basis.knots[0], DEGREE).toarray(),
            1e-12,
        )
    ]


def growth(quick: bool) -> list[Growth]:
    grids, many = ((8, 32), (16, 64)) if quick else ((8, 16, 32, 64, 128), (64, 128, 256, 512))
    batch = 128 if quick else 512
    what = "KAN layer, forward + backward"
    return [
        Growth(what, "grid", {g: (step("ours", g, batch), 1) for g in grids}, 0),
        Growth("the same with a dense basis", "grid", {g: (step("dense basis", g, batch), 1) for g in grids}, 1),
        Growth(what, "outputs", {n: (step("ours", 8, batch, 64, n), 1) for n in many}, 1),
        Growth(what, "batch", {n: (step("ours", 8, n), 1) for n in [8 * m for m in many]}, 1),
    ]


def memory(quick: bool) -> list[Memory]:
    sizes = (256, 16, 16) if quick else (1024, 64, 64)
    return [
        Memory(
            f"KAN layer {sizes[1]} to {sizes[2]}, batch {sizes[0]}, grid {grid}, forward + backward",
            __name__, ("step", "ours", grid, *sizes), "dense basis", ("step", "dense basis", grid, *sizes),
        )
        for grid in ((64,) if quick else (8, 64))
    ]  # fmt: skip


PEERS = (layers, bases)
GROWTH = (growth,)
MEMORY = (memory,)
