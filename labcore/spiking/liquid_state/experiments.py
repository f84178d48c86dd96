"""A liquid that a digit runs through; what a reader of its states can tell; classes named that no sense has met."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import compared

from .liquid import course, states, wires
from .projection import Map
from .reading import reader
from .recordings import CHANNELS, STEPS, backwards, moved, orders, swept
from .zero_shot import N_TEST, N_TRAIN, Encoder, Look, Senses, senses, train

Neurons = Annotated[int, number(32, 512, "Of a liquid", "liquid", label="neurons N")]
Gain = Annotated[
    float,
    number(0, 4, "Length of a neuron's row of weights to the others", "liquid", label="recurrent gain", main=True),
]
Decay = Annotated[float, number(0, 0.99, "Of a potential, kept from step to step", "liquid", label="decay")]
Drive = Annotated[
    float, number(0.1, 1, "Standard deviation of weights from a channel", "liquid", label="input weights")
]
Spread = Annotated[
    float, number(0.05, 1.5, "Of a cell's conductance, over its mean", "cells", scale="log", label="spread of cells")
]
Formed = Annotated[float, number(0.05, 1, "Pairs of cells that were formed", "cells", label="share of cells formed")]
Noise = Annotated[float, number(0, 1, "Of a weight, each time it is read", "cells", label="reading noise")]

AFTER, LATE = 48, 24  # steps of silence behind the digit, and those of them that tell whether activity stays
GAINS = np.linspace(0, 4, 17)
RIPPLES = Frame(
    step=axis("time step", start=1),
    neuron=axis("neuron", start=1),
    fired=var("step neuron", "spike"),
    share=var("step", "share of neurons that fire"),
    potential=var("step", "potential of the chosen neuron", "thresholds"),
    channel=axis("channel", start=1),
    event=var("step channel", "event"),
    at=axis("recurrent gain", values=GAINS),
    late=var("at", "share of neurons that fire long after the digit"),
    here=var("", "share of neurons that fire long after the digit, with this gain"),
)


@experiment(quick=dict(neurons=64), frame=RIPPLES)
def ripples(
    gain: Gain = 1.2,
    digit: Annotated[int, number(0, 9, "Which is swept past", "events", label="digit", main=True)] = 3,
    neuron: Annotated[
        int, number(1, 512, "Whose potential is shown; the last one beyond", "liquid", label="neuron", main=True)
    ] = 7,
    neurons: Neurons = 256,
    decay: Decay = 0.9,
    drive: Drive = 0.5,
    spread: Spread = 0.2,
    formed: Formed = 1.0,
    noise: Noise = 0.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A digit is swept past in 24 steps, then 48 steps of silence. A frame every 12 steps.

    The wires of all gains are the same but for their strength. Late: the mean of the last 24 steps.
    """
    rng = np.random.default_rng([seed, 0])
    split = digits_split(N_TRAIN, 1, [seed, 3])
    x = split.x_train[np.flatnonzero(split.y_train[:, digit])[:1]]
    events = np.concatenate([swept(x, rng)[0], np.zeros((AFTER, CHANNELS))])
    w = wires(rng, CHANNELS, neurons, drive, 1.0, spread, formed)
    late = [
        course(events, w.into, g * w.among, decay, noise, np.random.default_rng([seed, 1])).spikes[-LATE:].mean()
        for g in GAINS
    ]
    made = course(events, w.into, gain * w.among, decay, noise, np.random.default_rng([seed, 1]))
    chosen, share = min(neuron, neurons) - 1, made.spikes.mean(1)
    during, after = float(share[:STEPS].mean()), float(share[-LATE:].mean())
    told = "none fires any more" if after == 0 else f"{after:.1%} of them still fire in a step"
    reading = f"While the digit passes, {during:.1%} of the neurons fire in a step; at the end {told}."
    for end in range(12, len(events) + 1, 12):
        shown = slice(0, end)
        yield RIPPLES(
            dict(
                fired=made.spikes[shown],
                share=share[shown],
                potential=made.potential[shown, chosen],
                event=events[shown],
                late=np.array(late),
                here=after,
            ),
            reading,
            end / len(events),
        )


