"""The frames of a run under a person's hands: back and forth, by keys, in a page that comes late or that is left."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from labcore import catalog
from tests.browser.conftest import blank_page, leave, serve_voila, wait_until_ready, watched
from tests.browser.front import open_in_lab, open_in_voila, until, wait_for_figures, write_notebook
from tests.browser.test_bench import press, row, wait_for_status

PLANE = "hebbian_projection.plane"  # many frames in an instant
BENCH = f'bench("{PLANE}", budget="quick"'
CELLS = {
    "film": f"{BENCH})",
    "opening": f"{BENCH}, opening=True)",
    "asked": f'{BENCH}, opening=True, predict=Prediction("Up?", ("Yes", "No"), lambda _: "Yes", then=dict(seed=3)))',
    "covered": f'{BENCH}, opening=True, predict=Prediction("Up?", ("Yes", "No"), lambda _: "Yes"))',
}
LONG = 'b = bench("double_descent.two_layer", steps=20_000, n_seeds=30)\nb'  # minutes, a frame a second


def readings(**values) -> list[str]:
    experiment = catalog.load_experiment(PLANE)
    return [f.attrs["reading"] for f in experiment.frames(**experiment.settings("quick", **values))]


def written(folder: Path) -> Path:
    for name, line in CELLS.items():
        write_notebook(folder / f"{name}.ipynb", "from widgets import Prediction, bench", line)
    return folder


def place(page) -> int:
    return int(page.locator(".labcore-film input").input_value())


def wait_for_place(page, place: int, seconds: float = 60) -> None:
    where = "place => document.querySelector('.labcore-film input')?.value === String(place)"
    page.wait_for_function(where, arg=place, timeout=1000 * seconds)


def reading(page) -> str:
    return page.locator(".labcore-reading").inner_text()


def go_home(page) -> None:
    """To the first frame, which the page may have to ask for."""
    page.locator(".labcore-film input").focus()
    page.keyboard.press("Home")
    expect(page.locator(".labcore-reading")).to_have_text(readings()[0])


@pytest.fixture(scope="module")
def film(browser, desk, voila_desk):
    """A bench that was run, on a page that its tests share."""
    written(desk)
    with watched(browser) as page:
        open_in_voila(page, voila_desk, "film.ipynb")
        wait_for_figures(page, 1)
        page.locator(".labcore-film").wait_for()  # a brief run plays by itself
        press(page, "Run")
        wait_for_status(page, r"^[\d.]+ m?s$")
        yield page


def test_each_frame_is_kept_however_few_were_drawn(film):
    go_home(film)
    for told in readings():
        expect(film.locator(".labcore-reading")).to_have_text(told)
        film.keyboard.press("ArrowRight")


def test_keys_that_come_before_their_frames_are_not_lost(browser, desk, voila_desk, film):
    with watched(browser) as page:  # which has only the frames that it was shown
        open_in_voila(page, voila_desk, "film.ipynb")
        wait_for_figures(page, 1)
        page.locator(".labcore-film").wait_for()
        # all in one breath, so that no answer of the kernel comes in between
        pressed = "(line, keys) => keys.forEach(key => line.dispatchEvent(new KeyboardEvent('keydown', { key })))"
        page.locator(".labcore-film").evaluate(pressed, ["Home"] + 5 * ["ArrowRight"])
        assert place(page) == 5
        expect(page.locator(".labcore-reading")).to_have_text(readings()[5])


def test_keys_play_hold_and_go_to_the_ends(film):
    last = len(readings()) - 1
    go_home(film)
    assert (place(film), reading(film)) == (0, readings()[0])
    first = until(film, lambda seen: seen[0]["reading"] == readings()[0])[0]["hash"]
    film.keyboard.press("Space")
    until(film, lambda seen: place(film) > 2 and seen[0]["hash"] != first)
    film.keyboard.press("Space")
    film.get_by_role("button", name="Play the run again").wait_for()
    held = place(film)
    film.wait_for_timeout(800)
    assert 2 < held == place(film) <= last
    film.locator(".labcore-film select").select_option("4×")
    film.get_by_role("button", name="Play the run again").click()
    wait_for_place(film, last)
    film.keyboard.press("Home")
    assert place(film) == 0, "the button takes the keys too"
    film.keyboard.press("End")
    assert place(film) == last


def test_export_takes_the_frame_that_is_shown(film):
    go_home(film)
    film.keyboard.press("ArrowRight")
    press(film, "Export")
    with film.expect_download() as download:
        film.get_by_role("button", name="CSV").click()
    table = pd.read_csv(io.BytesIO(Path(download.value.path()).read_bytes()))
    experiment = catalog.load_experiment(PLANE)
    _, second, *_ = experiment.frames(**experiment.settings("quick"))
    name = next(n for n, v in second.data_vars.items() if v.dtype.kind == "f")
    values = pd.to_numeric(table[table.variable == name].value)
    assert values.tolist() == pytest.approx(second[name].values.ravel().tolist(), nan_ok=True)


def test_a_figure_that_waits_for_run_turns_grey(page, desk, voila_desk):
    write_notebook(desk / "long.ipynb", "from widgets import bench", LONG)
    open_in_voila(page, voila_desk, "long.ipynb")
    wait_for_figures(page, 1)
    word = page.locator(".labcore-stale-word")
    assert not word.is_visible()
    row(page, "seed").get_by_role("button").click()
    wait_for_status(page, "^Press Run")
    word.wait_for()
    assert word.inner_text() == "Run to update"
    assert "grayscale" in page.locator(".labcore-figure").evaluate("f => getComputedStyle(f).filter")
    press(page, "Run")
    word.wait_for(state="hidden")


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A gallery whose lessons were executed before anybody came: their pages have seen no frame."""
    folder = written(tmp_path_factory.mktemp("ready"))
    for url in serve_voila(folder, folder / "log", warm=True):
        wait_until_ready(folder / "log", ".ipynb", len(CELLS))
        yield url


