"""Stepping only upwards against its rivals, on curved, straight and unlike devices."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, mean, repeats

from .experiments import METHODS, hwtrain
from .mechanism import Array

CURVED = "P = 64, A = 10, one learning rate, test accuracy over epochs 15 to 20"


def _final(seeds: Seeds, n: int, **values: float) -> dict[str, Array]:
    """Test accuracy of n networks by method, mean of the last quarter of 20 epochs."""
    late = repeats(hwtrain, seeds, n, epochs=20, **values).accuracy[:, :, -10:].mean("time").values
    return dict(zip(METHODS, late, strict=True))


def _gain(seeds: Seeds, *rivals: str) -> Evidence:
    score = _final(seeds, 8)
    return Evidence(
        *(mean(f"unidirectional - {name}", score["unidirectional"] - score[name]) >= 0.07 for name in rivals),
        size=f"{CURVED}, 8 networks",
        also={name: score[name].mean() for name in ("unidirectional", *rivals)},
    )


@claim("On curved devices, stepping only upwards trains better than stepping up and down")
def upwards_only_beats_both_ways(seeds: Seeds) -> Evidence:
    return _gain(seeds, "pair", "single")


@claim(
    "The gain of stepping only upwards remains when the pair is asked for half a step from each of its devices",
    expected="not reproduced",
    reason="With mirrored staircases, requests that cancel shrink both kinds of weight by the same (1 + q)/2. "
    "The plain pair loses more because each request makes it spend its pulses twice.",
)
def gain_over_a_matched_pair(seeds: Seeds) -> Evidence:
    return _gain(seeds, "halved pair")


@claim("Straight devices with many steps train as well as software; with few steps they do not", slow=True)
def straight_devices_match_software(seeds: Seeds) -> Evidence:
    fine, coarse = (_final(seeds, 8, curvature=0.0, pulses=p) for p in (64, 8))
    return Evidence(
        mean("software - P = 64", fine["software"] - fine["unidirectional"]) <= 0.03,
        mean("P = 64 - P = 8", fine["unidirectional"] - coarse["unidirectional"]) >= 0.01,
        size="unidirectional, straight, test accuracy over epochs 15 to 20, 8 networks",
        also={"software": fine["software"].mean(), "P = 8": coarse["unidirectional"].mean()},
    )


def _losses(seeds: Seeds) -> dict[str, Array]:
    """What differing devices cost each of 40 networks, by method."""
    same, different = _final(seeds, 40), _final(seeds, 40, sigma=0.3)
    return {name: same[name] - different[name] for name in METHODS}


@claim("Devices that differ cost next to nothing when stepping only upwards, and cost the plain pair more", slow=True)
def forgives_device_variation(seeds: Seeds) -> Evidence:
    loss = _losses(seeds)
    return Evidence(
        mean("loss of unidirectional", loss["unidirectional"]) <= 0.04,
        mean("loss of the pair - of unidirectional", loss["pair"] - loss["unidirectional"]) >= 0,
        size=f"sigma = 0.3 against 0, {CURVED}, 40 networks",
        also={"loss of the pair": loss["pair"].mean()},
    )


@claim("The halved pair forgives them too", slow=True)
def a_matched_pair_forgives_too(seeds: Seeds) -> Evidence:
    loss = _losses(seeds)
    return Evidence(
        mean("loss of the halved pair", loss["halved pair"]) <= 0.04,
        size=f"sigma = 0.3 against 0, {CURVED}, 40 networks",
        also={"loss of the halved pair - of unidirectional": (loss["halved pair"] - loss["unidirectional"]).mean()},
    )
