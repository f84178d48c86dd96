"""Claims and their ledger: verdicts, what is remembered, and for how long."""

import json
from collections import defaultdict
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from labcore import catalog, claims, ledger
from labcore.claims import Claim, Evidence
from labcore.experiment import Experiment, Seed

RECORD = ledger.RECORD  # of the repository


@pytest.fixture(autouse=True)
def parts(tmp_path, monkeypatch):
    """A ledger of our own, and a module a paper in the place of its `claims.py`."""
    modules = defaultdict(lambda: ModuleType("claims"))
    monkeypatch.setattr(ledger.platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(ledger, "RECORD", tmp_path / "ledger.json")
    monkeypatch.setattr(catalog, "load_part", lambda key, part: {"claims": modules}[part][key])
    names = lambda key: [n for n, c in vars(modules[key]).items() if isinstance(c, Claim)]  # noqa: E731
    monkeypatch.setattr(catalog, "paper", lambda key: SimpleNamespace(claims=names(key)))
    for module in (claims, ledger):
        monkeypatch.setattr(module, "code_version", lambda key, part: f"this-{part}")
    return modules


def evidence(holds, value=2.0):
    return Evidence(measured={"ratio": value}, criterion="ratio > 1", holds=holds, n_seeds=3)


@pytest.fixture
def declare(parts):
    """`declare(key, name, holds)` writes a claim into the paper `key`."""

    def make(key, name, holds, check=None, **options):
        def plain(budget):
            return evidence(holds)

        check = check or plain
        check.__name__, check.__module__ = name, f"labcore.kan.{key}.claims"
        made = claims.claim(f"{name} is so", **options)(check)
        setattr(parts[key], name, made)
        return made

    return make


@pytest.mark.parametrize(
    ("expected", "holds", "verdict"),
    [
        ("holds", True, "holds"),
        ("holds", False, "broken"),
        ("not reproduced", False, "not reproduced"),
        ("not reproduced", True, "surprise"),
    ],
)
def test_the_verdict_compares_what_was_expected_with_what_was_measured(declare, expected, holds, verdict):
    entry = declare("p", "c", holds, expected=expected, reason="too small").measure()
    assert entry.verdict == verdict
    assert entry.measured == {"ratio": 2.0} and entry.numbers == "ratio = 2"
    assert (entry.criterion, entry.n_seeds, entry.reason, entry.budget) == ("ratio > 1", 3, "too small", "quick")
    assert entry.seconds >= 0


def test_not_reproduced_needs_a_reason():
    with pytest.raises(ValueError, match="claim 'it is so': 'not reproduced' needs a reason"):
        claims.claim("it is so", expected="not reproduced")


def test_the_budget_reaches_the_check():
    seen = []

    def check(budget):
        seen.append(budget)
        return evidence(True)

    made = claims.claim("it is so")(check)
    made.measure("full")
    made.measure()
    assert seen == ["full", "quick"]


def test_claims_of_a_paper_come_in_source_order(declare, parts):
    b, a = declare("p", "b", True), declare("p", "a", True)
    parts["p"].alias, parts["p"].other = 3, evidence(True)
    declare("q", "c", True)
    assert claims.claims_of("p") == [b, a]
    assert [(c.key, c.name) for c in claims.claims_of("q")] == [("q", "c")]


def test_measure_yields_each_entry_as_it_is_known_and_remembers_the_paper(declare):
    declare("p", "a", True)
    declare("p", "b", False)
    entries = claims.measure(["p"])
    assert next(entries).name == "a"
    assert ledger.recorded("p") == []  # half a paper is not a ledger
    assert next(entries).verdict == "broken"
    assert next(entries, None) is None
    assert [(e.name, e.verdict) for e in ledger.recorded("p")] == [("a", "holds"), ("b", "broken")]


def test_full_entries_are_recalled_before_quick_ones(declare):
    declare("p", "a", True)
    list(claims.measure(["p"], "full"))
    list(claims.measure(["p"], "quick"))
    assert [e.budget for e in ledger.recorded("p")] == ["full"]


def test_nothing_is_recalled_after_the_code_changed(declare, monkeypatch):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    monkeypatch.setattr(ledger, "code_version", lambda key, part: "another")
    assert ledger.recorded("p") == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"key": "p"}]', "null"])
