"""A paper without its idea: the mechanism with its essential line replaced, beside the real one.

    WITHOUT = Without(                                         # labcore/hebbian/oja/without.py
        idea="the forgetting",
        file="mechanism.py",
        line="w = w + eta * y * (x[t] - y * w)",
        instead="w = w + eta * y * x[t]",
        shows="oja.alignment",
        breaks=("finds_the_main_direction",),
    )

The paper's package is loaded a second time, under another name and from the same files, with that one line of that one
file replaced. Its relative imports stay inside the copy; nothing of the real paper changes. Where the line lies on a
shelf, the files of the shelves that depend on it are in the copy too. What a copy computes is no result of the paper:
its key is not in the catalogue, so that no sweep and no ledger takes it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from labcore import catalog
from labcore.import_closure import closure

if TYPE_CHECKING:
    import xarray as xr

    from labcore.experiment import Experiment

_ROOT = Path(__file__).parent
_SHELVES = ("diagrams", "primitives")


@dataclass(frozen=True)
class Without:
    """The line that carries a paper's idea, and what stands there instead.

    `idea` names what the line does, as in "Take the idea out: the forgetting". `line` is a whole line of `file`,
    stripped of its indentation; it must stand there once. `instead` is the line that replaces it. `file` lies in the
    paper's folder, or on a shelf: "primitives/local_rules/hebb_rules.py".
    `shows` is the experiment `KEY.EXPERIMENT` whose picture fails. What tells the failure are claims of the paper that
    do not hold without the line, `breaks`, or a rule on that experiment's last frame, `fails(frame)`.

    Raises ValueError for a declaration that says nothing, or that cannot be told from the real paper.
    """

    idea: str
    file: str
    line: str
    instead: str
    shows: str
    breaks: tuple[str, ...] = ()
    fails: Callable[[xr.Dataset], bool] | None = None

    def __post_init__(self) -> None:
        if not self.idea or "." in self.idea:
            raise ValueError(f"idea = {self.idea!r} is not allowed; it must be a few words without a full stop")
        for name in ("line", "instead"):
            text = getattr(self, name)
            if text != text.strip() or not text or "\n" in text:
                raise ValueError(f"{name} = {text!r} is not allowed; it must be one line without its indentation")
        if self.line == self.instead:
            raise ValueError(f"instead = {self.instead!r} is not allowed; it must differ from the line")
        if not (self.breaks or self.fails):
            raise ValueError(f"breaks = () is not allowed for {self.shows}; it must name a claim, or give `fails`")

    @property
    def key(self) -> str:
        """The paper's key."""
        return self.shows.partition(".")[0]

    @property
    def path(self) -> Path:
        """The file that holds the line."""
        on_shelf = self.file.startswith(tuple(f"{shelf}/" for shelf in _SHELVES))
        return (_ROOT if on_shelf else catalog.paper(self.key).folder) / self.file

    @property
    def number(self) -> int:
        """Which line of the file it is, from 1. Raises ValueError unless it stands there exactly once."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        found = [number for number, text in enumerate(lines, 1) if text.strip() == self.line]
        if len(found) != 1:
            raise ValueError(f"{self.key}: {self.file} holds the line {self.line!r} {len(found)} times, not once")
        return found[0]

    def source_of(self, path: Path) -> str:
        """The text of a file, in the copy."""
        text = path.read_text(encoding="utf-8")
        if path != self.path:
            return text
        lines = text.splitlines(keepends=True)
        at = self.number - 1
        lines[at] = lines[at].replace(self.line, self.instead)
        return "".join(lines)

    def load(self, part: str) -> ModuleType:
        """One file of the paper's copy: its `experiments`, its `claims`, or another one.

        Raises ValueError as `number` does, ModuleNotFoundError for a file that is not there.
        """
        self.number  # noqa: B018 - asked before anything is loaded: half a copy would stay behind
        package = f"{catalog.paper(self.key).package} without {self.idea}"
        if not any(isinstance(f, _Copies) and f.package == package for f in sys.meta_path):
            sys.meta_path.append(_Copies(package, self))
        return importlib.import_module(f"{package}.{part}")

    def experiment(self, name: str = "") -> Experiment:
        """The copy's experiment of this name, or the one that `shows` names. Its frames do not say that they are of the
        copy; those of `frames` do.
        """
        return getattr(self.load("experiments"), name or self.shows.partition(".")[2])

    def frames(self, name: str = "", /, **values: Any) -> Iterator[xr.Dataset]:
        """The frames of the copy's experiment; each reading begins with "Without the forgetting:"."""
        frames = self.experiment(name).frames(**values)
        try:
            for frame in frames:
                reading = f"Without {self.idea}: {frame.attrs['reading']}"
                yield frame.assign_attrs(reading=reading, without=self.idea)
        finally:
            frames.close()


