"""S spike-driven networks side by side: a stem, a convolution block, a transformer block, a head; three shortcuts.

membrane   U + f(SN(U))      potentials are added; what meets weights has just left a neuron
spikes     S + SN(f(S))      spikes are added to spikes (SEW): 2, 3, ... meet the next weights
vanilla    SN(S + f(S))      a spike is added to a potential, and then fires: nothing passes unchanged
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import normal, streams
from labcore.primitives.spiking.staircase import staircase
from labcore.primitives.spiking.steps import lif

from .counter import Met
from .layers import Conv, Folded, Norm, RepConv

Shortcut = Literal["membrane", "spikes", "vanilla"]
Attention = Literal["SDSA-3", "SDSA-1", "none"]
Neuron = Literal["spikes", "staircase"]
LAYERS = (
    "stem", "token 1", "token 2", "channel 1", "channel 2", "Q", "K", "V", "KᵀV", "Q(KᵀV)", "output", "MLP 1", "MLP 2",
    "head",
)  # fmt: skip
HEADS, SIDE, TOP = 2, 4, 2.0  # TOP: of a staircase, in thresholds


class Meta(nn.Module):
    """`width` channels on 4 x 4 places; run i from seeds[i] alone.

    neuron  "spikes": integrate and fire over T steps; "staircase": once, 2^T - 1 levels above 0, the rival
    Raises ValueError for a width that two heads do not divide.
    """

    def __init__(
        self,
        seeds: Sequence[list[int]],
        width: int = 16,
        shortcut: Shortcut = "membrane",
        attention: Attention = "SDSA-3",
        neuron: Neuron = "spikes",
        scale: float = 0.5,
    ):
        super().__init__()
        if width % HEADS:
            raise ValueError(f"width = {width} is not allowed; {HEADS} heads must divide it")
        self.runs, self.width, self.shortcut, self.attention = len(seeds), width, shortcut, attention
        # numbers are larger than spikes, three of them are multiplied, and they need no gain to be there at all
        self.neuron, self.scale, self.factor = neuron, scale if neuron == "spikes" else scale / 8, 1.0
        rngs, c = streams(seeds, 1), width
        wide = 2 * c
        layers = {
            "stem": Conv(rngs, 1, c, 3, stride=2),
            "token 1": Conv(rngs, c, 2 * c, 1),
            "token 2": RepConv(rngs, 2 * c, c),
            "channel 1": Conv(rngs, c, 2 * c, 3),
            "channel 2": Conv(rngs, 2 * c, c, 3),
            "Q": RepConv(rngs, c, c),
        }
        if attention == "none":  # what keys and values would have had goes into the MLP
            wide += 2 * sum(p.numel() for p in layers["Q"].parameters()) // len(seeds) // (2 * c + 2)
        else:
            layers |= {"K": RepConv(rngs, c, c), "V": RepConv(rngs, c, c)}
        layers |= {"output": RepConv(rngs, c, c), "MLP 1": Conv(rngs, c, wide, 1), "MLP 2": Conv(rngs, wide, c, 1)}
        layers["head"] = Folded(normal(rngs, 10, c, 1, 1, std=c**-0.5).data, torch.zeros(len(seeds) * 10))
        self.layers = nn.ModuleDict(layers)
        if neuron == "staircase":
            for norm in (m for m in self.modules() if isinstance(m, Norm)):
                norm.gain.data.fill_(1.0)

    def forward(self, x: Float[Tensor, "S B 64"], steps: int, met: list[Met] | None = None) -> Float[Tensor, "S B 10"]:
        """Logits, means over steps and places. `met` is filled with what meets the weights of each layer."""
        batch, times = x.shape[1], steps if self.neuron == "spikes" else 1
        image = x.transpose(0, 1).reshape(batch, self.runs, 8, 8)
        on, fire = partial(self._on, met=met), partial(self._fire, steps=steps)
        u = on("stem", image).repeat(times, 1, 1, 1)
        s = u if self.shortcut == "membrane" else fire(u)
        s = self._add(s, lambda s: on("token 2", fire(on("token 1", s))), fire)
        s = self._add(s, lambda s: on("channel 2", fire(on("channel 1", s))), fire)
        s = self._add(s, lambda s: on("output", self._attend(s, on, fire, met)), fire)
        s = self._add(s, lambda s: on("MLP 2", fire(on("MLP 1", s))), fire)
        s = fire(s) if self.shortcut == "membrane" else s
        return on("head", s).mean((2, 3)).view(times, batch, self.runs, 10).mean(0).transpose(0, 1)

    def _add(self, u: Tensor, mixer: Callable[[Tensor], Tensor], fire: Callable[..., Tensor]) -> Tensor:
        if self.shortcut == "membrane":
            # the idea
            return u + mixer(fire(u))
        if self.shortcut == "spikes":
            return u + fire(mixer(u))
        return fire(u + mixer(u))

    def _attend(self, s: Tensor, on: Callable[..., Tensor], fire: Callable[..., Tensor], met: list[Met] | None):
        q = fire(on("Q", s))
        if self.attention == "none":
            return q
        k, v = fire(on("K", s)), fire(on("V", s))
        if self.attention == "SDSA-1":
            if met is not None:
                met += [Met("KᵀV", k, v, how="mask"), Met("Q(KᵀV)", q, q, how="mask")]
            return q * fire((k * v).sum((2, 3), keepdim=True))
        return attend(q, k, v, self.runs * HEADS, partial(fire, theta=0.5), self.scale, met)

    def _on(self, name: str, x: Tensor, met: list[Met] | None) -> Tensor:
        def tell(into: Tensor, weight: Tensor, stride: int, padding: int, groups: int) -> None:
            met.append(Met(name, into, weight, stride, padding, groups))

        return self.layers[name](x, tell if met is not None else None)

    def _fire(self, u: Float[Tensor, "N ..."], steps: int, theta: float = 1.0) -> Float[Tensor, "N ..."]:
        theta = theta * self.factor
        if self.neuron == "staircase":
            levels = 2**steps - 1
            return staircase(u, torch.tensor(theta * TOP / levels, dtype=u.dtype), 0, levels)
        return lif(u.view(steps, -1, *u.shape[1:]), 0.5, theta, "hard", decay_input=True).spikes.flatten(0, 1)

    def fold(self) -> Meta:
        """A copy whose layers are one convolution with a bias each; for use, not for training."""
        made = deepcopy(self).eval()
        made.layers = nn.ModuleDict({name: layer.fold() for name, layer in made.layers.items()})
        return made


def attend(
    q: Float[Tensor, "N C h w"],
    k: Float[Tensor, "N C h w"],
    v: Float[Tensor, "N C h w"],
    heads: int,
    fire: Callable[[Tensor], Tensor],
    scale: float,
    met: list[Met] | None = None,
) -> Float[Tensor, "N C h w"]:
    """SDSA-3: SN(scale Q (K^T V)) in each head. With spikes, K^T V counts coincidences, and Q selects its rows."""
    n, c, h, w = q.shape
    q, k, v = (z.reshape(n, heads, c // heads, h * w) for z in (q, k, v))
    if met is not None:
        met += [Met("KᵀV", k, v, how="product"), Met("Q(KᵀV)", q, v, how="product")]
    # the idea
    return fire(scale * (v @ k.transpose(2, 3) @ q).view(n, c, h, w))
