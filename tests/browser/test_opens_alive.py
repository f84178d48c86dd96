"""A lesson that JupyterLab runs as it is opened, and all that it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from labcore import lesson_files
from tests.browser.conftest import ROOT, blank_page, free_port, heard, leave, serve, serve_voila
from tests.browser.front import open_in_voila, wait_for_figures, write_notebook

NAME = "hebbian/rhythms.ipynb"
LESSON = ROOT / "notebooks" / NAME
AUTOSAVE = 1  # seconds
FIGURES = 3  # benches of the lesson

# asks for a module that stands in every lesson, and leaves a trace when it got that of its own folder
TRAP = "from pathlib import Path\nPath(__file__).with_name('trapped').touch()\n"

# in the place of a printer: what the window that prints would put on paper
PRINTED = """window.print = () => {
  dispatchEvent(new Event("beforeprint"));
  const drawn = [...document.querySelectorAll(".site-still svg, .site-still img")];
  top.printed = {
    title: document.title, text: document.body.textContent, figures: drawn.length,
    open: [...document.querySelectorAll("details:not(.labcore-whole)")].every((fold) => fold.open),
  };
};"""


@pytest.fixture(scope="module")
def lessons(tmp_path_factory) -> Path:
    """The folder that `labcore lab` fills and opens."""
    return tmp_path_factory.mktemp("alive") / "lessons"


@pytest.fixture(scope="module")
def lab(lessons) -> Iterator[str]:
    """`labcore lab`, which saves what has changed every second."""
    port, settings = free_port(), lessons.parent / "settings"
    saving = settings / "@jupyterlab" / "docmanager-extension" / "plugin.jupyterlab-settings"
    saving.parent.mkdir(parents=True)
    saving.write_text(json.dumps({"autosaveInterval": AUTOSAVE}))
    command = [
        sys.executable, "-m", "labcore", "lab", str(lessons), f"--port={port}", "--no-browser",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        f"--LabApp.user_settings_dir={settings}", f"--LabApp.workspaces_dir={lessons.parent}",
    ]  # fmt: skip
    yield from serve(command, port, lessons.parent / "log")


@pytest.fixture
def opened(browser, lab, lessons):
    """`opened(notebook)` is a fresh page with it in JupyterLab; all kernels end with the test."""
    page = blank_page(browser)

    def at(notebook: str):
        page.goto(f"{lab}/lab/tree/{notebook}?reset")
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        return page

    with heard(page):
        yield at
    leave(page)
    for session in page.request.get(f"{lab}/api/sessions").json():
        page.request.delete(f"{lab}/api/sessions/{session['id']}")
    page.context.close()


def sentence(page):
    """How to run a lesson by hand."""
    return page.locator(".jp-RenderedMarkdown p", has_text="In JupyterLab, choose").first


def ran(page) -> list[str]:
    """The prompts of the cells that were run, or wait for it."""
    return [t for t in page.locator(".jp-InputPrompt").all_text_contents() if t.strip("[]: ")]


def wait_for_kernel(page) -> None:
    """Until the notebook's kernel is there and has nothing to do."""
    page.wait_for_function(
        "() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'", timeout=90_000
    )
    page.wait_for_timeout(3000)


def menu(page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def print_it(page) -> None:
    """File, Print; its item names its keys, too."""
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.locator(".lm-Menu-item[data-command='apputils:print']").click()


def wait_until(page, told, words: str, seconds: float = 60) -> None:
    end = time.time() + seconds
    while not told():
        assert time.time() < end, words
        page.wait_for_timeout(200)


def test_a_lesson_opens_alive_at_its_top(opened, lab):
    page = opened(NAME)
    wait_for_figures(page, FIGURES)
    wait_for_kernel(page)
    assert page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTop") == 0
    assert page.locator(".labcore-error").count() == 0
    assert page.locator(".jp-RenderedMarkdown h1").first.is_visible() and sentence(page).is_hidden()
    sessions = page.request.get(f"{lab}/api/sessions").json()
    assert [s["path"] for s in sessions] == [NAME] and len(page.request.get(f"{lab}/api/kernels").json()) == 1
    cell = page.locator(".jp-CodeCell", has=page.locator(".labcore-bench")).first
    assert cell.locator(".jp-InputArea-editor").is_hidden()
    cell.locator(".jp-Placeholder").first.click()
    assert "bench(" in cell.locator(".jp-InputArea-editor").inner_text()


def test_the_index_opens_alive_and_leads_to_a_lesson_that_does(opened):
    page = opened("index.ipynb")
    page.locator(".labcore-atlas a[href$='rhythms.ipynb']").first.click()
    wait_for_figures(page, FIGURES)


def test_a_lesson_is_never_written_and_a_changed_one_as_always(opened, lessons):
    file = lessons / NAME
    before, then = file.read_bytes(), file.stat().st_mtime_ns
    page = opened(NAME)
    wait_for_figures(page, FIGURES)
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_timeout(3000 * AUTOSAVE)
    assert page.locator(".jp-mod-dirty").count() == 0
    page.locator(".lm-TabBar-tab.lm-mod-current", has_text="rhythms").locator(".lm-TabBar-tabCloseIcon").click()
    page.locator(".jp-NotebookPanel").wait_for(state="detached")  # nobody asks whether to save
    page = opened(NAME)
    wait_for_figures(page, FIGURES)
    page.reload()
    wait_for_figures(page, FIGURES)
    page.wait_for_timeout(3000 * AUTOSAVE)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, then)

    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.type("# mine: ")
    wait_until(page, lambda: b"# mine: " in file.read_bytes(), "a changed lesson is not saved")
    assert any(c.get("outputs") for c in nbformat.read(file, as_version=4).cells), "as always, with its outputs"
    page.keyboard.press("ControlOrMeta+z")
    wait_until(page, lambda: b"# mine: " not in file.read_bytes(), "the change cannot be taken back")
    file.write_bytes(before)


