"""Two classes of points in the plane, the best straight line between them, and the names of conics."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray


def plane_shape(
    data: str, n: int, noise: float, rng: np.random.Generator
) -> tuple[Float[Array, "n 2"], Int[Array, " n"]]:
    """Points in about [-1.5, 1.5]^2 and labels in {0, 1}, half of each."""
    label, u = np.arange(n) % 2, rng.uniform(size=n)
    if data == "rings":
        radius, angle = np.where(label == 1, 0.5, 1.1), 2 * np.pi * u
    elif data == "spiral":
        radius, angle = 0.15 + 1.05 * u, 2 * np.pi * 1.25 * u + np.pi * label
    else:
        # four clouds: equal signs are class 1
        radius, angle = np.full(n, 0.9), np.pi / 4 + np.pi / 2 * (1 - label) + np.pi * (u > 0.5)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points + noise * (2 if data == "xor" else 1) * rng.normal(size=(n, 2)), label


def best_line(points: Float[Array, "n 2"], label: Int[Array, " n"]) -> float:
    """The share of points that the best of all straight lines gets right, by trying 360 directions."""
    angle = np.pi * np.arange(360) / 360
    order = np.argsort(points @ np.stack([np.cos(angle), np.sin(angle)]), axis=0)
    ones = np.vstack([np.zeros(360, int), np.cumsum(label[order], axis=0)])  # class-1 points below each threshold
    right = np.arange(len(label) + 1)[:, None] - ones + ones[-1] - ones
    return float(np.maximum(right, len(label) - right).max() / len(label))


def conic(
    w_r: Float[Array, " 2"], b_r: float, w_g: Float[Array, " 2"], b_g: float, w_b: Float[Array, " 2"], c: float
) -> str:
    """What kind of curve the boundary of a quadratic neuron of two inputs is."""
    r, g = np.append(w_r, b_r), np.append(w_g, b_g)
    form = (np.outer(r, g) + np.outer(g, r)) / 2 + np.diag([*w_b, c])
    scale = np.abs(form).max() or 1.0
    (a, b), (_, d) = form[:2, :2] / scale
    if max(abs(a), abs(b), abs(d)) < 1e-9:
        return "a straight line" if np.abs(form[2, :2]).max() > 1e-9 * scale else "nowhere"
    disc, whole = a * d - b * b, np.linalg.det(form / scale)
    if abs(whole) < 1e-9:
        return "a pair of straight lines" if disc < 1e-9 else "a point"
    if disc > 1e-9:
        return "an ellipse" if (a + d) * whole < 0 else "nowhere"
    return "a parabola" if disc > -1e-9 else "a hyperbola"
