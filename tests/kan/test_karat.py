"""KArAt: the learned row map against loops and limits, its rank, its projection, and the ViT around it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from labcore.experiment import ParameterError
from labcore.kan.karat import LearnedRows, TinyViT, attention_matrices, fourier, make_vit, project_l1, scale_l1, spline
from labcore.kan.karat.exercises import rank_of_the_matrix
from labcore.kan.karat.experiments import digits, row
from labcore.kan.karat.mechanism import N
from labcore.primitives.attention.blocks import Attention, Softmax
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.layers import Linear, streams
from labcore.primitives.runs.training import count, cross_entropy

SEEDS = [[0, 0], [0, 1]]


def scores(tokens=5, runs=2, heads=2, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    return torch.as_tensor(rng.normal(size=(runs, batch, heads, tokens, tokens)) * 1.5)


def learned(rank=3, tokens=5, waves=2, runs=2, **more):
    return LearnedRows(streams([[1, i] for i in range(runs)], 0), rank, waves, tokens=tokens, **more).double()


# ---- the row map


@pytest.mark.parametrize("waves", [1, 2, 3, 8])
def test_angle_addition_is_cos_and_sin(waves):
    t = torch.linspace(-9, 9, 40, dtype=torch.float64).view(8, 5)
    g = range(1, waves + 1)
    expected = torch.cat([torch.cos(k * t) for k in g] + [torch.sin(k * t) for k in g], -1)
    torch.testing.assert_close(fourier(t, waves), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("waves", [1, 3, 8])
def test_splines_are_those_of_scipy(waves):
    from scipy.interpolate import BSpline

    centres = np.linspace(-3, 3, 2 * waves)
    step = centres[1] - centres[0]
    t = np.linspace(-8, 8, 101)
    ours = spline(torch.as_tensor(t)[:, None], waves).numpy()
    for k, centre in enumerate(centres):
        element = BSpline.basis_element(centre + step * np.arange(-2, 3), extrapolate=False)
        np.testing.assert_allclose(ours[:, k], np.nan_to_num(element(t)), atol=1e-12)


def test_low_rank_map_is_the_double_sum():
    """z_q = sum_n phi_qn(s_n) and row = W z, written out in loops."""
    rows, s = learned(), scores()
    out = rows(s)
    # (S, H, 2 G N, r): cosines first, then sines; within them frequency by frequency
    c, w = rows.coefficients.detach(), rows.mix.detach()
    for run, item, head, token in ((0, 0, 0, 0), (1, 2, 1, 4), (0, 1, 1, 2)):
        t = s[run, item, head, token]
        z = torch.zeros(3, dtype=torch.float64)
        for q in range(3):
            for n in range(5):
                for g in (1, 2):
                    z[q] += c[run, head, (g - 1) * 5 + n, q] * torch.cos(g * t[n])
                    z[q] += c[run, head, (2 + g - 1) * 5 + n, q] * torch.sin(g * t[n])
        torch.testing.assert_close(out[run, item, head, token], z @ w[run, head], rtol=0, atol=1e-12)


def test_curves_add_up_to_the_hidden_units():
    rows, s = learned(rank=None), scores()
    t = s[1, 0, 1, 3]
    total = sum(rows.curves(t[n : n + 1], n)[1, 1, :, 0] for n in range(5))
    torch.testing.assert_close(rows(s)[1, 0, 1, 3], total, rtol=0, atol=1e-12)


def test_full_operator_is_the_low_rank_one_with_w_identity():
    full, low = learned(rank=None), learned(rank=5)
    with torch.no_grad():
        low.coefficients.copy_(full.coefficients)
        low.mix.copy_(torch.eye(5).expand_as(low.mix))
    torch.testing.assert_close(full(scores()), low(scores()), rtol=0, atol=1e-13)


def test_elementwise_cosine_is_a_special_case():
    rows = learned(rank=5, waves=1)
    with torch.no_grad():
        rows.coefficients.zero_()
        rows.coefficients[..., :5, :] = torch.eye(5, dtype=torch.float64)
        rows.mix.copy_(torch.eye(5).expand_as(rows.mix))
    torch.testing.assert_close(rows(scores()), scores().cos(), rtol=0, atol=1e-13)


def test_every_output_answers_to_every_score():
    """The map is of the whole row: an elementwise replacement of exp has a diagonal Jacobian."""
    rows = learned()
    jacobian = torch.autograd.functional.jacobian(lambda s: rows(s)[0, 0, 0, 1], scores())[:, 0, 0, 0, 1]
    assert (jacobian.abs() > 1e-6).all()
    others = torch.autograd.functional.jacobian(lambda s: rows(s)[0, 0, 0, 1], scores())[:, 0, 0, 0, [0, 2, 3, 4]]
    assert (others == 0).all()  # rows do not see each other


@pytest.mark.parametrize("basis", ["fourier", "spline"])
@pytest.mark.parametrize("rank", [1, 3, None])
def test_gradients(basis, rank):
    rows = learned(rank=rank, tokens=4, basis=basis, runs=1)
    s = (0.7 * scores(tokens=4, runs=1, batch=2)).requires_grad_()
    assert torch.autograd.gradcheck(rows, (s,))
    parameters = tuple(rows.parameters())
    names = [name for name, _ in rows.named_parameters()]
    run = lambda *values: torch.func.functional_call(rows, dict(zip(names, values)), (s.detach(),))  # noqa: E731
    assert torch.autograd.gradcheck(run, parameters)


@pytest.mark.parametrize("rank", [1, 2, 4, 6])
def test_rank_is_at_most_r(rank):
    a = learned(rank=rank, tokens=N)(scores(tokens=N)).detach()
    singular = torch.linalg.svdvals(a)
    assert int((singular > 1e-10 * singular[..., :1]).sum(-1).max()) == rank
    soft = torch.linalg.svdvals(Softmax()(scores(tokens=N)))
    assert (soft > 1e-10 * soft[..., :1]).all()


def test_shift_moves_learned_rows_only():
    s, rows = scores(), learned()
    torch.testing.assert_close(Softmax()(s + 1), Softmax()(s), rtol=0, atol=1e-14)
    assert (rows(s + 1) - rows(s)).abs().max() > 0.1


def test_period_of_the_curves():
    """Integer frequencies: a shift by 2 pi changes nothing."""
    torch.testing.assert_close(learned()(scores() + 2 * torch.pi), learned()(scores()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_projection_is_the_nearest_point_of_the_ball(scale):
    rng = np.random.default_rng(3)
    rows = torch.as_tensor(rng.normal(size=(200, 7)) * scale, dtype=torch.float64)
    out = project_l1(rows)
    size = out.abs().sum(-1)
    assert (size <= 1 + 1e-12).all()
    inside = rows.abs().sum(-1) <= 1
    assert torch.equal(out[inside], rows[inside])
    # nearest: (row - out) . (p - out) <= 0 for every vertex p of the ball
    vertices = torch.cat([torch.eye(7), -torch.eye(7)]).double()
    inner = torch.einsum("bn,bvn->bv", rows - out, vertices[None] - out[:, None])
    assert inner.max() <= 1e-10 * scale


def test_nearest_point_is_the_one_that_sorting_finds():
    """The threshold in closed form (Duchi et al. 2008): the last k for which the k largest stay above theirs."""
    rows = np.random.default_rng(4).normal(size=(100, 6))
    for given, ours in zip(rows, project_l1(torch.as_tensor(rows)).numpy()):
        size = np.sort(np.abs(given))[::-1]
        level = (size.cumsum() - 1) / np.arange(1, 7)
        cut = max(level[np.flatnonzero(size > level)[-1]], 0)
        np.testing.assert_allclose(ours, np.sign(given) * np.maximum(np.abs(given) - cut, 0), atol=1e-14)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_scaling_keeps_the_direction_and_ends_on_the_ball(scale):
    rows = torch.as_tensor(np.random.default_rng(3).normal(size=(200, 7)) * scale)
    out, size = scale_l1(rows), rows.abs().sum(-1)
    torch.testing.assert_close(out.abs().sum(-1), size.clamp(max=1), rtol=1e-12, atol=0)
    torch.testing.assert_close(out * size.clamp(min=1)[:, None], rows, rtol=1e-12, atol=0)
    # of all points of the segment to zero that lie in the ball, the nearest
    assert torch.equal(out[size <= 1], rows[size <= 1])
    assert torch.equal(scale_l1(torch.zeros(2, 5)), torch.zeros(2, 5))


def test_scaling_keeps_the_rank_and_the_nearest_point_does_not():
    def ranks(projection):
        a = learned(rank=3, tokens=N, projection=projection)(scores(tokens=N)).detach()
        assert (a.abs().sum(-1) <= 1 + 1e-12).all() or projection == "none"
        singular = torch.linalg.svdvals(a)
        return (singular > 1e-10 * singular[..., :1]).sum(-1)

    assert (ranks("none") == 3).all() and (ranks("l1") == 3).all() and (ranks("l1 nearest") > 3).all()


@pytest.mark.parametrize("project", [project_l1, scale_l1])
def test_projection_has_gradients(project):
    rows = torch.as_tensor(np.random.default_rng(0).normal(size=(6, 5))).requires_grad_()
    assert torch.autograd.gradcheck(project, (rows,))


def test_other_token_counts_are_refused():
    with pytest.raises(ValueError, match="rows of 5 scores, got 6"):
        learned()(scores(tokens=6))


# ---- the transformer


def test_softmax_attention_is_scaled_dot_product_attention():
    attention = Attention(streams(SEEDS, 0), 8, 2, Softmax()).double()
    x = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 3, 5, 8)))
    q, k, v = (
        torch.stack([x[s] @ attention.qkv.weight[3 * s + j] + attention.qkv.bias[3 * s + j] for s in range(2)])
        .view(2, 3, 5, 2, 4)
        .transpose(2, 3)
        for j in range(3)
    )
    mixed = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(2, 15, 8)
    torch.testing.assert_close(attention(x), attention.out(mixed).view_as(x), rtol=0, atol=1e-12)


def test_causal_softmax_sees_the_past_only():
    s = scores()
    a = Softmax(causal=True)(s)
    assert (a.triu(1) == 0).all() and torch.allclose(a.sum(-1), torch.ones_like(a[..., 0]))
    torch.testing.assert_close(a[..., 2, :3], s[..., 2, :3].softmax(-1))


def test_patches_are_two_by_two():
    vit = TinyViT(streams([[0, 0]], 1), Softmax)
    caught = []
    vit.embed.register_forward_hook(lambda module, inputs, output: caught.append(inputs[0]))
    vit(torch.arange(64.0).view(1, 1, 64))
    assert caught[0][0, 0].tolist() == [0, 1, 8, 9] and caught[0][0, 5].tolist() == [18, 19, 26, 27]


@pytest.mark.parametrize(("rank", "waves"), [(6, 3), (1, 1), (17, 8)])
def test_parameter_formula(rank, waves):
    soft, blockwise, universal = (
        count(make_vit(learned, SEEDS, universal=shared, **rows), 2)
        for learned, shared, rows in (
            (False, False, {}),
            (True, False, dict(rank=rank, waves=waves)),
            (True, True, dict(rank=rank, waves=waves)),
        )
    )
    per_head = 2 * waves * N * rank + N * rank
    assert blockwise - soft == 2 * 2 * per_head  # 2 blocks, 2 heads
    assert universal - soft == 2 * per_head
    assert soft == 18218
    assert count(LearnedRows(streams(SEEDS, 0), None, waves), 2) == 2 * 2 * waves * N * N


def test_universal_sharing_shares():
    vit = make_vit(True, SEEDS, universal=True, rank=4)
    first, second = (b.attention.rows for b in vit.blocks)
    assert first is second
    own = make_vit(True, SEEDS, rank=4)
    first, second = (b.attention.rows for b in own.blocks)
    assert first is not second and not torch.equal(first.mix, second.mix)


def test_runs_are_independent():
    """Run i of two is run i alone, and its loss has no gradient in the other's weights."""
    x = torch.rand(2, 4, 64, generator=torch.Generator().manual_seed(0))
    both, second = make_vit(True, SEEDS, rank=4), make_vit(True, SEEDS[1:], rank=4)
    torch.testing.assert_close(both(x)[1], second(x[1:])[0], rtol=1e-4, atol=1e-5)
    cross_entropy(both(x), torch.zeros(2, 4, dtype=torch.long))[0].backward()
    for name, p in both.named_parameters():
        runs = p.grad.view(2, -1)
        assert (runs[1] == 0).all() and (runs[0] != 0).any(), name


