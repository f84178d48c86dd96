"""What one neuron says of two pixels, where a painted template is found, and digits read by each kind of filter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.data import digits_split
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.batches import digit_batches
from labcore.primitives.runs.one_thread import one_thread
from labcore.words import differ, plain

from .distances import nearest_patch
from .layers import DISTANCES, OPERATORS, Operator, patches, score
from .network import train

WORDS = {
    "dot": "dot product",
    "polynomial": "square of a dot product",
    "sine": "sine of a dot product",
    "L1": "L1 distance",
    "L2": "L2 distance",
    "gauss": "Gaussian kernel",
}
What = Annotated[
    Operator, choice("What a filter does with a patch", "filter", label="a filter computes", words=WORDS, main=True)
]
CELLS = 61

SURFACE = Frame(
    row=axis("second pixel"),
    column=axis("first pixel"),
    said=var("row column", "the neuron's answer"),
    pair=axis("pair of pixels"),
    pair_x=var("pair", "first pixel"),
    pair_y=var("pair", "second pixel"),
    pixel=axis("pixel"),
    liked=var("pixel", "the pair with the largest answer"),
)


@experiment(frame=SURFACE)
def surface(
    operator: What = "L1",
    t_x: Annotated[
        float,
        number(-1, 1, "First pixel of the template, or first weight", "filter", label="first pixel t₁", main=True),
    ] = 0.3,
    t_y: Annotated[
        float,
        number(-1, 1, "Second pixel of the template, or second weight", "filter", label="second pixel t₂", main=True),
    ] = 0.2,
    a_x: Annotated[
        float,
        number(
            0.1,
            10,
            "Scale of the first pixel",
            "filter",
            scale="log",
            label="first scale a₁",
            operator=["L1", "L2", "gauss"],
        ),
    ] = 1.0,
    a_y: Annotated[
        float,
        number(
            0.1,
            10,
            "Scale of the second pixel",
            "filter",
            scale="log",
            label="second scale a₂",
            operator=["L1", "L2", "gauss"],
        ),
    ] = 2.0,
    pairs: Annotated[int, number(5, 300, "Neighbouring pixels of digits", "data", label="pairs shown")] = 60,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One neuron's answer to every pair of two pixels, -1 paper and 1 ink; one frame.

    A product's weights are three times the template's place. `pair_x` and `pair_y` are neighbouring pixels of digits.
    """
    place = np.linspace(-1, 1, CELLS)
    p = np.stack(np.meshgrid(place, place), -1).reshape(-1, 2)
    w, a = np.array([[t_x, t_y]]) * (1 if operator in DISTANCES else 3), np.array([[a_x, a_y]])
    said = _score(operator, p, w, a)[:, 0]
    rng = np.random.default_rng(seed)
    ink = 2 * digits_split(300, 300, seed).x_train.reshape(300, 8, 8) - 1
    i, row, column = rng.integers(300, size=pairs), rng.integers(8, size=pairs), rng.integers(7, size=pairs)
    shown = np.stack([ink[i, row, column], ink[i, row, column + 1]], 1)
    liked = shown[int(_score(operator, shown, w, a)[:, 0].argmax())]
    places = w if operator in DISTANCES else p  # a distance is largest at its template, which may lie between cells
    answers = _score(operator, places, w, a)[:, 0]
    best, largest = places[int(answers.argmax())], float(answers.max())
    grows = operator in ("dot", "polynomial") and bool(w.any())
    where = "at the edge: it would go on growing" if grows else f"at ({best[0]:.2g}, {best[1]:.2g})"
    where = where if np.ptp(said) > 1e-9 else "everywhere"
    yield SURFACE(
        dict(
            row=place,
            column=place,
            said=said.reshape(CELLS, CELLS),
            pair_x=shown[:, 0],
            pair_y=shown[:, 1],
            liked=liked,
            pixel=np.arange(2),
        ),
        f"The largest answer, {plain(round(largest, 6), '.2g')}, is {where}. Of {pairs} pairs of pixels from "
        f"digits the neuron likes ({plain(liked[0], '.2g')}, {plain(liked[1], '.2g')}) best.",
        1.0,
    )


def _score(operator: Operator, p: np.ndarray, w: np.ndarray, a: np.ndarray) -> np.ndarray:
    p, w, a = (torch.tensor(v, dtype=torch.float64) for v in (p, w, a))
    return score(operator, p, w, torch.zeros(len(w), dtype=torch.float64), a).numpy()


