"""A sweep beside the plain loop over the same points: with one worker, two, and so on; and as a person calls it.

The workers are processes that have run and written one point before, so that neither their start nor compiling counts;
a call without `cluster` runs points itself and starts helpers for the rest, and that is in its time: three seconds a
helper, most of it imports. So both sweeps take the loop some 20 s.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from labcore import catalog
from labcore.frame_files import to_netcdf
from labcore.sweeps import sweep

# one that trains with torch, and one whose compiled kernel is an eighth of its time; both mostly hold Python's lock
SWEPT = {"noble.sharp": 40, "multitasking_hebbian.phase_diagram": 70}


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speedups(quick: bool) -> list[dict[str, Any]]:
    """Seconds of each sweep, with those of the plain loop as the peer: their ratio is the speed-up."""
    return [row for name, points in SWEPT.items() for row in _speedup(name, 4 if quick else points, quick)]


def _speedup(name: str, points: int, quick: bool) -> list[dict[str, Any]]:
    experiment, seeds = catalog.load_experiment(name), list(range(points))
    experiment.run("quick", seed=points)  # compiles

    def run(cluster: Client | None = None) -> float:
        with tempfile.TemporaryDirectory() as folder:
            return _timed(lambda: sweep(name, out=Path(folder), budget="quick", cluster=cluster, seed=seeds))

    loop = _timed(lambda: [experiment.run("quick", seed=s) for s in seeds])
    taken = {"as called": run()}
    for n in (n for n in (1, 2, 4, 8, 16, 32) if n <= (os.cpu_count() or 1) and not quick):
        with LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as local:
            with Client(local, set_as_default=False) as client:
                there = client.scheduler_info()["workers"]
                client.gather([client.submit(_warm, name, workers=[w], pure=False) for w in there])
                taken[f"{n} worker{'s' * (n > 1)}"] = run(client)
    return [
        {
            "name": f"{points} points of {name}, {how}", "ours": seconds, "peer": loop, "ratio": loop / seconds,
            "unit": "s", "against": "a loop",
        }
        for how, seconds in taken.items()
    ]  # fmt: skip


def _warm(name: str) -> None:
    to_netcdf(catalog.load_experiment(name).run("quick"))
