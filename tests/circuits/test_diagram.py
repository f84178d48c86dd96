"""String diagrams: types are checked, composition and functors are what they should be."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.diagrams import Box, CompositionError, Diagram, Functor, Layer
from labcore.diagrams.diagram import mismatch

F, G, H = Box("f", ("a",), ("b", "c")), Box("g", ("b",), ("b",)), Box("h", ("c", "b"), ())
STATE = Box("state", (), ("a",))
BOXES = (F, G, H, STATE)


def random_diagram(rng: np.random.Generator, dom: tuple = ("a", "b"), layers: int = 6) -> Diagram:
    """Boxes wherever they fit."""
    diagram = Diagram(dom)
    for _ in range(layers):
        fits = [
            Layer(i, box)
            for box in BOXES
            for i in range(len(diagram.cod) - len(box.dom) + 1)
            if diagram.cod[i : i + len(box.dom)] == box.dom and len(diagram.cod) - len(box.dom) + len(box.cod) <= 4
        ]
        diagram = Diagram(dom, (*diagram.layers, fits[rng.integers(len(fits))]))
    return diagram


def semantics(box: Box, rng_seed: int = 0) -> np.ndarray:
    """A random matrix for each box, 2 numbers a wire."""
    rng = np.random.default_rng([rng_seed, *box.name.encode()])
    return rng.normal(size=(2 ** len(box.cod), 2 ** len(box.dom)))


def matrix(diagram: Diagram) -> np.ndarray:
    total = np.eye(2 ** len(diagram.dom))
    for layer, cut in zip(diagram.layers, diagram.cuts, strict=False):
        below = len(cut) - layer.offset - len(layer.box.dom)
        total = np.kron(np.kron(np.eye(2**layer.offset), semantics(layer.box)), np.eye(2**below)) @ total
    return total


def test_cuts_are_the_wires_between_layers():
    diagram = Diagram(("a", "b"), (Layer(0, F), Layer(1, H)))
    assert diagram.cuts == (("a", "b"), ("b", "c", "b"), ("b",)) and diagram.cod == ("b",)
    assert Diagram.of(F).dom == ("a",) and Diagram.of(F).cod == ("b", "c")
    assert Diagram(("a",)).cod == ("a",)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Diagram(("a",), (Layer(0, G),)), "wire 1: a comes in, b is wanted"),
        (lambda: Diagram(("a",), (Layer(0, F), Layer(1, G))), "Column 2, g: wire 2: c comes in, b is wanted"),
        (lambda: Diagram(("a",), (Layer(1, STATE), Layer(2, G))), "0 wires come in, 1 are wanted"),
        (lambda: Diagram(("b",), (Layer(-1, G),)), "Column 1, g: wire 0 is none of the 1"),
        (lambda: Diagram(("b",), (Layer(3, STATE),)), "Column 1, state: wire 4 is none of the 1"),
        (lambda: Diagram.of(F) >> Diagram.of(G), "2 wires come in, 1 are wanted"),
    ],
)
def test_what_does_not_fit_is_refused(build, words):
    with pytest.raises(CompositionError, match=words):
        build()


def test_objects_may_say_where_they_differ():
    class Axis:
        def __init__(self, size):
            self.size = size

        def __eq__(self, other):
            return self.size == other.size

        def __hash__(self):
            return hash(self.size)

        def difference(self, other):
            return f"{self.size} is not {other.size}"

    assert mismatch((Axis(1), Axis(2)), (Axis(1), Axis(3))) == "wire 2: 2 is not 3"
    with pytest.raises(ValueError, match="equal"):
        mismatch(("a",), ("a",))


@pytest.mark.parametrize("seed", range(5))
def test_composition_is_that_of_matrices(seed):
    rng = np.random.default_rng(seed)
    first = random_diagram(rng)
    second = random_diagram(rng, first.cod, 3)
    third = random_diagram(rng, ("b",), 3)
    np.testing.assert_allclose(matrix(first >> second), matrix(second) @ matrix(first), rtol=1e-10)
    np.testing.assert_allclose(matrix(first @ third), np.kron(matrix(first), matrix(third)), rtol=1e-10)
    assert first >> Diagram(first.cod) == first == Diagram(first.dom) >> first
    assert first @ Diagram(()) == first == Diagram(()) @ first
    assert (first @ second) @ third == first @ (second @ third)
    # the interchange law holds for what diagrams mean, not for how they are written
    left, right = (first @ third) >> (second @ Diagram(third.cod)), (first >> second) @ third
    np.testing.assert_allclose(matrix(left), matrix(right), rtol=1e-10)


def doubling() -> Functor:
    """Every wire becomes two, and every box two copies of itself, one after the other, on every second wire."""

    def ar(box: Box) -> Diagram:
        wide = Box(
            box.name * 2, tuple(x for ob in box.dom for x in (ob, ob)), tuple(x for ob in box.cod for x in (ob, ob))
        )
        return Diagram.of(wide)

    return Functor(lambda ob: (ob, ob), ar)


def unfolding() -> Functor:
    """b becomes nothing, a and c stay; f becomes two boxes."""
    halves = Box("f1", ("a",), ("m",)), Box("f2", ("m",), ("c",))
    images = {
        "f": Diagram.of(halves[0]) >> Diagram.of(halves[1]),
        "g": Diagram(()),
        "h": Diagram.of(Box("h'", ("c",), ())),
        "state": Diagram.of(STATE),
    }
    return Functor(lambda ob: () if ob == "b" else (ob,), lambda box: images[box.name])


@pytest.mark.parametrize("functor", [doubling(), unfolding()], ids=["doubling", "unfolding"])
@pytest.mark.parametrize("seed", range(5))
def test_functor_keeps_composition(functor, seed):
    rng = np.random.default_rng(seed)
    first = random_diagram(rng)
    second, third = random_diagram(rng, first.cod, 4), random_diagram(rng, ("b",), 3)
    assert functor(first >> second) == functor(first) >> functor(second)
    assert functor(first @ third) == functor(first) @ functor(third)
    assert functor(Diagram(("a", "b"))) == Diagram(functor.of_type(("a", "b")))
    assert functor(first).dom == functor.of_type(first.dom) and functor(first).cod == functor.of_type(first.cod)


def test_functor_counts_the_wires_above():
    image = unfolding()(Diagram(("b", "c", "a"), (Layer(2, F),)))
    assert [layer.offset for layer in image.layers] == [1, 1]


def test_functor_refuses_an_image_of_the_wrong_type():
    with pytest.raises(CompositionError, match="The image of g does not fit: wire 1: a comes in, b is wanted"):
        Functor(lambda ob: (ob,), lambda box: Diagram.of(STATE) if box is STATE else Diagram(("a",)))(Diagram.of(G))
