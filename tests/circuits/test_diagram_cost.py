"""The cost of a diagram against nested loops that count, against torch's counter, and as a formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
import torch

from labcore.diagrams import architecture, compile, cost, parse
from labcore.diagrams.architectures import ARCHITECTURES, edited
from labcore.diagrams.axes import symbol
from labcore.diagrams.checks import declared, draw, flops, variations
from labcore.diagrams.fuse import parameters, schedule

MATMUL_ONLY = [n for n in ARCHITECTURES if n not in ("transformer_block", "vit_block", "linear_attention")]


def looped(term, arrays):
    """The einsum by nested loops over all its labels; returns the result and the multiply-adds that were done."""
    labels = sorted({n for o in term.operands for n in o.labels} | set(term.out))
    out, count = np.zeros([term.axes[n].size for n in term.out]), 0
    for index in itertools.product(*(range(term.axes[n].size) for n in labels)):
        at = dict(zip(labels, index))
        value = 1.0
        for operand, values in zip(term.operands, arrays):
            value *= values[tuple(at[n] for n in operand.labels)]
        out[tuple(at[n] for n in term.out)] += value
        count += 1
    return out * term.factor * np.prod([float(axis.size) ** float(power) for axis, power in term.powers]), count


@pytest.mark.parametrize("name", ["attention", "multihead", "linear_attention", "cross_attention"])
def test_multiply_adds_are_those_of_nested_loops(name):
    d = architecture(name, **{a: n for a, n in zip(declared(name), (2, 3, 4, 2, 3))})
    plan, table, module = schedule(d), cost(d), compile(d)
    inputs = draw(d, 0)
    made = {n: v for cut, values in zip(plan.cuts, module.cuts(*inputs)) for n, v in zip(cut, values)}
    total = 0
    for node in plan.nodes:
        if node.term and len(node.term.operands) > 1:
            arrays = [
                (made[o.source] if isinstance(o.source, int) else module.learned[o.source]).detach().numpy()
                for o in node.term.operands
            ]
            out, count = looped(node.term, arrays)
            np.testing.assert_allclose(out, made[node.outs[0]].detach().numpy(), atol=1e-12)
            assert table.columns[node.layers[-1]].multiply_adds == count
            total += count
    assert table.multiply_adds == total > 0


@pytest.mark.parametrize("name", MATMUL_ONLY)
def test_torch_counts_the_same(name):
    for built, *_ in variations(name, 6):
        assert flops(built) == 2 * cost(built).multiply_adds


def test_torch_counts_all_but_products_without_a_sum():
    """Gains and the division of linear attention are einsums that torch runs without a matrix product."""
    for name in ("transformer_block", "vit_block", "linear_attention"):
        d = architecture(name)
        plain = sum(n.term.work for n in schedule(d).nodes if n.term and len(n.term.operands) > 1 and not n.term.summed)
        assert plain > 0 and flops(d) == 2 * (cost(d).multiply_adds - plain)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_formula_is_the_number(name):
    free = [a for a in declared(name) if a in ("x", "y", "m", "k", "h", "c", "n", "i", "o")]
    built, stride, dilation = next(variations(name, 1))
    closed = cost(built)
    sizes = {a.name: a.size for cut in built.cuts for arr in cut for a in arr.axes}
    sizes |= {a.name: a.size for axes in parameters(built).values() for a in axes}
    known = {a: sizes[a] if a not in free else symbol(a) for a in declared(name) if a in sizes or a in free}
    formula = cost(architecture(name, stride, dilation, **known))
    at = {symbol(a): sizes[a] for a in free if a in sizes}
    assert formula.multiply_adds.free_symbols and formula.multiply_adds.subs(at) == closed.multiply_adds
    assert sympy.sympify(formula.peak).subs(at).doit() == closed.peak
    assert [sympy.sympify(n).subs(at) for n in formula.live] == list(closed.live)


def test_memory_at_a_cut_is_what_stands_there():
    d = architecture("multihead", x=6, y=5, m=7, k=2, h=3)
    plain = cost(d, fused=False)
    assert list(plain.live) == [sum(a.size for a in cut) for cut in d.cuts]
    fused = cost(d)
    scores, values = 5 * 3 * 6, 6 * 2 * 3
    assert plain.peak == scores * values  # the outer product that fusing leaves out
    assert fused.live[-4:-1] == (scores + values, scores + values, 5 * 3 * 2)
    assert fused.live[0] == plain.live[0] and fused.live[-1] == plain.live[-1] == 5 * 7


def test_parameters_are_those_of_the_module():
    for name in ARCHITECTURES:
        d = architecture(name)
        table = cost(d)
        assert table.parameters == sum(p.numel() for p in compile(d).parameters())
        assert table.parameters == sum(c.parameters for c in table.columns)


def test_attention_needs_square_memory_and_linear_attention_does_not():
    x = symbol("x")
    soft = cost(architecture("attention", x=x, y=x))
    linear = cost(architecture("linear_attention", x=x, y=x))
    assert max(sympy.degree(n, x) for n in soft.live) == 2 and sympy.degree(soft.multiply_adds, x) == 2
    assert max(sympy.degree(n, x) for n in linear.live) == 1 and sympy.degree(linear.multiply_adds, x) == 1
    assert sympy.degree(soft.stored, x) == 2 and sympy.degree(linear.stored, x) == 1


def test_only_without_softmax_may_the_values_come_first():
    """Doubling x multiplies the scores by four; without the softmax the order may change, and all grows by two."""

    def grows(edit):
        return [cost(parse(edited("attention", edit), x=n, y=n)) for n in (64, 128)]

    for edit, factor in (("none", 4), ("no softmax", 4), ("values first", 2)):
        small, large = grows(edit)
        assert large.multiply_adds == factor * small.multiply_adds
    inputs = draw(architecture("attention"), 0)
    first, last = (compile(parse(edited("attention", e)))(*inputs) for e in ("no softmax", "values first"))
    assert torch.allclose(first, last, atol=1e-12)
    assert not torch.allclose(first, compile(architecture("attention"))(*inputs))
