"""The catalogue: every paper and every lesson. The list itself is `catalog.toml`; nothing else lists them.

Beside the house's papers there may be guests, of folders and of installed packages; `labcore.guests` finds them.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from labcore import guests as outside
from labcore.guests import BrokenPaper, Guest

if TYPE_CHECKING:
    from labcore.experiment import Experiment

_ROOT = Path(__file__).parent
PAGES = ("index.ipynb", "your_own.ipynb")  # notebooks that are nobody's lesson


class UnknownKey(LookupError):
    """A key that no paper, theme or experiment has. The message suggests the nearest."""

    def __init__(self, what: str, key: str, known: list[str]):
        near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"`labcore list` shows all {len(known)}"
        super().__init__(f"there is no {what} {key!r}; {hint}")


@dataclass(frozen=True)
class Theme:
    """A group of papers: a package name, a title and the question that it answers."""

    key: str
    title: str
    question: str


@dataclass(frozen=True)
class Paper:
    """One row of the catalogue, or a guest: `guest` is then where it comes from, it has no lesson, perhaps no theme."""

    key: str
    title: str
    year: int
    theme: str
    notebook: str
    idea: str
    source: str = ""
    words: tuple[str, ...] = ()
    guest: Guest | None = None

    @property
    def link(self) -> str:
        """The address of the paper itself, made of its `source`, arXiv:NUMBER or doi:NAME; "" where none is given."""
        kind, _, name = self.source.partition(":")
        return {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}[kind] + name if name else ""

    @property
    def folder(self) -> Path:
        """Where its mechanism, experiments, claims and pictures are."""
        return self.guest.folder if self.guest else _ROOT / self.theme / self.key

    @property
    def package(self) -> str:
        """How its folder is imported."""
        return self.guest.package if self.guest else f"labcore.{self.theme}.{self.key}"

    @property
    def of(self) -> str:
        """Whose it is, "the package x" or "the folder /y"; "" for one of the house."""
        return self.guest.of if self.guest else ""

    @property
    def status(self) -> str:
        """`ready` when the paper has experiments, else `planned`."""
        return "ready" if (self.folder / "experiments.py").exists() else "planned"

    @property
    def experiments(self) -> tuple[str, ...]:
        """Names of its experiments, read from the source without importing it."""
        return _decorated(self.folder / "experiments.py", "experiment")

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of its claims, read from the source without importing it."""
        return _decorated(self.folder / "claims.py", "claim")

    @property
    def exercises(self) -> tuple[str, ...]:
        """Names of its exercises, read from the source without importing it."""
        return _decorated(self.folder / "exercises.py", "exercise")

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the experiments that also take a table of yours."""
        return _decorated(self.folder / "table.py", "of_table")

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the experiments that also take pictures of yours."""
        return _decorated(self.folder / "pictures.py", "of_pictures")

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of the experiments that also take a sentence of yours."""
        return _decorated(self.folder / "text.py", "of_text")

    @property
    def has_without(self) -> bool:
        """Whether it says which line carries its idea."""
        return (self.folder / "without.py").exists()


@dataclass(frozen=True)
class Lesson:
    """One question, and its place among the others."""

    name: str
    question: str
    level: Literal["introductory", "intermediate", "advanced"]
    picture: str  # KEY.EXPERIMENT
    mechanism: str
    needs: tuple[str, ...] = ()  # names of lessons to do first
    evening: int = 0  # of the course; 0: not part of it
    first_hour: bool = False
    words: tuple[str, ...] = ()

    @property
    def notebook(self) -> str:
        """Its path, as in the rows of its papers."""
        return f"notebooks/{self.name}.ipynb"

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Its papers, as far as they are ready."""
        return tuple(p for p in papers() if p.notebook == self.notebook and p.status == "ready")


def _decorated(path: Path, decorator: str) -> tuple[str, ...]:
    return _names(path, decorator, path.stat().st_mtime_ns) if path.exists() else ()


@functools.lru_cache(maxsize=1024)
def _names(path: Path, decorator: str, changed: int) -> tuple[str, ...]:
    """The functions of a file that have this decorator, kept until the file changes.

    Parsing all files would make `labcore list` wait; a test holds this against the imported modules.
    """
    found = re.findall(rf"^@{decorator}\b.*?^def (\w+)", path.read_text(encoding="utf-8"), re.M | re.S)
    return tuple(found)


@functools.cache
def _rows() -> dict[str, Any]:
    """The file, with tuples for its lists."""
    rows = tomllib.loads((_ROOT / "catalog.toml").read_text(encoding="utf-8"))
    for row in (*rows["paper"], *rows.get("lesson", [])):
        row.update({name: tuple(value) for name, value in row.items() if isinstance(value, list)})
    return rows


