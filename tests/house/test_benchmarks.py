"""The machinery of the benchmarks, and the smallest case of each: it runs and both sides agree. No time is tested."""

from __future__ import annotations

import importlib
import json
import re

import numpy as np
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import page, timing
from tests.benchmarks import record as records
from tests.benchmarks.bench_house import HOUSE, imports
from tests.benchmarks.timing import Duel, Growth

QUICK = True


def cases(kind):
    return [
        pytest.param(make, id=f"{module.__name__.rpartition('_')[2]}-{make.__name__}")
        for module in command.MODULES
        for make in getattr(module, kind)
    ]


# ---- every case


@pytest.mark.nightly  # compiling Brian2 and the larger networks takes most of it; `record` below keeps one duel
@pytest.mark.parametrize("make", cases("PEERS"))
def test_ours_and_the_peer_give_the_same(make):
    duels = make(QUICK)
    assert duels
    for duel in duels:
        with timing.one_thread():
            difference = timing.gap(duel)
            if duel.tolerance is None:  # nothing to compare, but it must run
                assert duel.rival.startswith("yardstick") and difference is None
                duel.ours(), duel.theirs()
            else:
                assert 0 <= difference <= duel.tolerance


@pytest.mark.parametrize("make", cases("GROWTH"))
def test_every_size_of_a_growth_runs(make):
    for growth in make(QUICK):
        assert len(growth.works) >= 2 and list(growth.works) == sorted(growth.works)
        work, count = next(iter(growth.works.values()))
        work()
        assert count > 0


@pytest.mark.parametrize("make", cases("MEMORY"))
def test_what_memory_measures_runs(make):
    for memory in make(QUICK):
        module = importlib.import_module(memory.module)
        for function, *arguments in (memory.ours, memory.theirs):
            assert json.loads(json.dumps(arguments)) == arguments  # they travel to another process
            getattr(module, function)(*arguments)()


# ---- machinery


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 3.0])
def test_the_exponent_comes_back(power):
    sizes = [10, 20, 50, 300]
    assert timing.exponent(sizes, [0.7 * n**power for n in sizes]) == pytest.approx(power, abs=1e-12)


def test_one_size_has_no_exponent():
    with pytest.raises(ValueError, match=r"sizes = \[4, 4\] is not allowed"):
        timing.exponent([4, 4], [1.0, 2.0])


def test_all_take_turns_and_neither_is_always_first():
    order = []
    taken = timing.interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 0, least=4)
    turns = [t for t, before in zip(order[4:], ["", *order[4:]]) if t != before]  # after two calls each to warm up
    assert {len(t) for t in taken.values()} == {4} and "".join(turns) == "ababa"  # ab ba ab ba
    assert all((t > 0).all() for t in taken.values())


def test_different_results_are_not_timed():
    one, other = np.arange(3.0), np.array([0, 1, 2.1])
    assert timing.gap(Duel("same", lambda: one, "copy", one.copy, 0)) == 0
    assert timing.gap(Duel("near", lambda: one, "other", lambda: other, 0.2)) == pytest.approx(0.1)
    for theirs in (other, one[:2], one.astype(np.float32), one * np.nan):
        with pytest.raises(AssertionError, match="wrong"):
            timing.compare(Duel("wrong", lambda: one, "rival", lambda theirs=theirs: theirs, 0.01), 0)


def held(mebibytes):
    """For a process of its own: this one may have memory left from other tests, which an array would take."""
    return lambda: np.ones(mebibytes * 2**20, np.uint8)


@pytest.mark.skipif(not timing.TELLS_PEAK, reason="this system does not tell")
def test_peak_sees_what_a_call_holds():
    assert timing.peak(__name__, "held", 32) == pytest.approx(32, abs=4)


