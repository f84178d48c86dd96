"""Which notebooks JupyterLab may start by itself, and that make and the command line tell it so."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import nbformat
import pytest

import labcore
from labcore import lesson_files
from widgets.lab import printed
from widgets.lab.lessons import cells_of, digests, lesson_of, recorded, startable

ROOT = Path(labcore.__file__).parents[1]
NAME = "hebbian/rhythms.ipynb"
LESSON = ROOT / "notebooks" / NAME


def copied(folder: Path) -> Path:
    """A copy of the lesson in a folder of lessons."""
    place = folder / NAME
    place.parent.mkdir(parents=True)
    return Path(shutil.copy(LESSON, place))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The lesson in a folder that is the package's own."""
    monkeypatch.setattr(lesson_files, "LESSONS", tmp_path / "notebooks")
    return copied(tmp_path / "notebooks")


def test_what_the_lessons_say_is_noted():
    assert digests() == recorded(), "a lesson has changed; `python -m widgets.lab` notes what it says"


@pytest.mark.parametrize("name", lesson_files.names())
def test_each_lesson_of_the_package_may_be_started(name):
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    assert startable(ROOT / "notebooks" / name) == [[c.cell_type, c.source] for c in notebook.cells]


def test_outputs_and_layout_are_not_what_a_lesson_says(own):
    notebook = nbformat.read(own, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="run before")]
    notebook.cells[1].metadata["collapsed"] = True
    nbformat.write(notebook, own)
    assert startable(own) == cells_of(LESSON)


@pytest.mark.parametrize("change", ["a letter", "a cell more", "a cell less", "another order", "another kind"])
def test_a_changed_lesson_waits(own, change):
    notebook = nbformat.read(own, as_version=4)
    if change == "a letter":
        notebook.cells[1].source += " "
    elif change == "a cell more":
        notebook.cells.append(nbformat.v4.new_code_cell(""))
    elif change == "a cell less":
        del notebook.cells[-1]
    elif change == "another order":
        notebook.cells[3:5] = notebook.cells[4], notebook.cells[3]
    else:
        notebook.cells[0] = nbformat.v4.new_raw_cell(notebook.cells[0].source)
    nbformat.write(notebook, own)
    assert startable(own) is None


def test_the_lesson_of_another_name_waits(own):
    assert startable(Path(shutil.copy(own, own.with_name("synapses.ipynb")))) is None
    assert startable(Path(shutil.copy(own, own.with_name("mine.ipynb")))) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"nbformat": 4, "cells": [{}]}', "\0", None])
def test_a_file_that_is_no_notebook_waits(own, text):
    own.unlink()
    if text is not None:
        own.write_text(text, encoding="utf-8")
    assert startable(own) is None


def test_a_copy_elsewhere_waits_however_it_is_called(own, tmp_path):
    """A kernel finds modules in the folder that the path names, be the file a link to the lesson itself."""
    elsewhere = copied(tmp_path / "elsewhere" / "notebooks")
    assert startable(elsewhere) is None
    assert startable(own.parents[2] / "notebooks" / ".." / "elsewhere" / "notebooks" / NAME) is None
    elsewhere.unlink()
    elsewhere.symlink_to(own)
    assert startable(elsewhere) is None
    (tmp_path / "linked").symlink_to(own.parents[1])
    assert startable(tmp_path / "linked" / NAME) == cells_of(LESSON), "the same folder by another name"


@pytest.mark.parametrize("place", ["numpy.py", "numpy.pyc", f"numpy{EXTENSION_SUFFIXES[0]}", "numpy/__init__.py"])
def test_no_lesson_starts_beside_a_module(own, place):
    module = own.parent / place
    module.parent.mkdir(exist_ok=True)
    module.touch()
    assert startable(own) is None


def test_what_python_does_not_import_may_lie_beside_a_lesson(own):
    for place in ("notes.txt", ".ipynb_checkpoints/rhythms-checkpoint.ipynb", "sweeps/oja.learn/point.nc"):
        (own.parent / place).parent.mkdir(parents=True, exist_ok=True)
        (own.parent / place).touch()
    assert startable(own) == cells_of(LESSON)


def test_the_folder_that_labcore_lab_was_told_counts_as_well(tmp_path, monkeypatch):
    place = copied(tmp_path / "mine")
    assert startable(place) is None
    monkeypatch.setenv(lesson_files.OPENED, str(tmp_path / "mine"))
    assert startable(place) == cells_of(LESSON)
    (place.parent / "numpy.py").touch()
    assert startable(place) is None


def test_a_changed_lesson_is_a_lesson_still_and_a_copy_elsewhere_is_none(own, tmp_path):
    own.write_text("changed", encoding="utf-8")
    assert lesson_of(own) == NAME and startable(own) is None
    assert lesson_of(copied(tmp_path / "elsewhere")) is None and lesson_of(own.with_name("mine.ipynb")) is None


def test_a_page_that_cannot_be_made_says_why_and_takes_no_module_beside_it(tmp_path):
    (tmp_path / "nbformat.py").write_text("raise SystemExit('a trap')")
    with pytest.raises(RuntimeError, match="there is no lesson hebbian/none.ipynb"):
        asyncio.run(printed.make("hebbian/none.ipynb", tmp_path))


def test_labcore_lab_names_the_folder_of_the_extension_and_that_of_the_lessons(tmp_path):
    """In the place of JupyterLab, a module that says what it was told."""
    (tmp_path / "jupyterlab.py").write_text("import os, sys, json; print(json.dumps([sys.argv, dict(os.environ)]))")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    asked = [sys.executable, "-m", "labcore", "lab", "mine"]
    done = subprocess.run(asked, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    told, settings = json.loads(done.stdout)
    assert f"--LabApp.extra_labextensions_path={ROOT / 'widgets' / 'lab' / 'labextensions'}" in told
    assert settings[lesson_files.OPENED] == str((tmp_path / "mine").resolve())
    assert startable(tmp_path / "mine" / NAME) is None


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_names_the_folder_of_the_extension():
    done = subprocess.run(["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True)
    [folder] = re.findall(r'--LabApp\.extra_labextensions_path="([^"]+)"', done.stdout)
    assert Path(folder) == lesson_files.LABEXTENSIONS


def test_jupyterlab_finds_the_extension_and_its_file():
    from jupyterlab_server.config import get_page_config

    found = get_page_config([str(lesson_files.LABEXTENSIONS)])["federated_extensions"]
    [ours] = [extension for extension in found if extension["name"] == "labcore"]
    folder = lesson_files.LABEXTENSIONS / "labcore"
    assert (folder / ours["load"]).is_file() and ours["extension"] == "./extension"
    # JupyterLab lets browsers keep for good what lies in a folder of this name
    assert "static" not in Path(ours["load"]).parts
    assert json.loads((folder / "package.json").read_text())["version"] == labcore.__version__


def test_the_extension_registers_no_command():
    """The Markdown of a notebook that nobody trusts can call commands."""
    text = (lesson_files.LABEXTENSIONS / "labcore" / "lessons.js").read_text(encoding="utf-8")
    assert "addWidgetExtension" in text and "addCommand" not in text
