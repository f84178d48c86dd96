"""Pages without a server: runs within a bound, figures packed and thinned, controls over a few values, handouts."""

import base64
import gzip
import json
import struct

import numpy as np
import pytest
import xarray as xr

from labcore import catalog
from labcore.figure import view_of
from tests.frames import quick
from widgets.site import lessons
from widgets.site.handouts import handout
from widgets.site.packed import packed, quantised
from widgets.site.runs import Runs, _ends, thinned
from widgets.site.still import points


def unpacked(text):
    """What widgets/site/page.js makes of a pack."""
    raw = gzip.decompress(base64.b64decode(text))
    (length,) = struct.unpack("<I", raw[:4])
    facts, data = json.loads(raw[4 : 4 + length]), raw[4 + length :]

    def leaf(value):
        if not (isinstance(value, dict) and "@" in value):
            return value
        offset, shape, low, step, log = value["@"]
        words = np.frombuffer(data, "<u2", int(np.prod(shape)), offset).reshape(shape)
        made = low + step * words
        made = np.where(words == 65534, 0, np.exp(made)) if log else made
        return np.where(words == 65535, np.nan, made)

    flat, specs = {}, []
    for change in facts.pop("changes"):
        for path in change["drop"]:
            del flat[tuple(path)]
        flat |= {tuple(path): leaf(value) for path, value in change["set"]}
        specs.append(dict(flat))
    return facts, specs


def test_packed_figures_are_what_they_were_to_four_digits():
    wave = np.sin(np.linspace(0, 9, 500))
    decades = np.array([0.0, 1e-6, 1e-3, 1.0, 1e4, np.nan])
    specs = [
        {"data": [{"y": wave * k, "z": np.outer(wave[:9], wave[:7])}], "layout": {"title": "a" * k, "range": [0, k]}}
        for k in (1, 2)
    ]
    specs.append({"data": [{"y": decades, "text": ["a", "b", "c", "d", "e"]}], "layout": {}})
    facts, found = unpacked(packed(specs, {"more": [1, "two"]}))
    assert facts == {"more": [1, "two"]}
    for k in (1, 2):
        assert np.allclose(found[k - 1]["data", 0, "y"], wave * k, atol=1e-4)
        assert found[k - 1]["layout", "title"] == "a" * k and found[k - 1]["layout", "range"] == [0, k]
    assert found[1]["data", 0, "z"].shape == (9, 7)
    kept = found[2]["data", 0, "y"]
    assert kept[0] == 0 and np.isnan(kept[5]) and np.allclose(kept[1:5], decades[1:5], rtol=1e-3)
    assert ("data", 0, "z") not in found[2] and found[2]["data", 0, "text"] == ["a", "b", "c", "d", "e"]


def test_what_does_not_change_is_written_once():
    rng = np.random.default_rng(0)
    still, moving = rng.standard_normal(4000), [rng.standard_normal(40) for _ in range(20)]
    one = packed([{"data": [{"y": still, "x": moving[0]}], "layout": {}}], {})
    all_ = packed([{"data": [{"y": still, "x": m}], "layout": {}} for m in moving], {})
    assert len(all_) < 1.6 * len(one)


@pytest.mark.parametrize("values", [[3.0, 3.0, 3.0], [0, 65533, 7], [-5, 12, 40_000], [np.nan, np.nan]])
def test_whole_and_constant_numbers_are_kept_exactly(values):
    values = np.array(values, dtype=float)
    low, step, log, words = quantised(values)
    assert not log
    assert np.array_equal(np.where(words == 65535, np.nan, low + step * words), values, equal_nan=True)


def test_a_run_within_its_bound_is_thinned_and_one_beyond_it_is_ended():
    runs = Runs()
    try:
        values = catalog.load_experiment("quadratic.shapes").settings("quick")
        frames = runs.run("quadratic.shapes", values, 60)
        full = quick("quadratic.shapes")
        assert len(full) == 41 and len(frames) == 40
        assert frames[0].equals(full[0]) and frames[-1].equals(full[-1])
        process = runs._process
        assert runs.run("quadratic.shapes", values, 0.01) is None
        assert runs._process is process, "it gave up between two frames"
        assert runs.run("quadratic.neuron", catalog.load_experiment("quadratic.neuron").settings("quick"), 60)
        with pytest.raises(RuntimeError, match="ParameterError"):
            runs.run("quadratic.neuron", {"seed": -1}, 60)
    finally:
        runs.close()


