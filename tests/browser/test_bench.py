"""One bench under a person's hands: run, stop, type nonsense, drag, pin, share, save, keyboard, themes."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import labcore
from labcore import catalog
from tests.browser.conftest import watched
from tests.browser.front import open_in_lab, open_in_voila, press, read, unfold, until, wait_for_figures, write_notebook

CELLS = {
    # about a minute, in frames of about a second
    "net": 'bench("double_descent.two_layer", steps=20_000, n_seeds=30)',
    # answers at once; not the defaults, because a link must bring those back too
    "curve": 'bench("double_descent.model_wise", n_train=50, n_seeds=2, method="exact")',
    "question": """bench("double_descent.model_wise", n_train=50, n_seeds=2, predict=Prediction(
    "Up?", ("Yes", "No"), right=lambda frame: "Yes", why="The **spike** is at $p = n$.",
    instead={"No": {"label_noise": 0.0}},
))""",
}
NET, CURVE = "double_descent.two_layer", "double_descent.model_wise"
START = dict(n_train=50, n_seeds=2, method="exact")


@pytest.fixture(scope="module", autouse=True)
def notebooks(desk: Path) -> None:
    """Notebooks with one bench each."""
    for name, line in CELLS.items():
        write_notebook(desk / f"{name}.ipynb", "from widgets import Prediction, bench", line)


def _opened(browser, voila_desk, name: str):
    with watched(browser) as page:
        open_in_voila(page, voila_desk, f"{name}.ipynb")
        wait_for_figures(page, 1)
        yield page


@pytest.fixture(scope="module")
def net(browser, voila_desk):
    """A bench whose run takes long, on a page that its tests share."""
    yield from _opened(browser, voila_desk, "net")


@pytest.fixture(scope="module")
def curve(browser, voila_desk):
    """A bench that answers at once, on a page that its tests share."""
    yield from _opened(browser, voila_desk, "curve")


# The bench's parts, as a person finds them.


def row(page, parameter: str):
    """The row of a parameter, by its label; the others are unfolded as well."""
    unfold(page)
    known = [catalog.load_experiment(name).parameters for name in (NET, CURVE)]
    words = re.compile(rf"^{re.escape(next(p[parameter].label for p in known if parameter in p))}$")
    return page.locator(".labcore-control").filter(has=page.locator("label, .widget-label-basic", has_text=words))


def named(page, name: str):
    """The first button of the toolbar while it has this name."""
    return page.locator(".labcore-run").filter(has_text=re.compile(rf"^\W*{name}$"))


def box(page, parameter: str):
    return row(page, parameter).locator("input[type=text]")


def enter(page, parameter: str, text: str) -> None:
    box(page, parameter).fill(text)
    box(page, parameter).press("Enter")


def wait_for_status(page, pattern: str, seconds: float = 120) -> str:
    return until(page, lambda seen: seen and re.search(pattern, seen[0]["status"]), seconds)[0]["status"]


def wait_for_reading(page, condition, seconds: float = 120) -> str:
    return until(page, lambda seen: seen and condition(seen[0]["reading"]), seconds)[0]["reading"]


def wait_for_value(page, parameter: str, value: str) -> None:
    page.wait_for_function(
        "([input, value]) => input.value === value", arg=[box(page, parameter).element_handle(), value], timeout=20_000
    )


def figure_hash(page) -> int:
    return until(page, lambda seen: len(seen) == 1)[0]["hash"]


def link_of(page) -> str:
    """Press Share and read the link. Its words come from the kernel: all that was sent before has then arrived."""
    press(page, "Export")  # which puts away the link of an earlier call
    page.get_by_role("button", name="NetCDF").wait_for()
    press(page, "Share")
    link = page.locator(".labcore-bench").get_by_label("Link")
    page.wait_for_function(
        "input => input.value.startsWith('http')", arg=link.element_handle(timeout=20_000), timeout=20_000
    )
    return link.input_value()


def settle(page) -> None:
    """Wait until the kernel has answered all that was asked of it."""
    link_of(page)


def reading_of(name: str, **values) -> str:
    return labcore.run(name, **values).attrs["reading"]


def percent(status: str) -> int:
    return int(re.search(r"(\d+) ?%", status)[1])


# Runs.


def test_stop_in_the_middle_says_where(net):
    press(net, "Run")
    wait_for_status(net, r"^Running: [1-9]")
    press(net, "Stop")
    status = wait_for_status(net, "^Stopped at")
    assert re.fullmatch(r"Stopped at \d+%\.", status) and 0 < percent(status) < 100
    assert net.locator(".widget-hprogress").first.is_hidden()
    before = figure_hash(net)
    settle(net)
    assert figure_hash(net) == before, "the figure went on after Stop"


def updates(page) -> int:
    """How far the training is that the reading speaks of."""
    return int(re.search(r"After (\d+) updates", until(page, lambda seen: True)[0]["reading"])[1])


def test_pause_step_and_resume(net):
    press(net, "Run")
    wait_for_status(net, r"^Running: [1-9]")
    press(net, "Pause")
    wait_for_status(net, "^Paused")
    settle(net)
    wait_for_status(net, "^Paused")
    paused, before = updates(net), figure_hash(net)
    settle(net)
    assert (updates(net), figure_hash(net)) == (paused, before), "the run went on while it was paused"
    press(net, "Step")
    until(net, lambda seen: seen[0]["hash"] != before)
    settle(net)
    wait_for_status(net, "^Paused")
    stepped = updates(net)
    assert stepped > paused
    press(net, "Resume")
    wait_for_status(net, "^Running")
    until(net, lambda _: updates(net) > stepped)
    named(net, "Pause").wait_for()
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")
    # without a run, Step begins one and holds after a frame
    press(net, "Step")
    wait_for_status(net, "^Paused")
    assert updates(net) <= paused
    named(net, "Resume").wait_for()
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")
    named(net, "Run").wait_for()


def test_a_double_click_is_one_press(net):
    read(net.locator(".labcore-run"))
    net.locator(".labcore-run").dblclick()
    wait_for_status(net, r"^Running: [1-9]")
    named(net, "Pause").wait_for()
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")


def test_a_press_means_the_word_that_could_be_read(net):
    """A run that begins by itself turns Run into Pause under a hand that comes down."""
    read(net.locator(".labcore-run"))
    net.locator(".labcore-run").evaluate(
        """button => new Promise(done => {
          const word = button.textContent;
          new MutationObserver((_, it) => {
            if (button.textContent === word) return;
            it.disconnect();
            setTimeout(() => done(button.click()), 100);
          }).observe(button, { childList: true, characterData: true, subtree: true });
          button.click();
        })"""
    )
    wait_for_status(net, r"^Running: [1-9]")
    assert "Pause" in net.locator(".labcore-run").text_content()
    press(net, "Pause")
    wait_for_status(net, "^Paused")
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")


def test_new_values_ask_for_a_new_run(net):
    """The first button pauses the run that the controls ask for, and replaces another one."""
    press(net, "Run")
    named(net, "Pause").wait_for()
    enter(net, "n_seeds", "29")
    named(net, "Run").wait_for()
    press(net, "Run")
    wait_for_status(net, r"^Running: \d")
    named(net, "Pause").wait_for()
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")
    press(net, "Reset")
    settle(net)


def test_five_quick_runs_are_one_run(net):
    for parameter, value in (("n_seeds", "2"), ("steps", "1500")):
        enter(net, parameter, value)
    wait_for_status(net, "^Press Run")
    net.locator(".labcore-run").click(click_count=5)
    expected = reading_of(NET, n_seeds=2, steps=1500)
    wait_for_reading(net, lambda text: text == expected)
    wait_for_status(net, r"^[\d.]+ m?s$")
    # a second run, still waiting in line, would show when asked again
    settle(net)
    seen = until(net, lambda seen: True)[0]
    assert seen["reading"] == expected and re.fullmatch(r"[\d.]+ m?s", seen["status"])
    assert net.locator(".labcore-error").count() == 0


@pytest.mark.parametrize("typed", ["9", "-1", "fast", "", "nan", "1e999", "<b>1</b>"])
def test_typed_nonsense_is_answered(net, typed):
    before = box(net, "lr").input_value()
    enter(net, "lr", typed)
    alert = net.get_by_role("alert")
    alert.wait_for(timeout=20_000)
    wait_for_value(net, "lr", before)
    words = alert.text_content()
    assert "learning rate" in words and "from 0.0001 to 1" in words and repr(typed)[1:-1] in words
    assert "\n" not in words and "Traceback" not in net.locator(".labcore-bench").text_content()
    press(net, "Reset")  # good values take the message away
    alert.wait_for(state="detached", timeout=20_000)
    settle(net)


def test_an_answer_stays_while_a_run_goes_on(net):
    press(net, "Reset")
    # it runs by itself where the run before it was a short one
    if "Press Run" in wait_for_status(net, r"^Running|^Press Run"):
        press(net, "Run")
    wait_for_status(net, r"^Running")
    enter(net, "lr", "9")
    net.get_by_role("alert").wait_for(timeout=20_000)
    before = updates(net)
    until(net, lambda _: updates(net) > before)
    settle(net)
    assert net.get_by_role("alert").is_visible()
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")


def test_a_run_that_diverges_says_so_and_the_next_one_works(net):
    for parameter, value in (("n_seeds", "2"), ("steps", "1500"), ("lr", "1")):
        enter(net, parameter, value)
    row(net, "optimizer").locator("select").select_option("sgd")
    press(net, "Run")
    reading = wait_for_reading(net, lambda text: "diverged" in text)
    assert reading == reading_of(NET, n_seeds=2, steps=1500, lr=1.0, optimizer="sgd")
    enter(net, "lr", "0.02")
    press(net, "Run")
    expected = reading_of(NET, n_seeds=2, steps=1500, lr=0.02, optimizer="sgd")
    wait_for_reading(net, lambda text: text == expected)


def test_a_reloaded_page_has_a_fresh_bench(net, voila_desk):
    kernel = "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
    left = f"{voila_desk}/api/kernels/{net.evaluate(kernel)}"
    assert net.request.get(left).ok
    net.reload()
    wait_for_figures(net, 1)
    # the page that went away took its kernel with it, and the hundreds of megabytes that it holds
    until(net, lambda _: net.request.get(left).status == 404, 20)
    wait_for_status(net, "Press Run")
    assert (box(net, "n_seeds").input_value(), box(net, "steps").input_value()) == ("30", "20000")
    before = figure_hash(net)
    press(net, "Run")
    until(net, lambda seen: seen[0]["hash"] != before)
    press(net, "Stop")
    wait_for_status(net, "^Stopped at")


# The figure under the mouse.

# where on the screen a point of the first panel is
PIXEL = """([x, y]) => {
  const g = document.querySelector('.labcore-figure'), { xaxis, yaxis } = g._fullLayout, r = g.getBoundingClientRect();
  const low = yaxis._offset + yaxis._length * 0.3;
  return [r.left + xaxis._offset + xaxis.d2p(x), r.top + (y === null ? low : yaxis._offset + yaxis.d2p(y))];
}"""


def reset(page) -> None:
    press(page, "Reset")
    press(page, "Unpin")
    settle(page)
    expected = reading_of(CURVE, **START)
    wait_for_reading(page, lambda text: text == expected)


def test_drag_the_line(curve):
    reset(curve)
    before = figure_hash(curve)
    start, end = curve.evaluate(PIXEL, [1.0, None]), curve.evaluate(PIXEL, [3.9, None])
    curve.mouse.move(*start)
    curve.mouse.down()
    curve.mouse.move((start[0] + end[0]) / 2, start[1], steps=5)
    curve.mouse.move(*end, steps=5)
    curve.mouse.up()
    until(curve, lambda seen: seen[0]["hash"] != before)
    value = float(box(curve, "look_at").input_value())
    assert value == pytest.approx(3.9, rel=0.05)
    assert curve.evaluate("document.querySelector('.labcore-figure').layout.shapes[0].x0") == pytest.approx(value)


def test_click_a_point(curve):
    reset(curve)
    x, y = curve.evaluate(
        """() => {
          const t = document.querySelector('.labcore-figure')._fullData.find(t => t.meta?.click);
          return [t.x[3], t.y[3]];
        }"""
    )
    curve.mouse.click(*curve.evaluate(PIXEL, [x, y]))
    wait_for_value(curve, "look_at", f"{x:.4g}")
    curve.wait_for_function(
        "x => Math.abs(document.querySelector('.labcore-figure').layout.shapes[0].x0 - x) < 1e-9", arg=x
    )


def test_a_pin_stays_behind(curve):
    reset(curve)
    red = """() => document.querySelector('.labcore-figure')._fullData
      .map(t => [t.name, t.line?.dash, Array.from(t.y)])"""
    curves = {name: y for name, _, y in curve.evaluate(red)}
    press(curve, "Pin")
    wait_for_status(curve, "^Pinned 1")
    enter(curve, "label_noise", "0.6")
    expected = reading_of(CURVE, **START, label_noise=0.6)
    wait_for_reading(curve, lambda text: text == expected)
    ghosts = [(dash, y) for name, dash, y in curve.evaluate(red) if name == "pinned: label noise = 0.15"]
    assert [y for _, y in ghosts] == [curves["training error"], curves["test error, median"]]
    assert {dash for dash, _ in ghosts} == {"dot"}
    assert {name: y for name, _, y in curve.evaluate(red)}["test error, median"] != curves["test error, median"]
    assert curve.locator(".labcore-figure .legendtext").all_text_contents() == ["pinned: label noise = 0.15"]
    press(curve, "Unpin")
    curve.wait_for_function("() => !document.querySelector('.labcore-figure .legendtext')")


# Away with it.


def test_export(curve):
    reset(curve)
    frame = labcore.run(CURVE, **START)
    press(curve, "Export")

    def saved(kind: str) -> tuple[str, bytes]:
        with curve.expect_download(timeout=30_000) as download:
            curve.get_by_role("button", name=kind, exact=True).click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    name, content = saved("CSV")
    table = pd.read_csv(io.BytesIO(content))
    assert name == f"{CURVE}.csv"
    assert table[table.variable == "test"].value.tolist() == pytest.approx(frame.test.values.ravel().tolist())
    name, content = saved("NetCDF")
    assert name == f"{CURVE}.nc"
    xr.testing.assert_allclose(xr.load_dataset(io.BytesIO(content), engine="h5netcdf"), frame)
    name, content = saved("PNG")
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    assert name == f"{CURVE}.png" and content.startswith(b"\x89PNG") and width > 800 and height > 500
    name, content = saved("SVG")
    words = content.decode()
    assert name == f"{CURVE}.svg" and words.startswith("<svg") and "squared error" in words and "NaN" not in words


def shared(page) -> dict[str, str]:
    """Move the bench to values of its own, some of them the experiment's defaults, and describe it."""
    # n_train goes back to the experiment's default, which a link leaves out
    for parameter, value in (("n_train", "200"), ("label_noise", "0.37"), ("look_at", "2")):
        enter(page, parameter, value)
    row(page, "data").locator("select").select_option("isotropic")
    expected = reading_of(CURVE, **{**START, "n_train": 200}, label_noise=0.37, data="isotropic")
    wait_for_reading(page, lambda text: text == expected)
    return shown(page)


