"""Addition on a clock: times to infinity, the race of frequencies, training; beside SciPy, NumPy, torch."""

from __future__ import annotations

import numpy as np
import torch
from scipy.integrate import solve_ivp

from labcore.generalization.modular_addition import blow_up_time, race, start, table, train
from labcore.generalization.modular_addition.frequency_race import FAR, FINE
from tests.benchmarks.timing import Duel, Growth

Array = np.ndarray


def drawn(n: int) -> tuple[Array, Array, Array]:
    """First amplitudes and misalignments of n frequencies, as small random weights have them."""
    rng = np.random.default_rng(0)
    return rng.rayleigh(size=n), rng.rayleigh(size=n), rng.uniform(-np.pi, np.pi, n)


def slopes(_: float, s: Array) -> Array:
    """Of the real and imaginary parts of z and q, for p = 1."""
    z, q = complex(s[0], s[1]), complex(s[2], s[3])
    z1, q1 = 2 * q * z.conjugate(), z * z
    return np.array([z1.real, z1.imag, q1.real, q1.imag])


def by_scipy(alpha: Array, beta: Array, off: Array) -> Array:
    """When an amplitude passes a million, by an integrator with steps of its own."""
    far = lambda _, s: s[0] ** 2 + s[1] ** 2 - FAR**2  # noqa: E731
    far.terminal = True
    out = []
    for a, b, d in zip(alpha, beta, off, strict=True):
        first = (a, 0, b * np.cos(d), b * np.sin(d))
        out.append(solve_ivp(slopes, (0, 1e4), first, "DOP853", events=far, rtol=1e-9, atol=1e-9).t[-1])
    return np.array(out)


def by_numpy(alpha: Array, beta: Array, off: Array, times: Array) -> Array:
    """The same steps of Runge and Kutta, all frequencies side by side, each with its own step."""
    rule = lambda z, q: (2 * q * z.conj(), z * z)  # noqa: E731
    z, q, now = alpha.astype(complex), beta * np.exp(1j * off), np.zeros(len(alpha))
    out = np.empty((3, len(alpha), len(times)))
    for t, end in enumerate(times):
        while (late := (now < end) & (np.abs(z) < FAR)).any():
            a, b = z[late], q[late]
            h = np.minimum(end - now[late], FINE / (2 * np.abs(b) + np.abs(a)))
            z1, q1 = rule(a, b)
            z2, q2 = rule(a + h / 2 * z1, b + h / 2 * q1)
            z3, q3 = rule(a + h / 2 * z2, b + h / 2 * q2)
            z4, q4 = rule(a + h * z3, b + h * q3)
            z[late] = a + h / 6 * (z1 + 2 * z2 + 2 * z3 + z4)
            q[late] = b + h / 6 * (q1 + 2 * q2 + 2 * q3 + q4)
            now[late] += h
        out[:, :, t] = np.abs(z), np.abs(q), np.angle(q * z.conj() ** 2)
    return out


def by_torch(p: int, width: int, steps: int) -> Array:
    """Training on all p^2 pairs with autograd and torch's AdamW."""
    a, b = (torch.tensor(w, requires_grad=True) for w in start(p, width, 0.1, 0))
    rule = torch.optim.AdamW([a, b], 2e-3, weight_decay=0.5)
    x, y = torch.cartesian_prod(torch.arange(p), torch.arange(p)).T
    for _ in range(steps):
        rule.zero_grad()
        torch.nn.functional.cross_entropy(torch.relu(a[:, x] + a[:, y]).T @ b, (x + y) % p).backward()
        rule.step()
    return a.detach().numpy()


def by_hand(p: int, width: int, steps: int) -> Array:
    """The same on pairs that count twice, with gradients in NumPy."""
    return next(train(start(p, width, 0.1, 0), table(p, 1.0, 0), (steps,), "relu", 2e-3, 0.5)).theta


def frequencies(quick: bool) -> list[Duel]:
    n, steps, width = (10, 3, 16) if quick else (200, 30, 256)
    few, many = drawn(n), drawn(7 * n)
    times = np.linspace(0, 0.9 * blow_up_time(*many, 1).min(), 50)
    return [
        Duel(
            f"times to infinity of {n} frequencies",
            lambda: blow_up_time(*few, 1),
            "SciPy solve_ivp",
            lambda: by_scipy(*few),
            1e-5,
            table=True,
        ),
        Duel(
            f"race of {7 * n} frequencies, 50 times",
            lambda: np.stack(race(*many, times, 1.0)),
            "NumPy, all side by side",
            lambda: by_numpy(*many, times),
            1e-8,
            table=True,
        ),
        Duel(
            f"clock of 23, {width} neurons, {steps} steps",
            lambda: by_hand(23, width, steps),
            "torch autograd, AdamW",
            lambda: by_torch(23, width, steps),
            1e-8,
            table=True,
        ),
    ]


def over_frequencies(quick: bool) -> list[Growth]:
    works = {}
    for n in (50, 100, 200) if quick else (500, 1000, 2000, 4000):
        given = drawn(n)
        works[n] = (lambda g=given: race(*g, np.array([0.0, 0.1]), 1.0), 1)
    return [Growth("race of frequencies", "frequencies", works, 1.0)]


PEERS, GROWTH, MEMORY = (frequencies,), (over_frequencies,), ()
