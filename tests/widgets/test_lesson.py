"""What a lesson needs besides benches: exercises, the ledger, the source."""

import re
import threading
from html import unescape

import ipywidgets as w
import numpy as np
import pytest
from numba import njit

from labcore import catalog, claims
from labcore import ledger as record
from labcore.answers import number
from labcore.claims import Claim, Evidence, mean
from labcore.exercises import exercises_of
from labcore.experiment import ParameterError
from tests.widgets.hands import LINE, all_of, button, line, until
from widgets.benches.parts import is_shown
from widgets.lesson import BrokenClaim, exercise, ledger, source


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")


def verdict(card):
    return next(h for h in all_of(card) if "labcore-status" in h._dom_classes)


def line_of(card):
    return next(t for t in all_of(card) if isinstance(t, w.Text))


def said(card):
    """What the card says once nothing is being checked."""
    until(verdict(card), "value", lambda value: value and "Checking" not in value)
    return re.fullmatch(r'<div role="status">(.*)</div>', verdict(card).value)[1]


def answered(check, text, hint=""):
    card = exercise("How much?", check, hint)
    line_of(card).value = text
    return said(card)


def raising(error):
    def check(_):
        raise error

    return check


def hints(card):
    return next(h for h in all_of(card) if "labcore-hints" in h._dom_classes).value


