"""The swimmer's body against its mechanics and another solver, the circuit by hand, the search, the claims."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy.integrate import solve_ivp

from labcore.hebbian.circuit_priors import (
    Body,
    centre,
    drive,
    episode,
    exercises,
    forward,
    mlp,
    ncap,
    points,
    search_1plus_lambda,
    signed,
)
from labcore.hebbian.circuit_priors.experiments import learn, swim
from labcore.hebbian.circuit_priors.mechanism import INNATE, untrained
from labcore.hebbian.circuit_priors.swimmer import CONTROL_STEP, LAW, resistance, straight, wave_lags


@njit(LAW)
def limp(angles, clock, weights, b, u):
    """No torque at all."""


def by_hand(q, body):
    """R from its definition, the Jacobian of the link centres by central differences."""
    n, h = body.n_links, 1e-6

    def centres(q):
        ends = points(q)
        return (0.5 * (ends[1:] + ends[:-1])).ravel()

    jacobian = np.stack([(centres(q + h * e) - centres(q - h * e)) / (2 * h) for e in np.eye(n + 2)], 1)
    total = np.zeros((n + 2, n + 2))
    for i, angle in enumerate(np.cumsum(q[2:])):
        t, m = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        drag = body.drag_along * np.outer(t, t) + body.drag_across * np.outer(m, m)
        j, w = jacobian[2 * i : 2 * i + 2], np.r_[0, 0, np.arange(n) <= i]
        total += j.T @ drag @ j / n + body.drag_across / (12 * n**3) * np.outer(w, w)
    total[3:, 3:] += body.damping * np.eye(n - 1)
    return total


@pytest.mark.parametrize("n", [2, 3, 6, 12])
def test_resistance_is_the_sum_over_links(n):
    body, q = Body(n, drag_along=0.7, drag_across=2.3), np.random.default_rng(n).normal(size=n + 2)
    np.testing.assert_allclose(resistance(q, body), by_hand(q, body), atol=1e-8)


def test_resistance_is_symmetric_positive_definite():
    rng = np.random.default_rng(0)
    for n in (2, 5, 12):
        for ratio in (1.0, 10.0):
            r = resistance(rng.normal(size=n + 2) * 3, Body(n, drag_across=ratio))
            np.testing.assert_array_equal(r, r.T)
            assert np.linalg.eigvalsh(r).min() > 1e-4


def test_the_body_follows_its_equation():
    """scipy's solver, told only R by hand and F, ends where the kernel ends; the error is of second order."""
    body, cycle = Body(4), 60
    q = straight(body)
    for t in range(cycle):
        u, b = np.zeros(3), np.zeros((3, 2))
        ncap(np.clip(q[3:] / body.max_angle, -1, 1), (t / 60) % 1.0, INNATE, b, u)

        def velocity(_, q, u=u):
            beyond = np.sign(q[3:]) * np.maximum(np.abs(q[3:]) - body.max_angle, 0)
            joints = body.gain * u - body.stiffness * q[3:] - body.limit * beyond
            return np.linalg.solve(by_hand(q, body), np.r_[0, 0, 0, joints])

        q = solve_ivp(velocity, (0, CONTROL_STEP), q, rtol=1e-6, atol=1e-8).y[:, -1]
    errors = [np.abs(episode(ncap, INNATE, body, cycle, substeps=s).q[-1] - q).max() for s in (2, 8)]
    assert errors[1] < 1e-4 and errors[1] < errors[0] / 4


def test_isotropic_drag_moves_nothing():
    body = Body(drag_across=1.0)
    drift = [np.abs(centre(episode(ncap, INNATE, body, 600, substeps=s).q)).max() for s in (4, 8, 16)]
    assert drift[1] < 3e-4
    assert drift[2] < drift[0] / 8  # second order, up to the kinks of the limits
    assert np.abs(episode(ncap, INNATE, body, 600).q[:, 3:]).max() > 0.9  # while the joints do bend


