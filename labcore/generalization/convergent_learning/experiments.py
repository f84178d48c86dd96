"""Two networks that never met: pairs of units, units from several, axes turned beside all baselines, groups."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import plain

from .baselines import KINDS, compare, main_directions
from .baselines import matched as mean_matched
from .digit_nets import Trained, activations, pictures, train
from .matching import Standard, best_partner, correlations, mutual_information, one_to_one, standardize
from .sparse_maps import Maps, heard, predict
from .subspaces import Turning, canonical_correlations, clusters, dimensions

SHOWN = 8  # partners whose pictures are shown
PENALTIES = np.geomspace(0.01, 0.5, 12)
SHARES = np.linspace(0, 100, 21)
CHUNK = 3  # repetitions that train side by side

Width = Annotated[int, number(16, 128, "Units in each of both hidden layers", "networks", label="width m")]
Layer = Annotated[Literal[1, 2], choice("Which hidden layer is compared", "networks", label="hidden layer")]
Steps = Annotated[
    int, number(0, 1500, "Batches of 64 digits; 0: never trained", "networks", "steps", label="training steps")
]
SMALL = dict(width=24, steps=150)


@functools.lru_cache(maxsize=4)
def _two(width: int, steps: int, layer: int, seed: int) -> tuple[Trained, np.ndarray, list[Standard]]:
    """Two networks, what their units say to new digits (N, n, m), and the same standardized."""
    found = train(width, steps, seed)
    said = activations(found.after, found.held_out, layer)[0]
    return found, said, [standardize(a) for a in said]


MEET = Frame(
    row=axis("unit of network A", start=1),
    column=axis("unit of network B", start=1),
    pair=axis("pair", start=1),
    stranger=axis("pair of untrained networks", start=1),
    y=axis("row of pixels"),
    x=axis("column of pixels"),
    likeness=var("row column", "correlation"),
    unit_a=var("row", "its number in network A"),
    unit_b=var("column", "its number in network B"),
    diagonal=var("pair", "correlation on the diagonal"),
    best=var("pair", "correlation with the best partner"),
    untrained=var("stranger", "correlation of matched units before training"),
    shuffled=var("", "the same where inputs are shuffled, mean"),
    picture_a=var("y x", "weights × ink of the unit of A"),
    picture_b=var("y x", "weights × ink of the unit of B"),
)


@experiment(quick=SMALL, frame=MEET)
@one_thread
def meet(
    matched: Annotated[
        float,
        number(0, 100, "Share of network A's units that have a partner", "", "%", label="units matched", main=True),
    ] = 100.0,
    a: Annotated[int, number(1, 128, "Row of the picked place", label="row of picked pair")] = 1,
    b: Annotated[int, number(1, 128, "Column of the picked place", label="column of picked pair")] = 1,
    layer: Layer = 1,
    steps: Steps = 600,
    likeness: Annotated[
        Literal["correlation", "information"],
        choice(
            "How two units are compared",
            label="likeness of units",
            words={"correlation": "correlation", "information": "mutual information"},
        ),
    ] = "correlation",
    width: Width = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Likeness of each unit of A with each of B on new digits, and the best one-to-one matching. One frame.

    Rows are A's living units, those with the best partners first; as many as are matched stand opposite their
    partners, and B's other units follow as they were numbered. Mutual information is in bits. `picture_a` and
    `picture_b` are of the picked place: input weights times how much the pixels' ink varies, in layer 2 the weights
    through layer 1.
    """
    found, _, (first, second) = _two(width, steps, layer, seed)
    measure = correlations if likeness == "correlation" else mutual_information
    alike = measure(first.z, second.z)
    rows, columns = one_to_one(alike)
    rank = np.full(len(alike), -np.inf)
    rank[rows] = alike[rows, columns]
    rows = np.argsort(-rank, kind="stable")
    alike = alike[rows]
    pairs = min(alike.shape)
    made = round(matched / 100 * pairs)
    partners = one_to_one(alike[:made])[1] if made else np.empty(0, int)
    columns = np.concatenate([partners, np.setdiff1d(np.arange(alike.shape[1]), partners)])
    best = alike[np.arange(pairs), best_partner(alike)[:pairs]]
    alike = alike[:, columns]
    before = [standardize(v).z for v in activations(found.before, found.held_out, layer)[0]]
    untrained, mixed = measure(*before), measure(first.z, np.random.default_rng([seed, 6]).permutation(second.z))
    i, j = min(a, len(rows)) - 1, min(b, len(columns)) - 1
    unit_a, unit_b = first.living[rows], second.living[columns]
    seen = pictures(found.after, found.held_out, layer)[0]
    diagonal, unit = np.diag(alike), "" if likeness == "correlation" else " bits"
    word = "correlation" if likeness == "correlation" else "mutual information"
    yield MEET(
        dict(
            likeness=alike,
            unit_a=unit_a + 1,
            unit_b=unit_b + 1,
            diagonal=diagonal,
            best=best,
            untrained=np.sort(untrained[one_to_one(untrained)])[::-1],
            shuffled=float(mixed[one_to_one(mixed)].mean()),
            picture_a=seen[0, unit_a[i]],
            picture_b=seen[1, unit_b[j]],
        ),
        f"Matched are {made} of {pairs} pairs: on the diagonal the median {word} is "
        f"{plain(np.median(diagonal), '.2f')}{unit}, before training it was "
        f"{plain(np.median(untrained[one_to_one(untrained)]), '.2f')} with all matched. Unit {unit_a[i] + 1} of A and "
        f"unit {unit_b[j] + 1} of B have {plain(alike[i, j], '.2f')}{unit}; "
        f"{2 * width - len(unit_a) - len(unit_b)} of {2 * width} units never change.",
        names=dict(likeness=f"{word}{f' ({unit.strip()})' if unit else ''}"),
    )


