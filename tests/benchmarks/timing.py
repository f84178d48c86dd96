"""How things are measured: contenders take turns, memory is that of a fresh process, growth is a slope on log scales.

A bench module offers tuples of functions `PEERS`, `GROWTH` and `MEMORY`. Each takes `quick` and returns a list of what
is defined here. Other people's programs make machines noisy, so a comparison is the median of the ratios of turns that
follow each other, and a growth is fitted to the shortest times.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import psutil
import torch
from threadpoolctl import threadpool_limits

Work = Callable[[], Any]
Times = dict[Any, np.ndarray]
Unit = Literal["s", "ms", "us", "ns"]
PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
ROOT = Path(__file__).parents[2]
PEER_PACKAGES = ("brian2", "discopy", "cvxpy", "powerlaw", "pykan")
TELLS_PEAK = Path("/proc/self/clear_refs").exists()
SPAN, MOST = 0.02, 25  # seconds that one turn lasts at least, if calls are short; turns at most


class Duel(NamedTuple):
    """One computation in two programs. Both return arrays, the same ones each time they are called."""

    name: str
    ours: Work
    rival: str  # what the other program is
    theirs: Work
    tolerance: float | None  # largest difference of the results; None: a yardstick, which computes something else
    unit: Unit = "ms"
    per: str = "call"
    count: float = 1.0  # how many of `per` one call does
    table: bool = False  # whether docs/benchmarks.md has a row for it


class Growth(NamedTuple):
    """One kernel at several sizes; its time for one `per` should grow as size ** expected."""

    name: str
    size: str  # what the sizes are
    works: dict[int, tuple[Work, float]]  # size: a call, and how many of `per` it does
    expected: float
    unit: Unit = "us"
    per: str = "call"


class Memory(NamedTuple):
    """What two programs take at their height. Each is a function's name in `module` and its arguments."""

    name: str
    module: str
    ours: tuple
    rival: str
    theirs: tuple


@contextmanager
def one_thread() -> Iterator[None]:
    """Both sides get one thread: of torch, BLAS and OpenMP. With more, another program on a core decides who wins."""
    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def interleaved(works: dict[Any, Work], seconds: float, least: int = 3) -> Times:
    """Seconds a call of each work took in each round, (rounds,): all take turns, for about so many seconds.

    A first call, not counted, compiles and fills caches. Short works are called several times a turn.
    """
    calls = {}
    for name, work in works.items():
        work()
        start = time.perf_counter()
        work()
        calls[name] = max(1, int(SPAN / max(time.perf_counter() - start, 1e-7)))
    taken: dict[Any, list[float]] = {name: [] for name in works}
    names, end, rounds = list(works), time.perf_counter() + seconds, 0
    while rounds < least or (rounds < MOST and time.perf_counter() < end):
        for name in names:
            work = works[name]
            start = time.perf_counter()
            for _ in range(calls[name]):
                work()
            taken[name].append((time.perf_counter() - start) / calls[name])
        names.reverse()  # nobody always follows the same other
        rounds += 1
    return {name: np.array(t) for name, t in taken.items()}


def _arrays(result: Any) -> list[np.ndarray]:
    if isinstance(result, (tuple, list)):
        return [a for part in result for a in _arrays(part)]
    return [result.detach().numpy() if isinstance(result, torch.Tensor) else np.asarray(result)]


def gap(duel: Duel) -> float | None:
    """The largest difference between the results of both sides; None for a yardstick.

    Raises AssertionError when it is above the tolerance, or when shapes or the precision of numbers differ.
    """
    if duel.tolerance is None:
        return None
    largest, (ours, theirs) = 0.0, (_arrays(duel.ours()), _arrays(duel.theirs()))
    assert len(ours) == len(theirs), f"{duel.name}: {len(ours)} arrays and {len(theirs)}"
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape, f"{duel.name}: shapes {a.shape} and {b.shape}"
        assert a.dtype.kind != "f" or a.dtype == b.dtype, f"{duel.name}: {a.dtype} and {b.dtype}"
        assert np.isfinite(a).all() and np.isfinite(b).all(), f"{duel.name}: not finite"
        largest = max(largest, float(np.abs(a.astype(complex) - b).max(initial=0)))
    assert largest <= duel.tolerance, f"{duel.name}: differs by {largest:.1e} from {duel.rival}"
    return largest