def test_scallop_theorem():
    """One joint can only go to and fro: the centre moves within a cycle, and is back where it was after it."""
    way = centre(episode(ncap, INNATE, Body(2), 600).q)
    assert np.ptp(way[-60:, 1]) > 5e-3
    assert np.abs(way[-1] - way[300]).max() / 5 < 3e-6
    assert forward(episode(ncap, INNATE, Body(3), 600))[-1] > 0.01


def test_turned_and_moved_start():
    turn, body = 0.7, Body()
    start = straight(body, turn)
    start[:2] += [3.0, -2.0]
    there, here = episode(ncap, INNATE, body, 120, start=start), episode(ncap, INNATE, body, 120)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    np.testing.assert_allclose(centre(there.q), centre(here.q) @ spin.T + [3, -2], atol=1e-10)
    np.testing.assert_allclose(forward(there), forward(here), atol=1e-10)


def test_mirror_image():
    """Starting the clock on the other side mirrors the path."""
    left, right = (episode(ncap, INNATE, Body(), 120, phase=p) for p in (0.0, 0.5))
    np.testing.assert_allclose(centre(left.q), centre(right.q) * [1, -1], atol=1e-9)


def test_no_torque_no_motion_and_springs_relax():
    assert np.abs(centre(episode(limp, np.zeros(1), Body(), 60).q)).max() < 1e-15
    bent = straight(Body())
    bent[3:] = [2.0, -2.0, 0.3, 0.0, 1.5]
    run = episode(limp, np.zeros(1), Body(), 2000, start=bent)
    assert np.abs(run.q[1, 3:]).max() < 2.0 and np.abs(run.q[-1, 3:]).max() < 1e-3


@pytest.mark.parametrize("values", [dict(n_links=1), dict(drag_across=0.0), dict(damping=-1.0)])
def test_impossible_bodies_are_refused(values):
    with pytest.raises(ValueError, match="not allowed"):
        episode(ncap, INNATE, Body()._replace(**values), 10)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(weights=INNATE[:3]), "weights has shape"),
        (dict(weights=np.where(INNATE < 0, np.nan, INNATE)), r"weights\[3\] = nan"),
        (dict(law=mlp), r"weights has shape \(4,\); it must be \(17\*joints\+24,\) with joints = 5"),
        (dict(law=print), "law = .* is not allowed; it must be a kernel"),
        (dict(start=np.zeros(7)), r"start has shape \(7,\)"),
        (dict(phase=np.nan), "phase = nan"),
        (dict(period=np.inf), "period = inf"),
        (dict(body=Body(gain=np.nan)), "body.gain = nan"),
    ],
)
def test_what_a_swimmer_cannot_be_driven_by_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        episode(**dict(law=ncap, weights=INNATE, body=Body(), steps=3) | change)


# ---- controllers


def run_law(law, angles, clock, weights):
    b, u = np.zeros((len(angles), 2)), np.zeros(len(angles))
    law(np.array(angles, float), clock, np.array(weights, float), b, u)
    return b, u


def test_circuit_on_three_joints_by_hand():
    b, u = run_law(ncap, [0.5, -0.4, 0.9], 0.1, [0.8, 0.7, 0.9, -0.5])
    # the head hears the dorsal clock, joint 2 feels joint 1, joint 3 feels joint 2, nobody feels joint 3
    np.testing.assert_allclose(b, [[0.7, 0], [0.4, 0], [0, 0.32]])
    np.testing.assert_allclose(u, [0.63, 0.36, -0.288])
    b, u = run_law(ncap, [0.5, -0.4, 0.9], 0.6, [2.0, 2.0, 2.0, 0.5])
    np.testing.assert_allclose(b, [[0, 1], [1, 0], [0, 0.8]])  # cut at 1
    np.testing.assert_allclose(u, [-0.5, 0.5, -0.6])  # positive contra: both sides pull, and partly cancel


