"""The switch that takes the idea out, under a real mouse, in both front ends."""

from __future__ import annotations

import pytest

from tests.browser.front import open_on_desk, write_notebook

CELL = 'from widgets import bench\nbench("dynamical_intelligence.buffer", budget="quick", without=True)'
# the colours of the two lines, as the page draws them
COLOURS = """() => ['del', 'ins'].map(t =>
  getComputedStyle(document.querySelector(`.labcore-difference ${t}`)).color)"""


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_the_idea_goes_and_comes_back(request, page, desk, front):
    write_notebook(desk / "taken_out.ipynb", CELL)
    open_on_desk(request, page, front, "taken_out.ipynb")
    reading = page.locator(".labcore-reading")
    reading.filter(has_text="in 10 of 10 cycles").wait_for(timeout=120_000)
    page.get_by_role("button", name="Take the idea out: the slow rise of readiness").click()
    reading.filter(has_text="Without the slow rise of readiness: ").wait_for(timeout=120_000)
    shown = page.locator(".labcore-difference")
    assert "labcore/hebbian/dynamical_intelligence/mechanism.py, line " in shown.inner_text()
    assert "- return u / tau * np.exp(1 - u / tau)\n+ return np.exp(-u / tau)" in shown.inner_text()
    gone, come = page.evaluate(COLOURS)
    assert gone != come
    page.get_by_role("button", name="Put it back: the slow rise of readiness").click()
    reading.filter(has_not_text="Without").filter(has_text="in 10 of 10 cycles").wait_for(timeout=60_000)
    assert shown.count() == 0
