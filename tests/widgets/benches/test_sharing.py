"""Share and export: what a link, a line or a file carries is what the bench showed."""

import io
import shlex
from html.parser import HTMLParser
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import ipywidgets as w
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from labcore import catalog
from labcore.experiment import Experiment, ParameterError
from labcore.figure import view_of
from tests.widgets.hands import (
    LINE,
    PATIENCE,
    all_of,
    button,
    check_csv,
    frame,
    open_bench,
    parameters_of,
    plot,
    read,
    relaxed,
)
from widgets import Prediction, bench
from widgets.benches import sharing

FAST = "epochwise_descent.trajectory"


def test_a_link_for_another_bench_holds_nothing_for_this_one():
    query = sharing.link_query(LINE, LINE.settings(slope=1.5))
    other = catalog.load_experiment(FAST)
    assert sharing.link_values(other, query) == {}
    assert sharing.link_values(other, "") == sharing.link_values(other, "slope=1") == {}
    assert sharing.link_values(other, f"{query}&slope=2&nothing=1&{'x' * 1000}") == {}


HOSTILE = {
    "markup": "slope=<script>alert(1)</script>",
    "markup in a name": "<img src=x onerror=alert(1)>=1",
    "markup, encoded": "slope=%3Cimg%20src=x%20onerror=alert(1)%3E",
    "markup, as an entity": "slope=%26lt;script%26gt;alert(1)",
    "a handler": "slope=1%22 onmouseover=%22alert(1)",
    "a word": "slope=steep",
    "beyond the floats": "slope=1e400",
    "below the floats": "slope=-1e400",
    "not a number": "slope=nan",
    "infinite": "slope=-inf",
    "401 digits": "count=1" + "0" * 400,
    "5000 digits": "count=" + "9" * 5000,
    "a fraction for a whole number": "count=1.5",
    "true for a number": "count=true",
    "nothing for a number": "slope=",
    "a name alone": "&&&slope",
    "code": "method=__import__('os').system('true')",
    "not true or false": "clip=perhaps",
    "not a choice": "order=3",
    "an unknown name": "slop=1",
    "a name of Python's": "self=1",
    "a name of Python's class": "__class__=1",
    "a path": "../../etc/passwd=1",
    "no UTF-8": "slope=%ff%fe%00",
    "half an escape": "slope=%",
    "half a character": "slope=\udcff",
    "turned text": "slope=%E2%80%AE1",
    "lines": "slope=1%0A%0Dsecond%E2%80%A8third%C2%85fourth",
    "a name of lines": "a%0Ab%E2%80%A9c=1",
    "twice": "slope=1&slope=1",
    "two benches": "bench=epochwise_descent.trajectory",
    "60 names": "&".join(f"p{i}=1" for i in range(60)),
    "10,000 names": "&".join(f"p{i}=1" for i in range(10_000)),
    "10,000 semicolons": "slope=" + ";" * 10_000,
    "a long name": "x" * 8000 + "=1",
    "a megabyte": "slope=" + "1" * 1_000_000,
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def refusal(query):
    with pytest.raises(ParameterError) as error:
        sharing.link_values(LINE, query)
    return str(error.value)


@hostile
def test_a_hostile_link_is_refused_in_one_short_line(text):
    line = refusal(f"bench=toy.line&{text}")
    assert line.startswith("toy.line: ") and line.isprintable() and len(line) <= sharing.REFUSAL


@pytest.fixture(scope="module")
def curve():
    """A bench that starts elsewhere than at the defaults."""
    return open_bench(slope=1.25, method="adam")


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@hostile
def test_a_bench_answers_a_hostile_link_in_words_and_stays_as_it_was(curve, text):
    before, shown = dict(curve.values), curve.frame
    curve._refuse("")
    plot(curve)._handle_custom_msg({"type": "opened", "link": f"bench=toy.line&{text}"}, [])
    assert curve.wait(PATIENCE) and curve.values == before and curve.frame is shown
    answer = Tags(curve._status.refusal.value)
    assert answer.tags == [("span", {"class": "labcore-error", "role": "alert"})]
    line = refusal(f"bench=toy.line&{text}")
    assert answer.text == f"The link was not taken; the lesson's own values are shown. {line}"


def test_a_refusal_names_the_value_and_what_is_allowed():
    assert "slope = 'steep' is not allowed; it must be from 0 to 2" in refusal("bench=toy.line&slope=steep")
    assert "no parameter 'slop'; it has slope, count" in refusal("bench=toy.line&slop=1")
    assert "'slope' more than once" in refusal("bench=toy.line&slope=1&slope=2")
    assert "more than 64 values" in refusal("bench=toy.line" + "&a" * 64)
    assert "1000015 characters" in refusal("bench=toy.line&" + "a" * 1_000_000)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [("slope=3", "slope", 2.0), ("slope=-0.001", "slope", 0.0), ("count=401", "count", 400), ("seed=-1", "seed", 0)],
)
def test_a_number_outside_its_range_becomes_the_nearest_and_the_bench_says_so(text, name, value):
    opened, query = open_bench(), f"bench=toy.line&{text}"
    plot(opened)._handle_custom_msg({"type": "opened", "link": query}, [])
    assert opened.wait(PATIENCE) and opened.values == LINE.settings(**{name: value})
    told = f"{name} = '{text.partition('=')[2]}' is not allowed, {value:g} is the nearest"
    assert told in Tags(opened._status.refusal.value).text and opened.frame.attrs["parameters"]
    assert sharing.link_moved(LINE, f"{query}&method=adam") == told
    opened.set(method="adam")
    assert not opened._status.refusal.value, "it is said once"


