"""A trained spiking denoiser whose threshold is a knob; gains of the time steps; its twins without spikes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread
from labcore.primitives.spiking.operations import Work, dense, neurons
from labcore.words import plain

from .diffusion import TIMES, noised
from .networks import PIXELS, Denoiser, Kind
from .training import FINE_RATE, Digits, digits, error, gaussian, samples, train

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.7)
SHOWN, JUDGED, CHOOSE, REPORT = 25, 500, 7, 8  # pictures; pictures for a distance; two kinds of noise
Steps = Annotated[int, number(1, 8, "For each noise told", "network", label="time steps T", main=True)]
Width = Annotated[int, number(16, 192, "Units of a layer", "network", label="units of a layer")]
Batches = Annotated[int, number(20, 1000, "Batches of 128 digits", "training", label="training steps")]
Back = Annotated[int, number(4, 30, "From noise to a picture", "pictures", label="denoising steps")]


@functools.lru_cache(maxsize=12)
def _trained(kind: Kind, steps: int, width: int, batches: int, seed: int) -> tuple[Denoiser, Digits]:
    """Shared by all runs: whoever trains it further takes a copy."""
    data, net = digits(seed), Denoiser(kind, width, steps, np.random.default_rng([seed, 0]))
    for _ in train(net, data, batches, [seed, 2]):
        pass
    return net, data


@functools.lru_cache(maxsize=64)
def _distance(
    kind: Kind, steps: int, width: int, batches: int, back: int, theta: float, noise: int, seed: int
) -> float:
    net, data = _trained(kind, steps, width, batches, seed)
    *_, made = samples(net, JUDGED, back, [seed, noise], theta)
    return data.distance(made)


@functools.lru_cache(maxsize=64)
def _error(steps: int, width: int, batches: int, theta: float, seed: int) -> float:
    net, data = _trained("spikes", steps, width, batches, seed)
    return error(net, data, seed, theta)


KNOB = Frame(
    digit=axis("picture"),
    row=axis("row"),
    column=axis("column"),
    picture=var("digit row column", "brightness, -1 to 1"),
    threshold=axis("threshold of all neurons"),
    distance=var("threshold", "Frechet distance from digits"),
    chosen_by=var("threshold", "Frechet distance from digits, other noise"),
    error=var("threshold", "squared error of the noise told"),
    best=var("", "threshold with the smallest distance, other noise"),
    floor=var("", "Frechet distance of digits that were never seen"),
    rate=var("", "share of neurons that fire in a time step"),
)


@experiment(quick=dict(width=16, batches=30, back=4), frame=KNOB)
@one_thread
def knob(
    theta: Annotated[
        float, number(0.4, 2, "While pictures are made; it was 1 in training", "pictures", label="threshold", main=True)
    ] = 1.0,
    done: Annotated[
        float, number(0, 1, "Of the way from noise to a picture", "pictures", label="denoising done", main=True)
    ] = 1.0,
    steps: Steps = 4,
    back: Back = 12,
    width: Width = 128,
    batches: Batches = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """25 pictures from the same noise, whatever the threshold; one frame. The weights were trained at threshold 1.

    Distances are of 500 pictures, along the 20 principal axes of the digits for training; errors of 2000 new noisy
    digits. The threshold may be chosen by the distance with other noise.
    """
    net, data = _trained("spikes", steps, width, batches, seed)
    made = list(samples(net, SHOWN, back, [seed, REPORT], theta))[round(done * back)]
    off, other = (
        np.array([_distance("spikes", steps, width, batches, back, t, n, seed) for t in THRESHOLDS])
        for n in (REPORT, CHOOSE)
    )
    told = np.array([_error(steps, width, batches, t, seed) for t in THRESHOLDS])
    best, one = int(other.argmin()), THRESHOLDS.index(1.0)
    gain, rate = 1 - off[best] / off[one], _rate(net, data, seed, theta)
    yield KNOB(
        dict(
            picture=made.reshape(-1, 8, 8),
            threshold=np.array(THRESHOLDS),
            distance=off,
            chosen_by=other,
            error=told,
            best=THRESHOLDS[best],
            floor=data.distance(data.test.double().numpy()),
            rate=rate,
        ),
        f"Pictures made at threshold {plain(theta, '.2f')} from noise that is always the same. Their distance from "
        f"digits is {off[one]:.2f} at threshold 1; at {THRESHOLDS[best]:g}, chosen with other noise, it is "
        f"{off[best]:.2f}, {plain(abs(gain), '.1%')} {'less' if gain >= 0 else 'more'}. "
        f"In a time step {rate:.0%} of the neurons fire.",
        1.0,
    )


def _told(net: Denoiser, data: Digits, seed: int, theta: float = 1.0) -> tuple[list[np.ndarray], np.ndarray]:
    """What each layer sends for 200 noisy new digits, and the noisy digits."""
    net.eval()
    time = np.random.default_rng([seed, 9]).integers(0, TIMES, 200)
    x = noised(data.test[:200], gaussian((200, PIXELS), [seed, 10]), torch.as_tensor(time))
    sent: list = []
    net(x, torch.as_tensor(time), theta, sent)
    return [s.detach().numpy() for s in sent], x.numpy()


def _rate(net: Denoiser, data: Digits, seed: int, theta: float) -> float:
    return float(np.mean([s.mean() for s in _told(net, data, seed, theta)[0]]))


GAINS = Frame(
    route=axis("fine-tuning", values=("with gains", "gains held at 1")),
    batch=axis("training steps of fine-tuning"),
    error=var("route batch", "squared error of the noise told"),
    layer=axis("layer", start=1),
    step=axis("time step", start=1),
    p=var("layer step", "gain p"),
    distance=var("route", "Frechet distance from digits, at the end", optional=True),
    before=var("", "Frechet distance from digits before fine-tuning", optional=True),
)


@experiment(quick=dict(width=16, batches=25, fine=20), frame=GAINS)
@one_thread
def gains(
    steps: Steps = 4,
    fine: Annotated[int, number(20, 600, "Of fine-tuning", "training", label="fine-tuning steps", main=True)] = 200,
    width: Width = 128,
    batches: Batches = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Two copies of the trained network go on training, on the same batches; one of them learns gains as well.

    A frame each tenth of the way, or every four steps. Errors are of 2000 new noisy digits. The last frame has
    distances as well, of 500 pictures in 12 steps.
    """
    kept, data = _trained("spikes", steps, width, batches, seed)
    nets = [deepcopy(kept) for _ in range(2)]
    runs = [train(n, data, fine, [seed, 3], FINE_RATE, g) for n, g in zip(nets, (True, False), strict=True)]
    at, told = [0], [[error(n, data, seed)] for n in nets]
    yield _tuned(nets, at, told, 0.0)
    ends = [round(end) for end in np.linspace(0, fine, 1 + min(10, fine // 4))]
    for end in ends[1:]:
        for net, run, errors in zip(nets, runs, told, strict=True):
            net.train()  # looking has switched it to what it does after training
            for _ in range(end - at[-1]):
                next(run)
            errors.append(error(net, data, seed))
        at.append(end)
        if end < fine:
            yield _tuned(nets, at, told, end / fine)
    off = np.array([data.distance(list(samples(n, JUDGED, 12, [seed, REPORT]))[-1]) for n in nets])
    before = _distance("spikes", steps, width, batches, 12, 1.0, REPORT, seed)
    yield _tuned(nets, at, told, 1.0, distance=off, before=before)


def _tuned(
    nets: list[Denoiser], at: list[int], told: list[list[float]], progress: float, **pictures: np.ndarray | float
) -> xr.Dataset:
    p = nets[0].p.detach().double().numpy()
    a, b = told[0][-1], told[1][-1]
    return GAINS(
        dict(batch=np.array(at, float), error=np.array(told), p=p, **pictures),
        f"After {at[-1]} steps of fine-tuning the gains lie between {p.min():.2f} and {p.max():.2f}. The squared error "
        f"of the noise told is {a:.4f} with gains and {b:.4f} without; at the beginning it was {told[0][0]:.4f}.",
        progress,
    )


NETWORKS: tuple[tuple[str, Kind], ...] = (
    ("spikes", "spikes"),
    ("one time step", "spikes"),
    ("staircase", "staircase"),
    ("ReLU", "ReLU"),
)
RIVALS = Frame(
    network=axis("network"),
    distance=var("network", "Frechet distance from digits"),
    error=var("network", "squared error of the noise told"),
    energy=var("network", "energy for one noise told, with memory", "nJ"),
    bare=var("network", "energy for one noise told, arithmetic only", "nJ"),
    rate=var("network", "numbers sent that are not zero"),
)


@experiment(quick=dict(width=16, batches=20, back=4), frame=RIVALS)
@one_thread
def rivals(
    steps: Annotated[
        int, number(2, 8, "Of the spiking network; bits of the staircase", "network", label="time steps T", main=True)
    ] = 4,
    back: Back = 12,
    width: Width = 128,
    batches: Batches = 500,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Four networks of the same weights and training: T time steps, one, a staircase of T bits, a ReLU; one frame each.

    Energies of 45 nm hardware, float32; the staircase's products are of 8 bits. Zeros are skipped everywhere.
    """
    rows: list[tuple[str, float, float, float, float, float]] = []
    for i, (name, kind) in enumerate(NETWORKS):
        many = 1 if name == "one time step" else steps
        net, data = _trained(kind, many, width, batches, seed)
        off = _distance(kind, many, width, batches, back, 1.0, REPORT, seed)
        energy, bare, share = _cost(net, data, seed)
        rows.append((name, off, error(net, data, seed), energy, bare, share))
        names, *numbers = zip(*rows, strict=True)
        said = ", ".join(f"{n} {d:.2f}" for n, d in zip(names, numbers[0], strict=True))
        yield RIVALS(
            dict(
                network=np.array(names),
                **dict(zip(("distance", "error", "energy", "bare", "rate"), map(np.array, numbers), strict=True)),
            ),
            f"Frechet distance from digits: {said}. One noise told costs {rows[0][3]:.0f} nJ with {steps} time steps"
            + (f", {energy:.0f} nJ in the network called {name}." if i else "."),
            (i + 1) / len(NETWORKS),
        )


def _cost(net: Denoiser, data: Digits, seed: int) -> tuple[float, float, float]:
    """Energies for one noise told, in nJ, with memory and without; the share of numbers sent that are not 0.

    The picture is the same at all steps, and the stream is read out once: both cost products once a noise.
    """
    sent, x = _told(net, data, seed)
    ends = dense(x, sent[0].shape[-1], "analog") + dense(np.zeros((len(x), sent[0].shape[-1])), PIXELS, "analog")
    inner = Work()
    for s in sent:
        if net.kind == "spikes":
            inner += dense(s, s.shape[-1]) + neurons(s[0].size, net.steps)
        else:
            products = float((s != 0).sum()) * s.shape[-1]
            inner += Work(products=products, moved=products)
    word = "int8" if net.kind == "staircase" else "float32"
    energy, bare = ((ends.energy(memory=m) + inner.energy(word, memory=m)) / len(x) / 1000 for m in (True, False))
    return energy, bare, float(np.mean([(s != 0).mean() for s in sent]))
