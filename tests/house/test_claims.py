"""Claims and their ledger: verdicts, what is remembered, and for how long."""

import json

import pytest

from labcore import catalog, claims
from labcore.claims import Evidence


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """A ledger and a registry of our own."""
    monkeypatch.setattr(claims.platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(claims, "_claims", {})
    monkeypatch.setattr(catalog, "load_page", lambda key: None)
    monkeypatch.setattr(claims, "code_version", lambda key: "this")


def evidence(holds, value=2.0):
    return Evidence(measured={"ratio": value}, criterion="ratio > 1", holds=holds, n_seeds=3)


def declare(key, name, holds, **options):
    def check(budget):
        return evidence(holds)

    check.__name__ = name
    return claims.claim(key, f"{name} is so", **options)(check)


@pytest.mark.parametrize(
    ("expected", "holds", "verdict"),
    [
        ("holds", True, "holds"),
        ("holds", False, "broken"),
        ("not reproduced", False, "not reproduced"),
        ("not reproduced", True, "surprise"),
    ],
)
def test_the_verdict_compares_what_was_expected_with_what_was_measured(expected, holds, verdict):
    entry = declare("p", "c", holds, expected=expected, reason="too small").measure()
    assert entry.verdict == verdict
    assert entry.measured == {"ratio": 2.0} and entry.numbers == "ratio = 2"
    assert (entry.criterion, entry.n_seeds, entry.reason, entry.budget) == ("ratio > 1", 3, "too small", "quick")
    assert entry.seconds >= 0


def test_not_reproduced_needs_a_reason():
    with pytest.raises(ValueError, match="claim of 'p' \\('it is so'\\): 'not reproduced' needs a reason"):
        claims.claim("p", "it is so", expected="not reproduced")


def test_the_budget_reaches_the_check():
    seen = []

    @claims.claim("p", "it is so")
    def check(budget):
        seen.append(budget)
        return evidence(True)

    check.measure("full")
    check.measure()
    assert seen == ["full", "quick"]


def test_claims_of_a_paper_come_in_source_order():
    b, a = declare("p", "b", True), declare("p", "a", True)
    declare("q", "c", True)
    assert claims.claims_of("p") == [b, a]


def test_measure_yields_each_entry_as_it_is_known_and_remembers_the_paper():
    declare("p", "a", True)
    declare("p", "b", False)
    entries = claims.measure(["p"])
    assert next(entries).name == "a"
    assert claims.recorded("p") == []  # half a paper is not a ledger
    assert next(entries).verdict == "broken"
    assert next(entries, None) is None
    assert [(e.name, e.verdict) for e in claims.recorded("p")] == [("a", "holds"), ("b", "broken")]


def test_full_entries_are_recalled_before_quick_ones():
    declare("p", "a", True)
    list(claims.measure(["p"], "full"))
    list(claims.measure(["p"], "quick"))
    assert [e.budget for e in claims.recorded("p")] == ["full"]


def test_nothing_is_recalled_after_the_code_changed(monkeypatch):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    monkeypatch.setattr(claims, "code_version", lambda key: "another")
    assert claims.recorded("p") == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"key": "p"}]', "null"])
def test_a_damaged_ledger_is_no_ledger(text):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    claims._ledger_file("p", "quick").write_text(text)
    assert claims.recorded("p") == []


def test_a_ledger_that_cannot_be_written_loses_nothing_but_the_memory(tmp_path):
    (tmp_path / "labcore").write_text("a file where the folder should be")
    declare("p", "a", True)
    assert [e.verdict for e in claims.measure(["p"])] == ["holds"]
    assert claims.recorded("p") == []


def test_an_error_in_a_check_propagates_and_names_the_claim():
    @claims.claim("p", "it is so")
    def check(budget):
        raise ZeroDivisionError("no data")

    with pytest.raises(ZeroDivisionError) as caught:
        list(claims.measure(["p"]))
    assert caught.value.__notes__ == ["while measuring the claim p.check"]
    assert claims.recorded("p") == []


def test_entries_survive_json():
    declare("p", "a", True)
    [entry] = claims.measure(["p"])
    assert claims.recorded("p") == [entry]
    assert json.loads(claims._ledger_file("p", "quick").read_text())[0]["measured"] == {"ratio": 2.0}
