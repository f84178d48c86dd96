"""Recall in time, the map of regimes, valleys and the paths into them, and patterns known from examples only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.words import plain

from . import mattis
from .glauber import advance, energy, pattern_sums
from .mechanism import Array, Start, cue, draw_patterns, examples, hebbian, losses, serves


def _levels(n: int, overlap: Float[Array, " K"]) -> str:
    return ", ".join(plain(x, ".3f") for x in overlap[:n])


RECALL = Frame(
    time=axis("time", "sweeps"),
    pattern=axis("pattern", start=1),
    row=axis("row"),
    column=axis("column"),
    level=axis("pattern that is served (0: none)"),
    bin=axis("field times spin, h s"),
    overlap=var("time pattern", "overlap m of each pattern"),
    theory=var("time pattern", "overlap m, theory"),
    energy=var("time", "energy per neuron H/N"),
    loss_pm=var("time pattern", "loss L+ L- of each pattern"),
    levels=var("pattern", "overlaps of a perfect hierarchy"),
    state=var("row column", "pattern that a neuron serves"),
    share=var("level", "share of the neurons"),
    field_hist=var("bin", "share of the neurons"),
)


@experiment(quick=dict(N=5000), frame=RECALL)
def retrieve(
    d: Annotated[
        float,
        number(
            0, 0.95, "Dilution: the share of every pattern that is blank", "patterns", label="blank share d", main=True
        ),
    ] = 0.5,
    T: Annotated[
        float,
        number(0, 1, "Temperature: how often a neuron disobeys its field", "network", label="temperature T", main=True),
    ] = 0.02,
    K: Annotated[int, number(2, 8, "Stored patterns", "patterns", label="stored patterns K")] = 5,
    start: Annotated[Start, choice("What the network is shown", "cue", label="shown first", main=True)] = "pattern 1",
    cue_noise: Annotated[float, number(0, 0.5, "Share of the cue that is flipped", "cue", label="flipped share")] = 0.0,
    N: Annotated[int, number(1000, 100_000, "Neurons", "network", scale="log", label="neurons N")] = 20_000,
    sweeps: Annotated[
        int,
        number(5, 100, "How long to run; in a sweep N neurons are updated", "network", "sweeps", label="running time"),
    ] = 20,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Asynchronous retrieval, all overlaps followed at up to 60 log-spaced times; twenty frames while it runs.

    `theory` is the mean-field flow from the same first overlaps. `state` says which pattern each of the first neurons
    serves, `share` how many of all do; `field_hist` how firmly neurons hold, h_i s_i.
    """
    rng = np.random.default_rng(seed)
    patterns = draw_patterns(N, K, d, rng)
    spins = cue(patterns, start, cue_noise, rng)
    sums = pattern_sums(patterns, spins)
    at = np.unique(np.round(np.logspace(-2, np.log10(sweeps), 60) * N).astype(int))
    flow = mattis.flow(torch.tensor(sums / N), d, T, torch.tensor(at / N)).numpy()
    log, done, side = np.empty((len(at), K), np.int64), 0, min(100, int(N**0.5))
    ideal, bins, filled = mattis.hierarchy(K, d).numpy(), np.linspace(-2.5, 2.5, 82), (patterns != 0).sum(1)
    bar = max(0.1 * (1 - d), 3 * ((1 - d) / N) ** 0.5)  # random spins have overlaps of sqrt((1 - d) / N)
    for i, updates in enumerate(at):
        advance(patterns, spins, sums, T, updates - done, rng)
        log[i], done = sums, updates
        if i % 3 != 2 and i != len(at) - 1:
            continue
        seen = log[: i + 1]
        overlap, level = sums / N, serves(patterns, spins, sums / N)
        plus, minus = losses(patterns, seen)
        firm = (np.einsum("ik,k->i", patterns, sums) * spins - filled) / N
        most = (patterns != 0).mean(0).max()
        strongest = np.sort(np.abs(overlap))[::-1]
        recalled = int((strongest > bar).sum())
        yield RECALL(
            dict(
                time=at[: i + 1] / N,
                bin=(bins[1:] + bins[:-1]) / 2,
                overlap=seen / N,
                theory=flow[: i + 1],
                energy=energy(patterns, seen) / N,
                loss_pm=plus * minus,
                levels=ideal,
                state=level[: side**2].reshape(side, side),
                share=np.bincount(level, minlength=K + 1) / N,
                field_hist=np.histogram(firm, bins)[0] / N,
            ),
            f"After {updates / N:.3g} sweeps the network recalls {recalled} of {K} patterns (overlap above {bar:.3f}; "
            f"the most possible is {most:.2f}). Sorted, the overlaps are {_levels(4, strongest)}"
            f"{' and smaller' if K > 4 else ''}; a perfect hierarchy has {_levels(4, ideal)}.",
            float(updates / at[-1]),
            sweeps=sweeps,
        )


