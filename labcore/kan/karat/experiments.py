"""One row of scores under the hand, and a small vision transformer trained with either row map."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.parameters import Rate
from labcore.primitives.runs.training import adamw, cosine_rate, count, cross_entropy, train_step
from labcore.words import plain

from .mechanism import HEADS, Basis, LearnedRows, N, Projection, make_vit
from .vit import Matrices, attention_matrices

GLANCE = 125  # of the 500 test digits, those that give the accuracy on the way
PICTURES = 16  # test digits whose attention matrices are measured
STEPS_BEFORE = 100  # training of the map that `row` shows


@lru_cache(maxsize=16)
def _row_model(
    seed: int, rank: int, waves: int, steps: int
) -> tuple[LearnedRows, Float[np.ndarray, "digit head token"]]:
    """Last block's row map of one ViT after `steps` steps, and the class token's rows of scores for 100 digits."""
    vit, data = make_vit(True, [[seed, 0]], rank=rank, waves=waves), digit_batches([[seed, 0]], steps)
    optimizer = adamw(vit, 3e-3)
    for step in range(steps):
        cosine_rate(optimizer, 3e-3, step, steps)
        train_step(vit, optimizer, *data.batch(step))
    seen: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        vit(data.x_test[:, :100], seen)
    return vit.blocks[-1].attention.rows.double(), seen[-1][0][0, :, :, 0].double().numpy()


ROWS = Frame(
    moment=axis("before or after the move", values=("before", "now")),
    token=axis("token, 0 is the class token"),
    unit=axis("hidden unit"),
    t=axis("score"),
    score=var("moment token", "score"),
    softmax=var("moment token", "attention by softmax"),
    learned=var("moment token", "attention by the learned map"),
    curves=var("unit t", "learned function of the pushed token's score"),
)


@experiment(frame=ROWS)
@one_thread
def row(
    shift: Annotated[
        float, number(-3, 3, "Added to all 17 scores of the row", "the row", label="added to all scores", main=True)
    ] = 0.0,
    push: Annotated[
        float, number(-4, 4, "Added to the score of one token", "the row", label="added to one score", main=True)
    ] = 0.0,
    token: Annotated[
        int,
        number(
            0, 16, "The token that is pushed; 0 is the class token", "the row", label="token that is pushed", main=True
        ),
    ] = 6,
    digit: Annotated[int, number(0, 99, "Test digit that the row comes from", "the row", label="test digit")] = 0,
    head: Annotated[int, number(0, 1, "Head of the last block", "the row", label="attention head")] = 0,
    state: Annotated[
        Literal["trained", "untrained"],
        choice("The learned map after 100 steps, or at its random start", "map", label="state of the map"),
    ] = "trained",
    rank: Annotated[
        int, number(1, 17, "Hidden units r; a new value trains a new map", "map", label="middle numbers r")
    ] = 6,
    waves: Annotated[
        int, number(1, 8, "Frequencies G of each curve; a new value trains a new map", "map", label="frequencies G")
    ] = 3,
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
    done = [f"all 17 scores by {plain(shift, '+.3g')}"] if shift else []
    done += [f"the score of token {token} by {plain(push, '+.3g')}"] if push else []
    answer = (
        f"You moved {' and '.join(done)}: the largest change is {moved[0].max():.3f} in softmax's row and "
        f"{moved[1].max():.3f} in the learned row, where {np.sum(moved[1] > 0.01)} of 17 moved by > 0.01."
        if done
        else "Nothing is moved yet."
    )
    origin = f"trained for {STEPS_BEFORE} steps on digits" if state == "trained" else "at its random start, untrained"
    yield ROWS(
        dict(t=t, score=both, softmax=softmax, learned=learned, curves=curves),
        f"{answer} Softmax's row sums to {softmax[1].sum():.2f}, the learned one to {plain(learned[1].sum(), '.2f')} "
        f"with {np.sum(learned[1] < 0)} negative entries. The learned map is {origin}.",
        pushed=token,
        at=float(now[token]),
    )


COURSE = Frame(
    mode=axis("row map", values=("softmax", "learned")),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    index=axis("index of the singular value", start=1),
    matrix=axis("attention matrix"),
    token=axis("token that attends"),
    source=axis("token that is attended to"),
    accuracy=var("mode repeat time", "share of test digits that are right"),
    loss=var("mode repeat time", "training loss of a batch", "nats"),
    singular=var("mode index", "singular value / the largest, median"),
    ranks=var("mode repeat matrix", "rank of an attention matrix"),
    off_sum=var("mode repeat", "share of rows whose sum is not 1 +- 0.1"),
    row_size=var("mode repeat", "largest sum of |attention| over a row"),
    negative=var("mode repeat", "share of negative attention"),
    attention=var("mode token source", "attention"),
    parameters=var("mode", "learnable numbers of the whole network"),
)


def _frame(log: tuple[list, list, list], found: list[Matrices], sizes: list[int], total: int) -> xr.Dataset:
    """log holds steps, losses and accuracies, both (mode, repeat), one entry a measurement."""
    steps, loss, accuracy = log
    runs, last, rank = loss[0].shape[1], accuracy[-1].mean(1), [np.median(m.rank) for m in found]
    return COURSE(
        dict(
            time=steps,
            accuracy=np.stack(accuracy, -1),
            loss=np.stack(loss, -1),
            singular=[m.singular for m in found],
            ranks=[m.rank for m in found],
            off_sum=[m.off_sum for m in found],
            row_size=[m.size for m in found],
            negative=[m.negative for m in found],
            attention=[m.example for m in found],
            parameters=sizes,
        ),
        f"After {steps[-1]} steps the learned rows get {last[1]:.1%} of the test digits right and "
        f"softmax {last[0]:.1%} (mean of {runs}), with {sizes[1]:,} and {sizes[0]:,} parameters. The learned "
        f"attention matrices have rank {rank[1]:.0f} and {found[1].negative.mean():.0%} negative entries, those of "
        f"softmax rank {rank[0]:.0f}.",
        steps[-1] / total,
    )


@experiment(quick=dict(n_seeds=1, steps=50), frame=COURSE)
@one_thread
def digits(
    rank: Annotated[
        int, number(1, 17, "Hidden units r of the learned row map", "row map", label="middle numbers r", main=True)
    ] = 6,
    projection: Annotated[
        Projection,
        choice(
            "Bring sum |row| to at most 1: by dividing the row, or at the nearest such row",
            "row map",
            label="limit of row sum",
            main=True,
            words={"none": "no limit", "l1": "divide the row", "l1 nearest": "nearest row"},
        ),
    ] = "none",
    waves: Annotated[
        int,
        number(
            1, 8, "Frequencies G of each curve; a spline has 2 G pieces", "row map", label="frequencies G", main=True
        ),
    ] = 3,
    basis: Annotated[Basis, choice("What the curves are made of", "row map", label="waves or splines")] = "fourier",
    sharing: Annotated[
        Literal["blockwise", "universal"],
        choice(
            "Own curves for each block, or one set for all blocks",
            "row map",
            label="sharing of curves",
            words={"blockwise": "own in each block", "universal": "one set for all blocks"},
        ),
    ] = "blockwise",
    steps: Annotated[
        int, number(50, 1000, "Training steps on batches of 64", "training", unit="steps", label="training steps")
    ] = 350,
    lr: Rate = 3e-3,
    n_seeds: Annotated[int, number(1, 5, "Runs to average over", "runs", label="repetitions")] = 2,
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
    every, log = max(1, 15 // n_seeds), ([], [], [])
    for step in range(steps + 1):
        # the last batch again after the last step: its loss is shown, nothing is learned from it
        x, y = data.batch(min(step, steps - 1))
        if step % every == 0 or step == steps:
            with torch.no_grad():
                losses = np.stack([cross_entropy(vit(x), y).numpy() for vit in vits])
                seen = 500 if step == steps else GLANCE
                right = [vit(data.x_test[:, :seen]).argmax(-1) == data.y_test[:, :seen] for vit in vits]
            if not np.isfinite(losses).all():
                raise Diverged(step)
            for kept, new in zip(log, (step, losses, torch.stack(right).double().mean(2).numpy())):
                kept.append(new)
            found = [attention_matrices(vit, data.x_test[:, :PICTURES]) for vit in vits]
            yield _frame(log, found, sizes, steps)
        if step < steps:
            for vit, optimizer in zip(vits, optimizers):
                cosine_rate(optimizer, lr, step, steps)
                train_step(vit, optimizer, x, y)
