"""Checks of what the paper on self-normalising networks says."""

from __future__ import annotations

import numpy as np
import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, mean, once, repeats

from .deep import RIVALS
from .experiments import dropout, plane, rectangle, training

RANDOM = "weights N(0, 1/width), no bias"


@claim("(0, 1) is a fixed point of the map of mean and variance, and small steps away from it shrink")
def a_fixed_point(seeds: Seeds) -> Evidence:
    frame = once(rectangle, omega=0.0, tau=1.0, width=16, seed=seeds.first)
    return Evidence(
        exact("distance of g(0, 1) from (0, 1)", float(frame.off)) <= 1e-12,
        exact("spectral norm of g's Jacobian there", float(frame.shrinks)) <= 0.79,
        size="ω = 0, τ = 1",
    )


@claim("For |ω| <= 0.1 and τ from 0.95 to 1.1 the rectangle |μ| <= 0.1, 0.8 <= ν <= 1.5 is mapped into itself")
def the_rectangle(seeds: Seeds) -> Evidence:
    frames = [
        once(rectangle, omega=float(o), tau=float(t), width=16, seed=seeds.first)
        for o in np.linspace(-0.1, 0.1, 5)
        for t in np.linspace(0.95, 1.1, 5)
    ]
    variance = [f.image_variance for f in frames]
    return Evidence(
        exact("largest |mean|", max(float(abs(f.image_mean).max()) for f in frames)) <= 0.1,
        exact("smallest variance", min(float(v.min()) for v in variance)) >= 0.8,
        exact("largest variance", max(float(v.max()) for v in variance)) <= 1.5,
        size="80 places on the border, 25 pairs of ω and τ",
    )


@claim("Few units of a random layer have weights as the theorem asks, and a wider layer does not change that")
def few_units(seeds: Seeds) -> Evidence:
    narrow, wide = ([float(once(rectangle, width=n, seed=s).inside) for s in seeds(16)] for n in (256, 4096))
    return Evidence(
        mean("share of units, width 256", narrow) <= 0.1,
        mean("share of units, width 4096", wide) <= 0.1,
        size=f"{RANDOM}; 256 and 1000 units, 16 layers each",
    )


def _ends(seeds: Seeds, n: int, **values: float) -> list[xr.Dataset]:
    return [once(plane, seed=s, **values).isel(layer=-1) for s in seeds(n)]


@claim("32 layers bring mean 0.5 and variance 2 near 0 and 1; with He's ReLU chance decides what is left")
def a_deep_network(seeds: Seeds) -> Evidence:
    ours, relu = _ends(seeds, 20, inputs=50), _ends(seeds, 40, inputs=50, lam=float(np.sqrt(2)), alpha=0.0)
    drift = [abs(np.log(float(f["variance"] + f["mean"] ** 2) / 2.25)) for f in relu]
    return Evidence(
        mean("|mean|", [abs(float(f["mean"])) for f in ours]) <= 0.1,
        mean("|ln variance|", [abs(np.log(float(f["variance"]))) for f in ours]) <= 0.15,
        mean("|ln change of the mean square|, ReLU", drift) >= 0.2,
        size=f"width 256, {RANDOM}, 50 inputs, 20 networks, 40 of ReLU",
    )


@claim("From variance 4, layer by layer, a network goes where the map of wide layers leads")
def the_map_is_right(seeds: Seeds) -> Evidence:
    runs = [once(plane, mu=0.5, nu=4.0, depth=8, width=512, seed=s) for s in seeds(16)]
    off = {name: [float(abs(f[name] - f[f"map_{name}"]).max()) for f in runs] for name in ("mean", "variance")}
    return Evidence(
        mean("largest difference of the mean", off["mean"]) <= 0.05,
        mean("largest difference of the variance", off["variance"]) <= 0.2,
        size=f"8 layers of 512 units, {RANDOM}, 200 inputs, 16 networks",
    )


@claim("Signals come to rest for λ² < 2 < λ² (1 + α²); below they die out, above they grow without end")
def where_constants_lead(seeds: Seeds) -> Evidence:
    rest, dies, grows = (
        [float(f["variance"]) for f in _ends(seeds, 12, depth=64, width=128, lam=lam, alpha=alpha)]
        for lam, alpha in ((1.2, 1.5), (1.0, 0.7), (1.6, 1.0))
    )
    expected = float(once(plane, lam=1.2, alpha=1.5, depth=1, width=16, seed=seeds.first).rest[1])
    return Evidence(
        mean(
            "|ln variance over that of the map's attractor|, λ = 1.2, α = 1.5", np.abs(np.log(rest) - np.log(expected))
        )
        <= 0.4,
        mean("ln variance, λ = 1, α = 0.7", np.log(dies)) <= -4,
        mean("ln variance, λ = 1.6, α = 1", np.log(grows)) >= 8,
        size=f"64 layers of 128 units, {RANDOM}, 12 networks each",
    )


@claim("Alpha dropout keeps mean and variance; ordinary dropout does not, and deep networks rest at another variance")
def alpha_dropout_keeps_both(seeds: Seeds) -> Evidence:
    once_dropped = [once(dropout, depth=1, inputs=1000, seed=s) for s in seeds(12)]
    deep = [once(dropout, depth=16, seed=s).isel(layer=-1) for s in seeds(12)]

    def change(name: str, kind: str) -> np.ndarray:
        found = [f[name].isel(layer=0) for f in once_dropped]
        return np.abs([float(v.sel(kind=kind) - v.sel(kind="no dropout")) for v in found])

    return Evidence(
        mean("change of the mean, alpha dropout", change("mean", "alpha dropout")) <= 0.02,
        mean("change of the variance, alpha dropout", change("variance", "alpha dropout")) <= 0.03,
        mean("change of the variance, ordinary dropout", change("variance", "ordinary dropout")) >= 0.1,
        mean("variance after 16 layers, ordinary dropout", [float(f["variance"][2]) for f in deep]) >= 2,
        size="20 % dropped, width 256, 12 networks",
    )


@claim("Without normalising anything, 16 layers learn the digits faster with SELU than with ReLU")
def deep_networks_learn(seeds: Seeds) -> Evidence:
    frame = once(training, steps=100, n_seeds=8, seed=seeds.first).isel(step=-1).accuracy
    return Evidence(
        mean("accuracy with SELU - with ReLU", frame.sel(rival="SELU") - frame.sel(rival="ReLU")) >= 0.05,
        size="width 64, learning rate 0.01, 100 steps, 8 networks each",
        also={"ReLU with batch normalisation": float(frame.sel(rival="batch-normalised ReLU").mean())},
    )


@claim(
    "Each at its best learning rate, 16 layers of SELU name more digits than ReLU, and no more than batch-normalised "
    "ReLU by 0.05",
    slow=True,
)
def each_at_its_best(seeds: Seeds) -> Evidence:
    rates = (0.03, 0.1, 0.3)
    runs = [repeats(training, seeds, 20, rate=r).accuracy.isel(step=-1) for r in rates]
    ours, relu, normed = (max((f.sel(rival=name) for f in runs), key=lambda a: float(a.mean())) for name in RIVALS)
    return Evidence(
        mean("accuracy with SELU - with ReLU", ours - relu) >= 0.02,
        mean("accuracy with SELU - with ReLU and batch normalisation", ours - normed) <= 0.05,
        size="width 64, 300 steps, the best of the learning rates 0.03, 0.1 and 0.3, 20 networks each",
        also={"SELU": ours.mean(), "ReLU": relu.mean(), "ReLU with batch normalisation": normed.mean()},
    )
