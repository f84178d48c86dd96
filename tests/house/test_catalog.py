"""The catalogue: rows that can be found, and errors that help."""

import collections
import json
import os
import re
from pathlib import Path

import nbformat
import pytest

from labcore import catalog, lesson_text
from labcore.claims import claims_of
from labcore.experiment import Experiment

ROOT = Path(catalog.__file__).parents[1]


def test_every_row_is_complete_and_every_key_unique():
    papers = catalog.papers()
    assert len(papers) >= 133, "a row of the catalogue is gone"
    assert len({p.key for p in papers}) == len(papers)
    themes = {t.key for t in catalog.themes()}
    for p in papers:
        assert p.key.isidentifier() and p.key == p.key.lower(), p.key
        assert p.theme in themes, p.key
        assert 1950 <= p.year <= 2030, p.key
        assert p.title and p.idea.endswith("."), p.key
        assert re.fullmatch(rf"notebooks/{p.theme}/[a-z0-9_]+\.ipynb", p.notebook), p.key


def test_every_ready_paper_says_where_it_is_found():
    for p in catalog.papers():
        assert re.fullmatch(r"(arXiv:\d{4}\.\d{4,5}|doi:10\.\S+)?", p.source), p.key
        if p.status == "ready":
            assert p.link.startswith(("https://arxiv.org/abs/", "https://doi.org/10.")), p.key
            text = (ROOT / p.notebook).read_text("utf-8")
            assert p.source in text, f"{p.key}: the lesson's sources do not name {p.source}"


def test_every_lesson_has_a_row_and_is_what_the_row_says():
    rows = catalog.lessons()
    ready = {p.notebook for p in catalog.papers() if p.status == "ready"}
    assert {row.notebook for row in rows} == ready and len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert lesson_text.heading(row) == row.question, row.name
        assert row.picture in {f"{p.key}.{e}" for p in row.papers for e in p.experiments}, row.name
        assert row.level in ("introductory", "intermediate", "advanced"), row.name
        assert set(row.needs) <= {other.name for other in rows[: rows.index(row)]}, "what it needs comes before it"
        title = nbformat.read(ROOT / row.notebook, as_version=4).metadata.get("title")
        assert title == row.question, f"{row.name}: the tab of a browser shows {title}"


def test_the_course_has_ten_evenings_and_the_first_hour_is_an_hour():
    evenings = [row.evening for row in catalog.lessons() if row.evening]
    assert evenings == sorted(evenings) and set(evenings) == set(range(1, 11))
    hour = [row for row in catalog.lessons() if row.first_hour]
    assert 45 <= lesson_text.minutes(*hour) <= 75
    assert all(row.level == "introductory" and not row.needs for row in hour)


def test_minutes_are_counted(tmp_path, monkeypatch):
    row = catalog.lessons()[0]
    cells = [
        ("markdown", "# Why?\n\n" + "word " * 298),
        ("code", "bench(predict=Prediction())\nexercise('a')\nbench(1)"),
        ("markdown", "[and](#an.address?of=words) $x + y$\n\n## Sources\n\n" + "unread " * 1000),
    ]
    path = tmp_path / f"{row.name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": [{"cell_type": kind, "source": [source]} for kind, source in cells]}))
    monkeypatch.setattr("labcore.lesson_files.LESSONS", tmp_path)
    assert lesson_text.minutes(row) == 10 and lesson_text._minutes(row) == pytest.approx(301 / 150 + 10)
    cells.append(("code", "for name in 'abc': exercise(name), bench(name)"))
    path.write_text(json.dumps({"cells": [{"cell_type": kind, "source": [source]} for kind, source in cells]}))
    os.utime(path, ns=(1, 1))
    assert lesson_text.minutes(row) == 20 and lesson_text.minutes(row, row) == 40


def test_no_lesson_types_the_minutes_that_are_counted():
    for row in catalog.lessons():
        assert not re.search(r"[Ii]t takes about", (ROOT / row.notebook).read_text("utf-8")), row.name


def test_no_theme_is_empty_and_the_filter_keeps_the_order():
    counts = collections.Counter(p.theme for p in catalog.papers())
    assert set(counts) == {t.key for t in catalog.themes()}
    assert [p for t in catalog.themes() for p in catalog.papers(t.key)] == sorted(
        catalog.papers(), key=lambda p: [t.key for t in catalog.themes()].index(p.theme)
    )


