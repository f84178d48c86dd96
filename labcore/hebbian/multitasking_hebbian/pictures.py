"""Pictures of your own in the memory: shown a bad copy of one, it falls to what it has stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, number
from labcore.frames import Frame, axis, var
from labcore.pictures import NOISE, Pictures, of_pictures

from . import view
from .glauber import advance, energy, pattern_sums

TOLD = 4  # pictures of which the reading speaks

RECALL = Frame(
    time=axis("time", "sweeps"),
    pattern=axis("picture"),
    row=axis("row"),
    column=axis("column"),
    stored=var("pattern row column", "stored: 1 ink, 0 blank, -1 paper"),
    cue=var("row column", "shown first: 1 ink, -1 paper"),
    state=var("row column", "state: 1 ink, -1 paper"),
    right=var("time pattern", "pixels of each picture that are right"),
    energy=var("time", "energy per neuron H/N"),
)


@of_pictures(view.pictures, RECALL)
def retrieve(
    pictures: Pictures,
    *,
    start: Annotated[str, choice("What the network is shown", "cue", label="shown first", main=True)] = NOISE,
    cue_noise: Annotated[
        float, number(0, 0.5, "Share of what is shown that is flipped", "cue", label="flipped share", main=True)
    ] = 0.25,
    d: Annotated[
        float,
        number(0, 0.95, "Blank this share of every picture, at random", "pictures", label="blank share d", main=True),
    ] = 0.0,
    T: Annotated[
        float, number(0, 1, "Temperature: how often a neuron disobeys its field", "network", label="temperature T")
    ] = 0.02,
    sweeps: Annotated[
        int,
        number(5, 100, "How long to run; a sweep is an update for each neuron", "network", "sweeps", "linear",
               label="running time"),
    ] = 20,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:  # fmt: skip
    """A network with a neuron for each pixel stores your pictures by one Hebbian step, and repairs a bad copy of one.

    Blanks, of a picture or of `d`, are of no concern to it, and are filled at random in what is shown. `right` is the
    share of a picture's other pixels that the state agrees with: of a picture that it knows nothing of, a half.
    """
    rng = np.random.default_rng(seed)
    pixels = pictures.pixels
    (count, *size), n = pixels.shape, pixels[0].size
    stored = np.where(rng.random(pixels.shape) < d, 0, pixels).astype(np.int8)
    patterns = np.ascontiguousarray(stored.reshape(count, n).T)
    spins = rng.choice(np.array([-1, 1], np.int8), n)
    if start != NOISE:
        wanted = patterns[:, pictures.names.index(start)]
        spins = np.where(wanted != 0, wanted, spins)
    spins = np.where(rng.random(n) < cue_noise, -spins, spins).astype(np.int8)
    first, sums, filled = spins.copy(), pattern_sums(patterns, spins), np.maximum((patterns != 0).sum(0), 1)
    at = np.unique([0, *np.round(np.logspace(-2, np.log10(sweeps), 60) * n).astype(int)])
    log = np.empty((len(at), count), np.int64)
    for i, updates in enumerate(at):
        advance(patterns, spins, sums, T, int(updates - at[max(i - 1, 0)]), rng)
        log[i] = sums
        if i % 3 and i != len(at) - 1:
            continue
        right = (log[: i + 1] + filled) / (2 * filled)
        best = np.argsort(-np.abs(right[-1] - 0.5), kind="stable")[:TOLD]
        told = [_told(pictures.names[q], right[0, q], right[-1, q]) for q in best]
        yield RECALL(
            dict(
                time=at[: i + 1] / n,
                pattern=list(pictures.names),
                stored=stored,
                cue=first.reshape(size),
                state=spins.reshape(size),
                right=right,
                energy=energy(patterns, log[: i + 1]) / n,
            ),
            f"After {updates / n:.3g} sweeps the network agrees with {', '.join(told[:-1])} and {told[-1]} of its "
            "pixels that are not blank.",
            float(updates / at[-1]),
            sweeps=sweeps,
            start=start,
        )


def _told(name: str, first: float, now: float) -> str:
    """How much of a picture is right; a memory holds the negative of each picture as well."""
    if round(now, 2) < 0.5:
        return f"the negative of {name} in {1 - now:.0%} (at first {1 - first:.0%})"
    return f"{name} in {now:.0%} (at first {first:.0%})"
