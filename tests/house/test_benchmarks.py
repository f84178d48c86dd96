"""The machinery of the benchmarks, and the smallest case of each: it runs and both sides agree. No time is tested."""

from __future__ import annotations

import importlib
import json
import re

import numpy as np
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import timing
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


def test_no_name_of_this_machine_is_in_the_record(record):
    import platform

    text = json.dumps(record)
    assert str(timing.ROOT) not in text and not re.search(rf"\b{re.escape(platform.node())}\b", text)


def test_the_page_gets_the_tables_between_its_markers(record, tmp_path):
    path = tmp_path / "benchmarks.md"
    path.write_text(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n", "utf-8")
    command.write(command.tables(record), path)
    text = path.read_text("utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "\nold\n" not in text
    for row in (row for row in record["peers"] if row["table"]):
        assert row["name"] in text and f"{row['against']}: {command.number(row['peer'])}" in text
    command.write(command.tables(record), path)
    assert path.read_text("utf-8") == text
    path.write_text("no markers", "utf-8")
    with pytest.raises(ValueError, match=r"benchmarks\.md is not allowed"):
        command.write("", path)


@pytest.mark.parametrize(("page", "made"), [("docs/benchmarks.md", command.tables), ("README.md", command.front)])
def test_a_page_holds_what_the_record_in_the_repository_says(page, made):
    record = json.loads((timing.ROOT / "docs/benchmarks.json").read_text("utf-8"))
    text = (timing.ROOT / page).read_text("utf-8")
    begin, end = text.index(command.BEGIN), text.index(command.END)
    assert text.count(command.BEGIN) == text.count(command.END) == 1
    assert text[begin + len(command.BEGIN) : end].strip() == made(record)


def test_the_readme_has_five_lines_and_no_table_of_them():
    record = json.loads((timing.ROOT / "docs/benchmarks.json").read_text("utf-8"))
    lines = command.front(record).splitlines()
    assert len(lines) == len(command.FRONT) == 5 and all(
        line.startswith("- ") and "yardstick" not in line for line in lines
    )
    row = next(r for r in record["peers"] if r["name"] == command.FRONT[1])
    assert f"{command.number(row['ours'])} us per step; {row['against']}: {command.number(row['peer'])}" in lines[1]
    assert "peer / ours" not in (timing.ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("value", ["0.00123", "1.23", "12.3", "123", "1,230", "-"])
def test_numbers_have_three_digits(value):
    assert command.number(None if value == "-" else float(value.replace(",", ""))) == value


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
