"""A circuit with hidden gates, training with gates hidden in two ways and with texts, and what the encoder knows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from sklearn.linear_model import Ridge

from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from .aig import FAMILIES, build, verilog
from .circuit_encoder import embed, encode
from .circuit_functions import completions, signal_probability
from .circuit_graph import place, with_polarity
from .circuit_study import TYPES, Study, batch, collect, degree_lookup, shuffle_edges, study, texts_of, train, unseen
from .mechanism import accuracy, guess, guess_with_text, losses, see

Labels = Annotated[
    Literal["four types", "polarity"],
    choice(
        "Inverters as nodes, as in the paper, or as marks on edges that the type of a gate counts",
        "data",
        label="gate labels",
        words={"four types": "input, output, AND, NOT", "polarity": "inverted inputs of ANDs"},
    ),
]
LATENT, CIRCUIT = torch.tensor([False]), torch.tensor([True])  # where gates hide: after the encoder, or before


@lru_cache(maxsize=8)
def _pair(steps: int, seed: int) -> Study:
    """Two models trained on polarity, one with and one without text."""
    s = study([("latent", "true"), ("latent", "zero")], "polarity", 3, 32, 1, seed)
    for _ in train(s, steps, lambda: losses(s, 0.3, 0.8)):
        pass
    return s


MASKING = Frame(
    node=axis("node"),
    edge=axis("edge"),
    count=axis("hidden gates", "gates"),
    hiding=axis("where gates are hidden", values=("latent", "circuit")),
    gate=axis("hidden gate"),
    what=axis("side of the encoder", values=("input", "output")),
    x=var("node", "level"),
    y=var("node", "place in the level"),
    kind=var("node", "type of the node"),
    hidden=var("node", "whether the node is hidden"),
    src=var("edge", "start of the edge"),
    dst=var("edge", "end of the edge"),
    invert=var("edge", "whether the edge inverts"),
    functions=var("count", "functions that are still possible"),
    complete=var("count", "whether every way was tried"),
    certainty=var("hiding gate", "probability given to the true type"),
    damage=var("hiding what", "largest difference to the intact circuit"),
)


@experiment(quick=dict(steps=20), frame=MASKING)
def masking(
    mask: Annotated[
        float, number(0.05, 0.9, "Share of the gates that are hidden", "mask", label="hidden gates", main=True)
    ] = 0.3,
    text: Annotated[
        Literal["shown", "not shown"],
        choice(
            "Whether the Verilog line is told where gates hide in the circuit", "mask", label="Verilog line", main=True
        ),
    ] = "shown",
    family: Annotated[
        Literal["add", "lt", "eq", "mux", "parity", "and", "or"],
        choice(
            "The function",
            "circuit",
            label="function",
            main=True,
            words={
                "add": "a + b",
                "lt": "a < b",
                "eq": "a = b",
                "mux": "choose a or b",
                "parity": "parity of all bits",
                "and": "and of all bits",
                "or": "or of all bits",
            },
        ),
    ] = "add",
    width: Annotated[int, number(2, 5, "Bits of each word", "circuit", "bits", label="bits a word")] = 3,
    steps: Annotated[
        int, number(0, 300, "Training steps before; the models are kept", "model", "steps", label="training steps")
    ] = 250,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """One circuit with some of its ANDs hidden: in the circuit, or in the latent space of a trained encoder. One frame.

    functions (hidden): different truth tables that the circuit may have with its first 0, 1, ... hidden gates, each
    with 0 to 2 inverters at its inputs; above 2^18 table rows a random sample of the ways is tried. certainty (hiding,
    gate): the probability that the guess gives to the true type. damage (hiding, what): the largest difference to the
    intact circuit in what the encoder reads and in what it makes of it.
    """
    rng = np.random.default_rng([seed, 9])
    aig = build(family, width, rng)
    graph, (x, y) = with_polarity(aig), place(with_polarity(aig))
    hidden = rng.permutation(aig.n_ands)[: max(1, round(mask * aig.n_ands))]
    counts = [completions(aig, hidden[:k], rng) for k in range(len(hidden) + 1)]
    gates = aig.n_inputs + np.sort(hidden)
    pair = _pair(steps, seed)
    at = batch([collect([aig], [(family, width)], "polarity")] * 2, np.zeros((2, 1), int))
    cut = torch.zeros(at.kind.shape, dtype=torch.bool)
    cut[:, gates] = True
    with torch.no_grad():
        intact = see(pair.w, at, cut & False, LATENT)
        views = [see(pair.w, at, cut, where) for where in (LATENT, CIRCUIT)]
        damage = [[float((a[0] - b[0]).abs().max()) for a, b in zip(v, intact, strict=True)] for v in views]
        from_latent = guess(pair.w, views[0][1], at, cut, LATENT)[0].softmax(-1)[0]
        told = guess_with_text(pair.w, at, cut, texts_of(at, pair.texts, [rng] * 2)).softmax(-1)
        from_circuit = told[0 if text == "shown" else 1]
    rows = torch.arange(len(gates))
    sure = [p[gates][rows, at.kind[0, gates] - 1].numpy() for p in (from_latent, from_circuit)]
    # more hidden gates never fit fewer functions, so what a smaller number left is left here too
    functions = np.maximum.accumulate([c.functions for c in counts])
    last, left = counts[-1], int(functions[-1])
    some, alone = "" if last.all else f" ({last.tried} ways were tried)", len(gates) == 1
    yield MASKING(
        dict(
            gate=gates,
            x=x,
            y=y,
            kind=graph.kind - 1,
            hidden=np.isin(np.arange(len(x)), gates),
            src=graph.src,
            dst=graph.dst,
            invert=graph.invert,
            functions=functions,
            complete=[c.all for c in counts],
            certainty=sure,
            damage=damage,
        ),
        f"Of {aig.n_ands} gates {len(gates)} {'is' if alone else 'are'} hidden. Hidden in the circuit, "
        f"{'it leaves' if alone else 'they leave'} {'at least ' if some else ''}{left} possible "
        f"function{'s' * (left > 1)}{some}; hidden in the latent space, 1. The true type gets a probability of "
        f"{sure[0].mean():.2f} from the latent space, and {sure[1].mean():.2f} from the circuit with the Verilog line "
        f"{text}.",
        verilog=verilog(family, width),
        text=text,
    )


PRETRAIN = Frame(
    hiding=axis("where gates are hidden", values=("latent", "circuit")),
    repeat=axis("repetition"),
    time=axis("training time", "steps"),
    true=axis("true type"),
    guess=axis("guessed type"),
    accuracy=var("hiding repeat time", "hidden nodes that are guessed right"),
    shuffled_edges=var("repeat", "guessed right with shuffled edges"),
    confusion=var("true guess", "share of guesses"),
    majority=var("", "share of the most frequent type"),
    lookup=var("", "guessed right from the two degrees"),
)


@experiment(quick=dict(n_seeds=1, steps=60, layers=1, d=16), frame=PRETRAIN)
def pretrain(
    mask: Annotated[
        float, number(0.1, 0.9, "Share of nodes that are hidden", "mask", label="hidden nodes", main=True)
    ] = 0.3,
    labels: Labels = "four types",
    layers: Annotated[int, number(1, 7, "Layers of the encoder", "model", label="encoder layers")] = 3,
    d: Annotated[int, number(16, 64, "Numbers in a latent row", "model", label="latent numbers d")] = 32,
    steps: Annotated[
        int, number(30, 1000, "Training steps", "training", "steps", scale="log", label="training steps")
    ] = 250,
    n_seeds: Annotated[int, number(1, 3, "Repetitions, each with its own circuits", "runs", label="repetitions")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Masked gate modeling in the latent space, and the same with gates hidden in the circuit, on unseen circuits.

    accuracy (hiding, repeat, time) of hidden nodes; shuffled_edges (repeat): latent, when the decoder hears from wrong
    nodes. majority and lookup are what one gets by the most frequent type, overall and for each pair of degrees.
    """
    s = study([("latent", "true"), ("input", "true")], labels, layers, d, n_seeds, seed)
    at, hidden, rngs = unseen(s, mask, 3)
    lookup, first = degree_lookup(s, at, hidden), hidden[:n_seeds]
    share = np.bincount(at.kind[:n_seeds][first].numpy()) / int(first.sum())
    times, log = [], []
    for step in chain([0], train(s, steps, lambda: losses(s, mask, 0.5))):
        with torch.no_grad():
            h = see(s.w, at, hidden, s.at_input)[1]
            types = guess(s.w, h, at, hidden, s.at_input)[0]
            wrong = guess(s.w, h, shuffle_edges(at, rngs[0]), hidden, s.at_input)[0]
        times.append(step)
        log.append(accuracy(types, at.kind, hidden).view(2, n_seeds).numpy())
        hit, lost = np.stack(log, -1), accuracy(wrong, at.kind, hidden)[:n_seeds].numpy()
        latent, at_input = hit[:, :, -1].mean(1)
        chance = share.max() + 2.6 * np.sqrt(share.max() * (1 - share.max()) / int(first.sum()))
        kinds = len(TYPES[labels])
        table = np.zeros((kinds, kinds))
        np.add.at(table, (at.kind[:n_seeds][first].numpy() - 1, types[:n_seeds][first].argmax(-1).numpy()), 1)
        yield PRETRAIN(
            dict(
                time=times,
                true=TYPES[labels],
                guess=TYPES[labels],
                accuracy=hit,
                shuffled_edges=lost,
                confusion=table / table.sum(1, keepdims=True).clip(min=1),
                majority=share.max(),
                lookup=lookup,
            ),
            f"After {step} steps {latent:.1%} of the nodes hidden in the latent space are guessed "
            f"right, and {at_input:.1%} of those hidden in the circuit; the most frequent type gets "
            f"{share.max():.1%}, a table of degrees {lookup:.1%}, and a decoder with shuffled edges "
            f"{lost.mean():.1%}.{' Of latent rows nothing is learned so far.' if latent <= chance else ''}",
            step / steps,
        )


