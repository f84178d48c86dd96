"""Short programs whose graphs are new: a search over states, and which graphs are the same but for numbers."""

from __future__ import annotations

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


def as_networkx(graph: Graph) -> nx.MultiGraph:
    made = nx.MultiGraph()
    made.add_nodes_from(range(len(graph.nodes)))
    made.add_edges_from(graph.ends)
    return made


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


def explore(
    rng: np.random.Generator, library: Library, known: list[Graph], ports: int, max_nodes: int,
    longest: int = 18, beam: int = 300,
) -> list[tuple[Program, Graph]]:  # fmt: skip
    """Programs whose graphs are new, isomorphic to none in `known` and to none of each other, shortest first.

    All states that programs of one length reach are found from those of shorter ones; `beam` of them, drawn at random,
    are followed further. No state is visited twice, so no step is wasted. Each is also tried with one random `func`
    and one random `if_positions_equal`, of bodies of one to three primitives.
    """
    ahead: list[dict[State, Program]] = [{START: ()}] + [{} for _ in range(longest)]
    seen, graphs, found = {START}, {START.graph}, []
    classes: dict[tuple, list[Graph]] = {}
    for graph in known:
        classes.setdefault(signature(graph), []).append(graph)

    def body() -> Program:
        return tuple(PRIMITIVES[i] for i in rng.integers(len(PRIMITIVES), size=rng.integers(1, 4)))

    for here in range(longest):
        states = list(ahead[here].items())
        if len(states) > beam:
            states = [states[i] for i in rng.choice(len(states), beam, replace=False)]
        for state, program in states:
            combined = [(name, *(body() for _ in range(count))) for name, count in COMBINATORS.items()]
            for item in (*PRIMITIVES, *library, *combined):
                cost = here + length((item,)) - 1
                try:
                    after = run((item,), ports, library, state)
                except Invalid:
                    continue
                if cost > longest or after in seen or len(after.graph.nodes) > max_nodes:
                    continue
                seen.add(after)
                ahead[cost][after] = (*program, item)
                if after.graph in graphs or not connected(after.graph):
                    continue
                graphs.add(after.graph)
                same = classes.setdefault(signature(after.graph), [])
                if not any(isomorphic(after.graph, g) for g in same):
                    same.append(after.graph)
                    found.append(((*program, item), after.graph))
    return sorted(found, key=lambda made: length(made[0]))
