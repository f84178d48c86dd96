"""A lesson as a page without a kernel, opened from a file with the network off."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labcore import lesson_files
from tests.browser import axe
from tests.browser.conftest import heard
from widgets.site import lessons

NAME = "hebbian/small.ipynb"
CELLS = [
    new_markdown_cell(
        "# What is $w^2$?\n\nSome words and [more](../kan/edge_bases.ipynb).\n\n*In JupyterLab, choose Run.*"
    ),
    new_code_cell('budget = "full"\nseed = 0'),
    new_code_cell("from widgets import Prediction, Ruler, Sketch, bench, exercise"),
    new_code_cell('bench("hebbian_projection.plane", budget=budget, seed=seed, opening=True)'),
    new_markdown_cell(
        "[Turn the cloud](#hebbian_projection.plane?angle=100), or "
        "[by $1$](#hebbian_projection.plane?angle=100&eta=0.01)."
    ),
    new_code_cell(
        'bench("hebbian_projection.plane", budget=budget, seed=seed, label="asked", predict=Prediction("How wide?", '
        '("Wide & flat", "Narrow"), then=dict(stretch=1.0), '
        'right=lambda frame: "Narrow", why="Because **so**: $a^2$."))'
    ),
    new_code_cell(
        'bench("hebbian_projection.plane", budget=budget, seed=seed, label="drawn", predict=Sketch("How long?", '
        'x=Ruler("samples", 0, 1000), y=Ruler("length", 0, 2), judge="height", why="Oja.", '
        "answer=lambda frame: (frame.seen, frame.length.isel(unit=0))))"
    ),
    new_code_cell('exercise("hebbian_projection.second_axis", seed=seed)'),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small lesson, built as all are."""
    root = tmp_path_factory.mktemp("site")
    lesson = new_notebook(cells=CELLS, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    (root / "lessons/hebbian").mkdir(parents=True)
    nbformat.write(lesson, root / "lessons" / NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson_files, "LESSONS", root / "lessons")
        for name in ("LABCORE_FRONTEND", "LABCORE_SITE", "OMP_NUM_THREADS"):
            patch.setenv(name, "")  # what the building sets goes with it
        lessons.write_shared(root / "out")
        assert "MB" in lessons.build(NAME, root / "out")
        assert lessons.build(NAME, root / "out").endswith("as it was"), "what has not changed is not built again"
        yield root / "out"


@pytest.fixture
def page(browser, folder):
    context = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="no-preference")
    context.set_offline(True)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    with heard(page):
        page.goto((folder / "hebbian/small.html").as_uri())
        yield page
        assert all(url.startswith(("file:", "data:", "blob:")) for url in asked), asked
    context.close()


def bench(page, label):
    found = page.locator(f"section[id='{label}']")
    found.scroll_into_view_if_needed()
    found.locator(".js-plotly-plot").wait_for()
    return found


def until(page, true):
    """Wait, for a figure is drawn after its numbers have come."""
    for _ in range(200):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it has not come true within 20 s")


def at(found):
    return int(found.locator(".labcore-film input[type=range]").input_value())


def test_a_page_stands_there_before_anything_runs(folder):
    html = (folder / "hebbian/small.html").read_text("utf-8")
    assert len(html.encode()) < 3_000_000 and html.count("<svg") >= 4
    assert 'href="../kan/edge_bases.html"' in html
    assert 'src="http' not in html and 'type="module"' not in html and "JupyterLab" not in html
    assert "<title>What is $w^2$?</title>" in html


def test_a_film_plays_and_is_gone_through(page):
    found = bench(page, "hebbian_projection.plane")
    line = found.locator(".labcore-film")
    last = int(line.locator("input").get_attribute("max"))
    assert 5 < last < 40 and at(found) == last, "it opens at its end"
    end = found.locator(".labcore-figure").get_attribute("aria-label")
    line.locator("input").fill("3")
    page.wait_for_function(
        "([a, b]) => document.querySelector(a).getAttribute('aria-label') !== b",
        arg=["[id='hebbian_projection.plane'] .labcore-figure", end],
    )
    line.locator("input").fill(str(last))
    line.locator("button").click()
    page.wait_for_function(
        "([a, n]) => Number(document.querySelector(a).value) < n",
        arg=["[id='hebbian_projection.plane'] .labcore-film input", last],
    )
    page.wait_for_function(
        "([a, n]) => Number(document.querySelector(a).value) === n",
        arg=["[id='hebbian_projection.plane'] .labcore-film input", last],
        timeout=60_000,
    )


