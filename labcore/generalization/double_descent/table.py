"""The errors over the width with a table of your own: the rows are seen through random ReLU features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, number
from labcore.tables import Table, of_table, split

from . import spectral_bank, view
from .experiments import BY_WIDTH
from .feature_regression import Source, cell
from .mechanism import filters
from .nested_widths import decompose
from .random_features import features, random_layer
from .spike import spike
from .widths import cells_of

LOUDEST = 2.0


@of_table(view.model_wise, BY_WIDTH, dict(n_seeds=2))
def model_wise(
    table: Table,
    *,
    method: Annotated[
        Literal["exact", "ridge", "gd"],
        choice("exact: trained for ever; ridge: with a penalty; gd: full batches", label="training method"),
    ] = "exact",
    steps: Annotated[
        int, number(10, 10**7, "Training length", unit="steps", label="training steps", method=["gd"])
    ] = 100_000,
    ridge: Annotated[float, number(1e-8, 10, "Penalty on |w|^2", label="ridge λ", main=True, method=["ridge"])] = 1e-3,
    label_noise: Annotated[
        float,
        number(0, LOUDEST, "Noise added to the training targets, in their spread", label="label noise", main=True),
    ] = 0.15,
    n_train: Annotated[int, number(20, 200, "Rows it trains on", label="training rows n", main=True)] = 100,
    look_at: Annotated[
        float,
        number(0.05, 8, "Parameters / rows of the model in the mode view", scale="log", label="look inside at p/n"),
    ] = 1.0,
    n_seeds: Annotated[int, number(1, 20, "Independent repetitions", label="repetitions")] = 5,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Test and training error over the width p, at n rows of your table. The last column is the target.

    Columns are scaled to mean 0 and standard deviation 1 over the training rows, so that an error of 1 is a guess. Each
    repetition draws other rows and features; up to 1000 of the rows that are left are the test.
    """
    cells = cells_of(n_train)
    ratio = np.array([p / n for n, p in cells])
    look, widest = int(np.argmin(np.abs(np.log(ratio / look_at)))), cells[-1][1]
    scores, conditions, modes = [], [], {}
    for repeat in range(n_seeds):
        rng = [np.random.default_rng([seed, repeat, k]) for k in range(2)]
        rows = split(table, n_train, [seed, repeat, 2])
        layer = random_layer(widest, rows.x.shape[1], rng[0])
        z, ze = (features(x, layer, "relu") for x in (rows.x, rows.x_test))
        clean = rows.y[:, None]
        source = Source(z, clean, (ze, rows.y_test[:, None]), None, np.zeros((widest, 1)), "numbers")
        fits = spectral_bank.bank(decompose([cell(source, n, p, "raw") for n, p in cells]))
        y = clean + label_noise * rng[1].standard_normal(clean.shape)
        phi = filters(method, fits, steps, 1.0, ridge)
        scores.append(spectral_bank.evaluate(fits, y, phi))
        conditions.append(fits.condition)
        if not modes:
            seen = slice(*fits.offset[look : look + 2])
            cost = np.abs(fits.ut[seen] @ (y - clean))[:, 0] / fits.s[seen]
            modes = dict(s=fits.s[seen], phi=phi[seen], cost=cost)
        test, train, norm = map(np.array, zip(*scores))
        when = {"exact": "Trained for ever", "ridge": f"With ridge {ridge:.3g}"}.get(method, f"After {steps} steps")
        yield BY_WIDTH(
            dict(
                test=test,
                train=train,
                cond=conditions,
                weight_norm=norm,
                ratio=ratio,
                p=[p for _, p in cells],
                **modes,
            ),
            f"{when} on {n_train} rows of your table, {spike(ratio, test, train)}",
            (repeat + 1) / n_seeds,
            look_at=float(ratio[look]),
            n_train=n_train,
            step=steps,
        )
