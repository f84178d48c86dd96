"""A liquid of random wires: a loop in NumPy, Brian2 spike for spike, closed forms; two senses that learn to agree."""

from __future__ import annotations

import importlib.util
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from labcore.data import digits_split
from labcore.primitives.spiking.events import digit_events
from labcore.spiking.liquid_state import Projections, course, info_nce, pairs, states, wires
from labcore.spiking.liquid_state.alignment import aligned
from labcore.spiking.liquid_state.exercises import at_the_edge, fires_first, weights_trained
from labcore.spiking.liquid_state.reading import RIDGE, reader
from labcore.spiking.liquid_state.recordings import backwards, features, moved, orders, sounds, swept
from labcore.spiking.liquid_state.trained import Recurrent, recordings
from labcore.spiking.liquid_state.trained import train as train_all
from labcore.spiking.liquid_state.zero_shot import ASKED, LEARNED, N_TRAIN, senses, train


def rng(seed=0):
    return np.random.default_rng(seed)


def events(batch=6, steps=24, channels=8, seed=1):
    return (rng(seed).random((batch, steps, channels)) < 0.4).astype(float)


def looped(x, into, among, decay):
    """The equations, every product made, no sparsity."""
    v, s, spikes, potential = np.zeros(len(among)), np.zeros(len(among)), [], []
    for now in x:
        v = decay * v * (1 - s) + now @ into + s @ among
        s = (v >= 1).astype(float)
        spikes.append(s)
        potential.append(v)
    return np.array(spikes), np.array(potential)


@pytest.mark.parametrize("gain", [0.0, 1.2, 3.0])
def test_a_loop_in_numpy_has_the_same_spikes_and_potentials(gain):
    w, x = wires(rng(), 8, 60, 0.5, gain), events()
    counts = states(x, *w, 0.9, 0.0, rng())
    for recording, count in zip(x, counts, strict=True):
        spikes, potential = looped(recording, *w, 0.9)
        ours = course(recording, *w, 0.9, 0.0, rng())
        assert np.array_equal(ours.spikes, spikes) and spikes.any()
        assert ours.potential == pytest.approx(potential, abs=1e-12)
        assert np.array_equal(count, spikes.sum(0))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Brian2 with a newer pyparsing
def test_brian_has_the_same_spikes_and_potentials():
    """Its neurons leak exactly; a spike of the last step arrives after the leak and before the threshold."""
    if not importlib.util.find_spec("brian2"):
        pytest.skip("Brian2 is not installed")
    from tests.benchmarks.bench_liquid import in_brian

    w, x = wires(rng(2), 8, 40, 0.5, 2.0), np.concatenate([events(1)[0], np.zeros((16, 8))])
    spikes, potential = in_brian(x, w, 0.9)()
    ours = course(x, *w, 0.9, 0.0, rng())
    assert np.array_equal(ours.spikes, spikes) and 50 < spikes.sum() < 800
    assert ours.potential == pytest.approx(potential, abs=1e-12)


def test_without_wires_nothing_fires_and_without_memory_each_step_stands_alone():
    x = events()
    assert states(x, np.zeros((8, 20)), np.zeros((20, 20)), 0.9, 0.0, rng()).sum() == 0
    w = wires(rng(), 8, 50, 0.5, 0.0)
    assert np.array_equal(states(x, *w, 0.0, 0.0, rng()), (x @ w.into >= 1).sum(1))
    shuffled = np.stack([r[rng(i).permutation(24)] for i, r in enumerate(x)])
    alone, with_memory = (states(x, *w, d, 0.0, rng()) - states(shuffled, *w, d, 0.0, rng()) for d in (0.0, 0.9))
    assert not alone.any() and with_memory.any()


def test_a_neuron_by_hand():
    """0.6 leaks to 0.3, with 0.6 it is 0.9, then 1.05: it fires, begins at 0, and its own spike brings 0.25."""
    into, among = np.array([[0.6]]), np.array([[0.25]])
    ours = course(np.ones((5, 1)), into, among, 0.5, 0.0, rng())
    assert ours.potential[:, 0] == pytest.approx([0.6, 0.9, 1.05, 0.85, 1.025])
    assert ours.spikes[:, 0].tolist() == [0, 0, 1, 0, 1]


def test_reading_noise_is_that_of_every_weight_that_was_read():
    """One step, 30 000 times: mean and variance of a potential are those of weights with independent errors."""
    into, among = np.array([[0.3, -0.2], [0.5, 0.1]]), np.zeros((2, 2))
    g = rng(3)
    v = np.array([course(np.ones((1, 2)), into, among, 0.9, 0.4, g).potential[0] for _ in range(30_000)])
    variance = 0.16 * (into**2).sum(0)
    assert np.abs((v.mean(0) - into.sum(0)) / np.sqrt(variance / len(v))).max() < 5
    assert np.abs(v.var(0) / variance - 1).max() < 5 * math.sqrt(2 / len(v))


