"""The drawing of neural circuit diagrams: it can be read back, and it is neat."""

import dataclasses
import functools
import itertools
import json
import random
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import pytest

from labcore.diagrams import Axis, AxisError, Diagram, architecture, backprop, layout
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.axes import symbol
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Block,
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
    Sketch,
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
    unfolded,
)
from labcore.diagrams.glyph_reading import size_of
from labcore.diagrams.read_back import read_back
from labcore.diagrams.scene import NAME_SIZE, NUMBER_SIZE, PITCH, Scene
from tests.circuits.building import array, composed

a, b, c, d = (Axis(name, size) for name, size in zip("abcd", (2, 3, 4, 6)))
NAMES = [f"{name}{mark}" for name in ARCHITECTURES for mark in ("", " backwards")]


@functools.cache
def diagram_of(name: str) -> Diagram:
    key, _, back = name.partition(" ")
    return backprop(architecture(key)) if back else architecture(key)


@functools.cache
def scene_of(name: str) -> Scene:
    return layout(diagram_of(name))


def bare(scene: Scene, seed: int = 0) -> Scene:
    """The scene without its bookkeeping, and in another order: what a person sees on paper."""
    shuffle = random.Random(seed).sample
    nothing = {"axis": "", "size": "", "wire": -1, "column": -1, "row": -1, "leg": -1, "box": ""}

    def stripped(items):
        for item in shuffle(items, len(items)):
            known = {f.name for f in dataclasses.fields(item)}
            keep = {"axis", "size"} if type(item).__name__ == "Label" else set()
            yield dataclasses.replace(item, **{k: v for k, v in nothing.items() if k in known - keep})

    parts = {name: tuple(stripped(getattr(scene, name))) for name in ("wires", "dashes", "labels", "marks", "fences")}
    return dataclasses.replace(scene, columns=(), width=0.0, height=0.0, **parts)


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_means_its_diagram(name):
    assert read_back(bare(scene_of(name))) == diagram_of(name)


abab, third = array(a, b, a, b), Fraction(-1, 3)
body = composed((array(a, b),), Sum(0))
ZOO = [
    ((array(a, b), array(c)), Outer()),
    ((array(), array(c)), Outer()),
    ((array(c), array()), Outer()),
    ((array(), array()), Outer()),
    ((abab,), Contract(0, 2)),
    ((abab,), Contract(3, 1)),
    ((array(a, a),), Contract(0, 1)),
    ((abab,), Diag(1, 3)),
    ((abab,), Diag(2, 0)),
    ((array(a, b),), Spread(0)),
    ((array(a, b),), Spread(1)),
    ((array(a),), Unit(b)),
    ((array(a),), Ones(b)),
    ((array(a, b, c),), Sum(1)),
    ((array(a),), Sum(0)),
    ((array(a, b),), Mean(1)),
    ((array(a, b),), Max(0)),
    ((array(a, b),), Largest(1)),
    ((array(a, b),), Scale(0.25)),
    ((array(),), Scale(-2.5e-7, ((Axis("k", symbol("k")), third), (a, Fraction(2))))),
    ((array(a, b, c),), Transpose((2, 0, 1))),
    ((abab,), Transpose((2, 1, 0, 3))),
    ((array(a, b, c),), Linear("W", (2, 0), (d, a), bias=True)),
    ((array(a, b, c),), Linear("W", (1,), (), (0, 2), transposed=True)),
    ((array(a, b),), Linear("W", (), (c,), (0,))),
    ((array(),), Linear("W", (), (c, d))),
    ((array(a),), Weight("K", (b, c))),
    ((array(a),), Elementwise("relu")),
    ((array(),), Elementwise("gelu", True)),
    ((array(a, b),), SoftMax(0)),
    ((abab,), Norm((0, 3))),
    ((abab,), Deviation((3, 0))),
    ((array(a, b, c),), Bias("B", (0, 2))),
    ((array(a, b),), Bias("B", ())),
    ((array(a, b, c),), Group(0, 2, "ab")),
    ((array(a, d),), Split(1, (a, b))),
    ((array(a, b, c),), Bundle(1, 2, "p")),
    ((array(c, Axis("x", symbol("x")), b, a),), Bundle(1, 3, "p")),
    ((array(c, Axis.of("p", (a, b))),), Split(1, (a, b))),
    ((array(Axis.of("p", (a, b)), c, Axis.of("p", (a, b))),), Contract(0, 2)),
    ((array(Axis.of("p", (a, b)), c),), SoftMax(0)),
    ((array(a, b, c),), Index(1, 2)),
    ((array(a, b),), Place(1, c, 3)),
    ((array(a, b),), Place(2, c, 0)),
    ((array(a, d),), Slice(1, b, 2)),
    ((array(a, b),), Insert(1, d, 3)),
    ((array(a, Axis("x", 9)),), Star(1, "y", b, 2, 1, 1)),
    ((array(Axis("x", 9), a),), Star(0, "x'", b, 1, 2, 0)),
    ((array(Axis("x", symbol("x")), a),), Star(0, "x'", b, 3, 2, 1)),
    ((array(b, a, Axis("y", 5)),), StarTransposed(2, 0, Axis("x", 9), 2, 1, 1)),
    ((array(a, b),), Copy()),
    ((array(),), Copy()),
    ((array(a, b),), Drop()),
    ((array(),), Drop()),
    ((array(a, b), array(a, b)), Add()),
    ((array(), array()), Mul()),
    ((array(a, b), array(a, c)), Concat(1, "bc")),
    ((array(a),), Zero((b, c))),
    ((array(a),), Zero(())),
    ((array(a), array(a)), SwapArrays()),
    ((array(a, b), array(), array(c)), SwapArrays((2, 0, 1))),
    ((array(a, b),), Block("f", body)),
    ((array(a, b),), Block("outer", composed((array(a, b),), Block("inner", body)))),
]


