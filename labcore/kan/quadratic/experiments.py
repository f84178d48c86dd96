"""One quadratic neuron under the hand, networks that learn shapes, and the map of what collapses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Bool, Float, Int
from torch import Tensor

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.digits.stacked import stacked_digits

from .mechanism import Array, Widths, initial, layers, network, quadratic_layer, relinear_step
from .plane_shapes import best_line, conic, plane_shape

Strategy = Literal["slow", "l2", "l1"]
WINDOW = np.linspace(-1.5, 1.5, 61)
GLANCE = 200  # of the 797 test digits, those that give the accuracy on the way


def _grid() -> Float[Array, "points 2"]:
    return np.stack(np.meshgrid(WINDOW, WINDOW), -1).reshape(-1, 2)


PLANE = dict(x1=axis("first input", values=WINDOW), x2=axis("second input", values=WINDOW))
POINTS = dict(
    sample=axis("sample"),
    px=var("sample", "first input of the samples"),
    py=var("sample", "second input of the samples"),
    label=var("sample", "class of the samples"),
)
NEURON = Frame(
    **PLANE,
    **POINTS,
    value=var("x2 x1", "output of the quadratic neuron"),
    linear=var("x2 x1", "output of the linear neuron"),
)


def _points(points: Float[Array, "sample 2"], label: Int[Array, " sample"]) -> dict[str, Array]:
    return dict(px=points[:, 0], py=points[:, 1], label=label)


@experiment(quick=dict(w_b1=-2.0, w_b2=-2.0, c=1.3), frame=NEURON)
def neuron(
    w_b1: Annotated[float, number(-3, 3, "Weight of x1 squared", "squares", label="weight of x1 squared w_b1")] = 0.0,
    w_b2: Annotated[float, number(-3, 3, "Weight of x2 squared", "squares", label="weight of x2 squared w_b2")] = 0.0,
    c: Annotated[float, number(-3, 3, "Constant", "squares", label="constant c")] = 0.0,
    w_g1: Annotated[
        float,
        number(
            -3,
            3,
            "Weight of x1 in the second linear form, which multiplies the first",
            "second form",
            label="second weight of x1 w_g1",
        ),
    ] = 0.0,
    w_g2: Annotated[
        float,
        number(
            -3,
            3,
            "Weight of x2 in the second linear form, which multiplies the first",
            "second form",
            label="second weight of x2 w_g2",
        ),
    ] = 0.0,
    b_g: Annotated[
        float, number(-3, 3, "Constant of the second linear form", "second form", label="second constant b_g")
    ] = 1.0,
    w_r1: Annotated[
        float, number(-3, 3, "Weight of x1, as in any neuron", "first form", label="weight of x1 w_r1")
    ] = 1.0,
    w_r2: Annotated[
        float, number(-3, 3, "Weight of x2, as in any neuron", "first form", label="weight of x2 w_r2")
    ] = 0.6,
    b_r: Annotated[float, number(-3, 3, "Constant, as in any neuron", "first form", label="constant b_r")] = 0.0,
    data: Annotated[
        Literal["rings", "xor"],
        choice(
            "Two rings, or four clouds of which opposite ones match",
            "data",
            label="data",
            words={"rings": "two rings", "xor": "four clouds (xor)"},
        ),
    ] = "rings",
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One quadratic neuron by hand: z = (w_r.x + b_r)(w_g.x + b_g) + w_b.(x*x) + c, class 1 where z > 0. One frame.

    value (x2, x1) is z and linear (x2, x1) is w_r.x + b_r alone. 400 samples (px, py, label).
    """
    points, label = plane_shape(data, 400, 0.08, np.random.default_rng(seed))
    w_r, w_g, w_b = np.array([w_r1, w_r2]), np.array([w_g1, w_g2]), np.array([w_b1, w_b2])

    def z(x: Array) -> Array:
        return (x @ w_r + b_r) * (x @ w_g + b_g) + (x * x) @ w_b + c

    right, line = float(((z(points) > 0) == label).mean()), best_line(points, label)
    yield NEURON(
        dict(
            value=z(_grid()).reshape(len(WINDOW), -1),
            linear=(_grid() @ w_r + b_r).reshape(len(WINDOW), -1),
            **_points(points, label),
        ),
        f"The boundary is {conic(w_r, b_r, w_g, b_g, w_b, c)}. It puts {right:.1%} of the 400 points on "
        f"the right side. The best straight line gets {line:.1%}.",
        accuracy=right,
        best_line=line,
    )


REGIONS = Frame(
    **PLANE,
    **POINTS,
    model=axis("network"),
    repeat=axis("repetition"),
    time=axis("training time", "steps"),
    accuracy=var("model repeat time", "share of test points classified correctly"),
    value=var("model x2 x1", "output of the network, repeat 0"),
    regions=var("model", "activation patterns of the hidden layer in the window"),
)


