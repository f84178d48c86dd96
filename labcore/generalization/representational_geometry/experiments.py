"""One unit by hand, all units of a network, and five activation functions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import compared, plain

from .activations import activate
from .clusters import NORM, D, Task, bits_of, draw
from .geometry import cka, cross_context, kernel, mean_rows, off_labels, parallelism
from .mechanism import Look, expected_push, follow, push, train

Array = np.ndarray

KINDS = ("tanh", "erf", "shifted tanh", "leaky", "relu")
WORDS = {"relu": "ReLU", "leaky": "leaky ReLU"}
NAMES = tuple(WORDS.get(kind, kind) for kind in KINDS)
BLUR = 0.5  # noise of the reader of a bit, times the size of the hidden values
SIDE = np.linspace(-1, 1, 15)  # places of arrows along each side of the plane, times its reach
REACH = 1.2
SWARM, SWARM_GAIN = 60, 0.3
PAIR = (3, 7)  # the two of eight clusters that have both bits 1

Activation = Annotated[
    Literal["tanh", "erf", "shifted tanh", "leaky", "relu"],
    choice(
        "The function at each hidden unit; the shifted tanh is steepest at 1, the leaky ReLU has slope 0.1 below 0",
        label="activation φ",
        main=True,
        words=WORDS,
    ),
]
Gain = Annotated[
    float,
    number(0.05, 2, "1 keeps the size of what passes through", "start", label="size of first weights", main=True),
]
Bits = Annotated[
    int, number(1, 3, "Bits of the cluster's number to be given", "data", label="bits to learn k", main=True)
]
Noise = Annotated[
    float, number(0.2, 2, "Distance of points from their centre, which is 3 from 0", "data", label="cluster noise")
]
Clusters = Annotated[Literal[4, 8, 16], choice("Clusters of eight points each", "data", label="clusters")]
Mixed = Annotated[
    float,
    number(0, 1, "0: centres at right angles; 1: equal labels, equal centre", "data", label="labels in the inputs"),
]
Width = Annotated[int, number(20, 400, "Hidden units", "network", label="hidden units m")]
Eta = Annotated[float, number(0.05, 0.5, "Learning rate", "network", label="learning rate η")]
Bias = Annotated[bool, choice("Whether hidden units have a trained bias", "network", label="hidden biases")]
Steps = Annotated[
    int, number(50, 5000, "Full-batch gradient steps", "network", "steps", scale="log", label="training steps")
]
Repeats = Annotated[int, number(1, 8, "Networks of each kind", "network", label="networks")]


def seen(steps: int, frames: int) -> list[int]:
    """Steps after which a run is looked at, most of them early, where weights move."""
    return sorted({0, *np.geomspace(1, steps, frames).round().astype(int).tolist()})


NEURON = Frame(
    time=axis("training time"),
    unit=axis("other unit"),
    cluster=axis("cluster", values=tuple(range(8))),
    column=axis("weight across classes"),
    row=axis("weight within the class"),
    across=var("time", "weight of the unit across classes"),
    along=var("time", "weight of the unit within the class"),
    others_across=var("time unit", "weights of other units across classes"),
    others_along=var("time unit", "weights of other units within the class"),
    push_across=var("row column", "expected push across classes"),
    push_along=var("row column", "expected push within the class"),
    value=var("cluster", "value of the unit at the cluster's centre"),
    agrees=var("cluster", "how the cluster's labels agree with those of A and B, -1 to 1"),
)


@experiment(frame=NEURON, quick={})
def neuron(
    activation: Activation = "relu",
    across: Annotated[
        float, number(-1, 1, "Its first weight across classes", "start", label="start across classes", main=True)
    ] = 0.15,
    along: Annotated[
        float, number(-1, 1, "Its first weight within the class", "start", label="start within class", main=True)
    ] = 0.35,
    time: Annotated[
        float, number(0.5, 8, "How long it grows, in steps times learning rate", "network", label="training time")
    ] = 3.0,
    noise: Noise = 1.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One unit that is wanted to be high for the class of clusters A and B, and 60 others from small random weights.

    Eight clusters at right angles carry two bits. Its readout stays 1 and the errors as at the start, so that
    it follows the expected push, which is exact. The plane is that of A and B. One frame.
    """
    rng = np.random.default_rng(seed)
    labels = bits_of(8, 2)
    centres, wanted, blur = NORM * np.eye(8), labels @ labels[PAIR[0]] / 2, noise / np.sqrt(D)
    plane = np.zeros((2, 8))
    plane[:, PAIR] = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    start = np.vstack([np.array([across, along]) @ plane, SWARM_GAIN / np.sqrt(D) * rng.normal(size=(SWARM, 8))])
    path = follow(start, centres, wanted, blur, activation, time, 120)
    places = path @ plane.T
    side = REACH * SIDE
    spots = np.stack(np.meshgrid(side, side), -1) @ plane
    field = expected_push(spots, centres, wanted, blur, activation) @ plane.T
    value = activate(activation, torch.tensor(centres @ path[-1, 0]))[0].numpy()
    (x, y), (a, b) = places[-1, 0], value[list(PAIR)]
    yield NEURON(
        dict(
            time=np.linspace(0, time, len(path)),
            column=side,
            row=side,
            across=places[:, 0, 0],
            along=places[:, 0, 1],
            others_across=places[:, 1:, 0],
            others_along=places[:, 1:, 1],
            push_across=field[..., 0],
            push_along=field[..., 1],
            value=value,
            agrees=wanted,
        ),
        f"The unit starts at ({plain(across, '.2f')}, {plain(along, '.2f')}) and arrives at ({plain(x, '.2f')}, "
        f"{plain(y, '.2f')}). Its value there is {plain(a, '.2f')} for cluster A and {plain(b, '.2f')} for cluster B.",
    )


