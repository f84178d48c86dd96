"""The six steps of CONTRIBUTING.md, followed to the letter in a copy of the house."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import labcore

ROOT = Path(labcore.__file__).parents[1]
CELL = r"^```(md|python)\n# \d+ of notebooks/hebbian/oja\.ipynb(, tagged `parameters`|, folded)?\n(.*?)^```"
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


# What a process knows of a paper, after it has loaded all of it.
TOLD = """
import json, sys
from labcore import catalog
from labcore.claims import claims_of
from labcore.code_version import code_version
from labcore.figure import view_of
from labcore.ledger import recorded
experiment = catalog.load_experiment("{key}.alignment")
print(json.dumps(dict(
    ids=[experiment.id, *(f"{{c.key}}.{{c.name}}" for c in claims_of("{key}"))],
    frame=experiment.run("quick").attrs["experiment"],
    view=view_of(experiment).__module__,
    versions=[code_version("{key}", part) for part in ("experiments", "claims")],
    kept=[[e.key, e.verdict] for e in recorded("{key}")],
    loaded=sorted(m for m in sys.modules if m.startswith("labcore.hebbian.")),
)))
"""


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
        target.write_text(text, "utf-8")
    return copy


def python(house, *words):
    environment = {**os.environ, "XDG_CACHE_HOME": str(house / "cache"), "NO_COLOR": "1", "PYTHONPATH": str(house)}
    return subprocess.run(
        [sys.executable, *words], cwd=house, env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_guide_shows_the_row_the_whole_folder_and_the_oracle():
    names = ("__init__", "mechanism", "experiments", "claims", "exercises", "view")
    folder = [f"labcore/hebbian/oja/{name}.py" for name in names]
    assert [path for path, _ in BLOCKS] == ["labcore/catalog.toml", *folder, "tests/hebbian/test_oja.py"]
    listing = re.findall(r"^      (\S+\.\w+) ", GUIDE, re.MULTILINE)
    assert listing == [*(Path(path).name for path in folder), "preview.svg"]


def test_the_example_passes_its_own_tests(house):
    done = python(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


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
from labcore.figure import on_paper, view_of
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


def test_the_example_method_loads_alone(house):
    code = "import sys; from labcore.hebbian.oja import oja; print(sorted({'xarray', 'pydantic'} & set(sys.modules)))"
    assert python(house, "-c", code).stdout == "[]\n"


def test_the_example_gets_its_card(house):
    done = python(house, "-m", "widgets.previews", "oja")
    assert done.returncode == 0, done.stderr
    assert "<path" in (house / "labcore/hebbian/oja/preview.svg").read_text("utf-8")


def test_a_copied_folder_is_another_paper(house):
    """Its experiments and claims have the new key, and what is kept of the first paper stays as it is."""
    before = python(house, "-c", TOLD.format(key="oja"))
    assert before.returncode == 0, before.stderr
    folder = house / "labcore/hebbian"
    shutil.copytree(folder / "oja", folder / "my_oja", ignore=shutil.ignore_patterns("__pycache__"))
    row = next(text for path, text in BLOCKS if path.endswith("catalog.toml"))
    with open(house / "labcore/catalog.toml", "a", encoding="utf-8") as rows:
        rows.write("\n" + row.replace('"oja"', '"my_oja"'))
    claims = folder / "my_oja/claims.py"
    claims.write_text(claims.read_text("utf-8").replace(">= 0.99", ">= 1.01"), "utf-8")
    done = python(house, "-m", "labcore", "claims", "my_oja")
    assert done.returncode == 1 and re.match("broken +my_oja.finds_the_main_direction ", done.stdout), done
    told = json.loads(python(house, "-c", TOLD.format(key="my_oja")).stdout)
    assert told["ids"] == ["my_oja.alignment", "my_oja.finds_the_main_direction"]
    assert told["frame"] == "my_oja.alignment" and told["view"] == "labcore.hebbian.my_oja.view"
    assert told["kept"] == [["my_oja", "broken"]] and not [m for m in told["loaded"] if ".oja" in m]
    first = json.loads(before.stdout)
    assert json.loads(python(house, "-c", TOLD.format(key="oja")).stdout) == first
    assert first["ids"][0] == "oja.alignment" and not set(first["versions"]) & set(told["versions"])


def test_the_example_is_clean(house):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed: `make lint` installs it")
    done = subprocess.run([ruff, "check", "labcore/hebbian", "tests"], cwd=house)
    assert done.returncode == 0


def test_the_example_lesson_is_a_lesson_and_runs(house):
    """Its claims hold in it, its bench leaves a figure, and it passes the test of a lesson's shape."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    lesson = new_notebook(metadata={"kernelspec": kernel})
    for language, mark, text in re.findall(CELL, GUIDE, re.DOTALL | re.MULTILINE):
        cell = (new_markdown_cell if language == "md" else new_code_cell)(text.strip())
        cell.metadata["tags"] = ["parameters"] if "parameters" in mark else []
        if "folded" in mark:
            cell.metadata["jupyter"] = {"source_hidden": True}
        lesson.cells.append(cell)
    path = house / "notebooks/hebbian/oja.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(lesson, path)
    shutil.copytree(ROOT / "tests/notebooks", house / "lessons")
    code = f"""
import sys
sys.path.insert(0, "lessons")
import test_lessons
test_lessons.ROOT = __import__("pathlib").Path({str(house)!r})
test_lessons.test_lesson_has_the_shape_of_a_lesson("notebooks/hebbian/oja.ipynb")
test_lessons.test_the_source_of_cells_that_only_place_a_bench_is_folded_in_the_file("notebooks/hebbian/oja.ipynb")
test_lessons.test_no_output_is_kept_in_git("notebooks/hebbian/oja.ipynb")
import papermill
papermill.execute_notebook({str(path)!r}, "out.ipynb", dict(budget="quick", seed=0), progress_bar=False)
"""
    done = python(house, "-c", code)
    assert done.returncode == 0, done.stderr
    said = (house / "out.ipynb").read_text("utf-8")
    assert "image/svg+xml" in said and "holds" in said and "As long as before" in said
