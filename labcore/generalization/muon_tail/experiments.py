"""Three optimizers fill one memory; how even each leaves it in other codes and on rarer facts; a lift in steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .codes import Mixing, Shape, code, frequencies
from .memory import Run, train
from .spectra import isotropy, spectrum
from .updates import CUBIC, NULL, QUINTIC, RULES, lifted, rule

# so small that no optimizer leaps past the moments at which it is compared
ETA = {"gradient descent": 1.0, "SignGD": 0.005, "Adam": 0.005, "Muon": 0.1, "Muon, Newton-Schulz": 0.1}
FRAMES = 32
MOST = 4000  # steps, for what does not get there

Exponent = Annotated[
    float, number(0, 2, "Fact k is k^-s as frequent as the first", "facts", label="tail exponent s", main=True)
]
Turn = Annotated[
    float,
    number(0, 1, "0: a code is one-hot; 1: a random rotation of it", "codes", label="turn of the codes", main=True),
]
Facts = Annotated[int, number(16, 128, "Facts, and coordinates of a code", "facts", label="number of facts K")]
Gap = Annotated[
    float, number(0.01, 0.3, "It ends when a fact is known with the chance 1 - ε", "steps", label="still missing ε")
]
Steps = Annotated[int, number(1, 10, "Newton-Schulz steps in each update", "steps", label="Newton-Schulz steps")]

MEMORY = Frame(
    optimizer=axis("optimizer", values=("gradient descent", "Adam", "Muon")),
    fact=axis("fact, the most frequent first", start=1),
    direction=axis("direction, the strongest first", start=1),
    frequency=var("fact", "share of the training examples"),
    known=var("optimizer fact", "chance of the right answer"),
    singular=var("optimizer direction", "singular values of the memory"),
    step=var("optimizer", "steps so far"),
    flatness=var("optimizer", "smallest / largest singular value"),
    entropy=var("optimizer", "entropy of the spectrum, as a share of the largest"),
    rank=var("optimizer", "effective rank of the spectrum"),
    top=var("optimizer", "share of the energy in the strongest tenth of the directions"),
    level=var("", "chance that the best-known fact has by then"),
)


@experiment(quick=dict(n_facts=24), frame=MEMORY)
def memory(
    exponent: Exponent = 1.0,
    turn: Turn = 1.0,
    muon: Annotated[
        Literal["exact", "newton-schulz"],
        choice(
            "How Muon equalises: by the singular values themselves, or by products of matrices",
            "steps",
            label="Muon's equalising",
            main=True,
        ),
    ] = "exact",
    ns_steps: Annotated[
        int,
        number(
            1, 10, "Newton-Schulz steps in each update", "steps", label="Newton-Schulz steps", muon=["newton-schulz"]
        ),
    ] = 5,
    adam: Annotated[
        Literal["adam", "signs"],
        choice(
            "adam: with its averages; signs: of the gradient alone, what Adam is without them",
            "steps",
            label="Adam's averages",
            words={"adam": "with averages", "signs": "signs alone"},
        ),
    ] = "adam",
    momentum: Annotated[float, number(0, 0.95, "Of gradient descent and Muon", "steps", label="momentum μ")] = 0.0,
    pace: Annotated[
        float,
        number(
            0.5, 4, "All three learning rates are multiplied by this", "steps", scale="log", label="pace of the steps"
        ),
    ] = 1.0,
    eps: Gap = 0.05,
    n_facts: Facts = 64,
    shape: Annotated[
        Shape,
        choice(
            "power law: each rarer than the one before; two groups: a quarter frequent, the others rare",
            "facts",
            label="frequencies",
        ),
    ] = "power law",
    mixing: Annotated[
        Mixing,
        choice(
            "all: a turn mixes all coordinates; blocks: those of four facts each", "codes", label="coordinates mixed"
        ),
    ] = "all",
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Full-gradient training of one linear memory from W = 0, by three optimizers with learning rates 1, 0.005 and 0.1.

    A frame compares them at the first step at which each knows some fact with the chance `level`, which rises to
    1 - eps; the last is the stop. After 4000 steps training ends in any case. `singular` leaves out what a softmax does
    not see.
    """
    rng = np.random.default_rng(seed)
    keys, answers = code(n_facts, turn, mixing, rng), code(n_facts, turn, mixing, rng)
    p = frequencies(n_facts, exponent, shape)
    names = (
        "gradient descent",
        "SignGD" if adam == "signs" else "Adam",
        "Muon" if muon == "exact" else "Muon, Newton-Schulz",
    )
    levels = np.linspace(1 / n_facts, 1 - eps, FRAMES + 1)[1:]
    runs = [train(p, keys, answers, rule(name, pace * ETA[name], momentum, ns_steps), levels, MOST) for name in names]
    for at, level in enumerate(levels):
        singular = np.stack([spectrum(run.weights[at], keys, answers) for run in runs])
        even = np.array([isotropy(s) for s in singular])
        yield MEMORY(
            dict(
                frequency=p,
                known=np.stack([run.known[at] for run in runs]),
                singular=singular,
                step=np.array([run.step[at] for run in runs]),
                flatness=even[:, 0],
                entropy=even[:, 1],
                rank=even[:, 2],
                top=even[:, 3],
                level=level,
            ),
            _reading(names, runs, at, level),
            (at + 1) / FRAMES,
        )


def _reading(names: tuple[str, ...], runs: list[Run], at: int, level: float) -> str:
    """Where each stands: at the same level, or short of it."""
    said = []
    for name, run in zip(names, runs, strict=True):
        known, steps = run.known[at], int(run.step[at])
        short = "" if at < run.reached else f", its best known at {known.max():.0%} only"
        said.append(f"at {known.min():.0%} with {name.replace(', ', ' by ')} ({steps} step{'s' * (steps != 1)}{short})")
    return f"When the best known fact is at {level:.0%}, the least known is {', '.join(said[:-1])}, and {said[-1]}."


