"""The catalogue: every paper, found by key. The list itself is `catalog.toml`; nothing else lists papers."""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import threading
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
    def page(self) -> Path:
        return _ROOT / self.theme / f"{self.key}.py"

    @property
    def status(self) -> str:
        """`ready` when the paper's page exists, else `planned`."""
        return "ready" if self.page.exists() else "planned"

    @property
    def experiments(self) -> tuple[str, ...]:
        """Names of its experiments, read from the page's source without importing it."""
        return _decorated(self.page, "experiment")

    @property
    def claims(self) -> tuple[str, ...]:
        """Names of its claims, read from the page's source without importing it."""
        return _decorated(self.page, "claim")


_parsing = threading.Lock()


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file. One thread at a time: two that parse at once can fail (CPython 3.11)."""
    with _parsing:
        return ast.parse(path.read_text(encoding="utf-8"))


def _decorated(page: Path, decorator: str) -> tuple[str, ...]:
    if not page.exists():
        return ()
    return tuple(name for name, by in _decorations(page, page.stat().st_mtime_ns) if by == decorator)


@functools.lru_cache(maxsize=512)
def _decorations(page: Path, changed: int) -> list[tuple[str, str]]:
    """The functions of a page that a call decorates, each with the decorator's name. Kept until the file changes."""
    return [
        (node.name, d.func.id)
        for node in parsed(page).body
        if isinstance(node, ast.FunctionDef)
        for d in node.decorator_list
        if isinstance(d, ast.Call) and isinstance(d.func, ast.Name)
    ]


@functools.cache
def _table() -> tuple[dict[str, Theme], dict[str, Paper]]:
    rows = tomllib.loads((_ROOT / "catalog.toml").read_text(encoding="utf-8"))
    return {t["key"]: Theme(**t) for t in rows["theme"]}, {p["key"]: Paper(**p) for p in rows["paper"]}


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


def load_page(key: str) -> ModuleType:
    """Import the paper's page: this is where a method, and torch if it needs it, is first loaded.

    Raises `UnknownKey`, and LookupError for a paper that is planned and has no page yet.
    """
    found = paper(key)
    if found.status == "planned":
        ready = [p.key for p in papers() if p.status == "ready"]
        raise LookupError(f"{key} is planned: it has no page yet. Ready: {', '.join(ready)}")
    return importlib.import_module(f"labcore.{found.theme}.{key}")


def load_experiment(name: str) -> Experiment:
    """The experiment `KEY.EXPERIMENT`, its page imported. Raises `UnknownKey`, LookupError for a planned paper."""
    key, _, short = name.partition(".")
    page = load_page(key)
    names = paper(key).experiments
    if short not in names:
        raise UnknownKey("experiment", name, [f"{key}.{n}" for n in names])
    return getattr(page, short)
