"""Leaky integrate-and-fire neurons in steps of dt: exact decay, refractory time, three kinds of synapse.

Times are in milliseconds, potentials in millivolts, conductances in units of the leak. One step of every function:
    1. move    synaptic variables and potentials move over dt; a refractory neuron keeps its potential
    2. spike   a neuron that is not refractory and has v > threshold spikes
    3. deliver spikes arrive: `g += w`, `current += w`, or `v += w`; plasticity too (see `stdp`), pre before post
    4. reset   those that spiked go to the reset potential; refractory steps are counted from here
A step function does 1 and 2; the caller delivers and then calls `reset`. A spike of step k is first felt at step k + 1.
After a spike at step k a neuron can spike again from step k + refractory / dt on. This is Brian2's default schedule.

Conductance synapses: tau dv/dt = rest - v + g_e (E_e - v) + g_i (E_i - v). Over a step g is held, and v goes
exponentially to where it then points (exponential Euler: exact for constant g). Current synapses: tau dv/dt = rest - v
+ I, with I in millivolts, is linear, and its step is exact. Synaptic variables decay by exp(-dt / tau_syn), exactly.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from labcore.checked import ANY, INFINITE, checked, within
from labcore.kernels import kernel

Array = np.ndarray
Conductance = Annotated[Float[Array, " n"], within(0)]
Threshold = Annotated[Float[Array, " n"], INFINITE]  # a neuron that never spikes has an infinite one


class Cell(NamedTuple):
    """Constants of a kind of neuron, as one step of dt needs them; make it with `cell`."""

    rate: float  # dt / tau
    keep: float  # exp(-dt / tau)
    rest: float  # mV
    reset: float  # mV
    refractory: int  # steps


def cell(tau: float, rest: float, reset: float, refractory: float, dt: float) -> Cell:
    """A neuron with membrane time constant tau and this refractory time, both in ms, in steps of dt ms.

    Raises ValueError for a dt or tau that is not above 0, and a refractory time that is not a multiple of dt.
    """
    for name, value in (("dt", dt), ("tau", tau)):
        if not value > 0:
            raise ValueError(f"{name} = {value} is not allowed; it must be above 0 ms")
    steps = round(refractory / dt)
    if steps < 0 or abs(steps * dt - refractory) > 1e-9:
        raise ValueError(f"refractory = {refractory} is not allowed; it must be a multiple, 0 or more, of dt = {dt} ms")
    return Cell(dt / tau, float(np.exp(-dt / tau)), float(rest), float(reset), steps)


def decay(tau: float, dt: float) -> float:
    """What is left after dt of something that decays with time constant tau. Raises ValueError unless both are > 0."""
    if not (tau > 0 and dt > 0):
        raise ValueError(f"tau, dt = {tau}, {dt} is not allowed; both must be above 0 ms")
    return float(np.exp(-dt / tau))


@checked
@kernel
def conductance_step(
    v: Float[Array, " n"],
    g_e: Conductance,
    g_i: Conductance,
    threshold: Threshold,
    wait: Int[Array, " n"],
    spikes: Annotated[Bool[Array, " n"], ANY],
    kind: Cell,
    e_e: float,
    e_i: float,
    keep_e: float,
    keep_i: float,
) -> int:
    """Move and spike, for n neurons with excitatory and inhibitory conductances; all arrays change in place.

    wait: steps until a neuron is free again; spikes: who spikes now; keep_e, keep_i: `decay` of the conductances.
    Returns the number of spikes.
    """
    count = 0
    for j in range(len(v)):
        if wait[j] > 0:
            wait[j] -= 1
        free = wait[j] == 0
        if free:
            total = 1 + g_e[j] + g_i[j]  # the idea
            goal = (kind.rest + g_e[j] * e_e + g_i[j] * e_i) / total  # the idea
            v[j] = goal + (v[j] - goal) * np.exp(-kind.rate * total)  # the idea
        g_e[j] *= keep_e
        g_i[j] *= keep_i
        spikes[j] = free and v[j] > threshold[j]  # the idea
        count += spikes[j]
    return count


@checked
@kernel
def current_step(
    v: Float[Array, " n"],
    current: Float[Array, " n"],
    threshold: Threshold,
    wait: Int[Array, " n"],
    spikes: Annotated[Bool[Array, " n"], ANY],
    kind: Cell,
    keep: float,
    gain: float,
) -> int:
    """Move and spike, for n neurons with one synaptic current (mV) each; all arrays change in place.

    keep: `decay` of the current; gain: `current_gain`, what a current of 1 adds to v in a step. Returns the number of
    spikes. With no current at all this is the bare leaky neuron, whose input can be added to v directly.
    """
    count = 0
    for j in range(len(v)):
        if wait[j] > 0:
            wait[j] -= 1
        free = wait[j] == 0
        if free:
            v[j] = kind.rest + (v[j] - kind.rest) * kind.keep + gain * current[j]
        current[j] *= keep
        spikes[j] = free and v[j] > threshold[j]
        count += spikes[j]
    return count


def current_gain(tau: float, tau_syn: float, dt: float) -> float:
    """What a synaptic current of 1 mV, decaying with tau_syn, has added to v after dt; tau is the membrane's."""
    # tau_syn / (tau_syn - tau) (exp(-dt / tau_syn) - exp(-dt / tau)), which loses its digits where the two are close
    apart = abs(dt / tau - dt / tau_syn)
    mean = -np.expm1(-apart) / apart if apart else 1.0
    return float(dt / tau * decay(max(tau, tau_syn), dt) * mean)


@checked
@kernel
def reset(v: Float[Array, " n"], wait: Int[Array, " n"], spikes: Bool[Array, " n"], kind: Cell) -> None:
    """Those that spiked go to the reset potential and wait out their refractory time."""
    for j in range(len(v)):
        if spikes[j]:
            v[j] = kind.reset
            wait[j] = kind.refractory


@checked
@kernel
def deliver(target: Float[Array, " n"], weights: Float[Array, "m n"], spikes: Bool[Array, " m"]) -> None:
    """target += the rows of weights whose neuron spikes."""
    for i in range(len(spikes)):
        if spikes[i]:
            for j in range(len(target)):
                target[j] += weights[i, j]


@checked
@kernel
def fade(values: Float[Array, " n"], keep: float) -> None:
    """Traces, currents or thresholds decay over one step; keep = `decay`(tau, dt). Part of "move": call it before."""
    for i in range(len(values)):
        values[i] *= keep


@checked
@kernel
def adapt(theta: Float[Array, " n"], spikes: Bool[Array, " n"], alpha: float) -> None:
    """Intrinsic plasticity of thresholds theta, mV: each own spike adds alpha 10 / |theta - 10|."""
    for j in range(len(theta)):
        if spikes[j]:
            theta[j] += alpha * 10 / abs(theta[j] - 10)
