"""A sentence and its circuit, words that learn, and the derivative of a sentence as a sum of diagrams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
import torch
import xarray as xr

from labcore.diagrams.diagram import Diagram
from labcore.experiment import Seed, choice, experiment, number
from labcore.frames import Frame, axis, var

from . import formal_sums as sums
from . import qubit_circuit as qc
from .mechanism import p_true, to_circuits
from .pregroup import Simple, hasten, links, neighbours, parse, show, typed, wire_up
from .sentence_learner import Learner, descend, draw_angles, read
from .toy_corpus import LEXICON, NOUNS, bag_readers, exchanged, split, toy_sentences

READERS = ("grammar", "shuffled grammar", "logistic regression", "RBF-SVM")
Subject = Literal["Alice", "Bob", "clever Alice", "Alice who loves Bob", "Alice whom Bob loves"]
Optimizer = Literal["adam-autograd", "adam-shift", "spsa"]
ANGLES = {"first Rx of Alice": ("Alice", 0), "Rz of Alice": ("Alice", 1), "CRz of loves": ("loves", 4)}
By = Literal["first Rx of Alice", "Rz of Alice", "CRz of loves"]
Which = Literal["Alice loves Bob", "Bob loves Alice", "Alice loves Alice"]
Depth = Annotated[int, number(1, 4, "Layers in the circuit of a verb", "circuit", label="layers of a verb")]
SentenceQubits = Annotated[int, number(0, 1, "Qubits of the sentence wire", "circuit", label="sentence qubits")]


SENTENCE = Frame(
    wire=axis("wire"),
    box=axis("box, in order"),
    angle=axis("first angle of Alice", "rad"),
    type=var("wire", "simple type"),
    word=var("wire", "number of the word"),
    partner=var("wire", "wire at the other end of the cup"),
    gate=var("box", "box of the circuit"),
    first=var("box", "wire of the box"),
    second=var("box", "second wire of the box"),
    p=var("", "p(true)"),
    p_sweep=var("angle", "p(true)"),
)


@experiment(frame=SENTENCE)
def sentence(
    functor: Annotated[
        float,
        number(
            0, 1, "Apply the functor: from the diagram to its circuit", "picture", label="drawing to circuit", main=True
        ),
    ] = 0.0,
    subject: Annotated[Subject, choice("Who", "sentence", label="subject", main=True)] = "Alice",
    verb: Annotated[Literal["loves", "sleeps"], choice("Does what", "sentence", label="verb")] = "loves",
    whom: Annotated[
        Literal["Bob", "Alice", "clever Bob", "-"],
        choice("To whom", "sentence", label="object", main=True, words={"-": "nobody"}),
    ] = "Bob",
    angle_1: Annotated[
        float, number(0, 2 * np.pi, "First angle of Alice, an Rx", "Alice", "rad", label="angle α₁ of Alice")
    ] = 1.0,
    angle_2: Annotated[
        float, number(0, 2 * np.pi, "Second angle of Alice, an Rz", "Alice", "rad", label="angle α₂ of Alice")
    ] = 2.0,
    angle_3: Annotated[
        float, number(0, 2 * np.pi, "Third angle of Alice, an Rx", "Alice", "rad", label="angle α₃ of Alice")
    ] = 1.0,
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
    yield SENTENCE(
        dict(
            angle=grid,
            type=[str(t) for t in types],
            word=[k for k, w in enumerate(words) for _ in LEXICON[w]],
            partner=partner,
            gate=names,
            first=[wires[q] for q in first],
            second=[wires[q] for q in second],
            p=p,
            p_sweep=sweep,
        ),
        f'The type of "{" ".join(words)}" is {show(types)}: {cups}{end}',
        functor=functor,
        words=" ".join(words),
        grammatical=int(grammatical),
        angle_1=angle_1,
        q_s=q_s,
    )


TRAINING = Frame(
    model=axis("model", values=READERS[:2]),
    baseline=axis("baseline", values=READERS[1:]),
    reader=axis("reader", values=READERS),
    repeat=axis("run"),
    time=axis("training time", "steps"),
    noun=axis("noun"),
    axis=axis("axis of the Bloch sphere", values=("x", "y", "z")),
    sentence=axis("sentence"),
    parameter=axis("angle, nouns first"),
    loss=var("model repeat time", "cross-entropy of the training sentences"),
    train_acc=var("model repeat time", "training sentences that are right"),
    test_acc=var("model repeat time", "unseen sentences that are right"),
    base_acc=var("baseline repeat", "unseen sentences that are right"),
    dave_acc=var("reader repeat", "right with Dave as object"),
    word_states=var("noun axis", "Bloch vector of the noun"),
    noun_class=var("noun", "hidden class of the noun"),
    p=var("sentence", "p(true)"),
    truth=var("sentence", "truth"),
    seen=var("sentence", "whether the sentence was trained on"),
    grad_autograd=var("parameter", "gradient by autograd"),
    grad_shift=var("parameter", "gradient by shifted diagrams"),
)


@experiment(quick=dict(n_seeds=2, n_nouns=6, steps=80), frame=TRAINING)
def training(
    dave: Annotated[
        Literal["in any role", "only as subject"],
        choice("Dave in training", "data", label="Dave in training", main=True),
    ] = "in any role",
    train_frac: Annotated[
        float, number(0.1, 0.8, "Share of all sentences to train on", "data", label="share trained on", main=True)
    ] = 0.5,
    n_nouns: Annotated[int, number(4, 10, "Nouns, in two hidden classes", "data", label="nouns", main=True)] = 8,
    depth: Depth = 3,
    q_s: SentenceQubits = 0,
    optimizer: Annotated[
        Optimizer,
        choice(
            "Where the gradient comes from",
            "training",
            label="gradient from",
            words={
                "adam-autograd": "backpropagation",
                "adam-shift": "shifted circuits",
                "spsa": "two noisy tries (SPSA)",
            },
        ),
    ] = "adam-autograd",
    steps: Annotated[
        int, number(50, 400, "Steps, each on all training sentences", "training", "steps", label="training steps")
    ] = 250,
    lr: Annotated[float, number(0.005, 0.5, "Learning rate, decayed", "training", label="learning rate η")] = 0.08,
    n_seeds: Annotated[int, number(1, 10, "Runs, each with its own split and angles", "runs", label="repetitions")] = 3,
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
            yield TRAINING(
                dict(
                    time=time,
                    noun=NOUNS[:n_nouns],
                    sentence=world.texts,
                    loss=losses,
                    train_acc=trained,
                    test_acc=tested,
                    base_acc=test[1:],
                    dave_acc=on_dave,
                    word_states=learner.bloch(),
                    noun_class=np.arange(n_nouns) % 2,
                    p=p[0, 0],
                    truth=world.truth,
                    seen=seen[0].astype(int),
                    grad_autograd=by_autograd,
                    grad_shift=by_shift,
                ),
                told,
                step / steps,
                dave=dave,
            )


GRADIENTS = Frame(
    angle=axis("angle", "rad"),
    term=axis("diagram of the sum"),
    parameter=axis("angle"),
    value=var("angle", "p or log p"),
    coefficient=var("term", "coefficient of the diagram"),
    shift=var("term", "shift of the angle", "rad"),
    slot=var("term", "word shifted"),
    copy_value=var("term", "p or log p of the shifted diagram"),
    contribution=var("term", "what the diagram adds to the derivative"),
    by_shift=var("parameter", "derivative by the sum of diagrams"),
    by_autograd=var("parameter", "derivative by autograd"),
    by_difference=var("parameter", "derivative by central differences"),
)


@experiment(frame=GRADIENTS)
def gradients(
    t: Annotated[
        float, number(0, 2 * np.pi, "The angle at which to differentiate", "angle", "rad", label="angle t", main=True)
    ] = 1.0,
    by: Annotated[
        By,
        choice(
            "The angle to differentiate by",
            "angle",
            label="differentiate by",
            main=True,
            words={
                "first Rx of Alice": "first angle of Alice (Rx)",
                "Rz of Alice": "second angle of Alice (Rz)",
                "CRz of loves": "controlled angle of loves (CRz)",
            },
        ),
    ] = "first Rx of Alice",
    sentence: Annotated[Which, choice("The sentence", "diagram", label="sentence")] = "Alice loves Bob",
    bubble: Annotated[
        Literal["p", "log p"],
        choice(
            "log is drawn as a bubble around p",
            "diagram",
            label="bubble around",
            words={"p": "p itself", "log p": "logarithm of p"},
        ),
    ] = "p",
    rule: Annotated[
        Literal["by gate", "two shifts"],
        choice(
            "By gate: CRz gets four shifts",
            "diagram",
            label="shift rule",
            main=True,
            words={"by gate": "as many as the gate needs"},
        ),
    ] = "by gate",
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

    def scalar(c: Diagram) -> sums.Sum:
        p = (sums.Term(4.0, (c,)),)  # 2 for each cup
        return p if bubble == "p" else (sums.Term(1.0, (sums.Bubble(None, p),)),)

    rules = sums.SHIFT_RULE if rule == "by gate" else dict.fromkeys(sums.SHIFT_RULE, sums.TWO_TERMS)
    terms = sums.derivative(scalar(circuit), word, k, rules)
    copies = [next(f for f in term.factors if isinstance(f, Diagram)) for term in terms]
    grid = np.linspace(-1.5 * np.pi, 3.5 * np.pi, 101)
    value, here, contribution, copy = sums.evaluate(
        [scalar(sums.moved(circuit, word, k, x - t)) for x in grid],
        [scalar(circuit)],
        [(term,) for term in terms],
        [scalar(c) for c in copies],
        theta=theta,
    )
    slope, exact, difference = sums.three_ways(scalar, circuit, every, theta, rules)
    boxes = [(c, layer.box) for f in copies for c, layer in enumerate(f.layers) if getattr(layer.box.data, "shift", 0)]
    ends = np.cumsum([len(qc.word_circuit(w, len(LEXICON[w]) - (w == "loves"), depth).layers) for w in words])
    now = every.index((word, k))
    same = bool((slope[now] - exact[now]).abs() <= 1e-8 * exact[now].abs().clamp(min=1))
    yield GRADIENTS(
        dict(
            angle=grid,
            parameter=[f"{name} {i + 1}" for name, i in every],
            value=value,
            coefficient=[term.coefficient / 4 for term in terms],
            shift=[box.data.shift for _, box in boxes],
            slot=[int(np.searchsorted(ends, c, "right")) for c, _ in boxes],
            copy_value=copy,
            contribution=contribution,
            by_shift=slope,
            by_autograd=exact,
            by_difference=difference,
        ),
        f"The derivative of {bubble} by the {by} is {'a' if same else 'not the'} sum of {len(terms)} diagrams: "
        f"{'' if same else 'that gives '}{slope[now]:z.4f}; autograd says {exact[now]:z.4f}. Over all {len(every)} "
        f"angles the largest gap is {(slope - exact).abs().max():.1e}.",
        names=dict(angle=by, value=bubble, copy_value=f"{bubble} of the shifted diagram"),
        t=t,
        here=here.item(),
        now=now,
        words=sentence,
        bubble=bubble,
    )
