"""What the tests of each paper cost, in CPU seconds: a table at the end of a run, and build/costs.json.

The processor's time of this process and of its children counts, compiling and importing included, because it says the
same on a busy machine as on an idle one. Nothing is judged by it: a paper over its limit is marked.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil
import pytest

from labcore import catalog

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "build" / "costs.json"
LIMIT = 40  # CPU seconds of one paper, everything included
COLUMNS = ("contract", "oracle", "lesson", "browser", "other")
FOLDERS = {"contract": "contract", "notebooks": "lesson", "browser": "browser"}
HOUSE, START = "the house", "starting and collecting"
READY = {p.key: p for p in catalog.papers() if p.status == "ready"}
THEMES = {theme.key for theme in catalog.themes()}


def papers_of(nodeid: str) -> list[str]:
    """The papers that a test is about, in the catalogue's order.

    They are named by the test's file, tests/<theme>/test_<key>.py, or by a word of its parameters: a paper's key, an
    experiment or a lesson, as in `test_lesson_moves[voila-notebooks/kan/spline_edges.ipynb]`.
    """
    path, _, name = nodeid.partition("::")
    path = PurePosixPath(path)
    if path.parent.name in THEMES and (key := path.stem.removeprefix("test_")) in READY:
        return [key]
    words = set(re.split(r"[ -]", name.partition("[")[2].rpartition("]")[0]))
    words |= {word.partition(".")[0] for word in words}
    return [key for key, paper in READY.items() if key in words or paper.notebook in words]


def column_of(nodeid: str) -> str:
    folder = PurePosixPath(nodeid.partition("::")[0]).parent.name
    return "oracle" if folder in THEMES else FOLDERS.get(folder, "other")


def cpu(living: bool) -> float:
    """CPU seconds that this process and the children it has waited for took since they began.

    `living`: and those that still run, such as a browser and its servers; looking for them takes some milliseconds.
    """
    taken = sum(os.times()[:4])
    for child in psutil.Process().children(recursive=True) if living else ():
        try:
            taken += sum(child.cpu_times()[:4])
        except psutil.Error:  # it ended meanwhile, and its parent's time holds it now
            pass
    return taken


class Costs:
    """A plugin of pytest. Each process measures its tests, and the reports carry the costs to the one that sums them.

    `COSTS=add` adds to the record instead of beginning a new one: `make test` is two runs.
    """

    def __init__(self, config: pytest.Config):
        self.config, self.since = config, 0.0
        self.costs: dict[str, Counter[str]] = defaultdict(Counter)
        self.workers = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.since = cpu(column_of(item.nodeid) == "browser")
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report = yield
        now = cpu(column_of(item.nodeid) == "browser")
        report.cpu = now - self.since  # an attribute travels with its report
        self.since = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        papers = papers_of(report.nodeid) or [HOUSE]
        for key in papers:  # a lesson of several papers is a part of each
            # a worker that crashed says nothing of its time
            self.costs[key][column_of(report.nodeid)] += getattr(report, "cpu", 0.0) / len(papers)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node) -> None:
        self.workers += getattr(node, "workeroutput", {}).get("cpu", 0.0)

    def pytest_sessionfinish(self) -> None:
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["cpu"] = cpu(living=False)

    def pytest_terminal_summary(self, terminalreporter) -> None:
        if not self.costs:
            return
        whole = self.workers + sum(os.times()[:2]) if self.workers else cpu(living=True)
        self.costs[START]["other"] = max(0.0, whole - sum(row.total() for row in self.costs.values()))
        if os.environ.get("COSTS") == "add" and RECORD.exists():
            for key, row in json.loads(RECORD.read_text("utf-8"))["rows"].items():
                self.costs[key].update(row)
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record(self.costs), indent=1) + "\n", "utf-8")
        terminalreporter.section(f"CPU seconds a paper; {LIMIT} are what one may cost")
        for line in table(self.costs):
            terminalreporter.write_line(line)


def in_order(costs: dict[str, Counter[str]]) -> list[str]:
    """The papers, the most expensive first; then the house and what starting takes."""
    papers = sorted(costs.keys() - {HOUSE, START}, key=lambda key: -costs[key].total())
    return papers + [key for key in (HOUSE, START) if key in costs]


def record(costs: dict[str, Counter[str]]) -> dict:
    """What build/costs.json holds: seconds by row and column, and their sum."""
    rows = {key: {c: round(costs[key][c], 2) for c in COLUMNS if c in costs[key]} for key in in_order(costs)}
    return {
        "unit": "CPU seconds",
        "limit": LIMIT,
        "rows": rows,
        "total": round(sum(r.total() for r in costs.values()), 2),
    }


def table(costs: dict[str, Counter[str]]) -> list[str]:
    """The lines of the table, aligned; a paper over its limit is marked."""
    total = sum(costs.values(), Counter())
    width = max(map(len, costs))
    lines = [" ".join([" " * width, *(f"{word:>9}" for word in (*COLUMNS, "total"))])]
    for key, row in [*((key, costs[key]) for key in in_order(costs)), ("total", total)]:
        cells = [f"{row[c]:9.1f}" if c in row else " " * 8 + "-" for c in COLUMNS]
        over = " over" if key in READY and row.total() > LIMIT else ""
        lines.append(" ".join([f"{key:<{width}}", *cells, f"{row.total():9.1f}"]) + over)
    return lines
