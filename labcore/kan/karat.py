"""Where softmax stands in a transformer, put a learned function of the whole row of scores.

Problem: attention turns each row of scores s = q K^T / sqrt(d_h) into weights by softmax, which is fixed: it sees only
differences of scores, its weights are positive and sum to 1, and its matrices have full rank. Is that needed?
Idea (KArAt): a Kolmogorov-Arnold layer from R^N to R^N in its place. In full it has N^2 learned functions a head,
    [Phi(s)]_m = sum_n phi_mn(s_n),      phi(t) = sum_{g=1..G} a_g cos(g t) + b_g sin(g t);
the modular form has only r N of them and a linear map W (N x r) back,
    z_q = sum_n phi_qn(s_n),   q = 1..r,      row of attention = W z,      2 G N r + N r numbers a head.
Rows are no probabilities any more; an option projects each on the l1 unit ball. `blockwise` gives each block and head
its own functions, `universal` one set to each head, shared by all blocks.
Laboratory scale: 8x8 digits, 16 patches and a class token (N = 17), width 32, 2 heads, 2 blocks, AdamW; the projection
is the Euclidean one. Start: a, b ~ N(0, 1/(N G)), W ~ N(0, 1/r). The start and the sizes are ours.
Source: Maity et al. (2025), Kolmogorov-Arnold Attention: Is Learnable Attention Better For Vision Transformers?,
arXiv:2503.10632.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import sqrt
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from labcore.claims import Evidence, claim
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.tiny_transformer import (
    Matrices,
    Rate,
    Rngs,
    Softmax,
    TinyViT,
    adamw,
    attention_matrices,
    cosine_rate,
    count,
    cross_entropy,
    digit_batches,
    diverged,
    normal,
    one_thread,
    streams,
    train_step,
)

N, HEADS = TinyViT.TOKENS, 2
GLANCE = 125  # of the 500 test digits, those that give the accuracy on the way
PICTURES = 16  # test digits whose attention matrices are measured
STEPS_BEFORE = 100  # training of the map that `row` shows
Basis = Literal["fourier", "spline"]
Projection = Literal["none", "l1"]


def fourier(t: Tensor, waves: int) -> Tensor:
    """cos(g t) and sin(g t), g = 1..G, by the angle-addition recursion: (..., N) -> (..., 2 G N)."""
    c1, s1 = t.cos(), t.sin()
    cosines, sines = [c1], [s1]
    for _ in range(waves - 1):
        c, s = cosines[-1], sines[-1]
        cosines.append(c * c1 - s * s1)
        sines.append(s * c1 + c * s1)
    return torch.cat(cosines + sines, -1)


def spline(t: Tensor, waves: int) -> Tensor:
    """2 G cubic B-splines centred on even points of [-3, 3], zero far outside: (..., N) -> (..., 2 G N)."""
    centres = torch.linspace(-3, 3, 2 * waves, dtype=t.dtype).tolist()
    step = centres[1] - centres[0]
    parts = []
    for centre in centres:
        u = ((t - centre) / step).abs()
        parts.append(((2 - u).clamp(min=0) ** 3 - 4 * (1 - u).clamp(min=0) ** 3) / 6)
    return torch.cat(parts, -1)


def project_l1(rows: Tensor) -> Tensor:
    """The nearest point of the l1 unit ball: rows (..., N) with sum |row| <= 1 stay, others shrink towards zero."""
    size = rows.abs()

    def threshold(kept: Tensor) -> Tensor:
        return ((size * kept).sum(-1, keepdim=True) - 1) / kept.sum(-1, keepdim=True)

    with torch.no_grad():  # Michelot: drop what falls below the threshold until nothing does
        kept, before = torch.ones_like(size, dtype=torch.bool), None
        while before is None or not torch.equal(kept, before):
            before, kept = kept, kept & (size > threshold(kept))
    return rows.sign() * (size - threshold(kept).clamp(min=0)).clamp(min=0)


class LearnedRows(nn.Module):
    """KArAt's row map for H heads of S runs: scores (S, B, H, N, N) -> attention (S, B, H, N, N).

    rank r is the number of hidden units; rank None is the full operator with N^2 functions and no W.
    """

    def __init__(
        self, rngs: Rngs, rank: int | None, waves: int = 3, basis: Basis = "fourier", projection: Projection = "none",
        tokens: int = N, heads: int = HEADS,
    ):  # fmt: skip
        super().__init__()
        self.tokens, self.waves, self.projection = tokens, waves, projection
        self.basis = {"fourier": fourier, "spline": spline}[basis]
        units = tokens if rank is None else rank
        self.coefficients = normal(rngs, heads, 2 * waves * tokens, units, std=1 / sqrt(tokens * waves))
        self.mix = None if rank is None else normal(rngs, heads, rank, tokens, std=1 / sqrt(rank))

    def forward(self, scores: Tensor) -> Tensor:
        s, b, h, n, _ = scores.shape
        if n != self.tokens:
            raise ValueError(f"this map was made for rows of {self.tokens} scores, got {n}")
        rows = scores.transpose(1, 2).reshape(s, h, b * n, n)
        rows = self.basis(rows, self.waves) @ self.coefficients  # every unit sees the whole row
        if self.mix is not None:
            rows = rows @ self.mix
        attention = rows.view(s, h, b, n, n).transpose(1, 2)
        return project_l1(attention) if self.projection == "l1" else attention

    def curves(self, t: Tensor, token: int) -> Tensor:
        """phi_qn(t) of every unit q for token n: t (X,) -> (S, H, units, X)."""
        per_token = self.coefficients.unflatten(2, (-1, self.tokens))[:, :, :, token]
        return (self.basis(t[:, None], self.waves) @ per_token).transpose(2, 3)


def make_vit(learned: bool, seeds: list[list[int]], universal: bool = False, **rows: int | str) -> TinyViT:
    """One ViT a seed. The weights outside the row map are the same for softmax and KArAt."""
    rngs, own = streams(seeds, 1), streams(seeds, 2)
    if not learned:
        return TinyViT(rngs, Softmax)
    shared = LearnedRows(own, **rows) if universal else None
    return TinyViT(rngs, lambda: shared or LearnedRows(own, **rows))


@lru_cache(maxsize=16)
def _row_model(seed: int, rank: int, waves: int, steps: int) -> tuple[LearnedRows, np.ndarray]:
    """Last block's row map of one ViT after `steps` steps, and the class token's score rows (100 digits, H, N)."""
    vit, data = make_vit(True, [[seed, 0]], rank=rank, waves=waves), digit_batches([[seed, 0]], steps)
    optimizer = adamw(vit, 3e-3)
    for step in range(steps):
        cosine_rate(optimizer, 3e-3, step, steps)
        train_step(vit, optimizer, *data.batch(step))
    seen: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        vit(data.x_test[:, :100], seen)
    return vit.blocks[-1].attention.rows.double(), seen[-1][0][0, :, :, 0].double().numpy()


@experiment("karat")
@one_thread
def row(
    shift: Annotated[float, number(-3, 3, "Added to all 17 scores of the row", "the row")] = 0.0,
    push: Annotated[float, number(-4, 4, "Added to the score of one token", "the row")] = 0.0,
    token: Annotated[int, number(0, 16, "The token that is pushed; 0 is the class token", "the row")] = 6,
    digit: Annotated[int, number(0, 99, "Test digit that the row comes from", "the row")] = 0,
    head: Annotated[int, number(0, 1, "Head of the last block", "the row")] = 0,
    state: Annotated[
        Literal["trained", "untrained"], choice("The learned map after 100 steps, or at its random start", "map")
    ] = "trained",
    rank: Annotated[int, number(1, 17, "Hidden units r; a new value trains a new map", "map")] = 6,
    waves: Annotated[int, number(1, 8, "Frequencies G of each curve; a new value trains a new map", "map")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The class token's row of scores, and what softmax and the learned map make of it, before and after the move.

    One frame. `curves` are phi_qn of the pushed token n, one a unit q; attrs["at"] is that token's score now. The map
    is the last block's in a small ViT, trained once a seed, rank and waves, then kept.
    """
    rows, scores = _row_model(seed, rank, waves, STEPS_BEFORE if state == "trained" else 0)
    before = scores[digit, head]
    now = before + shift
    now[token] += push
    both = torch.as_tensor(np.stack([before, now]))
    t = np.linspace(-6, 6, 121)
    with torch.no_grad():
        # a matrix of N rows is what the map takes: these two, and zeros
        tall = torch.zeros(1, 1, HEADS, N, N, dtype=torch.float64)
        tall[0, 0, head, :2] = both
        learned = rows(tall)[0, 0, head, :2].numpy()
        curves = rows.curves(torch.as_tensor(t), token)[0, head].numpy()
    softmax = both.softmax(-1).numpy()
    moved = [np.abs(a[1] - a[0]) for a in (softmax, learned)]
    done = [f"all 17 scores by {shift:+.2f}"] if shift else []
    done += [f"the score of token {token} by {push:+.2f}"] if push else []
    answer = (
        f"You moved {' and '.join(done)}: the largest change is {moved[0].max():.3f} in softmax's row and "
        f"{moved[1].max():.3f} in the learned row, where {np.sum(moved[1] > 0.01)} of 17 moved by > 0.01."
        if done
        else "Nothing is moved yet."
    )
    origin = f"trained for {STEPS_BEFORE} steps on digits" if state == "trained" else "at its random start, untrained"
    yield xr.Dataset(
        {
            "score": variable(("moment", "token"), both.numpy(), "score"),
            "softmax": variable(("moment", "token"), softmax, "attention by softmax"),
            "learned": variable(("moment", "token"), learned, "attention by the learned map"),
            "curves": variable(("unit", "t"), curves, "learned function of the pushed token's score"),
        },
        coords={
            "moment": variable("moment", ["before", "now"], "before or after the move"),
            "token": variable("token", np.arange(N), "token, 0 is the class token"),
            "unit": variable("unit", np.arange(rank), "hidden unit"),
            "t": variable("t", t, "score"),
        },
        attrs={
            "reading": f"{answer} Softmax's row sums to {softmax[1].sum():.2f}, the learned one to "
            f"{learned[1].sum():.2f} with {np.sum(learned[1] < 0)} negative entries. The learned map is {origin}.",
            "progress": 1.0,
            "pushed": token,
            "at": float(now[token]),
        },
    )


