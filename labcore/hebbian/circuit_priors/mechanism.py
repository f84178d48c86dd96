"""The worm's circuit and a network with no prior as compiled control laws, and where each of them starts."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float

from labcore.checked import ANY, checked
from labcore.kernels import kernel

from .swimmer import LAW, Body, Episode, episode

Array = np.ndarray
Controller = Literal["NCAP", "NCAP, random sizes", "NCAP, free signs", "MLP"]
INNATE = np.array([1.0, 1.0, 1.0, -1.0])
PERIOD, TRIAL, HIDDEN = 60, 300, 8


@kernel
def _graded(x: float) -> float:
    """What a graded neuron passes on: x cut to [0, 1]."""
    return min(max(x, 0.0), 1.0)


@checked
@kernel(signatures=(LAW,))
def ncap(
    angles: Float[Array, " joints"],
    clock: float,
    weights: Float[Array, " 4"],
    b: Annotated[Float[Array, "joints 2"], ANY],
    u: Annotated[Float[Array, " joints"], ANY],
) -> None:
    """The worm's circuit: the head follows a clock, every other joint the bend of the joint before it.

    weights = (prop, osc, ipsi, contra), taken as they are. Fills b, dorsal and ventral, and torques u.
    """
    prop, osc, ipsi, contra = weights[0], weights[1], weights[2], weights[3]
    for i in range(len(u)):
        if i == 0:
            dorsal, ventral = (osc, 0.0) if clock < 0.5 else (0.0, osc)
        else:
            dorsal, ventral = prop * max(angles[i - 1], 0.0), prop * max(-angles[i - 1], 0.0)
        d, v = _graded(dorsal), _graded(ventral)
        b[i, 0], b[i, 1] = d, v
        u[i] = _graded(ipsi * d + contra * v) - _graded(ipsi * v + contra * d)


@checked
@kernel(signatures=(LAW,))
def mlp(
    angles: Float[Array, " joints"],
    clock: float,
    weights: Float[Array, " 17*joints+24"],
    b: Annotated[Float[Array, "joints 2"], ANY],
    u: Annotated[Float[Array, " joints"], ANY],
) -> None:
    """A network with no prior: all angles and sin, cos of the clock -> 8 tanh units -> a tanh torque on each joint."""
    joints = len(u)
    inputs, at = joints + 2, HIDDEN * (joints + 3)
    for i in range(joints):
        u[i] = weights[at + joints * HIDDEN + i]
    for k in range(HIDDEN):
        row = k * (inputs + 1)
        h = weights[row + inputs]
        for j in range(joints):
            h += weights[row + j] * angles[j]
        h += weights[row + joints] * np.sin(2 * np.pi * clock) + weights[row + joints + 1] * np.cos(2 * np.pi * clock)
        h = np.tanh(h)
        for i in range(joints):
            u[i] += weights[at + k * joints + i] * h
    for i in range(joints):
        u[i] = np.tanh(u[i])


def signed(weights: Float[Array, " 4"]) -> Float[Array, " 4"]:
    """The weights that the circuit uses: a synapse of the wrong sign is cut off at 0."""
    return np.clip(weights, [0, 0, 0, -np.inf], [np.inf, np.inf, np.inf, 0])


def untrained(controller: Controller, rng: np.random.Generator, joints: int = 5) -> Float[Array, " P"]:
    """Where each controller starts."""
    if controller == "NCAP":
        return INNATE.copy()
    if controller == "NCAP, random sizes":
        return INNATE * rng.uniform(0, 1, 4)
    if controller == "NCAP, free signs":
        return rng.uniform(-1, 1, 4)
    first = rng.normal(0, (joints + 2) ** -0.5, (HIDDEN, joints + 3))
    first[:, -1] = 0.0  # the biases
    return np.concatenate([first.ravel(), rng.normal(0, HIDDEN**-0.5, HIDDEN * joints), np.zeros(joints)])


def drive(controller: Controller, weights: Float[Array, " P"], phase: float) -> Episode:
    """One trial of 5 cycles from a straight body."""
    used = weights if controller in ("MLP", "NCAP, free signs") else signed(weights)
    return episode(mlp if controller == "MLP" else ncap, used, Body(), TRIAL, PERIOD, phase)
