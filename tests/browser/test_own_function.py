"""What is a person's own on a bench: a function of a cell, defined, moved, changed and run again; a typed sentence."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import watched
from tests.browser.front import open_in_lab, open_on_desk, press, wait_for_figures, write_notebook

CELL = """
import numpy as np

from widgets import bench

def wave(frequency=(1, 5), height=2.0, shape=["sine", "square"]):
    x = np.linspace(0, 1, 401)
    y = height * np.sin(2 * np.pi * frequency * x)
    return dict(x=x, wave=y if shape == "sine" else np.sign(y))

bench(wave)
"""


@pytest.fixture
def page(browser, lab, desk):
    write_notebook(desk / "own.ipynb", CELL)
    with watched(browser) as opened:
        open_in_lab(opened, lab, "own.ipynb")
        wait_for_figures(opened, 1)
        yield opened


def wait_for(page, words: str) -> None:
    page.wait_for_function(
        "(words) => [...document.querySelectorAll('.labcore-reading')].some((r) => r.innerText.includes(words))",
        arg=words,
        timeout=60_000,
    )


def box(page, label: str):
    return page.locator(".labcore-control", has_text=re.compile(rf"^\W*{label}")).locator("input[type=text]")


def edit(page, old: str, new: str) -> None:
    """Replace words of the cell, and run it."""
    assert old in CELL
    editor = page.locator(".jp-CodeCell .cm-content").first
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(CELL.replace(old, new).strip())
    page.keyboard.press("Control+Enter")


def test_define_move_change_and_run_again(page):
    wait_for(page, "from -2 to 2")
    box(page, "height").fill("3")
    box(page, "height").press("Enter")
    wait_for(page, "from -3 to 3")
    handle = page.get_by_role("slider").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    moved = box(page, "frequency").element_handle()
    page.wait_for_function("(input) => input.value === '4'", arg=moved, timeout=60_000)
    frequency = "4"

    # another picture, another default of one control: what was moved stays, the other begins anew
    edit(page, "frequency * x)", "frequency * x) + 10")
    wait_for(page, "from 7 to 13")
    assert page.locator(".labcore-bench").count() == 1
    assert (box(page, "height").input_value(), box(page, "frequency").input_value()) == ("3", frequency)

    edit(page, "height=2.0", "height=1.0")
    wait_for(page, "from -1 to 1")
    assert (box(page, "height").input_value(), box(page, "frequency").input_value()) == ("1", frequency)

    # an error says the line of the cell
    edit(page, "    y = height", "    1 / 0\n    y = height")
    status = page.locator(".labcore-status", has_text="ZeroDivisionError")
    status.wait_for(timeout=60_000)
    assert "line 7 of the cell, in wave: 1 / 0" in status.inner_text()
    assert box(page, "frequency").input_value() == frequency

    edit(page, "    return dict", "    while True: pass\n    return dict")
    page.locator(".labcore-status", has_text="at work, without a frame").wait_for(timeout=60_000)
    edit(page, "height=2.0", "height=4.0")
    wait_for(page, "from -4 to 4")
    press(page, "Pin")
    page.locator(".labcore-status", has_text="Pinned 1").wait_for(timeout=60_000)


def test_a_visitor_of_the_gallery_types_a_sentence(request, browser, desk):
    cell = 'from labcore.texts import on_text\nfrom widgets import bench\nbench(on_text("qnlp.sentence"))'
    write_notebook(desk / "typed.ipynb", cell)
    with watched(browser) as page:
        open_on_desk(request, page, "voila", "typed.ipynb")
        wait_for_figures(page, 1)
        sentence = box(page, "your sentence")
        assert sentence.bounding_box()["width"] > 200, "a sentence is seen whole"
        sentence.fill("judy leads ivan.")
        sentence.press("Enter")
        wait_for(page, 'The type of "Judy leads Ivan" is n n.r s n.l n')
        sentence.fill("Judy hates Ivan")
        sentence.press("Enter")
        page.locator(".labcore-error", has_text="'hates' is not known; it must be from 1 to 12 of the words").wait_for()
        page.wait_for_function("(input) => input.value === 'Judy leads Ivan'", arg=sentence.element_handle())