def test_cells_make_weights_that_are_normal_around_0():
    w = pairs(rng(), (200, 200), 0.2).ravel()
    n = len(w)
    assert abs(w.mean()) * math.sqrt(n) < 5 and abs(w.var() - 1) * math.sqrt(n / 2) < 5
    # Kolmogorov's distance: its limit law passes 2.7 once in a million
    assert stats.kstest(w, "norm").statistic * math.sqrt(n) < 2.7
    assert stats.kstest(pairs(rng(), (200, 200), 1.5).ravel(), "norm").statistic * math.sqrt(n) > 5, "cut cells show"


def test_cells_that_were_not_formed_leave_a_row_its_length():
    w = pairs(rng(), (300, 300), 0.2, 0.3)
    share = (w != 0).mean()
    assert abs(share - 0.3) < 5 * math.sqrt(0.21 / w.size) and (w**2).mean() == pytest.approx(1, abs=0.05)
    assert np.linalg.norm(wires(rng(), 8, 400, 0.5, 1.7).among, axis=1).mean() == pytest.approx(1.7, abs=0.02)


@pytest.mark.parametrize(("spread", "formed"), [(0, 1), (-1, 1), (0.2, 0), (0.2, 1.1)])
def test_cells_that_cannot_be_are_refused(spread, formed):
    with pytest.raises(ValueError, match="spread = |formed = "):
        pairs(rng(), (2, 2), spread, formed)


def test_nonsense_is_refused_before_the_loop():
    w, x = wires(rng(), 8, 20), events(2)
    for wrong in ((x[..., :7], *w, 0.9, 0.0), (x, w.into[:, :19], w.among, 0.9, 0.0), (x, *w, 1.1, 0.0),
                  (x, *w, 0.9, -0.1), (x * np.nan, *w, 0.9, 0.0), (x, w.into, w.among[:19], 0.9, 0.0)):  # fmt: skip
        with pytest.raises(ValueError):
            states(*wrong, rng())


# ---- reading


def test_the_reader_is_ridge_regression():
    x, labels = rng().normal(size=(40, 5)), rng(1).integers(0, 3, 40)
    z = (x - x.mean(0)) / x.std(0)
    stacked = np.vstack([np.hstack([z, np.ones((40, 1))]), math.sqrt(RIDGE) * np.eye(6)[:5]])
    targets = np.vstack([np.eye(3)[labels], np.zeros((5, 3))])
    weights = np.linalg.lstsq(stacked, targets, rcond=None)[0]
    assert np.array_equal(reader(x, labels, 3)(x), (np.hstack([z, np.ones((40, 1))]) @ weights).argmax(1))


def test_columns_that_move_leave_counts_as_they_were():
    x = swept(digits_split(5, 5, 0).x_train, rng())
    order = orders(rng(), 5, 8)
    assert np.array_equal(moved(x, order).sum(1), x.sum(1)) and (moved(x, order) != x).any()
    assert np.array_equal(moved(moved(x, order), np.argsort(order, 1)), x)
    assert np.array_equal(backwards(x, np.ones(5, bool)).reshape(5, 8, 3, 8)[:, 0], x.reshape(5, 8, 3, 8)[:, 7])
    some = orders(rng(), 200, 3)
    assert (np.sort(some, 1) == np.arange(8)).all() and (some != np.arange(8)).sum(1).max() == 3
    again = digit_events(digits_split(5, 5, 0).x_train, "scan", 24, rng())
    assert np.array_equal(x, again.transpose(1, 0, 2))


# ---- two senses


def test_partners_that_match_cost_what_the_formula_says():
    b, tau = 6, 0.2
    eye = torch.eye(b).double()[None]
    cost = info_nce(eye, eye, eye, torch.tensor([-math.log(tau)]).double())
    assert float(cost) == pytest.approx(math.log(1 + (b - 1) * math.exp(-1 / tau)))


def test_all_of_a_class_are_partners():
    """Against the sums written out, in both directions."""
    g = rng(4)
    a, b = (torch.nn.functional.normalize(torch.tensor(g.normal(size=(1, 5, 3))), dim=-1) for _ in range(2))
    labels = np.array([0, 0, 1, 2, 1])
    same = torch.tensor(labels[:, None] == labels[None])[None].double()
    s, total = 3 * (a[0] @ b[0].T).numpy(), 0.0
    for scores in (s, s.T):
        for i in range(5):
            partners = [j for j in range(5) if labels[j] == labels[i]]
            total -= sum(scores[i, j] - np.log(np.exp(scores[i]).sum()) for j in partners) / len(partners) / 10
    assert float(info_nce(a, b, same, torch.tensor([math.log(3)]).double())) == pytest.approx(total)


@pytest.fixture(scope="module")
def runs():
    return [senses([s], "liquid", 7, 1.0, 64, 1.2, 0.9, 0.5, 0.0) for s in range(3)]