def test_both_modes_start_from_the_same_weights():
    soft, rows = make_vit(False, SEEDS), make_vit(True, SEEDS, rank=4)
    others = dict(rows.named_parameters())
    for name, p in soft.named_parameters():
        assert torch.equal(p, others[name])


def test_matrices_are_measured_in_both_blocks_and_heads():
    data = digit_batches(SEEDS, 1)
    found = attention_matrices(make_vit(True, SEEDS, rank=3), data.x_test[:, :5])
    assert found.rank.shape == (2, 2 * 5 * 2) and (found.rank == 3).all()
    soft = attention_matrices(make_vit(False, SEEDS), data.x_test[:, :5])
    assert (soft.off_sum == 0).all() and (soft.negative == 0).all() and np.allclose(soft.size, 1)
    squeezed = attention_matrices(make_vit(True, SEEDS, rank=3, projection="l1"), data.x_test[:, :5])
    assert (squeezed.size <= 1 + 1e-12).all() and (squeezed.rank == 3).all()


def test_linear_is_torch_linear():
    ours = Linear(streams(SEEDS, 0), 3, 4)
    x = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(0))
    for s in range(2):
        torch.testing.assert_close(ours(x)[s], F.linear(x[s], ours.weight[s].T, ours.bias[s, 0]))


