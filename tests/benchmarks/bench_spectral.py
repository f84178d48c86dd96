"""Regression: spectral filters and compiled training loops, beside scikit-learn, SciPy and torch."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import brentq
from sklearn.linear_model import Ridge

from labcore.generalization.double_descent import feature_regression as problems
from labcore.generalization.double_descent import linear_sgd, two_layer
from labcore.generalization.double_descent.nested_widths import decompose
from labcore.generalization.double_descent.spectral_bank import bank, evaluate
from labcore.generalization.double_descent.widths import RATIOS
from labcore.primitives.regression import spectral
from labcore.primitives.regression.deterministic_equivalent import det_equiv
from tests.benchmarks.timing import Duel, Growth, Work

N = 200


def ridge_path(quick: bool) -> list[Duel]:
    """Test errors of several widths and ridge values on digits: decomposed once a width, against a solve a value."""
    ratios, lambdas = (RATIOS[::4], np.geomspace(1e-6, 10, 6)) if quick else (RATIOS, np.geomspace(1e-6, 10, 60))
    cells = tuple((N, max(1, round(r * N))) for r in ratios)
    source = problems.draw("digits", cells, "relu", (0, 0))
    inputs = [problems.cell(source, n, p, "raw")[:2] for n, p in cells]
    y = problems.noisy(source.labels, source.clean, 0.15, (0, 0))

    def sweep(known):
        return evaluate(known, y, spectral.ridge(known.s, lambdas[:, None], N)).test

    def theirs() -> np.ndarray:
        out = np.empty((len(lambdas), len(cells)))
        for j, (z, (ze, ye)) in enumerate(inputs):
            for k, lam in enumerate(lambdas):
                w = Ridge(alpha=N * lam, fit_intercept=False).fit(z, y).coef_.T
                out[k, j] = np.mean((ze @ w - ye) ** 2)
        return out

    given = [(z, test, None) for z, test in inputs]
    known = bank(decompose(given))
    what = f"ridge regression, {len(cells)} widths x {len(lambdas)} ridge values"
    rival = "scikit-learn Ridge in a loop"
    return [
        Duel(f"{what}, SVDs known", lambda: sweep(known), rival, theirs, 1e-6, table=True),
        Duel(f"{what}, SVDs included", lambda: sweep(bank(decompose(given))), rival, theirs, 1e-6, table=True),
    ]


def two_layer_work(h: int, steps: int, n: int = 100, d: int = 10) -> tuple[Work, Work]:
    """Full-batch Adam of one network in float64: the kernel, and autograd with torch.optim."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)), rng.standard_normal(n)

    def ours() -> np.ndarray:
        net = two_layer.two_layer(h, d, np.random.default_rng(1))
        two_layer.train(net, x, y, steps, 0.02, "adam")
        return net.theta

    def theirs() -> torch.Tensor:
        theta = torch.tensor(two_layer.two_layer(h, d, np.random.default_rng(1)).theta, requires_grad=True)
        xt, yt, optimizer = torch.tensor(x), torch.tensor(y), torch.optim.Adam([theta], 0.02)
        for _ in range(steps):
            optimizer.zero_grad()
            (((torch.relu(xt @ theta[:-2] + theta[-2]) @ theta[-1] - yt) ** 2).mean() / 2).backward()
            optimizer.step()
        return theta

    return ours, theirs


def two_layer_adam(quick: bool) -> list[Duel]:
    steps, rows = 50 if quick else 300, []
    for h in (10,) if quick else (10, 80):
        ours, theirs = two_layer_work(h, steps)
        name = f"two-layer network, {h} hidden units, Adam"
        rows.append(Duel(name, ours, "torch autograd + Adam", theirs, 1e-6, "us", "step", steps, table=h == 10))
    return rows


