"""The figure and its two sizes of plotly.js."""

from __future__ import annotations

import pytest

from tests.browser.conftest import watched
from tests.browser.front import open_in_voila, open_on_desk, write_notebook
from widgets.benches.plot import CARTESIAN, LIBRARIES

CELL = """
import ipywidgets as w
from labcore.figure import headline
from widgets.benches.plot import Plot
FLAT = {"data": [{"x": [0, 1], "y": [0, 1], "meta": {"click": {"x": "x"}}}]}
DEEP = {"data": [{"type": "scatter3d", "x": [0, 1], "y": [0, 1], "z": [0, 1]}]}
plot = Plot(FLAT, "flat")
SIDES = {"a": [0, 0.4], "b": [0.6, 1]}
ROWS = {  # a picture in space and a panel beside each other, over a wide one
    "data": [
        {"type": "scatter3d", "x": [0, 1], "y": [0, 1], "z": [0, 1]},
        {"x": [0, 1], "y": [0, 1]},
        {"x": [0, 1], "y": [0, 1], "xaxis": "x2", "yaxis": "y2"},
    ],
    "layout": {
        "scene": {"domain": {"x": SIDES["a"], "y": [0.6, 1]}},
        "xaxis": {"domain": SIDES["b"]}, "yaxis": {"domain": [0.6, 1]},
        "xaxis2": {"anchor": "y2"}, "yaxis2": {"domain": [0, 0.4], "anchor": "x2"},
    },
}
TOLD = headline({"height": 300}, "A long line of <b>words</b>, as a newcomer reads it over a picture.", "Another.")
SHOWN = {"flat": FLAT, "deep": DEEP, "low": {**FLAT, "layout": {"height": 210}}, "rows": ROWS}
SHOWN["told"] = {**FLAT, "layout": TOLD}
NAMED = {"tickvals": [0, 1], "ticktext": ["worst", "best"], "range": [-0.5, 1.5]}
SHOWN["one scale"] = {  # the panels in the middle and on the right leave the words of their scale to the first one
    "data": [
        {"x": [0, 1], "y": [0, 1]},
        {"x": [0, 1], "y": [0, 1], "xaxis": "x2", "yaxis": "y2"},
        {"x": [0, 1], "y": [0, 9], "xaxis": "x3", "yaxis": "y3"},
    ],
    "layout": {
        "xaxis": {"domain": [0, 0.3]}, "yaxis": {"title": {"text": "place"}, **NAMED},
        "xaxis2": {"domain": [0.35, 0.65], "title": {"text": "middle"}},  # no word of where it stands
        "yaxis2": {"anchor": "x2", "title": {"text": ""}, "showticklabels": False, "range": [-0.5, 1.5]},
        "xaxis3": {"domain": [0.7, 1], "anchor": "y3"},
        "yaxis3": {"anchor": "x3", "showticklabels": False, "range": [0, 9]},
    },
}
def turn(button):
    plot.show(SHOWN[button.description], button.description)
buttons = [w.Button(description=name) for name in SHOWN]
for button in buttons:
    button.on_click(turn)
low = Plot(FLAT, "low down", layout=w.Layout(margin="300vh 0 0"))
w.VBox([*buttons, plot, low])
"""


@pytest.fixture(scope="module", params=["voila", "lab"])
def opened(request, browser, desk):
    """The notebook's page, which its tests share."""
    write_notebook(desk / "two.ipynb", CELL)
    with watched(browser) as page:
        page.whole = []  # requests for the whole of plotly.js
        page.on("request", lambda r: page.whole.append(r.url) if r.url.endswith("-whole.js") else None)
        open_on_desk(request, page, request.param, "two.ipynb")
        yield page


def figure(page, place: int):
    """The figure first or last on the page, with something drawn in it."""
    found = page.locator(".labcore-figure").nth(place)
    page.wait_for_function("f => f._fullData?.length", arg=found.element_handle(timeout=60_000), timeout=60_000)
    return found


def test_figures_out_of_sight_are_drawn_too(opened):
    assert figure(opened, -1).bounding_box()["y"] > opened.viewport_size["height"]


def test_a_figure_follows_its_place_and_texts_shrink_with_it(opened):
    first = figure(opened, 0)
    for width, size in ((900, 13), (688, 10.4), (300, 9.1), (900, 13)):
        first.evaluate("(f, width) => { f.style.width = `${width}px`; }", width)
        drawn = "([f, width, size]) => f._fullLayout.width === width && Math.abs(f._fullLayout.font.size - size) < 0.01"
        opened.wait_for_function(drawn, arg=[first.element_handle(), width, size], timeout=20_000)
    first.evaluate("f => { f.style.width = ''; }")


def test_a_figure_is_as_high_as_its_view_says_however_the_window_changes(opened):
    first, size = figure(opened, 0), opened.viewport_size
    opened.get_by_role("button", name="low", exact=True).click()
    heights = "[f._fullLayout.height, f.clientHeight, f.querySelector('.main-svg').clientHeight]"
    held = f"f => {heights}.every((height) => height === 210)"
    opened.wait_for_function(held, arg=first.element_handle(), timeout=20_000)
    for width, height in ((0, -300), (-1010, 0), (0, -150), (0, 0)):
        opened.set_viewport_size({"width": size["width"] + width, "height": size["height"] + height})
        opened.wait_for_timeout(600)  # longer than plotly waits before it answers the window
        opened.wait_for_function(held, arg=first.element_handle(), timeout=5_000)
    opened.get_by_role("button", name="flat").click()


