"""Pictures of your own, of files or arrays, and the memories that take them.

    on_pictures("multitasking_hebbian.retrieve", ["cat.png", "dog.jpg", "house.png"])

What is wrong with one is said with its place. The experiments are in a paper's `pictures.py`, under the names of those
that they stand for.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import numpy as np
from jaxtyping import Int8

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment
    from labcore.frames import Frame

LEAST, MOST = 2, 8
SIDE = 32  # pixels of a file's picture, each way, after it is scaled
NARROW, WIDE = 6, 64  # of a side of an array's picture
FAINT = 8  # grey levels of 255 between which there is no picture
NOISE = "noise"


class PictureError(ValueError):
    """A picture that cannot be used. The message is one line that names the place."""


class Pictures(NamedTuple):
    """Pictures of one size: ink is 1, paper -1, blank 0; and what each is called."""

    pixels: Int8[np.ndarray, "K h w"]
    names: tuple[str, ...]


def pictures(source: Any, least: int = LEAST, most: int = MOST, side: int = SIDE) -> Pictures:
    """From `least` to `most` pictures: a list of files and of arrays (h, w), one of them, or an array (K, h, w).

    A file's picture is cut to a square in its middle and scaled to `side` pixels each way. Where it is darker than its
    mean is ink, and where it is transparent it is blank. An array in which -1 occurs, and else 0 and 1, is taken as it
    is; of another one, what is above its mean is ink.

    Raises `PictureError` for what cannot be read, a wrong number of pictures, sizes that differ, a side of fewer than 6
    or more than 64 pixels, a number that is not finite, one grey all over, and for a picture that is there twice.
    """
    many = isinstance(source, (list, tuple)) or getattr(source, "ndim", 0) == 3
    found = [_one(one, f"picture {k}", side) for k, one in enumerate(source if many else [source], 1)]
    if not least <= len(found) <= most:
        raise PictureError(f"there {_are(len(found))}; it must be from {least} to {most}")
    for k, (name, pixels) in enumerate(found):
        first, size = found[0]
        if pixels.shape != size.shape:
            raise PictureError(f"{name} is {_size(pixels)} and {first} is {_size(size)}; all must have one size")
        for other, before in found[:k]:
            if np.array_equal(pixels, before):
                raise PictureError(f"{name} is the same picture as {other}")
    names = [Path(name).stem[:24] for name, _ in found]
    names = [f"picture {k}" if names.count(n) > 1 or n == NOISE else n for k, n in enumerate(names, 1)]
    if len(set(names)) < len(names):  # a file is called as another's number
        names = [f"picture {k}" for k in range(1, len(names) + 1)]
    return Pictures(np.stack([pixels for _, pixels in found]), tuple(names))


def _are(count: int) -> str:
    return f"{'is' if count == 1 else 'are'} {count or 'no'} picture{'' if count == 1 else 's'}"


def _size(pixels: np.ndarray) -> str:
    return " by ".join(map(str, pixels.shape))


def _one(source: Any, name: str, side: int) -> tuple[str, Int8[np.ndarray, "h w"]]:
    """What to call a picture, and its pixels."""
    if not isinstance(source, (str, os.PathLike)):
        return name, _of_array(source, name)
    path = Path(source)
    try:
        if path.suffix == ".npy":
            return str(path), _of_array(np.load(path, allow_pickle=False), str(path))
        return str(path), _of_file(path, side)
    except PictureError:
        raise
    except OSError as error:  # Pillow's word for a file that is no picture is one, too
        raise PictureError(f"{path} cannot be read: {error.strerror or 'it is no picture'}") from None
    except (ValueError, EOFError, SyntaxError):
        raise PictureError(f"{path} cannot be read: it is no picture") from None


def _of_file(path: Path, side: int) -> Int8[np.ndarray, "side side"]:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            square = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGBA"), (side, side))
    except Image.DecompressionBombError:
        raise PictureError(f"{path} has too many pixels") from None
    grey, clear = np.asarray(square.convert("L"), float), np.asarray(square)[:, :, 3] < 128
    if clear.all():
        raise PictureError(f"{path} is transparent all over")
    seen = grey[~clear]
    if np.ptp(seen) < FAINT and not clear.any():
        raise PictureError(f"{path} is one grey all over")
    ink = grey < seen.mean() if np.ptp(seen) >= FAINT else ~clear
    return np.where(clear, 0, np.where(ink, 1, -1)).astype(np.int8)


def _of_array(source: Any, name: str) -> Int8[np.ndarray, "h w"]:
    try:
        values = np.asarray(source)
    except ValueError:  # rows of different lengths
        values = np.empty(0, object)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        what = f"an array {values.shape} of {values.dtype}" if values.size else type(source).__name__
        raise PictureError(f"{name} = {what} is not allowed; it must be a file, or numbers in rows and columns")
    if not all(NARROW <= n <= WIDE for n in values.shape):
        raise PictureError(f"{name} is {_size(values)}; each side must have from {NARROW} to {WIDE} pixels")
    values = values.astype(float)
    if len(wrong := np.argwhere(~np.isfinite(values))):
        row, column = wrong[0]
        raise PictureError(f"{name}, row {row}, column {column}: {values[row, column]} is not finite")
    if np.ptp(values) == 0:
        raise PictureError(f"{name}: it is {values.flat[0]:g} all over")
    if values.min() == -1 and np.isin(values, (-1, 0, 1)).all():
        return values.astype(np.int8)
    return np.where(values > values.mean(), 1, -1).astype(np.int8)


def of_pictures(
    view: Callable[[xr.Dataset], dict[str, Any]], frame: Frame, quick: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., Iterator[xr.Dataset]]], Callable[..., Experiment]]:
    """Turn `function(pictures, *, start=..., ...)`, of frames, into `made(source)`, of an experiment.

    `start` becomes a choice among the pictures' names and "noise".
    """

    def wrap(function: Callable[..., Iterator[xr.Dataset]]) -> Callable[..., Experiment]:
        # its name in the file is that of `made`: it goes to other processes by its code, without words for types
        function.__annotations__ = get_type_hints(function, include_extras=True)

        @functools.wraps(function)
        def made(source: Any) -> Experiment:
            from labcore.functions import Function

            found = pictures(source)
            return Function(functools.partial(function, found, start=[*found.names, NOISE]), view, quick, frame)

        return made

    return wrap


def on_pictures(name: str, source: Any) -> Experiment:
    """The experiment `KEY.EXPERIMENT` on pictures of yours, for `bench`, `labcore.sweep` and `run`.

    `source` as for `pictures`. Raises `UnknownKey`, `PictureError`, and LookupError for an experiment that takes none.
    """
    from labcore import catalog

    key, _, short = name.partition(".")
    if short not in catalog.paper(key).pictures:
        takes = [f"{p.key}.{t}" for p in catalog.papers() for t in p.pictures]
        raise LookupError(f"{name} takes no pictures; {' and '.join(takes)} {'does' if len(takes) == 1 else 'do'}")
    return getattr(catalog.load_part(key, "pictures"), short)(source)
