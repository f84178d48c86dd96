"""Formulas, digits and the cost of a step at equal parameters, and what comes from the splines alone."""

from __future__ import annotations

from labcore.claims import Evidence, claim, once
from labcore.experiment import Budget

from .experiments import SYMBOLIC, fair_fight
from .fair_contest import MODELS, step_times


def _errors(budget: Budget, tasks: str, **settings: int) -> dict[tuple[str, str], float]:
    """Mean test error over three repetitions, by (model, task)."""
    frame = once(fair_fight, budget, tasks=tasks, n_seeds=3, **settings)
    keys = zip(frame.model.values.tolist(), frame.task.values.tolist())
    return dict(zip(keys, frame.error.mean("repeat").values.tolist()))


@claim("On formulas a KAN beats an MLP with as many parameters by a wide margin")
def formulas_at_equal_parameters(budget: Budget) -> Evidence:
    error = _errors(budget, "formulas", steps=600)
    ratio = {name: error["KAN", name] / error["MLP", name] for name in SYMBOLIC}
    return Evidence(
        measured={f"KAN / MLP, {name}": r for name, r in ratio.items()},
        criterion="KAN error <= 0.4 x MLP error on at least 3 of 4 formulas",
        holds=sum(r <= 0.4 for r in ratio.values()) >= 3,
        n_seeds=3,
    )


def _digits(budget: Budget) -> dict[str, float]:
    error = _errors(budget, "digits", width=10, steps=300)
    return {model: 1 - error[model, "digits"] for model in MODELS}


@claim("On ordinary data, digits, the MLP with as many parameters is at least as accurate as the KAN")
def digits_go_to_the_mlp(budget: Budget) -> Evidence:
    accuracy = _digits(budget)
    return Evidence(
        measured={f"accuracy, {model}": accuracy[model] for model in MODELS[:2]},
        criterion="mean test accuracy of the MLP >= that of the KAN, 7400 parameters",
        holds=accuracy["MLP"] >= accuracy["KAN"],
        n_seeds=3,
    )


@claim("The gain comes from the B-splines: an MLP with spline activations has it, too")
def splines_carry_the_gain(budget: Budget) -> Evidence:
    accuracy, error = _digits(budget), _errors(budget, "formulas", steps=600)
    back = accuracy["spline MLP"] - accuracy["KAN"], accuracy["MLP"] - accuracy["KAN"]
    ratio = error["spline MLP", "xy"] / error["MLP", "xy"]
    return Evidence(
        measured={"spline MLP / MLP, xy": ratio, "digits, over KAN": back[0], "digits, MLP over KAN": back[1]},
        criterion="error on xy <= 0.5 x MLP's; on digits at least half of the KAN's deficit to the MLP is made up",
        holds=ratio <= 0.5 and back[0] >= 0.5 * back[1],
        n_seeds=3,
    )


@claim(
    "On fast oscillations, too, an MLP with spline activations has the gain of the KAN",
    expected="not reproduced",
    reason="In 600 steps the dense layers in front of the splines do not find the frequencies; the splines of a KAN "
    "see the inputs themselves. So the gain stems from B-splines only in part.",
)
def splines_carry_the_gain_on_oscillations(budget: Budget) -> Evidence:
    error = _errors(budget, "formulas", steps=600)
    ratio = {name: error["spline MLP", name] / error["MLP", name] for name in ("sin_product", "sin_20x")}
    return Evidence(
        measured={f"spline MLP / MLP, {name}": r for name, r in ratio.items()},
        criterion="error <= 0.5 x MLP's on both",
        holds=max(ratio.values()) <= 0.5,
        n_seeds=3,
    )


@claim("A training step of a KAN costs 1.36 to 100 times that of an MLP with as many parameters")
def a_step_costs_more(budget: Budget) -> Evidence:
    took = step_times(width=64, intervals=5, k=3, batch=256, rounds=15 if budget == "quick" else 60)
    ratio = {name: took[name] / took["MLP"] for name in ("dense", "ours")}
    return Evidence(
        measured={f"{name} KAN / MLP": r for name, r in ratio.items()},
        criterion="1.36 <= KAN / MLP <= 100 with all bases evaluated, as in the reference; ours skips those at 0",
        holds=1.36 <= ratio["dense"] <= 100,
        n_seeds=1,
    )
