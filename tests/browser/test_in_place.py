"""A figure that follows a slider is rewritten in place, and is then the one that plotly would draw anew."""

from __future__ import annotations

import math
from contextlib import contextmanager

import pytest

from tests.browser.conftest import watched
from tests.browser.front import open_in_voila, wait_for_figures, write_notebook

CELL = """
import numpy as np
from labcore.figure import note, vertical
from widgets import bench

X = np.linspace(0, 6, 61)

def wave(phase=(0, 60), hidden=0):
    return dict(x=X, wave=np.sin(X + phase / 10))

def picture(frame):
    y, names = frame.wave.values, ["low", "middle", "high"]
    second, third, fourth = (dict(xaxis=f"x{k}", yaxis=f"y{k}") for k in (2, 3, 4))
    share, heights = (1 + y) / 4, y[[5, 30, 55]]
    some = [f"{v:.1f}" if k % 20 == 0 else "" for k, v in enumerate(y)]
    sheet = dict(z=np.outer([1, 2, 3], y[::3]), zmin=-3, zmax=3, showscale=False)
    data = [
        dict(x=X, y=np.cos(X), name="still", meta={"pin": True}),
        dict(x=X, y=y, name=f"wave {y[0]:.2f}", mode="lines+markers+text", text=some, showlegend=False,
             marker=dict(size=4 + 3 * share, color=y, cmin=-1, cmax=1)),
        dict(x=X[y > 0], y=y[y > 0], fill="tozeroy", line=dict(width=0)),
        dict(type="heatmap", x=X[::3], y=[0, 1, 2], **sheet, **second),
        dict(x=X, y=share, stackgroup="one", line=dict(width=0), **third),
        dict(x=X, y=1 - share, stackgroup="one", line=dict(width=0), **third),
        dict(type="bar", x=names, y=heights, text=[f"{v:.2f}" for v in heights], width=0.5 + share[3] / 2, **fourth),
        dict(type="bar", x=names, y=-y[[10, 20, 30]], width=0.4, **fourth),
    ]
    if y[0] > 0.9:  # a dot comes when the wave is high
        data.append(dict(x=[3.0], y=[y[30]], mode="markers"))
    halves = dict(xaxis=dict(title="x", domain=[0, 0.45]), xaxis2=dict(domain=[0.55, 1], anchor="y2"),
                  xaxis3=dict(domain=[0, 0.45], anchor="y3"), xaxis4=dict(domain=[0.55, 1], anchor="y4"))
    for k, (low, high) in {"": (0.6, 1), "2": (0.6, 1), "3": (0, 0.4), "4": (0, 0.4)}.items():
        halves[f"yaxis{k}"] = dict(title="y", domain=[low, high], anchor=f"x{k}")
    halves["yaxis4"] |= dict(tickvals=[-1, 0, 1, y[0]], ticktext=["down", "0", "up", f"{y[0]:.2f}"])
    words = [note(0.1, 0.9, f"it begins at {y[0]:.2f}"), note(0.1, 0.1, "this stays")]
    return dict(data=data, layout=dict(**halves, barmode="overlay", annotations=words, shapes=[vertical(1 + y[0])]))

bench(wave, view=picture)
"""
F = "document.querySelector('.labcore-figure')"
KEPT = f"{F}.calcdata.map((points, k) => points === window.points[k])"
# all that is seen, part for part, of the figure and of the same figure drawn anew
PARTS = """async () => {
  const figure = document.querySelector('.labcore-figure'), Plotly = await labcorePlotly('cartesian');
  const fresh = document.createElement('div');
  document.body.append(fresh);
  await Plotly.newPlot(fresh, structuredClone(figure.data), structuredClone(figure.layout), { displaylogo: false });
  const name = (gd) => new RegExp(`${gd._fullLayout._uid}|(trace|cb|legend)[0-9a-f]{6}`, 'g');
  const own = (node, of) => node.getAttributeNames().sort().map((key) => `${key}=${node.getAttribute(key)}`).join(' ')
    .replace(of, '').replace(/-?\\d+\\.\\d+/g, (v) => String(Math.round(100 * v) / 100));
  const seen = (gd) => [...gd.querySelectorAll('.main-svg :is(path, text, rect, image, line, circle)')]
    .filter((node) => !node.closest('.draglayer, .hoverlayer, .zoomlayer'))
    .map((node) => [node, name(gd)])
    .map(([node, of]) => [node.tagName, own(node, of), own(node.parentNode, of), node.closest('text')?.textContent]);
  const both = [figure, fresh].map((gd) => seen(gd).map((parts) => parts.join(' | ')).sort());
  Plotly.purge(fresh);
  fresh.remove();
  return both;
}"""


