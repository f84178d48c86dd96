"""The catalogue: every paper, found by key. The list itself is `catalog.toml`; nothing else lists papers."""

from __future__ import annotations

import difflib
import functools
import importlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labcore.experiment import Experiment

_ROOT = Path(__file__).parent


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
    """One row of the catalogue."""

    key: str
    title: str
    year: int
    theme: str
    notebook: str
    idea: str

    @property
    def folder(self) -> Path:
        """Where its mechanism, experiments, claims and pictures are."""
        return _ROOT / self.theme / self.key

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
    def has_without(self) -> bool:
        """Whether it says which line carries its idea."""
        return (self.folder / "without.py").exists()


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
def _table() -> tuple[dict[str, Theme], dict[str, Paper]]:
    rows = tomllib.loads((_ROOT / "catalog.toml").read_text(encoding="utf-8"))
    found = {t["key"]: Theme(**t) for t in rows["theme"]}, {p["key"]: Paper(**p) for p in rows["paper"]}
    for row in found[1].values():
        if row.theme not in found[0]:
            raise UnknownKey("theme", row.theme, list(found[0]))
    return found


def themes() -> list[Theme]:
    """All themes, in reading order."""
    return list(_table()[0].values())


def papers(theme: str | None = None) -> list[Paper]:
    """All papers, or those of one theme. Raises `UnknownKey`."""
    known = _table()[0]
    if theme is not None and theme not in known:
        raise UnknownKey("theme", theme, list(known))
    return [p for p in _table()[1].values() if theme in (None, p.theme)]


def paper(key: str) -> Paper:
    """The paper with this key. Raises `UnknownKey`."""
    known = _table()[1]
    if key not in known:
        raise UnknownKey("paper", key, list(known))
    return known[key]


def load_paper(key: str) -> ModuleType:
    """The paper's package, `labcore.<theme>.<key>`: this is where a method, and torch if it needs it, is first loaded.

    Raises `UnknownKey`, and LookupError for a paper that is planned and holds nothing yet.
    """
    found = paper(key)
    if found.status == "planned":
        ready = [p.key for p in papers() if p.status == "ready"]
        raise LookupError(f"{key} is planned: it has no experiments yet. Ready: {', '.join(ready)}")
    return importlib.import_module(f"labcore.{found.theme}.{key}")


def load_part(key: str, part: str) -> ModuleType:
    """One file of a paper: its `experiments`, `claims`, `exercises`, `view`, `without`. Raises as `load_paper` does."""
    return importlib.import_module(f"{load_paper(key).__name__}.{part}")


def load_experiment(name: str) -> Experiment:
    """The experiment `KEY.EXPERIMENT`. Raises `UnknownKey`, LookupError for a planned paper."""
    key, _, short = name.partition(".")
    experiments = load_part(key, "experiments")
    names = paper(key).experiments
    if short not in names:
        raise UnknownKey("experiment", name, [f"{key}.{n}" for n in names])
    return getattr(experiments, short)
