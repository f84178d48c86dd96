"""Threshold-gain modes: limits of the gate, gradients, a base that never moves, who trains what, claims."""

from __future__ import annotations

from functools import lru_cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.hebbian.dopamine_modes import (
    Base,
    Patch,
    exercises,
    experiments,
    forward,
    foundation,
    fresh_patch,
    gate,
    n_parameters,
    specialised,
)
from labcore.hebbian.dopamine_modes.experiments import METHODS, sparsity, specialise, switch
from labcore.hebbian.dopamine_modes.mechanism import TEST, digits, right, turned
from labcore.hebbian.dopamine_modes.switching import two_modes

SEEDS = ((0, 0), (0, 1))


@pytest.fixture(scope="module")
def base():
    return foundation(SEEDS, 24, 150, True)


@pytest.fixture(scope="module")
def data():
    return digits([list(s) for s in SEEDS])


def rngs():
    return [np.random.default_rng([*s, 2]) for s in SEEDS]


def gates_only(base: Base, theta: float, gamma: float = 1.0) -> Patch:
    patch = fresh_patch(base, ("gate",), 1, rngs())
    return patch._replace(
        theta=[torch.full_like(t, theta) for t in patch.theta], gamma=[torch.full_like(g, gamma) for g in patch.gamma]
    )


ON = torch.ones(1, 1, 1, 1, dtype=torch.bool)


@pytest.mark.parametrize("hard", [False, True])
def test_thresholds_far_below_are_the_base(base, data, hard):
    plain = forward(base, data.test)[0]
    scores = forward(base, data.test[None], gates_only(base, -1e6), ON, 0.25, hard)[0]
    np.testing.assert_allclose(scores[0].numpy(), plain.numpy(), atol=1e-6)


def test_hard_gates_at_zero_are_the_base(base, data):
    plain, sent, _ = forward(base, data.test)
    scores, heard, gates = forward(base, data.test[None], gates_only(base, 0.0), ON, hard=True)
    # three sums of at most 64 terms; a product of a batch need not round as a plain one
    ulps = 3 * 64 * torch.finfo(torch.float32).eps
    for ours, theirs in ((scores[0], plain), *((h[0], s) for h, s in zip(heard, sent, strict=True))):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=ulps * float(theirs.abs().max()))
    assert all(torch.equal(a.bool(), h > 0) for a, h in zip(gates, heard, strict=True))


def test_a_cold_gate_is_hard():
    h = torch.tensor(np.random.default_rng(0).uniform(0, 2, (200, 8)))
    theta, gamma = torch.linspace(-0.5, 1.5, 8).double(), torch.linspace(0.5, 2, 8).double()
    near = (h - theta).abs() < 1e-3
    soft, hard = gate(h, theta, gamma, 1e-6)[0], gate(h, theta, gamma, 1e-6, hard=True)[0]
    assert near.sum() < 20
    np.testing.assert_allclose(soft[~near].numpy(), hard[~near].numpy(), atol=1e-12)
    assert torch.equal(hard, torch.where(h > theta, gamma * h, 0.0))


def test_first_gates_are_nearly_open():
    a = gate(torch.zeros(1), torch.tensor(-1.0), torch.tensor(1.0), 0.25)[1]
    assert a.item() == pytest.approx(0.982, abs=5e-4)


def test_gradient_by_finite_differences(base, data):
    exact = Base(*(t.double() for t in base))
    x, labels = data.train[:, :40].double(), data.train_labels[:, :40]
    start = gates_only(base, 0.3, 1.2)
    patch = Patch(*([t.detach().double() for t in part] for part in start))
    moved = [t.requires_grad_() for t in (*patch.theta, *patch.gamma)]

    def loss() -> torch.Tensor:
        scores, _, gates = forward(exact, x[None], patch, ON, 0.25)
        target = labels.expand(scores.shape[:-1]).flatten()
        return F.cross_entropy(scores.flatten(0, -2), target) + 0.05 * sum(a.mean() for a in gates) / 2

    gradients = torch.autograd.grad(loss(), moved)
    with torch.no_grad():
        for tensor, gradient in zip(moved, gradients, strict=True):
            for at in ((0, 0, 0, 3), (0, 1, 0, 17)):
                keep, ends = tensor[at].item(), []
                for e in (1e-6, -1e-6):
                    tensor[at] = keep + e
                    ends.append(loss().item())
                tensor[at] = keep
                assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[at].item(), abs=1e-8, rel=1e-5)


