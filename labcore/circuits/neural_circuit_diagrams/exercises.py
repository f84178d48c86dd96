"""The questions on diagrams: build one, read its cost, and say when wires without names are told apart."""

from __future__ import annotations

import torch

from labcore.diagrams import compile, parse
from labcore.exercises import asked, exercise

from .experiments import diagram, readings


@exercise(
    "Build, on a canvas or by hand, the attention weights: Q[y k], K[x k] in, an array with y and x out, where every "
    "query's weights add up to one (no scale). Choose sizes with y unlike x. Paste the text of the diagram here.",
    hint="Contract k, then the triangle. Which wire is normalised?",
)
def is_scores(text: str, seed: int) -> bool | str:
    built = parse(text)
    if [len(a) for a in built.dom] != [2, 2]:
        return "It should begin with two arrays, Q[y k] and K[x k]."
    (y, k), (x, other) = ([axis.size for axis in a.axes] for a in built.dom)
    if k != other:
        return "The second axes of Q and K should be the same k."
    draw = torch.Generator().manual_seed(seed)
    q, keys = (torch.randn(n, k, generator=draw, dtype=torch.float64) for n in (y, x))
    out = compile(built)(q, keys)
    if not isinstance(out, torch.Tensor) or out.ndim != 2:
        return "It should end in one array with two axes."
    out, wanted = (out, (q @ keys.T).softmax(1)) if out.shape == (y, x) else (out.T, (q @ keys.T).softmax(1))
    return out.shape == wanted.shape and torch.allclose(out, wanted)


@exercise(
    "Softmax attention holds more numbers at its peak than linear attention. As many positions are read as written, "
    "and keys and values have 8 numbers. From how many positions on is it more than five times as many? (Within 3 "
    "positions is fine.)",
    asked("positions", 8, 256),
    hint="Read the wires at the highest bar of each: y x and x v against a few arrays of x k.",
)
def first_five(length: int, seed: int) -> bool | str:
    def ratio(x: int) -> float:
        runs = (diagram.run(arch=arch, x=x, y=x, seed=seed) for arch in ("attention", "linear_attention"))
        softmax, linear = (float(frame.live.max()) for frame in runs)
        return softmax / linear

    if ratio(min(length + 3, 256)) <= 5:
        return f"At {length} positions the ratio is {ratio(length):.2f}."
    return ratio(length - 4) <= 5 or f"At {length} positions it is {ratio(length):.2f}, but it passed 5 much earlier."


@exercise(
    "Wires without names again. Find the numbers of queries y, keys x, key size k and heads h, each from 2 to 5, for "
    "which the picture with sizes only means as few functions as possible. Write the four with spaces between.",
    *(readings.parameters[wire] for wire in "yxkh"),
    hint="When can two wires be taken for one another?",
)
def least_ambiguous(y: int, x: int, k: int, h: int, seed: int) -> bool | str:
    frame = readings.run(y=y, x=x, k=k, h=h, seed=seed)
    found = int(frame.functions.sel(picture="sizes only"))
    return found <= 6 or f"With these sizes the picture still means {found} functions."
