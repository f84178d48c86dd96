"""Points and lines of a picture under a hand, with mouse, finger and keyboard."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import watched
from tests.browser.front import open_on_desk, wait_for_figures, write_notebook

CELL = """from widgets import Prediction, bench
bench("kan_assessment.edge")"""
TOP = "document.querySelector('.labcore-figure')._fullLayout.yaxis.range[1]"
LIFTED = "document.querySelector('.labcore-figure')._fullData.find((t) => t.name === 'moved').y[0]"
ASKED = """bench("symmetric_stdp.window", predict=Prediction("Up?", ("Yes", "No"), right=lambda frame: "Yes"))"""


@pytest.fixture(scope="module", params=["voila", "lab"])
def edge(request, browser, desk):
    """The spline and a bench that asks something first, on a page that the tests share."""
    write_notebook(desk / "hands.ipynb", CELL, ASKED, 'bench("modular_addition.vote")')
    with watched(browser) as page:
        open_on_desk(request, page, request.param, "hands.ipynb")
        wait_for_figures(page, 3)
        yield page


def bench(page):
    return page.locator(".labcore-bench").first


def hand(page, label: str):
    return bench(page).get_by_role("slider", name=label, exact=True).and_(page.locator(".labcore-hand"))


def shown(page, label: str) -> float:
    """What the control's box holds."""
    row = bench(page).locator(".labcore-control").filter(has_text=label)
    return float(row.locator("input[type=text]").first.input_value())


def wait_for(page, label: str, condition) -> float:
    for _ in range(200):
        if condition(value := shown(page, label)):
            return value
        page.wait_for_timeout(50)
    raise AssertionError(f"{label} stays at {value}")


def settled(page, label: str) -> float:
    """What the control holds when it has come to where the hand is."""
    wait_for(page, label, lambda now: now == float(hand(page, label).get_attribute("aria-valuenow")))
    return shown(page, label)


def drawn(page) -> float:
    """Where the control point is drawn."""
    return page.evaluate(LIFTED)


def middle(part) -> tuple[float, float]:
    part.scroll_into_view_if_needed()
    box = part.locator(".labcore-hand-ring").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def span(page) -> list[float]:
    return page.evaluate("[...document.querySelector('.labcore-figure')._fullLayout.yaxis.range]")


def wait_for_rest(page) -> None:
    """Until the axis fits what is drawn: the highest point is below its end, and not far."""
    page.wait_for_function(
        """() => {
          const f = document.querySelector('.labcore-figure');
          const top = Math.max(...f._fullData.filter((t) => t.yaxis !== "y2").flatMap((t) => Array.from(t.y)));
          const [low, high] = f._fullLayout.yaxis.range;
          return top < high && high - top < 0.2 * (high - low);
        }""",
        timeout=20_000,
    )


def test_the_control_point_is_dragged_and_the_axes_hold_still(edge):
    label = "lift of the point"
    before, height, axis = settled(edge, label), drawn(edge), span(edge)
    x, y = middle(hand(edge, label))
    edge.mouse.move(x, y)
    edge.mouse.down()
    for k in range(1, 11):
        edge.mouse.move(x + k, y - 6 * k)
    value = wait_for(edge, label, lambda now: now > before)
    # the hand is held: it stands under the pointer, beyond the end of the axis
    assert span(edge) == axis
    assert middle(hand(edge, label))[1] == pytest.approx(y - 60, abs=6)
    edge.wait_for_function(
        f"(to) => Math.abs({LIFTED} - to) < 1e-6",
        arg=height + shown(edge, label) - before,
        timeout=20_000,
    )
    assert span(edge) == axis and drawn(edge) > axis[1] * 0.8
    edge.mouse.up()
    edge.wait_for_function(f"(high) => {TOP} > high", arg=axis[1])
    wait_for_rest(edge)
    assert settled(edge, label) >= value
    assert hand(edge, label).evaluate("(h) => h === document.activeElement"), "arrow keys go on from there"


def test_arrow_keys_move_by_the_steps_of_the_control(edge):
    label = "lift of the point"
    part = hand(edge, label)
    part.focus()
    before = settled(edge, label)
    for key, by in (("ArrowUp", 0.02), ("ArrowDown", -0.02), ("PageUp", 0.2), ("ArrowRight", 0.02)):
        edge.keyboard.press(key)
        before = wait_for(edge, label, lambda now, want=before + by: abs(now - want) < 1e-9)
        expect(part).to_have_attribute("aria-valuenow", f"{before:g}")  # the picture follows its control
    assert part.get_attribute("aria-valuetext") == f"{label} {before:g}"
    edge.keyboard.press("Home")
    wait_for(edge, label, lambda now: now == -2)
    assert bench(edge).locator(".labcore-hand:focus").count() == 1, "the hand that was moved keeps the focus"
    edge.keyboard.press("End")
    wait_for(edge, label, lambda now: now == 2)


