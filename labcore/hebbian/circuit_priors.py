"""Neural Circuit Architectural Priors for Embodied Control (Bhattasali, Zador and Engel, 2022).

Problem: a network that has to control a body usually starts from all-to-all random weights and needs many trials; an
animal is born with wiring. Idea (NCAP): copy the wiring of the worm C. elegans, with the signs of its synapses, as a
network of four shared weights. With normalised joint angles q_i = clip(phi_i / phi_max, -1, 1), for each joint i
    head B-neurons    b^d = w_osc osc^d(t),        b^v = w_osc osc^v(t)
    other B-neurons   b^d_i = w_prop [q_{i-1}]+,   b^v_i = w_prop [-q_{i-1}]+
    muscles           m^d = w_ipsi b^d + w_contra b^v,   m^v = w_ipsi b^v + w_contra b^d,   torque u_i = m^d - m^v
every b and m cut to [0, 1], w_prop, w_osc, w_ipsi >= 0 and w_contra <= 0 (a muscle inhibits the opposite one), all of
size 1 at the start; the clock is on one side for half a period, then on the other. Laboratory scale: the paper trains
MuJoCo's swimmer by PPO and evolution; the body here is a chain of links at low Reynolds number (`primitives.swimmer`)
and the same small elitist search trains every controller on the distance swum. Turning and speed inputs are left out;
without them one side of a joint is active at a time, so every w_contra <= 0 swims alike. Source: arXiv:2201.05242.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal, get_args

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from labcore.claims import Evidence, claim
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives.evolution_search import search_1plus_lambda
from labcore.primitives.swimmer import LAW, Body, Episode, centre, episode, forward, points, wave_lags

Array = NDArray[np.float64]
Controller = Literal["NCAP", "NCAP, random sizes", "NCAP, free signs", "MLP"]
CONTROLLERS: tuple[str, ...] = get_args(Controller)
INNATE = np.array([1.0, 1.0, 1.0, -1.0])
PERIOD, TRIAL, HIDDEN = 60, 300, 8


@njit(cache=True, nogil=True)
def graded(x):
    """What a graded neuron passes on: x cut to [0, 1]."""
    return min(max(x, 0.0), 1.0)


@njit(LAW, cache=True, nogil=True)
def ncap(angles, clock, weights, b, u):
    """The worm's circuit: the head follows a clock, every other joint the bend of the joint before it.

    weights = (prop, osc, ipsi, contra), taken as they are. Fills b (n-1, 2), dorsal and ventral, and torques u (n-1,).
    """
    prop, osc, ipsi, contra = weights[0], weights[1], weights[2], weights[3]
    for i in range(len(u)):
        if i == 0:
            dorsal, ventral = (osc, 0.0) if clock < 0.5 else (0.0, osc)
        else:
            dorsal, ventral = prop * max(angles[i - 1], 0.0), prop * max(-angles[i - 1], 0.0)
        d, v = graded(dorsal), graded(ventral)
        b[i, 0], b[i, 1] = d, v
        u[i] = graded(ipsi * d + contra * v) - graded(ipsi * v + contra * d)


@njit(LAW, cache=True, nogil=True)
def mlp(angles, clock, weights, b, u):
    """A network with no prior: all angles and sin, cos of the clock -> 8 tanh units -> a tanh torque on each joint."""
    joints = len(u)
    inputs, at = joints + 2, HIDDEN * (joints + 3)
    for i in range(joints):
        u[i] = weights[at + joints * HIDDEN + i]
    for k in range(HIDDEN):
        row = k * (inputs + 1)
        h = weights[row + inputs]
        for j in range(joints):
            h += weights[row + j] * angles[j]
        h += weights[row + joints] * np.sin(2 * np.pi * clock) + weights[row + joints + 1] * np.cos(2 * np.pi * clock)
        h = np.tanh(h)
        for i in range(joints):
            u[i] += weights[at + k * joints + i] * h
    for i in range(joints):
        u[i] = np.tanh(u[i])


def signed(weights: Array) -> Array:
    """The weights that the circuit uses: a synapse of the wrong sign is cut off at 0."""
    return np.clip(weights, [0, 0, 0, -np.inf], [np.inf, np.inf, np.inf, 0])


def untrained(controller: Controller, rng: np.random.Generator, joints: int = 5) -> Array:
    """Where each controller starts."""
    if controller == "NCAP":
        return INNATE.copy()
    if controller == "NCAP, random sizes":
        return INNATE * rng.uniform(0, 1, 4)
    if controller == "NCAP, free signs":
        return rng.uniform(-1, 1, 4)
    first = rng.normal(0, (joints + 2) ** -0.5, (HIDDEN, joints + 3))
    first[:, -1] = 0.0  # the biases
    return np.concatenate([first.ravel(), rng.normal(0, HIDDEN**-0.5, HIDDEN * joints), np.zeros(joints)])


def drive(controller: Controller, weights: Array, phase: float) -> Episode:
    """One trial of 5 cycles from a straight body."""
    used = weights if controller in ("MLP", "NCAP, free signs") else signed(weights)
    return episode(mlp if controller == "MLP" else ncap, used, Body(), TRIAL, PERIOD, phase)


def _tell(way: float, cycles: float, lags: Array) -> str:
    speed = way / cycles
    word = "forward" if speed > 0 else "backward"
    text = f"In {cycles:.1f} cycles the body swims {abs(way):.3f} body lengths {word}, {abs(speed):.3f} per cycle"
    if abs(speed) < 1e-3:
        text = f"In {cycles:.1f} cycles the body gets nowhere: {speed:.4f} body lengths per cycle"
    if len(lags):
        tail = "head to tail" if lags.mean() > 0 else "tail to head"
        text += f"; its bend travels from {tail}, {abs(lags.mean()):.1f} steps per joint"
    return text + "."


@experiment("circuit_priors", quick=dict(steps=300))
def swim(
    w_prop: Annotated[float, number(0, 2, "B-neuron from the bend of the joint before it", "synapses")] = 1.0,
    w_contra: Annotated[float, number(-2, 1, "Opposite muscle: below 0 inhibited, above 0 excited", "synapses")] = -1.0,
    w_osc: Annotated[float, number(0, 2, "Head B-neuron from the clock", "synapses")] = 1.0,
    w_ipsi: Annotated[float, number(0, 2, "Muscle from the B-neuron on its own side", "synapses")] = 1.0,
    cn_over_ct: Annotated[float, number(1, 10, "Drag across a link over drag along it", "body and water")] = 2.0,
    n_links: Annotated[int, number(2, 12, "Links of the body", "body and water")] = 6,
    period: Annotated[int, number(20, 120, "Period of the head's clock", "body and water", "steps")] = 60,
    steps: Annotated[int, number(60, 1200, "Control steps to swim", "run", "steps")] = 600,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The untrained circuit drives the body. The seed draws where the clock starts; nothing else is random.

    x, y (point): the body now; shot_x, shot_y (cycle, point): at the end of every cycle so far. com_x, com_y, forward
    (time): its centre so far. angle, torque (joint, time), b (side, joint, time): normalised bends, torques and
    B-neurons. The centre starts at (0, 0), the head points along x. Of the whole run, `attrs["box"]` has the lowest x
    and y and the highest x and y of the body, `attrs["reach"]` the lowest and highest way forward.
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
        yield xr.Dataset(
            {
                "x": variable("point", body[t, :, 0], "x", "body lengths"),
                "y": variable("point", body[t, :, 1], "y", "body lengths"),
                "shot_x": variable(("cycle", "point"), shots[..., 0], "x", "body lengths"),
                "shot_y": variable(("cycle", "point"), shots[..., 1], "y", "body lengths"),
                "com_x": variable("time", com[1 : t + 1, 0], "x of the centre", "body lengths"),
                "com_y": variable("time", com[1 : t + 1, 1], "y of the centre", "body lengths"),
                "forward": variable("time", way[1 : t + 1], "way forward", "body lengths"),
                "angle": variable(("joint", "time"), angles[:, 1 : t + 1], "bend of the joint over its limit"),
                "b": variable(("side", "joint", "time"), b, "activity of the B-neuron"),
                "torque": variable(("joint", "time"), run.u[:t].T, "dorsal minus ventral muscle"),
            },
            coords={
                "time": variable("time", np.arange(1, t + 1), "time", "control steps"),
                "cycle": variable("cycle", np.arange(len(shots)), "cycles of the clock that have passed"),
                "point": variable("point", np.arange(n_links + 1), "point of the body, from head to tail"),
                "joint": variable("joint", np.arange(1, n_links), "joint, from head to tail"),
                "side": variable("side", ["dorsal", "ventral"], "side of the body"),
            },
            attrs={
                "reading": _tell(way[t], t / period, wave_lags(angles[:, 1 : t + 1], period)),
                "progress": t / steps,
                "speed": way[t] / (t / period),
                "period": period,
                "steps": steps,
                "box": box,
                "reach": [way.min(), way.max()],
            },
        )


@experiment("circuit_priors", quick=dict(gens=6, n_seeds=2))
def learn(
    compare: Annotated[Literal["all four", *CONTROLLERS], choice("Which controllers to train", "search")] = "all four",
    gens: Annotated[int, number(1, 60, "Generations of the search", "search", scale="log")] = 12,
    lam: Annotated[int, number(2, 20, "Children per generation, each one trial of 5 cycles", "search")] = 8,
    sigma: Annotated[float, number(0.02, 1, "Standard deviation of a child's change", "search", scale="log")] = 0.2,
    n_seeds: Annotated[int, number(1, 5, "Repetitions, each with its own start and children", "search")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same elitist search trains each controller on the distance that it swims in 5 cycles.

    best (controller, repeat, trial): speed of the best so far, body lengths per cycle; trial 1 is the untrained
    controller. path_x, path_y (controller, time): centre of the best of repeat 0. params (controller,): free numbers.
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
        told = ", ".join(f"{name} {speed:.3f}" for name, speed in zip(names, means))
        yield xr.Dataset(
            {
                "best": variable(
                    ("controller", "repeat", "trial"), best, "speed of the best so far", "body lengths per cycle"
                ),
                "path_x": variable(("controller", "time"), paths[..., 0], "x of the centre", "body lengths"),
                "path_y": variable(("controller", "time"), paths[..., 1], "y of the centre", "body lengths"),
                "params": variable("controller", [row[0].x.size for row in now], "free numbers"),
            },
            coords={
                "controller": variable("controller", list(names), "controller"),
                "repeat": variable("repeat", np.arange(n_seeds), "repetition"),
                "trial": variable("trial", np.arange(1, trials + 1), "trial", "trials"),
                "time": variable("time", np.arange(TRIAL + 1), "time", "control steps"),
            },
            attrs={
                "reading": f"After {trials} trials of 5 cycles the best swims, in body lengths per cycle: {told}.",
                "progress": generation / gens,
                "trials": 1 + gens * lam,
            },
        )


@lru_cache(maxsize=4)  # several claims look at each of these runs, which are the same bit for bit
def _best(budget: Budget, controller: Controller, gens: int) -> Array:
    return learn.run(budget, compare=controller, gens=gens, n_seeds=3).best[0].values


def _speeds(budget: Budget, **weights: float) -> list[float]:
    return [swim.run(budget, seed=s, **weights).attrs["speed"] for s in range(3)]


@claim("circuit_priors", "The wired circuit swims before it has learned anything")
def innate_competence(budget: Budget) -> Evidence:
    wired = min(_speeds(budget))
    return Evidence({"slowest": wired}, "untrained NCAP >= 0.06 body lengths per cycle in each seed", wired >= 0.06, 3)


@claim(
    "circuit_priors",
    "No random network swims before it has learned",
    expected="not reproduced",
    reason="On average they get nowhere, but with a clock among its inputs one of them is lucky.",
)
def random_networks_do_not_swim(budget: Budget) -> Evidence:
    starts = [learn.run(budget, compare="MLP", gens=1, lam=2, n_seeds=5, seed=s).best[0, :, 0].values for s in range(4)]
    blank = np.concatenate(starts)
    return Evidence(
        {"fastest of 20": blank.max(), "mean": blank.mean(), "above 0.02": (blank > 0.02).sum()},
        "untrained MLP <= 0.02 body lengths per cycle, each of 20",
        blank.max() <= 0.02,
        n_seeds=20,
    )


@claim("circuit_priors", "With 4 weights instead of 109 the untrained circuit beats a network of 80 trials")
def data_efficiency(budget: Budget) -> Evidence:
    wired, blank = _best(budget, "NCAP", 10), _best(budget, "MLP", 40)
    lead, slowest = (wired[:, 0] - blank[:, 80]).min(), wired[:, 80].min()
    return Evidence(
        {"smallest lead": lead, "slowest NCAP after 80": slowest, "fastest MLP after 80": blank[:, 80].max()},
        "untrained NCAP above the MLP after 80 trials in every seed; NCAP after 80 trials >= 0.09 in every seed",
        lead > 0 and slowest >= 0.09,
        n_seeds=3,
    )


@claim("circuit_priors", "The small circuit ends about as fast as the large network")
def comparable_asymptote(budget: Budget) -> Evidence:
    wired, blank = _best(budget, "NCAP", 10)[:, 80].mean(), _best(budget, "MLP", 40)[:, 320].mean()
    return Evidence(
        {"NCAP after 80": wired, "MLP after 320": blank, "ratio": wired / blank},
        "mean speed of NCAP, after 80 trials already, >= 0.8 x that of the MLP after 320",
        wired >= 0.8 * blank,
        n_seeds=3,
    )


@claim("circuit_priors", "The signs make it learnable: sizes are soon found, signs are not")
def signs_matter(budget: Budget) -> Evidence:
    free, sizes = _best(budget, "NCAP, free signs", 10)[:, 80].max(), _best(budget, "NCAP, random sizes", 10)
    start, end = sizes[:, 0].mean(), sizes[:, 80].min()
    return Evidence(
        {"fastest with free signs": free, "random sizes, untrained": start, "slowest with random sizes": end},
        "after 80 trials, every seed: free signs <= 0.01, right signs with random sizes >= 0.09",
        free <= 0.01 and end >= 0.09,
        n_seeds=3,
    )


@claim("circuit_priors", "Cut what it feels of its own bend, or excite the opposite muscle too, and it swims no more")
def ablations(budget: Budget) -> Evidence:
    numb, excited, cut = (np.abs(_speeds(budget, **w)) for w in ({"w_prop": 0.0}, {"w_contra": 1.0}, {"w_contra": 0.0}))
    return Evidence(
        {"no proprioception": numb.max(), "opposite excited": excited.max(), "no synapse across": cut.min()},
        "|speed| < 0.01 with w_prop = 0, and < 1e-6 with w_contra = +1, in every seed; w_contra = 0 is only told",
        numb.max() < 0.01 and excited.max() < 1e-6,
        n_seeds=3,
    )