def test_a_damaged_ledger_is_no_ledger(declare, text):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    ledger._file("p", "quick").write_text(text)
    assert ledger.recorded("p") == []


def test_a_ledger_that_cannot_be_written_loses_nothing_but_the_memory(declare, tmp_path):
    (tmp_path / "labcore").write_text("a file where the folder should be")
    declare("p", "a", True)
    assert [e.verdict for e in claims.measure(["p"])] == ["holds"]
    assert ledger.recorded("p") == []


def test_an_error_in_a_check_propagates_and_names_the_claim(declare):
    def check(budget):
        raise ZeroDivisionError("no data")

    declare("p", "check", True, check)
    with pytest.raises(ZeroDivisionError) as caught:
        list(claims.measure(["p"]))
    assert caught.value.__notes__ == ["while measuring the claim p.check"]
    assert ledger.recorded("p") == []


def test_entries_survive_json(declare):
    declare("p", "a", True)
    [entry] = claims.measure(["p"])
    assert ledger.recorded("p") == [replace(entry, standing="kept")]
    assert json.loads(ledger._file("p", "quick").read_text())[0]["measured"] == {"ratio": 2.0}


def test_slow_claims_are_measured_when_asked_for(declare):
    declare("p", "a", True)
    declare("p", "b", True, slow=True)
    assert [e.name for e in claims.measure(["p"])] == ["a"]
    assert [e.name for e in claims.measure(["p"], slow=True)] == ["a", "b"]


def test_the_record_of_a_nightly_run_says_where_it_is_from(declare, monkeypatch):
    declare("p", "a", True)
    declare("p", "b", True, slow=True)
    declare("q", "c", False)
    for key in ("p", "q"):
        ledger.record([claims.claims_of(key)[-1].measure()])
    assert [(e.name, e.standing) for e in ledger.recorded("p")] == [("b", "recorded")]
    list(claims.measure(["p"]))
    assert [(e.name, e.standing) for e in ledger.recorded("p")] == [("a", "kept"), ("b", "recorded")]
    monkeypatch.setattr(ledger, "code_version", lambda key, part: "another")
    assert [(e.name, e.standing) for e in ledger.recorded("p")] == [("b", "earlier")]
    assert [(e.name, e.verdict) for e in ledger.recorded("q")] == [("c", "broken")]


def test_a_claim_that_is_gone_is_not_recalled(declare, parts):
    ledger.record([declare("p", "a", True).measure(), declare("p", "b", True).measure()])
    del parts["p"].a
    assert [e.name for e in ledger.recorded("p")] == ["b"]


def test_a_run_is_computed_once_while_a_paper_is_measured(declare):
    count = []

    def walk(seed: Seed = 0):
        count.append(seed)
        yield xr.Dataset({"y": ("x", np.zeros(2))}, attrs={"reading": "It is 0.", "progress": 1.0})

    toy = Experiment(walk, "toy", {})

    def spoils(budget):
        claims.once(toy, seed=3).y[:] = 7
        return evidence(True)

    def looks(budget):
        return evidence(float(claims.once(toy, seed=3).y.sum()) == 0)

    declare("p", "a", True, spoils)
    declare("p", "b", True, looks)
    assert [e.verdict for e in claims.measure(["p"])] == ["holds", "holds"]
    assert count == [3]
    list(claims.measure(["p"]))
    assert count == [3, 3]  # nothing outlives one measuring: the code may have changed
    claims.once(toy, seed=3), claims.once(toy, seed=3)
    assert count == [3] * 4


def test_the_record_of_the_repository_can_be_read():
    rows = json.loads(RECORD.read_text("utf-8"))
    entries = [e for key in rows for e in ledger._entries(RECORD, key)]
    assert len(entries) == sum(map(len, rows.values())) > 0
    assert all(e.verdict in ("holds", "not reproduced") for e in entries), "the nightly run found a broken claim"