Rival = Literal["L1", "L2", "gauss"]
RIVALS = {name: WORDS[name] for name in DISTANCES}
FOUND = Frame(
    row=axis("row"),
    column=axis("column"),
    picture=var("row column", "ink"),
    filter_row=axis("row of the template"),
    filter_column=axis("column of the template"),
    template=var("filter_row filter_column", "ink"),
    kind=axis("filter", values=("dot product", "distance")),
    top=axis("row of a patch"),
    left=axis("column of a patch"),
    said=var("kind top left", "answer"),
    best=var("kind", "patch with the largest answer"),
    unlike=var("kind", "mean difference of a pixel there from the template"),
    nearest=var("", "smallest mean difference of any patch"),
)


@experiment(frame=FOUND)
def find(
    brightness: Annotated[float, number(0, 0.6, "Added to every pixel", "picture", label="ink added", main=True)] = 0.0,
    picture: Annotated[int, number(0, 499, "Which picture of a digit", "picture", label="picture", main=True)] = 12,
    operator: Annotated[Rival, choice("Beside the dot product", "filter", label="distance", words=RIVALS)] = "L1",
    p1: Annotated[float, number(0, 1, "Of the template", "template", label="row 1, column 1")] = 0.0,
    p2: Annotated[float, number(0, 1, "Of the template", "template", label="row 1, column 2")] = 0.0,
    p3: Annotated[float, number(0, 1, "Of the template", "template", label="row 1, column 3")] = 0.0,
    p4: Annotated[float, number(0, 1, "Of the template", "template", label="row 2, column 1")] = 0.0,
    p5: Annotated[float, number(0, 1, "Of the template", "template", label="row 2, column 2")] = 1.0,
    p6: Annotated[float, number(0, 1, "Of the template", "template", label="row 2, column 3")] = 0.0,
    p7: Annotated[float, number(0, 1, "Of the template", "template", label="row 3, column 1")] = 0.0,
    p8: Annotated[float, number(0, 1, "Of the template", "template", label="row 3, column 2")] = 0.0,
    p9: Annotated[float, number(0, 1, "Of the template", "template", label="row 3, column 3")] = 0.0,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Where a painted 3 x 3 template is found on a digit, by its dot product and by a distance; one frame."""
    template = np.array([p1, p2, p3, p4, p5, p6, p7, p8, p9])
    image = digits_split(500, 500, seed).x_train[picture].reshape(8, 8) + brightness
    p = patches(torch.tensor(image[None, None]), 3)[0].numpy()
    kinds = ("dot", operator)
    found = [_score(kind, p, template[None], np.ones((1, 9)))[:, 0] for kind in kinds]
    best = [int(np.argmax(v.round(12))) for v in found]
    unlike = [float(np.abs(p[k] - template).mean()) for k in best]
    nearest = float(np.abs(p - template).mean(1).min())
    yield FOUND(
        dict(
            picture=image,
            template=template.reshape(3, 3),
            top=np.arange(6),
            left=np.arange(6),
            row=np.arange(8),
            column=np.arange(8),
            filter_row=np.arange(3),
            filter_column=np.arange(3),
            said=np.reshape(found, (2, 6, 6)),
            best=np.array(best),
            unlike=np.array(unlike),
            nearest=nearest,
        ),
        f"Where the dot product is largest, pixels differ from the template by {unlike[0]:.2f} on average; where the "
        f"distance answers most, by {unlike[1]:.2f}. The patch most like it differs by {nearest:.2f}.",
        1.0,
    )


TRAINED = Frame(
    step=axis("training step"),
    accuracy=var("step", "right on new digits"),
    filter=axis("filter"),
    row=axis("row"),
    column=axis("column"),
    weight=var("filter row column", "template, or weight"),
    scale=var("filter row column", "scale a"),
    shown=axis("place"),
    patch=var("filter shown", "the training patch with the largest answer"),
    looks=var("", "share of filters whose best patch is the nearest one"),
)
FILTERS = Annotated[int, number(4, 32, "Of the first layer; the second has twice as many", "network", label="filters")]
RATE = Annotated[float, number(1e-3, 2e-2, "Of Adam", "training", scale="log", label="learning rate", main=True)]


@experiment(frame=TRAINED, quick=dict(steps=40, every=20))
@one_thread
def learn(
    operator: What = "L1",
    filters: FILTERS = 8,
    k: Annotated[int, number(2, 4, "Pixels along a side", "network", label="filter width")] = 3,
    rate: RATE = 5e-3,
    steps: Annotated[int, number(20, 600, "Batches of 64", "training", label="training steps", main=True)] = 300,
    every: Annotated[int, number(5, 100, "Steps between two pictures", "training", label="steps a picture")] = 20,
    frozen: Annotated[bool, choice("Templates stay as they began", "training", label="templates are frozen")] = False,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The filters of the first layer as they learn, and the patch of 200 training digits that each likes best."""
    data = digit_batches([[seed, 0]], steps)
    p = patches(data.x[0, :200].view(-1, 1, 8, 8), k).flatten(0, 1)
    course, power = [], 1 if operator == "L1" else 2
    for step, net, right in train(
        operator, data, np.random.default_rng([seed, 1]), filters=filters, k=k, rate=rate, steps=steps, every=every,
        frozen=frozen,
    ):  # fmt: skip
        course.append((step, right))
        w, a = net.first.w.detach(), net.first.scales.detach()
        with torch.no_grad():
            best = score(operator, p, w, net.first.b, a).argmax(0).numpy()
        scaled = a.double().numpy() if operator in DISTANCES else np.ones(w.shape)
        near = [nearest_patch(p.double().numpy(), w[f].double().numpy(), scaled[f], power) for f in range(filters)]
        same = np.mean([bool(torch.allclose(p[i], p[j])) for i, j in zip(best, near, strict=True)])
        whose = "its template" if operator in DISTANCES else "its weights"
        yield TRAINED(
            dict(
                step=np.array([s for s, _ in course]),
                accuracy=np.array([r for _, r in course]),
                filter=np.arange(filters),
                row=np.arange(k),
                column=np.arange(k),
                weight=w.double().numpy().reshape(filters, k, k),
                scale=scaled.reshape(filters, k, k),
                shown=np.arange(k * k),
                patch=p[best].double().numpy(),
                looks=float(same),
            ),
            f"After {step} steps the network reads {right:.1%} of new digits. For {same:.0%} of its filters the patch "
            f"with the largest answer is the one nearest to {whose}.",
            step / steps,
        )


CONTEST = Frame(
    operator=axis("filters", values=OPERATORS),
    step=axis("training step"),
    repeat=axis("repetition"),
    accuracy=var("operator step repeat", "right on new digits"),
)
LOOKS = 12  # times that the networks are tested on the way


@experiment(quick=dict(steps=24, n_seeds=1), frame=CONTEST)
@one_thread
def contest(
    filters: FILTERS = 8,
    rate: RATE = 5e-3,
    steps: Annotated[int, number(20, 600, "Batches of 64", "training", label="training steps", main=True)] = 300,
    frozen: Annotated[bool, choice("Templates stay as they began", "training", label="templates are frozen")] = False,
    n_seeds: Annotated[int, number(1, 10, "Splits and starts", "data", label="repetitions")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Accuracy of each kind of filter in the same network, as all of them learn; a frame a look at them.

    The networks of a repetition see the same images in the same order.
    """
    every = max(1, steps // LOOKS)
    runs = [
        train(operator, data, np.random.default_rng([seed, r, 1]), filters=filters, k=3, rate=rate, steps=steps,
              every=every, frozen=frozen)
        for r, data in ((r, digit_batches([[seed, r]], steps)) for r in range(n_seeds))
        for operator in OPERATORS
    ]  # fmt: skip
    shown: list[int] = []
    course: list[np.ndarray] = []
    for together in zip(*runs, strict=True):
        step = together[0][0]
        shown.append(step)
        course.append(np.reshape([right for *_, right in together], (n_seeds, len(OPERATORS))).T)
        accuracy, mean = course[-1], course[-1].mean(1)
        first, *_, last = np.argsort(-mean)
        told = "more than chance" if differ(accuracy[first], accuracy[last]) else "no more than chance may do"
        judged = f": over {n_seeds} repetitions that is {told}" if n_seeds > 1 else ""
        yield CONTEST(
            dict(step=np.array(shown), accuracy=np.stack(course, 1)),
            f"After {step} steps between {mean[first]:.1%} of new digits ({WORDS[OPERATORS[first]]}) and "
            f"{mean[last]:.1%} ({WORDS[OPERATORS[last]]}){judged}.",
            step / steps,
        )