def test_a_link_inside_the_ranges_moves_nothing():
    assert sharing.link_moved(LINE, sharing.link_query(LINE, LINE.settings(slope=1.5))) == ""
    assert sharing.link_moved(LINE, "bench=toy.other&slope=9") == ""


def test_what_servers_add_to_an_address_is_no_value():
    """Binder appends its token to the address that a link asks for; JupyterLab and Voila have words of their own."""
    query = sharing.link_query(LINE, LINE.settings(slope=1.5))
    added = "token=c3po&reset&clone&theme=dark"
    assert sharing.link_values(LINE, f"{query}&{added}") == LINE.settings(slope=1.5)
    assert sharing.link_values(LINE, f"{added}&{query}") == LINE.settings(slope=1.5)


piece = st.text(st.characters(), max_size=20)  # every character, half ones too
pairs = st.lists(st.tuples(st.sampled_from([*LINE.parameters, "bench"]) | piece, piece), max_size=70)


@relaxed
@given(st.text(st.characters(), max_size=300) | pairs.map(lambda p: urlencode(p, errors="surrogatepass")))
def test_any_link_is_taken_whole_or_refused_in_one_short_line(text):
    try:
        values = sharing.link_values(LINE, f"bench=toy.line&{text}")
    except ParameterError as error:
        line = str(error)
        assert line.startswith("toy.line: ") and line.isprintable() and len(line) <= sharing.REFUSAL
    else:
        assert values == LINE.validate(**values) and values.keys() == LINE.parameters.keys()


# on Binder


@pytest.fixture
def binder(monkeypatch):
    """The environment that BinderHub gives to a session."""
    for name, value in {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/labcore-x1y2/",
        "BINDER_LAUNCH_HOST": "https://mybinder.org/",
        "BINDER_REQUEST": "v2/gh/someone/labcore/HEAD",
        "BINDER_PERSISTENT_REQUEST": "v2/gh/someone/labcore/0123abcd",
    }.items():
        monkeypatch.setenv(name, value)
    return "https://hub.gesis.mybinder.org/user/labcore-x1y2"


def launched(link):
    """The address that BinderHub sends a person to: the `urlpath` behind the new session's, and the token after it."""
    path = dict(parse_qsl(urlsplit(link).query))["urlpath"]
    return f"https://hub.2i2c.mybinder.org/user/labcore-new/{path}&{urlencode({'token': 'c3po'})}"