@pytest.mark.parametrize(("step", "computed"), [(0.01, 3), (0.08, 9), (0.2, 5)])
def test_a_run_that_would_take_far_too_long_is_given_up_early(monkeypatch, step, computed):
    """Each of its frames takes a second, and it may take 8."""
    clock = iter(range(1000))
    monkeypatch.setattr("widgets.site.runs.time.process_time", lambda: float(next(clock)))
    made = []

    def frames():
        while not made or made[-1] < 1:
            made.append(min(step * (len(made) + 1), 1.0))
            yield xr.Dataset(attrs={"progress": made[-1]})

    assert _ends(frames(), 8) == (made[-1] == 1) and len(made) == computed


@pytest.mark.parametrize(("count", "most"), [(3, 40), (41, 40), (100, 2), (7, 1)])
def test_thinned_keeps_the_first_and_the_last(count, most):
    kept = thinned(list(range(count)), most)
    assert len(kept) == min(count, most) and kept == sorted(set(kept))
    assert kept[-1] == count - 1 and (most == 1 or kept[0] == 0)


def test_a_control_has_the_values_that_are_asked_for_and_at_most_nine():
    steps = catalog.load_experiment("double_descent.model_wise").parameters["steps"]
    found = points(steps, 100_000, ["10", "1000", "10000000", "10"])
    assert found[:4] == [100_000, 10, 1000, 10_000_000] and len(found) == 9 == len(set(found))
    assert all(steps.low <= value <= steps.high and isinstance(value, int) for value in found)
    rule = catalog.load_experiment("hebbian_projection.plane").parameters["rule"]
    assert points(rule, "sanger", [])[0] == "sanger" and set(points(rule, "sanger", [])) == set(rule.choices)


def test_every_lesson_is_found_with_its_question_and_its_links():
    names = lessons.names()
    assert len(names) == len({p.notebook for p in catalog.papers() if p.status == "ready"})
    asked = lessons.asked_by_links(lessons.read("generalization/double_descent.ipynb"))
    assert {"10", "1000"} <= set(asked["double_descent.model_wise"]["steps"])
    assert all(lessons.title(lessons.read(name)).endswith("?") for name in names)


def test_a_lesson_is_old_when_its_code_or_text_has_changed(monkeypatch):
    name = "kan/edge_bases.ipynb"
    before = lessons.version(name)
    assert lessons.version(name) == before and lessons.version("kan/spline_edges.ipynb") != before
    read = lessons.Path.read_bytes
    monkeypatch.setattr(
        lessons.Path, "read_bytes", lambda path: read(path) + (b" " if path.name == "edge_bases.ipynb" else b"")
    )
    assert lessons.version(name) != before


PAGE = """<html><head><link rel="stylesheet" href="../shared/lessons.css"></head><body>
<header class="site-top">up</header>
<h1>Why?</h1><section class="labcore-bench"><form class="site-question"><p>Which?</p><label>
<input type="radio"> This</label><p class="site-buttons"><button>Commit</button></p></form>
<div class="site-still">figure</div>
<details class="site-answer"><summary>The answer</summary>It was: this.</details>
<script class="site-data" type="text/plain">AAAA</script></section>
<div class="site-exercise"><p>How many?</p><details><summary>A hint</summary>Count.</details></div>
<script src="../shared/lessons.js"></script></body></html>"""


def test_a_handout_has_its_answers_apart():
    asked, solved = handout(PAGE, "questions"), handout(PAGE, "solutions")
    for html in (asked, solved):
        assert "Which?" in html and "This" in html and "figure" in html and "How many?" in html
        assert "AAAA" not in html and "Commit" not in html and "lessons.js" not in html and "site-top" not in html
        assert '<script src="../shared/katex.min.js">' in html
    assert "It was" not in asked and "Count." not in asked and "site-room" in asked
    assert "It was: this." in solved and "Count." in solved and solved.count("<details") == solved.count('open=""') == 2


def test_the_views_of_a_page_move_only_its_control():
    from widgets.site.still import _without_hands

    spec = view_of(catalog.load_experiment("epochwise_descent.trajectory"))(quick("epochwise_descent.trajectory")[-1])
    assert "at_time" in json.dumps(spec["layout"]["meta"])
    assert "meta" in _without_hands(spec, "at_time")["layout"]
    assert "meta" not in _without_hands(spec, "kappa")["layout"]


def test_a_pinned_curve_stays_only_on_axes_that_mean_the_same():
    from widgets.site.still import _fits

    def figure(title, **more):
        return {
            "data": [],
            "layout": {"xaxis": {"title": {"text": title}, **more}, "yaxis": {"title": {"text": "error"}}},
        }

    trace = {"xaxis": "x", "yaxis": "y"}
    assert _fits(trace, figure("steps"), figure("steps", range=[0, 1]))
    assert not _fits(trace, figure("steps"), figure("seconds"))
    assert not _fits(trace, figure("steps"), figure("steps", type="log"))
    assert not _fits(trace, figure("task", ticktext=["a", "b"]), figure("task", ticktext=["c"]))
