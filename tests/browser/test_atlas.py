"""The front page: find a paper among all of them, and open its lesson."""

from __future__ import annotations

import re

import pytest

from labcore import catalog
from tests.browser.conftest import watched
from tests.browser.front import benches_in, open_in_lab, wait_for_figures

PAPERS = catalog.papers()
READY = [p for p in PAPERS if p.status == "ready"]


@pytest.fixture(scope="module")
def index(browser, voila):
    """The front page of Voila, opened by its plain address."""
    with watched(browser) as page:
        page.goto(voila, timeout=120_000)
        page.wait_for_selector(".labcore-atlas", timeout=120_000)
        yield page


@pytest.fixture
def atlas(index):
    """The front page without search words and filters."""
    index.get_by_label("Search titles and ideas").fill("")
    for label in ("Theme", "From year", "To year", "Status"):
        index.get_by_label(label).select_option("")
    return index


def shown(page) -> set[str]:
    """Keys of the cards that can be seen; the count in words agrees."""
    visible = "all => all.filter(c => c.offsetParent).map(c => c.dataset.key)"
    cards = page.locator(".labcore-paper").evaluate_all(visible)
    words = page.locator(".labcore-count").text_content()
    assert words == (f"{len(cards)} of {len(PAPERS)} papers" if cards else "No paper fits. Remove a filter or a word.")
    return set(cards)


def test_the_plain_address_leads_to_all_papers(atlas, voila):
    assert atlas.url == f"{voila}/voila/render/index.ipynb"
    assert len(PAPERS) == len(catalog.papers())
    assert shown(atlas) == {p.key for p in PAPERS}
    assert atlas.locator(".labcore-count").get_attribute("role") == "status"


def test_only_ready_papers_have_links(atlas):
    links = atlas.locator(".labcore-paper a").evaluate_all("all => all.map(a => a.closest('article').dataset.key)")
    assert sorted(links) == sorted(p.key for p in READY)
    first = atlas.locator(".labcore-paper").first
    assert first.get_attribute("data-key") in links, "a visitor should meet what can be opened first"
    planned = next(p for p in PAPERS if p.status == "planned")
    assert "planned" in atlas.locator(f"[data-key={planned.key}]").text_content()


def test_search_and_filters_combine(atlas):
    search = atlas.get_by_label("Search titles and ideas")

    def fits(word: str, p: catalog.Paper) -> bool:
        titles = {t.key: t.title for t in catalog.themes()}
        return word in f"{p.title} {p.idea} {p.key} {p.year} {titles[p.theme]}".lower()

    search.fill("DESCENT")
    by_word = {p.key for p in PAPERS if fits("descent", p)}
    assert shown(atlas) == by_word and 1 < len(by_word) < len(PAPERS)
    search.fill("double descent")  # both words, in any place
    assert shown(atlas) == {p.key for p in PAPERS if fits("double", p) and fits("descent", p)}
    search.fill("descent")
    atlas.get_by_label("Theme").select_option("generalization")
    by_theme = {p.key for p in PAPERS if p.theme == "generalization"}
    assert shown(atlas) == by_word & by_theme
    assert atlas.get_by_text(next(t.question for t in catalog.themes() if t.key == "generalization")).is_visible()
    years = sorted({p.year for p in PAPERS})
    middle = years[len(years) // 2]
    search.fill("")
    atlas.get_by_label("From year").select_option(str(middle))
    assert shown(atlas) == by_theme & {p.key for p in PAPERS if p.year >= middle}
    atlas.get_by_label("To year").select_option(str(middle))
    assert shown(atlas) == by_theme & {p.key for p in PAPERS if p.year == middle}
    atlas.get_by_label("Theme").select_option("")
    atlas.get_by_label("Status").select_option("planned")
    assert shown(atlas) == {p.key for p in PAPERS if p.year == middle and p.status == "planned"}
    search.fill("no paper says this")
    assert shown(atlas) == set()


@pytest.mark.parametrize("typed", ["<img src=x onerror=alert(1)>", "(", "\\"])
def test_any_search_is_only_words(atlas, typed):
    atlas.get_by_label("Search titles and ideas").fill(typed)
    shown(atlas)
    assert atlas.locator(".labcore-atlas img").count() == 0


def test_keys_open_a_lesson(atlas):
    """From the search box to the first lesson by Tab and Enter alone."""
    atlas.get_by_label("Search titles and ideas").focus()
    for _ in range(5):
        atlas.keyboard.press("Tab")
    key = atlas.evaluate("() => document.activeElement.closest('article')?.dataset.key")
    assert key in {p.key for p in READY}


def test_a_click_opens_the_lesson_in_voila(browser, voila):
    paper = catalog.paper("double_descent")
    with watched(browser) as page:
        page.goto(voila, timeout=120_000)
        page.get_by_role("link", name=paper.title, exact=True).click(timeout=120_000)
        page.wait_for_url(f"{voila}/voila/render/{paper.notebook.removeprefix('notebooks/')}", timeout=120_000)
        wait_for_figures(page, benches_in(paper.notebook))


def test_a_click_opens_the_lesson_as_a_tab_in_jupyterlab(page, lab):
    paper = catalog.paper("double_descent")
    # a workspace of its own: the tabs that it leaves open would open again with the next test's notebook
    open_in_lab(page, lab, "notebooks/index.ipynb", workspace="atlas")
    link = page.get_by_role("link", name=paper.title, exact=True)
    link.wait_for(timeout=90_000)
    # a middle click takes the address
    assert link.get_attribute("href") == f"/lab/tree/{paper.notebook}"
    link.click()
    name = paper.notebook.rpartition("/")[2]
    page.get_by_role("tab", name=re.compile(re.escape(name))).wait_for(timeout=60_000)
    page.get_by_role("heading", name="Why does the curve go down twice?").wait_for(timeout=60_000)
    assert page.locator(".jp-NotebookPanel").count() == 2, "the index should stay open"
