"""One edge under the hand, KANs that learn a formula or one peak after another, and the fair fight with rivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, label, var
from labcore.primitives.splines.bspline import BSplineBasis
from labcore.words import plain

from .fair_contest import MODELS, contest, family, generator
from .fight_frame import FIGHT, Against, fight_frame
from .kan import KAN, snapshot
from .peaks_in_turn import FORGETTING, peaks_in_turn
from .reading import snap_all, train_symbols, written
from .tasks import FORMULAS, REAL, error_of, formula_task, guess_error, real_task
from .training import train as training

SYMBOLIC = tuple(FORMULAS)[:4]

Grid = Annotated[int, number(2, 30, "Grid intervals G of each curve", "spline", label="grid intervals G")]
Degree = Annotated[int, number(1, 5, "Degree k of the splines; 3 is cubic", "spline", label="spline degree k")]
Width = Annotated[int, number(1, 10, "Nodes in the hidden layer of the KAN", "network", label="hidden nodes")]
Steps = Annotated[int, number(100, 1000, "Training steps", "training", "steps", label="training steps")]


EDGE = Frame(
    x=axis("input of the edge"),
    point=axis("control point"),
    greville=label("point", "place of the control point"),
    knots=axis("number of the knot"),
    before=var("x", "edge function before the move"),
    after=var("x", "edge function after the move"),
    touched=var("x", "whether the move changes the curve here"),
    control=var("point", "control point before the move"),
    moved_control=var("point", "control point after the move"),
    active=var("point", "value of the basis at the cursor"),
    basis=var("point x", "basis"),
    knot=var("knots", "knot"),
)


@experiment(frame=EDGE)
def edge(
    height: Annotated[
        float, number(-2, 2, "How far the control point is moved", "edge", label="lift of the point", main=True)
    ] = 1.0,
    drag: Annotated[
        int,
        number(
            0,
            64,
            "Which control point is moved; the last one if there are fewer",
            "edge",
            label="point that is moved",
            main=True,
        ),
    ] = 9,
    refine: Annotated[
        bool,
        choice(
            "Cut every grid interval in two before moving the point",
            "spline",
            label="halve the intervals first",
            main=True,
        ),
    ] = False,
    grid: Grid = 17,
    k: Degree = 3,
    x: Annotated[float, number(-1, 1, "Where to light up the bases", "edge", label="input to light up x")] = 0.1,
    base: Annotated[
        float, number(-2, 2, "Weight wb of the silu that the spline is added to", "edge", label="weight of silu w_b")
    ] = 0.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One edge phi(x) = base silu(x) + sum_c C_c B_c(x) on [-1, 1], before and after one C is moved. One frame.

    The curve is drawn at 400 points, dim x; its control points (Greville abscissa, C) have dim point, the bases at the
    cursor `x` dim point too (k + 1 are not zero). With `refine` the grid is first cut in two, which must not change
    the curve; attrs["jump"] is the largest change that it made, attrs["moved"] the share of the curve that then moved.
    """
    rng, basis = np.random.default_rng(seed), BSplineBasis.uniform(-1, 1, grid, k)
    # a smooth curve, so that one control point that is moved stands out
    phase, amplitude = rng.uniform(0, 2 * np.pi, 3), rng.normal(size=3) / (1 + np.arange(3))
    place = basis.greville()[0]
    coef = (amplitude[:, None] * np.sin(np.pi * np.arange(1, 4)[:, None] * place + phase[:, None])).sum(0)[
        None, :, None
    ]
    at = np.linspace(-1, 1, 400)
    silu = base * at / (1 + np.exp(-at))

    def curve(on: BSplineBasis, c: Float[np.ndarray, "1 size 1"]) -> Float[np.ndarray, " x"]:
        return silu + on.curves(at[:, None], c)[:, 0, 0]

    before, jump = curve(basis, coef), 0.0
    if refine:
        fine = basis.refined()
        coef, basis = basis.refit(coef, fine), fine
        jump = float(np.abs(curve(basis, coef) - before).max())
        before = curve(basis, coef)
    c = min(drag, basis.size - 1)
    moved = coef.copy()
    moved[0, c] += height
    after = curve(basis, moved)
    touched = np.abs(after - before) > 0
    low, high = basis.span(0, c)
    cells = np.searchsorted(basis.grid[0], at[touched], side="right") - 1
    n_moved = len(np.unique(np.minimum(cells, basis.intervals - 1)))
    reading = (
        f"You move 1 of {basis.size} control points by {plain(height, 'g')}, and {touched.mean():.0%} of the curve "
        f"moves: {n_moved} of its {basis.intervals} intervals. "
    )
    if refine:
        reading += (
            f"Refining the grid from {grid} to {basis.intervals} intervals changed the curve by {jump:.0e} at most."
        )
    else:
        # at a knot the last of the k + 1 is zero, but for rounding
        count = int((np.abs(basis.dense(np.array([[x]]))) > 1e-12).sum())
        verb = "is" if count == 1 else "are"
        only = "only " if count < basis.size else ""
        reading += f"At x = {plain(x, 'g')} {only}{count} of the {basis.size} bases {verb} not zero."
    yield EDGE(
        dict(
            x=at,
            greville=basis.greville()[0],
            before=before,
            after=after,
            touched=touched.astype(np.int8),
            control=coef[0, :, 0],
            moved_control=moved[0, :, 0],
            active=basis.dense(np.array([[x]]))[0, 0],
            basis=basis.dense(at[:, None])[:, 0].T,
            knot=basis.grid[0],
        ),
        reading.strip(),
        moved=float(touched.mean()),
        jump=jump,
        cursor=x,
        dragged=c,
        span=[low, high],
        intervals=basis.intervals,
    )


