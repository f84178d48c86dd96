"""How long weights with a scale symmetry become: three predictions, in the time t = eta step."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

Array = np.ndarray


def velocity_norm(
    rho_0: float | Float[Array, " H"], speed: Float[Array, "T ..."], eta: float, decay: float, momentum: float = 0.0
) -> Float[Array, "T+1 ..."]:
    """Noether's learning dynamics: rho from its start and the squared speeds |q'|^2 of the T steps.

    rho_0 e^(-2kt/G) + (2M/G) int e^(-2k(t-s)/G) |q'|^2 ds, the speed constant within a step.
    """
    friction, mass = 1 - momentum, eta * (1 + momentum) / 2
    rate = 2 * decay * eta / friction
    keep = np.exp(-rate)
    gain = eta * (1.0 if rate == 0 else -np.expm1(-rate) / rate) * 2 * mass / friction
    driven = gain * np.concatenate([np.zeros_like(speed[:1]), speed])
    driven[0] = rho_0
    return lfilter([1.0], [1.0, -keep], driven, axis=0)


def flow_norm(rho_0: float | Float[Array, " H"], steps: int, eta: float, decay: float) -> Float[Array, "T+1 ..."]:
    """Gradient flow, which has no kinetic energy: rho_0 e^(-2kt); the symmetry is not broken, and decay alone acts."""
    return np.multiply.outer(np.exp(-2 * decay * eta * np.arange(steps + 1)), rho_0)


def ring(eta: float, decay: float, unit_gradient: float) -> float:
    """The rho at which steps out and decay in balance, without momentum: sqrt(eta <g^2> / 2k), |grad f| |q| = g."""
    return float(np.sqrt(eta * unit_gradient / (2 * decay)))


def settled_rate(eta: float, decay: float, unit_gradient: float) -> float:
    """The rate eta/rho with which the direction then moves: sqrt(2 k eta) / rms(g)."""
    return float(np.sqrt(2 * decay * eta / unit_gradient))
