"""Five wirings learn side by side, and edges move at random or to where activities agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.stacked import stacked_digits

from .masked_linear import MaskedStack, activities, correlations, groups_of, modularity
from .mechanism import HEBB, N_TEST, SET, WIRINGS, Array, learn


def _modularity(net: MaskedStack, wiring: int, groups: int) -> Float[Array, " S"]:
    """Mean over the masked layers."""
    layers = [m[wiring].bool().numpy() for m in net.mask[1:-1]]
    return np.array([[modularity(m, groups) for m in layer] for layer in layers]).mean(0)


POST, PRE = axis("unit of the second hidden layer"), axis("unit of the first hidden layer")
TRAIN = Frame(
    wiring=axis("wiring", values=WIRINGS),
    repeat=axis("network"),
    epoch=axis("epoch", start=1),
    post=POST,
    pre=PRE,
    accuracy=var("wiring repeat epoch", "accuracy"),
    edges=var("wiring repeat", "edges between hidden layers"),
    modularity=var("wiring repeat", "modularity of the mask"),
    mask=var("wiring post pre", "edge exists"),
)


@experiment(quick=dict(hidden=64, n_seeds=1, epochs=30), frame=TRAIN)
def train(
    p_inter: Annotated[
        float,
        number(
            0,
            0.5,
            "Probability of an edge between different groups",
            "wiring",
            label="edges between groups p",
            main=True,
        ),
    ] = 0.14,
    groups: Annotated[int, number(2, 16, "Groups G in each hidden layer", "wiring", label="groups G")] = 8,
    zeta: Annotated[
        float,
        number(0, 0.5, "Share z of the edges that moves in the first rewiring", "wiring", label="share moved first"),
    ] = 0.2,
    n_train: Annotated[int, number(100, 1200, "Training digits", "data", label="training digits", main=True)] = 200,
    noise: Annotated[
        float, number(0, 0.6, "Noise in all pictures, standard deviation", "data", label="picture noise")
    ] = 0.3,
    epochs: Annotated[
        int,
        number(10, 120, "Passes over the training digits", "training", "epochs", label="training epochs", main=True),
    ] = 40,
    hidden: Annotated[int, number(32, 256, "Units H of each hidden layer", "network", label="units per layer H")] = 128,
    n_seeds: Annotated[
        int, number(1, 6, "Networks of each wiring to average over", "runs", label="networks averaged")
    ] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Five wirings of the hidden layers learn noisy digits from the same start; a frame an epoch.

    accuracy is on 500 test digits. edges and modularity are of the layers between hidden layers; mask is the first of
    them in the first network.
    """
    course = []
    seeds = [[seed, i] for i in range(n_seeds)]
    for epoch, net, accuracy, _ in learn(groups, p_inter, zeta, n_train, noise, epochs, hidden, seeds):
        course.append(accuracy)
        edges = sum(m.sum((-2, -1)) for m in net.mask[1:-1]).double().numpy()
        q = np.stack([_modularity(net, w, groups) for w in range(len(WIRINGS))])
        best, share = accuracy.mean(1), edges.mean(1) / edges[0].mean()
        told = ", ".join(f"{w} {a:.1%} ({s:.0%} of the edges)" for w, a, s in zip(WIRINGS, best, share, strict=True))
        yield TRAIN(
            dict(accuracy=np.stack(course, -1), edges=edges, modularity=q, mask=net.mask[1][:, 0].to(torch.int8)),
            f"Accuracy after {epoch} epochs: {told}.",
            epoch / epochs,
            epochs=epochs,
        )


BINS = np.linspace(0, 1, 26)
GROW = Frame(
    rule=axis("rule of growth", values=("SET", "Hebb")),
    post=POST,
    pre=PRE,
    move=axis("epoch of the rewiring"),
    edge=axis("edges", values=("live", "missing")),
    size=axis("|correlation| across the edge", values=(BINS[1:] + BINS[:-1]) / 2),
    to=axis("group of the second hidden layer", start=1),
    origin=axis("group of the first hidden layer", start=1),
    change=var("rule post pre", "edge"),
    grown=var("rule move", "mean |correlation| of new edges"),
    chance=var("rule move", "mean |correlation| of candidates"),
    spread=var("rule edge size", "share of the edges"),
    between=var("rule to origin", "mean |weight| between groups"),
    modularity=var("rule", "modularity of the mask"),
)


@experiment(quick=dict(epochs=15, hidden=64), frame=GROW)
def grow(
    zeta: Annotated[
        float,
        number(0.02, 0.5, "Share z of the edges that moves in the first rewiring", "wiring", label="share moved first"),
    ] = 0.3,
    groups: Annotated[int, number(2, 16, "Groups G in each hidden layer", "wiring", label="groups G")] = 8,
    p_inter: Annotated[
        float,
        number(0, 0.5, "Probability of an edge between different groups", "wiring", label="edges between groups p"),
    ] = 0.14,
    noise: Annotated[
        float, number(0, 0.6, "Noise in all pictures, standard deviation", "data", label="picture noise")
    ] = 0.3,
    epochs: Annotated[
        int, number(10, 120, "Passes over the 200 training digits", "training", "epochs", label="training epochs")
    ] = 40,
    hidden: Annotated[int, number(32, 256, "Units H of each hidden layer", "network", label="units per layer H")] = 64,
    n_seeds: Annotated[
        int, number(1, 6, "Networks of each rule to average over", "runs", label="networks averaged")
    ] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Where edges go that move: to random places (SET), or where activities correlate (Hebb). A frame an epoch.

    change, first network and masked layer: 0 no edge, 1 kept from the start, 2 grown, 3 lost. grown, chance: mean
    |correlation| of the edges born at each rewiring, and of all that could have been. spread: distribution of
    |correlation| over live and missing edges. between: missing edges counted as 0. modularity is that by now.
    """
    first, moves, log = None, [], []
    member = np.eye(groups)[groups_of(hidden, groups)]
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
        spread = [[np.histogram(a[m], BINS)[0] / max(m.sum(), 1) for m in (n, ~n)] for a, n in zip(agree, now)]
        weight = (net.w[1] * net.mask[1]).detach().abs().double()[[SET, HEBB], 0].numpy()
        between = np.einsum("rij,ia,jb->rab", weight, member, member) / np.outer(member.sum(0), member.sum(0))
        grown, chance = (np.stack([entry[i] for entry in log], 1) for i in (0, 1))
        q = np.array([_modularity(net, w, groups).mean() for w in (SET, HEBB)])
        told = "the edges grown last join units with a mean |correlation| of "
        told += f"{grown[0, -1]:.2f} (SET) and {grown[1, -1]:.2f} (Hebb)"
        if not grown[:, -1].any():
            told = "no edge moved in the last of them"
        yield GROW(
            dict(
                change=first * np.where(now, 1, 3) + ~first * now * 2,
                grown=grown,
                chance=chance,
                spread=np.array(spread),
                between=between,
                modularity=q,
                move=moves,
            ),
            f"After {epoch} epochs and {len(moves)} rewiring{'s' * (len(moves) > 1)}, {told}. The modularity of the "
            f"wiring is now {q[0]:z.2f} and {q[1]:z.2f}.",
            epoch / epochs,
            epochs=epochs,
        )
