"""What a class's answers are kept as, who sees them when, and what is refused."""

from __future__ import annotations

import time

import pytest

from tests.browser.front import write_notebook
from widgets.benches.asked import asked
from widgets.gallery import guesses
from widgets.gallery.guesses import Guesses, Refused

CELLS = (
    "NAMES = ('grammar', 'guess')\nFEW = 'A few'",
    """from widgets import Prediction, Ruler, Sketch, bench
bench("a.b", predict=Prediction("How many?", ("None", FEW), right=print, why="Because.", instead={FEW: dict(x=1)}))
bench("a.b", predict=Sketch("How high?", x=Ruler("n", 1, 9, at=tuple(k for k in range(1, 4))), y=Ruler("h"),
    answer=print, judge="height"), label="drawn")""",
    "%matplotlib inline",
    """bench("a.c", predict=Sketch("Where?", kind="place", x=Ruler("n"), y=Ruler("h", 1, 100, log=True), answer=print,
    judge="place"))
bench("a.d", predict=Sketch("Which?", kind="order", x=Ruler("n", names=NAMES), y=Ruler("h"), answer=print,
    judge="order"))
bench("a.e", predict=made_elsewhere())
bench("a.f", predict=Prediction(f"Of {print}?", ("None", "Some"), right=print))
bench("a.g")""",
)


@pytest.fixture
def held(tmp_path) -> Guesses:
    write_notebook(tmp_path / "lesson.ipynb", *CELLS)
    return Guesses({"lesson": tmp_path / "lesson.ipynb"})


def commit(held: Guesses, visitor: str, answer, bench: str = "a.b", number: int = 1) -> dict:
    return held.commit(visitor, {"lesson": "lesson", "bench": bench, "round": number, "answer": answer})


def do(held: Guesses, deed: str, bench: str = "a.b", number: int = 1) -> None:
    held.act({"lesson": "lesson", "bench": bench, "round": number, "do": deed})


def sees(held: Guesses, visitor: str, bench: str = "a.b") -> list[dict]:
    return held.seen_by(visitor, "lesson")[bench]["rounds"]


def test_the_questions_of_a_notebook_are_read_without_running_it(held):
    found = asked(held.lessons["lesson"])
    assert [(q.bench, q.kind, q.numbers) for q in found] == [
        ("a.b", "options", 0),
        ("drawn", "curve", 3),
        ("a.c", "place", 2),
        ("a.d", "order", 2),
    ], "one that is computed, and what asks nothing, are left out"
    assert (
        found[0].options == ("None", "A few") and found[0].why == "Because." and found[0].instead == {"A few": {"x": 1}}
    )
    assert found[1].axes["x"]["at"] == [0, 0.125, 0.25] and found[1].axes["y"]["title"] == "h"
    assert found[2].axes["y"]["log"] and found[3].axes["x"]["names"] == ("grammar", "guess")


def test_nobody_sees_others_before_their_own_commit_and_the_release(held):
    commit(held, "one", 0)
    assert sees(held, "one") == sees(held, "two") == []
    do(held, "show")
    assert sees(held, "one") == [{"of": 1, "counts": [1, 0]}]
    assert sees(held, "two") == []
    assert commit(held, "two", 1)["rounds"] == [{"of": 2, "counts": [1, 1]}]


def test_an_answer_is_replaced_until_it_is_shown_and_then_stands(held):
    commit(held, "one", 0)
    commit(held, "one", 1)
    do(held, "show")
    with pytest.raises(Refused, match="stands") as caught:
        commit(held, "one", 0)
    assert caught.value.status == 409
    assert sees(held, "one") == [{"of": 1, "counts": [0, 1]}]


def test_a_second_round_keeps_the_first_and_is_seen_when_it_is_shown(held):
    commit(held, "one", 0)
    with pytest.raises(Refused, match="second round comes after"):
        do(held, "again")
    do(held, "show")
    do(held, "again")
    with pytest.raises(Refused, match="another round"):
        commit(held, "one", 1, number=1)
    first = [{"of": 1, "counts": [1, 0]}]
    assert sees(held, "one") == first
    assert commit(held, "one", 1, number=2)["rounds"] == first
    do(held, "show", number=2)
    assert sees(held, "one") == [*first, {"of": 1, "counts": [0, 1]}]
    with pytest.raises(Refused):
        do(held, "again", number=2)


def test_after_the_end_nothing_counts_and_all_who_answered_see_all(held):
    commit(held, "one", 0)
    do(held, "show")
    do(held, "again")
    commit(held, "two", 1, number=2)
    do(held, "reveal", number=2)
    assert sees(held, "one") == sees(held, "two") == [{"of": 1, "counts": [1, 0]}, {"of": 1, "counts": [0, 1]}]
    assert sees(held, "three") == []
    with pytest.raises(Refused):
        commit(held, "three", 1, number=2)
    stands = held.seen_by("one", "lesson")["a.b"]
    assert stands["revealed"] and not stands["takes"] and stands["mine"] == 0
    do(held, "afresh", number=2)
    assert held.seen_by("one", "lesson")["a.b"]["mine"] is None
    assert commit(held, "one", 1)["committed"]


