"""Slopes that are put in and slopes that are there; the neuron of soft maxima, its limit, and what it learns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.runs.training import cross_entropy
from labcore.primitives.spiking.steps import lif_compiled
from labcore.primitives.spiking.surrogate import slope
from labcore.words import plain

from .landscapes import Neuron, Task, counts, losses, pushes, sharpness, slopes, walk
from .mechanism import membrane, soft_spike, tropical_lif, ultra_lif
from .networks import KINDS, Network

Eps = Annotated[
    float, number(0.02, 2, "How soft the maximum and the spike are", scale="log", label="softness ε", main=True)
]
Leak = Annotated[float, number(0.5, 0.99, "What is left after a step", "neuron", label="leak τ")]

TANGENTS = Frame(
    along=axis("how far the weights have turned"),
    neuron=axis("neuron", values=("step", "soft")),
    loss=var("neuron along", "loss"),
    said=var("neuron along", "slope that backpropagation says"),
    true=var("neuron along", "slope of the loss"),
    there=var("neuron", "loss where the tangent is"),
    said_there=var("neuron", "what backpropagation says there"),
    true_there=var("neuron", "slope of the loss there"),
)
FAR = 1.5


@experiment(quick=dict(steps=2), frame=TANGENTS)
@one_thread
def tangents(
    turned: Annotated[float, number(-FAR, FAR, "Where the tangent is", label="where", main=True)] = 0.4,
    eps: Eps = 0.5,
    neurons: Annotated[
        Literal["UltraLIF", "UltraDLIF", "smooth spike"],
        choice("What the soft neurons are", "network", words={"smooth spike": "ordinary membrane, smooth spike"}),
    ] = "UltraLIF",
    steps: Annotated[int, number(1, 8, "Steps of time", "network", label="time steps T", main=True)] = 4,
    hidden: Annotated[int, number(2, 16, "Hidden neurons", "network", label="hidden neurons")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The loss of two untrained networks of the same weights on 10 digits, along one direction of the first layer.

    The neurons of one are steps with an atan slope backward, those of the other soft. `true` is a central difference
    over 2e-6. One frame.
    """
    rng, split = np.random.default_rng([seed, 1]), digits_split(10, 1, [seed, 2])
    first, direction = rng.normal(0, 0.4, (2, 64, hidden))
    direction *= np.linalg.norm(first) / np.linalg.norm(direction) / 2
    arrays = split.x_train, split.y_train.argmax(1), first, rng.normal(0, 2 / hidden**0.5, (hidden, 10)), direction
    task = Task(*map(torch.from_numpy, arrays))
    along = torch.linspace(-FAR, FAR, 361, dtype=torch.float64)
    every = torch.cat([along, torch.tensor([turned], dtype=torch.float64)])
    cell = steps, eps, 0.9, 1.0
    found = []
    for kind in ("surrogate", neurons):
        found.append((losses(task, kind, every, *cell), *slopes(task, kind, every, 1e-6, *cell)))
    loss, said, true = (torch.stack(x).numpy() for x in zip(*found, strict=True))
    yield TANGENTS(
        dict(
            along=along.numpy(),
            loss=loss[:, :-1],
            said=said[:, :-1],
            true=true[:, :-1],
            there=loss[:, -1],
            said_there=said[:, -1],
            true_there=true[:, -1],
        ),
        f"There backpropagation says a slope of {plain(said[0, -1], '.2g')} for the steps, whose loss has the slope "
        f"{plain(true[0, -1], '.2g')}; for the soft neurons it says {plain(said[1, -1], '.3g')}, and it is "
        f"{plain(true[1, -1], '.3g')}.",
    )


