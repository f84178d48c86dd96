"""What the paper says of attacks on spiking networks, as checks."""

from __future__ import annotations

import numpy as np

from labcore.claims import Evidence, Seeds, claim, geometric, mean, once, share

from .experiments import membrane, needed

GAINS = 1.0, 4.0, 12.0
FIXED = dict(rectangle=1.0, triangle=1.0, sigmoid=1.0, atan=1.0)
SIZE = "3 hidden layers of 64, 4 time steps, 150 digits, changes of 0.12"


def _worst(seed: int) -> tuple[float, float]:
    """Success at the scale where it is least: of the fitted slope, and of the best of the fixed ones."""
    found = np.array(
        [[once(membrane, gain=g, kind=k, width=w, seed=seed).success.values for k, w in FIXED.items()] for g in GAINS]
    )
    return float(found[:, 0, 1].min()), float(found[..., 0].min(0).max())


@claim(
    "Over victims of three scales, the worst of a fitted slope is better than the worst of each common slope", slow=True
)
def adapts(seeds: Seeds) -> Evidence:
    runs = [_worst(s) for s in seeds(10)]
    return Evidence(
        mean("worst success, fitted - best of the fixed ones", [a - b for a, b in runs]) >= 0.1,
        mean("worst success, fitted", [a for a, _ in runs]) >= 0.5,
        size=SIZE,
    )


@claim(
    "A fitted slope beats every fixed one by three points on each victim",
    expected="not reproduced",
    reason="On a victim whose potentials have the spread for which a fixed slope was made, that one is as good or "
    "better: an arctangent at scale 1, a bell of width 1 at scale 4. Fitting is what saves it elsewhere.",
    slow=True,
)
def best_everywhere(seeds: Seeds) -> Evidence:
    runs = [once(membrane, gain=4.0, kind="gauss", width=1.0, seed=s).success.values for s in seeds(8)]
    return Evidence(
        mean("success at scale 4, fitted - bell of width 1", [f[1] - f[0] for f in runs]) >= 0.03, size=SIZE
    )


@claim("A victim that a narrow slope cannot break is no more robust: one that is fitted breaks it")
def hidden_not_robust(seeds: Seeds) -> Evidence:
    runs = [once(membrane, gain=12.0, kind="rectangle", width=1.0, seed=s) for s in seeds(5)]
    return Evidence(
        mean("wrong, rectangle of width 1", [float(f.success[0]) for f in runs]) <= 0.3,
        mean("wrong, fitted", [float(f.success[1]) for f in runs]) >= 0.5,
        size=SIZE,
    )


EVENTS = "2 hidden layers of 64, 512 events a digit, 24 digits of each of 4 networks"


def _needed(seeds: Seeds) -> list:
    return [once(needed, seed=s) for s in seeds(4)]


@claim("A few flipped events are enough, several times fewer than by chance", slow=True)
def few(seeds: Seeds) -> Evidence:
    runs = _needed(seeds)
    ratio = np.concatenate([(f.flips[2] / f.flips[0]).values for f in runs])
    return Evidence(
        share("made wrong", np.concatenate([f.wrong[0].values for f in runs]) > 0) >= 0.9,
        mean("flips that are enough", np.concatenate([f.flips[0].values for f in runs])) <= 20.5,
        geometric("flips by chance / flips that are enough", ratio) >= 5,
        size=EVENTS,
    )


@claim("At least a quarter of the flips found can be taken back", slow=True)
def taken_back(seeds: Seeds) -> Evidence:
    back = np.concatenate([(1 - f.flips[0] / f.found[0]).values for f in _needed(seeds)])
    return Evidence(mean("share taken back", back) >= 0.25, size=EVENTS)


@claim(
    "Trying each flip by a forward pass makes the attack sparser by a quarter",
    expected="not reproduced",
    reason="The gradient of a fitted slope already ranks flips well, and flips that do little are taken back in the "
    "end by either attacker. It saves about one flip in twenty, for four times the forward passes.",
    slow=True,
)
def checking_helps(seeds: Seeds) -> Evidence:
    runs = _needed(seeds)
    ratio = np.concatenate([(f.flips[0] / f.flips[1]).values for f in runs])
    cost = np.concatenate([(f.passes[0] / f.passes[1]).values for f in runs])
    return Evidence(
        geometric("flips, checked / unchecked", ratio) <= 0.75,
        geometric("forward passes, checked / unchecked", cost) >= 1,
        size=EVENTS,
    )
