"""The source of a mechanism as a lesson shows it: its essential lines, and the whole of it one click away.

Of what is long, essential is a statement that ends in the comment `# the idea` or stands below it, and the line that
the paper's `without.py` takes out; each with the loops and conditions around it. Of what is short, all but docstrings.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from html import escape

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from labcore import catalog
from labcore.code_version import CELL
from labcore.experiment import Experiment
from labcore.without import declared

_STYLE = HtmlFormatter()  # in classes: the page has their colours
SHORT = 12  # lines: what is no longer is seen whole, but for its docstring
_MARK = re.compile(r"[ \t]*# the idea$")


def highlighted(code: str) -> str:
    """Python as HTML, in colours."""
    return highlight(code, PythonLexer(), _STYLE)


def plain(function: Callable | Experiment) -> Callable:
    """The function that a reader wants to see: kernels, checks and experiments wrap it."""
    return inspect.unwrap(getattr(function, "_function", function))


def listing(function: Callable | Experiment) -> str:
    """The essential lines of a function or class as HTML, with a fold that holds the whole and says where it stands."""
    shown = plain(function)
    code = textwrap.dedent(inspect.getsource(shown))
    own = shown.__module__ == CELL
    where = "this notebook" if own else escape(f"{shown.__module__}, line {inspect.getsourcelines(shown)[1]}")
    short = essential(code, _taken_out(shown))
    if short == code:
        return f'<div class="labcore-where">{where}</div>{highlighted(code)}'
    head = f'<summary class="labcore-where">The whole of it: {where}</summary>'
    return f'{highlighted(short)}<details class="labcore-whole">{head}{highlighted(code)}</details>'


def _taken_out(shown: Callable) -> str:
    """The line of this function's paper that carries its idea; "" where none is named."""
    parts = shown.__module__.split(".")
    found = [p for p in catalog.papers() if parts[:3] == ["labcore", p.theme, p.key] and p.has_without]
    return declared(found[0].key).line if found else ""


def essential(code: str, line: str = "") -> str:
    """The essential lines of one function or class; `line` is one of them too. What is left out is `...`."""
    lines = code.splitlines()
    (top,) = ast.parse(code).body
    own, around, silent = set(), {}, set()
    for node, parents in _statements(top):
        own_lines = range(node.lineno, _header_end(node, lines) + 1)
        around.update(dict.fromkeys(own_lines, (node, parents)))
        if _is_docstring(node, parents):
            silent |= set(range(node.lineno, node.end_lineno + 1))
    for number, text in enumerate(lines, 1):
        if text.strip() == line != "" or _MARK.search(text):
            at = number + 1 if text.strip() == "# the idea" else number
            if at in around:
                node, parents = around[at]
                for each in (node, *parents):
                    own |= set(range(each.lineno, _header_end(each, lines) + 1))
                own |= {e for e in _elses(node, parents, lines)}
    first = top.lineno
    last_of_head = _header_end(top, lines)
    head = lines[first - 1 : last_of_head]
    if len(head) > 1 and isinstance(top, ast.FunctionDef):
        names = [a.arg for a in (*top.args.posonlyargs, *top.args.args, *top.args.kwonlyargs)]
        head = [f"def {top.name}({', '.join(names)}):"]
    rest = [
        _MARK.sub("", text)
        for number, text in enumerate(lines, 1)
        if number > last_of_head and number not in silent and text.strip() != "# the idea"
    ]
    if not own or sum(bool(t.strip()) for t in rest) < SHORT:
        return "\n".join([*head, *rest]).rstrip() + "\n"
    made, skipped = list(head), None
    for number in range(last_of_head + 1, len(lines) + 1):
        text = lines[number - 1]
        if number in own:
            if skipped is not None:
                made.append(f"{skipped}...")
            skipped = None
            made.append(_MARK.sub("", text))
        elif number not in silent and text.strip() and text.strip()[0] != "#" and skipped is None:
            skipped = text[: len(text) - len(text.lstrip())]
    return "\n".join(made + ([f"{skipped}..."] if skipped is not None else [])) + "\n"


def _statements(node: ast.stmt, parents: tuple[ast.stmt, ...] = ()) -> Iterator[tuple[ast.stmt, tuple[ast.stmt, ...]]]:
    """Each statement with those around it, the innermost first."""
    yield node, parents
    for field in ("body", "orelse", "finalbody"):
        for child in getattr(node, field, ()):
            if isinstance(child, ast.stmt):
                yield from _statements(child, (node, *parents))


def _header_end(node: ast.stmt, lines: list[str]) -> int:
    """The last line of a statement without the statements in it."""
    if not getattr(node, "body", None):
        return node.end_lineno
    end = node.body[0].lineno - 1
    # comments and decorators over the first statement inside are not the header's
    while not lines[end - 1].split("#")[0].rstrip().endswith(":"):
        end -= 1
    return max(end, node.lineno)


def _is_docstring(node: ast.stmt, parents: tuple[ast.stmt, ...]) -> bool:
    owner = parents[0] if parents else None
    return (
        isinstance(owner, (ast.FunctionDef, ast.ClassDef))
        and node is owner.body[0]
        and isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _elses(node: ast.stmt, parents: tuple[ast.stmt, ...], lines: list[str]) -> Iterator[int]:
    """The lines `else:` on the way to a statement."""
    for inner, outer in zip((node, *parents), parents):
        if inner in getattr(outer, "orelse", ()):
            for number in range(inner.lineno - 1, outer.body[-1].end_lineno, -1):
                if lines[number - 1].strip().startswith("else:"):
                    yield number
