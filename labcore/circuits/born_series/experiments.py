"""A wave in a well beside the Born series, two networks that learn it, and the diagrams of a trained one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread

from . import well_scattering as well
from .mechanism import Loss, fit, taylor
from .taylor_trees import MLP, Activation, brute_force, mlp, rules, shapes, value, whereabouts

TEST = 300


WELL = Frame(
    bin=axis("distance r", "ranges"),
    r=axis("distance r", "ranges"),
    model=axis("model", values=("exact", "first Born order", "second Born order")),
    depth=axis("mean depth of the well"),
    potential=var("bin", "depth of the well"),
    u=var("r", "wave"),
    line=var("r", "outer line"),
    length=var("model depth", "scattering length", "ranges"),
)


@experiment(frame=WELL)
def scattering(
    amp: Annotated[float, number(0, 2.4, "Mean depth of the well", "well", label="well depth", main=True)] = 0.6,
    share: Annotated[
        float,
        number(0, 1, "Part of the depth that is heaped up in one bin", "well", label="share in one bin", main=True),
    ] = 0.4,
    r: Annotated[
        float, number(0, 1, "Where that bin is", "well", "ranges", label="place of that bin", main=True)
    ] = 0.8,
    d: Annotated[int, number(4, 16, "Bins of the well", "well", label="bins d")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The wave in a well, the length a at which its outer line cuts the axis, and the Born series for a. One frame.

    u, line: the wave and its outer line drawn inwards. length: a of wells of the same form and other mean depths, the
    exact one cut at +-20.
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
    said = f"{a:z.3f}" if abs(a) < well.WORST else f"beyond {a:.0f}"
    if slope > 0:
        told = f"The scattering length is {said}. The first Born order says {first:z.3f}, the second {second:z.3f}."
    else:
        told = f"This well already holds a bound state: a = {said}. The second Born order says {second:.3f}, nonsense."
    yield WELL(
        dict(
            potential=potential,
            u=well.wave(potential, grid),
            line=u + slope * (grid - 1),
            length=[exact, depths * a1, depths * a1 + depths**2 * a2],
            bin=(np.arange(d) + 0.5) / d,
            r=grid,
            depth=depths,
        ),
        told,
        amp=amp,
        at=r,
        a=a,
        bound=int(slope <= 0),
    )


ORDERS = Frame(
    source=axis("source", values=("Born", "network 1", "network 2")),
    network=axis("network", values=("network 1", "network 2")),
    bin=axis("distance r", "ranges"),
    i=axis("bin", start=1),
    j=axis("bin", start=1),
    time=axis("iterations of L-BFGS", "steps"),
    model=axis("model", values=("first Born order", "second Born order", "network 1 to second order", "both networks")),
    first=var("source bin", "first-order coefficient"),
    second=var("source i j", "second-order coefficient"),
    gradient_error=var("network time", "relative error of the first order"),
    hessian_error=var("network time", "relative error of the second order"),
    test_error=var("model", "relative error on unseen wells"),
)


@experiment(quick=dict(iterations=100, n_train=400), frame=ORDERS)
@one_thread
def iterations(
    amp: Annotated[
        float, number(0.1, 1.5, "Largest mean depth of the training wells", "wells", label="deepest wells", main=True)
    ] = 0.6,
    activation: Annotated[
        Activation, choice("Activation of the networks", "network", label="activation", main=True)
    ] = "gelu",
    loss: Annotated[
        Loss, choice("Errors relative to each target, or plain", "network", label="errors", main=True)
    ] = "relative",
    width: Annotated[
        int, number(8, 48, "Neurons in each of the two hidden layers", "network", label="neurons a layer")
    ] = 24,
    iterations: Annotated[
        int, number(50, 400, "Iterations of L-BFGS for each network", "network", "steps", label="training iterations")
    ] = 300,
    n_train: Annotated[int, number(200, 2000, "Training wells", "wells", label="training wells")] = 1000,
    d: Annotated[int, number(4, 16, "Bins of a well", "wells", label="bins d")] = 8,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """N1 learns a(U), N2 learns what the first order of N1 leaves; their Taylor coefficients against Born's.

    first, second: coefficients of a; half a Hessian is a second-order coefficient. gradient_error, hessian_error:
    relative to a1 and to A2 (Frobenius), flat after the present moment; 1 for N2 until it begins.
    test_error: root mean square error on 300 wells over that of a = 0.
    """
    rng = np.random.default_rng([seed, 0])
    drawn = well.wells(n_train + TEST, d, amp, rng)
    kept = drawn[well.unbound(drawn)]
    a, a1, a2 = well.scattering_length(kept), well.born_first(d), well.born_second(d)
    test, a_test, train, a_train = kept[:TEST], a[:TEST], torch.tensor(kept[TEST:]), torch.tensor(a[TEST:])
    both = [mlp([d, width, width, 1], activation, np.random.default_rng([seed, k])) for k in (1, 2)]
    steps = np.arange(0, iterations // 10 * 10 + 1, 10)
    errors, g, half = np.ones((2, 2, len(steps))), np.zeros((2, d)), np.zeros((2, d, d))
    target = a_train
    for k in range(2):
        for done, net in fit(both[k], train, target, amp, loss, iterations):
            now, (g[k], hessian) = done // 10, taylor(net)
            half[k] = hessian / 2
            if not np.isfinite(half[k]).all() or np.abs(half[k]).max() > 1e6:
                raise Diverged(done)
            truth = a1 if k == 0 else 0 * a1  # nothing of first order is left for the second network
            errors[0, k, now:] = np.linalg.norm(g[k] - truth) / np.linalg.norm(a1)
            errors[1, k, now:] = np.linalg.norm(half[k] - a2) / np.linalg.norm(a2)
            approximate = (  # in the order of the models
                test @ a1,
                test @ a1 + ((test @ a2) * test).sum(1),
                test @ g[0] + ((test @ half[0]) * test).sum(1),
                test @ g[0] + ((test @ half[1]) * test).sum(1),
            )
            shares = [np.sqrt(np.mean((v - a_test) ** 2) / np.mean(a_test**2)) for v in approximate]
            told = (
                f"After {done} iterations the first order of network 1 is {errors[0, 0, now]:.1%} off Born's, and its "
                f"second order {errors[1, 0, now]:.0%}."
                if k == 0
                else f"After {done} iterations the second order of network 2, trained on what the first order leaves, "
                f"is {errors[1, 1, now]:.1%} off Born's; that of network 1 was {errors[1, 0, -1]:.0%} off."
            )
            if lost := len(drawn) - len(kept):
                told += (
                    f" {lost} of {len(drawn)} drawn wells {'bind, and are' if lost > 1 else 'binds, and is'} left out."
                )
            yield ORDERS(
                dict(
                    first=[a1, *g],
                    second=[a2, *half],
                    gradient_error=errors[0],
                    hessian_error=errors[1],
                    test_error=shares,
                    bin=(np.arange(d) + 0.5) / d,
                    time=steps,
                ),
                told,
                (k + done / steps[-1]) / 2,
                phase=k + 1,
                done=done,
            )
        target = a_train - train @ torch.tensor(g[0])


@lru_cache(maxsize=8)
def _trained(activation: Activation, width: int, seed: int) -> MLP:
    kept = well.wells(500, 8, 0.6, np.random.default_rng([seed, 0]))
    kept = kept[well.unbound(kept)]
    start = mlp([8, width, width, 1], activation, np.random.default_rng([seed, 1]))
    *_, (_, net) = fit(start, torch.tensor(kept), torch.tensor(well.scattering_length(kept)), 0.6, "relative", 150)
    return net


DIAGRAMS = Frame(
    diagram=axis("shape of the tree"),
    vertex=axis("vertex, from the output", start=1),
    layer=axis("hidden layer", start=1),
    neuron=axis("neuron", start=1),
    contribution=var("diagram", "contribution to the derivative"),
    copies=var("diagram", "trees of this shape"),
    place=var("vertex layer neuron", "contribution by place"),
)


@experiment(quick=dict(width=12), frame=DIAGRAMS)
@one_thread
def diagrams(
    order: Annotated[
        int, number(1, 5, "Order of the derivative: leaves of the trees", "diagrams", label="order n", main=True)
    ] = 3,
    tree: Annotated[
        int,
        number(
            1, 12, "The diagram to look into; the last one, if there are fewer", "diagrams", label="diagram", main=True
        ),
    ] = 1,
    depth: Annotated[
        float, number(0, 1, "Depth of the even well around which to expand", "well", label="well depth", main=True)
    ] = 0.0,
    legs: Annotated[Literal["whole well", "one bin"], choice("What is varied", "well", label="varied")] = "whole well",
    r: Annotated[
        float, number(0, 1, "Where the bin is", "well", "ranges", legs=["one bin"], label="place of the bin")
    ] = 0.9,
    activation: Annotated[Activation, choice("Activation of the network", "network", label="activation")] = "gelu",
    width: Annotated[
        int, number(8, 48, "Neurons in each of the two hidden layers", "network", label="neurons a layer")
    ] = 24,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A derivative of a trained network as a sum of diagrams, one for each shape of tree. One frame.

    The network learned a(U) of 500 wells in 150 iterations. contribution: all trees of the shape together. place: the
    contribution of the chosen shape by the place of each vertex. attrs["exact"] is the derivative by automatic
    differentiation.
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
    yield DIAGRAMS(
        dict(contribution=parts, copies=[count for _, count in found.values()], place=places, diagram=list(found)),
        told,
        exact=exact,
        pick=pick,
    )
