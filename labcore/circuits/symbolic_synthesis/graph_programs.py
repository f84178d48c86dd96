"""Programs that write a graph: a cursor on a node and on a port, and a stack of nodes.

A program is a tuple of steps, each a function from state to state. A step is the name of a primitive or of a library
part, or ("func", f), or ("if_positions_equal", f, g, h, k), with programs f, g, h, k. Every node has C ports; an edge
takes the same port at both of its ends. Nodes and edges are numbered together, in the order in which they are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

Program = tuple  # of steps
Library = Mapping[str, Program]  # parts by name; a part may use parts that came before it

PRIMITIVES = ("next_port", "prev_port", "move", "push", "pop", "add", "connect")
COMBINATORS = {"func": 1, "if_positions_equal": 4}  # and how many programs they take


class Invalid(ValueError):
    """A program that makes no graph: it pops an empty stack, or leaves a node with no edge."""


class Graph(NamedTuple):
    """Elements are numbered by creation: nodes (n,) and edges (e,) hold their numbers, 0 ... n + e - 1 together."""

    nodes: tuple[int, ...]
    edges: tuple[int, ...]
    ends: tuple[tuple[int, int], ...]  # of each edge, as positions in `nodes`
    ports: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.nodes) + len(self.edges)


class State(NamedTuple):
    """graph, the node and port under the cursor, and the stack, last in last; nodes are positions in graph.nodes."""

    graph: Graph
    node: int = 0
    port: int = 0
    stack: tuple[int, ...] = ()


START = State(Graph((0,), (), (), ()))


def at_port(graph: Graph, node: int, port: int) -> int | None:
    """The neighbour over the edge at this port, or None."""
    for (a, b), p in zip(graph.ends, graph.ports):
        if p == port and node in (a, b):
            return b if node == a else a
    return None


def connected(graph: Graph) -> bool:
    reached, fresh = {0}, [0]
    while fresh:
        node = fresh.pop()
        for ends in graph.ends:
            if node in ends:
                other = sum(ends) - node
                if other not in reached:
                    reached.add(other)
                    fresh.append(other)
    return len(reached) == len(graph.nodes)


def step(state: State, name: str, ports: int) -> State:
    """One primitive. Raises `Invalid` for pop and add where there is nothing to pop, or no stack to come back to."""
    graph, node, port, stack = state
    if name == "next_port":
        return state._replace(port=(port + 1) % ports)
    if name == "prev_port":
        return state._replace(port=(port - 1) % ports)
    if name == "move":
        other = at_port(graph, node, port)
        return state if other is None else state._replace(node=other)
    if name == "push":
        return state._replace(stack=(*stack, node))
    if name == "pop":
        if not stack:
            raise Invalid("pop: the stack is empty")
        return state._replace(stack=stack[:-1])
    if name == "add":
        if not stack or not connected(graph):
            raise Invalid("add: the stack is empty" if not stack else "add: the last node has no edge yet")
        return state._replace(graph=graph._replace(nodes=(*graph.nodes, graph.size)), node=len(graph.nodes))
    if name == "connect":
        if not stack:
            raise Invalid("connect: the stack is empty")
        top = stack[-1]
        if top == node or at_port(graph, node, port) is not None or at_port(graph, top, port) is not None:
            return state
        return state._replace(
            graph=Graph(graph.nodes, (*graph.edges, graph.size), (*graph.ends, (node, top)), (*graph.ports, port))
        )
    raise ValueError(f"step {name!r} is not allowed; it must be {', '.join([*PRIMITIVES, *COMBINATORS])} or a part")


def trace(program: Program, ports: int, library: Library, state: State = START) -> Iterator[tuple[str, State]]:
    """The state after every primitive of a program, with the primitive's name. Raises `Invalid`."""
    for item in program:
        if isinstance(item, str) and item in library:
            for name, after in trace(library[item], ports, library, state):
                state = after
                yield name, after
        elif isinstance(item, str):
            state = step(state, item, ports)
            yield item, state
        elif item[0] == "func":
            after = state
            for name, after in trace(item[1], ports, library, state):
                yield name, after
            if not connected(after.graph):
                raise Invalid("func: its graph is not connected")
            state = state._replace(graph=after.graph)
            yield "return", state
        else:  # if_positions_equal: where two programs would take the cursor decides which of two others runs
            f, g, h, k = item[1:]
            chosen = h if run(f, ports, library, state).node == run(g, ports, library, state).node else k
            for name, after in trace(chosen, ports, library, state):
                state = after
                yield name, after


def run(program: Program, ports: int, library: Library, state: State = START) -> State:
    """The state at the end of a program. Raises `Invalid`."""
    for _, after in trace(program, ports, library, state):
        state = after
    return state


def draw_graph(program: Program, ports: int, library: Library) -> Graph:
    """The graph that a program writes. Raises `Invalid` unless it is connected."""
    graph = run(program, ports, library).graph
    if not connected(graph):
        raise Invalid("the graph is not connected")
    return graph


def shown(program: Program) -> str:
    """A program as text."""
    return " ".join(s if isinstance(s, str) else f"{s[0]}({', '.join(map(shown, s[1:]))})" for s in program)


def length(program: Program) -> int:
    """Steps of a program, with those of the programs inside and one for the end of each."""
    return 1 + sum(1 if isinstance(s, str) else 1 + sum(map(length, s[1:])) for s in program)


def expand(program: Program, library: Library) -> Program:
    """The program with every library part spelled out."""
    out: list = []
    for item in program:
        if isinstance(item, str):
            out += expand(library[item], library) if item in library else [item]
        else:
            out.append((item[0], *(expand(body, library) for body in item[1:])))
    return tuple(out)
