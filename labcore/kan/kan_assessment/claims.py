"""Formulas, digits and the work of a step at equal parameters, and what comes from the splines alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.claims import Evidence, Seeds, claim, exact, geometric, mean, median, repeats
from labcore.primitives.contest.operations import operations

from .experiments import SYMBOLIC, fair_fight, forgetting
from .fair_contest import MODELS, family, generator, step_times
from .kan import KANLayer
from .peers import DenseBasisLayer

Errors = dict[tuple[str, str], Float[np.ndarray, " run"]]


def _errors(seeds: Seeds, n: int, tasks: str, **settings: int) -> Errors:
    """Test errors of n runs, by (model, task)."""
    frame = repeats(fair_fight, seeds, n, tasks=tasks, **settings)
    return dict(zip(zip(frame.model.values.tolist(), frame.task.values.tolist()), frame.error.values))


def _digits(seeds: Seeds) -> list[Float[np.ndarray, " run"]]:
    """Share of test digits that are wrong in 24 runs: KAN, MLP, spline MLP."""
    error = _errors(seeds, 24, "digits", width=10, steps=300)
    return [error[model, "digits"] for model in MODELS]


@claim("On formulas a KAN beats an MLP with as many parameters by a wide margin", slow=True)
def formulas_at_equal_parameters(seeds: Seeds) -> Evidence:
    error = _errors(seeds, 8, "formulas", n_train=200, steps=600)
    ratios = {name: error["KAN", name] / error["MLP", name] for name in SYMBOLIC}
    over_all = np.exp(np.mean([np.log(r) for r in ratios.values()], axis=0))
    return Evidence(
        geometric("error of KAN / MLP over four formulas", over_all) <= 0.4,
        size="8 runs of 600 steps, 200 samples, about 150 parameters",
        also={name: geometric(name, r).value for name, r in ratios.items()},
    )


@claim("On ordinary data, digits, the MLP with as many parameters is at least as accurate as the KAN", slow=True)
def digits_go_to_the_mlp(seeds: Seeds) -> Evidence:
    kan, mlp, _ = _digits(seeds)
    return Evidence(
        mean("accuracy of the MLP - KAN", kan - mlp) >= 0,
        size="24 runs of 300 steps, about 7400 parameters",
        also={"accuracy of the KAN": 1 - kan.mean(), "accuracy of the MLP": 1 - mlp.mean()},
    )


@claim("The gain comes from the B-splines: an MLP with spline activations has it, too", slow=True)
def splines_carry_the_gain(seeds: Seeds) -> Evidence:
    xy = _errors(seeds, 16, "xy", n_train=200, steps=600)
    kan, mlp, spline = _digits(seeds)
    return Evidence(
        geometric("error of spline MLP / MLP on xy", xy["spline MLP", "xy"] / xy["MLP", "xy"]) <= 0.5,
        mean("accuracy on digits of spline MLP - midway between KAN and MLP", (kan + mlp) / 2 - spline) >= 0,
        size="xy: 16 runs of 600 steps, 200 samples, about 150 parameters; digits: 24 runs of 300 steps, about 7400",
        also={"accuracy on digits, spline MLP - KAN": (kan - spline).mean()},
    )


@claim(
    "On fast oscillations, too, an MLP with spline activations has the gain of the KAN",
    expected="not reproduced",
    reason="In 600 steps the dense layers in front of the splines do not find the frequencies; the splines of a KAN "
    "see the inputs themselves. Grids that follow the data halve the error on sin_product. So the gain stems from "
    "B-splines only in part.",
    slow=True,
)
def splines_carry_the_gain_on_oscillations(seeds: Seeds) -> Evidence:
    checks = []
    for name in ("sin_product", "sin_20x"):
        error = _errors(seeds, 24, name, n_train=200, steps=600)
        # the median: the few runs that find the frequencies would decide a mean
        ratio = error["spline MLP", name] / error["MLP", name]
        checks.append(median(f"error of spline MLP / MLP on {name}", ratio) <= 0.5)
    return Evidence(
        *checks,
        size="24 runs of 600 steps, 200 samples, about 150 parameters",
    )


def _step(model: nn.Module, x: Tensor) -> int:
    """Elementary operations of a forward and a backward pass."""
    return operations(lambda: model(x).square().sum().backward())


def _work(widths: Sequence[int], batch: int = 64) -> float:
    """Operations of a step of a KAN that evaluates all its bases, over those of the MLP of as many parameters."""
    rngs, (d, hidden, out) = [generator(0)], widths
    kan = nn.Sequential(*(DenseBasisLayer(KANLayer(a, b, 5, 3, rngs)) for a, b in pairwise(widths)))
    mlp = family("MLP", d, out, hidden, 5, 3, "params")[0](rngs)
    x = torch.zeros(batch, d)
    return _step(kan, x) / _step(mlp, x[:, None])


@claim("A training step of a small KAN takes 1.36 to 100 times the operations of an MLP with as many parameters")
def a_step_costs_more(seeds: Seeds) -> Evidence:
    formulas, digits = _work((2, 5, 1)), _work((64, 10, 10))
    took = step_times(width=64, intervals=5, k=3, batch=256, rounds=5)
    return Evidence(
        exact("operations of KAN / MLP, the lower of two", min(formulas, digits)) >= 1.36,
        exact("operations of KAN / MLP, the higher of two", max(formulas, digits)) <= 100,
        size="[2, 5, 1] and [64, 10, 10], forward and backward, all bases evaluated, as in the reference",
        # where layers are wide the matrix products outweigh the bases
        also={
            "[64, 64, 64]": _work((64, 64, 64)),
            "time here, one layer 64-64": took["dense"] / took["MLP"],
            "ours, which skips bases that are 0": took["ours"] / took["MLP"],
        },
    )


@claim("A KAN forgets less than an MLP of its size, and hardly anything if only its splines train")
def only_splines_remember(seeds: Seeds) -> Evidence:
    def now(scales: bool) -> Float[np.ndarray, "model run"]:
        """Error on the peaks before the last, when the last is learned."""
        return repeats(forgetting, seeds, 8, scales=scales).error.values[:, :, :-1].mean(2)

    (local, mlp), (spread, _) = now(False), now(True)
    return Evidence(
        geometric("error of KAN / MLP on earlier peaks", local / mlp) <= 0.1,
        geometric("error with splines alone / with scales too", local / spread) <= 0.5,
        size="5 peaks one after the other, 8 runs of 300 steps on each, one edge with 40 intervals",
        also={"splines alone": local.mean(), "scales too": spread.mean(), "MLP": mlp.mean()},
    )