PARTNERS = Frame(
    penalty=axis("penalty λ"),
    target=axis("unit of network B", start=1),
    place=axis("partner", start=1),
    y=axis("row of pixels"),
    x=axis("column of pixels"),
    error=var("penalty", "variance missed on new digits"),
    used=var("penalty", "units of A that are used, mean"),
    single=var("", "variance missed by the best unit alone"),
    full=var("", "variance missed by all units"),
    error_each=var("target", "variance of the unit that is missed"),
    used_each=var("target", "units of A that it needs"),
    unit=var("place", "its number in network A"),
    weight=var("place", "weight"),
    picture=var("y x", "weights × ink of the unit of B"),
    pictures=var("place y x", "weights × ink of its partners"),
)


@functools.lru_cache(maxsize=16)
def _maps(width: int, steps: int, layer: int, seed: int, penalties: tuple[float, ...]) -> tuple[list[np.ndarray], Maps]:
    """The units that are heard in A and in B, and B's as sums of A's, for penalties from small to large."""
    said = _two(width, steps, layer, seed)[1]
    alive = [heard(v) for v in said]
    first, second = (standardize(v[:, keep]).z for v, keep in zip(said, alive, strict=True))
    found = predict(first, second, np.array(penalties[::-1]))  # each begins where the larger one before it ended
    return alive, found._replace(weights=found.weights[::-1], sparse=found.sparse[::-1], used=found.used[::-1])


