"""The page: every corner of the bench, the picture without names, the claims, and stand-ins that they would catch."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

from labcore.circuits.neural_circuit_diagrams import experiments
from labcore.circuits.neural_circuit_diagrams.exercises import first_five, is_scores, least_ambiguous
from labcore.circuits.neural_circuit_diagrams.experiments import HEADS
from labcore.diagrams.architectures import ARCHITECTURES, EDITS, architecture
from labcore.diagrams.boxes import Contract, Diag, SoftMax
from labcore.diagrams.checks import declared, difference, draw, flops
from labcore.diagrams.code import compile
from labcore.diagrams.cost import cost
from labcore.diagrams.laws import LAWS
from labcore.diagrams.readings import distinct, nameless, readings
from labcore.diagrams.references import reference
from labcore.diagrams.text import parse


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_smallest_sizes_of_every_architecture(name, direction):
    low = {p.name: p.low for p in experiments.diagram.parameters.values() if p.kind == "int" and p.name != "seed"}
    frame = experiments.diagram.run(arch=name, direction=direction, **{n: int(v) for n, v in low.items()})
    assert frame.max_abs_diff < 1e-10 and frame.grad_diff < 1e-9
    strides = experiments.diagram.run(arch=name, direction=direction, x=4, y=2, stride=4, dilation=4)
    assert strides.max_abs_diff < 1e-10 and strides.grad_diff < 1e-9
    assert len(frame.cut) == len(frame.column) + 1
    assert parse(frame.attrs["text"]) is not None


@pytest.mark.parametrize("name", ["multihead", "vit_block", "unet_2level", "conv2d_strided_dilated"])
def test_largest_sizes(name):
    high = {n: experiments.diagram.parameters[n].high for n in ("x", "y", "m", "k", "h")}
    frame = experiments.diagram.run(arch=name, **{n: int(v) for n, v in high.items()}, stride=1)
    assert frame.max_abs_diff < 1e-9 and frame.grad_diff < 1e-6


def test_edits_change_the_function_and_the_cost():
    frames = {edit: experiments.diagram.run(edit=edit, x=16, y=16) for edit in EDITS}
    outs = [frame.out.values for frame in frames.values()]
    for i, one in enumerate(outs):
        for j in range(i):
            same = {EDITS[i], EDITS[j]} == {"no softmax", "values first"}
            assert np.allclose(one, outs[j], atol=1e-10) == same
    assert all(frame.grad_diff < 1e-9 for frame in frames.values())
    ignored = experiments.diagram.run(arch="mlp", edit="no softmax")
    assert np.array_equal(ignored.out, experiments.diagram.run(arch="mlp").out)


def test_the_frame_says_what_the_program_does():
    frame = experiments.diagram.run(x=10, y=6, m=5, k=3, h=2)
    d = architecture("multihead", x=10, y=6, m=5, k=3, h=2)
    assert parse(frame.attrs["text"]) == d
    assert frame.macs.values.sum() == cost(d).multiply_adds == flops(d) / 2
    assert frame.live.values.max() == cost(d).peak
    space = {}
    exec(frame.attrs["source"], space)
    out = space["multihead"](*draw(d, 0), *compile(d, 0).learned.values())
    np.testing.assert_allclose(out.detach().numpy(), frame.out.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("experiment", "values"), [("diagram", {}), ("scaling", {}), ("readings", {"h": 2})])
def test_same_bits_again_and_again(experiment, values):
    first = getattr(experiments, experiment).run(seed=1, **values)
    for _ in range(3):
        assert getattr(experiments, experiment).run(seed=1, **values).identical(first)


def test_a_picture_without_names_means_many_programs():
    d = parse(HEADS, y=3, x=3, k=3, h=3)
    inputs = draw(d, 0)
    named, nothing = (list(readings(d, inputs, flag)) for flag in (True, False))
    assert [r.operations for r in named] == [tuple(layer.box.data for layer in d.layers)]
    assert torch.allclose(named[0].out, compile(d)(*inputs), atol=1e-14)
    assert len(nothing) == 9 * 4 * 3 * 9 * 4
    other = distinct(nothing)
    assert 4 <= len(other) <= len(nothing)
    assert any(r.operations == named[0].operations for r in other)


def test_readings_are_what_the_type_checker_accepts():
    """With four different sizes only the axis of the softmax and which wires join first are left open."""
    d = parse(HEADS, y=2, x=3, k=4, h=5)
    found = list(readings(d, draw(d, 0), False))
    assert nameless(d.dom)[0].axes[0].name == "n2"
    assert {r.operations[3].i for r in found} == {0, 1, 2}
    for r in found:
        arrays = list(nameless(d.dom))
        for op in r.operations:
            arrays[: op.rows] = op.plan(*arrays[: op.rows]).cod
        assert sorted(a.size for a in arrays[0].axes) == [2, 4, 5]
    frame = experiments.readings.run(y=2, x=3, k=4, h=5)
    assert frame.functions.values.tolist() == [len(distinct(found)), 1] and frame.by_axis.values.sum() == len(found)


def test_two_readings_of_one_function_count_once():
    d = parse(HEADS, y=3, x=3, k=3, h=3)
    found = list(readings(d, draw(d, 0), True))
    turned = found[0]._replace(out=found[0].out.permute(2, 0, 1))
    moved = found[0]._replace(out=found[0].out + 1e-3)
    assert len(distinct([*found, turned])) == 1 and len(distinct([*found, turned, moved])) == 2
    assert {type(op) for op in found[0].operations} >= {Contract, Diag, SoftMax}


def test_the_reference_is_another_function_for_a_wrong_diagram():
    """Swapping stride and dilation, or the softmax axis, is what the first claim must catch."""
    d = architecture("conv1d", 3, 1, x=20)
    module, (x,) = compile(d), draw(d, 0)
    wrong = reference("conv1d", [x], dict(module.learned), 3, 2)
    assert wrong.shape != module(x).shape or not torch.allclose(wrong, module(x))
    swapped = experiments.diagram.run(edit="softmax over y", x=20, y=20)
    assert np.abs(swapped.out.values - experiments.diagram.run(x=20, y=20).out.values).max() > 1e-3
    with pytest.raises(ValueError, match="name = 'gpt'"):
        reference("gpt", [], {})


def test_scaling():
    frame = experiments.scaling.run(k=2)
    assert np.array_equal(frame.flops.values[0], 2 * frame.macs.values[0])
    assert frame.attrs["slope_attention"] == pytest.approx(2, abs=0.02)
    assert frame.attrs["slope_linear"] == pytest.approx(1, abs=0.02)
    ratio = frame.peak.values[:, -1] / frame.peak.values[:, 0]
    assert ratio[0] > 200 and ratio[1] < 17
    tiny = experiments.scaling.run(x_max=128, k=64)
    assert len(tiny.x) >= 3


@pytest.mark.parametrize("k", [1, 8, 64])
def test_the_law_of_the_memory_is_exact(k):
    """softmax: scores and values; the slope on log scales is that of x^2 only where k x is small beside it."""
    frame = experiments.scaling.run(k=k)
    x, laws = frame.x.values, [sympy.sympify(frame.attrs[f"law_{n}"]) for n in ("attention", "linear")]
    (unknown,) = laws[0].free_symbols
    assert laws[0] == unknown**2 + k * unknown and sympy.degree(laws[1]) == 1
    for law, peak in zip(laws, frame.peak.values, strict=True):
        np.testing.assert_array_equal([int(law.subs(unknown, int(n))) for n in x[2:]], peak[2:])
    assert (frame.attrs["slope_attention"] > 1.98) == (k == 1)


LAWFUL = [(law, "free") for law in LAWS]
STIFF = [(law, "bias or softmax in the way") for law in experiments.STIFF]


@pytest.mark.parametrize(("law", "way"), [*LAWFUL, *STIFF])
def test_a_law_keeps_the_function_and_what_stands_in_its_way_does_not(law, way):
    frame = experiments.rewrite.run(law=law, way=way, x=12, y=9, k=5, m=4)
    before, after = (parse(frame.attrs[side]) for side in ("before", "after"))
    assert (float(frame.apart) < 1e-12) == (way == "free") == (frame.attrs["refused"] == "")
    assert frame.boxes.values.tolist() == [len(before.layers), len(after.layers)]
    assert frame.macs.values.tolist() == [cost(before).multiply_adds, cost(after).multiply_adds]
    assert difference(before, after, 0) == float(frame.apart)
    if law == "slide":
        assert frame.macs.values.tolist() == [12 * 5 * 4, 5 * 4]


def test_sliders_belong_to_the_architectures_that_have_the_axis():
    for axis in "xymkh":
        assert set(experiments.diagram.parameters[axis].when["arch"]) == {
            n for n in ARCHITECTURES if axis in declared(n)
        }


# ---- the lesson's exercises


SCORES = "f(y=3, x=5, k=2) = Q[y k], K[x k] | contract k: (Q.k, K.k) | softmax x"


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (SCORES, True),
        (SCORES.replace("f(y=3, x=5, k=2)", " g( x = 4 , y = 6 , k = 1 ) "), True),
        (SCORES.replace("y", "a").replace("Q", "R"), True),
        (SCORES.replace("softmax x", "softmax y"), False),
        (SCORES.replace("| softmax x", ""), False),
        (SCORES.replace("| softmax", "| scale k^-1/2 | softmax"), False),
        ("f(y=3, x=5, k=2, j=3) = Q[y k], K[x j]", False),
        ("f(y=3, k=2) = Q[y k]", False),
    ],
)
def test_attention_weights_as_an_answer(answer, right):
    assert (is_scores(answer) is True) == right


@pytest.mark.parametrize(
    ("answer", "right"),
    [("154", True), ("154,0", True), (" 150.0 ", True), ("156", True), ("157", False), ("149", False)],
)
def test_when_softmax_attention_holds_five_times_as_much(answer, right):
    assert (first_five(answer) is True) == right


@pytest.mark.parametrize(
    ("answer", "right"),
    [("2 3 4 5", True), (" 5, 4, 3, 2", True), ("2.0 3 8/2 5", True), ("3 3 3 3", False), ("2 2 3 4", False)],
)
def test_sizes_that_tell_wires_apart(answer, right):
    assert (least_ambiguous(answer) is True) == right


@pytest.mark.parametrize("exercise", [is_scores, first_five, least_ambiguous])
def test_nothing_is_no_answer(exercise):
    try:
        assert exercise("") is not True
    except ValueError as error:
        assert str(error)
