"""From a key on a slider to the redrawn figure, in Chromium against Voila: the bench beside plotly's FigureWidget.

The clock is the page's: from the key's event to the figure's `plotly_afterplot`. The machine should be idle.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, chromium, free_port, serve

BARE = """
import ipywidgets as w, numpy as np, plotly.graph_objects as go
from widgets.benches.plot import Plot

x = np.linspace(0, 1, 200)
slider = w.FloatSlider(min=0, max=20, step=0.1, description="frequency")


def picture(v):
    return dict(
        data=[dict(type="scatter", x=x, y=np.sin(v * x)), dict(type="heatmap", z=np.outer(np.sin(v * x[::5]), x[::4]), xaxis="x2", yaxis="y2")],
        layout=dict(xaxis=dict(domain=[0, 0.45]), xaxis2=dict(domain=[0.55, 1], anchor="y2"), yaxis2=dict(anchor="x2"), height=420),
    )
"""
WIDGET = """
figure = go.FigureWidget(go.Figure(picture(0.0)))


def move(change):
    new = picture(change["new"])["data"]
    with figure.batch_update():
        figure.data[0].y, figure.data[1].z = new[0]["y"], new[1]["z"]
"""
OURS = """
figure = Plot(picture(0.0))


def move(change):
    figure.show(picture(change["new"]), "")
"""
SHOW = "slider.observe(move, 'value')\nw.VBox([slider, figure])"
BENCH = "from widgets import bench\nbench({name!r}, {values})"
CASES = {  # what is measured: the label of the slider, and the code of the page
    "a curve and a heat map, FigureWidget": ("frequency", BARE + WIDGET + SHOW),
    "a curve and a heat map": ("frequency", BARE + OURS + SHOW),
    "double_descent.model_wise": ("steps", BENCH.format(name="double_descent.model_wise", values="")),
    "double_descent.model_wise, theory": (
        "ridge",
        BENCH.format(name="double_descent.model_wise", values="data='isotropic', method='ridge'"),
    ),
    "epochwise_descent.trajectory": ("noise", BENCH.format(name="epochwise_descent.trajectory", values="")),
}
CLOCK = """() => {
  const g = document.querySelector('.js-plotly-plot');
  window.drawn = []; window.pressed = 0;
  g.on('plotly_afterplot', () => window.drawn.push(performance.now()));
  document.addEventListener('keydown', () => { window.pressed = performance.now(); window.drawn = []; }, true);
}"""


def latencies(page, url: str, slider: str, moves: int) -> np.ndarray:
    """Milliseconds from each key on the slider of this label to the redrawn figure, (moves,)."""
    page.goto(url)
    page.wait_for_selector(".js-plotly-plot", timeout=120_000)
    page.wait_for_timeout(4000)
    page.evaluate(CLOCK)
    page.locator(".widget-hslider", has_text=slider).locator(".noUi-handle").first.focus()
    taken = []
    for move in range(moves + 5):
        page.keyboard.press("ArrowRight" if move % 20 < 10 else "ArrowLeft")
        page.wait_for_function("() => window.drawn.length > 0", timeout=20_000, polling=5)
        taken.append(page.evaluate("() => window.drawn[0] - window.pressed"))
        page.wait_for_timeout(40)
    return np.array(taken[5:])  # the first ones warm both sides up


def sliders(quick: bool) -> list[dict[str, Any]]:
    """The median of each case, and its 95th percentile."""
    moves, rows, taken = 5 if quick else 60, [], {}
    cases = dict(list(CASES.items())[: 2 if quick else None])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for number, (_, code) in enumerate(cases.values()):
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
            notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            nbformat.write(notebook, Path(folder) / f"{number}.ipynb")
        port = free_port()
        command = [sys.executable, "-m", "voila", folder, f"--port={port}", "--no-browser"]
        server = serve(command, port, Path(folder) / "log")
        url = next(server)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            for number, (name, (label, _)) in enumerate(cases.items()):
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                taken[name] = latencies(page, f"{url}/voila/render/{number}.ipynb", label, moves)
                page.close()
        finally:
            browser.close()
            server.close()
    theirs = float(np.median(taken.pop("a curve and a heat map, FigureWidget")))
    for name, times in taken.items():
        middle, rival = float(np.median(times)), theirs if name == "a curve and a heat map" else None
        rows.append(
            {
                "name": f"slider to figure: {name}", "ours": middle, "peer": rival,
                "ratio": rival and rival / middle, "unit": "ms", "against": rival and "plotly FigureWidget",
                "95th percentile": float(np.percentile(times, 95)), "moves": len(times),
            }
        )  # fmt: skip
    return rows