@pytest.mark.parametrize("dom, op", ZOO, ids=lambda v: type(v).__name__ if not isinstance(v, tuple) else "")
@pytest.mark.parametrize("around", [0, 1])
def test_every_operation_can_be_read_back(dom, op, around):
    """Alone, and between two other arrays."""
    rest = (array(d, c),) * around
    diagram = composed((*rest, *dom, *rest), (op, around))
    if not all(diagram.cuts):
        with pytest.raises(ValueError, match="no array"):  # nothing is on paper
            read_back(bare(layout(diagram)))
        return
    assert read_back(bare(layout(diagram))) == diagram


def test_neighbouring_boxes_that_start_or_end_arrays_keep_their_order():
    pool = [Drop(), Ones(b), Copy(), Unit(c), Sum(0), Weight("W", (a, b))]
    tried = 0
    for ops in itertools.product(pool, repeat=2):
        for rows in itertools.product(range(3), repeat=2):
            sketch = Sketch((array(a, b), array(a), array(c, d)))
            try:
                for op, row in zip(ops, rows):
                    sketch.do(op, row)
            except AxisError:
                continue
            tried += 1
            assert read_back(bare(layout(sketch.diagram))) == sketch.diagram, (ops, rows)
    assert tried > 250


def test_the_meaning_is_in_the_picture():
    """What is changed on paper is read: another name, a missing dash, a missing dot."""
    scene = layout(architecture("multihead"))
    first = next(label for label in scene.labels if label.axis == "k")
    renamed = tuple(dataclasses.replace(t, axis="z") if t == first else t for t in scene.labels)
    with pytest.raises(ValueError, match="z.*k"):
        read_back(dataclasses.replace(scene, labels=renamed))
    with pytest.raises(ValueError):
        read_back(dataclasses.replace(scene, dashes=scene.dashes[1:]))
    with pytest.raises(ValueError):
        read_back(dataclasses.replace(scene, marks=tuple(m for m in scene.marks if m.kind != "dot")))


def test_a_triangle_on_another_line_is_another_softmax():
    one, other = (layout(composed((array(a, b),), SoftMax(i))) for i in (0, 1))
    assert read_back(one).layers[0].box.data.i == 0 and read_back(other).layers[0].box.data.i == 1
    swapped = dataclasses.replace(one, wires=other.wires, marks=other.marks)
    assert read_back(swapped) == composed((array(a, b),), SoftMax(1))


@pytest.mark.parametrize("text", ["7", "x", "floor(x'/2 + 1/2) + 1", "2*a*b"])
def test_sizes_are_read_as_they_are_written(text):
    size = size_of(text)
    assert str(size) == text and all(s == symbol(s.name) for s in getattr(size, "free_symbols", ()))


