"""The window of a synapse under a random teacher, and a spiking classifier that is tested while it learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.spiking.lif import decay
from labcore.primitives.spiking.stdp import follow
from labcore.words import plain

from .mechanism import DT, JUMP, STEPS, TEACHER, Network, Rule, present, start
from .spike_readout import answers, votes

WINDOW = Frame(
    lag=axis("teacher's spike after the other", "ms"),
    synapse=axis("synapse"),
    time=axis("time", "ms"),
    change=var("lag", "change of the weight by one pair"),
    weight=var("synapse time", "weight"),
    mean=var("time", "mean weight"),
)


@experiment(frame=WINDOW)
def window(
    before: Annotated[
        float,
        number(
            -1, 1, "Left lobe: the change when the teacher fires before the neuron below", "window", label="left lobe"
        ),
    ] = 1.0,
    after: Annotated[
        float, number(-1, 1, "Right lobe: the change when it fires after", "window", label="right lobe")
    ] = 1.0,
    lag: Annotated[
        float,
        number(
            -60, 60, "One pair: from the spike below to the teacher's spike", "pair", "ms", label="lag of this pair"
        ),
    ] = 10.0,
    tau: Annotated[
        float, number(5, 50, "How long a synapse remembers a spike", "window", "ms", label="trace time τ")
    ] = 20.0,
    pre_rate: Annotated[float, number(5, 200, "Firing of the neuron below", "trains", "Hz", label="rate below")] = 40.0,
    post_rate: Annotated[
        float, number(5, 400, "Firing of the teacher", "trains", "Hz", label="teacher's rate")
    ] = TEACHER,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The window of a synapse, pair by pair, and what it makes of a teacher who knows nothing of the other's timing.

    `change` is that of one pair of spikes, simulated at each lag, for eta 1 and traces that grow by 0.1. `mean` is over
    400 synapses, each between two Poisson neurons, for the 150 ms of one image; `weight` shows 40 of them. One frame.
    """
    lags = np.arange(-160, 161)
    pre, post = np.zeros((2, len(lags), 322), np.bool_)
    pre[:, 160] = True
    post[np.arange(len(lags)), 160 + lags] = True
    keep = decay(tau, DT)
    change = follow(pre, post, before, after, keep, JUMP)[:, -1]
    rng = np.random.default_rng(seed)
    trains = rng.random((2, 400, STEPS)) < np.array([pre_rate, post_rate])[:, None, None] * DT / 1000
    weight = follow(trains[0], trains[1], before, after, keep, JUMP)
    at = round(lag / DT) + 160
    end, spread = weight[:, -1].mean(), weight[:, -1].std()
    order = "at the same time as" if at == 160 else f"{abs(lags[at]) * DT:g} ms {'before' if at < 160 else 'after'}"
    drift = f"by {end:+.2f}" if abs(end) > 3 * spread / 20 else "nowhere"
    yield WINDOW(
        dict(
            lag=lags * DT,
            time=np.arange(0, STEPS, 2) * DT,
            change=change,
            weight=weight[:40, ::2],
            mean=weight.mean(0)[::2],
        ),
        f"A teacher's spike {order} the other changes the weight by {plain(change[at], '+.3f')}. A teacher at "
        f"{post_rate:g} Hz, with no common timing, moves 400 weights {drift} on average within one image; they "
        f"scatter by {spread:.2f}.",
        at=float(lags[at] * DT),
    )


LEARNING = Frame(
    images=axis("images seen"),
    unit=axis("excitatory neuron"),
    row=axis("row of the image"),
    column=axis("column of the image"),
    label=axis("class"),
    mode=axis("who drives the class neurons", values=("training", "test")),
    neuron=axis("neuron; the last ten are the classes"),
    time=axis("time", "ms", values=np.arange(STEPS) * DT),
    acc_supervised=var("images", "test images named by the class neurons"),
    acc_vote=var("images", "test images named by vote"),
    w1=var("unit row column", "weight from a pixel"),
    w2=var("unit label", "weight to a class neuron"),
    theta=var("unit", "theta, the part of the threshold that tires", "mV"),
    raster=var("mode neuron time", "spikes at one image"),
)


