"""A stream of digits whose labels swap, regulators against constants over swap rates, one decision from inside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal, get_args

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .elu_net import BATCH, look
from .looked_at import looked_at
from .mechanism import EPOCH, INTERVAL, Array, Life, effect, imagine

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # the constants a rival may choose from
Regulator = Literal["constant", "homeostatic", "random", "guess acts"]
REGULATORS = get_args(Regulator)


STREAM = Frame(
    learner=axis("network", values=("chosen", "constant")),
    sample=axis("sample"),
    time=axis("samples seen", "samples"),
    batch=axis("samples seen", "samples"),
    decision=axis("time", "samples"),
    exchange=axis("exchange of two labels"),
    correct=var("learner sample", "right guess"),
    running=var("learner time", "accuracy over the last 200 samples"),
    eta=var("batch", "learning rate"),
    guess=var("decision", "what it guessed"),
    label=var("decision", "the label it had"),
    leave=var("decision", "imagined accuracy if left"),
    take=var("decision", "imagined accuracy if taken"),
    taken=var("decision", "taken"),
    swap=var("exchange", "when two labels were exchanged; the first is the start"),
)


@experiment(quick=dict(epochs=3), frame=STREAM)
def stream(
    swaps_per_epoch: Annotated[
        int,
        number(
            0,
            20,
            "Exchanges of two classes' labels in an epoch of 1790 samples",
            "world",
            label="swaps an epoch",
            main=True,
        ),
    ] = 12,
    regulator: Annotated[
        Regulator,
        choice(
            "Who moves the rate; 'guess acts': as homeostatic, but the guess, not the truth, moves it",
            "network",
            label="what moves the rate η",
            main=True,
            words={
                "constant": "nothing",
                "homeostatic": "what it takes in",
                "random": "random intake",
                "guess acts": "its own guess",
            },
        ),
    ] = "homeostatic",
    eta0: Annotated[
        float, number(0.002, 1, "Learning rate at the start", "network", scale="log", label="first rate η", main=True)
    ] = 0.01,
    step_frac: Annotated[
        float,
        number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network", label="step of η"),
    ] = 1.0,
    memo: Annotated[
        int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples", label="memories")
    ] = 50,
    decide_at: Annotated[
        Literal["first", "last"],
        choice("Which sample of a batch of 10 is offered to it", "network", label="sample offered"),
    ] = "last",
    epochs: Annotated[int, number(2, 25, "Passes through the 1790 digits", "world", label="passes over digits")] = 12,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A stream of digits whose labels swap, each guessed and then learned; 30 frames.

    `correct` is each guess, for the chosen regulator and, on the same stream from the same start, for a constant rate
    eta0. `running` is the accuracy over the last 200 samples. A constant regulator decides nothing, but what it would
    imagine is shown. attrs: the accuracies after the first epoch (0 before it).
    """
    at = 0 if decide_at == "first" else INTERVAL - 1
    common = (epochs, swaps_per_epoch, eta0, step_frac * eta0, memo, at, [seed, 0])
    chosen, constant = Life(REGULATORS.index(regulator), *common), Life(-1, *common)
    total = epochs * EPOCH
    for stop in np.linspace(0, total // BATCH, 31).astype(int)[1:] * BATCH:
        chosen.go_on(stop)
        constant.go_on(stop)
        frame = _so_far(chosen, constant, regulator, eta0, float(stop / total))
        if died := [n.died for n in (chosen, constant) if n.died]:
            raise Diverged(min(died), frame)
        yield frame


def _so_far(chosen: Life, constant: Life, regulator: str, eta0: float, progress: float) -> xr.Dataset:
    done = min(chosen.done, constant.done) // BATCH * BATCH
    both = np.stack([chosen.correct, constant.correct])[:, :done]
    steps = np.arange(BATCH, done + 1, max(1, done // 6000) * BATCH)
    sums = np.pad(both.cumsum(1, dtype=int), ((0, 0), (1, 0)))
    running = (sums[:, steps] - sums[:, np.maximum(steps - 200, 0)]) / np.minimum(steps, 200)
    rate = chosen.rates[: done // BATCH]
    rows = np.flatnonzero(np.isfinite(chosen.log[: done // INTERVAL, 0]))
    log = chosen.log[rows] if len(rows) else np.zeros((1, 5))
    swaps = chosen.swaps[chosen.swaps[:, 0] < done]
    late = both[:, EPOCH:].mean(1) if done > EPOCH else np.zeros(2)
    score = late[0] if done > EPOCH else both[0].mean()
    other = late[1] if done > EPOCH else both[1].mean()
    since = "after the first epoch" if done > EPOCH else "so far"
    reading = (
        f"The {regulator} rate gives {score:.1%} right {since}, a constant {eta0:g} gives {other:.1%}; "
        f"{len(swaps)} swaps, {int(log[:, 4].sum())} of {len(rows)} samples taken in, "
        f"and the rate is {rate[-1] / eta0:.1f} times what it was at first."
    )
    if chosen.died or constant.died:
        first = chosen.died and chosen.died <= (constant.died or chosen.died)
        reading += f" It is the {regulator if first else 'constant'} network that diverged."
    guess, label, leave, take, taken = log.T
    return STREAM(
        dict(
            time=steps,
            batch=BATCH * np.arange(1, len(rate) + 1),
            decision=rows * INTERVAL if len(rows) else np.zeros(1, int),
            correct=both,
            running=running,
            eta=rate,
            guess=guess,
            label=label,
            leave=leave,
            take=take,
            taken=taken,
            swap=np.r_[0, swaps[:, 0]],
        ),
        reading,
        progress,
        accuracy=float(late[0]),
        accuracy_constant=float(late[1]),
        eta0=eta0,
        regulator=regulator,
        total=len(chosen.correct),
    )


BY_SWAPS = Frame(
    learner=axis("regulator", values=REGULATORS),
    swaps=axis("swaps of two labels", "per epoch"),
    rate=axis("constant learning rate", values=RATES),
    repeat=axis("stream"),
    accuracy=var("learner swaps repeat", "accuracy after the first epoch"),
    constants=var("rate swaps repeat", "accuracy after the first epoch"),
    best_rate=var("swaps", "best constant learning rate"),
)


@experiment(quick=dict(epochs=2, points=2, n_seeds=1), frame=BY_SWAPS)
def swap_rates(
    eta0: Annotated[
        float, number(0.002, 0.2, "Learning rate at the start", "network", scale="log", label="first rate η")
    ] = 0.01,
    step_frac: Annotated[
        float,
        number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network", label="step of η"),
    ] = 1.0,
    memo: Annotated[
        int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples", label="memories")
    ] = 50,
    decide_at: Annotated[
        Literal["first", "last"],
        choice("Which sample of a batch of 10 is offered to it", "network", label="sample offered"),
    ] = "last",
    points: Annotated[
        int, number(2, 6, "Swap rates to try, from 0 to 20 an epoch", "world", label="swap rates tried")
    ] = 5,
    epochs: Annotated[int, number(2, 12, "Passes through the 1790 digits", "world", label="passes over digits")] = 4,
    n_seeds: Annotated[int, number(1, 4, "Streams to average over", "runs", label="repetitions")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Accuracy after the first epoch against the swap rate, for four regulators and constants from a grid of six.

    Every learner meets the same streams. A network that diverges is wrong from there on. The best constant is chosen in
    hindsight for each swap rate: nobody who lives through the stream could know it.
    """
    at = 0 if decide_at == "first" else INTERVAL - 1
    swaps = np.linspace(0, 20, points).round().astype(int)
    moved = [(rule, eta0, step_frac * eta0, memo, at) for rule in range(1, len(REGULATORS))]
    learners = [(-1, eta0), *moved, *((-1, rate) for rate in RATES)]
    score, full, done = np.zeros((len(learners), points, n_seeds)), len(learners) * points * n_seeds, 0
    for p, swap in enumerate(swaps):
        for k, learner in enumerate(learners):
            for i in range(n_seeds):
                score[k, p, i] = _score(epochs, int(swap), seed, i, *learner)
                done += 1
                complete = p + (done % (len(learners) * n_seeds) == 0)
                if complete:
                    yield _by_swaps(score[:, :complete], swaps[:complete], done / full)


@lru_cache(maxsize=1000)
def _score(
    epochs: int, swaps: int, seed: int, i: int, rule: int, rate: float, step: float = 0.0, memo: int = 5, at: int = 0
) -> float:
    """Accuracy after the first epoch of one life. The six constants' lives are the same whatever the first rate is."""
    life = Life(rule, epochs, swaps, rate, step, memo, at, [seed, i])
    life.go_on(epochs * EPOCH)
    return life.score


def _by_swaps(score: Float[Array, "learner swaps repeat"], swaps: Int[Array, " swaps"], progress: float) -> xr.Dataset:
    mean, n = score.mean(2), len(REGULATORS)
    best = mean[n:].argmax(0)
    good = [f"{rate:g}" for rate, right in zip(RATES, mean[n:, -1], strict=True) if right > mean[n:, -1].max() - 0.01]
    reading = (
        f"With {swaps[-1]} swaps an epoch a constant rate is right {mean[0, -1]:.1%} of the time, the homeostatic one "
        f"{mean[1, -1]:.1%}, a random one {mean[2, -1]:.1%}; the best of {len(RATES)} constants, chosen in hindsight, "
        f"gets {mean[n:, -1].max():.1%} ({' or '.join(good)}, to a point)."
    )
    return BY_SWAPS(
        dict(swaps=swaps, accuracy=score[:n], constants=score[n:], best_rate=np.array(RATES)[best]), reading, progress
    )


DECISION = Frame(
    rate=axis("learning rate of the imagined step"),
    future=axis("future", values=("now", "leave", "take")),
    memory=axis("samples ago"),
    row=axis("row"),
    column=axis("column"),
    imagined=var("rate", "imagined accuracy on the memory"),
    remembered=var("future memory", "right"),
    future_rate=var("future", "learning rate of the imagined step"),
    picture=var("row column", "pixel"),
    truth=var("memory", "label of the memory today"),
)


@experiment(frame=DECISION)
def decision(
    sample: Annotated[
        int, number(120, 21_000, "The moment to look at, in samples seen", "moment", label="moment")
    ] = 3420,
    swaps_per_epoch: Annotated[
        int, number(0, 20, "Exchanges of two classes' labels in an epoch", "world", label="swaps an epoch")
    ] = 12,
    memo: Annotated[
        int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples", label="memories")
    ] = 50,
    eta0: Annotated[
        float, number(0.002, 0.2, "Learning rate at the start", "network", scale="log", label="first rate η")
    ] = 0.01,
    step_frac: Annotated[
        float,
        number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network", label="step of η"),
    ] = 1.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One decision of the homeostatic network, from inside: what it imagines for every rate. One frame.

    The decision is the last one up to `sample`, at the end of a batch. `imagined` is what `imagine` returns for a step
    with that rate. `remembered` says which memories it gets right now, if it leaves and if it takes.
    """
    epochs, t = -(-sample // EPOCH), sample // INTERVAL * INTERVAL - 1
    kept = looked_at(epochs, swaps_per_epoch, eta0, step_frac * eta0, memo, INTERVAL - 1, (seed, 0))
    life, (theta, grad, eta), step = kept.life, kept.before(t), step_frac * eta0
    now = life.relabel[life.era[t]]
    label = int(now[life.labels[t]])
    guess = look(theta, life.x[t], label, grad)
    past, truth = life.x[t - memo : t], now[life.labels[t - memo : t]]
    futures = (0.0, eta, effect(eta, guess, step))  # of now, leave, take
    grid = np.logspace(-3, 1, 161)
    imagined = np.array([imagine.kernel(theta, grad, r, past, truth) for r in grid])
    right = np.array(
        [[imagine.kernel(theta, grad, r, past[i : i + 1], truth[i : i + 1]) for i in range(memo)] for r in futures]
    )
    leave, take = right[1:].mean(1)
    takes = take > leave
    after = effect(eta, label, step) if takes else eta
    act = "takes it in" if takes else "leaves it"
    outcome = (
        f"its class {label} moves the rate from {eta:.3g} to {after:.3g}" if takes else f"the rate stays {eta:.3g}"
    )
    yield DECISION(
        dict(
            rate=grid,
            memory=np.arange(-memo, 0),
            imagined=imagined,
            remembered=right,
            future_rate=futures,
            picture=life.x[t].reshape(8, 8),
            truth=truth,
        ),
        f"Sample {t + 1}: it guesses {guess}, the label is {label}. It imagines {leave:.0%} right if it leaves the "
        f"sample and {take:.0%} if it takes it, so it {act}; {outcome}.",
        guess=guess,
        label=label,
        eta_after=float(after),
        sample=t + 1,
    )
