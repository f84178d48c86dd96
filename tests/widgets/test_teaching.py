"""The page for teachers: what it takes from the lessons is as they are, and to each a teacher has said something."""

from __future__ import annotations

import ast
import json
import re

import pytest

from labcore import catalog
from labcore.lesson_files import LESSONS, TEACHING
from widgets import teaching
from widgets.benches.asked import asked
from widgets.gallery.class_pages import teaching_page
from widgets.gallery.server import Gallery

PAGE = TEACHING.read_text(encoding="utf-8")
ROOT = LESSONS.parent
NAMES = [lesson.name for lesson in catalog.lessons()]


def test_what_is_derived_is_what_the_lessons_say():
    assert teaching.render(PAGE) == PAGE, "python -m widgets.teaching writes it anew"


def test_a_changed_lesson_changes_the_page_and_leaves_the_teachers_words():
    worn = PAGE.replace("about 25 minutes", "about 5 minutes").replace("- They get sharper", "- They get softer")
    assert worn != PAGE and teaching.render(worn) == PAGE
    own = PAGE.replace("**Where they go wrong.**", "**What I heard.**", 1)
    assert teaching.render(own) == own


@pytest.mark.parametrize("name", [NAMES[0], NAMES[3], NAMES[-1]])
def test_a_new_lesson_comes_to_its_place(name):
    mark = re.escape(f"<!-- lesson {name} -->")
    without = re.sub(rf"{mark}.*?<!-- /lesson -->", "", PAGE, count=1, flags=re.DOTALL)
    made = teaching.render(without)
    assert re.findall(r"<!-- lesson (\S+) -->", made) == NAMES
    assert f"<!-- lesson {name} -->\n## {1 + NAMES.index(name)}. " in made


@pytest.mark.parametrize("name", NAMES)
def test_each_lesson_is_there_with_what_is_right_and_what_goes_wrong(name):
    held = teaching.held(PAGE)
    for question in asked(LESSONS / f"{name}.ipynb"):
        if question.kind == "options":
            right = held[name, question.question]
            assert right and right < set(question.options), f"{question.question}: bold is {right}"
    after = PAGE.split(f"<!-- lesson {name} -->")[1].split("<!-- /lesson -->")[1].split("<!-- lesson")[0]
    assert len(after.split()) > 40, "a teacher has something to say"


def test_lessons_stand_in_the_order_of_the_course():
    assert re.findall(r"<!-- lesson (\S+) -->", PAGE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_a_lesson_is_read(name):
    cells = json.loads((LESSONS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    calls = [n for c in cells if c["cell_type"] == "code" for n in ast.walk(ast.parse("".join(c["source"])))]
    made = [n for n in calls if isinstance(n, ast.Call) and ast.unparse(n.func) in ("Prediction", "Sketch")]
    found = asked(LESSONS / f"{name}.ipynb")
    assert len(found) == len(made) > 0
    assert len({q.bench for q in found}) == len(found), "an answer is kept by the name of its bench"


def test_commands_and_options_of_the_page_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:^    |`)make (\w+)", PAGE, re.MULTILINE)
    assert "class" in targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    traits = Gallery.class_traits(config=True)
    options = set(re.findall(r"--(?:Gallery|Voila)\.(\w+)", PAGE))
    assert {"hosts", "ip"} <= options <= set(traits) and "class" in Gallery.flags


def test_the_gallerys_page_has_its_links_and_formulas():
    page = teaching_page()
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) == len(NAMES) and all(f'id="{link}"' in page for link in links)
    assert "renderMathInElement(document.body" in page and "serving.md)" in page and 'href="serving.md"' not in page
