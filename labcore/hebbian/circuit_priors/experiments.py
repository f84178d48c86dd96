"""The untrained circuit swims, and four controllers learn to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import numpy as np
import xarray as xr
from jaxtyping import Float

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .evolution import search_1plus_lambda
from .mechanism import PERIOD, TRIAL, Array, Controller, drive, ncap, untrained
from .swimmer import Body, centre, episode, forward, points, wave_lags

CONTROLLERS: tuple[str, ...] = get_args(Controller)


def _tell(way: float, cycles: float, lags: Float[Array, " pairs"]) -> str:
    speed = way / cycles
    word = "forward" if speed > 0 else "backward"
    text = f"In {cycles:.1f} cycles the body swims {abs(way):.3f} body lengths {word}, {abs(speed):.3f} per cycle"
    if min(abs(way), abs(speed)) < 1e-3:
        text = f"In {cycles:.1f} cycles the body gets nowhere: {speed:z.4f} body lengths per cycle"
    if len(lags) and ((lags > 0).all() or (lags < 0).all()):  # joints that disagree make no wave
        tail = "head to tail" if lags[0] > 0 else "tail to head"
        text += f"; its bend travels from {tail}, {abs(lags.mean()):.1f} steps per joint"
    return text + "."


SWIM = Frame(
    time=axis("time", "control steps", start=1),
    cycle=axis("cycles of the clock that have passed"),
    point=axis("point of the body, from head to tail"),
    joint=axis("joint, from head to tail", start=1),
    side=axis("side of the body", values=("dorsal", "ventral")),
    x=var("point", "x", "body lengths"),
    y=var("point", "y", "body lengths"),
    shot_x=var("cycle point", "x", "body lengths"),
    shot_y=var("cycle point", "y", "body lengths"),
    com_x=var("time", "x of the centre", "body lengths"),
    com_y=var("time", "y of the centre", "body lengths"),
    forward=var("time", "way forward", "body lengths"),
    angle=var("joint time", "bend of the joint over its limit"),
    b=var("side joint time", "activity of the B-neuron"),
    torque=var("joint time", "dorsal minus ventral muscle"),
)


@experiment(quick=dict(steps=300), frame=SWIM)
def swim(
    w_prop: Annotated[
        float,
        number(
            0,
            2,
            "B-neuron from the bend of the joint before it",
            "synapses",
            label="neighbour's bend w_prop",
            main=True,
        ),
    ] = 1.0,
    w_contra: Annotated[
        float,
        number(
            -2,
            1,
            "Opposite muscle: below 0 inhibited, above 0 excited",
            "synapses",
            label="opposite muscle w_contra",
            main=True,
        ),
    ] = -1.0,
    w_osc: Annotated[float, number(0, 2, "Head B-neuron from the clock", "synapses", label="head's clock w_osc")] = 1.0,
    w_ipsi: Annotated[
        float, number(0, 2, "Muscle from the B-neuron on its own side", "synapses", label="own muscle w_ipsi")
    ] = 1.0,
    cn_over_ct: Annotated[
        float,
        number(
            1, 10, "Drag across a link over drag along it", "body and water", label="sideways drag cₙ/cₜ", main=True
        ),
    ] = 2.0,
    n_links: Annotated[int, number(2, 12, "Links of the body", "body and water", label="body links")] = 6,
    period: Annotated[
        int, number(20, 120, "Period of the head's clock", "body and water", "steps", label="clock period")
    ] = 60,
    steps: Annotated[int, number(60, 1200, "Control steps to swim", "run", "steps", label="steps to swim")] = 600,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The untrained circuit drives the body. The seed draws where the clock starts; nothing else is random.

    x, y: the body now; shot_x, shot_y: at the end of every cycle so far. com_x, com_y, forward: its centre so far.
    The centre starts at (0, 0), the head points along x. Of the whole run, `attrs["box"]` has the lowest x and y and
    the highest x and y of the body, `attrs["reach"]` the lowest and highest way forward.
    """
    phase = float(np.random.default_rng(seed).random())
    weights = np.array([w_prop, w_osc, w_ipsi, w_contra])
    run = episode(ncap, weights, Body(n_links, drag_across=cn_over_ct), steps, period, phase)
    body, com, way = points(run.q), centre(run.q), forward(run)
    angles = np.clip(run.q[:, 3:].T / Body(n_links).max_angle, -1, 1)
    box = [*body.min((0, 1)), *body.max((0, 1))]
    every = max(4, steps // 150)
    for t in [*range(every, steps, every), steps]:
        b, shots = run.b[:t].transpose(2, 1, 0), body[: t + 1 : period]
        yield SWIM(
            dict(
                x=body[t, :, 0],
                y=body[t, :, 1],
                shot_x=shots[..., 0],
                shot_y=shots[..., 1],
                com_x=com[1 : t + 1, 0],
                com_y=com[1 : t + 1, 1],
                forward=way[1 : t + 1],
                angle=angles[:, 1 : t + 1],
                b=b,
                torque=run.u[:t].T,
            ),
            _tell(way[t], t / period, wave_lags(angles[:, 1 : t + 1], period)),
            t / steps,
            speed=way[t] / (t / period),
            period=period,
            steps=steps,
            box=box,
            reach=[way.min(), way.max()],
        )


LEARN = Frame(
    controller=axis("controller"),
    repeat=axis("repetition"),
    trial=axis("trial", "trials", start=1),
    time=axis("time", "control steps"),
    best=var("controller repeat trial", "speed of the best so far", "body lengths per cycle"),
    path_x=var("controller time", "x of the centre", "body lengths"),
    path_y=var("controller time", "y of the centre", "body lengths"),
    params=var("controller", "free numbers"),
)


@experiment(quick=dict(gens=5, n_seeds=1), frame=LEARN)
def learn(
    compare: Annotated[
        Literal["all four", *CONTROLLERS],
        choice(
            "Which controllers to train",
            "search",
            label="controllers",
            main=True,
            words={
                "NCAP": "the worm's wiring (NCAP)",
                "NCAP, random sizes": "its sizes at random",
                "NCAP, free signs": "its signs at random",
                "MLP": "plain network (MLP)",
            },
        ),
    ] = "all four",
    gens: Annotated[
        int, number(1, 60, "Generations of the search", "search", scale="log", label="generations", main=True)
    ] = 12,
    lam: Annotated[
        int,
        number(2, 20, "Children per generation, each one trial of 5 cycles", "search", label="children per generation"),
    ] = 8,
    sigma: Annotated[
        float,
        number(
            0.02,
            1,
            "Standard deviation of a child's change",
            "search",
            scale="log",
            label="size of a change",
            main=True,
        ),
    ] = 0.2,
    n_seeds: Annotated[
        int, number(1, 5, "Repetitions, each with its own start and children", "search", label="repetitions")
    ] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same elitist search trains each controller on the distance that it swims in 5 cycles.

    Trial 1 is the untrained controller. path_x, path_y: centre of the best of repeat 0.
    """
    names = CONTROLLERS if compare == "all four" else (compare,)

    def searches(k: int, name: Controller) -> Iterator:
        for i in range(n_seeds):
            phase = float(np.random.default_rng([seed, i]).random())  # a repeat's clock starts alike for all
            rng = np.random.default_rng([seed, i, 1 + k])

            def speed(weights: Array, phase: float = phase) -> float:
                return float(forward(drive(name, weights, phase))[-1] * PERIOD / TRIAL)

            yield search_1plus_lambda(speed, untrained(name, rng), sigma, gens, lam, rng)

    running = [list(searches(CONTROLLERS.index(name), name)) for name in names]
    phase = float(np.random.default_rng([seed, 0]).random())
    for generation in range(gens + 1):
        now = [[next(search) for search in row] for row in running]
        best = np.array([[g.best for g in row] for row in now])
        paths = np.stack([centre(drive(name, row[0].x, phase).q) for name, row in zip(names, now)])
        trials, means = best.shape[2], best[:, :, -1].mean(1)
        told = ", ".join(f"{name} {speed:z.3f}" for name, speed in zip(names, means))
        yield LEARN(
            dict(
                controller=list(names),
                best=best,
                path_x=paths[..., 0],
                path_y=paths[..., 1],
                params=[row[0].x.size for row in now],
            ),
            f"After {trials} trial{'s' * (trials > 1)} of 5 cycles the best swims, in body lengths per cycle: {told}.",
            generation / gens,
            trials=1 + gens * lam,
        )
