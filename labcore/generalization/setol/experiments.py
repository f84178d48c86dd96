"""A spectrum fitted by hand, one that grows its tail in training, and a ladder of learning rates."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.data import digits_split, resample_labels
from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.words import plain

from .sgd_training import Trained, accuracy, train, with_middle
from .spectrum import LEAST, eigenvalues, erg_cut, power_law, scan, tail_from

N_TEST = 797
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.6, 1.0)  # from hardly anything learned to a network that is torn apart
Source = Literal["power law", "random matrix", "both"]

GAUGE = Frame(
    rank=axis("eigenvalue, from the largest", start=1),
    eigenvalue=var("rank", "eigenvalue λ, over the mean of all"),
    hand_start=var("", "where the tail begins, by hand"),
    hand_n=var("", "eigenvalues in the tail by hand"),
    hand_distance=var("", "distance D of the line by hand"),
    start=var("", "where the tail begins, fitted"),
    n=var("", "eigenvalues in the fitted tail"),
    alpha=var("", "exponent α, fitted"),
    distance=var("", "distance D of the fitted line"),
    candidate=axis("where the line begins"),
    off=var("candidate", "distance D of the likeliest line that begins there"),
    likely=var("", "likeliest exponent α for the tail by hand"),
    erg=var("", "smallest eigenvalue above the ERG cut"),
    erg_n=var("", "eigenvalues above the ERG cut"),
)


def _drawn(source: Source, m: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """m eigenvalues: Pareto with this exponent of the density, of a square random matrix, or its top replaced."""
    pareto = (1 - rng.random(m)) ** (-1 / (exponent - 1))
    if source == "power law":
        return np.sort(pareto)
    lam = eigenvalues(rng.normal(size=(m, m)))
    if source == "both":
        tail = len(lam) // 5
        lam[-tail:] = np.sort(lam[-tail] * pareto[:tail])
    return lam


@experiment(frame=GAUGE)
def gauge(
    start: Annotated[
        float,
        number(0.05, 20, "Where your line begins, in means of all eigenvalues", scale="log", label="line begins at λ"),
    ] = 1.0,
    slope: Annotated[float, number(1.2, 10, "Exponent of your power law", label="your exponent α")] = 5.0,
    exponent: Annotated[
        float, number(2.1, 8, "Exponent that the power law is drawn with", "spectrum", label="true exponent")
    ] = 3.0,
    source: Annotated[
        Source,
        choice(
            "power law: eigenvalues drawn from one; random matrix: of independent entries, as before training; "
            "both: the largest fifth of a random matrix replaced by a power law",
            "spectrum",
            label="spectrum of",
        ),
    ] = "both",
    m: Annotated[int, number(50, 1000, "Eigenvalues", "spectrum", scale="log", label="number of eigenvalues")] = 200,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A power law drawn by hand through the largest eigenvalues, beside the fitted one and the ERG cut; one frame.

    Eigenvalues are in units of their mean. A line that begins beyond the last but one eigenvalue begins there.
    """
    lam = _drawn(source, m, exponent, np.random.default_rng(seed))
    mean = lam.mean()
    fitted, cut = power_law(lam), erg_cut(lam)
    off = scan(np.log(lam), LEAST)[1]
    able = np.isfinite(off)
    begins = min(start * mean, float(lam[-2]))
    by_hand, likely = tail_from(lam, begins, slope), tail_from(lam, begins)
    yield GAUGE(
        dict(
            eigenvalue=lam[::-1] / mean,
            hand_start=by_hand.start / mean,
            hand_n=by_hand.n,
            hand_distance=by_hand.distance,
            start=fitted.start / mean,
            n=fitted.n,
            alpha=fitted.alpha,
            distance=fitted.distance,
            candidate=lam[able] / mean,
            off=off[able],
            likely=likely.alpha,
            erg=cut.start / mean,
            erg_n=cut.n,
        ),
        f"Your line holds {by_hand.n} eigenvalues and is off by D = {by_hand.distance:.3f}; for these the likeliest "
        f"exponent is {likely.alpha:.2f}. The best tail has {fitted.n}, α = {fitted.alpha:.2f}, D = "
        f"{fitted.distance:.3f}; {cut.n} lie above the ERG cut.",
        1.0,
    )


