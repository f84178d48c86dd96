"""The experiments of `born_series`, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number, variable
from labcore.primitives.runs.diverged import diverged
from labcore.primitives.runs.one_thread import one_thread

from . import well_scattering as well
from .mechanism import Loss, fit, taylor
from .taylor_trees import MLP, Activation, brute_force, mlp, rules, shapes, value, whereabouts

TEST = 300


@experiment
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


@experiment
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


@experiment(quick=dict(width=12))
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
