"""Every ready paper has its page, view, test, lesson, preview and claims in the same places."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from labcore import catalog, claims

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
    for place in (
        f"labcore/{paper.theme}/{paper.key}.py",
        f"widgets/views/{paper.theme}/{paper.key}.py",
        f"tests/{paper.theme}/test_{paper.key}.py",
        f"widgets/previews/{paper.key}.svg",
        paper.notebook,
    ):
        assert (ROOT / place).exists(), f"{place} is missing"
    assert paper.experiments and paper.claims
    lesson = (ROOT / paper.notebook).read_text(encoding="utf-8")
    for name in paper.experiments:
        assert f"{paper.key}.{name}" in lesson, f"the lesson has no bench for {paper.key}.{name}"
    assert paper.key in ledger_of(paper.notebook), (
        f"the lesson's ledger, which measures its claims, leaves {paper.key} out"
    )


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_source_says_what_the_import_says(paper):
    page = catalog.load_page(paper.key)
    assert [c.name for c in claims.claims_of(paper.key)] == list(paper.claims)
    assert ast.get_docstring(ast.parse(paper.page.read_text(encoding="utf-8")))
    for name in paper.experiments:
        assert getattr(page, name).id == f"{paper.key}.{name}"


@pytest.mark.parametrize("paper", READY, ids=lambda p: p.key)
def test_no_page_reaches_for_pictures(paper):
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else name.name
        for node in ast.walk(ast.parse(paper.page.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert not {m.split(".")[0] for m in imported} & {"plotly", "ipywidgets", "widgets", "matplotlib"}
