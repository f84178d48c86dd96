"""A short hash of the code behind one paper's results: they are never kept across versions of that code."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Literal

from labcore import catalog
from labcore.essence import essence
from labcore.import_closure import closure

_ROOT = Path(__file__).parent

# What carries parameters, frames and verdicts and makes none of their numbers. Where one of them comes to change what a
# run computes, raise CONTRACT: everything kept is then of other code.
CARRIERS = frozenset(
    "catalog checked code_version essence experiment frames guests import_closure kernel_cache ledger".split()
)
CONTRACT = 1
CELL = "__main__"  # the key of what a notebook's cell declares: no file holds its code, and nothing of it is kept


@functools.cache
def code_version(key: str, part: Literal["experiments", "claims"] = "experiments") -> str:
    """Of the paper's `experiments.py` (a sweep's points) or `claims.py` (the ledger) and of all of labcore that it
    imports, directly or not, but for `CARRIERS`: the `__init__` files on the way count too. Comments, docstrings and
    the words and limits of parameters do not. "" for `CELL`. Raises `UnknownKey`.
    """
    if key == CELL:
        return ""
    digest = hashlib.sha256(str(CONTRACT).encode())
    folder = catalog.paper(key).folder
    for path in sorted(closure(folder / f"{part}.py")):
        # a guest's names do not hang on where it lies
        name = Path(os.path.relpath(path, _ROOT if path.is_relative_to(_ROOT) else folder.parent))
        if name.with_suffix("").as_posix() not in CARRIERS:
            digest.update(name.as_posix().encode() + _numbers(path))
    return digest.hexdigest()[:12]


@functools.cache
def _numbers(path: Path) -> bytes:
    """A hash of what a file computes, read once a process: many papers share the files of the house."""
    return hashlib.sha256(essence(path.read_text(encoding="utf-8")).encode()).digest()
