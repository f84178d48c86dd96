"""Short programs whose graphs are new: a search over states, and which graphs are the same but for numbers."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import networkx as nx
import numpy as np

from .graph_programs import (
    COMBINATORS,
    PRIMITIVES,
    START,
    Graph,
    Invalid,
    Library,
    Program,
    State,
    connected,
    length,
    run,
)

LONGEST = 30  # steps of a program


def as_networkx(graph: Graph) -> nx.MultiGraph:
    made = nx.MultiGraph()
    made.add_nodes_from(range(len(graph.nodes)))
    made.add_edges_from(graph.ends)
    return made


@lru_cache(maxsize=4096)
def signature(graph: Graph) -> tuple:
    """Equal for isomorphic graphs: nodes, and for each its degree and those of its neighbours, sorted."""
    degree = np.bincount(np.ravel(graph.ends).astype(int), minlength=len(graph.nodes)).tolist()
    around: list[list[int]] = [[] for _ in graph.nodes]
    for a, b in graph.ends:
        around[a].append(degree[b])
        around[b].append(degree[a])
    return tuple(sorted(tuple(sorted(n)) for n in around))


def isomorphic(a: Graph, b: Graph) -> bool:
    """Whether two graphs are the same but for numbers and ports."""
    return signature(a) == signature(b) and nx.is_isomorphic(as_networkx(a), as_networkx(b))


def position(state: State, ports: int) -> tuple:
    """Equal for states from which the same steps lead to the same graphs, but for numbers and for which port is first.

    Nodes are named as a walk from the cursor meets them that takes the ports in turn from the cursor's on.
    """
    graph, here, port, stack = state
    around = [[-1] * ports for _ in graph.nodes]  # the neighbour at each port, counted from the cursor's
    for (a, b), p in zip(graph.ends, graph.ports, strict=True):
        turn = (p - port) % ports
        around[a][turn], around[b][turn] = b, a
    place = {-1: -1}
    walk: list[int] = []
    for root in (here, *stack, *range(len(around))):
        if root in place:
            continue
        place[root] = len(place) - 1
        fresh = [root]
        for node in fresh:
            for other in around[node]:
                if other not in place:
                    place[other] = len(place) - 1
                    fresh.append(other)
                walk.append(place[other])
    return tuple(walk), tuple(place[node] for node in stack)


def _spread(rng: np.random.Generator, states: list[tuple[State, Program]], beam: int) -> list[tuple[State, Program]]:
    """`beam` states, the same number for each kind of graph as far as there are; short stacks first."""
    if len(states) <= beam:
        return states
    shuffled = sorted((states[i] for i in rng.permutation(len(states))), key=lambda made: len(made[0].stack))
    count: Counter[tuple] = Counter()
    turn = []
    for state, _ in shuffled:
        kind = signature(state.graph)
        turn.append(count[kind])
        count[kind] += 1
    return [shuffled[i] for i in np.argsort(turn, kind="stable")[:beam]]


def explore(
    rng: np.random.Generator, library: Library, known: list[Graph], ports: int, max_nodes: int, wanted: int = 40,
    longest: int = LONGEST, beam: int = 150,
) -> list[tuple[Program, Graph]]:  # fmt: skip
    """Programs whose graphs are new, isomorphic to none in `known` and to none of each other, shortest first.

    All states that programs of one length reach are found from those of shorter ones; `beam` of them, drawn at random
    but evenly over kinds of graphs, are followed further. No `position` is visited twice, so no step is wasted. Each
    is also tried with one `func` or `if_positions_equal`, of random bodies of one to three primitives. The search ends
    when `wanted` graphs are found and no shorter program can follow, or after programs of `longest` steps, with fewer.
    A search that wants less finds the beginning of the same list.
    """
    ahead: list[dict[State, Program]] = [{START: ()}] + [{} for _ in range(longest)]
    seen, graphs, found = {position(START, ports)}, {START.graph}, []
    classes: dict[tuple, list[Graph]] = {}
    for graph in known:
        classes.setdefault(signature(graph), []).append(graph)

    def body() -> Program:
        return tuple(PRIMITIVES[i] for i in rng.integers(len(PRIMITIVES), size=rng.integers(1, 4)))

    for here in range(longest):
        # a program of `here` steps has the length here + 1: nothing shorter than the next ones can come any more
        if sum(length(program) <= here + 1 for program, _ in found) >= wanted:
            break
        for state, program in _spread(rng, list(ahead[here].items()), beam):
            name, bodies = list(COMBINATORS.items())[rng.integers(len(COMBINATORS))]
            for item in (*PRIMITIVES, *library, (name, *(body() for _ in range(bodies)))):
                cost = here + length((item,)) - 1
                try:
                    after = run((item,), ports, library, state) if cost <= longest else state
                except Invalid:
                    continue
                if after is state or len(after.graph.nodes) > max_nodes or (place := position(after, ports)) in seen:
                    continue
                seen.add(place)
                ahead[cost][after] = (*program, item)
                if after.graph in graphs or not connected(after.graph):
                    continue
                graphs.add(after.graph)
                same = classes.setdefault(signature(after.graph), [])
                if not any(isomorphic(after.graph, g) for g in same):
                    same.append(after.graph)
                    found.append(((*program, item), after.graph))
    return sorted(found, key=lambda made: length(made[0]))[:wanted]
