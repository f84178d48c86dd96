"""Pictures of neural circuit diagrams: the drawing is whole, and its cost stands under it."""

import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from labcore.circuits.neural_circuit_diagrams import experiments
from labcore.circuits.neural_circuit_diagrams import view as views
from labcore.diagrams.architectures import ARCHITECTURES
from labcore.diagrams.drawing import layout
from labcore.diagrams.text import parse
from labcore.figure import on_paper


def view(name, **values):
    frame = getattr(experiments, name).run(**values)
    spec = getattr(views, name)(frame)
    go.Figure(on_paper(spec))  # plotly accepts it
    assert len(spec["data"]) < 10
    assert any((trace.get("meta") or {}).get("pin") for trace in spec["data"])
    return frame, spec


def trace(spec, name):
    return next(t for t in spec["data"] if t["name"] == name)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_drawing_is_whole(arch):
    frame, spec = view("diagram", arch=arch)
    scene = layout(parse(frame.attrs["text"]), "all")
    axes = trace(spec, "axes")
    drawn = int(np.isnan(np.asarray(axes["x"])).sum())
    assert drawn >= sum(not w.scalar for w in scene.wires)
    words = trace(spec, "names")["text"]
    for axis in {label.axis for label in scene.labels}:
        assert any(f"<i>{axis}</i>" in word for word in words)
    assert sum("★" in word for word in words) == sum(m.kind == "trapezoid" for m in scene.marks)
    assert all(any(m.text in word for word in words) for m in scene.marks if m.text.strip())


@pytest.mark.parametrize(
    "arch, direction", list(itertools.product(["multihead", "vit_block"], ["forward", "backward"]))
)
def test_bars_stand_under_their_columns(arch, direction):
    frame, spec = view("diagram", arch=arch, direction=direction)
    drawn = parse(frame.attrs["text"])
    scene = layout(drawn, "all")
    memory, work = [t for t in spec["data"] if t["type"] == "bar"]
    np.testing.assert_array_equal(memory["y"], frame.live)
    np.testing.assert_array_equal(work["y"], frame.macs)
    assert (np.diff(memory["x"]) > 0).all()
    for column in scene.columns:  # a cut of the drawing has its bar right below
        for path, _, x in column.cuts:
            assert path or np.isclose(memory["x"], x).any()
    for x, left, right in zip(work["x"], memory["x"], memory["x"][1:]):
        assert left < x < right
    # an operation of a column stands between the cuts around that column
    spans = {box: (c.x0, c.x1) for c in scene.columns for box in c.boxes}
    for k, layer in enumerate(drawn.layers):
        if not hasattr(layer.box.data, "body") and not any(hasattr(o.box.data, "body") for o in drawn.layers[:k]):
            x0, x1 = spans[str(k)]
            assert x0 - 60 < work["x"][k] < x1 + 60


def test_the_most_memory_is_pointed_at():
    frame, spec = view("diagram", arch="attention", x=200, y=100)
    notes = [note["text"] for note in spec["layout"]["annotations"]]
    assert [n for n in notes if n.startswith(f"most at once: {int(frame.live.max()):,}")]
    (line,) = spec["layout"]["shapes"]
    memory = trace(spec, "numbers in memory")
    assert line["x0"] == memory["x"][int(frame.live.values.argmax())]


def test_scaling_shows_what_is_predicted_and_what_is_counted():
    frame, spec = view("scaling", x_max=256)
    for model, name in (("attention", "softmax attention"), ("linear_attention", "linear attention")):
        row = frame.sel(model=model)
        np.testing.assert_array_equal(trace(spec, f"memory, {name}")["y"], row.peak)
        np.testing.assert_array_equal(2 * trace(spec, f"counted, {name}")["y"], row.flops)


def test_readings_show_both_counts():
    frame, spec = view("readings", h=2)
    notes = " ".join(note["text"] for note in spec["layout"]["annotations"])
    assert all(f"<b>{int(n):,}</b>" in notes for n in frame.functions)
    assert len(trace(spec, "each reading of the picture")["y"]) == frame.sizes["reading"]
