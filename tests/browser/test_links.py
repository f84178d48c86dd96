"""Links as strangers open them, behind a proxy, under a path, with hostile words; and those of the prose, which move a
bench."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labcore import catalog
from tests.browser.conftest import free_port, serve_voila, watched
from tests.browser.front import (
    FRONTS,
    open_in_lab,
    open_on_desk,
    press,
    unfold,
    until,
    wait_for_figures,
    write_notebook,
)
from tests.browser.proxy import proxy
from tests.browser.test_bench import box, enter, link_of, reading_of, wait_for_reading
from widgets.benches import sharing

PLANE = "hebbian_projection.plane"  # many frames in an instant
LESSON, SENTENCE = "circuits/sentence_diagrams.ipynb", "qnlp.sentence"
CURVE = "double_descent.model_wise"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory) -> Iterator[str]:
    """The gallery at /labcore/ of a proxy."""
    for behind in serve_voila("notebooks", tmp_path_factory.mktemp("gallery") / "log", "--Voila.base_url=/labcore/"):
        with proxy(behind, free_port()) as url:
            yield f"{url}/labcore"


def test_the_gallery_lives_under_a_path(browser, gallery):
    """From the front page to a lesson's figure and its link, and the kernel ends with the page."""
    with watched(browser) as page:
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url) if r.url.startswith("http") else None)
        page.on("websocket", lambda s: asked.append(s.url))
        page.goto(gallery, timeout=120_000)
        assert page.url == f"{gallery}/voila/render/index.ipynb"
        page.locator(".labcore-lesson a").first.wait_for(timeout=60_000)
        page.locator(f".labcore-lesson h3 a[href$='{LESSON}']").click()
        page.wait_for_url(f"{gallery}/voila/render/{LESSON}", timeout=120_000)
        expected = reading_of(SENTENCE)
        wait_for_reading(page, lambda text: text == expected, 120)
        before = until(page, lambda seen: seen[0]["finite"] > 5)[0]["hash"]
        first = page.locator(".labcore-bench").filter(has=page.locator(".labcore-figure")).first
        unfold(first)
        angle = first.get_by_role("textbox", name="angle α₁")
        angle.fill("2.5")
        angle.press("Enter")
        expected = reading_of(SENTENCE, angle_1=2.5)
        wait_for_reading(page, lambda text: text == expected)
        until(page, lambda seen: seen[0]["hash"] != before)
        press(first, "Share")
        link = first.get_by_label("Link")
        page.wait_for_function("i => i.value.startsWith('http')", arg=link.element_handle(), timeout=20_000)
        assert link.input_value().startswith(f"{gallery}/voila/render/{LESSON}?bench={SENTENCE}&")
        outside = [a for a in asked if not urlsplit(a).path.startswith("/labcore")]
        assert outside == [] and any(a.startswith("ws") for a in asked)
        kernel = page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
        alive = f"{gallery}/api/kernels/{kernel}"
        assert page.request.get(alive).ok
        shown = link.input_value()
        page.goto(shown, timeout=120_000)
        wait_for_reading(page, lambda text: text == expected, 120)
        until(page, lambda _: page.request.get(alive).status == 404, 20)


MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.mark.parametrize(
    "query, words",
    [
        (f"angle_1={quote(MARKUP)}", "angle_1 = '<img src=x onerror=alert(1)>"),
        ("&a" * 900, "more than 64 values"),
    ],
    ids=["markup", "900 names"],
)
def test_a_hostile_link_is_answered_in_words(browser, gallery, query, words):
    with watched(browser) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
        page.goto(f"{gallery}/voila/render/{LESSON}?bench={SENTENCE}&{query}", timeout=120_000)
        alert = page.get_by_role("alert")
        alert.wait_for(timeout=120_000)
        assert "The link was not taken" in alert.text_content() and words in alert.text_content()
        expected = reading_of(SENTENCE)
        wait_for_reading(page, lambda text: text == expected)
        assert page.locator("[onerror]").count() == 0 and alert.locator("*").count() == 0
        assert alert.count() == 1 and dialogs == []


