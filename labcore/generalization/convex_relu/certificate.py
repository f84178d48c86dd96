"""How far a network is from the best that is possible, for inputs in the plane: a proof, not an estimate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .network import Network, loss, outputs
from .patterns import turns

Array = np.ndarray


class Certificate(NamedTuple):
    """What the residual r = y - f(X) of a network proves."""

    ratio: float  # largest |r.relu(X w)| / beta over all units w of length 1; a best network has at most 1
    floor: float  # no network of any width has a lower loss
    loss: float  # of this network


def saving(x: Float[Array, "n d"], r: Float[Array, " n"], w: Float[Array, "m d"]) -> Float[Array, " m"]:
    """r.relu(X w): what a little of unit w would save of the squared error; it costs beta."""
    return r @ np.maximum(x @ w.T, 0)


def strongest(x: Float[Array, "n 2"], r: Float[Array, " n"]) -> float:
    """The largest |r.relu(X w)| over all units of length 1, exactly.

    Between two turns r.relu(X w) is g.w with a fixed g, so its extremes lie at turns and at the directions +-g.
    """
    edge = turns(x)
    middle = edge + np.diff(np.append(edge, edge[0] + 2 * np.pi)) / 2
    g = ((np.column_stack([np.cos(middle), np.sin(middle)]) @ x.T >= 0) * r) @ x
    along = np.arctan2(g[:, 1], g[:, 0])
    angle = np.concatenate([edge, along, along + np.pi])
    return float(np.abs(saving(x, r, np.column_stack([np.cos(angle), np.sin(angle)]))).max())


def certify(net: Network, x: Float[Array, "n 2"], y: Float[Array, " n"], beta: float) -> Certificate:
    """The certificate of a network.

    Any z with |z.relu(X w)| <= beta for all w gives the floor z.y - |z|^2/2, by duality; z = t r takes the best t.
    """
    r = y - outputs(net, x)
    ratio, power, along = strongest(x, r) / beta, float(r @ r), float(r @ y)
    t = 0.0 if power == 0 else np.clip(along / power, -1 / max(ratio, 1e-300), 1 / max(ratio, 1e-300))
    return Certificate(ratio, float(t * along - t * t * power / 2), loss(net, x, y, beta))