KERNELS = dict(
    cluster=axis("cluster, in the order of the labels"),
    other=axis("cluster, in the order of the labels"),
    inputs=var("cluster other", "kernel of the inputs, largest entry 1"),
    labels=var("cluster other", "kernel of the labels, largest entry 1"),
)
WEIGHTS = Frame(
    **KERNELS,
    step=axis("gradient step"),
    unit=axis("hidden unit"),
    column=axis("weight across classes"),
    row=axis("weight within the class"),
    across=var("step unit", "weights of the units across classes"),
    along=var("step unit", "weights of the units within the class"),
    vote=var("unit", "how much the unit speaks for the class"),
    push_across=var("row column", "first push across classes"),
    push_along=var("row column", "first push within the class"),
    hidden=var("cluster other", "kernel of the hidden layer, largest entry 1"),
    to_labels=var("step", "alignment of the hidden layer with the labels"),
    to_inputs=var("step", "alignment of the hidden layer with the inputs"),
    loss=var("step", "loss"),
    off_labels=var("", "share of the growth of first weights off the label directions"),
)


def _kernel(values: Array, task: Task) -> Array:
    """The kernel of the clusters' mean values, clusters of equal labels side by side, its largest entry 1."""
    order = np.lexsort(task.labels.T)
    found = kernel(mean_rows(values, task.cluster))[np.ix_(order, order)]
    return found / max(np.abs(found).max(), 1e-300)


def _first_push(task: Task, activation: str, side: Array) -> Array:
    """How the task's points push a unit at each place of the plane, before anything is learned: (rows, columns, 2)."""
    plane = np.stack([task.across, task.along])
    spots = torch.tensor((np.stack(np.meshgrid(side, side), -1) @ plane).reshape(-1, D).T)
    x, votes = torch.tensor(task.x), task.y @ task.labels[list(task.pair)].mean(0)
    pushed = push(x, activate(activation, x @ spots)[1], torch.tensor(votes / (2 * task.y.size))[:, None])
    return (plane @ pushed.numpy()).T.reshape(len(side), len(side), 2)


