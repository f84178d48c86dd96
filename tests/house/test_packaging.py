"""What is installed where: pyproject, constraints, conda, Binder, make and the words about them say the same.

A wheel holds all of the house, and is enough without the checkout.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import labcore
from labcore import catalog

ROOT = Path(labcore.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"torch": "pytorch-cpu"}


def requirements(*extras):
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, sum(lists, []))}


def conda(path):
    """Name -> range of a conda environment file, and its pip lines."""
    ranges, pip = {}, []
    for line in yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["dependencies"]:
        if isinstance(line, dict):
            pip += line["pip"]
        else:
            name, relation = re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups()
            ranges[name] = SpecifierSet(re.sub(r"^=(?=\d)", "==", relation) + (".*" if relation[:1] == "=" else ""))
    return ranges, pip


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_conda_and_pyproject_agree_on_names_and_ranges(path):
    ranges, pip = conda(path)
    python = ranges.pop("python")
    supported = [v for v in ("3.11.9", "3.12.9", "3.13.9") if v in SpecifierSet(PROJECT["requires-python"])]
    assert len(supported) == 3 and any(v in python for v in supported)
    assert not any(v in python for v in ("3.10.9", "3.14.1"))
    extra = {"pip", "setuptools"}  # conda's Python comes without either
    wanted = {CONDA_NAMES.get(n, n): s for n, s in requirements("lab").items()}
    assert {n: s for n, s in ranges.items() if n not in extra} == wanted
    assert pip == (["-e ."] if path == "environment.yml" else [])


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), f"{line}: not one exact public version"
    found = {canonicalize_name(n): Version(v) for n, _, v in (line.partition("==") for line in lines)}
    assert len(found) == len(lines)
    return found


def test_every_requirement_is_pinned_within_its_range():
    pinned = pins()
    for name, allowed in requirements("lab", "test", "dev").items():
        assert name in pinned, f"{name} is not in constraints.txt; `make lock` writes it"
        assert pinned[name] in allowed, f"{name}=={pinned[name]} is outside {allowed}"


def test_every_range_has_a_lower_bound():
    for name, allowed in requirements("lab", "test", "dev").items():
        assert any(s.operator == ">=" for s in allowed), name


def test_the_environment_that_runs_the_tests_is_within_the_ranges():
    from importlib.metadata import distribution

    for name, allowed in requirements("lab", "test").items():
        installed = Version(distribution(name).version)
        assert installed in allowed, f"{name} {installed} is outside {allowed}; `make test` installs what is pinned"


def test_the_version_is_one():
    assert PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == labcore.__version__
    assert citation["license"] == PROJECT["license"] == "BSD-3-Clause"


def test_every_folder_of_code_is_a_package():
    for package in ("labcore", "widgets"):
        for folder in {p.parent for p in (ROOT / package).rglob("*.py")}:
            assert (folder / "__init__.py").exists(), folder.relative_to(ROOT)


def test_setuptools_finds_all_packages_and_their_data():
    from setuptools import find_packages

    found = find_packages(str(ROOT), include=["labcore*", "widgets*"])
    files = [p for name in ("labcore", "widgets") for p in (ROOT / name).rglob("*.*") if "__pycache__" not in p.parts]
    assert set(found) == {".".join(p.parent.relative_to(ROOT).parts) for p in files if p.suffix == ".py"}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert {p.suffix for p in files} - {".py"} <= {pattern[1:] for pattern in settings["package-data"]["*"]}


# --- the wheel ---

BUILT_FROM = "labcore widgets notebooks .jupyter docs binder pyproject.toml setup.py README.md LICENSE".split()
LEFT = ("__pycache__", ".ipynb_checkpoints", "sweeps")
LESSONS = {p.notebook.removeprefix("notebooks/") for p in catalog.papers() if p.status == "ready"} | {*catalog.PAGES}

EXTENSION = ("package.json", "lessons.js")  # of JupyterLab


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what a wheel is built from: a build leaves files behind, and the next one would take them up."""
    folder = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*LEFT))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """Built without isolation, which needs no network, as Binder does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
    done = subprocess.run([*build, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = folder.glob("labcore-*.whl")
    return found


def packed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_packages_with_lessons_previews_settings_and_record(wheel):
    held, ready = packed(wheel), [p for p in catalog.papers() if p.status == "ready"]
    files = [p for name in ("labcore", "widgets") for p in (ROOT / name).rglob("*.*") if "__pycache__" not in p.parts]
    assert {p.relative_to(ROOT).as_posix() for p in files} <= held
    assert {f"labcore/{p.theme}/{p.key}/preview.svg" for p in ready} <= held
    assert {name for name in held if name.endswith(".ipynb")} == {f"labcore/lessons/{name}" for name in LESSONS}
    settings = (p.relative_to(ROOT / ".jupyter").as_posix() for p in (ROOT / ".jupyter").rglob("*.json"))
    assert {f"labcore/jupyter/{name}" for name in settings} | {"labcore/ledger.json"} <= held
    assert {"labcore/teaching.md", "widgets/gallery/teacher.html", "widgets/gallery/class.js"} <= held
    # where pip puts what JupyterLab looks for in every environment
    shared = {f"labcore-{labcore.__version__}.data/data/share/jupyter/labextensions/labcore/{n}" for n in EXTENSION}
    assert shared <= held
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("labcore/ledger.json") == (ROOT / "docs" / "ledger.json").read_bytes()
        assert archive.read("labcore/lessons/index.ipynb") == (ROOT / "notebooks" / "index.ipynb").read_bytes()


def test_a_source_distribution_holds_what_a_wheel_is_built_from(source, tmp_path):
    build = [sys.executable, "setup.py", "--quiet", "sdist", "--formats=zip", f"--dist-dir={tmp_path}"]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [found] = tmp_path.glob("labcore-*.zip")
    names = {name.partition("/")[2] for name in packed(found)}
    assert {f"notebooks/{name}" for name in LESSONS} | {"docs/ledger.json", "setup.py", "pyproject.toml"} <= names
    assert "docs/teaching.md" in names
    assert ".jupyter/labconfig/default_setting_overrides.json" in names
    assert {f"widgets/lab/labextensions/labcore/{name}" for name in EXTENSION} <= names


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """`installed(*words)` runs Python outside the checkout, with the wheel installed; `.folder` is where it runs."""
    place, folder = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("elsewhere")
    into = ["--no-deps", "--no-index", "--no-compile", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *into, str(wheel)], check=True)
    home = {"XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1", "NUMBA_CACHE_DIR": "", "JUPYTER_CONFIG_PATH": ""}
    environment = {**os.environ, "PYTHONPATH": str(place), **home}

    def run(*words):
        asked = [sys.executable, *map(str, words)]
        done = subprocess.run(asked, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder, run.place, run.environment = folder, place, environment
    return run


@contextlib.contextmanager
def served(installed, *words):
    """The address of a server of the installed wheel."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = [sys.executable, *map(str, words), "--no-browser", f"--port={port}"]
    server = subprocess.Popen(asked, cwd=installed.folder, env=installed.environment, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def fetched(address, seconds=120):
    """What a server that is starting answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < end, f"{address} does not answer"
            time.sleep(0.3)


@pytest.mark.nightly
def test_an_installed_wheel_lists_runs_and_measures(installed):
    where = installed("-c", "import labcore, widgets; print(labcore.__file__, widgets.__file__)").split()
    assert all(Path(path).is_relative_to(installed.place) for path in where)
    shown = installed("-m", "labcore", "list")
    assert all(f" {p.key} " in shown for p in catalog.papers())
    assert "test error" in installed("-m", "labcore", "run", "double_descent.model_wise", "--budget", "quick")
    recorded = installed("-m", "labcore", "claims", "born_series", "--recorded")
    assert all(f"born_series.{name} " in recorded for name in catalog.paper("born_series").claims)
    assert "nightly run" in recorded
    assert re.search(r"^holds +born_series\.", installed("-m", "labcore", "claims", "born_series"), re.MULTILINE)


@pytest.mark.nightly
@pytest.mark.notebook
def test_lessons_of_an_installed_wheel_are_copied_out_and_executed(installed):
    installed("-m", "labcore", "lessons", "lessons")
    folder = installed.folder / "lessons"
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")} == LESSONS
    budget = ["-p", "budget", "quick", "--no-progress-bar"]
    installed("-m", "papermill", "lessons/kan/spline_edges.ipynb", "done.ipynb", "--cwd", folder / "kan", *budget)
    installed("-m", "papermill", "lessons/index.ipynb", "index.ipynb", "--cwd", folder, "--no-progress-bar")
    assert catalog.paper("noble").title in (installed.folder / "index.ipynb").read_text("utf-8")


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="ends its servers by a signal")
def test_the_gallery_and_jupyterlab_start_from_an_installed_wheel(installed):
    with served(installed, "-m", "labcore", "lab", "own", "--IdentityProvider.token=") as address:
        lesson = json.loads(fetched(f"{address}/api/contents/kan/spline_edges.ipynb?content=0"))
        assert lesson["name"] == "spline_edges.ipynb"
        tracker = json.loads(fetched(f"{address}/lab/api/settings/@jupyterlab/notebook-extension:tracker"))
        assert tracker["schema"]["properties"]["windowingMode"]["default"] == "none"
        started = json.loads(fetched(f"{address}/labcore/lesson?path=kan/spline_edges.ipynb"))["cells"]
        assert started[0][1].startswith("# ")
    with served(installed, "-m", "widgets.gallery", "own", "--Gallery.warm=False") as address:
        assert "Questions about neural networks" in fetched(f"{address}/")


def lessons_command(folder):
    asked = [sys.executable, "-m", "labcore", "lessons", str(folder)]
    done = subprocess.run(asked, cwd=ROOT, env={**os.environ, "COLUMNS": "300"}, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_lessons_are_copied_out_and_none_that_was_changed_is_overwritten(tmp_path):
    code, said, _ = lessons_command(tmp_path / "mine")
    folder = tmp_path / "mine"
    assert code == 0 and f"{len(LESSONS)} lessons are in {folder}" in said
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")} == LESSONS
    changed, gone = folder / "kan" / "spline_edges.ipynb", folder / "index.ipynb"
    changed.write_text("mine")
    gone.unlink()
    code, said, warned = lessons_command(folder)
    assert code == 1 and f"{len(LESSONS) - 1} lessons are in {folder}" in said
    assert warned == f"not overwritten, because it was changed: {changed}\n"
    assert changed.read_text() == "mine" and gone.read_bytes() == (ROOT / "notebooks" / "index.ipynb").read_bytes()


def test_lessons_are_not_copied_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    code, said, warned = lessons_command(tmp_path / "file" / "mine")
    assert (code, said) == (1, "") and warned.startswith("labcore: cannot copy the lessons into ")


# --- Binder, by the word of the program that builds it ---


@pytest.fixture
def checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_repo2docker_chooses_conda_from_our_folder(checkout):
    from repo2docker.app import Repo2Docker

    app = Repo2Docker()
    chosen = next(pack for make in app.buildpacks if (pack := make(app.base_image)).detect())
    assert type(chosen).__name__ == "CondaBuildPack"
    assert chosen.binder_dir == "binder"
    assert chosen.environment_yaml_path == "binder/environment.yml"
    assert chosen.python_version == "3.12"


def test_repo2docker_finds_post_build_and_start(checkout):
    from repo2docker.app import Repo2Docker
    from repo2docker.buildpacks import CondaBuildPack

    pack = CondaBuildPack(Repo2Docker().base_image)
    pack.platform = "linux/amd64"
    assert pack.detect()
    assert pack.get_post_build_scripts() == ["binder/postBuild"]
    assert pack.get_start_script() == "${REPO_DIR}/binder/start"
    assert any("binder/environment.yml" in script for _, script in pack.get_env_scripts())
    dockerfile = pack.render()
    assert "binder/postBuild" in dockerfile and "binder/start" in dockerfile


def test_binder_installs_without_isolation():
    """So that nothing is fetched: what the build needs is in the environment."""
    [line] = [li for li in (ROOT / "binder/postBuild").read_text().splitlines() if "pip install" in li]
    assert "--no-build-isolation" in line and line.endswith("-e .")
    ranges, _ = conda("binder/environment.yml")
    [needed] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert f"setuptools{ranges['setuptools']}" == needed


@pytest.mark.parametrize("path", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_are_executable_and_parse(path):
    assert (ROOT / path).read_text(encoding="utf-8").startswith("#!/bin/bash\n")
    if sys.platform != "win32":
        assert os.access(ROOT / path, os.X_OK), f"chmod +x {path}"
        assert subprocess.run(["bash", "-n", str(ROOT / path)]).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Binder's images are Linux")
def test_start_hands_over_to_the_command_with_our_settings(tmp_path):
    show = [sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"]
    done = subprocess.run([str(ROOT / "binder/start"), *show], cwd=tmp_path, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert Path(seen["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0]).samefile(ROOT / ".jupyter")
    assert f"NUMBA_CPU_NAME={seen['NUMBA_CPU_NAME']} " in (ROOT / "binder/postBuild").read_text()
    assert subprocess.run([str(ROOT / "binder/start"), "sh", "-c", "exit 7"]).returncode == 7


# --- settings ---


def test_jupyterlab_takes_our_settings_as_defaults(monkeypatch):
    """Each setting is one that the installed JupyterLab knows, with a value that its schema allows."""
    import jsonschema
    from jupyter_core.paths import jupyter_config_path
    from jupyterlab.commands import get_app_dir
    from jupyterlab_server.config import ConfigManager

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(ROOT / ".jupyter"))
    folders = [os.path.join(p, "labconfig") for p in jupyter_config_path()]
    overrides = ConfigManager(read_config_path=folders).get("default_setting_overrides")
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    for plugin, values in overrides.items():
        path = Path(get_app_dir(), "schemas", *plugin.split(":")).with_suffix(".json")
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert values.keys() <= schema["properties"].keys()
        jsonschema.validate(values, {"properties": schema["properties"], "definitions": schema.get("definitions", {})})


def test_the_gallery_opens_on_the_index():
    from tornado.web import RedirectHandler

    from widgets.gallery.server import Gallery

    gallery = Gallery()
    gallery.initialize(["--no-browser", "--base_url=/class/", str(ROOT / "notebooks")])
    gallery.init_settings()
    first = gallery.init_handlers()[0]
    assert first[0] == "/class/?" and issubclass(first[1], RedirectHandler)
    assert first[2]["url"] == "/class/voila/render/index.ipynb"


# --- make, and what is said about it ---


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):.*## (.+)$", text, re.MULTILINE))


@needs_make
def test_make_has_the_targets_and_help_lists_them():
    assert set(targets()) == {
        "help", "lab", "test", "nightly", "voila", "class", "site", "handouts", "warm",
        "benchmarks", "reference", "lint", "lock", "clean",
    }  # fmt: skip
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name, text in targets().items():
        assert re.search(rf"^  make {name} +{re.escape(text)}$", shown, re.MULTILINE)


@needs_make
def test_make_refuses_a_python_that_it_cannot_use(tmp_path):
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    done = subprocess.run(["make", "lab", f"PYTHON={fake}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and not (tmp_path / ".venv").exists()
    assert f"Labcore needs Python 3.11, 3.12 or 3.13 with its venv module; {fake} is not that." in done.stderr


def test_what_the_readme_tells_to_type_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^    make (\w+)", text, re.MULTILINE)[:2] == ["lab", "test"]
    for path in ("README.md", "CONTRIBUTING.md"):
        for name in re.findall(r"(?:^    |`)make ([a-z]+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE):
            assert name in targets(), f"{path}: make {name}"
    for command in re.findall(r"^    labcore (\w+)", text, re.MULTILINE):
        from labcore.cli import cli

        assert command in cli.commands


def test_ci_lints_installs_a_browser_and_calls_make_test():
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert text.index("\nmake lint\n") < text.index("apt-get")
    assert text.rstrip().endswith("make test") and "export CI=true" in text
    assert "apt-get install --yes --no-install-recommends chromium" in text and "DEBIAN_FRONTEND=noninteractive" in text


def test_the_placeholder_owner_stands_in_the_readme_alone():
    owner = "labcore-" + "project"
    files = [p for p in ROOT.iterdir() if p.is_file()]
    files += [p for folder in ("binder", "labcore", "widgets", "tests") for p in (ROOT / folder).rglob("*.*")]
    texts = {".py", ".toml", ".md", ".yml", ".cff", ".txt", ".js", ""}
    holding = [p.name for p in files if p.is_file() and p.suffix in texts and owner in p.read_text("utf-8")]
    assert holding == ["README.md"]


@pytest.mark.parametrize("folder", ["", "notebooks/", "notebooks/hebbian/", "notebooks/a/b/"])
def test_git_ignores_the_points_of_sweeps(folder):
    asked = ["git", "check-ignore", "--quiet", f"{folder}sweeps/oja.learn/point.nc"]
    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0
