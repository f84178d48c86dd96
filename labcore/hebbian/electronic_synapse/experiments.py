"""Five ways to train one network on crooked devices, and what requests that cancel out leave of a weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Diverged, Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .mechanism import BATCH, CAP, SOFTWARE, UNIDIRECTIONAL, W_MAX, Array, fabricate, refresh, step, train
from .perceptron import WEIGHTS, accuracy, initial
from .pulsed_device import depress, potentiate

Shown = Literal["unidirectional", "pair", "halved pair", "single"]
METHODS = ("software", "unidirectional", "pair", "halved pair", "single")


STAIRCASE = Frame(
    pulse=axis("pulses", "pulses"),
    stair_up=var("pulse", "conductance on the way up"),
    stair_down=var("pulse", "conductance on the way down"),
)


def staircase(curvature: float, pulses: int) -> dict[str, Array]:
    """One device on the way up from 0 and on the way down from 1."""
    k, p = np.linspace(0, pulses, min(pulses, 128) + 1), float(pulses)
    up, down = ([f.kernel(g, n, curvature, p) for n in k] for f, g in ((potentiate, 0.0), (depress, 1.0)))
    return dict(pulse=k, stair_up=np.array(up), stair_down=np.array(down))


LEVELS, BINS = np.linspace(0, 1, 41), np.linspace(-W_MAX, W_MAX, 42)
HWTRAIN = STAIRCASE | Frame(
    method=axis("way to train", values=METHODS),
    repeat=axis("network"),
    time=axis("training time", "epochs"),
    side=axis("device of the pair", values=("G+", "G-")),
    level=axis("conductance G", values=(LEVELS[1:] + LEVELS[:-1]) / 2),
    bin=axis("weight w", values=(BINS[1:] + BINS[:-1]) / 2),
    use=axis("what the pulse is for", values=("up", "down", "refresh")),
    accuracy=var("method repeat time", "right answers on test digits"),
    devices=var("side level", "share of the devices"),
    weights=var("bin", "share of the weights"),
    spent=var("use method", "pulses a synapse", "pulses"),
)


@experiment(quick=dict(n_seeds=1, epochs=8), frame=HWTRAIN)
def hwtrain(
    curvature: Annotated[
        float,
        number(
            0,
            0.33,
            "Curvature 1/A of the staircase; 0 is a straight one",
            "device",
            "per pulse",
            label="curvature c",
            main=True,
        ),
    ] = 0.1,
    pulses: Annotated[
        int,
        number(
            8, 512, "Pulses P from no conductance to the full one", "device", scale="log", label="pulses P", main=True
        ),
    ] = 64,
    sigma: Annotated[
        float,
        number(0, 0.6, "How much the curvature differs from device to device", "device", label="spread of curvature"),
    ] = 0.0,
    lr: Annotated[float, number(0.005, 1, "Learning rate", "training", scale="log", label="learning rate")] = 0.1,
    refresh_every: Annotated[
        int,
        number(
            5,
            200,
            "Steps between two refreshes of full pairs (unidirectional)",
            "training",
            "steps",
            label="steps between refreshes",
        ),
    ] = 20,
    epochs: Annotated[
        int, number(2, 40, "Passes over the 1300 training digits", "training", label="passes over digits")
    ] = 20,
    show: Annotated[
        Shown, choice("Whose synapses to look at", "picture", label="synapses shown", main=True)
    ] = "unidirectional",
    n_seeds: Annotated[int, number(1, 8, "Networks of each kind to average over", "runs", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Five ways to train one network, on the same devices, data and order. Two frames an epoch.

    accuracy is on 497 test digits. devices, where the conductances G+ and G- are, and weights are those of the method
    in `show`. stair_up, stair_down: one device from 0 to 1 and back. Network i draws data, weights, devices and
    roundings from (seed, i).
    """
    chosen, steps = METHODS.index(show), float(pulses)
    splits = [digits_split(1300, 497, [seed, i, 0]) for i in range(n_seeds)]
    nets = []
    for m in range(len(METHODS)):
        for i in range(n_seeds):
            start, parts, noise = (np.random.default_rng([seed, i, k]) for k in (1, 2, 3))
            w = initial(start)
            c = curvature * np.exp(-sigma * parts.normal(size=(2, WEIGHTS)))
            g = fabricate(m, w, c, steps, noise)
            if m != SOFTWARE:
                w = W_MAX * (g[0] - g[1])
            nets.append((m, i, w, g, c, noise, np.zeros(4)))
    log, stairs = [], staircase(curvature, pulses)
    orders = [np.random.default_rng([seed, i, 4]) for i in range(n_seeds)]
    for half in range(2 * epochs + 1):
        if half % 2 == 1:
            order = [g.permutation(1300) for g in orders]
        for m, i, w, g, c, noise, count in nets if half else []:
            rows = order[i][:650] if half % 2 else order[i][650:]
            x, y = splits[i].x_train[rows], splits[i].y_train[rows]
            train(m, x, y, w, g, c, steps, lr, CAP, refresh_every, 650 // BATCH * (half - 1), noise, count)
        if not all(np.isfinite(net[2]).all() for net in nets):  # only software can: a device ends at 0 and 1
            raise Diverged(650 // BATCH * half)
        log.append([accuracy(splits[n[1]].x_test, splits[n[1]].y_test, n[2]) for n in nets])
        right = np.array(log).T.reshape(len(METHODS), n_seeds, -1)
        own, size = [net for net in nets if net[0] == chosen], n_seeds * WEIGHTS
        devices = [np.histogram([net[3][side] for net in own], LEVELS)[0] for side in (0, 1)]
        spent = np.array([net[6] for net in nets]).reshape(len(METHODS), n_seeds, 4).mean(1) / WEIGHTS
        now = right[:, :, -1].mean(1)
        scores = ", ".join(f"{name} {a:.1%}" for name, a in zip(METHODS, now, strict=True))
        yield HWTRAIN(
            dict(
                accuracy=right,
                devices=np.array(devices) / size,
                weights=np.histogram([n[2] for n in own], BINS)[0] / size,
                spent=spent.T[[0, 1, 3]],
                time=np.arange(half + 1) / 2,
                **stairs,
            ),
            f"After {half / 2:g} epochs the test accuracy is: {scores}. A synapse ({show}) has taken "
            f"{spent[chosen, [0, 1, 3]].sum():.0f} pulses, {spent[chosen, 3]:.0f} of them to be refreshed.",
            half / (2 * epochs),
            show=show,
        )


CANCEL = STAIRCASE | Frame(
    event=axis("pulses given to one device", "pulses"),
    request=axis("requests that cancel out"),
    method=axis("way to train", values=METHODS[1:]),
    path=var("event", "conductance G of one device"),
    weight=var("method request", "mean weight w"),
    theory=var("method request", "mean weight w, theory without refresh and ends"),
)


@experiment(frame=CANCEL)
def cancel(
    curvature: Annotated[
        float,
        number(
            0, 0.33, "Curvature 1/A of the staircase; 0 is a straight one", "device", "per pulse", label="curvature c"
        ),
    ] = 0.1,
    ups: Annotated[
        int, number(0, 100, "Pulses up that one fresh device is given", "one device", "pulses", label="pulses up")
    ] = 20,
    downs: Annotated[
        int, number(0, 100, "Pulses down that it is given then", "one device", "pulses", label="pulses down")
    ] = 20,
    pulses: Annotated[
        int, number(8, 512, "Pulses P from no conductance to the full one", "device", scale="log", label="pulses P")
    ] = 64,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Requests that cancel out: what a staircase does to a weight that nobody wants to change. One frame.

    path: G of one device during `ups` pulses up and `downs` down. weight: the mean of 1000 synapses that start at 0.4
    and are asked for one step up or down, by the toss of a coin. theory: with q = exp(-c), a pulse up or down moves a
    device to 1/2 + q (G - 1/2) on average, so w shrinks by q a request where both devices take a pulse, and by
    (1 + q)/2 where one of the two does, which is so for unidirectional pairs as well.
    """
    steps, requests, n = float(pulses), 60, 1000
    path = [0.0]
    for k in range(ups + downs):
        path.append((potentiate if k < ups else depress).kernel(path[-1], 1.0, curvature, steps))
    asked = np.where(np.random.default_rng([seed, 0]).random((requests, n)) < 0.5, 1.0, -1.0) * W_MAX / steps
    c, mean, error = np.full((2, n), curvature), np.empty((4, requests + 1)), np.empty(4)
    for m in range(1, 5):
        rng = np.random.default_rng([seed, 1, m])
        g = fabricate(m, np.full(n, 0.4), c, steps, rng)
        for t in range(requests + 1):
            mean[m - 1, t] = W_MAX * (g[0] - g[1]).mean()
            if t < requests:
                step.kernel(m, asked[t], g, c, steps, CAP, rng, np.zeros(4))
            if m == UNIDIRECTIONAL and (t + 1) % 20 == 0:
                refresh(g, c, steps, rng, np.zeros(4))
        error[m - 1] = W_MAX * (g[0] - g[1]).std() / np.sqrt(n)
    q, half = np.exp(-curvature), (1 + np.exp(-curvature)) / 2
    theory = mean[:, :1] * np.array([[half], [q], [half], [q]]) ** np.arange(requests + 1)
    shares = mean[:, -1] / mean[:, 0] * (np.abs(mean[:, -1]) > 3 * error)  # less is the noise of 1000 synapses
    left = ", ".join(f"{m} {a:z.0%}" if a else f"{m} about 0%" for m, a in zip(METHODS[1:], shares, strict=True))
    yield CANCEL(
        dict(path=path, weight=mean, theory=theory, **staircase(curvature, pulses)),
        f"A fresh device is at G = {path[ups]:.3f} after {ups} pulses up, and at {path[-1]:.3f} after "
        f"{downs} down. After {requests} requests that cancel out, this much of a weight is left: {left}.",
        ups=ups,
    )
