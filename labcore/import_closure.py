"""Which files a file imports, directly or not: what a version of the code, and a compiled kernel, depend on.

It stands apart from the catalogue, so that a new paper's row does not make what the others computed look old.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

_ROOT = Path(__file__).parent
_INSTALLED = {"site-packages", "dist-packages"}
# Parsing every file takes seconds for the atlas, which asks for all papers; a test holds this against the syntax trees.
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]*(\.*[\w.]*)[ \t]*import\b[ \t]*(\([^)]*\)|[^\n;]*)|import[ \t]+([^\n;]*))", re.M
)
_NOTHING = re.compile(r"#[^\n]*|\\\n")  # comments, and the ends of lines that go on


def closure(first: Path) -> set[Path]:
    """The files of labcore that are run when this one is imported, itself included; none for one that is not there.

    Of a file outside of labcore also those of its own package, and in a folder of the user modules beside it.
    """
    seen: set[Path] = set()
    todo = [first]
    while todo:
        path = todo.pop()
        if path not in seen and path.exists():
            seen.add(path)
            todo += [*_imported(path), *_packages(path)]
    return seen


def _packages(path: Path) -> list[Path]:
    """The `__init__` files of the folders that hold a file. That of labcore itself is its face and computes nothing."""
    return [folder / "__init__.py" for folder in _above(path.parent) if folder != _ROOT]


@functools.cache
def _above(folder: Path) -> tuple[Path, ...]:
    """This folder and those above it, as far as they are packages."""
    if not (folder / "__init__.py").exists():
        return ()
    return folder, *_above(folder.parent)


@functools.cache
def _imported(path: Path) -> list[Path]:
    """Files of labcore named by the import statements anywhere in this file."""
    found = []
    beside, own = _beside(path)
    for origin, names, modules in _IMPORT.findall(_NOTHING.sub("", path.read_text(encoding="utf-8"))):
        if modules:
            targets = [(name.split()[0], None) for name in modules.split(",") if name.strip()]
        else:
            targets = [(origin, name.split()[0]) for name in names.strip("()").split(",") if name.strip()]
        for module, name in targets:
            up = len(module) - len(module.lstrip("."))
            parts = [p for p in module.lstrip(".").split(".") if p]
            if up:
                folder = path.parents[up - 1]
            elif parts[0] == "labcore":
                folder, parts = _ROOT, parts[1:]
            elif parts[0] in own or own == {"*"}:
                folder = beside
            else:
                continue
            # `from labcore import catalog` names a module, `from labcore.catalog import paper` a function of one
            for place in [folder.joinpath(*parts), *([folder.joinpath(*parts, name)] if name else [])]:
                found += [place.with_suffix(".py"), place / "__init__.py"] if place != _ROOT else []
    return found


def _beside(path: Path) -> tuple[Path, set[str]]:
    """The folder in which a file's package lies, and which of its modules are followed: "*" for all that are there."""
    package = (_above(path.parent) or (path,))[-1]
    if package == _ROOT:
        return package.parent, set()
    return package.parent, {package.stem} if _INSTALLED & set(path.parts) else {"*"}


@functools.cache
def content(path: Path) -> bytes:
    """A hash of what a file holds, read once a process: many papers share the files of the house."""
    return hashlib.sha256(path.read_bytes()).digest()
