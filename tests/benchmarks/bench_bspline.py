"""Speed and memory of a B-spline KAN layer, forward + backward, measured now. Nothing here is asserted.

    python -m tests.benchmarks.bench_bspline [--json]

float32, batch 1024, 64 -> 64, grid 8, cubic, two threads, beside
    dense basis  all G + k bases by the recursion on the whole array, then one matrix product (as efficient-kan does)
    pykan        its layer, if `import kan` works: pip install -e ".[benchmark]" pandas tqdm pyyaml matplotlib
    yardstick    one dense linear layer with (G + k + 1) times the inputs: the matrix product alone
All contenders take turns in one run, so that their ratios survive a busy machine. Peak memory is that of one step in a
fresh process above what it held before, where the system tells (Linux).
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from labcore.primitives.kan import KANLayer
from labcore.primitives.kan_peers import DenseBasisLayer

BATCH, INPUTS, OUTPUTS, DEGREE = 1024, 64, 64, 3
GRIDS, ROUNDS, REPEATS = (8, 16, 32, 64), 8, 5


def step(name: str, grid: int) -> Callable[[], Tensor]:
    """One forward and backward of a contender; returns its output."""
    draw = torch.Generator().manual_seed(0)
    ours = KANLayer(INPUTS, OUTPUTS, grid, DEGREE, [draw])
    x = (2 * torch.rand(BATCH, INPUTS, generator=draw) - 1).requires_grad_()
    upstream = torch.randn(BATCH, OUTPUTS, generator=draw)
    if name == "ours":
        layer = lambda x: ours(x[:, None])[:, 0]  # noqa: E731
    elif name == "dense basis":
        layer = DenseBasisLayer(ours)
    elif name == "pykan":
        from kan.KANLayer import KANLayer as PyKANLayer

        theirs = PyKANLayer(INPUTS, OUTPUTS, num=grid, k=DEGREE)
        layer = lambda x: theirs(x)[0]  # noqa: E731
    else:
        wide = INPUTS * (grid + DEGREE + 1)
        layer, x = nn.Linear(wide, OUTPUTS), torch.randn(BATCH, wide, generator=draw).requires_grad_()

    held = [x, *(layer.parameters() if isinstance(layer, nn.Module) else ours.parameters())]
    if name == "pykan":
        held += list(theirs.parameters())

    def run() -> Tensor:
        y = layer(x)
        y.backward(upstream)
        for tensor in held:  # the next step begins with no gradient, as in training
            tensor.grad = None
        return y.detach()

    return run


def contenders() -> list[str]:
    """pykan only where it is installed."""
    return ["ours", "dense basis", *(["pykan"] if importlib.util.find_spec("kan") else []), "yardstick"]


def milliseconds(steps: dict) -> dict:
    """Shortest and middle time of each step in ms; they take turns."""
    taken: dict = {name: [] for name in steps}
    for run in steps.values():
        run()
    for _ in range(ROUNDS):
        for name, run in steps.items():
            for _ in range(REPEATS):
                start = time.perf_counter()
                run()
                taken[name].append(1e3 * (time.perf_counter() - start))
    return {name: (min(t), float(np.median(t))) for name, t in taken.items()}


def peak_here(name: str, grid: int) -> float:
    """MiB that one step adds at its height to what this process held before, after one step to warm up."""
    run, status = step(name, grid), Path("/proc/self/status")
    run()

    def read(field: str) -> int:
        return int(next(line for line in status.read_text().splitlines() if line.startswith(field)).split()[1])

    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts again from here
    before = read("VmRSS")
    run()
    return (read("VmHWM") - before) / 1024


def peak(name: str, grid: int) -> float | None:
    """`peak_here` in a fresh process that gives memory back as soon as it is freed; None where it cannot be told."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MKL_DISABLE_FAST_MM": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.bench_bspline", "--peak", name, str(grid)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None


def measure() -> dict:
    """All numbers of the tables."""
    names = contenders()
    table = milliseconds({name: step(name, GRIDS[0]) for name in names})
    grids = {(name, g): step(name, g) for name in names if name != "yardstick" for g in GRIDS}
    growth = milliseconds(grids)
    gap = (step("ours", GRIDS[0])() - step("dense basis", GRIDS[0])()).abs().max()
    return {
        "threads": torch.get_num_threads(),
        "largest difference from dense basis": float(gap),
        "ms": {name: {"best": best, "median": middle} for name, (best, middle) in table.items()},
        "times the yardstick": {name: best / table["yardstick"][0] for name, (best, _) in table.items()},
        "peak MiB": {name: peak(name, GRIDS[0]) for name in names},
        "growth": {
            name: {str(g): {"best ms": growth[name, g][0], "peak MiB": peak(name, g)} for g in GRIDS}
            for name in names
            if name != "yardstick"
        },
    }


def main() -> None:
    """Measure everything and print it, as tables or as one JSON object."""
    torch.set_num_threads(2)
    if "--peak" in sys.argv:
        at = sys.argv.index("--peak")
        print(peak_here(sys.argv[at + 1], int(sys.argv[at + 2])))
        return
    numbers = measure()
    if "--json" in sys.argv:
        print(json.dumps(numbers))
        return

    def shown(mib: float | None) -> str:
        return f"{mib:8.1f}" if mib is not None else "       -"

    print(f"batch {BATCH}, {INPUTS} -> {OUTPUTS}, grid {GRIDS[0]}, k = {DEGREE}, {numbers['threads']} threads")
    print(f"{'':14s}{'best ms':>9s}{'median':>9s}{'x yardstick':>13s}{'peak MiB':>10s}")
    for name, t in numbers["ms"].items():
        ratio, mib = numbers["times the yardstick"][name], shown(numbers["peak MiB"][name])
        print(f"{name:14s}{t['best']:9.2f}{t['median']:9.2f}{ratio:13.2f}{mib:>10s}")
    print(f"largest difference of outputs, ours and dense basis: {numbers['largest difference from dense basis']:.1e}")
    print("\ngrid " + "".join(f"{g:>18d}" for g in GRIDS) + "   (best ms, peak MiB)")
    for name, row in numbers["growth"].items():
        print(f"{name:14s}" + "".join(f"{c['best ms']:9.2f}{shown(c['peak MiB'])} " for c in row.values()))


if __name__ == "__main__":
    main()
