"""Exercises and what is kept of a learner's answers, in the browser's own storage, in both front ends."""

from __future__ import annotations

import re

import pytest

from tests.browser.front import open_on_desk, write_notebook

FRONTS = ["voila", "lab"]
CELLS = (
    'from widgets import Prediction, bench, exercise, lesson_nav\nlesson_nav("hebbian/local_rules")',
    'bench("hebbian_projection.plane", budget="quick", label="asked", predict=Prediction("Which way?", ("Up", "Down"), '
    'then=dict(angle=100.0), right=lambda frame: "Up", why="It turns."))',
    "import time",
    'exercise("How much?", lambda text: time.sleep(1) or text == "2", ("Look <b>left</b>.", "Look right."))',
    'exercise("hebbian_projection.second_axis")',
)
KEY = "labcore hebbian/local_rules"
COUNTS = """() => [...document.querySelectorAll('.labcore-progress span')].map(e => e.textContent).at(-1)"""
BROKEN = {
    "corrupted": f"localStorage.setItem({KEY!r}, '{{\"exercise How much?\": [')",
    "of another": f"""localStorage.setItem({KEY!r}, '{{"exercise How much?": 7, "prediction asked": {{"a": 1}}}}')""",
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }",
    "absent": "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } })",
}


def counted(page, words: str) -> None:
    page.wait_for_function(f"words => ({COUNTS})() === words", arg=words, timeout=60_000)


def card(page, question: str):
    return page.locator(".labcore-exercise", has_text=question)


def says(found, words: str | re.Pattern) -> None:
    found.locator("[role=status]", has_text=words).wait_for(timeout=60_000)


def opens(request, page, front, name: str) -> None:
    open_on_desk(request, page, front, name)
    page.wait_for_selector(".labcore-exercise", timeout=120_000)
    card(page, "direction").wait_for(timeout=60_000)
    page.wait_for_function(f"() => ({COUNTS})()?.includes('2 exercises')", timeout=60_000)


def answers(page) -> None:
    much, axis = card(page, "How much?"), card(page, "direction")
    much.get_by_role("textbox").fill("2")
    much.get_by_role("textbox").press("Enter")
    says(much, "Checking ...")
    says(much, "Right.")
    axis.get_by_role("textbox").fill("7")
    axis.get_by_role("button", name="Check").click()
    says(axis, "degrees away")


@pytest.mark.parametrize("front", FRONTS)
def test_an_exercise_is_checked_hinted_and_refused_in_its_own_words(request, page, desk, front):
    write_notebook(desk / "exercise.ipynb", *CELLS)
    opens(request, page, front, "exercise.ipynb")
    answers(page)
    axis = page.get_by_label("direction of the second arrow")
    axis.fill("direction = 500")
    axis.press("Enter")
    says(
        card(page, "direction"),
        "Direction of the second arrow = '500' is not allowed; it must be from -360 to 360 degrees.",
    )
    much = card(page, "How much?")
    assert "Look" not in much.inner_text()
    much.get_by_role("button", name="Hint").click()
    much.get_by_text("Look <b>left</b>.").wait_for()
    much.get_by_role("button", name="Another hint").click()
    much.get_by_text("Look right.").wait_for()
    much.get_by_role("button", name="hint").wait_for(state="hidden")


@pytest.mark.parametrize("front", FRONTS)
def test_answers_are_there_when_the_lesson_opens_again_and_go_when_asked(request, page, desk, front):
    write_notebook(desk / "kept.ipynb", *CELLS)
    opens(request, page, front, "kept.ipynb")
    counted(page, "0 of 2 exercises right, 0 of 1 prediction made.")
    answers(page)
    page.get_by_role("radio", name="Down").check()
    page.get_by_role("button", name="Commit").click()
    page.get_by_text("It was: Up.").wait_for(timeout=60_000)
    counted(page, "1 of 2 exercises right, 1 of 1 prediction made.")
    # another sitting: in the gallery another kernel, in JupyterLab all cells run again
    page.goto("about:blank")
    opens(request, page, front, "kept.ipynb")
    counted(page, "1 of 2 exercises right, 1 of 1 prediction made.")
    much = card(page, "How much?")
    says(much, "Right. You have answered this before.")
    assert much.get_by_role("textbox").input_value() == "2"
    assert card(page, "direction").get_by_role("textbox").input_value() == "7"
    asked = page.locator(".labcore-predict")
    assert "You predicted: Down." in asked.inner_text() and "It was" not in asked.inner_text()
    asked.get_by_role("button", name="Show the result").click()
    page.get_by_text("It was: Up.").wait_for(timeout=60_000)
    afresh = page.locator(".labcore-progress button").last
    afresh.click()
    assert afresh.inner_text() == "Forget all answers of this lesson?"
    afresh.click()
    counted(page, "0 of 2 exercises right, 0 of 1 prediction made.")
    page.get_by_role("button", name="Commit").wait_for()
    assert much.get_by_role("textbox").input_value() == "" and "Right" not in much.inner_text()
    assert page.evaluate("key => localStorage.getItem(key)", KEY) is None


@pytest.mark.parametrize("broken", BROKEN)
def test_a_browser_that_keeps_nothing_breaks_nothing(request, page, desk, broken):
    write_notebook(desk / "broken.ipynb", *CELLS)
    page.add_init_script(BROKEN[broken])
    opens(request, page, "voila", "broken.ipynb")
    counted(page, "0 of 2 exercises right, 0 of 1 prediction made.")
    answers(page)
    counted(page, "1 of 2 exercises right, 0 of 1 prediction made.")
    if broken in ("full", "absent"):
        assert "keeps nothing" in page.locator(".labcore-progress").get_attribute("title")
    else:
        assert '"right":true' in page.evaluate("key => localStorage.getItem(key)", KEY)
