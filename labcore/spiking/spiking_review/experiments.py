"""A neuron that counts; what each road to a spiking classifier costs; and fields that form by who fires first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import N_TRAIN
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.spiking.encoders import latency_steps
from labcore.primitives.spiking.operations import Word

from . import conversion, roads
from .costs import MEASURES, costs
from .plasticity import apart, events, first_weights, learn

MOST = 64

COUNT = Frame(
    current=axis("current (thresholds a step)"),
    rate=var("current", "spikes a step"),
    step=axis("time step", start=1),
    charge=var("step", "charge before the spike", "thresholds"),
    spikes=var("step", "spikes"),
    error=var("step", "distance from the current, mean of 500 random ones"),
    here=var("", "spikes a step, of this current"),
)


@experiment(frame=COUNT)
def count(
    current: Annotated[
        float, number(0, 1.2, "Into the neuron, in each step; its threshold is 1", label="current a", main=True)
    ] = 0.6,
    steps: Annotated[int, number(1, MOST, "Of this current", label="time steps T", main=True)] = 8,
    start: Annotated[
        float, number(0, 1, "Before the first step, in thresholds", label="first charge v₀", main=True)
    ] = 0.5,
    after: Annotated[
        Literal["soft", "hard"],
        choice(
            "What a spike takes away",
            label="a spike takes",
            words={"soft": "one threshold", "hard": "all there is"},
        ),
    ] = "soft",
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The rate of a neuron without a leak over its current, the charge over time for one, and how far rates are off.

    The distance is that of 500 currents between 0 and 1, drawn by the seed. One frame.
    """
    grid = np.linspace(0, 1.2, 241)
    drawn = np.random.default_rng(seed).random(500)
    every = np.concatenate([[current], grid, drawn])
    course = conversion.count(np.repeat(every[None], steps, 0), start, after == "hard")
    rate = course.spikes.cumsum(0) / np.arange(1, steps + 1)[:, None]
    here, fired = float(rate[-1, 0]), int(course.spikes[:, 0].sum())
    error = np.abs(rate[:, 242:] - drawn).mean(1)
    yield COUNT(
        dict(
            current=grid,
            rate=rate[-1, 1:242],
            charge=course.potential[:, 0],
            spikes=course.spikes[:, 0],
            error=error,
            here=here,
        ),
        f"A current of {current:.3g} makes the neuron fire {fired} times in {steps} steps: {here:.3f} spikes a step. "
        f"Rates of random currents are off by {error[-1]:.3f} on average.",
    )


ROADS = Frame(
    measure=axis("counted as", values=MEASURES),
    road=axis("road"),
    repeat=axis("repetition"),
    right=var("road repeat", "right on new digits"),
    cost=var("measure road", "cost of a digit: operations, nJ of arithmetic, nJ with memory"),
    steps=axis("time steps", start=1),
    path=var("steps repeat", "right on new digits, converted"),
    path_cost=var("measure steps", "cost of a digit, converted: operations, nJ of arithmetic, nJ with memory"),
    spikes=var("steps", "additions for a digit behind the first layer, converted"),
    cheaper=var("measure", "time steps up to which converted costs less than ordinary"),
)
NO_HIDDEN, ORDINARY, STDP, TRAINED = "no hidden layer", "ordinary", "STDP", "trained with spikes"
BITS = (1, 2, 3, 4)


def bits_name(bits: int) -> str:
    """The name of the road whose hidden units have so many bits."""
    return f"{bits} bit" if bits == 1 else f"{bits} bits"