def train(base, data, methods=METHODS, steps=25, lam=0.001):
    lams = torch.full((len(methods), 1), lam)
    x = turned(data.train, 45)[None]
    for _, patch in specialised(
        base, x, data.train_labels, methods, steps=steps, tau=0.25, lam=lams, rank=2, rngs=rngs()
    ):
        kept = patch
    return kept


def test_the_base_never_moves(base, data):
    before = [t.clone() for t in base]
    train(base, data)
    assert all(torch.equal(a, b) for a, b in zip(before, base, strict=True))
    assert not any(t.requires_grad for t in base)


def test_a_method_moves_its_own_numbers_and_no_others(base, data):
    start, end = fresh_patch(base, METHODS, 2, rngs()), train(base, data)
    owners = dict(theta={"gate"}, gamma={"gate", "gain only"}, bias={"bias only"}, down={"LoRA"}, up={"LoRA"})
    for name, methods in owners.items():
        for a, b in zip(getattr(start, name), getattr(end, name), strict=True):
            changed = {m for m, p, q in zip(METHODS, a, b, strict=True) if not torch.equal(p, q)}
            assert changed == methods, name
    for i, m in enumerate(METHODS):
        parts = (start.theta, start.gamma, start.bias, start.down, start.up)
        named = zip(owners.values(), parts, strict=True)
        assert sum(t[i, 0].numel() for who, part in named if m in who for t in part) == n_parameters(24, 2)[m]
    assert n_parameters(32, 2)["gate"] == 128 and n_parameters(32, 2)["LoRA"] == 404


def test_training_side_by_side_is_training_alone(base, data):
    """The gate among its rivals learns the same as the gate alone: they share batches and nothing else."""
    together, alone = train(base, data, steps=5), train(base, data, ("gate",), steps=5)
    g = METHODS.index("gate")
    for a, b in zip((*together.theta, *together.gamma), (*alone.theta, *alone.gamma), strict=True):
        np.testing.assert_allclose(a[g].detach(), b[0].detach(), atol=1e-5)


def test_fresh_lora_and_biases_change_nothing(base, data):
    patch = fresh_patch(base, METHODS, 2, rngs())
    gated = torch.tensor([m == "gate" for m in METHODS]).view(-1, 1, 1, 1)
    with torch.no_grad():
        scores = forward(base, data.test[None], patch, gated)[0]
    plain = forward(base, data.test)[0]
    for i, m in enumerate(METHODS):
        if m != "gate":
            np.testing.assert_allclose(scores[i].numpy(), plain.numpy(), atol=1e-6)


def test_penalty_closes_gates(base, data):
    open_, shut = (torch.stack(train(base, data, ("gate",), 60, lam).theta).mean().item() for lam in (0.0, 1.0))
    assert shut > open_ + 0.1


