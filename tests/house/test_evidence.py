"""Intervals against scipy's own and against their promise, checks, and what makes evidence firm."""

import numpy as np
import pytest
from scipy import stats

from labcore.evidence import Evidence, exact, geometric, jackknife, mean, median, share

rng = np.random.default_rng(0)
DRAWS = rng.lognormal(size=12)


def test_the_interval_of_a_mean_is_students():
    made = mean("x", DRAWS)
    expected = stats.t.interval(0.99, 11, DRAWS.mean(), stats.sem(DRAWS))
    assert (made.low, made.high) == pytest.approx(expected, rel=1e-12)
    assert (made.value, made.n, made.name) == (pytest.approx(DRAWS.mean()), 12, "mean x")


def test_a_geometric_mean_is_the_mean_of_the_logarithms():
    made, logs = geometric("x", DRAWS), mean("x", np.log(DRAWS))
    assert np.log([made.value, made.low, made.high]) == pytest.approx([logs.value, logs.low, logs.high])


@pytest.mark.parametrize("k", [0, 1, 10, 20])
def test_the_interval_of_a_share_is_the_exact_one(k):
    made = share("x", np.arange(20) < k)
    expected = stats.binomtest(k, 20).proportion_ci(0.99, "exact")
    assert (made.value, made.low, made.high) == pytest.approx((k / 20, expected.low, expected.high))


@pytest.mark.parametrize("n", [8, 11, 20, 61])
def test_the_interval_of_a_median_covers_it_and_no_narrower_one_would(n):
    values = np.arange(n) + 1.0
    made = median("x", values)
    below = int(made.low) - 1  # of the sorted values
    covered = stats.binom.cdf(n - 1 - below, n, 0.5) - stats.binom.cdf(below, n, 0.5)
    narrower = stats.binom.cdf(n - 2 - below, n, 0.5) - stats.binom.cdf(below + 1, n, 0.5)
    assert made.high == n - below and made.value == (n + 1) / 2
    assert narrower < 0.99 <= covered


def test_the_jackknife_of_a_mean_is_students_too():
    made, plain = jackknife("x", np.mean, DRAWS), mean("x", DRAWS)
    assert (made.value, made.low, made.high) == pytest.approx((plain.value, plain.low, plain.high))


@pytest.mark.parametrize(
    ("draw", "truth", "estimate"),
    [
        (lambda g: g.normal(2, 1, 10), 2.0, lambda x: mean("x", x)),
        (lambda g: g.lognormal(1, 1, 10), np.e, lambda x: geometric("x", x)),
        (lambda g: g.standard_cauchy(15) + 1, 1.0, lambda x: median("x", x)),
        (lambda g: g.random(30) < 0.3, 0.3, lambda x: share("x", x)),
        (
            lambda g: g.normal(size=(20, 2)) @ [[1, 0.8], [0, 0.6]],
            np.arctanh(0.8),
            lambda x: jackknife("x", lambda v: np.arctanh(np.corrcoef(v.T)[0, 1]), x),
        ),
    ],
    ids=["mean", "geometric", "median", "share", "jackknife"],
)
def test_intervals_keep_their_promise(draw, truth, estimate):
    made = [estimate(draw(np.random.default_rng([7, i]))) for i in range(2000)]
    missed = np.mean([not m.low <= truth <= m.high for m in made])
    assert missed <= (0.025 if made[0].name == "x" else 0.0145), missed  # the jackknife's is an approximation


@pytest.mark.parametrize("make", [mean, geometric, median, share])
def test_an_estimate_names_itself_in_its_errors(make):
    for values in ([], [[1.0, 0.0]], [1.0, np.nan, 1, 1, 1, 1, 1, 1]):
        with pytest.raises(ValueError, match="the gap: "):
            make("the gap", values)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mean("x", [1.0]), "at least 2 repetitions"),
        (lambda: median("x", range(7)), "at least 8 repetitions"),
        (lambda: geometric("x", [1.0, 0.0]), "positive numbers, the smallest is 0"),
        (lambda: share("x", [0.5, 1]), "True or False"),
        (lambda: exact("x", np.nan), "nan is not finite"),
        (lambda: jackknife("x", np.mean, [1, 2]), "the same 3 or more"),
        (lambda: jackknife("x", np.corrcoef, [1, 2, 3], [1, 2]), r"got \[3, 2\]"),
    ],
)
def test_what_cannot_be_estimated_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


SURE, UNSURE = np.array([1.9, 2.0, 2.1]), np.array([0.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("checks", "holds", "firm"),
    [
        ([mean("x", SURE) >= 1], True, True),
        ([mean("x", SURE) <= 1], False, True),
        ([mean("x", UNSURE) >= 1], True, False),
        ([mean("x", UNSURE) >= 3], False, False),
        ([mean("x", SURE) >= 1, mean("x", UNSURE) >= 1], True, False),
        ([mean("x", SURE) <= 1, mean("x", UNSURE) >= 1], False, True),  # missed, whatever the other says
        ([exact("x", 1) <= 1, exact("x", 1) >= 1], True, True),
        ([exact("x", 1) <= 0.999], False, True),
        ([mean("x", [2, 2, 2]) >= 2], True, True),  # nothing varies
        ([mean("x", [2, 2, 2]) <= 2], True, True),
    ],
)
def test_evidence_holds_if_all_is_met_and_is_firm_if_other_seeds_say_the_same(checks, holds, firm):
    made = Evidence(*checks, size="small")
    assert (made.holds, made.firm) == (holds, firm)


def test_evidence_says_what_is_asked_and_what_was_measured():
    made = Evidence(mean("gain", SURE) >= 1, size="3 networks", also={"loss": np.float32(0.5)})
    assert made.checks[0].rule == "mean gain >= 1"
    assert made.checks[0].number == "mean gain = 2 (1.43 to 2.57)"
    assert made.also == {"loss": 0.5} and (exact("gap", 0) <= 1).number == "gap = 0"


@pytest.mark.parametrize("checks", [[], [mean("x", SURE)], [True]])
def test_evidence_needs_checks(checks):
    with pytest.raises(TypeError, match="evidence needs checks"):
        Evidence(*checks, size="small")
