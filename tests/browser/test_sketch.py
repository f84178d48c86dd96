"""A question that is answered by drawing, under a real mouse, a finger and arrow keys, in both front ends."""

from __future__ import annotations

import pytest

from tests.browser.conftest import heard, leave
from tests.browser.front import open_in_voila, open_on_desk, write_notebook

CELL = """from widgets import Ruler, Sketch, bench
bench("double_descent.sample_wise", budget="quick", predict=Sketch(
    "You go from 10 samples to 400. Where is the test error highest?",
    x=Ruler("training samples", 10, 400, log=True), y=Ruler("test error", 0, 0.4),
    given=[("as many samples as parameters", (100, 100), (0, 0.4))],
    answer=lambda frame: (frame.n, frame.test.median("repeat")), judge="maximum", why="At the border, *all* fit."))"""

# of every handle: where it is on the page, the height that it says, and whether a hand moved it
HANDLES = """() => [...document.querySelectorAll('.sketch-handle')].map(h => { const b = h.getBoundingClientRect();
  const moved = h.classList.contains('moved');
  return [b.left + b.width / 2, b.top + b.height / 2, h.getAttribute('aria-valuenow'), moved]; })"""
STROKE = [(0.0, 0.2), (0.4, 0.3), (0.62, 0.9), (0.8, 0.4), (1.0, 0.2)]


@pytest.fixture(params=[(1280, False), (390, True)], ids=["desk", "phone"])
def screen(request, browser):
    """A page of one size; the small one has a finger and not a mouse."""
    width, touch = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=touch)
    page = context.new_page()
    with heard(page):
        yield page, touch
        leave(page)
    context.close()


def spots(page):
    """The stroke's places on the page."""
    page.locator(".sketch-paper").scroll_into_view_if_needed()
    box = page.locator(".sketch-paper").bounding_box()
    return [(box["x"] + box["width"] * x, box["y"] + box["height"] * (1 - y)) for x, y in STROKE]


def with_mouse(page):
    (x, y), *rest = spots(page)
    page.mouse.move(x + 1, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x - 1, y, steps=4)
    page.mouse.up()


def with_finger(page):
    hand = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(spots(page)):
        kind = "touchMove" if k else "touchStart"
        hand.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + 1 if k == 0 else x - 1, "y": y}]}
        )
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def commits(page):
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some(b => b.textContent.includes('Commit') && !b.disabled)"
    )
    page.get_by_role("button", name="Commit").click()
    page.wait_for_selector(".sketch-measured", state="attached", timeout=60_000)
    page.wait_for_function(
        "() => document.querySelector('.labcore-predict').textContent.includes('points; a flat line would have 0.')"
    )
    page.wait_for_function("() => document.querySelector('.labcore-why em')?.textContent === 'all'")
    # nothing stays that a hand could move
    assert page.locator(".sketch-paper").is_hidden() and page.locator(".sketch-handle[tabindex]").count() == 0


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_a_stroke_fills_the_handles_and_is_judged(request, screen, desk, front):
    page, touch = screen
    if front == "lab" and touch:
        pytest.skip("JupyterLab has no page for phones")
    write_notebook(desk / "sketch.ipynb", CELL)
    open_on_desk(request, page, front, "sketch.ipynb")
    page.wait_for_selector(".sketch-paper", state="attached", timeout=120_000)
    # the page is not an empty rectangle: axes with numbers and names, what is given, and no answer
    assert page.locator(".sketch-tick").count() >= 6 and page.locator(".sketch-title").count() == 2
    assert page.locator(".sketch-given").count() == 1 and page.locator(".sketch-measured").count() == 0
    assert not any(moved for *_, moved in page.evaluate(HANDLES))
    assert page.get_by_role("button", name="Commit").is_disabled()
    (with_finger if touch else with_mouse)(page)
    handles, stroke = page.evaluate(HANDLES), spots(page)
    assert all(moved for *_, moved in handles), handles
    for x, y in stroke[0], stroke[2], stroke[4]:
        assert min(abs(hx - x) + abs(hy - y) for hx, hy, *_ in handles) < 20, (handles, stroke)
    if touch:
        wide = page.evaluate("() => document.querySelector('.labcore-sketch').getBoundingClientRect().right")
        assert wide <= 390, "the picture is no wider than the phone"
    commits(page)


def test_arrow_keys_draw(request, page, desk):
    write_notebook(desk / "sketch_keys.ipynb", CELL)
    open_on_desk(request, page, "lab", "sketch_keys.ipynb")
    page.wait_for_selector(".sketch-paper", state="attached", timeout=120_000)
    page.locator(".sketch-handle").first.focus()
    cells = page.locator(".jp-Cell").count()
    for key in ("PageUp", "PageUp", "ArrowRight", "ArrowDown", "ArrowDown", "d", "d"):
        page.keyboard.press(key)
    assert page.locator(".jp-Cell").count() == cells, "the notebook does not hear what the picture hears"
    said = [(value, moved) for *_, value, moved in page.evaluate(HANDLES)]
    # the second one began where the curve was
    assert said[:3] == [("0.3", True), ("0.28", True), ("0.28", False)]
    focused = page.evaluate(
        "() => ['role', 'aria-label', 'aria-valuetext'].map(a => document.activeElement.getAttribute(a))"
    )
    assert focused == ["slider", "test error at training samples 15.9, 2 of 9", "0.28"]
    commits(page)


PLACE = """import numpy as np
from widgets import Ruler, Sketch, bench
turn = np.linspace(0, 2 * np.pi, 61)
bench("boolean_threshold.near_miss", predict=Sketch(
    "Where?", kind="place", x=Ruler("along", -3.5, 2.5), y=Ruler("across", -0.5, 3),
    given=[("a circle", np.cos(turn), 1.5 + np.sin(turn))],
    answer=lambda frame: tuple(frame.path_a.sel({"method": "RRR"}).values), judge="place"))"""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_circle_of_a_plane_is_round(page, voila_desk, desk, width):
    write_notebook(desk / "place.ipynb", PLACE)
    page.set_viewport_size({"width": width, "height": 900})
    open_in_voila(page, voila_desk, "place.ipynb")
    page.wait_for_selector(".sketch-given", timeout=120_000)
    box = page.locator(".sketch-given").first.bounding_box()
    assert box["width"] == pytest.approx(box["height"], rel=0.03)
    # a press puts the point where the hand is
    paper = page.locator(".sketch-paper").bounding_box()
    x, y = paper["x"] + 0.7 * paper["width"], paper["y"] + 0.4 * paper["height"]
    page.mouse.click(x, y)
    (at,) = page.evaluate(HANDLES)
    assert at[:2] == pytest.approx([x, y], abs=2) and at[3]
