"""Runs side by side that align what is seen with what is heard of some classes, and name the others by their sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.data import digits_split

from .alignment import Projections, aligned
from .liquid import states, wires
from .reading import scaler
from .recordings import CHANNELS, FEATURES, STEPS, features, sounds, swept

Array = np.ndarray
Encoder = Literal["liquid", "counts"]
N_TRAIN, N_TEST, LEARNED, ASKED = 1297, 500, 40, 40  # recordings that are seen; sounds of a class, learned and asked


@dataclass(frozen=True)
class Senses:
    """One run: states of both senses, standardised by what was learned of the classes that were met."""

    seen: Float[Array, "n d"]
    labels: Int[Array, " n"]
    heard: Float[Array, "10 m e"]
    met: Bool[Array, " 10"]

    @property
    def known(self) -> Int[Array, " k"]:
        """Rows that are trained on."""
        return np.flatnonzero(self.met[self.labels] & (np.arange(len(self.labels)) < N_TRAIN))


def senses(
    seed: Sequence[int], encoder: Encoder, classes: int, link: float, neurons: int, gain: float, decay: float,
    drive: float, noise: float,
) -> Senses:  # fmt: skip
    """Draws a split of the digits, the classes that are met, a sound for each class, and two liquids."""
    rng = np.random.default_rng([*seed, 7])
    split = digits_split(N_TRAIN, N_TEST, [*seed, 3])
    x, y = np.concatenate([split.x_train, split.x_test]), np.concatenate([split.y_train, split.y_test]).argmax(1)
    met = np.isin(np.arange(10), rng.permutation(10)[:classes])
    hidden = features(split.x_train, y[:N_TRAIN], link, rng)
    voice = rng.standard_normal((FEATURES, STEPS * CHANNELS)) / np.sqrt(FEATURES)
    eye, ear = swept(x, rng), sounds(np.repeat(hidden, LEARNED + ASKED, 0), rng, voice)
    encoded = []
    for events in (eye, ear):
        if encoder == "counts":
            encoded.append(events.sum(1))
        else:
            w = wires(rng, CHANNELS, neurons, drive, gain)
            encoded.append(states(events, w.into, w.among, decay, noise, rng))
    seen, heard = encoded[0], encoded[1].reshape(10, LEARNED + ASKED, -1)
    seen = scaler(seen[:N_TRAIN][met[y[:N_TRAIN]]])(seen)
    heard = scaler(heard[met, :LEARNED].reshape(-1, heard.shape[2]))(heard)
    return Senses(seen, y, heard, met)


@dataclass(frozen=True)
class Look:
    """What both senses say of each other: embeddings of new recordings and of sounds, and how often they agree."""

    step: int
    seen: Float[Array, "S n_test p"]
    heard: Float[Array, "S 10 p"]  # the mean of the sounds that are asked
    met: Float[Array, " S"]  # new recordings of classes that were met, named among these
    new: Float[Array, " S"]  # recordings of the other classes, named among these


def train(
    runs: Sequence[Senses], dims: int, seeds: Sequence[list[int]], looks: Sequence[int]
) -> Iterator[tuple[Look, Projections]]:
    """Train the projections of all runs side by side; yields a look before each of these training steps."""
    seen, heard = _stack([r.seen for r in runs]), _stack([r.heard for r in runs])
    labels = torch.as_tensor(np.stack([r.labels for r in runs]))
    net = Projections(seeds, seen.shape[2], heard.shape[3], dims)
    known = [r.known for r in runs]
    for step in aligned(net, seen, labels, known, heard[:, :, :LEARNED], seeds, looks):
        with torch.no_grad():
            a, b = net(seen[:, N_TRAIN:], heard[:, :, LEARNED:].flatten(1, 2))
        a, b = a.numpy(), b.unflatten(1, (10, ASKED)).mean(2).numpy()
        right = np.array([[_named(a[i], b[i], r, r.met), _named(a[i], b[i], r, ~r.met)] for i, r in enumerate(runs)])
        yield Look(step, a, b, right[:, 0], right[:, 1]), net


def _named(a: Array, b: Array, run: Senses, among: Bool[Array, " 10"]) -> float:
    labels, names = run.labels[N_TRAIN:], np.flatnonzero(among)
    asked = among[labels]
    return float((names[(a[asked] @ b[names].T).argmax(1)] == labels[asked]).mean())


def _stack(parts: list[Array]) -> Float[Tensor, "S ..."]:
    return torch.tensor(np.stack(parts), dtype=torch.float32)