# ---- the record


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A run of the command with one small case a part."""
    path = tmp_path_factory.mktemp("benchmarks") / "new" / "record.json"
    most, timing.MOST = timing.MOST, 1
    try:
        command.main(["peers", "growth", "memory", "--quick", "--only", "glauber", "--json", str(path)])
    finally:
        timing.MOST = most
    whole = json.loads(path.read_text("utf-8"))
    whole["house"] = [{**row, "group": "imports"} for row in imports(QUICK)]
    return whole


def test_the_record_has_its_fields(record):
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"]) and record["quick"] is True
    assert {"cpu", "cores", "memory GiB", "python", "torch", "numba"} <= record["machine"].keys()
    for part in ("peers", "memory", "house"):
        assert record[part]
        for row in record[part]:
            assert row["ours"] is None or row["ours"] >= 0
            assert {"name", "ours", "peer", "ratio", "unit"} <= row.keys()
    for row in record["peers"]:
        assert row["ratio"] > 0 and row["ratio quartiles"][0] <= row["ratio"] <= row["ratio quartiles"][1]
    for row in record["growth"]:
        assert len(row["sizes"]) == len(row["times"]) >= 2 and min(row["times"]) > 0
        assert row["exponent"] == pytest.approx(timing.exponent(row["sizes"], row["times"]))
        assert {"name", "size", "unit", "expected"} <= row.keys()


def test_figures_that_follow_a_slider_have_a_table_of_their_own():
    from tests.benchmarks.bench_slider import PARTS, _row

    parts = np.arange(15.0).reshape(3, 5)
    rows = [
        _row("quick.one", np.array([20.0, 30, 40]), parts, 12_345, 18.0, True),
        _row("slow.one", np.array([200.0, 300, 400]), parts, 1_000, 3.0, False),
    ]
    rows[0] |= {"peer": 90.0, "against": "another"}
    house = [{**row, "group": "slider"} for row in rows]
    whole = {"date": "2026-01-01", "quick": False, "machine": timing.machine(), "house": house}
    heading, _, slow, quick = page.tables(whole).splitlines()[-4:]
    assert all(part in heading for part in PARTS)
    assert slow.startswith("| slow.one | 300 | 390 | 5 | 6 | 7 | 8 | 9 | 1,000 | 3, and not the last one |")
    assert quick.startswith("| quick.one | 30 (another: 90) | 39 |")


def test_no_name_of_this_machine_is_in_the_record(record):
    import platform

    text = json.dumps(record)
    assert str(timing.ROOT) not in text and not re.search(rf"\b{re.escape(platform.node())}\b", text)


def test_the_page_gets_the_tables_between_its_markers(record, tmp_path):
    path = tmp_path / "benchmarks.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", "utf-8")
    page.write(page.tables(record), path)
    text = path.read_text("utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "\nold\n" not in text
    for row in (row for row in record["peers"] if row["table"]):
        assert row["name"] in text and f"{row['against']}: {page.number(row['peer'])}" in text
    page.write(page.tables(record), path)
    assert path.read_text("utf-8") == text
    path.write_text("no markers", "utf-8")
    with pytest.raises(ValueError, match=r"benchmarks\.md is not allowed"):
        page.write("", path)


def test_the_pages_hold_what_the_newest_record_says(tmp_path):
    pages = ("docs/benchmarks.md", "docs/benchmarks/growth.svg", "README.md")
    for kept in (*pages, *(str(p.relative_to(timing.ROOT)) for p, _ in records.records())):
        copy = tmp_path / kept
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((timing.ROOT / kept).read_bytes())
    page.pages(tmp_path)
    for kept in pages:
        assert (tmp_path / kept).read_text("utf-8") == (timing.ROOT / kept).read_text("utf-8"), f"{kept} is old"


def test_a_kept_record_is_complete_and_of_the_processor_that_its_name_says():
    for path, record in records.records():
        assert not record["quick"] and path == records.file_of(record["machine"])


def test_the_readme_has_five_lines_and_no_table_of_them():
    _, record = records.records()[0]
    lines = page.front(record).splitlines()
    assert len(lines) == len(page.FRONT) == 5 and all(
        line.startswith("- ") and "yardstick" not in line for line in lines
    )
    row = next(r for r in record["peers"] if r["name"] == page.FRONT[1])
    assert f"{page.number(row['ours'])} us per step; {row['against']}: {page.number(row['peer'])}" in lines[1]
    assert "peer / ours" not in (timing.ROOT / "README.md").read_text("utf-8")


# ---- runs that stop, fail and get slower, with rows of no work


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Two bench modules whose works take no time, and a machine; returns a function that runs the command."""
    speed = {"one": 1.0, "two": 1.0}

    def work(name):
        def rows(quick, seconds):
            if speed[name] is None:
                raise RuntimeError(f"{name} broke")
            return [
                dict(name=name, ours=speed[name], peer=4.0, ratio=4 / speed[name], unit="ms", against="p", table=True)
            ]

        return rows

    machine = timing.machine() | {"cpu": "Some CPU @ 2.5", "cores": 3, "pykan": None}
    monkeypatch.setattr(timing, "machine", lambda: machine)
    measured = []
    monkeypatch.setattr(command, "units", lambda part, *rest: {n: work(n) for n in speed if part == "peers"})
    merge = records.merge
    monkeypatch.setattr(
        command, "merge", lambda r, part, unit, rows: (measured.append(unit), merge(r, part, unit, rows))
    )
    path = tmp_path / "kept" / "some-cpu-2-5-3-cores.json"

    def run(*arguments):
        measured.clear()
        command.main(["peers", "--json", str(path), *arguments])
        return json.loads(path.read_text("utf-8"))

    run.speed, run.measured, run.path, run.machine = speed, measured, path, machine
    return run


