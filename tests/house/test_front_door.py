"""The README's first page: what is there, what is coming, a moving picture, and things to do that can be done."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from labcore import catalog
from labcore.cli import cli
from widgets import moving_picture

ROOT = moving_picture.FILE.parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def test_the_readme_says_what_is_there_and_what_is_coming():
    assert f"\n{catalog.summary()}\n" in README
    ready = sum(p.status == "ready" for p in catalog.papers())
    assert f"on {ready} papers are here" in catalog.summary()
    assert str(len(catalog.papers())) not in README, "the catalogue's length is no promise of lessons"


def test_it_opens_with_a_moving_picture():
    picture = re.search(r"!\[(.+?)\]\((.+?)\)", README)
    assert picture[2] == "docs/spline.svg" and len(picture[1]) > 40
    assert README.index(picture[0]) < README.index("make lab")
    assert moving_picture.FILE.stat().st_size < 400_000


@pytest.fixture(scope="module")
def made():
    return moving_picture.picture()


def numbers(text):
    return np.array([float(n) for n in re.findall(r"-?\d+\.?\d*", text)])


def test_the_picture_is_what_the_script_makes(made):
    kept = moving_picture.FILE.read_text("utf-8")
    words = [re.sub(r"-?\d+\.?\d*", "#", text) for text in (kept, made)]
    assert words[0] == words[1], "python -m widgets.moving_picture draws it anew"
    assert np.allclose(numbers(kept), numbers(made), atol=0.11)  # a last digit


def test_the_curve_moves_under_the_hand_and_nowhere_else(made):
    root = ElementTree.fromstring(made)
    moving = next(g for g in root.iter(f"{SVG}g") if g.attrib["class"] == "moving")
    lines = {p.attrib.get("stroke", "before"): p for p in moving.iter(f"{SVG}polyline")}
    count = len(moving_picture.LIFTS) * moving_picture.STEPS + 1
    values = lines[moving_picture.BLUE].find(f"{SVG}animate").attrib["values"].split(";")
    curves = np.array([numbers(v).reshape(-1, 2) for v in values])
    assert len(curves) == count and np.abs(curves[0] - curves[-1]).max() == 0, "the end is the beginning"
    hand = next(moving.iter(f"{SVG}animateTransform")).attrib["values"].split(";")
    hand = np.array([numbers(v) for v in hand])
    before = numbers(lines["before"].attrib["points"]).reshape(-1, 2)
    assert lines["before"].find(f"{SVG}animate") is None
    for tip, curve in zip(hand, curves, strict=True):
        moved = np.abs(curve[:, 1] - before[:, 1]) > 1
        assert not moved[np.abs(curve[:, 0] - tip[0]) > moving_picture.WIDTH / 5].any()
    up = hand[moving_picture.STEPS // 2]
    assert np.abs(curves[moving_picture.STEPS // 2] - before).max() > 40 and up[1] < before[:, 1].min()


def test_less_motion_is_a_still_picture(made):
    root = ElementTree.fromstring(made)
    still = next(g for g in root.iter(f"{SVG}g") if g.attrib["class"] == "still")
    assert not [e for e in still.iter() if "animate" in e.tag] and "prefers-reduced-motion" in made


def test_there_are_three_things_to_do_and_they_can_be_done():
    part = README.partition("## The first three minutes")[2].partition("\n## ")[0]
    assert re.findall(r"^- \*\*(.+?)\.\*\*", part, re.M) == ["A student", "A teacher", "A researcher"]
    for question in re.findall(r"\*([A-Z][^*]+\?)\*", part.replace("\n  ", " ")):
        assert question in {lesson.question for lesson in catalog.lessons()}
    commands = [shlex.split(c)[1:] for c in re.findall(r"`(labcore [^`]+)`", part)]
    assert {c[0] for c in commands} == {"list", "claims"} <= set(cli.commands)
    assert "multitasking_hebbian" in {key for c in commands for key in c} & {p.key for p in catalog.papers()}
    for path in re.findall(r"\]\(([^)]+)\)", README):
        assert path.startswith("http") or (ROOT / path).is_file(), path
