"""Lessons executed and written as pages."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from html import escape
from importlib import metadata
from pathlib import Path
from urllib.parse import parse_qsl

import nbformat
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import ExecutePreprocessor

from labcore import catalog, lesson_files
from labcore.guests import HOUSE_ONLY
from labcore.import_closure import closure

HERE, WIDGETS = Path(__file__).parent, Path(__file__).parents[1]
PAGE = 3_000_000  # bytes of a lesson, at most
PATIENCE = 900  # seconds of one cell, on a busy machine
_LINK = re.compile(r"\]\(<?#([^?#()\s]+)\?([^()\s>]+)>?\)|href=[\"']#([^?#\"']+)\?([^\"']+)[\"']")
_HOW_TO = re.compile(r"^\*In JupyterLab.*?(?:\n\n|\Z)", re.M | re.S)  # of a page with a kernel
_NOTEBOOK = re.compile(r"""(href=["'](?!\w+:)[^"'?#]*)\.ipynb""")
_BENCH = re.compile(r"^bench\(", re.M)


@functools.cache
def live_address() -> str:
    """Where the live lessons are, as the README says it, up to the name of one; a wheel has the README's words too."""
    readme = WIDGETS.parent / "README.md"
    try:
        text = readme.read_text(encoding="utf-8") if readme.is_file() else metadata.metadata("labcore").get_payload()
    except metadata.PackageNotFoundError:
        return ""
    found = re.search(r"^\[gallery\]: (\S+)index\.ipynb$", text, re.M)
    return found[1] if found else ""


def names() -> list[str]:
    """The lessons, by theme and in the order of the catalogue."""
    every = [p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"]
    return [name for name in dict.fromkeys(every) if (lesson_files.LESSONS / name).is_file()]


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(lesson_files.LESSONS / name, as_version=4)


def title(notebook: nbformat.NotebookNode) -> str:
    """The question of a lesson."""
    heads = (re.search(r"^# (.+)$", cell.source, re.M) for cell in notebook.cells if cell.cell_type == "markdown")
    return next((head[1].strip() for head in heads if head), "A lesson")


def papers_of(name: str) -> list[catalog.Paper]:
    return [p for p in catalog.papers() if p.notebook == f"notebooks/{name}" and p.status == "ready"]


def version(name: str) -> str:
    """A short hash of all that makes a lesson's page: it is built anew when this has changed."""
    files = {lesson_files.LESSONS / name}
    for paper in papers_of(name):
        files |= {path for part in paper.folder.glob("*.py") for path in closure(part)}
    files |= {p for p in WIDGETS.rglob("*") if p.suffix in (".py", ".js", ".css")}
    if (record := WIDGETS.parent / "docs/ledger.json").is_file():
        files.add(record)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def asked_by_links(notebook: nbformat.NotebookNode) -> dict[str, dict[str, list[str]]]:
    """What the links of a lesson's text ask of its benches, one value at a time: {label: {parameter: [values]}}."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell in notebook.cells:
        for match in _LINK.finditer(cell.source):
            pairs = parse_qsl(match[2] or match[4])
            if len(pairs) == 1:
                found.setdefault(match[1] or match[3], {}).setdefault(pairs[0][0], []).append(pairs[0][1])
    return found


def executed(name: str) -> nbformat.NotebookNode:
    """A lesson with the outputs of a page without a kernel. Raises nbclient's CellExecutionError."""
    notebook = read(name)
    count = sum(len(_BENCH.findall(cell.source)) for cell in notebook.cells if cell.cell_type == "code")
    plan = {"links": asked_by_links(notebook), "bytes": (PAGE - 700_000) // max(count, 1)}
    os.environ |= {"LABCORE_FRONTEND": "site", "LABCORE_SITE": json.dumps(plan), "OMP_NUM_THREADS": "1"}
    os.environ[HOUSE_ONLY] = "1"  # a page shows what everybody has
    run = ExecutePreprocessor(timeout=PATIENCE, kernel_name="python3")
    done, _ = run.preprocess(notebook, {"metadata": {"path": str((lesson_files.LESSONS / name).parent)}})
    return done


def body(notebook: nbformat.NotebookNode, live: str) -> str:
    """The cells of an executed lesson as HTML; `live` is the address where what needs a kernel is."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            html = markdown2html(_HOW_TO.sub("", cell.source))
            parts.append(f'<div class="site-prose">{html}</div>')
        elif cell.cell_type == "code":
            parts += [f'<div class="site-output">{shown}</div>' for shown in _outputs(cell, live)]
    # a lesson that leads to another one leads to its page
    return _NOTEBOOK.sub(r"\1.html", "\n".join(parts))


def _outputs(cell: nbformat.NotebookNode, live: str) -> Iterator[str]:
    for output in cell.outputs:
        data = output.get("data", {})
        if "application/vnd.jupyter.widget-view+json" in data:
            word = "Here stands something to take into your hands, which needs Python."
            yield f'<p class="site-prose site-note">{word} <a href="{escape(live)}">Open the live lesson.</a></p>'
        elif "text/html" in data:
            yield data["text/html"]
        elif "image/svg+xml" in data:
            yield data["image/svg+xml"]


@functools.cache
def _script() -> str:
    """The page's script: the modules of a live figure and of a sketch, and what stands for their kernel."""
    from widgets.benches.plot import Plot
    from widgets.benches.sketch import Canvas

    made = []
    for name, source in (("labcorePlot", str(Plot._esm)), ("labcoreSketch", str(Canvas._esm))):
        head, found, tail = source.rpartition("export default ")
        if not found:
            raise ValueError(f"{name} exports nothing")
        made.append(f"const {name} = (() => {{\n{head}return {tail}\n}})();")
    # a function of its own around all: a page's names are everybody's
    scripts = (WIDGETS / "atlas/scrolled.js", WIDGETS / "atlas/keep.js", HERE / "page.js")
    made += [script.read_text(encoding="utf-8") for script in scripts]
    return "(() => {\n" + "\n".join(made) + "\n})();\n"


def write_shared(folder: Path, moving: bool = True) -> None:
    """What all pages share: the style, scripts and their licences; without those of figures where none moves."""
    import plotly

    from widgets.benches.plot import Plot
    from widgets.benches.sketch import Canvas

    shared = folder / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    if moving:
        shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", shared)
        shutil.copy(WIDGETS / "benches/vendor/plotly-cartesian.min.js", shared)
        shutil.copy(WIDGETS / "benches/vendor/LICENSE", shared / "plotly-LICENSE")
        (shared / "lessons.js").write_text(_script(), encoding="utf-8")
    for file in ("katex.min.js", "auto-render.min.js"):
        shutil.copy(HERE / "vendor" / file, shared)
    shutil.copy(HERE / "vendor/LICENSE", shared / "katex-LICENSE")
    atlas = [WIDGETS / "atlas" / name for name in ("page.css", "cards.css", "progress.css")]
    own = [*atlas, HERE / "page.css"]
    styles = [str(Plot._css), str(Canvas._css), *(file.read_text(encoding="utf-8") for file in own)]
    (shared / "lessons.css").write_text("\n".join(styles), encoding="utf-8")


def page(head: str, content: str, *, up: str, version: str = "", scripts: bool = True, lesson: str = "") -> str:
    """A whole page; `up` leads from it to the folder of all, and answers are kept under the name of the `lesson`."""
    tags = "".join(
        f'<script src="{up}shared/{name}"></script>\n' for name in ("katex.min.js", "auto-render.min.js", "lessons.js")
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="labcore-version" content="{version}">
<link rel="icon" href="data:,">
<title>{escape(head)}</title>
<link rel="stylesheet" href="{up}shared/lessons.css">
</head>
<body class="labcore-page" data-lesson="{escape(lesson)}">
{content}
{tags if scripts else ""}</body>
</html>
"""


def build(name: str, folder: Path) -> str:
    """Write one lesson, unless it is there as it would be; returns what was done, in a line."""
    target, now = folder / Path(name).with_suffix(".html"), version(name)
    if target.is_file() and f'content="{now}"' in target.read_text(encoding="utf-8")[:600]:
        return f"{name}: as it was"
    notebook = executed(name)
    live, head = live_address() + name, title(notebook)
    every = names()
    at = every.index(name) if name in every else 0
    near = [("Before: ", n) for n in every[max(at - 1, 0) : at]] + [("Next: ", n) for n in every[at + 1 : at + 2]]
    up = "../" * name.count("/")
    ways = [f'<a href="{up}index.html">All lessons</a>']
    ways += [
        f'<a href="{up}{Path(n).with_suffix(".html").as_posix()}">{word}{escape(title(read(n)))}</a>'
        for word, n in near
    ]
    top = f'<header class="site-top"><a href="{escape(live)}">This lesson, live, on Binder</a></header>'
    foot = f'<footer class="site-foot">{"".join(ways)}</footer>'
    content = f"{top}\n<main>{body(notebook, live)}</main>\n{foot}"
    html = page(head, content, up=up, version=now, lesson=Path(name).with_suffix("").as_posix())
    size = len(html.encode())
    if size > PAGE:
        raise ValueError(f"{name} has {size} bytes; a lesson may have {PAGE}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    return f"{name}: {size / 1e6:.2f} MB"


def write_index(folder: Path, built: Sequence[str]) -> None:
    """The first page: the cards of the lessons that are built, in the order of the course."""
    from widgets.atlas.cards import lesson_card, paths

    told = (
        '<main><div class="site-prose"><h1>Labcore</h1><p>Lessons on neural networks, each a question. These pages '
        "need no server and no network: figures play, the main control moves, predictions are asked. "
        f'<a href="{escape(live_address())}index.ipynb">The live lessons</a> have all controls.</p></div>'
    )
    parts = [told, '<div class="labcore-atlas">']
    for group in paths()[2]["groups"]:
        cards = [lesson_card(catalog.lesson(name)) for name in group["names"] if f"{name}.ipynb" in built]
        if cards:
            parts.append(f'<h2>{escape(group["title"])}</h2><div class="labcore-grid">{"".join(cards)}</div>')
    content = _NOTEBOOK.sub(r"\1.html", "\n".join([*parts, "</div></main>"]))
    (folder / "index.html").write_text(page("Labcore", content, up=""), encoding="utf-8")