def test_a_run_that_failed_in_part_keeps_the_rest_and_goes_on(tiny, capsys):
    tiny.speed["two"] = None
    with pytest.raises(SystemExit):
        tiny()
    assert "two broke" in (said := capsys.readouterr().out) and "--resume" in said and "pykan" in said
    half = json.loads(tiny.path.read_text("utf-8"))
    assert [r["name"] for r in half["peers"]] == ["one"] and "not finished" in page.tables(half)
    tiny.speed["two"] = 1.0
    whole = tiny("--resume")
    assert tiny.measured == ["two"] and [r["name"] for r in whole["peers"]] == ["one", "two"]
    assert "unfinished" not in whole and len({r["run"] for r in whole["peers"]}) == 1
    tiny()
    assert tiny.measured == ["one", "two"]


def test_what_got_slower_than_this_machines_last_record_is_named(tiny, capsys):
    tiny()
    assert "slower: " not in capsys.readouterr().out
    tiny.speed.update(one=1.2, two=1.4)
    tiny()
    named = [line for line in capsys.readouterr().out.splitlines() if line.startswith("slower: ")]
    assert len(named) == 1 and named[0].startswith("slower: two: 1.4 ms, 1.40 times that of ") and "p: 1.00" in named[0]
    tiny()  # the last record is the one just made
    assert "slower: " not in capsys.readouterr().out


def test_a_row_that_is_measured_no_more_leaves_with_a_whole_run_of_its_part(tiny):
    tiny()
    del tiny.speed["two"]
    assert [r["name"] for r in tiny("--only", "one")["peers"]] == ["one", "two"]
    assert [r["name"] for r in tiny()["peers"]] == ["one"]


def test_small_sizes_and_other_machines_are_never_mixed_in(tiny):
    tiny()
    assert not any("last" in r for r in tiny("--quick")["peers"])
    tiny.machine["cpu"] = "Another"
    assert not any("last" in r for r in tiny("--quick")["peers"])


def test_a_machine_writes_its_own_file(tiny):
    assert records.file_of(tiny.machine, tiny.path.parent) == tiny.path
    assert records.file_of(tiny.machine | {"cores": 64}) != records.file_of(tiny.machine)


def test_the_page_says_which_machine_when_and_what_was_missing(tiny):
    record = tiny()
    record["machine"] |= dict.fromkeys(page.PEER_PACKAGES, "1.0") | {"cvxpy": None, "pykan": None}
    text = page.tables(record, "a.json", ("b.json",))
    for said in (
        "3 cores of Some CPU @ 2.5",
        "(benchmarks/a.json)",
        "(benchmarks/b.json)",
        "not installed: cvxpy, pykan",
    ):
        assert said in " ".join(text.split())
    record["peers"][0]["measured"] = "2026-01-02"
    assert "from 2 January 2026 to" in page.tables(record)


@pytest.mark.parametrize("value", ["0.00123", "1.23", "12.3", "123", "1,230", "-"])
def test_numbers_have_three_digits(value):
    assert page.number(None if value == "-" else float(value.replace(",", ""))) == value


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["peer"])
    assert "PART = 'peer' is not allowed; it must be one of peers, growth, memory, house" in capsys.readouterr().err
    assert set(HOUSE) == {"imports", "kernels", "sweep", "suite", "figure", "lab", "slider", "class"}


def test_a_growth_is_fitted_to_its_shortest_times(monkeypatch):
    slow = {10: np.array([3.0, 1.0, 9.0]), 100: np.array([100.0, 500.0, 200.0])}
    monkeypatch.setattr(timing, "interleaved", lambda works, seconds: slow)
    row = timing.grow(Growth("n^2", "n", {10: (None, 2), 100: (None, 2)}, 2, "s"), 0)
    assert row["times"] == [0.5, 50.0] and row["exponent"] == pytest.approx(2)