def shown(page) -> dict[str, str]:
    boxes = {p: box(page, p).input_value() for p in ("n_train", "label_noise", "look_at", "n_seeds", "seed")}
    lists = {p: row(page, p).locator("select").input_value() for p in ("method", "data")}
    seen = until(page, lambda seen: len(seen) == 1)[0]
    return {**boxes, **lists, "hash": seen["hash"], "reading": seen["reading"]}


def test_a_link_shows_the_same(curve, voila_desk):
    reset(curve)
    sent = shared(curve)
    link = link_of(curve)
    assert link.startswith(f"{voila_desk}/voila/render/curve.ipynb?bench=")
    assert "labcore.run(" in curve.get_by_label("Python").input_value()
    with curve.context.expect_page() as opened:
        curve.evaluate("link => { window.open(link); }", link)
    other = opened.value
    other.set_viewport_size({"width": 1400, "height": 1000})
    wait_for_figures(other, 1)
    wait_for_reading(other, lambda text: text == sent["reading"])
    until(other, lambda seen: seen[0]["hash"] == sent["hash"])
    assert shown(other) == sent
    other.close()


def test_a_link_to_a_long_run_runs_it(page, voila_desk):
    open_in_voila(page, voila_desk, "net.ipynb", f"?bench={NET}&n_seeds=2&steps=900")
    expected = reading_of(NET, n_seeds=2, steps=900)
    wait_for_reading(page, lambda text: text == expected, 120)


