"""One program step by step, a population that evolves, and what the graph alone decides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import numpy as np
import xarray as xr

from labcore.experiment import Seed, experiment, number
from labcore.frames import Frame, axis, var

from .graph_programs import Graph, Library, Program, shown, trace
from .graph_structured import SINGLE, D, baselines, chunks, train, variance_ratio
from .mechanism import Generation, select
from .program_search import LONGEST, explore


def _circle(graph: Graph) -> np.ndarray:
    """Where to draw the nodes, (n, 2): on a circle, in the order of creation."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(graph.nodes)) / len(graph.nodes)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


MOST = 31  # programs to choose from


@lru_cache(maxsize=4)  # so that the picture follows the slider of the steps
def _programs(seed: int, ports: int, max_nodes: int) -> list[tuple[Program, Graph]]:
    return explore(np.random.default_rng(seed), {}, [], ports, max_nodes, MOST)


PROGRAM = Frame(
    node=axis("node"),
    edge=axis("edge"),
    element=axis("element, in order of creation"),
    x=var("node", "place to draw"),
    y=var("node", "place to draw"),
    node_number=var("node", "number of the node"),
    node_made=var("node", "whether the node exists by now"),
    on_stack=var("node", "times on the stack"),
    end_a=var("edge", "node at one end"),
    end_b=var("edge", "node at the other end"),
    port=var("edge", "port of the edge"),
    edge_number=var("edge", "number of the edge"),
    edge_made=var("edge", "whether the edge exists by now"),
    start=var("element", "first number of the chunk"),
    stop=var("element", "end of the chunk"),
)


