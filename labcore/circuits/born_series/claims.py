"""What two networks learn of the Born series, and that diagrams add up, as checks."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import diagrams, iterations


def _seeds() -> xr.Dataset:
    runs = [once(iterations, seed=seed) for seed in range(3)]
    return xr.concat([f[["gradient_error", "hessian_error"]] for f in runs], "seed").isel(time=-1)


@claim("The gradient of a network trained on the scattering length is the first Born order")
def first_iteration_learns_the_first_order(budget: Budget) -> Evidence:
    off = float(_seeds().gradient_error[:, 0].max())
    return Evidence({"worst gradient error": off}, "|g - a1| <= 0.02 |a1| for each of 3 seeds", off <= 0.02, n_seeds=3)


@claim("Its Hessian is wrong; trained on what the first order leaves, a second network has the right one")
def second_iteration_learns_the_second_order(budget: Budget) -> Evidence:
    frame = _seeds()
    before, after = frame.hessian_error.values.T
    left = float(frame.gradient_error[:, 1].max())
    return Evidence(
        {"before, best": before.min(), "after, worst": after.max(), "largest ratio": (after / before).max(),
         "gradient left": left},
        "for each of 3 seeds: Hessian error after <= 0.12 and <= half of before; gradient of network 2 <= 0.03 |a1|",
        bool((after <= 0.12).all() and (after <= before / 2).all() and left <= 0.03),
        n_seeds=3,
    )  # fmt: skip


@claim("The diagrams add up to the derivative, in a trained network and at every order")
def diagrams_are_exact(budget: Budget) -> Evidence:
    frames = [once(diagrams, order=order, width=12, depth=0.3, legs="one bin") for order in range(1, 5)]
    worst = max(abs(float(f.contribution.sum()) - f.exact) / abs(f.exact) for f in frames)
    return Evidence(
        {"worst relative gap": worst}, "orders 1 to 4, relative gap to nested jacfwd <= 1e-10", worst <= 1e-10, 1
    )
