"""The version of a paper's code: it changes with what the part imports, and with nothing else."""

import ast
import dataclasses
from pathlib import Path

import pytest

from labcore import catalog, code_version, import_closure
from labcore.catalog import UnknownKey

ROOT = Path(catalog.__file__).parent

HOUSE = {
    "__init__.py": "__version__ = '1'\n",
    "experiment.py": "import json\n",
    "claims.py": "from labcore.experiment import Budget\n",
    "primitives/__init__.py": "",
    "primitives/shelf/__init__.py": "",
    "primitives/shelf/board.py": "import labcore.primitives.shelf.nail as nail, os\n",
    "primitives/shelf/nail.py": "",
    "primitives/shelf/unused.py": "",
    "kan/__init__.py": "",
    "kan/toy/__init__.py": '"""A toy."""\nfrom .mechanism import (\n    f,  # the (one) rule\n    g,\n)\n',
    "kan/toy/mechanism.py": "from labcore.primitives.shelf import board\n\ndef f():\n    from . import late\n",
    "kan/toy/late.py": "",
    "kan/toy/experiments.py": "from labcore.experiment import experiment\n\nfrom . import mechanism\n",
    "kan/toy/claims.py": "from labcore.claims import claim\n\nfrom .experiments import walk\n",
    "kan/toy/exercises.py": "from .mechanism import f\n",
    "kan/toy/view.py": "from labcore.figure import curve\n",
    "kan/toy/preview.svg": "<svg/>",
    "kan/other/__init__.py": "",
    "kan/other/mechanism.py": "from ..toy import mechanism\n",
    "figure.py": "",
    "catalog.toml": "",
}
OF_EXPERIMENTS = {  # experiment.py carries what others compute
    "primitives/__init__.py",
    "primitives/shelf/__init__.py",
    "primitives/shelf/board.py",
    "primitives/shelf/nail.py",
    "kan/__init__.py",
    "kan/toy/__init__.py",
    "kan/toy/mechanism.py",
    "kan/toy/late.py",
    "kan/toy/experiments.py",
}
OF_CLAIMS = OF_EXPERIMENTS | {"claims.py", "kan/toy/claims.py"}


