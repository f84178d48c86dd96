"""The KAN board under a real mouse and real keys, in Voila and in JupyterLab."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser.front import open_in_voila, open_on_desk, wait_for_figures, write_notebook

CELL = "from widgets.boards.kan import KanBoard\nKanBoard(lambda x, y: x * y, steps=2000)"
LINE = "() => document.querySelector('.kan-line').getAttribute('d')"
PIXELS = "() => document.querySelector('.kan-surface').toDataURL()"


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_hands_on_the_network(request, page, desk, front):
    write_notebook(desk / "kan_board.ipynb", CELL)
    open_on_desk(request, page, front, "kan_board.ipynb")
    page.wait_for_selector(".kan-edge", timeout=120_000)
    assert page.locator(".kan-edge").count() == 9

    # the mouse: open a curve, drag a point upward, and the curve and the output follow
    page.locator(".kan-edge .kan-box").nth(1).click()
    page.wait_for_selector(".kan-point")
    page.locator(".kan-editor").scroll_into_view_if_needed()
    line, surface = page.evaluate(LINE), page.evaluate(PIXELS)
    box = page.locator(".kan-point").nth(4).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y - 8 * step)
    page.wait_for_function(f"line => ({LINE})() !== line", arg=line, timeout=20_000)
    page.wait_for_function(f"surface => ({PIXELS})() !== surface", arg=surface, timeout=20_000)
    assert page.locator(".kan-span").count() == 1, "the part that follows is shaded"
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.labcore-reading').textContent.includes('point 5')")

    # the keyboard: another curve, another point, and Delete
    page.locator(".kan-edge").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.kan-edge.open')?.dataset.edge === '0-1-0'")
    page.locator(".kan-point").nth(3).focus()
    line = page.evaluate(LINE)
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"line => ({LINE})() !== line", arg=line, timeout=20_000)
    page.locator(".kan-edge").nth(2).focus()
    page.keyboard.press("Delete")
    page.wait_for_function("() => document.querySelectorAll('.kan-edge.pruned').length === 1")

    # refine: the points are more, the output is the same
    points = page.locator(".kan-edge").nth(1).locator(".kan-box")
    points.click()
    page.wait_for_function("() => document.querySelectorAll('.kan-point').length === 8")
    page.get_by_role("button", name="Refine all grids").click()
    page.wait_for_function("() => document.querySelectorAll('.kan-point').length === 13")

    # a symbol, taken
    page.get_by_role("button", name="Nearest symbol").click()
    page.locator(".kan-symbols button").first.click()
    page.wait_for_function("() => document.querySelectorAll('.kan-edge.symbolic').length === 1")

    # training moves every curve, and Stop ends it
    surface = page.evaluate(PIXELS)
    page.get_by_role("button", name="Train").click()
    page.wait_for_function(f"surface => ({PIXELS})() !== surface", arg=surface, timeout=20_000)
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("() => document.querySelector('.labcore-reading').textContent.startsWith('Stopped')")


BUSY = """import time
import ipywidgets
from widgets import bench
busy = ipywidgets.Button(description="Be busy")
busy.on_click(lambda _: time.sleep(3))
busy"""


def test_what_a_busy_kernel_cannot_answer_yet_says_that_it_waits(page, voila_desk, desk):
    """A button of the board, and a link of the prose; the word goes when the answer has come."""
    link = "[a lift](#kan_assessment.edge?height=2)"
    cells = [
        new_code_cell(BUSY),
        new_code_cell(CELL),
        new_markdown_cell(link),
        new_code_cell('bench("kan_assessment.edge")'),
    ]
    nbformat.write(new_notebook(cells=cells), desk / "busy_board.ipynb")
    open_in_voila(page, voila_desk, "busy_board.ipynb")
    page.wait_for_selector(".kan-edge", timeout=120_000)
    wait_for_figures(page, 1)
    page.get_by_role("button", name="Be busy").click()
    page.get_by_role("button", name="Train").click()
    page.get_by_role("link", name="a lift").click()
    page.wait_for_function(
        "() => document.querySelector('.labcore-reading').textContent.startsWith('Train waits for Python')"
    )
    page.locator(".labcore-waits").wait_for()
    page.locator(".labcore-waits").wait_for(state="detached", timeout=20_000)
    page.wait_for_function("() => document.querySelector('.labcore-reading').textContent.startsWith('Training: step')")
    # a button that changes nothing is answered as well
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("() => document.querySelector('.labcore-reading').textContent.startsWith('Stopped')")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(1000)
    assert "waits" not in page.locator(".labcore-reading").first.text_content()
