"""What a test does in the page: open a lesson as a person would, and read what its benches show."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]

# per bench: how many traces, how many finite numbers in them, a hash of what is drawn, the reading and the status
BENCHES = """() => [...document.querySelectorAll('.labcore-bench')].filter(b => b.querySelector('.labcore-figure')).map(b => {
  const g = b.querySelector('.labcore-figure');
  const numbers = (g._fullData || []).flatMap(d => ['x', 'y', 'z'].flatMap(k => Array.from(d[k] || []).flatMap(v => v?.length ? Array.from(v) : [v]))).map(Number);
  const finite = numbers.filter(Number.isFinite);
  return { traces: (g.data || []).length, finite: finite.length, hash: finite.reduce((h, v, i) => (h * 31 + Math.round(v * 1e6) + Math.round(1e4 * Math.log2(Math.abs(v) + 1e-300)) + i) % 1e12, 7),
           covered: Boolean(b.querySelector('.labcore-covered')),
           reading: b.querySelector('.labcore-reading')?.textContent || '', status: b.querySelector('.labcore-status')?.textContent || '' };
})"""


# whether a notebook's session has a kernel that listens
CONNECTED = """async ([url, path]) => (await (await fetch(url)).json()).some(({ path: opened, kernel }) =>
  opened === path && kernel?.connections > 0 && kernel.execution_state === "idle")"""


# whether no saved output waits for its widget any more
RESTORED = """() => ![...document.querySelectorAll('.jp-OutputArea-output')].some(
  (o) => o.textContent.startsWith("Loading widget"))"""


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of these code cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=kernel), path)


def benches_in(lesson: str) -> int:
    """How many benches the lesson's code makes."""
    notebook = nbformat.read(ROOT / lesson, as_version=4)
    calls = (n for c in notebook.cells if c.cell_type == "code" for n in ast.walk(ast.parse(c.source)))
    return sum(isinstance(n, ast.Call) and ast.unparse(n.func) == "bench" for n in calls)


def open_in_voila(page, url: str, lesson: str, query: str = "") -> None:
    page.goto(f"{url}/voila/render/{lesson.removeprefix('notebooks/')}{query}", timeout=120_000)


def open_in_lab(page, url: str, lesson: str, query: str = "", workspace: str = "") -> None:
    """Open the notebook and run all cells, through the menu. Pages that are open at once need workspaces of their own."""
    place = f"lab/workspaces/{workspace}" if workspace else "lab"
    page.goto(f"{url}/{place}/tree/{lesson}{query or '?reset'}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_selector(
        ".jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator", state="attached", timeout=60_000
    )
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'", timeout=90_000
    )
    # On a busy machine the notebook is there before its kernel's session: "run all" does nothing then, or asks which kernel
    # to take, and a second one would be started in place of the first.
    end = time.time() + 90
    while not page.evaluate(CONNECTED, [f"{url}/api/sessions", lesson]):
        assert time.time() < end, "JupyterLab's notebook comes to no kernel"
        page.wait_for_timeout(200)
    # widgets of saved outputs come back from the kernel; one that a cell makes meanwhile may be made twice, and its view
    # then follows the one that hears nothing
    page.wait_for_function(RESTORED, timeout=90_000)
    for _ in range(20):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        for _ in range(20):
            if any("*" in t or any(map(str.isdigit, t)) for t in page.locator(".jp-InputPrompt").all_text_contents()):
                return
            page.wait_for_timeout(250)
    raise AssertionError("JupyterLab runs no cell")


def until(page, condition: Callable[[list[dict]], bool], seconds: float = 120) -> list[dict]:
    """Wait until the benches satisfy a condition; return them. Fails with what was there instead."""
    end, pause = time.time() + seconds, 50.0
    while True:
        seen = page.evaluate(BENCHES)
        if condition(seen):
            return seen
        assert time.time() < end, f"the page never came to what was expected; it shows {seen}"
        page.wait_for_timeout(pause)
        pause = min(1.3 * pause, 300)  # a look at large figures costs the page, the driver and us some milliseconds


def wait_for_figures(page, count: int, seconds: float = 120) -> list[dict]:
    """Wait until this many benches hold figures with data and a reading with a number, and none is computing.

    Of one that is covered until its question is answered, only the axes are there.
    """
    return until(
        page,
        lambda seen: (
            len(seen) == count
            and all(
                b["status"]
                and (b["covered"] or b["traces"] and b["finite"] > 5 and any(c.isdigit() for c in b["reading"]))
                for b in seen
            )
        ),
        seconds,
    )


# where tests find the notebooks that they wrote on the desk: the fixture that serves it, and the way in
FRONTS = {"voila": ("voila_desk", open_in_voila), "lab": ("lab", open_in_lab)}


def open_on_desk(request, page, front: str, name: str) -> None:
    """Open a notebook of the desk in one of the two front ends, whose server is started where it is not yet there."""
    fixture, opened = FRONTS[front]
    opened(page, request.getfixturevalue(fixture), name)


def press(bench, name: str) -> None:
    """Press a button of the bench, or of the page with one bench; it may stand in the menu, which is then opened."""
    words = re.compile(rf"^\W*{name}\W*$")
    found = bench.locator(".labcore-toolbar").get_by_role("button", name=words, include_hidden=True)
    if not found.first.is_visible() and found.count():
        bench.get_by_role("button", name="Menu").click()
    if name in ("Run", "Pause", "Resume"):
        read(found)
    found.click()


def read(button) -> None:
    """Wait for as long as a person takes to read what stands on a button."""
    button.evaluate("() => new Promise((done) => setTimeout(done, 500))")


def unfold(bench) -> None:
    """Show all controls of the bench, or of the page with one bench."""
    more = bench.locator(".labcore-side > .labcore-opens")
    if more.count() and more.get_attribute("aria-expanded") != "true":
        more.click()
