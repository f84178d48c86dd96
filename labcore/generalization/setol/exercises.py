"""Questions of the lesson that `setol` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .experiments import training
from .spectrum import pareto_share


@exercise(
    "A layer has 1000 eigenvalues, drawn from a power law with α = 3. How many of them lie above the volume cut? An "
    "answer within a twentieth is right.",
    asked("eigenvalues above the cut", 0, 1000),
    hint=(
        "With a = α - 1 the largest share f of the eigenvalues lies above f^(-1/a), and there the mean logarithm is "
        "1/a more than the logarithm of that.",
        "The mean of all is a / (a - 1). Set ln f^(-1/a) + 1/a - ln(a / (a - 1)) to 0.",
    ),
)
def above_the_cut(count: int, seed: int) -> bool | str:
    exact = 1000 * pareto_share(3.0)
    if abs(count / exact - 1) < 0.05:
        return True
    return "The mean of all eigenvalues has to be 1 first." if abs(count / 1000 - 1) < 0.05 else False


@exercise(
    "With 10 epochs and batches of 8, which learning rate η makes the straight line and the volume cut begin at the "
    "same eigenvalue, to a tenth of their number?",
    training.parameters["eta"],
    hint="Larger steps make the tail longer and the cut shorter. At η = 0.3 the cut is still a little ahead.",
)
def where_tails_meet(eta: float, seed: int) -> bool | str:
    frame = training.run(eta=eta, epochs=10, seed=seed).isel(epoch=-1)
    n, erg = int(frame.n), int(frame.erg_n)
    if abs(np.log(erg / n)) < 0.1:
        return True
    return f"With this rate the power law holds {n} eigenvalues and the cut {erg}."
