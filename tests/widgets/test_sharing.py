"""Share and export: what a link, a line or a file carries is what the bench showed."""

import ast
import io
import json
import shlex
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

import labcore
from labcore import catalog, cli
from labcore.experiment import Experiment, ParameterError
from tests.widgets.hands import LINE, button, frame, open_bench, parameters_of, plot, relaxed
from widgets import bench, sharing

READY = [f"{p.key}.{e}" for p in catalog.papers() for e in p.experiments]
FAST = "epochwise_descent.trajectory"

ready = pytest.mark.parametrize("name", READY)


def some_values(experiment):
    """All valid settings of an experiment."""

    def one(p):
        if p.kind == "int":
            return st.integers(int(p.low), int(p.high))
        if p.kind == "float":
            return st.floats(p.low, p.high)
        return st.sampled_from(p.choices or (False, True))

    drawn = {n: st.just(p.default) | one(p) for n, p in experiment.parameters.items()}
    return st.fixed_dictionaries(drawn).map(lambda values: experiment.validate(**values))


@ready
@given(data=st.data())
@relaxed
def test_a_link_brings_back_every_value(name, data):
    experiment = catalog.load_experiment(name)
    values = data.draw(some_values(experiment))
    assert experiment.validate(**sharing.link_values(experiment, sharing.link_query(experiment, values))) == values


@ready
def test_a_link_fits_in_what_is_read_of_it(name):
    assert len(catalog.load_experiment(name).parameters) < sharing.LINK_FIELDS


def test_a_link_for_another_bench_holds_nothing_for_this_one():
    query = sharing.link_query(LINE, LINE.settings(slope=1.5))
    other = catalog.load_experiment(FAST)
    assert sharing.link_values(other, query) == {}
    assert sharing.link_values(other, "") == sharing.link_values(other, "slope=1") == {}


@pytest.mark.parametrize(
    "text, taken",
    [
        ("slope=<script>alert(1)</script>", False),
        ("slope=%3Cimg%20src=x%3E", False),
        ("slope=1e999", False),
        ("slope=-1e999", False),
        ("slope=nan", False),
        ("slope=" + "9" * 100_000, False),
        ("count=" + "9" * 100_000, False),
        ("count=1.5", False),
        ("count=true", False),
        ("method=__import__('os')", False),
        ("clip=perhaps", False),
        ("order=3", False),
        ("x" * 100_000 + "=1", False),
        ("&".join(f"p{i}=1" for i in range(10_000)), False),
        ("&".join(f"p{i}=1" for i in range(60)), False),
        ("slope=%ff%fe%00", False),
        ("slope=1&slope=2", True),
        ("&&&slope", True),
        ("slope=", True),
    ],
)
def test_a_hostile_link_is_refused_in_one_line_or_harmless(text, taken):
    query = f"bench=toy.line&{text}"
    if taken:
        LINE.validate(**sharing.link_values(LINE, query))
        return
    with pytest.raises(ParameterError) as error:
        LINE.validate(**sharing.link_values(LINE, query))
    assert "\n" not in str(error.value)


@relaxed
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_any_text_as_a_link_is_nothing_or_a_parameter_error(text):
    assert sharing.link_values(LINE, text) == {}
    try:
        LINE.validate(**sharing.link_values(LINE, f"bench=toy.line&{text}"))
    except ParameterError:
        pass


def evaluated(text):
    """What a line of Python asks `labcore.run` for."""
    call = ast.parse(text, mode="eval").body
    assert ast.unparse(call.func) == "labcore.run"
    return call.args[0].value, {k.arg: ast.literal_eval(k.value) for k in call.keywords}


@ready
@given(data=st.data())
@relaxed
def test_the_python_line_asks_for_the_same_settings(name, data):
    experiment = catalog.load_experiment(name)
    values = data.draw(some_values(experiment))
    asked, given_ = evaluated(sharing.python_line(experiment, values))
    assert asked == name and experiment.settings(**given_) == values


def test_the_python_line_computes_the_same_frame():
    experiment = catalog.load_experiment(FAST)
    values = experiment.settings("quick", noise=1 / 3, seed=5)
    again = eval(sharing.python_line(experiment, values), {"labcore": labcore})
    xr.testing.assert_identical(again, experiment.run(**values))


@pytest.fixture(scope="module")
def parsed():
    """A function: the settings of a run that the command line would do, and the file that it would write."""
    with pytest.MonkeyPatch.context() as patch:
        asked = []

        def capture(found, budget, out, as_json, **texts):
            given_ = {k: v for k, v in texts.items() if v is not None}
            asked.append((found.id, found.settings(budget, **given_), out))

        patch.setattr(cli.run, "_action", capture)

        def parse(line):
            program, *words = shlex.split(line)
            done = CliRunner().invoke(cli.cli, words, catch_exceptions=False)
            assert program == "labcore" and done.exit_code == 0, done.output
            return asked[-1]

        yield parse


@ready
@given(data=st.data())
@settings(relaxed, max_examples=5)  # building a command takes a while
def test_the_command_line_means_the_same_settings(name, data, parsed):
    experiment = catalog.load_experiment(name)
    values = data.draw(some_values(experiment))
    found, taken, out = parsed(sharing.command_line(experiment, values))
    assert (found, taken, out.suffix) == (name, values, ".nc")


def odd(
    name: Literal["plain", "two words", "it's; rm -rf $HOME"] = "plain",
    shift: Annotated[float, Field(ge=-1, le=1, description="shift")] = 0.0,
):
    yield frame(1.0)


