"""Questions about wells and trees: where two Born orders fail, and how many shapes the trees of an order have."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import diagrams, scattering


@exercise(
    "All the depth sits in one bin near the edge (share in one bin 1, place of that bin 0.9). Give a well depth at "
    "which the well binds nothing yet, but two Born orders miss half of the scattering length or more.",
    scattering.parameters["amp"],
    hint="Look at the right panel of the first bench. Where does the blue curve dive?",
)
def two_orders_fail(depth: float, seed: int) -> bool | str:
    frame = scattering.run(amp=depth, share=1, r=0.9, seed=seed)
    if frame.bound:
        return "This well already holds a bound state. Take a shallower one."
    second = float(frame.length.sel(model="second Born order").interp(depth=depth))
    off = abs(second - frame.a) / abs(frame.a) if frame.a else 0.0
    return True if off >= 0.5 else f"There the second Born order is off by {off:.0%}."


@exercise(
    "236 trees carry the fifth derivative. How many shapes do they have?",
    asked("shapes", 1, 236),
    hint="Set the order n to 5 in the bench of diagrams, and count the bars.",
)
def shapes_of(shapes: int, seed: int) -> bool | str:
    return shapes == len(diagrams.run(order=5, seed=seed).diagram)
