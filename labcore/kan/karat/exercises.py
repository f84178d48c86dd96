"""The question of the lesson that `karat` answers, and its checker."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import digits


@exercise(
    "Blockwise KArAt with G = 3 frequencies and r middle numbers has 2 G N r + N r numbers a head, and there are "
    "4 heads in all. Find an r that adds at most 2,000 parameters and still has attention of rank 3 or more.",
    digits.parameters["rank"],
    hint="N = 17. Any r that does it is right.",
)
def rank_of_the_matrix(r: int, seed: int) -> bool | str:
    frame = digits.run(rank=r, steps=60, n_seeds=1, seed=seed)
    cost = float(frame.parameters[1] - frame.parameters[0])
    rank = int(frame.ranks.sel(mode="learned").max())
    if cost > 2000:
        return f"That adds {cost:,.0f} parameters."
    return True if rank >= 3 else f"It adds {cost:,.0f} parameters, but the attention has rank {rank}."
