"""The KAN under the hand, without a page: what each hand does to the real network."""

from __future__ import annotations

import numpy as np
import pytest

from widgets.boards.kan import KanBoard


@pytest.fixture
def board() -> KanBoard:
    return KanBoard(lambda x, y: x * y, steps=60)


def curve(board: KanBoard, edge: str) -> tuple[np.ndarray, np.ndarray]:
    board.select(edge)
    return np.array(board.opened["x"]), np.array(board.opened["y"])


def test_a_dragged_point_moves_its_span_and_nothing_else(board):
    x, before = curve(board, "0-1-0")
    low, high = board.opened["spans"][2]
    others = {e["id"]: curve(board, e["id"])[1] for e in board.edges if e["id"] != "0-1-0"}
    board.drag("0-1-0", 2, board.opened["points"][2][1] + 3)
    moved = np.abs(curve(board, "0-1-0")[1] - before) > 1e-6
    assert moved.any() and (x[moved] > low - 1e-9).all() and (x[moved] < high + 1e-9).all()
    assert all(np.array_equal(curve(board, e)[1], y) for e, y in others.items())


def test_a_dragged_point_ends_at_its_height_and_moves_the_output(board):
    before = board.output().copy()
    board.drag("0-0-1", 4, 1.75)
    assert board.opened["points"][4][1] == pytest.approx(1.75, abs=1e-5)
    assert np.abs(board.output() - before).max() > 1e-3
    assert np.frombuffer(board.surface, np.float32) == pytest.approx(board.output())


def test_refining_keeps_the_function(board):
    board.train()
    board._thread.join()
    board.drag("0-0-0", 3, 2.0)
    board.refine()
    after = board.output().copy()
    intervals = board.network.layers[0].basis.intervals
    board.refine()
    assert board.network.layers[0].basis.intervals == 2 * intervals == 20
    assert board.output() == pytest.approx(after, abs=1e-4)


def test_refining_ends_somewhere(board):
    for _ in range(6):
        board.refine()
    assert board.network.layers[0].basis.intervals <= 80 and "most" in board.reading


def test_training_learns_and_stops(board):
    before = board.error()
    board.train()
    board._thread.join()
    assert board.error() < 0.5 * before and board.history[-1][0] == 60
    board.train()
    board.stop()
    assert not board._thread.is_alive() and "Stopped" in board.reading


def test_symbols_are_offered_and_taken(board):
    x, y = curve(board, "0-0-0")
    points = board.opened["points"]
    for index, (place, _) in enumerate(points):
        board.drag("0-0-0", index, np.sin(2 * place))
    board.suggest("0-0-0")
    offers = {s["name"]: s["r2"] for s in board.opened["suggestions"]}
    assert offers["sin"] > 0.99
    before = curve(board, "0-0-0")[1]
    board.snap("0-0-0", "sin")
    assert curve(board, "0-0-0")[1] == pytest.approx(before, abs=0.1)
    assert next(e for e in board.edges if e["id"] == "0-0-0")["symbol"] == "sin"
    board.drag("0-0-0", 1, 1.0)
    assert "no control points" in board.reading
    with pytest.raises(ValueError, match="there is no symbol 'sine'"):
        board.snap("0-0-0", "sine")


def test_the_best_fit_is_offered_first_and_a_bad_one_is_called_so(board):
    board.train()
    board._thread.join()
    for edge in [e["id"] for e in board.edges]:
        board.suggest(edge)
        offers = [s["r2"] for s in board.opened["suggestions"]]
        assert offers == pytest.approx(sorted(offers, reverse=True), abs=1e-4)
        assert ("below 0.9" in board.reading) == (offers[0] < 0.9)
    for index, _ in enumerate(board.opened["points"]):  # no symbol goes up and down like this
        board.drag(edge, index, 3.0 * (-1) ** index)
    board.suggest(edge)
    assert board.opened["suggestions"][0]["r2"] > 0 and "below 0.9" in board.reading
    board.snap(edge, "0")
    assert "R² 0.00" in board.reading and "another network" in board.reading


def test_of_equal_fits_the_simplest_is_offered_first(board):
    board.select("0-0-0")
    board.network.layers[0].base.data[:] = 0
    for index, (place, _) in enumerate(board.opened["points"]):
        board.drag("0-0-0", index, 2 * place)
    board.suggest("0-0-0")
    assert board.opened["suggestions"][0]["name"] == "x"
    board.prune("0-0-0")
    board.suggest("0-0-0")
    assert board.opened["suggestions"][0]["name"] == "0"


def test_a_constant_target_is_learned():
    board = KanBoard(lambda x, y: 1.0, steps=60)
    before = board.error()
    board.train()
    board._thread.join()
    assert board.range == [1.0, 1.0] and board.error() < 0.5 * before


@pytest.mark.parametrize("target", [lambda x, y: x[:3], lambda x, y: 1 / (x - x), lambda x, y: float("nan")])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_target_that_is_no_picture_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        KanBoard(target)


def test_a_pruned_edge_is_silent(board):
    board.prune("1-0-1")
    assert curve(board, "1-0-1")[1] == pytest.approx(0)
    assert not next(e for e in board.edges if e["id"] == "1-0-1")["alive"]


def test_the_same_seed_is_the_same_network(board):
    first = board.output().copy()
    board.drag("0-0-0", 1, 5.0)
    board.reset()
    assert np.array_equal(board.output(), first)


@pytest.mark.parametrize("bad", [{"hidden": 0}, {"intervals": 81}, {"k": 6}])
def test_sizes_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        KanBoard(lambda x, y: x, **bad)
