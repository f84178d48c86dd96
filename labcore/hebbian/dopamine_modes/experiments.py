"""Methods that specialise a frozen base, one network with a switch, and what a penalty on open gates silences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .mechanism import (
    LEARNERS,
    Array,
    Method,
    Patch,
    digits,
    forward,
    foundation,
    n_parameters,
    right,
    specialised,
    turned,
)
from .switching import SWEEP, bare_gates, two_modes

METHODS: tuple[Method, ...] = ("bias only", "gain only", "gate", "LoRA")
LAMBDAS = (0.0, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
CHANCE = 0.03


SPECIALISE = Frame(
    time=axis("training steps", "steps"),
    learner=axis("method", values=LEARNERS),
    condition=axis("digits and mode", values=("turned, on", "upright, left on", "upright, off")),
    repeat=axis("network"),
    layer=axis("hidden layer", start=1),
    neuron=axis("neuron", start=1),
    accuracy=var("time learner repeat", "right on turned digits"),
    table=var("learner condition repeat", "right answers"),
    parameters=var("learner", "numbers trained"),
    theta=var("layer neuron", "threshold"),
    gamma=var("layer neuron", "gain"),
    open_share=var("layer neuron", "share of digits that open the gate"),
)


@experiment(quick=dict(n_seeds=1, pre_steps=200, steps=150), frame=SPECIALISE)
def specialise(
    angle: Annotated[
        float,
        number(
            0, 90, "Turn of the digits that the mode is for", "mode", unit="degrees", label="turn of digits", main=True
        ),
    ] = 45.0,
    foundation_data: Annotated[
        Literal["mixed", "upright"],
        choice(
            "What the base was trained on; mixed: half of it turned by 45",
            "base",
            label="digits of the base",
            main=True,
            words={"mixed": "upright and turned", "upright": "upright only"},
        ),
    ] = "mixed",
    steps: Annotated[
        int, number(100, 2000, "Training steps of every method", "mode", unit="steps", label="training steps")
    ] = 800,
    pre_steps: Annotated[
        int, number(100, 1500, "Training steps of the base", "base", unit="steps", label="steps of the base")
    ] = 400,
    width: Annotated[
        int, number(16, 128, "Neurons in each of two hidden layers", "base", label="neurons a layer")
    ] = 32,
    tau: Annotated[float, number(0.05, 1, "Softness of the gates in training", "mode", label="gate softness τ")] = 0.25,
    lam: Annotated[float, number(0, 0.3, "Penalty on open gates", "mode", label="penalty λ")] = 0.001,
    lora_rank: Annotated[int, number(1, 8, "Rank of LoRA on every layer", "mode", label="rank of LoRA")] = 2,
    n_seeds: Annotated[int, number(1, 6, "Networks to average over", "runs", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A frozen base specialises for turned digits: biases, gains, gates and LoRA with the same steps, side by side.

    Network i draws from (seed, i). `accuracy` is on turned test digits. `table` adds upright ones, with the mode left
    on and switched off. theta, gamma and open_share, the share of turned test digits for which the hard gate is open,
    are those of the first network.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    base = foundation(tuple(map(tuple, seeds)), width, pre_steps, foundation_data == "mixed")
    data, rngs = digits(seeds), [np.random.default_rng([*s, 2]) for s in seeds]
    target, g = turned(data.test, angle), METHODS.index("gate")
    gated = torch.tensor([m == "gate" for m in METHODS]).view(-1, 1, 1, 1)
    frozen = [right(forward(base, x)[0], data.test_labels) for x in (target, data.test)]
    x, lams = turned(data.train, angle)[None], torch.full((len(METHODS), 1), lam)
    log: list[tuple[int, Array]] = [(0, np.tile(frozen[0], (len(LEARNERS), 1)))]
    train = specialised(base, x, data.train_labels, METHODS, steps=steps, tau=tau, lam=lams, rank=lora_rank, rngs=rngs)
    sizes = n_parameters(width, lora_rank)

    def scored(x: Tensor, off: Array, patch: Patch) -> tuple[Array, Tensor]:
        only = Patch(*([t[g : g + 1] for t in part] for part in patch))
        answers = right(forward(base, x[None], patch, gated, tau)[0], data.test_labels)
        scores, _, gates = forward(base, x[None], only, None, tau, hard=True)
        hardened = right(scores, data.test_labels)[0]
        return np.stack([off, *answers[: g + 1], hardened, answers[-1]]), torch.stack([a[0, 0].mean(0) for a in gates])

    for step, patch in train:
        if step % max(1, steps // 20) and step != steps:
            continue
        with torch.no_grad():
            on, opened = scored(target, frozen[0], patch)
            other, _ = scored(data.test, frozen[1], patch)
        log.append((step, on))
        mean = dict(zip(LEARNERS, on.mean(1)))
        theta, gamma = (torch.stack([p[g, 0, 0] for p in part]).detach() for part in (patch.theta, patch.gamma))
        yield SPECIALISE(
            dict(
                time=[t for t, _ in log],
                accuracy=np.stack([a for _, a in log]),
                table=np.stack([on, other, np.tile(frozen[1], (len(LEARNERS), 1))], 1),
                parameters=list(sizes.values()),
                theta=theta,
                gamma=gamma,
                open_share=opened,
            ),
            f"After {step} steps on digits turned by {angle:g} degrees: frozen {mean['frozen']:.1%}, "
            f"gate {mean['gate']:.1%} with {sizes['gate']} numbers ({mean['gate, hardened']:.1%} hardened), "
            f"gains alone {mean['gain only']:.1%} with {sizes['gain only']}, LoRA {mean['LoRA']:.1%} with "
            f"{sizes['LoRA']}. On upright digits the gates left on give {other.mean(1)[1 + g]:.1%}, "
            f"and off {frozen[1].mean():.1%}.",
            step / steps,
            angle=angle,
        )


MODES = ("off", "upright", "turned")


SWITCH = Frame(
    mode=axis("mode", values=MODES),
    turn=axis("turn of the digits", "degrees", values=SWEEP),
    layer=axis("hidden layer", start=1),
    neuron=axis("neuron", start=1),
    digit=axis("digit"),
    gate=axis("the chosen gate", values=("as is", "shut")),
    curves=var("mode turn", "right answers"),
    brightness=var("layer neuron", "gain times how often it speaks"),
    theta=var("layer neuron", "threshold (off: -99)"),
    gamma=var("layer neuron", "gain"),
    attribution=var("digit neuron", "share of the change of the scores"),
    by_digit=var("gate digit", "right answers"),
)


def _who_suffers(by_digit: Float[Array, "2 10"]) -> str:
    """Which digits lose most when a gate is shut, in words; two or three pictures of the 90 of a digit are chance."""
    drop = by_digit[0] - by_digit[1]
    if drop.max() < CHANCE:
        return f"no digit loses {100 * CHANCE:g} points"
    digits = np.flatnonzero(drop >= drop.max() - CHANCE)
    told = [f"{d} ({by_digit[0, d]:.0%} to {by_digit[1, d]:.0%})" for d in digits[drop[digits] >= CHANCE]]
    if len(told) == 1:
        return f"digit {told[0]} suffers most"
    return f"digits {', '.join(told[:-1])} and {told[-1]} suffer most"


@experiment(quick=dict(steps=100), frame=SWITCH)
def switch(
    angle: Annotated[
        float,
        number(0, 90, "Turn of the digits that are shown", "world", unit="degrees", label="turn of digits", main=True),
    ] = 45.0,
    mode: Annotated[
        Literal["off", "upright", "turned"], choice("The two vectors in use", "network", label="mode", main=True)
    ] = "turned",
    neuron: Annotated[
        int, number(0, 32, "The gate that is held shut; 0: none", "network", label="gate held shut", main=True)
    ] = 0,
    layer: Annotated[
        int, number(1, 2, "The hidden layer to look at, and of that gate", "network", label="hidden layer")
    ] = 2,
    lam: Annotated[float, number(0, 0.3, "Penalty on open gates in training", "training", label="penalty λ")] = 0.001,
    steps: Annotated[
        int, number(100, 2000, "Training steps of each mode", "training", unit="steps", label="training steps")
    ] = 800,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One network, two trained modes (digits upright and turned by 45 degrees) and off. One frame.

    `brightness` is gamma times the share of shown test digits for which the neuron speaks: gate open, and h > 0.
    `attribution` is, for the digits of a class, a neuron's share of the changes of the scores (Euclidean) that closing
    each neuron of the layer alone would make. `by_digit` is the accuracy for each digit, as is and with the gate shut.
    """
    base, theta, gamma, curves = two_modes(steps, lam, seed)
    data, m, at = digits([[seed, 0]]), MODES.index(mode), layer - 1
    seen, labels = turned(data.test, angle)[None], data.test_labels[0]
    scores, sent, _ = forward(base, seen, bare_gates(1, 1, 32, theta[m], gamma[m]), hard=True)
    closing = bare_gates(32, 1, 32, theta[m], gamma[m])
    closing.theta[at][torch.arange(32), 0, 0, torch.arange(32)] = 1e9
    closed = forward(base, seen, closing, hard=True)[0][:, 0]
    change = (closed - scores[0]).norm(dim=-1)
    per_class = torch.stack([change[:, labels == c].mean(1) for c in range(10)])
    attribution = per_class / per_class.sum(1, keepdim=True).clamp(min=1e-12)
    answers = (scores[0, 0], closed[neuron - 1] if neuron else scores[0, 0])
    hit = torch.stack([a.argmax(-1) == labels for a in answers]).double()
    by_digit = np.stack([hit[:, labels == c].mean(1).numpy() for c in range(10)], 1)
    speaks = torch.stack([(s[0, 0] != 0).float().mean(0) for s in sent])
    whole, without = hit.mean(1).tolist()
    cut = f" With neuron {neuron} of layer {layer} shut it is {without:.1%}; {_who_suffers(by_digit)}."
    yield SWITCH(
        dict(
            curves=curves,
            brightness=speaks * gamma[m],
            theta=theta[m].clamp(min=-99),
            gamma=gamma[m],
            attribution=attribution,
            by_digit=by_digit,
        ),
        f"Digits turned by {angle:g} degrees, mode {mode}: {whole:.1%} right.{cut if neuron else ''}",
        angle=angle,
        mode=mode,
        shown_layer=layer,
        shut=neuron,
        accuracy=whole,
    )