READERS = ("counts of the channels", "liquid without memory", "liquid")
ORDER = Frame(
    reader=axis("what is read", values=READERS),
    repeat=axis("repetition"),
    columns=axis("columns put in a random order", values=(0, 2, 4, 6, 8)),
    right=var("reader repeat columns", "right on new recordings"),
    guess=var("", "right by guessing"),
    rate=var("", "share of neurons that fire in a step"),
)
Asked = Literal["digit", "direction"]


@experiment(quick=dict(neurons=96), frame=ORDER)
@one_thread
def order(
    asked: Annotated[
        Asked,
        choice(
            "What the reader is to tell",
            "reader",
            main=True,
            label="the reader tells",
            words={"digit": "which digit it is", "direction": "from which side it was swept"},
        ),
    ] = "digit",
    gain: Gain = 1.2,
    decay: Annotated[
        float, number(0, 0.99, "Of a potential, kept from step to step", "liquid", label="decay", main=True)
    ] = 0.9,
    windows: Annotated[
        Literal[1, 2, 4, 8], choice("In which channels are counted one by one", "reader", label="windows of counts")
    ] = 1,
    neurons: Neurons = 256,
    drive: Drive = 0.5,
    spread: Spread = 0.2,
    formed: Formed = 1.0,
    noise: Noise = 0.0,
    n_seeds: Annotated[int, number(1, 10, "Splits and liquids", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Linear readers, trained on 1297 recordings, of 500 new ones whose columns are in another order; one frame.

    The liquid without memory has decay 0 and no wires among its neurons: each of its steps stands alone.
    """
    right = np.empty((len(READERS), n_seeds, 5))
    rates = []
    for i in range(n_seeds):
        rng = np.random.default_rng([seed, i, 5])
        split = digits_split(N_TRAIN, N_TEST, [seed, i, 3])
        events = swept(np.concatenate([split.x_train, split.x_test]), rng)
        labels, classes = np.concatenate([split.y_train, split.y_test]).argmax(1), 10
        if asked == "direction":
            labels, classes = rng.integers(0, 2, len(events)), 2
            events = backwards(events, labels == 1)
        new = [moved(events[N_TRAIN:], orders(rng, N_TEST, k)) for k in ORDER.columns["columns"].values]
        w = wires(rng, CHANNELS, neurons, drive, gain, spread, formed)
        none = np.zeros_like(w.among)
        read = (
            lambda e: e.reshape(len(e), windows, -1, CHANNELS).sum(2).reshape(len(e), -1),
            lambda e, w=w, none=none, rng=rng: states(e, w.into, none, 0.0, noise, rng),
            lambda e, w=w, rng=rng: states(e, w.into, w.among, decay, noise, rng),
        )
        for k, see in enumerate(read):
            state = see(events[:N_TRAIN])
            name = reader(state, labels[:N_TRAIN], classes)
            right[k, i] = [(name(see(e)) == labels[N_TRAIN:]).mean() for e in new]
        rates.append(state.mean() / STEPS)
    kept, gone = right[:, :, 0].mean(1), right[:, :, -1].mean(1)
    what = "digits are read" if asked == "digit" else "directions are told"
    yield ORDER(
        dict(right=right, guess=1 / classes, rate=np.mean(rates)),
        f"From counts of the channels {kept[0]:.1%} of {what}, from a liquid {kept[2]:.1%}, without memory "
        f"{kept[1]:.1%}; with all columns in a random order {gone[0]:.1%}, {gone[2]:.1%} and {gone[1]:.1%}.",
        1.0,
    )


SHOWN = 8  # new recordings of a class on the map
UNSEEN = Frame(
    repeat=axis("repetition"),
    batch=axis("training steps"),
    new=var("repeat batch", "unseen classes named"),
    met=var("repeat batch", "classes that were met named"),
    guess=var("", "right by guessing"),
    digit=axis("class", values=range(10)),
    is_met=var("digit", "1 where the class was met in training"),
    recording=axis("recording"),
    place=axis("direction of the map", start=1),
    seen=var("digit recording place", "place of a recording that is seen"),
    heard=var("digit place", "place of a class as it sounds"),
    trained=var("", "weights that are trained"),
    fixed=var("", "weights of the liquids, never trained"),
)


@functools.lru_cache(maxsize=24)
def _senses(seed: tuple[int, ...], *rest: object) -> Senses:
    return senses(seed, *rest)


@experiment(quick=dict(neurons=96, batches=60), frame=UNSEEN)
@one_thread
def unseen(
    link: Annotated[
        float,
        number(0, 1, "How much classes that look alike sound alike", "senses", label="link of the senses", main=True),
    ] = 1.0,
    encoder: Annotated[
        Encoder,
        choice(
            "What the projections get",
            "senses",
            label="senses give",
            main=True,
            words={"liquid": "states of liquids", "counts": "counts of channels"},
        ),
    ] = "liquid",
    classes: Annotated[int, number(4, 8, "Of ten, in training", "senses", label="classes met", main=True)] = 7,
    neurons: Neurons = 256,
    gain: Annotated[
        float, number(0, 4, "Length of a neuron's row of weights to the others", "liquid", label="recurrent gain")
    ] = 1.2,
    decay: Decay = 0.9,
    drive: Drive = 0.5,
    noise: Noise = 0.0,
    dims: Annotated[int, number(2, 128, "Of the common space", "training", label="dimensions p")] = 32,
    batches: Annotated[int, number(30, 400, "Of 64 pairs", "training", label="training steps")] = 120,
    n_seeds: Annotated[int, number(1, 10, "Splits, classes and liquids", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Projections that align what is seen with what is heard; a frame every few training steps.

    New recordings of the classes that were not met are named among these, each by the nearest mean sound.
    """  # fmt: skip
    seeds = [[seed, i] for i in range(n_seeds)]
    runs = [_senses(tuple(s), encoder, classes, link, neurons, gain, decay, drive, noise) for s in seeds]
    looks = sorted({0, 2, 5, 10, 20, *range(30, batches + 1, 15), batches})
    met, onto, rows = runs[0].met, Map(), []
    labels = runs[0].labels[N_TRAIN:]
    shown = np.stack([np.flatnonzero(labels == c)[:SHOWN] for c in range(10)])
    for look, _ in train(runs, dims, seeds, looks):
        rows.append(look)
        heard = look.heard[0]
        onto.turn(heard)
        new = float(look.new.mean())
        yield UNSEEN(
            dict(
                batch=np.array([r.step for r in rows], float),
                new=np.array([r.new for r in rows]).T,
                met=np.array([r.met for r in rows]).T,
                guess=1 / (10 - classes),
                is_met=met.astype(float),
                seen=onto(look.seen[0, shown]),
                heard=onto(heard),
                trained=dims * (runs[0].seen.shape[1] + runs[0].heard.shape[2]),
                fixed=2 * neurons * (CHANNELS + neurons) * (encoder == "liquid"),
            ),
            _named(rows, 1 / (10 - classes), new),
            look.step / batches,
        )


def _named(rows: list[Look], guess: float, new: float) -> str:
    look = rows[-1]
    said = f"After {look.step} training steps {new:.1%} of the recordings of unseen classes are named"
    if len(look.new) > 2:
        than = compared(look.new, np.full(len(look.new), guess))
        return f"{said}, {than} than the {guess:.1%} of guessing; of classes that were met {look.met.mean():.1%}."
    return f"{said} right, where guessing names {guess:.1%}; of classes that were met {look.met.mean():.1%}."
