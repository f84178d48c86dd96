"""Grammar as a wiring plan: a sentence diagram becomes a quantum circuit, and word circuits are learned.

Problem: a bag of words says the same about "Alice loves Bob" and "Bob loves Alice". Where does word order enter?
Idea: a sentence is a diagram, words joined by cups (n n.r -> 1); meaning is a functor F on such diagrams.
    F(n) = q_n qubits, F(s) = q_s qubits, F(n.l) = F(n.r) = F(n);    F(f ; g) = F(f) ; F(g),  F(f @ g) = F(f) @ F(g)
    F(word) = U(theta_word) |0...0>: one qubit Rx Rz Rx, else layers of (Rx, Rz, H on each, CRz on neighbours)
    F(cup) = Bell effect <00| (H @ 1) CNOT = (<00| + <11|) / sqrt 2, post-selected: a transpose, no conjugate
    q_s = 0: p(true) = 2^cups |amplitude|^2;   q_s = 1: p(true) = |v_1|^2 / (|v_0|^2 + |v_1|^2)
theta belongs to words, not to sentences: learned by cross-entropy on some sentences, it gives p for all others.
The derivative of a diagram is a formal sum of diagrams with shifted angles; a bubble around it gives the chain rule.
Laboratory scale: up to ten nouns in two hidden classes, four verbs; circuits are contracted, not run on a device.
The toy world, the rescaling and the controls are ours.
Source: Toumi, Category Theory for Quantum Natural Language Processing (2022), arXiv:2212.06615; the circuits follow
Meichanetzidis, Toumi, de Felice, Coecke (2020), arXiv:2012.03756.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from labcore.claims import Evidence, claim
from labcore.diagrams import Box, Diagram, Functor
from labcore.experiment import Budget, Seed, choice, experiment, number, variable
from labcore.primitives import qubit_circuit as qc
from labcore.primitives.pregroup import CAP, CUP, WORD, Simple, hasten, links, neighbours, parse, show, typed, wire_up
from labcore.primitives.sentence_learner import Learner, descend, draw_angles, read
from labcore.primitives.toy_sentences import LEXICON, NOUNS, bag_readers, exchanged, split, toy_sentences

READERS = ("grammar", "shuffled grammar", "logistic regression", "RBF-SVM")
Subject = Literal["Alice", "Bob", "clever Alice", "Alice who loves Bob", "Alice whom Bob loves"]
Optimizer = Literal["adam-autograd", "adam-shift", "spsa"]
ANGLES = {"first Rx of Alice": ("Alice", 0), "Rz of Alice": ("Alice", 1), "CRz of loves": ("loves", 4)}
By = Literal["first Rx of Alice", "Rz of Alice", "CRz of loves"]
Which = Literal["Alice loves Bob", "Bob loves Alice", "Alice loves Alice"]
Depth = Annotated[int, number(1, 4, "Layers in the circuit of a verb", "circuit")]
SentenceQubits = Annotated[int, number(0, 1, "Qubits of the sentence wire", "circuit")]


def to_circuits(q_n: int = 1, q_s: int = 0, depth: int = 3) -> Functor:
    """The functor F from sentence diagrams to circuits."""
    size = {"n": q_n, "s": q_s}

    def ob(simple: Simple) -> tuple[str, ...]:
        return qc.qubits(size[simple.name])

    def ar(box: Box) -> Diagram:
        if box.data == WORD:
            return qc.word_circuit(box.name, sum(size[t.name] for t in box.cod), depth)
        if box.data == CUP:
            return qc.bell_effects(size[box.dom[0].name])
        if box.data == CAP:
            return qc.dagger(qc.bell_effects(size[box.cod[0].name]))
        return qc.dagger(ar(box.data.of))

    return Functor(ob, ar)


def p_true(circuit: Diagram, angle: Callable[[qc.Angle], Tensor]) -> Tensor:
    """p(true) of a circuit with q_s = 0 or 1 open wires."""
    bells = sum(layer.box.name == "CNOT" for layer in circuit.layers)
    amplitude = qc.contract(circuit, angle)[..., 0]
    return read(2**bells * (amplitude.real**2 + amplitude.imag**2))


@experiment("qnlp")
def sentence(
    functor: Annotated[float, number(0, 1, "Apply the functor: from the diagram to its circuit", "picture")] = 0.0,
    subject: Annotated[Subject, choice("Who", "sentence")] = "Alice",
    verb: Annotated[Literal["loves", "sleeps"], choice("Does what", "sentence")] = "loves",
    whom: Annotated[Literal["Bob", "Alice", "clever Bob", "-"], choice("To whom", "sentence")] = "Bob",
    angle_1: Annotated[float, number(0, 2 * np.pi, "First angle of Alice, an Rx", "Alice", "rad")] = 1.0,
    angle_2: Annotated[float, number(0, 2 * np.pi, "Second angle of Alice, an Rz", "Alice", "rad")] = 2.0,
    angle_3: Annotated[float, number(0, 2 * np.pi, "Third angle of Alice, an Rx", "Alice", "rad")] = 1.0,
    q_s: SentenceQubits = 0,
    depth: Depth = 1,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """A sentence, its cups, its circuit and p(true). One frame. The other words have random angles, from the seed.

    type, word, partner (wire): grammar; partner is -1 on an open wire. gate, first, second (box): the circuit in order
    and its wires; second is -1 for a box on one. p_sweep (angle): p against angle_1. p is 0 where the words are no
    sentence; attrs["grammatical"] says which it is.
    """
    words = [w for part in (subject, verb, whom) if part != "-" for w in part.split()]
    types = typed(words, LEXICON)
    pairs = links(types, Simple("s"))
    grammatical = pairs is not None
    pairs = pairs if grammatical else neighbours(types)
    diagram = hasten(wire_up(words, LEXICON, pairs))
    circuit = to_circuits(1, q_s, depth)(diagram)
    theta, grid = draw_angles(words, q_s, depth, seed), np.linspace(0, 2 * np.pi, 73)
    p, sweep = 0.0, np.zeros(len(grid))
    if grammatical:
        first = torch.tensor([angle_1, *grid], dtype=torch.float64)
        theta["Alice"] = torch.stack([first, *(torch.full_like(first, a) for a in (angle_2, angle_3))], -1)
        p, *sweep = p_true(circuit, lambda a: theta[a.word][..., a.k]).expand(len(first)).tolist()
    partner = np.full(len(types), -1)
    for i, j in pairs:
        partner[[i, j]] = j, i
    wires = [wire for wire, t in enumerate(types) if t.name == "n" or q_s] + [-1]
    names, first, second = zip(*qc.places(circuit))
    cups = f"{len(pairs)} cup{'s leave' if len(pairs) > 1 else ' leaves'} {show(diagram.cod)}"
    end = f". Its circuit has {len(names)} boxes and gives p(true) = {p:.3f}." if grammatical else ": no sentence."
    yield xr.Dataset(
        {
            "type": variable("wire", [str(t) for t in types], "simple type"),
            "word": variable("wire", [k for k, w in enumerate(words) for _ in LEXICON[w]], "number of the word"),
            "partner": variable("wire", partner, "wire at the other end of the cup"),
            "gate": variable("box", list(names), "box of the circuit"),
            "first": variable("box", [wires[q] for q in first], "wire of the box"),
            "second": variable("box", [wires[q] for q in second], "second wire of the box"),
            "p": variable((), p, "p(true)"),
            "p_sweep": variable("angle", sweep, "p(true)"),
        },
        coords={
            "wire": variable("wire", np.arange(len(types)), "wire"),
            "box": variable("box", np.arange(len(names)), "box, in order"),
            "angle": variable("angle", grid, "first angle of Alice", "rad"),
        },
        attrs={
            "reading": f'The type of "{" ".join(words)}" is {show(types)}: {cups}{end}', "progress": 1.0,
            "functor": functor, "words": " ".join(words), "grammatical": int(grammatical), "angle_1": angle_1,
            "q_s": q_s,
        },
    )  # fmt: skip


@experiment("qnlp", quick=dict(n_seeds=2, n_nouns=6, steps=150))
def training(
    dave: Annotated[Literal["in any role", "only as subject"], choice("Dave in training", "data")] = "in any role",
    train_frac: Annotated[float, number(0.1, 0.8, "Share of all sentences to train on", "data")] = 0.5,
    n_nouns: Annotated[int, number(4, 10, "Nouns, in two hidden classes", "data")] = 8,
    depth: Depth = 3,
    q_s: SentenceQubits = 0,
    optimizer: Annotated[Optimizer, choice("Where the gradient comes from", "training")] = "adam-autograd",
    steps: Annotated[int, number(50, 400, "Steps, each on all training sentences", "training", "steps")] = 250,
    lr: Annotated[float, number(0.005, 0.5, "Learning rate, decayed", "training")] = 0.08,
    n_seeds: Annotated[int, number(1, 10, "Runs, each with its own split and angles", "runs")] = 3,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """Word circuits learn which sentences are true, and are asked about others. Frames arrive while they learn.

    test_acc, train_acc, loss (model, repeat, time): the grammar, and a control in which subject and object are
    exchanged in half of the sentences at random. base_acc (baseline, repeat): that control, and two bags of words.
    word_states (noun, axis): Bloch vectors; p, truth, seen (sentence): repeat 0. dave_acc (reader, repeat): on unseen
    sentences with Dave as object. grad_autograd, grad_shift (parameter): of the loss of repeat 0. Repeat i draws from
    (seed, i).
    """
    world = toy_sentences(n_nouns)
    as_object = world.slots[:, 2] == NOUNS.index("Dave")
    allowed = np.flatnonzero(~as_object if dave == "only as subject" else as_object | True)
    rngs = [np.random.default_rng([seed, i]) for i in range(n_seeds)]
    trains, seen = split(len(world.truth), allowed, train_frac, rngs)
    slots = torch.tensor(np.stack([world.slots] * n_seeds + [exchanged(world.slots, g) for g in rngs]))
    rows = torch.tensor(np.tile(trains, (2, 1)))
    batch, truth = slots[torch.arange(len(slots))[:, None], rows], torch.tensor(world.truth)[rows]
    learner = Learner.start(q_s, depth, n_nouns, rngs, copies=2)
    bags = np.stack([bag_readers(world.bags, world.truth, t) for t in trains], 1) == world.truth
    masks, time, log = (seen, ~seen, ~seen & as_object), [], []
    for step in descend(learner, batch, truth, optimizer, lr, steps, rngs):
        if step % max(5, steps // 50) == 0 or step == steps:
            with torch.no_grad():
                p = read(learner.weights(slots)).numpy().reshape(2, n_seeds, -1)
                loss = learner.loss(batch, truth).numpy().reshape(2, n_seeds)
            right = np.concatenate([(p > 0.5) == world.truth, bags])  # (reader, repeat, sentence)
            train, test, on_dave = ((right * m).sum(-1) / np.maximum(m.sum(-1), 1) for m in masks)
            time.append(step)
            log.append((loss, train[:2], test[:2]))
            losses, trained, tested = (np.stack(part, -1) for part in zip(*log))
            by_shift, by_autograd = learner.first().both_gradients(batch[:1], truth[:1])
            (a, b, *c), (x, y, *z) = test.mean(1), on_dave.mean(1)
            told = (
                f"After {step} steps the circuits are right about {a:.0%} of {(~seen[0]).sum()} unseen sentences, "
                f"those with shuffled grammar about {b:.0%}, bags of words about {max(c):.0%}."
            )
            if dave == "only as subject":
                told += f" With Dave as object, which was never seen: {x:.0%}, {y:.0%} and {max(z):.0%}."
            curves = ("model", "repeat", "time")
            yield xr.Dataset(
                {
                    "loss": variable(curves, losses, "cross-entropy of the training sentences"),
                    "train_acc": variable(curves, trained, "training sentences that are right"),
                    "test_acc": variable(curves, tested, "unseen sentences that are right"),
                    "base_acc": variable(("baseline", "repeat"), test[1:], "unseen sentences that are right"),
                    "dave_acc": variable(("reader", "repeat"), on_dave, "right with Dave as object"),
                    "word_states": variable(("noun", "axis"), learner.bloch(), "Bloch vector of the noun"),
                    "noun_class": variable("noun", np.arange(n_nouns) % 2, "hidden class of the noun"),
                    "p": variable("sentence", p[0, 0], "p(true)"),
                    "truth": variable("sentence", world.truth, "truth"),
                    "seen": variable("sentence", seen[0].astype(int), "whether the sentence was trained on"),
                    "grad_autograd": variable("parameter", by_autograd, "gradient by autograd"),
                    "grad_shift": variable("parameter", by_shift, "gradient by shifted diagrams"),
                },
                coords={
                    "model": variable("model", list(READERS[:2]), "model"),
                    "baseline": variable("baseline", list(READERS[1:]), "baseline"),
                    "reader": variable("reader", list(READERS), "reader"),
                    "repeat": variable("repeat", np.arange(n_seeds), "run"),
                    "time": variable("time", time, "training time", "steps"),
                    "noun": variable("noun", list(NOUNS[:n_nouns]), "noun"),
                    "axis": variable("axis", ["x", "y", "z"], "axis of the Bloch sphere"),
                    "sentence": variable("sentence", world.texts, "sentence"),
                    "parameter": variable("parameter", np.arange(len(by_shift)), "angle, nouns first"),
                },
                attrs={"reading": told, "progress": step / steps, "dave": dave},
            )


@experiment("qnlp")
def gradients(
    t: Annotated[float, number(0, 2 * np.pi, "The angle at which to differentiate", "angle", "rad")] = 1.0,
    by: Annotated[By, choice("The angle to differentiate by", "angle")] = "first Rx of Alice",
    sentence: Annotated[Which, choice("The sentence", "diagram")] = "Alice loves Bob",
    bubble: Annotated[Literal["p", "log p"], choice("log is drawn as a bubble around p", "diagram")] = "p",
    rule: Annotated[Literal["by gate", "two shifts"], choice("By gate: CRz gets four shifts", "diagram")] = "by gate",
    depth: Depth = 2,
    seed: Seed = 0,
) -> Iterator[xr.Dataset]:
    """The derivative of a sentence as a formal sum of diagrams, against autograd and finite differences. One frame.

    value (angle): p or log p along the angle. For each diagram of the sum (term): coefficient, bubbles left out; its
    shift, and the word (slot) that has it; its own p or log p, copy_value; its contribution to the derivative.
    by_shift, by_autograd, by_difference (parameter): derivatives by all angles of the sentence.
    """
    words, (word, k) = sentence.split(), ANGLES[by]
    circuit = to_circuits(1, 0, depth)(parse(words, LEXICON))
    theta = draw_angles(words, 0, depth, seed)
    theta[word][k] = t
    every = [(name, i) for name in theta for i in range(len(theta[name]))]

    def scalar(c: Diagram) -> qc.Sum:
        p = (qc.Term(4.0, (c,)),)  # 2 for each cup
        return p if bubble == "p" else (qc.Term(1.0, (qc.Bubble(None, p),)),)

    rules = qc.SHIFT_RULE if rule == "by gate" else dict.fromkeys(qc.SHIFT_RULE, qc.TWO_TERMS)
    terms = qc.derivative(scalar(circuit), word, k, rules)
    copies = [next(f for f in term.factors if isinstance(f, Diagram)) for term in terms]
    grid = np.linspace(-1.5 * np.pi, 3.5 * np.pi, 101)
    value, here, contribution, copy = qc.evaluate(
        [scalar(qc.moved(circuit, word, k, x - t)) for x in grid],
        [scalar(circuit)],
        [(term,) for term in terms],
        [scalar(c) for c in copies],
        theta=theta,
    )
    slope, exact, difference = qc.three_ways(scalar, circuit, every, theta, rules)
    boxes = [(c, layer.box) for f in copies for c, layer in enumerate(f.layers) if getattr(layer.box.data, "shift", 0)]
    ends = np.cumsum([len(qc.word_circuit(w, len(LEXICON[w]) - (w == "loves"), depth).layers) for w in words])
    now = every.index((word, k))
    yield xr.Dataset(
        {
            "value": variable("angle", value, bubble),
            "coefficient": variable("term", [term.coefficient / 4 for term in terms], "coefficient of the diagram"),
            "shift": variable("term", [box.data.shift for _, box in boxes], "shift of the angle", "rad"),
            "slot": variable("term", [int(np.searchsorted(ends, c, "right")) for c, _ in boxes], "word shifted"),
            "copy_value": variable("term", copy, f"{bubble} of the shifted diagram"),
            "contribution": variable("term", contribution, "what the diagram adds to the derivative"),
            "by_shift": variable("parameter", slope, "derivative by the sum of diagrams"),
            "by_autograd": variable("parameter", exact, "derivative by autograd"),
            "by_difference": variable("parameter", difference, "derivative by central differences"),
        },
        coords={
            "angle": variable("angle", grid, by, "rad"),
            "term": variable("term", np.arange(len(terms)), "diagram of the sum"),
            "parameter": variable("parameter", [f"{name} {i + 1}" for name, i in every], "angle"),
        },
        attrs={
            "reading": f"The derivative of {bubble} by the {by} is a sum of {len(terms)} diagrams: {slope[now]:.4f}; "
            f"autograd says {exact[now]:.4f}. Over all {len(every)} angles the largest gap is "
            f"{(slope - exact).abs().max():.1e}.",
            "progress": 1.0, "t": t, "here": here.item(), "now": now, "words": sentence, "bubble": bubble,
        },
    )  # fmt: skip


@claim("qnlp", "Wired by grammar, word circuits judge unseen sentences far better than bags of words")
def grammar_beats_bags(budget: Budget) -> Evidence:
    frame = training.run(n_seeds=5)
    test, bags = float(frame.test_acc[0, :, -1].mean()), float(frame.base_acc[1:].mean("repeat").max())
    majority = float(max(frame.truth.mean(), 1 - frame.truth.mean()))
    return Evidence(
        {"circuits": test, "best bag of words": bags, "majority": majority},
        "share of unseen sentences that are right: circuits - best bag of words >= 0.15",
        test - bags >= 0.15,
        n_seeds=5,
    )


@claim("qnlp", "The wiring does it: exchange subject and object at random, and the circuits fall back")
def wiring_matters(budget: Budget) -> Evidence:
    grammar, shuffled = training.run(n_seeds=5).test_acc[:, :, -1].mean("repeat").values
    return Evidence(
        {"grammar": grammar, "shuffled grammar": shuffled},
        "share of unseen sentences that are right: grammar - shuffled >= 0.1",
        grammar - shuffled >= 0.1,
        n_seeds=5,
    )


@claim("qnlp", "The derivative of a diagram is a sum of diagrams: shifted circuits give the exact gradient")
def shifts_are_exact(budget: Budget) -> Evidence:
    sentences, bubbles = ("Alice loves Bob", "Bob loves Alice", "Alice loves Alice"), ("p", "log p")
    sums = [gradients.run(depth=3, sentence=sentences[i % 3], bubble=bubbles[i % 2], seed=i) for i in range(5)]
    losses = [training.run("quick", n_seeds=1, steps=50, q_s=i % 2, seed=i) for i in range(5)]
    gaps = [f.by_shift - f.by_autograd for f in sums] + [f.grad_shift - f.grad_autograd for f in losses]
    autograd = max(float(abs(gap).max()) for gap in gaps)
    difference = max(float(abs(f.by_shift - f.by_difference).max()) for f in sums)
    return Evidence(
        {"to autograd": autograd, "to finite differences": difference},
        "largest gap over all angles <= 1e-8 to autograd (of p, log p and the loss) and <= 1e-5 to finite differences",
        autograd <= 1e-8 and difference <= 1e-5,
        n_seeds=5,
    )
