"""A diagram drawn, run and counted; how the cost of attention grows; pictures without names; equal pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import sympy
import xarray as xr

from labcore.diagrams.architectures import ARCHITECTURES, EDITS, architecture, edited, text_of
from labcore.diagrams.axes import symbol
from labcore.diagrams.backprop import backprop
from labcore.diagrams.checks import declared, draw, flops, gradients, side_by_side
from labcore.diagrams.code import compile, source
from labcore.diagrams.cost import cost
from labcore.diagrams.laws import LAWS, LawError
from labcore.diagrams.readings import distinct
from labcore.diagrams.readings import readings as all_readings
from labcore.diagrams.references import reference
from labcore.diagrams.text import parse, write
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

Name = Literal[tuple(ARCHITECTURES)]
EDITABLE = ["attention", "cross_attention", "multihead"]
STRIDED = ["conv1d", "conv2d_strided_dilated", "depthwise"]
HEADS = """heads(y, x, k, h) = Q[y k h], K[x k h], V[x k h]
| diag h: (Q.h, K.h) | contract k#1 k#2 | softmax x | diag h: (.h, V.h) | contract x#1 x#2"""


def _with(wire: str) -> list[str]:
    """The architectures that have this axis."""
    return [name for name in ARCHITECTURES if wire in declared(name)]


DIAGRAM = Frame(
    cut=axis("cut between operations"),
    column=axis("operation", start=1),
    row=axis("index on the first axis"),
    entry=axis("index on the other axes"),
    live=var("cut", "numbers in memory"),
    macs=var("column", "multiply-adds"),
    pointwise=var("column", "other operations"),
    params=var("column", "learned numbers"),
    operation=var("column", "operation"),
    out=var("row entry", "output"),
)


