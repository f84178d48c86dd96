"""What a bench tells the page of the parameters that a hand can move in its figure.

A view declares its hands (`labcore.figure.hand`); the page moves them by the stops of the parameters' own controls.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from labcore.experiment import Experiment, ParameterError
from widgets.benches.controls import positions
from widgets.benches.plot import Spec


def hands_of(spec: Spec) -> list[dict[str, Any]]:
    """The hands that a figure declares."""
    return (spec.get("layout", {}).get("meta") or {}).get("hands", [])


def ways_of(hand: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The letter of each axis along which a hand moves, with the name of the parameter that its place there means.

    The letter of a hand on a circle is "o".
    """
    for letter, direction in (("x", "across"), ("y", "up"), ("o", "around")):
        if means := hand.get(direction):
            yield letter, means if isinstance(means, str) else means["parameter"]


def place_of(hand: Mapping[str, Any], letter: str) -> float:
    """The place of a hand along an axis, or its angle, where the parameter's scale has it."""
    if letter != "o":
        return float(hand[letter])
    angle = math.atan2(hand["y"] - hand["centre"][1], hand["x"] - hand["centre"][0])
    places = [0.0] if isinstance(hand["around"], str) else [float(place) for place in hand["around"]["places"]]
    middle = (min(places) + max(places)) / 2
    return middle + math.remainder(angle - middle, 2 * math.pi)


def hand_facts(experiment: Experiment, spec: Spec) -> dict[str, dict[str, Any]]:
    """By name, the label, the stops and the scale of each parameter that a figure of this experiment lets a hand move.

    Raises `ParameterError` for a parameter that does not exist, is no number, or is set to what it may not be.
    """
    facts = {}
    for hand in hands_of(spec):
        for _, name in ways_of(hand):
            p = experiment.parameters.get(name)
            if p is None:
                raise ParameterError(
                    f"{experiment.id}: its view has a hand for {name!r}, which is no parameter; it has "
                    + ", ".join(experiment.parameters)
                )
            if p.kind not in ("int", "float"):
                raise ParameterError(
                    f"{experiment.id}: its view has a hand for {name}, which no place means; it is {p.allowed}"
                )
            if name not in facts:  # many points of one curve mean the same parameter
                facts[name] = {"label": p.label, "stops": positions(p).tolist(), "log": p.log}
        if sets := hand.get("sets"):
            experiment.validate(**sets)
    return facts
