"""A neuron whose squares have no weight."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the squares",
    file="experiments.py",
    line="w_r, w_g, w_b = np.array([w_r1, w_r2]), np.array([w_g1, w_g2]), np.array([w_b1, w_b2])",
    instead="w_r, w_g, w_b = np.array([w_r1, w_r2]), np.array([w_g1, w_g2]), np.zeros(2)",
    shows="quadratic.neuron",
    # along each line of the picture the output then rises evenly
    fails=lambda frame: bool(abs(frame.value.diff("x1", 1).diff("x1", 1)).max() < 1e-9),
)
