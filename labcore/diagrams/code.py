"""Neural circuit diagrams as torch: `source` writes the program, `compile` makes a module that runs it.

module = compile(diagram, seed=0)
out = module(q, k, v)             # one tensor, or a tuple where the diagram ends in several arrays
cuts = module.cuts(q, k, v)       # the tensors at every cut, None where fusing has done away with one

`source` says a diagram's meaning, a line for each step. The module runs `module.program`, in which the steps that torch
has a kernel for are that kernel (`recognise`); with `fast=False` it runs the text of `source`.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import Copy, Diagram, Drop
from labcore.diagrams.functions import HELPERS, aligned, expression
from labcore.diagrams.fuse import Path, Schedule, Term, parameters, schedule
from labcore.diagrams.known import Known
from labcore.diagrams.recognise import recognised

_DIGITS = 38  # of the largest number in torch's usual precision


@dataclass(frozen=True)
class Program:
    """A torch program: its text, and for each box (by its path) the number of the line that runs it, from 1."""

    source: str
    line: dict[Path, int]


def source(diagram: Diagram, name: str = "f", fused: bool = True) -> str:
    """A torch program that needs nothing but torch: a function of the input arrays and of the learned ones."""
    return program(diagram, name, fused).source


def program(diagram: Diagram, name: str = "f", fused: bool = True, fast: bool = False) -> Program:
    """The torch program with the line of every box; `fast`: with torch's own kernels where they are the same.

    Raises ValueError when a size is still open.
    """
    plan, learned = schedule(diagram, fused), parameters(diagram)
    _check_sizes(diagram)
    plan = recognised(plan) if fast else plan
    for word in (name, *learned):
        if (
            not word.isidentifier()
            or keyword.iskeyword(word)
            or word in {"torch", *HELPERS, *dir(torch.nn.ParameterDict)}
        ):
            raise ValueError(f"name = {word!r} is not allowed; a program needs a name that Python does not use itself")
    names, taken = {}, {name, "torch", *HELPERS, *learned}
    for row, number in enumerate(plan.cuts[0]):
        names[number] = _new(f"x{row + 1}", taken)
    inputs = [names[n] for n in plan.cuts[0]]
    like = (inputs or [*learned] or ["torch.zeros(())"])[0]
    body: list[str] = []
    made: list[tuple[str, list[str]]] = []  # of every line, what it makes and from what
    lines: dict[int, int] = {}
    for node in plan.nodes:
        ins = [names[n] for n in node.ins]
        if isinstance(node.op, Copy):
            names.update(dict.fromkeys(node.outs, ins[0]))
        elif not isinstance(node.op, Drop):
            dom = tuple(plan.arrays[n] for n in node.ins)
            cod = tuple(plan.arrays[n] for n in node.outs)
            if isinstance(node.op, Known):
                text = node.op.text.format(*ins)
            else:
                text = _einsum(node.term, names, like) if node.term else expression(node.op, ins, dom, cod, like)
            names[node.outs[0]] = text if text in taken else _new(node.word, taken)
            if text not in taken:
                body.append(f"    {names[node.outs[0]]} = {text}  # {cod[0]}")
                made.append((names[node.outs[0]], ins))
        lines.update(dict.fromkeys(node.layers, len(body)))
    if fast:
        body = _released(body, made, {names[n] for n in plan.cuts[-1]})
    helpers = [code for word, code in HELPERS.items() if any(f"{word}(" in line for line in body)]
    signature = ", ".join([*inputs, *learned])
    told = ", ".join(map(str, diagram.dom)) or "()"
    told = f'    """{told} -> {", ".join(map(str, diagram.cod)) or "()"}'
    told += "".join(f"\n    {n}: {Array(axes)}" for n, axes in learned.items()) + ("\n    " if learned else "") + '"""'
    head = ["import torch\n", *(f"\n{h.strip()}\n" for h in helpers), f"\ndef {name}({signature}):", told]
    before = "\n".join(head).count("\n") + 1
    text = "\n".join([*head, *body, f"    return {', '.join(names[n] for n in plan.cuts[-1]) or 'None'}"]) + "\n"
    found: dict[Path, int] = {}
    for n, path in enumerate(plan.paths):
        found.setdefault(path, before + lines.get(n, 0))  # a box that is repeated has the line of its first turn
    return Program(text, found)


