"""Every lesson under a browser's hands: in the gallery, and one of each theme in JupyterLab; by night all in both.

Two pages go from lesson to lesson, each in a thread with a browser of its own: a fresh page would compile three seconds
of JavaScript for each. The visits of all tests of a run begin with the first of them, in the tests' order; each test
waits for its own visit.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from labcore import catalog
from tests.browser import axe
from tests.browser.conftest import ALL_READY, ROOT, blank_page, heard, launched, leave, serve_voila, wait_until_ready
from tests.browser.front import (
    BENCHES,
    benches_in,
    open_in_lab,
    open_in_voila,
    press,
    read,
    unfold,
    until,
    wait_for_figures,
)

PAGES = 2  # open at a time
READY = [p for p in catalog.papers() if p.status == "ready"]
LESSONS = sorted({p.notebook for p in READY})
FIRST = {p.theme: p.notebook for p in reversed(READY)}.values()  # of each theme, in the catalogue's order


# ipywidgets looks for a model for two seconds, and then says this. On a machine with other work that happens, and the
# models come later; `move` looks for what is missing in the end.
SLOW = "widget model not found"


def visits() -> Iterator:
    """(front end, lesson) of every test."""
    for lesson in LESSONS:
        yield pytest.param("gallery", lesson, id=f"gallery-{lesson}")
    for lesson in LESSONS:
        marks = () if lesson in FIRST else pytest.mark.nightly
        yield pytest.param("jupyterlab", lesson, id=f"jupyterlab-{lesson}", marks=marks)


@pytest.fixture(scope="module")
def picked(request) -> list[tuple[str, str]]:
    """(front end, lesson) of every test of this run."""
    params = [i.callspec.params for i in request.session.items if i.path == Path(__file__)]
    return [(p["front"], p["lesson"]) for p in params]


@pytest.fixture(scope="module")
def in_gallery(picked, tmp_path_factory) -> Iterator[Callable]:
    """Opens a lesson of a gallery that makes those of this run ready, one after another, in the tests' order.

    Ready lessons take hundreds of megabytes each, so one is taken away as soon as its visitor has a copy.
    """
    folder = tmp_path_factory.mktemp("gallery")
    places = {lesson: folder / lesson.removeprefix("notebooks/") for front, lesson in picked if front == "gallery"}
    for lesson, place in places.items():
        place.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / lesson, place)
    log = tmp_path_factory.mktemp("log") / "gallery"
    server = serve_voila(folder, log, "--Gallery.only_catalog=True", *ALL_READY)
    url = next(server)

    def opened(page, lesson: str) -> None:
        wait_until_ready(log, str(places[lesson]))
        open_in_voila(page, url, lesson)
        places[lesson].unlink()

    yield opened
    server.close()


@pytest.fixture(scope="module")
def in_jupyterlab(lab) -> Callable:
    """Opens a lesson in JupyterLab, in a kernel of its own.

    A page that was closed while its kernel began, as in another test, leaves one that counts one connection too few.
    """

    def opened(page, lesson: str) -> None:
        for session in page.request.get(f"{lab}/api/sessions").json():
            if session["path"] == lesson:
                assert page.request.delete(f"{lab}/api/sessions/{session['id']}").ok
        open_in_lab(page, lab, lesson, workspace=Path(lesson).stem)

    return opened


@pytest.fixture(scope="module")
def seen(request, browser, picked) -> Iterator[dict[tuple[str, str], Future]]:
    """What comes of each visit: the grave faults of the page, looked for in the gallery.

    (`browser`: without one these tests are skipped.)
    """
    came = {visit: Future() for visit in picked}
    # only the servers that are needed
    openers = {front: request.getfixturevalue(f"in_{front}") for front in {front for front, _ in came}}
    todo = iter(list(came))  # one for both threads

    def work() -> None:
        try:
            with launched() as browser:
                page = blank_page(browser)
                for front, lesson in todo:
                    try:
                        with heard(page, SLOW):
                            faults = move(page, lesson, openers[front], audit=front == "gallery" and axe.THERE)
                        came[front, lesson].set_result(faults)
                        leave(page)
                    except BaseException as error:  # noqa: BLE001 - the test of this visit raises it
                        came[front, lesson].set_exception(error)
                        leave(page)
                        page.context.close()
                        page = blank_page(browser)
        except BaseException as error:  # noqa: BLE001 - there is no browser
            for visit in todo:
                came[visit].set_exception(error)

    with ThreadPoolExecutor(PAGES) as threads:
        for _ in range(PAGES):
            threads.submit(work)
        yield came
        list(todo)  # those that nobody waits for any more


def move(page, lesson: str, opened: Callable, audit: bool) -> list[str]:
    """Open a lesson, and run each of its benches with a slider moved. Fails with the bench and what the page shows.

    Returns the grave faults of the page, where these are looked for.
    """
    place, faults = "as it opens", []
    try:
        opened(page, lesson)
        count = benches_in(lesson)
        wait_for_figures(page, count, 300)  # JupyterLab computes them now, on a machine that may be busy
        skip = page.get_by_role("button", name="Skip")
        for left in range(skip.count(), 0, -1):
            skip.first.click()
            skip.nth(left - 1).wait_for(state="detached")  # the kernel takes the button away
        before = wait_for_figures(page, count)
        faults = axe.grave_faults(page) if audit else []
        for number in range(count):
            place = f"bench {number + 1} of {count}"
            bench = page.locator(".labcore-bench:has(.labcore-figure)").nth(number)
            bench.scroll_into_view_if_needed()
            unfold(bench)
            slider = bench.locator(".noUi-handle:visible").first
            slider.focus()
            # far enough for a figure to show it, and not to the end, which may be where the run starts
            room = float(slider.get_attribute("aria-valuenow")) - float(slider.get_attribute("aria-valuemin"))
            for _ in range(10 if room < 1 else min(10, int(room - 1) or 1)):
                page.keyboard.press("ArrowRight" if room < 1 else "ArrowLeft")
            run = bench.locator(".labcore-run")
            read(run)
            if run.inner_text().strip() == "Run":  # it may run by itself
                run.click()
            after = until(page, lambda seen, number=number: seen[number]["hash"] != before[number]["hash"])
            press(bench, "Stop")
            until(page, lambda seen, number=number: re.search(r"^Stopped|s\.?$", seen[number]["status"]))
            assert after[number]["reading"] != "Computing the first figure ..."
        place = "at the end"  # a bench that moves leaves the others alone
        assert page.locator(".labcore-error").count() == 0
        assert page.get_by_text(re.compile("^(Loading|Error displaying) widget")).count() == 0
    except Exception as error:
        said = f"{lesson}, {place}: {error}"
        if "it shows" not in said:
            with suppress(Exception):  # the page itself may be gone
                said += f"; it shows {page.evaluate(BENCHES)}"
        raise AssertionError(said) from error
    return faults


@pytest.mark.parametrize(("front", "lesson"), list(visits()))
def test_lesson_moves(seen, front, lesson):
    seen[front, lesson].result()


@axe.needed
@pytest.mark.parametrize(("front", "lesson"), [("gallery", lesson) for lesson in LESSONS])
def test_axe_finds_no_grave_fault(seen, front, lesson):
    assert seen[front, lesson].result() == []