@experiment(quick=dict(n_train=300, N_E=36), frame=LEARNING)
def train(
    alpha: Annotated[
        float,
        number(
            0, 5, "Tiring: how fast a neuron's threshold rises with its spikes", "rule", label="tiring α", main=True
        ),
    ] = 0.2,
    stdp: Annotated[
        Rule,
        choice(
            "Symmetric: both orders strengthen. Classical: the wrong order weakens",
            "rule",
            label="synapse rule",
            main=True,
        ),
    ] = "symmetric",
    scale1: Annotated[
        float, number(0.1, 0.4, "Sum of a neuron's input weights, over 64 pixels", "rule", label="input weight sum")
    ] = 0.25,
    inhibition: Annotated[
        float, number(0, 30, "How hard a spike holds down the other neurons", "network", label="inhibition")
    ] = 17.0,
    N_E: Annotated[int, number(16, 144, "Excitatory neurons", "network", label="excitatory neurons")] = 64,
    rate: Annotated[
        float,
        number(5, 60, "Firing of a pixel for each of 16 grey levels", "data", "Hz", label="pixel rate", main=True),
    ] = 30.0,
    n_train: Annotated[
        int, number(60, 1300, "Training images; a third as many are tested", "data", label="training images")
    ] = 900,
    epochs: Annotated[
        int, number(1, 3, "How often each training image is shown", "data", label="passes over images")
    ] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A digit classifier that learns by symmetric STDP, tested twelve times on the way; the last test is the full one.

    `acc_supervised` and `acc_vote` are the shares of test images that the class neurons name, and that the excitatory
    neurons name by vote; `raster` says who spikes at one test image, if it is shown with the teacher (on copies) and if
    it is tested.
    """
    data = digits_split(n_train, n_train // 3, [seed, 0])
    labels, right = data.y_train.argmax(1), data.y_test.argmax(1)
    learn, test = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    knobs = dict(rate=rate, rule=stdp, scale1=scale1, alpha=alpha, inhibition=inhibition)
    net, total, n_test = start(N_E, learn), n_train * epochs, len(right)
    counts, log = np.zeros((total, N_E), np.int64), []
    stops = np.unique(np.linspace(0, total, 13).astype(int))
    for first, last in zip(stops, stops[1:], strict=False):
        order = np.arange(first, last) % n_train
        counts[first:last] = present(net, data.x_train[order], labels[order], learn, True, **knobs)[0]
        seen = n_test if last == total else min(60, n_test)
        # no label goes into a test
        tested, spoken, _ = present(net, data.x_test[:seen], np.zeros(seen, np.int64), test, False, **knobs)
        past = np.arange(max(0, last - n_train), last)
        vote = votes(counts[past], labels[past % n_train], tested)
        log.append([last, (answers(spoken) == right[:seen]).mean(), (vote == right[:seen]).mean()])
        copy = Network(*(part.copy() for part in net))
        rasters = [present(copy, data.x_test[:1], right[:1], test, taught, **knobs)[2] for taught in (True, False)]
        images, supervised, voted = np.array(log).T
        yield LEARNING(
            dict(
                images=images,
                acc_supervised=supervised,
                acc_vote=voted,
                w1=net.w1.T.reshape(-1, 8, 8).copy(),
                w2=net.w2.copy(),
                theta=net.theta.copy(),
                raster=np.stack(rasters),
            ),
            f"After {last} images the class neurons name {supervised[-1]:.0%} of {seen} new digits; "
            f"{(spoken.max(1) == 0).mean():.0%} get no answer, and guessing gets 10%. A vote of the neurons below "
            f"names {voted[-1]:.0%}. Each image makes {tested.sum(1).mean():.0f} spikes there.",
            float(last / total),
            label=int(right[0]),
            total=total,
        )
