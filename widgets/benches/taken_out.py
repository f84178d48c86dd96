"""The line that carries a paper's idea, as a difference, and the words of a bench that takes it out."""

from __future__ import annotations

from html import escape

from labcore import catalog
from labcore.without import Without


def as_html(without: Without) -> str:
    """Where the line stands, the line, and what stands there without the idea."""
    paper = catalog.paper(without.key)
    place = f"labcore/{without.path.relative_to(paper.folder.parent.parent).as_posix()}, line {without.number}"
    where = f"{paper.title} ({paper.year}); {place}"
    lines = f"<del>- {escape(without.line)}</del>\n<ins>+ {escape(without.instead)}</ins>"
    return f'<div class="labcore-difference"><div class="labcore-aside">{escape(where)}</div><pre>{lines}</pre></div>'


def waiting(without: Without) -> str:
    """What a bench says until the copy has its first frame."""
    files = [*catalog.paper(without.key).folder.glob("*.py"), without.path]
    # numba compiles a copy's kernels when they are first called, and keeps none of them for the next process
    compiles = any("@kernel" in file.read_text(encoding="utf-8") for file in files)
    return f"{'Compiling' if compiles else 'Loading'} the mechanism without {without.idea} ..."
