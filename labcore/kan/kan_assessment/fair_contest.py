"""A fair fight: KAN, MLP and spline MLP of one hidden layer at an equal budget, learning rates chosen alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.words import differ

from . import peers
from .kan import KAN, KANLayer, drawn
from .tasks import WORDS, Task, error_of
from .training import GRID_UPDATES, train

MODELS = ("KAN", "MLP", "spline MLP")
RATES = (0.003, 0.01, 0.03)


def generator(*seed: int) -> torch.Generator:
    """Its own stream for every tuple of numbers."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))


def family(name: str, d: int, out: int, width: int, grid: int, k: int, by: str) -> tuple[Callable, int, int]:
    """A builder (rngs -> M models) of this family, as large as the KAN in `by`; its parameters and its FLOPs."""
    kan_cost = {"params": peers.kan_params, "flops": peers.kan_flops}[by]((d, width, out), grid, k)
    if name == "KAN":
        shape = (d, width, out)
        return lambda rngs: KAN(shape, grid, k, rngs), peers.kan_params(shape, grid, k), peers.kan_flops(shape, grid, k)
    if name == "MLP":
        cost = {"params": peers.mlp_params, "flops": peers.mlp_flops}[by]
        shape = (d, peers.match_width(lambda w: cost((d, w, out)), kan_cost), out)
        return lambda rngs: peers.MLP(shape, rngs), peers.mlp_params(shape), peers.mlp_flops(shape)
    cost = {"params": peers.spline_mlp_params, "flops": peers.spline_mlp_flops}[by]
    shape = (d, peers.match_width(lambda w: cost((d, w, out), grid, k), kan_cost), out)
    sizes = peers.spline_mlp_params(shape, grid, k), peers.spline_mlp_flops(shape, grid, k)
    return lambda rngs: peers.SplineMLP(shape, grid, k, rngs), *sizes


class Outcome(NamedTuple):
    """Of S repetitions of one family, at the learning rate that its validation samples chose."""

    error: Float[np.ndarray, " S"]  # test error at the end
    rate: float
    course: Float[np.ndarray, "S points"]  # test errors on the way, the last is the end
    steps: Float[np.ndarray, " points"]  # training steps until then
    seconds: Float[np.ndarray, " points"]  # of CPU for one network until then, as this machine measured it


def contest(
    build: Callable,
    task: Task,
    seeds: Sequence[Sequence[int]],
    steps: int,
    batch: int,
    eps: float,
    follow: bool = True,
    points: int = 8,
) -> Outcome:
    """Train one family at three learning rates; keep the one with the best mean validation error.

    `follow`: grids move to the data on the way, with the share `eps` of even spacing. Only training is timed.
    """
    rates = torch.tensor(RATES).repeat(len(seeds))
    model: nn.Module = build([generator(*s, 1) for s in seeds for _ in RATES])

    def wide(t: Tensor) -> Tensor:  # (N, S, ...) -> (N, S times rates, ...)
        return t.repeat_interleave(len(RATES), 1)

    (x, y), choose, test = (tuple(map(wide, part)) for part in (task.train, task.choose, task.test))

    def errors(part: tuple[Tensor, Tensor]) -> Float[np.ndarray, "S rates"]:
        with torch.no_grad():
            wrong = error_of(model(part[0]), part[1]).reshape(-1, len(RATES))
        return np.nan_to_num(np.minimum(wrong, 1e6), nan=1e6)

    updates = GRID_UPDATES if follow else ()
    stops, course, seconds = np.unique(np.linspace(1, steps, points).round().astype(int)), [], []
    spent, since = 0.0, time.process_time()
    if isinstance(model, KAN):
        model.layers[0].update_grid(x, eps)
    for step, _ in train(model, x, y, rates, steps, generator(*seeds[0], 2), batch, eps=eps, updates=updates):
        if step in stops:
            spent += time.process_time() - since
            course.append(errors(test))
            seconds.append(spent / len(rates))
            since = time.process_time()
    best = int(np.argmin(errors(choose).mean(0)))
    path = np.stack(course, -1)[:, best]
    return Outcome(path[:, -1], RATES[best], path, stops.astype(float), np.array(seconds))


def verdict(
    models: Sequence[str],
    tasks: Sequence[str],
    errors: Sequence[Float[np.ndarray, " S"]],
    guesses: Sequence[float],
) -> str:
    """Who is best on which task, of those on which all have run.

    Nobody wins where all are about as far off as a guess, or where repetitions do not tell the first two apart.
    """
    words = []
    for name in dict.fromkeys(tasks):
        ranked = sorted((float(np.mean(e)), m, e) for m, t, e in zip(models, tasks, errors) if t == name)
        if len(ranked) < len(MODELS):
            continue
        (best, first, ours), (next_best, second, theirs), (most, third, _) = ranked
        guess, name = guesses[list(tasks).index(name)], WORDS.get(name, name)
        if best > 0.9 * guess:
            words.append(f"on {name} no model has learned (the best error is {best:.3g}, that of a guess {guess:.3g})")
        elif differ(*(np.log(np.maximum(e, 1e-9)) for e in (ours, theirs))):  # errors scatter by factors
            words.append(f"on {name} the {first} wins ({best:.3g}; {second} {next_best:.3g}, {third} {most:.3g})")
        elif len(ours) > 2:
            words.append(
                f"on {name} runs do not tell the {first} ({best:.3g}) and the {second} ({next_best:.3g}) apart, "
                f"and the {third} has {most:.3g}"
            )
        else:
            words.append(
                f"on {name} the {first} has {best:.3g} and the {second} {next_best:.3g}, the {third} {most:.3g}"
            )
    return (
        "; ".join(words)
        or f"the {models[0]} has an error of {np.mean(errors[0]):.3g} on {WORDS.get(tasks[0], tasks[0])}"
    )


def step_times(width: int, intervals: int, k: int, batch: int, rounds: int) -> dict[str, float]:
    """Shortest seconds of forward + backward: a KAN layer, ours and dense-basis, and an MLP of as many parameters."""
    rng = [generator(0)]
    layer = KANLayer(width, width, intervals, k, rng)
    params = peers.kan_params((width, width), intervals, k)
    hidden = peers.match_width(lambda h: peers.mlp_params((width, h, width)), params)
    models = {"MLP": peers.MLP((width, hidden, width), rng), "dense": peers.DenseBasisLayer(layer), "ours": layer}
    x = drawn(rng, batch, width)
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):  # in turns, so that a busy machine slows all of them
        for name, model in models.items():
            start = time.perf_counter()
            model(x[0] if name == "dense" else x.transpose(0, 1)).square().sum().backward()
            taken[name].append(time.perf_counter() - start)
    return {name: min(t) for name, t in taken.items()}
