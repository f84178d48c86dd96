"""Spikes with surrogate slopes and the leaky neuron over time: closed forms, gradients by hand, and four peers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from labcore.primitives.spiking import lif as milliseconds
from labcore.primitives.spiking.steps import lif, lif_compiled
from labcore.primitives.spiking.surrogate import SURROGATES, slope, spike

RESETS = ("hard", "soft", "none")


def currents(*shape, seed=0, dtype=torch.float32):
    return torch.from_numpy(np.random.default_rng(seed).normal(0.4, 0.7, shape)).to(dtype)


# ---- surrogates


def test_the_forward_pass_is_the_step_whatever_the_surrogate():
    u = torch.tensor([-2.0, -1e-30, -0.0, 0.0, 1e-30, 0.3, torch.inf, -torch.inf])
    for kind in SURROGATES:
        for alpha in (0.1, 7.0):
            assert spike(u, kind, alpha).tolist() == [0, 0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("kind", SURROGATES)
def test_a_slope_is_that_of_the_curve_that_it_is_named_after(kind):
    """By autograd of the curve itself, and each as high and as wide as its alpha says."""
    u = torch.linspace(-3, 3, 241, dtype=torch.float64, requires_grad=True)
    a = 1.7
    curve = {
        "atan": lambda: torch.atan(math.pi / 2 * a * u) / math.pi,
        "sigmoid": lambda: 1 / (1 + torch.exp(-a * u)),
        "triangle": lambda: a * torch.where(u.abs() < 1, u - u * u.abs() / 2, torch.sign(u) / 2),
        "rectangle": lambda: u.clamp(-a / 2, a / 2) / a,
        "gauss": lambda: torch.erf((u - 0.4) / a / 2**0.5) / 2,
    }[kind]()
    (expected,) = torch.autograd.grad(curve.sum(), u)
    found = slope(u.detach(), kind, a, 0.4)
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-12)
    twice = u.detach().requires_grad_()
    (3 * spike(twice, kind, a, 0.4)).sum().backward()
    assert torch.equal(twice.grad, 3 * found)


def test_alpha_may_be_a_tensor():
    u, alpha = currents(4, 3), torch.tensor([0.5, 1.0, 2.0])
    every = slope(u, "gauss", alpha, alpha / 2)
    for j, a in enumerate(alpha):
        assert torch.equal(every[:, j], slope(u[:, j], "gauss", a, a / 2))


# ---- the neuron


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("decay_input", [False, True])
def test_the_compiled_loop_has_the_same_bits(reset, decay_input):
    for dtype in (torch.float32, torch.float64):
        now = currents(40, 3, 5, dtype=dtype)
        decay, theta, start = np.linspace(0.1, 1, 5), np.array([[0.3], [0.7], [1.0]]), 0.2
        slow = lif(now, torch.from_numpy(decay), torch.from_numpy(theta), reset, decay_input, start=start)
        fast = lif_compiled(now.numpy(), decay, theta, reset, decay_input, start)
        assert 0.05 < slow.spikes.mean() < 0.9
        for a, b in zip(slow, fast, strict=True):
            assert a.numpy().tobytes() == b.tobytes()


@pytest.mark.parametrize("k", [0, 1, 20, 33, 63, 64])
def test_a_neuron_without_leak_counts(k):
    """A constant current of k/64, soft reset, half a threshold to begin with: floor(a T + 1/2) spikes, exactly."""
    spikes = lif(torch.full((64,), k / 64), 1.0, reset="soft", start=0.5).spikes.cumsum(0)
    assert spikes.tolist() == [math.floor(k / 64 * t + 0.5) for t in range(1, 65)]


def test_a_constant_current_brings_a_spike_after_a_known_time():
    """V = a (1 - decay^t): the threshold is reached at t = log(1 - theta / a) / log decay, again and again."""
    a, decay = 1.3, 0.93
    first = math.ceil(math.log(1 - 1 / a) / math.log(decay))
    when = np.flatnonzero(lif(torch.full((200,), a).double(), decay, decay_input=True).spikes)
    assert (when + 1).tolist() == [first * (k + 1) for k in range(len(when))] and len(when) > 5


def test_it_is_the_neuron_in_milliseconds():
    """The house's other leaky neuron, with a current that is new in each step."""
    kind, n, drive = milliseconds.cell(10.0, 0.0, 0.0, 0.0, 0.5), 6, np.random.default_rng(1).normal(0.1, 0.5, (300, 6))
    v, limit, wait, spikes = np.zeros(n), np.ones(n), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    seen = []
    for now in drive:
        milliseconds.current_step(v, now.copy(), limit, wait, spikes, kind, 1.0, 1.0)
        seen.append(spikes.copy())
        milliseconds.reset(v, wait, spikes, kind)
    ours = lif_compiled(drive, milliseconds.decay(10.0, 0.5))
    assert np.array_equal(ours.spikes, np.array(seen)) and 50 < ours.spikes.sum() < 1000


