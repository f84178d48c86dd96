"""Questions of the lesson that `noether_dynamics` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise

from .sphere import Path, descend

D, STEPS = 20, 8000


def _settled(eta: float, decay: float, size: float, seed: int) -> Path:
    """The second half of a long descent on the sphere."""
    rng = np.random.default_rng(seed)
    bend, start, grain = rng.normal(size=D), rng.normal(size=D), 0.3 * rng.normal(size=(STEPS, D))
    path = descend(start / np.linalg.norm(start), bend, grain, eta, decay, size=size)
    half = STEPS // 2
    return Path(path.q[half:], path.gradient[half:], path.length[half:])


@exercise(
    "The learning rate is η = 0.05. Which weight decay k makes each step turn a normalized unit by 0.1 rad, once it "
    "has settled? An answer within a tenth of the turn is right.",
    asked("weight decay k", 0.001, 2.0),
    hint="The direction moves at the rate η/ρ, which settles at √(2kη) over the size of the gradient at length 1.",
)
def a_decay_for_a_turn(decay: float, seed: int) -> bool | str:
    path = _settled(0.05, decay, 1.0, seed)
    u = path.q / np.sqrt(path.length)[:, None]
    turn = float(np.sqrt((np.diff(u, axis=0) ** 2).sum(1).mean()))
    return True if abs(turn / 0.1 - 1) < 0.1 else f"With this weight decay a step turns it by {turn:.3f} rad."


@exercise(
    "You multiply the loss by 100. By which factor do the weights get longer, once they have settled again? (Length "
    "|q|, not its square.)",
    asked("factor", 0.001, 1e6),
    hint="The ring lies where η⟨g²⟩ = 2kρ², and all gradients g are 100 times as large.",
)
def a_hundred_times_the_loss(factor: float, seed: int) -> bool | str:
    one, hundred = (_settled(0.05, 0.02, size, seed).length.mean() for size in (1.0, 100.0))
    measured = float(np.sqrt(hundred / one))
    if abs(factor / measured**2 - 1) < 0.1:
        return "That is the squared length."
    return True if abs(factor / measured - 1) < 0.1 else "That is not what is measured."