def _released(body: list[str], made: list[tuple[str, list[str]]], out: set[str]) -> list[str]:
    """The lines, each giving up what no later one takes: the next arrays then lie where the processor has just been."""
    last = {name: line for line, (new, ins) in enumerate(made) for name in (new, *ins)}
    gone: dict[int, list[str]] = {}
    for name, _ in made:
        if name not in out:
            gone.setdefault(last[name], []).append(name)
    return [
        text.replace("  # ", f"; del {', '.join(gone[n])}  # ", 1) if n in gone else text for n, text in enumerate(body)
    ]


def _check_sizes(diagram: Diagram) -> None:
    for cut in diagram.cuts:
        for axis in (axis for a in cut for axis in a.axes):
            if not isinstance(axis.size, int):
                raise ValueError(f"the size of axis {axis.name} is {axis.size}; a program needs a whole number")


def _new(name: str, taken: set[str]) -> str:
    tries = (name, *(f"{name}{n}" for n in range(2, len(taken) + 3)))
    free = next(n for n in tries if n not in taken)
    taken.add(free)
    return free


def _einsum(term: Term, names: dict[int, str], like: str) -> str:
    """One einsum as torch. A single array whose axes only change places is permuted."""
    letters = _letters(term)
    operands = [(names[o.source] if isinstance(o.source, int) else o.source, list(o.labels)) for o in term.operands]
    held, out = {n for _, labels in operands for n in labels}, []
    for label in term.out:
        size = term.axes[label].size
        if label in out:  # einsum has no output letter twice: the second is a letter of its own, tied by a delta
            twin = -1 - len(out)
            letters[twin] = next(x for x in _alphabet() if x not in letters.values())
            operands.append((f"torch.eye({size}).to({like})", [label, twin]))
            held.add(label)
            out.append(twin)
        else:
            out.append(label)
    operands += [(f"{like}.new_ones({term.axes[n].size})", [n]) for n in dict.fromkeys(out) if n >= 0 and n not in held]
    if not operands:
        text = f"{like}.new_ones(())"
    elif len(operands) > 1 or len(set(operands[0][1])) != len(operands[0][1]) or {*operands[0][1]} != {*out}:
        sides = ["".join(letters[n] for n in labels) for labels in (*(o[1] for o in operands), out)]
        text = f'torch.einsum("{", ".join(sides[:-1])} -> {sides[-1]}", {", ".join(o[0] for o in operands)})'
    elif operands[0][1] == out:
        text = operands[0][0]
    else:
        text = f"{operands[0][0]}.permute({', '.join(str(operands[0][1].index(n)) for n in out)})"
    _check_range(term)
    if term.factor != 1:
        text += f" * {term.factor!r}"
    for axis, power in term.powers:
        text += f" * {axis.size} ** {float(power):g}"
    return text + (f" + {aligned(*term.bias, term.out)}" if term.bias else "")


def _check_range(term: Term) -> None:
    """Raises ValueError where the factors of a term leave the numbers that torch has, one after another."""
    at = [math.log10(abs(term.factor)) if term.factor else -math.inf]
    for axis, power in term.powers:
        at += [float(power) * math.log10(axis.size), at[-1] + float(power) * math.log10(axis.size)]
    if not all(digits <= _DIGITS for digits in at):
        factors = " ".join([f"{term.factor:g}", *(f"{axis.size}^{power}" for axis, power in term.powers)])
        raise ValueError(f"the scale {factors} is not allowed; its factors and what they make stay below 1e{_DIGITS}")


