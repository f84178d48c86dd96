"""Twelve architectures as neural circuit diagrams, in the text form of `text`.

The operations are those of the usual modules of the same names; images of the U-Net have one dimension, and what a
transformer normalises it normalises before the map, with a gain and a bias.
"""

from __future__ import annotations

from string import Template

from labcore.diagrams.axes import Size, symbol
from labcore.diagrams.boxes import Diagram
from labcore.diagrams.text import parse

_HEADS = """
| diag h: (1.h, 2.h) | contract k#1 k#2 | scale k^-1/2 | softmax {x} | diag h: (1.h, 2.h) | contract {pair}
| linear{bias} O: h k -> m"""

_ENCODER = f"""
| copy
| block attention 1 {{
    | norm m | linear G: -> each m | bias B: m
    | copy | copy @2
    | linear+ Q: m -> k h | linear+ K: m -> k h @2 | linear+ V: m -> k h @3
    {_HEADS.format(x="x#2", pair="x#2 x#3", bias="+")}
}}
| add
| copy
| block feedforward 1 {{
    | norm m | linear G2: -> each m | bias B2: m
    | linear+ F: m -> f | map gelu | linear+ F2: f -> m
}}
| add"""

ARCHITECTURES = {
    "mlp": """mlp(b=16, i=12, h=32, o=4) = [b i]
| linear+ A: i -> h | map relu | linear+ B: h -> o""",
    "attention": """attention(y=20, x=24, k=8, v=8) = Q[y k], K[x k], V[x v]
| contract k: (Q.k, K.k) | scale k^-1/2 | softmax x | contract x: (.x, V.x)""",
    "cross_attention": """cross_attention(y=20, x=24, m=32, k=8) = Y[y m], X[x m]
| copy @2
| linear Q: m -> k | linear K: m -> k @2 | linear V: m -> k @3
| contract k: (1.k, 2.k) | scale k^-1/2 | softmax x | contract x: (.x, 2.x)
| linear O: k -> m""",
    "multihead": f"""multihead(y=20, x=24, m=32, k=8, h=4) = Y[y m], X[x m]
| copy @2
| linear Q: m -> k h | linear K: m -> k h @2 | linear V: m -> k h @3
{_HEADS.format(x="x", pair="x#1 x#2", bias="")}""",
    "transformer_block": f"""transformer_block(x=24, m=32, k=8, h=4, f=64) = [x m]{_ENCODER}""",
    "conv1d": """conv1d(x=24, c=4, n=8, w=3) = [c x]
| star x -> x' w stride $stride dilation $dilation pad $dilation | linear+ L: c w -> n""",
    "conv2d_strided_dilated": """conv2d(x=24, y=20, c=4, n=8, u=3, w=3) = [c y x]
| star y -> y' u stride $stride dilation $dilation pad $dilation
| star x -> x' w stride $stride dilation $dilation pad $dilation
| linear+ L: c u w -> n""",
    "depthwise": """depthwise(x=24, c=8, w=3) = [c x]
| star x -> x' w stride $stride dilation $dilation pad $dilation | linear D: w -> each c""",
    "residual_block": """residual(x=24, y=20, c=4, n=8, u=3, w=3) = [c y x]
| copy
| block conv 1 {
    | star y -> y u pad 1 | star x -> x w pad 1 | linear+ A: c u w -> n | norm y x | map relu
    | star y -> y u pad 1 | star x -> x w pad 1 | linear+ B: n u w -> c | norm y x
}
| add | map relu""",
    "unet_2level": """unet(x=24, c=2, d=4, e=8, n=16, w=3, p=2) = [c x]
| block conv1 1 { | star x -> x w pad 1 | linear+ A: c w -> d | map relu } | copy
| star x -> x1 p stride 2 | max p
| block conv2 1 { | star x1 -> x1 w pad 1 | linear+ B: d w -> e | map relu } | copy
| star x1 -> x2 p stride 2 | max p
| block conv3 1 { | star x2 -> x2 w pad 1 | linear+ C: e w -> n | map relu }
| linear D: n -> e p | star^T x2 p -> x1 stride 2 | concat e -> ee
| block conv4 1 { | star x1 -> x1 w pad 1 | linear+ E: ee w -> e | map relu }
| linear F: e -> d p | star^T x1 p -> x stride 2 | concat d -> dd
| block conv5 1 { | star x -> x w pad 1 | linear+ H: dd w -> d | map relu }
| linear+ O: d -> c""",
    "vit_block": f"""vit(v=12, u=16, c=3, q=4, p=4, m=32, k=8, h=4, f=64, n=10) = [c v u]
| star v -> y q stride 4 | star u -> z p stride 4 | linear+ P: c q p -> m
| group y z -> x | transpose x m | bias E: x m{_ENCODER}
| norm m | mean x | linear+ H: m -> n""",
    "linear_attention": """linear_attention(y=20, x=24, k=8, v=8) = Q[y k], K[x k], V[x v]
| map feature | map feature @2 | copy @2
| contract x: (3.x, V.x) | sum x @2
| copy | contract k: (2.k, 3.k) | map reciprocal @2
| contract k: (1.k, 3.k) | diag y: (.y, 2.y)""",
}


