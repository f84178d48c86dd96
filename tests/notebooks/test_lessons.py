"""Every lesson runs from top to bottom at the quick budget, and with it every claim of its papers: one whose verdict is
not the expected one fails it. `-k KEY` picks the lesson of a paper."""

from __future__ import annotations

import ast
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


def defined(tree):
    """The names that a cell leaves to the cells after it."""
    imports = (a for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names)
    assigned = (n for line in tree.body if isinstance(line, ast.Assign) for n in ast.walk(line))
    return (
        {a.asname or a.name.partition(".")[0] for a in imports}
        | {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        | {n.id for n in assigned if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    )


@pytest.mark.parametrize("lesson", LESSONS, ids=named)
def test_the_source_of_cells_that_only_place_a_bench_is_folded_in_the_file(lesson):
    """Such a cell ends with bench(...), and nothing that it defines for it is read by another kind of cell."""
    code = [(c, ast.parse(c.source)) for c in cells(nbformat.read(ROOT / lesson, as_version=4))]
    places = [ast.unparse(tree.body[-1]).startswith("bench(") for _, tree in code]
    others = [tree for (_, tree), bench in zip(code, places) if not bench]
    read = {n.id for tree in others for n in ast.walk(tree) if isinstance(n, ast.Name)}
    for (cell, tree), bench in zip(code, places):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert folded == (bench and not defined(tree) & read), (
            f"fold exactly these (in JupyterLab: View, Collapse Selected Code):\n{cell.source}"
        )


@pytest.mark.parametrize("lesson", [*LESSONS, "notebooks/index.ipynb"], ids=named)
def test_the_sentence_on_how_to_run_a_lesson_is_where_it_is_taken_away(lesson):
    """Where a lesson opens alive; see widgets/lab/labextensions/labcore/lessons.js."""
    first = nbformat.read(ROOT / lesson, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert re.fullmatch(r"\*In JupyterLab, choose [^\n]+\*", first.source.rpartition("\n\n")[2])


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
