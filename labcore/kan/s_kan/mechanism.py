"""Layers whose nodes choose a family, what is left after pruning, their three stages of training, and a rival."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from .basis_bank import Family, bank


class SelectableLayer(nn.Module):
    """One layer of S networks, I nodes to O sums, a pool of P families with M coefficients each.

    `open_` switches off inputs that a network does not have. `per_edge` gives each edge its own choice.
    At start = 1 each family's sum has variance 1.
    """

    def __init__(
        self, rngs: Sequence[np.random.Generator], pool: tuple[Family, ...], d_in: int, d_out: int, size: int = 8,
        open_: Float[Tensor, "S I"] | None = None, per_edge: bool = False, start: float = 1.0,
        dtype: torch.dtype = torch.float64,
    ):  # fmt: skip
        super().__init__()
        self.pool, self.size = pool, size
        shape = (d_in, len(pool), size, d_out)
        start = start * np.stack([g.normal(size=shape) for g in rngs]) / np.sqrt(d_in * size)
        self.coefficients = nn.Parameter(torch.as_tensor(start, dtype=dtype))
        self.theta = nn.Parameter(torch.zeros(len(rngs), d_in, len(pool), 1, d_out if per_edge else 1, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(len(rngs), 1, d_out, dtype=dtype))
        open_ = torch.ones(len(rngs), d_in) if open_ is None else open_
        self.register_buffer("open_", open_.to(dtype)[:, :, None, None, None])

    def alpha(self, tau: float) -> Float[Tensor, "S I P 1 edges"]:
        """Selection weights, which sum to 1 over the families; one for all edges of a node, or one for each."""
        return (self.theta / tau).softmax(2)

    def weights(self, tau: float) -> Float[Tensor, "S I P M O"]:
        """alpha_ip c_oipm."""
        return self.alpha(tau) * self.coefficients * self.open_

    def features(self, x: Float[Tensor, "S N I"]) -> list[Float[Tensor, "S N I*M"]]:
        """What each family makes of x."""
        return [bank(p, self.size).phi(x).flatten(2) for p in self.pool]

    def forward(self, features: list[Float[Tensor, "S N I*M"]], tau: float = 1.0) -> Float[Tensor, "S N O"]:
        """The sums, from what `features` made of x."""
        w, y = self.weights(tau), self.bias
        for p, phi in enumerate(features):
            y = y + phi @ w[:, :, p].flatten(1, 2)
        return y

    def entropy(self, tau: float) -> Float[Tensor, " S"]:
        """sum_i H(alpha_i) of each network."""
        a = self.alpha(tau)
        return -(a * (a + 1e-12).log() * self.open_).sum((1, 2, 3, 4))

    def prune(self, tau: float) -> PrunedLayer:
        """The layer that keeps each node's largest alpha_ip, with alpha multiplied into its coefficients."""
        return PrunedLayer(self, tau)

    def count(self) -> float:
        """Coefficients and biases of one network; the gates are not counted."""
        i, p, m, o = self.coefficients.shape[1:]
        return float(self.open_.sum() / len(self.open_)) * p * m * o + o


class PrunedLayer(SelectableLayer):
    """The same sum with one family a node left: M coefficients an edge in place of P M, and no gate."""

    def __init__(self, full: SelectableLayer, tau: float):
        nn.Module.__init__(self)
        self.pool, self.size = full.pool, full.size
        alpha = full.alpha(tau).detach()
        self.register_buffer("open_", full.open_)
        # the idea
        self.register_buffer("kept", torch.zeros_like(alpha).scatter_(2, alpha.argmax(2, keepdim=True), 1.0))
        # the idea
        self.coefficients = nn.Parameter((full.coefficients.detach() * alpha * self.kept).sum(2, keepdim=True))
        self.bias = nn.Parameter(full.bias.detach().clone())

    def alpha(self, tau: float = 1.0) -> Float[Tensor, "S I P 1 edges"]:
        return self.kept


class SelectableNet(nn.Module):
    """S networks of selectable layers with one output, tanh between them."""

    def __init__(self, rngs, pool: tuple[Family, ...], widths: Sequence[int], size: int = 8, **first):
        super().__init__()
        rest = {k: v for k, v in first.items() if k != "open_"}
        self.layers = nn.ModuleList(
            SelectableLayer(rngs, pool, a, b, size, **(first if k == 0 else rest))
            for k, (a, b) in enumerate(zip(widths, widths[1:], strict=False))
        )

    def forward(self, first: list[Float[Tensor, "S N I*M"]], tau: float = 1.0) -> Float[Tensor, "S N"]:
        """From the first layer's features, which do not change while it trains."""
        y = self.layers[0](first, tau)
        for layer in self.layers[1:]:
            y = layer(layer.features(y.tanh()), tau)
        return y[..., 0]

    def prune(self, tau: float) -> None:
        """Put a pruned layer in the place of each layer."""
        for k, layer in enumerate(self.layers):
            self.layers[k] = layer.prune(tau)


def temperature(step: int, stages: Sequence[int], tau_end: float) -> float:
    """tau at a step: 1 in the first stage, falling geometrically to tau_end in the second."""
    return tau_end ** min(max((step - stages[0]) / max(stages[1], 1), 0), 1)


class ThreeStages:
    """Train a SelectableNet: all families, then sharper choices, then what is left of them."""

    def __init__(
        self,
        net: SelectableNet,
        x: Float[Tensor, "S N I"],
        y: Float[Tensor, "S N"],
        stages: Sequence[int],
        tau_end: float,
        penalty: float,
        lr: float,
    ):
        self.net, self.y, self.stages, self.penalty, self.lr = net, y, stages, penalty, lr
        self.tau_end, self.tau, self.step, self.pruned = tau_end, 1.0, 0, False
        self.first = net.layers[0].features(x)
        self._start()

    def _start(self) -> None:
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.lr, fused=True)

    def advance(self) -> None:
        """One step, and the pruning when its time has come."""
        full, selective = self.stages[0], self.stages[0] + self.stages[1]
        self.tau = temperature(self.step, self.stages, self.tau_end)
        loss = ((self.net(self.first, self.tau) - self.y) ** 2).mean(1).sum()
        if full <= self.step < selective and self.penalty:
            loss = loss + self.penalty * sum(layer.entropy(self.tau).sum() for layer in self.net.layers)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        if self.step == selective:
            self.tau = self.tau_end

    def prune(self) -> None:
        """Prune the network, and start an optimizer for what is left."""
        self.net.prune(self.tau_end)
        self.pruned = True
        self._start()


class TanhNet(nn.Module):
    """S networks with one hidden tanh layer and one output."""

    def __init__(self, rngs: Sequence[np.random.Generator], d: int, hidden: int):
        super().__init__()
        draw = [np.stack([g.normal(size=s) for g in rngs]) for s in ((d, hidden), (1, hidden), (hidden, 1))]
        w, b, v = (torch.as_tensor(a, dtype=torch.float32) for a in draw)
        # biases as wide as the inputs: units bend at different places
        self.w, self.b, self.v = nn.Parameter(2 * w), nn.Parameter(2 * b), nn.Parameter(v / np.sqrt(hidden))
        self.c = nn.Parameter(torch.zeros(len(rngs), 1, 1))

    def forward(self, x: Float[Tensor, "S N I"]) -> Float[Tensor, "S N"]:
        return (self.c + (x @ self.w + self.b).tanh() @ self.v)[..., 0]