# ---- experiments


@pytest.fixture(scope="module")
def trained():
    """A short run that several tests compare others with."""
    return digits.run(n_seeds=1, steps=50)


def test_shift_leaves_softmax_alone():
    frame = row.run(shift=1.0)
    assert np.abs(np.diff(frame.softmax, axis=0)).max() < 1e-12
    assert np.abs(np.diff(frame.learned, axis=0)).max() > 0.1
    np.testing.assert_allclose(np.diff(frame.score, axis=0), 1.0)
    assert "largest change is 0.000 in softmax's row" in frame.reading


def test_push_moves_one_score_and_many_weights():
    frame = row.run(push=2.0, token=4, state="untrained")
    assert np.flatnonzero(np.diff(frame.score, axis=0)[0]).tolist() == [4]
    assert (np.abs(np.diff(frame.learned, axis=0)) > 1e-3).sum() >= 15
    # the answer is W times the change of the token's curves
    before, now = (np.array([np.interp(s, frame.t, c) for c in frame.curves]) for s in frame.score.values[:, 4])
    assert np.linalg.matrix_rank(frame.curves.values) <= 6 and np.abs(now - before).max() > 1e-3
    assert "untrained" in frame.reading


def test_nothing_moved_says_so():
    frame = row.run(state="untrained")
    assert "Nothing is moved" in frame.reading and np.ptp(frame.learned.values, axis=0).max() == 0


