"""Pregroup grammar: words have types with adjoints, and a sentence is what contracts to s.

A simple type is a basic one (n, s) or an adjoint of it (n.l, n.r, n.l.l, ...). The rules are the contractions
a a.r -> 1, which for a = n.l reads n.l n -> 1. A sentence diagram is the words side by side (boxes without inputs),
then non-crossing cups, then one open wire.
Source: Lambek, Type grammar revisited (1999); Coecke, Sadrzadeh, Clark (2010), arXiv:1003.4394.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labcore.diagrams import Box, Diagram, Layer
from labcore.diagrams.diagram import Ty

WORD, CUP, CAP = "word", "cup", "cap"  # what a box is, in its `data`


@dataclass(frozen=True)
class Simple:
    """A simple type: `name` with winding 0 is basic, -1 its left adjoint, 1 its right adjoint, and so on."""

    name: str
    winding: int = 0

    @property
    def l(self) -> Simple:  # noqa: E743 - the left adjoint is written n.l
        return Simple(self.name, self.winding - 1)

    @property
    def r(self) -> Simple:
        return Simple(self.name, self.winding + 1)

    def __str__(self) -> str:
        return self.name + (".l" if self.winding < 0 else ".r") * abs(self.winding)


class GrammarError(ValueError):
    """Words that do not contract to the type that was asked for."""


def ty(text: str) -> Ty:
    """A type as it is written: "n.r s n.l". Raises ValueError on anything but names, .l and .r."""
    simples = []
    for part in text.split():
        name, *adjoints = part.split(".")
        if not name.isalpha() or any(a not in ("l", "r") for a in adjoints) or len(set(adjoints)) > 1:
            raise ValueError(f"type = {part!r} is not allowed; write a name with .l or .r after it, as in n.l.l")
        simples.append(Simple(name, len(adjoints) * (-1 if "l" in adjoints else 1)))
    return tuple(simples)


def show(types: Ty) -> str:
    return " ".join(map(str, types)) or "1"


def word(name: str, types: Ty) -> Box:
    return Box(name, (), types, WORD)


def cup(a: Simple) -> Box:
    """a a.r -> 1."""
    return Box("cup", (a, a.r), (), CUP)


def cap(a: Simple) -> Box:
    """1 -> a.r a."""
    return Box("cap", (), (a.r, a), CAP)


def links(types: Ty, target: Simple) -> list[tuple[int, int]] | None:
    """The wires that cups join so that only `target` stays open, inner cups first; None if there is no such way.

    An interval DP over contractions, as in CYK: types[i:j] vanishes if wire i joins some wire m of it, and both
    types[i+1:m] and types[m+1:j] vanish. Where there are several ways, each wire joins the nearest it can.
    """
    n = len(types)
    joined: dict[tuple[int, int], int | None] = {(i, i): None for i in range(n + 1)}
    for span in range(2, n + 1, 2):
        for i in range(n - span + 1):
            j = i + span
            for m in range(i + 1, j, 2):
                if types[m] == types[i].r and (i + 1, m) in joined and (m + 1, j) in joined:  # the idea
                    joined[i, j] = m  # the idea
                    break
    for k in range(n):
        if types[k] == target and (0, k) in joined and (k + 1, n) in joined:
            pairs, todo = [], [(0, k), (k + 1, n)]
            while todo:
                i, j = todo.pop()
                if (m := joined[i, j]) is not None:
                    pairs.append((i, m))
                    todo += [(i + 1, m), (m + 1, j)]
            return sorted(pairs, key=lambda pair: pair[1])
    return None


def neighbours(types: Ty) -> list[tuple[int, int]]:
    """The wires that contract when each joins its left neighbour as soon as it can: what an eager reader does."""
    pairs, stack = [], []
    for j, t in enumerate(types):
        if stack and t == types[stack[-1]].r:
            pairs.append((stack.pop(), j))
        else:
            stack.append(j)
    return pairs


def remainder(types: Ty) -> Ty:
    """What an eager reader is left with."""
    joined = {wire for pair in neighbours(types) for wire in pair}
    return tuple(t for wire, t in enumerate(types) if wire not in joined)


def typed(words: Sequence[str], lexicon: Mapping[str, Ty]) -> Ty:
    """The types of all words, side by side. Raises ValueError for an unknown word."""
    for w in words:
        if w not in lexicon:
            raise ValueError(f"word = {w!r} is not allowed; the lexicon has {', '.join(lexicon)}")
    return tuple(t for w in words for t in lexicon[w])


def wire_up(words: Sequence[str], lexicon: Mapping[str, Ty], pairs: Sequence[tuple[int, int]]) -> Diagram:
    """Words side by side, then a cup for each pair of wires, inner cups first."""
    types, layers, width = typed(words, lexicon), [], 0
    for w in words:
        layers.append(Layer(width, word(w, lexicon[w])))
        width += len(lexicon[w])
    closed: list[int] = []
    for i, j in pairs:
        layers.append(Layer(i - sum(k < i for k in closed), cup(types[i])))
        closed += [i, j]
    return Diagram((), tuple(layers))


def parse(words: Sequence[str], lexicon: Mapping[str, Ty], target: Simple = Simple("s")) -> Diagram:
    """The diagram of a sentence: words, then cups, then one open wire of type `target`.

    Time grows with the cube of the types of all words: a millisecond or so for a dozen words, up to a second at 300.
    Raises ValueError for an unknown word, and GrammarError, which prints the type that is left, for no sentence.
    """
    types = typed(words, lexicon)
    pairs = links(types, target)
    if pairs is None:
        raise GrammarError(
            f'"{" ".join(words)}" does not reduce to {target}: its type {show(types)} leaves {show(remainder(types))}'
        )
    return wire_up(words, lexicon, pairs)


def hasten(sentence: Diagram) -> Diagram:
    """The same diagram by the interchange law, each cup slid left past words that it does not touch.

    Fewer wires are then open at once, and contraction costs less.
    """
    layers = list(sentence.layers)
    for i in range(len(layers)):
        while i and layers[i].box.data == CUP and layers[i - 1].box.data == WORD:
            before, now = layers[i - 1 : i + 1]
            if now.offset + 2 > before.offset:
                break
            layers[i - 1 : i + 1] = [now, Layer(before.offset - 2, before.box)]
            i -= 1
    return Diagram(sentence.dom, tuple(layers))
