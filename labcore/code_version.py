"""A short hash of the code behind one paper's results: they are never kept across versions of that code."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Literal

from labcore import catalog
from labcore.import_closure import closure, content

_ROOT = Path(__file__).parent


@functools.cache
def code_version(key: str, part: Literal["experiments", "claims"] = "experiments") -> str:
    """Of the paper's `experiments.py` (a sweep's points) or `claims.py` (the ledger) and of all of labcore that it
    imports, directly or not: the `__init__` files on the way count too. Raises `UnknownKey`.
    """
    digest = hashlib.sha256()
    for path in sorted(closure(catalog.paper(key).folder / f"{part}.py")):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + content(path))
    return digest.hexdigest()[:12]