@pytest.fixture
def house(tmp_path, monkeypatch):
    """`house(name=text, ...)` writes files into a small labcore: the versions of its paper `toy`, as pairs."""
    row = dataclasses.make_dataclass("Row", ["folder"])
    for module in (code_version, import_closure):
        monkeypatch.setattr(module, "_ROOT", tmp_path)
    monkeypatch.setattr(catalog, "paper", lambda key: row(tmp_path / "kan" / key))

    def versions(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        import_closure._imported.cache_clear()  # of files that do not change while a process lives
        code_version._numbers.cache_clear()
        return [code_version.code_version.__wrapped__("toy", part) for part in ("experiments", "claims")]

    versions(HOUSE)
    yield versions
    import_closure._imported.cache_clear()
    code_version._numbers.cache_clear()


@pytest.mark.parametrize("name", HOUSE)
def test_a_line_changes_the_versions_of_what_runs_it_and_no_other(house, name):
    before = house({})
    assert house({}) == before and before[0] != before[1]
    after = house({name: HOUSE[name] + "x = 1\n"})
    assert [a != b for a, b in zip(after, before, strict=True)] == [name in OF_EXPERIMENTS, name in OF_CLAIMS]


def test_words_change_no_version_and_a_changed_contract_changes_all(house, monkeypatch):
    before = house({})
    told = "# why\n\nfrom labcore.experiment import experiment\n\n\nfrom . import mechanism  # it's the rule\n"
    assert house({"kan/toy/experiments.py": told}) == before
    monkeypatch.setattr(code_version, "CONTRACT", code_version.CONTRACT + 1)
    after = house({})
    assert all(a != b for a, b in zip(after, before, strict=True))


def test_a_file_that_is_renamed_or_comes_to_shadow_another_changes_the_version(house):
    before = house({})
    renamed = house(
        {"kan/toy/mechanism.py": HOUSE["kan/toy/mechanism.py"].replace("late", "soon"), "kan/toy/soon.py": ""}
    )
    assert renamed != before
    assert house({"kan/toy/mechanism/__init__.py": ""}) != renamed


def test_modules_that_import_each_other_end(house):
    assert house({"kan/toy/mechanism.py": "from . import late", "kan/toy/late.py": "from . import mechanism"})


IMPORTS = [
    "import labcore.a",
    "import labcore.a as a, labcore.b.c as c, os",
    "from labcore import a",
    "from labcore.b import c as d, e",
    "from labcore.b.c import f",
    "from . import y",
    "from .y import z",
    "from .. import b",
    "from ..other import y",
    "from ..other.y import z as w",
    "def late():\n    from . import y\n    return y",
    "if True:\n\tfrom .y import z",
    "from . import (\n    y,  # one, two (three)\n    z as w,\n)",
    "from labcore.b import (c, e)",
    "from labcore.b import \\\n    c",
    "from .y import *",
    "from . import y; from . import z",
    "if True: from . import y",
    "from.y import(z)",
    "from . import y  # and not z",
    "try:\n    import labcore.a\nexcept ImportError: pass",
    "import numpy as np\nfrom torch import nn\nfrom labcores import a\n",
    "x = 1\n'''from import, from . import (, import ,'''\n# from . import y\n'import labcore.a'\n",
]


def by_syntax_tree(path, root):
    """The files of labcore that the import statements of a file name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [name.name.split(".") for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = (node.module or "").split(".") if node.module else []
            if node.level:
                folder = path.parents[node.level - 1]
                origin = ["labcore", *folder.relative_to(root).parts, *origin]
            targets = [origin] + [[*origin, name.name] for name in node.names]
        else:
            continue
        for top, *rest in targets:
            if top == "labcore" and rest:
                place = root.joinpath(*rest)
                found |= {f for f in (place.with_suffix(".py"), place / "__init__.py") if f.exists()}
    return found


@pytest.mark.parametrize("text", IMPORTS)
def test_every_form_of_import_is_read_as_python_reads_it(tmp_path, monkeypatch, text):
    for module in (code_version, import_closure):
        monkeypatch.setattr(module, "_ROOT", tmp_path)
    for name in ("a", "b/__init__", "b/c", "b/e", "x/__init__", "x/p/__init__", "x/p/y", "x/p/z", "x/b", "x/other/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).with_suffix(".py").touch()
    path = tmp_path / "x" / "p" / "file.py"
    path.write_text(text)
    read = {f for f in import_closure._imported.__wrapped__(path) if f.exists()}
    wanted = by_syntax_tree(path, tmp_path)
    assert read == wanted and bool(wanted) != ("numpy" in text or "x = 1" in text)


def test_every_file_of_labcore_is_read_as_python_reads_it():
    for path in ROOT.rglob("*.py"):
        read = {f for f in import_closure._imported(path) if f.exists()}
        assert read == by_syntax_tree(path, ROOT), path


def test_every_ready_paper_has_its_own_versions():
    keys = [p.key for p in catalog.papers() if p.status == "ready"]
    versions = {code_version.code_version(key, part) for key in keys for part in ("experiments", "claims")}
    assert len(versions) == 2 * len(keys)


def test_no_paper_has_the_code_of_another_or_a_picture_in_its_version():
    ready = [p for p in catalog.papers() if p.status == "ready"]
    for paper in ready:
        files = import_closure.closure(paper.folder / "claims.py")
        assert paper.folder / "experiments.py" in files and paper.folder / "__init__.py" in files
        assert not {paper.folder / "view.py", paper.folder / "exercises.py", ROOT / "figure.py"} & files, paper.key
        assert not {f for f in files for other in ready if other != paper and other.folder in f.parents}, paper.key


def test_an_unknown_key_is_refused():
    with pytest.raises(UnknownKey):
        code_version.code_version("no_such_paper")


def test_what_carries_numbers_is_there():
    assert {name for name in code_version.CARRIERS if not (ROOT / f"{name}.py").exists()} == set()