def test_a_link_outside_a_range_shows_the_nearest_and_says_so(page, voila_desk):
    open_in_voila(page, voila_desk, "curve.ipynb", f"?bench={CURVE}&label_noise=99&seed=3&n_seeds=2")
    expected = reading_of(CURVE, label_noise=1.0, seed=3, n_seeds=2)
    wait_for_reading(page, lambda text: text == expected)
    assert (box(page, "label_noise").input_value(), box(page, "seed").input_value()) == ("1", "3")
    assert "label noise = '99' is not allowed, 1 is the nearest" in page.get_by_role("alert").text_content()


def test_a_bad_link_is_answered(page, voila_desk):
    open_in_voila(page, voila_desk, "curve.ipynb", f"?bench={CURVE}&label_noise=loud&seed=3")
    alert = page.get_by_role("alert")
    alert.wait_for(timeout=120_000)
    assert "link" in alert.text_content() and "label_noise = 'loud'" in alert.text_content()
    expected = reading_of(CURVE, **START)
    wait_for_reading(page, lambda text: text == expected)
    assert (box(page, "label_noise").input_value(), box(page, "seed").input_value()) == ("0.15", "0")
    # the first figure comes later than the link: it must not wipe the message away
    assert alert.is_visible()
    enter(page, "seed", "4")
    alert.wait_for(state="detached", timeout=20_000)


