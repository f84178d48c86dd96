"""The backward diagram: against autograd, against finite differences, its rules, its cost."""

from __future__ import annotations

import pytest
import torch

from labcore.diagrams import Axis, Diagram, architecture, backprop, compile, cost, parse
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.backprop import backward, needed
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Bundle,
    Concat,
    Contract,
    Copy,
    Deviation,
    Diag,
    Drop,
    Elementwise,
    Group,
    Index,
    Insert,
    Largest,
    Linear,
    Max,
    Mean,
    Mul,
    Norm,
    Ones,
    Outer,
    Place,
    Scale,
    Slice,
    SoftMax,
    Split,
    Spread,
    Star,
    StarTransposed,
    Sum,
    SwapArrays,
    Transpose,
    Unit,
    Weight,
    Zero,
)
from labcore.diagrams.checks import draw, gradients, variations
from labcore.diagrams.fuse import parameters, schedule
from tests.circuits.building import array, composed

X, K, W = Axis("x", 5), Axis("k", 3), Axis("w", 2)
A, B = array(X, K), array(X, K)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_equals_autograd(name):
    for turn, (built, *_) in enumerate(variations(name, 3)):
        assert gradients(built, draw(built, turn), turn)[0] < 1e-9


def test_equals_central_differences():
    for name in ("attention", "linear_attention", "transformer_block", "conv1d"):
        d = architecture(name) if name == "conv1d" else architecture(name, x=4)
        inputs = draw(d, 0)
        module, back = compile(d), compile(backprop(d))
        back.learned.update({n: module.learned[n] for n in back.learned})
        weight, step = torch.ones_like(module(*inputs)), 1e-5
        with torch.no_grad():
            found = back(*inputs, weight)
            found = found if isinstance(found, tuple) else (found,)
            for n, x in enumerate(inputs):
                for at in [(0,) * x.ndim, tuple(s - 1 for s in x.shape), tuple(s // 2 for s in x.shape)]:
                    ends = []
                    for sign in (1, -1):
                        moved = [z.clone() for z in inputs]
                        moved[n][at] += sign * step
                        ends.append(float(module(*moved).sum()))
                    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(found[n][at]), abs=1e-6)


CASES = {
    "outer": ((A, B), Outer()),
    "contract": ((A, B), Outer(), Contract(1, 3)),
    "trace": ((array(X, X, K),), Contract(0, 1)),
    "diag": ((A, B), Outer(), Diag(2, 0)),
    "spread": ((A,), Spread(1)),
    "spread and back": ((A,), Spread(0), Contract(0, 1), Elementwise("tanh")),
    "unit": ((A,), (Unit(K), 1), Outer(), Contract(1, 3)),
    "ones": ((A,), (Ones(W), 1), Outer(), Elementwise("exp")),
    "sum": ((A,), Elementwise("tanh"), Sum(0), Elementwise("exp")),
    "mean": ((A,), Mean(1)),
    "scale": ((A,), Scale(-2.5)),
    "transpose": ((array(X, K, W),), Transpose((2, 0, 1))),
    "linear": ((array(X, K, W),), Linear("L", (2, 0), (X, K), (), True)),
    "linear shared": ((array(X, K, W),), Linear("L", (0,), (W,), (1,), True)),
    "linear without input": ((A,), Linear("L", (), (W,), (0,))),
    "linear without output": ((A,), Linear("L", (1,), (), (0,))),
    "linear then sum": ((A,), Linear("L", (1,), (W,)), Sum(1)),
    "linear then diag": ((A,), Linear("L", (1,), (X,)), Diag(0, 1)),
    "same weights twice": ((array(K),), Linear("L", (0,), (K,)), Elementwise("tanh"), Linear("L", (0,), (K,))),
    "bias": ((A,), Bias("b", (1, 0))),
    "weight": ((A,), (Weight("w", (X, K)), 1), Mul()),
    "softmax": ((A,), SoftMax(0)),
    "norm": ((array(X, K, W),), Norm((0, 2))),
    "max": ((A,), Max(0)),
    "mul": ((A, B), Mul()),
    "square by copies": ((A,), Copy(), Mul()),
    "add": ((A, B), Add()),
    "concat": ((A, array(X, W)), Concat(1, "z")),
    "swap": ((A, array(W)), SwapArrays((1, 0)), Outer()),
    "drop": ((A, B), (Drop(), 1), Elementwise("sigmoid")),
    "zero": ((A,), (Zero((X, K)), 1), Add()),
    "group": ((array(X, K, W),), Elementwise("gelu"), Group(0, 2, "xk")),
    "bundle": ((array(X, K, W),), Elementwise("gelu"), Bundle(1, 2, "p"), SoftMax(1)),
    "open": ((array(X, Axis.of("p", (K, W))),), SoftMax(1), Split(1, (K, W)), Elementwise("square")),
    "split": ((array(Axis("z", 6)),), Elementwise("square"), Split(0, (K, W))),
    "index": ((A,), Elementwise("feature"), Index(0, 2)),
    "place": ((A,), Elementwise("relu"), Place(1, W, 1)),
    "slice": ((A,), Elementwise("tanh"), Slice(0, K, 1)),
    "insert": ((A,), Elementwise("tanh"), Insert(1, Axis("z", 6), 2)),
    "star": ((A,), Star(0, "p", W, 2, 2, 1)),
    "star transposed": ((array(W, X, K),), StarTransposed(1, 0, Axis("z", 9), 2, 1, 1)),
    "star transposed, kernel below": ((array(X, K, W),), StarTransposed(0, 2, Axis("z", 10), 2)),
    "reciprocal": ((A,), Elementwise("exp"), Elementwise("reciprocal")),
}


@pytest.mark.parametrize("name", CASES)
def test_every_rule(name):
    dom, *steps = CASES[name]
    d = composed(dom, *steps)
    inputs, back = draw(d, 0), backprop(d)
    assert back.dom == d.dom + d.cod
    learned = [array(*axes) for axes in parameters(d).values()]
    assert back.cod == d.dom + tuple(learned)
    module = compile(d)
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = module(*leaves)
    weight = draw(Diagram(d.cod), 1)[0]
    wanted = torch.autograd.grad(out, [*leaves, *module.learned.values()], weight, allow_unused=True)
    twin = compile(back)
    twin.learned.update({n: module.learned[n] for n in twin.learned})
    got = twin(*inputs, weight)
    got = got if isinstance(got, tuple) else (got,)
    for one, other, a in zip(got, wanted, back.cod, strict=True):
        other = torch.zeros([axis.size for axis in a.axes], dtype=torch.float64) if other is None else other
        assert (one - other).abs().max() < 1e-12


def test_several_outputs():
    d = composed((A,), Copy(), (Elementwise("tanh"), 1))
    (x,) = draw(d, 0)
    one, two = draw(Diagram(d.cod), 1)
    got = compile(backprop(d))(x, one, two)
    assert torch.allclose(got, one + two * (1 - torch.tanh(x) ** 2), atol=1e-14)


def test_a_linear_map_needs_nothing_from_the_way_there():
    d = composed((A,), Linear("L", (1,), (W,)), Transpose((1, 0)), Sum(1))
    assert cost(composed((A,), Transpose((1, 0)), Sum(1), Scale(2.0))).stored == 0
    assert cost(d).stored == A.size  # only for the gradient of its own weights
    used = {type(layer.box.data) for layer in backprop(composed((A,), Sum(0))).layers}
    assert used <= {Drop, Ones, Outer, Transpose}


def test_no_function_without_a_rule_passes():
    for op in (Deviation((1,)), Largest(1), Elementwise("tanh", derivative=True)):
        with pytest.raises(ValueError, match="no gradient rule"):
            backprop(composed((A,), op))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_backward_takes_twice_the_multiply_adds(name):
    for built, *_ in variations(name, 2):
        again = sum(n.term.work for n in needed(schedule(built)) if n.term and len(n.term.operands) > 1)
        assert cost(backprop(built)).multiply_adds == again + 2 * cost(built).multiply_adds


def test_the_forward_part_ends_where_it_says():
    d = architecture("attention")
    made = backward(d)
    kept = made.diagram.cuts[made.forward]
    assert sum(a.size for a in kept) == cost(d).stored + sum(a.size for a in d.cod)


def test_a_broadcast_wire_stays_one():
    """The Jacobian of G*c is block diagonal: the backward pass costs c times that of G, and not c squared."""
    d = architecture("attention")
    wide = parse(
        """attention(y=20, x=24, k=8, v=8, c=7) = Q[y k c], K[x k c], V[x v c]
        | contract k: (Q.k, K.k) | diag c#1 c#2 | scale k^-1/2 | softmax x
        | contract x: (.x, V.x) | diag c#1 c#2"""
    )
    inputs = draw(wide, 0)
    each = torch.func.vmap(compile(d), in_dims=2, out_dims=1)(*inputs)
    assert torch.allclose(compile(wide)(*inputs), each, atol=1e-14)
    assert cost(backprop(wide)).multiply_adds == 7 * cost(backprop(d)).multiply_adds
    inner = parse(ARCHITECTURES["attention"].replace("v=8", "v=8, c=7").replace("[y k]", "[y k c]"))
    assert inner.cod[0].axes == (*d.cod[0].axes[:1], Axis("c", 7), *d.cod[0].axes[1:])
    assert gradients(inner, draw(inner, 0), 0)[0] < 1e-12
