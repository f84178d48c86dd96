"""What cannot be merged, what is learned at equal parameters, and how little a character model gains."""

from __future__ import annotations

import xarray as xr

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import MODELS, language, sharp


def _sharp() -> xr.Dataset:
    """The run that two claims look at."""
    return once(sharp, steps=600, n_seeds=3)


@claim("A linear branch is one more matrix and can be merged; a CosNet branch cannot")
def cosnet_cannot_be_merged(budget: Budget) -> Evidence:
    frame = _sharp()
    gap, left = float(frame.merge_gap.max()), float(frame.left.sel(branch="CosNet branch").min())
    return Evidence(
        {"largest error after merging": gap, "smallest share of a CosNet layer that no matrix holds": left},
        "merging the linear branch changes outputs by <= 1e-5; in each CosNet layer the best matrix misses > 1 %",
        gap <= 1e-5 and left > 0.01,
        n_seeds=3,
    )


@claim("CosNet branches learn sharp detail that a wider network with as many parameters does not")
def sharp_detail_at_equal_parameters(budget: Budget) -> Evidence:
    frame = _sharp()
    last = {str(m): frame.error.sel(model=m).isel(time=-1).values for m in MODELS}
    cosnet = last["CosNet branch"]
    worst = {name: float((cosnet / last[name]).max()) for name in ("wider", "linear branch", "ReLU branch")}
    return Evidence(
        {"error of CosNet": cosnet.mean(), **{f"worst ratio to {name}": value for name, value in worst.items()}},
        "error in every run <= 0.1 x the wider network and the linear branch, and below the ReLU branch (600 steps)",
        worst["wider"] <= 0.1 and worst["linear branch"] <= 0.1 and worst["ReLU branch"] < 1,
        n_seeds=3,
    )


@claim(
    "In a language model branches lower the training loss of the same width by 0.03 nats",
    slow=True,
    expected="not reproduced",
    reason="The gain is there in every run, but smaller. It grows with the batch, which this check keeps at 8 windows "
    "to be fast: set the bench to 24 windows and 700 steps. The wider model, with 5 % more parameters, gains more.",
)
def branches_help_a_language_model(budget: Budget) -> Evidence:
    frame = once(language, steps=700, batch=8, n_seeds=3)
    narrow, wide, branches = frame["last"].values
    return Evidence(
        {
            "gain over the same width": (narrow - branches).mean(),
            "smallest gain of a run": (narrow - branches).min(),
            "gain over the wider model": (wide - branches).mean(),
        },
        "mean loss of the last 100 of 700 steps >= 0.03 nats below width 32 (the wider model is shown, not asked)",
        (narrow - branches).mean() >= 0.03,
        n_seeds=3,
    )