def _alphabet() -> Iterator[str]:
    yield from "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _letters(term: Term) -> dict[int, str]:
    """A letter for each label, the first of its axis's name where that is free."""
    letters: dict[int, str] = {}
    for label in dict.fromkeys([n for o in term.operands for n in o.labels] + list(term.out)):
        wish = term.axes[label].name[0].lower()
        letters[label] = next(x for x in (wish, *_alphabet()) if x.isalpha() and x not in letters.values())
    return letters


class Compiled(torch.nn.Module):
    """A diagram that runs. Its learned arrays are parameters; float64, drawn from a seed."""

    def __init__(self, diagram: Diagram, seed: int, fused: bool, fast: bool) -> None:
        super().__init__()
        self.diagram, self.fused = diagram, fused
        self.program = program(diagram, fused=fused, fast=fast and fused)
        self.shapes = [tuple(axis.size for axis in a.axes) for a in diagram.dom]
        space: dict = {}
        exec(self.program.source, space)  # the text that can be shown is the program that runs
        self.function = space["f"]
        draw = torch.Generator().manual_seed(seed)
        self.learned = torch.nn.ParameterDict()
        for name, axes in parameters(diagram).items():
            shape = [a.size for a in axes]
            spread = math.prod(shape[1:]) ** -0.5
            self.learned[name] = spread * torch.randn(shape, generator=draw, dtype=torch.float64)

    def _check(self, arrays: tuple[Tensor, ...]) -> None:
        # torch would broadcast, or take a mean over whatever comes in
        if [x.shape for x in arrays] == self.shapes:
            return
        dom = self.diagram.dom
        if len(arrays) != len(dom):
            raise ValueError(f"{len(arrays)} arrays come in; the diagram needs {len(dom)}: {', '.join(map(str, dom))}")
        for row, (x, shape) in enumerate(zip(arrays, self.shapes), start=1):
            if x.shape != shape:
                raise ValueError(f"array {row} has shape {tuple(x.shape)}; {dom[row - 1]} needs {shape}")

    def forward(self, *arrays: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the diagram ends in. Raises ValueError for another number of arrays, or shapes, than it begins with."""
        self._check(arrays)
        # not `values()`, which looks each one up by its name and costs as much as a small step
        return self.function(*arrays, *self.learned._parameters.values())

    def cuts(self, *arrays: Tensor, limit: int = 1_000_000) -> list[list[Tensor | None]]:
        """The tensors at every cut of the opened diagram; None for an array of more than `limit` numbers."""
        self._check(arrays)
        return _cuts(schedule(self.diagram, self.fused), arrays, dict(self.learned), limit)


def compile(diagram: Diagram, seed: int = 0, fused: bool = True, fast: bool = True) -> Compiled:
    """A module with the diagram's learned arrays as parameters. Raises ValueError when a size is still open.

    fused, fast: see `program`; without fusing there is nothing to recognise.
    """
    return Compiled(diagram, seed, fused, fast)


def _cuts(plan: Schedule, arrays: tuple[Tensor, ...], learned: dict, limit: int) -> list[list[Tensor | None]]:
    value = dict(zip(plan.cuts[0], arrays))
    space: dict = {"torch": torch, **learned}
    for code in HELPERS.values():
        exec(code, space)

    def run(text: str) -> Tensor:
        return eval(text, space | {f"v{n}": tensor for n, tensor in value.items()})

    names = {n: f"v{n}" for n in plan.arrays}
    like = names[plan.cuts[0][0]] if arrays else next(iter(learned), "torch.zeros(())")
    for node in plan.nodes:
        if isinstance(node.op, Copy):
            value.update(dict.fromkeys(node.outs, value[node.ins[0]]))
        elif not isinstance(node.op, Drop):
            dom, cod = (tuple(plan.arrays[n] for n in side) for side in (node.ins, node.outs))
            text = _einsum(node.term, names, like) if node.term else ""
            value[node.outs[0]] = run(text or expression(node.op, [names[n] for n in node.ins], dom, cod, like))
    for number, term in plan.inside.items():
        if plan.arrays[number].size <= limit:
            value[number] = run(_einsum(term, names, like))
    return [[value.get(n) for n in cut] for cut in plan.cuts]
