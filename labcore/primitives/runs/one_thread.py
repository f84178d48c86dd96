"""Frames computed on one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps

import torch
import xarray as xr


def one_thread(function: Callable[..., Iterator[xr.Dataset]]) -> Callable[..., Iterator[xr.Dataset]]:
    """Compute each frame on one thread: sums split over threads would give other bits on other numbers of cores."""

    @wraps(function)
    def frames(**values) -> Iterator[xr.Dataset]:
        inner = function(**values)
        while True:
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                frame = next(inner, None)
            finally:
                torch.set_num_threads(before)
            if frame is None:
                return
            yield frame

    return frames
