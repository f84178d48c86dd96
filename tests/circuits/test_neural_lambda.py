"""The reducer against arithmetic and combinators, the data against leaks, the model's executions, claims."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import xarray as xr

from labcore.circuits.neural_lambda import (
    Translator,
    beta,
    decode,
    execute,
    leftmost_redex,
    parse,
    reduction,
    step,
    train,
)
from labcore.circuits.neural_lambda import lambda_tasks as tasks
from labcore.circuits.neural_lambda.exercises import takes_two_steps
from labcore.circuits.neural_lambda.experiments import execution, learning
from labcore.circuits.neural_lambda.lambda_terms import (
    count,
    is_redex,
    label,
    named,
    random_terms,
    size,
    tokens,
    unnamed,
    unrank,
    uses,
)
from labcore.circuits.neural_lambda.mechanism import score
from labcore.circuits.neural_lambda.seq2seq import END, PAD, START, target_loss


def lam(body, n=1):
    return body if n == 0 else ("L", lam(body, n - 1))


def app(*terms):
    first, *rest = terms
    for term in rest:
        first = ("@", first, term)
    return first


def church(n):
    body = 0
    for _ in range(n):
        body = ("@", 1, body)
    return lam(body, 2)


def normal(term, bound=200):
    *_, last = reduction(term, bound)
    assert step(last) is None
    return last


PLUS = lam(app(3, 1, app(2, 1, 0)), 4)
TIMES = lam(app(2, app(1, 0)), 3)
ID, K, S = lam(0), lam(1, 2), lam(app(2, 0, app(1, 0)), 3)
OMEGA = app(lam(app(0, 0)), lam(app(0, 0)))


@pytest.mark.parametrize(("m", "n"), list(product(range(4), repeat=2)))
def test_church_arithmetic(m, n):
    assert normal(app(PLUS, church(m), church(n))) == church(m + n)
    assert normal(app(TIMES, church(m), church(n))) == church(m * n)


def test_combinators():
    assert normal(app(S, K, K)) == ID
    assert normal(app(K, ID, OMEGA)) == ID  # normal order never looks at what is thrown away
    assert normal(app(S, app(S, app(K, S), K), app(K, ID))) == normal(lam(lam(app(1, app(ID, 0)))))
    assert step(OMEGA) == OMEGA and len(list(reduction(OMEGA, 5))) == 6


def test_step_counts():
    assert len(list(reduction(app(K, ID, S), 10))) - 1 == 2
    assert len(list(reduction(app(ID, ID, ID, ID), 10))) - 1 == 3
    assert step(lam(app(ID, 0))) == ID and step(ID) is None and step(app(0, app(ID, 1))) == app(0, 1)
    assert leftmost_redex(app(0, app(ID, 1))) == (2, app(ID, 1)) and leftmost_redex(S) is None
    assert tokens(app(0, app(ID, 1))).index("L") == 3


def test_no_capture():
    """(x. y. x) y must not become y. y: the free y stays free."""
    assert step(lam(app(lam(1, 2), 0))) == lam(1, 2)
    term = unnamed(["L", "y", "@", "L", "x", "L", "y", "x", "y"])
    assert term == lam(app(lam(1, 2), 0))
    labelled = ("L", ("@", ("L", ("L", 1, "y"), "x"), 0), "y")
    text = named(step(labelled), tasks.NAMES)
    assert unnamed(text) == lam(1, 2) and text[1] != text[3]


def test_beta_by_hand():
    # (x. y. x y z) a with z, a free: indices of what is outside move by one each way
    assert beta(lam(app(1, 0, 2)), 5) == lam(app(6, 0, 1))
    assert beta(app(0, 0, 1), lam(0)) == app(ID, ID, 0)
    assert uses(lam(app(1, 1, 0))) == 2 and uses(lam(0)) == 0


def test_counting_is_exhaustive():
    assert [count(n) for n in range(1, 12)] == [0, 1, 2, 4, 13, 42, 139, 506, 1915, 7558, 31092]
    for n in range(2, 9):
        found = {unrank(n, rank) for rank in range(count(n))}
        assert len(found) == count(n)
        assert all(size(t) == n and parse(tokens(t)) == t for t in found)  # closed: parse takes nothing else
    with pytest.raises(ValueError, match="rank = 13 is not allowed"):
        unrank(5, 13)


def test_random_terms_are_all_terms_once():
    found = list(random_terms(5, 8, np.random.default_rng(0)))
    assert len(found) == len(set(found)) == sum(count(n) for n in range(5, 9))
    assert found != list(random_terms(5, 8, np.random.default_rng(1)))


def test_what_is_no_term():
    for text in ([], ["L"], [0], ["L", 1], ["@", "L", 0], ["L", 0, 0], ["L", "@", 0]):
        assert parse(text) is None
    for text in (["a"], ["L", "a"], ["L", "a", "b"], ["L", "L", "a"], ["L", "a", "a", "a"]):
        assert unnamed(text) is None
    assert tasks.read([3, 5], "de Bruijn") is None  # no END
    assert tasks.read([3, 5, END, PAD], "de Bruijn") == ID


def anywhere(term):
    """All terms after one reduction of any redex."""
    if isinstance(term, int):
        return
    if is_redex(term):
        yield beta(term[1][1], term[2])
    for at in range(1, len(term)):
        for new in anywhere(term[at]):
            yield (*term[:at], new, *term[at + 1 :])


def test_confluence():
    rng = np.random.default_rng(0)
    tried = 0
    for term in random_terms(8, 10, np.random.default_rng(1)):
        course = list(reduction(term, 12, longest=60))
        if len(course) < 3 or step(course[-1]) is not None:
            continue
        other = term
        for _ in range(200):
            if not (choices := list(anywhere(other))) or size(other) > 300:
                break
            other = choices[rng.integers(len(choices))]
        assert step(other) is not None or other == course[-1]
        tried += step(other) is None
        if tried == 300:
            return
    raise AssertionError("too few terms")


@pytest.mark.parametrize("notation", ["de Bruijn", "ordered names", "random names"])
@pytest.mark.parametrize("task", ["one step", "normal form"])
def test_pairs_mean_what_they_say(task, notation):
    parts = tasks.split(8, task, notation, 5400, np.random.default_rng(0))
    for e in [*parts.test, *parts.train]:
        assert tasks.read([*e.source, END], notation) == e.term
        assert tasks.read(e.target, notation) == e.answer
        expected = step(e.term) if task == "one step" else normal(e.term)
        assert e.answer == expected and e.target[-1] == END and size(e.answer) <= tasks.LONGEST


@pytest.mark.parametrize("notation", ["ordered names", "random names"])
def test_round_trip_through_names(notation):
    rng = np.random.default_rng(0)
    for term in list(random_terms(5, 9, rng))[:500]:
        text = named(tasks.baptize(term, notation, rng), tasks.NAMES)
        assert unnamed(text) == term
    assert named(label(ID, iter("q")), tasks.NAMES) == ["L", "q", "q"]


def test_nothing_leaks():
    parts = tasks.split(9, "one step", "random names", 5400, np.random.default_rng(0))
    test, seen = {e.term for e in parts.test}, {e.term for e in parts.train}
    assert not test & seen and len(test) == len(parts.test) and len(seen) == len(parts.train)
    everything = [t for t in random_terms(5, 9, np.random.default_rng(0)) if leftmost_redex(t)]
    assert len(test) + len(seen) == sum(size(step(t)) <= tasks.LONGEST for t in everything)


def test_long_runs_are_in_both_parts():
    parts = tasks.split(10, "normal form", "de Bruijn", 5400, np.random.default_rng(0))
    test, seen = (sum(e.steps >= tasks.LONG for e in part) for part in parts)
    assert abs(test - seen) <= 1 and test >= 20
    assert len(parts.test) == 600 and all(e.steps > 0 for e in parts.test)  # what never ends has no normal form
    assert tasks.example(OMEGA, "normal form", "de Bruijn", np.random.default_rng(0)) is None
    assert tasks.example(OMEGA, "one step", "de Bruijn", np.random.default_rng(0)).steps == 0


def test_baselines():
    parts = tasks.split(9, "one step", "de Bruijn", 5400, np.random.default_rng(0))
    copied, dropped, usual = tasks.baselines(parts, "de Bruijn")
    unused = np.mean([e.uses == 0 for e in parts.test])
    assert copied <= 0.01 and usual <= 0.05
    assert unused <= dropped <= unused + 0.05
    assert tasks.drop_redex(lam(app(lam(2, 1), 0))) == lam(1)


def levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def test_similarity_is_edit_distance():
    rng = np.random.default_rng(0)
    pairs = [[list(rng.integers(1, 4, rng.integers(1, 8))) for _ in range(2)] for _ in range(50)]
    found = tasks.similarity(*(tasks.padded(side) for side in zip(*pairs, strict=True)))
    expected = [1 - levenshtein(a, b) / max(len(a), len(b)) for a, b in pairs]
    np.testing.assert_allclose(found, expected)


# ---- the model


def rewriter(runs=2, seed=0):
    return Translator([np.random.default_rng([seed, i]) for i in range(runs)], tasks.VOCABULARY, 8, 6, 16, 4, 2)


def test_decoder_sees_the_source_and_the_past_only():
    model = rewriter()
    rng = np.random.default_rng(0)
    source, target = (torch.tensor(rng.integers(3, 10, (2, 3, n))) for n in (8, 6))
    base = model(source, target)
    later = target.clone()
    later[:, :, 4] = 12
    torch.testing.assert_close(model(source, later)[:, :, :4], base[:, :, :4])
    assert not torch.allclose(model(source, later)[:, :, 4:], base[:, :, 4:])
    other = source.clone()
    other[:, :, 7] = 12
    assert not torch.allclose(model(other, target)[:, :, 0], base[:, :, 0])


def test_runs_are_independent():
    model = rewriter()
    source = torch.tensor(np.random.default_rng(0).integers(3, 10, (2, 3, 8)))
    target = torch.full((2, 3, 1), START)
    alone = model.run(1)(source[1:], target[1:])
    torch.testing.assert_close(alone, model(source, target)[1:])


def test_loss_counts_target_tokens_only():
    logits = torch.randn(1, 2, 4, 7, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([[[3, 4, END, PAD], [5, END, PAD, PAD]]])
    p = logits.log_softmax(-1)
    expected = -(p[0, 0, 0, 3] + p[0, 0, 1, 4] + p[0, 0, 2, END] + p[0, 1, 0, 5] + p[0, 1, 1, END]) / 5
    assert float(target_loss(logits, y)[0]) == pytest.approx(float(expected), rel=1e-6)


def test_decoding_is_greedy():
    model = rewriter(1)
    source = torch.tensor(np.random.default_rng(0).integers(3, 10, (1, 20, 8)))
    answers, sure = decode(model, source)
    before = torch.cat([torch.full_like(answers[:, :, :1], START), answers[:, :, :-1]], 2)
    p, best = model(source, before).softmax(-1).max(-1)
    written = answers != PAD
    assert written.any() and (best[written] == answers[written]).all()
    torch.testing.assert_close(sure[written], p[written])


def test_execution_follows_its_own_answers():
    """With a perfect model in place of the trained one, execution is reduction."""

    class Perfect:
        width, longest, token = 12, 13, torch.zeros(1)

        def run(self, i):
            return self

        def __call__(self, source, target):
            logits = torch.zeros(*target.shape, tasks.VOCABULARY)
            for b, row in enumerate(source[0].tolist()):
                term = tasks.read([*(t for t in row if t != PAD), END], "de Bruijn")
                ids = tasks.write(step(term), "de Bruijn")
                logits[0, b, -1, ids[target.shape[2] - 1] if target.shape[2] <= len(ids) else PAD] = 9
            return logits

    pairs = [e for e in tasks.split(9, "one step", "de Bruijn", 300, np.random.default_rng(0)).test if e.steps]
    exact, alike, finished = score(Perfect(), 0, pairs, "one step", "de Bruijn")
    assert exact.all() and (alike == 1).all() and finished.all()
    courses = execute(Perfect(), 0, [e.source for e in pairs], "de Bruijn", 12)
    assert [len(c) for c in courses] == [e.steps for e in pairs]


def test_run_i_does_not_depend_on_how_many_run():
    ends = [list(train("one step", "de Bruijn", 7, 16, 1, 50, 200, n, 0))[-1] for n in (1, 2)]
    assert ends[0][2][0] == ends[1][2][0]
    torch.testing.assert_close(ends[1][1].run(0).token, ends[0][1].token, atol=1e-4, rtol=1e-3)


def test_erasing_is_learned_first():
    frame = learning.run(max_size=9, steps=300, d_model=32)
    never, once, twice = frame.exact_by_uses[:, -1].values
    assert never > once > twice
    np.testing.assert_allclose(frame.exact[:, 0], 0, atol=0.02)
    assert frame.grid_count.sum() == 389
    total = (frame.grid * frame.grid_count).sum() / 389
    assert float(total) == pytest.approx(float(frame.exact[0, -1]))


@pytest.mark.parametrize("notation", ["ordered names", "random names"])
def test_names_run_too(notation):
    frame = execution.run(notation=notation, max_size=7, steps=100)
    assert frame["true"].values[0, 0] in ("L", "@") and frame.right[0] == 1


def test_another_term_needs_no_training(monkeypatch):
    frames = list(execution.frames(max_size=7, steps=100, seed=5))
    assert len(frames) > 2
    monkeypatch.setattr("labcore.circuits.neural_lambda.experiments.train", None)
    again = list(execution.frames(max_size=7, steps=100, seed=5, term=3))
    assert [f.progress for f in again] == [f.progress for f in frames]
    for one, other in zip(execution.frames(max_size=7, steps=100, seed=5), frames, strict=True):
        xr.testing.assert_identical(one, other)


def test_execution_frame_is_the_reduction():
    frame = execution.run(term=0, max_size=7, steps=100)
    rows = [[int(t) if t.isdigit() else t for t in row if t] for row in frame["true"].values.astype(str)]
    course = [parse(row) for row in rows if row]
    assert course == list(reduction(course[0], 12))
    said = [t for t in frame.answer.values[1].astype(str) if t]
    assert bool(frame.right[1]) == (said == [str(t) for t in tokens(course[1])])
    attention = frame.attention.values
    assert attention.shape[:2] == (2, 4) and (attention.sum(-1) <= 1 + 1e-6).all()


def test_readings_say_what_is_there():
    frame = learning.run(max_size=7, steps=100, d_model=32, layers=1, seed=1)
    assert frame.grid_count.sel(uses="twice or more").sum() == 0 and "twice" not in frame.reading
    frame = execution.run(max_size=11, steps=100, term=2)
    assert "takes more than 2 steps" in frame.reading  # its third term has over 12 tokens


# ---- the lesson's exercise


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("@ L 0 @ L 0 L 0", True),
        ("@ @ L L 1 L 0 L 0", True),
        (" @L0@L0L0 ", True),
        ("@ λ 0 @ λ0 λ0", True),
        ("@ L 0 L 0", False),
        ("L 0", False),
        ("@ L @ 0 0 L @ 0 0", False),  # goes on for ever
        ("@ L 0 @ L 0 0", False),  # not closed
        ("@ L 0 @ L 0 L 0 L 0", False),
        ("", False),
    ],
)
def test_terms_that_take_two_steps(answer, right):
    assert (takes_two_steps(answer) is True) == right


def test_another_notation_or_task_is_refused():
    """Whatever was not `de Bruijn` counted as names, and whatever was not `one step` as the normal form."""
    term, rng = parse(["@", "L", 0, "L", 0]), np.random.default_rng(0)
    for use in (
        lambda word: tasks.words([tasks.LAMBDA], word),
        lambda word: tasks.read([tasks.LAMBDA], word),
        lambda word: tasks.baptize(term, word, rng),
        lambda word: tasks.write(term, word),
        lambda word: tasks.example(0, "one step", word, rng),
        lambda word: tasks.split(6, "one step", word, 10, rng),
    ):
        with pytest.raises(ValueError, match="notation = 'de bruijn' is not allowed; it must be one of de Bruijn, ord"):
            use("de bruijn")
    with pytest.raises(ValueError, match="task = 'one' is not allowed; it must be one of one step, normal form"):
        tasks.example(term, "one", "de Bruijn", rng)
