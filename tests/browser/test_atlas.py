"""The front page: find a lesson by its question, a paper by its title or by what people call it, and open it."""

from __future__ import annotations

import re

import pytest

from labcore import catalog, lesson_text, search
from tests.browser import axe
from tests.browser.conftest import watched
from tests.browser.front import benches_in, open_in_lab, wait_for_figures

PAPERS, LESSONS = catalog.papers(), catalog.lessons()
READY = [p for p in PAPERS if p.status == "ready"]


@pytest.fixture(scope="module")
def index(browser, voila):
    """The front page of Voila, opened by its plain address."""
    with watched(browser) as page:
        page.goto(voila, timeout=120_000)
        page.wait_for_selector(".labcore-atlas", timeout=120_000)
        yield page


@pytest.fixture
def questions(index):
    """The front page as it opens: by question, all of them, and no search word."""
    index.get_by_label("Search").fill("")
    index.get_by_role("button", name="By question").click()
    index.get_by_role("button", name="All questions").click()
    return index


@pytest.fixture
def papers(index):
    """The papers, without search words and filters."""
    index.get_by_label("Search").fill("")
    index.get_by_role("button", name="By paper").click()
    for label in ("Theme", "From year", "To year", "Status"):
        index.get_by_label(label).select_option("")
    return index


def visible(page, card: str, name: str) -> list[str]:
    return page.locator(card).evaluate_all(f"all => all.filter(c => c.offsetParent).map(c => c.dataset.{name})")


def shown(page) -> set[str]:
    """Keys of the papers that can be seen; the count in words agrees."""
    cards = visible(page, ".labcore-paper", "key")
    words = page.locator(".labcore-count").text_content()
    assert words == (f"{len(cards)} of {len(PAPERS)} papers" if cards else "No paper fits. Remove a filter or a word.")
    return set(cards)


@axe.needed
def test_axe_finds_no_grave_fault_in_the_index(questions, papers):
    assert axe.grave_faults(papers) == []
    questions.get_by_role("button", name="By question").click()
    assert axe.grave_faults(questions) == []


def test_the_plain_address_leads_to_all_questions(questions, voila):
    assert questions.url == f"{voila}/voila/render/index.ipynb" and questions.title() == "Labcore"
    assert visible(questions, ".labcore-lesson", "name") == [lesson.name for lesson in LESSONS]
    assert not visible(questions, ".labcore-paper", "key")
    for lesson in LESSONS:
        card = questions.locator(f"[data-name='{lesson.name}']")
        assert card.get_by_role("heading").text_content() == lesson.question
        assert f"about {lesson_text.minutes(lesson)} minutes" in card.text_content()
        assert card.locator(".labcore-preview svg").bounding_box()["height"] > 60
    assert questions.locator(".labcore-count").text_content() == f"{len(LESSONS)} of {len(LESSONS)} lessons"
    assert questions.locator(".labcore-count").get_attribute("role") == "status"
    assert lesson_text.RULE in questions.locator(".labcore-atlas").inner_text()


def test_three_paths_sort_the_lessons(questions):
    questions.get_by_role("button", name="A first hour").click()
    assert visible(questions, ".labcore-lesson", "name") == [row.name for row in LESSONS if row.first_hour]
    questions.get_by_role("button", name="Ten evenings").click()
    headings = questions.locator(".labcore-atlas h2:visible").all_text_contents()
    assert all(re.fullmatch(r"(Evening \d+|Beyond the ten), about \d+ minutes", h) for h in headings)
    assert [h.split(",")[0] for h in headings] == [*(f"Evening {n}" for n in range(1, 11)), "Beyond the ten"]
    questions.get_by_role("button", name="By mechanism").click()
    mechanisms = list(dict.fromkeys(row.mechanism for row in LESSONS))
    assert questions.locator(".labcore-atlas h2:visible").all_text_contents() == mechanisms
    pressed = questions.get_by_role("button", name="By mechanism").get_attribute("aria-pressed")
    assert pressed == "true" and len(visible(questions, ".labcore-lesson", "name")) == len(LESSONS)


@pytest.mark.parametrize(
    "typed", ["Hopfield", "spline", "KAN", "LTP", "overparameterisation", "BACKPROP", "Erdős", "ode"]
)
def test_the_page_searches_as_the_command_line_does(questions, typed):
    questions.get_by_label("Search").fill(typed)
    assert visible(questions, ".labcore-lesson", "name") == [r.name for r in search.find(typed, LESSONS)]
    found = {p.key for p in search.find(typed, PAPERS)}
    questions.get_by_role("button", name=re.compile(rf"^See {len(found)} papers?$")).click()
    assert shown(questions) == found


