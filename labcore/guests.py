"""Papers that are not of the house: folders of your own, and what installed packages bring.

A guest is a folder that holds a `paper.toml`, with what a row of the catalogue says, and the files of a paper. Its name
is its key. Guests are looked for in the current folder, which is that of the notebook, in the folders that
LABCORE_PAPERS names, and in the packages that have an entry point of the group `labcore.papers`:

    [project.entry-points."labcore.papers"]
    anything = "my_package.papers"          # the package whose folders are papers

To find them only `paper.toml` is read; nothing is imported before a guest is named. Whoever serves visitors sets
LABCORE_HOUSE_ONLY, and there are none.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import re
import sys
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

GROUP = "labcore.papers"
HOUSE_ONLY = "LABCORE_HOUSE_ONLY"
ROW = "paper.toml"
KEY = re.compile(r"[a-z][a-z0-9_]*")
_FIELDS = {"title": str, "year": int, "idea": str, "theme": str, "source": str, "words": list}
_NEEDED = ("title", "year", "idea")


class BrokenPaper(LookupError):
    """A guest that cannot be used. The message is one line that names it."""


@dataclass(frozen=True)
class Guest:
    """A folder with a row: the row's fields, how its package is called, and whose it is."""

    folder: Path
    package: str
    of: str
    row: dict[str, Any]

    @property
    def key(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class _Shelf:
    """A folder whose folders may be papers."""

    folder: Path
    of: str
    package: str = ""  # that its papers are modules of; "" for a folder, whose papers stand alone


def found(taken: dict[str, str]) -> tuple[list[Guest], list[str]]:
    """The guests, and a line for each that is left out. `taken` has keys that none may have, and who has them."""
    guests: dict[str, Guest] = {}
    shelves, lines = _shelves()
    for shelf in shelves:
        try:
            folders = sorted(path.parent for path in shelf.folder.glob(f"*/{ROW}"))
        except OSError as error:
            lines.append(f"the papers of {shelf.of} are left out: {error}")
            continue
        for folder in folders:
            try:
                guests[folder.name] = _guest(folder, shelf, taken)
            except BrokenPaper as error:
                lines.append(f"{folder.name} of {shelf.of} is left out: {error}")
            else:
                taken = taken | {folder.name: f"of {shelf.of}"}
    return list(guests.values()), lines


def load(guest: Guest, part: str = "") -> ModuleType:
    """Import a guest's package, or one of its files. Raises `BrokenPaper` with the line that its import ends at."""
    if part and not (guest.folder / f"{part}.py").exists():
        raise BrokenPaper(f"{guest.key} has no {part}.py in {guest.folder}")
    try:
        top = importlib.import_module(guest.package) if "." in guest.package else _load_folder(guest)
        return importlib.import_module(f"{guest.package}.{part}") if part else top
    except BrokenPaper:
        raise
    except Exception as error:  # whatever its files raise
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        where = _place(error, guest.folder)
        raise BrokenPaper(f"{guest.key} cannot be imported: {type(error).__name__}: {said}{where}") from error


def _load_folder(guest: Guest) -> ModuleType:
    """A folder as the package of its name, wherever it lies: a notebook beside it imports the same modules."""
    loaded = sys.modules.get(guest.key)
    if loaded is not None:
        if not _is_of(loaded.__spec__, guest.folder):
            raise BrokenPaper(f"{guest.key} is the name of another module that is loaded; call the folder otherwise")
        return loaded
    spec = importlib.util.spec_from_file_location(
        guest.key, guest.folder / "__init__.py", submodule_search_locations=[str(guest.folder)]
    )
    sys.modules[guest.key] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[guest.key]
        raise
    return module


def _is_of(spec: Any, folder: Path) -> bool:
    """Whether a module with this spec is the package in this folder."""
    places = getattr(spec, "submodule_search_locations", None) or ()
    return folder.resolve() in [Path(place).resolve() for place in places]


def _place(error: Exception, folder: Path) -> str:
    """In which line of the folder's files it was raised, as far as one is known."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    places = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
    return f" ({places[-1].filename}, line {places[-1].lineno})" if places else ""


def _shelves() -> tuple[list[_Shelf], list[str]]:
    if os.environ.get(HOUSE_ONLY):
        return [], []
    shelves, lines = [], []
    try:
        shelves.append(_Shelf(Path.cwd(), f"the folder {Path.cwd()}"))
    except OSError:
        pass  # the current folder is gone
    for name in filter(None, os.environ.get("LABCORE_PAPERS", "").split(os.pathsep)):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            lines.append(f"LABCORE_PAPERS names {folder}, which is no folder")
        elif folder.resolve() not in [shelf.folder.resolve() for shelf in shelves]:
            shelves.append(_Shelf(folder.resolve(), f"the folder {folder}"))
    brought, broken = _brought()
    return [*shelves, *brought], [*lines, *broken]


@functools.cache
def _brought() -> tuple[list[_Shelf], list[str]]:
    """The folders of installed packages, found without importing them; read once a process, as it can be slow."""
    from importlib.metadata import entry_points

    shelves, lines = [], []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.dist.name, point.name)):
        of = f"the package {point.dist.name}"
        try:
            folders = list(_folders_of(point.value))
        except (ImportError, ValueError) as error:
            lines.append(f"the papers of {of} are left out: its entry point is {point.name} = {point.value!r}; {error}")
        else:
            shelves += [_Shelf(folder, of, point.value) for folder in folders]
    return shelves, lines


def _folders_of(name: str) -> Iterator[Path]:
    """The folders of a package. Raises ValueError and ImportError for a name that is none."""
    top, *rest = name.split(".")
    if not all(part.isidentifier() for part in (top, *rest)):
        raise ValueError("it must name a package, as my_package.papers")
    spec = importlib.util.find_spec(top)
    places = [Path(place, *rest) for place in (spec and spec.submodule_search_locations) or ()]
    folders = [place for place in places if place.is_dir()]
    if not folders:
        raise ImportError(f"there is no package {name} in a folder")
    yield from folders


def _guest(folder: Path, shelf: _Shelf, taken: dict[str, str]) -> Guest:
    """The guest in a folder. Raises `BrokenPaper`."""
    key = folder.name
    if not KEY.fullmatch(key):
        raise BrokenPaper("its name must be of small letters, digits and _, and begin with a letter")
    if key in taken:
        raise BrokenPaper(f"{key} is a paper {taken[key]}, which cannot be replaced; call the folder otherwise")
    if not (folder / "__init__.py").exists():
        raise BrokenPaper("it has no __init__.py")
    if not shelf.package and not free(key, folder):
        raise BrokenPaper(f"{key} is the name of an installed module; call the folder otherwise")
    return Guest(folder, f"{shelf.package}.{key}".removeprefix("."), shelf.of, _row(folder / ROW))


def free(key: str, folder: Path) -> bool:
    """Whether a package of this name in this folder would hide no other module."""
    try:
        spec = importlib.util.find_spec(key)
    except ValueError:  # a module that was made by hand
        return False
    return spec is None or _is_of(spec, folder)


def _row(path: Path) -> dict[str, Any]:
    """What a `paper.toml` says. Raises `BrokenPaper` for a file that cannot be read, and for a field that is wrong."""
    try:
        row = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenPaper(f"{ROW} cannot be read: {error}") from None
    for name, value in row.items():
        kind = _FIELDS.get(name)
        if kind is None:
            raise BrokenPaper(f"{ROW} has a field {name!r}; it may have {', '.join(_FIELDS)}")
        if type(value) is not kind or kind is list and not all(isinstance(word, str) for word in value):
            wanted = {str: "a text", int: "a whole number", list: "a list of texts"}[kind]
            raise BrokenPaper(f"{ROW}: {name} = {value!r} is not allowed; it must be {wanted}")
    if missing := [name for name in _NEEDED if name not in row]:
        raise BrokenPaper(f"{ROW} has no {missing[0]!r}; it needs {', '.join(_NEEDED)}")
    kind, _, name = row.get("source", "").partition(":")
    if "source" in row and (kind not in ("arXiv", "doi", "") or bool(kind) != bool(name)):
        raise BrokenPaper(f"{ROW}: source = {row['source']!r} is not allowed; it must be arXiv:NUMBER or doi:NAME")
    return row
