"""The quick frames of every experiment, computed once a process, for the contract and for the papers' oracles."""

from __future__ import annotations

import xarray as xr

from labcore import catalog

NAMES = [f"{p.key}.{name}" for p in catalog.papers() for name in p.experiments]

_kept: dict[tuple[str, int], list[xr.Dataset]] = {}


def quick(name: str, seed: int = 0) -> list[xr.Dataset]:
    """All frames of `KEY.EXPERIMENT` at its quick budget, as copies that a test may change.

    Those of one paper are kept: its tests run one after another (tests/conftest.py), and frames may be large.
    Raises what `load_experiment` and the run raise.
    """
    if any(name.partition(".")[0] != kept.partition(".")[0] for kept, _ in _kept):
        _kept.clear()
    if (name, seed) not in _kept:
        _kept[name, seed] = list(catalog.load_experiment(name).frames("quick", seed=seed))
    return [frame.copy(deep=True) for frame in _kept[name, seed]]
