"""How many items fit, whether STDP learns their order, and what synchronises first."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, geometric, jackknife, once, share

from .experiments import COUPLINGS, buffer, learn_order, modules
from .mechanism import capacity


@claim("A slow cycle holds as many items in order as it has fast slots, and not one more")
def slots_are_the_capacity(seeds: Seeds) -> Evidence:
    within, beyond = [], []
    for slow, fast in ((6.0, 40.0), (6.0, 60.0), (8.0, 40.0), (5.0, 60.0)):
        slots = capacity(slow, fast)
        for n in range(1, slots + 2):
            runs = [once(buffer, n_items=n, f_theta=slow, f_gamma=fast, seed=s) for s in seeds(20)]
            (within if n <= slots else beyond).extend(run.recall_ok.values.all() for run in runs)
    return Evidence(
        share("runs in perfect order, up to the capacity", within) >= 0.95,
        share("runs in perfect order, one item more", beyond) <= 0.1,
        size="ten cycles, (f_theta, f_gamma) = (6, 40), (6, 60), (8, 40), (5, 60) Hz, 20 runs for every length",
    )


@claim("The buffer brings distant events close enough for STDP to learn their order")
def compression_teaches_the_order(seeds: Seeds) -> Evidence:
    ways = [once(learn_order, spacing=1000.0, seed=s).W.values for s in seeds(5)]
    forward, backward = (np.array([f(np.diagonal(w[1], k)) for w in ways]) for f, k in ((np.min, 1), (np.max, -1)))
    apart = np.array([np.diagonal(w[0], 1).max() for w in ways])
    return Evidence(
        geometric("weakest forward / strongest backward link of neighbours", forward / backward) >= 3,
        geometric("strongest link of events 1 s apart / weakest through the buffer", apart / forward) <= 0.01,
        size="5 items, 6 and 40 Hz, 5 runs",
    )


@claim("Sparse modules synchronise inside before the whole network does")
def modules_lock_first(seeds: Seeds) -> Evidence:
    sweeps = np.array([once(modules, N=120, duration=40, seed=s).sweep.values for s in seeds(12)])
    everyone, _, inside = sweeps.swapaxes(0, 1)
    best = int((inside - everyone).mean(0).argmax())
    return Evidence(
        jackknife("order within modules - of all, where they differ most", lambda g: g.mean(0).max(), inside - everyone)
        >= 0.2,
        size="120 oscillators in 6 modules, 13 couplings, 40 s, 12 graphs",
        also={
            "K": COUPLINGS[best],
            "within modules": inside[:, best].mean(),
            "all": everyone[:, best].mean(),
            "difference without coupling": (inside - everyone)[:, 0].mean(),
        },
    )