def compare(duel: Duel, seconds: float) -> dict[str, Any]:
    """The row of a duel, after both sides were seen to give the same."""
    with one_thread():
        difference = gap(duel)
        taken = interleaved({"ours": duel.ours, "theirs": duel.theirs}, seconds)
    scale = PER_SECOND[duel.unit] / duel.count
    low, ratio, high = np.quantile(taken["theirs"] / taken["ours"], (0.25, 0.5, 0.75))
    return {
        "name": duel.name,
        "ours": float(np.median(taken["ours"]) * scale),
        "peer": float(np.median(taken["theirs"]) * scale),
        "ratio": float(ratio),
        "unit": duel.unit if duel.per == "call" else f"{duel.unit} per {duel.per}",
        "against": duel.rival,
        "ratio quartiles": [float(low), float(high)],
        "rounds": len(taken["ours"]),
        "largest difference": difference,
        "table": duel.table,
    }


def exponent(sizes: list[float], times: list[float]) -> float:
    """a of the best time = c size ** a, by least squares of log time on log size. Raises ValueError for one size."""
    if len(set(sizes)) < 2:
        raise ValueError(f"sizes = {sizes} is not allowed; it must hold two or more")
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def grow(growth: Growth, seconds: float) -> dict[str, Any]:
    """The row of a growth: the shortest time at each size, and the exponent fitted to them."""
    with one_thread():
        taken = interleaved({size: work for size, (work, _) in growth.works.items()}, seconds)
    sizes = list(growth.works)
    times = [float(taken[n].min() / growth.works[n][1] * PER_SECOND[growth.unit]) for n in sizes]
    return {
        "name": growth.name,
        "size": growth.size,
        "sizes": sizes,
        "times": times,
        "unit": growth.unit if growth.per == "call" else f"{growth.unit} per {growth.per}",
        "exponent": exponent(sizes, times),
        "expected": growth.expected,
    }


def peak_here(work: Work) -> float:
    """MiB that one call adds at its height to what this process held before, after one call to warm up. Linux only."""
    work()
    status = Path("/proc/self/status")

    def read(field: str) -> int:
        return int(next(line for line in status.read_text().splitlines() if line.startswith(field)).split()[1])

    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    before = read("VmRSS")
    work()
    return (read("VmHWM") - before) / 1024


def peak(module: str, function: str, *arguments: Any) -> float | None:
    """`peak_here` of what function(*arguments) returns, in a fresh process that gives memory back as soon as it can.

    None on systems that do not tell.
    """
    if not TELLS_PEAK:
        return None
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MKL_DISABLE_FAST_MM": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.timing", module, function, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.splitlines()[-1])


def weigh(memory: Memory) -> dict[str, Any]:
    """The row of a memory comparison."""
    ours, theirs = (peak(memory.module, *call) for call in (memory.ours, memory.theirs))
    ratio = theirs / ours if ours and theirs else None
    return {
        "name": memory.name, "ours": ours, "peer": theirs, "ratio": ratio, "unit": "MiB", "against": memory.rival,
    }  # fmt: skip


def machine() -> dict[str, Any]:
    """The kind of machine and the versions that matter; nothing that names this one."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    packages = (*"numpy scipy torch numba scikit-learn".split(), *PEER_PACKAGES, "plotly", "voila")
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "memory GiB": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: of(package) for package in packages},
    }


if __name__ == "__main__":
    with one_thread():
        print(peak_here(getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(*json.loads(sys.argv[3]))))
