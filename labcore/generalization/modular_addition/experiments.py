"""A vote on a clock face; a network that learns it, groks it, and the race of frequencies inside its neurons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .frequency_race import blow_up_time
from .frequency_race import race as follow
from .measures import SWAPS, first_at, order, score
from .spectrum import amplitude_phase, read, wrapped
from .training import start, table, train
from .voting import even_phases, flawed_indicator, voters, votes

LOOKS = 50  # frames of a training
SHOWN = 200  # points of a curve of the race

WORDS = {"square": "z²", "relu": "ReLU", "abs": "|z|"}
Numbers = Annotated[Literal[11, 15, 23, 31, 43], choice("Numbers on the clock", "task", label="numbers p")]
Act = Annotated[
    Literal["relu", "square", "abs"],
    choice("What a neuron makes of its sum", "network", label="activation", words=WORDS),
]
Width = Annotated[int, number(8, 512, "Hidden neurons", "network", label="neurons", main=True)]
Scale = Annotated[
    float, number(0.01, 1, "Size of the first weights, times √p", "network", scale="log", label="size of first weights")
]

VOTE = Frame(
    answer=axis("answer j"),
    frequency=axis("frequency k"),
    neuron=axis("neuron of a frequency"),
    wave=var("frequency answer", "vote of a frequency"),
    vote=var("answer", "vote of all"),
    phase=var("frequency neuron", "phase φ", "rad"),
    height=var("frequency neuron", "how much the neuron answers"),
    expected=var("answer", "vote in closed form", optional=True),
)


@experiment(frame=VOTE)
def vote(
    x: Annotated[int, number(0, 58, "First number; counted on around the clock", label="first number x")] = 3,
    y: Annotated[int, number(0, 58, "Second number; counted on around the clock", label="second number y")] = 8,
    frequencies: Annotated[
        int, number(1, 29, "How many of the (p - 1)/2 frequencies vote", label="frequencies that vote", main=True)
    ] = 11,
    neurons: Annotated[
        int, number(1, 12, "Neurons of each frequency, evenly around its circle", label="neurons each", main=True)
    ] = 3,
    turn: Annotated[
        float, number(-3, 3, "The first layer's circles are turned by so many numbers", label="turn", main=True)
    ] = 0.0,
    off: Annotated[
        float, number(-3.14, 3.14, "Phase of the second layer, less twice that of the first", label="misalignment D")
    ] = 0.0,
    act: Annotated[
        Literal["square", "relu", "abs"],
        choice("What a neuron makes of its sum", label="activation", words=WORDS),
    ] = "square",
    p: Annotated[Literal[7, 11, 15, 23, 31, 43, 59], choice("Numbers on the clock", label="numbers p")] = 23,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network built by hand votes on x + y mod p. One frame.

    The seed draws which frequencies vote, where not all do, and the first phase of each. `expected` is the flawed
    indicator: all frequencies, z^2, aligned phases, 3 or more than 4 neurons each, circles that are not turned.
    """
    rng = np.random.default_rng(seed)
    x, y, k = x % p, y % p, (p - 1) // 2
    chosen = np.sort(rng.permutation(np.arange(1, k + 1))[:frequencies])
    first = rng.uniform(0, 2 * np.pi, len(chosen))
    frequency, phase = even_phases(chosen, neurons, first)
    theta, xi = voters(p, frequency, phase, turn, off)
    each = votes(theta, xi, x, y, act).reshape(len(chosen), neurons, p)
    total = each.sum((0, 1))
    values = dict(
        frequency=chosen,
        wave=each.sum(1),
        vote=total,
        phase=phase.reshape(-1, neurons) % (2 * np.pi),
        height=np.abs(each).max(2),
    )
    if len(chosen) == k and act == "square" and not off and not turn and neurons not in (1, 2, 4):
        values["expected"] = flawed_indicator(p, neurons, x, y)
    yield VOTE(values, _reading(total, x, y, p, len(chosen)))


def _reading(total: np.ndarray, x: int, y: int, p: int, waves: int) -> str:
    right = (x + y) % p
    order = np.argsort(-total, kind="stable")
    said = f"On a clock of {p}, {x} + {y} = {right}. With {waves} frequenc{'ies' if waves > 1 else 'y'} "
    if order[0] == right:
        return (
            f"{said}the vote is for {right}: {total[right]:.1f} for it, {total[order[1]]:.1f} for the next, {order[1]}."
        )
    return f"{said}the vote goes wrong: {total[order[0]]:.1f} for {order[0]}, {total[right]:.1f} for {right}."


