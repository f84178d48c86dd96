"""A page of an executed lesson is put together so that it can be seen before its scripts have come."""

from __future__ import annotations

import json

import pytest

from widgets.gallery.early_page import with_early

WIDGET = "application/vnd.jupyter.widget-view+json"


def page(*bundles: dict) -> str:
    outputs = (
        '<script type="application/vnd.voila.cell-output+json">\n  '
        + json.dumps({"data": data}).replace("<", "\\u003c").replace(">", "\\u003e")
        + "\n</script>"
        for data in bundles
    )
    return f"<title>t</title><body>{''.join(f'<div>{each}</div>' for each in outputs)}</body>"


def test_a_bench_stands_before_the_output_that_will_replace_it():
    made = with_early(page({WIDGET: {"model_id": "one"}}, {WIDGET: {"model_id": "two"}}), {"one": "<p>EARLY</p>"})
    assert made.count("EARLY") == 1 and made.count("cell-output+json") == 2
    assert made.index("EARLY") < made.index('"one"') < made.index('"two"')


def test_html_stands_in_the_page_as_html():
    made = with_early(page({"text/html": "<b>bold</b>", "text/plain": "bold"}), {})
    assert "<b>bold</b>" in made and "cell-output+json" not in made


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": "<script>1</script>"},
        {"text/html": "of <i>$x^2$</i>"},
        {"text/html": r"of \(x\)"},
        {"text/html": "<b>b</b>", "image/png": "00"},
        {"text/plain": "plain"},
    ],
)
def test_what_scripts_have_to_make_is_left_to_them(data):
    given = page(data)
    assert with_early(given, {}).endswith(given.split("</title>")[1])


def test_the_page_waits_for_no_theme():
    head = with_early(page(), {}).split("<body>")[0]
    assert "themeLoaded = true" in head and ".labcore-early" in head
