"""Where each road ends: how many new digits are read, and the work of one. What was trained is kept for a next look."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

from labcore.primitives.digits.batches import DigitBatches, digit_batches
from labcore.primitives.spiking.operations import Word, Work

from .conversion import count, scale_of
from .costs import fired, one_layer, said, timed
from .networks import OneHidden, Says, rounded, train
from .plasticity import events, first_spikes, first_weights, learn

Array = np.ndarray
STEPS, PASSES, STEP, FLOOR = 16, 4, 0.1, 5.0  # of STDP: time steps, times each image is shown, learning rate, threshold


class End(NamedTuple):
    """Of S runs: the share of new digits that are read, and the work of a digit."""

    right: Float[Array, " S"]
    work: tuple[Work, ...]


class Setting(NamedTuple):
    """What all roads have in common."""

    width: int
    batches: int
    word: Word
    seeds: tuple[tuple[int, int], ...]


@functools.lru_cache(maxsize=4)
def data_of(batches: int, seeds: tuple[tuple[int, int], ...]) -> DigitBatches:
    """Splits and batches of these runs; not to be changed."""
    return digit_batches([list(s) for s in seeds], batches)


def _arrays(s: Setting, run: int) -> tuple[Array, Array, Array, Array]:
    data = data_of(s.batches, s.seeds)
    return tuple(v[run].numpy().astype(float) for v in (data.x, data.y, data.x_test, data.y_test))


def _says(net: OneHidden, bits: int, steps: int, decay: float) -> Says:
    return net.spikes(steps, decay) if steps else net.few_bits(bits) if bits else net.relu


@functools.lru_cache(maxsize=32)
def _trained(s: Setting, bits: int = 0, steps: int = 0, decay: float = 0.0) -> OneHidden:
    net = OneHidden([list(seed) for seed in s.seeds], s.width)
    return train(net, _says(net, bits, steps, decay), data_of(s.batches, s.seeds), s.batches)


def _net(s: Setting, bits: int = 0, steps: int = 0, decay: float = 0.0) -> tuple[OneHidden, Says]:
    # the network as it computes: with weights of 8 bits, where words have 8
    kept = _trained(s._replace(word="float32"), bits, steps, decay)
    net = OneHidden([list(seed) for seed in s.seeds], s.width)
    net.load_state_dict(kept.state_dict())
    if s.word == "int8":
        with torch.no_grad():
            for layer in (net.hidden, net.out):
                layer.weight.copy_(rounded(layer.weight))
    return net, _says(net, bits, steps, decay)


@functools.lru_cache(maxsize=32)
def network(s: Setting, bits: int = 0, steps: int = 0, decay: float = 0.0) -> End:
    """A trained network: with ReLUs, or units of so many bits, or neurons that fire for so many steps."""
    (net, says), data = _net(s, bits, steps, decay), data_of(s.batches, s.seeds)
    with torch.no_grad():
        logits, hidden = net(data.x_test, says)
    right = (logits.argmax(-1) == data.y_test).double().mean(1).numpy()
    work = []
    for i, x in enumerate(data.x_test.numpy()):
        if steps:
            work.append(fired(x, hidden[:, i].numpy())[-1])
        elif bits == 1:  # who says all or nothing fires
            work.append(fired(x, (hidden[None, i] > 0).float().numpy())[-1])
        else:
            work.append(said(x, hidden[i].numpy()))
    return End(right, tuple(work))


@functools.lru_cache(maxsize=32)
def converted(s: Setting, most: int, start: float, percentile: float) -> tuple[End, ...]:
    """The network with ReLUs, as neurons that fire, after 1, ..., `most` steps."""
    (net, _), data = _net(s), data_of(s.batches, s.seeds)
    right, work = [], []
    for i in range(len(s.seeds)):
        w, b, v, c = (p.detach().numpy()[i] for p in (net.hidden.weight, net.hidden.bias, net.out.weight, net.out.bias))
        x, x_test = data.x[i].numpy(), data.x_test[i].numpy()
        scale = scale_of(np.maximum(x @ w + b, 0), percentile)  # the idea
        current = ((x_test @ w + b) / scale).astype(np.float32)
        spikes = count(np.repeat(current[None], most, 0), start).spikes
        rate = spikes.cumsum(0) / np.arange(1, most + 1, dtype=np.float32)[:, None, None]
        right.append(((scale * rate @ v + c).argmax(-1) == data.y_test[i].numpy()).mean(1))
        work.append(fired(x_test, spikes))
    return tuple(End(np.array([r[t] for r in right]), tuple(w[t] for w in work)) for t in range(most))


def earliness(weights: Array, thresholds: Array, x: Array, steps: int) -> Float[Array, "B K"]:
    """1 - t / T of each neuron's first spike, 0 where it is silent."""
    return 1 - first_spikes(weights, thresholds, events(x, steps), steps) / steps


def read_out(train: Array, y: Array, test: Array, y_test: Array, word: Word = "float32") -> float:
    """The share of test images that a logistic regression reads from these features, each of mean 0 and variance 1."""
    mean, spread = train.mean(0), train.std(0)
    spread[spread < 1e-6] = 1
    model = LogisticRegression(max_iter=300).fit((train - mean) / spread, y)
    if word == "int8":
        model.coef_ = rounded(torch.tensor(model.coef_)).numpy()
    return float(model.score((test - mean) / spread, y_test))


@functools.lru_cache(maxsize=32)
def by_order(s: Setting) -> End:
    """STDP with the constants above, and a read-out that has all labels."""
    right, work = [], []
    for i, seed in enumerate(s.seeds):
        x, y, x_test, y_test = _arrays(s, i)
        weights, thresholds = first_weights(np.random.default_rng([*seed, 5]), 64, s.width), np.full(s.width, FLOOR)
        for _ in range(PASSES):
            learn(weights, thresholds, events(x, STEPS), STEP, STEP, FLOOR)
        if s.word == "int8":
            weights = rounded(torch.tensor(weights)).numpy()
        early, early_test = (earliness(weights, thresholds, v, STEPS) for v in (x, x_test))
        right.append(read_out(early, y, early_test, y_test, s.word))
        work.append(timed(x_test, early_test, STEPS))
    return End(np.array(right), tuple(work))


@functools.lru_cache(maxsize=32)
def no_hidden(s: Setting) -> End:
    """A logistic regression on the pixels."""
    arrays = [_arrays(s, i) for i in range(len(s.seeds))]
    right = [read_out(*a, s.word) for a in arrays]
    return End(np.array(right), tuple(one_layer(a[2]) for a in arrays))
