"""The questions of the lesson that a network with two modes answers, and their checkers."""

from __future__ import annotations

from labcore.answers import number
from labcore.exercises import exercise

from .experiments import switch


@exercise(
    "At which turn should a wise switch change from upright to turned? Find one at which both modes are right more "
    "than 70 % of the time and differ by less than 2 points. Any such turn is right.",
    hint="Where do the blue and the dark orange curve cross?",
)
def handover(text: str, seed: int) -> bool | str:
    turn = number(text)
    frame = switch.run(seed=seed)
    upright, turned = (float(frame["curves"].sel(mode=m).interp(turn=turn)) for m in ("upright", "turned"))
    if not 0 <= turn <= 90:
        return "The digits turn from 0 to 90 degrees."
    if min(upright, turned) < 0.7:
        return "There both modes are lost. Find a turn at which both are right more than 70 % of the time."
    close = abs(upright - turned) < 0.02
    return close or f"At {turn:g} degrees mode upright is {upright:.1%} right, mode turned {turned:.1%}."


@exercise(
    "Mode turned, digits turned by 45 degrees: which neuron of layer 2 is hardest to do without? "
    "(Near ties count as right.)",
    hint="A dark column in the orange map is a start. Then click the lamp, and look at the reading.",
)
def indispensable(text: str, seed: int) -> bool | str:
    neuron = round(number(text))
    loss = {n: switch.run(neuron=n, layer=2, angle=45.0, seed=seed) for n in range(33)}
    drop = {n: loss[0].by_digit[0].mean().item() - f.by_digit[1].mean().item() for n, f in loss.items() if n}
    if neuron not in drop:
        return "Neurons have the numbers 1 to 32."
    close = max(drop.values()) - drop[neuron] < 0.02
    return close or f"Shutting neuron {neuron} costs {drop[neuron]:.1%}. Another one costs more."
