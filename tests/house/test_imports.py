"""Importing the packages, or listing the papers, loads no method and nothing heavy."""

import ast
import graphlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from labcore import catalog

ROOT = Path(catalog.__file__).parents[1]


def loaded_by(code):
    """Names of the modules that a fresh interpreter has after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code + "\nimport sys, json; print(); print(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def of_papers(modules):
    themes = tuple(f"labcore.{t.key}" for t in catalog.themes())
    return {m for m in modules if m.startswith(themes)}


@pytest.mark.parametrize("package", ["labcore", "widgets", "labcore.experiment", "labcore.claims", "labcore.cli"])
def test_importing_a_package_loads_no_torch_and_no_paper(package):
    modules = loaded_by(f"import {package}")
    assert package in modules
    assert not {"torch", "numba", "scipy", "sklearn", "plotly"} & modules
    assert not of_papers(modules)
    assert "labcore.diagrams" not in modules


HEAVY = {"numpy", "pandas", "xarray", "pydantic", "IPython", "ipywidgets", "anywidget", "jupyter_client", "pygments"}


def test_importing_widgets_loads_nothing_that_a_bench_needs():
    modules = loaded_by("import widgets")
    assert not HEAVY & modules
    assert {m for m in modules if m.startswith("widgets")} == {"widgets"}
    assert HEAVY <= loaded_by("from widgets import bench, source")


def test_every_name_of_widgets_is_where_its_editor_finds_it():
    import widgets

    tree = ast.parse((ROOT / "widgets" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {name.name: node.module.removeprefix("widgets.") for node in block.body for name in node.names}
    assert told == widgets._HOMES
    assert all(getattr(widgets, name) is not None and name in dir(widgets) for name in widgets.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        widgets.nothing  # noqa: B018


def test_importing_the_diagrams_loads_no_torch():
    assert not {"torch", "numpy", "scipy"} & loaded_by("import labcore.diagrams")


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["--help"], ["run", "--help"]])
def test_looking_around_on_the_command_line_loads_not_even_numpy(words):
    modules = loaded_by(f"from labcore.cli import cli\ncli.main({words!r}, standalone_mode=False)")
    assert not {"torch", "numba", "numpy", "xarray", "pydantic"} & modules
    assert not of_papers(modules)


def test_naming_a_method_is_what_loads_it():
    ready = next(p for p in catalog.papers() if p.status == "ready")
    package = f"labcore.{ready.theme}.{ready.key}"
    assert package in loaded_by(f"import labcore; labcore.load_paper({ready.key!r})")
    assert not of_papers(loaded_by(f"import labcore; labcore.paper({ready.key!r}).experiments"))


def test_experiments_load_no_claims_and_claims_no_view():
    ready = next(p for p in catalog.papers() if p.status == "ready")
    package = f"labcore.{ready.theme}.{ready.key}"
    load = f"import sys; from labcore import catalog; catalog.load_part({ready.key!r}, 'experiments')"
    modules = loaded_by(f"{load}; assert '{package}.claims' not in sys.modules; import {package}.claims")
    assert {f"{package}.experiments", f"{package}.claims"} <= modules
    assert not {f"{package}.exercises", f"{package}.view"} & modules


ALONE = """
import importlib, sys, traceback
from labcore import catalog

themes = tuple(f"labcore.{t.key}." for t in catalog.themes())
sys.modules.update(dict.fromkeys(["xarray", "pydantic", "plotly", "labcore.experiment"]))
for paper in catalog.papers():
    if paper.status == "ready":
        package = f"labcore.{paper.theme}.{paper.key}"
        try:
            importlib.import_module(package)
        except ImportError:
            traceback.print_exc(file=sys.stdout)
        loaded = [m for m in sys.modules if m.startswith(themes)]
        others = [m for m in loaded if not f"{m}.".startswith(f"{package}.")]
        if others:
            print(f"{package} loads {others}")
        for name in loaded:  # the next paper loads what it needs itself
            del sys.modules[name]
"""


def test_a_method_loads_without_its_experiments_and_without_other_papers():
    """`from labcore.kan.noble import NobleLinear` takes the mechanism and nothing else.

    One interpreter for all, in which what must not be loaded cannot be: a traceback names the line that asks for it.
    """
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def imported(path):
    """Names of the modules that a file imports, `..other` as it is written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            if not node.level:
                yield from (f"{node.module}.{name.name}" for name in node.names)


def test_imports_are_relative_within_a_folder_and_absolute_across():
    """In a paper's folder they must be relative: its copy under another name is another paper."""
    papers = {p.folder for p in catalog.papers()}
    for path in (p for name in ("labcore", "widgets") for p in (ROOT / name).rglob("*.py")):
        own = ".".join(path.parent.relative_to(ROOT).parts)
        for module in imported(path):
            assert not module.startswith(".."), f"{path}: {module} is in another folder; name it in full"
            if path.parent in papers:
                assert not f"{module}.".startswith(f"{own}."), f"{path}: {module} is in this folder; write a dot"


def test_no_modules_of_widgets_need_each_other():
    """Imports inside a function, and for a type alone, count too."""
    paths = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in (ROOT / "widgets").rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    graphlib.TopologicalSorter({name: files.keys() & set(imported(path)) for name, path in files.items()}).prepare()


@pytest.mark.parametrize("package", ["labcore", "widgets"])
def test_every_imported_package_is_declared(package):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + (project["optional-dependencies"]["lab"] if package == "widgets" else [])
    names = {d.partition(">")[0].replace("-", "_") for d in declared}
    called = {"sklearn": "scikit_learn", "PIL": "pillow", "bs4": "beautifulsoup4"}
    # part of a package that is declared, and released together with it
    carried = {
        "IPython": "ipykernel",
        "comm": "ipykernel",
        "traitlets": "ipywidgets",
        "jupyter_core": "jupyterlab",
        "zmq": "ipykernel",
        "jupyter_client": "jupyterlab",
        "jupyter_server": "jupyterlab",
        "tornado": "jupyterlab",
    }
    for path in (ROOT / package).rglob("*.py"):
        for module in imported(path):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in ("", "labcore", "widgets"):
                assert called.get(top, carried.get(top, top)) in names, f"{path.relative_to(ROOT)} imports {module}"
