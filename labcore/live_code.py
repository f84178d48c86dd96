"""Whether the code that runs here is the code of the files, which a code version stands for and other processes load.

A method can be changed in memory, `mechanism.Net.forward = mine`, and a file can be edited after it was loaded.
Functions, methods, names that were imported and constants that are written out are compared; what a file computes when
it is loaded is not.
"""

from __future__ import annotations

import ast
import functools
import sys
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from labcore.guests import ROW
from labcore.import_closure import closure

_LAYERS = ("__wrapped__", "py_func", "_function", "__func__", "fget", "func", "_dispatcher", "_defn")
_INSTALLED = {"site-packages", "dist-packages"}
_PLAIN = (int, float, complex, str, bytes, tuple, list, dict, type(None))


def changed(module: str) -> str | None:
    """The first thing behind this loaded module that is not as its file says, by its full name; None if all is.

    Of files of labcore and of guests: None for a module that is none of them.
    """
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    if module.partition(".")[0] != "labcore" and not (file.parent / ROW).exists():
        return None
    loaded = {Path(m.__file__): m for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
    behind = sorted(closure(file) & loaded.keys())
    home = {loaded[path].__name__.partition(".")[0] for path in behind}
    for path in behind:
        tree, codes = _parsed(path, path.stat().st_mtime_ns)
        for name in _differences(loaded[path], tree.body, codes, "", _assigned_later(tree), home):
            return f"{loaded[path].__name__}.{name}"
    return None


@functools.lru_cache(maxsize=1024)
def _parsed(path: Path, changed: int) -> tuple[ast.Module, dict[str, list[types.CodeType]]]:
    """The statements of a file, and the code of its functions by their qualified names."""
    source = path.read_bytes()
    codes: dict[str, list[types.CodeType]] = {}
    todo = [compile(source, str(path), "exec", dont_inherit=True)]
    while todo:
        code = todo.pop()
        codes.setdefault(code.co_qualname, []).append(code)
        todo += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return ast.parse(source), codes


def _assigned_later(tree: ast.Module) -> set[str]:
    """Names that functions of the file assign anew while they run."""
    return {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module or class that are run with it, also inside `if`, `try` and `with`."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [n.id for target in targets if target is not None for n in ast.walk(target) if isinstance(n, ast.Name)]


def _differences(
    place: Any,
    body: list[ast.stmt],
    codes: dict[str, list[types.CodeType]],
    prefix: str,
    skipped: set[str],
    home: set[str],
) -> Iterator[str]:
    """Names in a module or class, dotted, that hold something else than the statements of its file put there.

    `home` has the packages whose functions may be there.
    """
    statements = list(_statements(body))
    names = [name for node in statements for name in _bound(node)]
    held = vars(place)
    for name in dict.fromkeys((*names, *(held if isinstance(place, type) else ()))):
        if any(_foreign(f, home) for f in _functions(held.get(name))):
            yield prefix + name
    for node in statements:
        for name in _bound(node):
            if names.count(name) > 1 or name in skipped or name not in held:
                continue  # which of the statements came last, only a run can say
            live, full = held[name], prefix + name
            if isinstance(node, ast.FunctionDef):
                found = [f.__code__ for f in _functions(live)]
                if not any(code in codes[full] for code in found) and (found or isinstance(live, type)):
                    yield full
            elif isinstance(node, ast.ClassDef):
                if isinstance(live, type):
                    yield from _differences(live, node.body, codes, f"{full}.", set(), home)
                else:
                    yield full
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                if not _imported(place, node, name, live):
                    yield full
            elif not _as_written(place, node, live):
                yield full


def _functions(live: Any) -> list[types.FunctionType]:
    """The functions in this object, through its decorators."""
    found, todo, seen = [], [live], set()
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (type, types.ModuleType)):
            continue
        seen.add(id(one))
        if isinstance(one, types.FunctionType):
            found.append(one)
        kept = getattr(one, "__dict__", {})
        slots = (types.MethodType, staticmethod, classmethod, property, functools.partial)
        for layer in _LAYERS:
            if layer in kept or isinstance(one, slots) and hasattr(one, layer) or hasattr(type(one), layer):
                todo.append(getattr(one, layer, None))
    return found


def _foreign(function: types.FunctionType, home: set[str]) -> bool:
    """Written neither at home nor in a library: in a notebook, a script, a test."""
    top = function.__globals__.get("__name__", "").partition(".")[0]
    if top == "__main__":
        return True
    file = getattr(sys.modules.get(top), "__file__", None)  # none for what a named tuple and a data class generate
    return top not in home and top not in sys.stdlib_module_names and bool(file) and not installed(Path(file))


def installed(file: Path) -> bool:
    return not _INSTALLED.isdisjoint(file.parts)


def _imported(module: Any, node: ast.Import | ast.ImportFrom, name: str, live: Any) -> bool:
    """Whether the name still holds what this import statement gave it, as far as loaded modules say."""
    alias = next(a for a in node.names if (a.asname or a.name.partition(".")[0]) == name)
    if isinstance(node, ast.Import):
        return live is sys.modules.get(alias.name if alias.asname else name, live)
    package = module.__name__ if Path(module.__file__).name == "__init__.py" else module.__name__.rpartition(".")[0]
    above = package.rsplit(".", node.level - 1)[0] if node.level else ""
    origin = ".".join(part for part in (above, node.module) if part)
    given = getattr(sys.modules.get(origin), alias.name, live), sys.modules.get(f"{origin}.{alias.name}")
    return any(live is one for one in given)


def _as_written(place: Any, node: ast.stmt, live: Any) -> bool:
    """Whether a constant has the value that its assignment writes out; True where it is computed."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return True
    if isinstance(node, ast.Assign) and not (len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
        return True
    try:
        written = ast.literal_eval(node.value)
    except ValueError:
        return True
    if not written and isinstance(written, (list, dict, set)):
        return True  # to be filled
    if isinstance(place, type) and (issubclass(place, Enum) or not isinstance(live, _PLAIN)):
        return True  # what an enumeration or a data class makes of it
    return type(live) is type(written) and bool(live == written)