def test_predict_first(page, voila_desk):
    """The figure stays covered until the learner has committed; a link's values come after that."""
    open_in_voila(page, voila_desk, "question.ipynb", f"?bench={CURVE}&n_train=50&n_seeds=2&label_noise=0.4")
    (seen,) = wait_for_figures(page, 1)
    assert seen["covered"] and not any(c.isdigit() for c in seen["reading"])
    # its words say what the figure will show
    page.locator(".labcore-figure text").filter(has_text="squared error").first.wait_for(state="attached")
    assert box(page, "label_noise").is_disabled() and page.locator(".labcore-run").is_disabled()
    commit = page.get_by_role("button", name="Commit")
    assert commit.is_disabled()
    page.get_by_label("No", exact=True).check()
    page.wait_for_function("button => !button.disabled", arg=commit.element_handle())
    commit.click()
    page.get_by_text("You predicted: No.").wait_for()
    measured = reading_of(CURVE, n_train=50, n_seeds=2)
    panel = page.locator(".labcore-predict")
    panel.get_by_text(f"Measured: {measured}").wait_for(timeout=120_000)
    assert "It was: Yes." in panel.text_content()
    panel.locator(".labcore-why strong", has_text="spike").wait_for()
    panel.get_by_role("button", name="When would that be right?").wait_for()
    expected = reading_of(CURVE, n_train=50, n_seeds=2, label_noise=0.4)
    wait_for_reading(page, lambda text: text == expected)
    assert box(page, "label_noise").is_enabled()
    panel.get_by_role("button", name="When would that be right?").click()
    expected = reading_of(CURVE, n_train=50, n_seeds=2, label_noise=0.0)
    wait_for_reading(page, lambda text: text == expected)


