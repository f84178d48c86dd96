"""The questions on graph programs: a program that makes a triangle, and chunks of unequal length."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .graph_programs import Invalid, draw_graph
from .graph_structured import chunks


@exercise(
    "Write a program that makes a triangle: three nodes, every pair joined by at least one edge. Words: push, pop, "
    "add, connect, move, next_port, prev_port.",
    hint=(
        "Begin with push add connect next_port add connect.",
        "Then put the last node on the stack and walk to the second.",
    ),
)
def makes_a_cycle(text: str, seed: int) -> bool | str:
    steps = tuple(text.replace(",", " ").split())
    try:
        graph = draw_graph(steps, 3, {})
    except Invalid as error:
        return f"This makes no graph: {error}."
    ends = {frozenset(pair) for pair in graph.ends}
    if len(graph.nodes) == 3 and len(ends) == 3:
        return True
    return f"This makes {len(graph.nodes)} nodes, {len(ends)} pairs of them joined."


@exercise(
    "64 numbers are cut into one chunk for each element, and the first chunk takes the remainder. Name a number of "
    "elements for which the first chunk is at least twice as long as the last.",
    asked("elements", 1, 64),
    hint="When is the remainder of 64 divided by the number of elements large, compared with the quotient?",
)
def elements_for(size: int, seed: int) -> bool | str:
    lengths = [piece.stop - piece.start for piece in chunks(size)]
    right = lengths[0] >= 2 * lengths[-1]
    return right or f"With {size} elements the first chunk has {lengths[0]} numbers, the last {lengths[-1]}."
