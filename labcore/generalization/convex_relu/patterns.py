"""Which samples a unit hears: all patterns of inputs in the plane, or those of units drawn at random."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

Array = np.ndarray


def turns(x: Float[Array, "n 2"]) -> Float[Array, " B"]:
    """The angles, in [0, 2 pi), at which a unit (cos, sin) begins or ceases to hear a sample; each once.

    Raises ValueError unless the samples have two coordinates and one of them is not 0.
    """
    if x.ndim != 2 or x.shape[1] != 2 or not x.any():
        raise ValueError(f"x has shape {x.shape}; it must be (n, 2) with samples that are not all 0")
    x = x[x.any(1)]
    facing = np.arctan2(x[:, 1], x[:, 0])
    at = np.sort(np.concatenate([facing + np.pi / 2, facing - np.pi / 2]) % (2 * np.pi))
    kept = at[np.append(True, np.diff(at) > 1e-12)]  # samples in one direction are heard together
    return kept[:-1] if len(kept) > 1 and kept[0] + 2 * np.pi - kept[-1] <= 1e-12 else kept


def all_patterns(x: Float[Array, "n 2"]) -> Bool[Array, "P n"]:
    """Every pattern 1[X u >= 0] of samples in the plane but the silent one: at most 2n sectors of a circle."""
    edge = turns(x)
    middle = edge + np.diff(np.append(edge, edge[0] + 2 * np.pi)) / 2
    return drawn_patterns(x, np.column_stack([np.cos(middle), np.sin(middle)]))


def directions(n: int, d: int, seed: int) -> Float[Array, "n d"]:
    """n units of length 1 in d dimensions, all directions alike; the first ones are the same for every n."""
    u = np.random.default_rng(seed).standard_normal((n, d))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def drawn_patterns(x: Float[Array, "n d"], u: Float[Array, "N d"]) -> Bool[Array, "P n"]:
    """The patterns of these units, each once, in the order in which they come; the silent one is left out."""
    on = u @ x.T >= 0
    _, first = np.unique(on, axis=0, return_index=True)
    on = on[np.sort(first)]
    return on[on.any(1)]
