"""The low-rank Glauber kernel beside NumPy with the stored coupling matrix (float32).

    row     h_i = J[i] @ s for every update
    fields  keeps all N fields and adds a row of J to them after every flip
T = 0.1, d = 0.3, from random spins. All are given the same sites and uniforms, and must end in the same spins.
"""

from __future__ import annotations

import numpy as np

from labcore.hebbian.multitasking_hebbian import draw_patterns, glauber
from tests.benchmarks.timing import Duel, Growth, Memory, Work

TEMPERATURE, DILUTION = 0.1, 0.3


def network(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(0)
    patterns = draw_patterns(n, k, DILUTION, rng)
    return patterns, rng.choice(np.array([-1, 1], np.int8), n), rng


def works(n: int, k: int, updates: int) -> dict[str, Work]:
    """That many updates by the kernel and by both NumPy versions, on the same random numbers; the spins (n,)."""
    patterns, spins, rng = network(n, k)
    wide = patterns.astype(np.float32)
    couplings = wide @ wide.T
    couplings /= n
    np.fill_diagonal(couplings, 0)
    sites, uniforms = rng.integers(0, n, updates), rng.random(updates)
    thresholds = 0.5 * TEMPERATURE * np.log(1 / uniforms - 1)  # u < p is -h < this, so that no version pays for it
    sums, fields = glauber.pattern_sums(patterns, spins), couplings @ spins

    def ours() -> np.ndarray:
        state = spins.copy()
        glauber.update(patterns, state, sums.copy(), sites, uniforms, 1 / TEMPERATURE, 1.0)
        return state

    def row() -> np.ndarray:
        s = spins.astype(np.float32)
        for i, edge in zip(sites, thresholds, strict=True):
            s[i] = 1 if -(couplings[i] @ s) < edge else -1
        return s.astype(np.int8)

    def by_fields() -> np.ndarray:
        s, h = spins.astype(np.float32), fields.copy()
        for i, edge in zip(sites, thresholds, strict=True):
            new = 1 if -h[i] < edge else -1
            if new != s[i]:
                h += 2 * new * couplings[i]  # J is symmetric, and a row is contiguous
                s[i] = new
        return s.astype(np.int8)

    return {"ours": ours, "row": row, "fields": by_fields}


def stored_matrix(quick: bool) -> list[Duel]:
    rows = []
    for n in (500,) if quick else (5000, 20_000):
        all_three = works(n, 10, updates := 500 if quick else 5000)
        for name in ("row", "fields"):
            what = f"Glauber dynamics, {n} spins, 10 patterns"
            rival = f"NumPy, stored matrix, {name}"
            rows.append(
                Duel(what, all_three["ours"], rival, all_three[name], 0, "ns", "update", updates, table=n == 5000)
            )
    return rows


def kernel(n: int, k: int, updates: int) -> tuple[Work, float]:
    """Updates of random sites, random numbers included."""
    patterns, spins, rng = network(n, k)
    sums = glauber.pattern_sums(patterns, spins)
    return lambda: glauber.advance(patterns, spins.copy(), sums.copy(), TEMPERATURE, updates, rng), updates


def growth(quick: bool) -> list[Growth]:
    updates = 20_000 if quick else 200_000
    counts, sizes = (
        ((500, 2000), (1000, 10_000))
        if quick
        else ((500, 1000, 2000, 4000, 8000), (1000, 3000, 10_000, 30_000, 100_000))
    )
    return [
        Growth("Glauber update", "patterns", {k: kernel(1000, k, updates) for k in counts}, 1, "ns", "update"),
        Growth("Glauber update", "spins", {n: kernel(n, 10, updates) for n in sizes}, 0, "ns", "update"),
    ]


def held(name: str, n: int, k: int) -> Work:
    """Makes the network, in patterns or in their matrix, and updates it a few times."""

    def run() -> None:
        if name == "matrix":
            works(n, k, 10)["row"]()
        else:
            kernel(n, k, 10)[0]()

    return run


def memory(quick: bool) -> list[Memory]:
    n = 2000 if quick else 20_000
    what = f"Glauber dynamics, {n} spins, 10 patterns"
    return [Memory(what, __name__, ("held", "patterns", n, 10), "stored matrix", ("held", "matrix", n, 10))]


PEERS = (stored_matrix,)
GROWTH = (growth,)
MEMORY = (memory,)