def test_inhibition_across_is_never_used_here():
    """One side at a time is active, so any contra <= 0 swims alike: only the excited sign makes a difference."""
    runs = [swim.run(steps=300, w_contra=w).forward.values for w in (-2.0, -1.0, 0.0, 0.5)]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
    assert runs[3][-1] < 0.5 * runs[0][-1]


def test_signs_are_clamped():
    np.testing.assert_array_equal(signed(np.array([-1.0, 2.0, -0.1, 0.3])), [0, 2, 0, 0])
    np.testing.assert_array_equal(signed(INNATE), INNATE)
    wrong = np.array([1.0, 1.0, 1.0, 0.5])
    clamped, free = (drive(kind, wrong, 0.0).u for kind in ("NCAP", "NCAP, free signs"))
    assert np.abs(clamped).max() == 1 and np.abs(free).max() <= 0.5


def test_mlp_against_numpy():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=109)
    assert len(untrained("MLP", rng)) == 109
    first, second = weights[:64].reshape(8, 8), weights[64:104].reshape(8, 5)
    angles, clock = rng.uniform(-1, 1, 5), 0.3
    inputs = np.r_[angles, np.sin(0.6 * np.pi), np.cos(0.6 * np.pi), 1]
    expected = np.tanh(np.tanh(first @ inputs) @ second + weights[104:])
    np.testing.assert_allclose(run_law(mlp, angles, clock, weights)[1], expected, rtol=1e-12)


def test_wave_runs_from_head_to_tail():
    frame = swim.run()
    lags = wave_lags(frame.angle.values, 60)
    assert (lags > 2).all() and (lags < 30).all()
    shifted = np.sin(2 * np.pi * (np.arange(240) - np.array([[0], [7], [14]])) / 60)
    np.testing.assert_allclose(wave_lags(shifted, 60), [7, 7])
    assert len(wave_lags(np.zeros((3, 240)), 60)) == 0


# ---- search


def test_search_never_loses_and_climbs():
    def hill(x):
        return -float(np.sum((x - 1) ** 2))

    *_, last = search_1plus_lambda(hill, np.zeros(3), 0.2, 60, 8, np.random.default_rng(0))
    assert len(last.best) == 1 + 60 * 8 and (np.diff(last.best) >= 0).all()
    assert last.best[-1] == hill(last.x) > -0.01 and last.best[0] == -3
    short = list(search_1plus_lambda(hill, np.zeros(3), 0.2, 5, 8, np.random.default_rng(0)))[-1]
    np.testing.assert_array_equal(short.best, last.best[:41])


def test_search_crosses_flat_ground():
    *_, last = search_1plus_lambda(lambda x: 0.0, np.zeros(2), 0.1, 20, 4, np.random.default_rng(0))
    assert np.abs(last.x).max() > 0.1
    with pytest.raises(ValueError, match="lam = 0"):
        next(search_1plus_lambda(lambda x: 0.0, np.zeros(2), 0.1, 20, 0, np.random.default_rng(0)))


# ---- experiments


def test_speed_is_measured_from_the_start():
    frame = swim.run(steps=300, w_contra=1.0)
    assert frame.attrs["speed"] == 0 and "gets nowhere" in frame.reading
    frame = swim.run(steps=300)
    np.testing.assert_allclose(frame.forward[-1], frame.com_x[-1], atol=1e-12)  # start: at 0, heading along x
    assert frame.attrs["speed"] == pytest.approx(float(frame.forward[-1]) / 5)


