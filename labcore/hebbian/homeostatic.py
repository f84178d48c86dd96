"""A classifier whose learning rate is at stake in what it decides to take in.

Problem: when the meaning of classes shifts, a constant learning rate is too slow, and nobody says when to raise it.
Idea: give the network a need. The rate eta is its vulnerable inner state: taking in a sample of a class 5 to 9 excites
(eta += step), one of a class 0 to 4 inhibits (eta -= step; below 0 it is set to 1e-8). Every 10 samples it imagines two
futures with the gradient g gathered so far, w - (eta / m) g if it leaves the sample and w - ((eta +- step) / m) g if it
takes it, with the sign of its own guess, and counts how many of the last `memo` samples each would get right, by the
labels they have now. Only if taking is strictly better does it take, and then the true label moves eta. So a class
that it misperceives does the opposite of what it wanted: recognition pays. The batch's step of SGD uses the new eta.
Concept shift: again and again two random classes exchange their labels everywhere, in the memory too.
Laboratory scale: 8x8 digits and an ELU net 64-40-30-10 in place of MNIST and 784-80-60-10; batches of m = 10. Two
settings are the laboratory's: steps of eta0 (not eta0/10), decided on the last sample of a batch (not the first).
Source: Man, Damasio, Neven (2022), arXiv:2205.08645, and the code they published with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from labcore.claims import Evidence, claim
from labcore.data import digits_split
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.elu_net import BATCH, SIZES, descend, forward, look

Array = NDArray[np.float64]
INTERVAL = 10
EPOCH = 1790  # samples of an epoch, in full batches; a run's accuracy is counted after the first
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # the constants a rival may choose from
Regulator = Literal["constant", "homeostatic", "random", "guess acts"]
REGULATORS = get_args(Regulator)


@njit(cache=True, nogil=True)
def imagine(theta: Array, grad: Array, eta: float, x: Array, labels: NDArray[np.int64]) -> float:
    """Share of the remembered samples x (memo, 64) that the network would get right after a step with rate eta."""
    future, right = descend(theta, grad, eta), 0
    for i in range(len(x)):
        right += int(np.argmax(forward(future, x[i])[2]) == labels[i])
    return right / len(x)


@njit(cache=True, nogil=True)
def effect(eta: float, label: int, step: float) -> float:
    """The rate after a sample of this class was taken in: 5 to 9 excite, 0 to 4 inhibit."""
    eta = eta + step if label >= 5 else eta - step
    return 1e-8 if eta < 0 else eta


@njit(cache=True, nogil=True)
def live(
    start: int, stop: int, x: Array, labels: NDArray[np.int64], relabel: NDArray[np.int64], era: NDArray[np.int64],
    theta: Array, grad: Array, eta: float, rule: int, coin: NDArray[np.bool_], step: float, memo: int, at: int,
    correct: NDArray[np.int8], rates: Array, log: Array,
) -> tuple[float, int]:  # fmt: skip
    """Samples start to stop - 1 of a stream: guess, decide, learn. Everything after `labels` but `coin` can change.

    x (T, 64); labels (T,) as they were at first; relabel (eras, 10) what each means in an era, era (T,) the era.
    rule: -1 never looks ahead, else the number in REGULATORS. log (T / INTERVAL, 5) gets a row a decision:
    guess, label, accuracy if it leaves, accuracy if it takes, taken. Returns eta and 0, or the sample
    (from 1) at which the run diverged.
    """
    for t in range(start, stop):
        now = relabel[era[t]]
        label = now[labels[t]]
        guess = look(theta, x[t], label, grad)
        if guess < 0:
            return eta, t + 1
        correct[t] = guess == label
        if rule >= 0 and t > memo and t % INTERVAL == at:
            past, truth = x[t - memo : t], now[labels[t - memo : t]]
            leave = imagine(theta, grad, eta, past, truth)
            take = imagine(theta, grad, effect(eta, guess, step), past, truth)
            taken = (rule == 2 and coin[t // INTERVAL]) or (rule in (1, 3) and take > leave)
            if taken:  # the guess decided; what happens is up to the truth
                eta = effect(eta, guess if rule == 3 else label, step)
            row = log[t // INTERVAL]
            row[0], row[1], row[2], row[3], row[4] = guess, label, leave, take, taken
        if t % BATCH == BATCH - 1:
            theta[:] = descend(theta, grad, eta)
            grad[:] = 0
            rates[t // BATCH] = eta
    return eta, 0


class Life:
    """One network on one stream of digits. The same seed gives the same stream and start to every regulator."""

    def __init__(
        self, rule: int, epochs: int, swaps: int, eta0: float, step: float, memo: int, at: int, seed: list[int]
    ):
        total = epochs * EPOCH
        split, rng, shift = digits_split(1796, 1, seed), np.random.default_rng(seed), np.random.default_rng([*seed, 1])
        layers = [(rng.normal(size=s) * np.sqrt(2 / s[0]), rng.normal(size=s[1])) for s in zip(SIZES, SIZES[1:])]
        self.theta = np.concatenate([p.ravel() for layer in layers for p in layer])
        self.grad = np.zeros_like(self.theta)
        order = np.concatenate([rng.permutation(1796)[:EPOCH] for _ in range(epochs)])
        self.x, self.labels = split.x_train[order], split.y_train.argmax(1)[order]
        every = EPOCH / max(swaps, 1)
        times = [int(k * every) // BATCH * BATCH for k in range(1, epochs * swaps)]
        self.swaps = np.array([(t, *shift.choice(10, 2, replace=False)) for t in times], int).reshape(-1, 3)
        self.relabel = np.arange(10)[None].repeat(len(times) + 1, 0)
        for k, (_, a, b) in enumerate(self.swaps, 1):
            before = self.relabel[k - 1]
            self.relabel[k] = np.where(before == a, b, np.where(before == b, a, before))
        self.era = np.searchsorted(times, np.arange(total), side="right")
        self.coin = np.random.default_rng([*seed, 2]).uniform(size=total // INTERVAL) > 0.5
        self.eta, self.settings, self.died, self.done = eta0, (rule, step, memo, at), 0, 0
        self.correct, self.rates = np.zeros(total, np.int8), np.zeros(total // BATCH)
        self.log = np.full((total // INTERVAL, 5), np.nan)

    def go_on(self, stop: int) -> None:
        """Live until sample `stop`, or until it diverges."""
        if self.died:
            return
        rule, step, memo, at = self.settings
        world = self.x, self.labels, self.relabel, self.era, self.theta, self.grad
        written = self.correct, self.rates, self.log
        self.eta, self.died = live(self.done, stop, *world, self.eta, rule, self.coin, step, memo, at, *written)
        self.done = self.died - 1 if self.died else stop

    @property
    def score(self) -> float:
        """Share of right guesses after the first epoch; a network that diverged is wrong from there on."""
        return float(self.correct[EPOCH:].mean())


@experiment("homeostatic", quick=dict(epochs=4))
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


@experiment("homeostatic", quick=dict(epochs=2, points=3, n_seeds=1))
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


@experiment("homeostatic")
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


def _accuracies(budget: Budget, regulator: Regulator, swaps: int) -> tuple[float, float]:
    """Means over 4 seeds after the first epoch: the regulator's accuracy and the constant rate's, at full length."""
    runs = [stream.run(budget, regulator=regulator, swaps_per_epoch=swaps, epochs=12, seed=s).attrs for s in range(4)]
    return float(np.mean([a["accuracy"] for a in runs])), float(np.mean([a["accuracy_constant"] for a in runs]))


@claim(
    "homeostatic", "Where labels keep swapping, a rate that is at stake learns better than the same rate held constant"
)
def need_helps_under_shift(budget: Budget) -> Evidence:
    need, constant = _accuracies(budget, "homeostatic", 12)
    return Evidence(
        {"homeostatic": need, "constant": constant, "gain": need - constant},
        "12 swaps an epoch, both start at 0.01: homeostatic - constant >= 0.15",
        need - constant >= 0.15,
        n_seeds=4,
    )


@claim(
    "homeostatic",
    "The advantage comes from the shift: it is larger with swaps than without, and there it costs nothing",
)
def advantage_grows_with_shift(budget: Budget) -> Evidence:
    (need, constant), (calm, steady) = (_accuracies(budget, "homeostatic", s) for s in (12, 0))
    return Evidence(
        {"gain at 12 swaps": need - constant, "gain at 0 swaps": calm - steady},
        "gain at 12 swaps - gain at 0 swaps >= 0.1, and gain at 0 swaps >= -0.01",
        (need - constant) - (calm - steady) >= 0.1 and calm - steady >= -0.01,
        n_seeds=4,
    )


@claim(
    "homeostatic",
    "Under shift it beats a rate moved by random intake, and is as good as a constant rate that was tuned",
    expected="not reproduced",
    reason="Here any higher rate relearns faster. Random intake drifts up without a bound, which helps "
    "here and ruins some runs without shift; a large constant relearns at once, for whoever knows it beforehand.",
)
def beats_its_rivals(budget: Budget) -> Evidence:
    need, chance = (_accuracies(budget, r, 12)[0] for r in ("homeostatic", "random"))
    tuned = np.mean(
        [stream.run(budget, eta0=0.2, regulator="constant", memo=5, epochs=12, seed=s).accuracy for s in range(4)]
    )
    return Evidence(
        {"homeostatic": need, "random": chance, "constant 0.2": tuned},
        "12 swaps an epoch, first rate 0.01 (both): homeostatic >= random + 0.02 and >= constant 0.2 - 0.01",
        need >= chance + 0.02 and need >= tuned - 0.01,
        n_seeds=4,
    )


@claim(
    "homeostatic",
    "With the published step (a tenth of the rate, on a batch's first sample) it beats the constant rate under shift",
    expected="not reproduced",
    reason="The imagined steps then carry the gradient of one sample in place of ten. Nearly all decisions tie, which "
    "leaves the rate alone, and the few that do not ask for a lower rate about as often as for a higher one.",
)
def published_step_helps(budget: Budget) -> Evidence:
    settings = dict(swaps_per_epoch=4, eta0=0.02, step_frac=0.1, memo=20, decide_at="first", epochs=12)
    runs = [stream.run(budget, seed=s, **settings) for s in range(4)]
    gain = np.mean([f.accuracy - f.accuracy_constant for f in runs])
    ties = np.mean([(f.leave == f.take).mean() for f in runs])
    hoped_up = np.mean([(f.guess.values[f.taken.values > 0] >= 5).mean() for f in runs])
    return Evidence(
        {"gain": gain, "share of ties": ties, "taken in the hope to rise": hoped_up},
        "4 swaps an epoch, first rate 0.02, memory 20: homeostatic - constant >= 0.02",
        gain >= 0.02,
        n_seeds=4,
    )
