"""The memory under the hand, without a page: what each hand does to the real network."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.hebbian.multitasking_hebbian import pattern_sums
from widgets import memory_board
from widgets.boards.memory import COUNT, NEURONS, SWEEPS, TICK, MemoryBoard, StaticMemoryBoard


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(MemoryBoard, "pause", 0.0)


def painted(board):
    return np.frombuffer(board.patterns, np.int8).reshape(COUNT, NEURONS)


def state(board):
    return np.frombuffer(board.state, np.int8)


def finish(board):
    board.run()
    board._thread.join(20)


def test_a_corrupted_letter_comes_back():
    board = MemoryBoard()
    letter = painted(board)[0]
    assert np.array_equal(state(board), letter)
    board.corrupt(0.25)
    assert (state(board) != letter).sum() == NEURONS // 4
    finish(board)
    assert np.array_equal(state(board), letter)
    first, last = board.history[0], board.history[-1]
    assert last[0] == SWEEPS and last[2] == 1.0 and last[1] < board.history[1][1] and first[2] == 1.0
    assert not board.running and "12 sweeps are done" in board.reading


def test_blanks_make_room_for_the_other_patterns():
    whole, half = (MemoryBoard("random", dilution=d) for d in (0.0, 0.5))
    blank = (painted(half) == 0).mean(1)
    assert (painted(whole) != 0).all() and (np.abs(blank - 0.5) < 0.12).all()
    recalled = []
    for board in (whole, half):
        finish(board)
        recalled.append(np.sort(np.abs(board.overlaps()))[::-1])
    assert recalled[0][0] > 0.95 and recalled[1][1] > 0.2 > recalled[0][1]
    free = painted(half)[0] == 0
    served = np.frombuffer(half.served, np.uint8)
    assert (served[~free] == 1).mean() > 0.8 and (served[free] > 1).mean() > 0.6


def test_more_dilution_keeps_the_blanks_that_were_there():
    board = MemoryBoard()
    board.set(dilution=0.3)
    some = painted(board) == 0
    board.set(dilution=0.6)
    more = painted(board) == 0
    assert some.sum() > 0 and (more & some).sum() == some.sum() < more.sum()


def test_paint_counts_only_after_store():
    board = MemoryBoard("empty")
    assert not painted(board).any() and not board.overlaps().any()
    board.paint(1, list(range(72)), 1)
    board.paint(1, list(range(72, 144)), -1)
    board.paint(1, [0, 999, -3], 0)
    assert board.changed and "press Store" in board.reading and not board.overlaps().any()
    assert painted(board)[1, 0] == 0 and painted(board)[1, 1] == 1 and not painted(board)[0].any()
    board.store()
    assert not board.changed
    board.show(1)
    assert board.overlaps().tolist() == [0, 143 / 144, 0]


def test_painting_the_state_moves_its_overlaps():
    board = MemoryBoard()
    before, points = board.overlaps().copy(), len(board.history)
    board.paint(-1, [5], -int(state(board)[5]))
    assert board.overlaps()[0] == pytest.approx(before[0] - 2 / NEURONS)
    assert len(board.history) == points + 1 and "A pixel" in board.reading


def test_the_sums_are_always_those_of_the_state():
    board = MemoryBoard("pictures", dilution=0.3, temperature=0.4)
    for act in (lambda: board.corrupt(0.4), board.step, lambda: board.advance(500), lambda: board.paint(-1, [3, 4], 1)):
        act()
        assert np.array_equal(board._sums, pattern_sums(board._patterns, board._spins))


def test_a_step_updates_the_neuron_that_it_names():
    board = MemoryBoard(temperature=0.0)
    board.corrupt(0.3)
    for _ in range(60):
        before = state(board).copy()
        board.step()
        moved = np.flatnonzero(state(board) != before)
        assert moved.tolist() in ([], [board.last])
        word = "becomes" if len(moved) else "stays"
        assert f"row {board.last // 12 + 1}, column {board.last % 12 + 1} has field" in board.reading
        assert f"it {word} {'ink' if state(board)[board.last] > 0 else 'paper'}" in board.reading
    energies = [row[1] for row in board.history[1:]]
    assert (np.diff(energies) <= 1e-12).all() and energies[-1] < energies[0]
    assert board.history[-1][0] == pytest.approx(60 / NEURONS)


def test_a_run_can_be_stopped(monkeypatch):
    monkeypatch.setattr(MemoryBoard, "pause", 0.02)
    board = MemoryBoard()
    board.run()
    board.stop()
    assert not board._thread.is_alive() and not board.running
    assert board.history[-1][0] < SWEEPS and "Stopped" in board.reading
    assert board.history[-1][0] * NEURONS % TICK == pytest.approx(0)


def test_the_same_hands_give_the_same_network():
    ends = []
    for _ in range(2):
        board = MemoryBoard("random", dilution=0.4, temperature=0.3, seed=5)
        board.show(-1)
        board.corrupt(0.2)
        finish(board)
        ends.append((board.state, board.history))
    assert ends[0] == ends[1]
    assert MemoryBoard("random", dilution=0.4, seed=6).patterns != board.patterns


def test_messages_of_the_page_reach_the_network():
    board = MemoryBoard()
    for message in (
        {"type": "set", "values": {"ready": "pictures", "dilution": 0.5, "bogus": 1}},
        {"type": "paint", "grid": 0, "cells": [7], "value": 0},
        {"type": "store"},
        {"type": "show", "pattern": 2},
        {"type": "corrupt", "share": 0.1},
        {"type": "step"},
        {"type": "nonsense"},
    ):
        board._heard(None, message, None)
    assert board.settings["ready"] == "pictures" and painted(board)[0, 7] == 0
    assert board.last >= 0 and not board.changed


@pytest.mark.parametrize(
    ("bad", "word"),
    [({"ready": "cats"}, "ready = 'cats'"), ({"dilution": 1.1}, "dilution"), ({"temperature": -1}, "temp")],
)
def test_nonsense_is_refused(bad, word):
    with pytest.raises(ValueError, match=word):
        MemoryBoard(**bad)


def test_impossible_paint_and_corruption_are_refused():
    board = MemoryBoard()
    for call in (lambda: board.paint(-1, [1], 0), lambda: board.paint(3, [1], 1), lambda: board.corrupt(1.5)):
        with pytest.raises(ValueError, match="is not allowed"):
            call()


def test_without_a_front_end_it_is_a_picture_and_a_sentence(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    shown = memory_board(dilution=0.4)
    assert isinstance(shown, StaticMemoryBoard)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/html"].count("<rect") == 5 * NEURONS
    assert "a fifth of its pixels" in bundle["text/plain"] and "pattern 3:" in bundle["text/plain"]
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    assert isinstance(memory_board(), MemoryBoard)