@pytest.mark.parametrize("name", ["opening", "asked"])
def test_a_ready_lesson_plays_its_opening_run_once_it_is_seen(page, ready, name):
    open_in_voila(page, ready, f"{name}.ipynb")
    wait_for_place(page, len(readings()) - 1)
    assert reading(page) == readings()[-1]
    assert readings(seed=3)[-1] not in page.content()


def test_nothing_is_played_of_what_a_question_asks(page, ready):
    open_in_voila(page, ready, "covered.ipynb")
    page.get_by_role("button", name="Skip").wait_for()
    page.wait_for_timeout(3000)
    assert page.locator(".labcore-film").is_hidden() and not {*readings()} & {reading(page)}


def test_nothing_moves_for_who_wants_less_motion(browser, ready):
    page = browser.new_context(reduced_motion="reduce").new_page()
    open_in_voila(page, ready, "opening.ipynb")
    page.locator(".labcore-film").wait_for()
    page.wait_for_timeout(2000)
    assert (place(page), reading(page)) == (0, readings()[0])
    page.get_by_role("button", name="Play the run again").click()
    wait_for_place(page, len(readings()) - 1)
    leave(page)
    page.context.close()


def cell(page, number: int):
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def run_cell(page, number: int, text: str = "") -> None:
    cell(page, number).locator(".cm-content").click()
    if text:
        page.keyboard.press("Control+a")
        page.keyboard.type(text)
    page.keyboard.press("Shift+Enter")


def wait_for_answer(page, number: int, question: str, answer: str, seconds: float = 60) -> None:
    """Ask the kernel, through a cell, until it answers so."""
    for _ in range(int(seconds)):
        run_cell(page, number, question)
        page.wait_for_timeout(1000)
        if cell(page, number).locator(".jp-OutputArea-output").all_inner_texts()[-1:] == [answer]:
            return
    raise AssertionError(f"{question} is never {answer}")


def test_a_bench_that_nobody_sees_stops_and_one_whose_kernel_is_gone_says_so(browser, desk, lab):
    write_notebook(desk / "left.ipynb", "from widgets import bench", LONG, "1", "2")
    page = blank_page(browser)
    open_in_lab(page, lab, "left.ipynb")
    wait_for_figures(page, 1)
    press(page, "Run")
    wait_for_status(page, r"^Running")
    # its cell is run again
    run_cell(page, 2, "old = b; old._runner.active")
    run_cell(page, 1)
    wait_for_answer(page, 2, "old is not b and not old._runner.active", "True")
    # its cell is deleted
    press(page, "Run")
    wait_for_status(page, r"^Running")
    cell(page, 1).locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")
    wait_for_answer(page, 1, "b._runner.active", "False")
    # its kernel is restarted
    run_cell(page, 2, "b")
    page.locator(".labcore-figure .plot-container").wait_for()
    assert page.locator(".labcore-asleep").is_hidden() and page.locator(".labcore-unrun").first.is_hidden()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Restart Kernel(?! and)")).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".labcore-asleep").wait_for()
    assert "Run its cell again" in page.locator(".labcore-asleep").inner_text()
    leave(page)
    page.context.close()


def saved(page) -> None:
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()
    page.wait_for_selector(".jp-mod-current:not(.jp-mod-dirty)")


@pytest.mark.parametrize("state", [True, False])
def test_a_saved_notebook_says_what_to_do_and_shows_its_last_figure_where_that_was_saved(browser, desk, lab, state):
    settings = desk / "@jupyter-widgets" / "jupyterlab-manager" / "plugin.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"saveState": state}))
    name = f"saved{state}.ipynb"
    write_notebook(desk / name, "from widgets import bench", CELLS["film"])
    page = blank_page(browser)
    open_in_lab(page, lab, name)
    figure = wait_for_figures(page, 1)[0]
    saved(page)
    leave(page)
    # with another kernel: under another name there is no session yet
    (desk / f"again-{name}").write_text((desk / name).read_text())
    page.goto(f"{lab}/lab/tree/again-{name}?reset")
    if state:
        page.locator(".labcore-asleep").wait_for(timeout=90_000)
        until(page, lambda seen: seen and seen[0]["hash"] == figure["hash"])
        assert reading(page) == figure["reading"]
    else:
        words = page.locator(".labcore-unrun")
        words.wait_for(timeout=90_000)
        assert "run its cell again" in words.inner_text()
    settings.unlink()
    leave(page)
    page.context.close()
