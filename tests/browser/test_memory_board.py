"""The memory board under a real mouse and real keys, in Voila and in JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser.front import open_on_desk, write_notebook

CELL = "from widgets import memory_board\nmemory_board()"
PIXELS = "grid => document.querySelector(`.mem-grid[data-grid='${grid}']`).toDataURL()"
READING = "words => document.querySelector('.labcore-memory .labcore-reading').textContent.includes(words)"
LINES = "() => [...document.querySelectorAll('.mem-line')].map(l => l.getAttribute('d')).join()"


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_hands_on_the_memory(request, page, desk, front):
    write_notebook(desk / "memory_board.ipynb", CELL)
    open_on_desk(request, page, front, "memory_board.ipynb")
    page.wait_for_selector(".mem-grid", timeout=120_000)
    assert page.locator(".mem-grid").count() == 4

    def changes(grid, act):
        before = page.evaluate(PIXELS, arg=grid)
        act()
        page.wait_for_function(f"([grid, before]) => ({PIXELS})(grid) !== before", arg=[grid, before], timeout=20_000)

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    def cell(grid, column, row):
        box = page.locator(f".mem-grid[data-grid='{grid}']").bounding_box()
        return box["x"] + box["width"] * (column + 0.5) / 12, box["y"] + box["height"] * (row + 0.5) / 12

    # the mouse: blank the upper right part of a pattern in one stroke, then store it
    page.locator(".mem-grid").first.scroll_into_view_if_needed()
    press("blank")

    def stroke():
        page.mouse.move(*cell(0, 8, 2))
        page.mouse.down()
        page.mouse.move(*cell(0, 11, 2))
        page.mouse.up()

    changes("0", stroke)
    page.wait_for_function(READING, arg="Pattern 1 is painted")
    page.wait_for_function("() => document.querySelector('.mem-note').textContent.includes('not stored')")
    press("Store")
    page.wait_for_function("() => document.querySelector('.mem-note').textContent === ''")
    page.wait_for_function(READING, arg="Stored in one Hebbian step")

    # the keyboard: a pixel of the state is flipped
    state = page.locator(".mem-grid[data-grid='-1']")
    state.scroll_into_view_if_needed()
    state.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "Row 2, column 2: ink" in state.get_attribute("aria-label")
    changes("-1", lambda: page.keyboard.press("Space"))
    page.wait_for_function(READING, arg="A pixel of the state changed")
    page.wait_for_function(
        "() => document.querySelector(\".mem-grid[data-grid='-1']\").getAttribute('aria-label').includes('paper')"
    )

    # corrupt, one step, then a run that moves pixels and curves and heals the letter
    changes("-1", lambda: press("Corrupt"))
    page.wait_for_function(READING, arg="29 of 144 pixels are flipped")
    press("Step")
    page.wait_for_function(READING, arg="has field")
    lines = page.evaluate(LINES)
    changes("-1", lambda: press("Run"))
    page.wait_for_function(f"lines => ({LINES})() !== lines", arg=lines, timeout=20_000)
    page.wait_for_function(READING, arg="12 sweeps are done", timeout=60_000)
    page.wait_for_function(READING, arg="pattern 1: +0.9")

    # a run stops, and the page follows the theme
    press("Run")
    press("Stop")
    page.wait_for_function(READING, arg="Stopped")
    changes("1", lambda: page.evaluate("() => document.body.setAttribute('data-jp-theme-light', 'false')"))

    # the slider redraws the patterns with blanks
    changes("2", lambda: page.get_by_label("blank share d").fill("0.5"))
