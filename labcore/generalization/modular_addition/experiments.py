"""A vote of waves on a clock face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .voting import even_phases, flawed_indicator, voters, votes

Numbers = Literal[7, 11, 15, 23, 31, 43, 59]

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
        choice("What a neuron makes of its sum", words={"square": "z²", "relu": "ReLU", "abs": "|z|"}),
    ] = "square",
    p: Annotated[Numbers, choice("Numbers on the clock", label="numbers p")] = 23,
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