def test_a_figure_takes_the_plotly_that_it_needs(opened):
    first = figure(opened, 0)
    unpacked = "Object.keys(globalThis.labcorePlotlyMade ?? {})"
    assert not opened.whole and "whole" not in opened.evaluate(unpacked)
    for kind, words in (("scatter3d", "deep"), ("scatter", "flat"), ("scatter3d", "deep")):
        opened.get_by_role("button", name=words).click()
        drawn = "([figure, kind]) => figure._fullData.every((trace) => trace.type === kind)"
        opened.wait_for_function(drawn, arg=[first.element_handle(), kind], timeout=60_000)
        assert bool(first.locator(".gl-container canvas").count()) == (kind == "scatter3d")
        assert opened.locator(".labcore-reading").first.inner_text() == words
    assert len(opened.whole) == 1 or "whole" in opened.evaluate(unpacked)


def test_panels_of_every_row_stand_below_each_other_on_a_phone(opened):
    first = figure(opened, 0)
    opened.get_by_role("button", name="rows", exact=True).click()
    first.evaluate("f => { f.style.width = '330px'; }")
    drawn = "f => f._fullLayout.width === 330 && f._fullLayout.scene && f._fullLayout.xaxis2"
    opened.wait_for_function(drawn, arg=first.element_handle(), timeout=60_000)
    rooms = first.evaluate("""f => {
      const { scene, xaxis, yaxis, xaxis2, yaxis2 } = f._fullLayout;
      return [scene.domain, { x: xaxis.domain, y: yaxis.domain }, { x: xaxis2.domain, y: yaxis2.domain }];
    }""")
    assert [room["x"] for room in rooms] == [[0, 1]] * 3
    assert rooms[0]["y"][0] > rooms[1]["y"][1] and rooms[1]["y"][0] > rooms[2]["y"][1]
    first.evaluate("f => { f.style.width = ''; }")
    opened.get_by_role("button", name="flat").click()


def test_panels_of_one_scale_each_say_it_on_a_phone(opened):
    first = figure(opened, 0)
    opened.get_by_role("button", name="one scale", exact=True).click()
    said = """f => ['yaxis', 'yaxis2', 'yaxis3'].map((key) => f._fullLayout[key]).map(
      (axis) => axis.showticklabels ? [axis.title.text, ...(axis.ticktext ?? [])] : [])"""
    stands = "f => { const { xaxis2, yaxis2 } = f._fullLayout; return [xaxis2.anchor, xaxis2.domain, yaxis2.domain]; }"
    seen = {}
    for width in (900, 330):
        first.evaluate("(f, width) => { f.style.width = `${width}px`; }", width)
        drawn = "([f, width]) => f._fullLayout.width === width && f._fullLayout.yaxis3"
        opened.wait_for_function(drawn, arg=[first.element_handle(), width], timeout=20_000)
        seen[width] = first.evaluate(said)
    assert seen[900] == [["place", "worst", "best"], [], []], "beside each other, one is enough"
    assert seen[330] == [["place", "worst", "best"]] * 2 + [[]], "another scale is not that one's"
    anchor, across, up = first.evaluate(stands)
    assert anchor == "y2" and across == [0, 1] and up[0] > 0, "an axis stands at its own panel"
    first.evaluate("f => { f.style.width = ''; }")
    opened.get_by_role("button", name="flat").click()


def test_a_headline_stays_within_its_figure_and_above_the_panel(opened):
    opened.get_by_role("button", name="told", exact=True).click()
    first = figure(opened, 0)
    heights = []
    for width in (700, 330):
        first.evaluate("(f, width) => { f.style.width = `${width}px`; }", width)
        drawn = "([f, width]) => f._fullLayout.width === width"
        opened.wait_for_function(drawn, arg=[first.element_handle(), width], timeout=20_000)
        words = first.locator(".annotation-text", has_text="Another.")
        words.wait_for()
        opened.wait_for_timeout(500)
        words, panel, whole = (p.bounding_box() for p in (words, first.locator(".nsewdrag"), first))
        assert words["x"] + words["width"] <= whole["x"] + whole["width"] and words["x"] >= whole["x"]
        assert words["y"] >= whole["y"] and words["y"] + words["height"] <= panel["y"]
        heights.append(panel["height"])
    assert heights[0] == pytest.approx(heights[1], abs=6), "the picture keeps its room"
    first.evaluate("f => { f.style.width = ''; }")
    opened.get_by_role("button", name="flat").click()


def test_the_two_sizes_are_one_version(page, desk, voila_desk):
    write_notebook(desk / "two.ipynb", CELL)
    open_in_voila(page, voila_desk, "two.ipynb")
    versions = [page.evaluate(f"labcorePlotly('{name}').then((P) => P.version)") for name in LIBRARIES]
    kinds = page.evaluate("labcorePlotly('cartesian').then((P) => Object.keys(P.PlotSchema.get().traces))")
    assert versions[0] == versions[1], "CONTRIBUTING.md says how to renew the small one"
    assert set(kinds) == CARTESIAN
