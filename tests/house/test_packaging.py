"""What is installed where: pyproject, constraints, conda, Binder, make and the words about them say the same."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import labcore

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
    assert first[0] == "/class/?" and first[1] is RedirectHandler
    assert first[2]["url"] == "/class/voila/render/index.ipynb"


# --- make, and what is said about it ---


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z]+):.*## (.+)$", text, re.MULTILINE))


@needs_make
def test_make_has_the_targets_and_help_lists_them():
    assert set(targets()) == {
        "help", "lab", "test", "nightly", "voila", "warm", "benchmarks", "reference", "lint", "lock", "clean",
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
