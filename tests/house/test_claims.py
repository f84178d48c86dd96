"""Claims and their ledger: verdicts, what is remembered, and for how long."""

import json
from collections import defaultdict
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Annotated

import numpy as np
import pytest
import xarray as xr

from labcore import catalog, claims, ledger
from labcore.claims import Claim, Evidence, Seeds
from labcore.evidence import exact, mean
from labcore.experiment import Experiment, Seed, number

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


def evidence(holds, spread=0.1):
    ratio = mean("ratio", 2 + np.array([-spread, 0, spread]))
    return Evidence(ratio >= 1 if holds else ratio >= 3, size="3 networks", also={"loss": 0.5})


@pytest.fixture
def declare(parts):
    """`declare(key, name, holds)` writes a claim into the paper `key`."""

    def make(key, name, holds, check=None, **options):
        def plain(seeds):
            return evidence(holds)

        check = check or plain
        check.__name__, check.__module__ = name, f"labcore.kan.{key}.claims"
        made = claims.claim(f"{name} is so", **options)(check)
        setattr(parts[key], name, made)
        return made

    return make


@pytest.mark.parametrize(
    ("expected", "holds", "spread", "verdict"),
    [
        ("holds", True, 0.1, "holds"),
        ("holds", False, 0.1, "broken"),
        ("holds", True, 1, "fragile"),
        ("holds", False, 1, "fragile"),
        ("not reproduced", False, 0.1, "not reproduced"),
        ("not reproduced", True, 0.1, "surprise"),
        ("not reproduced", False, 1, "fragile"),
        ("fragile", True, 1, "fragile"),
        ("fragile", True, 0.1, "holds"),
        ("fragile", False, 0.1, "not reproduced"),
    ],
)
def test_the_verdict_compares_what_was_expected_with_what_was_measured(declare, expected, holds, spread, verdict):
    check = lambda seeds: evidence(holds, spread)  # noqa: E731
    entry = declare("p", "c", holds, check, expected=expected, reason="too small").measure(Seeds(9))
    assert entry.verdict == verdict
    assert entry.numbers.startswith("mean ratio = 2 (") and entry.numbers.endswith("), loss = 0.5")
    assert entry.criterion == f"mean ratio >= {1 if holds else 3}; 3 networks"
    assert (entry.repetitions, entry.reason, entry.seeds_from) == ("3 repetitions", "too small", 9)
    assert entry.seconds >= 0


@pytest.mark.parametrize("expected", ["not reproduced", "fragile"])
def test_what_does_not_plainly_hold_needs_a_reason(expected):
    with pytest.raises(ValueError, match=f"claim 'it is so': '{expected}' needs a reason"):
        claims.claim("it is so", expected=expected)


def test_another_expectation_is_refused():
    with pytest.raises(ValueError, match="expected = 'perhaps' must be one of holds, not reproduced, fragile"):
        claims.claim("it is so", expected="perhaps")


def test_seeds_reach_the_check_from_outside():
    seen = []

    def check(seeds):
        seen.append((seeds.first, list(seeds(3))))
        return evidence(True)

    made = claims.claim("it is so")(check)
    made.measure(Seeds(404))
    made.measure()
    assert seen == [(404, [404, 405, 406]), (0, [0, 1, 2])]


@pytest.mark.parametrize("first", [-1, 2**31])
def test_seeds_that_no_experiment_takes_are_refused(first):
    with pytest.raises(ValueError, match=f"first = {first} is not allowed; it must be from 0 to "):
        Seeds(first)


@pytest.mark.parametrize(("counts", "words"), [([], "exact"), ([3], "3 repetitions"), ([3, 8], "3 to 8 repetitions")])
def test_an_entry_says_how_many_repetitions_are_behind_it(declare, counts, words):
    def check(seeds):
        checks = [mean("x", np.arange(n)) >= -100 for n in counts]
        return Evidence(exact("y", 1) >= 1, *checks, size="small")

    assert declare("p", "c", True, check).measure().repetitions == words


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


def test_only_the_first_seeds_are_kept(declare):
    declare("p", "a", True)
    list(claims.measure(["p"], Seeds(404)))
    assert ledger.recorded("p") == []


def test_claims_can_be_skipped(declare):
    declare("p", "a", True)
    declare("p", "b", True)
    assert [e.name for e in claims.measure(["p"], skip=[("p", "a"), ("q", "b")])] == ["b"]


def test_nothing_is_recalled_after_the_code_changed(declare, monkeypatch):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    monkeypatch.setattr(ledger, "code_version", lambda key, part: "another")
    assert ledger.recorded("p") == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"key": "p"}]', "null"])
