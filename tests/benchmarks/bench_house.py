"""What people wait for: imports, the command line, all lessons, the first figure of a page, and a class of visitors.

Times of processes are those of whole processes, so they are given beside an empty Python.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import papermill
import psutil
from jupyter_client.manager import start_new_kernel

from labcore import catalog
from tests.benchmarks.timing import ROOT, interleaved

Row = dict[str, Any]
LESSONS = sorted({p.notebook for p in catalog.papers() if p.status == "ready"})
SHORT = "rhythms"  # a lesson that does not take long
# by the page's own clock, which starts with the request: a picture that stands where a figure will be, and the first
# figure that holds data
PICTURE = """() => [...document.querySelectorAll('.labcore-figure svg')].some(g => g.getClientRects().length)
  && performance.now()"""
FIRST = """() => [...document.querySelectorAll('.labcore-figure')].some(g => (g._fullData || []).length)
  && performance.now()"""
# when a page sends the first cell to its kernel
SENT = """{
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    if (text.includes('"execute_request"') && text.includes('"silent":false')) globalThis.ranAt ??= performance.now();
    return send.call(this, data);
  };
}"""


def _row(name: str, ours: float, unit: str, against: str = "", peer: float | None = None, **more: Any) -> Row:
    ratio = peer / ours if peer is not None else None
    return {
        "name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "against": against or None, **more,
    }  # fmt: skip


def imports(quick: bool) -> list[Row]:
    """Seconds of whole processes."""
    commands = {
        "an empty Python": ["-c", "pass"],
        "import labcore": ["-c", "import labcore"],
        "import widgets": ["-c", "import widgets"],
        "from widgets import bench": ["-c", "from widgets import bench"],
        "labcore list": ["-m", "labcore", "list"],
    }

    if quick:
        commands = dict(list(commands.items())[:2])

    def work(arguments: list[str]) -> Callable[[], Any]:
        command = [sys.executable, *arguments]
        return lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    works = {name: work(arguments) for name, arguments in commands.items()}
    taken = interleaved(works, 0 if quick else 20, least=1 if quick else 5)
    middle = {name: float(np.median(times)) for name, times in taken.items()}
    empty = middle.pop("an empty Python")
    return [_row(name, seconds, "s", "an empty Python", empty) for name, seconds in middle.items()]


def kernels(quick: bool) -> list[Row]:
    """Memory of an idle kernel that nobody shares: bare, with widgets, and with a bench."""
    cells = {
        "kernel with widgets imported": "import widgets",
        "kernel that shows a bench": "from widgets import bench\nbench('double_descent.model_wise', budget='quick')",
    }

    def idle(code: str) -> float:
        manager, client = start_new_kernel(kernel_name="python3")
        try:
            client.execute_interactive(code, timeout=120, output_hook=lambda message: None)
            time.sleep(0.5)
            return psutil.Process(manager.provisioner.pid).memory_full_info().uss / 2**20
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)

    bare = idle("pass")
    return [
        _row(name, idle(code), "MiB", "a bare kernel", bare) for name, code in list(cells.items())[: 1 + (not quick)]
    ]


def suite(quick: bool) -> list[Row]:
    """Every lesson executed at the quick budget, one after the other."""
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        for lesson in [x for x in LESSONS if SHORT in x] if quick else LESSONS:
            start = time.perf_counter()
            papermill.execute_notebook(
                ROOT / lesson, Path(folder) / "out.ipynb", parameters={"budget": "quick", "seed": 0},
                cwd=str((ROOT / lesson).parent), progress_bar=False,
            )  # fmt: skip
            taken[lesson] = time.perf_counter() - start
    return [_row(f"{len(taken)} lessons by papermill, quick budget", sum(taken.values()), "s", lessons=taken)]


def first_figure(quick: bool) -> list[Row]:
    """From the request of a lesson to its first picture, and to data in its first figure: Chromium with an empty cache,
    a warm gallery.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, chromium, serve_voila

    taken: dict[str, dict[str, float]] = {"first picture": {}, "first figure": {}}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = serve_voila("notebooks", Path(folder) / "log", warm=not quick)
        url = next(server)
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for lesson in [x for x in LESSONS if SHORT in x] if quick else LESSONS:
                context = browser.new_context(viewport={"width": 1400, "height": 900})
                page = context.new_page()
                address = f"{url}/voila/render/{lesson.removeprefix('notebooks/')}"
                page.goto(address, timeout=120_000, wait_until="commit")
                for seconds, seen in zip(taken.values(), (PICTURE, FIRST)):
                    seconds[lesson] = page.wait_for_function(seen, timeout=120_000).json_value() / 1e3
                context.close()
            browser.close()
        finally:
            server.close()
    rows = []
    for what, seconds in taken.items():
        times = list(seconds.values())
        more = {"95th percentile": float(np.percentile(times, 95)), "lessons": seconds}
        name = f"request to {what} in Chromium, median of {len(times)} lessons"
        rows.append(_row(name, float(np.median(times)), "s", **more))
    return rows


def lab(quick: bool) -> list[Row]:
    """From Run All in JupyterLab, whose kernel is up and has imported nothing, to data in the first figure."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, chromium, serve_lab
    from tests.browser.front import open_in_lab

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        shutil.copytree(ROOT / "notebooks", Path(folder, "notebooks"))
        server = serve_lab(Path(folder))
        url, taken = next(server), []
        lesson = next(x for x in LESSONS if SHORT in x)
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for _ in range(1 if quick else 5):
                context = browser.new_context(viewport={"width": 1400, "height": 900})
                page = context.new_page()
                page.add_init_script(SENT)
                open_in_lab(page, url, lesson)
                seen = page.wait_for_function(FIRST, timeout=120_000).json_value()
                taken.append((seen - page.evaluate("ranAt")) / 1e3)
                context.close()
            browser.close()
        finally:
            server.close()
    return [_row("Run All in JupyterLab to first figure", float(np.median(taken)), "s", runs=taken)]


def sweeps(quick: bool) -> list[Row]:
    from tests.benchmarks.bench_sweep import speedups

    return speedups(quick)


def slider(quick: bool) -> list[Row]:
    from tests.benchmarks.bench_slider import sliders

    return sliders(quick)


def visitors(quick: bool) -> list[Row]:
    """Visitors who come within ten seconds, each with a kernel of their own (see bench_class)."""
    from tests.benchmarks.bench_class import class_rows

    rows = []
    for seen in class_rows("forks" if quick else "ready", (2,) if quick else (5, 10, 20, 30)):
        more = {"95th percentile": seen["first figure, 95 % s"], "class": seen}
        rows.append(_row(f"{seen['visitors']} visitors, first figure", seen["first figure, median s"], "s", **more))
        own = seen["memory a visitor, MB"]  # private: what no other process shares
        rows.append(_row(f"{seen['visitors']} visitors, private memory of each", own, "MB"))
    return rows


HOUSE = {
    "imports": imports,
    "kernels": kernels,
    "sweep": sweeps,
    "suite": suite,
    "figure": first_figure,
    "lab": lab,
    "slider": slider,
    "class": visitors,
}