def test_where_nobody_can_answer_the_question_is_read_with_its_hints_in_folds(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    html = exercise("How <i>much</i>?", lambda text: True, ("x < 3", "x > 1")).data
    assert "How <i>much</i>?" in html and "<details><summary>A hint</summary><p>x &lt; 3</p></details>" in html
    assert "<details><summary>Another hint</summary><p>x &gt; 1</p></details>" in html
    assert "<details>" not in exercise("How much?", lambda text: True).data


@pytest.mark.parametrize("right", [True, np.True_, np.float64(1) < 2])
def test_a_right_answer_is_right_however_the_check_says_so(right):
    assert "labcore-holds" in answered(lambda _: right, "1")


@pytest.mark.parametrize("wrong", [False, np.False_, None])
def test_a_wrong_answer_is_told_of_a_hint_and_does_not_get_it(wrong):
    assert answered(lambda _: wrong, "1", "Look left.") == "Not yet. A hint may help."
    assert answered(lambda _: wrong, "1") == "Not yet."


def test_hints_come_one_after_another_when_they_are_asked_for():
    card = exercise("How much?", lambda _: True, ("Look <b>left</b>.", "Look right."))
    ask = button(card, "Hint")
    assert hints(card) == "" and is_shown(ask)
    ask.click()
    assert hints(card) == "<p>Look &lt;b&gt;left&lt;/b&gt;.</p>" and ask.description == "Another hint" and is_shown(ask)
    for _ in range(2):  # a double click
        ask.click()
    assert hints(card).endswith("<p>Look right.</p>") and hints(card).count("<p>") == 2 and not is_shown(ask)
    assert not is_shown(button(exercise("How much?", lambda _: True), "Hint"))


def test_every_exercise_of_a_lesson_has_a_hint():
    for paper in catalog.papers():
        if (paper.folder / "exercises.py").exists():
            for each in exercises_of(paper.key):
                assert each.hints and all(hint.strip()[-1] in ".?" for hint in each.hints), each.name


def test_a_sentence_helps_and_is_text():
    assert answered(lambda _: "It is <b>more</b>.", "1") == "It is &lt;b&gt;more&lt;/b&gt;."


@pytest.mark.parametrize(
    "error, words",
    [
        (ValueError("too big"), "Too big."),
        (ParameterError("ridge = 99 is not allowed"), "Ridge = 99 is not allowed."),
        (KeyError("x"), "That could not be checked: 'x'"),
        (RuntimeError("odd"), "That could not be checked: odd"),
        (AssertionError(), "That could not be checked: AssertionError"),
    ],
)
def test_whatever_the_check_raises_the_learner_sees_an_answer(error, words):
    assert unescape(answered(raising(error), "1")) == words


def test_a_refused_value_is_explained_in_the_words_of_the_exercise():
    card = exercise("multitasking_hebbian.ladder_breaks")
    assert line_of(card).description == "blank share d" and line_of(card).placeholder == "from 0.5 to 0.7"
    line_of(card).value = "d = 2"
    assert unescape(said(card)) == "Blank share d = '2' is not allowed; it must be from 0.5 to 0.7."


def test_an_unreadable_answer_says_how_to_write_it():
    assert "write for example 0.5" in answered(lambda text: number(text) == 1, "one")


def test_the_check_gets_the_answer_stripped_and_may_be_asked_again():
    heard = []
    card = exercise("How much?", lambda text: heard.append(text))
    box = line_of(card)
    assert heard == []
    box.value = " 3 "
    assert said(card) == "Not yet."
    verdict(card).value = ""
    button(card, "Check").click()
    assert said(card) == "Not yet." and heard == ["3", "3"]


def test_no_answer_is_not_checked():
    heard = []
    card = exercise("How much?", lambda text: heard.append(text))
    button(card, "Check").click()
    assert said(card) == "Write an answer first." and heard == []


def test_while_it_is_checked_it_says_so_and_the_same_answer_is_not_checked_twice():
    heard, go = [], threading.Event()

    def slow(text):
        heard.append(text)
        return go.wait(20) and text == "2"

    card = exercise("How much?", slow)
    line_of(card).value = "1"
    button(card, "Check").click()
    assert "Checking ..." in verdict(card).value
    line_of(card).value = "2"  # the later answer has the last word
    go.set()
    assert "Right." in said(card) and heard == ["1", "2"]


def fake(name, holds, expected="holds", reason="", error=None, sure=True):
    def check(seeds):
        if error:
            raise error
        gap = mean("gap", [0.123456, 0.123456]) if sure else mean("gap", [0.0, 0.246912])
        return Evidence(gap >= 0.1 if holds else gap >= 1, size="small & quick")

    return Claim("double_descent", name, f"The <gap> of {name}", check, expected, reason)


@pytest.fixture
def page(monkeypatch, tmp_path):
    """A function that gives the paper other claims, in a fresh home where no verdict is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(record, "RECORD", tmp_path / "ledger.json")

    def claim(*made):
        monkeypatch.setattr(claims, "claims_of", lambda key: list(made))

    return claim


@pytest.fixture
def static(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")


def test_the_ledger_shows_every_verdict_with_its_numbers(page, static):
    page(fake("good", True), fake("small", False, "not reproduced", "too few <steps>"))
    table = ledger("double_descent").data
    assert table.count("<tr>") == 3
    assert ">holds<" in table and ">not reproduced here<" in table
    assert "The &lt;gap&gt; of good" in table and "too few &lt;steps&gt;" in table
    assert "mean gap = 0.123 (0.123 to 0.123); asked: at least 1<br>" in table and "2 repetitions, " in table
    assert ">small &amp; quick<" in table


def test_a_fragile_claim_says_so_and_fails_nothing(page, static):
    page(fake("near", True, sure=False))
    assert ">fragile<" in ledger("double_descent").data


@pytest.mark.parametrize(
    "bad, verdict", [(fake("bad", False), "broken"), (fake("bad", True, "not reproduced", "too small"), "surprise")]
)
def test_a_claim_that_changed_its_verdict_fails_the_lesson(page, static, bad, verdict):
    page(fake("good", True), bad)
    with pytest.raises(
        BrokenClaim, match=rf"^double_descent.bad: {verdict}: mean gap = 0.123 .0.123 to 0.123. \(mean gap >= "
    ):
        ledger("double_descent")


def test_a_claim_that_crashes_fails_the_lesson(page, static):
    page(fake("bad", True, error=ZeroDivisionError("no steps")))
    with pytest.raises(ZeroDivisionError):
        ledger("double_descent")


@pytest.mark.parametrize("kind", ["live", "static"])
def test_a_wrong_key_is_an_error_in_the_cell(monkeypatch, kind):
    monkeypatch.setenv("LABCORE_FRONTEND", kind)
    with pytest.raises(LookupError, match="did you mean double_descent"):
        ledger("double_descend")


def parts(opened):
    """The measuring button, the status and the table of a live ledger."""
    htmls = [h for h in all_of(opened) if isinstance(h, w.HTML)]
    (label,) = [h for h in htmls if "labcore-status" in h._dom_classes]
    (table,) = [h for h in htmls if h is not label]
    return button(opened, "Measure the claims now"), label, table


def test_the_live_ledger_measures_on_demand_and_remembers(page, live):
    page(fake("good", True), fake("bad", False))
    measure, label, table = parts(ledger("double_descent"))
    assert table.value == "", "nothing was measured before"
    measure.click()
    until(measure, "disabled", lambda disabled: not disabled)
    assert "Measured 2 claims" in label.value and "BROKEN" in table.value
    measure, label, again = parts(ledger("double_descent"))
    assert again.value == table.value.replace("of its own<", "of its own, before on this machine<")
    assert "measured before" in label.value


def test_the_live_ledger_shows_a_crash_and_can_be_tried_again(page, live):
    page(fake("good", True), fake("bad", True, error=ZeroDivisionError("no <steps>")))
    measure, label, table = parts(ledger("double_descent"))
    measure.click()
    until(measure, "disabled", lambda disabled: not disabled)
    assert "ZeroDivisionError: no &lt;steps&gt;" in label.value and "labcore-error" in label.value
    assert "of good" in table.value


def plain_mechanism(x):
    return x**2  # the line that carries the idea


@njit
def compiled_mechanism(x):
    return x**3  # the compiled idea


class Mechanism:
    """A class too."""


def read(html):
    return unescape(re.sub("<[^>]+>", "", html.data))


def test_source_is_the_real_code_and_where_it_is():
    shown = read(source(plain_mechanism, compiled_mechanism, LINE, Mechanism))
    assert "return x**2  # the line that carries the idea" in shown
    assert "@njit" in shown and "return x**3  # the compiled idea" in shown
    assert "def line(" in shown and "yield frame(slope)" in shown
    assert '"""A class too."""' in shown
    assert f"{plain_mechanism.__module__}, line {plain_mechanism.__code__.co_firstlineno}" in shown
    assert f"{line.__module__}, line {line.__code__.co_firstlineno}" in shown
