"""A class at the gallery: three visitors, each with a browser, and their teacher, over a lesson that is kept ready."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import blank_page, heard, leave, serve_voila
from tests.browser.front import open_in_voila, until, write_notebook

ASKED = """from widgets import Prediction, Ruler, Sketch, bench, lesson_nav
lesson_nav("kan/spline_edges")
bench("double_descent.sample_wise", budget="quick", predict=Prediction(
    "A model has 100 parameters. You go from 20 samples to 100. What happens to its test error?",
    ("It falls", "It rises", "It stays <b>the same</b>"), then=dict(method="ridge", ridge=0.1),
    right=lambda frame: "It falls", why="The ridge keeps the weights small."))"""
DRAWN = """bench("double_descent.sample_wise", budget="quick", label="drawn", predict=Sketch(
    "Where is the test error highest?", x=Ruler("training samples", 10, 400, log=True), y=Ruler("test error", 0, 0.4),
    answer=lambda frame: (frame.n, frame.test.median("repeat")), judge="maximum"))"""
BARS = ".labcore-class .crowd-option"
# what a browser keeps of an earlier sitting, alone
BEFORE = """if (location.protocol === "http:")
  localStorage.setItem("labcore kan/spline_edges", '{"prediction double_descent.sample_wise": "It falls"}')"""
LATE = 40_000  # milliseconds for what a page hears of others, on a busy machine


class Class(NamedTuple):
    url: str
    teacher: str


@pytest.fixture(scope="module")
def gathered(tmp_path_factory) -> Iterator[Class]:
    folder = tmp_path_factory.mktemp("class")
    write_notebook(folder / "lesson.ipynb", ASKED, DRAWN)
    for url in serve_voila(folder, folder / "log", "--class", warm=True):
        secret = re.search(r"labcore/teacher#(\S+)", (folder / "log").read_text())[1]
        yield Class(url, f"{url}/labcore/teacher#{secret}")


@pytest.fixture
def pages(browser, gathered):
    """The teacher's page, and those of three visitors."""
    teacher, *visitors = (blank_page(browser) for _ in range(4))
    visitors[2].set_viewport_size({"width": 390, "height": 844})
    with heard(teacher), heard(visitors[0]), heard(visitors[1]), heard(visitors[2]):
        teacher.goto(gathered.teacher)
        visitors[0].add_init_script(BEFORE)
        for page in visitors:
            open_in_voila(page, gathered.url, "lesson.ipynb")
            until(page, lambda seen: len(seen) == 2 and all(b["status"] for b in seen))
            expect(page.locator(".labcore-class")).to_have_count(2, timeout=LATE)
        yield teacher, visitors
        for page in visitors:
            leave(page)
    for page in (teacher, *visitors):
        page.context.close()


def choose(page, option: int) -> None:
    page.locator(".labcore-predict input[type=radio]").nth(option).check()
    page.locator(".labcore-commit").first.click()


