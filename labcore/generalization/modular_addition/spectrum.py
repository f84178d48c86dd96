"""Weights over the numbers of a clock, read as waves: amplitudes and phases of a network's neurons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


def amplitude_phase(weights: Float[Array, "*m p"]) -> tuple[Float[Array, "*m K"], Float[Array, "*m K"]]:
    """Amplitudes and phases of w[n] = mean + sum_k a_k cos(2 pi k n/p + phase_k), k = 1 .. K = (p-1)/2, p odd."""
    p = weights.shape[-1]
    waves = 2 / p * np.fft.rfft(weights)[..., 1:]
    return np.abs(waves), np.angle(waves)


def wrapped(angle: Float[Array, "*m"]) -> Float[Array, "*m"]:
    """The same angle, from -pi to pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


class Neurons(NamedTuple):
    """m neurons as waves; `share` and the phases are those of the frequency that is largest in the first layer."""

    amplitude: Float[Array, "m K"]  # alpha
    amplitude_out: Float[Array, "m K"]  # beta
    frequency: Int[Array, " m"]  # the largest in the first layer, from 1
    frequency_out: Int[Array, " m"]
    share: Float[Array, " m"]  # of alpha^2, of the largest
    voice: Float[Array, " m"]  # alpha beta at it, by which a ReLU neuron's vote grows
    phase: Float[Array, " m"]  # phi
    phase_out: Float[Array, " m"]  # psi, at the frequency of the first layer
    misaligned: Float[Array, " m"]  # D = psi - 2 phi, from -pi to pi


def read(theta: Float[Array, "m p"], xi: Float[Array, "m p"]) -> Neurons:
    """Each neuron's waves in both layers."""
    (alpha, phi), (beta, psi) = amplitude_phase(theta), amplitude_phase(xi)
    top = alpha.argmax(1)
    rows = np.arange(len(top))
    power = (alpha**2).sum(1)
    most = alpha[rows, top]
    return Neurons(
        amplitude=alpha,
        amplitude_out=beta,
        frequency=top + 1,
        frequency_out=beta.argmax(1) + 1,
        share=most**2 / np.maximum(power, 1e-300),
        voice=most * beta[rows, top],
        phase=phi[rows, top],
        phase_out=psi[rows, top],
        misaligned=wrapped(psi[rows, top] - 2 * phi[rows, top]),
    )