@experiment(quick=SMALL, frame=PARTNERS)
@one_thread
def partners(
    penalty: Annotated[float, number(0.01, 0.5, "Price of a weight", scale="log", label="penalty λ", main=True)] = 0.1,
    target: Annotated[
        int,
        number(
            1, 128, "Which unit of B; those that one unit of A predicts best come first", label="unit of B", main=True
        ),
    ] = 1,
    layer: Layer = 1,
    steps: Steps = 600,
    width: Width = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Each unit of B as a weighted sum of units of A, by the lasso: errors and numbers of partners. One frame.

    Maps are fitted to half of the new digits, errors are those on the other half. `weight` and `pictures` are of the
    eight largest weights of the chosen unit, 0 where it has fewer.
    """
    found = train(width, steps, seed)
    alive, path = _maps(width, steps, layer, seed, tuple(PENALTIES))
    maps = _maps(width, steps, layer, seed, (penalty,))[1]
    penalties, once = np.unique([*PENALTIES, penalty], return_index=True)
    order = np.argsort(maps.single, kind="stable")
    chosen = order[min(target, len(order)) - 1]
    weights = maps.weights[0, chosen]
    largest = np.argsort(-np.abs(weights), kind="stable")[:SHOWN]
    seen = pictures(found.after, found.held_out, layer)[0]
    error, used = maps.sparse[0].mean(), maps.used[0].mean()
    yield PARTNERS(
        dict(
            penalty=penalties,
            error=np.append(path.sparse.mean(1), error)[once],
            used=np.append(path.used.mean(1), used)[once],
            single=float(maps.single.mean()),
            full=float(maps.full.mean()),
            error_each=maps.sparse[0, order],
            used_each=maps.used[0, order],
            unit=alive[0][largest] + 1,
            weight=weights[largest],
            picture=seen[1, alive[1][chosen]],
            pictures=seen[0, alive[0][largest]] * (weights[largest] != 0)[:, None, None],
        ),
        f"With {used:.1f} of {len(alive[0])} units of A, on average, {error:.1%} of the variance of a unit "
        f"of B is missed; by its best unit alone {maps.single.mean():.1%}, by all of them {maps.full.mean():.1%}. Unit "
        f"{alive[1][chosen] + 1} of B takes {maps.used[0, chosen]} and misses {maps.sparse[0, chosen]:.1%}.",
    )


TURN = Frame(
    share=axis("turn of B's axes", "%"),
    row=axis("unit of network A", start=1),
    column=axis("direction of network B", start=1),
    matched=var("share", "correlation of matched units, mean"),
    canonical=var("share", "correlation of main directions, mean"),
    likeness=var("row column", "correlation"),
    shuffled=var("", "correlation of matched units where inputs are shuffled, mean"),
    dimensions=var("", "directions in which A is active"),
    repeat=axis("three networks", start=1),
    depth=axis("hidden layer", values=(1, 2)),
    kind=axis("networks that are compared", values=KINDS),
    matched_each=var("repeat depth kind", "correlation of matched units, mean", optional=True),
    canonical_each=var("repeat depth kind", "correlation of ten main directions, mean", optional=True),
    best=var("repeat depth", "correlation of matched units, best tenth", optional=True),
    worst=var("repeat depth", "correlation of matched units, worst tenth", optional=True),
    again=var("repeat depth", "rank correlation of A's units matched in B and in C", optional=True),
    single=var("repeat depth", "variance missed by the best unit", optional=True),
    few=var("repeat depth", "variance missed by few units, penalty 0.1", optional=True),
    full=var("repeat depth", "variance missed by all units", optional=True),
    used=var("repeat depth", "units that are few", optional=True),
    used_turned=var("repeat depth", "the same where B's axes are turned", optional=True),
    accuracy=var("repeat", "accuracy on new digits, mean", optional=True),
)


@functools.lru_cache(maxsize=64)
def _compared(width: int, steps: int, seed: int, first: int, repeats: int) -> list[dict]:
    """So many sets of three networks from number `first` on, each beside all baselines."""
    found = train(width, steps, seed, 3, repeats, first)
    return [compare(found, r, [seed, first + r]) for r in range(repeats)]


@experiment(quick=SMALL | dict(sets=0), frame=TURN)
@one_thread
def turn(
    turned: Annotated[
        float,
        number(0, 100, "Share of a random turn of B's axes that is made", "", "%", label="turn of B's axes", main=True),
    ] = 0.0,
    layer: Layer = 1,
    steps: Steps = 600,
    sets: Annotated[
        int,
        number(
            0,
            20,
            "Sets of three networks A, B, C to compare with all baselines; 0: none besides",
            "networks",
            label="sets of networks",
        ),
    ] = 0,
    width: Width = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """B's axes are turned, so that each new direction is a mixture of units, and matched with A's units. One frame.

    `canonical` compares the spaces of the ten main directions of both networks. With `sets` frames arrive as they are
    trained: A and B of each matched beside all baselines, in both layers, and A's units with C's too.
    """
    _, said, (first, second) = _two(width, steps, layer, seed)
    b, turning = said[1][:, second.living], Turning(len(second.living), [seed, 7])
    shares = np.union1d(SHARES, turned)
    axes = [(b - b.mean(0)) @ turning(s / 100) for s in shares]
    matched = np.array([mean_matched(first.z, standardize(v).z) for v in axes])
    top = main_directions(*said)
    canonical = np.array([canonical_correlations(said[0], v, top).mean() for v in axes])
    now = int(np.searchsorted(shares, turned))
    alike = correlations(first.z, standardize(axes[now]).z)
    rows, columns = one_to_one(alike)
    order = np.argsort(-alike[rows, columns], kind="stable")
    rows, columns = (
        np.concatenate([some[order], np.setdiff1d(np.arange(n), some)])
        for some, n in zip((rows, columns), alike.shape, strict=True)
    )
    mixed = np.random.default_rng([seed, 6]).permutation(second.z)
    values = dict(
        share=shares,
        matched=matched,
        canonical=canonical,
        likeness=alike[rows][:, columns],
        shuffled=mean_matched(first.z, mixed),
        dimensions=dimensions(said[0]),
    )
    told = (
        f"Matched with B's own units A's have a mean correlation of {plain(matched[0], '.2f')}, with B's axes turned "
        f"by {turned:.0f} % {plain(matched[now], '.2f')}. That of the {top} main directions is "
        f"{plain(canonical[0], '.2f')} and {plain(canonical[now], '.2f')}. A is active in about "
        f"{dimensions(said[0]):.1f} directions."
    )
    if not sets:
        yield TURN(values, told)
    done: list[dict] = []
    while len(done) < sets:
        done += _compared(width, steps, seed, len(done), min(CHUNK, sets - len(done)))
        each = {name: np.stack([one[name] for one in done]) for name in done[0]}
        means = each["matched_each"].mean(0)[layer - 1]
        yield TURN(
            values | each,
            f"{told} In {len(done)} set{'s' * (len(done) > 1)} of networks matched units have "
            + ", ".join(f"{plain(means[k], '.2f')} ({kind})" for k, kind in reversed(list(enumerate(KINDS))))
            + f"; {3 * len(done)} networks are right on {each['accuracy'].mean():.1%} of new digits.",
            len(done) / sets,
        )


GROUPS = Frame(
    row=axis("unit of network A", start=1),
    column=axis("unit of network B", start=1),
    net=axis("network", values=("A", "B")),
    group=axis("group", start=1),
    likeness=var("row column", "size of the correlation"),
    group_of_row=var("row", "group of the unit of A"),
    group_of_column=var("column", "group of the unit of B"),
    size=var("net group", "units in the group"),
    inside=var("", "size of correlation inside of groups, mean"),
    outside=var("", "size of correlation between groups, mean"),
)


@experiment(quick=SMALL, frame=GROUPS)
@one_thread
def groups(
    k: Annotated[int, number(2, 20, "Groups to find", label="number of groups k", main=True)] = 6,
    layer: Layer = 1,
    steps: Steps = 600,
    width: Width = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Units of both networks in k groups, by spectral clustering of the sizes of their correlations. One frame.

    Groups come by how strong the correlations inside are; one that has units of a single network comes last.
    """
    _, _, (first, second) = _two(width, steps, layer, seed)
    alike = np.abs(correlations(first.z, second.z))
    group = clusters(alike, min(k, sum(alike.shape)), [seed, 8])
    of_row, of_column = group[: len(alike)], group[len(alike) :]
    strength = [-_mean(alike[np.ix_(of_row == g, of_column == g)]) for g in range(k)]
    place = np.argsort(np.argsort(strength, kind="stable"), kind="stable")
    of_row, of_column = place[of_row], place[of_column]
    rows, columns = (np.argsort(of, kind="stable") for of in (of_row, of_column))
    same = of_row[:, None] == of_column
    size = np.array([np.bincount(of, minlength=k) for of in (of_row, of_column)])
    shared, inside, outside = int((size.min(0) > 0).sum()), _mean(alike[same]), _mean(alike[~same])
    yield GROUPS(
        dict(
            likeness=alike[rows][:, columns],
            group_of_row=of_row[rows] + 1,
            group_of_column=of_column[columns] + 1,
            size=size,
            inside=inside,
            outside=outside,
        ),
        f"Of {k} groups {shared} have units of both networks. Correlations of A's and B's units have a mean size of "
        f"{inside:.2f} inside of groups and {outside:.2f} between them.",
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else 0.0
