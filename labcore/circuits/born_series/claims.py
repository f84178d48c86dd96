"""What two networks learn of the Born series, and that diagrams add up, as checks."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, Seeds, claim, exact, geometric, once

from .experiments import diagrams, iterations


def _runs(seeds: Seeds) -> xr.Dataset:
    runs = [once(iterations, seed=seed) for seed in seeds(8)]
    return xr.concat([f[["gradient_error", "hessian_error"]] for f in runs], "seed").isel(time=-1)


@claim("The gradient of a network trained on the scattering length is the first Born order", slow=True)
def first_iteration_learns_the_first_order(seeds: Seeds) -> Evidence:
    off = _runs(seeds).gradient_error[:, 0].values
    return Evidence(geometric("|g - a1| / |a1|", off) <= 0.02, size="8 networks", also={"worst network": off.max()})


@claim("Its Hessian is wrong; trained on what the first order leaves, a second network has the right one", slow=True)
def second_iteration_learns_the_second_order(seeds: Seeds) -> Evidence:
    frame = _runs(seeds)
    before, after = frame.hessian_error.values.T
    return Evidence(
        geometric("Hessian error after", after) <= 0.12,
        geometric("Hessian error after / before", after / before) <= 0.5,
        geometric("gradient of network 2 / |a1|", frame.gradient_error.values[:, 1]) <= 0.03,
        size="8 networks",
        also={"worst after": after.max(), "best before": before.min()},
    )


@claim("The diagrams add up to the derivative, in a trained network and at every order")
def diagrams_are_exact(seeds: Seeds) -> Evidence:
    settings = dict(seed=seeds.first, width=12, depth=0.3, legs="one bin")
    frames = [once(diagrams, order=order, **settings) for order in range(1, 5)]
    worst = max(abs(float(f.contribution.sum()) - f.exact) / abs(f.exact) for f in frames)
    return Evidence(exact("relative gap to nested jacfwd", worst) <= 1e-10, size="orders 1 to 4, 12 neurons")
