"""Two imagined futures, the rate as an inner state at stake, and the life of one network on a stream of digits."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float, Int

from labcore.checked import ANY, checked, index, within
from labcore.data import digits_split
from labcore.kernels import kernel

from .elu_net import BATCH, SIZES, Array, Weights, descend, forward, look

INTERVAL = 10
EPOCH = 1790  # samples of an epoch, in full batches; a run's accuracy is counted after the first


@checked
@kernel
def imagine(
    theta: Weights, grad: Weights, eta: float, x: Float[Array, "memo 64"], labels: Int[Array, " memo"]
) -> float:
    """Share of the remembered samples x that the network would get right after a step with rate eta."""
    future, right = descend(theta, grad, eta), 0
    for i in range(len(x)):
        right += int(np.argmax(forward(future, x[i])[2]) == labels[i])
    return right / len(x)


@checked
@kernel
def effect(eta: float, label: int, step: float) -> float:
    """The rate after a sample of this class was taken in: 5 to 9 excite, 0 to 4 inhibit."""
    eta = eta + step if label >= 5 else eta - step
    return 1e-8 if eta < 0 else eta


@checked
@kernel
def live(
    start: Annotated[int, within(0, "stop")], stop: Annotated[int, within(0, "min(T, 10*decisions, 10*batches)")],
    x: Float[Array, "T 64"], labels: Annotated[Int[Array, " T"], index("10")],
    relabel: Annotated[Int[Array, "eras 10"], index("10")], era: Annotated[Int[Array, " T"], index("eras")],
    theta: Annotated[Weights, ANY], grad: Annotated[Weights, ANY], eta: float, rule: Annotated[int, within(-1, 3)],
    coin: Bool[Array, " decisions"], step: float, memo: Annotated[int, within(1)], at: int,
    correct: Int[Array, " T"], rates: Annotated[Float[Array, " batches"], ANY],
    log: Annotated[Float[Array, "decisions 5"], ANY],
) -> tuple[float, int]:  # fmt: skip
    """Samples start to stop - 1 of a stream: guess, decide, learn. theta, grad, correct, rates and log are written.

    labels are as they were at first; relabel says what each means in an era, era the era of a sample.
    rule: -1 never looks ahead, else the number in REGULATORS. log gets a row a decision, every INTERVAL samples:
    guess, label, accuracy if it leaves, accuracy if it takes, taken. Returns eta and 0, or the sample (from 1) at
    which the run diverged.
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
            leave = imagine(theta, grad, eta, past, truth)  # the idea
            take = imagine(theta, grad, effect(eta, guess, step), past, truth)  # the idea
            taken = (rule == 2 and coin[t // INTERVAL]) or (rule in (1, 3) and take > leave)  # the idea
            if taken:  # the guess decided; what happens is up to the truth
                eta = effect(eta, guess if rule == 3 else label, step)  # the idea
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
