"""What the lesson asks about Sanger's second axis and about how much to protect."""

from __future__ import annotations

import math

from labcore.exercises import asked, exercise

from .experiments import continual, plane


@exercise(
    "The cloud's long axis is at 40 degrees. Two units follow Sanger's rule. In which direction, in degrees, does the "
    "second arrow end? (An arrow may point either way along its line.)",
    asked("direction of the second arrow", -360.0, 360.0, "degrees"),
    hint="What is left of the cloud when the first unit has taken its part?",
)
def second_axis(said: float, seed: int) -> bool | str:
    x, y = plane.run(rule="sanger", k=2, angle=40.0, samples=4000, seed=seed).w[-1, 1].values
    off = abs((said - math.degrees(math.atan2(y, x)) + 90) % 180 - 90)
    return True if off < 8 else f"That is {off:.0f} degrees away from where it ends here."


@exercise(
    "Find a share to protect (between 0 and 1) with which a network of 64 + 64 neurons loses at most 5 points on task "
    "1 and reaches 90 % on task 2. Any share that does it is right.",
    asked("share to protect", 0.0, 1.0),
    hint="Try the ends in the bench with two tasks: which task suffers at 0, and which at 1?",
)
def keeps_and_learns(protect: float, seed: int) -> bool | str:
    frame = continual.run(protect=protect, n_tasks=2, hidden=64, epochs=4, seed=seed)
    first, second = (frame.table[-1].sel(learner="HLOP", task=t).item() for t in (1, 2))
    if frame.BWT.sel(learner="HLOP").item() < -0.05:
        return f"Task 1 is down to {first:.0%}: too much of the old activity is unprotected."
    if second < 0.9:
        return f"Task 1 is safe, but task 2 only reaches {second:.0%}: too little is left to learn with."
    return True
