"""The look of a lesson's page: a column of text, benches wider than it, on light, dark, small and paper."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import blank_page, heard, leave
from tests.browser.front import benches_in, open_in_voila, wait_for_figures

LESSON = "notebooks/generalization/double_descent.ipynb"  # has formulas, tables, listings, claims and exercises

# how many letters of its own text a line of each paragraph takes
LETTERS = """() => { const pen = document.createElement("canvas").getContext("2d");
  return [...document.querySelectorAll(".jp-RenderedMarkdown > p")].filter(p => p.textContent.length > 100).map(p => {
    const { fontSize, fontFamily } = getComputedStyle(p); pen.font = `${fontSize} ${fontFamily}`;
    return p.clientWidth * p.textContent.length / pen.measureText(p.textContent).width; }); }"""
# what stands out of the window, and no box around it lets it be scrolled
OUT = """() => [...document.querySelectorAll('.jp-Cell *')].filter(e => e.checkVisibility() &&
  e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('svg, mjx-assistive-mml, .js-plotly-plot') &&
  !(() => { for (let b = e.parentElement; b && !b.matches('.jp-Cell'); b = b.parentElement)
    if (/auto|scroll/.test(getComputedStyle(b).overflowX) && b.getBoundingClientRect().right <= innerWidth + 1)
      return true; })()
  ).map(e => `${e.tagName}.${e.className}`)"""
BOX = "e => { const { left, width } = e.getBoundingClientRect(); return [left + width / 2, width]; }"


@pytest.fixture(scope="module")
def lesson(browser, voila):
    page = blank_page(browser)
    with heard(page):
        open_in_voila(page, voila, LESSON)
        wait_for_figures(page, benches_in(LESSON))
        yield page
    leave(page)
    page.context.close()


@pytest.fixture
def wide(lesson):
    lesson.set_viewport_size({"width": 1280, "height": 900})
    lesson.emulate_media(color_scheme="light", media="screen")
    return lesson


def test_text_stands_in_a_column_and_benches_are_wider(wide):
    letters = sorted(wide.evaluate(LETTERS))
    assert len(letters) >= 5 and 62 <= letters[len(letters) // 2] <= 78, letters
    text, bench = (wide.locator(css).first.evaluate(BOX) for css in (".jp-RenderedMarkdown", ".labcore-bench"))
    assert bench[1] > 1.4 * text[1] and abs(bench[0] - text[0]) < 12
    links = wide.locator("nav.labcore-way").first.evaluate(BOX)
    assert abs(links[0] - text[0]) < 2 and abs(links[1] - text[1]) < 2


@pytest.mark.parametrize("width", [1280, 1024, 390])
def test_nothing_stands_out_of_the_window(wide, width):
    wide.set_viewport_size({"width": width, "height": 900})
    wide.wait_for_timeout(500)
    assert wide.evaluate(OUT) == []
    formulas = wide.locator("mjx-container[display=true]").evaluate_all(
        "all => all.map(e => [e.getBoundingClientRect().right, e.scrollWidth > e.clientWidth])"
    )
    assert formulas and all(right <= width for right, _ in formulas)
    assert any(scrolls for _, scrolls in formulas) == (width == 390), "a long one scrolls in its own place"


def test_the_page_is_light_or_dark_as_the_reader_has_it(wide):
    read = "e => ['backgroundColor', 'color'].map(k => getComputedStyle(e)[k].match(/[\\d.]+/g).slice(0, 3))"
    for theme, light in (("light", True), ("dark", False)):
        wide.emulate_media(color_scheme=theme)
        wide.wait_for_timeout(300)
        ground, ink = ([float(v) for v in colour] for colour in wide.locator("body").evaluate(read))
        assert (min(ground) > 230 and max(ink) < 60) if light else (max(ground) < 50 and min(ink) > 200)


def test_the_sentence_for_jupyterlab_is_not_read_in_voila(wide):
    said = wide.locator(".jp-RenderedMarkdown p", has_text="Run All Cells")
    assert said.count() == 1 and not said.is_visible()


def test_paper_gets_the_whole_lesson(wide):
    wide.emulate_media(media="print")
    assert len(re.findall(rb"/Type /Page\b", wide.pdf(format="A4"))) > 8
    assert not wide.locator(".labcore-side").first.is_visible() and wide.locator(".labcore-figure").first.is_visible()