def test_only_ready_papers_lead_to_a_lesson_and_say_what_the_last_full_run_found(papers):
    assert shown(papers) == {p.key for p in PAPERS}
    links = "all => all.map(a => a.closest('article').dataset.key)"
    assert sorted(papers.locator(".labcore-paper h3 a").evaluate_all(links)) == sorted(p.key for p in READY)
    for paper in READY:
        card = papers.locator(f"[data-key={paper.key}]")
        assert "from the last full run" in card.text_content()
        assert card.get_by_role("link", name=paper.source).get_attribute("href") == paper.link
    assert "not measured" not in papers.locator(".labcore-atlas").text_content()
    planned = next(p for p in PAPERS if p.status == "planned")
    assert "planned" in papers.locator(f"[data-key={planned.key}]").text_content()


def test_search_and_filters_combine(papers):
    words = papers.get_by_label("Search")
    words.fill("descent")
    by_word = {p.key for p in search.find("descent", PAPERS)}
    assert shown(papers) == by_word and 1 < len(by_word) < len(PAPERS)
    papers.get_by_label("Theme").select_option("generalization")
    by_theme = {p.key for p in PAPERS if p.theme == "generalization"}
    assert shown(papers) == by_word & by_theme
    assert papers.get_by_text(next(t.question for t in catalog.themes() if t.key == "generalization")).is_visible()
    years = sorted({p.year for p in PAPERS})
    middle = years[len(years) // 2]
    words.fill("")
    papers.get_by_label("From year").select_option(str(middle))
    assert shown(papers) == by_theme & {p.key for p in PAPERS if p.year >= middle}
    papers.get_by_label("To year").select_option(str(middle))
    assert shown(papers) == by_theme & {p.key for p in PAPERS if p.year == middle}
    papers.get_by_label("Theme").select_option("")
    papers.get_by_label("Status").select_option("planned")
    assert shown(papers) == {p.key for p in PAPERS if p.year == middle and p.status == "planned"}
    words.fill("no paper says this")
    assert shown(papers) == set()


@pytest.mark.parametrize("typed", ["<img src=x onerror=alert(1)>", "(", "\\"])
def test_any_search_is_only_words(papers, typed):
    papers.get_by_label("Search").fill(typed)
    shown(papers)
    assert papers.locator(".labcore-atlas img").count() == 0


def test_keys_open_a_lesson(questions):
    """From the search box to the first lesson by Tab and Enter alone."""
    questions.get_by_label("Search").focus()
    for _ in range(7):
        questions.keyboard.press("Tab")
    name = questions.evaluate("() => document.activeElement.closest('article')?.dataset.name")
    assert name == LESSONS[0].name


@pytest.mark.parametrize("width", [390, 1024, 1280])
def test_nothing_is_wider_than_the_page(questions, width):
    questions.set_viewport_size({"width": width, "height": 900})
    try:
        for button in ("By question", "By paper"):
            questions.get_by_role("button", name=button).click()
            assert questions.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
            right = "all => Math.max(...all.map((e) => e.getBoundingClientRect().right))"
            assert questions.locator(".labcore-atlas *:visible").evaluate_all(right) <= width
    finally:
        questions.set_viewport_size({"width": 1400, "height": 1000})


def test_a_click_opens_the_lesson_in_voila(browser, voila):
    lesson = catalog.lesson("generalization/double_descent")
    with watched(browser) as page:
        page.goto(voila, timeout=120_000)
        page.get_by_role("link", name=lesson.question, exact=True).click(timeout=120_000)
        page.wait_for_url(f"{voila}/voila/render/{lesson.name}.ipynb", timeout=120_000)
        wait_for_figures(page, benches_in(lesson.notebook))


def test_a_click_opens_the_lesson_as_a_tab_in_jupyterlab(page, lab):
    lesson = catalog.lesson("generalization/double_descent")
    # a workspace of its own: the tabs that it leaves open would open again with the next test's notebook
    open_in_lab(page, lab, "notebooks/index.ipynb", workspace="atlas")
    link = page.get_by_role("link", name=lesson.question, exact=True)
    link.wait_for(timeout=90_000)
    # a middle click takes the address
    assert link.get_attribute("href") == f"/lab/tree/{lesson.notebook}"
    link.click()
    name = lesson.notebook.rpartition("/")[2]
    page.get_by_role("tab", name=re.compile(re.escape(name))).wait_for(timeout=60_000)
    page.locator(".jp-NotebookPanel").get_by_role("heading", name=lesson.question).last.wait_for(timeout=60_000)
    assert page.locator(".jp-NotebookPanel").count() == 2, "the index should stay open"
