"""The optimum to rounding, for inputs in the plane: the sampled program, with units that the certificate asks for.

Between two turns the saving r.relu(X w) is g.w, so the unit that saves most there is g/|g| or stands at a turn. The
lasso over all units asked for has a new residual r, which asks for others, until none saves more than it costs.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .certificate import Certificate, certify, saving
from .lasso import sampled
from .network import Network, outputs
from .patterns import turns

Array = np.ndarray


def optimum(
    x: Float[Array, "n 2"], y: Float[Array, " n"], beta: float, gap: float = 1e-6, rounds: int = 100
) -> tuple[Network, Certificate]:
    """A best network and its certificate, whose floor is a share `gap` below its loss at most.

    Raises RuntimeError where rounding keeps it from getting there.
    """
    edge = turns(x)
    middle = edge + np.diff(np.append(edge, edge[0] + 2 * np.pi)) / 2
    on = np.column_stack([np.cos(middle), np.sin(middle)]) @ x.T >= 0
    at_turns = np.column_stack([np.cos(edge), np.sin(edge)])
    between = np.empty((0, 2))
    for _ in range(rounds):
        u = np.concatenate([at_turns, between])
        alpha, _ = sampled(x, y, u, beta)
        used = alpha != 0
        root = np.sqrt(np.abs(alpha[used]))
        net = Network(root[:, None] * u[used], np.sign(alpha[used]) * root)
        found = certify(net, x, y, beta)
        if found.loss - found.floor <= gap * found.loss:
            return net, found
        r = y - outputs(net, x)
        g = (on * r) @ x
        g = g[g.any(1)] / np.linalg.norm(g[g.any(1)], axis=1, keepdims=True)
        asked = np.concatenate([g, -g])
        between = np.concatenate([between[used[len(edge) :]], asked[np.abs(saving(x, r, asked)) > beta]])
    raise RuntimeError(f"after {rounds} rounds the floor is {found.floor} and the loss {found.loss}")
