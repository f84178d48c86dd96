"""What the lesson asks of whoever chooses a constant rate."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import stream


@exercise(
    "You are the regulator, and you may choose once. Find a constant rate (0.002 to 1) that is at least 10 points "
    "better than the homeostatic network at 12 swaps an epoch, 4 epochs. Any rate that does it is right.",
    asked("constant rate", 0.002, 1.0),
    hint="What does the best constant do in the last bench?",
)
def beats_need(eta0: float, seed: int) -> bool | str:
    mine = stream.run(epochs=4, seed=seed, regulator="constant", eta0=eta0).accuracy
    need = stream.run(epochs=4, seed=seed).accuracy
    return True if mine >= need + 0.1 else f"Constant {eta0:g}: {mine:.1%} right. The homeostatic network: {need:.1%}."
