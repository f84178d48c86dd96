"""Addition on a clock: the vote in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from labcore.generalization.modular_addition import even_phases, flawed_indicator, voters, votes
from labcore.generalization.modular_addition.exercises import turned_by_one


def built(p, n=3, seed=0, **more):
    k = np.arange(1, (p - 1) // 2 + 1)
    first = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(k))
    return voters(p, *even_phases(k, n, first), **more)


@pytest.mark.parametrize("p", [7, 11, 15])
@pytest.mark.parametrize("n", [3, 5, 6])
def test_the_votes_are_the_flawed_indicator_for_every_pair(p, n):
    theta, xi = built(p, n)
    for x in range(p):
        for y in range(p):
            assert votes(theta, xi, x, y).sum(0) == pytest.approx(flawed_indicator(p, n, x, y), abs=1e-10)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_other_phases_do_not_cancel(n):
    theta, xi = built(11, n)
    off = votes(theta, xi, 2, 5).sum(0) - n / 3 * flawed_indicator(11, 3, 2, 5)
    assert np.abs(off).max() > 0.1
    with pytest.raises(ValueError, match=f"n = {n} is not allowed"):
        flawed_indicator(11, n, 2, 5)


def test_a_turned_first_layer_adds_the_turn_twice():
    p, n = 11, 5
    theta, xi = built(p, n, turn=2)
    assert votes(theta, xi, 1, 3).sum(0) == pytest.approx(flawed_indicator(p, n, 3, 5), abs=1e-10)


def test_what_is_not_on_the_clock_is_refused():
    with pytest.raises(ValueError, match="p = 12 is not allowed"):
        built(12)
    with pytest.raises(ValueError, match="y = 11 is not allowed"):
        votes(*built(11), 3, 11)


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert turned_by_one("13") is turned_by_one("26/2") is True
    assert "not turned" in turned_by_one("11") and "Each of the two" in turned_by_one("12")
