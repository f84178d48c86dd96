"""The experiments of `homeostatic`, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from labcore.experiment import Seed, choice, experiment, number, variable

from .elu_net import BATCH, look
from .mechanism import EPOCH, INTERVAL, Array, Life, effect, imagine

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # the constants a rival may choose from
Regulator = Literal["constant", "homeostatic", "random", "guess acts"]
REGULATORS = get_args(Regulator)


@experiment(quick=dict(epochs=4))
def stream(
    swaps_per_epoch: Annotated[
        int, number(0, 20, "Exchanges of two classes' labels in an epoch of 1790 samples", "world")
    ] = 12,
    regulator: Annotated[
        Regulator,
        choice("Who moves the rate; 'guess acts': as homeostatic, but the guess, not the truth, moves it", "network"),
    ] = "homeostatic",
    eta0: Annotated[float, number(0.002, 1, "Learning rate at the start", "network", scale="log")] = 0.01,
    step_frac: Annotated[
        float, number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network")
    ] = 1.0,
    memo: Annotated[int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples")] = 50,
    decide_at: Annotated[
        Literal["first", "last"], choice("Which sample of a batch of 10 is offered to it", "network")
    ] = "last",
    epochs: Annotated[int, number(2, 25, "Passes through the 1790 digits", "world")] = 12,
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
        died = min((n.died for n in (chosen, constant) if n.died), default=0)
        yield _stream_frame(chosen, constant, regulator, eta0, 1.0 if died else stop / total)
        if died:
            break


def _stream_frame(chosen: Life, constant: Life, regulator: str, eta0: float, progress: float) -> xr.Dataset:
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
    died = min((n.died for n in (chosen, constant) if n.died), default=0)
    if died:
        who = regulator if chosen.died == died else "constant"
        reading = f"The {who} network diverged at sample {died}: its rate was too high, {rate[-1]:.3g} at the end."
    else:
        score = late[0] if done > EPOCH else both[0].mean()
        other = late[1] if done > EPOCH else both[1].mean()
        since = "after the first epoch" if done > EPOCH else "so far"
        reading = (
            f"The {regulator} rate gives {score:.1%} right {since}, a constant {eta0:g} gives {other:.1%}; "
            f"{len(swaps)} swaps, {int(log[:, 4].sum())} of {len(rows)} samples taken in, "
            f"and the rate is {rate[-1] / eta0:.1f} times what it was at first."
        )
    decision = ("guess", "label", "leave", "take", "taken")
    names = ("what it guessed", "the label it had", "imagined accuracy if left", "imagined accuracy if taken", "taken")
    return xr.Dataset(
        {
            "correct": variable(("learner", "sample"), both, "right guess"),
            "running": variable(("learner", "time"), running, "accuracy over the last 200 samples"),
            "eta": variable("batch", rate, "learning rate"),
            **{k: variable("decision", log[:, i], n) for i, (k, n) in enumerate(zip(decision, names))},
            "swap": variable(
                "exchange", np.r_[0, swaps[:, 0]], "when two labels were exchanged; the first is the start"
            ),
        },
        coords={
            "learner": variable("learner", ["chosen", "constant"], "network"),
            "sample": variable("sample", np.arange(done), "sample"),
            "time": variable("time", steps, "samples seen", "samples"),
            "batch": variable("batch", BATCH * np.arange(1, len(rate) + 1), "samples seen", "samples"),
            "decision": variable("decision", rows * INTERVAL if len(rows) else np.zeros(1, int), "time", "samples"),
            "exchange": variable("exchange", np.arange(len(swaps) + 1), "exchange of two labels"),
        },
        attrs={
            "reading": reading,
            "progress": float(progress),
            "accuracy": float(late[0]),
            "accuracy_constant": float(late[1]),
            "eta0": eta0,
            "regulator": regulator,
            "total": len(chosen.correct),
        },
    )


@experiment(quick=dict(epochs=2, points=3, n_seeds=1))
def swap_rates(
    eta0: Annotated[float, number(0.002, 0.2, "Learning rate at the start", "network", scale="log")] = 0.01,
    step_frac: Annotated[
        float, number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network")
    ] = 1.0,
    memo: Annotated[int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples")] = 50,
    decide_at: Annotated[
        Literal["first", "last"], choice("Which sample of a batch of 10 is offered to it", "network")
    ] = "last",
    points: Annotated[int, number(2, 6, "Swap rates to try, from 0 to 20 an epoch", "world")] = 5,
    epochs: Annotated[int, number(2, 12, "Passes through the 1790 digits", "world")] = 4,
    n_seeds: Annotated[int, number(1, 4, "Streams to average over", "runs")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Accuracy after the first epoch against the swap rate, for four regulators and constants from a grid of six.

    Every learner meets the same streams. A network that diverges is wrong from there on. The best constant is chosen in
    hindsight for each swap rate: nobody who lives through the stream could know it.
    """
    at = 0 if decide_at == "first" else INTERVAL - 1
    swaps = np.linspace(0, 20, points).round().astype(int)
    learners = [(rule, eta0) for rule in range(len(REGULATORS))] + [(-1, rate) for rate in RATES]
    score, full, done = np.zeros((len(learners), points, n_seeds)), len(learners) * points * n_seeds, 0
    for p, swap in enumerate(swaps):
        for k, (rule, rate) in enumerate(learners):
            for i in range(n_seeds):
                life = Life(max(rule, 0) or -1, epochs, swap, rate, step_frac * rate, memo, at, [seed, i])
                life.go_on(epochs * EPOCH)
                score[k, p, i] = life.score
                done += 1
                complete = p + (done % (len(learners) * n_seeds) == 0)
                if complete:
                    yield _rates_frame(score[:, :complete], swaps[:complete], done / full)


