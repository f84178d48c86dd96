"""Rings, the collapse of depth and its cure, digits, and a spiral at equal structure and at equal parameters."""

from __future__ import annotations

from jaxtyping import Float

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import collapse, shapes
from .mechanism import Array


@claim("One quadratic neuron separates two rings; one linear neuron does not")
def one_neuron_separates_rings(budget: Budget) -> Evidence:
    frame = once(shapes, data="rings", hidden=0, n_seeds=3, steps=1500)
    score = frame.accuracy[:, :, -1].mean("repeat").values
    return Evidence(
        {"quadratic": score[0], "linear": score[1], "linear, as many parameters": score[2]},
        "test accuracy of the quadratic neuron >= 0.98, of the linear neuron <= 0.65",
        score[0] >= 0.98 and score[1] <= 0.65,
        n_seeds=3,
    )


@claim("Deep quadratic networks collapse; ReLinear, a linear start and slow quadratic terms, trains them")
def relinear_prevents_collapse(budget: Budget) -> Evidence:
    frame = once(collapse, depth=6, n_train=1000, n_seeds=3)
    score, lost = frame.accuracy.mean("repeat").values, (frame.died > 0).sum("repeat").values
    return Evidence(
        {
            "diverged from a random start, depth 3": lost[2, 0],
            "diverged from a random start, depth 6": lost[5, 0],
            "diverged from a linear start with gamma 1, depth 6": lost[5, 1],
            "accuracy at gamma 0.1, depth 3": score[2, 2],
            "accuracy at gamma 0.01, depth 3": score[2, 3],
            "accuracy at gamma 0.01, depth 6": score[5, 3],
        },
        # with gamma 0.1 about one run in eight fails at depth 3, so that its mean says little about three runs
        "from a random start at least 2 of 3 diverge at depths 3 and 6; mean accuracy with gamma 0.01 >= 0.9 at both "
        "(gamma 0.1 is shown, not asked)",
        min(lost[2, 0], lost[5, 0]) >= 2 and min(score[2, 3], score[5, 3]) >= 0.9,
        n_seeds=3,
    )


@claim(
    "Trained with ReLinear, a quadratic network reads digits better than the conventional one of the same structure",
    expected="not reproduced",
    reason="On 8x8 digits after 300 steps the two are equal within the spread of the seeds.",
)
def better_on_digits(budget: Budget) -> Evidence:
    score = once(collapse, depth=6, n_train=1000, n_seeds=3).accuracy.mean("repeat").values[2]
    return Evidence(
        {"gamma 0.1": score[2], "gamma 0.01": score[3], "linear neurons": score[4]},
        "mean accuracy at depth 3 with gamma 0.1 or 0.01 exceeds that of linear neurons by 0.02",
        max(score[2:4]) - score[4] >= 0.02,
        n_seeds=3,
    )


def _spiral() -> Float[Array, " model"]:
    frame = once(shapes, data="spiral", hidden=6, n_seeds=3, steps=1000)
    return frame.accuracy[:, :, -1].mean("repeat").values


@claim("On a spiral six hidden quadratic neurons do better than six linear ones")
def better_on_a_spiral(budget: Budget) -> Evidence:
    score = _spiral()
    return Evidence(
        {"quadratic": score[0], "linear": score[1]},
        "mean test accuracy higher by >= 0.05",
        score[0] - score[1] >= 0.05,
        n_seeds=3,
    )


@claim(
    "On a spiral quadratic neurons do better than linear ones with the same number of parameters",
    expected="not reproduced",
    reason="18 linear neurons have as many parameters as 6 quadratic ones, and learn this spiral as well or better.",
)
def better_at_equal_parameters(budget: Budget) -> Evidence:
    score = _spiral()
    return Evidence(
        {"quadratic": score[0], "linear, as many parameters": score[2]},
        "mean test accuracy higher by >= 0.02",
        score[0] - score[2] >= 0.02,
        n_seeds=3,
    )