MODES = ("true", "zero", "shuffled")  # texts
ALIGNMENT = Frame(
    text=axis("text", values=MODES),
    repeat=axis("repetition"),
    time=axis("training time", "steps"),
    accuracy=var("text repeat time", "hidden nodes that are guessed right"),
)


@experiment(quick=dict(n_seeds=1, steps=30), frame=ALIGNMENT)
def alignment(
    mask: Annotated[
        float, number(0.1, 1, "Share of nodes that are hidden in the circuit", "mask", label="hidden nodes", main=True)
    ] = 0.8,
    labels: Labels = "polarity",
    steps: Annotated[
        int, number(30, 1000, "Training steps", "training", "steps", scale="log", label="training steps")
    ] = 400,
    n_seeds: Annotated[int, number(1, 5, "Repetitions, each with its own circuits", "runs", label="repetitions")] = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The same model with the true Verilog line, without one, and with that of another circuit, on unseen circuits.

    accuracy (text, repeat, time) of the nodes hidden at the input. All three hide 30 % for masked gate modeling too.
    """
    s = study([("latent", m) for m in MODES], labels, 3, 32, n_seeds, seed)
    at, hidden, rngs = unseen(s, mask, 4)
    text = texts_of(at, s.texts, rngs)
    times, log = [], []
    for step in chain([0], train(s, steps, lambda: losses(s, 0.3, mask))):
        with torch.no_grad():
            log.append(accuracy(guess_with_text(s.w, at, hidden, text), at.kind, hidden))
        times.append(step)
        hit = torch.stack(log, -1).view(3, n_seeds, -1).numpy()
        told = hit[:, :, -1].mean(1)
        yield ALIGNMENT(
            dict(time=times, accuracy=hit),
            f"After {step} steps {told[0]:.1%} of the hidden nodes are guessed right with the true "
            f"Verilog line, {told[1]:.1%} without one, and {told[2]:.1%} with the line of another circuit.",
            step / steps,
        )


EMBEDDING = Frame(
    time=axis("training time", "steps"),
    circuit=axis("unseen circuit"),
    axis=axis("main direction", start=1),
    r2=var("time", "R2 of the signal probability"),
    families=var("time", "circuits whose family is read right"),
    place=var("circuit axis", "main direction"),
    family=var("circuit", "family"),
)


@experiment(quick=dict(steps=30), frame=EMBEDDING)
def embedding(
    steps: Annotated[
        int, number(30, 1000, "Training steps", "training", "steps", scale="log", label="training steps", main=True)
    ] = 300,
    mask: Annotated[
        float,
        number(0.1, 0.9, "Share of nodes that are hidden in the latent space", "mask", label="hidden nodes", main=True),
    ] = 0.3,
    layers: Annotated[int, number(1, 7, "Layers of the encoder", "model", label="encoder layers")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """What the encoder knows without being asked: its rows are frozen and read by linear models, while it trains.

    r2 (time): ridge regression from the row of an AND to its signal probability. families (time): ridge regression
    from the mean row of a circuit to its family. Both on unseen circuits; time 0 is the random encoder. place (circuit,
    axis): the two main directions of the mean rows of unseen circuits.
    """
    s = study([("latent", "true")], "polarity", layers, 32, 1, seed)
    parts = s.train[0], s.test[0]
    rng = np.random.default_rng([seed, 5])
    probability = [np.concatenate([signal_probability(aig, 256, rng) for aig in c.aigs]) for c in parts]
    every = [batch([c], np.arange(len(c.aigs))[None]) for c in parts]
    family = np.eye(len(FAMILIES))[parts[0].family]
    times, log = [], []
    for step in chain([0], train(s, steps, lambda: losses(s, mask, 0.5))):
        gate, pooled = [], []
        for at in every:
            with torch.no_grad():
                h = encode(s.w, embed(s.w, at.kind), at)[0].double()
            gate.append(h[at.kind[0] > 2].numpy())
            total = torch.zeros(at.text.shape[1], h.shape[1]).double().index_add(0, at.graph[0], h)
            pooled.append((total / torch.bincount(at.graph[0])[:, None]).numpy())
        scale = [a[0].std(0) + 1e-9 for a in (gate, pooled)]
        r2 = Ridge(1.0).fit(gate[0] / scale[0], probability[0]).score(gate[1] / scale[0], probability[1])
        told = Ridge(1.0).fit(pooled[0] / scale[1], family).predict(pooled[1] / scale[1]).argmax(1)
        right = float((told == parts[1].family).mean())
        times.append(step)
        log.append((r2, right))
        flat = (pooled[1] - pooled[1].mean(0)) / scale[1]
        u, size, _ = np.linalg.svd(flat, full_matrices=False)
        turn = np.sign(u[np.abs(u).argmax(0), np.arange(u.shape[1])])
        yield EMBEDDING(
            dict(
                time=times,
                r2=[a for a, _ in log],
                families=[b for _, b in log],
                place=(u * size * turn)[:, :2],
                family=parts[1].family,
            ),
            f"After {step} steps a linear model reads the signal probability of a gate with R2 = "
            f"{r2:z.2f} (random encoder: {log[0][0]:z.2f}) and {right:.0%} of the families (random: "
            f"{log[0][1]:.0%}).",
            step / steps,
            families=", ".join(FAMILIES),
        )
