"""How many items fit, whether STDP learns their order, and what synchronises first."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import buffer, learn_order, modules
from .mechanism import capacity


@claim("A slow cycle holds as many items in order as it has fast slots, and not one more")
def slots_are_the_capacity(budget: Budget) -> Evidence:
    within, beyond = [], []
    for slow, fast in ((6.0, 40.0), (6.0, 60.0), (8.0, 40.0), (5.0, 60.0)):
        slots = capacity(slow, fast)
        for n in range(1, slots + 2):
            runs = [once(buffer, n_items=n, f_theta=slow, f_gamma=fast, seed=s) for s in range(10)]
            (within if n <= slots else beyond).append(np.mean([run.recall_ok.values.all() for run in runs]))
    return Evidence(
        {"worst share of perfect runs, within": min(within), "best share, one more": max(beyond)},
        "ten cycles in perfect order in 10 of 10 runs for every n up to the capacity, in 0 of 10 for one more, "
        "at (f_theta, f_gamma) = (6, 40), (6, 60), (8, 40), (5, 60)",
        min(within) == 1 and max(beyond) == 0,
        n_seeds=10,
    )


@claim("The buffer brings distant events close enough for STDP to learn their order")
def compression_teaches_the_order(budget: Budget) -> Evidence:
    ways = [once(learn_order, spacing=1000.0, seed=s).W.values for s in range(3)]
    forward = min(np.diagonal(w[1], 1).min() for w in ways)
    backward = max(np.diagonal(w[1], -1).max() for w in ways)
    apart = max(np.diagonal(w[0], 1).max() for w in ways)
    return Evidence(
        {"forward / backward": forward / backward, "apart / compressed": apart / forward},
        "neighbours: weakest forward weight > 3 x strongest backward one; events 1 s apart learn < 0.01 of it",
        forward > 3 * backward and apart < 0.01 * forward,
        n_seeds=3,
    )


@claim("Sparse modules synchronise inside before the whole network does")
def modules_lock_first(budget: Budget) -> Evidence:
    sweeps = np.mean([once(modules, N=120, duration=40, seed=s).sweep.values for s in range(3)], 0)
    best = int((sweeps[2] - sweeps[0]).argmax())
    return Evidence(
        {"K": 0.5 * best, "within modules": sweeps[2, best], "all": sweeps[0, best]},
        "at the K where they differ most, mean order within modules >= order of all + 0.2",
        sweeps[2, best] >= sweeps[0, best] + 0.2,
        n_seeds=3,
    )
