"""The program of a diagram: laws of wires, convolutions by brute force, torch's own modules, the text on its own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.diagrams import Axis, Diagram, architecture, compile, parse
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import (
    Contract,
    Diag,
    Elementwise,
    Linear,
    Mean,
    Ones,
    Outer,
    Scale,
    SoftMax,
    Spread,
    Star,
    StarTransposed,
    Sum,
    Transpose,
    Unit,
    unfolded,
)
from labcore.diagrams.checks import draw
from labcore.diagrams.code import program, source
from labcore.diagrams.fuse import schedule
from tests.circuits.building import array, composed

X, K, W = Axis("x", 5), Axis("k", 3), Axis("w", 3)


PLANE = (array(X, K),)


def chain(*steps, dom=PLANE):
    return composed(dom, *steps)


def both(d, seed=0):
    """The outputs of the fused and of the unfused program, which must be equal."""
    inputs = draw(d, seed)
    with torch.no_grad():
        one, other = compile(d)(*inputs), compile(d, fused=False)(*inputs)
    assert torch.allclose(one, other, atol=1e-12)
    return inputs, one


def test_arrays_of_another_shape_are_refused():
    mean = compile(parse("f(a=2, b=3) = [a b] | mean b"))
    assert mean(torch.ones(2, 3)).tolist() == [1, 1]
    q, k, v = draw(architecture("attention"), 0)
    attention = compile(architecture("attention"))
    wide = torch.cat([q] * 4, -1), torch.cat([k] * 4, -1), v
    for module, arrays, words in (
        (mean, [torch.ones(2, 6)], r"array 1 has shape \(2, 6\); \[a b\] needs \(2, 3\)"),
        (mean, [torch.ones(2, 1)], r"\(2, 1\)"),
        (mean, [torch.ones(5, 2, 3)], r"\(5, 2, 3\)"),
        (mean, [], "0 arrays come in; the diagram needs 1"),
        (mean, [torch.ones(2, 3)] * 2, "2 arrays come in"),
        (attention, wide, r"array 1 has shape"),
        (attention, (q, k, v[:1]), r"array 3 has shape"),
    ):
        for call in (module, module.cuts):
            with pytest.raises(ValueError, match=words):
                call(*arrays)


def test_yanking():
    (x,), out = both(chain((Unit(K), 1), Outer(), Contract(1, 2)))
    assert torch.equal(out, x)
    assert "einsum" not in source(chain((Unit(K), 1), Outer(), Contract(1, 2)))
    (x,), out = both(chain((Unit(X), 0), Outer(), Contract(1, 2)))
    assert torch.equal(out, x)


def test_a_loop_is_the_size_of_its_axis():
    _, out = both(chain((Unit(K), 0), (Contract(0, 1), 0), dom=()))
    assert out == 3
    _, out = both(chain((Ones(K), 0), (Sum(0), 0), dom=()))
    assert out == 3


def test_bending_a_wire_transposes_a_linear_map():
    """Unit ; L ; Contract, bent around, is L read from its other side."""
    bent = composed((array(K),), (Unit(X), 1), (Linear("L", (0,), (K,)), 1), Outer(), Contract(0, 1))
    straight = composed((array(K),), Linear("L", (0,), (X,), transposed=True))
    (k,) = draw(bent, 0)
    assert torch.allclose(compile(bent)(k), compile(straight)(k), atol=1e-14)


def test_wires_meet_as_torch_says():
    a, b = array(X, K), array(X, K)
    (x, y), out = both(chain(Outer(), Diag(0, 2), Contract(1, 2), dom=(a, b)))
    assert torch.allclose(out, (x * y).sum(1))
    (x,), out = both(chain(Spread(1)))
    assert torch.allclose(out, torch.diag_embed(x))
    (x,), out = both(chain(Spread(0), Diag(1, 0)))
    assert torch.equal(out, x)
    (x,), out = both(chain((Ones(W), 1), Outer(), Transpose((2, 0, 1))))
    assert torch.equal(out, x.expand(3, 5, 3))
    (x,), out = both(chain(Mean(0), Scale(2.0)))
    assert torch.allclose(out, 2 * x.mean(0))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_transpose_is_undone_by_its_inverse(order):
    back = tuple(int(n) for n in np.argsort(order))
    (x,), out = both(chain(Transpose(order), Transpose(back), dom=(array(X, K, W),)))
    assert torch.equal(out, x)
    assert both(chain(Transpose(order), dom=(array(X, K, W),)))[1].shape == tuple((5, 3, 3)[n] for n in order)


def test_boxes_on_different_rows_slide_past_one_another():
    d = chain((Linear("A", (1,), (W,)), 0), (SoftMax(0), 1), dom=(array(X, K), array(X, K)))
    slid = Diagram(d.dom, d.layers[::-1])
    inputs = draw(d, 0)
    for one, other in zip(compile(d)(*inputs), compile(slid)(*inputs)):
        assert torch.allclose(one, other, atol=1e-12)


def test_softmax_over_one_index_is_ones():
    (_,), out = both(chain(SoftMax(1), dom=(array(X, Axis("one", 1)),)))
    assert torch.equal(out, torch.ones(5, 1, dtype=torch.float64))


CONVOLUTIONS = list(itertools.product([1, 2, 3], [1, 2, 3], [0, 1, 2], [1, 2, 3]))


@pytest.mark.parametrize(("stride", "dilation", "pad", "kernel"), CONVOLUTIONS)
def test_star_by_brute_force(stride, dilation, pad, kernel):
    x, w, c = Axis("x", 9), Axis("w", kernel), Axis("c", 2)
    d = chain(Star(1, "p", w, stride, dilation, pad), dom=(array(c, x),))
    positions = d.cod[0][1].size
    tensor = torch.zeros(positions, kernel, 9, dtype=torch.float64)
    for p, j, n in itertools.product(range(positions), range(kernel), range(9)):
        tensor[p, j, n] = n == stride * p + dilation * j - pad
    (image,), out = both(d)
    assert torch.equal(out, torch.einsum("pwx,cx->cpw", tensor, image))
    windows = F.unfold(image[None, :, None], (1, kernel), (1, dilation), (0, pad), (1, stride))
    assert torch.equal(out.movedim(2, 1).flatten(0, 1), windows[0])
    back = chain(StarTransposed(1, 2, x, stride, dilation, pad), dom=d.cod)
    (b,), adjoint = both(back, 1)
    assert torch.allclose(adjoint, torch.einsum("pwx,cpw->cx", tensor, b), atol=1e-12)
    assert torch.allclose((out * b).sum(), (image * adjoint).sum())


def test_star_of_kernel_one_is_the_identity():
    d = chain(Star(0, "x", Axis("w", 1)), Linear("L", (1, 2), (W,)))
    plain = chain(Linear("L", (1,), (W,)))
    (x,) = draw(d, 0)
    one, two = compile(d), compile(plain)
    two.learned["L"] = one.learned["L"][:, 0]
    assert torch.allclose(one(x), two(x), atol=1e-14)


@pytest.mark.parametrize("function", ["relu", "gelu", "tanh", "sigmoid", "exp"])
def test_elementwise_functions_are_torch_s(function):
    (x,), out = both(chain(Elementwise(function)))
    wanted = {"gelu": F.gelu}.get(function, getattr(torch, function, None))(x)
    assert torch.allclose(out, wanted, atol=1e-14)


def test_unknown_function_and_open_size_are_refused():
    with pytest.raises(ValueError, match="function = 'sin'"):
        source(chain(Elementwise("sin")))
    with pytest.raises(ValueError, match="axis x is x"):
        source(composed((array(Axis("x", symbol("x"))),)))


def test_names_that_python_uses_are_refused():
    for name in ("if", "torch", "L'", "values", "windows"):
        with pytest.raises(ValueError, match="name = "):
            compile(chain(Linear(name, (1,), (W,))))
    both(chain(Linear("IF", (1,), (W,)), Linear("x1", (0,), (W,)), Linear("Torch", (0,), (K,))))


def assign(module, **values):
    for name, value in values.items():
        assert module.learned[name].shape == value.shape, name
        module.learned[name] = value.detach().clone()


def torch_s(module):
    """A torch module in float64 with seeded parameters."""
    generator = torch.Generator().manual_seed(3)
    module = module.double().eval()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.3)
    return module


def heads(weight, bias, h):
    """torch's rows (head, key) as maps (k, h, m) and biases (k, h)."""
    return weight.unflatten(0, (h, -1)).transpose(0, 1), None if bias is None else bias.unflatten(0, (h, -1)).T


