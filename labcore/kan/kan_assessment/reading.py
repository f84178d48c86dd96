"""From a trained KAN to a formula: every edge that is left becomes a symbol, then only the symbols are trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from labcore.words import plain

from .kan import KAN
from .symbols import suggest

WRITTEN = {"x": "{}", "x^2": "({})^2", "x^3": "({})^3", "1/x": "1/({})", "gaussian": "exp(-({})^2)", "abs": "|{}|"}


def snap_all(net: KAN, x: Float[Tensor, "N 1 d"], points: int = 60) -> Iterator[float]:
    """Replace each living edge of the only model by its best symbol on the range that x covers.

    Yields the R^2 of each replacement. Layers are done in turn, so that later curves see what earlier symbols send.
    """
    for layer in net.layers:
        with torch.no_grad():
            ends = torch.stack([x[:, 0].amin(0), x[:, 0].amax(0)]).numpy()
        for i, o in layer.alive[0].nonzero().tolist():
            at = np.linspace(ends[0, i], ends[1, i], points)
            # "0" scores well on any curve, but an edge that was not pruned does something
            found = next(s for s in suggest(at, layer.curve(o, i, at)) if s.name != "0")
            layer.snap(o, i, found)
            yield found.r2
        with torch.no_grad():
            x = layer(x)


def train_symbols(
    net: KAN, x: Float[Tensor, "N 1 d"], y: Float[Tensor, "N 1 o"], steps: int = 300, lr: float = 0.01
) -> None:
    """Adam on a, b, c, d of all symbols, nothing else, for the mean square error."""
    affine = [p for layer in net.layers for p in layer.affine.values()]
    if not affine:
        return
    optimizer = torch.optim.Adam(affine, lr)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * 0.5 * (1 + np.cos(np.pi * step / steps))
        optimizer.zero_grad()
        (net(x) - y).square().mean().backward()
        optimizer.step()


def written(net: KAN) -> str:
    """The network of symbols as text: x1, x2 are its inputs, h1, h2 hidden nodes, y the output."""
    lines, names = [], [f"x{i + 1}" for i in range(net.layers[0].shape[1])]
    for number, layer in enumerate(net.layers):
        last = number == len(net.layers) - 1
        after = [f"{'y' if last else 'h'}{o + 1}" for o in range(layer.shape[2])]
        after = ["y"] if last and len(after) == 1 else after
        for o, name in enumerate(after):
            terms, constant = [], 0.0
            for i, source in enumerate(names):
                if (o, i) not in layer.symbols:
                    continue
                g, (a, b, c, d) = layer.symbols[o, i], layer.affine[f"{o},{i}"].tolist()
                constant += d
                if g != "0":
                    inner = f"{plain(a)} {source} {'-' if b < 0 else '+'} {abs(b):.3g}"
                    terms.append(f"{plain(c)} {WRITTEN.get(g, g + '({})').format(f'({inner})' if g == 'x' else inner)}")
            if terms or last:
                lines.append(f"{name} = {' + '.join([*terms, plain(constant)])}".replace("+ -", "- "))
        names = after
    return "; ".join(lines)