def test_a_damaged_ledger_is_no_ledger(declare, text):
    declare("p", "a", True)
    list(claims.measure(["p"]))
    ledger._file("p").write_text(text)
    assert ledger.recorded("p") == []


def test_a_ledger_that_cannot_be_written_loses_nothing_but_the_memory(declare, tmp_path):
    (tmp_path / "labcore").write_text("a file where the folder should be")
    declare("p", "a", True)
    assert [e.verdict for e in claims.measure(["p"])] == ["holds"]
    assert ledger.recorded("p") == []


@pytest.mark.parametrize("home", [RuntimeError("could not determine the home directory"), "~/.cache/labcore"])
def test_without_a_home_nothing_is_lost_but_the_memory(declare, monkeypatch, tmp_path, home):
    def user_cache_dir(name):
        if isinstance(home, Exception):
            raise home
        return home

    monkeypatch.setattr(ledger.platformdirs, "user_cache_dir", user_cache_dir)
    monkeypatch.chdir(tmp_path)
    declare("p", "a", True)
    [entry] = claims.measure(["p"])
    assert entry.verdict == "holds" and ledger.recorded("p") == []
    ledger.record([entry])
    assert [e.standing for e in ledger.recorded("p")] == ["recorded"]
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.json"], "no folder of the name ~"


def test_an_error_in_a_check_propagates_and_names_the_claim(declare):
    def check(seeds):
        raise ZeroDivisionError("no data")

    declare("p", "check", True, check)
    with pytest.raises(ZeroDivisionError) as caught:
        list(claims.measure(["p"]))
    assert caught.value.__notes__ == ["while measuring the claim p.check, seeds from 0"]
    assert ledger.recorded("p") == []


def test_entries_survive_json(declare):
    declare("p", "a", True)
    [entry] = claims.measure(["p"])
    assert ledger.recorded("p") == [replace(entry, standing="kept")]
    assert json.loads(ledger._file("p").read_text())[0]["also"] == {"loss": 0.5}


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


def test_verdicts_of_the_same_code_at_other_seeds_are_kept_beside(declare, monkeypatch):
    made, near = (
        declare("p", "a", True),
        declare("p", "b", True, lambda seeds: evidence(True, 1 if seeds.first else 0.1)),
    )
    for first in (505, 0, 404):
        ledger.record([made.measure(Seeds(first)), near.measure(Seeds(first))])
    a, b = ledger.recorded("p")
    assert (a.seeds_from, a.elsewhere) == (0, {"404": "holds", "505": "holds"})
    assert a.offsets == "the same with 2 of 2 other sets of seeds"
    assert b.offsets == "the same with 0 of 2 other sets of seeds (fragile from 404, fragile from 505)"
    assert ledger.known(404) == {("p", "a"), ("p", "b")} and ledger.known(606) == set()
    list(claims.measure(["p"]))
    assert [(e.standing, list(e.elsewhere)) for e in ledger.recorded("p")] == [("kept", ["404", "505"])] * 2
    for module in (claims, ledger):
        monkeypatch.setattr(module, "code_version", lambda key, part: "another")
    assert ledger.known(404) == set()
    ledger.record([made.measure(Seeds(7))])
    assert [(e.seeds_from, dict(e.elsewhere)) for e in ledger.recorded("p")][0] == (7, {})


def test_repetitions_come_from_as_few_runs_as_the_bound_allows():
    def walk(n_seeds: Annotated[int, number(1, 4, "Runs")] = 2, seed: Seed = 0):
        ends = np.arange(seed, seed + n_seeds, dtype=float)
        values = {"end": ("repeat", ends), "mean": ((), ends.mean())}
        yield xr.Dataset(values, attrs={"reading": "It is 0.", "progress": 1.0})

    frame = claims.repeats(Experiment(walk, "toy", {}), Seeds(10), 10)
    assert list(frame.data_vars) == ["end"] and frame.end.values.tolist() == list(range(10, 20))


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

    def spoils(seeds):
        claims.once(toy, seed=3).y[:] = 7
        return evidence(True)

    def looks(seeds):
        return Evidence(exact("sum", float(claims.once(toy, seed=3).y.sum())) <= 0, size="2 steps")

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
    for e in entries:
        assert e.verdict not in ("broken", "surprise"), f"the nightly run found {e.key}.{e.name} {e.verdict}"
        if e.verdict == "fragile":
            assert e.expected == "fragile", f"mend, restate or declare {e.key}.{e.name}: {e.numbers}"
