"""A copy of weights as a beginning: wiring, statistics and work, against layers by hand and by counting."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.spiking.ann_to_snn_pretraining import Neuron, Twin, copied, remeasured, shuffled
from labcore.spiking.ann_to_snn_pretraining.exercises import lower_threshold, share_of_work
from labcore.spiking.ann_to_snn_pretraining.history import cka, reaches
from labcore.spiking.ann_to_snn_pretraining.network import LAYERS, RELU
from labcore.spiking.ann_to_snn_pretraining.training import BATCH, Trainer, digits, right, training_work

SEEDS, WIDTHS = [[7, 0], [7, 1]], (4, 6, 6)
FIRE = Neuron(True)


@pytest.fixture(scope="module")
def data():
    return digits("pixels", 3, 320, SEEDS)


@pytest.fixture(scope="module")
def analog(data):
    net = Twin(SEEDS, 1, 8, WIDTHS).eval()
    trainer = Trainer(net, data, RELU, 1, 1e-2, np.random.default_rng(0))
    for _ in range(10):
        trainer.half()
    return net


def fresh(seeds=SEEDS):
    return Twin([[*s, 1] for s in seeds], 1, 8, WIDTHS).eval()


def by_hand(net, run, image, fires, steps):
    """One run on one image, unit after unit: convolution with batch norm folded into it, neuron, mean, linear."""
    layers = []
    for k, width in enumerate(WIDTHS):
        own = slice(run * width, (run + 1) * width)
        gain, bias, mean, var = (getattr(net, f"{n}{k}")[own].double() for n in ("gain", "bias", "mean", "var"))
        scale = gain / (var + 1e-5).sqrt()
        layers.append((getattr(net, f"conv{k}")[own].double() * scale[:, None, None, None], bias - scale * mean))
    v, out = [0.0] * 3, 0.0
    for _ in range(steps):
        x = image.double()[None, None]
        for k, (weight, bias) in enumerate(layers):
            current = F.conv2d(x, weight, bias, padding=1)
            if fires:
                h = 0.5 * v[k] + current
                x = (h >= 1).double()
                v[k] = h * (1 - x)
            else:
                x = current.clamp(min=0)
            x = F.avg_pool2d(x, 2) if k < 2 else x
        out = out + x.flatten() @ net.readout[run].double() + net.readout_bias[run, 0].double()
    return out / steps


@pytest.mark.parametrize("fires", [False, True])
def test_both_networks_are_the_layers_put_together_by_hand(analog, data, fires):
    net, steps = analog, 3 if fires else 1
    with torch.no_grad():
        got = net(data.x_test[:, :5], FIRE if fires else RELU, steps).logits.mean(0)
        for run in (0, 1):
            want = [by_hand(net, run, data.x_test[0, i, run], fires, steps) for i in range(5)]
            assert torch.allclose(got[:, run].double(), torch.stack(want), atol=1e-4)


def test_a_neuron_that_is_a_relu_gives_the_copy_the_logits_of_the_original(analog, data):
    net = copied(analog, fresh())
    with torch.no_grad():
        assert torch.equal(net(data.still_test, RELU).logits, analog(data.still_test, RELU).logits)
        assert not torch.allclose(fresh()(data.still_test, RELU).logits, analog(data.still_test, RELU).logits, atol=0.1)


def test_every_tensor_is_copied_and_none_is_shared(analog, data):
    before = deepcopy(analog.state_dict())
    net = copied(analog, fresh())
    mine = net.state_dict()
    assert mine.keys() == before.keys() and all(torch.equal(mine[k], before[k]) for k in before)
    assert {"mean2", "var2", "gain0", "conv0", "readout"} <= mine.keys()
    Trainer(net, data, FIRE, 3, 1e-2, np.random.default_rng(0)).half()
    assert all(torch.equal(analog.state_dict()[k], before[k]) for k in before), "training the copy left the original"
    moved = [k for k, v in net.state_dict().items() if not torch.equal(v, before[k])]
    assert set(moved) == set(before), "every layer learns, and statistics follow"
    with pytest.raises(RuntimeError):
        copied(analog, Twin(SEEDS, 1, 8, (4, 8, 8)))


def test_without_a_step_of_learning_only_statistics_move(analog, data):
    net = copied(analog, fresh())
    Trainer(net, data, FIRE, 3, 0.0, np.random.default_rng(0)).half()
    for k, v in net.state_dict().items():
        assert torch.equal(v, analog.state_dict()[k]) != k.startswith(("mean", "var"))


def test_statistics_measured_anew_are_those_of_the_currents(analog, data):
    net, x = copied(analog, fresh()), data.x[:, :100]
    made = remeasured(net, x, FIRE, 3)
    assert np.allclose(made.spreads(x, FIRE, 3), 1, atol=0.01)
    assert min(net.spreads(x, FIRE, 3)) < 0.9, "with spikes the currents are others than with ReLUs"
    assert all(torch.equal(made.state_dict()[k], v) for k, v in net.state_dict().items() if k[:3] not in ("mea", "var"))
    assert right(made, data, FIRE, 3).mean() > right(net, data, FIRE, 3).mean() + 0.1


@pytest.mark.parametrize("layer", [1, 2, 3, 4])
def test_shuffling_deals_out_the_weights_of_one_layer_within_each_run(analog, layer):
    made, name = shuffled(analog, layer, SEEDS), LAYERS[layer - 1]
    for k, v in analog.state_dict().items():
        assert torch.equal(v, made.state_dict()[k]) == (k != name)
    old, new = (getattr(n, name).detach().reshape(2, -1) for n in (analog, made))
    assert torch.equal(old.sort(1).values, new.sort(1).values)
    alone = Twin(SEEDS[1:], 1, 8, WIDTHS)
    getattr(alone, name).data.copy_(getattr(analog, name)[-getattr(alone, name).shape[0] :])
    assert torch.equal(getattr(shuffled(alone, layer, SEEDS[1:]), name).reshape(1, -1)[0], new[1])


def test_all_layers_shuffled_are_each_layer_shuffled(analog):
    every = shuffled(analog, 5, SEEDS)
    for layer, name in enumerate(LAYERS, 1):
        assert torch.equal(getattr(every, name), getattr(shuffled(analog, layer, SEEDS), name))


def test_a_layer_that_is_not_there_cannot_be_shuffled(analog):
    assert torch.equal(shuffled(analog, 0, SEEDS).conv1, analog.conv1)
    with pytest.raises(ValueError, match="layer = 6"):
        shuffled(analog, 6, SEEDS)


def test_a_run_is_the_same_alone_and_beside_others(data):
    both, alone, own = fresh(), fresh(SEEDS[1:]), digits("pixels", 3, 320, SEEDS[1:])
    for net, d in ((both, data), (alone, own)):
        Trainer(net, d, FIRE, 3, 1e-2, np.random.default_rng(3)).half()
    assert torch.allclose(both.conv1[-6:], alone.conv1, atol=1e-4)
    assert right(both, data, FIRE, 3)[1] == pytest.approx(right(alone, own, FIRE, 3)[0], abs=0.011)


@pytest.mark.parametrize("kind", ["rate", "moving"])
def test_a_still_frame_of_events_is_their_mean_and_nothing_of_the_test_digits(kind):
    small, large = digits(kind, 6, 200, SEEDS), digits(kind, 6, 200, SEEDS)
    assert set(small.x.unique().tolist()) == {0.0, 1.0} and len(small.x) == 6
    assert torch.allclose(small.still[0], small.x.sum(0) / 6)
    assert torch.equal(small.x, large.x) and small.x.shape[1:3] == (200, 4 if kind == "moving" else 2)
    run = digits(kind, 6, 200, SEEDS[:1])
    assert torch.equal(run.x, small.x[:, :, : run.x.shape[2]]), "run 0 is the same alone"


def test_work_is_what_a_loop_over_places_counts(analog, data):
    """Every spike, every place of the kernel that lies inside the picture, every channel."""
    net, steps = copied(analog, fresh()), 3
    with torch.no_grad():
        sent = net(data.x_test[:, :BATCH], FIRE, steps).sent
    inside = {n: [sum(0 <= i + d < n for d in (-1, 0, 1)) for i in range(n)] for n in (8, 4, 2)}
    places = {n: float(sum(inside[n]) ** 2) for n in inside}
    reach = {n: torch.tensor(np.outer(inside[n], inside[n]), dtype=torch.float32) for n in inside}
    products = [places[8] * 4, places[4] * 4 * 6, places[2] * 6 * 6, 24 * 10]
    relu = training_work(net, data, RELU, 1, False)
    assert relu.products == 3 * sum(products) - products[0] and relu.additions == 0
    full = training_work(net, data, FIRE, steps, False)
    assert full.products == 2 * products[0] + 3 * steps * sum(products[1:])
    seen = training_work(net, data, FIRE, steps, False, backward=False)
    assert seen.products == products[0] + steps * sum(products[1:])
    spikes = 0.0
    for n, fan, s in ((4, 6, sent[0]), (2, 6, sent[1])):
        summed = s.unfold(3, 2, 2).unfold(4, 2, 2).sum((5, 6))
        spikes += fan * float((summed * reach[n]).sum())
    spikes = (spikes + 10 * float(sent[2].sum())) / (2 * BATCH)
    sparse = training_work(net, data, FIRE, steps, True)
    assert sparse.additions == pytest.approx(2 * spikes, rel=1e-5)
    assert sparse.products == 2 * products[0] + steps * sum(products[1:])


def test_a_copy_learns_in_one_epoch_what_the_same_network_without_it_does_not(analog, data):
    ends = []
    for net in (copied(analog, fresh()), fresh()):
        trainer = Trainer(net, data, FIRE, 3, 1e-2, np.random.default_rng(1))
        trainer.half(), trainer.half()
        # eight batches are too few for running statistics that begin at 0 and 1
        ends.append(right(remeasured(net, data.x, FIRE, 3), data, FIRE, 3).mean())
    assert ends[0] > ends[1] + 0.2


def test_likeness_is_blind_to_rotation_and_scale_and_sees_the_rest():
    rng = np.random.default_rng(0)
    a = torch.from_numpy(rng.normal(size=(30, 5)))
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(5, 5)))[0])
    assert cka(a, 3 * a @ turn + 1) == pytest.approx(1)
    assert cka(a, torch.from_numpy(rng.normal(size=(30, 5)))) < 0.5
    assert cka(a, torch.ones(30, 2)) == 0


def test_a_goal_is_reached_between_two_looks():
    spent, right_ones = np.array([10.0, 20.0, 30.0]), np.array([0.5, 0.9, 1.0])
    assert reaches(spent, right_ones, 0.95) == pytest.approx(25)
    assert reaches(spent, right_ones, 0.4) == 10 and reaches(spent, right_ones[:2], 0.95) is None


def test_an_answer_is_right_however_it_is_written():
    assert share_of_work("1") is share_of_work("6/6") is share_of_work("1,0") is True
    assert "ReLUs count" in share_of_work("2/3") and share_of_work("2") is False
    assert lower_threshold("0.5", seed=1) is lower_threshold("1/2", seed=1) is lower_threshold("0,5", seed=1) is True
    assert "reads" in lower_threshold("1", seed=1)
