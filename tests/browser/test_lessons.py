"""Every lesson, in Voila and in JupyterLab, under a browser's hands."""

from __future__ import annotations

import re

import pytest

from labcore import catalog
from tests.browser.front import benches_in, open_in_lab, open_in_voila, until, wait_for_figures

LESSONS = sorted({p.notebook for p in catalog.papers() if p.status == "ready"})


@pytest.fixture(params=["voila", "lab"])
def opened(request, page):
    """A function that opens a lesson in one of the two front ends."""
    url = request.getfixturevalue(request.param)
    return lambda lesson: (open_in_voila if request.param == "voila" else open_in_lab)(page, url, lesson)


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_moves(page, opened, lesson):
    opened(lesson)
    count = benches_in(lesson)
    wait_for_figures(page, count)
    skip = page.get_by_role("button", name="Skip")
    for left in range(skip.count(), 0, -1):
        skip.first.click()
        while skip.count() >= left:  # the kernel takes the button away
            page.wait_for_timeout(50)
    before = wait_for_figures(page, count)
    for number in range(count):
        bench = page.locator(".labcore-bench:has(.labcore-figure)").nth(number)
        bench.scroll_into_view_if_needed()
        slider = bench.locator(".noUi-handle:visible").first
        slider.focus()
        # far enough for a figure to show it, and not to the end, which may be where the run starts
        room = float(slider.get_attribute("aria-valuenow")) - float(slider.get_attribute("aria-valuemin"))
        for _ in range(10 if room < 1 else min(10, int(room - 1) or 1)):
            page.keyboard.press("ArrowRight" if room < 1 else "ArrowLeft")
        bench.get_by_role("button", name="Run").first.click()
        after = until(page, lambda seen, number=number: seen[number]["hash"] != before[number]["hash"])
        bench.get_by_role("button", name="Stop").click()
        until(page, lambda seen, number=number: re.search(r"^Stopped|s$", seen[number]["status"]))
        assert after[number]["reading"] != "Computing the first figure ..."
    # a bench that moves leaves the others alone
    assert page.locator(".labcore-error").count() == 0
