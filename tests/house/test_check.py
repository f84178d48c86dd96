"""`labcore check`: each rule finds what it is there for, in a new paper that was broken in one place."""

import subprocess
import sys

import pytest

from labcore import catalog, new_paper
from tests.house.test_guests import here, labcore  # noqa: F401 - a fixture
from widgets.check.labels import boxes, labels_are_apart
from widgets.check.report import report

SEED = "np.random.default_rng([seed, k])"
FRAME = "dict(distance=distance), f"

BROKEN = {
    "view.py is missing": ("view", None, None),
    "mechanism.py does not say what it is": ("mechanism", '"""The idea alone', 'x = """The idea alone'),
    "importing the mechanism loads xarray": ("__init__", "from .mech", "from . import experiments\nfrom .mech"),
    "__all__ of __init__.py lists away, which is not there": ("__init__", '["descend"]', '["away", "descend"]'),
    "view.py has no function course": ("view", "def course", "def curse"),
    "claims.py has no claim": ("claims", "@claim", "# @claim"),
    "broken with seeds from 404": ("claims", ">= 0.05, size", ">= 0.3, size"),
    "smaller_steps_end_nearer returns True; it must return Evidence(mean(...) >= limit, size=...)": (
        "claims", "return Evidence(", "return True or Evidence(",
    ),
    "rate has no description": ("experiments", '"How far a step goes"', '""'),
    "distance has no long_name": ("experiments", '"distance from the valley")', '"")'),
    "it declares no frame": ("experiments", ", frame=COURSE", ""),
    "distance has the units 'm' and is declared in ''": (
        "experiments", "    yield COURSE(", "    m = dict(units='m')\n    yield _in(m, COURSE)(",
    ),
    "experiments.py is not Python": ("experiments", "def course", "def course course"),
    "the last frame's progress is 0.5": ("experiments", '.3f} from the valley."', '.3f} from the valley.", 0.5'),
    "a reading is a sentence, with a capital": ("experiments", 'f"Over', 'f"over'),
    "a reading says a number of its frame": (
        "experiments", 'f"Over the second half of {steps} steps the point is {late:.3f} from the valley."', '"It went."'
    ),
    "another seed gives the same result": ("experiments", SEED, "np.random.default_rng(k)"),
    "the same seed does not give the same bits, in distance": ("experiments", SEED, "np.random.default_rng()"),
    "it draws from numpy's global generator": ("experiments", SEED + ".standard_normal", "np.random.standard_normal"),
    "the view changes its frame": ("view", "along =", 'frame["distance"] = frame.distance + 1\n    along ='),
    "no y axis has a title": ("view", ', "yaxis": axis(frame.distance)', ""),
    'yaxis is drawn beside x2, away from its curves: anchor="x"': (
        "view", '"yaxis": axis(frame.distance)', '"yaxis": axis(frame.distance, anchor="x2")'
    ),
    "the labels 'one' and 'two' lie on each other": (
        "view", '"layout": {', '"layout": {"annotations": [dict(x=0.5, y=0.5, xref="paper", yref="paper", text=t, '
        'showarrow=False) for t in ("one", "two")], ',
    ),
    "ZeroDivisionError: float division by zero (experiments.py, line": (
        "experiments", "    paths =", "    1 / (1.0 - rate)\n    paths =",
    ),
    "ModuleNotFoundError: No module named 'nowhere'": ("mechanism", "import numpy", "import nowhere\nimport numpy"),
    "KeyError: 'nothing' (view.py, line": ("view", "along =", '{}["nothing"]\n    along ='),
}  # fmt: skip

IN_METRES = """

def _in(m, made):
    return lambda *given: made(*given).assign(distance=lambda frame: frame.distance.assign_attrs(m))
"""


@pytest.mark.parametrize("says", BROKEN)
def test_what_is_wrong_is_a_line_that_says_where(here, says, monkeypatch):  # noqa: F811
    file, old, new = BROKEN[says]
    if "importing" not in says:  # which takes a process each time
        monkeypatch.setattr("widgets.check.folder.import_weight", lambda key: (0.0, []))
    key = f"my_broken_{list(BROKEN).index(says)}"
    path = new_paper.new(key) / f"{file}.py"
    if old is None:
        path.unlink()
    else:
        text = path.read_text("utf-8")
        assert old in text
        text = text.replace(old, new)
        if "_in(m" in new:
            text += IN_METRES
        path.write_text(text, "utf-8")
    mend = [line for line in report(key) if line.kind == "mend"]
    assert [line for line in mend if says in line.says], mend
    assert all(line.where and "\n" not in line.says for line in mend)


def test_a_new_paper_passes_its_check_and_a_broken_one_does_not(here):  # noqa: F811
    assert labcore("new", "my_idea", at=here).returncode == 0
    done = labcore("check", "my_idea", at=here)
    assert done.returncode == 0 and done.stdout.endswith("my_idea: nothing to mend\n") and "mend  " not in done.stdout
    assert "a quick run takes" in done.stdout and "importing the mechanism takes" in done.stdout
    view = here / "my_idea" / "view.py"
    view.write_text(view.read_text("utf-8").replace("def course", "def curse"), "utf-8")
    done = labcore("check", "my_idea", at=here)
    assert done.returncode == 1 and "mend  the folder: view.py has no function course" in done.stdout, done


def test_what_takes_too_long_is_left_to_the_tests_and_said(here, monkeypatch):  # noqa: F811
    monkeypatch.setattr("widgets.check.report.MOST", -1.0)
    new_paper.new("my_long")
    ends = [line for line in report("my_long") if "ends of its parameters" in line.says]
    assert [line.kind for line in ends] == ["note"] and "were left out" in ends[0].says


def test_a_process_that_dies_does_not_stop_the_others(here):  # noqa: F811
    for key in ("my_first", "my_second"):
        new_paper.new(key)
    (here / "my_first" / "view.py").write_text('"""Ends."""\nimport os\nos._exit(7)\n', "utf-8")
    done = labcore("check", "my_first", "my_second", at=here)
    assert done.returncode == 1 and "my_first: the process of the check has ended with 7" in done.stderr
    assert "my_second: nothing to mend" in done.stdout


def test_a_wrong_key_is_refused(here):  # noqa: F811
    done = labcore("check", "nobel", at=here)
    assert done.returncode == 2 and "did you mean noble" in done.stderr
    assert labcore("check", at=here).returncode == 2


def test_texts_have_boxes_where_they_stand():
    note = dict(x=0.5, y=0.5, xref="paper", yref="paper", text="a middle", showarrow=False)
    spec = {"data": [{"x": [0, 1], "y": [0, 1]}], "layout": {"annotations": [note, {**note, "y": 0.9}]}}
    found = [box for box in boxes(spec) if box.text == "a middle"]
    assert len(found) == 2 and not list(labels_are_apart(spec))
    assert found[0].top > found[1].bottom and found[0].left == found[1].left
    spec["layout"]["annotations"][1]["y"] = 0.52
    [line] = labels_are_apart(spec)
    assert "'a middle' and 'a middle' lie on each other" in line


def test_labcore_itself_never_loads_the_check():
    told = "import sys, labcore.cli; print('widgets' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", told], text=True) == "False\n"
    assert catalog.paper("noble")
