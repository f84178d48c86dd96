"""The questions of the lesson that a network with two modes answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import switch


@exercise(
    "At which turn should a wise switch change from upright to turned? Find one at which both modes are right more "
    "than 70 % of the time and differ by less than 2 points. Any such turn is right.",
    switch.parameters["angle"],
    hint="Where do the blue and the dark orange curve cross?",
)
def handover(turn: float, seed: int) -> bool | str:
    frame = switch.run(seed=seed)
    upright, turned = (float(frame["curves"].sel(mode=m).interp(turn=turn)) for m in ("upright", "turned"))
    if min(upright, turned) < 0.7:
        return "There both modes are lost. Find a turn at which both are right more than 70 % of the time."
    close = abs(upright - turned) < 0.02
    return close or f"At {turn:g} degrees mode upright is {upright:.1%} right, mode turned {turned:.1%}."


@exercise(
    "Mode turned, digits turned by 45 degrees: which neuron of layer 2 is hardest to do without? "
    "(Near ties count as right.)",
    asked("neuron", 1, 32),
    hint="A dark column in the orange map is a start. Then click the lamp, and look at the reading.",
)
def indispensable(neuron: int, seed: int) -> bool | str:
    loss = {n: switch.run(neuron=n, layer=2, angle=45.0, seed=seed) for n in range(33)}
    drop = {n: loss[0].by_digit[0].mean().item() - f.by_digit[1].mean().item() for n, f in loss.items() if n}
    close = max(drop.values()) - drop[neuron] < 0.02
    return close or f"Shutting neuron {neuron} costs {drop[neuron]:.1%}. Another one costs more."