def test_the_gradient_of_two_steps_by_hand():
    """Loss s_2 of one neuron: through its own current, and through the first step's potential and reset."""
    now = torch.tensor([0.8, 0.7], dtype=torch.float64, requires_grad=True)
    for reset, detach in (("hard", True), ("hard", False), ("soft", False), ("none", False)):
        decay = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
        theta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        lif(now, decay, theta, reset, detach_reset=detach, alpha=2.0).spikes[1].backward()
        h1, g = 0.8, lambda u: float(slope(torch.tensor(u).double()))
        v1 = {"hard": 0.0, "soft": h1 - 0.5, "none": h1}[reset]
        s1 = g(h1 - 0.5)  # of the first spike
        through = {"hard": 0.0 if detach else -h1 * s1, "soft": 1 - 0.5 * s1, "none": 1.0}[reset]
        g2 = g(0.6 * v1 + 0.7 - 0.5)
        assert now.grad.tolist() == pytest.approx([g2 * 0.6 * through, g2])
        assert float(decay.grad) == pytest.approx(g2 * v1)
        to_reset = {"hard": 0.0 if detach else h1 * s1, "soft": -1 + 0.5 * s1, "none": 0.0}[reset]
        assert float(theta.grad) == pytest.approx(g2 * (0.6 * to_reset - 1))
        now.grad = None


def test_a_gradient_far_back_is_that_of_the_unrolled_formula():
    """Many steps and all resets, against autograd of the formula written out, a smooth slope attached to its step."""
    now, decay = currents(12, 4, dtype=torch.float64), 0.8
    for reset in RESETS:
        ours, theirs = (now.clone().requires_grad_() for _ in range(2))
        found = lif(ours, decay, reset=reset, detach_reset=False, surrogate="sigmoid", alpha=3.0)
        v, total = 0.0, 0.0
        for t in range(12):
            h = decay * v + theirs[t]
            soft = torch.sigmoid(3.0 * (h - 1))
            s = (h >= 1).double() + soft - soft.detach()
            v = {"hard": h * (1 - s), "soft": h - s, "none": h}[reset]
            total = total + (t + 1) * s.sum()
        (found.spikes.sum(1) @ torch.arange(1.0, 13.0).double()).backward()
        total.backward()
        assert ours.grad.numpy() == pytest.approx(theirs.grad.numpy(), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: spike(torch.zeros(2), "relu"), "surrogate = 'relu'"),
        (lambda: slope(torch.zeros(2), "relu"), "surrogate = 'relu'"),
        (lambda: spike(torch.zeros(2), alpha=0.0), "alpha = 0.0"),
        (lambda: spike(torch.zeros(2), alpha=torch.tensor([1.0, -1.0])), "alpha"),
        (lambda: lif(torch.zeros(0, 3)), "current has shape"),
        (lambda: lif(torch.zeros(2, 3), reset="maybe"), "reset = 'maybe'"),
        (lambda: lif(torch.zeros(2, 3), 1.2), "decay = 1.2"),
        (lambda: lif_compiled(np.zeros((2, 3)), np.array([0.5, np.nan, 0.5])), "decay"),
        (lambda: lif_compiled(np.zeros((2, 3)), np.full(2, 0.5)), "broadcast"),
        (lambda: lif_compiled(np.zeros((2, 3), np.int64)), "dtype int64"),
        (lambda: lif_compiled(np.full((2, 3), np.nan)), "not finite"),
    ],
)
def test_what_cannot_be_is_refused(call, named):
    with pytest.raises(ValueError, match=named):
        call()


