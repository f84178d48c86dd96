"""Nanoseconds a spin update of the low-rank Glauber kernel, measured now. Nothing here is asserted.

    python -m tests.benchmarks.bench_glauber [--json]

One thread, T = 0.1, d = 0.3, from random spins, random numbers included. Beside it, two NumPy versions with the stored
matrix (float32), at the largest N whose matrix takes at most a quarter of the memory that is free now, and at 5,000:
    row     h_i = J[i] @ s for every update
    fields  keeps all N fields and adds a column of J to them after every flip
All three are given the same sites and uniforms; the spins that come out are compared.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from labcore.hebbian.multitasking_hebbian import draw_patterns
from labcore.primitives import glauber

TEMPERATURE, DILUTION = 0.1, 0.3
SIZES, COUNTS = (1000, 3000, 10_000, 30_000, 100_000), (2, 5, 10, 20, 50)
SWEEPS, ROUNDS = 10, 5


def network(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(0)
    patterns = draw_patterns(n, k, DILUTION, rng)
    return patterns, rng.choice(np.array([-1, 1], np.int8), n), rng


def kernel(n: int, k: int) -> float:
    """Best nanoseconds an update over a few runs of some sweeps."""
    patterns, spins, rng = network(n, k)
    sums, updates, best = glauber.pattern_sums(patterns, spins), max(SWEEPS * n, 100_000), np.inf
    for _ in range(ROUNDS + 1):  # the first one compiles
        state, m = spins.copy(), sums.copy()
        start = time.perf_counter()
        glauber.advance(patterns, state, m, TEMPERATURE, updates, rng)
        best = min(best, time.perf_counter() - start)
    return 1e9 * best / updates


def stored(n: int, k: int) -> dict[str, float]:
    """Nanoseconds an update of both NumPy versions and of the kernel on the same random numbers, and GiB of J."""
    patterns, spins, rng = network(n, k)
    wide = patterns.astype(np.float32)
    couplings = wide @ wide.T
    couplings /= n
    np.fill_diagonal(couplings, 0)
    updates = 5000
    sites, uniforms = rng.integers(0, n, updates), rng.random(updates)
    thresholds = 0.5 * TEMPERATURE * np.log(1 / uniforms - 1)  # u < p is -h < this, so that no version pays for it
    out: dict[str, float] = {"N": n, "GiB of J": couplings.nbytes / 2**30}
    ends = {}

    s = spins.astype(np.float32)
    start = time.perf_counter()
    for i, edge in zip(sites, thresholds, strict=True):
        s[i] = 1 if -(couplings[i] @ s) < edge else -1
    out["row"] = 1e9 * (time.perf_counter() - start) / updates
    ends["row"] = s

    s = spins.astype(np.float32)
    fields = couplings @ s
    start = time.perf_counter()
    for i, edge in zip(sites, thresholds, strict=True):
        new = 1 if -fields[i] < edge else -1
        if new != s[i]:
            fields += 2 * new * couplings[i]  # J is symmetric, and a row is contiguous
            s[i] = new
    out["fields"] = 1e9 * (time.perf_counter() - start) / updates
    ends["fields"] = s

    sums, state = glauber.pattern_sums(patterns, spins), spins.copy()
    start = time.perf_counter()
    glauber.update(patterns, state, sums, sites, uniforms, 1 / TEMPERATURE, 1.0)
    out["kernel"] = 1e9 * (time.perf_counter() - start) / updates
    out["spins that differ"] = float(max((ends[name] != state).sum() for name in ends))
    return out


def largest() -> int:
    """The largest N, in thousands, whose float32 matrix takes a quarter of the free memory."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1000, int((free / 4 / 4) ** 0.5) // 1000 * 1000)


def measure() -> dict:
    """All numbers of the tables."""
    return {
        "growth with N, K = 10": {str(n): kernel(n, 10) for n in SIZES},
        "growth with K, N = 100,000": {str(k): kernel(100_000, k) for k in COUNTS},
        "stored matrix, K = 10": [stored(5000, 10), stored(largest(), 10)],
    }


def main() -> None:
    """Measure everything and print it, as tables or as one JSON object."""
    numbers = measure()
    if "--json" in sys.argv:
        print(json.dumps(numbers))
        return
    for title in ("growth with N, K = 10", "growth with K, N = 100,000"):
        print(f"ns an update, {title}: " + ", ".join(f"{x}: {ns:.1f}" for x, ns in numbers[title].items()))
    print(
        "\nns an update at K = 10, same random numbers"
        + f"\n{'N':>8s}{'J, GiB':>9s}{'row':>11s}{'fields':>11s}{'kernel':>9s}"
    )
    for c in numbers["stored matrix, K = 10"]:
        print(f"{c['N']:8d}{c['GiB of J']:9.2f}{c['row']:11.0f}{c['fields']:11.0f}{c['kernel']:9.1f}", end="")
        print(f"   row is {c['row'] / c['kernel']:.0f} times slower; {c['spins that differ']:.0f} spins differ")
    print(f"J at N = 100,000 would take {4e10 / 2**30:.0f} GiB.")


if __name__ == "__main__":
    main()
