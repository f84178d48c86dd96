"""Pairs of networks trained one way and two ways: what they draw, what they stand, and one digit under attack."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.stacked import stacked_digits

from .gradient_attack import fgsm, input_gradient
from .mechanism import ACTIVATIONS, LEARNERS, N_TEST, N_TRAIN, Act, Method, learn
from .stack import Activation, TiedStack, forward, reverse

Array = np.ndarray
EPS = np.linspace(0, 0.3, 7)
SIGMA = np.linspace(0, 0.5, 6)
ATTACKS = np.linspace(0, 0.5, 21)


def _sizes(layers: int, width: int) -> tuple[int, ...]:
    return (64, *[width] * layers, 10)


def _accuracy(
    net: TiedStack, x: Float[Tensor, "*more S B 64"], labels: Int[Tensor, "S B"], f: Activation
) -> Float[Array, "*more S"]:
    """Share of right answers."""
    return (forward(net, x, f).argmax(-1) == labels).double().mean(-1).numpy()


def _likeness(drawn: Float[Array, "S 10 64"], means: Float[Array, "S 10 64"]) -> Float[Array, " S"]:
    """Correlation over pixels of drawings and class means, averaged over classes."""
    a, b = (v - v.mean(-1, keepdims=True) for v in (drawn, means))
    size = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return ((a * b).sum(-1) / np.maximum(size, 1e-12)).mean(-1)


PAIRS = Frame(
    learner=axis("trained", values=LEARNERS),
    repeat=axis("pair of networks"),
    eps=axis("size of the attack, eps", values=EPS),
    sigma=axis("noise, standard deviation", values=SIGMA),
    digit=axis("class"),
    pixel=axis("pixel, row by row"),
    unit=axis("unit"),
    fgsm=var("learner repeat eps", "accuracy under FGSM"),
    noisy=var("learner repeat sigma", "accuracy under noise"),
    likeness=var("learner repeat", "correlation of drawings with class means"),
    named=var("learner repeat", "own drawings named rightly, of ten"),
    drawn=var("learner digit pixel", "drawing of the class"),
    w1=var("learner pixel unit", "first-layer weight"),
)


@experiment(quick=dict(steps=300, n_seeds=1), frame=PAIRS)
def train(
    share: Annotated[
        float,
        number(
            0,
            1,
            "Share of the training with generator steps: 0 is plain backpropagation",
            "learning",
            label="share with drawing",
            main=True,
        ),
    ] = 1.0,
    method: Annotated[
        Method,
        choice(
            "The generator copies the batch (BL) or fools a critic (HAN)",
            "learning",
            label="how drawing is learned",
            main=True,
            words={"BL": "copying (BL)", "HAN": "fooling a critic (HAN)"},
        ),
    ] = "BL",
    layers: Annotated[int, number(0, 3, "Hidden layers", "network", label="hidden layers", main=True)] = 2,
    width: Annotated[
        int, number(8, 128, "Units of each hidden layer", "network", label="units per layer", layers=[1, 2, 3])
    ] = 64,
    act: Annotated[
        Act, choice("The activation f of hidden layers, both ways", "network", label="activation f")
    ] = "sigmoid",
    bias: Annotated[
        bool, choice("Biases of their own for each direction, or none", "network", label="biases c and g")
    ] = True,
    steps: Annotated[
        int, number(100, 5000, "Classifier steps, batches of 50", "learning", "steps", "log", label="training steps")
    ] = 1500,
    n_seeds: Annotated[int, number(1, 5, "Pairs of networks to average over", "runs", label="pairs averaged")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Pairs of networks from the same start on the same batches, trained one way and two ways; what they draw.

    drawn: sigmoid of G(one-hot), in the first pair. w1: its first layer. fgsm, noisy: accuracy on 497 test digits under
    the attack and under clipped Gaussian noise.
    """
    f, seeds = ACTIVATIONS[act], [[seed, i] for i in range(n_seeds)]
    x, labels, x_test, labels_test = stacked_digits(N_TRAIN, N_TEST, seeds)
    sums = torch.einsum("snk,snd->skd", F.one_hot(labels, 10).float(), x)
    means = (sums / F.one_hot(labels, 10).sum(1)[..., None]).double().numpy()
    grain = np.stack([np.random.default_rng([*s, 5]).normal(size=(N_TEST, 64)) for s in seeds])
    sigma = torch.tensor(SIGMA, dtype=torch.float32).view(-1, 1, 1, 1)
    noisy = (x_test + sigma * torch.tensor(grain, dtype=torch.float32)).clamp(0, 1)
    eps = torch.tensor(EPS, dtype=torch.float32).view(-1, 1, 1, 1)
    classes, shown = torch.eye(10)[None], max(25, steps // 20)
    for step, nets in learn(_sizes(layers, width), method, share, bias, act, steps, seeds):
        if step % shown and step != steps:
            continue
        attacked = np.stack(
            [_accuracy(n, fgsm(partial(forward, n, f=f), x_test, labels_test, eps), labels_test, f).T for n in nets]
        )
        with torch.no_grad():
            grainy = np.stack([_accuracy(n, noisy, labels_test, f).T for n in nets])
            drawn = [torch.sigmoid(reverse(n, classes, f)) for n in nets]
            named = [(forward(n, d, f).argmax(-1) == torch.arange(10)).sum(-1) for n, d in zip(nets, drawn)]
        drawings = torch.stack(drawn).double().numpy()
        likeness = np.stack([_likeness(d, means) for d in drawings])
        like, (plain, hit), rough = likeness.mean(1), attacked.mean(1)[:, [0, 2]].T, grainy.mean(1)[:, 3]
        yield PAIRS(
            dict(
                fgsm=attacked,
                noisy=grainy,
                likeness=likeness,
                named=torch.stack(named),
                drawn=drawings[:, 0],
                w1=torch.stack([n.w[0][0].detach() for n in nets]),
            ),
            f"After {step} steps, run backwards, the drawings of the two-way network correlate "
            f"{like[1]:z.3f} with the mean digits, those of the one-way network {like[0]:z.3f}. Accuracy one way and "
            f"two ways: {plain[0]:.1%} and {plain[1]:.1%} on clean digits, {hit[0]:.1%} and {hit[1]:.1%} under an "
            f"attack of 0.1, {rough[0]:.1%} and {rough[1]:.1%} under noise of 0.3.",
            step / steps,
        )


@lru_cache(maxsize=4)
def _trained(layers: int, act: Act, steps: int, seed: int) -> tuple[TiedStack, TiedStack]:
    ((_, nets),) = deque(learn(_sizes(layers, 64), "BL", 1.0, True, act, steps, [[seed, 0]]), maxlen=1)
    return tuple(TiedStack(*([p.detach() for p in part] for part in net)) for net in nets)


ATTACK = Frame(
    learner=axis("trained", values=LEARNERS),
    picture=axis("picture", values=("clean", "attacked")),
    pixel=axis("pixel, row by row"),
    digit=axis("class"),
    eps=axis("size of the attack, eps", values=ATTACKS),
    original=var("pixel", "brightness"),
    attacked=var("learner pixel", "brightness after the attack"),
    gradient=var("learner pixel", "gradient of the loss"),
    belief=var("learner picture digit", "probability"),
    accuracy=var("learner eps", "accuracy under FGSM"),
    here=var("learner", "accuracy at this eps"),
)


@experiment(quick=dict(steps=300), frame=ATTACK)
def attack(
    eps: Annotated[
        float, number(0, 0.5, "How far a pixel may move; 1 is from black to white", "attack", label="attack size ε")
    ] = 0.1,
    image: Annotated[int, number(0, N_TEST - 1, "Which test digit to attack", "attack", label="test digit")] = 0,
    layers: Annotated[int, number(0, 3, "Hidden layers of 64 units", "network", label="hidden layers")] = 2,
    act: Annotated[Act, choice("The activation f of hidden layers", "network", label="activation f")] = "sigmoid",
    steps: Annotated[
        int, number(100, 4000, "Classifier steps, batches of 50", "learning", "steps", "log", label="training steps")
    ] = 1500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """FGSM on one test digit, for a network trained one way and one trained two ways (BL); each by its own gradient.

    belief: probabilities for the digit as it is and attacked. accuracy: share of all 497 test digits that survive.
    One frame; training is kept.
    """
    f, nets = ACTIVATIONS[act], _trained(layers, act, steps, seed)
    _, _, x_test, labels_test = stacked_digits(N_TRAIN, N_TEST, [[seed, 0]])
    sizes = torch.tensor(np.append(ATTACKS, eps), dtype=torch.float32).view(-1, 1, 1, 1)
    turned = [fgsm(partial(forward, n, f=f), x_test, labels_test, sizes) for n in nets]
    gradient = (
        torch.stack([input_gradient(partial(forward, n, f=f), x_test, labels_test)[0, image] for n in nets])
        .double()
        .numpy()
    )
    accuracy = np.stack([_accuracy(n, v, labels_test, f)[:, 0] for n, v in zip(nets, turned)])
    pictures = torch.stack([torch.stack([v[0, 0, image], v[-1, 0, image]]) for v in turned])
    with torch.no_grad():
        belief = torch.stack([torch.softmax(forward(n, p[None], f)[0], -1) for n, p in zip(nets, pictures)])
    belief, label = belief.double().numpy(), int(labels_test[0, image])
    says = [f"the network trained {n} says {b.argmax()} ({b.max():.0%})" for n, b in zip(LEARNERS, belief[:, 1])]
    yield ATTACK(
        dict(
            original=x_test[0, image],
            attacked=pictures[:, 1],
            gradient=gradient,
            belief=belief,
            accuracy=accuracy[:, :-1],
            here=accuracy[:, -1],
        ),
        f"This is a {label}, with every pixel moved by at most {eps:g}: {' and '.join(says)}. Of all "
        f"{N_TEST} test digits, {accuracy[0, -1]:.1%} survive one way and {accuracy[1, -1]:.1%} two ways.",
        at=eps,
        label=label,
    )