def test_a_shell_takes_any_choice_as_one_word():
    experiment = Experiment(odd, "toy", {})
    for name in experiment.parameters["name"].choices[1:]:
        words = shlex.split(sharing.command_line(experiment, experiment.settings(name=name, shift=-0.5)))
        assert words[3:7] == ["--name", name, "--shift", "-0.5"]
        query = sharing.link_query(experiment, experiment.settings(name=name))
        assert sharing.link_values(experiment, query)["name"] == name
        assert "'" not in query, "the papermill command puts the link in single quotes"


@pytest.fixture
def papermill(monkeypatch):
    """A function: do what the papermill command's shell would do, up to the notebook."""
    monkeypatch.setenv("LABCORE_FRONTEND", "static")

    def run(command):
        variable, program, notebook, _ = shlex.split(command)
        assert program == "papermill"
        monkeypatch.setenv(*variable.split("=", 1))
        return notebook

    return run


def test_the_papermill_command_reproduces_the_figure(papermill):
    experiment = catalog.load_experiment(FAST)
    values = experiment.settings("quick", kappa=31.0, noise=0.25)
    notebook = papermill(sharing.papermill_command(experiment, values))
    assert notebook == catalog.paper(experiment.key).notebook
    again = bench(FAST, budget="quick")
    assert again.values == values and parameters_of(again.frame) == values
    xr.testing.assert_identical(again.frame, experiment.run(**values))


def test_a_link_wins_over_what_the_lesson_opens_with(papermill):
    """A value moved back to its default is shared too, though the lesson opens the bench elsewhere."""
    experiment = catalog.load_experiment(FAST)
    values = experiment.settings("quick")
    papermill(sharing.papermill_command(experiment, values))
    assert bench(FAST, budget="quick", noise=0.5, seed=3).values == values


def test_a_link_leaves_other_benches_of_the_lesson_alone(papermill):
    papermill(sharing.papermill_command(catalog.load_experiment("double_descent.sample_wise"), {"p": 50}))
    assert bench(FAST, budget="quick", noise=0.5).values["noise"] == 0.5


def test_a_bad_link_stops_the_lesson_with_a_reason(papermill, monkeypatch):
    monkeypatch.setenv(sharing.LINK_VARIABLE, f"bench={FAST}&noise=loud")
    with pytest.raises(ParameterError, match="noise = 'loud'"):
        bench(FAST, budget="quick")


MIXED = xr.Dataset(
    {
        "error": (("repeat", "width"), np.array([[0.1, 1 / 3, 1e-300], [2.5, -0.0, 1e300]]), {"units": "bits"}),
        "best": ("width", np.array([3, 1, 2**53]), {"units": ""}),
        "total": ((), 0.1 + 0.2, {"units": "s"}),
    },
    coords={"width": [0, 1, 2], "p": ("width", [20, 100, 400]), "repeat": [0, 1]},
    attrs={"progress": 1.0, "reading": 'It is 3, "quoted", and\nfolded: é.'},
)


def read(data):
    # as text: pandas' own reading of a float may be off in the last digit
    return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)


def same(written, array):
    # a number of single precision is written with the digits that single precision has
    kind = {"f": array.dtype.type, "i": float, "u": float}.get(array.dtype.kind, str)
    assert [kind(v) for v in written] == [kind(v) for v in array.values.ravel()]


def check_csv(shown):
    table = read(sharing.to_csv(shown))
    assert list(table.columns[[0, -2, -1]]) == ["variable", "value", "units"]
    assert len(table) == sum(v.size for v in shown.data_vars.values()), "one row a number"
    for name, variable in shown.data_vars.items():
        rows = table[table.variable == name]
        assert set(rows.units) == {variable.attrs.get("units", "")}
        same(rows.value, variable)
        for coordinate in variable.coords:
            same(rows[coordinate], variable[coordinate].broadcast_like(variable))


def test_csv_is_tidy_and_holds_every_number():
    check_csv(MIXED)


@pytest.fixture(scope="module")
def quick_frames():
    kept = {}

    def last(name):
        if name not in kept:
            kept[name] = catalog.load_experiment(name).run("quick")
        return kept[name]

    return last


@ready
def test_csv_of_a_real_frame(name, quick_frames):
    check_csv(quick_frames(name))


@ready
def test_netcdf_of_a_real_frame(name, quick_frames):
    shown = quick_frames(name)
    with xr.open_dataset(io.BytesIO(sharing.to_netcdf(shown)), engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), shown)
    assert json.loads(back.attrs["parameters"]) == parameters_of(shown)


def test_export_sends_the_shown_frame_as_files(monkeypatch):
    opened = open_bench(slope=1.25)
    sent = []
    monkeypatch.setattr(plot(opened), "send", lambda message, buffers=None: sent.append((message, buffers)))
    button(opened, "Export").click()
    for kind in ("CSV", "NetCDF", "PNG", "SVG"):
        button(opened, kind).click()
    (csv, table), (netcdf, file), (png, _), (svg, _) = sent
    assert (csv["name"], netcdf["name"], png["format"], svg["format"]) == ("toy.line.csv", "toy.line.nc", "png", "svg")
    assert read(table[0]).value.tolist() == ["0.0", "1.25", "2.5"]
    with xr.open_dataset(io.BytesIO(file[0]), engine="h5netcdf") as back:
        assert back.y.values.tolist() == [0, 1.25, 2.5]