def rectangle(label):
    wide = len(label.axis) * NAME_SIZE * 0.56 + 3 + len(label.size) * NUMBER_SIZE * 0.6
    return label.x - wide / 2, label.y - 11, label.x + wide / 2, label.y + 2


def outline(points, margin=0.0):
    xs, ys = zip(*points)
    return min(xs) + margin, min(ys) + margin, max(xs) - margin, max(ys) - margin


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def crosses(points, box):
    """Whether a way goes through the inside of a rectangle."""
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        low, high = max(x0, box[0]), min(x1, box[2])
        if low >= high or x0 == x1:
            continue
        ys = [y0 + (y1 - y0) * (x - x0) / (x1 - x0) for x in (low, high)]
        if min(ys) < box[3] and max(ys) > box[1]:
            return True
    return False


FORWARD = [name for name in NAMES if " " not in name] + ["attention backwards", "residual_block backwards"]


@pytest.mark.parametrize("name", FORWARD)
def test_labels_stand_free(name):
    scene = scene_of(name)
    boxes = [(label, rectangle(label)) for label in scene.labels]
    shapes = [outline(m.points) for m in scene.marks if len(m.points) > 2]
    lines = [(line.points[0][0], line.points[-1][0], line.points) for line in (*scene.wires, *scene.dashes)]
    for n, (label, box) in enumerate(boxes):
        assert not any(overlap(box, other) for _, other in boxes[n + 1 :]), label
        assert not any(overlap(box, shape) for shape in shapes), label
        near = [points for x0, x1, points in lines if x0 < box[2] and x1 > box[0]]
        assert not any(crosses(points, box) for points in near), label
        assert 0 <= box[0] and box[2] <= scene.width and 0 <= box[1] and box[3] <= scene.height


@pytest.mark.parametrize("name", FORWARD)
def test_no_line_goes_through_a_shape_that_it_does_not_touch(name):
    scene = scene_of(name)
    kinds = ("letter", "box", "triangle", "trapezoid", "pentagon")
    shapes = [outline(m.points, 2.0) for m in scene.marks if m.kind in kinds]
    shapes += [
        (x - m.r + 1, y - m.r + 1, x + m.r - 1, y + m.r - 1)
        for m in scene.marks
        if m.kind == "circle"
        for x, y in m.points
    ]
    for shape in shapes:
        assert not any(crosses(line.points, shape) for line in (*scene.wires, *scene.dashes))


@pytest.mark.parametrize("name", FORWARD)
def test_lines_go_on_and_stand_at_a_constant_pitch(name):
    scene = scene_of(name)
    by_column = {}
    for wire in scene.wires:
        by_column.setdefault(wire.column, []).append(wire)
    for n, column in enumerate(scene.columns):
        wires = by_column[n]
        if column.kind == "data":
            rows = {}
            for wire in wires:
                (x0, y0), (x1, y1) = wire.points[0], wire.points[-1]
                assert (x0, x1) == (column.x0, column.x1) and y0 == y1
                rows.setdefault(wire.row, {})[wire.leg] = y0
            for legs in rows.values():
                steps = {round(legs[k + 1] - legs[k], 6) for k in range(len(legs) - 1)}
                assert steps <= {PITCH}
        else:  # each line of the cut before comes in at its height, each line of the cut after goes out at its own
            for near, cut, end in ((column.x0, by_column[n - 1], 0), (column.x1, by_column[n + 1], -1)):
                ys = sorted(w.points[end][1] for w in wires if abs(w.points[end][0] - near) < 1e-6)
                assert ys == pytest.approx(sorted(w.points[0][1] for w in cut))
            for wire in wires:
                assert all(q[0] > p[0] for p, q in zip(wire.points, wire.points[1:])), "time runs to the right"


@pytest.mark.parametrize("name", FORWARD)
def test_a_box_touches_its_own_lines_and_all_others_pass(name):
    scene = scene_of(name)
    for column in scene.columns:
        if column.kind == "operation":
            ids = {w.box for w in scene.wires if column.x0 <= w.points[0][0] < column.x1}
            assert ids <= {"", *column.boxes}
    triangles = [m for m in scene.marks if m.kind == "triangle"]
    for triangle in triangles:
        own = [w for w in scene.wires if w.box == triangle.box]
        assert len(own) == 2 and len({w.wire for w in own}) == 1


