"""What the paper says about two networks that never met, as checks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import turn

SIZE = "networks 64-64-64-10, 1000 digits, compared on 797 others, both layers, 12 repetitions"
LAYERS = (1, 2)


def _sets(seeds: Seeds) -> xr.Dataset:
    return once(turn, sets=12, seed=seeds.first)


@claim("Matched units are far more alike after training than before, and than where inputs are shuffled")
def units_find_each_other(seeds: Seeds) -> Evidence:
    found = _sets(seeds).matched_each
    trained, before, mixed = (found.sel(kind=kind) for kind in ("trained", "never trained", "inputs shuffled"))
    gains = (("before training", before, 0.2), ("with shuffled inputs", mixed, 0.5))
    return Evidence(
        *(
            mean(f"correlation - that {name}, layer {layer}", (trained - other).sel(depth=layer)) >= limit
            for name, other, limit in gains
            for layer in LAYERS
        ),
        size=SIZE,
    )


@claim("Some units are learned reliably and others are not: a good match in one network foretells one in a third")
def some_units_are_reliable(seeds: Seeds) -> Evidence:
    frame = _sets(seeds)
    return Evidence(
        *(
            check
            for layer in LAYERS
            for check in (
                mean(
                    f"correlation of the best - of the worst tenth, layer {layer}",
                    (frame.best - frame.worst).sel(depth=layer),
                )
                >= 0.25,
                mean(f"rank correlation of matches in B and in C, layer {layer}", frame.again.sel(depth=layer)) >= 0.1,
            )
        ),
        size=SIZE,
    )


@claim("The space of the main directions is shared more than units are, more than before training, and by any axes")
def subspaces_are_shared(seeds: Seeds) -> Evidence:
    frame = _sets(seeds)
    shared = frame.canonical_each.sel(kind="trained")
    before, units = frame.canonical_each.sel(kind="never trained"), frame.matched_each.sel(kind="trained")
    gap = float(np.abs(shared - frame.canonical_each.sel(kind="axes turned")).max())
    return Evidence(
        exact("largest change of a mean canonical correlation by a turn", gap) <= 1e-10,
        *(
            check
            for layer in LAYERS
            for check in (
                mean(f"correlation of ten main directions, layer {layer}", shared.sel(depth=layer)) >= 0.9,
                mean(f"the same - that of matched units, layer {layer}", (shared - units).sel(depth=layer)) >= 0.12,
                mean(f"the same - before training, layer {layer}", (shared - before).sel(depth=layer)) >= 0.15,
            )
        ),
        size=SIZE,
    )


@claim("The axes are hardly shared: directions drawn at random in B match A's units nearly as well as B's units do")
def any_axes_will_do(seeds: Seeds) -> Evidence:
    found = _sets(seeds).matched_each
    lost = found.sel(kind="trained") - found.sel(kind="axes turned")
    return Evidence(
        *(mean(f"correlation lost by a turn, layer {layer}", lost.sel(depth=layer)) <= 0.1 for layer in LAYERS),
        size=SIZE,
    )


@claim(
    "A random turn of B's axes lowers the correlation of matched units by 0.15 or more",
    expected="not reproduced",
    reason="About five directions hold most of the activity of either network, and among 64 vectors in so few each "
    "finds a close partner, whatever the axes.",
)
def units_are_special(seeds: Seeds) -> Evidence:
    found = _sets(seeds).matched_each
    lost = found.sel(kind="trained") - found.sel(kind="axes turned")
    return Evidence(
        *(mean(f"correlation lost by a turn, layer {layer}", lost.sel(depth=layer)) >= 0.15 for layer in LAYERS),
        size=SIZE,
    )


@claim("Neither one unit nor all: ten partners or fewer halve what the best one misses, and all miss less still")
def codes_are_slightly_distributed(seeds: Seeds) -> Evidence:
    frame = _sets(seeds)
    checks = []
    for layer in LAYERS:
        one = frame.sel(depth=layer)
        checks += [
            mean(f"partners, layer {layer}", one.used) <= 10,
            geometric(f"variance missed by few / by the best unit, layer {layer}", one.few / one.single) <= 0.5,
            geometric(f"variance missed by all / by few units, layer {layer}", one.full / one.few) <= 0.8,
        ]
    turned = {
        f"partners of directions drawn at random, layer {k}": float(frame.used_turned.sel(depth=k).mean())
        for k in LAYERS
    }
    return Evidence(*checks, size=f"{SIZE}, penalty 0.1", also=turned)
