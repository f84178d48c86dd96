"""Just after the copy; and the race to a network that fires and reads, the ordinary network's training included."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread

from .bridge import copied, remeasured, shuffled
from .history import FAST, SHOWN, history, reaches, start, trained
from .network import RELU, Neuron
from .training import Input, Trainer, digits, right, training_work

MOST, GOAL = 8, 0.95
Statistics = Literal["copied", "anew"]
Steps = Annotated[int, number(1, MOST, "For each image", "network", label="time steps T", main=True)]
Stats = Annotated[
    Statistics,
    choice(
        "Means and spreads of the currents, by which batch norm divides",
        "copy",
        label="statistics",
        main=True,
        words={"copied": "copied too", "anew": "measured anew with spikes"},
    ),
]
Decay = Annotated[float, number(0.2, 1, "What is left of a potential after a step", "network", label="decay")]
Slope = Annotated[float, number(0.5, 2, "Where the surrogate is not 0", "training", label="surrogate width a")]
Channels = Annotated[int, number(4, 16, "Of the first layer; the others have twice as many", "network")]
Analog = Annotated[int, number(0, 8, "Of the network with ReLUs", "copy", label="ReLU epochs", main=True)]
ALL = "Layer whose copied weights are dealt out anew; 0: none, 5: all"
Rate = Annotated[float, number(1e-4, 1e-2, "Of Adam, after the copy", "training", scale="log", label="rate after copy")]
Train = Annotated[int, number(200, 1280, "Digits to learn from", "data", label="training digits")]

COPY = Frame(
    steps=axis("time steps", start=1),
    accuracy=var("steps", "right on new digits"),
    analog=var("", "right on new digits, with ReLUs"),
    here=var("", "right on new digits with these time steps"),
    layer=axis("layer", start=1),
    spread=var("layer", "spread of a layer's currents, in spreads of the ReLU network"),
    rate=var("layer", "share of neurons that fire in a time step"),
)


@experiment(quick=dict(channels=8, analog_epochs=3), frame=COPY)
@one_thread
def copy(
    steps: Steps = 4,
    theta: Annotated[float, number(0.2, 2, "Of all neurons", "copy", label="threshold θ", main=True)] = 1.0,
    statistics: Stats = "copied",
    decay: Decay = 0.5,
    analog_epochs: Annotated[int, number(0, 8, "Of the network with ReLUs", "copy", label="ReLU epochs")] = 4,
    channels: Channels = 16,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network that was trained with ReLUs, and its copy that fires, before it is trained. One frame.

    200 new digits. Statistics that are measured anew come from 200 training digits, shown for `steps` steps.
    """
    analog, data = trained(channels, analog_epochs, seed)
    neuron = Neuron(True, decay, theta)
    net = copied(analog, start("pixels", channels, [[seed, 0]]))
    if statistics == "anew":
        net = remeasured(net, data.x[:, :SHOWN], neuron, steps)
    x, y = data.x_test[:, :SHOWN], data.y_test[:SHOWN, 0]
    with torch.no_grad():
        seen = net(x, neuron, MOST)
        truth = float((analog(x, RELU).logits[0, :, 0].argmax(-1) == y).double().mean())
        spread = net.spreads(x, neuron, steps)
    accuracy = (seen.logits[:, :, 0].cumsum(0).argmax(-1) == y).double().mean(1).numpy()
    rate = np.array([float(s[:steps].mean()) for s in seen.sent])
    here = accuracy[steps - 1]
    yield COPY(
        dict(accuracy=accuracy, analog=truth, here=here, spread=spread, rate=rate),
        f"Just after the copy, with {steps} time step{'s' * (steps > 1)}, the spiking network reads {here:.1%} of new "
        f"digits; the network with ReLUs reads {truth:.1%}. The currents of its layers spread {spread[0]:.2f}, "
        f"{spread[1]:.2f} and {spread[2]:.2f} times as far as they did with ReLUs.",
    )


