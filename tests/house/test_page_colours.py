"""What all views share: page colours on paper, colours that everyone tells apart, and builders that plotly takes."""

import itertools
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

import widgets
from labcore import figure as style

PALETTE = [style.BLUE, style.ORANGE, style.GREEN, style.RED, style.SKY, style.PURPLE]
PAGE = [style.INK, style.SOFT, style.GRID, style.PAPER, style.SHADE]


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, np.ndarray)):
        return [leaf for v in value for leaf in leaves(v)]
    return [value]


WRAPS = [
    lambda c: c,
    lambda c: {"a": [{"b": c}]},
    lambda c: (c, 1),
    lambda c: np.array([c, "x"]),
    lambda c: np.array([c, 1], object),
]


@pytest.mark.parametrize("wrap", WRAPS)
def test_no_page_colour_is_left_on_paper(wrap):
    for colour in PAGE:
        assert not [v for v in leaves(style.on_paper(wrap(colour))) if str(v).startswith("@")]


def test_on_paper_changes_colours_and_nothing_else():
    numbers = np.arange(3.0)
    spec = {"data": [{"x": numbers, "name": "mail me@ink.org", "n": None, "ok": True, "color": "#d55e00"}]}
    assert style.on_paper(spec) == spec and style.on_paper(spec)["data"][0]["x"] is numbers


def test_paper_has_the_colours_of_the_light_page():
    script = (Path(widgets.__file__).parent / "benches" / "plot.js").read_text(encoding="utf-8")
    for colour in PAGE:
        assert f'"{colour}": "{style.on_paper(colour)}"' in script


def linear(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    f = np.cbrt(np.clip(to_xyz @ rgb, 1e-6, None) / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira and Fernandes 2009: what a dichromat sees, in linear sRGB
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart(sight):
    seen = {c: lab(np.clip(np.array(SIGHT[sight]) @ linear(c), 0, 1)) for c in PALETTE}
    distances = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in itertools.combinations(PALETTE, 2)}
    pair = min(distances, key=distances.get)
    assert distances[pair] > 10, f"{pair} look alike: {distances[pair]:.1f}"


@pytest.mark.parametrize("paper", ["#ffffff", "#111417"])
def test_colours_are_seen_on_light_and_dark_pages(paper):
    back = lab(linear(paper))
    for colour in PALETTE:
        assert abs(lab(linear(colour))[0] - back[0]) > 25, colour


def test_bundle_is_the_curves_with_gaps_between():
    x, y = style.bundle(np.array([1, 2]), np.array([[3, 4], [5, 6], [7, 8]]))
    np.testing.assert_array_equal(x, [1, 2, np.nan] * 3)
    np.testing.assert_array_equal(y, [3, 4, np.nan, 5, 6, np.nan, 7, 8, np.nan])


def test_plotly_takes_what_the_builders_make():
    spec = {
        "data": [
            style.curve([1, 2], [3, 4], "c", style.BLUE, pin=True, click={"x": "n"}, opacity=0.5),
            style.curve([1, 2], [3, 4], "d", style.SOFT, axes="2"),
        ],
        "layout": {
            "xaxis": style.axis("n", range=[0, 1]), "yaxis": style.log_axis("error"),
            "xaxis2": {}, "yaxis2": {"anchor": "x2"},
            "shapes": [style.vertical(1.0), style.vertical(2.0, axes="2")],
            "annotations": [style.label(1, 2, "here"), style.label(1, 2, "there", axes="2", showarrow=True)],
        },
    }  # fmt: skip
    figure = go.Figure(style.on_paper(spec))
    assert figure.data[0].meta == {"pin": True, "click": {"x": "n"}} and figure.data[0].opacity == 0.5
    assert figure.data[1].xaxis == "x2" and figure.layout.shapes[1].yref == "y2 domain"
    assert figure.layout.annotations[1].xref == "x2" and figure.layout.annotations[1].showarrow
    assert figure.layout.yaxis.type == "log" and figure.layout.xaxis.range == (0, 1)


def test_a_curve_without_a_mark_is_not_pinned():
    assert not style.curve([1], [1], "c", style.RED)["meta"].get("pin")
