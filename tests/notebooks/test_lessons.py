"""Every lesson runs from top to bottom at the quick budget, and with it every claim of its papers: one whose verdict is
not the expected one fails it. `-k KEY` picks the lesson of a paper."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import papermill
import pytest

from labcore import catalog

ROOT = Path(__file__).parents[2]
READY = [p for p in catalog.papers() if p.status == "ready"]
LESSONS = sorted({p.notebook for p in READY})
PAGES = [f"notebooks/{name}" for name in catalog.PAGES]


def named(lesson: str) -> str:
    keys = [p.key for p in READY if p.notebook == lesson]
    return " ".join([Path(lesson).stem, *keys])


def cells(notebook, kind="code"):
    return [c for c in notebook.cells if c.cell_type == kind]


@pytest.mark.notebook
@pytest.mark.parametrize("lesson", [*LESSONS, *PAGES], ids=named)
def test_lesson_executes(lesson, tmp_path):
    out = tmp_path / "out.ipynb"
    parameters = {"budget": "quick", "seed": 0} if lesson in LESSONS else {}
    papermill.execute_notebook(
        ROOT / lesson, out, parameters=parameters, cwd=str((ROOT / lesson).parent), progress_bar=False
    )
    done = nbformat.read(out, as_version=4)
    for cell in cells(done):
        if re.search(r"^bench\(", cell.source, re.M):
            data = [o.data for o in cell.outputs if o.output_type in ("execute_result", "display_data")]
            assert any("image/svg+xml" in d for d in data), "a bench left no static figure"
            assert any(re.search(r"\d.*\.", d.get("text/plain", "")) for d in data), "a bench left no reading"


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_lesson_has_the_shape_of_a_lesson(lesson):
    notebook = nbformat.read(ROOT / lesson, as_version=4)
    code = cells(notebook)
    assert "parameters" in code[0].metadata.get("tags", []), "the first code cell carries the tag `parameters`"
    assert code[0].source.split() == 'budget = "full" seed = 0'.split()
    benches = [c.source for c in code if re.search(r"^bench\(", c.source, re.M)]
    assert benches, "a lesson has a cell that begins with bench(...)"
    assert all("budget=budget" in b and "seed=seed" in b for b in benches), "a bench takes budget=budget, seed=seed"
    assert any("ledger(" in c.source for c in code), "a lesson measures its papers' claims: ledger(...)"
    name = lesson.removeprefix("notebooks/").removesuffix(".ipynb")
    assert any(f'lesson_nav("{name}")' in c.source for c in code), "a lesson leads to the others: lesson_nav(its name)"
    assert any("source(" in c.source for c in code), "a lesson shows its mechanism: source(...)"
    assert any("exercise(" in c.source for c in code), "a lesson has an exercise"
    assert any("predict=Prediction(" in c.source for c in code), "a lesson asks for a prediction, in a bench"
    text = "\n".join(c.source for c in cells(notebook, "markdown"))
    assert "arXiv" in text or "doi" in text.lower(), "a lesson names its sources"
    assert "?" in cells(notebook, "markdown")[0].source, "a lesson opens with its question"


@pytest.mark.parametrize("lesson", [*LESSONS, *PAGES], ids=named)
def test_no_output_is_kept_in_git(lesson):
    notebook = nbformat.read(ROOT / lesson, as_version=4)
    nbformat.validate(notebook)
    assert all(not c.outputs and c.execution_count is None for c in cells(notebook))


@pytest.mark.parametrize("lesson", [*LESSONS, *PAGES], ids=named)
def test_a_lesson_becomes_a_python_file(lesson):
    notebook = nbformat.read(ROOT / lesson, as_version=4)
    # nbconvert and Jupytext name the script after it; without it a lesson becomes a .txt
    assert notebook.metadata.language_info.file_extension == ".py"
