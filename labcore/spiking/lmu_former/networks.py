"""S readers of sequences side by side: causal filters, one block with a memory, and a guess after every sample.

    u_t = f(W_u x_t)              one number of D
    m_t = the Legendre memory of u, d numbers
    h_t = f(W_h [f(m_t), f(x_t)])     nothing goes from h to h: that is why all times can be computed at once
    x_t += W_o h_t,   x_t += W_2 f(W_1 f(x_t)),   guess_t = W_c mean of f(x_s) over s <= t

f is a ReLU, a neuron that fires along the sequence, or a step of height 1 ("one bit"), after a batch norm; whatever a
weight multiplies has passed an f, but the first pixel. In training the batch norm looks at all times; afterwards its
numbers stand still, and nothing comes from the future. Filters look at this sample and the two before.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labcore.primitives.runs.layers import normal, streams
from labcore.primitives.spiking.staircase import staircase

from .memory import parallel, step
from .scan import fire

Neuron = Literal["relu", "lif", "one bit"]
Mixer = Literal["memory", "none", "attention"]
State = dict[str, Tensor]  # what a stream carries from sample to sample, by the name of its layer


class Guess(NamedTuple):
    """After each sample: logits; and what each layer of weights got, by name, with its number of neurons behind."""

    logits: Float[Tensor, "S N B 10"]
    into: dict[str, tuple[Float[Tensor, "S N B n"], int]]


class Norm(nn.Module):
    """Batch norm over times and images of each of S runs; its gain starts at 1, its running numbers follow by 1/10."""

    def __init__(self, runs: int, n: int):
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(runs, 1, 1, n)), nn.Parameter(torch.zeros(runs, 1, 1, n))
        self.register_buffer("mean", torch.zeros(runs, 1, 1, n))
        self.register_buffer("var", torch.ones(runs, 1, 1, n))

    def forward(self, x: Float[Tensor, "S N B n"]) -> Float[Tensor, "S N B n"]:
        if not self.training:
            return (x - self.mean) * (self.gain / (self.var + 1e-5).sqrt()) + self.bias
        mean = x.mean((1, 2), keepdim=True)
        x = x - mean
        var = x.square().mean((1, 2), keepdim=True)  # `torch.var_mean` takes three times as long
        with torch.no_grad():
            self.mean.lerp_(mean, 0.1)
            self.var.lerp_(var, 0.1)
        return torch.addcmul(self.bias, x, self.gain / (var + 1e-5).sqrt())


class Reader(nn.Module):
    """`width` channels, a memory of d numbers for theta samples; run i draws its weights from seeds[i] alone."""

    def __init__(
        self, seeds: Sequence[list[int]], width: int, d: int, theta: float, neuron: Neuron, mixer: Mixer = "memory"
    ):
        super().__init__()
        for name, value, known in (("neuron", neuron, Neuron), ("mixer", mixer, Mixer)):
            if value not in get_args(known):
                raise ValueError(f"{name} = {value!r} is not allowed; it must be one of {', '.join(get_args(known))}")
        rngs, runs = streams(seeds, 1), len(seeds)
        self.width, self.d, self.theta, self.neuron, self.mixer = width, d, theta, neuron, mixer
        sizes = dict(first=(3, width), second=(3 * width, width), place=(3 * width, width), u=(width, 1))
        sizes |= dict(h=(width + d, width), o=(width, width), wide=(width, 4 * width), narrow=(4 * width, width))
        if mixer == "attention":
            sizes |= dict(query=(width, d), key=(width, d), value=(width, d))
            del sizes["u"]
        self.weights = nn.ParameterDict({k: normal(rngs, a, b, std=sqrt(1 / a)) for k, (a, b) in sizes.items()})
        self.weights["head"] = normal(rngs, width, 10, std=sqrt(1 / width))
        self.norms = nn.ModuleDict({k: Norm(runs, b) for k, (_, b) in sizes.items()} | {"m": Norm(runs, d)})

    def forward(self, x: Float[Tensor, "S N B"], state: State | None = None) -> Guess:
        """Guesses after each sample. With a state the samples go on where it stands, and it is brought up to date.

        Raises ValueError for a sequence without samples, and for attention with a state: it has none to carry.
        """
        if x.ndim != 3 or not x.shape[1]:
            raise ValueError(f"x has shape {tuple(x.shape)}; it must be (S, N, B) with at least one sample")
        if state is not None and self.mixer == "attention":
            raise ValueError("attention looks at all samples; it cannot go on from a state")
        into: dict[str, tuple[Tensor, int]] = {}
        x = self._f("first", self._filter("first", x[..., None], state, into), state)
        x = self._f("second", self._filter("second", x, state, into), state)
        x = x + self.norms["place"](self._filter("place", x, state, into))
        s = self._f("x", x, state)
        h = torch.cat([self._past(s, state, into), s], -1)
        h = self._f("h", self._times("h", h, into), state)
        x = x + self.norms["o"](self._times("o", h, into))
        wide = self._f("wide", self._times("wide", self._f("x2", x, state), into), state)
        x = x + self.norms["narrow"](self._times("narrow", wide, into))
        return Guess(self._head(self._f("x3", x, state), state, into), into)

    def _past(self, s: Tensor, state: State | None, into: dict) -> Tensor:
        # what the block knows of earlier samples, (S, N, B, d)
        if self.mixer == "none":
            return s.new_zeros(*s.shape[:3], self.d)
        if self.mixer == "attention":
            return self._f("m", self._attend(s, into), state)
        u = self._f("u", self._times("u", s, into), state)[..., 0]
        # the idea
        m = parallel(u, self.d, self.theta) if state is None else self._carry(u, state)
        return self._f("m", m, state)

    def _carry(self, u: Tensor, state: State) -> Tensor:
        keep, take = (torch.tensor(part, dtype=u.dtype) for part in step(self.d, self.theta))
        m, out = state.get("memory", u.new_zeros(len(u), u.shape[2], self.d)), []
        for now in u.unbind(1):
            # the idea
            m = m @ keep.T + now[..., None] * take
            out.append(m)
        state["memory"] = m
        return torch.stack(out, 1)

    def _attend(self, s: Tensor, into: dict) -> Tensor:
        q, k, v = (self._f(name, self._times(name, s, into), None) for name in ("query", "key", "value"))
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)

    def _times(self, name: str, x: Tensor, into: dict) -> Tensor:
        w = self.weights[name]
        into[name] = x.detach(), w.shape[2]
        return torch.bmm(x.flatten(1, 2), w).view(*x.shape[:3], -1)

    def _filter(self, name: str, x: Tensor, state: State | None, into: dict) -> Tensor:
        # this sample and the two before; before the first there is nothing
        before = x.new_zeros(len(x), 2, *x.shape[2:]) if state is None or name not in state else state[name]
        x = torch.cat([before, x], 1)
        if state is not None:
            state[name] = x[:, -2:]
        return self._times(name, torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:]], -1), into)

    def _f(self, name: str, x: Tensor, state: State | None) -> Tensor:
        # a batch norm where a layer of this name has one, then the neuron
        x = self.norms[name](x) if name in self.norms else x
        if self.neuron == "relu":
            return torch.relu(x)
        if self.neuron == "one bit":
            return staircase(x, x.new_tensor(1.0), 0, 1)
        current = x.transpose(0, 1).flatten(1)
        key = f"potential {name}"
        start = current.new_zeros(current.shape[1]) if state is None or key not in state else state[key]
        spikes, last = fire(current, start)
        if state is not None:
            state[key] = last
        return spikes.view(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1)

    def _head(self, s: Tensor, state: State | None, into: dict) -> Tensor:
        w = self.weights["head"]
        into["head"] = s.detach(), w.shape[2]  # W of a mean is the mean of W: each spike is added once
        total, count = s.cumsum(1), torch.arange(1, s.shape[1] + 1, dtype=s.dtype)
        if state is not None:
            total, count = total + state.get("sum", 0), count + state.get("count", 0)
            state["sum"], state["count"] = total[:, -1:], count[-1:]
        return (total / count[:, None, None]) @ w[:, None]
