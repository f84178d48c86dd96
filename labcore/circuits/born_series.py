"""What a trained network knows of a function's higher orders: its Taylor coefficients, taken apart into diagrams.

Problem: a network f = z^L, z^{l+1} = W^{l+1} phi(z^l) + b^{l+1}, fits a function. Are its second derivatives right?
Idea 1: d^n f / dx_a1 .. dx_an is a sum over trees with n labelled leaves whose vertices have k >= 2 lines coming in,
and over all places (layer, neuron) of the vertices, earlier layers towards the leaves. A vertex stands for
V^l_j(k) = phi^(k)(z^l_j), an inner line for the propagator P^{l->m} = W^m D^{m-1} .. D^{l+1} W^{l+1}, D = diag(phi'),
a leaf for Q^l = dz^l/dx, the line to the output for R^l = df/da^l. H_ab = sum_{l,j} R^l_j phi''(z^l_j) Q^l_ja Q^l_jb.
Idea 2: a network learns the leading order. So train N1 on a(U), take g = grad N1(0), train N2 on what is left, a - g.U,
and take its Hessian H2: a ~ g.U + U^T H2 U / 2, a second Born approximation that a machine has learned.
Here a is the S-wave scattering length at zero energy of a well U(r) >= 0, r < 1, of d steps: a ~ U.a1 + U^T A2 U.
Laboratory scale: 8 bins, two hidden layers of 24. The tree rule as written, the loss and the sizes are ours.
Source: Kaspschak, Meissner (2020), arXiv:2009.03192; Physical Review Research 3, 023223.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from labcore.claims import Evidence, claim
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives import well_scattering as well
from labcore.primitives.taylor_trees import MLP, Activation, brute_force, mlp, rules, shapes, value, whereabouts
from labcore.primitives.tiny_transformer import diverged, one_thread

Array = NDArray[np.float64]
Loss = Literal["relative", "mean square"]
TEST = 300


def fit(net: MLP, u: Tensor, target: Tensor, amp: float, loss: Loss, iterations: int) -> Iterator[tuple[int, MLP]]:
    """Full-batch L-BFGS on N(U) - N(0) = target, (N,). Yields (iterations done, N); U and a keep their units in N.

    The relative loss counts a small target as much as a large one: the Taylor series is about small ones.
    """
    scale = target.abs().mean()
    spread = target.abs() + 1e-3 * scale if loss == "relative" else scale
    # inputs are scaled and never shifted: U = 0 is the point of the expansion
    inner = MLP([w.clone() for w in net.weights], [b.clone() for b in net.biases], net.activation)
    parameters = [*inner.weights, *inner.biases]
    for p in parameters:
        p.requires_grad_(True)
    optimizer = torch.optim.LBFGS(parameters, max_iter=10, history_size=50, line_search_fn="strong_wolfe",
                                  tolerance_grad=0, tolerance_change=0)  # fmt: skip
    x, zero = u / amp, torch.zeros(1, u.shape[1], dtype=u.dtype)

    def closure() -> Tensor:
        optimizer.zero_grad()
        objective = ((scale * (inner(x) - inner(zero)) - target) / spread).square().mean()
        objective.backward()
        return objective

    for done in range(0, iterations + 1, 10):
        if done:
            optimizer.step(closure)
        weights, biases = ([p.detach().clone() for p in part] for part in (inner.weights, inner.biases))
        weights[0] /= amp
        weights[-1] *= scale
        biases[-1] *= scale
        yield done, MLP(weights, biases, net.activation)


def taylor(net: MLP) -> tuple[Array, Array]:
    """Gradient (d,) and Hessian (d, d) at U = 0, from the diagrams of order 1 and 2."""
    d = net.weights[0].shape[1]
    r = rules(net, torch.zeros(d, dtype=torch.float64), 2)
    top = len(r.vertex)
    hessian = sum(
        torch.einsum("j,ja,jb->ab", r.propagator[layer, top][0] * v[2], r.incoming[layer], r.incoming[layer])
        for layer, v in enumerate(r.vertex)
    )
    return r.incoming[-1][0].numpy(), hessian.numpy()


@experiment("born_series")
def scattering(
    amp: Annotated[float, number(0, 2.4, "Mean depth of the well", "well")] = 0.6,
    share: Annotated[float, number(0, 1, "Part of the depth that is heaped up in one bin", "well")] = 0.4,
    r: Annotated[float, number(0, 1, "Where that bin is", "well", "ranges")] = 0.8,
    d: Annotated[int, number(4, 16, "Bins of the well", "well")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The wave in a well, the length a at which its outer line cuts the axis, and the Born series for a. One frame.

    u, line (r): the wave and its outer line drawn inwards. potential (bin). length (model, depth): a of wells of the
    same form and other mean depths: exact (cut at +-20), first order, second order.
    """
    parts = np.random.default_rng([seed, 0]).exponential(size=d)
    form = (1 - share) * d * parts / parts.sum()
    form[min(int(r * d), d - 1)] += share * d
    depths, grid = np.linspace(0, 2.4, 121), np.linspace(0, 2, 241)
    a1, a2 = form @ well.born_first(d), form @ well.born_second(d) @ form
    exact = np.clip(well.scattering_length(depths[:, None] * form), -well.WORST, well.WORST)
    potential, first, second = amp * form, amp * a1, amp * a1 + amp**2 * a2
    u, slope = well.edge(potential)
    a = float(np.clip(1 - u / slope if slope else -np.inf, -well.WORST, well.WORST))
    said = f"{a:.3f}" if abs(a) < well.WORST else f"beyond {a:.0f}"
    if slope > 0:
        told = f"The scattering length is {said}. The first Born order says {first:.3f}, the second {second:.3f}."
    else:
        told = f"This well already holds a bound state: a = {said}. The second Born order says {second:.3f}, nonsense."
    yield xr.Dataset(
        {
            "potential": variable("bin", potential, "depth of the well"),
            "u": variable("r", well.wave(potential, grid), "wave"),
            "line": variable("r", u + slope * (grid - 1), "outer line"),
            "length": variable(
                ("model", "depth"), [exact, depths * a1, depths * a1 + depths**2 * a2], "scattering length", "ranges"
            ),
        },
        coords={
            "bin": variable("bin", (np.arange(d) + 0.5) / d, "distance r", "ranges"),
            "r": variable("r", grid, "distance r", "ranges"),
            "model": variable("model", ["exact", "first Born order", "second Born order"], "model"),
            "depth": variable("depth", depths, "mean depth of the well"),
        },
        attrs={"reading": told, "progress": 1.0, "amp": amp, "at": r, "a": a, "bound": int(slope <= 0)},
    )


