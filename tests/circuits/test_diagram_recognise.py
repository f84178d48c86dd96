"""What a diagram's module runs: torch's own kernels where they are the same, and the steps as they stand where not."""

from __future__ import annotations

import re

import pytest
import torch

from labcore.diagrams import architecture, compile, parse
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.boxes import unfolded
from labcore.diagrams.checks import draw, variations
from labcore.diagrams.code import source

CLOSE = dict(rtol=0, atol=1e-11)
KERNELS = r"scaled_dot_product_attention|conv[12]d|layer_norm|max_pool1d|linear|addmm|torch\.mm|gelu"


def kernels(d) -> list[str]:
    """The kernels of torch in the program that runs, in order."""
    return [name.removeprefix("torch.") for name in re.findall(rf"({KERNELS})\(", compile(d).program.source)]


def same(d, seed=0):
    """The fast module gives the numbers and the gradients of the steps as they stand."""
    fast, slow, inputs = compile(d, seed), compile(d, seed, fast=False), draw(d, seed)
    assert slow.program.source == source(d)
    results = []
    for module in (fast, slow):
        leaves = [x.clone().requires_grad_() for x in inputs]
        out = module(*leaves)
        upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        wanted = [*leaves, *module.learned.values()]
        results.append([out.detach(), *torch.autograd.grad(out, wanted, upstream, materialize_grads=True)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_at_random_sizes_strides_and_dilations(name):
    for n, (d, _, _) in enumerate(variations(name, 6, seed=7)):
        same(d, n)


def test_what_the_architectures_become():
    head = ["linear"] * 3 + ["scaled_dot_product_attention", "linear"]
    block = ["layer_norm", *head, "layer_norm", "linear", "gelu", "linear"]
    wanted = {
        "mlp": ["linear", "linear"],
        "attention": ["scaled_dot_product_attention"],
        "cross_attention": head,
        "multihead": head,
        "transformer_block": block,
        "conv1d": ["conv1d"],
        "conv2d_strided_dilated": ["conv2d"],
        "depthwise": [],
        "residual_block": ["conv2d", "layer_norm"] * 2,
        "unet_2level": ["conv1d", "max_pool1d"] * 2 + ["conv1d", "mm"] + ["conv1d", "mm"] + ["conv1d", "addmm"],
        "vit_block": ["conv2d", *block, "layer_norm", "linear"],
        "linear_attention": [],
    }
    assert {name: kernels(architecture(name)) for name in ARCHITECTURES} == wanted
    text = compile(architecture("unet_2level")).program.source
    assert "overlap_add" not in text and "windows" not in text


ATTENTION = "f(y=5, x=7, k=3, v=4{more}) = Q[{b}y k], K[{b}x k], V[{b}x v]{arrays} {steps}"
PLAIN = "| contract k: (Q.k, K.k) | scale k^-1/2 | softmax x | contract x: (.x, V.x)"
HEADS = "| diag h: (Q.h, K.h) | contract k#1 k#2 | scale k^-1/2 | softmax x | diag h: (1.h, V.h) | contract x#1 x#2"


def attention(steps, b="", more="", arrays=""):
    return parse(ATTENTION.format(steps=steps, b=b, more=more, arrays=arrays))


EXACTLY = {
    "plain": attention(PLAIN),
    "no scale": attention(PLAIN.replace("| scale k^-1/2 ", "")),
    "another scale": attention(PLAIN.replace("scale k^-1/2", "scale 0.3 k^-1 y^1/2")),
    "heads": attention(HEADS, "h ", ", h=2"),
    "turned": attention(PLAIN + " | transpose v y"),
    "turned scores": attention(PLAIN.replace("| softmax", "| transpose x y | softmax")),
    "learned": parse(
        "f(y=5, x=7, m=6, k=3, h=2) = Y[y m], X[m x] | copy @2 | linear+ Q: m -> h k "
        "| linear+ K: m -> k h @2 | linear V: m -> k h @3 | diag h: (1.h, 2.h) | contract k#1 k#2 | softmax x "
        "| diag h: (1.h, 2.h) | contract x#1 x#2"
    ),
}
NEARLY = {
    "softmax over the queries": attention(PLAIN.replace("softmax x", "softmax y")),
    "a mask between": attention(
        "| contract k: (Q.k, K.k) | scale k^-1/2 | swap 1 3 2 | add | softmax x | contract x: (.x, V.x)",
        arrays=", M[y x]",
    ),
    "a map between": attention(PLAIN.replace("| softmax", "| map tanh | softmax")),
    "the scores are wanted too": attention(
        "| contract k: (Q.k, K.k) | scale k^-1/2 | copy | softmax x | swap 2 1 3 | contract x: (2.x, V.x)"
    ),
    "the shares are wanted too": attention(
        "| contract k: (Q.k, K.k) | scale k^-1/2 | softmax x | copy | swap 1 3 2 | contract x: (1.x, 2.x)"
    ),
    "a factor after": attention(PLAIN + " | scale 2"),
    "values of two axes": parse("f(y=5, x=7, k=3, v=2, u=2) = Q[y k], K[x k], V[x v u] " + PLAIN),
    "keys of two axes": parse(
        "f(y=5, x=7, k=3, j=2, v=4) = Q[y k j], K[x k j], V[x v] | contract k: (Q.k, K.k) | contract j#1 j#2 "
        "| softmax x | contract x: (.x, V.x)"
    ),
    "values of a head that keys lack": parse(
        "f(y=5, x=7, k=3, v=4, h=2) = Q[h y k], K[x k], V[h x v] | contract k: (Q.k, K.k) | softmax x "
        "| diag h: (1.h, V.h) | contract x#1 x#2"
    ),
    "a learned bias after": parse(
        "f(y=5, x=7, k=3, v=4) = Q[y k], K[x k] | contract k: (Q.k, K.k) | softmax x | linear+ V: x -> v"
    ),
}


@pytest.mark.parametrize("d", EXACTLY.values(), ids=EXACTLY)
def test_attention_is_one_kernel(d):
    same(d)
    assert kernels(d).count("scaled_dot_product_attention") == 1 and "softmax(" not in compile(d).program.source


@pytest.mark.parametrize("d", NEARLY.values(), ids=NEARLY)
def test_nearly_attention_stays_as_it_stands(d):
    for seed in range(2):
        fast, slow = compile(d, seed), compile(d, seed, fast=False)
        outs = [m(*draw(d, seed)) for m in (fast, slow)]
        for one, other in zip(*(o if isinstance(o, tuple) else (o,) for o in outs), strict=True):
            torch.testing.assert_close(one, other, **CLOSE)
    assert "scaled_dot_product_attention" not in kernels(d) and "softmax(" in fast.program.source


def image(steps, array="c x", more=""):
    return parse(f"f(x=12, y=9, c=3, n=4, b=2, w=3, u=2, p=2{more}) = [{array}] {steps}")


ONE_KERNEL = {
    "conv1d": [
        image("| star x -> x' w stride 3 dilation 2 pad 4 | linear+ L: c w -> n"),
        image("| star x -> x' w | linear L: c w -> n"),
        image("| star x -> x' w pad 1 | linear+ L: c w -> n", "b c x"),
        image("| star x -> x' w pad 1 | linear+ L: w c -> n", "x c"),
        image("| star x -> x' w pad 1 | linear+ L: c w -> n | transpose x' n"),
    ],
    "conv2d": [
        image("| star x -> x' w stride 2 pad 1 | star y -> y' u dilation 3 | linear+ L: c u w -> n", "c y x"),
        image("| star y -> y' u | star x -> x' w pad 2 | linear L: u c w -> n", "y x c"),
        image("| star y -> y' u stride 2 | star x -> x' w pad 2 | linear+ L: c u w -> n", "b c y x"),
    ],
    "layer_norm": [
        image("| norm x | linear G: -> each x | bias B: x"),
        image("| norm x | linear G: -> each x"),
        image("| norm x | bias B: x"),
        image("| norm c x | linear G: -> each c x | bias B: c x", "b c x"),
        image("| norm x"),
    ],
    "max_pool1d": [
        image("| star x -> x' w stride 2 dilation 2 | max w"),
        image("| star x -> x' w | max w", "b c x"),
    ],
    "linear": [
        image("| linear+ L: x -> n y", "b c x"),
        image("| linear L: c x -> n", "b c x"),
        image("| linear L: x -> n", "x"),
        image("| linear^T+ L: x -> n"),
    ],
    "addmm": [image("| linear+ L: c -> n y"), image("| linear+ L: b c -> n", "b c y x")],
    "torch.mm": [image("| linear L: c -> n y")],
    "gelu": [image("| map gelu")],
}
NEARLY_ONE = [  # and the kernels that remain
    (image("| star x -> x' w | linear D: w -> n"), ["linear"]),  # no channels
    (image("| star x -> x' w | linear D: w -> each c"), []),  # each channel by itself
    (image("| star x -> x' w | linear L: w -> n each c"), []),
    (image("| star x -> x' w | linear L: c x' -> n"), ["mm"]),  # a sum over positions
    (image("| star x -> x' w | star x' -> x'' u | linear+ L: c w u -> n"), []),  # windows of windows
    (image("| star x -> x' w | linear+ L: c w -> n y", "b c x"), []),  # two new axes
    (image("| star x -> x' w | linear L: c w -> n y", "b y c x"), []),  # two axes that stay
    (image("| norm c | linear G: -> each c | bias B: c"), []),  # not the last axis
    (image("| norm x | linear G: -> each c", "c x"), ["layer_norm"]),
    (image("| star x -> x' w pad 1 | max w"), []),  # torch pads with less than any number
    (image("| star x -> x' w | max x'"), []),
    (image("| star c -> c' p | max p"), []),
    (image("| star x -> x' w | max w", "x"), []),
    (image("| linear L: c -> n y each x"), []),
    (image("| linear+ L: c -> n", "b c x"), []),  # neither the first axes nor the last
    (image("| map gelu'"), []),
    (image("| scale 2 | linear L: x -> n"), []),
]
STILL = [  # the kernel of what remains, when something in between is wanted too
    (image("| star x -> x' w | copy | linear L: c w -> n"), []),
    (image("| norm x | copy | linear G: -> each x"), ["layer_norm"]),
    (image("| star x -> x' w | copy | max w"), []),
]


@pytest.mark.parametrize(
    ("kernel", "d"), [(kernel, d) for kernel, all_of_them in ONE_KERNEL.items() for d in all_of_them]
)
def test_one_kernel(kernel, d):
    same(d)
    assert kernels(d) == [kernel.removeprefix("torch.")]
    assert not re.search("windows|einsum|normalize", compile(d).program.source)


@pytest.mark.parametrize(("d", "left"), NEARLY_ONE)
def test_nearly_the_pattern_stays_as_it_stands(d, left):
    same(d)
    assert kernels(d) == left
    assert left or re.sub(r"; del .*?  #", "  #", compile(d).program.source) == source(d)


@pytest.mark.parametrize(("d", "left"), STILL)
def test_what_another_step_wants_is_made(d, left):
    inputs = draw(d, 0)
    for one, other in zip(compile(d)(*inputs), compile(d, fast=False)(*inputs), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)
    assert kernels(d) == left


@pytest.mark.parametrize(("stride", "size", "flat"), [(2, 24, True), (2, 25, False), (1, 13, False), (3, 36, False)])
def test_windows_that_lie_side_by_side_are_put_back_by_reshaping(stride, size, flat):
    d = parse(f"f(c=3, x=12, z={size}, p=2) = [c p x] | star^T x p -> z stride {stride}")
    same(d)
    assert ("overlap_add" not in compile(d).program.source) is flat


def test_the_first_of_equal_numbers_has_the_gradient():
    d = image("| star x -> x' w stride 2 | max w")
    slopes = []
    for module in (compile(d), compile(d, fast=False)):
        x = torch.zeros(3, 12, dtype=torch.float64, requires_grad=True)
        slopes.append(torch.autograd.grad(module(x).sum(), x)[0])
    assert torch.equal(*slopes)


def test_every_box_has_a_line_in_the_program_that_runs():
    for name in ARCHITECTURES:
        module = compile(architecture(name))
        lines = module.program.source.splitlines()
        assert [*module.program.line] == [path for path, _ in unfolded(module.diagram)]
        assert all(0 < n <= len(lines) for n in module.program.line.values())
        space = {}
        exec(module.program.source, space)
        inputs = draw(module.diagram, 0)
        assert torch.equal(space["f"](*inputs, *module.learned.values()), module(*inputs))
