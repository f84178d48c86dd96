"""A cache of results that are large arrays, bounded by their bytes and not by their number."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


def nbytes(value: Any) -> int:
    """Bytes of the arrays in a value: an array, or a (named) tuple or list of values, nested at will."""
    if isinstance(value, (tuple, list)):
        return sum(map(nbytes, value))
    return int(getattr(value, "nbytes", 0))


def size_cache(limit: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Remember a function's results by its (hashable, positional) arguments; over `limit` bytes forget the oldest used.

    The latest result is always kept. Safe to call from several threads; two may then compute the same result.
    """

    def wrap(function: Callable[..., T]) -> Callable[..., T]:
        kept: OrderedDict[Hashable, T] = OrderedDict()
        lock = threading.Lock()

        @functools.wraps(function)
        def cached(*key: Hashable) -> T:
            with lock:
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key]
            value = function(*key)
            with lock:
                kept[key] = value
                kept.move_to_end(key)
                total = sum(map(nbytes, kept.values()))
                while total > limit and len(kept) > 1:
                    total -= nbytes(kept.popitem(last=False)[1])
            return value

        cached.kept = kept
        return cached

    return wrap