# ---- peers


@pytest.mark.parametrize("decay_input", [False, True])
@pytest.mark.parametrize("reset", ["hard", "soft"])
@pytest.mark.parametrize("detach", [False, True])
def test_spikingjelly_has_the_same_spikes_and_gradients(decay_input, reset, detach):
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import neuron
    from spikingjelly.activation_based import surrogate as theirs

    node = neuron.LIFNode(
        tau=2.0,
        decay_input=decay_input,
        v_threshold=1.0,
        v_reset=0.0 if reset == "hard" else None,
        surrogate_function=theirs.ATan(alpha=2.0),
        detach_reset=detach,
        step_mode="m",
    )
    a, b = (currents(20, 6, dtype=torch.float64).mul(2).requires_grad_() for _ in range(2))
    ours, other = lif(a, 0.5, 1.0, reset, decay_input, detach).spikes, node(b)
    weights = torch.arange(120.0).reshape(20, 6).double()
    (ours * weights).sum().backward()
    (other * weights).sum().backward()
    assert torch.equal(ours, other) and 10 < ours.sum() < 110
    assert a.grad.numpy() == pytest.approx(b.grad.numpy(), rel=1e-5)


def test_snntorch_has_the_same_spikes_without_a_leak():
    """Its reset comes a step later and is not decayed: with beta = 1 and subtraction that is the same neuron."""
    snntorch = pytest.importorskip("snntorch")
    now = currents(30, 5)
    cell = snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract")
    memory, seen = cell.init_leaky(), []
    for x in now:
        s, memory = cell(x, memory)
        seen.append(s)
    ours = lif(now, 1.0, reset="soft").spikes
    assert torch.equal(ours, torch.stack(seen)) and 10 < ours.sum() < 140


def test_norse_has_the_same_spikes():
    """Its input goes through a synapse, which here forgets at once."""
    pytest.importorskip("norse")
    from norse.torch.functional.lif import LIFFeedForwardState, LIFParameters, lif_feed_forward_step

    dt, decay, now = 1e-3, 0.8, currents(30, 5, dtype=torch.float64).mul(4)
    p = LIFParameters(
        tau_syn_inv=torch.tensor(1 / dt).double(),
        tau_mem_inv=torch.tensor((1 - decay) / dt).double(),
        v_leak=torch.tensor(0.0).double(),
        v_th=torch.tensor(1.0).double(),
        v_reset=torch.tensor(0.0).double(),
    )
    state = LIFFeedForwardState(v=torch.zeros(5).double(), i=torch.zeros(5).double())
    seen = []
    for x in now:
        s, state = lif_feed_forward_step(x, state, p, dt)
        seen.append(s)
    ours = lif(now, decay, decay_input=True).spikes
    assert torch.equal(ours, torch.stack(seen)) and 10 < ours.sum() < 140


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Brian2 with a newer pyparsing
def test_brian_has_the_same_spikes_and_potentials():
    """dv/dt = (I - v) / tau solved exactly, a current that stays over each step: decay_input and a hard reset."""
    from tests.benchmarks.bench_spiking import brian

    b = brian("numpy")
    now, tau, dt = currents(60, 5, seed=3, dtype=torch.float64).mul(3).numpy(), 7.0, 0.5
    b.start_scope()
    b.defaultclock.dt = dt * b.ms
    drive = b.TimedArray(now, dt=dt * b.ms)  # noqa: F841 - the equations name it
    cells = b.NeuronGroup(
        5,
        f"dv/dt = (drive(t, i) - v) / ({tau}*ms) : 1",
        threshold="v >= 1",
        reset="v = 0",
        method="exact",
        namespace={"drive": drive},
    )
    spikes, course = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=True, when="thresholds")
    b.Network(cells, spikes, course).run(60 * dt * b.ms)
    ours = lif_compiled(now, math.exp(-dt / tau), 1.0, "hard", True)
    seen = np.zeros((60, 5))
    seen[np.round(np.array(spikes.t / b.ms) / dt).astype(int), np.array(spikes.i)] = 1
    assert np.array_equal(ours.spikes, seen) and 10 < seen.sum() < 250
    assert np.array(course.v).T == pytest.approx(ours.potential, abs=1e-12)
