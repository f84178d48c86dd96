"""The low-rank Glauber kernel against a stored matrix, exact integers, T = 0, and Boltzmann's distribution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba import njit

from labcore.hebbian.multitasking_hebbian import draw_patterns, examples, glauber, hebbian


def network(n=60, k=4, d=0.3, seed=0):
    rng = np.random.default_rng(seed)
    patterns = draw_patterns(n, k, d, rng)
    spins = rng.choice(np.array([-1, 1], np.int8), n)
    return patterns, spins, rng


def dense(patterns, gain=1.0):
    """J = gain P P^T / N without its diagonal: what the kernel never stores."""
    wide = patterns.astype(float)
    couplings = gain * np.einsum("iq,jq->ij", wide, wide) / len(wide)
    np.fill_diagonal(couplings, 0)
    return couplings


@pytest.mark.parametrize("temperature", [0.0, 0.02, 0.3, 5.0])
@pytest.mark.parametrize("teacher", [None, True, False])
def test_the_spins_are_those_of_the_stored_matrix(temperature, teacher):
    patterns, spins, rng = network()
    columns, gain = patterns, 1.0
    if teacher is not None:
        columns, gain = hebbian(examples(draw_patterns(60, 2, 0.3, rng), 3, 0.4, rng), 0.4, teacher)
    sites, uniforms = rng.integers(0, 60, 3000), rng.random(3000)
    couplings, slow, flips = dense(columns, gain), spins.copy(), 0
    sums, beta = glauber.pattern_sums(columns, spins), np.inf if temperature == 0 else 1 / temperature
    for i, u in zip(sites, uniforms, strict=True):
        field = couplings[i] @ slow
        before = slow[i]
        if temperature > 0:
            slow[i] = 1 if u < 1 / (1 + np.exp(-2 * beta * field)) else -1
        elif abs(field) > 1e-12:
            slow[i] = 1 if field > 0 else -1
        flips += slow[i] != before
        glauber.update(columns, spins, sums, np.array([i]), np.array([u]), beta, gain)
        assert spins[i] == slow[i]
    np.testing.assert_array_equal(spins, slow)
    assert flips >= 5


def test_one_call_is_many_calls():
    patterns, spins, rng = network(500)
    sites, uniforms = rng.integers(0, 500, 2000), rng.random(2000)
    at_once, apart = spins.copy(), spins.copy()
    sums = [glauber.pattern_sums(patterns, spins) for _ in range(2)]
    glauber.update(patterns, at_once, sums[0], sites, uniforms, 3.0, 1.0)
    for part in range(0, 2000, 100):
        glauber.update(patterns, apart, sums[1], sites[part : part + 100], uniforms[part : part + 100], 3.0, 1.0)
    np.testing.assert_array_equal(at_once, apart)
    np.testing.assert_array_equal(*sums)


@pytest.mark.parametrize("temperature", [0.0, 0.1, 1.0])
def test_the_sums_stay_exact(temperature):
    patterns, spins, rng = network(3000, 7)
    sums = glauber.pattern_sums(patterns, spins)
    before = spins.copy()
    glauber.advance(patterns, spins, sums, temperature, 300_000, rng)
    assert (spins != before).any() and set(np.unique(spins)) == {-1, 1}
    np.testing.assert_array_equal(sums, patterns.astype(int).T @ spins.astype(int))


def test_energy_is_that_of_the_couplings():
    patterns, spins, _ = network()
    slow = -0.5 * np.einsum("i,ij,j->", spins, dense(patterns, 1.7), spins)
    assert glauber.energy(patterns, glauber.pattern_sums(patterns, spins), 1.7) == pytest.approx(slow, abs=1e-10)


def test_at_zero_temperature_the_energy_never_increases_and_free_spins_stay():
    patterns, spins, rng = network(400, 5, 0.6)
    sums, blank = glauber.pattern_sums(patterns, spins), ~patterns.any(1)
    first, energies = spins.copy(), []
    for _ in range(3000):
        glauber.advance(patterns, spins, sums, 0.0, 1, rng)
        energies.append(float(glauber.energy(patterns, sums)))
    assert (np.diff(energies) <= 1e-9).all() and energies[-1] < energies[0] - 1
    assert blank.any() and (spins[blank] == first[blank]).all()


def test_a_single_spin_does_not_hold_itself():
    """With one filled entry there is nobody to couple to: the removed diagonal leaves no field, so the spin is free."""
    patterns = np.zeros((10, 1), np.int8)
    patterns[0] = 1
    spins, ups, rng = np.ones(10, np.int8), 0, np.random.default_rng(0)
    sums = glauber.pattern_sums(patterns, spins)
    for _ in range(4000):
        glauber.update(patterns, spins, sums, np.array([0]), rng.random(1), 1e3, 1.0)
        ups += spins[0] > 0
    assert abs(ups / 4000 - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_long_runs_reach_the_boltzmann_distribution():
    n, temperature = 12, 0.7
    patterns, spins, rng = network(n, 2, 0.2, seed=1)
    states = np.array(list(itertools.product((-1, 1), repeat=n)))
    exact = np.exp(0.5 / temperature * np.einsum("ai,ij,aj->a", states, dense(patterns), states))
    exact /= exact.sum()
    sums, count, total = glauber.pattern_sums(patterns, spins), np.zeros(2**n), 2_000_000
    weights = 2 ** np.arange(n - 1, -1, -1)
    for _ in range(total // 500_000):
        sites, uniforms = rng.integers(0, n, 500_000 * 3), rng.random(500_000 * 3)
        visit(patterns, spins, sums, sites, uniforms, 1 / temperature, weights, count)
    assert count.sum() == total
    distance = 0.5 * np.abs(count / total - exact).sum()
    uniform = 0.5 * np.abs(2.0**-n - exact).sum()
    assert distance < 0.03 < uniform


@njit
def visit(patterns, spins, sums, sites, uniforms, beta, weights, count):
    for t in range(0, len(sites), 3):
        glauber.update(patterns, spins, sums, sites[t : t + 3], uniforms[t : t + 3], beta, 1.0)
        state = 0
        for i in range(len(spins)):
            state += weights[i] * (spins[i] > 0)
        count[state] += 1


def test_the_same_generator_gives_the_same_bits():
    ends = []
    for _ in range(2):
        patterns, spins, rng = network(2000, 4, seed=3)
        sums = glauber.pattern_sums(patterns, spins)
        glauber.advance(patterns, spins, sums, 0.3, 300_001, rng)
        ends.append(spins)
    np.testing.assert_array_equal(*ends)


def test_what_does_not_fit_is_refused():
    patterns, spins, rng = network()
    sums = glauber.pattern_sums(patterns, spins)
    with pytest.raises(ValueError, match=r"temperature = -0\.1 is not allowed"):
        glauber.advance(patterns, spins, sums, -0.1, 1, rng)
    with pytest.raises(ValueError, match="temperature = nan"):
        glauber.advance(patterns, spins, sums, float("nan"), 1, rng)
    with pytest.raises(ValueError, match="patterns has dtype float64"):
        glauber.advance(patterns.astype(float), spins, sums, 0.1, 1, rng)
    with pytest.raises(ValueError, match=r"spins has shape \(59,\); it must be \(N,\) with N = 60"):
        glauber.advance(patterns, spins[1:], sums, 0.1, 1, rng)
    with pytest.raises(ValueError, match="gain = nan"):
        glauber.advance(patterns, spins, sums, 0.1, 1, rng, np.nan)
    with pytest.raises(ValueError, match=r"sites\[0\] = 60 is not allowed; it must be from 0 to 59"):
        glauber.update(patterns, spins, sums, np.array([60]), np.zeros(1), 1.0, 1.0)
    with pytest.raises(ValueError, match=r"uniforms has shape"):
        glauber.update(patterns, spins, sums, np.array([0, 1]), np.zeros(1), 1.0, 1.0)
    with pytest.raises(ValueError, match=r"uniforms\[0\] = nan"):
        glauber.update(patterns, spins, sums, np.array([0]), np.array([np.nan]), 1.0, 1.0)
