"""The program that a neural circuit diagram compiles to, beside torch's own functions; what reading its text costs."""

from __future__ import annotations

import torch

from labcore.diagrams import architecture, compile, cost, layout, parse
from labcore.diagrams.checks import draw
from labcore.diagrams.references import reference
from tests.benchmarks.timing import Duel, Growth, Work

SIZES = {
    "multihead": dict(y=256, x=256, m=128, k=16, h=8),
    "transformer_block": dict(x=256, m=128, k=16, h=8, f=512),
    "conv2d_strided_dilated": dict(x=64, y=64, c=16, n=32),
    "unet_2level": dict(x=1024, d=16, e=32, n=64),
}


def trained(run: Work, leaves: list[torch.Tensor], upstream: torch.Tensor) -> Work:
    """Forward and backward: the gradients at the inputs and at the learned arrays."""
    return lambda: torch.autograd.grad(run(), leaves, upstream)


def untrained(run: Work) -> Work:
    def forward() -> torch.Tensor:
        with torch.no_grad():
            return run()

    return forward


def programs(quick: bool) -> list[Duel]:
    """In float64 as everywhere in the diagrams. Both sides hold the same arrays, in the same layout."""
    rows = []
    for name, sizes in SIZES.items():
        diagram = architecture(name, **({} if quick else sizes))
        module, inputs = compile(diagram), [x.requires_grad_() for x in draw(diagram, 0)]
        learned = dict(module.learned)
        ours = lambda module=module, inputs=inputs: module(*inputs)  # noqa: E731
        theirs = lambda name=name, inputs=inputs, learned=learned: reference(name, inputs, learned)  # noqa: E731
        upstream = torch.randn(ours().shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        leaves = [*inputs, *learned.values()]
        what, peer = f"diagram of {name.replace('_', ' ')}", "torch.nn.functional"
        both = trained(ours, leaves, upstream), trained(theirs, leaves, upstream)
        rows += [
            Duel(f"{what}, forward", untrained(ours), peer, untrained(theirs), 1e-9, table=True),
            Duel(f"{what}, forward + backward", both[0], peer, both[1], 1e-8, table=True),
        ]
    return rows


def deep(layers: int) -> str:
    """The text of an MLP of so many hidden layers."""
    middle = "".join(f"| linear+ H{k}: h -> h | map relu " for k in range(layers))
    return f"deep(b=4, i=4, h=4, o=2) = [b i] | linear+ A: i -> h | map relu {middle}| linear+ B: h -> o"


def growth(quick: bool) -> list[Growth]:
    counts = (4, 16) if quick else (4, 8, 16, 32, 64)
    texts = {n: deep(n) for n in counts}
    read = {n: parse(text) for n, text in texts.items()}

    def all_with(work) -> dict[int, tuple[Work, float]]:
        return {len(d.layers): ((lambda n=n: work(n)), 1) for n, d in read.items()}

    return [
        Growth("text to diagram", "columns", all_with(lambda n: parse(texts[n])), 1, "ms"),
        Growth("diagram to program", "columns", all_with(lambda n: compile(read[n])), 1, "ms"),
        Growth("cost of a diagram in formulas", "columns", all_with(lambda n: cost(read[n])), 1, "ms"),
        Growth("layout of a diagram", "columns", all_with(lambda n: layout(read[n])), 1, "ms"),
    ]


PEERS = (programs,)
GROWTH = (growth,)
MEMORY = ()
