"""The experiments of `ensemble_to_ensemble`, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, experiment, number, variable
from labcore.primitives.digits.stacked import stacked_digits

from .masked_linear import MaskedStack, activities, correlations, groups_of, modularity
from .mechanism import HEBB, N_TEST, SET, WIRINGS, Array, learn


def _modularity(net: MaskedStack, wiring: int, groups: int) -> Array:
    """Mean over the masked layers, (S,)."""
    layers = [m[wiring].bool().numpy() for m in net.mask[1:-1]]
    return np.array([[modularity(m, groups) for m in layer] for layer in layers]).mean(0)


@experiment(quick=dict(hidden=64, n_seeds=2))
def train(
    p_inter: Annotated[float, number(0, 0.5, "Probability of an edge between different groups", "wiring")] = 0.14,
    groups: Annotated[int, number(2, 16, "Groups G in each hidden layer", "wiring")] = 8,
    zeta: Annotated[float, number(0, 0.5, "Share z of the edges that moves in the first rewiring", "wiring")] = 0.2,
    n_train: Annotated[int, number(100, 1200, "Training digits", "data")] = 200,
    noise: Annotated[float, number(0, 0.6, "Noise in all pictures, standard deviation", "data")] = 0.3,
    epochs: Annotated[int, number(10, 120, "Passes over the training digits", "training", "epochs")] = 40,
    hidden: Annotated[int, number(32, 256, "Units H of each hidden layer", "network")] = 128,
    n_seeds: Annotated[int, number(1, 6, "Networks of each wiring to average over", "runs")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Five wirings of the hidden layers learn noisy digits from the same start; a frame an epoch.

    accuracy (wiring, repeat, epoch) on 500 test digits. edges (wiring, repeat) and modularity (wiring, repeat) are of
    the layers between hidden layers; mask (wiring, post, pre) is the first of them in the first network.
    """
    course = []
    seeds = [[seed, i] for i in range(n_seeds)]
    for epoch, net, accuracy, _ in learn(groups, p_inter, zeta, n_train, noise, epochs, hidden, seeds):
        course.append(accuracy)
        edges = sum(m.sum((-2, -1)) for m in net.mask[1:-1]).double().numpy()
        q = np.stack([_modularity(net, w, groups) for w in range(len(WIRINGS))])
        best, share = accuracy.mean(1), edges.mean(1) / edges[0].mean()
        told = ", ".join(f"{w} {a:.1%} ({s:.0%} of the edges)" for w, a, s in zip(WIRINGS, best, share, strict=True))
        yield xr.Dataset(
            {
                "accuracy": variable(("wiring", "repeat", "epoch"), np.stack(course, -1), "accuracy"),
                "edges": variable(("wiring", "repeat"), edges, "edges between hidden layers"),
                "modularity": variable(("wiring", "repeat"), q, "modularity of the mask"),
                "mask": variable(("wiring", "post", "pre"), net.mask[1][:, 0].to(torch.int8), "edge exists"),
            },
            coords={
                "wiring": variable("wiring", list(WIRINGS), "wiring"),
                "repeat": variable("repeat", np.arange(n_seeds), "network"),
                "epoch": variable("epoch", np.arange(1, epoch + 1), "epoch"),
                "post": variable("post", np.arange(hidden), "unit of the second hidden layer"),
                "pre": variable("pre", np.arange(hidden), "unit of the first hidden layer"),
            },
            attrs={
                "reading": f"Accuracy after {epoch} epochs: {told}.",
                "progress": epoch / epochs,
                "epochs": epochs,
            },
        )