@pytest.fixture(scope="module")
def wave(browser, desk, voila_desk):
    write_notebook(desk / "wave.ipynb", CELL)
    with watched(browser) as page:
        open_in_voila(page, voila_desk, "wave.ipynb")
        wait_for_figures(page, 1)
        yield page


def handle(page):
    return page.locator(".labcore-control", has_text="phase").locator(".noUi-handle")


def box(page) -> str:
    return page.locator(".labcore-control", has_text="phase").locator("input[type=text]").input_value()


def begins(page) -> float:
    """The first number of the wave that is drawn."""
    return page.evaluate(f"{F}._fullData[1].y[0]")


def move(page, key: str = "ArrowRight") -> None:
    """Press a key on the slider, and wait until the figure shows the wave of the value in the box."""
    before = box(page)
    handle(page).press(key)
    page.wait_for_function(
        f"""([input, before]) => input.value !== before
          && Math.abs({F}._fullData[1].y[0] - Math.sin(input.value / 10)) < 1e-9""",
        arg=[
            page.locator(".labcore-control", has_text="phase").locator("input[type=text]").element_handle(),
            before,
        ],
        timeout=20_000,
    )


@contextmanager
def held(page):
    """The slider under the mouse: until it is let go, the axes hold still."""
    part = handle(page)
    part.scroll_into_view_if_needed()
    place = part.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    try:
        move(page)
        page.evaluate(f"window.points = [...{F}.calcdata]")
        yield
    finally:
        page.mouse.up()


def test_what_did_not_change_is_not_calculated_again(wave):
    with held(wave):
        move(wave)
        kept = wave.evaluate(KEPT)
    assert kept[0], "a curve that stays"
    assert not any(kept[1:4]), "a curve, a filled one and a heat map that move"


def test_a_rewritten_figure_is_the_one_that_plotly_draws_anew(wave):
    with held(wave):
        for _ in range(3):
            move(wave)
        assert wave.evaluate(KEPT)[0], "it was rewritten"
        ours, fresh = wave.evaluate(PARTS)
    assert len(ours) > 100 and ours == fresh


def test_a_trace_that_comes_and_goes_is_drawn(wave):
    count = lambda: wave.evaluate(f"{F}._fullData.length")  # noqa: E731
    with held(wave):
        before = count()
        for _ in range(40):
            move(wave, "ArrowLeft")
            if count() != before:
                break
        assert count() != before
        ours, fresh = wave.evaluate(PARTS)
    assert ours == fresh


def test_where_the_inner_parts_of_plotly_fail_the_figure_is_drawn_anew(wave):
    with held(wave):
        wave.evaluate(
            f"""() => {{
              const {{ _module: module }} = {F}._fullData[1], calc = module.calc;
              module.calc = () => {{ module.calc = calc; window.failed = true; throw new Error('no'); }};
            }}"""
        )
        move(wave)  # away from where a dot comes or goes, which is drawn anew anyhow
        assert wave.evaluate("window.failed")
        ours, fresh = wave.evaluate(PARTS)
    assert ours == fresh


def test_axes_fit_again_when_the_hand_rests(wave):
    with held(wave):
        wave.wait_for_function(f"!{F}._fullLayout.yaxis.autorange", timeout=20_000)
    wave.wait_for_function(f"{F}._fullLayout.yaxis.autorange", timeout=20_000)
    ours, fresh = wave.evaluate(PARTS)
    assert ours == fresh


def test_the_last_value_of_a_held_drag_is_shown(wave):
    """The hand has come to rest and still holds the slider."""
    part = handle(wave)
    part.scroll_into_view_if_needed()
    place = part.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    wave.mouse.move(x, y)
    wave.mouse.down()
    for turn in range(4):
        wave.mouse.move(x + (60 if turn % 2 else -60), y, steps=40)
    wave.mouse.move(x - 25, y)
    seen, value = -1.0, ""
    for _ in range(100):
        wave.wait_for_timeout(100)
        seen, before, value = begins(wave), value, box(wave)
        now = wave.evaluate("(h) => Number(h.getAttribute('aria-valuenow'))", part.element_handle())
        if value == before and float(value) == now and seen == pytest.approx(math.sin(now / 10)):
            break
    else:
        raise AssertionError(f"the slider stands at {value}, and the figure begins at {seen}")
    wave.mouse.up()