@pytest.mark.parametrize(
    "values",
    [
        dict(rank=1, waves=1),
        dict(rank=17, waves=8, projection="l1 nearest"),
        dict(rank=4, projection="l1"),
        dict(basis="spline", sharing="universal", lr=3e-2),
    ],
)
def test_corners_are_legal(values):
    frame = digits.run(steps=50, n_seeds=1, **values)
    assert frame.progress == 1 and int(frame.ranks.sel(mode="learned").max()) <= 17
    if "projection" in values:
        assert float(frame.row_size.sel(mode="learned").max()) <= 1 + 1e-9
    if "rank" in values and values["rank"] < 17:
        assert int(frame.ranks.sel(mode="learned").max()) == values["rank"]


def test_training_learns():
    frames = list(digits.frames(n_seeds=1, steps=100))
    assert len(frames) > 5
    first, last = frames[0], frames[-1]
    assert (first.accuracy.isel(time=0) < 0.3).all() and (last.accuracy.isel(time=-1) > 0.7).all()
    assert all(a.sizes["time"] < b.sizes["time"] for a, b in zip(frames, frames[1:]))


def test_softmax_run_does_not_depend_on_the_learned_map(trained):
    a, b = trained, digits.run(n_seeds=1, steps=50, rank=9)
    np.testing.assert_array_equal(a.accuracy.sel(mode="softmax"), b.accuracy.sel(mode="softmax"))
    assert not np.array_equal(a.loss.sel(mode="learned"), b.loss.sel(mode="learned"))


def test_bits_do_not_depend_on_the_number_of_threads(trained):
    before = torch.get_num_threads()
    try:
        threads = 1 if before > 1 else 2
        torch.set_num_threads(threads)
        again = digits.run(n_seeds=1, steps=50)
        assert torch.get_num_threads() == threads  # left as it was found
    finally:
        torch.set_num_threads(before)
    assert again.identical(trained)


def test_runs_are_nested(trained):
    one, two = trained, digits.run(steps=50, n_seeds=2)
    np.testing.assert_allclose(one.loss[:, 0, -1], two.loss[:, 0, -1], rtol=1e-3)


def test_rank_out_of_range_is_refused():
    with pytest.raises(ParameterError, match="rank = 18"):
        digits.run(rank=18)


@pytest.mark.parametrize(("answer", "right"), [(" 3,0 ", True), ("4/2", False)])
def test_an_answer_about_the_rank(answer, right):
    assert (rank_of_the_matrix(answer) is True) == right


@pytest.mark.parametrize("answer", ["", "18", "3.5"])
def test_no_rank_cannot_be_read(answer):
    with pytest.raises(ValueError, match="middle numbers r"):
        rank_of_the_matrix(answer)
