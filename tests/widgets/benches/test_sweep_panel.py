"""The Sweep panel: what it takes, what it draws, where it keeps the points, and what it says when it cannot."""

import tempfile

import numpy as np
import pytest

from labcore import catalog, sweeps
from labcore.experiment import Experiment, Parameter
from tests.widgets.hands import PATIENCE, all_of, button, experiment_of, frame, open_bench
from widgets.benches.plot import Plot
from widgets.benches.sweep_panel import MOST_HERE, SweepPanel, fan


@pytest.fixture
def panel(tmp_path, monkeypatch):
    """`panel(frames)`: the panel of a bench whose experiment has the number x, after Sweep was pressed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Experiment, "code", "v1")

    def make(frames=lambda x: iter([frame(x)])):
        experiment = experiment_of(frames)
        monkeypatch.setattr(catalog, "load_experiment", lambda name: experiment)
        bench = open_bench(experiment)
        button(bench, "Sweep").click()
        return next(part for part in all_of(bench) if isinstance(part, SweepPanel))

    return make


def drawn(panel):
    return next(part for part in panel.children if isinstance(part, Plot)).spec["data"]


def test_one_press_draws_a_curve_a_point(panel):
    made = panel()
    made._list.value, made._seeds.value = "1, 2, 3", "0:2"
    button(made, "Run sweep").click()
    assert made.wait(PATIENCE)
    assert len(drawn(made)) == 6 and "Done: 6 of 6 points." in made._words.value
    assert {t["name"] for t in drawn(made)} == {"x = 1", "x = 2", "x = 3"}
    assert sum(t["showlegend"] for t in drawn(made)) == 3
    found = sweeps.open_sweep(made.folder)
    np.testing.assert_array_equal(found.y.sel(parameter_x=2, seed=0), [0, 2, 4])


def test_the_values_that_it_suggests_are_allowed(panel):
    made = panel()
    assert made._list.value == "0, 3.33, 6.67, 10"


def test_a_second_press_finds_the_points(panel):
    ran = []
    made = panel(lambda x: iter([ran.append(x) or frame(x)]))
    made._list.value, made._seeds.value = "1, 2", "0"
    for _ in range(2):
        made.run()
        assert made.wait(PATIENCE) and len(drawn(made)) == 2
    assert sorted(ran[1:]) == [1, 2], "the bench's own run, and each point once"


def hungry(x):
    if x > 1:
        np.ones(2**55)
    yield frame(x)


def test_where_memory_is_short_the_panel_says_so_in_words(panel):
    made = panel(hungry)
    made._list.value, made._seeds.value = "1, 2", "0"
    made.run()
    assert made.wait(PATIENCE) and "1 of 2 points" in made._words.value and "Memory is short" in made._words.value


@pytest.mark.parametrize(
    ("values", "seeds", "words"),
    [
        ("1, 99", "0", "x = &#x27;99&#x27; is not allowed"),
        ("<b>, 2", "0", "x = &#x27;&lt;b&gt;&#x27; is not allowed"),
        ("1, 2", "0:9999", f"which takes {MOST_HERE}"),
    ],
)
def test_a_bad_grid_is_answered(panel, values, seeds, words):
    made = panel()
    made._list.value, made._seeds.value = values, seeds
    made.run()
    assert made.wait(PATIENCE) and words in made._words.value and "<b>" not in made._words.value


def test_a_failing_point_is_named(panel):
    def shy(x):
        if x == 2:
            raise RuntimeError("the <matrix> is singular")
        yield frame(x)

    made = panel(shy)
    made._list.value, made._seeds.value = "1, 2", "0"
    made.run()
    assert made.wait(PATIENCE)
    assert "1 of 2 points" in made._words.value and "the &lt;matrix&gt; is singular" in made._words.value


def test_visitors_of_a_server_share_neither_folder_nor_cluster(panel, monkeypatch):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    made = panel()
    assert made._address not in made.children
    assert "labcore-sweep-" in str(made.folder) and made.folder.is_absolute()


def test_copies_of_a_visitors_panel_have_folders_of_their_own(panel, monkeypatch, tmp_path):
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = panel()
    assert not [*tmp_path.iterdir()], "a process that is copied makes none"
    made._list.value, made._seeds.value = "1", "0"
    made.run()
    assert made.wait(PATIENCE) and made.folder.is_relative_to(tmp_path) and len([*tmp_path.iterdir()]) == 1


def test_the_fan_keeps_the_axes_and_drops_the_notes_of_one_point():
    layout = {"xaxis": {"type": "log"}, "annotations": [1], "shapes": [2], "meta": {"drag": 3}}
    spec = fan(Parameter("n", "int", 1, "", "n", 0, 9), [(1, [{"x": [1], "y": [2], "mode": "lines"}], layout)])
    assert spec["layout"]["xaxis"] == {"type": "log"} and not {"annotations", "shapes", "meta"} & spec["layout"].keys()


def test_a_parameter_is_called_as_its_control_is():
    made = SweepPanel(catalog.load_experiment("double_descent.model_wise"), dict, lambda shown: {})
    assert ("relative learning rate", "lr_frac") in made._name.options
    assert not any("_" in words for words, _ in made._name.options)