# Keys, words and colours.

# the parameter's name for what has the focus in a row of controls, else the words on it
FOCUSED = """() => {
  const a = document.activeElement, row = a.closest('.labcore-control');
  const label = row && [...row.querySelectorAll('label, .widget-label-basic')]
    .map(l => l.textContent.replace('\u200b', '').trim()).find(Boolean);
  return a.closest('.labcore-bench') && !a.closest('.labcore-figure') ? label || a.textContent.trim() : null;
}"""


def test_keys_reach_everything_in_order(curve):
    reset(curve)
    unfold(curve)
    press(curve, "Unpin")
    curve.locator(".labcore-run").focus()
    stops = []
    while (stop := curve.evaluate(FOCUSED)) is not None and len(stops) < 60:
        stops.append(stop)
        curve.keyboard.press("Tab")
    experiment = catalog.load_experiment(CURVE)
    values = experiment.validate(**START)
    seen = [p for p in experiment.parameters.values() if p.matters(values)]
    # a slider with its box, or the seed with its die
    twice = {p.name: [p.label] * (2 if p.kind in ("int", "float") else 1) for p in seen}
    expected = ["Run", "Step", "Pin", "Menu", "Stop", "Unpin", "Reset", "Share", "Export", "Sweep"]
    expected += [stop for p in seen if p.main for stop in twice[p.name]] + ["More"]
    groups = dict.fromkeys(p.group for p in experiment.parameters.values())
    for group in [g for g in groups if g] + [""] * ("" in groups):
        expected += [stop for p in seen if p.group == group and not p.main for stop in twice[p.name]]
    drawer = {"Link", "Python", "Shell", "Papermill", "PowerShell"}
    assert [s for s in stops if s and s not in drawer] == expected