@pytest.mark.parametrize("query", ["&a" * 10_000, "&x=" + "1" * 1_000_000], ids=["10,000 names", "a megabyte"])
def test_an_address_beyond_measure_is_refused_and_harms_nobody(voila, query):
    """By the server below, before any kernel starts: with a status, or by hanging up on what it will not read."""
    page = f"{voila}/voila/render/{LESSON}"
    with pytest.raises(OSError) as refused:  # urllib's HTTPError is one
        urllib.request.urlopen(f"{page}?bench={SENTENCE}{query}", timeout=60)
    assert not isinstance(refused.value, urllib.error.HTTPError) or 400 <= refused.value.code < 500
    with urllib.request.urlopen(f"{voila}/voila/static/voila.js", timeout=60) as answer:
        assert answer.status == 200


def test_a_link_as_binder_opens_it_in_jupyterlab(browser, lab):
    """With the session's token behind it, which is no value of ours and goes into no link."""
    cells = [new_code_cell("from widgets import bench"), new_code_cell(f'bench("{CURVE}", n_train=50, n_seeds=2)')]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"type": "notebook", "content": new_notebook(cells=cells, metadata=kernel)}
    nbformat.validate(notebook["content"])
    values = catalog.load_experiment(CURVE).settings(n_train=50, n_seeds=2, label_noise=0.37)
    query = sharing.link_query(catalog.load_experiment(CURVE), values)
    with watched(browser) as page:
        assert page.request.put(f"{lab}/api/contents/linked.ipynb", data=notebook).ok
        open_in_lab(page, lab, "linked.ipynb", f"?{query}&token=c3po")
        expected = reading_of(CURVE, n_train=50, n_seeds=2, label_noise=0.37)
        wait_for_reading(page, lambda text: text == expected, 120)
        assert box(page, "label_noise").input_value() == "0.37"
        assert page.get_by_role("alert").count() == 0
        enter(page, "label_noise", "0.25")
        expected = reading_of(CURVE, n_train=50, n_seeds=2, label_noise=0.25)
        wait_for_reading(page, lambda text: text == expected)
        link = link_of(page)
        assert link.startswith(f"{lab}/lab/tree/linked.ipynb?") and "token" not in link
        assert dict(parse_qsl(urlsplit(link).query))["label_noise"] == "0.25"


# Links of the prose, which move a bench.

PROSE = (
    "## Why does it work?\n\n"
    "First [a hundred seeds on](#first?seed=100), or [too far](#first?seed=-4), or [by force](#first?seed=<b>x</b>). "
    f"Then [the other one](#{PLANE}?seed=5&stretch=3), [what is locked](#asked?seed=7), [nobody](#nobody?seed=1) "
    "and [a heading](#Why-does-it-work?)."
)
BENCHES = [
    f'bench("{PLANE}", budget="quick", label="first")',
    f'bench("{PLANE}", budget="quick", stretch=2.5)',
    f'bench("{PLANE}", budget="quick", label="asked", predict=Prediction('
    '"Up?", ("Yes", "No"), lambda _: "Yes", then=dict(seed=3)))',
]


def ends(**values) -> str:
    """What is read at the end of a run."""
    experiment = catalog.load_experiment(PLANE)
    return experiment.run(**experiment.settings("quick", **values)).attrs["reading"]


def in_sight(page, part) -> None:
    """Wait until a part of the page stands in the window."""
    inside = (
        "e => { const { top, bottom } = e.getBoundingClientRect(); return top >= -1 && bottom <= innerHeight + 1; }"
    )
    page.wait_for_function(inside, arg=part.element_handle(), timeout=20_000)


@pytest.fixture
def prose(desk):
    """A notebook of three benches and, below them, links."""
    cells = [new_code_cell("from widgets import Prediction, bench"), *map(new_code_cell, BENCHES)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[*cells, new_markdown_cell(PROSE)], metadata=kernel)
    nbformat.write(notebook, desk / "prose.ipynb")
    return "prose.ipynb"