@experiment(quick=dict(epochs=15, hidden=64))
def grow(
    zeta: Annotated[float, number(0.02, 0.5, "Share z of the edges that moves in the first rewiring", "wiring")] = 0.3,
    groups: Annotated[int, number(2, 16, "Groups G in each hidden layer", "wiring")] = 8,
    p_inter: Annotated[float, number(0, 0.5, "Probability of an edge between different groups", "wiring")] = 0.14,
    noise: Annotated[float, number(0, 0.6, "Noise in all pictures, standard deviation", "data")] = 0.3,
    epochs: Annotated[int, number(10, 120, "Passes over the 200 training digits", "training", "epochs")] = 40,
    hidden: Annotated[int, number(32, 256, "Units H of each hidden layer", "network")] = 64,
    n_seeds: Annotated[int, number(1, 6, "Networks of each rule to average over", "runs")] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Where edges go that move: to random places (SET), or where activities correlate (Hebb). A frame an epoch.

    change (rule, post, pre), first network and masked layer: 0 no edge, 1 kept from the start, 2 grown, 3 lost.
    grown, chance (rule, move): mean |correlation| of the edges born at each rewiring, and of all that could have been.
    spread (rule, edge, size): distribution of |correlation| over live and missing edges. between (rule, to, origin):
    mean |weight| between groups, missing edges counted as 0. modularity (rule) of the masks by now.
    """
    first, moves, log = None, [], []
    bins, member = np.linspace(0, 1, 26), np.eye(groups)[groups_of(hidden, groups)]
    seeds = [[seed, i] for i in range(n_seeds)]
    x = stacked_digits(200, N_TEST, seeds, noise).x
    for epoch, net, _, moved in learn(groups, p_inter, zeta, 200, noise, epochs, hidden, seeds):
        first = net.mask[1][HEBB, 0].bool().numpy() if first is None else first
        if moved:
            moves.append(epoch)
            log.append([m.mean((1, 2)) for m in moved])
        if not moves:
            continue
        now = net.mask[1][[SET, HEBB], 0].bool().numpy()
        with torch.no_grad():
            seen = activities(net, x)
        agree = [correlations(seen[0][w, 0], seen[1][w, 0]).abs().numpy() for w in (SET, HEBB)]
        spread = [[np.histogram(a[m], bins)[0] / max(m.sum(), 1) for m in (n, ~n)] for a, n in zip(agree, now)]
        weight = (net.w[1] * net.mask[1]).detach().abs().double()[[SET, HEBB], 0].numpy()
        between = np.einsum("rij,ia,jb->rab", weight, member, member) / np.outer(member.sum(0), member.sum(0))
        grown, chance = (np.stack([entry[i] for entry in log], 1) for i in (0, 1))
        q = np.array([_modularity(net, w, groups).mean() for w in (SET, HEBB)])
        yield xr.Dataset(
            {
                "change": variable(("rule", "post", "pre"), first * np.where(now, 1, 3) + ~first * now * 2, "edge"),
                "grown": variable(("rule", "move"), grown, "mean |correlation| of new edges"),
                "chance": variable(("rule", "move"), chance, "mean |correlation| of candidates"),
                "spread": variable(("rule", "edge", "size"), np.array(spread), "share of the edges"),
                "between": variable(("rule", "to", "origin"), between, "mean |weight| between groups"),
                "modularity": variable("rule", q, "modularity of the mask"),
            },
            coords={
                "rule": variable("rule", ["SET", "Hebb"], "rule of growth"),
                "post": variable("post", np.arange(hidden), "unit of the second hidden layer"),
                "pre": variable("pre", np.arange(hidden), "unit of the first hidden layer"),
                "move": variable("move", np.array(moves), "epoch of the rewiring"),
                "edge": variable("edge", ["live", "missing"], "edges"),
                "size": variable("size", (bins[1:] + bins[:-1]) / 2, "|correlation| across the edge"),
                "to": variable("to", np.arange(1, groups + 1), "group of the second hidden layer"),
                "origin": variable("origin", np.arange(1, groups + 1), "group of the first hidden layer"),
            },
            attrs={
                "reading": f"After {epoch} epochs and {len(moves)} rewirings, the edges grown last join units "
                f"with a mean |correlation| of {grown[0, -1]:.2f} (SET) and {grown[1, -1]:.2f} (Hebb). The modularity "
                f"of the wiring is now {q[0]:.2f} and {q[1]:.2f}.",
                "progress": epoch / epochs,
                "epochs": epochs,
            },
        )
