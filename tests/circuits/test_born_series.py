"""Diagrams against nested differentiation, wells against closed forms, networks against Born, claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labcore.circuits.born_series import MLP, fit, mlp, rules, shapes, taylor, value
from labcore.circuits.born_series.exercises import shapes_of, two_orders_fail
from labcore.circuits.born_series.experiments import diagrams, iterations, scattering
from labcore.circuits.born_series.taylor_trees import (
    PHI,
    amplitude,
    brute_force,
    phi_derivatives,
    trees,
    whereabouts,
)
from labcore.circuits.born_series.well_scattering import (
    born_first,
    born_second,
    edge,
    scattering_length,
    unbound,
    wave,
    wells,
)


def network(activation, sizes=(3, 4, 4, 1), seed=0):
    """A random MLP with biases, and a point."""
    rng = np.random.default_rng(seed)
    net = mlp(list(sizes), activation, rng)
    for b in net.biases:
        b += torch.tensor(rng.normal(size=len(b)))
    return net, torch.tensor(rng.normal(size=sizes[0]))


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("sizes", [(3, 4, 4, 1), (2, 3, 4, 3, 1)])
def test_trees_add_up_to_every_partial_derivative(activation, sizes):
    net, x = network(activation, sizes)
    tensor = net
    for order in range(1, 5):
        tensor = torch.func.jacfwd(tensor)
        exact = tensor(x).numpy()
        r, unit = rules(net, x, order), torch.eye(len(x), dtype=x.dtype)
        for index in list(np.ndindex(exact.shape))[:: 1 if order < 4 else 7]:
            total = sum(value(r, t, unit[list(index)]) for t in trees(range(order)))
            assert total == pytest.approx(exact[index], rel=1e-10, abs=1e-12)


def test_number_of_trees_and_shapes():
    assert [len(trees(range(n))) for n in range(1, 6)] == [1, 1, 4, 26, 236]
    for order in range(1, 6):
        found = trees(range(order))
        assert len(set(map(repr, found))) == len(found)
        assert sum(count for _, count in shapes(order).values()) == len(found)
    assert set(shapes(3)) == {"(ooo)", "((oo)o)"} and shapes(3)["((oo)o)"][1] == 3


def test_third_order_is_one_three_vertex_and_three_pairs():
    """Written out for one hidden layer pair: the sums of the card, with no code of the trees."""
    net, x = network("tanh", (3, 4, 4, 1))
    r = rules(net, x, 3)
    (v1, v2), (q1, q2, _) = r.vertex, r.incoming
    out1, out2, line = r.propagator[0, 2][0], r.propagator[1, 2][0], r.propagator[0, 1]
    a = [torch.tensor(row) for row in np.random.default_rng(1).normal(size=(3, 3))]
    d1, d2 = [q1 @ v for v in a], [q2 @ v for v in a]
    three = (out1 * v1[3] * d1[0] * d1[1] * d1[2]).sum() + (out2 * v2[3] * d2[0] * d2[1] * d2[2]).sum()
    pairs = [
        (out2 * v2[2] * d2[k] * (line @ (v1[2] * d1[i] * d1[j]))).sum() for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0))
    ]
    directions = torch.stack(a)
    assert value(r, (0, 1, 2), directions) == pytest.approx(float(three), rel=1e-12)
    assert value(r, ((0, 1), 2), directions) == pytest.approx(float(pairs[0]), rel=1e-12)
    tensor = torch.func.jacfwd(torch.func.jacfwd(torch.func.jacfwd(net)))(x)
    exact = torch.einsum("abc,a,b,c->", tensor, *a)
    assert float(three + sum(pairs)) == pytest.approx(float(exact), rel=1e-10)


def test_no_vertex_feeds_its_own_layer():
    """With one hidden layer a vertex cannot have another below it: nested trees vanish."""
    net, x = network("gelu", (3, 5, 1))
    directions = torch.eye(3, dtype=x.dtype)
    r = rules(net, x, 3)
    assert value(r, ((0, 1), 2), directions) == 0
    assert value(r, (0, 1, 2), directions) == pytest.approx(brute(net, x, directions), rel=1e-10)


def brute(net, x, directions):
    tensor = torch.func.jacfwd(torch.func.jacfwd(torch.func.jacfwd(net)))(x)
    return float(torch.einsum("abc,a,b,c->", tensor, *directions))


@pytest.mark.parametrize("activation", PHI)
def test_vertices_are_the_derivatives_of_the_activation(activation):
    z = torch.linspace(-3, 3, 13, dtype=torch.float64)
    derivative = PHI[activation]
    for k, found in enumerate(phi_derivatives(activation, z, 5)):
        np.testing.assert_allclose(found, torch.func.vmap(derivative)(z), atol=1e-12, err_msg=f"order {k}")
        derivative = torch.func.jacfwd(derivative)


def test_a_linear_network_has_no_vertices():
    net, x = network("softplus")
    # softplus of a number above 40 is that number, to the last digit
    flat = MLP(net.weights, [net.biases[0] + 60, net.biases[1] + 200, net.biases[2]], "softplus")
    r = rules(flat, x, 4)
    for order in (2, 3, 4):
        assert all(abs(value(r, t, torch.ones(4, 3, dtype=x.dtype))) < 1e-12 for t in trees(range(order)))
    product = flat.weights[2] @ flat.weights[1] @ flat.weights[0]
    np.testing.assert_allclose(r.incoming[-1], product, rtol=1e-12)


def test_propagators_compose():
    net, x = network("gelu", (2, 3, 4, 3, 1))
    r = rules(net, x, 1)
    np.testing.assert_allclose(r.propagator[0, 2], net.weights[2] @ torch.diag(r.vertex[1][1]) @ net.weights[1])
    np.testing.assert_allclose(r.propagator[1, 2], net.weights[2])
    for layer, q in enumerate(r.incoming[:-1]):  # df/dx = R^l D^l Q^l whatever the layer
        through = (r.propagator[layer, 3] * r.vertex[layer][1]) @ q
        np.testing.assert_allclose(through, torch.func.jacfwd(net)(x)[None], rtol=1e-12)


def test_every_vertex_sums_to_the_diagram():
    net, x = network("tanh", (3, 4, 4, 4, 1))
    directions = torch.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    r = rules(net, x, 4)
    for tree, _ in shapes(4).values():
        found = whereabouts(r, tree, directions)
        assert len(found) == str(tree).count("(")
        for vertex in found:
            assert sum(part.sum() for part in vertex) == pytest.approx(value(r, tree, directions), rel=1e-10)
    deep = whereabouts(r, (((0, 1), 2), 3), directions)  # three vertices, three layers: one place each
    assert [[bool(np.any(part)) for part in vertex] for vertex in deep] == [[False, False, True], [False, True, False],
                                                                           [True, False, False]]  # fmt: skip


def test_amplitude_stops_at_the_root():
    net, x = network("tanh")
    directions = torch.eye(3, dtype=x.dtype)
    r = rules(net, x, 2)
    f = amplitude(r, (0, 1), directions, {})
    np.testing.assert_allclose(f[1], r.vertex[1][2] * r.incoming[1][:, 0] * r.incoming[1][:, 1])


def test_taylor_is_gradient_and_hessian():
    net, _ = network("gelu", (5, 6, 6, 1))
    g, h = taylor(net)
    zero = torch.zeros(5, dtype=torch.float64)
    np.testing.assert_allclose(g, torch.func.jacfwd(net)(zero), atol=1e-12)
    np.testing.assert_allclose(h, torch.func.hessian(net)(zero), atol=1e-12)


# ---- wells


@pytest.mark.parametrize("depth", [0.01, 0.5, 1.0, 2.0, 2.4])
@pytest.mark.parametrize("d", [1, 4, 16])
def test_square_well(depth, d):
    k = np.sqrt(depth)
    assert scattering_length(np.full(d, depth)) == pytest.approx(1 - np.tan(k) / k, abs=1e-12 * max(1, np.tan(k) ** 2))


@pytest.mark.parametrize("height", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("d", [1, 4, 16])
def test_square_wall(height, d):
    k = np.sqrt(height)
    assert scattering_length(np.full(d, -height)) == pytest.approx(1 - np.tanh(k) / k, rel=1e-11)


def test_a_wall_beside_a_well_by_hand():
    """sin(k r) in the well, then c cosh(q (r - 1/2)) + s sinh(q (r - 1/2)) in the wall."""
    k, q = 1.3, 0.7
    u, slope = np.sin(k / 2) / k, np.cos(k / 2)
    c, s = np.cosh(q / 2), np.sinh(q / 2)
    a = 1 - (c * u + s / q * slope) / (q * s * u + c * slope)
    both = np.array([[k**2, -(q**2)], [0.0, 0.0]])
    np.testing.assert_allclose(scattering_length(both), [a, 0], atol=1e-14)
    r = np.array([0.5, 1.0])
    np.testing.assert_allclose(wave(both[0], r), [u, c * u + s / q * slope], rtol=1e-14)


def test_potentials_without_an_answer_are_refused():
    for bad in (np.nan, np.inf, -1e8):
        with pytest.raises(ValueError, match="potential from"):
            scattering_length(np.array([1.0, bad]))


def test_other_activations_and_losses_are_refused():
    with pytest.raises(ValueError, match="activation = 'relu' is not allowed; it must be one of gelu, tanh, softplus"):
        phi_derivatives("relu", torch.zeros(2), 1)
    with pytest.raises(ValueError, match="activation = 'relu'"):
        mlp((2, 3, 1), "relu", np.random.default_rng(0))
    net, x = network("tanh")
    with pytest.raises(ValueError, match="loss = 'absolute' is not allowed; it must be one of relative, mean square"):
        next(fit(net, x[None], x[:1], 1.0, "absolute", 1))


def test_no_well_scatters_nothing():
    assert scattering_length(np.zeros(8)) == 0
    assert scattering_length(np.full(8, 1e-14)) == pytest.approx(-1e-14 / 3, rel=1e-2)


@pytest.mark.parametrize("d", [1, 4, 8, 16])
def test_born_coefficients_of_the_even_well(d):
    assert born_first(d).sum() == pytest.approx(-1 / 3, abs=1e-14)
    assert born_second(d).sum() == pytest.approx(-2 / 15, abs=1e-14)


def test_born_is_the_taylor_series():
    form, n = wells(1, 8, 1.0, np.random.default_rng(0))[0], 1e-2
    up, down = scattering_length(n * form), scattering_length(0 * form)
    assert down == 0
    half = scattering_length(n / 2 * form)
    first = 4 * half - up  # the second order cancels
    assert first / n == pytest.approx(born_first(8) @ form, rel=1e-4)
    assert (up - n * born_first(8) @ form) / n**2 == pytest.approx(form @ born_second(8) @ form, rel=0.02)


def test_wave_is_the_transfer_matrix_and_solves_the_equation():
    well = wells(1, 6, 2.0, np.random.default_rng(3))[0]
    u, slope = edge(well)
    r = np.array([0.0, 1.0, 1.5])
    np.testing.assert_allclose(wave(well, r), [0, u, u + 0.5 * slope], atol=1e-12)
    middle, h = (np.arange(6) + 0.5) / 6, 1e-4
    second = (wave(well, middle + h) - 2 * wave(well, middle) + wave(well, middle - h)) / h**2
    np.testing.assert_allclose(second, -well * wave(well, middle), atol=1e-5)


def test_wells_that_bind_are_left_out():
    assert unbound(np.full((1, 8), 2.0))[0] and not unbound(np.full((1, 8), 2.47))[0]  # pi^2 / 4
    assert not unbound(np.full((1, 8), 2.45))[0]  # |a| > 20
    assert "bind, and are left out" in iterations.run(amp=1.5, d=4, iterations=50, n_train=200).reading


def test_a_bound_well_says_so():
    frame = scattering.run(amp=2.4, share=1.0, r=1.0)
    assert frame.bound and "bound state" in frame.reading
    assert not scattering.run(amp=0.0).bound and "-0.000" not in scattering.run(amp=0.0).reading


# ---- the two networks


def test_fit_keeps_the_units():
    """Scaling the wells and the target scales the coefficients: the folded network is in physical units."""
    u = torch.tensor(wells(100, 4, 0.5, np.random.default_rng(0)))
    start = mlp([4, 6, 6, 1], "gelu", np.random.default_rng(1))
    nets = [list(fit(start, s * u, s * u.sum(1) * 3, s * 0.5, "relative", 200))[-1][1] for s in (1.0, 2.0)]
    (g1, h1), (g2, h2) = map(taylor, nets)
    np.testing.assert_allclose(g1, 3, atol=0.05)
    np.testing.assert_allclose(g1, g2, rtol=1e-3)
    np.testing.assert_allclose(h1, 2 * h2, atol=0.05)


def test_both_networks_beat_the_first_order_but_not_network_1():
    frame = iterations.run()
    first, second, single, both = frame.test_error.values
    assert both < 0.5 * first
    assert single < second * 1.5  # its wrong Hessian takes in higher orders: no claim that two networks predict better


def test_frames_grow_and_end():
    frames = list(iterations.frames(iterations=50, n_train=200))
    assert len(frames) == 12 and frames[0].phase == 1 and frames[-1].phase == 2
    assert (frames[0].second[2] == 0).all()
    assert frames[-1].identical(iterations.run(iterations=50, n_train=200))


def test_mean_square_is_the_worse_teacher():
    relative, plain = (
        iterations.run(loss=loss, n_train=300, iterations=100).gradient_error[0, -1]
        for loss in ("relative", "mean square")
    )
    assert plain > 2 * relative


@pytest.mark.parametrize("legs", ["whole well", "one bin"])
def test_the_bench_adds_up(legs):
    for order in range(1, 6):
        frame = diagrams.run(width=12, order=order, tree=12, legs=legs, depth=0.5)
        assert float(frame.contribution.sum()) == pytest.approx(frame.exact, rel=1e-10)
        if order > 1:
            chosen = float(frame.contribution[frame.pick])
            np.testing.assert_allclose(frame.place.sum(("layer", "neuron")), chosen, rtol=1e-9)


def test_brute_force_is_nested_differentiation():
    net, x = network("tanh")
    v = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    assert brute_force(net, x, v, 2) == pytest.approx(float(v @ torch.func.hessian(net)(x) @ v), rel=1e-12)


# ---- exercises


@pytest.mark.parametrize(
    ("exercise", "answer", "right"),
    [
        (two_orders_fail, "1", True),
        (two_orders_fail, " 9/10 ", True),
        (two_orders_fail, "0,8", True),
        (two_orders_fail, "0.1", False),
        (two_orders_fail, "0", False),
        (two_orders_fail, "2", False),  # binds
        (shapes_of, "12", True),
        (shapes_of, " 1.2e1 ", True),
        (shapes_of, "236", False),
        (shapes_of, "11", False),
    ],
)
def test_answers(exercise, answer, right):
    assert (exercise(answer) is True) == right
