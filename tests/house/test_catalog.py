"""The catalogue: 133 rows that can be found, and errors that help."""

import collections
import re

import pytest

from labcore import catalog


def test_every_row_is_complete_and_every_key_unique():
    papers = catalog.papers()
    assert len(papers) == 133
    assert len({p.key for p in papers}) == 133
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


def test_ready_papers_name_their_experiments_and_claims_as_the_imported_page_does():
    for p in catalog.papers():
        if p.status == "ready":
            from labcore.claims import claims_of
            from labcore.experiment import registered

            catalog.load_page(p.key)
            assert p.experiments == tuple(e.name for e in registered(p.key)) != (), p.key
            assert p.claims == tuple(c.name for c in claims_of(p.key)) != (), p.key


def test_planned_papers_have_nothing_to_run(tmp_path):
    planned = catalog.Paper("nothing_yet", "T", 2020, "kan", "n.ipynb", "I.")
    assert planned.status == "planned" and planned.experiments == () and planned.claims == ()


def test_names_are_read_from_the_source_without_running_it(tmp_path, monkeypatch):
    page = tmp_path / "kan" / "boom.py"
    page.parent.mkdir()
    page.write_text(
        "raise SystemExit('imported')\n"
        "@experiment('boom')\ndef first(): yield\n"
        "@other('boom')\ndef neither(): yield\n"
        "@claim('boom', 'it holds')\ndef second(budget): pass\n"
        "def plain(): pass\n"
    )
    monkeypatch.setattr(catalog, "_ROOT", tmp_path)
    boom = catalog.Paper("boom", "T", 2020, "kan", "n.ipynb", "I.")
    assert boom.status == "ready"
    assert boom.experiments == ("first",)
    assert boom.claims == ("second",)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: catalog.paper("double_decent"), "there is no paper 'double_decent'; did you mean double_descent"),
        (lambda: catalog.paper("zzzzzz"), "there is no paper 'zzzzzz'; `labcore list` shows all 133"),
        (lambda: catalog.papers("spikin"), "there is no theme 'spikin'; did you mean spiking?"),
        (lambda: catalog.load_page("double_decent"), "there is no paper"),
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
    with pytest.raises(LookupError, match="soon is planned: it has no page yet"):
        catalog.load_page("soon")