def _lowest(free: Float[Array, " branch"]) -> str:
    """Which of the branches has the lowest free energy. Solutions that reach the same state tie."""
    best = [name for name, f in zip(mattis.BRANCHES, free, strict=True) if f < free.min() + 1e-7]
    if len(best) == 3:
        return "all three branches have the same free energy"
    tie = ", a tie: both reach the same state" if len(best) == 2 else ""
    return f"the lowest free energy of the three branches is {' and '.join(best)}{tie}"


def _settle(n: int, k: int, d: float, t: float, sweeps: int, rng: np.random.Generator) -> Float[Array, " K"]:
    """Overlaps of a network started in the hierarchy, mean over the second half of its sweeps."""
    patterns = draw_patterns(n, k, d, rng)
    spins = cue(patterns, "hierarchy", 0.0, rng)
    sums, total = pattern_sums(patterns, spins), np.zeros(k)
    advance(patterns, spins, sums, t, n * (sweeps // 2), rng)
    for _ in range(sweeps - sweeps // 2):
        advance(patterns, spins, sums, t, n, rng)
        total += sums / n
    return total / (sweeps - sweeps // 2)


MAP = Frame(
    temperature=axis("temperature T"),
    dilution=axis("dilution d"),
    pattern=axis("pattern", start=1),
    branch=axis("branch of solutions", values=mattis.BRANCHES),
    point=axis("simulated network"),
    regime=var("temperature dilution", "patterns recalled: none, one, several, equal"),
    n_retrieved=var("temperature dilution", "patterns recalled"),
    ratio=var("temperature dilution", "second overlap over the first"),
    m_scf=var("temperature dilution pattern", "overlap m, theory"),
    free_energy=var("branch temperature dilution", "free energy per neuron"),
    along_d=var("dilution pattern", "overlap m at this T, theory"),
    along_T=var("temperature pattern", "overlap m at this d, theory"),
    network_d=var("point pattern", "overlap |m| at this T, network"),
    network_T=var("point pattern", "overlap |m| at this d, network"),
    point_d=var("point", "dilution d of the networks"),
    point_T=var("point", "temperature T of the networks"),
)


@experiment(quick=dict(grid=15, N=5000), frame=MAP)
def phase_diagram(
    d: Annotated[
        float, number(0, 0.95, "Dilution: the share of every pattern that is blank", "point", label="blank share d")
    ] = 0.4,
    T: Annotated[float, number(0, 1, "Temperature", "point", label="temperature T")] = 0.1,
    K: Annotated[int, number(2, 5, "Stored patterns", "theory", label="stored patterns K")] = 3,
    grid: Annotated[int, number(7, 41, "Points of the map along each side", "theory", label="map resolution")] = 31,
    N: Annotated[
        int, number(1000, 100_000, "Neurons of the simulated networks", "simulation", scale="log", label="neurons N")
    ] = 20_000,
    sweeps: Annotated[
        int, number(10, 100, "How long each simulated network runs", "simulation", "sweeps", label="running time")
    ] = 40,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The map of regimes over dilution and temperature, from theory, and two cuts with networks on them.

    All start in the hierarchy. `n_retrieved` counts overlaps above 0.1 (1-d), `regime` is the index in mattis.REGIMES.
    Cuts through the point are along_d and along_T; network_d and network_T are simulated at point_d and point_T.
    Network p of a cut draws from (seed, cut, p). One frame.
    """
    ds, ts, m, f = mattis.regime_map(K, grid)
    strength = np.sort(np.abs(m), -1)[..., ::-1]
    ratio = np.divide(strength[..., 1], strength[..., 0], out=np.zeros((grid, grid)), where=strength[..., 0] > 1e-6)
    here_d, here_t = torch.tensor([d], dtype=torch.float64), torch.tensor([T], dtype=torch.float64)
    along_d, _ = mattis.branches(K, torch.tensor(ds), here_t.expand(grid))
    along_t, _ = mattis.branches(K, here_d.expand(grid), torch.tensor(ts))
    here, free = mattis.branches(K, here_d, here_t)
    at_d, at_t = np.linspace(0.05, 0.9, 9), np.linspace(0.02, 0.98, 9)
    mc_d = [_settle(N, K, x, T, sweeps, np.random.default_rng([seed, 0, p])) for p, x in enumerate(at_d)]
    mc_t = [_settle(N, K, d, x, sweeps, np.random.default_rng([seed, 1, p])) for p, x in enumerate(at_t)]
    kind = mattis.REGIMES[int(mattis.regime(here.numpy())[0])]
    gap = np.abs(np.sort(np.abs(mc_d)) - np.sort(mattis.fixed_point(mattis.hierarchy(K, torch.tensor(at_d)), at_d, T)))
    yield MAP(
        dict(
            temperature=ts,
            dilution=ds,
            regime=mattis.regime(m),
            n_retrieved=(strength > 0.1 * (1 - ds)[:, None]).sum(-1),
            ratio=ratio,
            m_scf=m,
            free_energy=f,
            along_d=along_d,
            along_T=along_t,
            network_d=np.abs(mc_d),
            network_T=np.abs(mc_t),
            point_d=at_d,
            point_T=at_t,
        ),
        f"At d = {d:.2f} and T = {T:.2f} the memory recalls {kind}: theory gives the overlaps "
        f"{_levels(K, here[0].numpy())}, and {_lowest(free[:, 0].numpy())}. Along d, "
        f"networks of {N} neurons differ from theory by {gap.max():.3f} at most.",
        at=[d, T],
    )


VALLEYS = Frame(
    m1=axis("overlap with pattern 1"),
    m2=axis("overlap with pattern 2"),
    start=axis("network"),
    time=axis("time", "sweeps"),
    pattern=axis("pattern", start=1),
    free_energy=var("m2 m1", "free energy per neuron above the lowest"),
    path=var("start time pattern", "overlap m, network"),
    theory=var("start time pattern", "overlap m, steepest descent"),
)


def _change(by: float) -> str:
    """What a free energy did, in words."""
    if abs(by) < 5e-5:
        return "stayed as it was to 0.0001"
    return f"{'rose' if by > 0 else 'fell'} by {abs(by):.4f}"


@experiment(quick=dict(N=2000), frame=VALLEYS)
def landscape(
    T: Annotated[
        float, number(0, 1, "Temperature: it fills the valleys", "network", label="temperature T", main=True)
    ] = 0.1,
    d: Annotated[
        float,
        number(
            0, 0.95, "Dilution: the share of every pattern that is blank", "network", label="blank share d", main=True
        ),
    ] = 0.3,
    strength: Annotated[
        float,
        number(0.1, 2, "How clearly each first state shows its mixture of patterns", "cues", label="cue strength"),
    ] = 0.7,
    n_starts: Annotated[int, number(1, 24, "First states, all around", "cues", label="networks")] = 12,
    N: Annotated[
        int, number(500, 50_000, "Neurons; few of them make a shaky path", "network", scale="log", label="neurons N")
    ] = 10_000,
    sweeps: Annotated[int, number(2, 40, "How long each network runs", "network", "sweeps", label="running time")] = 10,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two patterns: the free energy over the plane of their overlaps, and networks that roll down into its valleys.

    `free_energy` is from theory, `path` of N spins, `theory` the steepest descent from the same first overlaps. Path j
    draws from (seed, j).
    """
    reach = torch.linspace(-1.05, 1.05, 61, dtype=torch.float64) * (1 - d)
    plane = torch.stack(torch.meshgrid(reach, reach, indexing="xy"), -1)
    f = mattis.free_energy(plane, d, T).numpy()
    times = np.arange(1 + 8 * sweeps) / 8
    turn = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    nets, path = [], np.empty((n_starts, len(times), 2))
    for j in range(n_starts):
        rng, angle = np.random.default_rng([seed, j]), turn + 2 * np.pi * j / n_starts
        patterns = draw_patterns(N, 2, d, rng)
        field = patterns[:, 0] * np.cos(angle) + patterns[:, 1] * np.sin(angle)
        spins = np.where(rng.random(N) < 0.5 + 0.5 * np.tanh(strength * field), 1, -1).astype(np.int8)
        nets.append((patterns, spins, pattern_sums(patterns, spins), rng))
    path[:, 0] = [net[2] / N for net in nets]
    flows = [mattis.flow(torch.tensor(m), d, T, torch.tensor(times[1:])).numpy() for m in path[:, 0]]
    theory = np.concatenate([path[:, :1], flows], 1)
    first = mattis.free_energy(torch.tensor(path[:, 0]), d, T).mean()
    for i in range(1, len(times)):
        for patterns, spins, sums, rng in nets:
            advance(patterns, spins, sums, T, int(times[i] * N) - int(times[i - 1] * N), rng)
        path[:, i] = [net[2] / N for net in nets]
        if i % (len(times) // 16) and i < len(times) - 1:
            continue
        now = mattis.free_energy(torch.tensor(path[:, i]), d, T).mean()
        size = np.sort(np.abs(path[:, i]), -1).mean(0)
        yield VALLEYS(
            dict(
                m1=reach,
                m2=reach,
                time=times[: i + 1],
                free_energy=f - f.min(),
                path=path[:, : i + 1],
                theory=theory[:, : i + 1],
            ),
            f"In {times[i]:.2f} sweeps the free energy of {n_starts} {'network' if n_starts == 1 else 'networks'} "
            f"{_change(float(now - first))} on average. The larger overlap is {size[1]:.2f}, the smaller one "
            f"{size[0]:.2f}; the most possible is {1 - d:.2f}.",
            i / (len(times) - 1),
        )


FROM_EXAMPLES = Frame(
    count=axis("examples M of each pattern"),
    learning=axis("learning", values=("teacher", "no teacher")),
    pattern=axis("rank of the pattern", start=1),
    repeat=axis("network"),
    overlap=var("count learning pattern repeat", "overlap |m|, sorted"),
    ideal=var("pattern", "overlap |m| when the patterns themselves are stored"),
)


@experiment(frame=FROM_EXAMPLES)
def learn(
    M: Annotated[int, number(2, 130, "The most examples of each pattern", "examples", label="most examples M")] = 130,
    r: Annotated[
        float,
        number(
            0.05, 1, "Quality: mean agreement of an example with its pattern", "examples", label="example quality r"
        ),
    ] = 0.2,
    d: Annotated[
        float, number(0, 0.95, "Dilution: the share of every pattern that is blank", "network", label="blank share d")
    ] = 0.25,
    T: Annotated[float, number(0, 0.5, "Temperature", "network", label="temperature T")] = 0.02,
    K: Annotated[int, number(1, 5, "Patterns behind the examples", "network", label="patterns K")] = 3,
    N: Annotated[
        int, number(1000, 20_000, "Neurons; more examples than N/10 are not stored", "network", label="neurons N")
    ] = 4000,
    n_seeds: Annotated[int, number(1, 10, "Networks to average over", "network", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Recall of patterns of which only M noisy examples were seen, with a teacher who groups them or without.

    `overlap` is taken after 20 sweeps that begin at pattern 1; `ideal` is the same for networks that store the patterns
    themselves. Repeat i draws from (seed, i), and its M examples are the first M of a list. Counts end at K M = 0.1 N,
    the edge of low storage.
    """
    most = min(M, N // (10 * K))
    counts = np.unique(np.round(np.logspace(0, np.log10(most), 12)).astype(int))
    repeats = []
    for i in range(n_seeds):
        rng = np.random.default_rng([seed, i])
        patterns = draw_patterns(N, K, d, rng)
        repeats.append((patterns, examples(patterns, most, r, rng), cue(patterns, "pattern 1", 0.0, rng)))

    def recall(i: int, columns: np.ndarray, gain: float) -> Float[Array, " K"]:
        patterns, _, first = repeats[i]
        spins, rng = first.copy(), np.random.default_rng([seed, i, 1])
        advance(columns, spins, pattern_sums(columns, spins), T, 20 * N, rng, gain)
        return np.sort(np.abs(pattern_sums(patterns, spins) / N))[::-1]

    ideal = np.mean([recall(i, repeats[i][0], 1.0) for i in range(n_seeds)], 0)
    log = np.empty((len(counts), 2, K, n_seeds))
    for c, m in enumerate(counts):
        for i, (_, eta, _) in enumerate(repeats):
            for t in range(2):
                log[c, t, :, i] = recall(i, *hebbian(np.ascontiguousarray(eta[:, :, :m]), r, teacher=t == 0))
        lead = log[: c + 1, :, 0].mean(-1)
        yield FROM_EXAMPLES(
            dict(count=counts[: c + 1], overlap=log[: c + 1], ideal=ideal),
            f"With {m} {'example' if m == 1 else 'examples'} of each pattern the leading overlap is {lead[c, 0]:.3f} "
            f"with a teacher and {lead[c, 1]:.3f} without; the patterns themselves would give {ideal[0]:.3f}. The two "
            f"differ by {np.abs(lead[:, 0] - lead[:, 1]).max():.3f} at most so far.",
            (c + 1) / len(counts),
            most=int(counts[-1]),
        )
