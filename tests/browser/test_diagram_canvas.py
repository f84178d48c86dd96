"""The diagram canvas under a real mouse and real keys, in Voila and in JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser.front import open_on_desk, write_notebook

CELL = """from widgets import diagram_canvas
diagram_canvas("f(y=5, x=6, k=3, v=4) = Q[y k], K[x k], V[x v]")"""
IDLE = "() => document.querySelector('.labcore-diagram').getAttribute('aria-busy') !== 'true'"
TEXT = "words => document.querySelector('.labcore-diagram textarea').value.includes(words)"
NOT = "words => !document.querySelector('.labcore-diagram textarea').value.includes(words)"
FOCUS = "() => document.activeElement.getAttribute('aria-label') ?? ''"


@pytest.mark.parametrize("front", ["voila", "lab"])
def test_hands_on_the_diagram(request, page, desk, front):
    write_notebook(desk / "diagram_canvas.ipynb", CELL)
    open_on_desk(request, page, front, "diagram_canvas.ipynb")
    page.wait_for_selector(".ncd-hit[tabindex]", timeout=120_000)

    def wire(axis: str, nth: int = 0):
        """The nth wire of an axis in the last column."""
        hits = "[...document.querySelectorAll('rect.ncd-hit')].map(h => +h.dataset.wire.split('-')[0])"
        last = page.evaluate(f"() => Math.max(...{hits})")
        return page.locator(f".ncd-hit[data-wire^='{last}-'][aria-label^='axis {axis},']").nth(nth)

    def tool(name: str) -> None:
        page.locator(f"[data-tool='{name}']").click()
        page.wait_for_function(f"() => document.querySelector('[data-tool={name}]').ariaPressed === 'true'")

    def settled() -> None:
        page.wait_for_timeout(60)
        page.wait_for_function(IDLE, timeout=20_000)

    # an axis lights up through the whole diagram, with its size
    wire("k").hover()
    page.wait_for_selector(".ncd-wire.lit[data-axis='k']", state="attached")
    assert page.locator(".ncd-wire.lit").count() == page.locator(".ncd-wire[data-axis='k']").count() == 2
    assert page.locator(".ncd-tip-text").text_content() == "k: size 3"

    # the mouse: two wires of one axis meet; two of different axes are refused, in words and in red
    tool("contract")
    wire("k", 0).click()
    page.wait_for_selector(".ncd-picked", state="attached")
    wire("k", 1).click()
    page.wait_for_function(TEXT, arg="contract k#1 k#2")
    wire("y").click()
    page.wait_for_selector(".ncd-picked", state="attached")
    wire("x", 1).click()
    page.wait_for_selector(".ncd-error:not([hidden])")
    assert "y (size 5) and x (size 6)" in page.locator(".ncd-error").text_content()
    assert page.locator("circle.ncd-refusal").count() == 2 and page.locator(".ncd-cross").count() == 1
    assert page.locator(".ncd-hold").count() == 2, "the last good diagram is there"
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('[data-tool].on')")

    # the keyboard: a tool, a wire by its arrows, and Enter
    page.locator("[data-tool='softmax']").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('[data-tool=softmax]').ariaPressed === 'true'")
    page.locator("rect.ncd-hit[tabindex='0']").first.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUS).startswith("axis y")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS).startswith("axis x")
    page.keyboard.press("Enter")
    page.wait_for_function(TEXT, arg="softmax x")
    page.keyboard.press("Escape")
    settled()

    # a triangle is dragged to another wire, and comes back by an arrow key
    triangle = page.locator(".ncd-hold.moves")
    triangle.scroll_into_view_if_needed()
    box = triangle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 8):
        page.mouse.move(x - step, y - 4 * step)
    page.mouse.up()
    page.wait_for_function(TEXT, arg="softmax y")
    settled()
    page.locator(".ncd-hold.moves").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function(TEXT, arg="softmax x")
    settled()

    # a box opens: its line is marked in the program
    page.wait_for_selector(".ncd-code .chosen")
    assert "torch.softmax(joined, 1)" in page.locator(".ncd-code .chosen").text_content()
    assert "softmax x" in page.locator(".ncd-details").text_content()

    # a size moves the bars, and they say by how much
    slider = page.get_by_label("size of axis x", exact=True)
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(TEXT, arg="x=12")
    page.wait_for_selector(".ncd-ratio", state="attached")
    assert page.evaluate("() => document.activeElement.type") == "range", "the slider keeps the focus"

    # the text leads too, and a text that is no diagram changes nothing else
    area = page.get_by_label("The diagram as text")
    good = area.input_value()
    area.press("Control+End")
    area.type("\n| contract x v")
    page.wait_for_selector(".ncd-error:not([hidden])")
    assert page.locator(".ncd-hold").count() == 3 and area.input_value().endswith("| contract x v")
    area.fill(good + "\n| copy")
    page.wait_for_function("() => document.querySelectorAll('.ncd-hold').length === 4")
    page.wait_for_selector(".ncd-error", state="hidden")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(NOT, arg="copy")

    # data, step by step
    for _ in range(4):
        page.get_by_role("button", name="Step data").click()
        settled()
    assert page.locator(".ncd-maps canvas").count() == 2 and page.locator("line.ncd-cut").count() == 2
    page.get_by_role("button", name="Hide data").click()
    page.wait_for_function("() => !document.querySelector('.ncd-maps canvas')")

    # the backward diagram, and back
    page.get_by_role("button", name="Backward diagram").click()
    page.wait_for_selector("line.ncd-mirror", state="attached")
    assert "f_backward" in page.locator(".ncd-code").text_content()
    page.get_by_role("button", name="Backward diagram").click()
    page.wait_for_selector("line.ncd-mirror", state="detached")

    # what is taken home
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save torch").click()
    space: dict = {}
    exec(saved.value.path().read_text(), space)
    assert callable(space["f"]) and saved.value.suggested_filename == "f.py"
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save SVG").click()
    assert saved.value.path().read_text().startswith("<svg xmlns")

    # another architecture, its blocks closed and one opened by the keyboard; Delete takes a box away
    page.get_by_label("Architecture").select_option("residual_block")
    page.wait_for_selector(".ncd-fold", state="attached")
    page.get_by_role("button", name="Close blocks").click()
    page.wait_for_function("() => document.querySelectorAll('.ncd-hold').length === 4")
    page.locator(".ncd-fold").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.ncd-hold').length === 12")
    settled()
    assert page.evaluate(FOCUS) == "block conv, close it"
    page.locator(".ncd-hold[data-box='3']").focus()
    page.keyboard.press("Delete")
    page.wait_for_function("() => document.querySelectorAll('.ncd-hold').length === 11")
