"""Lambda terms as translation problems: a term, and the term after one step or its normal form, as token numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped

from .lambda_terms import (
    Term,
    label,
    leftmost_redex,
    named,
    parse,
    random_terms,
    reduction,
    shift,
    size,
    tokens,
    unnamed,
    uses,
)
from .seq2seq import END, PAD, START, Translator

LAMBDA, APPLY, FIRST = 3, 4, 5  # token numbers; FIRST is that of the first variable
NAMES = tuple("abcdefghijkl")
VOCABULARY = FIRST + len(NAMES)
SMALLEST, LONGEST = 5, 12  # tokens of the smallest term and of the longest answer, both written without names
BOUND = 12  # steps after which a term counts as one that does not end
LONG = 3  # steps that make a run a long one
Notation = Literal["de Bruijn", "ordered names", "random names"]
Task = Literal["one step", "normal form"]
Array = np.ndarray


def _one_of(name: str, value: str, kinds: Any) -> None:
    if value not in get_args(kinds):
        raise ValueError(f"{name} = {value!r} is not allowed; it must be one of {', '.join(get_args(kinds))}")


class Example(NamedTuple):
    """A term, the answer that the task asks for, and what makes it hard."""

    source: list[int]  # token numbers
    target: list[int]  # token numbers, END last
    term: Term
    answer: Term
    steps: int  # steps to the normal form; 0 when it is not reached in BOUND steps
    uses: int  # copies of the argument that the first step makes


def numbers(text: Sequence[int | str]) -> list[int]:
    """Token numbers of a prefix string, with or without names."""
    special = {
        "PAD": PAD,
        "START": START,
        "END": END,
        "L": LAMBDA,
        "@": APPLY,
        **{name: FIRST + i for i, name in enumerate(NAMES)},
    }
    return [special[t] if isinstance(t, str) else FIRST + t for t in text]


def words(ids: Sequence[int], notation: Notation) -> list[int | str]:
    """The tokens of these numbers, up to END. Raises ValueError for another notation, as all that take one do."""
    _one_of("notation", notation, Notation)
    table = ["PAD", "START", "END", "L", "@", *(range(len(NAMES)) if notation == "de Bruijn" else NAMES)]
    ids = list(ids)
    return [table[i] for i in (ids[: ids.index(END)] if END in ids else ids)]


def read(ids: Sequence[int], notation: Notation) -> Term | None:
    """The closed term that these token numbers mean; None if there is none, or it never ends."""
    _one_of("notation", notation, Notation)
    if END not in ids:
        return None
    return (parse if notation == "de Bruijn" else unnamed)(words(ids, notation))


def baptize(term: Term, notation: Notation, rng: np.random.Generator | None = None) -> Term:
    """The term with the labels that the notation gives its binders; random names are drawn from `rng`."""
    _one_of("notation", notation, Notation)
    if notation == "de Bruijn":
        return term
    names = NAMES if notation == "ordered names" else tuple(NAMES[i] for i in rng.permutation(len(NAMES)))
    return label(term, iter(names))


def write(term: Term, notation: Notation) -> list[int]:
    """Token numbers of a term, END last; of a labelled one when the notation has names."""
    _one_of("notation", notation, Notation)
    return [*numbers(tokens(term) if notation == "de Bruijn" else named(term, NAMES)), END]


def example(term: Term, task: Task, notation: Notation, rng: np.random.Generator) -> Example | None:
    """One pair of the task. None when there is nothing to reduce, when the answer is too long, or when there is none:
    the normal form of a term that has none in BOUND steps. Raises ValueError for another task or notation.
    """
    _one_of("task", task, Task)
    _one_of("notation", notation, Notation)
    redex = leftmost_redex(term)
    if redex is None:
        return None
    source = baptize(term, notation, rng)
    course = list(reduction(source, BOUND, longest=40))
    steps = len(course) - 1 if leftmost_redex(course[-1]) is None else 0
    answer = course[1] if task == "one step" else course[-1]
    if size(answer) > LONGEST or (task == "normal form" and not steps):
        return None
    if notation == "ordered names":  # names follow the order of the binders, in the answer again
        answer = baptize(answer, notation)
    plain = parse(tokens(answer))
    return Example(write(source, notation)[:-1], write(answer, notation), term, plain, steps, uses(redex[1][1][1]))


class Split(NamedTuple):
    """Distinct terms, no two alpha-equivalent, none in both parts."""

    test: list[Example]
    train: list[Example]


def split(max_size: int, task: Task, notation: Notation, n_train: int, rng: np.random.Generator) -> Split:
    """Random closed terms of 5 to max_size tokens with something to reduce; as many as there are, n_train at most.

    A ninth of n_train is held out, a quarter of all at most, and every second of the long runs, which would
    be too few in the test otherwise.
    """
    found, long, wanted = [], [], n_train + n_train // 9
    for term in random_terms(SMALLEST, max_size, rng):
        if pair := example(term, task, notation, rng):
            (long if pair.steps >= LONG else found).append(pair)
        if len(found) + len(long) == wanted:
            break
    held = min(n_train // 9, (len(found) + len(long)) // 4) - len(long) // 2
    held = max(held, 1)
    return Split([*found[:held], *long[::2]], [*found[held:], *long[1::2]])


def padded(rows: Sequence[Sequence[int]], width: int = 0) -> Int[Array, "N width"]:
    """Rows of token numbers, at least `width` wide, with PAD after their end."""
    out = np.full((len(rows), max(width, *map(len, rows))), PAD, dtype=np.int64)
    for row, ids in zip(out, rows, strict=True):
        row[: len(ids)] = ids
    return out


def similarity(a: Int[Array, "N P"], b: Int[Array, "N Q"]) -> Float[Array, " N"]:
    """1 - edit distance / length of the longer one, of pairs of padded rows, END counted too."""
    length_a, length_b = (np.maximum((x != PAD).sum(1), 1) for x in (a, b))
    table = np.zeros((a.shape[1] + 1, b.shape[1] + 1, len(a)), dtype=np.int64)
    table[:, 0], table[0] = np.arange(a.shape[1] + 1)[:, None], np.arange(b.shape[1] + 1)[:, None]
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            swap = table[i, j] + (a[:, i] != b[:, j])
            table[i + 1, j + 1] = np.minimum(swap, 1 + np.minimum(table[i, j + 1], table[i + 1, j]))
    return 1 - table[length_a, length_b, np.arange(len(a))] / np.maximum(length_a, length_b)


def drop_redex(term: Term) -> Term:
    """The step of a reducer that never substitutes: `@ L` and the argument go, the body stays as it is.

    Right when the argument is not used; otherwise its variable points at the next binder, or at none.
    """
    if isinstance(term, int):
        return term
    at, redex = leftmost_redex(term) or (-1, None)
    if at == 0:
        return shift(redex[1][1], -1)
    if term[0] == "L":
        return ("L", drop_redex(term[1]))
    if leftmost_redex(term[1]):
        return ("@", drop_redex(term[1]), term[2])
    return ("@", term[1], drop_redex(term[2]))


def bigram(targets: Sequence[Sequence[int]]) -> list[int]:
    """The answer of a model that knows only which token most often follows which, after START, LONGEST long at most."""
    follows = np.zeros((VOCABULARY, VOCABULARY), dtype=np.int64)
    for row in targets:
        np.add.at(follows, ([START, *row[:-1]], row), 1)
    out, last = [], START
    while len(out) <= LONGEST and last != END:
        last = int(follows[last].argmax())
        out.append(last)
    return out


def baselines(parts: Split, notation: Notation) -> list[float]:
    """Right answers to the held-out terms, as a share, of three rules: copy the term, drop the argument, bigrams."""
    usual = read(bigram([e.target for e in parts.train]), notation)
    rules = (lambda e: e.term, lambda e: drop_redex(e.term), lambda e: usual)
    return [float(np.mean([rule(e) == e.answer for e in parts.test])) for rule in rules]


def share(
    values: Bool[Array, " N"] | Float[Array, " N"], groups: list[Bool[Array, " N"]]
) -> tuple[Float[Array, " G"], Int[Array, " G"]]:
    """The mean of the values in each group, 0 where a group is empty, and the sizes of the groups."""
    counts = np.array([g.sum() for g in groups])
    return np.array([values[g].sum() for g in groups]) / np.maximum(counts, 1), counts


def table(texts: Sequence[Sequence[int | str]], rows: int, slots: int) -> Shaped[Array, "rows slots"]:
    """Token strings, "" after their end."""
    full = [[*map(str, text)] + [""] * (slots - len(text)) for text in texts]
    return np.array(full + [[""] * slots] * (rows - len(texts)))


@torch.no_grad()
def attention(
    model: Translator, source: Sequence, answer: Sequence, slots: int
) -> Float[Array, "layers heads slots slots"]:
    """How much each token of an answer, when it is about to be written, reads each token of the source; 0 beyond
    their ends.
    """
    x = torch.tensor(padded([numbers(source)], model.width))[None]
    y = torch.tensor([[[START, *numbers(answer)][: model.longest]]])
    seen: list = []
    model(x, y, seen)
    maps = torch.stack([a[0, 0] for _, a in seen])[:, :, model.width :, : len(source)].double().numpy()
    out = np.zeros((*maps.shape[:2], slots, slots))
    out[:, :, : len(answer), : len(source)] = maps[:, :, : len(answer)]
    return out