TRAINING = Frame(
    rank=axis("eigenvalue, from the largest", start=1),
    epoch=axis("epoch"),
    eigenvalue=var("rank", "eigenvalue λ, over the mean of all"),
    start=var("epoch", "where the power law begins"),
    erg=var("epoch", "where the ERG cut lies"),
    alpha=var("epoch", "exponent α of the power law"),
    n=var("epoch", "eigenvalues in the power law"),
    erg_n=var("epoch", "eigenvalues above the ERG cut"),
    train=var("epoch", "accuracy on training digits"),
    test=var("epoch", "accuracy on new digits"),
)

Rate = Annotated[
    float, number(0.001, 1.0, "Learning rate", "training", scale="log", label="learning rate η", main=True)
]
Batch = Annotated[int, number(4, 128, "Digits in a batch", "training", scale="log", label="batch size")]
Width = Annotated[int, number(64, 256, "Units of each hidden layer", "network", label="hidden units")]
Wrong = Annotated[float, number(0, 0.5, "Share of labels drawn anew", "data", label="random labels", main=True)]
Epochs = Annotated[int, number(1, 40, "Rounds through the training digits", "training", label="epochs", main=True)]
Digits = Annotated[int, number(200, 1000, "Training digits", "data", label="training digits n")]


def _split(n_train: int, noise: float, seed: int):
    split = digits_split(n_train, N_TEST, seed)
    return split._replace(y_train=resample_labels(split.y_train, noise, seed + 1)) if noise else split


def _measured(net: Trained, split) -> tuple[np.ndarray, dict[str, float]]:
    """Eigenvalues of the middle layer with their mean at 1, and what both tails and the accuracies are."""
    lam = eigenvalues(net.middle)
    tail, cut, mean = power_law(lam), erg_cut(lam), lam.mean()
    found = dict(start=tail.start / mean, erg=cut.start / mean, alpha=tail.alpha, n=tail.n, erg_n=cut.n)
    found["train"] = accuracy(net.layers, split.x_train, split.y_train.argmax(1))
    found["test"] = accuracy(net.layers, split.x_test, split.y_test.argmax(1))
    return lam / mean, found


