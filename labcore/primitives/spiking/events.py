"""The handwritten digits as a camera of events would send them: what is there in no single step, only over time.

    rate     each pixel is a Poisson process: 64 channels, the digit stands still
    scan     the digit is swept past a slit, column after column: 8 channels, one a row
    moving   the digit travels over a 12 x 12 frame and bounces off its borders; a channel spikes where a pixel became
             brighter, another where it became darker: 288 channels, brighter ones first

Events are float32, 0.0 or 1.0, time first: (T, B, C). They stand in for recordings of N-MNIST and the like.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from labcore.primitives.spiking.encoders import poisson

Array = np.ndarray
Mode = Literal["rate", "scan", "moving"]
CHANNELS: dict[str, int] = {"rate": 64, "scan": 8, "moving": 288}
FRAME, CONTRAST = 12, 0.25  # pixels of the moving digit's frame; the change of brightness that is an event


def digit_events(
    x: Float[Array, "B 64"], mode: Mode, steps: int, rng: np.random.Generator, gain: float = 1.0
) -> Float[Array, "T B C"]:
    """Events of these digits (pixels from 0 to 1) in this many steps.

    gain: spikes a step of a pixel of 1, for `rate` and `scan`. `scan` gives each column the same number of steps, and
    is silent in the last steps where 8 does not divide them. Raises ValueError for pixels outside [0, 1], a mode that
    is not known, and fewer steps than the mode needs (8 for `scan`, 1 for the others).
    """
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != 64:
        raise ValueError(f"x has shape {x.shape}; it must be (B, 64), pixels of digits")
    if mode == "rate":
        return poisson(x, steps, rng, gain)
    if mode == "scan":
        return _scan(x.reshape(-1, 8, 8), steps, rng, gain)
    if mode == "moving":
        return _moving(x.reshape(-1, 8, 8), steps, rng)
    raise ValueError(f"mode = {mode!r} is not allowed; it must be one of {', '.join(get_args(Mode))}")


def _scan(x: Float[Array, "B 8 8"], steps: int, rng: np.random.Generator, gain: float) -> Float[Array, "T B 8"]:
    if steps < 8:
        raise ValueError(f"steps = {steps} is not allowed for scan; it must be at least 8, one a column")
    each = steps // 8
    columns = poisson(x, each, rng, gain)  # (each, B, row, column)
    out = np.zeros((steps, len(x), 8), np.float32)
    out[: 8 * each] = columns.transpose(3, 0, 1, 2).reshape(8 * each, len(x), 8)
    return out


def _moving(x: Float[Array, "B 8 8"], steps: int, rng: np.random.Generator) -> Float[Array, "T B 288"]:
    if steps < 1:
        raise ValueError(f"steps = {steps} is not allowed; it must be at least 1")
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"x has values from {x.min()} to {x.max()}; they must be from 0 to 1")
    room, n = FRAME - 8, len(x)
    # a step is one pixel along each axis; unrolled, bouncing is a triangle wave of period 2 room
    phase = rng.integers(0, 2 * room, (2, n)) + np.arange(steps + 1)[:, None, None]
    at = room - np.abs(phase % (2 * room) - room)
    frames = np.zeros((steps + 1, n, FRAME, FRAME), np.float32)
    rows, columns = (at[:, k, :, None] + np.arange(8) for k in range(2))
    frames[
        np.arange(steps + 1)[:, None, None, None], np.arange(n)[:, None, None], rows[..., None], columns[..., None, :]
    ] = x
    change = np.diff(frames, axis=0).reshape(steps, n, -1)
    return np.concatenate([change > CONTRAST, change < -CONTRAST], -1).astype(np.float32)
