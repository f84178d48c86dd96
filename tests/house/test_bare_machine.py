"""A machine where the packages and the home cannot be written and the uid has no name: a container, a classroom image.

Everything works there; only what would be kept is lost.
"""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import labcore
from labcore import catalog
from tests.house.test_kernels import NOBODY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="finds its folders otherwise")

ROOT = Path(labcore.__file__).parents[1]
READY = [p.key for p in catalog.papers() if p.status == "ready"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the packages in which nothing compiled can be kept, also by root: each `__pycache__` is a file."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("labcore", "widgets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for place in {p.parent for p in (folder / name).rglob("*.py")}:
            (place / "__pycache__").touch()
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "ledger.json", folder / "docs")
    (folder / "sitecustomize.py").write_text(NOBODY)
    return folder


@pytest.fixture
def bare(house, tmp_path):
    """`bare(*words)` runs Python there without a home, or with one that is no folder: its two streams."""

    def run(*words, **environment):
        lost = {name: None for name in ("HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "NUMBA_CACHE_DIR", "USER")}
        places = {**os.environ, "PYTHONPATH": str(house), "NO_COLOR": "1", "COLUMNS": "200", **lost, **environment}
        asked = [sys.executable, "-W", "default", *map(str, words)]
        there = {name: value for name, value in places.items() if value is not None}
        done = subprocess.run(asked, cwd=tmp_path, env=there, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (tmp_path / "~").exists()
        return done.stdout, done.stderr

    return run


def test_every_paper_can_be_imported_and_what_is_lost_is_said_once(bare):
    code = """
        from labcore import catalog
        for paper in catalog.papers():
            if paper.status == "ready":
                catalog.load_part(paper.key, "experiments")
                print(paper.key)
    """
    said, warned = bare("-c", textwrap.dedent(code))
    assert said.split() == READY
    assert warned.count("compiled kernels cannot be kept (no folder can be written)") == 1


def test_papers_are_listed_and_verdicts_measured_and_shown(bare):
    assert f"{len(READY)} of {len(catalog.papers())} papers are ready" in bare("-m", "labcore", "list")[0]
    measured = json.loads(bare("-m", "labcore", "claims", "born_series", "--json")[0])
    assert measured and {row["verdict"] for row in measured} == {"holds"}
    recorded = json.loads(bare("-m", "labcore", "claims", "born_series", "--recorded", "--json")[0])
    assert {row["name"] for row in recorded} == set(catalog.paper("born_series").claims)
    assert "kept" not in {row["standing"] for row in recorded}


def test_experiments_run_and_are_swept_with_helpers(bare, tmp_path):
    assert "test error" in bare("-m", "labcore", "run", "double_descent.model_wise", "--budget", "quick")[0]
    wanted = ["double_descent.model_wise", "--budget", "quick", "--seed", "0:2", "--out", tmp_path / "kept"]
    assert "2 of 2 points are in" in bare("-m", "labcore", "sweep", *wanted)[1]
    code = """
        from labcore.generalization.double_descent import experiments
        from labcore.sweep_local import Helpers
        helpers = Helpers(experiments.__name__)
        print(helpers.have_one() and helpers.submit(len, dict(seed=0)).result(300))
        helpers.close()
    """
    said, warned = bare("-c", textwrap.dedent(code), LABCORE_HELPERS="1")
    assert said == "1\n" and warned.count("compiled kernels cannot be kept") == 1


@pytest.mark.nightly
@pytest.mark.notebook
def test_a_lesson_is_executed(bare, tmp_path):
    """Jupyter itself wants a home to be named; it need not be there."""
    lesson = ROOT / "notebooks" / "generalization" / "double_descent.ipynb"
    options = ["-p", "budget", "quick", "--no-progress-bar", "--cwd", tmp_path]
    bare("-m", "papermill", lesson, tmp_path / "done.ipynb", *options, HOME="/dev/null")
    assert "verdict" in (tmp_path / "done.ipynb").read_text("utf-8")