def test_classes_that_were_not_met_leave_no_trace(runs):
    """Neither in what is trained on, nor in what states are scaled by."""
    run = runs[0]
    assert run.met.sum() == 7 and run.met[run.labels[run.known]].all() and run.known.max() < N_TRAIN
    learned = run.seen[run.known]
    live = learned.std(0) > 0
    assert learned.mean(0) == pytest.approx(0, abs=1e-9) and learned[:, live].std(0) == pytest.approx(1)
    heard = run.heard[run.met, :LEARNED].reshape(-1, 64)
    assert heard.mean(0) == pytest.approx(0, abs=1e-9)
    drawn = []
    net = Projections([[0]], 64, 64, 4)
    net.loss = lambda a, b, labels: drawn.append(labels) or (a.sum() + b.sum() + net.seen.sum()).reshape(1)
    tensors = (torch.tensor(x, dtype=torch.float32)[None] for x in (run.seen, run.heard))
    seen, heard = tensors
    list(aligned(net, seen, torch.as_tensor(run.labels)[None], [run.known], heard, [[0]], [20]))
    assert set(torch.cat(drawn).ravel().tolist()) == set(np.flatnonzero(run.met).tolist())


def test_a_run_is_the_same_alone_and_beside_others(runs):
    *_, (both, _) = train(runs, 8, [[s] for s in range(3)], [0, 20])
    *_, (alone, _) = train(runs[1:2], 8, [[1]], [0, 20])
    assert both.seen[1] == pytest.approx(alone.seen[0], abs=1e-4) and both.met[1] == pytest.approx(
        alone.met[0], abs=0.01
    )


def test_training_brings_together_what_belongs_together(runs):
    (before, _), (after, _) = train(runs, 16, [[s] for s in range(3)], [0, 60])
    assert before.met.mean() < 0.35 and after.met.mean() > 0.5
    assert np.linalg.norm(after.seen, axis=2) == pytest.approx(1, abs=1e-5)


def test_over_all_names_an_unseen_class_could_have_it_is_right_once_in_three(runs):
    *_, (look, _) = train(runs[:1], 16, [[0]], [0, 40])
    run, labels = runs[0], runs[0].labels[N_TRAIN:]
    new = np.flatnonzero(~run.met)
    asked = ~run.met[labels]
    said = (look.seen[0, asked] @ look.heard[0, new].T).argmax(1)
    rights = [(np.array(names)[said] == labels[asked]).mean() for names in itertools.permutations(new)]
    assert np.mean(rights) == pytest.approx(1 / 3) and look.new[0] == pytest.approx(rights[0])


def test_sounds_are_what_their_features_say():
    split = digits_split(200, 10, 0)
    labels = split.y_train.argmax(1)
    looks, chance = (features(split.x_train, labels, link, rng()) for link in (1.0, 0.0))
    means = np.stack([split.x_train[labels == c].mean(0) for c in range(10)])
    apart = [np.linalg.norm(m[:, None] - m[None], axis=2)[np.triu_indices(10, 1)] for m in (means, looks, chance)]
    assert np.corrcoef(apart[0], apart[1])[0, 1] > 0.95 and abs(np.corrcoef(apart[0], apart[2])[0, 1]) < 0.6
    voice = np.zeros((6, 24 * 8))
    heard = sounds(np.zeros((400, 6)), rng(), voice)
    p = 1 / (1 + math.e)
    assert abs(heard.mean() - p) < 5 * math.sqrt(p * (1 - p) / heard.size) and heard.shape == (400, 24, 8)
    assert ASKED > 0
    with pytest.raises(ValueError, match="link = "):
        features(split.x_train, labels, 1.1, rng())


def test_an_answer_is_right_however_it_is_written():
    assert fires_first("3") is fires_first("6/2") is fires_first("3,0") is True
    assert "it had" in fires_first("2") and "before" in fires_first("5")
    assert at_the_edge("2.1") is at_the_edge("21/10") is at_the_edge("2,1") is True
    assert "silent" in at_the_edge("1") and "of the neurons" in at_the_edge("4")
    assert weights_trained("16384") is weights_trained("2*256*32") is True
    assert "one sense" in weights_trained("8192") and weights_trained("7") is False


def test_the_rival_begins_as_a_liquid_and_learns_by_every_weight():
    runs = [[0, 0], [0, 1]]
    net = Recurrent(runs, 40).double()
    seen, labels = recordings(runs)
    with torch.no_grad():
        theirs = net.counts(torch.tensor(seen[:, :30])).numpy()
    into, among = net.into.detach().numpy(), net.among.detach().numpy()
    ours = [states(seen[i, :30], into[i], among[i], 0.9, 0.0, rng()) for i in range(2)]
    assert np.array_equal(theirs, ours) and theirs.sum() > 1000
    net.out.data[:] = torch.randn(net.out.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net(torch.tensor(seen[:, :30])).square().sum().backward()
    assert all((p.grad.abs().amax((-2, -1)) > 0).all() for p in net.parameters())
    assert net.trained == 8 * 40 + 40 * 40 + 41 * 10
    right = train_all(Recurrent(runs, 40), seen, labels, runs, 150)
    assert (right > 0.25).all()  # of ten classes