def test_multihead_is_torch_s():
    d = architecture("multihead", m=32, k=8, h=4)
    theirs, ours = torch_s(torch.nn.MultiheadAttention(32, 4, bias=False, batch_first=True)), compile(d)
    q, k, v = theirs.in_proj_weight.chunk(3)
    out = theirs.out_proj.weight.unflatten(1, (4, 8))
    assign(ours, Q=heads(q, None, 4)[0], K=heads(k, None, 4)[0], V=heads(v, None, 4)[0], O=out)
    y, x = draw(d, 0)
    wanted = theirs(y[None], x[None], x[None])[0][0]
    assert (ours(y, x) - wanted).abs().max() < 1e-12


def test_transformer_block_is_torch_s():
    d = architecture("transformer_block", m=32, k=8, h=4, f=64)
    theirs = torch_s(torch.nn.TransformerEncoderLayer(32, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True))
    ours, attention = compile(d), theirs.self_attn
    maps = {
        n: heads(w, b, 4) for n, w, b in zip("QKV", attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3))
    }
    assign(ours, **{n: w for n, (w, _) in maps.items()}, **{f"{n}_bias": b for n, (_, b) in maps.items()})
    assign(ours, O=attention.out_proj.weight.unflatten(1, (4, 8)), O_bias=attention.out_proj.bias)
    assign(ours, G=theirs.norm1.weight, B=theirs.norm1.bias, G2=theirs.norm2.weight, B2=theirs.norm2.bias)
    assign(ours, F=theirs.linear1.weight, F_bias=theirs.linear1.bias)
    assign(ours, F2=theirs.linear2.weight, F2_bias=theirs.linear2.bias)
    (x,) = draw(d, 0)
    assert (ours(x) - theirs(x[None])[0]).abs().max() < 1e-12


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 2), (1, 4), (4, 3)])
def test_convolutions_are_torch_s(stride, dilation):
    for name, make in (
        ("conv1d", lambda: torch.nn.Conv1d(4, 8, 3, stride, dilation, dilation)),
        ("conv2d_strided_dilated", lambda: torch.nn.Conv2d(4, 8, 3, stride, dilation, dilation)),
        ("depthwise", lambda: torch.nn.Conv1d(8, 8, 3, stride, dilation, dilation, groups=8, bias=False)),
    ):
        d, theirs = architecture(name, stride, dilation), torch_s(make())
        ours = compile(d)
        if name == "depthwise":
            assign(ours, D=theirs.weight[:, 0])
        else:
            assign(ours, L=theirs.weight, L_bias=theirs.bias)
        (x,) = draw(d, 0)
        assert (ours(x) - theirs(x[None])[0]).abs().max() < 1e-12