@experiment(quick=dict(batches=100, width=40), frame=ROADS)
@one_thread
def paths(
    steps: Annotated[int, number(1, MOST, "Of the converted network", "spikes", label="time steps T", main=True)] = 8,
    counted: Annotated[
        Literal["operations", "arithmetic", "memory"],
        choice(
            "What a digit costs",
            label="cost",
            main=True,
            words={
                "operations": "operations",
                "arithmetic": "energy of arithmetic",
                "memory": "energy with memory",
            },
        ),
    ] = "arithmetic",
    width: Annotated[int, number(20, 200, "Hidden units", "network", label="hidden units K", main=True)] = 100,
    word: Annotated[
        Word,
        choice(
            "Of weights, and what their energy is counted for",
            label="numbers",
            words={"float32": "of 32 bits", "int8": "of 8 bits"},
        ),
    ] = "float32",
    start: Annotated[
        float, number(0, 1, "Of converted neurons, in thresholds", "spikes", label="first charge v₀")
    ] = 0.5,
    percentile: Annotated[
        float, number(80, 100, "Of what ReLUs say, where rates reach 1", "spikes", label="scale percentile")
    ] = 99.9,
    spiking_steps: Annotated[
        int, number(1, 16, "Of the network that is trained with spikes", "spikes", label="time steps, trained")
    ] = 6,
    decay: Annotated[float, number(0.5, 1, "Of its charge, left after a step", "spikes", label="decay, trained")] = 0.9,
    batches: Annotated[int, number(100, 1000, "Of 64 digits", "training", label="training steps")] = 600,
    n_seeds: Annotated[int, number(1, 4, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Accuracy and cost of each road, and of the converted network after each number of steps; a frame for each road.

    1297 digits to learn from, 500 new ones. Costs are means over the digits and the repetitions.
    """
    s = roads.Setting(width, batches, word, tuple((seed, r) for r in range(n_seeds)))
    todo = {
        NO_HIDDEN: lambda: roads.no_hidden(s),
        ORDINARY: lambda: roads.network(s),
        STDP: lambda: roads.by_order(s),
        **{bits_name(b): lambda b=b: roads.network(s, bits=b) for b in BITS},
        TRAINED: lambda: roads.network(s, steps=spiking_steps, decay=decay),
    }
    ends: dict[str, roads.End] = {}
    for name, road in todo.items():
        ends[name] = road()
        if name != NO_HIDDEN:
            path = roads.converted(s, MOST, start, percentile)
            yield _seen(ends, path, word, steps, counted, len(ends) / len(todo))


def _cost(end: roads.End, word: Word) -> np.ndarray:
    return np.mean([costs(w, word) for w in end.work], 0)


def _seen(
    ends: dict[str, roads.End], path: tuple[roads.End, ...], word: Word, steps: int, counted: str, progress: float
) -> xr.Dataset:
    cost = np.stack([_cost(e, word) for e in ends.values()], 1)
    path_cost = np.stack([_cost(e, word) for e in path], 1)
    ordinary = list(ends).index(ORDINARY)
    cheaper = (path_cost < cost[:, [ordinary]]).sum(1)  # costs rise with the steps
    m, right = MEASURES.index(counted), float(path[steps - 1].right.mean())
    unit = "operations" if counted == "operations" else "nJ"
    return ROADS(
        dict(
            road=list(ends),
            right=np.array([e.right for e in ends.values()]),
            cost=cost,
            path=np.array([e.right for e in path]),
            path_cost=path_cost,
            spikes=np.array([np.mean([w.additions for w in e.work]) for e in path]),
            cheaper=cheaper,
        ),
        f"With {steps} time step{'s' * (steps > 1)} the converted network reads {right:.1%} of new digits for "
        f"{path_cost[m, steps - 1]:.4g} {unit}; the ordinary one reads {ends[ORDINARY].right.mean():.1%} for "
        f"{cost[m, ordinary]:.4g}. Up to {cheaper[m]} of {MOST} steps converted costs less.",
        progress,
    )


FIELDS = Frame(
    neuron=axis("neuron", start=1),
    row=axis("row", "pixels"),
    column=axis("column", "pixels"),
    weight=var("neuron row column", "weight of a pixel"),
    pixel=axis("pixel"),
    when=var("pixel", "step of its spike, T where it has none"),
    winner=var("", "neuron that fires first, 0 for none"),
    fired=var("", "step in which it fires, -1 for none"),
    shown=axis("images shown"),
    apart=var("shown", "mean cosine distance of two neurons' weights"),
    features=axis("read from", values=("learned", "random", "pixels")),
    right=var("features", "right on new digits", optional=True),
)


@experiment(quick=dict(width=30, passes=1, labels=100), frame=FIELDS)
@one_thread
def fields(
    labels: Annotated[int, number(50, N_TRAIN, "That the read-out learns from", label="labels", main=True)] = N_TRAIN,
    missing: Annotated[
        Literal["nothing", "silence", "homeostasis", "thresholds"],
        choice(
            "What is left out",
            main=True,
            label="left out",
            words={
                "nothing": "nothing",
                "silence": "the winner silences the others",
                "homeostasis": "thresholds that adapt",
                "thresholds": "learned thresholds, when read",
            },
        ),
    ] = "nothing",
    floor: Annotated[float, number(3, 10, "Lowest of a neuron", label="threshold θ", main=True)] = roads.FLOOR,
    ratio: Annotated[float, number(0.5, 2, "What is taken, for what is given", "learning", label="down / up")] = 1.0,
    passes: Annotated[int, number(1, 6, "Of all images", "learning", label="passes")] = roads.PASSES,
    width: Annotated[int, number(20, 200, "Neurons", "network", label="neurons K")] = 100,
    steps: Annotated[int, number(1, MOST, "Of an image", "network", label="time steps T")] = roads.STEPS,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Weights while they learn, image by image, without a label; at the end a read-out learns from so many labels.

    1297 images, each `passes` times in one order; 500 new digits. A frame after 1, 2, 3, ... images, later fewer.
    """
    data = roads.data_of(1, ((seed, 0),))
    x, y, x_test, y_test = (v[0].numpy().astype(float) for v in data[:4])
    weights, thresholds = first_weights(np.random.default_rng([seed, 5]), 64, width), np.full(width, floor)
    unlearned, images = weights.copy(), events(x, steps)
    total = passes * N_TRAIN
    marks = np.unique(np.geomspace(1, total, 36).astype(int))
    done, course = 0, [(0, apart(weights))]
    for mark in marks:
        while done < mark:
            a = done % N_TRAIN
            end = min(N_TRAIN, a + mark - done)
            rule = (roads.STEP, roads.STEP * ratio, floor, missing != "silence", missing != "homeostasis")
            winner, fired = learn(weights, thresholds, images.of(a, end), *rule)
            done += end - a
        course.append((done, apart(weights)))
        now = dict(
            weight=weights.T.reshape(-1, 8, 8).copy(),
            when=latency_steps(x[(done - 1) % N_TRAIN], steps),
            winner=winner[-1] + 1,
            fired=fired[-1],
            shown=[c[0] for c in course],
            apart=[c[1] for c in course],
        )
        told = f"neuron {winner[-1] + 1} fires first, in step {fired[-1] + 1}" if fired[-1] >= 0 else "nobody fires"
        if done < total:
            yield FIELDS(
                now, f"Image {done} of {total}: {told}. Fields are {course[-1][1]:.3f} apart.", done / (total + 1)
            )
    at = np.full(width, floor) if missing == "thresholds" else thresholds
    first = np.full(width, floor)
    kinds = [[roads.earliness(w, t, v, steps) for v in (x, x_test)] for w, t in ((weights, at), (unlearned, first))]
    kinds.append([x, x_test])
    right = [roads.read_out(a[:labels], y[:labels], b, y_test) for a, b in kinds]
    yield FIELDS(
        now | dict(right=right),
        f"With {labels} labels {right[0]:.1%} of new digits are read from what was learned, {right[1]:.1%} from random "
        f"weights and {right[2]:.1%} from the pixels. Fields are {course[-1][1]:.3f} apart.",
    )
