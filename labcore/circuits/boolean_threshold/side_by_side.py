"""Runs of RRR from different random points, side by side, until they are solved or give up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .relax_reflect import CLAMPED, State, advance
from .wiring import Array, Wiring


class Standing(NamedTuple):
    """How the runs stand after `now` iterations. A run that has stopped keeps its last gap."""

    gaps: Float[Array, "runs now"]
    ended: Int[Array, " runs"]  # iterations done
    solved: Bool[Array, " runs"]
    progress: float


def side_by_side(
    net: Wiring,
    states: Sequence[State],
    X: Sequence[Float[Array, "P n_in"]],
    Y: Float[Array, "P n_out"],
    stops: Int[Array, " stops"],
    sigma: float,
    beta: float,
    gamma: float,
    reflect: bool = True,
    kind: int = CLAMPED,
) -> Iterator[Standing]:
    """Advance each run's state in place, and tell how they stand after these numbers of iterations.

    X[r] are the inputs of run r; with `kind` CUBE or ONE_HOT it is filled with the codes that the run finds. It ends
    when all are solved, or at the last of the stops. The rest is that of `relax_reflect.advance`.
    """
    runs, most, now = len(states), int(stops[-1]), 0
    gaps, ended, solved = np.zeros((runs, most)), np.zeros(runs, int), np.zeros(runs, bool)
    for stop in stops.tolist():
        for r in np.flatnonzero(~solved):
            traced = gaps[r, now:stop]
            done, solved[r] = advance.kernel(net, states[r], X[r], Y, sigma, beta, gamma, reflect, traced, kind)
            ended[r] = now + done
            gaps[r, ended[r] :] = gaps[r, ended[r] - 1]
        now = stop
        over = bool(solved.all()) or now == most
        yield Standing(gaps[:, :now], ended.copy(), solved.copy(), 1.0 if over else now / most)
        if over:
            return
