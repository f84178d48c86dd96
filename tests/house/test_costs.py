"""Whose test is it, in which process does it run, and what did it cost: the bookkeeping of a test run."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
import xarray as xr

from labcore import catalog
from tests import costs, frames
from tests.scheduling import OneProcessAPaper, group_of

LESSON = "notebooks/kan/spline_edges.ipynb"
OF_LESSON = [p.key for p in catalog.papers() if p.status == "ready" and p.notebook == LESSON]


@pytest.mark.parametrize(
    ("nodeid", "papers", "column"),
    [
        ("tests/kan/test_quadratic.py::test_one[a-b]", ["quadratic"], "oracle"),
        ("tests/kan/test_bspline.py::test_one", [], "oracle"),
        ("tests/contract/test_frames.py::test_progress_rises_to_one[quadratic.shapes]", ["quadratic"], "contract"),
        ("tests/contract/test_papers.py::test_everything_is_in_its_place[quadratic]", ["quadratic"], "contract"),
        (f"tests/browser/test_lessons.py::test_lesson_moves[voila-{LESSON}]", OF_LESSON, "browser"),
        (f"tests/notebooks/test_lessons.py::test_it[spline_edges {' '.join(OF_LESSON)}]", OF_LESSON, "lesson"),
        ("tests/house/test_cli.py::test_one[quadratic_mean]", [], "other"),
        ("tests/widgets/test_bench.py::test_one", [], "other"),
    ],
)
def test_a_test_is_counted_for_its_papers(nodeid, papers, column):
    assert costs.papers_of(nodeid) == papers and costs.column_of(nodeid) == column
    assert group_of(nodeid) == (papers[0] if papers else nodeid)


def test_every_ready_paper_has_an_oracle_that_is_counted_for_it():
    for key, paper in costs.READY.items():
        assert costs.papers_of(f"tests/{paper.theme}/test_{key}.py::test_one") == [key]


def test_the_table_has_the_most_expensive_first_and_marks_what_is_over_its_limit():
    spent = {
        costs.HOUSE: Counter(other=100.0),
        "noble": Counter(contract=1.0, oracle=2.5),
        costs.START: Counter(other=9.0),
        "quadratic": Counter(lesson=costs.LIMIT, browser=0.5),
    }
    words, *rows = costs.table(spent)
    assert words.split() == [*costs.COLUMNS, "total"]
    assert [row.split()[0] for row in rows] == ["quadratic", "noble", "the", "starting", "total"]
    assert [row.endswith("over") for row in rows] == [True, False, False, False, False]
    assert rows[1].split() == ["noble", "1.0", "2.5", "-", "-", "-", "3.5"]
    kept = costs.record(spent)
    assert kept["rows"]["noble"] == {"contract": 1.0, "oracle": 2.5} and list(kept["rows"])[-1] == costs.START
    assert kept["total"] == pytest.approx(153.0)


class Worker:
    """As much of a worker of pytest-xdist as the scheduler asks for."""

    shutting_down, gateway = False, SimpleNamespace(id="gw")

    def __init__(self, sent):
        self.send_runtest_some = sent.append

    def shutdown(self):
        self.shutting_down = True


def test_a_test_that_ended_its_process_is_not_run_again():
    ids = [f"tests/kan/test_quadratic.py::test_{name}" for name in ("ends", "is_after")]
    sent = []

    config = SimpleNamespace(option=SimpleNamespace(loadscopereorder=True), getvalue={"tx": ["popen"]}.get)
    scheduler = OneProcessAPaper(config)
    first, second = Worker(sent), Worker(sent)
    scheduler.add_node(first)
    scheduler.add_node_collection(first, ids)
    scheduler.schedule()
    assert sent == [[0, 1]], "one process has both"
    assert scheduler.remove_node(first) == ids[0]
    scheduler.add_node(second)
    scheduler.add_node_collection(second, ids)
    scheduler.schedule()
    assert sent == [[0, 1], [1]]


def test_quick_frames_are_computed_once_and_handed_out_as_copies(monkeypatch):
    computed = []

    def compute(budget, seed):
        computed.append((budget, seed))
        yield xr.Dataset({"y": ("x", [1.0, 2.0])})

    monkeypatch.setattr(frames, "_kept", {})
    monkeypatch.setattr(frames.catalog, "load_experiment", lambda name: SimpleNamespace(frames=compute))
    frames.quick("one.a")[0].y[0] = 7
    assert frames.quick("one.a")[0].y.values.tolist() == [1, 2] and computed == [("quick", 0)]
    frames.quick("one.b"), frames.quick("one.a", seed=1), frames.quick("one.a")
    assert computed == [("quick", 0), ("quick", 0), ("quick", 1)]
    frames.quick("two.a")
    assert {name for name, _ in frames._kept} == {"two.a"}, "another paper's frames are let go"