def linear_work(p: int, passes: int, n: int = 200, c: int = 10, batch: int = 20) -> tuple[Work, Work]:
    """Minibatch descent on a linear model in float64: the kernel, and a loop with torch.optim.SGD."""
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((n, p)) / np.sqrt(p), rng.standard_normal((n, c))
    order = np.array([rng.permutation(n) for _ in range(passes)])

    def ours() -> np.ndarray:
        state = linear_sgd.linear_state(np.zeros((p, c)))
        linear_sgd.sgd_linear(state, z, y, order, batch, 0.1)
        return state.w

    def theirs() -> torch.Tensor:
        w, zt, yt = torch.zeros(p, c, dtype=torch.float64, requires_grad=True), torch.tensor(z), torch.tensor(y)
        optimizer = torch.optim.SGD([w], 0.1)
        for rows in torch.tensor(order).view(-1, batch):
            optimizer.zero_grad()
            (((zt[rows] @ w - yt[rows]) ** 2).sum() / (2 * batch)).backward()
            optimizer.step()
        return w

    return ours, theirs


def linear_descent(quick: bool) -> list[Duel]:
    ours, theirs = linear_work(100, passes := 2 if quick else 20)
    what = "linear model 100 to 10, batches of 20"
    return [Duel(what, ours, "torch autograd + SGD", theirs, 1e-10, "us", "step", 10 * passes)]


def implicit_ridge(quick: bool) -> list[Duel]:
    """The root that replaces the randomness of a large regression, for many ridge values."""
    p, n = 400, 200
    ev, lambdas = 1 / np.arange(1, p + 1), np.geomspace(1e-4, 10, 6 if quick else 60)

    def theirs() -> np.ndarray:
        def left(k: float, lam: float) -> float:
            return np.sum(ev / (ev + k)) + n * lam / k - n

        return np.array([brentq(left, 1e-12, lam + ev.sum() / n, args=(lam,), xtol=1e-15) for lam in lambdas])

    what = f"implicit ridge, {p} features, {len(lambdas)} ridge values"
    return [
        Duel(what, lambda: det_equiv(ev, np.ones(p), 0, n, lambdas, 1.0).kappa, "SciPy brentq in a loop", theirs, 1e-9)
    ]


def growth(quick: bool) -> list[Growth]:
    rng = np.random.default_rng(0)
    sizes = (50, 100, 200) if quick else (100, 200, 400, 800, 1600)

    def problem(n: int) -> tuple:
        z = rng.standard_normal((n, n))
        return z, (rng.standard_normal((20, n)), rng.standard_normal((20, 1))), rng.standard_normal((n, 1))

    drawn = {n: problem(n) for n in sizes}
    fits = {n: (lambda z=z, test=test: spectral.spectral_fit(z, test), 1) for n, (z, test, _) in drawn.items()}
    lambdas, filters = np.geomspace(1e-6, 1, 60)[:, None], {}
    for n, (z, test, y) in drawn.items():
        known = bank([spectral.spectral_fit(z, test)])
        filters[n] = (lambda b=known, y=y, n=n: evaluate(b, y, spectral.ridge(b.s, lambdas, n))), 1
    widths, steps = (10, 40, 160) if quick else (40, 80, 160, 320, 640), 20
    hidden = {h: (two_layer_work(h, steps)[0], steps) for h in widths}
    features = {p: (linear_work(p, 2)[0], 20) for p in ((10, 40, 160) if quick else (80, 320, 1280, 5120))}
    lams, spectra = np.geomspace(1e-3, 1, 10), {}
    for p in (100, 400, 1600) if quick else (100, 400, 1600, 6400):
        ev = 1 / np.arange(1, p + 1)
        spectra[p] = (lambda ev=ev: det_equiv(ev, ev, 0, 50, lams, 1.0)), 1
    return [
        Growth("spectral fit: one thin SVD", "samples = features", fits, 3, "ms"),
        Growth("60 ridge filters, SVD known", "modes", filters, 2),
        Growth("two-layer network, step of Adam", "hidden units", hidden, 1, per="step"),
        Growth("linear model, step of descent", "features", features, 1, per="step"),
        Growth("implicit ridge, 10 ridge values", "features", spectra, 1),
    ]


PEERS = (ridge_path, two_layer_adam, linear_descent, implicit_ridge)
GROWTH = (growth,)
MEMORY = ()
