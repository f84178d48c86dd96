"""Self-normalising networks: the map of mean and variance beside quadrature, networks side by side beside a loop."""

from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import quad

from labcore.infinite_width.selu import ALPHA, LAMBDA, unit_map
from labcore.infinite_width.selu.deep import answers, deep, descend, standardised
from labcore.primitives.digits.batches import DigitBatches, digit_batches
from tests.benchmarks.timing import Duel

Array = np.ndarray


def by_quadrature(mu: Array, nu: Array) -> Array:
    """The map at each place by SciPy's adaptive rule, on either side of the kink."""
    out = np.empty((2, len(mu)))
    for i, (m, v) in enumerate(zip(mu, nu, strict=True)):
        s = np.sqrt(v)
        left, right = min(m - 12 * s, 0), max(m + 12 * s, 0)

        def part(power: int, m: float = m, s: float = s, left: float = left, right: float = right) -> float:
            weigh = lambda z: np.exp(-(((z - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))  # noqa: E731
            low = quad(lambda z: (LAMBDA * ALPHA * np.expm1(z)) ** power * weigh(z), left, 0)[0]
            return low + quad(lambda z: (LAMBDA * z) ** power * weigh(z), 0, right)[0]

        first, second = part(1), part(2)
        out[:, i] = first, second - first**2
    return out


def maps(quick: bool) -> list[Duel]:
    n = 4 if quick else 20
    mu, nu = (v.ravel() for v in np.meshgrid(np.linspace(-1, 1, n), np.linspace(0.05, 4, n)))
    ours, theirs = lambda: np.array(unit_map(mu, nu, 1.0)), lambda: by_quadrature(mu, nu)
    name = f"mean and variance after a SELU unit, {n * n} places"
    return [Duel(name, ours, "SciPy's quad on either side of the kink", theirs, 1e-7, table=True)]


def by_loop(seeds: list[list[int]], data: DigitBatches, steps: int, width: int, depth: int) -> Array:
    """Logits of networks of torch's own layers, trained one after the other, from the same weights."""
    start, said = deep("SELU", seeds, width, depth), []
    for run in range(len(seeds)):
        layers = []
        for w in start.weights:
            linear = torch.nn.Linear(*w.shape[1:])
            linear.weight.data, linear.bias.data = w.data[run].T.contiguous(), torch.zeros(w.shape[2])
            layers += [linear, torch.nn.SELU()]
        net = torch.nn.Sequential(*layers[:-1])
        optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
        for step in range(steps):
            x, y = data.batch(step)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(x[run]), y[run]).backward()
            optimiser.step()
        said.append(net(data.x_test[run]).detach().numpy())
    return np.stack(said)


def side_by_side(seeds: list[list[int]], data: DigitBatches, steps: int, width: int, depth: int) -> Array:
    net = deep("SELU", seeds, width, depth)
    for step in range(steps):
        descend(net, *data.batch(step), 0.01)
    return answers(net, data.x_test).detach().numpy()


def networks(quick: bool) -> list[Duel]:
    steps, depth = (3, 4) if quick else (20, 16)
    seeds = [[0, r] for r in range(8)]
    data = standardised(digit_batches(seeds, steps))
    given = seeds, data, steps, 64, depth
    name = f"{len(seeds)} SELU networks of {depth} layers on digits, {steps} steps"
    ours, theirs = lambda: side_by_side(*given), lambda: by_loop(*given)
    rival = "torch.nn in a loop over networks"
    return [Duel(name, ours, rival, theirs, 1e-3, per="step", count=steps, table=True)]


PEERS, GROWTH, MEMORY = (maps, networks), (), ()
