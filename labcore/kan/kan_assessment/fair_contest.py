"""A fair fight: KAN, MLP and spline MLP of one hidden layer at an equal budget, learning rates chosen alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from . import peers
from .kan import KAN, KANLayer, drawn
from .tasks import Task, error_of
from .training import train

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


def contest(
    build: Callable, task: Task, seeds: Sequence[Sequence[int]], steps: int, batch: int, eps: float
) -> tuple[Float[np.ndarray, " S"], float]:
    """Test error of one family and its learning rate, chosen among RATES by the mean validation error."""
    rates = torch.tensor(RATES).repeat(len(seeds))
    model: nn.Module = build([generator(*s, 1) for s in seeds for _ in RATES])

    def wide(t: Tensor) -> Tensor:  # (N, S, ...) -> (N, S times rates, ...)
        return t.repeat_interleave(len(RATES), 1)

    x, y = map(wide, task.train)
    if isinstance(model, KAN):
        model.layers[0].update_grid(x, eps)
    for _ in train(model, x, y, rates, steps, generator(*seeds[0], 2), batch, eps=eps):
        pass
    with torch.no_grad():
        chosen, test = (error_of(model(wide(a)), wide(b)).reshape(-1, len(RATES)) for a, b in (task.choose, task.test))
    best = int(np.argmin(np.nan_to_num(chosen, nan=np.inf).mean(0)))
    return np.nan_to_num(np.minimum(test[:, best], 1e6), nan=1e6), RATES[best]


def verdict(models: Sequence[str], tasks: Sequence[str], errors: Float[np.ndarray, " runs"]) -> str:
    """Who wins on which task, of those on which all have run."""
    words = []
    for name in dict.fromkeys(tasks):
        ranked = sorted((float(e), m) for m, t, e in zip(models, tasks, errors) if t == name)
        if len(ranked) < len(MODELS):
            continue
        (best, first), (next_best, second) = ranked[:2]
        if best == next_best:
            words.append(f"on {name} {first} and {second} tie ({best:.3g})")
        else:
            words.append(f"on {name} the {first} wins ({best:.3g}; {second} {next_best:.3g})")
    return "; ".join(words) or f"the {models[0]} has an error of {errors[0]:.3g} on {tasks[0]}"


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