@pytest.mark.parametrize(
    "place, page",
    [
        ("lab/tree/notebooks/kan/spline_edges.ipynb", "lab/tree/notebooks/kan/spline_edges.ipynb"),
        ("lab/workspaces/auto-k/tree/notebooks/index.ipynb", "lab/tree/notebooks/index.ipynb"),
        ("voila/render/notebooks/kan/spline_edges.ipynb", "voila/render/notebooks/kan/spline_edges.ipynb"),
        ("lab/tree/my%20own%20%26%20new.ipynb", "lab/tree/my%20own%20%26%20new.ipynb"),
    ],
)
def test_a_binder_session_shares_a_link_that_starts_one(binder, place, page):
    values = LINE.settings(slope=1 / 3, method="adam", clip=True)
    link = sharing.public_link(f"{binder}/{place}?{sharing.link_query(LINE, values)}")
    assert link.startswith("https://mybinder.org/v2/gh/someone/labcore/0123abcd?urlpath=")
    assert "x1y2" not in link and urlsplit(link).fragment == ""
    new = urlsplit(launched(link))
    assert new.path == f"/user/labcore-new/{page}"
    assert sharing.link_values(LINE, new.query) == values


def test_an_older_binder_gives_the_request_that_it_was_asked(binder, monkeypatch):
    monkeypatch.delenv("BINDER_PERSISTENT_REQUEST")
    link = sharing.public_link(f"{binder}/lab/tree/a.ipynb?bench=toy.line")
    assert link.startswith("https://mybinder.org/v2/gh/someone/labcore/HEAD?urlpath=lab%2Ftree%2Fa.ipynb%3Fbench%3D")


def test_text_of_any_kind_survives_the_way_through_binder(binder):
    experiment = Experiment(odd, "toy", {})
    for name in experiment.parameters["name"].choices:
        query = sharing.link_query(experiment, experiment.settings(name=name))
        new = urlsplit(launched(sharing.public_link(f"{binder}/lab/tree/a.ipynb?{query}")))
        assert sharing.link_values(experiment, new.query)["name"] == name


def test_a_link_elsewhere_is_the_page_itself_without_its_workspace(monkeypatch):
    for name in ("BINDER_LAUNCH_HOST", "BINDER_REQUEST", "BINDER_PERSISTENT_REQUEST"):
        monkeypatch.delenv(name, raising=False)
    for page in ("http://here:8888/lab/tree/a.ipynb?bench=x", "https://host/labcore/voila/render/a.ipynb?bench=x"):
        assert sharing.public_link(page) == page
    assert (
        sharing.public_link("http://h/lab/workspaces/auto-k/tree/a.ipynb?bench=x")
        == "http://h/lab/tree/a.ipynb?bench=x"
    )


def test_the_share_button_shows_and_copies_the_binder_link(binder, monkeypatch):
    experiment = catalog.load_experiment(FAST)
    opened = open_bench(experiment, view=view_of(experiment), n_seeds=2)
    sent = []
    monkeypatch.setattr(plot(opened), "send", sent.append)
    button(opened, "Share").click()
    plot(opened)._handle_custom_msg({"type": "shared", "url": f"{binder}/lab/tree/a.ipynb?{sent[0]['query']}"}, [])
    link = opened._drawer._link.value
    assert link.startswith("https://mybinder.org/") and sent[1] == {"type": "copy", "text": link, "view": ""}
    assert sharing.link_values(experiment, urlsplit(launched(link)).query) == opened.values


def test_a_refused_link_leaves_the_question_and_what_follows_it():
    opened = open_bench(predict=Prediction("Steeper?", ("Up", "Down"), lambda _: "Up", then={"slope": 2.0}), slope=1.0)
    plot(opened)._handle_custom_msg({"type": "opened", "link": "bench=toy.line&slope=steep"}, [])
    assert "slope = 'steep'" in Tags(opened._status.refusal.value).text and not opened._controls_enabled
    next(c for c in all_of(opened) if isinstance(c, w.RadioButtons)).value = "Up"
    button(opened, "Commit").click()
    assert opened.wait(PATIENCE) and opened.values["slope"] == 2.0 and len(opened.pins) == 1


