"""Small images (8x8 digits in [0, 1]) under the five corruptions that tests of robustness use, at any severity.

Severity 0 leaves an image as it is and 5 is the worst; the corruptions in between are the shapes of
Hendrycks and Dietterich (2019, arXiv:1903.12261) with constants of our own: at severity 4 a small convolutional network
trained on clean digits is right about half of the time.
    noise     x + N(0, (0.1 severity)^2), clipped to [0, 1]
    contrast  mean + (1 - 0.19 severity) (x - mean), the mean of each image
    blur      Gaussian blur of 0.25 severity pixels
    rotate    a turn by 6 severity degrees, counterclockwise
    fog       (1 - 0.15 severity) x + 0.15 severity * haze, a smooth random field in [0.5, 1] for each image
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy import ndimage

Array = np.ndarray
Images = Float[Array, "n h w"]
Kind = Literal["noise", "contrast", "blur", "rotate", "fog"]
KINDS: tuple[str, ...] = get_args(Kind)


def rotate_digits(images: Images, angle: float) -> Images:
    """Images turned counterclockwise by `angle` degrees about their centres, bilinear, zeros from outside."""
    _check_stack(images)
    return np.clip(ndimage.rotate(images, angle, axes=(1, 2), reshape=False, order=1), 0, 1)


def corrupt(images: Images, kind: Kind, severity: float, rng: np.random.Generator) -> Images:
    """A corrupted copy of images in [0, 1]; the result stays in [0, 1]. Only noise and fog draw from `rng`.

    Raises ValueError for an unknown kind, a severity outside [0, 5] or an array that is not a stack of images.
    """
    _check_stack(images)
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")
    if not 0 <= severity <= 5:
        raise ValueError(f"severity = {severity} is not allowed; it must be from 0 to 5")
    if kind == "noise":
        return np.clip(images + 0.1 * severity * rng.normal(size=images.shape), 0, 1)
    if kind == "contrast":
        mean = images.mean((1, 2), keepdims=True)
        return mean + (1 - 0.19 * severity) * (images - mean)
    if kind == "blur":
        return ndimage.gaussian_filter(images, (0, 0.25 * severity, 0.25 * severity), mode="constant")
    if kind == "rotate":
        return rotate_digits(images, 6 * severity)
    haze = ndimage.gaussian_filter(rng.normal(size=images.shape), (0, 1.5, 1.5), mode="wrap")
    low, high = haze.min((1, 2), keepdims=True), haze.max((1, 2), keepdims=True)
    haze = 0.5 + 0.5 * (haze - low) / (high - low)
    return (1 - 0.15 * severity) * images + 0.15 * severity * haze


def _check_stack(images: Images) -> None:
    if np.ndim(images) != 3:
        raise ValueError(f"images has shape {np.shape(images)}; it must be a stack (n, height, width)")