EVENNESS = Frame(
    place=axis("turn of the codes"),
    rule=axis("optimizer", values=RULES),
    repeat=axis("pair of codes"),
    balance=var("rule place repeat", "chance of the least known fact"),
    flatness=var("rule place repeat", "smallest / largest singular value"),
    stop=var("", "chance of the best known fact"),
)


@experiment(quick=dict(n_facts=16, grid=3, n_codes=1), frame=EVENNESS)
def evenness(
    over: Annotated[
        Literal["turn", "exponent"],
        choice(
            "What goes from 0 up: the turn of the codes, or the tail exponent of the facts, with turned codes",
            "codes",
            label="along the axis",
            words={"turn": "turn of the codes", "exponent": "tail exponent"},
        ),
    ] = "turn",
    exponent: Exponent = 1.0,
    eps: Gap = 0.05,
    n_facts: Facts = 64,
    ns_steps: Steps = 5,
    grid: Annotated[int, number(2, 15, "Trainings along the axis", "steps", label="fineness")] = 8,
    n_codes: Annotated[int, number(1, 8, "Pairs of codes, one training each", "codes", label="repetitions")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The chance of the least known fact when the best known has 1 - eps, for five optimizers.

    Over turns of the codes, closer together near one-hot; or over exponents from 0 to `exponent`. A frame a place.
    """
    places = np.linspace(0, 1, grid) ** 2 if over == "turn" else np.linspace(0, exponent, grid)
    balance, flatness = np.zeros((2, len(RULES), grid, n_codes))
    for at, place in enumerate(places):
        turn, s = (place, exponent) if over == "turn" else (1.0, place)
        p = frequencies(n_facts, s)
        for repeat in range(n_codes):
            rng = np.random.default_rng([seed, repeat])  # the same rotations at each place
            keys, answers = code(n_facts, turn, "all", rng), code(n_facts, turn, "all", rng)
            for r, name in enumerate(RULES):
                run = train(p, keys, answers, rule(name, ETA[name], 0.0, ns_steps), np.array([1 - eps]), MOST)
                s_k = spectrum(run.weights[0], keys, answers)
                balance[r, at, repeat], flatness[r, at, repeat] = run.known[0].min(), s_k.min() / s_k.max()
        ends = balance[:, : at + 1].mean(-1)
        parts = [f"{name} {ends[r, -1]:.0%}" for r, name in enumerate(RULES)]
        yield EVENNESS(
            dict(place=places[: at + 1], balance=balance[:, : at + 1], flatness=flatness[:, : at + 1], stop=1 - eps),
            f"{_OVER[over].capitalize()} {place:.2g}, the best known fact at {1 - eps:.0%}, the least known: "
            f"{'; '.join(parts)}.",
            (at + 1) / grid,
            names={"place": _OVER[over]},
        )


_OVER = {"turn": "turn of the codes", "exponent": "tail exponent s"}

LIFT = Frame(
    before=axis("singular value before, as a share of the gradient's norm"),
    after=var("before", "singular value after all steps"),
    step=axis("Newton-Schulz step"),
    path=var("step", "singular value on its way"),
    own=axis("direction of a gradient"),
    own_before=var("own", "its singular values, as shares of its norm"),
    own_after=var("own", "its singular values after all steps"),
)


@experiment(frame=LIFT)
def lift(
    sigma: Annotated[
        float,
        number(
            1e-4,
            1,
            "A singular value, as a share of the gradient's norm",
            scale="log",
            label="singular value σ",
            main=True,
        ),
    ] = 0.003,
    ns_steps: Steps = 5,
    polynomial: Annotated[
        Literal["muon", "cubic"],
        choice(
            "muon: 3.4445 σ - 4.775 σ³ + 2.0315 σ⁵, quick and rough; cubic: 1.5 σ - 0.5 σ³, slow and exact",
            label="polynomial",
        ),
    ] = "muon",
    exponent: Annotated[
        float, number(0, 2, "Of the facts whose first gradient is shown", label="tail exponent s")
    ] = 1.0,
    n_facts: Facts = 64,
    batch: Annotated[
        int, number(16, 4096, "Examples whose gradient is shown", scale="log", label="examples in the batch")
    ] = 1024,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What Newton-Schulz steps make of singular values: of one, step by step; of all from 0.0001 to 1; of a gradient's.

    One frame. The gradient is the memory's first, at W = 0, on a batch of examples; codes do not matter to it. Null
    directions, of facts that the batch has not, are left out.
    """
    chosen = QUINTIC if polynomial == "muon" else CUBIC
    p = np.random.default_rng(seed).multinomial(batch, frequencies(n_facts, exponent)) / batch
    first = (1 / n_facts - np.eye(n_facts)) * p
    own = np.linalg.svd(first, compute_uv=False)
    own = own[own > NULL * own[0]] / np.linalg.norm(first)
    before = np.geomspace(1e-4, 1, 241)
    path = lifted(np.array([sigma]), ns_steps, chosen)[:, 0]
    after = lifted(own, ns_steps, chosen)[-1]
    yield LIFT(
        dict(
            before=before,
            after=lifted(before, ns_steps, chosen)[-1],
            path=path,
            own_before=own,
            own_after=after,
        ),
        f"After {ns_steps} step{'s' * (ns_steps != 1)} the singular value {sigma:.2g} is {path[-1]:.2g}. Those of the "
        f"gradient, from {own.min():.2g} to {own.max():.2g}, are between {after.min():.2g} and {after.max():.2g}.",
    )