def _frame(log: tuple[list, list, list], found: list[Matrices], sizes: list[int], total: int) -> xr.Dataset:
    """log holds steps, losses (mode, S) and accuracies (mode, S), one entry a measurement."""
    steps, loss, accuracy = log
    runs = loss[0].shape[1]
    last, rank = accuracy[-1].mean(1), [np.median(m.rank) for m in found]
    modes = ("mode", "run", "time")
    return xr.Dataset(
        {
            "accuracy": variable(modes, np.stack(accuracy, -1), "share of test digits that are right"),
            "loss": variable(modes, np.stack(loss, -1), "training loss of a batch", "nats"),
            "singular": variable(
                ("mode", "index"), [m.singular for m in found], "singular value / the largest, median"
            ),
            "ranks": variable(("mode", "run", "matrix"), [m.rank for m in found], "rank of an attention matrix"),
            "off_sum": variable(("mode", "run"), [m.off_sum for m in found], "share of rows whose sum is not 1 +- 0.1"),
            "row_size": variable(("mode", "run"), [m.size for m in found], "largest sum of |attention| over a row"),
            "negative": variable(("mode", "run"), [m.negative for m in found], "share of negative attention"),
            "attention": variable(("mode", "token", "source"), [m.example for m in found], "attention"),
            "parameters": variable("mode", sizes, "learnable numbers of the whole network"),
        },
        coords={
            "mode": variable("mode", ["softmax", "learned"], "row map"),
            "run": variable("run", np.arange(runs), "run"),
            "time": variable("time", steps, "training time", "steps"),
            "index": variable("index", np.arange(1, N + 1), "index of the singular value"),
            "matrix": variable("matrix", np.arange(found[0].rank.shape[1]), "attention matrix"),
            "token": variable("token", np.arange(N), "token that attends"),
            "source": variable("source", np.arange(N), "token that is attended to"),
        },
        attrs={
            "reading": f"After {steps[-1]} steps the learned rows get {last[1]:.1%} of the test digits right and "
            f"softmax {last[0]:.1%} (mean of {runs}), with {sizes[1]:,} and {sizes[0]:,} parameters. The learned "
            f"attention matrices have rank {rank[1]:.0f} and {found[1].negative.mean():.0%} negative entries, those of "
            f"softmax rank {rank[0]:.0f}.",
            "progress": steps[-1] / total,
        },
    )