def test_the_menu_and_the_folded_controls_open_and_close_by_keyboard(curve):
    for name, inside in (("Menu", "Stop"), ("More", "seed")):
        fold = curve.get_by_role("button", name=name, exact=False).and_(curve.locator(".labcore-opens"))
        if fold.get_attribute("aria-expanded") == "true":
            fold.click()
        parts = fold.locator("xpath=following-sibling::*[1]")
        assert fold.get_attribute("aria-expanded") == "false" and parts.is_hidden()
        fold.focus()
        curve.keyboard.press("Enter")
        parts.wait_for(state="visible")
        assert fold.get_attribute("aria-expanded") == "true" and inside in parts.text_content()
        curve.keyboard.press("Tab")
        assert parts.evaluate("p => p.contains(document.activeElement)")
        curve.keyboard.press("Escape")
        parts.wait_for(state="hidden")
        assert fold.evaluate("f => document.activeElement === f") and fold.get_attribute("aria-expanded") == "false"


def test_keys_move_and_run(curve):
    reset(curve)
    handle = row(curve, "label_noise").get_by_role("slider")
    handle.focus()
    curve.keyboard.press("ArrowRight")
    wait_for_value(curve, "label_noise", "0.16")
    expected = reading_of(CURVE, **START, label_noise=0.16)
    wait_for_reading(curve, lambda text: text == expected)
    press(curve, "Pin")
    wait_for_status(curve, "^Pinned")
    named(curve, "Run").focus()
    curve.keyboard.press("Space")
    wait_for_status(curve, r"^[\d.]+ m?s$")


def test_what_a_screen_reader_says(curve):
    reset(curve)
    assert curve.get_by_role("status").filter(has_text=reading_of(CURVE, **START)).count() == 1
    # the slider speaks the value and not its place
    name = catalog.load_experiment(CURVE).parameters["n_train"].label
    handle = row(curve, "n_train").get_by_role("slider", name=name)
    assert handle.get_attribute("aria-valuetext") == "50"
    assert row(curve, "n_train").get_by_role("textbox", name=name).input_value() == "50"
    enter(curve, "n_train", "64")
    curve.wait_for_function("h => h.getAttribute('aria-valuetext') === '64'", arg=handle.element_handle())
    nameless = curve.locator(".labcore-bench").evaluate(
        """b => [...b.querySelectorAll('button, input, select, [role=slider]')].filter(e => e.offsetParent
          && ![e.getAttribute('aria-label'), e.title, e.textContent.trim()].some(Boolean)
          && ![...(e.labels ?? [])].some(l => l.textContent.trim()))
          .map(e => e.outerHTML)"""
    )
    assert nameless == []