def test_a_link_is_followed_after_the_question_is_answered():
    opened = open_bench(predict=Prediction("Steeper?", ("Up", "Down"), lambda _: "Up", then={"slope": 2.0}), slope=1.0)
    plot(opened)._handle_custom_msg({"type": "opened", "link": "bench=toy.line&slope=0.25"}, [])
    assert opened.wait(PATIENCE) and opened.values["slope"] == 1.0
    button(opened, "Skip").click()
    assert opened.wait(PATIENCE) and opened.values["slope"] == 0.25 and not opened.pins


def test_a_cell_run_again_follows_the_link_again_and_a_changed_cell_does_not():
    link = {"type": "opened", "link": "bench=toy.line&slope=0.125"}
    for start, expected in ((1.0, 0.125), (1.0, 0.125), (1.5, 1.5)):
        opened = open_bench(slope=start)
        plot(opened)._handle_custom_msg(link, [])
        assert opened.wait(PATIENCE) and opened.values["slope"] == expected


def test_the_python_line_computes_the_same_frame():
    experiment = catalog.load_experiment(FAST)
    values = experiment.settings("quick", noise=1 / 3, seed=5)
    names = {}
    exec(sharing.python_line(experiment, values), names)
    xr.testing.assert_identical(names["frame"], experiment.run(**values))


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


def test_powershell_takes_the_same_link_for_one_run():
    """Its strings between single quotes mean themselves, as a shell's do; there is none inside."""
    link = sharing.link_query(LINE, LINE.settings(slope=1.5), "two")
    experiment = catalog.load_experiment(FAST)
    line = sharing.papermill_command(experiment, experiment.settings(noise=0.25), "two", powershell=True)
    given, run, after = line.split("; ")
    variable, quoted = given.split("=", 1)
    assert variable == f"$env:{sharing.LINK_VARIABLE}" and after == f"Remove-Item Env:{sharing.LINK_VARIABLE}"
    assert sharing.link_values(experiment, quoted.strip("'"), "two")["noise"] == 0.25 and quoted.count("'") == 2
    assert run == f"papermill {catalog.paper(experiment.key).notebook} out.ipynb"
    assert sharing.link_values(LINE, link, "two")["slope"] == 1.5


def test_a_link_names_its_bench_among_those_of_one_experiment(papermill):
    experiment = catalog.load_experiment(FAST)
    papermill(sharing.papermill_command(experiment, experiment.settings("quick", noise=0.25), "second"))
    first, second = (bench(FAST, budget="quick", noise=0.5, label=label) for label in ("", "second"))
    assert (first.values["noise"], second.values["noise"]) == (0.5, 0.25)


@pytest.mark.parametrize("label", ["two words", "a?b", "a#b", "<b>", "a&b", "-", "é"])
def test_a_label_that_no_link_can_hold_is_refused(papermill, label):
    with pytest.raises(ValueError, match="label = .* is not allowed; it must be of letters"):
        bench(FAST, budget="quick", label=label)


def test_a_link_wins_over_what_the_lesson_opens_with(papermill):
    """A value moved back to its default is shared too, though the lesson opens the bench elsewhere."""
    experiment = catalog.load_experiment(FAST)
    values = experiment.settings("quick")
    papermill(sharing.papermill_command(experiment, values))
    assert bench(FAST, budget="quick", noise=0.5, seed=3).values == values


def test_a_link_leaves_other_benches_of_the_lesson_alone(papermill):
    papermill(sharing.papermill_command(catalog.load_experiment("double_descent.sample_wise"), {"p": 50}))
    assert bench(FAST, budget="quick", noise=0.5).values["noise"] == 0.5


def test_a_link_outside_the_ranges_is_followed_with_a_warning(papermill):
    experiment = catalog.load_experiment(FAST)
    papermill(sharing.papermill_command(experiment, {"noise": 1e6}))
    with pytest.warns(UserWarning, match="noise = '1000000.0' is not allowed"):
        assert bench(FAST, budget="quick").values["noise"] == experiment.parameters["noise"].high


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


def test_csv_is_tidy_and_holds_every_number():
    check_csv(MIXED)


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