def test_ready_papers_name_their_experiments_and_claims_as_the_imported_modules_do():
    for p in catalog.papers():
        if p.status == "ready":
            own = [e for e in vars(catalog.load_part(p.key, "experiments")).values() if isinstance(e, Experiment)]
            assert p.experiments == tuple(e.name for e in own) != (), p.key
            assert p.claims == tuple(c.name for c in claims_of(p.key)) != (), p.key
            assert {x.key for x in (*own, *claims_of(p.key))} == {p.key}
            assert all(catalog.load_experiment(e.id) is e for e in own)


def test_planned_papers_have_nothing_to_run(tmp_path):
    planned = catalog.Paper("nothing_yet", "T", 2020, "kan", "n.ipynb", "I.")
    assert planned.status == "planned" and planned.experiments == () and planned.claims == ()


def test_names_are_read_from_the_source_without_running_it(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "_ROOT", tmp_path)
    boom = catalog.Paper("boom", "T", 2020, "kan", "n.ipynb", "I.")
    boom.folder.mkdir(parents=True)
    (boom.folder / "experiments.py").write_text(
        "raise SystemExit('imported')\n"
        "@experiment\ndef first(): yield\n"
        "@other\ndef neither(): yield\n"
        "@experiment(quick=dict(n=1))\n@one_thread\ndef second(): yield\n"
        "@experiments\ndef nor(): yield\n"
        "def plain(): pass\n"
        "async def later(): pass\n"
    )
    (boom.folder / "claims.py").write_text(
        "@claim('it holds')\ndef third(budget): pass\n"
        "@claim(\n    'def it(is)\\n    so',\n    expected='holds',\n)\ndef fourth(budget): pass\n"
        "def helper(): pass\n"
    )
    assert boom.status == "ready"
    assert boom.experiments == ("first", "second")
    assert boom.claims == ("third", "fourth")


def test_names_are_read_again_when_a_file_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "_ROOT", tmp_path)
    paper = catalog.Paper("grows", "T", 2020, "kan", "n.ipynb", "I.")
    paper.folder.mkdir(parents=True)
    assert (paper.status, paper.experiments) == ("planned", ())
    (paper.folder / "experiments.py").write_text("@experiment\ndef first(): yield\n")
    assert (paper.status, paper.experiments, paper.claims) == ("ready", ("first",), ())
    (paper.folder / "experiments.py").write_text("@experiment\ndef other(): yield\n")
    os.utime(paper.folder / "experiments.py", ns=(1, 1))  # a clock may be too coarse to tell the two apart
    assert paper.experiments == ("other",)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: catalog.paper("double_decent"), "there is no paper 'double_decent'; did you mean double_descent"),
        (lambda: catalog.paper("zzzzzz"), "there is no paper 'zzzzzz'; `labcore list` shows all "),
        (lambda: catalog.papers("spikin"), "there is no theme 'spikin'; did you mean spiking?"),
        (
            lambda: catalog.lesson("kan/spline_edge"),
            "there is no lesson 'kan/spline_edge'; did you mean kan/spline_edges",
        ),
        (lambda: catalog.load_paper("double_decent"), "there is no paper"),
        (lambda: catalog.load_part("double_decent", "claims"), "there is no paper"),
        (lambda: catalog.load_experiment("epochwise_descent.trajectorie"), "did you mean epochwise_descent.trajectory"),
        (lambda: catalog.load_experiment("epochwise_descent"), "there is no experiment 'epochwise_descent'"),
        (lambda: catalog.load_experiment(""), "there is no paper ''"),
        (lambda: catalog.load_experiment("epochwise_descent.np"), "there is no experiment 'epochwise_descent.np'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(call, message):
    with pytest.raises(catalog.UnknownKey) as caught:
        call()
    assert message in str(caught.value)


def test_a_planned_paper_says_so_and_lists_what_is_ready(monkeypatch):
    rows = {"soon": catalog.Paper("soon", "T", 2020, "kan", "n.ipynb", "I.")}
    monkeypatch.setattr(catalog, "_table", lambda: ({}, rows))
    with pytest.raises(LookupError, match="soon is planned: it has no experiments yet"):
        catalog.load_paper("soon")
