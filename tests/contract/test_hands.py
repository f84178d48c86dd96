"""Hands in the pictures: each stands where its parameter's value says, in every frame, also after it has moved."""

from __future__ import annotations

import json

import numpy as np
import pytest

from labcore import catalog
from labcore.figure import view_of
from tests.frames import NAMES, quick
from widgets.benches.hands import hand_facts, hands_of, place_of, ways_of


def _index(stops: list[float], log: bool, value: float) -> float:
    """Where a value is among the stops of its control, from 0."""
    scaled = np.log if log else np.asarray
    return float(np.interp(scaled(value), scaled(stops), np.arange(len(stops))))


def _through(places: np.ndarray, values: np.ndarray, place: float) -> float:
    """The value at a place, on straight pieces that go on beyond both ends."""
    if places[0] > places[-1]:
        places, values = places[::-1], values[::-1]
    k = int(np.clip(np.searchsorted(places, place), 1, len(places) - 1))
    share = (place - places[k - 1]) / (places[k] - places[k - 1])
    return float(values[k - 1] + share * (values[k] - values[k - 1]))


def _check(experiment, frame) -> set[str]:
    """Compare each hand's place with the frame's parameters; the names that hands move."""
    spec, values = view_of(experiment)(frame), json.loads(frame.attrs["parameters"])
    facts = hand_facts(experiment, spec)
    for hand in hands_of(spec):
        # what it sets besides is what the place then means
        if hand.get("sets") and any(values[name] != value for name, value in hand["sets"].items()):
            continue
        for letter, name in ways_of(hand):
            means, place = hand[{"x": "across", "y": "up", "o": "around"}[letter]], place_of(hand, letter)
            if not isinstance(means, str):
                place = _through(np.asarray(means["places"]), np.asarray(means["values"]), place)
            off = _index(facts[name]["stops"], facts[name]["log"], place) - _index(
                facts[name]["stops"], facts[name]["log"], values[name]
            )
            assert abs(off) < 0.01, f"{name} is {values[name]}, but its hand says {place}"
        axis = {letter: spec["layout"].get(f"{letter}axis{hand['axes']}", {}) for letter in "xy"}
        for letter in "xy":
            if hand[letter] is not None and "range" in axis[letter]:
                ends = sorted(axis[letter]["range"])
                at = np.log10(hand[letter]) if axis[letter].get("type") == "log" else hand[letter]
                assert ends[0] - 1e-6 <= at <= ends[1] + 1e-6, f"{hand} is out of its panel"
    return set(facts)


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_is_where_its_parameter_says(name):
    experiment = catalog.load_experiment(name)
    frames = quick(name)
    moved = set().union(*(_check(experiment, frame) for frame in frames))
    values = json.loads(frames[-1].attrs["parameters"])
    for parameter in moved:
        # the next stop but two of its control, on the side where there are more
        p = experiment.parameters[parameter]
        stops = hand_facts(experiment, {"layout": {"meta": {"hands": [{"across": parameter}]}}})[parameter]["stops"]
        at = round(_index(stops, p.log, values[parameter]))
        value = stops[at + 3] if at + 3 < len(stops) else stops[at - 3]
        _check(experiment, next(experiment.frames("quick", **{parameter: int(value) if p.kind == "int" else value})))
