"""What is shown of a generative network: its runs, the codes that the pictures took, and what others make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from labcore.frames import Frame, axis, var
from labcore.primitives.logic import boolean

from .relax_reflect import CUBE
from .side_by_side import Standing
from .wiring import Array, Wiring, accuracy, infer

MORE = 14  # codes that no picture took and that are tried at most
GENERATED = Frame(
    repeat=axis("run", start=1),
    iteration=axis("iteration"),
    item=axis("picture"),
    code=axis("code"),
    bit=axis("input node"),
    pixel=axis("pixel, row by row"),
    gap=var("repeat iteration", "gap"),
    iterations=var("repeat", "iterations done", "iterations"),
    solved=var("repeat", "run is solved"),
    codes=var("repeat", "different codes that the pictures took"),
    right=var("repeat", "share of pixels right"),
    shown=var("item pixel", "pixel of the data"),
    made=var("item pixel", "pixel that the network makes of the picture's code"),
    took=var("item", "code of the picture"),
    sign=var("code bit", "value at the input"),
    takers=var("code", "pictures that took the code"),
    picture=var("code pixel", "pixel that the network makes of the code"),
    known=var("code", "whether the data holds what the network makes"),
)


def codes_frame(
    net: Wiring,
    Y: Float[Array, "P 9"],
    codes: Float[Array, "runs P bits"],
    weights: Sequence[Float[Array, " E"]],
    standing: Standing,
    kind: int,
    seed: int,
) -> xr.Dataset:
    """The frame of these runs. Drawn is the one that was solved first, and until then that with most pixels right."""
    gaps, ended, solved, progress = standing
    (runs, now), length = gaps.shape, codes.shape[2]
    right = np.array([accuracy(net, w, X, Y) for w, X in zip(weights, codes, strict=True)])
    drawn = int(ended.argmin() if solved[ended.argmin()] else right.argmax())
    X, first = codes[drawn], net.nodes - net.outputs
    taken, took = np.unique(X, axis=0, return_inverse=True)
    every = boolean.signs(boolean.all_patterns(length)) if kind == CUBE and length <= 12 else 2.0 * np.eye(length) - 1
    free = every[~(every[:, None] == taken).all(2).any(1)]
    rng = np.random.default_rng([seed, 1002])
    if kind == CUBE and length > 12:  # too many to list: nearly all of these are free
        free = rng.choice([-1.0, 1.0], (MORE, length))
    free = free[np.sort(rng.permutation(len(free))[:MORE])]
    tried = np.concatenate([taken, free])
    made = infer(net, weights[drawn], np.array(tried, float))[:, first:]
    known = (made[:, None] == Y).all(2).any(1)
    others = known[len(taken) :]
    told = f" Of {len(others)} codes that no picture took, {others.sum()} make one of the pictures too." * bool(
        len(others)
    )
    most = 2**length if kind == CUBE else length
    if most < len(Y):
        told += f" There are only {most} codes: {len(Y)} unlike pictures cannot be made of them."
    grid = np.unique(np.logspace(0, np.log10(now), 200).astype(int))
    wrong = int((made[took] != Y).any(1).sum())
    return GENERATED(
        dict(
            gap=gaps[:, grid - 1],
            iterations=ended,
            solved=solved,
            codes=[len(np.unique(c, axis=0)) for c in codes],
            right=right,
            shown=Y,
            made=made[took],
            took=took,
            sign=tried,
            takers=np.bincount(took, minlength=len(tried)),
            picture=made,
            known=known,
            iteration=grid,
        ),
        f"After {now} iterations the number of solved runs is {solved.sum()} of {runs}. In run {drawn + 1} (drawn) the "
        f"{len(Y)} pictures took {len(taken)} different codes, and the network makes {len(Y) - wrong} of the pictures "
        f"of their codes without a wrong pixel; the gap is {gaps[drawn, -1]:.3f}.{told}",
        progress,
        drawn=drawn,
    )
