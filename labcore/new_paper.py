"""A folder for a paper of your own: a copy of one that is there, or an empty one that runs.

The copy is another paper, with its own key, claims and compiled kernels. Nothing of the first one changes.
"""

from __future__ import annotations

import importlib
import json
import keyword
import re
import shutil
import tempfile
from datetime import date
from pathlib import Path

from labcore import catalog, guests

BLANK = Path(__file__).parent / "blank"
_SKIPPED = shutil.ignore_patterns("__pycache__", ".*", "preview.svg", guests.ROW)


def new(key: str, of: str | None = None, where: Path | None = None) -> Path:
    """Make the folder `key` in `where` (default: the current folder), a copy of the paper `of`, and return it.

    Without `of` it is empty: one experiment, one claim and one view, to be replaced. Raises ValueError for a key that
    is not allowed or taken, `UnknownKey` and LookupError for a paper that is not there, OSError where the folder cannot
    be written; then nothing is left behind.
    """
    folder = (where or Path.cwd()) / key
    _check(key, folder)
    if of is None:
        row = dict(
            title=key.replace("_", " ").capitalize(), year=date.today().year, idea="Say it in one sentence.", words=()
        )
        source = BLANK
    else:
        found = catalog.paper(of)
        if found.status == "planned":
            raise LookupError(f"{of} is planned: it has no experiments yet, and so nothing to copy")
        row = {name: getattr(found, name) for name in ("title", "year", "theme", "idea", "source", "words")}
        row["title"] = f"{found.title}, changed"
        source = found.folder
    # made beside its place and then renamed: it is there whole, or not at all
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".labcore-new-") as draft:
        made = Path(draft, key)
        shutil.copytree(source, made, ignore=_SKIPPED)
        if of is not None:
            for path in made.rglob("*.py"):
                path.write_text(_mended(path.read_text(encoding="utf-8"), found, key), encoding="utf-8")
        (made / guests.ROW).write_text(_written(row), encoding="utf-8")
        made.rename(folder)
    importlib.invalidate_caches()
    return folder


def _check(key: str, folder: Path) -> None:
    if not guests.KEY.fullmatch(key) or keyword.iskeyword(key):
        raise ValueError(f"key = {key!r} is not allowed; it must be of small letters, digits and _, as my_noble")
    if folder.exists():
        raise ValueError(f"key = {key!r} is not allowed; {folder} is there already")
    if key in [p.key for p in catalog.papers()]:
        raise ValueError(f"key = {key!r} is not allowed; it is a paper of the house, which cannot be replaced")
    if taken := [p for p in catalog.guests() if p.key == key]:
        raise ValueError(f"key = {key!r} is not allowed; {taken[0].of} has a paper of this name")
    if not guests.free(key, folder):
        raise ValueError(f"key = {key!r} is not allowed; it is the name of an installed module")


def _mended(text: str, found: catalog.Paper, key: str) -> str:
    """A file of the paper, as the copy needs it.

    Its imports are relative within the folder and name other places in full, so that they hold as they are. What names
    the paper's own package is mended, and so are the names of its experiments and exercises, "noble.sharp".
    """
    text = re.sub(rf"\b{re.escape(found.package)}\b", key, text)
    own = "|".join([*found.experiments, *found.exercises]) or r"\Z."
    text = re.sub(rf"(?<=[\"'`]){re.escape(found.key)}(?=\.(?:{own})[\"'`])", key, text)
    return re.sub(rf"`{re.escape(found.key)}`", f"`{key}`", text)


def _written(row: dict) -> str:
    """The row as TOML, whose texts are written as JSON's are."""
    lines = ["# What `labcore list` says of this paper."]
    for name, value in row.items():
        if value not in ("", ()):
            value = list(value) if isinstance(value, tuple) else value
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
