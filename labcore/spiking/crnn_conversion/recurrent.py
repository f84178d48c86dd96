"""A recurrent layer of spiking neurons that reads the same states as its quantised twin, element by element.

The twin reads a sequence with q_n = Q1(front_n) and h_n = Q2(drive_n + q_n W + h_(n-1) U): Q1 and Q2 round to multiples
of theta. The spiking layers take T small steps for each element. What is analog in it, front and drive, arrives in the
first `spread` steps; all else are spikes: those of the front layer go on at once, and those that stand for h_(n-1) are
    replay     the spikes of the element before, step by step as they came
    canonical  |S| spikes of the sign of its last count S, in the first |S| steps
Both have the same sum. Under `replay` the last spike may come later with every element, under `canonical` it cannot.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import EMPTY, above, checked, within
from labcore.kernels import kernel

from .neuron import HARD, KINDS, Highest, Kind, Lowest, Range, Threshold, enough, fire, quantise

Array = np.ndarray
HandOver = Literal["canonical", "replay"]


class Weights(NamedTuple):
    """What both twins share: W (F, H) from the front layer, U (H, H) from the state before, and the thresholds.

    A layer without a front has F = 0.
    """

    w: Annotated[Float[Array, "F H"], EMPTY]
    u: Float[Array, "H H"]
    theta_front: Annotated[float, above(0)]
    theta: Annotated[float, above(0)]


class Read(NamedTuple):
    """Last counts S of both layers for each element, and how many spikes were sent to get there."""

    front: Int[Array, "B N F"]
    state: Int[Array, "B N H"]
    front_spikes: int
    state_spikes: int  # those handed over to the next element


def quantised(
    front: Float[Array, "B N F"], drive: Float[Array, "B N H"], weights: Weights, front_range: Range, state_range: Range
) -> tuple[Float[Array, "B N F"], Float[Array, "B N H"]]:
    """The states of the quantised network: those of its front layer and h, in multiples of the thresholds."""
    q = quantise(front, weights.theta_front, *front_range)
    into, h = drive + q @ weights.w, np.zeros((len(drive), drive.shape[2]))
    states = np.empty(drive.shape)
    for n in range(drive.shape[1]):
        h = states[:, n] = quantise(into[:, n] + h @ weights.u, weights.theta, *state_range)
    return q, states


@checked
@kernel
def _spike(
    front: Annotated[Float[Array, "B N F"], EMPTY],
    drive: Float[Array, "B N H"],
    w: Annotated[Float[Array, "F H"], EMPTY],
    u: Float[Array, "H H"],
    theta_front: Threshold,
    theta: Threshold,
    front_high: Highest,
    low: Lowest,
    high: Highest,
    steps: Annotated[int, within(1, 4096)],
    spread: Annotated[int, within(1, 4096)],
    canonical: bool,
    kind: Annotated[int, within(0, 2)],
) -> tuple[Int[Array, "B N F"], Int[Array, "B N H"], Int[Array, " two"]]:
    n_front, n_state = w.shape
    counts_front = np.zeros(front.shape, np.int64)
    counts = np.zeros(drive.shape, np.int64)
    sent = np.zeros(2, np.int64)
    before, now = np.zeros((2, steps, n_state), np.int64)
    current = np.empty(n_state)
    for b in range(len(drive)):
        before[:] = 0
        for n in range(drive.shape[1]):
            v_front, v = np.full(n_front, theta_front / 2), np.full(n_state, theta / 2)
            for t in range(steps):
                for j in range(n_state):
                    current[j] = drive[b, n, j] / spread if t < spread else 0.0
                for i in range(n_front):
                    h = v_front[i] + (front[b, n, i] / spread if t < spread else 0.0)
                    o = fire(h, counts_front[b, n, i], theta_front, 0, front_high, kind)
                    v_front[i] = 0.0 if kind == HARD and o == 1 else h - theta_front * o
                    counts_front[b, n, i] += o
                    if o != 0:
                        sent[0] += 1
                        for j in range(n_state):
                            current[j] += o * theta_front * w[i, j]
                for k in range(n_state):
                    o = before[t, k]
                    if o != 0:
                        sent[1] += 1
                        for j in range(n_state):
                            current[j] += o * theta * u[k, j]
                for j in range(n_state):
                    h = v[j] + current[j]
                    o = fire(h, counts[b, n, j], theta, low, high, kind)
                    v[j] = 0.0 if kind == HARD and o == 1 else h - theta * o
                    counts[b, n, j] += o
                    now[t, j] = o
            if canonical:
                now[:] = 0
                for j in range(n_state):
                    size = abs(counts[b, n, j])
                    now[:size, j] = np.sign(counts[b, n, j])
            before[:] = now
    return counts_front, counts, sent


def spiking(
    front: Float[Array, "B N F"],
    drive: Float[Array, "B N H"],
    weights: Weights,
    front_range: Range,
    state_range: Range,
    steps: int,
    *,
    spread: int = 1,
    hand_over: HandOver = "canonical",
    kind: Kind = "bipolar",
) -> Read:
    """The counts of the spiking twin after `steps` small steps for each of N elements, and its spikes.

    front, drive: the analog current of each element for the front layer and the recurrent one, biases included.
    `kind`: the neurons of both layers. Raises ValueError for shapes that do not fit, thresholds that are not above 0,
    fewer steps than 1, values that are not finite, and words that are none of the choices.
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")
    if hand_over not in ("canonical", "replay"):
        raise ValueError(f"hand_over = {hand_over!r} is not allowed; it must be canonical or replay")
    if front_range.low != 0:
        raise ValueError(f"front_range = {tuple(front_range)} is not allowed; the front layer counts from 0")
    counts_front, counts, sent = _spike(
        front, drive, weights.w, weights.u, weights.theta_front, weights.theta, front_range.high, *state_range, steps,
        spread, hand_over == "canonical", KINDS.index(kind),
    )  # fmt: skip
    return Read(counts_front, counts, int(sent[0]), int(sent[1]))


def sure(front_range: Range | None, state_range: Range, spread: int = 1) -> int:
    """Small steps that are enough under `canonical`, for any weights, any inputs and any length of the sequence.

    The front layer is at rest after `enough` of its own; what is handed over has come after max |S| steps; then the
    recurrent layer gets no more. Without a front layer (None) only the analog current and the states arrive.
    """
    arrives = enough(spread, *front_range) if front_range else spread
    return enough(max(arrives, state_range.high, -state_range.low), *state_range)
