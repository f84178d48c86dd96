"""Questions of the lesson that `selu` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .activation import LAMBDA
from .experiments import plane
from .moments import attractor


@exercise(
    "Somebody takes α = 1 and wants layers to rest at variance 1. Which scale λ is needed? A variance from 0.95 to "
    "1.05 is right.",
    plane.parameters["lam"],
    hint=(
        "Drag the orange point to α = 1, and then up and down.",
        "It lies between the two borders. A larger λ moves the place of rest to a larger variance.",
    ),
)
def scale_for_one(lam: float, seed: int) -> bool | str:
    rest = attractor(lam, 1.0)
    if rest is None:
        return f"With λ = {lam:g} signals {'die out' if lam < 1.2 else 'grow without end'}."
    return True if 0.95 <= rest[1] <= 1.05 else f"With λ = {lam:g} layers rest at variance {rest[1]:.2f}."


@exercise(
    "Ordinary dropout divides the mean square of a SELU layer's outputs by the share that is kept. From which dropped "
    "share on do very many layers let the variance grow without end? An answer within 0.01 is right.",
    asked("share dropped", 0.0, 0.9),
    hint=(
        "Dividing the mean square by a number is like dividing λ² by it.",
        "Which λ² is too much? The upper border in the plane of the constants says it.",
    ),
)
def too_much_dropped(share: float, seed: int) -> bool | str:
    def rests(dropped: float) -> bool:
        return attractor(LAMBDA / (1 - dropped) ** 0.5) is not None

    if rests(share - 0.01) and not rests(share + 0.01):
        return True
    return "With that share the variance still comes to rest." if rests(share) else "Less is too much already."
