"""What a diagram's program and gradient are checked on: random arrays, random sizes, autograd, torch's own counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from labcore.diagrams.architectures import architecture, text_of
from labcore.diagrams.backprop import backprop
from labcore.diagrams.boxes import Diagram
from labcore.diagrams.code import compile


def declared(name: str) -> list[str]:
    """The axes of an architecture whose sizes are free."""
    return re.findall(r"(\w+)=\d+", text_of(name).split(")")[0])


def draw(diagram: Diagram, seed: int, *stream: int) -> list[Tensor]:
    """Normal numbers for every input of a diagram, float64."""
    rng = np.random.default_rng([seed, *stream])
    return [torch.tensor(rng.normal(size=[axis.size for axis in a.axes])) for a in diagram.dom]


def gradients(drawn: Diagram, inputs: list[Tensor], seed: int) -> tuple[float, Tensor]:
    """The largest difference between the backward diagram and autograd, and the output."""
    module = compile(drawn, seed)
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = module(*leaves)
    weight = torch.tensor(np.random.default_rng([seed, 2]).normal(size=tuple(out.shape)))
    wanted = torch.autograd.grad(out, [*leaves, *module.learned.values()], weight)
    back = compile(backprop(drawn), seed)
    back.learned.update({name: module.learned[name] for name in back.learned})
    with torch.no_grad():
        got = back(*inputs, weight)
    got = got if isinstance(got, tuple) else (got,)
    return max(float((a - b).abs().max()) for a, b in zip(got, wanted, strict=True)), out.detach()


def side_by_side(one: Diagram, other: Diagram, seed: int) -> list[tuple[Tensor, ...]]:
    """What two diagrams give for the same random arrays, learned ones of equal names being the same.

    Raises ValueError for diagrams of different types.
    """
    if (one.dom, one.cod) != (other.dom, other.cod):
        raise ValueError(f"other = {other.dom} -> {other.cod} is not allowed; it must be {one.dom} -> {one.cod}")
    inputs, first, second = draw(one, seed), compile(one, seed), compile(other, seed)
    second.learned.update({name: first.learned[name] for name in second.learned})
    with torch.no_grad():
        outs = first(*inputs), second(*inputs)
    return [out if isinstance(out, tuple) else (out,) for out in outs]


def difference(one: Diagram, other: Diagram, seed: int) -> float:
    """The largest difference of what two diagrams give, on the same random numbers (see `side_by_side`)."""
    return max(float((a - b).abs().max()) for a, b in zip(*side_by_side(one, other, seed), strict=True))


def flops(drawn: Diagram) -> int:
    """The floating-point operations that torch counts in matrix products when the program runs; none is computed."""
    module = compile(drawn).to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*(torch.empty([axis.size for axis in a.axes], device="meta", dtype=torch.float64) for a in drawn.dom))
    return counter.get_total_flops()


def variations(name: str, count: int, seed: int = 0) -> Iterator[tuple[Diagram, int, int]]:
    """An architecture with random sizes, and with the stride and dilation that it was built with."""
    rng = np.random.default_rng([len(name), ord(name[0]), seed])
    fixed = {"unet_2level": ("w", "p"), "residual_block": ("u", "w"), "vit_block": ("p", "q")}.get(name, ())
    kernels = ("u", "w") if name in ("conv1d", "conv2d_strided_dilated", "depthwise") else ()
    # a sum over one index is no matrix product, and torch does not count it: sizes begin at 2
    low = {"x": 8, "y": 8, "u": 12, "v": 12} | dict.fromkeys(kernels, 2)
    for turn in range(count):
        sizes = {
            a: low.get(a, 2) + int(rng.integers(3 if a in kernels else 9)) for a in declared(name) if a not in fixed
        }
        stride, dilation = turn % 3 + 1, turn % 2 + 1
        yield architecture(name, stride, dilation, **sizes), stride, dilation
