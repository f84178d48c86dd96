"""Lambda terms without names: t ::= i | L t | @ t t. The variable i is bound by the (i + 1)-th `L` on the way up.

A term is an int, ("L", body) or ("@", function, argument); its tokens are the same in prefix order. Terms that differ
only in the names of their variables are one term here, so equality is alpha-equivalence. For writing it with names a
binder may carry one, ("L", body, name), which reduction leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

Term = int | tuple


def shift(term: Term, by: int, cutoff: int = 0) -> Term:
    """The term with `by` added to its free variables, those from `cutoff` on."""
    if isinstance(term, int):
        return term + by if term >= cutoff else term
    if term[0] == "L":
        return ("L", shift(term[1], by, cutoff + 1), *term[2:])
    return ("@", shift(term[1], by, cutoff), shift(term[2], by, cutoff))


def substitute(term: Term, j: int, value: Term) -> Term:
    """term[j := value]; under a binder j is j + 1, and the free variables of the value are one higher."""
    if isinstance(term, int):
        return value if term == j else term
    if term[0] == "L":
        return ("L", substitute(term[1], j + 1, shift(value, 1)), *term[2:])
    return ("@", substitute(term[1], j, value), substitute(term[2], j, value))


def beta(body: Term, argument: Term) -> Term:
    """(@ (L body) argument) -> body[0 := argument], with the binder gone: free variables of the body are one lower."""
    return shift(substitute(body, 0, shift(argument, 1)), -1)


def is_redex(term: Term) -> bool:
    return isinstance(term, tuple) and term[0] == "@" and isinstance(term[1], tuple) and term[1][0] == "L"


def step(term: Term) -> Term | None:
    """One beta-reduction in normal order: the leftmost outermost redex. None for a normal form."""
    if isinstance(term, int):
        return None
    if is_redex(term):
        return beta(term[1][1], term[2])
    for at in (1,) if term[0] == "L" else (1, 2):
        if (new := step(term[at])) is not None:
            return (*term[:at], new, *term[at + 1 :])
    return None


def leftmost_redex(term: Term, at: int = 0) -> tuple[int, Term] | None:
    """The token at which the leftmost outermost redex begins, and the redex. None for a normal form."""
    if isinstance(term, int):
        return None
    if is_redex(term):
        return at, term
    if found := leftmost_redex(term[1], at + 1):
        return found
    return leftmost_redex(term[2], at + 1 + size(term[1])) if term[0] == "@" else None


def reduction(term: Term, bound: int, longest: int = 1000) -> Iterator[Term]:
    """The term and what follows in normal order, `bound` steps at most, until a normal form or a term > `longest`."""
    yield term
    for _ in range(bound):
        if (term := step(term)) is None:
            return
        yield term
        if size(term) > longest:
            return


def uses(body: Term, j: int = 0) -> int:
    """How often the variable j occurs in the body: the copies that substitution makes of the argument."""
    if isinstance(body, int):
        return int(body == j)
    return uses(body[1], j + 1) if body[0] == "L" else uses(body[1], j) + uses(body[2], j)


def size(term: Term) -> int:
    """Number of tokens."""
    return len(tokens(term))


def tokens(term: Term) -> list[int | str]:
    """Prefix notation: `L` and `@` stand before their parts."""
    if isinstance(term, int):
        return [term]
    return ["L", *tokens(term[1])] if term[0] == "L" else ["@", *tokens(term[1]), *tokens(term[2])]


def parse(prefix: Sequence[int | str]) -> Term | None:
    """The closed term with these tokens in prefix order; None if there is none."""
    rest = list(reversed(prefix))

    def read(depth: int) -> Term:
        head = rest.pop()
        if head == "L":
            return ("L", read(depth + 1))
        if head == "@":
            function = read(depth)
            return ("@", function, read(depth))
        if not isinstance(head, int) or not 0 <= head < depth:
            raise ValueError(head)
        return head

    try:
        term = read(0)
    except (IndexError, ValueError, RecursionError):
        return None
    return term if not rest else None


def label(term: Term, names: Iterator[str]) -> Term:
    """The term with the next of these names at each binder, in prefix order."""
    if isinstance(term, int):
        return term
    if term[0] == "L":
        name = next(names)
        return ("L", label(term[1], names), name)
    function = label(term[1], names)
    return ("@", function, label(term[2], names))


def named(term: Term, names: Sequence[str], scope: tuple[str, ...] = ()) -> list[str]:
    """Prefix tokens `L x body` of a labelled term. A label that is in scope already gives way to the first free name:
    it would capture what the outer binder binds.
    """
    if isinstance(term, int):
        return [scope[term]]
    if term[0] == "L":
        name = term[2] if term[2] not in scope else next(n for n in names if n not in scope)
        return ["L", name, *named(term[1], names, (name, *scope))]
    return ["@", *named(term[1], names, scope), *named(term[2], names, scope)]


def unnamed(prefix: Sequence[str]) -> Term | None:
    """The closed term that these tokens with names mean; a name means its innermost binder. None if there is none."""
    rest = list(reversed(prefix))

    def read(scope: tuple[str, ...]) -> Term:
        head = rest.pop()
        if head == "L":
            name = rest.pop()
            if name in ("L", "@"):
                raise ValueError(name)
            return ("L", read((name, *scope)))
        if head == "@":
            function = read(scope)
            return ("@", function, read(scope))
        return scope.index(head)

    try:
        term = read(())
    except (IndexError, ValueError, RecursionError):
        return None
    return term if not rest else None


@cache
def count(n: int, depth: int = 0) -> int:
    """Number of terms of n tokens with free variables below `depth`: T(n, d)."""
    if n <= 1:
        return depth if n == 1 else 0
    return count(n - 1, depth + 1) + sum(count(k, depth) * count(n - 1 - k, depth) for k in range(1, n - 1))


def unrank(n: int, rank: int, depth: int = 0) -> Term:
    """Term number `rank` of the count(n, depth) terms of n tokens. Raises ValueError when there is none."""
    if not 0 <= rank < count(n, depth):
        raise ValueError(f"rank = {rank} is not allowed; there are {count(n, depth)} terms of {n} tokens")
    if n == 1:
        return rank
    if rank < count(n - 1, depth + 1):
        return ("L", unrank(n - 1, rank, depth + 1))
    rank -= count(n - 1, depth + 1)
    for k in range(1, n - 1):
        function, argument = count(k, depth), count(n - 1 - k, depth)
        if rank < function * argument:
            return ("@", unrank(k, rank // argument, depth), unrank(n - 1 - k, rank % argument, depth))
        rank -= function * argument
    raise AssertionError("count and unrank disagree")


def random_terms(smallest: int, largest: int, rng: np.random.Generator) -> Iterator[Term]:
    """Closed terms of `smallest` to `largest` tokens, each exactly once, in uniformly random order."""
    bounds = np.cumsum([0, *(count(n) for n in range(smallest, largest + 1))])
    for rank in rng.permutation(bounds[-1]):
        at = int(np.searchsorted(bounds, rank, side="right")) - 1
        yield unrank(smallest + at, int(rank - bounds[at]))