def test_another_control_point_can_be_taken(edge):
    wait_for_rest(edge)
    taken = shown(edge, "point that is moved")
    x, y = edge.evaluate(
        """() => {
          const f = document.querySelector('.labcore-figure'), r = f.getBoundingClientRect();
          const { xaxis, yaxis } = f._fullLayout, t = f._fullData.find((t) => t.name === "control points");
          return [r.left + xaxis._offset + xaxis.d2p(t.x[14]), r.top + yaxis._offset + yaxis.d2p(t.y[14])];
        }"""
    )
    edge.mouse.move(x, y)
    edge.mouse.down()
    for k in range(1, 9):
        edge.mouse.move(x, y - 5 * k)
    edge.mouse.up()
    assert taken != 14
    wait_for(edge, "point that is moved", lambda now: now == 14)
    assert 0 < settled(edge, "lift of the point") < 2


def test_a_line_is_dragged_and_its_figure_follows(edge):
    label = "input to light up x"
    part = hand(edge, label)
    x, y = middle(part)
    before = float(part.get_attribute("aria-valuenow"))
    assert part.evaluate("(h) => getComputedStyle(h).cursor") == "ew-resize"
    edge.mouse.move(x, y)
    edge.mouse.down()
    edge.mouse.move(x - 40, y, steps=5)
    assert part.evaluate("(h) => getComputedStyle(h).cursor") == "grabbing"
    edge.mouse.up()
    value = float(part.get_attribute("aria-valuenow"))
    assert value < before
    edge.wait_for_function(
        "(x) => Math.abs(document.querySelector('.labcore-figure').layout.shapes[0].x0 - x) < 1e-9", arg=value
    )


def test_axes_hold_still_under_a_slider(edge):
    wait_for_rest(edge)
    slider = bench(edge).locator(".labcore-control").filter(has_text="lift of the point").locator(".noUi-handle")
    slider.scroll_into_view_if_needed()
    box, axis = slider.bounding_box(), span(edge)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before, height = shown(edge, "lift of the point"), drawn(edge)
    edge.mouse.move(x, y)
    edge.mouse.down()
    edge.mouse.move(x + 60, y, steps=10)
    wait_for(edge, "lift of the point", lambda now: now > before + 0.3)
    edge.wait_for_timeout(500)  # the slider's last messages
    after = shown(edge, "lift of the point")
    edge.wait_for_function(f"(to) => Math.abs({LIFTED} - to) < 1e-6", arg=height + after - before)
    assert span(edge) == axis
    edge.mouse.up()
    edge.wait_for_function(f"(high) => {TOP} > high", arg=axis[1])
    assert shown(edge, "lift of the point") >= after


def test_a_finger_holds_a_hand(edge):
    """Through the browser's own touch events; the page does not scroll under the finger."""
    label = "lift of the point"
    wait_for_rest(edge)
    x, y = middle(hand(edge, label))
    before, top = settled(edge, label), edge.evaluate("scrollY")
    hit = hand(edge, label).locator(".labcore-hand-hit").bounding_box()
    assert min(hit["width"], hit["height"]) >= 24
    touch = edge.context.new_cdp_session(edge)
    point = lambda dy: [{"x": x, "y": y + dy}]  # noqa: E731
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": point(0)})
    for k in range(1, 9):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": point(5 * k)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for(edge, label, lambda now: now < before)
    assert edge.evaluate("scrollY") == top


def test_a_hand_goes_around_its_circle(edge):
    """A quarter turn of the first number's hand, on a clock of 23, and on with the keyboard."""
    clock = edge.locator(".labcore-bench").nth(2)
    part = clock.get_by_role("slider", name="first number x", exact=True).and_(edge.locator(".labcore-hand"))
    x, y = middle(part)
    cx, cy = clock.locator(".labcore-figure").evaluate(
        """(f) => {
          const r = f.getBoundingClientRect(), { xaxis, yaxis } = f._fullLayout;
          return [r.left + xaxis._offset + xaxis.d2p(0), r.top + yaxis._offset + yaxis.d2p(0)];
        }"""
    )
    radius, first = math.hypot(x - cx, y - cy), math.atan2(y - cy, x - cx)
    assert first == pytest.approx(2 * math.pi * 3 / 23 - math.pi / 2, abs=0.02), "3 stands where a clock has it"
    edge.mouse.move(x, y)
    edge.mouse.down()
    for k in range(1, 11):
        turned = first + 2 * math.pi * 6 / 23 * k / 10
        edge.mouse.move(cx + 1.3 * radius * math.cos(turned), cy + 1.3 * radius * math.sin(turned))
    assert part.get_attribute("aria-valuetext") == "first number x 9"
    where = middle(part)
    assert math.hypot(where[0] - cx, where[1] - cy) == pytest.approx(radius, abs=2), "it stays on its circle"
    edge.mouse.up()
    clock.get_by_text("9 + 8 = 17").first.wait_for()
    edge.keyboard.press("ArrowLeft")
    clock.get_by_text("8 + 8 = 16").first.wait_for()


def test_nothing_can_be_held_before_the_question_is_answered(edge):
    asking = edge.locator(".labcore-bench").nth(1)
    assert asking.locator(".labcore-hand").count() == 0
    asking.get_by_role("button", name="Skip").click()
    asking.get_by_role("slider", name="left lobe").and_(edge.locator(".labcore-hand")).wait_for()