@functools.cache
def _table() -> tuple[dict[str, Theme], dict[str, Paper]]:
    rows = _rows()
    found = {t["key"]: Theme(**t) for t in rows["theme"]}, {p["key"]: Paper(**p) for p in rows["paper"]}
    for row in found[1].values():
        if row.theme not in found[0]:
            raise UnknownKey("theme", row.theme, list(found[0]))
    return found


def themes() -> list[Theme]:
    """All themes, in reading order."""
    return list(_table()[0].values())


def papers(theme: str | None = None) -> list[Paper]:
    """All papers of the house, or those of one theme. Raises `UnknownKey`."""
    known = _table()[0]
    if theme is not None and theme not in known:
        raise UnknownKey("theme", theme, list(known))
    return [p for p in _table()[1].values() if theme in (None, p.theme)]


def guests(theme: str | None = None) -> list[Paper]:
    """The papers that are not of the house, or those of one theme. Raises `UnknownKey`."""
    papers(theme)  # says what is wrong with the theme
    return [p for p in _guests()[0].values() if theme in (None, p.theme)]


def left_out() -> list[str]:
    """A line for each folder and package that should bring papers and cannot."""
    return _guests()[1]


def _guests() -> tuple[dict[str, Paper], list[str]]:
    """Looked for each time: folders come and go while a notebook is open."""
    themes_, house = _table()
    rows, lines = outside.found(dict.fromkeys(house, "of the house"))
    known = {}
    for guest in rows:
        row = {"theme": "", "notebook": "", **guest.row, "words": tuple(guest.row.get("words", ()))}
        if row["theme"] and row["theme"] not in themes_:
            lines.append(f"{guest.key} of {guest.of} is left out: {UnknownKey('theme', row['theme'], list(themes_))}")
        else:
            known[guest.key] = Paper(guest.key, guest=guest, **row)
    return known, lines


def paper(key: str) -> Paper:
    """The paper with this key: the house's, or else a guest.

    Raises `UnknownKey`, and `BrokenPaper` where there is a guest of this name that cannot be used.
    """
    house = _table()[1]
    if key in house:
        return house[key]
    known, lines = _guests()
    if key in known:
        return known[key]
    for line in lines:
        if line.startswith(f"{key} of "):
            raise BrokenPaper(line)
    raise UnknownKey("paper", key, [*known, *house])


@functools.cache
def _lessons() -> dict[str, Lesson]:
    found = {row["name"]: Lesson(**row) for row in _rows().get("lesson", [])}
    for row in found.values():
        for name in row.needs:
            if name not in found:
                raise UnknownKey("lesson", name, list(found))
    return found


def lessons() -> list[Lesson]:
    """All lessons, in the order of the course. Raises `UnknownKey` where one needs a lesson that is not there."""
    return list(_lessons().values())


def lesson(name: str) -> Lesson:
    """The lesson of this name, THEME/TOPIC. Raises `UnknownKey`."""
    known = _lessons()
    if name not in known:
        raise UnknownKey("lesson", name, list(known))
    return known[name]


def summary() -> str:
    """One line: what is there, and what is coming. The index and the README say it."""
    ready = sum(p.status == "ready" for p in papers())
    planned = len(papers()) - ready
    return f"{len(lessons())} lessons on {ready} papers are here; {planned} more papers are listed and planned."


def alike() -> list[list[str]]:
    """Groups of words that mean the same to a search."""
    return _rows().get("search", {}).get("alike", [])


def load_paper(key: str) -> ModuleType:
    """The paper's package, `labcore.<theme>.<key>`: this is where a method, and torch if it needs it, is first loaded.

    Raises `UnknownKey`, LookupError for a paper that is planned and holds nothing yet, `BrokenPaper` for a guest that
    cannot be imported.
    """
    found = paper(key)
    if found.guest:
        return outside.load(found.guest)
    if found.status == "planned":
        ready = [p.key for p in papers() if p.status == "ready"]
        raise LookupError(f"{key} is planned: it has no experiments yet. Ready: {', '.join(ready)}")
    return importlib.import_module(found.package)


def load_part(key: str, part: str) -> ModuleType:
    """One file of a paper: its `experiments`, `claims`, `exercises`, `view`, `without`. Raises as `load_paper` does."""
    if (guest := paper(key).guest) is not None:
        return outside.load(guest, part)
    return importlib.import_module(f"{load_paper(key).__name__}.{part}")


def load_experiment(name: str) -> Experiment:
    """The experiment `KEY.EXPERIMENT`. Raises `UnknownKey`, LookupError for a planned paper."""
    key, _, short = name.partition(".")
    experiments = load_part(key, "experiments")
    names = paper(key).experiments
    if short not in names:
        raise UnknownKey("experiment", name, [f"{key}.{n}" for n in names])
    return getattr(experiments, short)
