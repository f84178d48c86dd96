"""What a lesson asks, read from its notebook: no bench is made, and nothing runs but what stands in a question's words.

A question is the `predict=` of a call of `bench`. Its words, options and rulers are literals, names of literals that
the notebook sets, or `tuple(... for k in range(n))`; one that is computed otherwise is not read.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from widgets.benches.prediction import Prediction
from widgets.benches.ruler import Ruler
from widgets.benches.sketch import Sketch

_KINDS = {"Prediction": Prediction, "Sketch": Sketch}
_WORDS = ("question", "options", "kind", "x", "y", "why", "instead")
_ALLOWED = {"__builtins__": {}, "Ruler": Ruler, "tuple": tuple, "range": range, "dict": dict}


@dataclass(frozen=True)
class Asked:
    """A question of a lesson. `bench` is the name by which links call its bench, unique in the lesson.

    An answer is the number of one of `options`, or what is drawn along `x` and `y`: shares of the axes, 0 to 1.
    """

    bench: str
    question: str
    kind: Literal["options", "curve", "order", "place"]
    options: tuple[str, ...] = ()
    x: Ruler | None = None
    y: Ruler | None = None
    why: str = ""
    instead: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def numbers(self) -> int:
        """How many numbers a drawing has: the heights at the handles, or a place's two."""
        return 0 if self.kind == "options" else 2 if self.kind == "place" else len(self.x.places)

    @property
    def axes(self) -> dict[str, dict[str, Any]]:
        """The two axes of a drawing, as JSON: title, ends, log, names, and the shares along x where handles stand."""
        if self.kind == "options":
            return {}
        made = {k: {n: getattr(r, n) for n in ("title", "low", "high", "log", "names")} for k, r in self._rulers()}
        made["x"]["at"] = self.x.share(self.x.places).tolist()
        return made

    def _rulers(self) -> tuple[tuple[str, Ruler], ...]:
        return ("x", self.x), ("y", self.y)


def asked(notebook: Path) -> tuple[Asked, ...]:
    """The questions of a notebook, from top to bottom. Raises OSError."""
    return _read(str(notebook), notebook.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: str, changed: int) -> tuple[Asked, ...]:
    with open(path, encoding="utf-8") as file:
        sources = ["".join(c["source"]) for c in json.load(file)["cells"] if c["cell_type"] == "code"]
    return tuple(_questions(sources))


def _questions(sources: list[str]) -> Iterator[Asked]:
    known = dict(_ALLOWED)
    for source in sources:
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a notebook of somebody else's, with magics
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                try:
                    known[node.targets[0].id] = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    continue
        for call in _benches(tree):
            given = {k.arg: k.value for k in call.keywords}
            if call.args and isinstance(given.get("predict"), ast.Call):
                try:
                    label = _value(given["label"], known) if "label" in given else ""
                    yield _question(label or _value(call.args[0], known), given["predict"], known)
                except Exception:  # noqa: BLE001 - whatever a notebook computes there: the question is not read
                    continue


def _benches(tree: ast.AST) -> list[ast.Call]:
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    return sorted((n for n in calls if n.func.id == "bench"), key=lambda n: (n.lineno, n.col_offset))


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "<question>", "eval"), dict(known))  # noqa: S307 - a lesson's own words


def _question(bench: str, call: ast.Call, known: Mapping[str, Any]) -> Asked:
    kind = _KINDS[call.func.id]
    nodes = inspect.signature(kind).bind_partial(*call.args, **{k.arg: k.value for k in call.keywords}).arguments
    said = {name: _value(nodes[name], known) for name in _WORDS if name in nodes}
    return Asked(bench, **{"kind": "options" if kind is Prediction else "curve", **said})
