"""A transformer learns to reduce terms, and runs programs by reading its own answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float

from labcore.primitives.runs.layers import streams
from labcore.primitives.runs.training import adamw, cosine_rate

from . import lambda_tasks as tasks
from .lambda_tasks import BOUND, VOCABULARY, Array, Example, Notation, Split, Task
from .lambda_terms import leftmost_redex, reduction
from .seq2seq import END, PAD, START, Translator, decode, target_loss

BATCH, HEADS, RATE, PROBE = 32, 4, 3e-3, 100


def execute(model: Translator, run: int, sources: list[list[int]], notation: Notation, bound: int) -> list[list]:
    """Run `run` of the model reads its own answers until nothing is left to reduce, `bound` times at most.

    For each source the (answer, probabilities) of its steps. It stops at an answer that is no term or does not fit.
    """
    alone = model.run(run)
    courses, live = [[] for _ in sources], dict(enumerate(sources))
    for _ in range(bound):
        if not (live := {i: ids for i, ids in live.items() if len(ids) <= model.width}):
            break
        answers, sure = decode(alone, torch.tensor(tasks.padded(list(live.values()), model.width))[None])  # the idea
        following = {}
        for i, ids, p in zip(live, answers[0].tolist(), sure[0].tolist(), strict=True):
            courses[i].append((ids, p))
            term = tasks.read(ids, notation)
            if term is not None and leftmost_redex(term):  # the idea
                following[i] = ids[: ids.index(END)]  # the idea
        live = following  # the idea
    return courses


def train(
    task: Task,
    notation: Notation,
    max_size: int,
    d: int,
    layers: int,
    steps: int,
    n_train: int,
    n_seeds: int,
    seed: int,
) -> Iterator[tuple[int, Translator, list[Split]]]:
    """Adam on batches of 32 pairs, a new split, weights and order for each of S runs.

    Yields (steps done, model, splits), 25 times or less.
    """
    seeds = [[seed, i] for i in range(n_seeds)]
    splits = [tasks.split(max_size, task, notation, n_train, g) for g in streams(seeds, 0)]
    width, longest = (max(len(e[k]) for s in splits for part in s for e in part) for k in (0, 1))
    model = Translator(streams(seeds, 1), VOCABULARY, width, longest, d, HEADS, layers)
    source = [torch.tensor(tasks.padded([e.source for e in s.train], width)) for s in splits]
    target = [torch.tensor(tasks.padded([e.target for e in s.train], longest)) for s in splits]
    optimizer, order = adamw(model, RATE), streams(seeds, 2)
    every = max(25, steps // 25)
    yield 0, model, splits
    for step in range(1, steps + 1):
        rows = [torch.tensor(g.integers(0, len(x), BATCH)) for g, x in zip(order, source, strict=True)]
        x, y = (torch.stack([a[r] for a, r in zip(part, rows, strict=True)]) for part in (source, target))
        y = y[:, :, : int((y != PAD).sum(2).max())]
        before = torch.cat([torch.full_like(y[:, :, :1], START), y[:, :, :-1]], 2)
        cosine_rate(optimizer, RATE * min(1, step / 20), step - 1, steps)
        loss = target_loss(model(x, before), y).sum()  # runs share no weight
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == steps or (step % every == 0 and steps - step >= every):
            yield step, model, splits


def score(
    model: Translator, run: int, pairs: list[Example], task: Task, notation: Notation
) -> tuple[Bool[Array, " E"], Float[Array, " E"], Bool[Array, " E"]]:
    """Of E held-out pairs: whether the greedy answer is right, up to names; how similar its tokens are to the right
    ones; whether execution, which in the many-step task is that one answer, ends in the normal form.
    """
    bound = 1 if task == "normal form" else 2 + max(e.steps for e in pairs)
    courses = execute(model, run, [e.source for e in pairs], notation, bound)
    first = tasks.padded([c[0][0] for c in courses])
    exact = np.array([tasks.read(ids, notation) == e.answer for ids, e in zip(first.tolist(), pairs, strict=True)])
    ends = [list(reduction(e.term, BOUND, longest=40))[-1] for e in pairs]
    finished = [tasks.read(c[-1][0], notation) == end for c, end in zip(courses, ends, strict=True)]
    alike = tasks.similarity(first, tasks.padded([e.target for e in pairs]))
    return exact, alike, np.array(finished)
