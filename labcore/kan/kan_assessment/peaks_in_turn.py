"""Peaks of a curve that a KAN and an MLP learn one after the other, and what is left of the earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Diverged
from labcore.frames import Frame, axis, var
from labcore.words import compared

from .fair_contest import generator
from .kan import KAN
from .peers import MLP, kan_params, match_width, mlp_params
from .tasks import peaks as gaussian_peaks
from .training import train

FORGETTING = Frame(
    model=axis("network", values=("KAN", "MLP")),
    repeat=axis("repetition"),
    peak=axis("peak", start=1),
    x=axis("x", values=np.linspace(-1, 1, 201)),
    target=var("x", "target"),
    curve=var("model x", "network, repetition 0"),
    error=var("model repeat peak", "error on the peak now / spread"),
    fresh=var("model repeat peak", "error when the peak had just been learned / spread, or now if it is to come"),
)


def peaks_in_turn(
    scales: bool, grid: int, peaks: int, k: int, steps: int, lr: float, n_train: int, n_seeds: int, seed: int
) -> Iterator[xr.Dataset]:
    """The frames of `experiments.forgetting`, whose parameters these are. Raises `Diverged`."""
    rngs = [generator(seed, s, 1) for s in range(n_seeds)]
    draws = [np.random.default_rng([seed, s, 0]) for s in range(n_seeds)]
    size = kan_params((1, 1), grid, k)
    width = match_width(lambda w: mlp_params((1, w, 1)), size)
    nets = [KAN((1, 1), grid, k, rngs, scales=scales), MLP((1, width, 1), rngs)]
    every, names, drawn_at = max(1, steps // 8), FORGETTING.columns["model"].values, FORGETTING.columns["x"].values
    line, spread = np.array(drawn_at), gaussian_peaks(np.array(drawn_at), peaks).std()
    inside = (np.arange(40 * peaks) + 0.5) / (20 * peaks) - 1
    seen, at = (torch.from_numpy(v).float()[:, None, None].expand(-1, n_seeds, 1) for v in (inside, line))
    truth = gaussian_peaks(inside, peaks)[:, None]
    fresh = np.zeros((2, n_seeds, peaks))

    def frame(turn: int, step: int) -> xr.Dataset:
        with torch.no_grad():
            wrong = np.stack([(net(seen)[..., 0].numpy() - truth) ** 2 for net in nets])  # (model, points, repeat)
            shown = [net(at)[:, 0, 0].numpy() for net in nets]
        error = np.sqrt(wrong.reshape(2, peaks, 40, n_seeds).mean(2)).transpose(0, 2, 1) / spread
        if not np.isfinite(error).all() or error.max() > 1e6:
            raise Diverged(turn * steps + step)
        fresh[:, :, turn:] = error[:, :, turn:]
        return FORGETTING(
            dict(target=gaussian_peaks(line, peaks), curve=shown, error=error, fresh=fresh.copy()),
            _forgotten(names, error[:, :, :turn], fresh[:, :, :turn], turn, step, scales),
            (turn * steps + step) / (peaks * steps),
            part=[2 * turn / peaks - 1, 2 * (turn + 1) / peaks - 1],
        )

    rate, batches = torch.full((n_seeds,), lr), generator(seed, 2)
    for turn in range(peaks):
        x = np.stack([(2 * (turn + g.uniform(size=n_train)) / peaks) - 1 for g in draws], 1)[..., None]
        x, y = (torch.from_numpy(v).float() for v in (x, gaussian_peaks(x, peaks)))
        runs = [train(net, x, y, rate, steps, batches, updates=()) for net in nets]
        for step, _ in enumerate(zip(*runs), 1):
            if step % every == 0 or step == steps:
                yield frame(turn, step)


def _forgotten(
    names: Sequence[str],
    error: Float[np.ndarray, "model repeat earlier"],
    fresh: Float[np.ndarray, "model repeat earlier"],
    turn: int,
    step: int,
    scales: bool,
) -> str:
    """What is left of the peaks before this one."""
    start = f"After {step} steps on peak {turn + 1}"
    if not turn:
        return f"{start} there is nothing to forget yet."
    told = []
    for name, now, then in zip(names, error.mean(2), fresh.mean(2)):
        logs = (np.log(np.maximum(e, 1e-9)) for e in (now, then))  # errors scatter by factors
        word = f" ({compared(*logs, ('less', 'not clearly different', 'more'))})" if len(now) > 2 else ""
        told.append(f"the {name} {then.mean():.2g} when they were fresh and {now.mean():.2g} now{word}")
    return (
        f"{start} the error on the earlier ones is for {'; for '.join(told)}. The scales of the KAN's edge "
        f"{'train, too' if scales else 'do not train'}."
    )