@experiment(quick=dict(steps=150, width=60), frame=WEIGHTS)
@one_thread
def weights(
    activation: Activation = "relu",
    gain: Gain = 0.3,
    k: Bits = 2,
    mixed: Mixed = 0.0,
    clusters: Clusters = 8,
    noise: Noise = 1.0,
    bias: Bias = False,
    width: Width = 200,
    eta: Eta = 0.3,
    steps: Steps = 600,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network with one hidden layer learns k bits of the number of a cluster; its weights, and its hidden kernel.

    Up to 50 frames. The plane is that of two clusters A and B of equal labels; where all labels differ, they agree but
    for the last bit. Raises ValueError for 3 bits of 4 clusters.
    """
    task = draw(clusters, k, noise, mixed, np.random.default_rng([seed, 0]))
    plane, side = np.stack([task.across, task.along]), max(REACH / 2, 4 * gain / np.sqrt(D)) * SIDE
    field = _first_push(task, activation, side)
    given = dict(column=side, row=side, push_across=field[..., 0], push_along=field[..., 1])
    given |= dict(inputs=_kernel(task.x, task), labels=_kernel(task.y, task))
    places, log, start = [], [], None
    for look in train([task], activation, width, gain, eta, seen(steps, 50), [np.random.default_rng([seed, 1])], bias):
        w, h = look.w[0], look.h[0]
        start = w if start is None else start
        places.append(plane @ w)
        log.append((look.step, cka(h, task.y), cka(h, task.x), look.loss[0]))
        step, to_labels, to_inputs, loss = np.array(log).T
        (across, along), off = np.moveaxis(np.array(places), 1, 0), off_labels(w - start, task.centres, task.labels)
        said = (
            f"After {look.step} step{'s' * (look.step != 1)} the loss is {loss[-1]:.3f}, and the hidden kernel is "
            f"aligned with the labels to {to_labels[-1]:.2f}, with the inputs to {to_inputs[-1]:.2f}"
        )
        if look.step:
            said += f"; {off:.0%} of what the first weights have grown lies off the label directions"
        values = given | dict(
            step=step.astype(int),
            across=across,
            along=along,
            vote=look.v[0] @ task.labels[list(task.pair)].mean(0),
            hidden=_kernel(h, task),
            to_labels=to_labels,
            to_inputs=to_inputs,
            loss=loss,
            off_labels=off,
        )
        yield WEIGHTS(values, f"{said}.", look.step / steps)


ALIGNMENT = Frame(
    **KERNELS,
    step=axis("gradient step"),
    activation=axis("activation", values=NAMES),
    repeat=axis("network"),
    bit=axis("bit to learn"),
    to_labels=var("activation repeat step", "alignment with the labels"),
    to_inputs=var("activation repeat step", "alignment with the inputs"),
    loss=var("activation repeat step", "loss"),
    clusters_to_labels=var("activation repeat", "alignment of the clusters' means with the labels"),
    parallel=var("activation repeat bit", "parallelism: cosine between a bit's directions in two contexts"),
    read=var("activation repeat bit", "share of right readings of a bit in new contexts, with noise"),
    read_clean=var("activation repeat bit", "share of right readings of a bit in new contexts"),
    off_labels=var("activation repeat", "share of the growth of first weights off the label directions"),
    silent=var("activation repeat", "share of hidden units that no input changes"),
    hidden=var("activation cluster other", "kernel of the hidden layer of the first network, largest entry 1"),
)


@experiment(quick=dict(steps=60, width=40, n_seeds=2), frame=ALIGNMENT)
@one_thread
def alignment(
    gain: Gain = 0.3,
    k: Bits = 2,
    mixed: Mixed = 0.0,
    clusters: Clusters = 8,
    noise: Noise = 1.0,
    bias: Bias = False,
    width: Width = 200,
    eta: Eta = 0.3,
    steps: Steps = 600,
    n_seeds: Repeats = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Networks with five activation functions learn the same bits of the same points from the same first weights.

    Up to 19 frames. `read` is with noise of half the root mean square size of the hidden values. Raises ValueError for
    3 bits of 4 clusters.
    """
    tasks = [draw(clusters, k, noise, mixed, np.random.default_rng([seed, i, 0])) for i in range(n_seeds)]
    runs = []
    for kind in KINDS:
        starts = [np.random.default_rng([seed, i, 1]) for i in range(n_seeds)]
        runs.append(train(tasks, kind, width, gain, eta, seen(steps, 18), starts, bias))
    log: list[Array] = []
    first: list[Array] = []
    steps_seen: list[int] = []
    for looks in zip(*runs, strict=True):
        first = first or [look.w for look in looks]
        steps_seen.append(looks[0].step)
        log.append(np.array([[_measured(look, i, task) for i, task in enumerate(tasks)] for look in looks]))
        to_labels, to_inputs, loss = np.moveaxis(np.array(log), (0, 3), (3, 0))
        code = np.array([[_code(look.h[i], task, k) for i, task in enumerate(tasks)] for look in looks])
        values = dict(
            step=steps_seen,
            to_labels=to_labels,
            to_inputs=to_inputs,
            loss=loss,
            clusters_to_labels=[
                [cka(mean_rows(look.h[i], t.cluster), t.labels) for i, t in enumerate(tasks)] for look in looks
            ],
            parallel=code[..., 0],
            read=code[..., 1],
            read_clean=code[..., 2],
            off_labels=[
                [off_labels(look.w[i] - w[i], t.centres, t.labels) for i, t in enumerate(tasks)]
                for look, w in zip(looks, first, strict=True)
            ],
            silent=[(np.ptp(look.h, axis=1) < 1e-12).mean(1) for look in looks],
            hidden=[_kernel(look.h[0], tasks[0]) for look in looks],
            inputs=_kernel(tasks[0].x, tasks[0]),
            labels=_kernel(tasks[0].y, tasks[0]),
        )
        yield ALIGNMENT(values, _compared(to_labels, to_inputs, loss, looks[0].step), looks[0].step / steps)


def _measured(look: Look, i: int, task: Task) -> tuple[float, float, float]:
    """Alignment of network i with the labels and with the inputs, and its loss."""
    return cka(look.h[i], task.y), cka(look.h[i], task.x), float(look.loss[i])


def _code(h: Array, task: Task, k: int) -> list[tuple[float, float, float]]:
    """Of each bit: parallelism, right readings in new contexts with noise and without."""
    means = mean_rows(h, task.cluster)
    return [(parallelism(means, bit), *cross_context(h, task.cluster, bit, (BLUR, 0.0))) for bit in range(k)]


def _compared(to_labels: Array, to_inputs: Array, loss: Array, step: int) -> str:
    smooth, rectified = KINDS.index("tanh"), KINDS.index("relu")
    said = f"After {step} step{'s' * (step != 1)} the largest loss is {loss[..., -1].max():.2g}"
    for name, values in (("labels", to_labels), ("inputs", to_inputs)):
        a, b = values[smooth, :, -1], values[rectified, :, -1]
        said += f". Alignment with the {name}: tanh {a.mean():.2f}, ReLU {b.mean():.2f}; tanh is {compared(a, b)}"
    return f"{said}."
