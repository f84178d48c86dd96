"""Questions of the lesson on circuits without a gradient: the step of RRR, and what a margin allows."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import search


@exercise(
    "A cell of an automaton with Wolfram's rule 90, 10 networks, 1500 iterations: find a step β with which more "
    "networks find it than with 0.2.",
    search.parameters["beta"],
    hint="How far does z go in each iteration?",
)
def few_iterations(beta: float, seed: int) -> bool | str:
    same = dict(task="eca_cell", rule=90, runs=10, max_iter=1500, seed=seed)
    found, default = (int(search.run(**same, beta=b).solved.sum()) for b in (beta, 0.2))
    return found > default or f"With this step {found} of 10 runs are solved; with 0.2 it is {default}."


@exercise(
    "With a largest gate of σ = 2 only copies, NOTs and constants have margin enough. Name a rule of the automaton (0 "
    "to 255) that is found all the same.",
    search.parameters["rule"],
    hint=(
        "What does a cell do that only copies its left neighbour?",
        "Write its eight outputs for 111, 110, ..., 000 as a binary number.",
    ),
)
def lone_majority(rule: int, seed: int) -> bool | str:
    frame = search.run(task="eca_cell", rule=rule, sigma=2, runs=5, max_iter=3000, seed=seed)
    return bool(frame.solved.any()) or f"With σ = 2 rule {rule} is not found: it needs more than copies and NOTs."


@exercise(
    "A neuron has 9 edges and becomes a majority of five. How large is each of its five weights?",
    asked("size of a weight", 0.0, 9.0),
    hint="The squares of all weights add up to the number of edges.",
)
def margin_of_five(size: float, seed: int) -> bool | str:
    if abs(size - 9 / 5) < 0.01:
        return "That is the square of each weight."
    return abs(size - (9 / 5) ** 0.5) < 0.01
