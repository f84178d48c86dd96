"""Kolmogorov-Arnold networks on B-splines, M of them side by side.

    y_o = sum_i phi_{o,i}(x_i),   phi(x) = wb silu(x) + ws sum_c C_c B_c(x),   no activation on the nodes

Shapes have a model axis M. The models share nothing but the loop that trains them.
Mechanism as in pykan (Liu et al., arXiv 2404.19756) and efficient-kan: silu base, grid update with eps = 0.02,
extension of the grid by least squares, pruning scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import silu

from labcore.primitives.splines.bspline import BSplineBasis

from .spline_map import spline_edges, spline_map
from .symbols import Snap, evaluate

EDGE, NODE = 3e-2, 1e-2  # pruning thresholds of the reference
Array = np.ndarray
Rngs = Sequence[torch.Generator]


def drawn(rngs: Rngs, *shape: int) -> Float[Tensor, "M ..."]:
    """Uniform in [-1, 1]; model m draws from rngs[m] alone."""
    return torch.stack([2 * torch.rand(shape, generator=rng) - 1 for rng in rngs])


def following(
    basis: BSplineBasis, coef: Float[Tensor, "I G+k O"], x: Float[Tensor, "N I"], eps: float
) -> tuple[BSplineBasis, Float[Array, "I G+k O"]]:
    """The basis whose knots follow the samples x, eps even + (1 - eps) quantiles, and the least-squares coefficients
    there of the same functions on these samples. An input that is constant keeps its grid.
    """
    flat, values = x.double().numpy(), coef.detach().double().numpy()
    spread = np.ptp(flat, axis=0)
    moving = np.isfinite(spread) & (spread > 1e-6)
    if not moving.any():
        return basis, values
    knots = basis.knots.copy()
    knots[moving] = BSplineBasis.from_samples(flat[:, moving], basis.intervals, basis.k, eps).knots
    new = BSplineBasis(knots, basis.k)
    fitted = new.fit(flat, basis.curves(flat, values), ridge=1e-8)
    return new, np.where(moving[:, None, None], fitted, values)


class KANLayer(nn.Module):
    """I x O edges of each of M models: wb, ws (M, I, O), C (M, I, G+k, O).

    With `scales` wb and ws train too. Each of them moves its edge from end to end; a C moves k + 1 intervals.
    A state_dict holds the knots and the names of the symbols too. A layer of the same M, I and O takes it whatever its
    own grid and symbols are; an optimizer has to be made anew where they differ.
    """

    def __init__(
        self, n_in: int, n_out: int, intervals: int, k: int, rngs: Rngs, low: float = -1, high: float = 1,
        scales: bool = True,
    ):  # fmt: skip
        super().__init__()
        self.shape = len(rngs), n_in, n_out
        self.basis = BSplineBasis.uniform(low, high, intervals, k, len(rngs) * n_in)
        self.base = nn.Parameter(drawn(rngs, n_in, n_out) / np.sqrt(n_in), requires_grad=scales)
        self.scale = nn.Parameter(torch.ones(self.shape), requires_grad=scales)
        self.coef = nn.Parameter(0.05 / intervals * drawn(rngs, n_in, self.basis.size, n_out))
        self.register_buffer("alive", torch.ones(self.shape))
        self.symbols: dict[tuple[int, int], str] = {}
        self.affine = nn.ParameterDict()
        self.register_load_state_dict_pre_hook(_make_room)

    def get_extra_state(self) -> dict[str, Any]:
        """What a state_dict holds besides parameters and buffers."""
        symbols = {f"{o},{i}": name for (o, i), name in self.symbols.items()}
        return {"knots": torch.tensor(self.basis.knots), "k": self.basis.k, "symbols": symbols}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.basis = BSplineBasis(state["knots"].numpy(), state["k"])
        self.symbols = {tuple(map(int, edge.split(","))): name for edge, name in state["symbols"].items()}

    def splines(self) -> Float[Tensor, "M I G+k O"]:
        """ws C; zero on pruned edges."""
        return self.coef * (self.scale * self.alive)[:, :, None]

    def forward(self, x: Float[Tensor, "N M I"]) -> Float[Tensor, "N M O"]:
        y = torch.matmul(silu(x).transpose(0, 1), self.base * self.alive).transpose(0, 1)
        y = y + spline_map(x, self.splines(), self.basis)
        if self.symbols:
            y = y + self._symbolic(x).sum(-1)
        return y

    def edges(self, x: Float[Tensor, "N M I"]) -> Float[Tensor, "N M O I"]:
        """phi_{o,i}(x_i): the terms of the sum that `forward` returns."""
        phi = torch.einsum("nmi,mio->nmoi", silu(x), self.base * self.alive)
        phi = phi + spline_edges(x, self.splines(), self.basis)
        return phi + self._symbolic(x) if self.symbols else phi

    def _symbolic(self, x: Float[Tensor, "N M I"]) -> Float[Tensor, "N M O I"]:
        _, n_in, n_out = self.shape
        zero, rows = torch.zeros_like(x[..., 0]), []
        for o in range(n_out):
            for i in range(n_in):
                name = self.symbols.get((o, i))
                rows.append(evaluate(name, self.affine[f"{o},{i}"], x[..., i]) if name else zero)
        return torch.stack(rows, -1).unflatten(-1, (n_out, n_in))

    @torch.no_grad()
    def curve(self, o: int, i: int, xs: Float[Array, " X"], model: int = 0) -> Float[Array, " X"]:
        """phi_{o,i} at xs."""
        x = torch.zeros(len(xs), *self.shape[:2])
        x[:, model, i] = torch.as_tensor(xs, dtype=torch.float32)
        return self.edges(x)[:, model, o, i].numpy()

    def domain(self) -> Float[Array, "M I 2"]:
        """Ends of every input's grid."""
        return self.basis.grid[:, [0, -1]].reshape(*self.shape[:2], 2)

    def _move(self, basis: BSplineBasis, coef: Float[Array, "M*I G+k O"]) -> None:
        # in place of the parameter: an optimizer has to be made anew after its shape has changed
        self.basis = basis
        self.coef = nn.Parameter(torch.as_tensor(coef, dtype=self.coef.dtype).unflatten(0, self.shape[:2]))

    @torch.no_grad()
    def update_grid(self, x: Float[Tensor, "N M I"], eps: float = 0.02) -> None:
        """Move the knots to where the samples x are; on them the functions stay, as far as they can.

        An input that is constant keeps its grid: it says nothing about where to put one.
        """
        self._move(*following(self.basis, self.coef.flatten(0, 1), x.flatten(1), eps))

    @torch.no_grad()
    def extend(self, factor: int = 2) -> None:
        """Cut every grid interval into `factor` equal ones; the functions stay exactly what they are on the grid."""
        fine = self.basis.refined(factor)
        self._move(fine, self.basis.refit(self.coef.flatten(0, 1).double().numpy(), fine))

    @torch.no_grad()
    def snap(self, o: int, i: int, found: Snap) -> None:
        """Replace edge (o, i) of the only model by c g(a x + b) + d; a, b, c, d stay trainable."""
        self.alive[0, i, o] = 0
        self.symbols[o, i] = found.name
        self.affine[f"{o},{i}"] = nn.Parameter(torch.tensor([found.a, found.b, found.c, found.d]))