def test_the_control_and_a_link_of_the_prose_move_the_figure(page):
    found = bench(page, "hebbian_projection.plane")
    # a cloud in another direction is learned as well: its points are elsewhere
    read = lambda: found.locator(".js-plotly-plot").evaluate("e => e.data.map((t) => [...t.x.slice(0, 5)])")  # noqa: E731
    before, control = read(), found.locator(".site-control input")
    assert found.locator(".site-control").inner_text().startswith("cloud's direction")
    start = control.input_value()
    control.fill(control.get_attribute("max"))
    page.wait_for_function("() => document.querySelector('.labcore-film').hidden", timeout=20_000)
    until(page, lambda: read() != before)
    page.get_by_role("link", name="Turn the cloud").click()
    page.wait_for_function("() => document.querySelector('.site-control output').textContent === '100'")
    until(page, lambda: read() != before)
    control.fill(start)
    page.wait_for_function("() => !document.querySelector('.labcore-film').hidden")
    until(page, lambda: read() == before)
    page.locator("a.site-inert").click()
    assert "not on the page" in page.locator(".site-hint").inner_text()


def test_a_prediction_is_committed_and_then_told(page):
    found = bench(page, "asked")
    assert not found.locator(".site-answer").is_visible() and found.locator(".site-control input").is_disabled()
    commit = found.get_by_role("button", name="Commit")
    assert commit.is_disabled()
    found.get_by_label("Wide & flat").check()
    commit.click()
    told = found.locator(".site-answer")
    told.wait_for(timeout=60_000)
    text = told.inner_text()
    assert "You predicted: Wide & flat." in text and "That is what happened" not in text
    assert "It was: Narrow." in text and "Because so" in text and told.locator("math").count() == 1
    assert at(found) == int(found.locator(".labcore-film input[type=range]").get_attribute("max")), (
        "it was played to its end"
    )
    assert found.locator(".site-control input").is_enabled() and commit.is_disabled()


def test_a_curve_is_drawn_and_the_measured_one_comes_over_it(page):
    found = bench(page, "drawn")
    assert "comes after your prediction" in found.locator("p.labcore-reading:not(.site-still)").inner_text()
    box = found.locator(".sketch-paper").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 90, steps=12)
    page.mouse.up()
    assert not found.locator(".sketch-measured").count()
    found.get_by_role("button", name="Commit").click()
    found.locator(".sketch-measured").wait_for(timeout=60_000)
    assert "Oja." in found.locator(".site-answer").inner_text()


def test_predictions_are_there_when_the_page_opens_again_and_go_when_asked(page):
    line = page.locator(".labcore-progress")
    assert line.inner_text() == "0 of 2 predictions made."
    found = bench(page, "asked")
    found.get_by_label("Wide & flat").check()
    found.get_by_role("button", name="Commit").click()
    until(page, lambda: line.inner_text().startswith("1 of 2 predictions made."))
    drawn = bench(page, "drawn")
    drawn.locator(".sketch-handle").first.focus()
    for key in ("PageUp", "ArrowRight", "PageDown"):
        page.keyboard.press(key)
    heights = lambda: drawn.locator(".sketch-drawn").get_attribute("d")  # noqa: E731
    before = heights()
    drawn.get_by_role("button", name="Commit").click()
    until(page, lambda: line.inner_text().startswith("2 of 2 predictions made."))
    page.reload()
    assert line.inner_text().startswith("2 of 2 predictions made.")
    found = bench(page, "asked")
    assert found.get_by_label("Wide & flat").is_checked() and found.get_by_label("Wide & flat").is_disabled()
    assert found.locator(".site-control input").is_enabled() and not found.locator(".site-answer").is_visible()
    drawn = bench(page, "drawn")
    assert heights() == before and not drawn.locator(".sketch-measured").count()
    found.get_by_role("button", name="Show the result").click()
    found.locator(".site-answer").wait_for(timeout=60_000)
    assert "You predicted: Wide & flat." in found.locator(".site-answer").inner_text()
    drawn.get_by_role("button", name="Show the result").click()
    drawn.locator(".sketch-measured").wait_for(timeout=60_000)
    line.get_by_role("button").click()
    with page.expect_navigation():
        line.get_by_role("button").click()
    assert line.inner_text() == "0 of 2 predictions made."
    assert bench(page, "asked").get_by_role("button", name="Commit").is_disabled()


def test_formulas_are_set_and_folds_open(page):
    assert page.locator("h1 math").count() == 1
    exercise = page.locator(".site-exercise")
    exercise.locator("summary", has_text="checked").click()
    assert "def second_axis" in exercise.inner_text()


@axe.needed
def test_axe_finds_no_grave_fault(page):
    bench(page, "asked")
    assert axe.grave_faults(page) == []


def test_a_printed_page_shows_all_of_its_folds_and_the_pictures(page):
    page.emulate_media(media="print")
    assert page.locator(".site-answer").first.evaluate("e => getComputedStyle(e).display") == "block"
    still = page.locator("[id=asked] .site-answer .site-still svg")
    assert still.is_visible() and not page.locator(".site-control").first.is_visible()