@experiment("karat", quick=dict(n_seeds=1, steps=200))
@one_thread
def digits(
    rank: Annotated[int, number(1, 17, "Hidden units r of the learned row map", "row map")] = 6,
    projection: Annotated[Projection, choice("l1: the nearest row with sum |row| <= 1", "row map")] = "none",
    waves: Annotated[int, number(1, 8, "Frequencies G of each curve; a spline has 2 G pieces", "row map")] = 3,
    basis: Annotated[Basis, choice("What the curves are made of", "row map")] = "fourier",
    sharing: Annotated[
        Literal["blockwise", "universal"], choice("Own curves for each block, or one set for all blocks", "row map")
    ] = "blockwise",
    steps: Annotated[int, number(50, 1000, "Training steps on batches of 64", "training", unit="steps")] = 350,
    lr: Rate = 3e-3,
    n_seeds: Annotated[int, number(1, 5, "Runs to average over", "runs")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Train one small ViT with softmax and one with learned rows, on the same digits in the same order.

    Run i draws split, batches and weights from (seed, i); weights outside the row map are equal in both modes. Ranks,
    row sums and singular values come from the attention of 16 test digits in float64, all blocks and heads. Accuracy is
    measured on 125 test digits on the way and on all 500 after the last step.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    data, rows = digit_batches(seeds, steps), dict(rank=rank, waves=waves, basis=basis, projection=projection)
    vits = [make_vit(False, seeds), make_vit(True, seeds, universal=sharing == "universal", **rows)]
    optimizers, sizes = [adamw(vit, lr) for vit in vits], [count(vit, n_seeds) for vit in vits]
    every, log, frame = max(1, 15 // n_seeds), ([], [], []), None
    for step in range(steps + 1):
        # the last batch again after the last step: its loss is shown, nothing is learned from it
        x, y = data.batch(min(step, steps - 1))
        if step % every == 0 or step == steps:
            with torch.no_grad():
                losses = np.stack([cross_entropy(vit(x), y).numpy() for vit in vits])
                seen = 500 if step == steps else GLANCE
                right = [vit(data.x_test[:, :seen]).argmax(-1) == data.y_test[:, :seen] for vit in vits]
            if not np.isfinite(losses).all():
                yield diverged(frame, step)
                return
            for kept, new in zip(log, (step, losses, torch.stack(right).double().mean(2).numpy())):
                kept.append(new)
            found = [attention_matrices(vit, data.x_test[:, :PICTURES]) for vit in vits]
            frame = _frame(log, found, sizes, steps)
            yield frame
        if step < steps:
            for vit, optimizer in zip(vits, optimizers):
                cosine_rate(optimizer, lr, step, steps)
                train_step(vit, optimizer, x, y)


@lru_cache(maxsize=4)
def _trained(budget: Budget) -> xr.Dataset:
    """The run that all three claims look at."""
    return digits.run(budget, steps=250, n_seeds=3)


@claim("karat", "Learned rows have at most rank r, where softmax is nearly always of higher rank")
def rank_is_bounded(budget: Budget) -> Evidence:
    rank = _trained(budget).ranks
    highest, above = float(rank.sel(mode="learned").max()), float((rank.sel(mode="softmax") > 6).mean())
    return Evidence(
        {"highest rank, learned": highest, "share of softmax matrices above r": above},
        "learned <= r = 6 for every matrix; softmax > 6 for >= 90 % (singular values above 1e-6 of the largest)",
        highest <= 6 and above >= 0.9,
        n_seeds=3,
    )


@claim("karat", "Learned rows do as well as softmax or better (with more parameters)")
def accuracy_is_comparable(budget: Budget) -> Evidence:
    frame = _trained(budget)
    softmax, learned = frame.accuracy.isel(time=-1).mean("run").values
    return Evidence(
        {
            "accuracy, learned": learned,
            "accuracy, softmax": softmax,
            "parameters, learned / softmax": frame.parameters[1] / frame.parameters[0],
        },
        "mean accuracy of the learned rows >= softmax - 0.01 after 250 steps",
        learned >= softmax - 0.01,
        n_seeds=3,
    )


@claim("karat", "Without softmax, rows are no probabilities; the projection keeps them in the l1 unit ball")
def rows_are_not_probabilities(budget: Budget) -> Evidence:
    off = float(_trained(budget).off_sum.sel(mode="learned").mean())
    size = float(digits.run(budget, steps=100, projection="l1", n_seeds=1).row_size.sel(mode="learned").max())
    return Evidence(
        {"share of rows with sum off 1 by > 0.1": off, "largest sum |row| with projection": size},
        "share > 0.5 without projection (3 runs); sum |row| <= 1 + 1e-9 with it (1 run)",
        off > 0.5 and size <= 1 + 1e-9,
        n_seeds=1,
    )