def _make_room(layer: KANLayer, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Before a state is loaded: as many coefficients and symbols as it holds."""
    coef, size = state.get(prefix + "coef"), layer.coef.shape
    if coef is not None and coef.shape != size and coef.shape[:2] + coef.shape[3:] == size[:2] + size[3:]:
        layer.coef = nn.Parameter(torch.empty(coef.shape, dtype=layer.coef.dtype))
    edges = {key.removeprefix(prefix + "affine.") for key in state if key.startswith(prefix + "affine.")}
    if edges != set(layer.affine):
        layer.affine = nn.ParameterDict({edge: nn.Parameter(torch.zeros(4)) for edge in sorted(edges)})


class KAN(nn.Module):
    """M networks of KAN layers, widths [d, ..., o]; with `scales` the wb and ws of all edges train too."""

    def __init__(
        self, widths: Sequence[int], intervals: int = 5, k: int = 3, rngs: Rngs = (), low: float = -1,
        scales: bool = True,
    ):  # fmt: skip
        super().__init__()
        pairs = zip(widths, widths[1:])
        self.layers = nn.ModuleList(KANLayer(a, b, intervals, k, rngs, low, scales=scales) for a, b in pairs)

    def forward(self, x: Float[Tensor, "N M d"]) -> Float[Tensor, "N M o"]:
        for layer in self.layers:
            x = layer(x)
        return x

    def traced(self, x: Float[Tensor, "N M d"]) -> tuple[Float[Tensor, "N M o"], list[Float[Tensor, "N M O I"]]]:
        """The output and every layer's edge values, for regularisation, pruning and pictures."""
        edges = []
        for layer in self.layers:
            edges.append(layer.edges(x))
            x = edges[-1].sum(-1)
        return x, edges

    @torch.no_grad()
    def update_grids(self, x: Float[Tensor, "N M d"], eps: float = 0.02) -> None:
        """`update_grid` of each layer on what arrives there for the samples x."""
        for layer in self.layers:
            after = layer(x)
            layer.update_grid(x, eps)
            x = after

    def extend(self, factor: int = 2) -> None:
        """Refine the grids of all layers."""
        for layer in self.layers:
            layer.extend(factor)

    @torch.no_grad()
    def prune(self, x: Float[Tensor, "N M d"], edge: float = EDGE, node: float = NODE) -> int:
        """Remove edges with |phi|_1 < edge, and hidden nodes that hardly anything enters or leaves.

        Returns how many edges went.
        """
        scores = [l1(e) for e in self.traced(x)[1]]
        before = sum(int(layer.alive.sum()) for layer in self.layers)
        for layer, score in zip(self.layers, scores):
            layer.alive *= (score.transpose(1, 2) >= edge).float()
        for (left, right), (score_in, score_out) in zip(zip(self.layers, self.layers[1:]), zip(scores, scores[1:])):
            keep = ((score_in.amax(2) >= node) & (score_out.amax(1) >= node)).float()
            left.alive *= keep[:, None, :]
            right.alive *= keep[:, :, None]
        return before - sum(int(layer.alive.sum()) for layer in self.layers)


class Snapshot(NamedTuple):
    """E edges of one network, all layers in turn, for a picture."""

    layer: Int[Array, " E"]
    input: Int[Array, " E"]
    output: Int[Array, " E"]
    place: Float[Array, "E U"]  # inputs from end to end of each edge's grid
    phi: Float[Array, "E U"]  # its values there
    score: Float[Array, " E"]  # |phi|_1
    alive: Int[Array, " E"]  # 0 where it was pruned


@torch.no_grad()
def snapshot(net: KAN, x: Float[Tensor, "N M d"], points: int = 51, model: int = 0) -> Snapshot:
    """Every edge's curve and its score on the inputs x."""
    rows, curves = [], []
    for number, (layer, edges) in enumerate(zip(net.layers, net.traced(x)[1])):
        ends = np.linspace(*layer.domain()[model].T, points)
        grid = torch.zeros(points, *layer.shape[:2])
        grid[:, model] = torch.from_numpy(ends)
        phi, score = layer.edges(grid)[:, model].numpy(), l1(edges)[model].numpy()
        for o, i in np.ndindex(score.shape):
            here = layer.alive[model, i, o].item() or (o, i) in layer.symbols
            rows.append((number, i, o, score[o, i], here))
            curves.append((ends[:, i], phi[:, o, i]))
    layers, inputs, outputs, scores, alive = np.array(rows).T
    place, phi = (np.array(c) for c in zip(*curves))
    return Snapshot(layers.astype(int), inputs.astype(int), outputs.astype(int), place, phi, scores, alive.astype(int))


def l1(edges: Float[Tensor, "N M O I"]) -> Float[Tensor, "M O I"]:
    """|phi|_1 of each edge, its mean size over the batch."""
    return edges.abs().mean(0)


def sparsity(edges: Sequence[Float[Tensor, "N M O I"]], mu1: float = 1.0, mu2: float = 2.0) -> Float[Tensor, " M"]:
    """sum over layers of mu1 |phi|_1 + mu2 entropy of its share by edge."""
    total = torch.zeros(edges[0].shape[1])
    for e in edges:
        size = l1(e).flatten(1)
        share = size / (size.sum(1, keepdim=True) + 1e-12)
        total = total + mu1 * size.sum(1) - mu2 * (share * (share + 1e-12).log()).sum(1)
    return total