@experiment(quick=dict(epochs=5, width=96, n_train=500), frame=TRAINING)
def training(
    eta: Rate = 0.3,
    noise: Wrong = 0.0,
    epochs: Epochs = 30,
    batch: Batch = 8,
    width: Width = 192,
    n_train: Digits = 1000,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A network learns digits by plain SGD, and the spectrum of its middle layer is read after each epoch.

    A frame an epoch, the first before training. Raises Diverged where a weight passes a million or is no number.
    """
    split, rng = _split(n_train, noise, seed), np.random.default_rng([seed, 2])
    rows: list[dict[str, float]] = []
    frame = None
    for net in train(split, width, eta, min(batch, n_train), epochs, rng):
        lam, found = _measured(net, split)
        rows.append(found)
        at = f"After epoch {net.epoch}" if net.epoch else "Before training"
        frame = TRAINING(
            dict(eigenvalue=lam[::-1], **{name: np.array([row[name] for row in rows]) for name in found}),
            f"{at} the power law has α = {found['alpha']:.2f} and begins at eigenvalue {found['n']}, the ERG cut at "
            f"{found['erg_n']} of {len(lam)}. New digits are read right in {plain(found['test'], '.1%')}.",
            net.epoch / epochs,
        )
        yield frame
    if len(rows) <= epochs:
        raise Diverged(len(rows), frame)


LADDER = Frame(
    rate=axis("learning rate η"),
    repeat=axis("repetition"),
    alpha=var("rate repeat", "exponent α of the power law"),
    n=var("rate repeat", "eigenvalues in the power law"),
    erg_n=var("rate repeat", "eigenvalues above the ERG cut"),
    train=var("rate repeat", "accuracy on training digits"),
    test=var("rate repeat", "accuracy on new digits"),
    test_erg=var("rate repeat", "accuracy on new digits with the directions above the ERG cut alone"),
    test_rest=var("rate repeat", "accuracy on new digits with the directions below the ERG cut alone"),
    needed=var("rate repeat", "of 1, 2, 4, ... directions the fewest that cost at most a point of accuracy"),
    rank=axis("eigenvalue, from the largest", start=1),
    eigenvalue=var("rank", "eigenvalue λ, over the mean of all, of the network that is looked into"),
    start=var("", "where its power law begins"),
    erg=var("", "where its ERG cut lies"),
)


def _truncated(net: Trained, x: np.ndarray, y: np.ndarray, cut: int, full: float) -> dict[str, float]:
    """Accuracies with parts of the middle layer: its `cut` largest singular directions, the others, the fewest."""
    w = net.middle
    u, s, v = np.linalg.svd(w)

    def with_top(n: int) -> float:
        return accuracy(with_middle(net.layers, (u[:, :n] * s[:n]) @ v[:n]), x, y)

    sizes = [2**k for k in range(len(s).bit_length())]
    needed = next((n for n in sizes if with_top(n) >= full - 0.01), len(s))
    rest = with_middle(net.layers, w - (u[:, :cut] * s[:cut]) @ v[:cut])
    return dict(test_erg=with_top(cut), test_rest=accuracy(rest, x, y), needed=needed)


@functools.lru_cache(maxsize=320)
def _rung(
    rate: float, epochs: int, batch: int, noise: float, width: int, n_train: int, seed: int
) -> tuple[np.ndarray, dict[str, float]]:
    """Eigenvalues of a network after its training, and all that `ladder` shows of it."""
    split, rng = _split(n_train, noise, seed), np.random.default_rng([seed, 2])
    last: list = []
    for net in train(split, width, rate, min(batch, n_train), epochs, rng):
        last = [(w.copy(), b.copy()) for w, b in net.layers]
    net = Trained(last, epochs)
    lam, found = _measured(net, split)
    parts = _truncated(net, split.x_test, split.y_test.argmax(1), int(found["erg_n"]), found["test"])
    return lam, found | parts


@experiment(quick=dict(n_seeds=1, epochs=3, width=96, n_train=400), frame=LADDER)
def ladder(
    look: Annotated[
        float,
        number(
            RATES[0],
            RATES[-1],
            "Learning rate of the network whose eigenvalues are shown; the nearest of eight",
            scale="log",
            label="look inside at η",
            main=True,
        ),
    ] = 0.03,
    epochs: Epochs = 10,
    batch: Batch = 8,
    noise: Wrong = 0.0,
    width: Width = 192,
    n_train: Digits = 1000,
    n_seeds: Annotated[int, number(1, 20, "Networks at each learning rate", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same network with eight learning rates: both tails of its spectrum, and what it makes of new digits.

    A frame for each rate as it comes. A network whose weights ran away is read as it was in the epoch before. The
    eigenvalues are those of the first repetition; until the rate at `look` has come, those of the one before it.
    """
    wanted = int(np.argmin(np.abs(np.log(np.array(RATES) / look))))
    rungs: list[list[tuple[np.ndarray, dict[str, float]]]] = []
    for k, rate in enumerate(RATES):
        rungs.append([_rung(rate, epochs, batch, noise, width, n_train, s) for s in range(seed, seed + n_seeds)])
        shown = [name for name in rungs[0][0][1] if name in LADDER.columns and name not in ("start", "erg")]
        values = {name: np.array([[found[name] for _, found in row] for row in rungs]) for name in shown}
        lam, inside = rungs[min(k, wanted)][0]
        best = int(values["test"].mean(1).argmax())
        yield LADDER(
            dict(
                rate=np.array(RATES[: k + 1]),
                eigenvalue=lam[::-1],
                start=inside["start"],
                erg=inside["erg"],
                **values,
            ),
            f"Of {k + 1} learning rates up to {rate:g}, {RATES[best]:g} reads new digits best, "
            f"{values['test'][best].mean():.1%}; there α = {values['alpha'][best].mean():.2f}. The last has "
            f"α = {values['alpha'][k].mean():.2f} and reads {plain(values['test'][k].mean(), '.1%')}.",
            (k + 1) / len(RATES),
            inside=RATES[min(k, wanted)],
            alpha=inside["alpha"],
            n=int(inside["n"]),
        )
