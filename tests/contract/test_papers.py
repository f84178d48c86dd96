"""Every ready paper has its folder, and in it the same files; its test and its lesson are in the same places."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from labcore import catalog
from widgets.check import folder

ROOT = Path(__file__).parents[2]
READY = [p for p in catalog.papers() if p.status == "ready"]


def ledger_of(notebook: str) -> set[str]:
    """The papers whose claims a lesson measures."""
    cells = nbformat.read(ROOT / notebook, as_version=4).cells
    calls = [node for c in cells if c.cell_type == "code" for node in ast.walk(ast.parse(c.source))]
    return {
        key.value
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ledger"
        for key in call.args
        if isinstance(key, ast.Constant)
    }


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_everything_is_in_its_place(paper):
    folder = f"labcore/{paper.theme}/{paper.key}"
    for place in (
        *(f"{folder}/{name}" for name in ("__init__.py", "experiments.py", "claims.py", "view.py", "preview.svg")),
        f"tests/{paper.theme}/test_{paper.key}.py",
        paper.notebook,
    ):
        assert (ROOT / place).exists(), f"{place} is missing"
    assert paper.folder == ROOT / folder
    assert paper.experiments and paper.claims
    lesson = (ROOT / paper.notebook).read_text(encoding="utf-8")
    for name in paper.experiments:
        assert f"{paper.key}.{name}" in lesson, f"the lesson has no bench for {paper.key}.{name}"
    assert paper.key in ledger_of(paper.notebook), (
        f"the lesson's ledger, which measures its claims, leaves {paper.key} out"
    )


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_a_folder_holds_files_whose_names_say_what_they_hold(paper):
    """No folder in the folder, and every file but the listed ones is code of the mechanism."""
    for file in paper.folder.iterdir():
        if file.name != "__pycache__":
            assert file.is_file() and (file.suffix == ".py" or file.name == "preview.svg"), file
    assert not list(folder.files(paper))


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_the_face_hands_on_its_names(paper):
    """`from labcore.kan.noble import NobleLinear`: what is listed is there."""
    assert not list(folder.face(paper))


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_every_experiment_has_its_view(paper):
    assert not list(folder.views(paper))


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_source_says_what_the_import_says(paper):
    assert not list(folder.source_is_what_is_imported(paper))


def test_nothing_of_labcore_reaches_for_pictures():
    for path in (ROOT / "labcore").rglob("*.py"):
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else name.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in node.names
        }
        forbidden = {"plotly", "ipywidgets", "widgets", "matplotlib", "IPython", "anywidget"}
        assert not {m.split(".")[0] for m in imported} & forbidden, path
