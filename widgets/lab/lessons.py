"""Which notebooks JupyterLab may start by itself: the package's own lessons, unchanged, where nothing can get between.

Running a notebook runs its cells, and with them every module that Python finds first in the notebook's folder. So the
folder counts as much as the text: it is the package's own, or the one that `labcore lab` was told, and holds no module.
"""

from __future__ import annotations

import hashlib
import json
import os
import pkgutil
from pathlib import Path

import nbformat

from labcore import lesson_files

RECORD = Path(__file__).with_name("lessons.json")  # name -> digest, of every lesson as it is published

Cells = list[list[str]]  # [type, source] of each


def cells_of(notebook: Path) -> Cells:
    """What a notebook says. Raises OSError, and ValueError for a file that is no notebook."""
    try:
        return [[cell.cell_type, cell.source] for cell in nbformat.read(notebook, as_version=4).cells]
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{notebook} is no notebook: {error}") from None


def digest(cells: Cells) -> str:
    """SHA-256 of what a notebook says."""
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def digests() -> dict[str, str]:
    """Of the lessons as they lie in the package's folder, by their names."""
    return {name: digest(cells_of(lesson_files.LESSONS / name)) for name in lesson_files.names()}


def recorded() -> dict[str, str]:
    """Of the lessons as they were published: a checkout's own files are there to be changed."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def lesson_of(notebook: Path) -> str | None:
    """The name of the lesson that a notebook is a copy of, changed or not, by the place where it lies; or None.

    A kernel runs in the folder that the path names, also where the file in it is a link to a lesson.
    """
    folder = notebook.parent.resolve()
    for lessons in (lesson_files.LESSONS, os.environ.get(lesson_files.OPENED)):
        if lessons and folder.is_relative_to(own := Path(lessons).resolve()):
            name = (folder / notebook.name).relative_to(own).as_posix()
            return name if name in recorded() else None
    return None


def startable(notebook: Path) -> Cells | None:
    """The cells of a lesson that may be started where it lies; None for every other notebook."""
    name, folder = lesson_of(notebook), notebook.parent.resolve()
    if name is None or any(pkgutil.iter_modules([str(folder)])):
        return None
    published = recorded()[name]
    try:
        cells = cells_of(notebook)
    except (OSError, ValueError):
        return None
    return cells if digest(cells) == published else None
