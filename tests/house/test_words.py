"""Zeros without a sign, and differences that are larger than their noise."""

import numpy as np
import pytest

from labcore.words import compared, differ, plain


@pytest.mark.parametrize(
    ("x", "spec", "text"),
    [
        (-0.0004, ".3f", "0.000"), (-0.0006, ".3f", "-0.001"), (-0.004, ".0%", "0%"), (-0.006, ".0%", "-1%"),
        (-0.0, "g", "0"), (-1e-9, ".2e", "-1.00e-09"), (-0.0, ".1e", "0.0e+00"), (-0.001, "+.2f", "+0.00"),
        (0.0, "+.2f", "+0.00"), (1e-9, "+.2f", "+0.00"), (-12, ".3g", "-12"), (float("-inf"), ".2f", "-inf"),
        (np.float32(-0.01), ".1f", "0.0"), (2, ".3g", "2"),
    ],
)  # fmt: skip
def test_what_rounds_to_zero_has_no_minus(x, spec, text):
    assert plain(x, spec) == text


def test_a_difference_must_exceed_three_standard_errors():
    gap = np.array([1.0, 2.0, 3.0])  # standard error 1 / sqrt 3, three of them 1.732
    assert differ(gap, np.zeros(3)) == 1 and differ(np.zeros(3), gap) == -1
    assert differ(gap - 0.26, np.zeros(3)) == 1 and differ(gap - 0.28, np.zeros(3)) == 0
    # paired: a large spread that both share is no noise
    shared = np.array([0.0, 50.0, -20.0])
    assert differ(shared + gap, shared) == 1


def test_too_few_or_broken_repetitions_do_not_tell():
    assert differ([1.0, 1.0], [0.0, 0.0]) == 0 and differ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]) == 1
    assert differ([1.0, np.nan, 1.0], [0.0, 0.0, 0.0]) == 0 and differ([1.0] * 3, [1.0] * 3) == 0
    with pytest.raises(ValueError, match=r"a \(3,\) and b \(1,\)"):
        differ([1.0, 2.0, 3.0], [1.0])


def test_noise_is_rarely_called_a_difference():
    rng = np.random.default_rng(0)
    told = np.mean([differ(*rng.normal(size=(2, 10))) != 0 for _ in range(2000)])
    assert 0.003 < told < 0.03  # |t| > 3 with 9 degrees of freedom: 0.015


def test_words_say_what_the_sign_says():
    low, high = [0.1, 0.2, 0.15], [1.1, 1.2, 1.15]
    assert [compared(low, high), compared(low, low), compared(high, low)] == [
        "lower",
        "not clearly different",
        "higher",
    ]
    assert compared(high, low, ("falls", "stays", "rises")) == "rises"
