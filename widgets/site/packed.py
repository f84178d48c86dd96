"""Figures packed for a page: each after the first says only what has changed, and numbers are 16-bit integers.

A pack is gzip of: the length of a JSON text (4 bytes, little endian), the text, and the numbers. `page.js` unpacks it.
An array stands in the text as {"@": [offset, [rows, columns] or [length], low, step, log]}: its k-th number is
low + step * q, or the exponential of that; 65535 is a missing one, and 65534 is 0 where the scale is logarithmic.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

MISSING, ZERO, MOST = 65535, 65534, 65533
SHORT = 4  # numbers: so few are written as they are
WIDE = 1e3  # from this ratio of its largest to its smallest positive number on, an array is kept by its logarithms


def packed(specs: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> str:
    """Figures, and facts about them, as text of a page (base64)."""
    numbers = bytearray()
    places: dict[bytes, int] = {}
    changes, before = [], {}
    for spec in specs:
        flat = {json.dumps(path): _leaf(value, numbers, places) for path, value in _flat(spec, ())}
        changes.append(
            {
                "set": [[json.loads(path), value] for path, value in flat.items() if before.get(path, _NONE) != value],
                "drop": [json.loads(path) for path in before if path not in flat],
            }
        )
        before = flat
    text = json.dumps({**more, "changes": changes}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)  # what follows begins at an even place
    return base64.b64encode(gzip.compress(struct.pack("<I", len(text)) + text + bytes(numbers), 9, mtime=0)).decode()


_NONE = object()


def _flat(value: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    """The leaves of a specification, with the way to each."""
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _flat(part, (*path, str(key)))
    elif isinstance(value, (list, tuple)) and any(isinstance(part, (Mapping, list, tuple)) for part in value):
        array = _array(value)
        if array is not None:
            yield path, array
            return
        for k, part in enumerate(value):
            yield from _flat(part, (*path, k))
    else:
        yield path, value


def _array(value: Any) -> np.ndarray | None:
    """A list of numbers, or of lists of them, as an array; None for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "fiu" and array.ndim in (1, 2) and array.size else None


def _leaf(value: Any, numbers: bytearray, places: dict[bytes, int]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    if isinstance(value, np.ndarray) or (isinstance(value, (list, tuple)) and len(value) > SHORT):
        array = _array(value)
        if array is None:
            return _plain(np.asarray(value, dtype=object).tolist() if isinstance(value, np.ndarray) else value)
        if array.size <= SHORT:
            return _plain(array.tolist())
        low, step, log, words = quantised(array.astype(float))
        data = words.tobytes()
        if data not in places:
            places[data] = len(numbers)
            numbers += data
        return {"@": [places[data], list(array.shape), low, step, int(log)]}
    return _plain(value)


def _plain(value: Any) -> Any:
    """As JSON has it, with six digits a number."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def quantised(values: np.ndarray) -> tuple[float, float, bool, np.ndarray]:
    """Numbers as 16-bit words: low, step, whether of their logarithms, and the words."""
    known = np.isfinite(values)
    shown, positive = values[known], values[known & (values > 0)]
    reach = float(np.ptp(shown)) if shown.size else 0.0
    whole = reach <= MOST and bool((shown == np.round(shown)).all())
    log = bool(not whole and positive.size and (shown >= 0).all() and positive.max() / positive.min() > WIDE)
    kept = np.where(known & (values > 0), np.log(np.where(values > 0, values, 1)), np.nan) if log else values
    shown = kept[np.isfinite(kept)]
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
    step = 1.0 if whole else (high - low) / MOST
    words = np.full(values.shape, MISSING, dtype="<u2")
    fine = np.isfinite(kept)
    words[fine] = np.round((kept[fine] - low) / (step or 1)).astype("<u2")
    if log:
        words[known & (values == 0)] = ZERO
    return low, step, log, words
