"""A signal and the curve that a few numbers hold of it; digits read pixel by pixel, with that memory and without."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import CubicSpline

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import DigitBatches, digit_batches
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.training import count

from .memory import curve, parallel, step, streamed
from .networks import Neuron, Reader
from .training import PIXELS, Graded, read, sequence, trained, work

LENGTH, KNOT = 192, 32  # samples; from one point of the drawn signal to the next
BATCH, RATE = 32, 2e-2  # digits; of Adam, at first
WINDOW = Frame(
    time=axis("time", "samples"),
    signal=var("time", "signal"),
    ago=axis("time ago", "samples"),
    past=var("ago", "what was there"),
    remembered=var("ago", "what the numbers hold"),
    error=var("ago", "error over all times, parts of the signal's size"),
    degree=axis("number of the memory"),
    memory=var("degree", "its value"),
    gap=var("", "largest difference, all at once and streamed"),
)
Height = number(-1, 1, "Of the signal, there", "signal", label="signal")


@experiment(frame=WINDOW)
def window(
    d: Annotated[int, number(2, 64, "Numbers of the memory", "memory", label="numbers kept d", main=True)] = 16,
    theta: Annotated[
        int, number(8, 128, "How far back it reaches", "memory", "samples", label="window θ", main=True)
    ] = 64,
    now: Annotated[int, number(64, LENGTH, "When it is looked at", "memory", "samples", label="now", main=True)] = 150,
    p0: Annotated[float, Height] = 0.0,
    p1: Annotated[float, Height] = 0.7,
    p2: Annotated[float, Height] = -0.5,
    p3: Annotated[float, Height] = 0.8,
    p4: Annotated[float, Height] = 0.2,
    p5: Annotated[float, Height] = -0.7,
    p6: Annotated[float, Height] = 0.4,
    ripple: Annotated[float, number(0, 1, "Height of a fine wave upon it", "signal", label="fine wave")] = 0.0,
    period: Annotated[int, number(8, 128, "Of the fine wave", "signal", "samples", label="its period")] = 16,
    noise: Annotated[float, number(0, 0.5, "Of each sample", "signal", label="noise")] = 0.02,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A smooth signal through seven points, and what a Legendre memory holds of its last theta samples; one frame.

    The held curve stands where the signal was, half a sample of holding included. The error is over all times from
    theta samples on, beside the signal without its noise.
    """
    t = np.arange(LENGTH + 1.0)
    spline = CubicSpline(t[::KNOT], [p0, p1, p2, p3, p4, p5, p6])

    def clean(at: np.ndarray) -> np.ndarray:
        return spline(at) + ripple * np.sin(2 * np.pi * at / period)

    u = clean(t) + noise * np.random.default_rng(seed).normal(size=len(t))
    m = streamed(u[:, None], np.zeros((1, d)), *step(d, float(theta)))[:, 0]
    r = np.linspace(0, 1, 41)
    ago = r * theta - 0.5
    held, late = curve(m, r), np.arange(len(t)) >= theta
    past = clean(t[late, None] - ago)
    error = np.sqrt(np.mean((held[late] - past) ** 2, 0) / max(np.mean(past**2), 1e-12))
    gap = np.abs(parallel(torch.tensor(u[:, None]), d, float(theta))[:, 0].numpy() - m).max()
    here, there = held[now], clean(now - ago)
    miss = float(np.sqrt(np.mean((here - there) ** 2)))
    yield WINDOW(
        dict(time=t, signal=u, ago=ago, past=there, remembered=here, error=error, memory=m[now], gap=gap),
        f"From {d} numbers the last {theta} samples come back with an error of {miss:.2f} on average, where the signal "
        f"goes from {there.min():.2f} to {there.max():.2f}.",
        1.0,
    )


