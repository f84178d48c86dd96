"""Checks of how a network adds on a clock, and of how it comes to it."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, exact, once

from .experiments import vote


@claim("The votes of all frequencies are the flawed indicator: the sum, and two ghosts of half its height at 2x and 2y")
def waves_meet_at_the_sum(seeds: Seeds) -> Evidence:
    off = []
    for seed in seeds(3):
        for p in (7, 15, 23):  # 15 is no prime
            for x, y in ((3, 1), (2, 6), (4, 4)):
                for n in (3, 5):
                    frame = once(vote, x=x, y=y, p=p, neurons=n, seed=seed)
                    off.append(float(np.abs(frame.vote - frame.expected).max()))
    return Evidence(
        exact("largest difference from n (p/4, p/8, p/8, all less 1/2)", max(off)) <= 1e-10,
        size="p = 7, 15, 23; 3 and 5 neurons a frequency, 3 pairs, 3 sets of first phases",
    )