@experiment(frame=DIAGRAM)
def diagram(
    arch: Annotated[
        Name,
        choice(
            "The architecture that is drawn",
            "diagram",
            label="architecture",
            main=True,
            words={
                "mlp": "MLP",
                "multihead": "multi-head attention",
                "conv1d": "convolution of a line",
                "conv2d_strided_dilated": "convolution, strided and dilated",
                "depthwise": "depthwise convolution",
                "unet_2level": "U-Net of two levels",
                "vit_block": "vision transformer block",
            },
        ),
    ] = "multihead",
    x: Annotated[
        int,
        number(
            4,
            256,
            "Positions that are read: keys, or pixels",
            "axes",
            arch=_with("x"),
            label="positions read x",
            main=True,
        ),
    ] = 24,
    y: Annotated[
        int,
        number(
            2,
            256,
            "Positions that are written: queries, or rows",
            "axes",
            arch=_with("y"),
            label="positions written y",
            main=True,
        ),
    ] = 20,
    m: Annotated[int, number(4, 128, "Width of the model", "axes", arch=_with("m"), label="model width m")] = 32,
    k: Annotated[int, number(2, 64, "Size of a key, in each head", "axes", arch=_with("k"), label="key size k")] = 8,
    h: Annotated[int, number(1, 8, "Heads, or hidden units of the MLP", "axes", arch=_with("h"), label="heads h")] = 4,
    stride: Annotated[int, number(1, 4, "Stride s of the convolution", "axes", arch=STRIDED, label="stride s")] = 2,
    dilation: Annotated[
        int, number(1, 4, "Dilation d of the convolution, and its padding", "axes", arch=STRIDED, label="dilation d")
    ] = 1,
    edit: Annotated[
        Literal[EDITS], choice("A change that still type-checks", "diagram", arch=EDITABLE, label="change")
    ] = "none",
    direction: Annotated[
        Literal["forward", "backward"], choice("Which diagram is shown", "diagram", label="diagram shown")
    ] = "forward",
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A diagram with its cost, run on random arrays against torch written by hand and against autograd. One frame.

    live (cut): numbers in memory at each vertical cut. macs, pointwise, params (column): multiply-adds, other work on
    single numbers and learned numbers of each operation; fused ones count at the last. out (row, entry): the output.
    attrs: text and source of the diagram shown, multiply_adds as a formula, max_abs_diff (0 when the edit is not
    "none": no hand-written twin), grad_diff.
    """
    given = {"x": x, "y": y, "m": m, "k": k, "h": h}
    sizes = {wire: size for wire, size in given.items() if wire in declared(arch)}
    change = edit if arch in EDITABLE and (edit != "one head" or arch == "multihead") else "none"
    text = text_of(arch, stride, dilation) if change == "none" else edited(arch, change)
    built = parse(text, **sizes)
    inputs = draw(built, seed)
    wrong, out = gradients(built, inputs, seed)
    apart = 0.0
    if change == "none":
        learned = {name: value.detach() for name, value in compile(built, seed).learned.items()}
        apart = float((reference(arch, inputs, learned, stride, dilation) - out).abs().max())
    shown = backprop(built) if direction == "backward" else built
    table = cost(shown)
    grid = out.numpy().reshape(out.shape[0], -1)[:64, :64]
    top = int(np.argmax(table.live))
    where = f"after operation {top}, {table.columns[top - 1].name}" if top else "before the first operation"
    digits = int(np.ceil(np.log10(max(apart, wrong, 1e-12))))
    checked = "gradients agree with autograd"
    if change == "none":
        checked = "program agrees with torch written by hand, and its gradients with autograd,"
    name = arch.replace("_", " ") + ("" if change == "none" else f" ({change})")
    yield DIAGRAM(
        dict(
            live=np.array(table.live, float),
            macs=[float(c.multiply_adds) for c in table.columns],
            pointwise=[float(c.pointwise) for c in table.columns],
            params=[float(c.parameters) for c in table.columns],
            operation=[c.name for c in table.columns],
            out=grid,
        ),
        f"The {direction} diagram of {name} has {len(table.columns)} operations, "
        f"{int(table.multiply_adds):,} multiply-adds and at most {max(table.live):,} numbers in memory, "
        f"{where}. Its {checked} to 1e{digits} or better.",
        text=write(shown, arch),
        source=source(shown, arch),
        multiply_adds=_formula(text, sizes),
        max_abs_diff=apart,
        grad_diff=wrong,
    )


def _formula(text: str, sizes: dict[str, int]) -> str:
    """The multiply-adds with the sizes of the sliders left open."""
    return str(sympy.expand(cost(parse(text, **{name: symbol(name) for name in sizes})).multiply_adds))


SCALING = Frame(
    model=axis("model"),
    x=axis("length of the sequence"),
    small=axis("length of the sequence"),
    macs=var("model x", "predicted multiply-adds"),
    flops=var("model x", "counted floating-point operations"),
    peak=var("model x", "most numbers in memory"),
    stored=var("model x", "numbers kept for the backward pass"),
    apart=var("small", "difference of the outputs over their spread"),
)


@experiment(frame=SCALING)
def scaling(
    k: Annotated[int, number(1, 64, "Size of keys and values", "axes", label="size of keys k")] = 8,
    x_max: Annotated[
        int, number(128, 4096, "The longest sequence; y = x", "axes", scale="log", label="longest sequence")
    ] = 1024,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Softmax and linear attention on sequences of x = y from 64 on: what the diagrams predict, what torch counts.

    macs, flops, peak, stored (model, x): predicted multiply-adds, counted floating-point operations, most numbers in
    memory at a cut, numbers that wait for the backward pass. apart (x): how far the two outputs are from each other on
    random arrays, over the spread of softmax attention; x up to 256 only. attrs: the slopes of peak on log scales, and
    the exact law of each peak, a polynomial in x. The slope is that of x^2 only as far as k x is small beside it.
    """
    names = ["attention", "linear_attention"]
    x = np.unique(np.round(np.geomspace(64, x_max, 9)).astype(int))
    drawn = [[architecture(n, x=int(s), y=int(s), k=k, v=k) for s in x] for n in names]
    tables = [[cost(d) for d in row] for row in drawn]
    counted = [[flops(d) for d in row] for row in drawn]

    def of(field: str) -> np.ndarray:
        return np.array([[float(getattr(t, field)) for t in row] for row in tables])

    small = [n for n, s in enumerate(x) if s <= 256]
    apart = []
    for n in small:
        inputs = draw(drawn[0][n], seed, n)
        soft, linear = (compile(row[n])(*inputs) for row in drawn)
        apart.append(float((soft - linear).square().mean().sqrt() / soft.std()))
    laws = [_peak_law(n, k, int(x[-1])) for n in names]
    slopes = [np.polyfit(np.log(x), np.log(p), 1)[0] for p in of("peak")]
    yield SCALING(
        dict(
            model=names,
            x=x,
            small=x[small],
            macs=of("multiply_adds"),
            flops=np.array(counted, float),
            peak=of("peak"),
            stored=of("stored"),
            apart=apart,
        ),
        f"From {x[0]} to {x[-1]} positions the memory of softmax attention grows as the length to the power "
        f"{slopes[0]:.2f}, that of linear attention to the power {slopes[1]:.2f}. At {x[-1]} positions they "
        f"hold at most {_told(laws[0])} = {tables[0][-1].peak:,} and {_told(laws[1])} = {tables[1][-1].peak:,} "
        f"numbers. Their outputs differ by {apart[-1]:.0%} of their spread: they are two functions.",
        slope_attention=slopes[0],
        slope_linear=slopes[1],
        law_attention=str(laws[0]),
        law_linear=str(laws[1]),
    )


def _peak_law(name: str, k: int, longest: int) -> sympy.Expr:
    """The numbers at the fullest cut of an attention with x = y, as a polynomial in x."""
    x = symbol("x")
    live = [sympy.expand(n) for n in cost(architecture(name, x=x, y=x, k=k, v=k)).live]
    return max(live, key=lambda n: n.subs(x, longest))


def _told(law: sympy.Expr) -> str:
    return str(law).replace("**2", "²").replace("*", " ")


READINGS = Frame(
    picture=axis("what the picture says of a wire"),
    reading=axis("reading", start=1),
    axis=axis("axis of the scores that is normalised", start=1),
    programs=var("picture", "programs that type-check"),
    functions=var("picture", "different functions"),
    difference=var("reading", "difference from what was meant, over its spread"),
    by_axis=var("axis", "functions"),
)


@experiment(quick=dict(h=2), frame=READINGS)
def readings(
    h: Annotated[int, number(2, 5, "Heads", "sizes", label="heads h")] = 4,
    y: Annotated[int, number(2, 5, "Queries", "sizes", label="queries y")] = 4,
    x: Annotated[int, number(2, 5, "Keys", "sizes", label="keys x")] = 4,
    k: Annotated[int, number(2, 5, "Size of a key", "sizes", label="key size k")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What the picture "outer, join, contract, softmax, outer, join, contract" can mean with and without names.

    programs, functions (picture): programs that type-check, and how many functions they are on random arrays.
    difference (reading): without names, each function's distance from the named one, over its spread, sorted; the
    numbers of both outputs are compared in sorted order, so that the order of axes makes no difference.
    by_axis (axis): without names, the functions that normalise each axis of the scores, by its position.
    """
    named = parse(HEADS, y=y, x=x, k=k, h=h)
    inputs = draw(named, seed)
    found = {kind: list(all_readings(named, inputs, kind == "named axes")) for kind in ("sizes only", "named axes")}
    unlike = {kind: distinct(list(rows)) for kind, rows in found.items()}
    meant = unlike["named axes"][0].out
    flat = meant.flatten().sort().values
    apart = sorted(
        float((r.out.flatten().sort().values - flat).square().mean().sqrt() / meant.std()) for r in unlike["sizes only"]
    )
    axes = [r.operations[3].i for r in unlike["sizes only"]]
    kinds = list(found)
    count, other = len(unlike["sizes only"]), len(unlike["named axes"])
    yield READINGS(
        dict(
            picture=kinds,
            programs=[float(len(found[n])) for n in kinds],
            functions=[float(len(unlike[n])) for n in kinds],
            difference=apart,
            by_axis=[float(axes.count(n)) for n in range(3)],
        ),
        f"With sizes only, the picture of multi-head attention means {count:,} different functions at "
        f"y = {y}, x = {x}, k = {k}, h = {h}; with named axes it means {other}. The median reading is off by "
        f"{np.median(apart):.0%} of the spread of what was meant.",
    )


# the left side of each law, in the setting where a learner meets it; all begin at the first column
LEFT = {
    "yank": "[x k] | unit k @2 | outer | contract k#1 k#2",
    "bend": "[x k] | unit m @2 | linear L: m#1 -> k @2 | outer | contract k#1 k#2",
    "slide": "[x k] | linear L: k -> m | sum x",
    "reorder": "Q[y k], K[x k], V[x m] | contract k: (Q.k, K.k) | contract x: (.x, V.x)",
    "fuse": "Q[y k], K[x k] | diag k: (Q.k, K.k) | sum k",
}
# what is not linear stands in the way: the left side, and what one would get by changing places all the same
STIFF = {
    "slide": ("[x k] | linear+ L: k -> m | sum x", "[x k] | sum x | linear+ L: k -> m"),
    "reorder": (
        "Q[y k], K[x k], V[x m] | contract k: (Q.k, K.k) | softmax x | contract x: (.x, V.x)",
        "Q[y k], K[x k], V[x m] | softmax x @2 | contract x: (K.x, V.x) | contract k: (Q.k, 2.k)",
    ),
}
REWRITE = Frame(
    side=axis("side of the law", values=("before", "after")),
    number=axis("number of the output"),
    out=var("side number", "output"),
    boxes=var("side", "operations in the drawing"),
    macs=var("side", "multiply-adds"),
    peak=var("side", "most numbers in memory"),
    apart=var("", "largest difference of the two outputs"),
)


@experiment(frame=REWRITE)
def rewrite(
    law: Annotated[Literal[tuple(LAWS)], choice("Which rewriting is done", "law", label="law", main=True)] = "slide",
    way: Annotated[
        Literal["free", "bias or softmax in the way"],
        choice(
            "What is between the boxes that change places",
            "law",
            law=[*STIFF],
            label="between the boxes",
            main=True,
            words={"free": "nothing in the way"},
        ),
    ] = "free",
    x: Annotated[int, number(2, 256, "Positions that are read", "axes", label="positions read x", main=True)] = 64,
    y: Annotated[
        int, number(2, 256, "Positions that are written", "axes", law=["reorder", "fuse"], label="positions written y")
    ] = 64,
    k: Annotated[int, number(2, 64, "Numbers that come in, at each position", "axes", label="numbers in k")] = 8,
    m: Annotated[
        int,
        number(
            2,
            64,
            "Numbers that go out, at each position",
            "axes",
            law=["bend", "slide", "reorder"],
            label="numbers out m",
        ),
    ] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A diagram before and after a rewrite law, both run on the same random arrays and learned numbers. One frame.

    out (side, number): the first 32 numbers of each output. boxes, macs, peak (side): operations in the drawing,
    multiply-adds and most numbers in memory of its program. With something in the way the law is refused; what is shown
    then is the same change done by hand. attrs: before and after, the texts of the two diagrams; refused, what the law
    says, or nothing.
    """
    head, refused = f"f(x={x}, y={y}, k={k}, m={m}) = ", ""
    if way == "free" or law not in STIFF:
        before = parse(head + LEFT[law])
        after = LAWS[law](before, 0)
    else:
        before, after = (parse(head + text) for text in STIFF[law])
        try:
            LAWS[law](before, 0)
        except LawError as error:
            refused = f" The law does not allow it: {error}."
    sides, outs = (before, after), [out[0].numpy().ravel() for out in side_by_side(before, after, seed)]
    apart = float(np.abs(outs[0] - outs[1]).max())
    tables = [cost(side) for side in sides]
    boxes, macs, peak = ([len(d.layers) for d in sides], [t.multiply_adds for t in tables], [t.peak for t in tables])
    same = f"are equal to {apart:.0e}." if apart else "are equal to the last bit."
    yield REWRITE(
        dict(
            out=[out[:32] for out in outs],
            boxes=boxes,
            macs=np.array(macs, float),
            peak=np.array(peak, float),
            apart=apart,
        ),
        f"Before: {boxes[0]} operations, {macs[0]:,} multiply-adds, at most {peak[0]:,} numbers in memory. After: "
        f"{boxes[1]}, {macs[1]:,} and {peak[1]:,}. On the same random numbers the two outputs "
        + (f"differ by up to {apart:.2g}: two functions.{refused}" if apart > 1e-9 else same),
        before=write(before),
        after=write(after),
        refused=refused.strip(),
    )