@experiment("born_series")
@one_thread
def iterations(
    amp: Annotated[float, number(0.1, 1.5, "Largest mean depth of the training wells", "wells")] = 0.6,
    activation: Annotated[Activation, choice("Activation of the networks", "network")] = "gelu",
    loss: Annotated[Loss, choice("Errors relative to each target, or plain", "network")] = "relative",
    width: Annotated[int, number(8, 48, "Neurons in each of the two hidden layers", "network")] = 24,
    iterations: Annotated[int, number(50, 400, "Iterations of L-BFGS for each network", "network", "steps")] = 300,
    n_train: Annotated[int, number(200, 2000, "Training wells", "wells")] = 1000,
    d: Annotated[int, number(4, 16, "Bins of a well", "wells")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """N1 learns a(U), N2 learns what the first order of N1 leaves; their Taylor coefficients against Born's.

    first (source, bin), second (source, i, j): coefficients of a; half a Hessian is a second-order coefficient.
    gradient_error, hessian_error (network, time): relative to a1 and to A2 (Frobenius), flat after
    the present moment; 1 for N2 until it begins.
    test_error (model): root mean square error on 300 wells over that of a = 0.
    """
    rng = np.random.default_rng([seed, 0])
    drawn = well.wells(n_train + TEST, d, amp, rng)
    kept = drawn[well.unbound(drawn)]
    a, a1, a2 = well.scattering_length(kept), well.born_first(d), well.born_second(d)
    test, a_test, train, a_train = kept[:TEST], a[:TEST], torch.tensor(kept[TEST:]), torch.tensor(a[TEST:])
    both = [mlp([d, width, width, 1], activation, np.random.default_rng([seed, k])) for k in (1, 2)]
    steps = np.arange(0, iterations // 10 * 10 + 1, 10)
    errors, g, half = np.ones((2, 2, len(steps))), np.zeros((2, d)), np.zeros((2, d, d))
    target, last = a_train, None
    for k in range(2):
        for done, net in fit(both[k], train, target, amp, loss, iterations):
            now, (g[k], hessian) = done // 10, taylor(net)
            half[k] = hessian / 2
            if not np.isfinite(half[k]).all() or np.abs(half[k]).max() > 1e6:
                yield diverged(last, done)
                return
            truth = a1 if k == 0 else 0 * a1  # nothing of first order is left for the second network
            errors[0, k, now:] = np.linalg.norm(g[k] - truth) / np.linalg.norm(a1)
            errors[1, k, now:] = np.linalg.norm(half[k] - a2) / np.linalg.norm(a2)
            approximate = {
                "first Born order": test @ a1,
                "second Born order": test @ a1 + ((test @ a2) * test).sum(1),
                "network 1 to second order": test @ g[0] + ((test @ half[0]) * test).sum(1),
                "both networks": test @ g[0] + ((test @ half[1]) * test).sum(1),
            }
            shares = [np.sqrt(np.mean((v - a_test) ** 2) / np.mean(a_test**2)) for v in approximate.values()]
            told = (
                f"After {done} iterations the first order of network 1 is {errors[0, 0, now]:.1%} off Born's, and its "
                f"second order {errors[1, 0, now]:.0%}."
                if k == 0
                else f"After {done} iterations the second order of network 2, trained on what the first order leaves, "
                f"is {errors[1, 1, now]:.1%} off Born's; that of network 1 was {errors[1, 0, -1]:.0%} off."
            )
            if len(kept) < len(drawn):
                told += f" {len(drawn) - len(kept)} of {len(drawn)} drawn wells bind, and are left out."
            last = xr.Dataset(
                {
                    "first": variable(("source", "bin"), [a1, g[0], g[1]], "first-order coefficient"),
                    "second": variable(("source", "i", "j"), [a2, *half], "second-order coefficient"),
                    "gradient_error": variable(("network", "time"), errors[0], "relative error of the first order"),
                    "hessian_error": variable(("network", "time"), errors[1], "relative error of the second order"),
                    "test_error": variable("model", shares, "relative error on unseen wells"),
                },
                coords={
                    "source": variable("source", ["Born", "network 1", "network 2"], "source"),
                    "network": variable("network", ["network 1", "network 2"], "network"),
                    "bin": variable("bin", (np.arange(d) + 0.5) / d, "distance r", "ranges"),
                    "i": variable("i", np.arange(1, d + 1), "bin"),
                    "j": variable("j", np.arange(1, d + 1), "bin"),
                    "time": variable("time", steps, "iterations of L-BFGS", "steps"),
                    "model": variable("model", list(approximate), "model"),
                },
                attrs={"reading": told, "progress": (k + done / steps[-1]) / 2, "phase": k + 1, "done": done},
            )
            yield last
        target = a_train - train @ torch.tensor(g[0])


@lru_cache(maxsize=8)
def _trained(activation: Activation, width: int, seed: int) -> MLP:
    kept = well.wells(500, 8, 0.6, np.random.default_rng([seed, 0]))
    kept = kept[well.unbound(kept)]
    start = mlp([8, width, width, 1], activation, np.random.default_rng([seed, 1]))
    *_, (_, net) = fit(start, torch.tensor(kept), torch.tensor(well.scattering_length(kept)), 0.6, "relative", 150)
    return net


@experiment("born_series", quick=dict(width=12))
@one_thread
def diagrams(
    order: Annotated[int, number(1, 5, "Order of the derivative: leaves of the trees", "diagrams")] = 3,
    tree: Annotated[int, number(1, 12, "The diagram to look into; the last one, if there are fewer", "diagrams")] = 1,
    depth: Annotated[float, number(0, 1, "Depth of the even well around which to expand", "well")] = 0.0,
    legs: Annotated[Literal["whole well", "one bin"], choice("What is varied", "well")] = "whole well",
    r: Annotated[float, number(0, 1, "Where the bin is", "well", "ranges", legs=["one bin"])] = 0.9,
    activation: Annotated[Activation, choice("Activation of the network", "network")] = "gelu",
    width: Annotated[int, number(8, 48, "Neurons in each of the two hidden layers", "network")] = 24,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A derivative of a trained network as a sum of diagrams, one for each shape of tree. One frame.

    The network learned a(U) of 500 wells in 150 iterations. contribution (diagram): all trees of the shape together;
    copies (diagram): how many trees. place (vertex, layer, neuron): the contribution of the chosen shape by the place
    of each vertex. attrs["exact"] is the derivative by automatic differentiation.
    """
    net = _trained(activation, width, seed)
    x = torch.full((8,), depth, dtype=torch.float64)
    direction = torch.ones_like(x)
    if legs == "one bin":
        direction = (torch.arange(8) == min(int(r * 8), 7)).double()
    rule, directions = rules(net, x, order), direction.expand(order, -1)
    found = shapes(order)
    parts = np.array([count * value(rule, t, directions) for t, count in found.values()])
    exact = brute_force(net, x, direction, order)
    pick = min(tree, len(found)) - 1
    chosen, copies = list(found.values())[pick]
    places = np.zeros((1, 2, width)) if order == 1 else copies * np.array(whereabouts(rule, chosen, directions))
    many = sum(count for _, count in found.values())
    told = f"{many} diagrams of {len(found)} shapes add up" if many > 1 else "1 diagram comes"
    told = f"At order {order}, {told} to {parts.sum():.6g}; automatic differentiation gives {exact:.6g}. "
    told += (
        f"Shape {pick + 1} carries {abs(parts[pick]) / max(np.abs(parts).sum(), 1e-300):.0%} of what the shapes carry."
    )
    yield xr.Dataset(
        {
            "contribution": variable("diagram", parts, "contribution to the derivative"),
            "copies": variable("diagram", [count for _, count in found.values()], "trees of this shape"),
            "place": variable(("vertex", "layer", "neuron"), places, "contribution by place"),
        },
        coords={
            "diagram": variable("diagram", list(found), "shape of the tree"),
            "vertex": variable("vertex", np.arange(1, len(places) + 1), "vertex, from the output"),
            "layer": variable("layer", [1, 2], "hidden layer"),
            "neuron": variable("neuron", np.arange(1, width + 1), "neuron"),
        },
        attrs={"reading": told, "progress": 1.0, "exact": exact, "pick": pick},
    )


def _seeds(budget: Budget) -> xr.Dataset:
    runs = [iterations.run(budget, seed=seed) for seed in range(3)]
    return xr.concat([f[["gradient_error", "hessian_error"]] for f in runs], "seed").isel(time=-1)


@claim("born_series", "The gradient of a network trained on the scattering length is the first Born order")
def first_iteration_learns_the_first_order(budget: Budget) -> Evidence:
    off = float(_seeds(budget).gradient_error[:, 0].max())
    return Evidence({"worst gradient error": off}, "|g - a1| <= 0.02 |a1| for each of 3 seeds", off <= 0.02, n_seeds=3)


@claim(
    "born_series", "Its Hessian is wrong; trained on what the first order leaves, a second network has the right one"
)
def second_iteration_learns_the_second_order(budget: Budget) -> Evidence:
    frame = _seeds(budget)
    before, after = frame.hessian_error.values.T
    left = float(frame.gradient_error[:, 1].max())
    return Evidence(
        {"before, best": before.min(), "after, worst": after.max(), "largest ratio": (after / before).max(),
         "gradient left": left},
        "for each of 3 seeds: Hessian error after <= 0.12 and <= half of before; gradient of network 2 <= 0.03 |a1|",
        bool((after <= 0.12).all() and (after <= before / 2).all() and left <= 0.03),
        n_seeds=3,
    )  # fmt: skip


@claim("born_series", "The diagrams add up to the derivative, in a trained network and at every order")
def diagrams_are_exact(budget: Budget) -> Evidence:
    frames = [diagrams.run(budget, order=order, depth=0.3, legs="one bin") for order in range(1, 5)]
    worst = max(abs(float(f.contribution.sum()) - f.exact) / abs(f.exact) for f in frames)
    return Evidence(
        {"worst relative gap": worst}, "orders 1 to 4, relative gap to nested jacfwd <= 1e-10", worst <= 1e-10, 1
    )
