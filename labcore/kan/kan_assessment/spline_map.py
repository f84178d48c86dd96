"""y[n, m, o] = sum_i sum_c C[m, i, c, o] B_c(x[n, m, i]) for torch, at a cost that does not grow with the grid.

Only the k + 1 bases that are not zero at x are ever touched: N I O (k + 1) multiply-adds forward, twice that backward,
and N I (k + 1) numbers kept for the gradient.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from labcore.primitives.splines.bspline import BSplineBasis
from labcore.primitives.splines.kernel import kernels

Array = np.ndarray
THREADED = 2_000_000  # multiply-adds below which a second thread costs more than it brings


@lru_cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="spline")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process inherits the pool without its threads


def _share(work: Callable, size: int, cost: int, *args) -> None:
    """work(*args, low, high) over [0, size), on torch's number of threads when the cost is worth it.

    Threads take the next piece when they are done with one, so a thread that gets no core (torch's own wait actively
    for a while after each operation) does not hold up the others.
    """
    threads = min(torch.get_num_threads(), size) if cost >= THREADED else 1
    if threads == 1:
        work(*args, 0, size)
        return
    pieces = min(8 * threads, size)
    turn = itertools.count()

    def take() -> None:
        while (t := next(turn)) < pieces:
            work(*args, size * t // pieces, size * (t + 1) // pieces)

    others = [_pool(threads - 1).submit(take) for _ in range(threads - 1)]
    take()
    for other in others:
        if not other.cancel():
            other.result()


def _array(tensor: Tensor) -> Array:
    return tensor.detach().contiguous().numpy()


def _local(
    basis: BSplineBasis, x: Float[Array, "N I"], slopes: bool
) -> tuple[Int[Array, "N I"], Float[Array, "N I k+1"], Float[Array, "N I k+1"]]:
    """idx, B and, if asked for, B' (else empty), in the dtype of x."""
    shape = (*x.shape, basis.k + 1)
    idx, values = np.empty(x.shape, np.int32), np.empty(shape, x.dtype)
    derivative = np.empty(shape if slopes else (0, 0, 0), x.dtype)
    _share(kernels(basis.k)[basis.is_uniform], len(x), 32 * idx.size, x, *basis.compiled, idx, values, derivative)
    return idx, values, derivative


def spline_forward(
    idx: Int[Array, "N M*I"], values: Float[Array, "N M*I k+1"], coef: Float[Array, "M*I G+k O"], models: int = 1
) -> Float[Array, "N M O"]:
    """y of M models from the local bases."""
    y = np.zeros((len(idx), models, coef.shape[2]), coef.dtype)
    _share(kernels(values.shape[2] - 1)[2], len(idx), values.size * coef.shape[2], idx, values, coef, y)
    return y


def spline_backward(
    idx: Int[Array, "N M*I"],
    values: Float[Array, "N M*I k+1"],
    slopes: Float[Array, "N M*I k+1"],
    coef: Float[Array, "M*I G+k O"],
    gy: Float[Array, "N M O"],
) -> tuple[Float[Array, "M*I G+k O"], Float[Array, "N M*I"]]:
    """Gradients of sum(gy y): of coef, and of x, which is empty if slopes is."""
    gcoef, wanted = np.zeros_like(coef), len(slopes) > 0
    gx = np.empty(idx.shape if wanted else (0, 0), coef.dtype)
    work = kernels(values.shape[2] - 1)[3 + wanted]
    _share(work, idx.shape[1], values.size * coef.shape[2], idx, values, slopes, coef, gy, gcoef, gx)
    return gcoef, gx


class _Spline(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, coef: Tensor, basis: BSplineBasis, models: int) -> Tensor:
        ctx.local = _local(basis, _array(x), slopes=ctx.needs_input_grad[0])
        # through torch, so that changing the coefficients between forward and backward is an error, not a wrong number
        ctx.save_for_backward(coef.contiguous())
        return torch.from_numpy(spline_forward(*ctx.local[:2], _array(coef), models))

    @staticmethod
    @once_differentiable
    def backward(ctx, gy: Tensor):
        gcoef, gx = spline_backward(*ctx.local, _array(ctx.saved_tensors[0]), _array(gy))
        return torch.from_numpy(gx) if ctx.needs_input_grad[0] else None, torch.from_numpy(gcoef), None, None


class _Bases(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, basis: BSplineBasis) -> tuple[Tensor, Tensor]:
        idx, values, slopes = _local(basis, _array(x), slopes=True)
        ctx.save_for_backward(torch.from_numpy(slopes))
        idx = torch.from_numpy(idx).long()
        ctx.mark_non_differentiable(idx)
        return idx, torch.from_numpy(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, _, gvalues: Tensor):
        return (gvalues * ctx.saved_tensors[0]).sum(-1), None


def _flat(
    x: Float[Tensor, "N M I"], coef: Float[Tensor, "M I G+k O"], basis: BSplineBasis
) -> tuple[Float[Tensor, "N M*I"], Float[Tensor, "M*I G+k O"]]:
    """Both as the compiled kernels take them. Raises ValueError where the shapes or types do not fit."""
    if x.ndim != 3 or x.shape[1] * x.shape[2] != basis.n_inputs:
        raise ValueError(f"x has shape {tuple(x.shape)}; this basis needs (N, M, I) with M I = {basis.n_inputs}")
    if coef.ndim != 4 or coef.shape[:3] != (*x.shape[1:], basis.size):
        wanted = ", ".join(map(str, (*x.shape[1:], basis.size)))
        raise ValueError(f"coefficients have shape {tuple(coef.shape)}; this x and basis need ({wanted}, O)")
    if x.dtype != coef.dtype or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"x is {x.dtype} and the coefficients {coef.dtype}; both must be float32 or both float64")
    return x.flatten(1), coef.flatten(0, 1)


def spline_map(
    x: Float[Tensor, "N M I"], coef: Float[Tensor, "M I G+k O"], basis: BSplineBasis
) -> Float[Tensor, "N M O"]:
    """y of M models, differentiable in x and in the coefficients.

    The basis has M I inputs: each model has its own grids. Raises ValueError for other shapes.
    """
    return _Spline.apply(*_flat(x, coef, basis), basis, x.shape[1])


def spline_edges(
    x: Float[Tensor, "N M I"], coef: Float[Tensor, "M I G+k O"], basis: BSplineBasis
) -> Float[Tensor, "N M O I"]:
    """The terms of that sum: the value of every edge's spline. Differentiable; for few edges."""
    flat, rows = _flat(x, coef, basis)
    idx, values = _Bases.apply(flat, basis)
    active = rows[torch.arange(basis.n_inputs)[:, None], idx[..., None] + torch.arange(basis.k + 1)]
    edges = torch.einsum("nir,niro->noi", values, active)
    return edges.unflatten(2, x.shape[1:]).transpose(1, 2)
