"""The lessons that belong to this code, and copies of them that a reader may change.

In a checkout they are in `notebooks/`. A wheel holds them among its packages, where nobody should edit them.
"""

from __future__ import annotations

import os
from pathlib import Path

from labcore import catalog

_ROOT = Path(__file__).parent
INSTALLED = (_ROOT / "lessons").exists()
LESSONS = _ROOT / "lessons" if INSTALLED else _ROOT.parent / "notebooks"
TEACHING = _ROOT / "teaching.md" if INSTALLED else _ROOT.parent / "docs" / "teaching.md"  # notes for teachers
SETTINGS = _ROOT / "jupyter" if INSTALLED else _ROOT.parent / ".jupyter"  # for JUPYTER_CONFIG_PATH
LABEXTENSIONS = _ROOT.parent / "widgets" / "lab" / "labextensions"  # for JupyterLab's extra_labextensions_path
OPENED = (
    "LABCORE_LESSONS"  # the environment variable by which `labcore lab` tells its server where it opens the lessons
)


def names() -> list[str]:
    """Paths of the index, of all lessons and of the other pages, relative to their folder."""
    every = {*catalog.PAGES} | {p.notebook.removeprefix("notebooks/") for p in catalog.papers()}
    return sorted(name for name in every if (LESSONS / name).is_file())


def copy_out(folder: Path) -> list[Path]:
    """Write the lessons into a folder. What is there and differs stays as it is; returns these. Raises OSError."""
    changed = []
    for name in names():
        lesson, target = (LESSONS / name).read_bytes(), folder / name
        if target.exists():
            if target.read_bytes() != lesson:
                changed.append(target)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            draft.write_bytes(lesson)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    return changed
