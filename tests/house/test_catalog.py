"""The catalogue: rows that can be found, and errors that help."""

import collections
import os
import re

import pytest

from labcore import catalog
from labcore.claims import claims_of
from labcore.experiment import Experiment


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
