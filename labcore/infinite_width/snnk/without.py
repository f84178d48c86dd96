"""The dot product with directions of its own on either side."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the draws that inputs and neurons share",
    file="experiments.py",
    line="psi = embed_neurons(w, b, shared, tilt)",
    instead="psi = embed_neurons(w, b, draw(kind, features, 2, rng), tilt)",
    shows="snnk.neuron",
    fails=lambda frame: float(((frame.estimate - frame.exact) ** 2).mean()) > 0.6 * float((frame.exact**2).mean()),
)
