"""Questions of the lesson that `generalized_convolution` answers, and their checkers."""

from __future__ import annotations

import numpy as np
import torch

from labcore.exercises import asked, exercise

from .layers import score


@exercise(
    "A filter measures the L1 distance with the template (0.2, 0.8), the scales (2, 1) and the bias 0. What does it "
    "answer to the patch (0.5, 0.5)?",
    asked("answer", -10.0, 10.0),
    hint=("Its answer is the bias minus the sum of $a_j |p_j - t_j|$.", "Both pixels differ by 0.3."),
)
def an_answer(answer: float, seed: int) -> bool | str:
    p, t, a = (torch.tensor([v], dtype=torch.float64) for v in ((0.5, 0.5), (0.2, 0.8), (2.0, 1.0)))
    said = float(score("L1", p, t, torch.zeros(1, dtype=torch.float64), a)[0, 0])
    if abs(answer - said) < 0.01:
        return True
    if abs(answer + said) < 0.01:
        return "A distance counts against: mind the sign."
    bare = float((p - t).abs().sum())
    return "Each difference counts as often as its scale says." if abs(abs(answer) - bare) < 0.01 else False


@exercise(
    "All scales of an L2 filter are 1 and its template is (0.6, 0.8). Apart from a term that is the same for every "
    "filter, it is a dot product with the weights (1.2, 1.6). With which bias?",
    asked("bias", -10.0, 10.0),
    hint="Multiply out $-(p - t)^2 = -p^2 + 2 t p - t^2$, and add over both pixels.",
)
def which_bias(bias: float, seed: int) -> bool | str:
    t, p = np.array([0.6, 0.8]), np.random.default_rng(seed).random(2)
    wanted = -((p - t) ** 2).sum() + (p**2).sum() - (2 * t) @ p
    if abs(bias - wanted) < 0.01:
        return True
    return "Right but for the sign." if abs(bias + wanted) < 0.01 else False