def _activity(sent: list[Float[Tensor, "*K n H"]]) -> tuple[Float[Tensor, "*K"], Float[Tensor, "*K"]]:
    """Shares of neurons that send anything, and that send over half of their layer's largest signal."""
    loud = [s.abs() for s in sent]
    strong = [(s > s.amax(-1, keepdim=True) / 2).double().mean((-2, -1)) for s in loud]
    return sum((s > 0).double().mean((-2, -1)) for s in loud) / 2, sum(strong) / 2


SPARSITY = Frame(
    penalty=axis("penalty lambda", values=LAMBDAS),
    repeat=axis("network"),
    accuracy=var("penalty repeat", "right on turned digits, hard gates"),
    soft_accuracy=var("penalty repeat", "right, soft gates"),
    opened=var("penalty repeat", "mean gate, soft"),
    speaks=var("penalty repeat", "share of neurons that speak"),
    strong=var("penalty repeat", "share of neurons strongly active"),
    base_strong=var("repeat", "share of neurons strongly active in the base"),
)


@experiment(quick=dict(n_seeds=1, pre_steps=200, steps=200), frame=SPARSITY)
def sparsity(
    tau: Annotated[
        float, number(0.05, 1, "Softness of the gates in training", "mode", label="gate softness τ", main=True)
    ] = 0.25,
    angle: Annotated[
        float,
        number(
            0, 90, "Turn of the digits that the mode is for", "mode", unit="degrees", label="turn of digits", main=True
        ),
    ] = 45.0,
    steps: Annotated[
        int, number(100, 2000, "Training steps of every mode", "mode", unit="steps", label="training steps")
    ] = 800,
    pre_steps: Annotated[
        int, number(100, 1500, "Training steps of the base", "base", unit="steps", label="steps of the base")
    ] = 400,
    n_seeds: Annotated[int, number(1, 6, "Networks to average over", "runs", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What a penalty on open gates buys and costs: seven penalties trained side by side, measured on turned digits.

    `speaks`: share of neurons that send anything on. `strong`: share that send more than half of the largest signal in
    their layer for the same digit. Both with hard gates, mean over neurons, layers and test digits.
    """
    seeds, methods = [[seed, i] for i in range(n_seeds)], tuple(["gate"] * len(LAMBDAS))
    base = foundation(tuple(map(tuple, seeds)), 32, pre_steps, True)
    data, rngs = digits(seeds), [np.random.default_rng([*s, 2]) for s in seeds]
    target = turned(data.test, angle)
    plain, sent, _ = forward(base, target)
    frozen = float(right(plain, data.test_labels).mean())
    reference = _activity(sent)
    x, lams = turned(data.train, angle)[None], torch.tensor(LAMBDAS)[:, None]
    train = specialised(base, x, data.train_labels, methods, steps=steps, tau=tau, lam=lams, rank=1, rngs=rngs)
    for step, patch in train:
        if step % max(1, steps // 20) and step != steps:
            continue
        with torch.no_grad():
            soft, _, gates = forward(base, target[None], patch, None, tau)
            hard, sent, _ = forward(base, target[None], patch, None, tau, True)
        speaks, strong = (part.numpy() for part in _activity(sent))
        opened = np.mean([a.double().mean((-2, -1)).numpy() for a in gates], 0)
        accuracy = right(hard, data.test_labels)
        a, b = accuracy.mean(1), strong.mean(1)
        yield SPARSITY(
            dict(
                accuracy=accuracy,
                soft_accuracy=right(soft, data.test_labels),
                opened=opened,
                speaks=speaks,
                strong=strong,
                base_strong=reference[1].numpy(),
            ),
            f"After {step} steps: without a penalty {speaks[0].mean():.0%} of neurons speak, {b[0]:.0%} "
            f"strongly, and {a[0]:.1%} of the turned digits are right; at lambda = {LAMBDAS[-2]:g} it is "
            f"{speaks[-2].mean():.0%}, {b[-2]:.0%} and {a[-2]:.1%}. The frozen base: {reference[0].mean():.0%}, "
            f"{reference[1].mean():.0%} and {frozen:.1%}.",
            step / steps,
            frozen=frozen,
            frozen_speaks=reference[0].mean().item(),
            frozen_strong=reference[1].mean().item(),
        )