@pytest.mark.parametrize("n_links", [2, 12])
@pytest.mark.parametrize("cn_over_ct", [1.0, 10.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_corners_swim_smoothly(n_links, cn_over_ct, sign):
    values = dict(w_prop=2.0, w_osc=2.0, w_ipsi=2.0, w_contra=-2.0) if sign < 0 else dict(w_contra=0.0)
    for period in (20, 120):
        frame = swim.run(steps=300, n_links=n_links, cn_over_ct=cn_over_ct, period=period, **values)
        assert np.abs(frame.forward).max() < 5 and abs(frame.attrs["speed"]) < 1
        weights = [values.get(k, 1.0) for k in ("w_prop", "w_osc", "w_ipsi")]
        bends = [
            episode(ncap, np.array([*weights, values["w_contra"]]), Body(n_links, drag_across=cn_over_ct), 240, period,
                    substeps=s).q[-1, 3:]
            for s in (8, 32)
        ]  # fmt: skip
        np.testing.assert_allclose(bends[0], bends[1], atol=0.02)  # no stiff joint rings


def test_learning_goes_up_and_does_not_see_how_long_it_will_be():
    short, long = (learn.run(gens=g, n_seeds=2) for g in (2, 4))
    np.testing.assert_array_equal(short.best, long.best[:, :, : short.sizes["trial"]])
    assert (np.diff(long.best.values, axis=2) >= 0).all()
    assert long.params.values.tolist() == [4, 4, 4, 109]
    alone = learn.run(compare="MLP", gens=4, n_seeds=2)
    np.testing.assert_array_equal(alone.best[0], long.best.sel(controller="MLP"))


def test_reading_tells_what_was_measured():
    frame = learn.run(compare="NCAP", gens=2, n_seeds=2)
    assert f"NCAP {float(frame.best[0, :, -1].mean()):.3f}" in frame.reading


def test_readings_say_no_more_than_is_there():
    # the joints of a long body with a quick clock do not follow one another, and there is no such thing as -0
    bends = swim.run(n_links=12, period=20, steps=60, w_prop=1.0, w_contra=0.5)
    lags = wave_lags(bends.angle.values, 20)
    assert lags.min() < 0 < lags.max() and "travels" not in bends.reading
    assert "travels from head to tail" in swim.run(steps=300).reading
    still = next(swim.frames(n_links=2, period=20, steps=60, w_prop=0.0, cn_over_ct=1.0))
    assert -5e-5 < still.attrs["speed"] < 0 and "gets nowhere: 0.0000 body" in still.reading
    first = next(learn.frames(compare="NCAP, free signs", n_seeds=1, seed=32)).reading
    assert first.startswith("After 1 trial of") and "-0.000" not in first


# ---- exercises


@pytest.mark.parametrize(
    ("ask", "answer", "right"),
    [
        ("cut", "w_contra", True),
        ("cut", "The Contra synapse.", True),
        ("cut", "prop", "Without it the speed goes from 0.096 to 0.002 per cycle."),
        ("cut", "the opposite muscle", True),
        (
            "cut",
            "w_osc or w_ipsi",
            "Name one: neighbour's bend w_prop, head's clock w_osc, own muscle w_ipsi, opposite muscle w_contra.",
        ),
        ("faint_head", "2", True),
        ("faint_head", "1,9", True),
        ("faint_head", " 18e-1 ", True),
        ("faint_head", "1", "With this w_prop it swims 0.016 per cycle."),
        ("fewest_links", "5", True),
        ("fewest_links", " 5.0 ", True),
        ("fewest_links", "10/2", True),
        ("fewest_links", "4", "With 4 links it swims 0.043 per cycle."),
        ("fewest_links", "6", "6 links are enough, but one fewer is too."),
    ],
)
def test_answers(ask, answer, right):
    assert getattr(exercises, ask)(answer) == right


@pytest.mark.parametrize("ask", ["faint_head", "fewest_links"])
def test_no_number_is_no_answer(ask):
    for text in ("", "five"):
        with pytest.raises(ValueError, match="is not a number"):
            getattr(exercises, ask)(text)
    with pytest.raises(ValueError, match="'13' is not allowed; it must be "):
        getattr(exercises, ask)("13")
