"""A short hash of the code behind one paper's results: they are never kept across versions of that code."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

from labcore import catalog

_ROOT = Path(__file__).parent


@functools.cache
def code_version(key: str) -> str:
    """Of the paper's page and of every module of labcore that it imports, directly or not. Raises `UnknownKey`."""
    seen: set[Path] = set()
    todo = [catalog.paper(key).page]
    while todo:
        path = todo.pop()
        if path not in seen and path.exists():
            seen.add(path)
            todo += _imported(path)
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(path.relative_to(_ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@functools.cache
def _imported(path: Path) -> list[Path]:
    """Files of labcore named by the import statements anywhere in this file."""
    names = []
    for node in ast.walk(catalog.parsed(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from labcore import catalog` names a module, `from labcore.catalog import paper` a function of one
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    inside = [name.split(".")[1:] for name in names if name.split(".")[0] == "labcore"]
    places = [_ROOT.joinpath(*parts) for parts in inside if parts]
    return [path for place in places for path in (place.with_suffix(".py"), place / "__init__.py")]