SHAPE = """() => {
  const at = (css) => document.querySelector(css).getBoundingClientRect().toJSON();
  return { figure: at(".labcore-figure"), main: at(".labcore-main"), run: at(".labcore-run"),
           bench: at(".labcore-bench"), wide: document.documentElement.scrollWidth };
}"""


# the panels of the first figure, in its own pixels
PANELS = """() => {
  const { _plots } = document.querySelector(".labcore-figure")._fullLayout;
  return Object.values(_plots).map(({ xaxis, yaxis }) => ({
    left: xaxis._offset, right: xaxis._offset + xaxis._length,
    top: yaxis._offset, bottom: yaxis._offset + yaxis._length,
  }));
}"""


@pytest.mark.parametrize("width, height", [(1280, 900), (1024, 768), (390, 844)])
def test_the_picture_stands_first_and_its_controls_beside_or_under_it(page, voila_desk, width, height):
    page.set_viewport_size({"width": width, "height": height})
    open_in_voila(page, voila_desk, "curve.ipynb")
    wait_for_figures(page, 1)
    shape = page.evaluate(SHAPE)
    bench, figure, main = shape["bench"], shape["figure"], shape["main"]
    assert shape["wide"] <= width and figure["width"] > (0.65 if width > 1200 else 0.85) * bench["width"]
    assert figure["top"] - bench["top"] < 40 and figure["left"] - bench["left"] < 40
    assert main["left"] >= figure["right"] or main["top"] >= figure["bottom"]
    assert (
        page.locator(".labcore-control:visible").count() <= 3
        and page.locator(".labcore-toolbar button:visible").count() == 4
    )
    if width == 1280:  # with room for the lesson's own heading
        assert max(figure["bottom"], main["bottom"], shape["run"]["bottom"]) - bench["top"] < height - 150
    panels = page.evaluate(PANELS)
    for a in panels:
        assert a["left"] >= 0 and a["right"] <= figure["width"] and a["bottom"] <= figure["height"]
        if width == 390:
            assert a["right"] - a["left"] > 0.65 * figure["width"], "a panel is as wide as the phone"
        for b in panels:
            aside = a["right"] <= b["left"] or b["right"] <= a["left"]
            assert a is b or aside or a["bottom"] <= b["top"] or b["bottom"] <= a["top"]
    if width < 1280:
        boxes = page.locator(".labcore-main input[type=text]:visible").evaluate_all(
            "all => all.map(i => [i.scrollWidth, i.clientWidth])"
        )
        assert all(held <= room for held, room in boxes)


def test_numbers_are_typed_and_read_as_people_write_them(curve):
    reset(curve)
    enter(curve, "label_noise", "0,25")
    wait_for_value(curve, "label_noise", "0.25")
    enter(curve, "label_noise", "1/5")
    wait_for_value(curve, "label_noise", "0.2")
    row(curve, "method").locator("select").select_option("gd")
    enter(curve, "steps", "10 million")
    wait_for_value(curve, "steps", "10 million")
    typed = box(curve, "steps")
    held, room = typed.evaluate("i => [i.scrollWidth, i.clientWidth]")
    assert held <= room, "the box cuts what it holds"
    enter(curve, "steps", "1,000")
    curve.get_by_role("alert").filter(has_text="could be two numbers").wait_for()
    wait_for_value(curve, "steps", "10 million")


def test_no_button_uploads_the_figure(curve):
    titles = curve.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title ?? b.ariaLabel)")
    assert titles and not [t for t in titles if "hare" in t or "loud" in t]


def brightness(page, selector: str, what: str) -> list[float]:
    """Of every visible text in the selection, from 0 (black) to 255."""
    return page.locator(selector).evaluate_all(
        """(all, what) => all.filter(e => e.textContent.trim()).map(e => {
          const [r, g, b] = getComputedStyle(e)[what].match(/[\\d.]+/g).map(Number);
          return 0.3 * r + 0.59 * g + 0.11 * b;
        })""",
        what,
    )


