"""Questions of the lesson that `representational_geometry` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import exercise

from .experiments import alignment, neuron


@exercise(
    "Where does a ReLU unit have to start, to speak for cluster B alone in the end? Give its weights across classes "
    "and within the class.",
    neuron.parameters["across"],
    neuron.parameters["along"],
    hint=("Which inputs does it hear at the start? It hears cluster A only above one of the dotted lines.",
          "It must hear B, and be deaf to A: below the line to B, and not too far to the left."),
)  # fmt: skip
def one_cluster_alone(across: float, along: float, seed: int) -> bool | str:
    value = neuron.run(activation="relu", across=across, along=along, seed=seed).value
    a, b = float(value.sel(cluster=3)), float(value.sel(cluster=7))
    if b < 0.5:
        return f"It does not speak for B: its value there is {b:.2f}."
    return True if a < 0.05 * b else f"It speaks for A too: {a:.2f}, beside {b:.2f} for B."


@exercise(
    "There is one bit to learn. Find a size of the first weights with which ReLU's hidden layer is the one that is "
    "nearer to the labels, by 0.01 or more.",
    alignment.parameters["gain"],
    hint="What do the units of a network do that has hardly to move?",
)
def where_relu_wins(gain: float, seed: int) -> bool | str:
    end = alignment.run(k=1, gain=gain, width=100, steps=250, n_seeds=4, seed=seed).to_labels.isel(step=-1)
    tanh, relu = (float(end.sel(activation=name).mean()) for name in ("tanh", "ReLU"))
    if relu - tanh >= 0.01:
        return True
    return f"With this size tanh's alignment with the labels is {tanh:.3f}, ReLU's is {relu:.3f}."
