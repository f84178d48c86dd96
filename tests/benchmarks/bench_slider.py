"""From a key on a slider to the redrawn figure, in Chromium against Voila, for every experiment that answers at once.

One page shows one bench after another (see `slider_page`). The clock is the page's: from the key's event to the
figure's `plotly_afterplot`. The kernel tells when it heard of the key, had the frame, and had the picture, so that a
time has five parts. Then the slider is dragged to and fro without a stop, and the pictures are counted. The machine
should be idle.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from playwright.sync_api import TimeoutError, sync_playwright

from labcore import catalog
from tests.benchmarks.slider_page import CURVE, THEORY, WIDGET
from tests.browser.conftest import FLAGS, chromium, free_port, serve
from widgets.benches.bench import INSTANT

MOVES, WARM, DRAG = 26, 6, 1000  # keys, of which the first ones are not counted; milliseconds of a drag
PARTS = ("to the kernel", "compute", "picture", "message", "redraw")
CELL = """
from pathlib import Path
from tests.benchmarks.slider_page import Stage
Stage({names!r}, Path({log!r})).widget
"""
# every message of the kernel's that brings a picture: when it came, and its bytes
SOCKET = """
window.arrived = [];
window.WebSocket = class extends WebSocket {
  constructor(...more) {
    super(...more);
    this.addEventListener("message", ({ data }) => {
      const text = typeof data === "string" ? data : new TextDecoder("latin1").decode(data);
      if (/"spec"|"_py2js_/.test(text)) window.arrived.push([performance.timeOrigin + performance.now(), text.length]);
    });
  }
};
"""
CLOCK = """() => {
  const now = () => performance.timeOrigin + performance.now();
  const g = document.querySelector('.js-plotly-plot');
  window.drawn = []; window.pressed = 0;
  // once a task: what is rewritten in place says so twice
  g.on('plotly_afterplot', () => {
    window.last = now();
    window.due ??= setTimeout(() => { window.due = null; window.drawn.push(window.last); });
  });
  window.aim = () => { window.drawn = []; window.arrived = []; };
  if (!window.listens) document.addEventListener('keydown', () => { window.pressed = now(); window.aim(); }, true);
  window.listens = true;
}"""
DRAWN = """() => new Promise((done) => {
  // a picture that did not change does not arrive, and one that a film brings may be followed by others
  const look = () => {
    const [came] = window.arrived, drawn = window.drawn.findLast((at) => came && at > came[0]);
    if (drawn) done([window.pressed, drawn, ...came]);
    else if (performance.timeOrigin + performance.now() - window.pressed > 700) done(null);
    else setTimeout(look, 4);
  };
  look();
})"""
SLIDERS = ".labcore-main .widget-hslider:visible"


def instant() -> list[str]:
    """The experiments whose run with the values that they open with takes no longer than a bench calls instant.

    Each is run twice in a process of its own, which is ended when it has not answered after 20 s.
    """
    names = [f"{p.key}.{name}" for p in catalog.papers() if p.status == "ready" for name in p.experiments]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labcore.catalog", "xarray", "torch"])

    def seconds(name: str) -> float:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(name, there))
        process.start()
        taken = here.recv() if here.poll(20) else np.inf
        process.kill()
        process.join()
        return taken

    with ThreadPoolExecutor(2) as pool:
        return [name for name, taken in zip(names, pool.map(seconds, names)) if taken <= INSTANT]


def _run(name: str, answer: Any) -> None:
    """Send the CPU seconds of the quickest of three runs; one ends at the first frame that is too late."""
    experiment, taken = catalog.load_experiment(name), []
    for _ in range(3):
        began = time.process_time()
        for _ in experiment.frames():
            if time.process_time() - began > 3 * INSTANT:
                break
        taken.append(time.process_time() - began)
    answer.send(min(taken))


class Log:
    """The moments that the kernel wrote down since they were read last."""

    def __init__(self, path: Path):
        self._path, self._read = path, 0

    def new(self) -> list[tuple[str, float, Any]]:
        lines = self._path.read_text(encoding="utf-8").splitlines()
        moments, self._read = [tuple(json.loads(line)) for line in lines[self._read :]], len(lines)
        return moments


def _first(moments: Sequence[tuple[str, float, Any]], name: str, since: float = 0.0) -> float:
    return next((at for moment, at, _ in moments if moment == name and at >= since), np.nan)


def _steps(handle: Any, moves: int) -> list[str]:
    """Keys that go ten stops one way and come back, or fewer where the slider's end is nearer."""
    ends = ("aria-valuenow", "aria-valuemin", "aria-valuemax")
    now, low, high = (float(handle.get_attribute(name)) for name in ends)
    up = min(10, round(high - now)) if high - now >= now - low else -min(10, round(now - low))
    there, back = ("ArrowRight", "ArrowLeft") if up > 0 else ("ArrowLeft", "ArrowRight")
    return [there if move % (2 * abs(up)) < abs(up) else back for move in range(moves)]


def _keys(page: Any, slider: Any, log: Log, moves: int) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """Milliseconds of each key that changed the figure, of the five parts, the bytes and whether it is instant."""
    handle = slider.locator(".noUi-handle")
    handle.focus()
    taken, parts, sizes, calm = [], [], [], []
    for number, key in enumerate(_steps(handle, moves)):
        log.new()
        page.keyboard.press(key)
        seen = page.evaluate(DRAWN)
        page.wait_for_timeout(60)  # the kernel's last words, and a hand that is not a machine
        moments = log.new()
        calm += [more[1] for moment, _, more in moments if moment == "done"]
        if seen is not None:
            pressed, drawn, came, size = seen
            heard, begun, frame, picture = (_first(moments, name) for name in ("heard", "begun", "frame", "picture"))
            taken.append(drawn - pressed)
            parts.append([heard - pressed, frame - heard, picture - frame, came - picture, drawn - came])
            sizes.append(size)
        # this slider is slow, or changes nothing to be seen
        if number == WARM and (len(taken) < WARM / 2 or sum(calm) <= len(calm) / 2):
            break
    first = min(WARM, len(taken) // 2)  # which warm both sides up
    return (
        np.array(taken[first:]),
        np.array(parts[first:]),
        int(np.median(sizes[first:] or [0])),
        sum(calm) > len(calm) / 2,
    )


def _drag(page: Any, slider: Any, log: Log) -> tuple[float, bool]:
    """Pictures a second while the slider is dragged, and whether the last one belongs to where it came to rest."""
    log.new()
    handle = slider.locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box, rail = handle.bounding_box(), slider.locator(".noUi-base").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.aim()")
    began, low, reach = time.perf_counter(), rail["x"], rail["width"]
    while (gone := 1e3 * (time.perf_counter() - began)) < DRAG:
        # there and back in about two seconds, from where it stood
        place = ((x - low) / reach + gone / 1000) % 2
        page.mouse.move(low + reach * min(place, 2 - place), y)
    end = page.evaluate("performance.timeOrigin + performance.now()")
    page.mouse.up()
    page.wait_for_timeout(300)
    shown, moments, last = [at for at in page.evaluate("window.drawn") if at <= end], [], False
    for _ in range(30):  # until nothing is under way
        moments += (new := log.new())
        words = [more for moment, _, more in moments if moment == "sent"]
        heard = [at for moment, at, _ in moments if moment == "heard"]
        answered = not heard or any(moment == "begun" and at >= heard[-1] for moment, at, _ in moments)
        bare = not words or words[-1] is None  # a figure without a reading
        last = answered and (bare or page.locator(".labcore-reading").first.inner_text() == words[-1])
        if last and not new:
            break
        page.wait_for_timeout(100)
    return len(shown) / (DRAG / 1e3), last


def measured(names: Sequence[str], moves: int = MOVES) -> list[dict[str, Any]]:
    """A row for each of these cases that is instant in its bench, in milliseconds."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "moments"
        path.touch()
        code = CELL.format(names=list(names), log=str(path))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, Path(folder) / "stage.ipynb")
        port, log = free_port(), Log(path)
        command = [sys.executable, "-m", "voila", folder, f"--port={port}", "--no-browser"]
        server = serve(command, port, Path(folder) / "log")
        url = next(server)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            # with less motion, no bench plays its run when it comes into view
            page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
            page.add_init_script(SOCKET)
            page.goto(f"{url}/voila/render/stage.ipynb")
            following = page.get_by_role("button", name="next", exact=True)
            following.wait_for(timeout=60_000)
            for name in names:
                following.click()
                try:
                    page.get_by_text(name, exact=True).wait_for(timeout=60_000)
                    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 1 && "
                        "document.querySelector('.js-plotly-plot')._fullData?.some((t) => t.visible)", timeout=30_000)  # fmt: skip
                    page.wait_for_timeout(500)
                    page.evaluate(CLOCK)
                except TimeoutError:
                    continue  # no figure without a question, or nothing in it at first
                # the first slider that moves the figure at once
                for slider in page.locator(SLIDERS).all():
                    taken, parts, size, calm = _keys(page, slider, log, moves)
                    if calm and len(taken) > WARM:
                        rows.append(_row(name, taken, parts, size, *_drag(page, slider, log)))
                        break
        finally:
            browser.close()
            server.close()
    return rows


def _row(name: str, taken: np.ndarray, parts: np.ndarray, size: int, pictures: float, last: bool) -> dict[str, Any]:
    shares = dict(zip(PARTS, np.nanmedian(parts, axis=0).round(1).tolist()))
    return {
        "name": f"slider to figure: {name}", "ours": float(np.median(taken)), "peer": None, "ratio": None,
        "unit": "ms", "against": None, "95th percentile": float(np.percentile(taken, 95)), "moves": len(taken),
        "parts": shares, "bytes": size, "pictures a second": pictures, "last one shown": last,
    }  # fmt: skip


def sliders(quick: bool) -> list[dict[str, Any]]:
    """All of them, with plotly's own widget beside the bare figure."""
    rows = measured([WIDGET, CURVE], 12) if quick else measured([WIDGET, CURVE, THEORY, *instant()])
    theirs = next(row for row in rows if row["name"].endswith(WIDGET))
    rows.remove(theirs)
    ours = next(row for row in rows if row["name"].endswith(CURVE))
    ours |= {"peer": theirs["ours"], "ratio": theirs["ours"] / ours["ours"], "against": "plotly FigureWidget"}
    return rows
