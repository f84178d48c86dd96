"""Graph programs by hand, chunks, GINE, compression and selection: oracles, invariances, claims."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest
import torch

from labcore.circuits.symbolic_synthesis import Graph, chunks, compress, draw_graph, explore, select, shown, train
from labcore.circuits.symbolic_synthesis.exercises import elements_for, makes_a_cycle
from labcore.circuits.symbolic_synthesis.experiments import evolve, graph_choice, program
from labcore.circuits.symbolic_synthesis.graph_programs import (
    PRIMITIVES,
    START,
    Invalid,
    State,
    connected,
    expand,
    length,
    run,
)
from labcore.circuits.symbolic_synthesis.graph_structured import (
    LAYERS,
    SINGLE,
    D,
    Trained,
    baselines,
    choice_index,
    code,
    gine,
    graph_module,
    panel_rows,
    variance_ratio,
    wire,
)
from labcore.circuits.symbolic_synthesis.program_library import description_length, rewrite
from labcore.circuits.symbolic_synthesis.program_search import LONGEST, as_networkx, isomorphic, position
from labcore.experiment import ParameterError

TRIANGLE = ("push", "add", "connect", "next_port", "add", "connect", "pop", "push", "next_port")


# ---- programs


def test_two_nodes_by_hand():
    graph = draw_graph(("push", "add", "connect"), 3, {})
    assert graph == Graph(nodes=(0, 1), edges=(2,), ends=((1, 0),), ports=(0,))


def test_triangle_by_hand():
    """0-1 on port 0, 0-3 on port 1; back along port 0 to node 1 is not on the stack, so it is pushed there."""
    steps = ("push", "add", "connect", "next_port", "add", "connect")
    state = run(steps, 3, {})
    assert state.graph.nodes == (0, 1, 3) and state.graph.edges == (2, 4) and state.node == 2
    # push node 3, walk 3 -> 0 -> 1, connect 1 with the top of the stack
    state = run((*steps, "push", "move", "prev_port", "move", "prev_port", "connect"), 3, {})
    assert state.graph.ends == ((1, 0), (2, 0), (1, 2)) and state.graph.ports == (0, 1, 2)
    assert state.graph.edges == (2, 4, 5)
    assert nx.is_isomorphic(as_networkx(state.graph), nx.MultiGraph(nx.complete_graph(3)))


def test_primitives_one_by_one():
    assert run(("next_port",) * 4, 3, {}).port == 1 and run(("prev_port",), 3, {}).port == 2
    assert run(("move",), 3, {}) == START  # nothing at the port: stay
    assert run(("push", "push", "pop"), 3, {}).stack == (0,)
    moved = run(("push", "add", "connect", "move"), 3, {})
    assert moved.node == 0
    # a port holds one edge, and no edge ends where it starts
    again = run(("push", "add", "connect", "connect"), 3, {})
    assert len(again.graph.edges) == 1
    assert run(("push", "connect"), 3, {}).graph == START.graph
    double = run(("push", "add", "connect", "next_port", "connect"), 3, {})
    assert double.graph.ends == ((1, 0), (1, 0)) and double.graph.ports == (0, 1)


@pytest.mark.parametrize("steps", [("pop",), ("add",), ("connect",), ("push", "add", "add"), ("push", "add")])
def test_what_makes_no_graph_is_invalid(steps):
    with pytest.raises(Invalid):
        draw_graph(steps, 3, {})
    with pytest.raises(ValueError, match="'jump'"):
        run(("jump",), 3, {})


def test_func_restores_the_cursor_and_keeps_the_graph():
    inside = ("push", "add", "connect", "next_port")
    state = run(("push", "next_port", ("func", inside)), 3, {})
    assert (state.node, state.port, state.stack) == (0, 1, (0,)) and len(state.graph.nodes) == 2
    with pytest.raises(Invalid, match="func"):
        run((("func", ("push", "add")),), 3, {})


def test_condition_looks_at_positions_and_changes_nothing_itself():
    where = ("push", "add", "connect")
    same = run((("if_positions_equal", (), ("next_port",), ("push",), where),), 3, {})
    other = run((("if_positions_equal", (), where, ("push",), ("next_port",)),), 3, {})
    assert same.stack == (0,) and other.port == 1 and other.graph == START.graph


def test_ports_are_symmetric_and_edges_simple_a_port():
    for _, graph in explore(np.random.default_rng(0), {}, [], 3, 6):
        taken = [(node, port) for ends, port in zip(graph.ends, graph.ports, strict=True) for node in ends]
        assert len(taken) == len(set(taken)) and all(a != b for a, b in graph.ends)
        assert sorted(graph.nodes + graph.edges) == list(range(graph.size)) and connected(graph)


def test_isomorphism_is_that_of_networkx():
    graphs = [g for _, g in explore(np.random.default_rng(1), {}, [], 3, 5)]
    renamed = [Graph(g.nodes, g.edges, tuple((b, a) for a, b in g.ends), g.ports[::-1]) for g in graphs]
    for i, a in enumerate(graphs):
        for j, b in enumerate(renamed):
            assert isomorphic(a, b) == nx.is_isomorphic(as_networkx(a), as_networkx(b)) == (i == j)


def test_search_finds_what_is_new():
    first = explore(np.random.default_rng(0), {}, [], 3, 6)
    graphs = [g for _, g in first]
    lengths = [length(p) for p, _ in first]
    assert len(first) >= 8 and lengths == sorted(lengths)
    for steps, graph in first:
        assert draw_graph(steps, 3, {}) == graph
    later = explore(np.random.default_rng(5), {"part1": ("push", "add", "connect")}, graphs, 3, 6)
    assert later and not any(isomorphic(g, k) for _, g in later for k in graphs)
    # a larger language reaches larger graphs with programs of the same length
    large = explore(np.random.default_rng(0), {"part1": ("push", "add", "connect")}, [], 3, 6)
    reached = [max(g.size for p, g in made if length(p) <= 12) for made in (first, large)]
    assert reached[0] < reached[1]


def pairings(nodes: list[int]) -> Iterator[tuple]:
    """All ways to join some of the nodes in pairs: what the edges on one port can be."""
    if not nodes:
        yield ()
        return
    first, *rest = nodes
    yield from pairings(rest)
    for other in rest:
        for more in pairings([n for n in rest if n != other]):
            yield ((first, other), *more)


def all_graphs(ports: int, max_nodes: int) -> int:
    """How many connected graphs there are with two nodes or more: every port is a pairing, counted up to renaming."""
    kinds: list[nx.Graph] = []
    for size in range(2, max_nodes + 1):
        counted = {
            frozenset(Counter(pair for port in chosen for pair in port).items())
            for chosen in itertools.combinations_with_replacement(pairings([*range(size)]), ports)
        }
        for edges in counted:
            graph = nx.empty_graph(size)
            graph.add_weighted_edges_from((*pair, times) for pair, times in edges)
            same = nx.isomorphism.numerical_edge_match("weight", 1)
            if nx.is_connected(graph) and not any(nx.is_isomorphic(graph, k, edge_match=same) for k in kinds):
                kinds.append(graph)
    return len(kinds)


@pytest.mark.parametrize(("ports", "max_nodes"), [(2, 2), (2, 5), (3, 3), (3, 4)])
def test_search_finds_every_graph_that_there_is(ports, max_nodes):
    assert len(explore(np.random.default_rng(0), {}, [], ports, max_nodes)) == all_graphs(ports, max_nodes)


def test_a_search_that_wants_less_finds_the_beginning():
    few, many = (explore(np.random.default_rng(1), {}, [], 3, 6, wanted) for wanted in (9, 31))
    assert len(few) == 9 and len(many) == 31 and few == many[:9]


def test_a_position_forgets_numbers_and_turned_ports():
    at = run(("push", "add", "connect", "push", "next_port", "add", "connect"), 3, {})
    turned = at._replace(
        graph=at.graph._replace(ports=tuple((p + 1) % 3 for p in at.graph.ports)), port=(at.port + 1) % 3
    )
    order = [2, 0, 1]
    renamed = State(
        Graph(at.graph.nodes, at.graph.edges, tuple((order[a], order[b]) for a, b in at.graph.ends), at.graph.ports),
        order[at.node], at.port, tuple(order[n] for n in at.stack),
    )  # fmt: skip
    assert position(at, 3) == position(turned, 3) == position(renamed, 3)
    others = [run((name,), 3, {}, at) for name in ("next_port", "prev_port", "move", "push", "pop", "add")]
    assert len({position(s, 3) for s in (at, *others)}) == 7


# ---- library


def test_compression_keeps_every_graph_and_saves_bits():
    found = explore(np.random.default_rng(0), {}, [], 3, 6)
    programs = [p for p, _ in found[-6:]]
    rewritten, library = compress(programs, {})
    assert 1 <= len(library) <= 3
    for old, new in zip(programs, rewritten, strict=True):
        assert draw_graph(new, 3, library) == draw_graph(old, 3, {}) and expand(new, library) == old
    assert description_length(rewritten, library) < description_length(programs, {})


def test_compression_finds_the_part_that_saves_most():
    part = ("push", "add", "connect")
    rewritten, library = compress([(*part, "next_port", *part), (*part, "pop", *part)], {}, most=1)
    assert list(library.values()) == [part]
    assert rewritten == [("part1", "next_port", "part1"), ("part1", "pop", "part1")]
    assert compress([("push",)], {}) == ([("push",)], {})  # nothing to save


def test_rewriting_reaches_into_bodies():
    part = ("push", "add")
    assert rewrite((("func", ("push", "add", "pop")), "push", "add"), part, "p") == (("func", ("p", "pop")), "p")
    assert length((("func", ("push",)), "pop")) == 5  # end, func, push, its end, pop
    assert shown((("func", ("push", "pop")), "move")) == "func(push pop) move"
    bits = description_length([("push", "pop")], {})
    assert bits == pytest.approx(3 * np.log2(len(PRIMITIVES) + 3))


# ---- features and network


@pytest.mark.parametrize("elements", [1, 2, 3, 7, 9, 63, 64])
def test_chunks_put_together_are_x(elements):
    x = np.arange(D)
    pieces = [x[c] for c in chunks(elements)]
    np.testing.assert_array_equal(np.concatenate(pieces), x)
    assert {len(p) for p in pieces[1:]} <= {D // elements} and len(pieces[0]) == D - D // elements * (elements - 1)
    index = choice_index(elements)
    for e, piece in enumerate(pieces):
        np.testing.assert_array_equal(index[e], np.resize(piece, D))


def test_no_chunk_may_be_empty():
    with pytest.raises(ValueError, match="elements = 65"):
        chunks(65)
    with pytest.raises(ValueError, match="d = 6"):
        code(torch.tensor([0]), torch.tensor([0]), d=6)


def test_code_by_hand():
    got = code(torch.tensor([3]), torch.tensor([2]), d=8)[0]
    omega = np.array([1.0, 1e-4])
    expected = np.concatenate([np.sin(3 * omega), np.cos(3 * omega), np.sin(2 * omega), np.cos(2 * omega)])
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_gine_on_three_nodes_by_hand():
    h = torch.tensor([[1.0, -2.0], [0.5, 0.5], [-1.0, 3.0]])
    e = torch.tensor([[0.1, 0.2], [-3.0, 0.0]])  # 0-1 and 1-2
    src, dst = torch.tensor([0, 1, 1, 2]), torch.tensor([1, 2, 0, 1])
    got = gine(h, torch.cat([e, e]), src, dst, eps=0.5)
    relu = torch.relu
    expected = torch.stack(
        [
            1.5 * h[0] + relu(h[1] + e[0]),
            1.5 * h[1] + relu(h[0] + e[0]) + relu(h[2] + e[1]),
            1.5 * h[2] + relu(h[1] + e[1]),
        ]
    )
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=0)


def weights(models, seed=0):
    g = torch.Generator().manual_seed(seed)
    w = {f"w{i}": torch.randn(models, D, D, generator=g) / 8 for i in range(LAYERS)}
    w |= {f"b{i}": torch.randn(models, 1, D, generator=g) for i in range(LAYERS)}
    return w | {"head": torch.randn(models, D, 1, generator=g), "bias": torch.randn(models, 1, 1, generator=g)}


def module_by_hand(w, x, graph, m):
    """One network, one sample, one node and edge at a time."""
    pieces = [np.resize(x[c].numpy(), D) for c in chunks(graph.size)]
    pos = {e: p for e, p in zip(graph.edges, graph.ports, strict=True)}
    vector = [
        torch.tensor(pieces[k]) + code(torch.tensor([k]), torch.tensor([pos.get(k, -1) + 1.0]))[0]
        for k in range(graph.size)
    ]
    h = [vector[k] for k in graph.nodes]
    for i in range(LAYERS):
        new = [v.clone() for v in h]
        for (a, b), e in zip(graph.ends, graph.edges, strict=True):
            new[a] += torch.relu(h[b] + vector[e])
            new[b] += torch.relu(h[a] + vector[e])
        h = [v @ w[f"w{i}"][m] + w[f"b{i}"][m, 0] for v in new]
    return (torch.stack(h).mean(0) @ w["head"][m] + w["bias"][m, 0])[0]


def test_graph_module_by_hand():
    graphs = [SINGLE, *[g for _, g in explore(np.random.default_rng(0), {}, [], 3, 5)][1:4]]
    w, x = weights(len(graphs)), torch.randn(len(graphs), 2, D, generator=torch.Generator().manual_seed(3))
    got = graph_module(w, x, wire(graphs), 0.3, None)
    for m, graph in enumerate(graphs):
        for b in range(2):
            torch.testing.assert_close(got[m, b], module_by_hand(w, x[m, b], graph, m), atol=1e-4, rtol=1e-4)


def test_storage_order_changes_nothing_but_the_numbers_do():
    graph = draw_graph(("push", "add", "connect", "next_port", "add", "connect"), 3, {})
    w, x = weights(1), torch.randn(1, 4, D, generator=torch.Generator().manual_seed(1))
    order = [2, 0, 1]  # nodes stored in another order; edges reversed and turned round
    stored = Graph(
        tuple(graph.nodes[i] for i in order), graph.edges[::-1],
        tuple((order.index(b), order.index(a)) for a, b in graph.ends[::-1]), graph.ports[::-1],
    )  # fmt: skip
    same = graph_module(w, x, wire([stored]), 0, None)
    torch.testing.assert_close(same, graph_module(w, x, wire([graph]), 0, None), atol=1e-5, rtol=1e-5)
    # an isomorphic graph made in another order gets other chunks: the assignment is the method
    renumbered = graph._replace(nodes=(1, 0, 3))
    assert (graph_module(w, x, wire([renumbered]), 0, None) - same).abs().max() > 1e-3


def test_each_element_sees_its_own_chunk_only():
    graph = draw_graph(("push", "add", "connect"), 3, {})
    index = choice_index(graph.size)
    assert [set(i.tolist()) for i in index] == [set(range(22)), set(range(22, 43)), set(range(43, 64))]


def test_dropout_is_off_at_test_and_unbiased():
    graph = [draw_graph(("push", "add", "connect"), 3, {})]
    w, x = weights(1), torch.randn(1, 2, D, generator=torch.Generator().manual_seed(0))
    plain = graph_module(w, x, wire(graph), 0.3, None)
    noisy = graph_module(w, x, wire(graph), 0.3, torch.Generator().manual_seed(0))
    assert torch.equal(plain, graph_module(w, x, wire(graph), 0.0, torch.Generator().manual_seed(0)))
    assert (plain - noisy).abs().max() > 1e-3


def test_panel_rows_are_what_they_say():
    x, y = panel_rows(4000, np.random.default_rng(0))
    panels = x.view(-1, 3, 16)
    shade, filled = panels.amax(-1), (panels > 0).sum(-1)
    assert ((shade == shade[:, :1]).all(1).float() == y).all()
    assert filled.min() == 10 and filled.max() == 16
    assert abs(float(y.mean()) - 0.5) < 0.03
    for row in panels[:50]:
        for panel in row:
            assert len(panel[panel > 0].unique()) == 1


def test_training_learns_and_is_repeatable():
    graphs = [draw_graph(("push", "add", "connect"), 3, {}), SINGLE]
    runs = [list(train(graphs, 2, 64, 20, 0.0, 0)) for _ in range(2)]
    first, last = runs[0][0], runs[0][-1]
    assert last.train.mean() > max(0.85, first.train.mean()) and last.test.shape == (2, 2) and first.test is None
    np.testing.assert_array_equal(runs[0][-1].test, runs[1][-1].test)
    fresh = list(train(graphs, 2, 64, 20, 0.0, 0, generation=1))[-1]
    assert not np.array_equal(fresh.train, last.train) or not np.array_equal(fresh.test, last.test)


# ---- selection and statistics


def test_selection_is_by_training_accuracy():
    found = explore(np.random.default_rng(0), {}, [], 3, 6)[:4]
    programs, graphs = [p for p, _ in found], [g for _, g in found]
    scores = Trained(1.0, np.array([[0.5], [0.9], [0.7], [0.6]]), np.array([[0.9], [0.1], [0.2], [0.99]]))
    made, survivors, library = select(programs, graphs, scores, {})
    assert made.kept == [1, 2] and [expand(p, library) for p in survivors] == [programs[1], programs[2]]


def test_variance_ratio_is_the_f_statistic():
    from scipy.stats import f_oneway

    scores = np.random.default_rng(0).normal(size=(5, 4)) + np.arange(5)[:, None]
    assert variance_ratio(scores) == pytest.approx(f_oneway(*scores).statistic)
    shared = scores + 10 * np.random.default_rng(1).normal(size=4)
    assert variance_ratio(shared, blocks=True) == pytest.approx(variance_ratio(scores, blocks=True))
    assert variance_ratio(shared) < variance_ratio(scores)


@pytest.mark.parametrize("size", [3, 7, 12])
def test_baseline_graphs(size):
    single, full, loose = baselines(size, 3, 0)
    assert single == SINGLE and full.size >= size and connected(full)
    assert connected(loose) and abs(loose.size - size) <= 1
    assert len(full.edges) == len(full.nodes) * (len(full.nodes) - 1) // 2


# ---- experiments


def test_every_program_is_another_graph():
    frames = [program.run(which=k, step=LONGEST) for k in range(31)]
    graphs = [nx.MultiGraph(list(zip(f.end_a.values, f.end_b.values, strict=True))) for f in frames]
    assert not any(nx.is_isomorphic(a, b) for a, b in itertools.combinations(graphs, 2))
    assert all(f.attrs["program"].strip() and "no program" not in f.reading for f in frames)
    short = program.run(which=10, ports=3, max_nodes=3)
    assert "no program 10" in short.reading and "finds 6 graphs" in short.reading
    assert short.attrs["program"] == program.run(which=5, ports=3, max_nodes=3).attrs["program"]


def test_program_steps():
    sizes = [int(program.run(step=k).node_made.sum()) for k in (0, 2, 5)]
    assert sizes[0] == 1 and sizes == sorted(sizes)
    last = program.run(step=LONGEST)
    assert last.node_made.all() and last.edge_made.all()
    assert int(last.stop[-1]) == 64 and int(last.start[0]) == 0
    with pytest.raises(ParameterError, match="ports"):
        program.run(ports=1)


@pytest.mark.parametrize(
    "values", [dict(population=4, max_nodes=2, ports=2), dict(population=12, max_nodes=8, ports=4, dropout=0.6)]
)
def test_evolution_corners(values):
    frame = evolve.run(generations=2, epochs=4, n_train=64, **values)
    assert frame.sizes["generation"] == 2 and (frame.test.max("place") > 0).all()
    kept, here = frame.kept.sum("place"), (frame.train >= 0).sum("place")
    assert (kept == np.maximum(1, here // 2)).all()
    train_, chosen = frame.train.values, frame.kept.values
    for row, k in zip(train_, chosen, strict=True):
        assert row[k].min() >= row[(row >= 0) & ~k].max(initial=0)


def test_a_population_is_filled_or_its_reading_says_so():
    *_, last = evolve.frames(population=16, generations=2, epochs=4, n_train=64)
    assert (last.train >= 0).all() and "no more" not in last.reading
    first, *_, last = evolve.frames(population=4, generations=2, epochs=4, n_train=64, ports=2, max_nodes=2)
    assert "2 of the 4 programs" in first.reading and "1 of the 4 programs" in last.reading


def test_graph_choice_corner():
    frame = graph_choice.run(programs=16, max_nodes=3, n_seeds=2, epochs=4)
    assert frame.sizes["program"] == 6 and frame.sizes["baseline"] == 4 and "6 of 16 graphs" in frame.reading


# ---- the lesson's exercises


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("push add connect next_port add connect pop push next_port", False),
        ("push add connect next_port add connect push move prev_port move next_port next_port connect", True),
        ("push, add, connect, next_port, add, connect, push, move, prev_port, move, prev_port, connect", True),
        (" push add  connect push next_port add connect pop prev_port prev_port connect ", True),
        ("push add connect", False),
        ("pop", False),
    ],
)
def test_programs_that_make_a_triangle(answer, right):
    assert (makes_a_cycle(answer) is True) == right


@pytest.mark.parametrize(
    ("answer", "right"),
    [("33", True), ("63,0", True), (" 2.7e1 ", True), ("22", True), ("64", False), ("1", False), ("32", False)],
)
def test_chunks_of_unequal_length(answer, right):
    assert (elements_for(answer) is True) == right


@pytest.mark.parametrize("exercise", [makes_a_cycle, elements_for])
@pytest.mark.parametrize("answer", ["", "65", "jump"])
def test_what_is_no_answer(exercise, answer):
    try:
        assert exercise(answer) is not True
    except ValueError as error:
        assert str(error)