FIELD = Frame(
    first=axis("weight of the first input", values=np.linspace(-0.5, 2, 51)),
    second=axis("weight of the second input", values=np.linspace(-0.5, 2, 51)),
    arrow_first=axis("weight of the first input", values=np.linspace(-0.4, 1.75, 11)),
    arrow_second=axis("weight of the second input", values=np.linspace(-0.4, 1.75, 11)),
    move=axis("steps of descent"),
    gap=axis("potential above threshold u", values=np.linspace(-2, 2, 201)),
    time=axis("time step", start=1),
    spikes=var("first second", "spikes of the neuron"),
    push_first=var("arrow_first arrow_second", "how a step moves the first weight"),
    push_second=var("arrow_first arrow_second", "how a step moves the second weight"),
    walk_first=var("move", "first weight on the way"),
    walk_second=var("move", "second weight on the way"),
    walk_spikes=var("move", "spikes on the way"),
    slope=var("gap", "slope that is put in"),
    potential=var("time", "potential above threshold, at the start"),
    silent=var("", "share of wrong weights that learn nothing"),
)
RATE, MOVES, TIME, DECAY = 1.0, 25, 12, 0.8


@experiment(quick=dict(), frame=FIELD)
@one_thread
def field(
    width: Annotated[
        float, number(0.05, 4, "Width of the slope at half its height", scale="log", label="width", main=True)
    ] = 1.0,
    surrogate: Annotated[
        Literal["atan", "sigmoid", "gauss", "rectangle"],
        choice(
            "The slope that is put in backward",
            label="shape",
            main=True,
            words={"atan": "long tails (atan)", "sigmoid": "S-curve", "gauss": "bell", "rectangle": "box"},
        ),
    ] = "atan",
    target: Annotated[int, number(0, TIME, "How often it is to spike", label="spikes wanted", main=True)] = 6,
    w_1: Annotated[float, number(-0.5, 2, "Where descent starts", "start", label="first weight")] = 0.1,
    w_2: Annotated[float, number(-0.5, 2, "Where descent starts", "start", label="second weight")] = 0.3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One neuron with two inputs: how often it spikes in 12 steps for all weights, and where gradients would move them.

    The loss is half the squared error of the share of spikes; a descent of 25 steps with rate 1. `silent` is the share
    of the arrows' places where the count is wrong and a step moves the weights by less than 0.001. One frame.
    """
    inputs = np.random.default_rng(seed).random((TIME, 2)).round(3)
    neuron, alpha = Neuron(inputs, DECAY, target), sharpness(surrogate, width)
    grid, places = (_pairs(FIELD, names) for names in (("first", "second"), ("arrow_first", "arrow_second")))
    push = RATE * pushes(neuron, places, surrogate, alpha)
    path = walk(neuron, (w_1, w_2), surrogate, alpha, RATE, MOVES)
    wrong = counts(neuron, places) != target
    silent = float(np.mean(np.hypot(*push[wrong].T) < 1e-3)) if wrong.any() else 0.0
    on_path = counts(neuron, path)
    u = lif_compiled(inputs @ path[0], DECAY).potential - 1
    arrows = push.reshape(11, 11, 2)
    gap = torch.from_numpy(np.array(FIELD.columns["gap"].values))
    yield FIELD(
        dict(
            spikes=counts(neuron, grid).reshape(51, 51),
            push_first=arrows[..., 0],
            push_second=arrows[..., 1],
            walk_first=path[:, 0],
            walk_second=path[:, 1],
            walk_spikes=on_path,
            slope=slope(gap, surrogate, alpha).numpy(),
            potential=u,
            silent=silent,
        ),
        f"With a slope of width {width:.2g} the descent goes from {on_path[0]} to {on_path[-1]} spikes of {target} "
        f"wanted; {silent:.0%} of the wrong weights learn nothing.",
    )


def _pairs(frame: Frame, names: tuple[str, str]) -> np.ndarray:
    """(n, 2): all pairs of the values of two axes."""
    return np.stack(np.meshgrid(*(frame.columns[n].values for n in names), indexing="ij"), -1).reshape(-1, 2)


SURFACE = Frame(
    potential=axis("potential before V", values=np.linspace(-1, 2, 61)),
    current=axis("current I", values=np.linspace(-1, 2, 61)),
    cut=axis("current I", values=np.linspace(-1, 3, 401)),
    membrane=var("potential current", "potential after H"),
    spike=var("cut", "spike of the soft neuron"),
    hard=var("cut", "spike of a step on the same potential"),
    believed=var("cut", "what the backward slopes add up to"),
    visit=axis("time step of a neuron", start=1),
    was=var("visit", "potential before, of a neuron with random currents"),
    came=var("visit", "current, of a neuron with random currents"),
    share=var("", "share of the gradient that goes to the current"),
    mismatch_hard=var("", "area between a step and what its slopes add up to"),
    mismatch_soft=var("", "the same of the soft neuron"),
)


@experiment(quick=dict(), frame=SURFACE)
@one_thread
def surface(
    eps: Eps = 0.3,
    before: Annotated[float, number(-1, 2, "Potential before the step", "point", label="potential V", main=True)] = 0.4,
    current: Annotated[float, number(-1, 2, "Current of the step", "point", label="current I", main=True)] = 0.7,
    leak: Leak = 0.9,
    theta: Annotated[float, number(0, 1.5, "Threshold", "neuron", label="threshold θ")] = 1.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One step of UltraLIF: its potential over the plane of what it has and what comes, and a cut through its spike.

    `believed` adds the slopes that autograd gives along the cut. A step with that slope backward has the same, and
    another forward. The seed draws 40 currents from N(0.3, 0.8) for a neuron of this kind. One frame.
    """
    v, i, cut = (torch.tensor(SURFACE.columns[n].values, dtype=torch.float64) for n in ("potential", "current", "cut"))
    plane = membrane(v[:, None], i[None], eps, leak)

    def spike(now: torch.Tensor) -> torch.Tensor:
        return soft_spike(membrane(torch.full_like(now, before), now, eps, leak), theta, eps)

    def slope_at(now: torch.Tensor) -> torch.Tensor:
        now = now.clone().requires_grad_()
        return torch.autograd.grad(spike(now).sum(), now)[0]

    step = float(cut[1] - cut[0])
    parts = [slope_at(cut[:-1] + step * (k + 0.5) / 16) for k in range(16)]  # sixteen to a step: eps may be small
    soft, hard = spike(cut), (membrane(torch.full_like(cut, before), cut, eps, leak) >= theta).double()
    believed = soft[0] + torch.cat([torch.zeros(1), (step / 16) * torch.stack(parts).sum(0).cumsum(0)])
    areas = [float((curve - believed).abs().sum() * step) for curve in (hard, soft)]
    weights = torch.softmax(torch.tensor([before + math.log(leak), current], dtype=torch.float64) / eps, 0)
    came = torch.from_numpy(np.random.default_rng(seed).normal(0.3, 0.8, 40))
    course = ultra_lif(came, eps, leak, theta)
    kept = course.potential * (1 - course.spikes)
    at = float(membrane(torch.tensor(before).double(), torch.tensor(current).double(), eps, leak))
    yield SURFACE(
        dict(
            membrane=plane.numpy(),
            spike=soft.numpy(),
            hard=hard.numpy(),
            believed=believed.numpy(),
            was=torch.cat([torch.zeros(1), kept[:-1]]).numpy(),
            came=came.numpy(),
            share=float(weights[1]),
            mismatch_hard=areas[0],
            mismatch_soft=areas[1],
        ),
        f"V = {plain(before, '.2f')} and a current of {plain(current, '.2f')} make H = {plain(at, '.2f')}; the larger "
        f"of what is left and what comes is {plain(max(before + math.log(leak), current), '.2f')}. A step misses its "
        f"slopes by an area of {plain(areas[0], '.2f')}, the soft spike by {plain(areas[1], '.4f')}.",
    )


LIMIT = Frame(
    time=axis("time step", start=1),
    neuron=axis("neuron", values=("UltraLIF", "limit", "ordinary")),
    eps=axis("softness ε"),
    current=var("time", "current"),
    course=var("neuron time", "potential before the reset"),
    fires=var("neuron time", "spike"),
    error=var("eps", "mean distance of the potential from the limit's"),
    differ_limit=var("eps", "share of spikes that differ from the limit's"),
    differ_ordinary=var("eps", "share of spikes that differ from the ordinary neuron's"),
    outside=var("eps", "share farther from the limit than t ε ln 2"),
    outside_clear=var("eps", "the same, where the whole past kept clear of the threshold"),
    between=var("", "share of spikes in which the limit and the ordinary neuron differ"),
)
SOFTNESS = tuple(np.geomspace(1e-3, 1, 7).round(4))
STEPS, CROWD_STEPS = 16, 50
When = Annotated[int, number(1, STEPS, "When a pulse comes", "pulses")]
Height = Annotated[float, number(0, 1.5, "How strong a pulse is", "pulses")]


@experiment(quick=dict(neurons=300), frame=LIMIT)
@one_thread
def limit(
    eps: Annotated[
        float, number(1e-3, 1, "How soft the maximum and the spike are", scale="log", label="softness ε", main=True)
    ] = 0.05,
    leak: Leak = 0.9,
    theta: Annotated[float, number(0.2, 1.5, "Threshold", "neuron", label="threshold θ")] = 1.0,
    when_1: When = 6,
    height_1: Height = 0.75,
    when_2: When = 8,
    height_2: Height = 0.75,
    neurons: Annotated[int, number(100, 4000, "Neurons of the crowd", "crowd", label="neurons")] = 1000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two pulses into UltraLIF, its limit and the ordinary leaky neuron; a crowd under noise, over the softness.

    The crowd: 50 steps of currents from N(0.3, 0.8), all from V = 0. A soft spike counts as one from 0.5 on. Clear of
    the threshold: |H - theta| > 10 eps in the limit at each step so far. The ordinary neuron decays by the factor leak
    and adds its currents. One frame.
    """
    pulses = np.zeros(STEPS)
    pulses[when_1 - 1] += height_1
    pulses[when_2 - 1] += height_2
    noise = np.random.default_rng(seed).normal(0.3, 0.8, (CROWD_STEPS, neurons))
    alone, crowd = torch.from_numpy(pulses), torch.from_numpy(noise)
    three = [ultra_lif(alone, eps, leak, theta), tropical_lif(alone, leak, theta), lif_compiled(pulses, leak, theta)]
    hard, plainly = tropical_lif(crowd, leak, theta), lif_compiled(noise, leak, theta).spikes > 0.5
    all_eps = np.array(sorted({eps, *SOFTNESS}))
    apart = (hard.potential - theta).abs()
    found = []
    for e in all_eps:
        soft = ultra_lif(crowd, float(e), leak, theta)
        fires, off = soft.spikes >= 0.5, (soft.potential - hard.potential).abs()
        t = torch.arange(1, CROWD_STEPS + 1, dtype=torch.float64)[:, None]
        over = off > t * float(e) * math.log(2) * (1 + 1e-9)
        clear = (apart > 10 * float(e)).cummin(0).values
        found.append((
            off.mean(), (fires != (hard.spikes > 0.5)).double().mean(), np.mean(fires.numpy() != plainly),
            over.double().mean(), (over & clear).sum() / max(1, int(clear.sum())),
        ))  # fmt: skip
    error, to_limit, to_ordinary, outside, outside_clear = np.array(found, float).T
    fires = np.stack([np.asarray(c.spikes) for c in three])
    number_of = [int((f >= 0.5).sum()) for f in fires]
    mine = int(np.argmin(abs(all_eps - eps)))
    yield LIMIT(
        dict(
            eps=all_eps,
            current=pulses,
            course=np.stack([np.asarray(c.potential) for c in three]),
            fires=fires,
            error=error,
            differ_limit=to_limit,
            differ_ordinary=to_ordinary,
            outside=outside,
            outside_clear=outside_clear,
            between=float(np.mean((hard.spikes.numpy() > 0.5) != plainly)),
        ),
        f"After the two pulses UltraLIF has {number_of[0]} spikes, its limit {number_of[1]}, the ordinary neuron "
        f"{number_of[2]}. In the crowd {to_limit[mine]:.1%} of its spikes differ from the limit's and "
        f"{to_ordinary[mine]:.1%} from the ordinary neuron's.",
    )


LEARNING = Frame(
    model=axis("neurons", values=KINDS),
    repeat=axis("run", start=1),
    step=axis("training steps"),
    accuracy=var("model step repeat", "test accuracy"),
    rate=var("model repeat", "mean spike of a hidden neuron"),
    eps=var("model step", "softness ε, mean of the runs"),
)


@experiment(quick=dict(training=60, n_seeds=2, hidden=32), frame=LEARNING)
@one_thread
def learning(
    steps: Annotated[
        int, number(1, 16, "Steps of time", label="time steps T", main=True, sent=["brightness", "pulses"])
    ] = 1,
    sent: Annotated[
        Literal["brightness", "pulses", "columns"],
        choice(
            "What comes in over time",
            label="input",
            main=True,
            words={
                "brightness": "brightness of all pixels",
                "pulses": "random pulses of all pixels",
                "columns": "one column after another, T = 8",
            },
        ),
    ] = "brightness",
    eps: Annotated[
        float, number(0.1, 5, "Softness before training", scale="log", label="first softness ε", main=True)
    ] = 1.0,
    leak: Leak = 0.9,
    theta: Annotated[float, number(0, 1.5, "Threshold", "neuron", label="threshold θ")] = 1.0,
    learn_eps: Annotated[bool, choice("Whether the softness learns", "neuron", label="softness learns")] = True,
    sparse: Annotated[float, number(0, 1, "Price of the mean spike", "training", label="price of spikes λ")] = 0.0,
    hidden: Annotated[int, number(16, 128, "Hidden neurons", "network", label="hidden neurons")] = 64,
    training: Annotated[int, number(20, 800, "Training steps, of 64 digits each", "training")] = 600,
    n_seeds: Annotated[int, number(2, 6, "Runs", "training", label="runs")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Four networks of the same start learn digits: step neurons with an atan slope, and three kinds of soft ones.

    Adam, rate 3e-3, on cross-entropy plus lambda times the mean spike. A pixel sends its brightness in each step, or a
    pulse with that probability, drawn anew for each batch; or columns come from left to right, one a step. 500 test
    digits. Eleven frames.
    """
    seeds = [[seed, k] for k in range(n_seeds)]
    data, rngs = digit_batches(seeds, training), streams(seeds, 7)
    tested = _sent(data.x_test, steps, sent, streams(seeds, 8))
    nets = [Network(kind, seeds, tested.shape[-1], hidden, 10, eps, leak=leak, theta=theta) for kind in KINDS]
    for net in nets:
        net.log_eps.requires_grad_(learn_eps)
    learners = [torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 3e-3, fused=True) for net in nets]
    stops, right, softness = np.unique(np.linspace(0, training, 11).astype(int)), [], []
    for done in range(training + 1):
        if done in stops:
            with torch.no_grad():
                said = [net(tested) for net in nets]
            if not all(torch.isfinite(logits).all() for logits, _ in said):
                raise Diverged(done)
            right.append([(z.argmax(-1) == data.y_test).double().mean(1).numpy() for z, _ in said])
            softness.append([float(net.eps.mean().detach()) for net in nets])
            reached = np.array(right[-1])
            words = ", ".join(f"{kind} {a:.1%}" for kind, a in zip(KINDS, reached.mean(1), strict=True))
            yield LEARNING(
                dict(
                    step=stops[: len(right)],
                    accuracy=np.array(right).transpose(1, 0, 2),
                    rate=np.array([rate.numpy() for _, rate in said]),
                    eps=np.array(softness).T,
                ),
                f"After {done} training steps with T = {len(tested)} the accuracy is: {words}.",
                done / training,
            )
        if done == training:
            return
        x, labels = data.batch(done)
        x = _sent(x, steps, sent, rngs)
        for net, learner in zip(nets, learners, strict=True):
            logits, rate = net(x)
            loss = (cross_entropy(logits, labels) + sparse * rate).sum()
            learner.zero_grad()
            loss.backward()
            learner.step()


def _sent(x: torch.Tensor, steps: int, sent: str, rngs: list[np.random.Generator]) -> torch.Tensor:
    """(T, S, M, d): what pixels (S, M, 64) send over time; run i draws from generator i."""
    if sent == "columns":
        return x.unflatten(-1, (8, 8)).movedim(-1, 0)
    if sent == "brightness":
        return x.expand(steps, *x.shape)
    draws = np.stack([g.random((steps, *x.shape[1:]), dtype=np.float32) for g in rngs], axis=1)
    return (torch.from_numpy(draws) < x).to(x.dtype)
