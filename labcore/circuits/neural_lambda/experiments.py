"""What a transformer learns of reduction, and a program that it runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var
from labcore.primitives.runs.one_thread import one_thread

from . import lambda_tasks as tasks
from .lambda_tasks import BOUND, LONGEST, Example, Notation, Task
from .lambda_terms import leftmost_redex, reduction, size
from .mechanism import HEADS, PROBE, execute, score, train
from .seq2seq import Translator

USES, DEPTHS = ("never", "once", "twice or more"), ("1", "2", "3 or more")

MaxSize = Annotated[int, number(7, 12, "Tokens of the largest terms", "terms", label="longest term")]
Letters = Annotated[
    Notation, choice("How variables are written: by counting binders, or with names", "terms", label="notation")
]


LEARNING = Frame(
    time=axis("training time", "steps"),
    repeat=axis("repetition"),
    uses=axis("uses of the argument", values=USES),
    rule=axis("rule", values=("copy the term", "drop the argument", "usual tokens")),
    size=axis("size of the term", "tokens", start=tasks.SMALLEST),
    depth=axis("steps to the normal form", values=DEPTHS),
    exact=var("repeat time", "right answers to held-out terms"),
    similarity=var("repeat time", "similarity of the answer's tokens"),
    exact_by_uses=var("uses time", "right answers to held-out terms"),
    baseline=var("rule", "right answers to held-out terms"),
    grid=var("size uses", "right answers"),
    grid_count=var("size uses", "held-out terms"),
    direct=var("depth", "right answers"),
    finished=var("depth", "executions that end in the normal form"),
    power=var("depth", "one-step share to the power of the steps"),
    depth_count=var("depth", "held-out terms"),
)


@experiment(quick=dict(max_size=8, steps=150, d_model=32), frame=LEARNING)
@one_thread
def learning(
    steps: Annotated[
        int, number(100, 3000, "Training steps of 32 pairs", "training", "steps", label="training steps", main=True)
    ] = 2000,
    task: Annotated[
        Task,
        choice("What the model is asked for: the next term, or the last one", "terms", label="asked for", main=True),
    ] = "one step",
    notation: Letters = "de Bruijn",
    max_size: MaxSize = 10,
    d_model: Annotated[
        int, number(32, 128, "Width of the transformer; a multiple of 4 is used", "model", label="model width d")
    ] = 64,
    layers: Annotated[int, number(1, 4, "Blocks of the transformer", "model", label="layers")] = 2,
    n_train: Annotated[
        int, number(200, 5400, "Training terms, if there are that many", "terms", label="training terms n")
    ] = 5400,
    n_seeds: Annotated[
        int, number(1, 3, "Repetitions, each with its own terms and weights", "runs", label="repetitions")
    ] = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Right answers to held-out terms while a transformer learns to reduce, and where the wrong ones are.

    exact, similarity (repeat, time), exact_by_uses (uses, time): while it trains on 100 held-out terms, at the end on
    all. baseline (rule). grid, grid_count (size, uses): right answers and terms, now. direct, finished, power,
    depth_count (depth): by the steps to the normal form, the share of right answers, of executions that end in the
    normal form, and the one-step share to the power of the steps.
    """
    log: list[tuple] = []
    settings = task, notation, max_size, d_model // HEADS * HEADS, layers, steps, n_train, n_seeds, seed
    for at, model, splits in train(*settings):
        pairs = [s.test if at == steps else s.test[:: max(1, len(s.test) // PROBE)] for s in splits]
        scores = [score(model, i, p, task, notation) for i, p in enumerate(pairs)]
        exact, alike, finished = (np.concatenate(part) for part in zip(*scores, strict=True))
        flat = [e for p in pairs for e in p]
        used = np.array([min(e.uses, 2) for e in flat])
        sizes, depth = np.array([size(e.term) for e in flat]), np.array([e.steps for e in flat])
        by_uses, of_uses = tasks.share(exact, [used == u for u in range(3)])
        log.append((at, [s[0].mean() for s in scores], [s[1].mean() for s in scores], by_uses))
        time, exact_log, alike_log, uses_log = map(np.array, zip(*log, strict=True))
        span = np.arange(tasks.SMALLEST, max_size + 1)
        grid, grid_count = tasks.share(exact, [(sizes == n) & (used == u) for n in span for u in range(3)])
        deep = [depth == 1, depth == 2, depth >= 3]
        direct, depth_count = tasks.share(exact, deep)
        finish, _ = tasks.share(finished, deep)
        power, _ = tasks.share(exact.mean() ** depth, deep)
        baseline = np.mean([tasks.baselines(s, notation) for s in splits], 0)
        told = ", ".join(f"{p:.0%} where it is used {u}" for p, u, n in zip(by_uses, USES, of_uses, strict=True) if n)
        told = f"({len(splits[0].train)} training terms, {len(splits[0].test)} held out). By the argument: {told}."
        told = f"After {at} steps {exact.mean():.0%} of the answers to held-out terms are right {told}"
        told += f" Dropping every argument gets {baseline[1]:.0%}."
        yield LEARNING(
            dict(
                time=time,
                exact=exact_log.T,
                similarity=alike_log.T,
                exact_by_uses=uses_log.T,
                baseline=baseline,
                grid=grid.reshape(-1, 3),
                grid_count=grid_count.reshape(-1, 3),
                direct=direct,
                finished=finish,
                power=power,
                depth_count=depth_count,
            ),
            told,
            at / steps,
            task=task,
        )


@lru_cache(maxsize=2)
def _shelf(*_settings: object) -> list[tuple]:
    """A place for one training, 15 MB at most, so that another term can be run without training again."""
    return []


def _moments(*settings: object) -> Iterator[tuple[int, Translator, list[tasks.Split]]]:
    """What `train` yields; a training that came to its end is not done again."""
    shelf = _shelf(*settings)
    if shelf:
        model = copy.deepcopy(shelf[0][1])
        for at, _, weights, splits in shelf:
            model.load_state_dict(weights)
            yield at, model, splits
        return
    kept = []
    for at, model, splits in train(*settings):
        kept.append((at, model, copy.deepcopy(model.state_dict()), splits))
        yield at, model, splits
    shelf[:] = kept


RUN = Frame(
    row=axis("step of the run", "steps"),
    slot=axis("token"),
    read=axis("token of the term that is read"),
    layer=axis("block", start=1),
    head=axis("head", start=1),
    true=var("row slot", "tokens of the true term"),
    answer=var("row slot", "tokens of the model's term"),
    sure=var("row slot", "probability of the model's token"),
    right=var("row", "the model's term is the true one"),
    attention=var("layer head slot read", "attention"),
)


@experiment(quick=dict(max_size=7, steps=100), frame=RUN)
@one_thread
def execution(
    term: Annotated[
        int,
        number(
            0, 99, "Which held-out term to run; those that take many steps come first", "run", label="term", main=True
        ),
    ] = 25,
    look: Annotated[int, number(0, 12, "The step to look into", "run", label="step looked at", main=True)] = 0,
    steps: Annotated[
        int, number(100, 3000, "Training steps before the run", "training", "steps", label="training steps", main=True)
    ] = 1000,
    notation: Letters = "de Bruijn",
    max_size: MaxSize = 10,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A program that a transformer runs: it reads its own answer again and again. Beside it, the true reduction.

    true, answer (row, slot): tokens of the terms, "" after their end; row 0 is the program. sure (row, slot): the
    probability of each token that the model chose. right (row): whether both are the same term. attention (layer, head,
    slot, read): from each token of the answer after row `look` to each token of that row, by the model.
    """
    settings = ("one step", notation, max_size, 64, 2, steps, 5400, 1, seed)
    for at, model, splits in _moments(*settings):
        pairs = sorted(splits[0].test, key=lambda e: -e.steps)
        values, told, shown = _follow(model, pairs[term % len(pairs)], look, notation)
        yield RUN(values, f"After {at} training steps: {told}", at / steps, look=shown, notation=notation)


def _follow(model: Translator, pair: Example, look: int, notation: Notation) -> tuple[dict, str, int]:
    """The true run and the model's: the values of a frame, its reading, and the step that is looked into."""
    reducts = list(reduction(pair.term, BOUND, longest=LONGEST))
    answers = execute(model, 0, [pair.source], notation, BOUND)[0]
    # a binder's name means nothing: the true terms have theirs in order of appearance, whatever the model says
    plain: Notation = "de Bruijn" if notation == "de Bruijn" else "ordered names"
    true = [tasks.words(tasks.write(tasks.baptize(t, plain), plain), plain) for t in reducts]
    said = [tasks.words(pair.source, notation), *(tasks.words(ids, notation) for ids, _ in answers)]
    rows, slots = max(len(true), len(said)), max(map(len, [*true, *said]))
    same = [t == tasks.read(ids, notation) for t, (ids, _) in zip(reducts[1:], answers, strict=False)]
    right = [True, *same, *[False] * (rows - 1 - len(same))]
    sure = np.ones((rows, slots))
    for row, (_, p) in enumerate(answers, 1):
        sure[row, : len(said[row])] = p[: len(said[row])]
    look = min(look, len(answers) - 1)
    attention = tasks.attention(model, said[look], said[look + 1], slots)
    wrong = right.index(False) if False in right else rows
    over = leftmost_redex(reducts[-1]) is None
    told = f"the true run takes {'' if over else 'more than '}{len(true) - 1} step{'s' * (len(true) > 2)}"
    if wrong == rows:
        told += f", and the model makes every one {'of them' if over else 'that is shown'} right."
    else:
        told += (
            f"; the model goes on after {'its end' if over else 'that'}."
            if wrong >= len(true)
            else f"; the model goes wrong at step {wrong}."
        )
    values = dict(
        true=tasks.table(true, rows, slots),
        answer=tasks.table(said, rows, slots),
        sure=sure,
        right=np.array(right, dtype=int),
        attention=attention,
    )
    return values, told, look
