"""A lesson's title, its links and the glossary in its prose, in Voila and JupyterLab."""

from __future__ import annotations

import re

import pytest

from labcore import catalog, glossary, lesson_text
from tests.browser.conftest import blank_page, heard, leave
from tests.browser.front import open_in_lab, open_in_voila

LESSON = catalog.lesson("hebbian/local_rules")
BEFORE, AFTER = lesson_text.before_and_after(LESSON)
MEANS = {term.word: term.means for term in glossary.terms()}


@pytest.fixture(scope="module")
def lesson(browser, voila):
    """The lesson in Voila, with its terms marked."""
    page = blank_page(browser)
    with heard(page):
        open_in_voila(page, voila, LESSON.notebook)
        page.wait_for_selector(".labcore-term", timeout=120_000)
        yield page
    leave(page)
    page.context.close()


@pytest.fixture
def words(lesson):
    """The lesson with no meaning open."""
    lesson.keyboard.press("Escape")
    lesson.mouse.move(5, 5)
    lesson.evaluate("() => document.activeElement?.blur()")
    return lesson


def meaning(page) -> str:
    """The meaning that can be seen; "" where none is."""
    seen = page.locator(".labcore-meaning:visible")
    return seen.text_content() if seen.count() else ""


def term(page, text: str):
    return page.locator(".labcore-term", has_text=re.compile(f"^{re.escape(text)}$"))


def test_the_question_is_the_title_of_the_page(lesson):
    assert lesson.title() == LESSON.question


def test_nobody_is_told_to_run_what_has_run(lesson):
    told = lesson.locator(".jp-RenderedMarkdown p", has_text="Run All Cells")
    assert told.count() == 1 and not told.is_visible()
    assert lesson.locator(".jp-RenderedMarkdown p").first.is_visible()


def test_links_lead_to_the_index_the_neighbours_and_the_papers(lesson, voila):
    for nav in (lesson.locator("nav.labcore-way").first, lesson.locator("nav.labcore-way").last):
        at = {a.text_content(): a.evaluate("a => a.href") for a in nav.get_by_role("link").all()}
        assert at["All lessons"] == f"{voila}/voila/render/index.ipynb"
        assert at[BEFORE.question] == f"{voila}/voila/render/{BEFORE.name}.ipynb"
        assert at[AFTER.question] == f"{voila}/voila/render/{AFTER.name}.ipynb"
        assert all(at[p.title] == p.link for p in LESSON.papers)
    assert lesson.locator("nav.labcore-way").count() == 2
    top, bottom = (n.bounding_box()["y"] for n in lesson.locator("nav.labcore-way").all())
    benches = lesson.locator(".labcore-bench")
    assert top < benches.first.bounding_box()["y"] < benches.last.bounding_box()["y"] < bottom


def test_each_term_is_marked_once_and_only_in_prose(lesson):
    found = lesson.locator(".labcore-term")
    marked = [id for id in found.evaluate_all("all => all.map(w => w.getAttribute('aria-describedby'))")]
    assert len(marked) == len(set(marked)) >= 5
    assert {"synapse", "Oja's rule", "singular value"} <= set(found.all_text_contents())
    left_alone = "h1, h2, h3, a, code, pre, mjx-container, .MathJax, .labcore-bench, nav"
    assert found.evaluate_all(f"all => all.filter(w => w.closest('{left_alone}')).length") == 0
    assert lesson.locator("mjx-container, .MathJax").count() > 4, "formulas are still set"
    first = lesson.locator(".jp-RenderedMarkdown p").first
    assert first.text_content().startswith("A synapse sees the activity"), "the sentence reads as before"


def test_hover_tells_what_a_word_means(words):
    assert meaning(words) == ""
    term(words, "synapse").hover()
    assert meaning(words) == f"synapse: {MEANS['synapse']}"
    words.locator(".labcore-meaning:visible").hover()
    words.wait_for_timeout(600)
    assert meaning(words), "the pointer may go to the meaning"
    words.mouse.move(5, 5)
    words.locator(".labcore-meaning:visible").wait_for(state="hidden")


def test_keys_reach_a_word_and_escape_closes_it(words):
    words.evaluate("() => { getSelection().removeAllRanges(); document.querySelector('.labcore-term').focus(); }")
    words.keyboard.press("Shift+Tab")
    words.keyboard.press("Tab")
    word = term(words, "synapse")
    assert word.evaluate("w => w === document.activeElement") and word.get_attribute("role") == "button"
    assert meaning(words) == f"synapse: {MEANS['synapse']}" and word.get_attribute("aria-expanded") == "true"
    described = words.locator(f"#{word.get_attribute('aria-describedby')}")
    assert described.get_attribute("role") == "tooltip" and described.is_visible()
    words.keyboard.press("Escape")
    assert meaning(words) == "" and word.get_attribute("aria-expanded") == "false"
    words.keyboard.press("Enter")
    assert meaning(words)
    words.keyboard.press("Enter")
    assert meaning(words) == ""


def test_a_tap_opens_and_a_tap_elsewhere_closes(browser, voila):
    page = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True).new_page()
    with heard(page):
        open_in_voila(page, voila, LESSON.notebook)
        page.wait_for_selector(".labcore-term", timeout=120_000)
        term(page, "synapse").tap()
        assert meaning(page) == f"synapse: {MEANS['synapse']}"
        box = page.locator(".labcore-meaning:visible").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        page.locator("h1").first.tap()
        assert meaning(page) == ""
        nav = page.locator("nav.labcore-way").first.bounding_box()
        assert nav["x"] >= 0 and nav["x"] + nav["width"] <= 390
    leave(page)
    page.context.close()


def test_jupyterlab_marks_words_and_opens_the_neighbour_as_a_tab(page, lab):
    open_in_lab(page, lab, LESSON.notebook, workspace="navigation")
    page.wait_for_selector(".labcore-term", timeout=120_000)
    word = term(page, "synapse")
    word.click()
    assert meaning(page) == f"synapse: {MEANS['synapse']}"
    page.keyboard.press("Escape")
    assert meaning(page) == ""
    nav = page.locator("nav.labcore-way").first
    nav.get_by_role("link", name=AFTER.question).click()
    name = AFTER.notebook.rpartition("/")[2]
    page.get_by_role("tab", name=re.compile(re.escape(name))).wait_for(timeout=60_000)
    page.get_by_role("heading", name=AFTER.question).wait_for(timeout=60_000)
    # only a lesson that runs has the look of the house: the links that say so are its output
    fonts = "all => all.map(e => getComputedStyle(e).fontFamily.startsWith('Charter'))"
    assert page.locator(".jp-Notebook .jp-MarkdownOutput p").first.evaluate("e => [e]") and page.evaluate(
        f"() => ({fonts})([...document.querySelectorAll('.jp-Notebook')])"
    ) == [True, False]
