"""Spiking neurons and STDP: closed forms, event order, and Brian2 spike for spike on a recurrent network."""

from __future__ import annotations

import importlib.machinery
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest

from labcore.primitives.spiking.lif import (
    adapt,
    cell,
    conductance_step,
    current_gain,
    current_step,
    decay,
    deliver,
    fade,
    reset,
)
from labcore.primitives.spiking.stdp import follow, pair_stdp, scale

DT = 0.5

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Brian2 with a newer pyparsing


class _PtpLoader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        return compile(self.get_source(fullname).replace("np.ndarray.ptp", "np.ptp"), self.path, "exec")


class _PtpFinder:
    """Brian2 2.9 names ndarray.ptp while it is imported; numpy 2.4 has only np.ptp, which does the same."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name != "brian2.units.fundamentalunits":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader = _PtpLoader(name, spec.origin)
        return spec


@pytest.fixture(scope="module")
def brian():
    if not hasattr(np.ndarray, "ptp"):
        sys.meta_path.insert(0, _PtpFinder)
    try:
        import brian2
    finally:
        sys.meta_path = [finder for finder in sys.meta_path if finder is not _PtpFinder]
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield brian2
    brian2.prefs.codegen.target = before


# ---- one neuron


def conductance_run(steps, kind, g_e=0.0, g_i=0.0, v0=-65.0, threshold=-52.0):
    """Spike steps and potentials of one neuron under conductances that stay."""
    v, e, i = np.array([v0]), np.array([g_e]), np.array([g_i])
    wait, spikes, limit = np.zeros(1, np.int64), np.zeros(1, np.bool_), np.array([threshold])
    when, course = [], []
    for t in range(steps):
        conductance_step(v, e, i, limit, wait, spikes, kind, 0.0, -100.0, 1.0, 1.0)
        course.append(v[0])
        if spikes[0]:
            when.append(t)
        reset(v, wait, spikes, kind)
    return np.array(when), np.array(course)


def test_without_input_a_neuron_decays_exponentially():
    kind = cell(100, -65, -65, 2, DT)
    _, v = conductance_run(400, kind, v0=-55.0)
    np.testing.assert_allclose(v, -65 + 10 * np.exp(-np.arange(1, 401) * DT / 100), rtol=1e-12)


@pytest.mark.parametrize(("g_e", "g_i", "refractory"), [(0.4, 0.0, 2.0), (1.0, 0.5, 0.0), (3.0, 0.0, 10.0)])
def test_constant_conductance_has_a_closed_interval(g_e, g_i, refractory):
    tau, kind = 20.0, cell(20, -65, -65, refractory, DT)
    when, _ = conductance_run(2000, kind, g_e, g_i)
    total = 1 + g_e + g_i
    goal = (-65 - 100 * g_i) / total
    time = tau / total * np.log((goal + 65) / (goal + 52))
    # the potential moves in steps; it waits for refractory / dt steps, the last of which it moves in
    steps = int(np.floor(time / DT)) + 1 + max(int(refractory / DT) - 1, 0)
    assert len(when) > 5 and set(np.diff(when)) == {steps}


@pytest.mark.parametrize("ratio", [1e-6, 0.5, 1 - 1e-7, 1 - 1e-10, 1 - 1e-13, 1.0, 1 + 1e-12, 1 + 1e-8, 3.0, 1e9])
@pytest.mark.parametrize("dt", [1e-6, 0.1, 5000.0])
def test_the_gain_of_a_current_keeps_its_digits(ratio, dt):
    tau, tau_syn = 10.0, 10.0 * ratio
    with localcontext() as context:
        context.prec = 60
        m, s, d = map(Decimal, (tau, tau_syn, dt))
        exact = d / m * (-d / m).exp() if m == s else s / (s - m) * ((-d / s).exp() - (-d / m).exp())
    found = current_gain(tau, tau_syn, dt)
    # what rounding dt / tau alone does to the exponential
    assert found == pytest.approx(float(exact), rel=1e-15 * (4 + dt / max(tau, tau_syn)), abs=1e-300)


@pytest.mark.parametrize(("tau", "tau_syn"), [(20.0, 5.0), (5.0, 20.0), (10.0, 10.0), (10.0, 10.0 + 1e-6)])
def test_a_current_gives_the_exact_potential(tau, tau_syn):
    kind = cell(tau, 0, 0, 0, DT)
    v, current = np.zeros(1), np.ones(1)
    wait, spikes, limit = np.zeros(1, np.int64), np.zeros(1, np.bool_), np.array([np.inf])
    course = []
    for _ in range(100):
        current_step(v, current, limit, wait, spikes, kind, decay(tau_syn, DT), current_gain(tau, tau_syn, DT))
        course.append(v[0])
    t = np.arange(1, 101) * DT
    equal = abs(tau - tau_syn) < 1e-3
    exact = (
        t / tau * np.exp(-t / tau) if equal else tau_syn / (tau_syn - tau) * (np.exp(-t / tau_syn) - np.exp(-t / tau))
    )
    np.testing.assert_allclose(course, exact, rtol=1e-6 if equal else 1e-11)


def test_bad_constants_are_refused():
    with pytest.raises(ValueError, match="refractory = 1.3"):
        cell(10, 0, 0, 1.3, DT)
    with pytest.raises(ValueError, match="tau = 0"):
        cell(0, 0, 0, 1, DT)
    with pytest.raises(ValueError, match="tau, dt"):
        decay(10, 0)


def test_whole_numbers_are_potentials_too():
    assert all(isinstance(x, float) for x in cell(10, -65, -60, 2, DT)[:4])


# ---- one synapse


def pair(lag, at_pre=1.0, at_post=1.0, tau=20.0, step=0.1):
    """The change of one weight by one spike on each side, `lag` steps from pre to post."""
    w, x, y = np.zeros((1, 1)), np.zeros(1), np.zeros(1)
    for t in range(400):
        fade(x, decay(tau, DT))
        fade(y, decay(tau, DT))
        pre, post = np.array([t == 150]), np.array([t == 150 + lag])
        pair_stdp(w, x, y, pre, post, at_pre, at_post, -np.inf, np.inf, step)
    return w[0, 0]


@pytest.mark.parametrize("lag", [1, 2, 7, 40, 120])
def test_a_pair_changes_the_weight_by_the_window(lag):
    expected = 0.005 * 0.1 * np.exp(-lag * DT / 20)
    assert pair(lag, 0.005, 0.005) == pytest.approx(expected, rel=1e-10)
    assert pair(-lag, 0.005, 0.005) == pytest.approx(expected, rel=1e-10)
    assert pair(-lag, -0.005, 0.005) == pytest.approx(-expected, rel=1e-10)


def test_a_pair_in_the_same_step_counts_once_as_pre_before_post():
    assert pair(0, -7.0, 1.0) == pytest.approx(0.1)


def test_weights_stay_in_bounds_and_sums_are_exact():
    rng = np.random.default_rng(0)
    w = rng.random((6, 4))
    x, y = rng.random(6) * 9, rng.random(4) * 9
    pair_stdp(w, x, y, np.ones(6, np.bool_), np.ones(4, np.bool_), -0.3, 0.5, 0.2, 0.9)
    assert w.min() >= 0.2 and w.max() <= 0.9 and (w == 0.9).any()
    before = w / w.sum(0)
    scale(w, 3.5)
    np.testing.assert_allclose(w.sum(0), 3.5, rtol=1e-14)
    np.testing.assert_allclose(w / 3.5, before, rtol=1e-13)


# ---- Brian2

STEPS, INPUTS, CELLS = 600, 25, 12
TAU_E, TAU_I, TAU_THETA, TAU_PLUS, TAU_MINUS = 5.0, 10.0, 500.0, 20.0, 30.0
ETA, ETA_REC, HIGH, ALPHA = 0.05, 0.04, 0.4, 0.8


def network():
    """Input spikes (T, m), start weights (m, n) and recurrent weights (n, n) without a diagonal."""
    rng = np.random.default_rng(5)
    spikes = rng.random((STEPS, INPUTS)) < 60 * DT / 1000
    return spikes, rng.uniform(0, 0.3, (INPUTS, CELLS)), rng.uniform(0, 0.2, (CELLS, CELLS)) * (1 - np.eye(CELLS))


def ours(v0=-65.0):
    spikes, w, u = network()
    kind = cell(20, -65, -70, 3, DT)
    v, g_e, g_i, theta = np.full(CELLS, v0), np.zeros(CELLS), np.zeros(CELLS), np.full(CELLS, 3.0)
    wait, fired = np.zeros(CELLS, np.int64), np.zeros(CELLS, np.bool_)
    x, y, x_rec, y_rec = np.zeros(INPUTS), np.zeros(CELLS), np.zeros(CELLS), np.zeros(CELLS)
    fan = 0.5 * (1 - np.eye(CELLS))
    seen = []
    for t in range(STEPS):
        for trace, tau in ((x, TAU_PLUS), (x_rec, TAU_PLUS), (y, TAU_MINUS), (y_rec, TAU_MINUS), (theta, TAU_THETA)):
            fade(trace, decay(tau, DT))
        conductance_step(v, g_e, g_i, -58 + theta, wait, fired, kind, 0.0, -80.0, decay(TAU_E, DT), decay(TAU_I, DT))
        deliver(g_e, w, spikes[t])
        deliver(g_e, u, fired)
        deliver(g_i, fan, fired)
        pair_stdp(w, x, y, spikes[t], fired, ETA, ETA, 0.0, HIGH, 0.1)
        pair_stdp(u, x_rec, y_rec, fired, fired, -ETA_REC, ETA_REC, 0.0, HIGH)
        u *= 1 - np.eye(CELLS)
        adapt(theta, fired, ALPHA)
        reset(v, wait, fired, kind)
        seen += [(t, j) for j in np.flatnonzero(fired)]
    return seen, w, u, theta, v


def theirs(b):
    spikes, w, u = network()
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    when, who = np.nonzero(spikes)
    source = b.SpikeGeneratorGroup(INPUTS, who, when * DT * b.ms)
    cells = b.NeuronGroup(
        CELLS,
        """dv/dt = (-65 - v + g_e * (0 - v) + g_i * (-80 - v)) / (20*ms) : 1 (unless refractory)
        dg_e/dt = -g_e / (5*ms) : 1
        dg_i/dt = -g_i / (10*ms) : 1
        dtheta/dt = -theta / (500*ms) : 1""",
        threshold="v > -58 + theta",
        reset="v = -70; theta += 0.8 * 10 / abs(theta - 10)",
        refractory=3 * b.ms,
        method="exponential_euler",
    )
    cells.v, cells.theta = -65, 3
    traces = """w : 1
        dx/dt = -x / (20*ms) : 1 (event-driven)
        dy/dt = -y / (30*ms) : 1 (event-driven)"""
    forward = b.Synapses(
        source,
        cells,
        traces,
        on_pre="g_e_post += w; x += 0.1; w = clip(w + 0.05 * y, 0, 0.4)",
        on_post="y += 0.1; w = clip(w + 0.05 * x, 0, 0.4)",
    )
    recurrent = b.Synapses(
        cells,
        cells,
        traces,
        on_pre="g_e_post += w; x += 1; w = clip(w - 0.04 * y, 0, 0.4)",
        on_post="y += 1; w = clip(w + 0.04 * x, 0, 0.4)",
    )
    rivals = b.Synapses(cells, cells, on_pre="g_i_post += 0.5")
    forward.connect()
    recurrent.connect(condition="i != j")
    rivals.connect(condition="i != j")
    forward.w, recurrent.w = w[forward.i, forward.j], u[recurrent.i, recurrent.j]
    monitor = b.SpikeMonitor(cells)
    b.Network(source, cells, forward, recurrent, rivals, monitor).run(STEPS * DT * b.ms)
    w_end, u_end = np.zeros_like(w), np.zeros_like(u)
    w_end[forward.i, forward.j], u_end[recurrent.i, recurrent.j] = forward.w, recurrent.w
    steps = np.rint(np.asarray(monitor.t / b.ms) / DT).astype(int)
    return (
        sorted(zip(steps, np.asarray(monitor.i), strict=True)),
        w_end,
        u_end,
        np.array(cells.theta),
        np.array(cells.v),
    )


def test_a_plastic_recurrent_network_is_brian2s(brian):
    seen, w, u, theta, v = ours()
    expected, w_b, u_b, theta_b, v_b = theirs(brian)
    assert len(seen) > 50 and len({j for _, j in seen}) == CELLS
    assert any(a[0] == b[0] for a, b in zip(seen, seen[1:], strict=False)), "no two neurons ever spike together"
    assert seen == expected
    np.testing.assert_allclose(w, w_b, atol=1e-9, rtol=0)
    np.testing.assert_allclose(u, u_b, atol=1e-9, rtol=0)
    np.testing.assert_allclose(theta, theta_b, atol=1e-9)
    np.testing.assert_allclose(v, v_b, atol=1e-7)
    start = network()
    assert np.abs(w - start[1]).max() > 0.05 and np.abs(u - start[2]).max() > 0.05
    assert (w == HIGH).any() and (u == 0).sum() > CELLS, "the bounds were never reached"


def test_current_synapses_are_brian2s(brian):
    b, rng = brian, np.random.default_rng(6)
    spikes, w = rng.random((STEPS, INPUTS)) < 40 * DT / 1000, rng.uniform(0, 12, (INPUTS, CELLS))
    kind = cell(15, -65, -65, 0, DT)
    v, current = np.full(CELLS, -65.0), np.zeros(CELLS)
    wait, fired, limit, seen = np.zeros(CELLS, np.int64), np.zeros(CELLS, np.bool_), np.full(CELLS, -50.0), []
    for t in range(STEPS):
        current_step(v, current, limit, wait, fired, kind, decay(4, DT), current_gain(15, 4, DT))
        deliver(current, w, spikes[t])
        reset(v, wait, fired, kind)
        seen += [(t, j) for j in np.flatnonzero(fired)]
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    when, who = np.nonzero(spikes)
    source = b.SpikeGeneratorGroup(INPUTS, who, when * DT * b.ms)
    # without a refractory time the two equations are linear together, and Brian2 steps them exactly
    cells = b.NeuronGroup(
        CELLS,
        """dv/dt = (-65 - v + current) / (15*ms) : 1
        dcurrent/dt = -current / (4*ms) : 1""",
        threshold="v > -50",
        reset="v = -65",
        method="exact",
    )
    cells.v = -65
    synapses = b.Synapses(source, cells, "w : 1", on_pre="current_post += w")
    synapses.connect()
    synapses.w = w[synapses.i, synapses.j]
    monitor = b.SpikeMonitor(cells)
    b.Network(source, cells, synapses, monitor).run(STEPS * DT * b.ms)
    steps = np.rint(np.asarray(monitor.t / b.ms) / DT).astype(int)
    assert len(seen) > 50
    assert seen == sorted(zip(steps, np.asarray(monitor.i), strict=True))


# ---- lengths

ONES, NONE, WAIT, KIND = np.ones(3), np.zeros(3, bool), np.zeros(3, np.int64), cell(10, -65, -65, 0, DT)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (current_step, (ONES, ONES[:2], ONES, WAIT, NONE, KIND, 0.5, 1.0)),
        (current_step, (ONES, ONES, ONES, WAIT[:2], NONE, KIND, 0.5, 1.0)),
        (conductance_step, (ONES, ONES, ONES[:1], ONES, WAIT, NONE, KIND, 0.0, -80.0, 0.5, 0.5)),
        (reset, (ONES, WAIT, NONE[:2], KIND)),
        (deliver, (ONES, np.ones((3, 2)), NONE)),
        (deliver, (ONES, np.ones((2, 3)), NONE)),
        (adapt, (ONES, NONE[:1], 0.1)),
        (pair_stdp, (np.ones((2, 3)), ONES, ONES, NONE[:2], NONE, -1.0, 1.0, 0.0, 1.0)),
        (pair_stdp, (np.ones((3, 3)), ONES, ONES, NONE, NONE[:2], -1.0, 1.0, 0.0, 1.0)),
        (follow, (np.ones((1, 9), bool), np.ones((1, 5), bool), -1.0, 1.0, 0.9, 1.0)),
    ],
)
def test_lengths_that_do_not_fit_are_refused(function, values):
    with pytest.raises(ValueError, match="has shape .* it must be"):
        function(*values)