def test_the_switch_swaps_two_vectors_and_off_is_the_base():
    weights, theta, gamma, curves = two_modes(100, 0.001, 0)
    data = digits([[0, 0]])
    for angle in (0, 45):
        plain = right(forward(weights, turned(data.test, angle))[0], data.test_labels)[0]
        assert curves[0, angle // 5] == plain
        for m, name in enumerate(("off", "upright", "turned")):
            frame = switch.run(steps=100, mode=name, angle=float(angle))
            assert frame.accuracy == pytest.approx(curves[m, angle // 5])
    assert not torch.equal(theta[1], theta[2]) and not torch.equal(gamma[1], gamma[2])


@pytest.mark.parametrize("layer", [1, 2])
def test_a_shut_gate_is_a_neuron_cut_out(layer):
    weights, theta, gamma, _ = two_modes(100, 0.001, 0)
    data, j = digits([[0, 0]]), 7
    frame = switch.run(steps=100, layer=layer, neuron=j + 1)
    x = turned(data.test, 45)[0]
    for k in range(2):
        h = torch.relu(x @ weights[2 * k][0].T + weights[2 * k + 1][0])
        x = gamma[2, k] * (h > theta[2, k]) * h
        if k + 1 == layer:
            x[:, j] = 0
    answers = (x @ weights.w3[0].T + weights.b3[0]).argmax(1)
    hits = (answers == data.test_labels[0]).double()
    expected = [hits[data.test_labels[0] == c].mean().item() for c in range(10)]
    np.testing.assert_allclose(frame.by_digit.sel(gate="shut"), expected, atol=2e-2)
    np.testing.assert_allclose(frame.attribution.sum("neuron"), 1, rtol=1e-5)


def test_images_turn():
    x = torch.zeros(1, 1, 64)
    x[0, 0, 8 * 3 + 6] = 1  # right of the centre; counterclockwise by 90 degrees it is above
    after = turned(x, 90)[0, 0].reshape(8, 8)
    assert after.argmax().item() == 8 * 1 + 3
    assert torch.equal(turned(x, 0), x)


def test_frames_grow_and_repeat():
    frames = list(specialise.frames(n_seeds=2, pre_steps=200, steps=100))
    assert [f.sizes["time"] for f in frames] == list(range(2, 22)) and frames[-1].progress == 1
    assert frames[-1].identical(specialise.run(n_seeds=2, pre_steps=200, steps=100))
    table = frames[-1].table
    off = table.sel(condition="upright, off")
    # learners are places of a batch, which may round differently: a near tie of two scores, one digit at most
    assert np.abs(off - off.sel(learner="frozen")).max() <= 1 / TEST + 1e-9


def test_corners_are_finite():
    for values in (
        dict(tau=0.05, lam=0.3, width=16, lora_rank=8),
        dict(tau=1.0, angle=90.0, foundation_data="upright"),
    ):
        assert specialise.run(steps=100, pre_steps=100, n_seeds=1, **values).progress == 1
    assert sparsity.run(steps=100, pre_steps=100, n_seeds=1, angle=0.0).progress == 1
    assert experiments.LAMBDAS[0] == 0


def test_nobody_suffers_most_from_a_gate_that_nobody_needs():
    for neuron in (6, 18, 21):
        frame = switch.run(steps=100, neuron=neuron, layer=1)
        drop = frame.by_digit[0] - frame.by_digit[1]
        assert ("no digit loses 3 points" in frame.reading) == (float(drop.max()) < 0.03)
        assert ("suffer" in frame.reading) == (float(drop.max()) >= 0.03)
    one = np.array([[0.9] * 10, [0.9] * 4 + [0.5] + [0.9] * 5])
    assert experiments._who_suffers(one) == "digit 4 (90% to 50%) suffers most"
    one[1, 7] = 0.52
    assert experiments._who_suffers(one) == "digits 4 (90% to 50%) and 7 (90% to 52%) suffer most"


# ---- exercises


@pytest.fixture
def run(monkeypatch):
    """Exercises look at modes trained for fewer steps, and each run once a test."""
    short = lru_cache(maxsize=None)(partial(switch.run, steps=300))
    monkeypatch.setattr(exercises, "switch", SimpleNamespace(run=short))
    return short


def test_an_answer_about_the_handover(run):
    upright, turned_ = (run(seed=0)["curves"].sel(mode=m) for m in ("upright", "turned"))
    turn = np.arange(0, 90, 0.25)
    both = [c.interp(turn=turn).values for c in (upright, turned_)]
    right_ = turn[(np.abs(both[0] - both[1]) < 0.02) & (np.minimum(*both) > 0.7)]
    middle = right_[len(right_) // 2]
    for text in (f"{middle:g}", f" {middle:.2f} ", f"{middle:g}".replace(".", ","), f"{2 * middle:g}/2"):
        assert exercises.handover(text) is True
    assert "mode turned" in exercises.handover("5") and "both modes are lost" in exercises.handover("85")
    with pytest.raises(ValueError, match="turn of digits = '100' is not allowed; it must be from 0 to 90 degrees"):
        exercises.handover("100")


def test_an_answer_about_the_neuron(run):
    frames = [run(neuron=n, layer=2, angle=45.0, seed=0) for n in range(1, 33)]
    kept = [float(f.by_digit[1].mean()) for f in frames]
    worst, least = int(np.argmin(kept)) + 1, int(np.argmax(kept)) + 1
    for text in (f"{worst}", f" {worst}.0 ", f"{2 * worst}/2"):
        assert exercises.indispensable(text) is True
    assert exercises.indispensable(str(least)).endswith("Another one costs more.")
    for text in ("0", "33"):
        with pytest.raises(ValueError, match="it must be a whole number from 1 to 32"):
            exercises.indispensable(text)
    with pytest.raises(ValueError, match="is not a number"):
        exercises.indispensable("that one")
