"""Speed of the spectral engine against scikit-learn, and of the two-layer kernel against torch, measured now.

    python -m tests.benchmarks.bench_spectral [--json]

Both sides do the same work and must give the same numbers. Best of three runs (one of scikit-learn, whose path takes
seconds). Set OMP_NUM_THREADS=1 for one thread on both sides.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge

from labcore.generalization.double_descent import RATIOS
from labcore.primitives import feature_regression as problems
from labcore.primitives import spectral, two_layer
from labcore.primitives.spectral_bank import bank, evaluate

N, SEEDS, LAMBDAS = 200, 5, np.geomspace(1e-6, 10, 60)


def best(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """Shortest of `times` runs, in seconds, and the last result."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def ridge_path() -> dict[str, float]:
    """Test error of 13 widths x 5 seeds x 60 ridge values on digits: one SVD a problem, against one solve a value."""
    cells = tuple((N, max(1, round(r * N))) for r in RATIOS)
    inputs, targets = [], []
    for seed in range(SEEDS):
        source = problems.draw("digits", cells, "relu", (0, seed))
        inputs.append([problems.cell(source, n, p, "raw")[:2] for n, p in cells])
        targets.append(problems.noisy(source.labels, source.clean, 0.15, (0, seed)))

    def decompose() -> list:
        return [bank([spectral.spectral_fit(z, test) for z, test in row]) for row in inputs]

    def sweep(banks: list) -> np.ndarray:
        return np.array([evaluate(b, y, spectral.ridge(b.s, LAMBDAS[:, None], N)).test for b, y in zip(banks, targets)])

    def theirs() -> np.ndarray:
        out = np.empty((SEEDS, len(LAMBDAS), len(cells)))
        for i, (row, y) in enumerate(zip(inputs, targets)):
            for j, (z, (ze, ye)) in enumerate(row):
                for k, lam in enumerate(LAMBDAS):
                    w = Ridge(alpha=N * lam, fit_intercept=False).fit(z, y).coef_.T
                    out[i, k, j] = np.mean((ze @ w - ye) ** 2)
        return out

    sweep(decompose())
    svd, banks = best(decompose)
    path, ours = best(lambda: sweep(banks))
    sklearn, reference = best(theirs, 1)
    gap = float(np.abs(ours - reference).max())
    assert gap < 1e-6, f"test errors differ by {gap}"
    return {
        "decompose_s": svd,
        "sweep_s": path,
        "sklearn_s": sklearn,
        "speedup_with_svd": sklearn / (svd + path),
        "speedup_svd_cached": sklearn / path,
        "largest_difference": gap,
    }


def two_layer_steps(h: int, n: int = 100, d: int = 10, steps: int = 1000) -> dict[str, float]:
    """Full-batch Adam updates a second of one network in float64: the kernel, and autograd with torch.optim."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)), rng.standard_normal(n)

    def ours() -> np.ndarray:
        net = two_layer.two_layer(h, d, np.random.default_rng(1))
        two_layer.train(net, x, y, steps, 0.02, "adam")
        return net.theta

    def theirs() -> np.ndarray:
        theta = torch.tensor(two_layer.two_layer(h, d, np.random.default_rng(1)).theta, requires_grad=True)
        xt, yt, optimizer = torch.tensor(x), torch.tensor(y), torch.optim.Adam([theta], 0.02)
        for _ in range(steps):
            optimizer.zero_grad()
            (((torch.relu(xt @ theta[:-2] + theta[-2]) @ theta[-1] - yt) ** 2).mean() / 2).backward()
            optimizer.step()
        return theta.detach().numpy()

    ours()
    kernel, a = best(ours)
    autograd, b = best(theirs)  # the first of three runs warms torch up
    return {
        f"h{h}_kernel_steps_per_s": steps / kernel,
        f"h{h}_torch_steps_per_s": steps / autograd,
        f"h{h}_speedup": autograd / kernel,
        f"h{h}_largest_difference": float(np.abs(a - b).max()),
    }


def main() -> None:
    """Measure everything and print it, as a table or as one JSON object."""
    numbers = ridge_path()
    for h in (4, 10, 80):
        numbers |= two_layer_steps(h)
    if "--json" in sys.argv[1:]:
        print(json.dumps(numbers))
        return
    for name, value in numbers.items():
        print(f"{name:28s} {value:12.4g}")


if __name__ == "__main__":
    main()
