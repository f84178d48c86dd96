"""A sentence of your own as a diagram, its circuit and p(true)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
import xarray as xr

from labcore.experiment import Seed, number, text
from labcore.texts import of_text

from . import qubit_circuit as qc
from . import view
from .experiments import SENTENCE, Depth, SentenceQubits
from .mechanism import p_true, to_circuits
from .pregroup import Simple, hasten, links, neighbours, show, typed, wire_up
from .sentence_learner import draw_angles
from .toy_corpus import LEXICON, NOUNS

MOST_WORDS = 12  # a circuit is contracted, which costs 2^(open wires)


@of_text(view.sentence, SENTENCE)
def sentence(
    sentence: Annotated[
        str, text(LEXICON, MOST_WORDS, "A sentence of these words", "sentence", label="your sentence", main=True)
    ] = "Alice whom Bob loves sleeps",
    functor: Annotated[
        float,
        number(
            0, 1, "Apply the functor: from the diagram to its circuit", "picture", label="apply the functor", main=True
        ),
    ] = 0.0,
    angle_1: Annotated[
        float,
        number(0, 2 * np.pi, "First angle of the first noun, an Rx", "noun", "rad", label="angle α₁ of the first noun"),
    ] = 1.0,
    q_s: SentenceQubits = 0,
    depth: Depth = 1,
    seed: Seed = 0,
) -> xr.Dataset:
    """A sentence of the words that the house knows, its cups, its circuit and p(true).

    All other angles are random, from the seed and the word. Where the words are no sentence, neighbours that fit are
    joined, and p is 0.
    """
    words = sentence.split()
    types = typed(words, LEXICON)
    pairs = links(types, Simple("s"))
    grammatical = pairs is not None
    pairs = pairs if grammatical else neighbours(types)
    diagram = hasten(wire_up(words, LEXICON, pairs))
    circuit = to_circuits(1, q_s, depth)(diagram)
    theta, grid = draw_angles(words, q_s, depth, seed), np.linspace(0, 2 * np.pi, 73)
    noun, p, sweep = next((w for w in words if w in NOUNS), ""), 0.0, np.zeros(len(grid))
    if grammatical:  # then there is a noun: no other word begins a sentence and ends one
        turned = torch.tensor([angle_1, *grid], dtype=torch.float64)
        theta[noun] = torch.stack([turned, *(a.expand(len(turned)) for a in theta[noun][1:])], -1)
        p, *sweep = p_true(circuit, lambda a: theta[a.word][..., a.k]).expand(len(turned)).tolist()
    partner = np.full(len(types), -1)
    for i, j in pairs:
        partner[[i, j]] = j, i
    wires = [wire for wire, t in enumerate(types) if t.name == "n" or q_s] + [-1]
    names, first, second = zip(*qc.places(circuit))
    cups = f"{len(pairs)} cup{' leaves' if len(pairs) == 1 else 's leave'} {show(diagram.cod)}"
    end = f". Its circuit has {len(names)} boxes and gives p(true) = {p:.3f}." if grammatical else ": no sentence."
    return SENTENCE(
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
        names={"angle": f"first angle of {noun}"} if noun else {},
        functor=functor,
        words=" ".join(words),
        grammatical=int(grammatical),
        noun=noun,
        angle_1=angle_1,
        q_s=q_s,
    )