def declared(key: str) -> Without:
    """What the paper's `without.py` declares. Raises `UnknownKey`, and LookupError where there is no such file."""
    if not catalog.paper(key).has_without:
        raise LookupError(f"{key} does not say which line carries its idea: it has no without.py")
    return catalog.load_part(key, "without").WITHOUT


class _Copies(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of one copy: those of the paper, and of shelves what their line reaches.

    No file has the names that its code carries: numba then keeps none of what it compiles, which the real paper's
    kernels would take for theirs, and what compares loaded modules with their files passes over it.
    """

    def __init__(self, package: str, without: Without):
        self.package, self._without = package, without
        self._folder = catalog.paper(without.key).folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.package and not name.startswith(f"{self.package}."):
            return None
        file = self._file(name)
        if not file.exists():
            return None
        return importlib.util.spec_from_loader(
            name, self, origin=self._called(file), is_package=file.name == "__init__.py"
        )

    def get_source(self, name: str) -> str:
        return self._without.source_of(self._file(name))

    def get_code(self, name: str) -> CodeType:
        file = self._file(name)
        text, called = self.get_source(name), self._called(file)
        # so that `inspect` and tracebacks show the copy's own lines
        linecache.cache[called] = len(text), None, text.splitlines(keepends=True), called
        return compile(_Redirect(self.package, self._without.path).visit(ast.parse(text)), called, "exec")

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._called(self._file(module.__name__))
        exec(self.get_code(module.__name__), module.__dict__)

    def _file(self, name: str) -> Path:
        parts = name[len(self.package) :].split(".")[1:]
        root = _ROOT if parts and parts[0] in _SHELVES else self._folder
        return _module(root.joinpath(*parts))

    def _called(self, file: Path) -> str:
        place = file.relative_to(_ROOT if file.is_relative_to(_ROOT) else self._folder.parent).as_posix()
        return f"<without {self._without.idea}>/{place}"


class _Redirect(ast.NodeTransformer):
    """Lets imports of shelves that the changed file reaches name the copy's; the others stay shared with everybody."""

    def __init__(self, package: str, changed: Path):
        self._package, self._changed = package, changed

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.ImportFrom] | ast.ImportFrom:
        if node.level or node.module.split(".")[:2] not in [["labcore", shelf] for shelf in _SHELVES]:
            return node
        folder = _ROOT.joinpath(*node.module.split(".")[1:])
        groups: dict[bool, list[ast.alias]] = {}
        for alias in node.names:  # a module of the shelf, or a name in one
            inner = _module(folder / alias.name)
            file = inner if inner.exists() else _module(folder)
            groups.setdefault(self._changed in closure(file), []).append(alias)
        module = f"{self._package}.{node.module.removeprefix('labcore.')}"
        made = [ast.ImportFrom(module if copied else node.module, names, 0) for copied, names in groups.items()]
        return [ast.copy_location(one, node) for one in made]


def _module(place: Path) -> Path:
    """The file of the module at this place, without its suffix."""
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
