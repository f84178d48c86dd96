"""Addition on a clock: the vote in closed form, torch's gradients, and the race beside an integrator of scipy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from labcore.generalization.modular_addition import (
    Look,
    amplitude_phase,
    blow_up_time,
    even_phases,
    flawed_indicator,
    race,
    read,
    start,
    table,
    train,
    voters,
    votes,
)
from labcore.generalization.modular_addition import experiments as papers
from labcore.generalization.modular_addition.exercises import in_time, turned_by_one
from labcore.generalization.modular_addition.measures import first_at, order, score
from labcore.generalization.modular_addition.spectrum import wrapped
from labcore.generalization.modular_addition.training import gradients, logits
from labcore.generalization.modular_addition.voting import ACTIVATIONS, activate


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
    with pytest.raises(ValueError, match="act = 'tanh' is not allowed"):
        activate(np.zeros(2), "tanh")
    with pytest.raises(ValueError, match="share = 0.001 is not allowed"):
        table(11, 0.001, 0)


def test_waves_are_read_as_they_were_written():
    p, rng = 15, np.random.default_rng(0)
    alpha, phi, n = rng.random((4, 7)), rng.uniform(-np.pi, np.pi, (4, 7)), np.arange(p)
    weights = (alpha[..., None] * np.cos(2 * np.pi * np.arange(1, 8)[:, None] * n / p + phi[..., None])).sum(1)
    found = amplitude_phase(weights + 3.0)
    assert found[0] == pytest.approx(alpha, abs=1e-12) and wrapped(found[1] - phi) == pytest.approx(0, abs=1e-10)
    assert (weights**2).sum(1) == pytest.approx(p / 2 * (alpha**2).sum(1)), "Parseval"


def test_neurons_are_read_and_put_in_order():
    k, phase = np.array([3, 1, 2]), np.array([0.4, -1.0, 3.0])
    theta, xi = voters(9, k, phase, off=0.3)
    theta[0] += 0.5 * np.cos(2 * np.pi * np.arange(9) / 9)
    n = read(theta, xi)
    assert n.frequency.tolist() == n.frequency_out.tolist() == [3, 1, 2]
    assert n.misaligned == pytest.approx(0.3) and n.share == pytest.approx([0.8, 1, 1])
    assert order(n).tolist() == [1, 2, 0]
    less = theta[0] + 0.6 * theta[2]  # another one of frequency 3, less purely
    assert order(read(np.vstack([theta, less]), np.vstack([xi, xi[0]]))).tolist() == [1, 2, 0, 3]
    assert read(np.zeros((2, 9)), np.zeros((2, 9))).share.tolist() == [0, 0]


def test_the_table_holds_each_pair_once_and_no_mirror_in_the_test():
    data = table(11, 0.7, 3)
    assert data.weight.sum() == pytest.approx(1) and len(data.pairs) == 66 and data.train.sum() == 46
    assert len({tuple(sorted(pair)) for pair in data.pairs.tolist()}) == 66
    assert (table(11, 0.7, 4).train != data.train).any()


@pytest.mark.parametrize("act", ["square", "relu", "abs"])
def test_gradients_are_those_of_autograd(act):
    data, (theta, xi) = table(11, 0.6, 0), start(11, 8, 3.0, 0)
    pairs, weight = data.pairs[data.train], data.weight[data.train]
    given = np.zeros((len(pairs), 11))
    np.add.at(given, (np.arange(len(pairs))[:, None], pairs), 1)
    answer = pairs.sum(1) % 11
    loss, *slopes = gradients(theta, xi, given, answer, weight, act)
    a, b = (torch.tensor(w, requires_grad=True) for w in (theta, xi))
    x, y = torch.tensor(pairs).T
    bend = {"square": torch.square, "relu": torch.relu, "abs": torch.abs}[act]
    out = bend(a[:, x] + a[:, y]).T @ b
    assert out.detach().numpy() == pytest.approx(logits(theta, xi, pairs, act), abs=1e-12)
    peer = (torch.nn.functional.cross_entropy(out, torch.tensor(answer), reduction="none") * torch.tensor(weight)).sum()
    assert loss == pytest.approx(peer.item(), rel=1e-12)
    for found, known in zip(slopes, torch.autograd.grad(peer, (a, b)), strict=True):
        assert found == pytest.approx(known.numpy(), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("optimizer", ["adamw", "gd"])
def test_training_is_that_of_torch_on_the_whole_table(optimizer):
    p, data, first = 11, table(11, 1.0, 0), start(11, 6, 1.0, 0)
    looks = list(train(first, data, (20, 5), "square", 0.01, 0.5 if optimizer == "adamw" else 0.0, optimizer))
    assert [look.step for look in looks] == [5, 20]
    a, b = (torch.tensor(w, requires_grad=True) for w in first)
    peer = {"adamw": lambda w: torch.optim.AdamW(w, 0.01, weight_decay=0.5), "gd": lambda w: torch.optim.SGD(w, 0.01)}
    rule = peer[optimizer]([a, b])
    x, y = torch.cartesian_prod(torch.arange(p), torch.arange(p)).T
    for _ in range(20):
        rule.zero_grad()
        torch.nn.functional.cross_entropy((a[:, x] + a[:, y]).square().T @ b, (x + y) % p).backward()
        rule.step()
    assert looks[-1].theta == pytest.approx(a.detach().numpy(), rel=1e-9, abs=1e-11)
    assert looks[-1].xi == pytest.approx(b.detach().numpy(), rel=1e-9, abs=1e-11)


def test_training_that_runs_away_ends_at_its_last_finite_look():
    looks = list(train(start(11, 20, 1.0, 0), table(11, 1.0, 0), range(0, 200, 10), "square", 500.0, optimizer="gd"))
    assert looks[0].step == 0 and looks[-1].step < 190 and np.isfinite(looks[-1].theta).all()


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.rayleigh(size=n), rng.rayleigh(size=n), rng.uniform(-np.pi, np.pi, n)


def test_a_step_of_a_small_network_is_a_step_of_each_frequency_by_itself():
    p, rate, first = 11, 1e-3, start(11, 5, 1e-3, 0)
    look = list(train(first, table(p, 1.0, 0), (1,), "square", rate, optimizer="gd"))[0]
    (alpha, phi), (beta, psi) = (amplitude_phase(w) for w in first)
    off = psi - 2 * phi
    moved_in = (look.theta - first[0]) / rate
    moved_out = (look.xi - first[1]) / rate
    (a, turn_a), (b, turn_b) = amplitude_phase(moved_in), amplitude_phase(moved_out)
    # the change of alpha e^(i phi), turned back by its phase: alpha' + i alpha phi'
    inner, outer = a * np.exp(1j * (turn_a - phi)), b * np.exp(1j * (turn_b - psi))
    scale = np.abs(inner).max(), np.abs(outer).max()
    assert inner.real == pytest.approx(2 / p * alpha * beta * np.cos(off), abs=1e-3 * scale[0])
    assert outer.real == pytest.approx(alpha**2 / p * np.cos(off), abs=1e-3 * scale[1])
    spin = outer.imag / beta - 2 * inner.imag / alpha
    known = -(alpha**2 / beta + 4 * beta) / p * np.sin(off)
    assert spin == pytest.approx(known, rel=5e-3, abs=5e-3 * np.abs(known).max())


def test_the_race_keeps_both_charges_and_is_scipys():
    alpha, beta, off = drawn(40)
    finish = blow_up_time(alpha, beta, off, 23)
    times = np.linspace(0, 0.9 * finish.min(), 20)
    a, b, d = race(alpha, beta, off, times, 23.0)
    for charge, kept in (
        (a**2 - 2 * b**2, alpha**2 - 2 * beta**2),
        (a**2 * b * np.sin(d), alpha**2 * beta * np.sin(off)),
    ):
        assert np.abs(charge - kept[:, None]).max() < 1e-6
    for i in range(5):
        rule = lambda _, s: (  # noqa: E731
            2 / 23 * s[0] * s[1] * np.cos(s[2]), s[0] ** 2 / 23 * np.cos(s[2]),
            -(s[0] ** 2 / s[1] + 4 * s[1]) / 23 * np.sin(s[2]),
        )  # fmt: skip
        peer = solve_ivp(rule, (0, times[-1]), (alpha[i], beta[i], off[i]), t_eval=times, rtol=1e-10, atol=1e-12).y
        assert np.stack([a[i], b[i]]) == pytest.approx(peer[:2], rel=1e-6)
        assert wrapped(d[i] - peer[2]) == pytest.approx(0, abs=1e-6)


def test_the_time_to_infinity_is_when_the_race_gets_there():
    alpha, beta, off = drawn(200, 1)
    finish = blow_up_time(alpha, beta, off, 1)
    for t in (0.5, 0.9):
        a, b, d = race(alpha, beta, off, np.array([0.0, t * finish.min()]), 1.0)
        assert blow_up_time(a[:, 1], b[:, 1], d[:, 1], 1) + t * finish.min() == pytest.approx(finish, rel=1e-6)
    for i in range(20):
        a = race(alpha[i : i + 1], beta[i : i + 1], off[i : i + 1], finish[i] * np.array([0.999, 1.001]), 1.0)[0][0]
        assert a[0] < 1e5 and a[1] == 1e6
    assert blow_up_time(3 * alpha, 3 * beta, off, 7) == pytest.approx(7 / 3 * finish), "twice as large, twice as fast"
    assert blow_up_time(alpha, beta, -off, 1) == pytest.approx(finish)


def test_known_times_to_infinity():
    # aligned and balanced: beta' = 2 beta^2, so 1/(2 beta); with beta = 0 the integral is a complete one, of Gauss
    assert blow_up_time(np.sqrt(2), 1.0, 0.0, 1) == pytest.approx(0.5)
    assert np.isinf(blow_up_time(0.0, 1.0, 0.3, 1)) and np.isinf(blow_up_time(0.0, 0.0, 0.0, 1))
    assert blow_up_time(1.0, 0.0, 0.3, 1) == pytest.approx(np.pi / np.sqrt(8))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (dict(alpha=np.array([-1.0])), "alpha"),
        (dict(off=np.array([np.nan])), "off"),
        (dict(times=np.array([1.0, 0.5])), "times must not fall"),
        (dict(p=0.0), "p"),
        (dict(beta=np.ones(2)), "beta"),
    ],
)
def test_the_race_refuses_what_it_cannot_run(wrong, named):
    given = dict(alpha=np.ones(1), beta=np.ones(1), off=np.zeros(1), times=np.array([0.0, 0.1]), p=1.0)
    with pytest.raises(ValueError, match=named):
        race(**(given | wrong))


def test_a_network_by_hand_adds_all_and_without_a_bend_nearly_none():
    data = table(15, 1.0, 0)
    look = Look(0, *built(15, 5))
    assert score(look, data, "square")[1] == pytest.approx([1.0])
    assert score(look, data, "none")[1][0] < 0.3
    assert set(ACTIVATIONS) == {"square", "relu", "abs", "fourth", "none"}


def test_the_first_step_at_a_level():
    step, values = np.array([0, 5, 9]), np.array([0.2, 0.9, 0.5])
    assert first_at(step, values, 0.8) == 5 and first_at(step, values, 0.95) is None


def test_an_untrained_network_adds_next_to_nothing_and_has_no_frequency():
    frame = next(papers.training.frames(p=23, width=128))
    assert float(frame.accuracy[0]) < 0.15 and float(frame.share[0]) < 0.4 and float(frame.off[0]) > 1


def test_exercises_take_what_is_right_and_help_with_the_rest():
    assert turned_by_one("13") is turned_by_one("26/2") is True
    assert "not turned" in turned_by_one("11") and "Each of the two" in turned_by_one("12")
    assert "not what" in turned_by_one("0")
    known = brentq(lambda a: float(blow_up_time(a, 1.5, 2.8, 1)) - 0.6, 0.1, 10)
    assert in_time(f"{known:.3f}") is in_time(f"α = {known:.2f}".replace(".", ",")) is True
    assert "takes a time" in in_time("0.5") and "takes a time" in in_time("9")
    with pytest.raises(ValueError, match="amplitude"):
        in_time("-1")


@pytest.mark.parametrize(("mine", "off"), [(2.5, 2.8), (3.0, 0.0)])
def test_the_race_says_when_your_frequency_is_there_whoever_wins(mine, off):
    said = papers.race.run(mine=mine, off=off).attrs["reading"]
    assert f"{float(blow_up_time(mine, 1.5, off, 1)):.2f}" in said
