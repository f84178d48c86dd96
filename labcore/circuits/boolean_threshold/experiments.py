"""A search for circuits, a projection under the microscope, a near miss in the plane, Adam, and a generative model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from jaxtyping import Complex, Float

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .circle_and_line import nearest_on_circles, nearest_on_line
from .found_circuit import RUNS, circuit_frame
from .peers import adam
from .relax_reflect import CUBE, ONE_HOT, advance, project_grid, project_neuron, random_state
from .side_by_side import side_by_side
from .taken_codes import GENERATED, codes_frame
from .threshold_circuits import make_task, pictures
from .wiring import accuracy, layered

Array = np.ndarray
Gamma = Annotated[float, number(0, 0.01, "How fast the metric follows the gap", "search", label="metric rate γ")]
Iterations = Annotated[
    int,
    number(
        500, 20_000, "Iterations before a run gives up", "search", "iterations", scale="log", label="most iterations"
    ),
]
Runs = Annotated[int, number(1, 10, "Runs from different random points", "search", label="starts")]


@experiment(quick=dict(task="eca_cell", rule=90, runs=3, max_iter=1500), frame=RUNS)
def search(
    sigma: Annotated[
        float,
        number(
            1,
            9,
            "Support: a gate of up to sigma equal weights has margin enough",
            "gates",
            label="largest gate σ",
            main=True,
        ),
    ] = 3,
    task: Annotated[
        Literal["multiplier2", "eca_cell", "autoencoder", "random_logic"],
        choice(
            "The circuit to be found",
            "task",
            label="circuit",
            main=True,
            words={
                "multiplier2": "2-bit multiplier",
                "eca_cell": "a cell of an automaton",
                "autoencoder": "8 codes through 3 bits",
                "random_logic": "a random table",
            },
        ),
    ] = "multiplier2",
    rule: Annotated[
        int, number(0, 255, "Wolfram's number of the automaton", "task", task=["eca_cell"], label="Wolfram's rule")
    ] = 30,
    items: Annotated[
        int,
        number(
            4,
            64,
            "Rows to learn from, if there are as many",
            "task",
            task=["multiplier2", "random_logic"],
            label="rows",
        ),
    ] = 16,
    method: Annotated[
        Literal["RRR", "alternating"],
        choice(
            "RRR, or plain alternating projections P_B(P_A(z))",
            "search",
            label="method",
            main=True,
            words={"RRR": "reflect (RRR)", "alternating": "back and forth"},
        ),
    ] = "RRR",
    beta: Annotated[
        float, number(0.05, 1, "Step of RRR; 1 is Douglas-Rachford", "search", method=["RRR"], label="step β")
    ] = 0.2,
    gamma: Gamma = 1e-3,
    max_iter: Iterations = 10_000,
    runs: Runs = 6,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Runs of RRR side by side; frames arrive while they search.

    Run r starts from (seed, r). It stops when the gap is under 0.01 and hard signs reproduce every label: it is solved.
    Drawn is the run that was solved first, and run 1 until then. gap and right, the share of output bits,
    keep their last value once a run has stopped. unseen is there where not all rows were learned from.
    gate: a kind of `labcore.primitives.logic.boolean`, -1 for no gate, -2 while the drawn run is not solved.
    """
    made = make_task(task, rule, items, seed)
    net, X, Y = made.net, made.X, made.Y
    states = [random_state(net, X, Y, np.random.default_rng([seed, r])) for r in range(runs)]
    # some 30 frames, more when the task is so large that the steps between two of them would take long
    chunk = int(np.clip(4e6 / (runs * len(X) * len(net.source)), max_iter / 200, max_iter / 30))
    stops = np.unique([*np.logspace(0, np.log10(chunk), 12).astype(int), *range(chunk, max_iter, chunk), max_iter])
    right: list[list[float]] = []
    for standing in side_by_side(net, states, [X] * runs, Y, stops, float(sigma), beta, gamma, method == "RRR"):
        right.append([accuracy.kernel(net, s.wB, X, Y) for s in states])
        yield circuit_frame(made, states, standing, stops[: len(right)], np.array(right))


MICROSCOPE = Frame(
    state=axis("state", values=("point", "projection", "reflection")),
    branch=axis("branch: two for +Delta, then two for -Delta"),
    t=axis("place on the branch"),
    w=axis("weight"),
    x=axis("value at the edge"),
    point_w=var("state", "weight"),
    point_x=var("state", "value at the edge"),
    point_y=var("state", "output of the neuron"),
    branch_w=var("branch t", "weight"),
    branch_x=var("branch t", "value at the edge"),
    distance=var("x w", "distance to the set A"),
)