def _rates_frame(score: Array, swaps: NDArray[np.int64], progress: float) -> xr.Dataset:
    mean, n = score.mean(2), len(REGULATORS)
    best = mean[n:].argmax(0)
    reading = (
        f"With {swaps[-1]} swaps an epoch a constant rate is right {mean[0, -1]:.1%} of the time, the homeostatic one "
        f"{mean[1, -1]:.1%}, a random one {mean[2, -1]:.1%}; the best of {len(RATES)} constants, chosen in hindsight, "
        f"is {RATES[best[-1]]:g} with {mean[n:, -1].max():.1%}."
    )
    return xr.Dataset(
        {
            "accuracy": variable(("learner", "swaps", "repeat"), score[:n], "accuracy after the first epoch"),
            "constants": variable(("rate", "swaps", "repeat"), score[n:], "accuracy after the first epoch"),
            "best_rate": variable("swaps", np.array(RATES)[best], "best constant learning rate"),
        },
        coords={
            "learner": variable("learner", list(REGULATORS), "regulator"),
            "swaps": variable("swaps", swaps, "swaps of two labels", "per epoch"),
            "rate": variable("rate", np.array(RATES), "constant learning rate"),
            "repeat": variable("repeat", np.arange(score.shape[2]), "stream"),
        },
        attrs={"reading": reading, "progress": progress},
    )


@experiment
def decision(
    sample: Annotated[int, number(120, 21_000, "The moment to look at, in samples seen", "moment")] = 3420,
    swaps_per_epoch: Annotated[int, number(0, 20, "Exchanges of two classes' labels in an epoch", "world")] = 12,
    memo: Annotated[int, number(5, 100, "Samples it remembers and imagines with", "network", unit="samples")] = 50,
    eta0: Annotated[float, number(0.002, 0.2, "Learning rate at the start", "network", scale="log")] = 0.01,
    step_frac: Annotated[
        float, number(0, 1, "How far a sample moves the rate, in shares of the first rate", "network")
    ] = 1.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One decision of the homeostatic network, from inside: what it imagines for every rate. One frame.

    The decision is the last one up to `sample`, at the end of a batch. `imagined` is what `imagine` returns for a step
    with that rate. `remembered` says which memories it gets right now, if it leaves and if it takes.
    """
    epochs, t = -(-sample // EPOCH), sample // INTERVAL * INTERVAL - 1
    life = Life(1, epochs, swaps_per_epoch, eta0, step_frac * eta0, memo, INTERVAL - 1, [seed, 0])
    life.go_on(t)
    eta, step, now = life.eta, step_frac * eta0, life.relabel[life.era[t]]
    theta, grad, label = life.theta.copy(), life.grad.copy(), int(now[life.labels[t]])
    guess = look(theta, life.x[t], label, grad)
    past, truth = life.x[t - memo : t], now[life.labels[t - memo : t]]
    futures = {"now": 0.0, "leave": eta, "take": effect(eta, guess, step)}
    grid = np.logspace(-3, 1, 161)
    imagined = np.array([imagine(theta, grad, r, past, truth) for r in grid])
    right = np.array(
        [[imagine(theta, grad, r, past[i : i + 1], truth[i : i + 1]) for i in range(memo)] for r in futures.values()]
    )
    leave, take = right[1:].mean(1)
    takes = take > leave
    after = effect(eta, label, step) if takes else eta
    act = "takes it in" if takes else "leaves it"
    outcome = (
        f"its class {label} moves the rate from {eta:.3g} to {after:.3g}" if takes else f"the rate stays {eta:.3g}"
    )
    yield xr.Dataset(
        {
            "imagined": variable("rate", imagined, "imagined accuracy on the memory"),
            "remembered": variable(("future", "memory"), right, "right"),
            "future_rate": variable("future", np.array(list(futures.values())), "learning rate of the imagined step"),
            "picture": variable(("row", "column"), life.x[t].reshape(8, 8), "pixel"),
            "truth": variable("memory", truth, "label of the memory today"),
        },
        coords={
            "rate": variable("rate", grid, "learning rate of the imagined step"),
            "future": variable("future", list(futures), "future"),
            "memory": variable("memory", np.arange(-memo, 0), "samples ago"),
            "row": variable("row", np.arange(8), "row"),
            "column": variable("column", np.arange(8), "column"),
        },
        attrs={
            "reading": f"Sample {t + 1}: it guesses {guess}, the label is {label}. It imagines {leave:.0%} right if it "
            f"leaves the sample and {take:.0%} if it takes it, so it {act}; {outcome}.",
            "progress": 1.0,
            "guess": guess,
            "label": label,
            "eta_after": float(after),
            "sample": t + 1,
        },
    )