def test_print_takes_the_whole_lesson_with_its_figures(opened, lessons):
    """File, Print: the page of the lesson, in place of the saved file, which has no outputs; a changed lesson's own."""
    before, page = (lessons / NAME).read_bytes(), opened(NAME)
    page.context.add_init_script(PRINTED)
    page.reload()
    wait_for_figures(page, FIGURES)
    print_it(page)
    page.get_by_text("is made ready to print").wait_for(timeout=20_000)
    page.wait_for_function("() => window.printed", timeout=300_000)
    seen = page.evaluate("() => window.printed")
    lines = nbformat.read(lessons / NAME, as_version=4).cells[0].source.splitlines()
    assert seen["title"] == lines[0].removeprefix("# ") and lines[2][:40] in seen["text"] and "Sources" in seen["text"]
    assert seen["figures"] >= FIGURES and seen["open"], "figures stand on the page, and folds are open"
    page.get_by_text("is made ready to print").wait_for(state="hidden")
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.type("# mine: ")
    page.route("**/nbconvert/html/**", lambda route: route.fulfill(body="<p>as always</p>"))
    with page.expect_request("**/nbconvert/html/**", timeout=120_000):
        print_it(page)
    (lessons / NAME).write_bytes(before)


def test_a_changed_lesson_waits(opened, lessons):
    notebook = nbformat.read(lessons / "hebbian/synapses.ipynb", as_version=4)
    notebook.cells[1].source += "\nprint('mine')"
    nbformat.write(notebook, lessons / "hebbian/synapses.ipynb")
    page = opened("hebbian/synapses.ipynb")
    wait_for_kernel(page)
    assert ran(page) == [] and sentence(page).is_visible()


@pytest.mark.parametrize("folder", ["elsewhere/hebbian", " hebbian", "kan"])
def test_a_copy_beside_a_hostile_module_is_not_run(opened, lab, lessons, folder):
    """Elsewhere; in a folder whose name an address may lose a blank of; and in the folder of the lessons itself."""
    place = lessons / folder
    place.mkdir(parents=True, exist_ok=True)
    name = "spline_edges.ipynb" if folder == "kan" else Path(NAME).name
    if folder != "kan":
        shutil.copy(LESSON, place)
    (place / "numpy.py").write_text(TRAP)
    page = opened(f"{folder}/{name}".replace(" ", "%20"))
    wait_for_kernel(page)
    assert ran(page) == [] and sentence(page).is_visible()
    assert not (place / "trapped").exists()
    menu(page, "Run", "Run All Cells")  # it is a trap
    wait_until(page, (place / "trapped").exists, "the module is harmless, so this test says nothing")
    (place / "numpy.py").unlink()


# --- the other front ends that load the extension ---


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Iterator[None]:
    """Jupyter's folders with the extension among them, as a wheel installs it."""
    share = tmp_path_factory.mktemp("share")
    shutil.copytree(lesson_files.LABEXTENSIONS, share / "labextensions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", os.pathsep.join(filter(None, [str(share), os.environ.get("JUPYTER_PATH")])))
        yield


LOADED = "() => Boolean(window._JUPYTERLAB?.labcore)"


def test_the_gallery_with_the_extension_shows_a_lesson(environment, page, tmp_path):
    shutil.copy(LESSON, tmp_path / "one.ipynb")
    server = serve_voila(tmp_path, tmp_path / "log")
    open_in_voila(page, next(server), "one.ipynb")
    wait_for_figures(page, FIGURES)
    assert page.evaluate(LOADED) and page.locator(".labcore-alive").count() == 0
    leave(page)
    server.close()


def notebook_server() -> list[str] | None:
    """The command of Notebook 7: LABCORE_NOTEBOOK, or that of this environment."""
    if command := os.environ.get("LABCORE_NOTEBOOK"):
        return [command]
    return [sys.executable, "-m", "notebook"] if find_spec("notebook") else None


@pytest.mark.skipif(notebook_server() is None, reason="no Notebook 7 (LABCORE_NOTEBOOK names its command)")
def test_notebook_7_with_the_extension_waits_and_works(environment, browser, tmp_path):
    page = blank_page(browser)
    shutil.copy(LESSON, tmp_path / "lesson.ipynb")
    write_notebook(tmp_path / "one.ipynb", "print(6 * 7)")
    port = free_port()
    server = serve(
        [
            *notebook_server(), f"--port={port}", "--no-browser", "--allow-root", "--IdentityProvider.token=",
            f"--ServerApp.root_dir={tmp_path}", "--ServerApp.disable_check_xsrf=True",
            # as the server's part of the extension says, where it is installed beside Notebook
            "--ServerApp.tornado_settings={'page_config_data': {'labcoreLessons': 'true'}}",
        ],
        port,
        tmp_path / "log",
    )  # fmt: skip
    url = next(server)
    # Notebook 7.6 says this of a setting of its own, with and without any extension
    with heard(page, "reading 'schema'"):
        page.goto(f"{url}/notebooks/lesson.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        wait_for_kernel(page)
        assert page.evaluate(LOADED) and ran(page) == [] and sentence(page).is_visible()
        page.goto(f"{url}/notebooks/one.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        wait_for_kernel(page)
        menu(page, "Run", "Run All Cells")
        page.get_by_text("42", exact=True).wait_for(timeout=60_000)
    leave(page)
    page.context.close()
    server.close()