@experiment(frame=PROGRAM)
def program(
    step: Annotated[
        int,
        number(0, LONGEST, "How many steps of the program have run", "program", "steps", label="steps run", main=True),
    ] = 9,
    which: Annotated[
        int,
        number(
            0,
            MOST - 1,
            "Which program: those found in a search, short ones first",
            "program",
            label="program",
            main=True,
        ),
    ] = 10,
    ports: Annotated[
        int,
        number(
            2, 4, "Ports of every node, the most edges that it can have", "language", label="ports a node", main=True
        ),
    ] = 3,
    max_nodes: Annotated[int, number(2, 8, "Nodes of the largest graph", "language", label="most nodes")] = 6,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One program that writes a graph, step by step, and the piece of the representation of each element. One frame.

    All nodes and edges of the finished graph are there; `node_made` and `edge_made` say which exist by now. number:
    place in the order of creation. start and stop (element): the chunk of the 64 numbers, cut as in the final graph.
    With few nodes and ports there are fewer graphs than `which` can name: the last is shown, and the reading says so.
    """
    found = _programs(seed, ports, max_nodes)
    here = min(which, len(found) - 1)
    text, graph = found[here]
    absent = f" There is no program {which}: the search finds {len(found)} graphs, and this is the last, {here}."
    states = [("start", None), *trace(text, ports, {})]
    k = min(step, len(states) - 1)
    state = states[k][1]
    now, node, port, stack = state if state else (SINGLE, 0, 0, ())
    xy = _circle(graph)
    pieces = chunks(graph.size)
    ends = np.array(graph.ends)
    yield PROGRAM(
        dict(
            x=xy[:, 0],
            y=xy[:, 1],
            node_number=graph.nodes,
            node_made=np.arange(len(xy)) < len(now.nodes),
            on_stack=np.bincount(stack, minlength=len(xy)),
            end_a=ends[:, 0],
            end_b=ends[:, 1],
            port=graph.ports,
            edge_number=graph.edges,
            edge_made=np.arange(len(ends)) < len(now.edges),
            start=[p.start for p in pieces],
            stop=[p.stop for p in pieces],
        ),
        f"After {k} of {len(states) - 1} steps the graph has {len(now.nodes)} of {len(xy)} nodes and "
        f"{len(now.edges)} of {len(ends)} edges. In the end each of {graph.size} elements gets {D // graph.size} "
        f"of the {D} numbers{', the first one ' + str(pieces[0].stop) if D % graph.size else ''}."
        + absent
        * (here < which),
        program=shown(text),
        done=k,
        cursor=node,
        cursor_port=port,
        found=len(found),
    )


EVOLUTION = Frame(
    generation=axis("generation", start=1),
    place=axis("program"),
    stage=axis("how programs are written", values=("spelled out", "with the library")),
    node=axis("node"),
    edge=axis("edge"),
    train=var("generation place", "training accuracy"),
    test=var("generation place", "test accuracy"),
    kept=var("generation place", "whether the program is kept"),
    bits=var("generation stage", "description length", "bits"),
    x=var("node", "place to draw"),
    y=var("node", "place to draw"),
    owner=var("node", "place of its graph"),
    end_a=var("edge", "node at one end"),
    end_b=var("edge", "node at the other end"),
)


def _evolution(done: list[Generation], library: Library, population: int, progress: float) -> xr.Dataset:
    """The frame of all generations so far; the newest is drawn."""
    accuracy = np.full((2, len(done), population), -1.0)
    kept = np.zeros((len(done), population), bool)
    for i, g in enumerate(done):
        accuracy[0, i, : len(g.programs)] = g.scores.train[:, 0]
        accuracy[1, i, : len(g.programs)] = -1 if g.scores.test is None else g.scores.test[:, 0]
        kept[i, g.kept] = True
    last = done[-1]
    xy = np.concatenate([_circle(g) for g in last.graphs])
    first = np.cumsum([0, *(len(g.nodes) for g in last.graphs)])
    ends = np.concatenate([np.array(g.ends) + first[i] for i, g in enumerate(last.graphs)])
    told = f"{len(last.programs)} networks train; {last.scores.train.mean():.1%} of the training rows are right."
    if last.kept:
        told = (
            f"{len(last.kept)} of {len(last.programs)} programs are kept; their mean training accuracy is "
            f"{last.scores.train[last.kept, 0].mean():.1%}. The mean test accuracy of all is "
            f"{last.scores.test.mean():.1%}. Spelled out, the kept programs take {last.bits[0]:.0f} bits; "
            f"with a library of {len(library)}, {last.bits[1]:.0f}."
        )
    missing = f" The search finds no more new graphs: {len(last.programs)} of the {population} programs are there."
    return EVOLUTION(
        dict(
            train=accuracy[0],
            test=accuracy[1],
            kept=kept,
            bits=[g.bits for g in done],
            x=xy[:, 0],
            y=xy[:, 1],
            owner=np.repeat(np.arange(len(last.graphs)), np.diff(first)),
            end_a=ends[:, 0],
            end_b=ends[:, 1],
        ),
        f"Generation {len(done)}: {told}" + missing * (len(last.programs) < population),
        progress,
        programs="\n".join(map(shown, last.programs)),
        library="\n".join(f"{name} = {shown(body)}" for name, body in library.items()),
    )


@experiment(quick=dict(population=4, generations=2, n_train=96, epochs=4), frame=EVOLUTION)
def evolve(
    population: Annotated[int, number(4, 16, "Programs in a generation", "evolution", label="programs", main=True)] = 8,
    generations: Annotated[int, number(1, 5, "Generations", "evolution", label="generations", main=True)] = 3,
    max_nodes: Annotated[
        int, number(2, 8, "Nodes of the largest graph", "language", label="most nodes", main=True)
    ] = 6,
    ports: Annotated[
        int, number(2, 4, "Ports of every node, the most edges that it can have", "language", label="ports a node")
    ] = 3,
    n_train: Annotated[int, number(64, 512, "Training rows", "training", label="training rows n")] = 128,
    epochs: Annotated[int, number(4, 20, "Passes over the training rows", "training", "epochs", label="epochs")] = 16,
    dropout: Annotated[
        float, number(0, 0.6, "Share of node and edge features that are dropped", "training", label="dropped features")
    ] = 0.3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A population of graph programs: train fresh networks, keep the half that trains best, compress, refill.

    train and test (generation, place) are accuracies, -1 where there is no program; kept marks the survivors. bits
    (generation, stage): description length of the survivors, spelled out and written with the library. graph,
    node and edge arrays draw the newest generation. New programs are drawn from three times as many as a generation
    has. No graph that was thrown out comes back; where none are left to find, the generation is smaller.
    """
    rng, library = np.random.default_rng([seed, 2]), {}
    found = explore(rng, library, [], ports, max_nodes, 3 * population)
    chosen = [found[i] for i in rng.permutation(len(found))[:population]]
    known, done = [g for _, g in chosen], []
    for generation in range(generations):
        programs, graphs = [p for p, _ in chosen], [g for _, g in chosen]
        for scores in train(graphs, 1, n_train, epochs, dropout, seed, generation):
            if scores.test is None:
                now = [*done, Generation(programs, graphs, scores, [], done[-1].bits if done else (0.0, 0.0))]
                yield _evolution(now, library, population, (generation + scores.progress) / generations)
        made, survivors, library = select(programs, graphs, scores, library)
        done.append(made)
        yield _evolution(done, library, population, (generation + 1) / generations)
        if generation + 1 == generations:
            return
        fresh = explore(rng, library, known, ports, max_nodes, 3 * population)
        fresh = [fresh[i] for i in rng.permutation(len(fresh))[: population - len(survivors)]]
        known += [g for _, g in fresh]
        chosen = [*zip(survivors, [graphs[i] for i in made.kept], strict=True), *fresh]


GRAPH_CHOICE = Frame(
    program=axis("program"),
    repeat=axis("repetition"),
    baseline=axis("graph that no program wrote", values=("no graph", "one node", "complete graph", "random graph")),
    test=var("program repeat", "test accuracy"),
    base=var("baseline repeat", "test accuracy"),
    size=var("program", "nodes and edges"),
    F=var("", "variance between graphs over variance within"),
    F_blocks=var("", "the same, with repetitions as blocks"),
)


@experiment(quick=dict(programs=5, epochs=6, n_seeds=2), frame=GRAPH_CHOICE)
def graph_choice(
    programs: Annotated[
        int, number(4, 16, "Programs, drawn from a search", "graphs", label="programs", main=True)
    ] = 12,
    max_nodes: Annotated[int, number(3, 8, "Nodes of the largest graph", "graphs", label="most nodes", main=True)] = 6,
    n_train: Annotated[int, number(64, 512, "Training rows", "training", label="training rows n", main=True)] = 128,
    epochs: Annotated[int, number(4, 20, "Passes over the training rows", "training", "epochs", label="epochs")] = 16,
    dropout: Annotated[
        float, number(0, 0.6, "Share of node and edge features that are dropped", "training", label="dropped features")
    ] = 0.3,
    n_seeds: Annotated[
        int, number(2, 8, "Repetitions, each with its own rows and encoder", "runs", label="repetitions")
    ] = 4,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Same encoder, same rows, other graphs: does the test accuracy depend on the graph more than on the repetition?

    test (program, repeat), base (baseline, repeat): accuracy on 1000 new rows, of training rows until the end. The
    programs are drawn from three times as many, or from all that the search finds when those are fewer.
    """
    found = explore(np.random.default_rng([seed, 4]), {}, [], 3, max_nodes, 3 * programs)
    chosen = [found[i] for i in np.random.default_rng([seed, 5]).permutation(len(found))[:programs]]
    graphs = [g for _, g in chosen]
    others = baselines(int(np.median([g.size for g in graphs])), 3, seed)
    *_, linear = train(None, n_seeds, n_train, epochs, dropout, seed)
    for scores in train([*graphs, *others], n_seeds, n_train, epochs, dropout, seed):
        done = scores.test is not None
        values = scores.test if done else scores.train
        base = np.concatenate([linear.test if done else linear.train, values[len(graphs) :]])
        values = values[: len(graphs)]
        f, blocked = variance_ratio(values), variance_ratio(values, blocks=True)
        mean = values.mean(1)
        told = (
            f"Test accuracy is {mean.min():.1%} with the worst of {len(graphs)} graphs, {mean.max():.1%} with the "
            f"best, and {base[0].mean():.1%} with no graph (means of {n_seeds}). The variance between graphs is "
            f"{f:.2f} times what the repetitions alone would give."
            if done
            else f"Training: {mean.mean():.1%} of the training rows are right."
        )
        yield GRAPH_CHOICE(
            dict(test=values, base=base, size=[g.size for g in graphs], F=f, F_blocks=blocked),
            told + f" The search finds only {len(graphs)} of {programs} graphs." * (len(graphs) < programs),
            scores.progress,
            names={} if done else dict(test="training accuracy", base="training accuracy"),
            programs="\n".join(shown(p) for p, _ in chosen),
        )