Width = Annotated[int, number(8, 64, "Of each sample", "network", label="channels")]
Numbers = Annotated[int, number(2, 64, "Numbers of the memory", "network", label="numbers kept d")]
Window = Annotated[int, number(8, 128, "How far back it reaches", "network", "pixels", label="window θ")]
Order = Literal["rows", "shuffled"]
Ordered = Annotated[
    Order, choice("In which pixels come", "data", label="pixels", words={"rows": "row after row", "shuffled": "mixed"})
]
Batches = Annotated[int, number(20, 400, "Of 32 digits", "training", label="training steps")]
Rate = Annotated[float, number(1e-4, 2e-2, "Of Adam, at first", "training", scale="log", label="learning rate")]
GRADED = {"last": "the last guess", "every": "every guess"}
NEURONS = {"relu": "ReLU", "lif": "fire along the sequence", "one bit": "0 or 1, no potential"}


def _order(order: Order, seed: int) -> np.ndarray:
    return np.arange(PIXELS) if order == "rows" else np.random.default_rng([seed, 7]).permutation(PIXELS)


LEARN = Frame(
    network=axis("network", values=("memory", "rival")),
    repeat=axis("repetition"),
    batch=axis("training steps"),
    accuracy=var("network repeat batch", "right on new digits"),
    pixel=axis("pixels read", start=1),
    along=var("network repeat pixel", "right after so many pixels"),
    weights=var("network", "learned numbers"),
    energy=var("network", "energy for a digit", "nJ"),
)
RIVALS = {"none": "no memory", "attention": "attention", "one bit": "memory, one bit"}


