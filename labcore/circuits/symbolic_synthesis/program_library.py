"""Parts that programs share: what a library of them saves, and the parts that save most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .graph_programs import COMBINATORS, PRIMITIVES, Library, Program, length, shown


def description_length(programs: list[Program], library: Library) -> float:
    """Bits to write down the programs and the library: every step costs log2 of the number of steps to choose from."""
    choices = len(PRIMITIVES) + len(COMBINATORS) + len(library) + 1  # and the end of a program
    return float(np.log2(choices) * (sum(map(length, programs)) + sum(map(length, library.values()))))


def _bodies(program: Program) -> Iterator[Program]:
    yield program
    for item in program:
        if not isinstance(item, str):
            for body in item[1:]:
                yield from _bodies(body)


def rewrite(program: Program, part: Program, name: str) -> Program:
    """The program with every occurrence of `part`, from left to right, replaced by its name."""
    out, i = [], 0
    while i < len(program):
        if program[i : i + len(part)] == part:
            out.append(name)
            i += len(part)
        else:
            item = program[i]
            out.append(item if isinstance(item, str) else (item[0], *(rewrite(b, part, name) for b in item[1:])))
            i += 1
    return tuple(out)


def compress(
    programs: list[Program], library: Library, most: int = 3, prefix: str = "part"
) -> tuple[list[Program], dict[str, Program]]:
    """The programs rewritten with up to `most` new parts, each the run of steps that saves most bits; the library."""
    library = dict(library)
    for _ in range(most):
        runs = {
            body[i:j]
            for program in programs
            for body in _bodies(program)
            for i in range(len(body))
            for j in range(i + 2, len(body) + 1)
        }
        name = f"{prefix}{len(library) + 1}"
        best, least = None, description_length(programs, library) - 1e-9
        for part in sorted(runs, key=lambda p: (-len(p), shown(p))):
            bits = description_length([rewrite(p, part, name) for p in programs], {**library, name: part})  # the idea
            if bits < least:
                best, least = part, bits  # the idea
        if best is None:
            break
        programs, library[name] = [rewrite(p, best, name) for p in programs], best  # the idea
    return programs, library