TRAINING = Frame(
    step=axis("step"),
    neuron=axis("neuron, by frequency", start=1),
    frequency=axis("frequency k", start=1),
    swap=axis("activation after training", values=SWAPS),
    loss=var("step", "loss"),
    accuracy=var("step", "share of pairs added right"),
    share=var("step", "share of a neuron's squared amplitudes in its largest frequency, median"),
    off=var("step", "size of the misalignment D, median", "rad"),
    heat=var("neuron frequency", "squared amplitude, as a share of the neuron's"),
    own=var("neuron", "its frequency"),
    own_out=var("neuron", "its largest frequency in the second layer"),
    voice=var("neuron", "product of its amplitudes in both layers, αβ"),
    phase=var("neuron", "twice the first layer's phase, 2φ", "rad"),
    phase_out=var("neuron", "second layer's phase ψ", "rad"),
    swapped=var("swap", "share of pairs added right with this activation in its place"),
)


@experiment(quick=dict(p=11, width=48, steps=60), frame=TRAINING)
def training(
    width: Width = 256,
    rate: Annotated[
        float, number(1e-4, 1e-2, "Learning rate of AdamW", "training", scale="log", label="learning rate η", main=True)
    ] = 2e-3,
    steps: Annotated[
        int, number(20, 2000, "Full-batch steps", "training", "steps", scale="log", label="steps", main=True)
    ] = 300,
    act: Act = "relu",
    decay: Annotated[float, number(0, 3, "Weight decay of AdamW", "training", label="weight decay")] = 0.0,
    scale: Scale = 0.1,
    p: Numbers = 23,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network learns the whole table of additions on a clock of p, and is read as waves while it does.

    Neurons are in the order of their largest frequency in the first layer, and then of its share. `phase_out` is the
    second layer's phase at that frequency; both phases are from -pi to pi. `swapped` is the accuracy when another
    activation stands in place of the trained one, without any training.
    """
    data, log, frame = table(p, 1.0, seed), [], None
    looks = np.unique(np.r_[0, np.geomspace(1, steps, LOOKS).astype(int)])
    for look in train(start(p, width, scale, seed), data, looks, act, rate, decay):
        n, (loss, accuracy) = read(look.theta, look.xi), score(look, data, act)
        log.append((look.step, loss[0], accuracy[0], np.median(n.share), np.median(np.abs(n.misaligned))))
        values = dict(zip(("step", "loss", "accuracy", "share", "off"), np.array(log).T, strict=True))
        at = order(n)
        values |= dict(
            heat=(n.amplitude**2 / np.maximum((n.amplitude**2).sum(1, keepdims=True), 1e-300))[at],
            own=n.frequency[at],
            own_out=n.frequency_out[at],
            voice=n.voice[at],
            phase=wrapped(2 * n.phase[at]),
            phase_out=n.phase_out[at],
            swapped=[score(look, data, other)[1][0] for other in SWAPS],
        )
        said = f"After {look.step} step{'s' * (look.step != 1)} the network adds {accuracy[0]:.0%} of all pairs right"
        said += (
            f", with z² in the activation's place {values['swapped'][SWAPS.index('square')]:.0%}. The median neuron "
        )
        said += (
            f"has {log[-1][3]:.0%} of its squared amplitudes in one frequency; its phases are {log[-1][4]:.2f} rad off."
        )
        frame = TRAINING(values, said, look.step / steps)
        yield frame
    if look.step < steps:
        raise Diverged(look.step, frame)


RACE = Frame(
    time=axis("time"),
    frequency=axis("frequency"),
    off=axis("misalignment D", "rad"),
    size=axis("amplitude α at the start"),
    amplitude=var("frequency time", "amplitude α of the first layer"),
    turning=var("frequency time", "misalignment D", "rad"),
    finish=var("frequency", "time at which it becomes infinite"),
    clock=var("size off", "time at which a start there becomes infinite"),
)


@experiment(quick=dict(rivals=5), frame=RACE)
def race(
    mine: Annotated[
        float, number(0.1, 3, "First amplitude of your frequency", label="your amplitude α", main=True)
    ] = 2.5,
    off: Annotated[
        float, number(-3.1, 3.1, "First misalignment of yours", label="your misalignment D", main=True)
    ] = 2.8,
    beta: Annotated[
        float, number(0.1, 3, "First amplitude in the second layer, of all", label="second layer β", main=True)
    ] = 1.5,
    rivals: Annotated[int, number(1, 28, "Other frequencies in the neuron", label="rivals")] = 10,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The frequencies of one neuron before the loss moves, each running for itself. One frame.

    Frequency 0 is yours, rivals have amplitudes and misalignments as first weights do. Amplitudes are in units of what
    is typical (the root mean square of a Gaussian start), times in p over that, so that p does not matter. All have the
    same amplitude beta in the second layer. A start that never becomes infinite is given a time of 100.
    """
    rng = np.random.default_rng(seed)
    alpha = np.r_[mine, rng.rayleigh(np.sqrt(0.5), rivals)]
    start_off = np.r_[off, rng.uniform(-np.pi, np.pi, rivals)]
    finish = np.minimum(blow_up_time(alpha, beta, start_off, 1), 100)
    time = np.linspace(0, min(1.15 * np.sort(finish)[:2].max(), 100), SHOWN)
    amplitude, _, turning = follow(alpha, np.full(len(alpha), beta), start_off, time, 1.0)
    sizes, offs = np.linspace(0.05, 3, 40), np.linspace(-np.pi, np.pi, 61)
    winner, second = np.argsort(finish, kind="stable")[:2]
    who = "Your frequency wins" if winner == 0 else f"Rival {winner} wins"
    behind = "yours" if second == 0 else f"rival {second}"
    largest = int(alpha.argmax())
    was = (
        "the largest at the start"
        if largest == winner
        else f"at the start {'yours' if largest == 0 else f'rival {largest}'} was larger"
    )
    late = "" if 0 in (winner, second) else f" Yours takes {finish[0]:.2f}{' or more' if finish[0] >= 100 else ''}."
    yield RACE(
        dict(
            time=time,
            off=offs,
            size=sizes,
            amplitude=amplitude,
            turning=turning,
            finish=finish,
            clock=np.minimum(blow_up_time(sizes[:, None], beta, offs, 1), 100),
        ),
        f"{who}, after {finish[winner]:.2f}, before {behind} with {finish[second]:.2f}; {was}.{late}",
    )


LOTTERY = Frame(
    step=axis("step"),
    frequency=axis("frequency k", start=1),
    rule=axis("who is said to win", values=("first to become infinite", "largest at the start")),
    amplitude=var("frequency step", "amplitude α of the neuron"),
    predicted=var("frequency step", "amplitude α, predicted from the start"),
    turning=var("frequency step", "misalignment D", "rad"),
    right=var("rule step", "share of neurons whose largest frequency it is"),
    loss=var("step", "loss"),
    finish=var("frequency", "step at which it would become infinite"),
    chance=var("", "share that guessing would get"),
)


@experiment(quick=dict(p=11, width=64, steps=250), frame=LOTTERY)
def lottery(
    neuron: Annotated[int, number(1, 512, "Which neuron to watch; counted on around", label="neuron", main=True)] = 1,
    rate: Annotated[
        float, number(0.1, 4, "Learning rate of gradient descent", "training", label="learning rate η", main=True)
    ] = 2.0,
    steps: Annotated[
        int, number(20, 2000, "Full-batch steps", "training", "steps", scale="log", label="steps", main=True)
    ] = 600,
    width: Annotated[int, number(8, 512, "Hidden neurons", "network", label="neurons")] = 128,
    scale: Scale = 0.1,
    p: Numbers = 23,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Plain gradient descent from small weights, act(z) = z^2: one neuron's race, and how many are predicted.

    `predicted` follows each frequency by itself from the first weights, and ends where it passes ten times the largest
    measured amplitude. A step at which a frequency would become infinite is at most 1e5. `right` compares with the
    frequency that is largest in the first layer at that step.
    """
    first, data = start(p, width, scale, seed), table(p, 1.0, seed)
    (alpha, phi), (beta, psi) = (amplitude_phase(w) for w in first)
    off = wrapped(psi - 2 * phi)
    finish = np.minimum(blow_up_time(alpha, beta, off, p) / rate, 1e5)
    said = np.stack([finish.argmin(1), alpha.argmax(1)]) + 1
    watched = (neuron - 1) % width
    looks = np.unique(np.linspace(0, steps, LOOKS + 1).astype(int))
    paths = follow(alpha[watched], beta[watched], off[watched], rate * looks.astype(float), float(p))
    log, frame = [], None
    for look in train(first, data, looks, "square", rate, optimizer="gd"):
        n, (loss, _) = read(look.theta, look.xi), score(look, data, "square")
        turning = np.angle(
            np.exp(1j * (amplitude_phase(look.xi[watched])[1] - 2 * amplitude_phase(look.theta[watched])[1]))
        )
        log.append((look.step, loss[0], n.amplitude[watched], turning, (said == n.frequency).mean(1)))
        step, losses, amplitude, turning, right = (np.array(part) for part in zip(*log, strict=True))
        values = dict(
            step=step,
            loss=losses,
            amplitude=amplitude.T,
            predicted=np.minimum(paths[0][:, : len(step)], 10 * amplitude.max()),
            turning=turning.T,
            right=right.T,
            finish=finish[watched],
            chance=2 / (p - 1),
        )
        frame = LOTTERY(
            values,
            f"After {look.step} step{'s' * (look.step != 1)} the loss is {loss[0]:.2f}; the frequency that would be "
            f"infinite first is the largest in {right[-1, 0]:.0%} of the neurons, the one that began as the largest in "
            f"{right[-1, 1]:.0%}.",
            look.step / steps,
        )
        yield frame
    if look.step < steps:
        raise Diverged(look.step, frame)


GROKKING = Frame(
    step=axis("step"),
    part=axis("pairs", values=("training", "test")),
    neuron=axis("neuron, by frequency", start=1),
    frequency=axis("frequency k", start=1),
    accuracy=var("part step", "share of pairs added right"),
    loss=var("part step", "loss"),
    share=var("step", "share of a neuron's squared amplitudes in its largest frequency, median"),
    off=var("step", "size of the misalignment D, median", "rad"),
    size=var("step", "weight, root mean square"),
    heat=var("neuron frequency", "amplitude α of the first layer"),
    memory=var("", "step at which 99 % of the training pairs are right", optional=True),
    insight=var("", "step at which 95 % of the test pairs are right", optional=True),
)


@experiment(quick=dict(width=48, steps=500), frame=GROKKING)
def grokking(
    decay: Annotated[float, number(0, 3, "Weight decay of AdamW", "training", label="weight decay", main=True)] = 1.0,
    share: Annotated[
        float,
        number(0.3, 0.95, "Share of the pairs that it learns from", "task", label="share for training", main=True),
    ] = 0.75,
    steps: Annotated[
        int, number(20, 3000, "Full-batch steps", "training", "steps", scale="log", label="steps", main=True)
    ] = 800,
    rate: Annotated[
        float, number(1e-4, 1e-2, "Learning rate of AdamW", "training", scale="log", label="learning rate η")
    ] = 2e-3,
    width: Annotated[int, number(8, 512, "Hidden neurons", "network", label="neurons")] = 128,
    act: Act = "square",
    scale: Scale = 1.0,
    p: Annotated[Literal[19, 23, 31, 43], choice("Numbers on the clock", "task", label="numbers p")] = 31,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network learns a part of the table, from large first weights, and is asked the rest.

    A pair and its mirror (y, x) are always on the same side, since the network cannot tell them apart. `heat` is in
    units of the largest amplitude at that step; neurons are in the order of their largest frequency.
    """
    data, log, frame = table(p, share, seed), [], None
    looks = np.unique(np.r_[0, np.geomspace(5, steps, LOOKS).astype(int)])
    for look in train(start(p, width, scale, seed), data, looks, act, rate, decay):
        n, (loss, accuracy) = read(look.theta, look.xi), score(look, data, act)
        size = np.sqrt((np.mean(look.theta**2) + np.mean(look.xi**2)) / 2)
        log.append((look.step, loss, accuracy, np.median(n.share), np.median(np.abs(n.misaligned)), size))
        step, losses, right, shares, off, sizes = (np.array(part) for part in zip(*log, strict=True))
        memory, insight = first_at(step, right[:, 0], 0.99), first_at(step, right[:, 1], 0.95)
        heat = n.amplitude[order(n)]
        values = dict(step=step, accuracy=right.T, loss=losses.T, share=shares, off=off, size=sizes)
        values |= dict(heat=heat / max(heat.max(), 1e-300))
        values |= {name: v for name, v in (("memory", memory), ("insight", insight)) if v is not None}
        said = f"After {look.step} step{'s' * (look.step != 1)} {accuracy[0]:.0%} of the training pairs are right and "
        said += f"{accuracy[1]:.0%} of the others"
        if memory is not None:
            said += f"; the training pairs were known by heart at step {memory}"
            said += f", the rule at step {insight}" if insight is not None else ", the rule is not known"
        frame = GROKKING(values, f"{said}.", look.step / steps)
        yield frame
    if look.step < steps:
        raise Diverged(look.step, frame)
