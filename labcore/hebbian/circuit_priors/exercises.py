"""The questions of the lesson about the wiring of a swimmer, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import swim


def _speed(seed: int, **values: float) -> float:
    """Body lengths per cycle of the untrained body."""
    return float(swim.run(seed=seed, **values).attrs["speed"])


@exercise(
    "One of the four synapses can be cut (set to 0), and the untrained body swims exactly as before. Which? "
    "Why is it there?",
    hint="Only one side of a joint is active at a time. Which synapse then carries nothing?",
)
def cut(text: str, seed: int) -> bool | str:
    words = {"prop": "neighbour", "osc": "clock", "ipsi": "own", "contra": "opposite"}
    names = [n for n, word in words.items() if n in text.lower() or word in text.lower()]
    if len(names) != 1:
        return "Name one: neighbour's bend w_prop, head's clock w_osc, own muscle w_ipsi, opposite muscle w_contra."
    whole, without = _speed(seed), _speed(seed, **{f"w_{names[0]}": 0.0})
    return (
        abs(without - whole) < 0.01 * whole or f"Without it the speed goes from {whole:.3f} to {without:.3f} per cycle."
    )


@exercise(
    "A faint clock in the head, of weight 0.3, makes the body slow. Find a weight of the neighbour's bend with which "
    "it swims at least 0.06 body lengths per cycle all the same.",
    swim.parameters["w_prop"],
    hint="Each joint passes on what it feels, times that weight.",
)
def faint_head(w: float, seed: int) -> bool | str:
    got = _speed(seed, w_osc=0.3, w_prop=w)
    return got >= 0.06 or f"With this w_prop it swims {got:.3f} per cycle."


@exercise(
    "What is the smallest number of links with which the untrained body swims at least 0.05 body lengths per cycle?",
    swim.parameters["n_links"],
    hint="Try them in the bench of eight links. What can a scallop with one hinge not do?",
)
def fewest_links(n: int, seed: int) -> bool | str:
    if (got := _speed(seed, n_links=n)) < 0.05:
        return f"With {n} links it swims {got:.3f} per cycle."
    return n == 2 or _speed(seed, n_links=n - 1) < 0.05 or f"{n} links are enough, but one fewer is too."