@experiment(quick=dict(width=8, d=8, batches=40), frame=LEARN)
@one_thread
def learn(
    rival: Annotated[
        Literal["none", "attention", "one bit"], choice("Beside it", "network", label="rival", main=True, words=RIVALS)
    ] = "none",
    neuron: Annotated[Neuron, choice("Between layers", "network", label="neurons", main=True, words=NEURONS)] = "relu",
    d: Numbers = 16,
    theta: Annotated[
        int, number(8, 128, "How far back it reaches", "network", "pixels", label="window θ", main=True)
    ] = 64,
    width: Width = 16,
    order: Ordered = "rows",
    silence: Annotated[int, number(0, 64, "Dark ones, after the digit", "data", label="pixels of silence")] = 0,
    batches: Batches = 200,
    rate: Rate = RATE,
    n_seeds: Annotated[int, number(1, 4, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two readers of digits, pixel by pixel, learn from the same batches; a frame every fifth of the training.

    The rival has no memory (its filters still see 7 pixels), or attention to all earlier pixels, or the memory and
    neurons that say 0 or 1. Right is a share of 200 new digits; energy is counted over 20, all that memory moves too.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data, places = digit_batches(seeds, batches, BATCH), _order(order, seed)
    mixer = "memory" if rival == "one bit" else rival
    nets = [
        Reader(seeds, width, d, theta, neuron),
        Reader(seeds, width, d, theta, "one bit" if rival == "one bit" else neuron, mixer),
    ]
    seen = sorted({round(i * batches / 5) for i in range(6)})
    rows: list[list[np.ndarray]] = []
    name = RIVALS[rival]
    for i, now in zip(
        seen, zip(*(trained(net, data, places, silence, batches, rate, seen) for net in nets), strict=True), strict=True
    ):
        rows.append([read(net, data, places, silence, 200)[1] for net in now])
        works = [work(net, read(net, data, places, silence, 20)[0]) for net in now]
        right = [float(row[:, -1].mean()) for row in rows[-1]]
        yield LEARN(
            dict(
                batch=np.array(seen[: len(rows)], float),
                accuracy=np.array([[row[k][:, -1] for row in rows] for k in (0, 1)]).transpose(0, 2, 1),
                along=np.array(rows[-1]),
                weights=np.array([float(count(net, n_seeds)) for net in now]),
                energy=np.array([w.energy() / 1000 for w in works]),
            ),
            f"After {i} training steps the network with the memory reads {right[0]:.1%} of new digits, the other "
            f"({name}) {right[1]:.1%}.",
            i / batches,
        )


READ = Frame(
    pixel=axis("pixels read", start=1),
    place=var("pixel", "place in the picture"),
    brightness=var("pixel", "brightness"),
    figure=axis("digit"),
    chance=var("figure pixel", "probability"),
    accuracy=var("pixel", "right on 500 new digits"),
    truth=var("", "what it is"),
    sure_at=var("", "pixels read when it is sure; 65 for never"),
    stopped=var("", "right on new digits, where it stops when sure"),
    needed=var("", "pixels read then, on average"),
    gap=var("", "largest difference of logits, all at once and streamed"),
)


@functools.lru_cache(maxsize=6)
def _reader(
    neuron: Neuron, mixer: str, width: int, d: int, theta: int, order: Order, batches: int, graded: Graded, seed: int
) -> tuple[Reader, DigitBatches, torch.Tensor, np.ndarray]:
    data, places = digit_batches([[seed, 0]], batches, BATCH), _order(order, seed)
    net = Reader([[seed, 0]], width, d, theta, neuron, mixer)
    *_, net = trained(net, data, places, 0, batches, RATE, [batches], graded)
    guess, right = read(net.eval(), data, places, 0, 500)
    return net, data, guess.logits[0], right[0]


@experiment(quick=dict(width=8, d=8, batches=40), frame=READ)
@one_thread
def pixels(
    image: Annotated[int, number(0, 99, "Of the new digits", "digit", label="which digit", main=True)] = 0,
    sure: Annotated[
        float, number(0.3, 0.99, "Probability at which it stops", "digit", label="sure above", main=True)
    ] = 0.9,
    graded: Annotated[Graded, choice("In training", "training", label="graded", main=True, words=GRADED)] = "last",
    neuron: Annotated[Neuron, choice("Between layers", "network", label="neurons", words=NEURONS)] = "relu",
    mixer: Annotated[
        Literal["memory", "none"], choice("In the block", "network", words={"none": "no memory"}, label="memory")
    ] = "memory",
    d: Numbers = 16,
    theta: Window = 64,
    width: Width = 32,
    order: Ordered = "rows",
    batches: Batches = 200,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One digit streamed through a trained reader: its guess after each pixel, and when it is sure; one frame."""
    net, data, logits, accuracy = _reader(neuron, mixer, width, d, theta, order, batches, graded, seed)
    places, state, parts = _order(order, seed), {}, []
    x = sequence(data.x_test[:, image : image + 1], places)
    with torch.no_grad():
        for t in range(PIXELS):
            parts.append(net(x[:, t : t + 1], state).logits[0, 0, 0])
    streamed_in = torch.stack(parts)
    chance = torch.softmax(streamed_in, -1).double().numpy().T
    p, best = (part.numpy() for part in torch.softmax(logits, -1).max(-1))
    stop = np.where((p >= sure).any(0), (p >= sure).argmax(0), PIXELS - 1)
    right = best[stop, np.arange(len(stop))] == data.y_test[0].numpy()
    above = chance.max(0) >= sure
    at = int(above.argmax()) + 1 if above.any() else PIXELS + 1
    said, truth = int(chance[:, min(at, PIXELS) - 1].argmax()), int(data.y_test[0, image])
    told = f"never sure, and says {said} in the end"
    if above.any():
        told = f"sure after {at} pixel{'s' * (at > 1)}, and says {said}"
    yield READ(
        dict(
            place=places.astype(float),
            brightness=data.x_test[0, image].double().numpy()[places],
            chance=chance,
            accuracy=accuracy,
            truth=truth,
            sure_at=at,
            stopped=right.mean(),
            needed=stop.mean() + 1,
            gap=float((streamed_in - logits[:, image]).abs().max()),
        ),
        f"The digit is a {truth}; the network is {told}. Stopped when it is sure, it reads {right.mean():.1%} of new "
        f"digits from {stop.mean() + 1:.1f} pixels on average.",
        1.0,
    )
