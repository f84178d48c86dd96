"""What a lesson needs besides benches: exercises, the ledger, the source."""

import re
from html import unescape

import ipywidgets as w
import numpy as np
import pytest
from numba import njit

from labcore import claims
from labcore import ledger as record
from labcore.answers import number
from labcore.claims import Claim, Evidence, mean
from labcore.experiment import ParameterError
from tests.widgets.hands import LINE, all_of, button, line, until
from widgets.lesson import BrokenClaim, exercise, ledger, source


@pytest.fixture(autouse=True)
def live(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "live")


def answered(check, text, hint="Look left."):
    card = exercise("How much?", check, hint)
    box = next(t for t in all_of(card) if isinstance(t, w.Text))
    box.value = text
    return next(h for h in all_of(card) if "labcore-status" in h._dom_classes).value


def raising(error):
    def check(_):
        raise error

    return check


def test_where_nobody_can_answer_the_question_is_read_with_its_hint_in_a_fold(monkeypatch):
    monkeypatch.setenv("LABCORE_FRONTEND", "static")
    html = exercise("How <i>much</i>?", lambda text: True, "x < 3").data
    assert "How <i>much</i>?" in html and "<details><summary>A hint</summary><p>x &lt; 3</p></details>" in html
    assert "<details>" not in exercise("How much?", lambda text: True).data


@pytest.mark.parametrize("right", [True, np.True_, np.float64(1) < 2])
def test_a_right_answer_is_right_however_the_check_says_so(right):
    assert "labcore-holds" in answered(lambda _: right, "1")


@pytest.mark.parametrize("wrong", [False, np.False_, None])
def test_a_wrong_answer_gets_the_hint(wrong):
    assert answered(lambda _: wrong, "1") == "Not yet. Look left."
    assert answered(lambda _: wrong, "1", hint="") == "Not yet."


def test_a_sentence_helps_and_is_text():
    assert answered(lambda _: "It is <b>more</b>.", "1") == "It is &lt;b&gt;more&lt;/b&gt;."


ERRORS = [ValueError("too big"), ParameterError("ridge = 99"), KeyError("x"), RuntimeError("odd"), AssertionError()]


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_the_check_raises_the_learner_sees_an_answer(error):
    said = answered(raising(error), "1")
    assert said.startswith("That could not be read: ") and unescape(said)[24:] == (str(error) or type(error).__name__)


def test_an_unreadable_answer_says_how_to_write_it():
    assert "write for example 0.5" in answered(lambda text: number(text) == 1, "one")


def test_the_check_gets_the_answer_stripped_and_may_be_asked_again():
    heard = []
    card = exercise("How much?", lambda text: heard.append(text))
    box = next(t for t in all_of(card) if isinstance(t, w.Text))
    assert heard == []
    box.value = " 3 "
    button(card, "Check").click()
    assert heard == ["3", "3"]


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
