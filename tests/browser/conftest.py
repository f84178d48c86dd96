"""A real browser and real servers. Without Chromium these tests are skipped with a word, and fail where CI is set."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from labcore import catalog

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """The browser of LABCORE_CHROMIUM, or the first one on PATH."""
    return os.environ.get("LABCORE_CHROMIUM") or next((p for n in NAMES if (p := shutil.which(n))), None)


@contextmanager
def launched():
    """Chromium, for the thread that asks: Playwright's objects belong to the thread that made them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        word = f"no Chromium found (looked for {', '.join(NAMES)}; LABCORE_CHROMIUM names another)"
        if os.environ.get("CI"):
            pytest.fail(word)
        pytest.skip(word)
    with launched() as opened:
        yield opened


def blank_page(browser):
    """A page that shares nothing with another one."""
    return browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True).new_page()


@contextmanager
def heard(page, *forgiven: str):
    """An error at the end when the console of this page, or of one that it opened, showed one of ours.

    Those that contain words that are forgiven are not counted.
    """
    context, errors = page.context, []
    hear = {
        "console": lambda m: errors.append(f"{m.text} {m.location}") if m.type == "error" else None,
        "weberror": lambda e: errors.append(f"{e.error} {getattr(e.error, 'stack', '')}"),
    }
    for event, listener in hear.items():
        context.on(event, listener)
    try:
        yield
    finally:
        for event, listener in hear.items():
            context.remove_listener(event, listener)
    # a front end that asks the internet for its news is not ours to mend
    forgiven += ("ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED")
    ours = [e for e in errors if not any(words in e for words in forgiven)]
    assert not ours, f"errors in the console: {ours[:5]}"


def leave(page) -> None:
    """Go away from a page. One that is closed without that keeps its kernel."""
    with suppress(Exception):  # it may hang, or have crashed
        page.goto("about:blank", timeout=10_000)


@contextmanager
def watched(browser):
    """A fresh page, and an error at the end when its console, or that of a page it opened, showed one of ours."""
    page = blank_page(browser)
    try:
        with heard(page):
            yield page
    finally:
        for opened in page.context.pages:
            leave(opened)
        page.context.close()


@pytest.fixture
def page(browser):
    """A page of one test."""
    with watched(browser) as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Run a server until the fixture that uses this generator ends."""
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        # our settings, as `make lab` and Binder bring them
        settings = {**os.environ, "JUPYTER_CONFIG_PATH": str(ROOT / ".jupyter")}
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=out, start_new_session=True)
        try:
            end = time.time() + 90
            while True:
                try:
                    line = HTTPConnection("127.0.0.1", port, timeout=2)
                    line.request("GET", "/")  # not followed to a lesson, which would start a kernel
                    line.getresponse()
                    line.close()
                    break
                except (OSError, HTTPException):
                    if process.poll() is not None or time.time() > end:
                        pytest.fail(f"{command} does not answer:\n{log.read_text()[-3000:]}")
                    time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


# options of a gallery that makes all its lessons ready, one after another, while some are open already
ALL_READY = ("--Gallery.warm=999", "--Gallery.ready_megabytes=5000")


def serve_voila(folder: str | Path, log: Path, *options: str, warm: bool = False) -> Iterator[str]:
    """The gallery over a folder; `warm`: with every lesson executed ahead of its visitors, and not before.

    Else it keeps no lesson ready, unless an option says how many megabytes are for that.
    """
    port = free_port()
    command = [sys.executable, "-m", "widgets.gallery", str(folder), f"--port={port}", "--no-browser"]
    if not any("Gallery.only_catalog=" in option for option in options):
        command.append(f"--Gallery.only_catalog={folder == 'notebooks'}")
    if warm:
        command += ALL_READY
    elif not any("Gallery.ready_megabytes=" in option for option in options):
        command.append("--Gallery.ready_megabytes=0")
    command += options
    server = serve(command, port, log)
    url = next(server)
    if warm:
        lessons = len({p.notebook for p in catalog.papers() if p.status == "ready"}) + 1 if folder == "notebooks" else 1
        wait_until_ready(log, ".ipynb", lessons, seconds=max(400, 60 * lessons))
    yield url
    server.close()


def wait_until_ready(log: Path, lesson: str, times: int = 1, seconds: float = 400) -> None:
    """Wait until the gallery has executed a lesson ahead of its visitors, so many times. Fails where it could not."""
    wait_for_words(log, f"{lesson} is ready after ", times, seconds, unless=f"{lesson} is not made ready")


def wait_for_words(log: Path, words: str, count: int = 1, seconds: float = 60, unless: str | None = None) -> None:
    """Wait until a server has written these words so many times. Fails where it has written the others."""
    end = time.time() + seconds
    while (said := log.read_text()).count(words) < count:
        if (unless and unless in said) or time.time() > end:
            pytest.fail(f"{words!r} {said.count(words)} times instead of {count}:\n{said[-3000:]}")
        time.sleep(0.1)


def serve_lab(folder: Path) -> Iterator[str]:
    """JupyterLab over a folder that it may write to."""
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", f"--port={port}", "--no-browser", "--allow-root",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
        f"--LabApp.workspaces_dir={folder}", f"--LabApp.user_settings_dir={folder}",
        "--ServerApp.disable_check_xsrf=True",
        # pages that are closed leave their kernels behind, each with hundreds of megabytes
        "--MappingKernelManager.cull_idle_timeout=30", "--MappingKernelManager.cull_interval=10",
    ]  # fmt: skip
    yield from serve(command, port, folder / "log")


@pytest.fixture(scope="session")
def voila(tmp_path_factory) -> Iterator[str]:
    """The gallery of the lessons, which executes one as it is opened."""
    yield from serve_voila("notebooks", tmp_path_factory.mktemp("voila") / "log")


@pytest.fixture(scope="session")
def desk(tmp_path_factory) -> Path:
    """A folder for notebooks that tests write, beside a copy of the lessons; a gallery and a JupyterLab serve it."""
    folder = tmp_path_factory.mktemp("desk")
    # a copy, because JupyterLab saves what it has open
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    return folder


@pytest.fixture(scope="session")
def voila_desk(desk, tmp_path_factory) -> Iterator[str]:
    """A gallery over the desk, which executes a notebook as it is opened."""
    yield from serve_voila(desk, tmp_path_factory.mktemp("log") / "voila")


@pytest.fixture(scope="session")
def lab(desk) -> Iterator[str]:
    """JupyterLab over the desk."""
    yield from serve_lab(desk)