@experiment(frame=MICROSCOPE)
def projection(
    w: Annotated[float, number(-3, 3, "Weight of the edge in the picture", "point", label="weight w", main=True)] = 0.6,
    x: Annotated[float, number(-3, 3, "Value at that edge", "point", label="value x", main=True)] = 0.4,
    y: Annotated[float, number(-1.5, 1.5, "Output of the neuron", "point", label="output y", main=True)] = 0.3,
    sigma: Annotated[
        float, number(1, 9, "Support: the margin is Delta = sqrt(m / sigma)", "neuron", label="largest gate σ")
    ] = 3,
    m: Annotated[
        int, number(1, 9, "Edges of the neuron; the others are drawn at random", "neuron", label="edges m")
    ] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """P_A of one neuron and one item, seen in the plane of one edge (w, x). One frame.

    The states are the point z, its projection, its reflection 2 P_A - z. A branch is w x = +-Delta minus what the other
    edges add after the projection. distance: how far P_A moves each point of the plane.
    """
    others = np.random.default_rng([seed, m]).uniform(-1, 1, (2, m - 1)) * 0.7
    delta = np.sqrt(m / sigma)
    ww, xx = np.concatenate([[w], others[0]]), np.concatenate([[x], others[1]])
    w_new, x_new = np.empty(m), np.empty(m)
    y_new = project_neuron(ww, xx, y, delta, w_new, x_new)
    grid, t = np.linspace(-3, 3, 61), np.linspace(-2.5, 2.5, 81)
    rest = w_new[1:] @ x_new[1:]
    branch_w, branch_x = [], []
    for level in (delta - rest, -delta - rest):
        along, across = (np.sqrt(abs(level)) * np.exp(s) for s in (t, -t))
        branch_w += [along, -along]
        branch_x += [across * np.sign(level), -across * np.sign(level)]
    sums = ww @ xx, w_new @ x_new
    moved = np.sqrt(((w_new - ww) ** 2).sum() + ((x_new - xx) ** 2).sum() + (y_new - y) ** 2)
    yield MICROSCOPE(
        dict(
            point_w=[w, w_new[0], 2 * w_new[0] - w],
            point_x=[x, x_new[0], 2 * x_new[0] - x],
            point_y=[y, y_new, 2 * y_new - y],
            branch_w=branch_w,
            branch_x=branch_x,
            distance=project_grid(grid, grid, others[0], others[1], y, delta),
            t=t,
            w=grid,
            x=grid,
        ),
        f"The margin is Delta = {delta:.2f}. The point has w.x = {sums[0]:z.2f} and y = {y:z.2f}; the "
        f"nearest point of A has w.x = {sums[1]:.2f} and y = {y_new:+.0f}, at the distance {moved:.2f}.",
        delta=float(delta),
    )


PATHS = Frame(
    method=axis("method", values=("alternating", "RRR")),
    step=axis("step"),
    axis=axis("coordinate", values=("along", "across")),
    circle=axis("circle", values=("misses", "crosses")),
    path=var("method step axis", "position"),
    path_a=var("method axis", "nearest point of A at the end"),
    found=var("method", "share of random starts that reach a crossing"),
    centre=var("circle axis", "centre of the circle"),
)


@experiment(frame=PATHS)
def near_miss(
    miss: Annotated[
        float, number(0.02, 1, "By how much the left circle misses the line", "sets", label="miss", main=True)
    ] = 0.15,
    beta: Annotated[float, number(0.05, 1.5, "Step of RRR", "search", label="step β", main=True)] = 0.2,
    start_x: Annotated[
        float, number(-3, 3, "Where both methods start, along the line", "start", label="start, along")
    ] = -2.2,
    start_y: Annotated[
        float, number(-3, 3, "Where both methods start, across the line", "start", label="start, across")
    ] = 1.6,
    steps: Annotated[int, number(10, 2000, "Iterations", "search", "iterations", label="iterations")] = 500,
    starts: Annotated[
        int, number(1, 500, "Other starts, drawn at random, to count successes", "start", label="other starts")
    ] = 100,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Set A: two circles. Set B: a line, which crosses the right circle and narrowly misses the left. One frame.

    path begins at the given start; found: the share of random starts whose gap fell below 0.001. The answer of both
    methods is P_A(z), which is path_a at the end.
    """
    centres = np.array([-1.1 + (1 + miss) * 1j, 1.1 + 0.5j])
    first = np.random.default_rng([seed, 7]).uniform(-3, 3, (starts, 2))
    # both methods walk together: the first row only projects in turn, the second one reflects and goes a part
    z = np.tile([start_x + start_y * 1j, *(first[:, 0] + first[:, 1] * 1j)], (2, 1))
    path, found = [z[:, 0]], np.zeros(z.shape, bool)
    for _ in range(steps):
        a = nearest_on_circles(z, centres)
        move = nearest_on_line(np.stack([a[0], 2 * a[1] - z[1]])) - a
        found |= np.abs(move) < 1e-3
        z = np.stack([a[0] + move[0], z[1] + beta * move[1]])
        path.append(z[:, 0])
    paths = _plane(np.array(path).T)
    answers = _plane(nearest_on_circles(z[:, 0], centres))
    shares = np.mean(found, axis=1, where=np.arange(starts + 1) > 0)
    moving = np.linalg.norm(paths[0][-1] - paths[0][-2]) > 1e-3
    ends = [("succeed" if found[0][0] else "are still on their way" if moving else "stall")]
    ends.append("succeeds" if found[1][0] else "does not arrive")
    yield PATHS(
        dict(path=paths, path_a=answers, found=shares, centre=_plane(centres)),
        f"In {steps} steps from this start alternating projections {ends[0]} and RRR {ends[1]}. "
        f"Of {starts} random start{'s' * (starts > 1)} {shares[0]:.0%} succeed by alternating projections, "
        f"{shares[1]:.0%} by RRR.",
    )


def _plane(z: Complex[Array, "*S"]) -> Float[Array, "*S 2"]:
    return np.stack([z.real, z.imag], -1)


METHODS = ("RRR", "straight-through", "tanh, then signs")
CONTEST = Frame(
    method=axis("method", values=METHODS),
    repeat=axis("run", start=1),
    work=axis("work", "RRR iterations"),
    right=var("method repeat work", "share of output bits right"),
    soft=var("repeat work", "share of output bits right before signs"),
    solved=var("method repeat", "run is solved"),
    share=var("method work", "share of runs solved by then"),
)


@experiment(quick=dict(task="eca_cell", runs=4, max_iter=2000), frame=CONTEST)
def against_gradient(
    lr: Annotated[
        float, number(1e-3, 0.1, "Learning rate of Adam", "gradient", scale="log", label="learning rate η", main=True)
    ] = 0.01,
    adam_steps: Annotated[
        float,
        number(
            0.1,
            20,
            "Adam steps to one RRR iteration; about 5 take the same time",
            "gradient",
            scale="log",
            label="Adam steps each",
            main=True,
        ),
    ] = 5.0,
    max_iter: Annotated[
        int,
        number(
            500,
            20_000,
            "RRR iterations before a run gives up",
            "search",
            "iterations",
            scale="log",
            label="most iterations",
            main=True,
        ),
    ] = 10_000,
    runs: Annotated[int, number(1, 16, "Networks of each method", "search", label="networks")] = 8,
    task: Annotated[
        Literal["multiplier2", "eca_cell", "autoencoder"],
        choice(
            "The circuit to be found",
            "task",
            label="circuit",
            words={
                "multiplier2": "2-bit multiplier",
                "eca_cell": "a cell of an automaton",
                "autoencoder": "8 codes through 3 bits",
            },
        ),
    ] = ("multiplier2"),
    rule: Annotated[
        int, number(0, 255, "Wolfram's number of the automaton", "task", task=["eca_cell"], label="Wolfram's rule")
    ] = 30,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """RRR, Adam with straight-through signs, and Adam on tanh whose weights are then used with signs. Same networks.

    A run ends when hard signs reproduce every label (RRR: and the gap is under 0.01; tanh is asked at each `work`).
    right is with hard signs, the best so far; soft is of the tanh network before its signs are taken.
    """
    made = make_task(task, rule, 64, seed)
    net, X, Y = made.net, made.X, made.Y
    draws = [np.random.default_rng([seed, r]) for r in range(runs)]
    states = [random_state(net, X, Y, g) for g in draws]
    weights = [[g.normal(size=len(net.source)) for g in draws] for _ in METHODS[1:]]
    moments = np.zeros((2, runs, 2, len(net.source)))
    stops = np.unique(np.linspace(0, max_iter, 41).astype(int))[1:]
    right, soft = np.zeros((3, runs, len(stops))), np.zeros((runs, len(stops)))
    solved, done, now = np.zeros((3, runs), bool), np.zeros((2, runs), int), 0
    shares = np.zeros((3, len(stops)))
    for c, stop in enumerate(stops.tolist()):
        for r in range(runs):
            best = right[:, r, c - 1] if c else np.zeros(3)
            soft[r, c] = soft[r, c - 1] if c else 0.0
            if not solved[0, r]:
                _, solved[0, r] = advance.kernel(net, states[r], X, Y, 3.0, 0.2, 1e-3, True, np.empty(stop - now))
            right[0, r, c] = max(best[0], accuracy.kernel(net, states[r].wB, X, Y))
            for j, hidden_signs in enumerate((True, False)):
                w, (mean, square) = weights[j][r], moments[j, r]
                steps = round(adam_steps * stop) - done[j, r]
                if not solved[1 + j, r] and steps > 0:
                    done[j, r], share, _ = adam.kernel(net, w, mean, square, X, Y, lr, hidden_signs, done[j, r], steps)
                    soft[r, c] = soft[r, c] if hidden_signs else share
                right[1 + j, r, c] = max(best[1 + j], accuracy.kernel(net, w, X, Y))
                solved[1 + j, r] = right[1 + j, r, c] == 1
        now, shares[:, c] = stop, solved.mean(1)
        counts = ", ".join(f"{name} {n}" for name, n in zip(METHODS, solved.sum(1), strict=True))
        yield CONTEST(
            dict(right=right[:, :, : c + 1], soft=soft[:, : c + 1], solved=solved, share=shares[:, : c + 1])
            | dict(work=stops[: c + 1]),
            f"After {now} RRR iterations, or {round(adam_steps * now)} Adam steps, the number of solved networks of "
            f"{runs} is: {counts}. Before signs are taken the tanh networks have {soft[:, c].mean():.1%} of the bits "
            f"right, and the best of their signs {right[2, :, c].mean():.1%}.",
            (c + 1) / len(stops),
        )


@experiment(quick=dict(runs=4, max_iter=3000), frame=GENERATED)
def generate(
    images: Annotated[
        Literal["bars", "random"],
        choice(
            "14 pictures of whole rows or columns, or 8 pictures at random",
            "data",
            label="pictures",
            main=True,
            words={"bars": "rows and columns", "random": "random pictures"},
        ),
    ] = "bars",
    inputs: Annotated[
        Literal["hypercube", "one-hot"],
        choice(
            "What a code is: any signs, or a single +1",
            "network",
            label="codes",
            main=True,
            words={"hypercube": "any signs", "one-hot": "a single +1"},
        ),
    ] = "hypercube",
    length: Annotated[
        int, number(2, 16, "Input nodes: the length of a code", "network", label="code length", main=True)
    ] = 5,
    hidden: Annotated[int, number(1, 16, "Neurons between code and pixels", "network", label="hidden neurons")] = 8,
    sigma: Annotated[
        float, number(1, 9, "Support: a gate of up to sigma equal weights has margin enough", label="largest gate σ")
    ] = 5,
    beta: Annotated[float, number(0.05, 1, "Step of RRR; 1 is Douglas-Rachford", "search", label="step β")] = 0.2,
    gamma: Gamma = 1e-3,
    max_iter: Iterations = 10_000,
    runs: Runs = 6,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A generative network of signs: no data at its inputs, each picture finds a code of its own while weights form.

    A run is solved when the gap is under 0.01 and hard signs make every picture of its code. Drawn is the run that was
    solved first, and until then the one with most pixels right. code: those that pictures took, then up to 14 others,
    drawn at random where there are more; known: what the network makes of them is one of the pictures.
    """
    Y = pictures(images, seed)
    net, kind = layered((length, hidden, Y.shape[1])), CUBE if inputs == "hypercube" else ONE_HOT
    states = [random_state(net, None, Y, np.random.default_rng([seed, r])) for r in range(runs)]
    codes = np.zeros((runs, len(Y), length))
    stops = np.append(np.unique(np.logspace(1, np.log10(max_iter), 24).astype(int))[:-1], max_iter)
    for standing in side_by_side(net, states, codes, Y, stops, float(sigma), beta, gamma, kind=kind):
        yield codes_frame(net, Y, codes, [s.wB for s in states], standing, kind, seed)
