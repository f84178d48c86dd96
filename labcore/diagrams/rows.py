"""A diagram that is built on rows with names, so that a rule says on which arrays it acts and not where they stand."""

from __future__ import annotations

from labcore.diagrams.axes import Array, Axis
from labcore.diagrams.boxes import (
    Add,
    Contract,
    Copy,
    Diag,
    Ones,
    Operation,
    Outer,
    Sketch,
    Spread,
    Sum,
    SwapArrays,
    Transpose,
)

Tag = tuple[
    str, int | str
]  # what a row holds: ("now" | "kept" | "made" | "grad", number of the array) or ("learned", name)


class Rows:
    """A sketch whose rows have names, so that a rule can say on which arrays it acts and not where they stand."""

    def __init__(self, arrays: dict[Tag, Array]) -> None:
        self.sketch, self.tags = Sketch(tuple(arrays.values())), list(arrays)

    def bring(self, *tags: Tag) -> int:
        """Make these rows neighbours, in this order; returns the first row."""
        rows = [self.tags.index(t) for t in tags]
        first, last = min(rows), max(rows) + 1
        if rows != [*range(first, last)]:
            order = [*(r for r in range(first, last) if r not in rows), *rows]
            self.sketch.do(SwapArrays(tuple(r - first for r in order)), first)
            self.tags[first:last] = [self.tags[r] for r in order]
        return self.tags.index(tags[0])

    def do(self, op: Operation, tags: list[Tag], new: list[Tag]) -> None:
        """An operation on these rows, which become the new ones. One without inputs goes to the bottom."""
        row = self.bring(*tags) if tags else len(self.tags)
        self.sketch.do(op, row)
        self.tags[row : row + len(tags)] = new

    def copy(self, tag: Tag, *new: Tag) -> None:
        """A row, more than once."""
        for n, name in enumerate(new[:-1]):
            self.do(Copy(), [tag], [name, tag if n < len(new) - 2 else new[-1]])
        if len(new) == 1:
            self.tags[self.tags.index(tag)] = new[0]

    def array(self, tag: Tag) -> Array:
        return self.sketch.cut[self.tags.index(tag)]

    def einsum(self, parts: dict[Tag, tuple[int, ...]], out: tuple[int, ...], axes: dict[int, Axis], new: Tag) -> None:
        """Rows with labelled wires become one row with the wires `out`, out of the elementary boxes."""
        tags = list(parts)
        row = self.bring(*tags)
        for tag in tags[1:]:
            self.do(Outer(), [tags[0], tag], [tags[0]])
        have = [n for labels in parts.values() for n in labels]
        act = self.sketch.do
        for label in dict.fromkeys(have):
            while (times := have.count(label)) > 1 or label not in out:
                i = have.index(label)
                if times == 1:
                    act(Sum(i), row)
                    have.pop(i)
                    break
                j = have.index(label, i + 1)
                last = times == 2 and label not in out
                act(Contract(i, j) if last else Diag(i, j), row)
                have.pop(j)
                if last:
                    have.pop(i)
                    break
        for label in dict.fromkeys(out):
            if label not in have:
                act(Ones(axes[label]), row + 1)
                act(Outer(), row)
                have.append(label)
            for _ in range(out.count(label) - 1):
                act(Spread(have.index(label)), row)
                have.insert(have.index(label), label)
        order = []
        for label in out:
            order.append(next(p for p, n in enumerate(have) if n == label and p not in order))
        if order != sorted(order):
            act(Transpose(tuple(order)), row)
        self.tags[row] = new

    def like(self, tag: Tag, whole: Array, missing: tuple[int, ...]) -> None:
        """Broadcast a row along the positions of `whole` that it does not have."""
        there = tuple(p for p in range(len(whole)) if p not in missing)
        self.einsum({tag: there}, tuple(range(len(whole))), dict(enumerate(whole.axes)), tag)

    def collect(self, tag: Tag) -> None:
        """Add a new gradient to the one that a learned array already has."""
        name = ("learned", tag[1])
        if name in self.tags:
            self.do(Add(), [name, tag], [name])
        else:
            self.tags[self.tags.index(tag)] = name