def draw(page, height: float) -> None:
    """A level stroke at this share of the picture."""
    paper = page.locator(".sketch-paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    y = box["y"] + box["height"] * (1 - height)
    page.mouse.move(box["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, y, steps=6)
    page.mouse.up()
    page.locator(".labcore-commit").last.click()


def deed(teacher, name: str) -> None:
    teacher.locator(".deeds").get_by_role("button", name=name).click()


def counts(page) -> list[list[str]]:
    """Of each option the counts that a page shows, round after round."""
    rows = page.locator(".crowd-option").all()
    return [[t.split()[0] for t in row.locator(".crowd-row > span:last-child").all_text_contents()] for row in rows]


def test_commit_see_the_others_commit_again_reveal(pages):
    teacher, visitors = pages
    assert "#" not in teacher.url, "the secret is projected"
    one, two, three = visitors

    assert one.locator(".labcore-commit").count() == 2, "an answer of an earlier sitting takes nobody out of the class"
    choose(one, 0)
    choose(two, 0)
    expect(teacher.locator("#stage")).to_contain_text("2 committed", timeout=LATE)
    assert teacher.locator(".crowd").count() == 0, "a projected page shows no answers before they are released"
    for page in (one, two):
        said = page.locator(".labcore-class").first
        expect(said).to_contain_text("Committed")
        assert page.locator(BARS).count() == 0
    choose(two, 1)  # a change of mind replaces
    expect(teacher.locator("#stage")).to_contain_text("2 committed")

    deed(teacher, "Show the answers")
    for page in (one, two):
        expect(page.locator(BARS)).to_have_count(3, timeout=LATE)
        assert counts(page) == [["1"], ["1"], ["0"]]
    assert "It stays <b>the same</b>" in one.locator(BARS).last.inner_text(), "words of a question are no HTML"
    three.wait_for_timeout(2500)
    assert three.locator(BARS).count() == 0, "who has not committed sees nothing"
    choose(three, 2)
    expect(three.locator(BARS)).to_have_count(3, timeout=LATE)
    choose(three, 0)
    expect(three.locator(".labcore-class").first).to_contain_text("stands")
    assert counts(three) == [["1"], ["1"], ["1"]]

    deed(teacher, "Second round")
    for page in visitors:
        expect(page.locator(".labcore-class").first).to_contain_text("Second round", timeout=LATE)
        choose(page, 1)
    expect(teacher.locator("#stage")).to_contain_text("Round 2: 3 committed", timeout=LATE)
    assert counts(one) == [["1"], ["1"], ["1"]], "the second round is not shown yet"

    for page in visitors:  # nothing of the answer, on any page
        assert page.locator(".labcore-verdict").count() == 0
        assert "ridge keeps" not in page.content()
        page.locator(".labcore-skip").first.click()
        assert page.locator(".labcore-commit").count() == 2
    deed(teacher, "Reveal")
    for page in visitors:
        expect(page.locator(".labcore-verdict")).to_contain_text("It was: It falls", timeout=LATE)
        expect(page.locator(".labcore-predict").first).to_contain_text("You predicted: It rises")
        assert counts(page) == [["1", "0"], ["1", "3"], ["1", "0"]]


def test_drawings_are_laid_over_each_other(pages):
    teacher, (one, two, three) = pages
    draw(one, 0.2)
    draw(two, 0.8)
    teacher.locator("#answered").get_by_role("button", name="Where is the test error highest?").click(timeout=LATE)
    expect(teacher.locator("#stage")).to_contain_text("2 committed", timeout=LATE)
    two.reload()  # a page that is loaded anew has another kernel, and the visitor the same answer
    until(two, lambda seen: len(seen) == 2 and all(b["status"] for b in seen))
    expect(two.locator(".labcore-class").last).to_contain_text("Committed", timeout=LATE)
    expect(two.locator(".sketch-handle.moved")).to_have_count(9)

    deed(teacher, "Show the answers")
    expect(teacher.locator(".crowd-line")).to_have_count(2, timeout=LATE)
    for page in (one, two):
        expect(page.locator(".sketch-other")).to_have_count(2, timeout=LATE)
    assert three.locator(".sketch-other").count() == 0
    deed(teacher, "Reveal")
    for page in (one, two):
        expect(page.locator(".sketch-measured")).to_have_count(1, timeout=LATE)
        expect(page.locator(".sketch-other")).to_have_count(2, timeout=LATE)
    # who has not committed is alone with the bench, as without a class
    expect(three.locator(".labcore-class").last).to_contain_text("opened this question", timeout=LATE)
    three.locator(".labcore-skip").last.click()
    expect(three.locator(".sketch-measured")).to_have_count(1, timeout=LATE)
    assert three.locator(".sketch-other").count() == 0


def test_without_a_class_pages_ask_for_nothing(voila_desk, desk, page):
    write_notebook(desk / "alone.ipynb", ASKED)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_in_voila(page, voila_desk, "alone.ipynb")
    until(page, lambda seen: len(seen) == 1 and bool(seen[0]["status"]))
    choose(page, 0)
    expect(page.locator(".labcore-verdict")).to_be_visible(timeout=LATE)
    assert page.locator(".labcore-class").count() == 0
    assert not [url for url in asked if "labcore/class" in url or "labcore/teacher" in url]
    assert page.request.get(f"{voila_desk}/labcore/teaching").status == 200
    for address in ("class?lesson=alone", "teacher", "teacher/answers"):
        assert page.request.get(f"{voila_desk}/labcore/{address}").status == 404