def test_drawings_lie_together_in_an_order_that_says_nothing(held):
    commit(held, "last", [1, 0.12345, 0], "drawn")
    commit(held, "first", [0, 0.5, 1], "drawn")
    do(held, "show", "drawn")
    assert sees(held, "last", "drawn") == [{"of": 2, "drawn": [(0, 0.5, 1), (1, 0.123, 0)]}]
    assert held.overview()[1]["rounds"] == sees(held, "last", "drawn")


@pytest.mark.parametrize(
    "bench, answer",
    [
        ("a.b", 2),
        ("a.b", -1),
        ("a.b", True),
        ("a.b", 0.0),
        ("a.b", "None"),
        ("a.b", None),
        ("a.b", [0]),
        ("drawn", 0),
        ("drawn", [0, 1]),
        ("drawn", [0, 1, 0, 1]),
        ("drawn", [0, 1, 1.01]),
        ("drawn", [0, 1, -0.01]),
        ("drawn", [0, 1, float("nan")]),
        ("drawn", [0, 1, float("inf")]),
        ("drawn", [0, 1, 10**400]),
        ("drawn", [0, 1, None]),
        ("drawn", [0, 1, True]),
        ("drawn", [0, 1, "1"]),
        ("drawn", {"0": 1}),
        ("a.c", [0.5]),
        ("a.e", 0),
        ("a.g", 0),
        ("", 0),
        (None, 0),
        (["a.b"], 0),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_is_lost(held, bench, answer):
    commit(held, "one", 1)
    commit(held, "one", [0, 0, 1], "drawn")
    before = held.overview()
    with pytest.raises(Refused) as caught:
        commit(held, "one", answer, bench)
    assert caught.value.status == 400
    assert held.overview() == before


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "commit",
        {},
        {"lesson": "lesson", "bench": "a.b", "round": 1},
        {"lesson": "lesson", "bench": "a.b", "round": 1, "answer": 0, "more": 1},
        {"lesson": "../lesson", "bench": "a.b", "round": 1, "answer": 0},
        {"lesson": {}, "bench": "a.b", "round": 1, "answer": 0},
        {"lesson": "lesson", "bench": "a.b", "round": "1", "answer": 0},
        {"lesson": "lesson", "bench": "a.b", "round": True, "answer": 0},
        {"lesson": "lesson", "bench": "a.b", "round": 2, "answer": 0},
    ],
)
def test_a_wrong_body_is_refused(held, said):
    with pytest.raises(Refused):
        held.commit("one", said)
    assert all(q["rounds"] == [{"of": 0, **q["rounds"][0]}] for q in held.overview())


@pytest.mark.parametrize("do", ["", "Show", None, [], {}])
def test_a_teacher_does_what_there_is(held, do):
    with pytest.raises(Refused):
        held.act({"lesson": "lesson", "bench": "a.b", "round": 1, "do": do})


def test_no_more_visitors_are_kept_than_the_bound_and_a_fresh_start_makes_room(held, monkeypatch):
    monkeypatch.setattr(guesses, "VISITORS", 2)
    commit(held, "one", 0)
    commit(held, "two", 0)
    with pytest.raises(Refused) as caught:
        commit(held, "three", 0)
    assert caught.value.status == 503
    commit(held, "two", [0, 0, 1], "drawn")
    commit(held, "one", 1)
    do(held, "afresh")
    commit(held, "three", 0)  # only `two` is left, with a drawing


def test_a_cookie_is_ours_or_nobodys(held):
    cookie = held.new_cookie()
    name, _, signature = cookie.partition(".")
    assert held.visitor(cookie) == name and held.new_cookie() != cookie
    other = Guesses({})
    wrong = [None, "", ".", name, f"{name}.", f"x{cookie}", f"{cookie}x", f"{name}.é", other.new_cookie(), cookie * 99]
    assert [held.visitor(w) for w in wrong] == [None] * len(wrong)
    assert held.is_teacher(held.token) and not any(map(held.is_teacher, [None, "", "é", other.token, held.token[:-1]]))


def test_requests_of_a_cookie_are_counted(held, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(guesses.BURST):
        held.count("one")
    with pytest.raises(Refused) as caught:
        held.count("one")
    assert caught.value.status == 429
    held.count("two")
    now[0] += 1 / guesses.EACH
    held.count("one")
    with pytest.raises(Refused):
        held.count("one")
    monkeypatch.setattr(guesses, "_BUCKETS", 5)
    for k in range(50):
        held.count(str(k))
    assert len(held._buckets) == 5
