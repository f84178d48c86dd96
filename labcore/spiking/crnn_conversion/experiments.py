"""One neuron whose current comes in any order, a long random sequence, and a trained network that reads digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import plain

from .digits import train, twins
from .neuron import KINDS, Kind, Range, count_range, pour, quantise
from .recurrent import HandOver, Weights, quantised, spiking, sure

WORDS = {
    "bipolar": "fires -1 as well",
    "soft": "a spike takes a threshold",
    "hard": "a spike takes all charge",
}
HANDS = {"canonical": "its count, at once", "replay": "its spikes, as they came"}
What = Annotated[Kind, choice("What a neuron can do", "neuron", label="neuron", words=WORDS)]
How = Annotated[
    HandOver, choice("How a state reaches the next element", "network", label="handed on", words=HANDS, main=True)
]
STEPS, AT = 24, 16

GLASS = Frame(
    kind=axis("neuron", values=("bipolar", "soft")),
    order=axis("order of arrival"),
    step=axis("step"),
    current=var("step", "current", "thresholds"),
    charge=var("kind step", "charge after the step", "thresholds"),
    count=var("kind step", "spikes fired so far, -1 counted back"),
    other=var("kind order step", "spikes fired so far"),
    rounded=var("", "sum of the current, rounded and held in the range"),
)


@experiment(frame=GLASS)
def glass(
    first: Annotated[
        float, number(-6, 8, "Current of the first pour", "current", "thresholds", label="first pour", main=True)
    ] = 3.3,
    second: Annotated[
        float, number(-6, 8, "Current of the second pour", "current", "thresholds", label="second pour", main=True)
    ] = -1.6,
    first_at: Annotated[int, number(0, AT - 1, "When it comes", "current", label="step of the first")] = 1,
    second_at: Annotated[int, number(0, AT - 1, "When it comes", "current", label="step of the second")] = 6,
    ripple: Annotated[
        float, number(0, 2, "Random currents that add up to 0", "current", "thresholds", label="ripple")
    ] = 0.2,
    bits: Annotated[int, number(1, 4, "The count goes from 0 to 2^bits - 1", "neuron", label="bits", main=True)] = 3,
    orders: Annotated[int, number(1, 40, "The same currents, shuffled", "current", label="random orders")] = 20,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two neurons, of which one can fire -1, with the same current in 16 of 24 steps; one frame. Threshold 1.

    The current is two pours and a ripple without a sum. `other` has the same currents in random orders.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=AT)
    current = np.zeros(STEPS)
    current[:AT] = ripple * (noise - noise.mean())
    current[first_at] += first
    current[second_at] += second
    shuffled = np.zeros((STEPS, orders))
    shuffled[:AT] = np.stack([rng.permutation(current[:AT]) for _ in range(orders)], 1)
    levels, kinds = count_range(bits), ("bipolar", "soft")
    poured = [pour(np.column_stack([current, shuffled]), 1.0, *levels, kind) for kind in kinds]
    count = np.stack([spikes.cumsum(0).T for spikes, _ in poured]).astype(float)
    rounded = float(quantise(current.sum(), 1.0, *levels))
    ends = count[:, 1:, -1]
    said = [f"{e.min():.0f} to {e.max():.0f}" if np.ptp(e) else f"{e[0]:.0f} in each" for e in ends]
    yield GLASS(
        dict(
            order=np.arange(orders),
            step=np.arange(STEPS),
            current=current,
            charge=np.stack([charge[:, 0] for _, charge in poured]),
            count=count[:, 0],
            other=count[:, 1:],
            rounded=rounded,
        ),
        f"The current adds up to {plain(current.sum(), '.2f')}, rounded {plain(rounded, '.0f')}. The neuron that can "
        f"fire -1 ends with {plain(count[0, 0, -1], '.0f')}, the other with {plain(count[1, 0, -1], '.0f')}; in "
        f"{orders} random order{'s' * (orders > 1)} with {said[0]} and {said[1]}.",
        1.0,
    )


Bits = Annotated[int, number(2, 5, "Of a state", "network", label="bits of a state", main=True)]
Signed = Annotated[bool, choice("Counts may be negative", "network", label="states have a sign")]
SEQUENCE = Frame(
    element=axis("element of the sequence", start=1),
    steps=axis("small steps for each element", start=1),
    wrong=var("steps element", "share of wrong states"),
    sure=var("", "steps that are sure to be enough, its count handed on"),
)


@experiment(quick=dict(length=40), frame=SEQUENCE)
def sequence(
    bits: Bits = 4,
    hand_over: How = "canonical",
    signed: Signed = True,
    gain: Annotated[
        float, number(0, 1.5, "Size of the recurrent weights", "network", label="recurrent gain", main=True)
    ] = 0.9,
    length: Annotated[int, number(20, 300, "Elements of the sequence", "network", label="length")] = 100,
    units: Annotated[int, number(8, 128, "Recurrent units", "network", label="units")] = 64,
    most: Annotated[int, number(8, 64, "Small steps at most", "network", label="small steps, at most")] = 32,
    spread: Annotated[int, number(1, 8, "Steps in which an input arrives", "network", label="input steps")] = 1,
    neuron: What = "bipolar",
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """States of a random recurrent network that its spiking twin has wrong, by element and by small steps; one frame.

    Inputs are normal numbers of size 1 for each unit. Two sequences.
    """
    rng = np.random.default_rng(seed)
    levels, b = count_range(bits, signed), 2
    theta = 2.0 / 2 ** (bits - signed)
    u = np.round(gain * rng.normal(size=(units, units)) / units**0.5 * 1024) / 1024
    drive = np.round(rng.normal(size=(b, length, units)) * 1024) / 1024
    none, one = np.zeros((b, length, 0)), Range(0, 1)
    weights = Weights(np.zeros((0, units)), u, 1.0, theta)
    _, states = quantised(none, drive, weights, one, levels)
    wrong = np.empty((most, length))
    for steps in range(1, most + 1):
        got = spiking(none, drive, weights, one, levels, steps, spread=spread, hand_over=hand_over, kind=neuron)
        wrong[steps - 1] = (theta * got.state != states).mean((0, 2))
    enough = sure(None, levels, spread)
    right = np.flatnonzero(wrong.any(1))
    first = int(right[-1]) + 2 if len(right) else 1
    half = most // 2
    told = f"From {first} small steps on no state is wrong" if first <= most else "Some states are wrong to the end"
    yield SEQUENCE(
        dict(element=np.arange(1, length + 1), steps=np.arange(1, most + 1), wrong=wrong, sure=enough),
        f"{told}; {enough} are sure, if a state is handed on as its count. With {half} steps {wrong[half - 1, 0]:.1%} "
        f"of the states of the first element are wrong, and {wrong[half - 1, -1]:.1%} of the last.",
        1.0,
    )


LADDER = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 24, 29])
CONVERTED = Frame(
    step=axis("training step"),
    learned=var("step", "right on new digits while it learns"),
    kind=axis("neuron", values=KINDS),
    steps=axis("small steps for each row"),
    accuracy=var("kind steps", "right on new digits", optional=True),
    wrong=var("kind steps", "share of wrong states", optional=True),
    changed=var("kind steps", "digits that the twins read differently", optional=True),
    additions=var("steps", "additions for a digit", optional=True),
    quantised=var("", "right on new digits, quantised twin"),
    products=var("", "products of the quantised twin for a digit, those by 0 left out"),
    sure=var("", "steps that are sure to be enough"),
)


@experiment(quick=dict(training=60, digits=100), frame=CONVERTED)
@one_thread
def convert(
    bits: Annotated[int, number(1, 4, "Of every state", "network", label="bits of a state", main=True)] = 3,
    hand_over: How = "canonical",
    signed: Annotated[bool, choice("Recurrent states may be negative", "network", label="states have a sign")] = False,
    spread: Annotated[int, number(1, 8, "Steps in which a row's pixels arrive", "network", label="input steps")] = 1,
    units: Annotated[int, number(16, 128, "Recurrent units", "network", label="units")] = 64,
    training: Annotated[int, number(40, 600, "Batches of 64", "training", label="training steps", main=True)] = 300,
    digits: Annotated[int, number(50, 500, "New digits that are read", "data", label="new digits")] = 300,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A quantised network that reads digits row by row learns; then spiking twins read the same, step by step.

    Adam with rate 3e-3. A frame for every tenth of the training, then one for each number of small steps. With `signed`
    one bit is the sign, and there are two at least.
    """
    data = digit_batches([[seed, 0]], training)
    x, y = data.x_test[0, :digits].double().numpy(), data.y_test[0, :digits].numpy()
    learned: list[tuple[int, float]] = []

    def frame(reading: str, progress: float, **more: np.ndarray) -> xr.Dataset:
        at, right = (np.array(v, float) for v in zip(*learned, strict=True))
        enough = sure(both.front_range, both.state_range, spread)
        values = dict(step=at, learned=right, quantised=right[-1], products=both.products(x), sure=enough)
        return CONVERTED(values | more, reading, progress)

    rng, every = np.random.default_rng([seed, 1]), training // 10
    for step, net in train(data, rng, units=units, bits=bits, signed=signed, rate=3e-3, every=every):
        both = twins(net)
        states, read = both.quantised(x)
        learned.append((step, float((read == y).mean())))
        told = f"After {step} steps the quantised network reads {learned[-1][1]:.1%} of new digits."
        yield frame(told, 0.7 * step / training)
    rows: list[list[tuple[float, float, float]]] = []
    additions: list[float] = []
    for steps in LADDER:
        row = []
        for kind in KINDS:
            got, said, spikes = both.spiking(x, int(steps), kind, hand_over, spread)
            row.append((float((said == y).mean()), float((got != states).mean()), float((said != read).sum())))
            if kind == "bipolar":
                additions.append(both.additions(spikes, digits))
        rows.append(row)
        accuracy, wrong, changed = np.array(rows).transpose(2, 1, 0)
        ratio = additions[-1] / both.products(x)
        yield frame(
            f"With {steps} small steps a row the spiking twin has {wrong[0, -1]:.1%} of its states wrong and reads "
            f"{changed[0, -1]:.0f} of {digits} digits differently, that without -1 {changed[1, -1]:.0f}. It makes "
            f"{additions[-1]:,.0f} additions for a digit, {ratio:.1f} times the products of the quantised twin.",
            0.7 + 0.3 * len(rows) / len(LADDER),
            steps=LADDER[: len(rows)],
            accuracy=accuracy,
            wrong=wrong,
            changed=changed,
            additions=np.array(additions),
        )