def test_boxes_of_independent_arrays_share_a_column():
    scene = layout(architecture("multihead"))
    letters = [m for m in scene.marks if m.text == "L" and m.sup in "QKV"]
    assert len({m.column for m in letters}) == 1 and len({m.points[0][1] for m in letters}) == 3


@pytest.mark.parametrize("name", FORWARD)
def test_cuts_and_boxes_of_a_drawing_are_those_of_the_diagram(name):
    diagram, scene = diagram_of(name), scene_of(name)
    cuts = [(path, cut, x) for column in scene.columns for path, cut, x in column.cuts if path == ""]
    assert [cut for _, cut, _ in cuts] == list(range(len(diagram.layers) + 1))
    xs = [x for _, _, x in cuts]
    assert xs == sorted(xs)
    boxes = [box for column in scene.columns for box in column.boxes]
    assert boxes == [".".join(map(str, path)) for path, _ in unfolded(diagram)]


def test_folding_closes_blocks():
    diagram = architecture("transformer_block")
    blocks = [str(k) for k, layer in enumerate(diagram.layers) if type(layer.box.data).__name__ == "Block"]
    opened, closed = layout(diagram), layout(diagram, "all")
    assert [f.folded for f in opened.fences] == [False] * len(blocks)
    assert [(f.box, f.folded) for f in closed.fences] == [(box, True) for box in blocks]
    assert len(closed.wires) < len(opened.wires) / 3 and closed.width < opened.width / 2
    half = layout(diagram, blocks[:1])
    assert sorted((f.box, f.folded) for f in half.fences) == [(blocks[0], True), (blocks[1], False)]
    with pytest.raises(ValueError, match="folded"):
        read_back(closed)
    with pytest.raises(ValueError, match="folded = '1'"):
        layout(diagram, "1")


def test_fences_hold_their_own_and_nothing_else():
    for name in ("transformer_block", "residual_block", "unet_2level", "vit_block"):
        scene = scene_of(name)
        for fence in scene.fences:
            x0, y0, x1, y1 = outline(fence.points)
            for mark in scene.marks:
                xs, ys = zip(*mark.points)
                inside = mark.box.startswith(fence.box + ".")
                if inside:
                    assert x0 < min(xs) and max(xs) < x1 and y0 < min(ys) and max(ys) < y1, (name, mark)
                else:
                    assert max(xs) < x0 or x1 < min(xs) or max(ys) < y0 or y1 < min(ys), (name, mark)


def test_the_same_diagram_gives_the_same_drawing():
    one, other = (layout(architecture("vit_block")) for _ in range(2))
    assert one == other and one.to_svg() == other.to_svg()


@pytest.mark.parametrize("name", ["multihead", "unet_2level", "attention backwards"])
def test_svg_and_json_hold_the_whole_scene(name):
    scene = scene_of(name)
    root = ElementTree.fromstring(scene.to_svg())
    texts = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert all(f"{label.axis}{label.size}" in texts for label in scene.labels)
    assert all(mark.text in text for mark in scene.marks for text in [" ".join(texts)])
    found = json.loads(json.dumps(scene.to_dict()))
    assert {k: len(v) for k, v in found.items() if isinstance(v, list)} == {
        k: len(getattr(scene, k)) for k in ("columns", "wires", "dashes", "labels", "marks", "fences")
    }
    assert found["columns"][0]["cuts"][0].keys() == {"path", "cut", "x"}


def test_names_are_escaped():
    odd = Axis("<a&'\">", 3)
    svg = layout(Diagram((array(odd),))).to_svg()
    assert "<a&" not in svg
    ElementTree.fromstring(svg)


def test_sixty_boxes_are_drawn():
    """How long that takes is a row of the benchmarks, as growth over the columns."""
    sketch = Sketch((array(a, b, c, d), array(a, b, c, d), array(a, b, c, d)))
    for n in range(60):
        sketch.do(SoftMax(n % 4) if n % 3 else Transpose((1, 0, 3, 2)), 2 - n % 3)
    scene = layout(sketch.diagram)
    assert sum(len(column.boxes) for column in scene.columns) == 60
    ElementTree.fromstring(scene.to_svg())
