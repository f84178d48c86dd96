"""The six steps of CONTRIBUTING.md, followed to the letter in a copy of the house."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import labcore

ROOT = Path(labcore.__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    copy = tmp_path_factory.mktemp("house")
    for package in ("labcore", "widgets"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, text in BLOCKS:
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.name == "catalog.toml":
            text = target.read_text("utf-8") + "\n" + text
        elif not path.startswith("tests/"):
            (target.parent / "__init__.py").touch()
        target.write_text(text, "utf-8")
    return copy


def python(house, *words):
    environment = {**os.environ, "XDG_CACHE_HOME": str(house / "cache"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=house, env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_guide_shows_row_page_view_and_test():
    assert [path for path, _ in BLOCKS] == [
        "labcore/catalog.toml",
        "labcore/hebbian/oja.py",
        "widgets/views/hebbian/oja.py",
        "tests/hebbian/test_oja.py",
    ]


def test_the_example_passes_its_own_tests(house):
    done = python(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_the_example_is_listed_and_its_claim_holds(house):
    assert "oja.alignment" in python(house, "-m", "labcore", "list", "--theme", "hebbian").stdout
    done = python(house, "-m", "labcore", "claims", "oja")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("holds ")


def test_the_example_view_is_a_figure_of_its_frame(house):
    done = python(
        house,
        "-c",
        """
import labcore, plotly.graph_objects as go
from labcore.figure import view_of
from labcore.figure import on_paper
experiment = labcore.load_experiment("oja.alignment")
frame = experiment.run("quick")
figure = go.Figure(on_paper(view_of(experiment)(frame)))
assert [len(t.y) for t in figure.data] == [4000, 4000] and figure.layout.xaxis.title.text
assert {"long_name", "units"} <= set(frame.cosine.attrs) and "%" in frame.attrs["reading"]
""",
    )
    assert done.returncode == 0, done.stderr


def test_the_example_never_diverges_within_its_bounds(house):
    done = python(
        house,
        "-c",
        """
import labcore
alignment = labcore.load_experiment("oja.alignment")
for seed in range(100):
    alignment.run(spread=4, eta=4e-3, samples=20_000, seed=seed)
""",
    )
    assert done.returncode == 0, done.stderr


def test_the_example_is_clean(house):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed: `make lint` installs it")
    done = subprocess.run([ruff, "check", "labcore/hebbian", "widgets/views/hebbian", "tests"], cwd=house)
    assert done.returncode == 0