@pytest.mark.parametrize("front", FRONTS)
def test_a_link_of_the_prose_moves_its_bench_and_back(request, page, front, prose):
    page.emulate_media(reduced_motion="reduce")  # nothing but links moves a bench
    open_on_desk(request, page, front, prose)
    before = wait_for_figures(page, 3)
    benches = page.locator(".labcore-bench")
    first, other, asked = (benches.nth(i) for i in range(3))
    press(first, "Pin")
    until(page, lambda seen: seen[0]["traces"] > before[0]["traces"])
    story = until(page, lambda seen: len(seen) == 3)

    def click(words: str) -> None:
        page.get_by_role("link", name=words).click()

    click("a hundred seeds on")
    seen = until(page, lambda seen: seen[0]["reading"] == ends(seed=100))
    assert [b["reading"] for b in seen[1:]] == [b["reading"] for b in before[1:]]
    in_sight(page, first.locator(".labcore-figure"))
    assert "seed = 100" in first.locator(".labcore-back").inner_text()
    press(first, "Unpin")
    first.get_by_role("button", name="Back to the story").click()
    until(page, lambda seen: {**seen[0], "status": ""} == {**story[0], "status": ""})
    assert first.locator(".labcore-back").is_hidden()
    in_sight(page, page.get_by_role("link", name="a hundred seeds on"))

    click("the other one")
    until(page, lambda seen: seen[1]["reading"] == ends(seed=5, stretch=3.0))
    in_sight(page, other.locator(".labcore-figure"))

    for words, answer in {
        "too far": "seed = '-4' is not allowed, 0 is the nearest",
        "by force": "seed = '<b>x</b>'",
    }.items():
        click(words)
        first.get_by_role("alert").filter(has_text=answer).wait_for()
    assert first.get_by_role("alert").locator("*").count() == 0

    click("what is locked")
    asked.get_by_role("alert").filter(has_text="asks you something first").wait_for()
    for words in ("nobody", "a heading"):
        click(words)
    page.wait_for_timeout(500)
    assert until(page, lambda seen: len(seen) == 3)[2]["reading"] == before[2]["reading"]
    assert page.get_by_role("alert").count() == 2


# Share and Export, of a figure that is seen in two places.


def test_what_is_saved_and_copied_is_so_once_and_where_it_was_asked_for(browser, desk, lab):
    """Two views of one bench: each press is answered in its own, and by one file."""
    write_notebook(desk / "twice.ipynb", "from widgets import bench", f'b = bench("{PLANE}", label="mine")', "b", "b")
    with watched(browser) as page:
        open_in_lab(page, lab, "twice.ipynb")
        wait_for_figures(page, 2)
        second = page.locator(".labcore-bench").nth(1)
        saved: list[str] = []
        page.on("download", lambda d: saved.append(d.suggested_filename))
        press(second, "Export")
        for kind in ("CSV", "PNG"):
            second.get_by_role("button", name=kind, exact=True).click()
            page.wait_for_timeout(3000)
        assert saved == [f"{PLANE}.csv", f"{PLANE}.png"]
        # as on a page without https
        page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
        press(second, "Share")
        second.get_by_role("status").filter(has_text="The link is selected").wait_for()
        box = second.get_by_label("Link")
        selected = box.evaluate(
            "e => e === document.activeElement && e.value.slice(e.selectionStart, e.selectionEnd) === e.value"
        )
        assert selected and "twice.ipynb?bench=mine&" in box.input_value()
        put = "{ value: { writeText: async (text) => { window.put = text; } } }"
        page.evaluate(f"() => {{ Object.defineProperty(navigator, 'clipboard', {put}); }}")
        press(second, "Share")
        second.get_by_role("status").filter(has_text="The link is copied").wait_for()
        assert page.evaluate("() => window.put") == box.input_value()
