"""What an experiment's signature promises: bounds, controls, and the links and lines that carry a run elsewhere."""

from __future__ import annotations

import ast
import shlex

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore import catalog, cli
from labcore.answers import number as number_in
from labcore.experiment import Experiment
from tests.frames import NAMES
from tests.widgets.hands import relaxed
from widgets.benches import sharing
from widgets.benches.controls import Control
from widgets.check import parameters as rules

pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def experiment(name: str) -> Experiment:
    return catalog.load_experiment(name)


def test_every_bound_is_enforced(experiment):
    assert not list(rules.bounds_are_enforced(experiment))


def test_conditions_name_real_parameters(experiment):
    assert not list(rules.conditions_are_possible(experiment))


def test_every_stop_of_every_slider_is_allowed(experiment):
    for key, p in experiment.parameters.items():
        if p.kind not in ("int", "float") or key == "seed":
            continue
        said = []
        control = Control(p, lambda _, value, said=said: said.append(value), None)
        slider, box = control.row.children
        first = slider.value
        for stop in range(slider.max + 1):
            slider.value = stop
            if stop == first and not said:
                continue
            value = said[-1]
            assert experiment.validate(**{key: value})[key] == value
            assert type(value) is (int if p.kind == "int" else float)
            assert number_in(box.value) == pytest.approx(value, rel=1e-5)
            control.show(value)
            assert slider.value == stop, "a value that the slider reported is shown where the slider stands"
        assert len(set(said)) == len(said), "each stop is another value"


def test_a_link_fits_in_what_is_read_of_it(experiment):
    assert len(experiment.parameters) < sharing.LINK_FIELDS


def some_values(experiment: Experiment) -> st.SearchStrategy[dict]:
    """All valid settings of an experiment."""

    def one(p):
        if p.kind == "int":
            return st.integers(int(p.low), int(p.high))
        if p.kind == "float":
            return st.floats(p.low, p.high)
        return st.sampled_from(p.choices or (False, True))

    drawn = {n: st.just(p.default) | one(p) for n, p in experiment.parameters.items()}
    return st.fixed_dictionaries(drawn).map(lambda values: experiment.validate(**values))


def evaluated(text: str) -> tuple[str, dict]:
    """What a line of Python asks `labcore.run` for."""
    imported, assigned = ast.parse(text).body
    call = assigned.value
    assert ast.unparse(imported) == "import labcore" and ast.unparse(call.func) == "labcore.run"
    return call.args[0].value, {k.arg: ast.literal_eval(k.value) for k in call.keywords}


def test_a_link_and_the_python_line_bring_back_every_value(name):
    experiment = catalog.load_experiment(name)

    @relaxed
    @given(some_values(experiment))
    def holds(values):
        link = sharing.link_query(experiment, values)
        assert experiment.validate(**sharing.link_values(experiment, link)) == values
        asked, given_ = evaluated(sharing.python_line(experiment, values))
        assert asked == name and experiment.settings(**given_) == values

    holds()


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


def test_the_command_line_means_the_same_settings(name, parsed):
    experiment = catalog.load_experiment(name)

    @settings(relaxed, max_examples=5)  # building a command takes a while
    @given(some_values(experiment))
    def holds(values):
        found, taken, out = parsed(sharing.command_line(experiment, values))
        assert (found, taken, out.suffix) == (name, values, ".nc")

    holds()