ROUTES = ("copied", "from scratch")
RACE = Frame(
    route=axis("how it begins", values=ROUTES),
    repeat=axis("repetition"),
    half=axis("half epochs with ReLUs"),
    analog_operations=var("half", "operations for each run", "millions"),
    analog=var("repeat half", "right on new digits, with ReLUs"),
    look=axis("half epochs with spikes"),
    operations=var("route look", "operations for each run, from the beginning", "millions", optional=True),
    accuracy=var("route repeat look", "right on new digits", optional=True),
    layer=axis("layer", start=1),
    rate=var("layer", "share of neurons that fire in a time step, copied", optional=True),
)


@experiment(quick=dict(channels=6, analog_epochs=2, epochs=1, n_train=400), frame=RACE)
@one_thread
def race(
    analog_epochs: Analog = 2,
    shuffle: Annotated[int, number(0, 5, ALL, "copy", label="shuffled layer")] = 0,
    kind: Annotated[
        Input,
        choice(
            "What it sees",
            "data",
            label="input",
            main=True,
            words={"pixels": "still digits", "rate": "events at random", "moving": "events of a moving digit"},
        ),
    ] = "pixels",
    statistics: Annotated[
        Statistics,
        choice(
            "Of the copy",
            "copy",
            label="statistics",
            main=True,
            words={"copied": "copied too", "anew": "measured anew"},
        ),
    ] = "copied",
    counting: Annotated[
        Literal["products", "spikes"],
        choice("What an operation is", "work", words={"products": "each product", "spikes": "no spike, no operation"}),
    ] = "products",
    epochs: Annotated[int, number(1, 6, "With spikes", "training", label="spiking epochs")] = 3,
    steps: Annotated[int, number(2, 8, "For each image", "network", label="time steps T")] = 4,
    decay: Decay = 0.5,
    width: Slope = 1.0,
    rate: Rate = 3e-3,
    scratch_rate: Annotated[
        float, number(1e-3, 5e-2, "Of Adam, without a copy", "training", scale="log", label="rate from scratch")
    ] = 3e-2,
    n_train: Train = 1280,
    channels: Channels = 16,
    n_seeds: Annotated[int, number(1, 4, "Splits and starts", "data", label="repetitions")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A spiking network that begins with copied weights, and one that begins with none; a frame every half epoch.

    Both learn from the same digits, equally long. Operations are those of training, forward and backward; they are a
    mean over the repetitions. Those of the network with ReLUs, and of measuring statistics, are the copied one's too.
    """
    seeds = [[seed, r] for r in range(n_seeds)]
    data = digits(kind, steps, n_train, seeds)
    net, fire = start(kind, channels, seeds), Neuron(True, decay, 1.0, width)
    price = functools.partial(training_work, data=data, steps=steps, sparse=counting == "spikes")
    values: dict[str, Any] = {"analog_operations": [0.0], "analog": [right(net, data, RELU, 1)]}
    trainer = Trainer(net, data, RELU, 1, FAST, np.random.default_rng([seed, 6]))
    cost, whole = _millions(price(net, neuron=RELU)), 2 * analog_epochs + 8 * epochs
    for i in range(2 * analog_epochs):
        yield _raced(values, i / whole)
        values["analog_operations"].append(values["analog_operations"][-1] + cost * trainer.half())
        values["analog"].append(right(net, data, RELU, 1))
    begin = shuffled(copied(net, start(kind, channels, seeds)), shuffle, seeds)
    spent = values["analog_operations"][-1]
    if statistics == "anew":
        begin = remeasured(begin, data.x[:, :SHOWN], fire, steps)
        spent += _millions(price(begin, neuron=fire, backward=False)) * SHOWN
    nets = (begin, start(kind, channels, [[*s, 1] for s in seeds]))
    runs = [
        Trainer(n, data, fire, steps, r, np.random.default_rng([seed, 8]))
        for n, r in zip(nets, (rate, scratch_rate), strict=True)
    ]
    values |= {"operations": [[spent], [0.0]]}
    values |= {"accuracy": [[right(n, data, fire, steps)] for n in nets]}
    for i in range(2 * epochs + 1):
        with torch.no_grad():
            sent = begin(data.x_test[:, :SHOWN], fire, steps).sent
        values["rate"] = np.array([float(s.mean()) for s in sent])
        yield _raced(values, (2 * analog_epochs + 4 * i) / whole)
        if i < 2 * epochs:
            for k, (n, run) in enumerate(zip(nets, runs, strict=True)):
                cost = _millions(price(n, neuron=fire))
                values["operations"][k].append(values["operations"][k][-1] + cost * run.half())
                values["accuracy"][k].append(right(n, data, fire, steps))


def _millions(work: Any) -> float:
    return (work.products + work.additions) / 1e6


def _raced(values: dict[str, Any], progress: float) -> xr.Dataset:
    made = {"analog_operations": np.array(values["analog_operations"]), "analog": np.array(values["analog"]).T}
    if "accuracy" not in values:
        text = f"With ReLUs it reads {made['analog'][:, -1].mean():.1%} of new digits so far."
        return RACE(made, text, progress)
    made |= {"operations": np.array(values["operations"]), "rate": values["rate"]}
    made["accuracy"] = np.array(values["accuracy"]).transpose(0, 2, 1)
    mine, other = made["accuracy"].mean(1)
    first, second = (reaches(o, a, GOAL) for o, a in zip(made["operations"], (mine, other), strict=True))
    texts = [f"after {v:,.0f} million operations" if v is not None else "not yet" for v in (first, second)]
    return RACE(
        made,
        f"Copied, the spiking network reads 95 % of new digits {texts[0]}, those with ReLUs included; from scratch "
        f"{texts[1]}. Just after the copy it read {mine[0]:.1%}; the two now read {mine[-1]:.1%} and {other[-1]:.1%}.",
        progress,
    )


FILTERS = Frame(
    filter=axis("filter of the first layer", start=1),
    row=axis("row"),
    column=axis("column"),
    before=var("filter row column", "weight in the network with ReLUs"),
    after=var("filter row column", "weight now"),
    same=var("filter", "cosine of a filter now and with ReLUs"),
    epoch=axis("epochs with spikes"),
    tensor=axis("layer", start=1),
    cosine=var("tensor epoch", "cosine of weights now and with ReLUs"),
    layer=axis("layer with neurons", start=1),
    alike=var("layer epoch", "likeness of what a layer says (CKA)"),
    accuracy=var("epoch", "right on new digits"),
)


@experiment(quick=dict(channels=6, analog_epochs=2, epochs=1), frame=FILTERS)
@one_thread
def filters(
    look: Annotated[int, number(0, 8, "Half epochs with spikes", "look", label="half epochs", main=True)] = 6,
    shuffle: Annotated[int, number(0, 5, ALL, "copy", label="shuffled layer", main=True)] = 0,
    analog_epochs: Analog = 4,
    epochs: Annotated[int, number(1, 4, "With spikes", "training", label="spiking epochs")] = 3,
    steps: Annotated[int, number(2, 8, "For each image", "network", label="time steps T")] = 4,
    rate: Rate = 3e-3,
    channels: Channels = 16,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The filters of the first layer in both networks, and how far each layer moves after the copy; one frame.

    Statistics are measured anew after the copy. A half epoch beyond the last is the last.
    """
    analog, _ = trained(channels, analog_epochs, seed)
    told = history(channels, analog_epochs, shuffle, steps, rate, epochs, seed)
    at = min(look, 2 * epochs)
    before, after = analog.conv0.detach()[:, 0].double().numpy(), told.filters[at]
    same = (before * after).sum((1, 2)) / np.sqrt((before**2).sum((1, 2)) * (after**2).sum((1, 2)))
    turned = np.degrees(np.arccos(told.cosine[at].clip(-1, 1)))
    most = int(turned.argmax())
    yield FILTERS(
        dict(
            before=before,
            after=after,
            same=same,
            epoch=np.arange(2 * epochs + 1) / 2,
            cosine=told.cosine.T,
            alike=told.alike.T,
            accuracy=told.accuracy,
        ),
        f"After {at / 2:g} epoch{'s' * (at != 2)} with spikes the filters of the first layer have turned by "
        f"{turned[0]:.0f} degrees from those of the network with ReLUs; layer {most + 1} has turned most, by "
        f"{turned[most]:.0f}. The spiking network reads {told.accuracy[at]:.1%} of new digits.",
    )