def test_light_and_dark(curve, page, voila_desk):
    open_in_voila(page, voila_desk, "curve.ipynb", "?theme=dark")
    wait_for_figures(page, 1)
    ticks = ".labcore-figure g[class$=tick] text, .labcore-figure text[class$=title]"
    for opened, dark in ((curve, False), (page, True)):
        ground = brightness(opened, ".labcore-bench", "backgroundColor")[0]
        texts = [*brightness(opened, ticks, "fill"), *brightness(opened, ".labcore-reading", "color")]
        labels = brightness(opened, ".labcore-side .widget-label", "color")
        assert (ground < 60) == dark and (ground > 200) == (not dark)
        assert len(texts) > 10 and len(labels) > 5
        for text in texts + labels:
            assert text > 170 if dark else text < 120


def test_a_page_follows_the_system_unless_its_address_names_a_theme(page, voila_desk):
    page.emulate_media(color_scheme="dark")
    open_in_voila(page, voila_desk, "curve.ipynb")
    wait_for_figures(page, 1)
    ticks = ".labcore-figure g[class$=tick] text"
    for scheme, dark in (("dark", True), ("light", False)):  # without loading the page again
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("dark => document.body.dataset.jpThemeLight === String(!dark)", arg=dark, timeout=20_000)
        page.wait_for_function(
            """([selector, dark]) => {
              const [r] = getComputedStyle(document.querySelector(selector)).fill.match(/\\d+/g).map(Number);
              return dark ? r > 170 : r < 120;
            }""",
            arg=[ticks, dark],
            timeout=20_000,
        )
        for selector in ("body", ".labcore-bench"):
            ground = brightness(page, selector, "backgroundColor")[0]
            assert ground < 60 if dark else ground > 200
    page.emulate_media(color_scheme="dark")
    open_in_voila(page, voila_desk, "curve.ipynb", "?theme=light")
    wait_for_figures(page, 1)
    assert brightness(page, ".labcore-bench", "backgroundColor")[0] > 200


# JupyterLab.


def test_in_jupyterlab(browser, lab):
    """Keys stay in the bench, a reload keeps the figure, and a link opens it elsewhere."""
    with watched(browser) as page:
        open_in_lab(page, lab, "curve.ipynb")
        wait_for_figures(page, 1)
        page.wait_for_selector(".noUi-handle[aria-label]", state="attached")
        cells = page.locator(".jp-Notebook .jp-Cell").count()
        handle = row(page, "label_noise").get_by_role("slider")
        handle.focus()
        # each of these would add, cut, delete or change cells
        for key in ("a", "b", "d", "d", "x", "m", "ArrowRight"):
            page.keyboard.press(key)
        wait_for_value(page, "label_noise", "0.16")
        page.get_by_role("button", name="Menu").focus()
        for key in ("b", "d", "d", "Space"):
            page.keyboard.press(key)
        assert page.locator(".jp-Notebook .jp-Cell").count() == cells
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == cells

        sent = shared(page)
        link = link_of(page)
        assert link.startswith(f"{lab}/lab/") and "curve.ipynb?bench=" in link
        # the views of a reloaded page come from the saved outputs, their state from the kernel that lives on
        page.get_by_role("menuitem", name="File", exact=True).click()
        page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()
        page.wait_for_selector(".jp-mod-current:not(.jp-mod-dirty)")
        page.reload()
        wait_for_figures(page, 1)
        until(page, lambda seen: seen[0]["hash"] == sent["hash"])
        assert shown(page) == sent
        handle = row(page, "label_noise").get_by_role("slider")
        handle.focus()
        page.keyboard.press("ArrowRight")
        until(page, lambda seen: seen[0]["hash"] != sent["hash"])

    with watched(browser) as page:
        open_in_lab(page, lab, "curve.ipynb", link[link.index("?") :])
        wait_for_reading(page, lambda text: text == sent["reading"], 120)
        until(page, lambda seen: seen[0]["hash"] == sent["hash"])
        assert shown(page) == sent
