"""A lesson that is ready is seen before its scripts have come, and comes alive in the same place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import blank_page, heard, leave, serve_voila, wait_until_ready
from tests.browser.front import write_notebook

CELL = "from widgets import bench\nbench('epochwise_descent.trajectory', budget='quick')"
# where the figure stands
PLACE = """(name) => {
  const { left, top, width, height } = document.querySelector(`${name} .labcore-figure`).getBoundingClientRect();
  return [left, top, width, height];
}"""
ALIVE = "() => (document.querySelector('.labcore-bench:not(.labcore-early) .labcore-figure')?._fullData ?? []).length"


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Iterator[str]:
    """The page of a notebook with one bench, which is executed ahead of its visitors."""
    folder = tmp_path_factory.mktemp("early")
    write_notebook(folder / "early.ipynb", CELL)
    server = serve_voila(folder, folder / "log", "--Gallery.ready_megabytes=5000", "--Gallery.warm=999")
    url = next(server)
    wait_until_ready(folder / "log", "early.ipynb")
    yield f"{url}/voila/render/early.ipynb"
    server.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_is_there_before_any_script_and_its_bench_takes_its_place(browser, ready, scheme):
    page, held = blank_page(browser), []
    page.emulate_media(color_scheme=scheme)
    page.set_default_timeout(120_000)
    with heard(page):
        # the parts of Voila: without them there is no line to a kernel
        page.route("**/*.voila.js*", lambda route: held.append(route))
        page.goto(ready, wait_until="commit")
        page.locator(".labcore-early .labcore-figure svg").wait_for()
        before = page.evaluate(PLACE, ".labcore-early")
        assert page.locator(".labcore-early :is(button, input, select)").count() == 0
        page.unroute("**/*.voila.js*")  # and lets them come
        page.wait_for_function(ALIVE)
        page.locator(".labcore-early").wait_for(state="detached")
        page.locator(".labcore-bench .labcore-run").wait_for()
        after = page.evaluate(PLACE, ".labcore-bench")
        assert held and after == pytest.approx(before, abs=12)
    leave(page)
    page.context.close()


def test_without_its_kernel_the_picture_stays(browser, ready):
    page = blank_page(browser)
    page.route("**/*.voila.js*", lambda route: route.abort())
    page.goto(ready, wait_until="commit")
    picture = page.get_by_role("img")
    picture.first.wait_for()
    assert picture.first.get_attribute("aria-label")
    assert page.locator(".labcore-early").is_visible()
    leave(page)
    page.context.close()