TRAINING = Frame(
    edge=axis("edge"),
    layer=label("edge", "layer"),
    input=label("edge", "input node"),
    output=label("edge", "output node"),
    u=axis("place between the ends of the grid", values=np.linspace(0, 1, 51)),
    step=axis("training step", "steps"),
    sample=axis("test sample"),
    phi=var("edge u", "edge function"),
    place=var("edge u", "input of the edge"),
    score=var("edge", "mean size of the edge function"),
    alive=var("edge", "whether the edge is still there"),
    train=var("step", "training error / spread"),
    test=var("step", "test error / spread"),
    target=var("sample", "formula, centred and scaled"),
    guess=var("sample", "network"),
)


@experiment(quick=dict(steps=120, n_train=200), frame=TRAINING)
def train(
    formula: Annotated[
        Literal[tuple(FORMULAS)],
        choice(
            "What the network has to learn",
            "task",
            label="formula to learn",
            words={
                "exp_sin": "exp(sin πx + y²)",
                "xy": "x times y",
                "sin_product": "sin 3πx · cos 2πy",
                "sin_20x": "sin 20x / (1 + 4x²)",
                "lorentz_force": "1 + a sin πt",
                "lens": "1 / (1 + (a + 1)(b + 1))",
                "two_waves": "two waves that meet",
            },
        ),
    ] = "exp_sin",
    grid: Grid = 5,
    width: Width = 5,
    extend_at: Annotated[
        float,
        number(
            0,
            0.9,
            "When every grid is cut in two, as a share of the run; 0 is never",
            "spline",
            label="when grids are halved",
        ),
    ] = 0.5,
    lam: Annotated[
        float, number(0, 1e-2, "Weight of the penalty that silences edges", "training", label="silencing penalty λ")
    ] = 1e-3,
    prune: Annotated[bool, choice("Remove the weak edges at the end", "network", label="remove weak edges")] = False,
    snap: Annotated[
        bool,
        choice("Then read every edge that is left as a symbol", "network", label="read edges as symbols", prune=[True]),
    ] = False,
    k: Degree = 3,
    steps: Steps = 600,
    lr: Annotated[
        float, number(1e-3, 1, "Learning rate of Adam, which falls to 0 on a cosine", "training", label="learning rate")
    ] = 0.02,
    n_train: Annotated[
        int, number(100, 1000, "Training samples", "task", scale="linear", label="training samples")
    ] = 1000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A KAN [d, width, 1] learns a formula on [-1, 1]^d; frames show every edge's curve while it does.

    Dims: edge (all layers in turn; coords layer, input, output) and u (51 points from end to end of the edge's grid,
    at the inputs `place`) for the curves `phi`; score = |phi|_1 on the training inputs; step for the errors so far;
    sample for 200 test points. Errors are root mean squares in units of the spread of the target: 1 is a guess.
    """
    task = formula_task(formula, n_train, [[seed, 0]])
    net = KAN([FORMULAS[formula][0], width, 1], grid, k, [generator(seed, 1)])
    every, log = max(1, steps // 60), []

    def frame(progress: float, note: str) -> xr.Dataset:
        with torch.no_grad():
            errors = [float(error_of(net(x), y)[0]) for x, y in (task.train, task.test)]
            guess = net(task.test[0][:200])[:, 0, 0].numpy()
        log.append((step, *errors))
        at, fit, test = np.array(log).T
        edges, size = snapshot(net, task.train[0]), net.layers[0].basis.intervals
        return TRAINING(
            dict(
                layer=edges.layer,
                input=edges.input,
                output=edges.output,
                step=at.astype(int),
                phi=edges.phi,
                place=edges.place,
                score=edges.score,
                alive=edges.alive,
                train=fit,
                test=test,
                target=task.test[1][:200, 0, 0],
                guess=guess,
            ),
            f"{note} the test error is {test[-1]:.3g} of the formula's spread, with {size} grid intervals "
            f"and {edges.alive.sum()} of {len(edges.phi)} edges.",
            progress,
            extended=round(extend_at * steps),
            formula=formula,
        )

    step, rng = 0, generator(seed, 2)
    yield frame(0.0, "Before training")
    for step, loss in training(net, *task.train, torch.tensor([lr]), steps, rng, lam=lam, extend_at=extend_at):
        if not loss.item() < 1e6:
            raise Diverged(step)
        if step % every == 0 or step == steps:
            yield frame(min(step / steps, 0.99 if prune else 1.0), f"After {step} of {steps} steps")
    if prune:
        step, gone = steps + 1, net.prune(task.train[0])
        yield frame(0.99 if snap else 1.0, f"Pruning took {gone} edge{'s' * (gone != 1)};")
    if prune and snap:
        for r2 in snap_all(net, task.train[0]):
            step += 1
            yield frame(0.99, f"The best symbol explains {plain(r2, '.2%')} of its edge;")
        train_symbols(net, *task.train)
        step += 1
        yield frame(1.0, f"{written(net)}:")


@experiment(quick=dict(n_seeds=2, peaks=3, steps=60), frame=FORGETTING)
def forgetting(
    scales: Annotated[
        bool, choice("Train the scales wb and ws of the edge, too", "spline", label="train the two scales", main=True)
    ] = False,
    grid: Annotated[
        int, number(5, 100, "Grid intervals G of the KAN's only edge", "spline", label="grid intervals G", main=True)
    ] = 40,
    peaks: Annotated[
        int, number(2, 8, "Peaks, which arrive one after the other", "task", label="peaks", main=True)
    ] = 5,
    k: Degree = 3,
    steps: Annotated[
        int, number(20, 500, "Training steps on each peak", "training", "steps", label="steps on each peak")
    ] = 300,
    lr: Annotated[
        float,
        number(1e-3, 0.3, "Learning rate of Adam for each peak; it falls to 0", "training", label="learning rate"),
    ] = 0.1,
    n_train: Annotated[int, number(20, 500, "Training samples of each peak", "task", label="samples of a peak")] = 100,
    n_seeds: Annotated[int, number(1, 8, "Repetitions", "task", label="repetitions")] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Peaks of a curve are learned from left to right; no sample of an earlier one comes back. Is it still there?

    A KAN of one edge, and an MLP of one hidden layer with as many numbers. Each peak has its part of [-1, 1], Adam
    starts anew with it, and the grid stays where it is. Errors are root mean squares on 40 even points of a part, in
    units of the spread of the whole curve. With `scales` off the KAN's step is local: what it does to the curve ends
    k intervals from the samples.
    """
    yield from peaks_in_turn(scales, grid, peaks, k, steps, lr, n_train, n_seeds, seed)


@experiment(quick=dict(n_seeds=1, n_train=100, steps=100), frame=FIGHT)
def fair_fight(
    tasks: Annotated[
        Literal["formulas", "real", *SYMBOLIC, *REAL],
        choice(
            "Short formulas, real data sets, or one of them",
            "task",
            label="tasks",
            main=True,
            words={
                "formulas": "four short formulas",
                "real": "four data sets",
                "exp_sin": "exp(sin πx + y²)",
                "xy": "x times y",
                "sin_product": "sin 3πx · cos 2πy",
                "sin_20x": "sin 20x / (1 + 4x²)",
            },
        ),
    ] = "formulas",
    budget_kind: Annotated[
        Literal["params", "flops"],
        choice(
            "What is made equal: parameters, or the work of a forward pass",
            "task",
            label="what is equal",
            words={"params": "parameters", "flops": "work (multiplications)"},
        ),
    ] = "params",
    against: Annotated[
        Against,
        choice(
            "What the error is drawn against; seconds are measured, here and now",
            "training",
            label="error drawn against",
            main=True,
        ),
    ] = "steps",
    follow: Annotated[
        bool,
        choice(
            "The grids of the spline MLP follow its data, as those of a KAN do",
            "spline",
            label="grids follow data",
            main=True,
        ),
    ] = False,
    grid_eps: Annotated[
        float,
        number(
            0.01,
            1,
            "Share of even spacing in a grid that follows; the rest is quantiles",
            "spline",
            label="even share of grid",
            tasks=["formulas", *SYMBOLIC],
        ),
    ] = 0.02,
    width: Width = 5,
    grid: Annotated[int, number(2, 7, "Grid intervals G of each curve", "spline", label="grid intervals G")] = 5,
    k: Annotated[int, number(1, 4, "Degree k of the splines; 3 is cubic", "spline", label="spline degree k")] = 3,
    steps: Annotated[int, number(100, 600, "Training steps", "training", "steps", label="training steps")] = 600,
    n_train: Annotated[
        int, number(100, 1000, "Training samples of a formula", "task", scale="linear", label="samples of a formula")
    ] = 400,
    n_seeds: Annotated[int, number(1, 5, "Repetitions", "task", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """KAN, MLP and spline MLP of one hidden layer at the budget of the KAN [d, width, o]. Frames as they finish.

    Dims: run (coords model, task), repeat. error: root mean square / spread of the target, or the share of test samples
    in the wrong class (digits, wine, breast_cancer). params and flops (of a forward pass, one sample), rate (chosen).
    course (run, repeat, point): the error on the way, when `spent` (run, point) steps, work or CPU seconds were spent;
    a training step counts as three forward passes of its batch. Full batches of formulas, batches of 64 of real data,
    whose grids are even: their features take few values, and quantiles would crowd the knots.
    """
    names = {"formulas": SYMBOLIC, "real": REAL}.get(tasks, (tasks,))
    seeds = [[seed, s] for s in range(n_seeds)]
    rows: list[tuple] = []
    for name in names:
        task = formula_task(name, n_train, seeds) if name in FORMULAS else real_task(name, seeds)
        batch, eps = (0, grid_eps) if name in FORMULAS else (64, 1.0)
        for model in MODELS:
            build, params, flops = family(model, task.train[0].shape[2], task.outputs, width, grid, k, budget_kind)
            done = contest(build, task, seeds, steps, batch, eps, model == "KAN" or follow)
            work = 3e-9 * flops * (batch or n_train) * done.steps
            spent = {"steps": done.steps, "work": work, "seconds": done.seconds}[against]
            rows.append((model, name, done.error, done.course, spent, done.rate, params, flops, guess_error(task)))
            yield fight_frame(rows, len(rows) / (len(MODELS) * len(names)), budget_kind, against)
