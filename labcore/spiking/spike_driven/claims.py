"""What the paper says of networks that only add, as checks."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, once, share

from .experiments import fold, learn, pipe

SIZE = "16 channels, 2 time steps, 200 training steps, 300 new digits, 8 networks"


def _trained(seeds: Seeds, **values) -> xr.Dataset:
    runs = [once(learn, n_seeds=4, seed=s, **values) for s in seeds(2)]
    return xr.concat(runs, "repeat", data_vars="minimal", coords="minimal", compat="override").isel(batch=-1)


@claim("Behind the first layer, all weights meet spikes only, whatever the weights, the thresholds and the time steps")
def spikes_only(seeds: Seeds) -> Evidence:
    frames = [once(pipe, threshold=t, steps=n, seed=s) for s in seeds(5) for t, n in ((1, 2), (0.25, 1), (0.5, 4))]
    return Evidence(
        exact("layers with inputs other than 0 and 1", max(int((f.analog[1:] > 0).sum()) for f in frames)) <= 0,
        exact("products behind the first layer", max(float(f.products[1:].sum()) for f in frames)) <= 0,
        size="16 channels, weights as drawn, 64 digits, 5 networks in 3 settings",
    )


@claim("Shortcuts that add spikes to spikes bring other numbers to weights, in at least 9 of 10 networks", slow=True)
def spikes_added(seeds: Seeds) -> Evidence:
    frames = [once(pipe, shortcut="spikes", seed=s) for s in seeds(60)]
    return Evidence(
        share("networks with a layer of products", [float(f.products[1:].sum()) > 0 for f in frames]) >= 0.9,
        mean("share of operations that are products", [_products(f) for f in frames]) >= 0.5,
        size="16 channels, weights as drawn, 64 digits, 60 networks",
    )


def _products(frame: xr.Dataset) -> float:
    products, additions = (float(frame[name][1:].sum()) for name in ("products", "additions"))
    return products / (products + additions)


@claim("A trained convolution of five parts is one 3x3 convolution, also at its border, where zeros would change it")
def folded(seeds: Seeds) -> Evidence:
    right, wrong = ([once(fold, beyond=b, seed=s) for s in seeds(20)] for b in ("norm", "zeros"))
    return Evidence(
        exact("largest difference", max(float(f.apart.max()) for f in right)) <= 1e-10,
        exact("largest difference inside, with zeros", max(float(f.inside) for f in wrong)) <= 1e-10,
        geometric("difference on the border, with zeros", [float(f.border) for f in wrong]) >= 0.1,
        size="8 channels, 8 x 8 places, float64, 20 convolutions",
    )


@claim("Spikes take at most two fifths of the energy of the same network with numbers of as many bits", slow=True)
def energy(seeds: Seeds) -> Evidence:
    frame = _trained(seeds)
    return Evidence(
        geometric("energy, spikes / numbers", (frame.energy[0] / frame.energy[1]).values) <= 0.4,
        geometric("the same without memory", (frame.arithmetic[0] / frame.arithmetic[1]).values) <= 0.2,
        size=SIZE,
    )


@claim("Spikes read at most 6 points fewer digits than numbers of as many bits", slow=True)
def accuracy(seeds: Seeds) -> Evidence:
    right = _trained(seeds).accuracy
    return Evidence(mean("right, numbers - spikes", (right[1] - right[0]).values) <= 0.06, size=SIZE)


@claim(
    "Attention reads 5 points more digits than as many weights without it",
    expected="not reproduced",
    reason="With it and without it the means differ by 2 points at most, now this way and now that. A digit has 16 "
    "places, and convolutions have mixed them before attention comes.",
    slow=True,
)
def attention(seeds: Seeds) -> Evidence:
    with_it, without = (_trained(seeds, attention=a).accuracy[0].values for a in ("SDSA-3", "none"))
    return Evidence(mean("right, attention - none", with_it - without) >= 0.05, size=SIZE)


@claim("Potentials added to potentials read at least 2 points more digits than spikes added to potentials", slow=True)
def shortcuts(seeds: Seeds) -> Evidence:
    with_it, without = (_trained(seeds, shortcut=s).accuracy[0].values for s in ("membrane", "vanilla"))
    return Evidence(mean("right, membrane - vanilla", with_it - without) >= 0.02, size=SIZE)
