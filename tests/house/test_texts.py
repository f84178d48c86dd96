"""A sentence of your own: a parameter that is typed, and the experiments that take one."""

import os
import subprocess
import sys
from html import unescape
from typing import Annotated

import ipywidgets as w
import numpy as np
import pytest

from labcore import catalog
from labcore.answers import taken
from labcore.circuits.qnlp import draw_angles
from labcore.circuits.qnlp.experiments import sentence
from labcore.experiment import Experiment, ParameterError, text
from labcore.sweeps import sweep
from labcore.texts import on_text
from tests.widgets.hands import open_bench, row, status
from widgets.check import frames as rules
from widgets.check.parameters import bounds_are_enforced, ends, runs_well

TAKERS = [f"{p.key}.{name}" for p in catalog.papers() for name in p.texts]


def say(words: Annotated[str, text(["Alice", "loves", "Bob"], 3, "What is said")] = "alice loves bob."):
    yield None


said = Experiment(say, "paper", {})


def test_a_text_is_spelled_as_its_vocabulary():
    assert (said.parameters["words"].kind, said.parameters["words"].default) == ("text", "Alice loves Bob")
    assert said.validate(words="  ALICE   Bob ")["words"] == "Alice Bob"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "Alice lowes Bob",
            "words = 'Alice lowes Bob' is not allowed: 'lowes' is not known (did you mean 'loves'?); it",
        ),
        (
            "Zoe",
            "words = 'Zoe' is not allowed: 'Zoe' is not known; it must be from 1 to 3 of the words Alice, loves, Bob",
        ),
        ("Alice Alice Bob Bob", "words = 'Alice Alice Bob Bob' is not allowed: 4 words; it must be from 1 to 3 of the"),
        (" . ", "words = '' is not allowed: 0 words; it must be from 1 to 3"),
        (3, "words = 3 is not allowed; it must be from 1 to 3"),
        (True, "words = True is not allowed; it must be from 1 to 3"),
        ("Alice" * 100, "words = 'AliceAlice"),
    ],
)
def test_other_words_are_refused_with_what_is_allowed(words, says):
    with pytest.raises(ParameterError) as error:
        said.validate(words=words)
    assert says in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 300, error.value


def test_a_text_without_words_is_no_parameter():
    def plain(words: str = "x"):
        yield None

    with pytest.raises(TypeError, match="use int, float, bool, Literal"):
        Experiment(plain, "paper", {})


def test_what_a_person_types_is_read_in_the_words_of_the_control():
    p = said.parameters["words"]
    assert taken(p, " bob LOVES alice. ") == "Bob loves Alice"
    with pytest.raises(ParameterError, match="^words = 'Bob hates Alice' is not allowed: 'hates' is not known"):
        taken(p, "Bob hates Alice")


@pytest.mark.parametrize("name", TAKERS)
def test_an_experiment_on_a_sentence_keeps_the_contract(name):
    experiment = on_text(name)
    made, others = list(experiment.frames()), list(experiment.frames(seed=1))
    for found in (
        rules.labelled_and_finite(made),
        rules.as_declared(experiment, made),
        rules.progress_rises_to_one(made),
        rules.readings(made),
        rules.another_seed_another_result(experiment, made, others),
        rules.figures(experiment, made),
        bounds_are_enforced(experiment),
    ):
        assert not list(found)
    for values in ends(experiment):
        assert not list(runs_well(experiment, values, 2)), values


@pytest.mark.parametrize(
    "values",
    [{}, {"subject": "Alice whom Bob loves", "verb": "sleeps", "whom": "-"}, {"whom": "-"}, {"verb": "sleeps"}],
)
def test_a_typed_sentence_is_drawn_as_a_chosen_one(values):
    """The diagram and the circuit are those of the paper's own experiment, and p where its angles are the same."""
    chosen = sentence.run(**values)
    typed = on_text("qnlp.sentence").run(sentence=chosen.attrs["words"], angle_1=1.0)
    for name in ("type", "word", "partner", "gate", "first", "second"):
        assert np.array_equal(chosen[name], typed[name]), name
    own = draw_angles(["Alice"], 0, 1, 0)["Alice"].tolist()
    names = dict(zip(("angle_1", "angle_2", "angle_3"), own))
    alike = on_text("qnlp.sentence").run(sentence=chosen.attrs["words"], angle_1=own[0])
    np.testing.assert_allclose(sentence.run(**values, **names).p, alike.p, atol=1e-12)


def test_the_angle_is_that_of_the_first_noun():
    found = on_text("qnlp.sentence").run(sentence="clever Carol fears Judy")
    assert found.attrs["noun"] == "Carol" and "Carol" in found.angle.attrs["long_name"]
    assert float(found.p_sweep.max() - found.p_sweep.min()) > 0.01
    assert on_text("qnlp.sentence").run(sentence="loves").attrs["noun"] == ""


def test_in_a_bench_a_sentence_is_typed():
    experiment = on_text("qnlp.sentence")
    bench = open_bench(experiment, view=experiment.view)
    box = row(bench, "sentence")[w.Text]
    box.value = "bob whom alice loves sleeps."
    assert bench.wait() and bench.values["sentence"] == "Bob whom Alice loves sleeps" == box.value
    assert bench.frame.attrs["words"] == "Bob whom Alice loves sleeps"
    box.value = "Bob hates Alice"
    assert bench.values["sentence"] == "Bob whom Alice loves sleeps" == box.value
    assert "'hates' is not known" in unescape(status(bench)) and "Judy" in status(bench)


def test_a_sweep_over_sentences(tmp_path):
    done = sweep(on_text("qnlp.sentence"), out=tmp_path, sentence=["Alice loves Bob", "Bob loves Alice"])
    assert (done.point_state == "done").all() and len(set(done.p.values.tolist())) == 2


def test_on_the_command_line(tmp_path):
    def labcore(*words):
        return subprocess.run(
            [sys.executable, "-m", "labcore", *words], cwd=tmp_path, env=os.environ, capture_output=True, text=True
        )

    run = ("run", "qnlp.sentence")
    done = labcore(*run, "--sentence", "carol whom judy fears sleeps", "--q-s", "1")
    assert done.returncode == 0 and '"Carol whom Judy fears sleeps"' in done.stdout, done
    for more, says in (
        (("--sentence", "Carol hates Judy"), "'hates' is not known"),
        (("--sentence", "Carol sleeps", "--verb", "loves"), "there is no parameter 'verb'"),
    ):
        done = labcore(*run, *more)
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done


def test_an_experiment_without_a_sentence_says_which_has_one():
    with pytest.raises(LookupError, match="^noble.sharp takes no sentence; qnlp.sentence does$"):
        on_text("noble.sharp")