@experiment(quick=dict(n_seeds=2, steps=200), frame=REGIONS)
def shapes(
    gamma: Annotated[
        float,
        number(
            1e-3,
            1,
            "How fast quadratic terms learn, as a share of the learning rate",
            "training",
            label="quadratic rate γ",
            main=True,
        ),
    ] = 0.1,
    hidden: Annotated[
        int,
        number(
            0, 16, "Hidden neurons; 0 is a single neuron and nothing else", "network", label="hidden neurons", main=True
        ),
    ] = 0,
    data: Annotated[
        Literal["rings", "spiral", "xor"],
        choice(
            "The shape to learn",
            "data",
            label="shape to learn",
            main=True,
            words={"rings": "two rings", "spiral": "two spirals", "xor": "four clouds (xor)"},
        ),
    ] = "rings",
    start: Annotated[
        Literal["relinear", "random"],
        choice(
            "relinear: every neuron starts linear; random: all terms random",
            "training",
            label="start of weights",
            words={"relinear": "as linear neurons", "random": "at random"},
        ),
    ] = "relinear",
    lr: Annotated[float, number(0.01, 1, "Learning rate", "training", scale="log", label="learning rate")] = 0.1,
    steps: Annotated[
        int, number(100, 5000, "Full-batch gradient steps", "training", unit="steps", label="training steps")
    ] = 1500,
    noise: Annotated[
        float, number(0, 0.3, "Spread of the points, standard deviation", "data", label="spread of points")
    ] = 0.08,
    n_seeds: Annotated[
        int, number(1, 10, "Repetitions, each with its own points and weights", "runs", label="repetitions")
    ] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A quadratic network against linear neurons in the same structure and in the same number of parameters.

    400 training and 400 test points, logistic loss. Frames arrive while it trains; value (model, x2, x1) and the points
    are those of repeat 0; regions counts its activation patterns in the window. A network that diverges scores 0.
    """
    quadratic = (2, hidden, 1) if hidden else (2, 1)
    equal = (2, 3 * hidden, 1) if hidden else (2, 2, 1)  # 12 h + 3 against 4 (3 h) + 1; 9 against 9
    nets = {"quadratic": (quadratic, gamma), "linear": (quadratic, 0.0), "linear, as many parameters": (equal, 0.0)}
    rngs = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    sets = [plane_shape(data, 800, noise, g) for g in rngs]
    x, y = (torch.as_tensor(np.stack(part), dtype=torch.float32) for part in zip(*sets))
    x, x_test, y, y_test = x[:, :400], x[:, 400:], y[:, :400], y[:, 400:]
    grid = torch.as_tensor(_grid(), dtype=torch.float32)[None]
    flats, velocities = [], []
    for widths, rate in nets.values():
        draws = [np.random.default_rng([seed, i, 1]) for i in range(n_seeds)]
        flat = torch.stack([initial(widths, g, rate == 0 or start == "relinear") for g in draws])
        flats.append(flat.requires_grad_())
        velocities.append(torch.zeros_like(flat))
    rates = [torch.full((n_seeds,), lr) for _ in nets]
    zero, died = torch.zeros(n_seeds), np.zeros((len(nets), n_seeds), int)
    every, times, scores = max(1, steps // 40), [], []
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            times.append(step)
            accuracy, values, regions = [], [], []
            for k, (flat, (widths, _)) in enumerate(zip(flats, nets.values())):
                with torch.no_grad():
                    right = ((network(flat, x_test, widths)[..., 0] > 0) == (y_test > 0.5)).double().mean(1).numpy()
                    value = network(flat[:1], grid, widths)[0, :, 0].double().numpy()
                    first = next(layers(flat[:1], widths))
                    patterns = (quadratic_layer(grid, *first)[0] > 0).numpy() if len(widths) > 2 else np.ones((1, 1))
                accuracy.append(np.where(died[k] > 0, 0.0, right))
                values.append(np.clip(np.nan_to_num(value), -1e6, 1e6).reshape(len(WINDOW), -1))
                regions.append(len(np.unique(patterns @ 2.0 ** np.arange(patterns.shape[1]))))
            scores.append(accuracy)
            yield _shapes_frame(list(nets), times, scores, values, regions, died, sets[0], step / steps)
        for k, (flat, velocity, (widths, rate)) in enumerate(zip(flats, velocities, nets.values())):
            loss = F.binary_cross_entropy_with_logits(network(flat, x, widths)[..., 0], y, reduction="none").mean(1)
            lost = ~torch.isfinite(loss.detach())
            relinear_step(flat, velocity, loss, widths, rates[k], torch.full((n_seeds,), rate), zero, zero)
            _stop(lost, flat, velocity, rates[k], died[k], step + 1)


def _stop(
    lost: Bool[Tensor, " M"],
    flat: Float[Tensor, "M P"],
    velocity: Float[Tensor, "M P"],
    rate: Float[Tensor, " M"],
    died: Int[Array, " M"],
    step: int,
) -> None:
    """Networks whose loss is no number any more are set to zero and rest; `died` keeps the step."""
    if lost.any():
        with torch.no_grad():
            flat[lost], velocity[lost], rate[lost] = 0.0, 0.0, 0.0
        died[lost.numpy() & (died == 0)] = step


def _shapes_frame(names, times, scores, values, regions, died, first, progress) -> xr.Dataset:
    accuracy = np.array(scores).transpose(1, 2, 0)
    mean = accuracy[:, :, -1].mean(1)
    told = ", ".join(f"{name} {score:.1%}" for name, score in zip(names, mean))
    gone = (
        f" {int((died[0] > 0).sum())} quadratic networks diverged, first at step {died[0][died[0] > 0].min()}."
        if died[0].any()
        else ""
    )
    return REGIONS(
        dict(
            model=names,
            time=times,
            accuracy=accuracy,
            value=values,
            regions=regions,
            **_points(first[0][:400], first[1][:400]),
        ),
        f"After {times[-1]} steps the test accuracy is: {told}.{gone}",
        progress,
    )


MAP = Frame(
    depth=axis("hidden layers", "layers", start=1),
    way=axis("way to train"),
    repeat=axis("repetition"),
    time=axis("training time", "steps"),
    layer=axis("layer", start=1),
    accuracy=var("depth way repeat", "share of test digits read correctly"),
    died=var("depth way repeat", "step at which the loss was no finite number", "steps"),
    loss=var("way time", "training loss"),
    quad_norm=var("way layer", "size of the quadratic terms, over the linear ones"),
)


@experiment(quick=dict(depth=2, n_seeds=1, n_train=500, steps=100), frame=MAP)
def collapse(
    gamma: Annotated[
        float,
        number(
            1e-3,
            1,
            "Quadratic terms learn this much slower; a tenth of it is tried too",
            "training",
            label="quadratic rate γ",
            strategy=["slow"],
        ),
    ] = 0.1,
    depth: Annotated[
        int,
        number(
            1,
            8,
            "Hidden layers of the deepest network; all up to it are trained",
            "network",
            "layers",
            label="hidden layers L",
        ),
    ] = 6,
    lr: Annotated[float, number(0.002, 0.1, "Learning rate", "training", scale="log", label="learning rate")] = 0.02,
    strategy: Annotated[
        Strategy,
        choice(
            "slow: smaller steps for quadratic terms; l2, l1: a penalty on them instead",
            "training",
            label="what tames them",
            words={"slow": "small steps γ", "l2": "penalty on squares (l2)", "l1": "penalty on sizes (l1)"},
        ),
    ] = "slow",
    penalty: Annotated[
        float,
        number(
            1e-3,
            10,
            "Strength of the penalty; ten times as much is tried too",
            "training",
            label="penalty strength",
            strategy=["l2", "l1"],
        ),
    ] = 0.1,
    steps: Annotated[
        int,
        number(50, 1000, "Steps of SGD with momentum 0.9, batches of 64", "training", "steps", label="training steps"),
    ] = 300,
    n_train: Annotated[int, number(100, 1000, "Training digits", "data", label="training digits")] = 1000,
    n_seeds: Annotated[
        int, number(1, 5, "Repetitions, each with its own digits and weights", "runs", label="repetitions")
    ] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Digits, [64, 24 x depth, 10], every depth in five ways: random start, ReLinear three times, and linear neurons.

    accuracy and died (depth, way, repeat): test accuracy, and the step at which the loss was no finite number (0 if
    never; such a network scores 0). loss (way, time): of the deepest network, repeat 0, held from its last finite value
    on. quad_norm (way, layer): its |quadratic parameters away from linear neurons| / |linear ones|, 0 once diverged.
    """
    brake = "\u03b3 = {:.3g}" if strategy == "slow" else strategy + " = {:.3g}"
    strengths = (1.0, gamma, gamma / 10) if strategy == "slow" else (0.0, penalty, 10 * penalty)
    ways = ["random start, \u03b3 = 1", *(brake.format(s) for s in strengths), "linear neurons"]
    ways = [f"{w} (again)" if w in ways[:k] else w for k, w in enumerate(ways)]
    slow = [1.0, *(strengths if strategy == "slow" else (1.0, 1.0, 1.0)), 0.0]
    held = [0.0, *(strengths if strategy != "slow" else (0.0, 0.0, 0.0)), 0.0]

    def each(values: Sequence[float]) -> Tensor:
        return torch.tensor(values).repeat_interleave(n_seeds)  # networks are ordered way by way, repeat by repeat

    factor, hold, none = each(slow), each(held), torch.zeros(5 * n_seeds)
    x, y, x_test, y_test = stacked_digits(n_train, 797, [[seed, i] for i in range(n_seeds)], span=(-1.0, 1.0))
    batches = [np.random.default_rng([seed, i, 2]) for i in range(n_seeds)]
    shape = [(64, *[24] * d, 10) for d in range(1, depth + 1)]
    flats, velocities, rates = [], [], []
    for widths in shape:
        starts = [
            [initial(widths, np.random.default_rng([seed, i, 1]), w > 0) for i in range(n_seeds)] for w in range(5)
        ]
        flats.append(torch.stack([f for row in starts for f in row]).requires_grad_())
        velocities.append(torch.zeros_like(flats[-1]))
        rates.append(torch.full((5 * n_seeds,), lr))
    died, losses, times = np.zeros((depth, 5 * n_seeds), int), [], []

    def accuracy(samples: int) -> Float[Array, "depth way repeat"]:
        out = []
        for k, (flat, widths) in enumerate(zip(flats, shape)):
            with torch.no_grad():
                logits = network(flat, x_test[:, :samples].repeat(5, 1, 1), widths)
            right = (logits.argmax(2) == y_test[:, :samples].repeat(5, 1)) & torch.isfinite(logits).all(2)
            out.append(np.where(died[k] > 0, 0.0, right.double().mean(1).numpy()))
        return np.array(out).reshape(depth, 5, n_seeds)

    every = max(1, steps // 50)
    for step in range(1, steps + 1):
        rows = torch.as_tensor(np.stack([g.integers(0, n_train, 64) for g in batches]))
        run = torch.arange(n_seeds)[:, None]
        bx, by = x[run, rows].repeat(5, 1, 1), y[run, rows].repeat(5, 1)
        for k, (flat, widths) in enumerate(zip(flats, shape)):
            logits = network(flat, bx, widths)
            loss = F.cross_entropy(logits.flatten(0, 1), by.flatten(), reduction="none").view(by.shape).mean(1)
            l2, l1 = (hold if strategy == name else none for name in ("l2", "l1"))
            relinear_step(flat, velocities[k], loss, widths, rates[k], factor, l2, l1)
            _stop(~torch.isfinite(loss.detach()), flat, velocities[k], rates[k], died[k], step)
        now = loss.detach().double().numpy()[::n_seeds]
        losses.append(np.where(died[-1, ::n_seeds] > 0, losses[-1] if losses else 1e30, np.nan_to_num(now)))
        times.append(step)
        if step % every == 0 or step == steps:
            score = accuracy(797 if step == steps else GLANCE)
            norms = _quadratic_norms(flats[-1], shape[-1])[::n_seeds]
            yield _collapse_frame(
                ways, score, died.reshape(depth, 5, n_seeds).copy(), losses, times, norms, step / steps
            )


def _quadratic_norms(flat: Float[Tensor, "M P"], widths: Widths) -> Float[Array, "M L"]:
    """How large the quadratic terms of each layer are."""
    norms = []
    with torch.no_grad():
        for w_r, b_r, w_g, b_g, w_b, c in layers(flat.double(), widths):
            away = (w_g**2).sum((1, 2)) + ((b_g - 1) ** 2).sum((1, 2)) + (w_b**2).sum((1, 2)) + (c**2).sum((1, 2))
            size = (w_r**2).sum((1, 2)) + (b_r**2).sum((1, 2))
            norms.append(torch.where(size > 0, (away / size.clamp(min=1e-300)).sqrt(), 0.0).numpy())
    return np.clip(np.nan_to_num(np.stack(norms, 1)), 0, 1e6)


def _collapse_frame(ways, score, died, losses, times, norms, progress) -> xr.Dataset:
    depth = len(score)
    lost, repeats = (died[-1] > 0).sum(1), died.shape[2]
    told = "; ".join(
        f"{way}: {lost[k]} of {repeats} diverged" if lost[k] else f"{way}: accuracy {score[-1, k].mean():.1%}"
        for k, way in enumerate(ways)
    )
    return MAP(
        dict(
            way=ways,
            time=times,
            accuracy=score,
            died=died,
            loss=np.clip(np.array(losses).T, 0, 1e30),
            quad_norm=norms,
        ),
        f"After {times[-1]} steps, with {depth} hidden layers, where outputs of quadratic neurons are piecewise "
        f"polynomials of degree {2 ** (depth + 1)} in the pixels: {told}.",
        progress,
    )