_VALUES_FIRST = {
    "attention": "contract x: (K.x, V.x) | contract k: (Q.k, .k) | scale k^-1/2",
    "cross_attention": "contract x: (2.x, 3.x) | contract k: (1.k, .k#1) | scale k^-1/2 | linear O: k -> m",
    "multihead": "diag h: (2.h, 3.h) | contract x#1 x#2 @2 | diag h: (1.h, .h) | contract k#1 k#2 | scale k^-1/2\n"
    "| linear O: h k -> m",
}
EDITS = ("none", "softmax over y", "no softmax", "values first", "one head")


def edited(name: str, edit: str) -> str:
    """The text of attention, cross_attention or multihead after an edit that still type-checks.

    softmax over y: the triangle moves to the query's wire. no softmax: it is gone. values first: it is gone and keys
    meet values before queries. one head (multihead only): heads are summed over instead of being kept apart.
    Raises ValueError for another architecture or edit.
    """
    text = text_of(name)
    if edit == "none":
        return text
    if edit not in EDITS or name not in _VALUES_FIRST or (edit == "one head" and name != "multihead"):
        allowed = ", ".join(EDITS) if name == "multihead" else ", ".join(EDITS[:-1])
        allowed = allowed if name in _VALUES_FIRST else "none"
        raise ValueError(f"edit = {edit!r} is not allowed; for {name} it must be one of {allowed}")
    if edit == "softmax over y":
        return text.replace("softmax x", "softmax y")
    if edit == "no softmax":
        return text.replace("| softmax x", "")
    if edit == "values first":
        begin = min(text.index(word) for word in ("| contract", "| diag") if word in text)
        return f"{text[:begin]}| {_VALUES_FIRST[name]}"
    return text.replace("diag h: (1.h, 2.h)", "contract h: (1.h, 2.h)", 1).replace(
        "diag h: (1.h, 2.h) | contract x#1 x#2", "contract x: (1.x, 2.x)"
    )


def text_of(name: str, stride: int = 2, dilation: int = 1) -> str:
    """The text of an architecture. Raises ValueError for an unknown name, a stride or a dilation below 1."""
    if name not in ARCHITECTURES:
        raise ValueError(f"name = {name!r} is not allowed; it must be one of {', '.join(ARCHITECTURES)}")
    for word, value in (("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise ValueError(f"{word} = {value} is not allowed; it must be at least 1")
    return Template(ARCHITECTURES[name]).substitute(stride=stride, dilation=dilation)


def architecture(name: str, stride: int = 2, dilation: int = 1, **sizes: Size) -> Diagram:
    """The diagram of an architecture; `sizes` of axes replace the usual ones. Raises `TextError` where one cannot be.

    stride, dilation: of conv1d, conv2d_strided_dilated and depthwise.
    """
    return parse(text_of(name, stride, dilation), **sizes)


def free(*names: str) -> dict[str, Size]:
    """Sizes that are left open: each axis has its own name as its size."""
    return {name: symbol(name) for name in names}