@pytest.mark.parametrize(("stride", "dilation", "pad"), [(1, 1, 0), (2, 1, 1), (3, 2, 1), (2, 3, 2)])
def test_transposed_convolution_is_torch_s(stride, dilation, pad):
    x = Axis("x", 7)
    size = (7 - 1) * stride - 2 * pad + dilation * 2 + 1
    d = chain(
        Linear("L", (0,), (K, W)),
        StarTransposed(2, 1, Axis("z", size), stride, dilation, pad),
        dom=(array(Axis("c", 2), x),),
    )
    theirs = torch_s(torch.nn.ConvTranspose1d(2, 3, 3, stride, pad, dilation=dilation, bias=False))
    ours = compile(d)
    assign(ours, L=theirs.weight.permute(1, 2, 0))
    (image,) = draw(d, 0)
    assert (ours(image) - theirs(image[None])[0]).abs().max() < 1e-12


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_fused_unfused_and_every_cut_agree(name):
    sizes = {"h": 2} if name in ("multihead", "transformer_block", "vit_block") else {}
    d = architecture(name, x=9, **sizes) if name not in ("vit_block", "mlp") else architecture(name, **sizes)
    inputs, out = both(d)
    cuts = compile(d).cuts(*inputs, limit=10_000_000)
    assert torch.allclose(cuts[-1][0], out, atol=1e-14)
    plain = compile(d, fused=False).cuts(*inputs)
    made = schedule(d)
    assert len(cuts) == len(plain) == len(made.cuts)
    for fused_cut, plain_cut, numbers in zip(cuts, plain, made.cuts):
        for one, other, number in zip(fused_cut, plain_cut, numbers):
            assert tuple(other.shape) == tuple(a.size for a in made.arrays[number].axes)
            assert torch.allclose(one, other, atol=1e-12)


def test_the_shown_text_runs_alone_and_every_box_has_its_line():
    for name in ARCHITECTURES:
        d = architecture(name)
        shown = program(d, name)
        assert shown.source.count("\nimport") == 0 and shown.source.startswith("import torch\n")
        space = {}
        exec(shown.source, space)
        module = compile(d)
        shown_out = space[name](*draw(d, 0), *module.learned.values())
        assert torch.allclose(shown_out, module(*draw(d, 0)), rtol=0, atol=1e-12)
        lines = shown.source.splitlines()
        paths = [path for path, _ in unfolded(d)]
        assert [*shown.line] == paths
        for path, layer in unfolded(d):
            line = lines[shown.line[path] - 1]
            if isinstance(layer.box.data, Linear):
                assert layer.box.data.name in line and "einsum" in line
            if isinstance(layer.box.data, SoftMax):
                assert "softmax(" in line


def test_same_seed_same_bits_and_global_state_untouched():
    before = torch.get_rng_state()
    d = architecture("multihead")
    inputs = draw(d, 0)
    outs = [compile(d, seed=4)(*inputs) for _ in range(3)]
    assert all(torch.equal(outs[0], out) for out in outs) and torch.equal(before, torch.get_rng_state())
    assert not torch.equal(outs[0], compile(d, seed=5)(*inputs))
