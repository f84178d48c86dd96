"""Checks of what the two tails of a layer's spectrum say of the network."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once

from .experiments import RATES, gauge, ladder, training
from .spectrum import pareto_share

CONVERGENT = [rate for rate in RATES if rate <= 0.3]
SIZE = "network 64-192-192-10, 1000 digits, batches of 8, 10 epochs, 40 runs"


def _ladders(seeds: Seeds) -> list[xr.Dataset]:
    return [once(ladder, n_seeds=1, seed=seed).isel(repeat=0) for seed in seeds(40)]


@claim("Of networks that converge, weights alone say which reads new digits better: the lower α, the better", slow=True)
def weights_tell(seeds: Seeds) -> Evidence:
    ranks = []
    for frame in _ladders(seeds):
        some = frame.sel(rate=CONVERGENT)
        ranks.append(float(spearmanr(some.alpha, some.test).statistic))
    return Evidence(
        mean("Spearman's correlation of α and accuracy on new digits", ranks) <= -0.7,
        size=f"{SIZE}; η = {CONVERGENT[0]:g} to {CONVERGENT[-1]:g}",
    )


@claim(
    "The network that reads new digits best has power law and ERG cut at nearly the same place, and α near 2",
    slow=True,
)
def both_tails_meet(seeds: Seeds) -> Evidence:
    first, best, alpha = [], [], []
    for frame in _ladders(seeds):
        apart = np.log(np.maximum(frame.erg_n, 1) / frame.n)
        first.append(float(apart[0]))
        best.append(abs(float(apart[int(frame.test.values.argmax())])))
        alpha.append(float(frame.alpha[int(frame.test.values.argmax())]))
    exponent = mean("α of the best network", alpha)
    return Evidence(
        mean("ln(above the cut / in the power law) where little is learned", first) >= 1,
        mean("the same without sign, of the best network", best) <= 0.4,
        exponent >= 1.9,
        exponent <= 2.4,
        size=f"{SIZE}; the best of 8 learning rates",
    )


@claim(
    "With too large steps α falls below 2, the power law outgrows the cut, and new digits are read worse",
    slow=True,
)
def past_two(seeds: Seeds) -> Evidence:
    alpha, apart, worse = [], [], []
    for frame in _ladders(seeds):
        at = frame.sel(rate=0.6)
        alpha.append(float(at.alpha))
        apart.append(float(np.log(at.erg_n / at.n)))
        worse.append(float(frame.test.max() - at.test))
    return Evidence(
        mean("α", alpha) <= 1.95,
        mean("ln(above the cut / in the power law)", apart) <= 0,
        mean("accuracy on new digits lost against the best", worse) >= 0.05,
        size=f"{SIZE}; η = 0.6",
    )


@claim("The gauge is no test: a network that learned nothing with far too large steps has α near 2 as well", slow=True)
def a_torn_network_looks_well(seeds: Seeds) -> Evidence:
    rows = [frame.sel(rate=1.0) for frame in _ladders(seeds)]
    alpha = mean("α", [float(row.alpha) for row in rows])
    return Evidence(
        alpha >= 1.8,
        alpha <= 2.6,
        mean("accuracy on new digits", [float(row.test) for row in rows]) <= 0.2,
        size=f"{SIZE}; η = 1",
    )


@claim("All that the layer knows lies above the ERG cut, and most of that subspace is not needed", slow=True)
def the_cut_keeps_what_counts(seeds: Seeds) -> Evidence:
    rows = [frame.sel(rate=0.3) for frame in _ladders(seeds)]
    return Evidence(
        mean("accuracy on new digits lost without the rest", [float(r.test - r.test_erg) for r in rows]) <= 0.01,
        mean("accuracy on new digits with the rest alone", [float(r.test_rest) for r in rows]) <= 0.2,
        geometric("directions above the cut / directions that are enough", [float(r.erg_n / r.needed) for r in rows])
        >= 2,
        size=f"{SIZE}; η = 0.3",
    )


@claim(
    "Random labels learned by heart take α below 2, and new digits are lost; with clean labels it stays at 2",
    slow=True,
)
def labels_by_heart(seeds: Seeds) -> Evidence:
    clean, noisy, lost = [], [], []
    for seed in seeds(12):
        clean.append(float(once(training, seed=seed).alpha[-1]))
        frame = once(training, seed=seed, noise=0.3)
        noisy.append(float(frame.alpha[-1]))
        lost.append(float(frame.test.max() - frame.test[-5:].mean()))
    settled = mean("α after 30 epochs, clean labels", clean)
    return Evidence(
        settled >= 1.95,
        settled <= 2.2,
        mean("α after 30 epochs, 30 % random labels", noisy) <= 1.9,
        mean("accuracy on new digits lost since its best", lost) >= 0.05,
        size="network 64-192-192-10, 1000 digits, η = 0.3, batches of 8, 30 epochs, 12 runs",
    )


@claim("Before training no heavy tail is there: α is far above 2, and the cut takes most of the layer")
def a_random_layer_has_no_tail(seeds: Seeds) -> Evidence:
    frames = [once(training, seed=s, epochs=1, n_train=200).isel(epoch=0) for s in seeds(40)]
    return Evidence(
        geometric("α", [float(f.alpha) for f in frames]) >= 4,
        geometric("above the cut / in the power law", [float(f.erg_n / f.n) for f in frames]) >= 2,
        size="a layer 192-192 with independent entries, 40 draws",
    )


@claim("Of a pure power law the ERG cut takes the share e (1 - 1/a)^a, a = α - 1")
def the_cut_of_a_power_law(seeds: Seeds) -> Evidence:
    off, fitted = [], []
    for seed in seeds(40):
        for exponent in (4.0, 6.0):
            frame = once(gauge, seed=seed, source="power law", exponent=exponent, m=1000)
            off.append(float(frame.erg_n / 1000 / pareto_share(exponent)))
            fitted.append(float(frame.alpha / exponent))
    share, alpha = geometric("share above the cut / closed form", off), geometric("fitted α / true α", fitted)
    return Evidence(
        share >= 0.98,
        share <= 1.02,
        alpha >= 0.93,
        alpha <= 1.07,
        exact("smallest share / closed form of all", min(off)) >= 0.8,
        size="1000 eigenvalues, α = 4 and 6, 40 draws each",
    )
