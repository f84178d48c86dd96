"""The power law in a spectrum: likeliest exponent and best place to begin, beside the package that people take."""

from __future__ import annotations

import importlib.util
from functools import partial

import numpy as np

from labcore.data import digits_split
from labcore.generalization.setol import eigenvalues, power_law
from labcore.generalization.setol.sgd_training import train
from labcore.generalization.setol.spectrum import LEAST
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray


def drawn(m: int) -> Array:
    """m numbers from a power law with exponent 3, sorted."""
    return np.sort((1 - np.random.default_rng(0).random(m)) ** -0.5)


def layer(width: int, epochs: int) -> Array:
    """Eigenvalues of the middle layer of a network that has learned digits."""
    split = digits_split(500, 797, 0)
    *_, net = train(split, width, 0.3, 8, epochs, np.random.default_rng(0))
    return eigenvalues(net.middle)


def ours(lam: Array) -> Array:
    tail = power_law(lam)
    return np.array([tail.alpha, tail.start, tail.distance])


def by_powerlaw(lam: Array) -> Array:
    """The same search: tails of 10 numbers at least, and any exponent above 1, where its default ends at 3."""
    import powerlaw

    # it leaves out the end of a range, and the last place before it
    reach, exponents = (lam[0], lam[2 - LEAST]), {"alpha": [1, None]}
    found = powerlaw.Fit(lam, xmin=reach, parameter_ranges=exponents, verbose=0)
    return np.array([found.power_law.alpha, found.xmin, found.power_law.D])


def tails(quick: bool) -> list[Duel]:
    if not importlib.util.find_spec("powerlaw"):
        return []
    spectra = {
        "a layer trained on digits": layer(*(64, 1) if quick else (192, 10)),
        "a random matrix": eigenvalues(np.random.default_rng(1).normal(size=2 * (50 if quick else 192,))),
        "a power law": drawn(60 if quick else 1000),
    }
    return [
        Duel(
            f"power law in {len(lam)} eigenvalues of {name}",
            partial(ours, lam),
            "powerlaw",
            partial(by_powerlaw, lam),
            1e-9,
            table=name.startswith("a layer"),
        )
        for name, lam in spectra.items()
    ]


def over_eigenvalues(quick: bool) -> list[Growth]:
    sizes = (50, 100) if quick else (200, 400, 800, 1600)
    return [
        Growth("power law: scan of all beginnings", "eigenvalues", {m: (partial(ours, drawn(m)), 1) for m in sizes}, 2)
    ]


PEERS, GROWTH, MEMORY = (tails,), (over_eigenvalues,), ()
