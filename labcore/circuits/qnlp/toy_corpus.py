"""A world of sentences "subject verb object" in which word order matters, and readers that do not see it.

Nouns belong to two hidden classes; a verb is true of some pairs of classes. Half of the verbs tell subject from object.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from .pregroup import ty

Array = np.ndarray

NOUNS = ("Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace", "Heidi", "Ivan", "Judy")
# what is true, by hidden class of subject (row) and object (column); noun i is in class i mod 2
WORLD = {"loves": [[0, 1], [0, 0]], "fears": [[0, 0], [1, 0]], "resembles": [[1, 0], [0, 1]], "leads": [[1, 1], [0, 0]]}
VERBS = tuple(WORLD)
LEXICON = {noun: ty("n") for noun in NOUNS} | {verb: ty("n.r s n.l") for verb in VERBS}
LEXICON |= {"sleeps": ty("n.r s"), "clever": ty("n n.l"), "who": ty("n.r n s.l n"), "whom": ty("n.r n n.l.l s.l")}


class Sentences(NamedTuple):
    """All sentences "subject verb object" with two different nouns."""

    slots: Int[Array, "B 3"]  # numbers of subject, verb, object
    truth: Float[Array, " B"]
    bags: Float[Array, "B nouns+verbs"]  # how often each word occurs
    texts: list[str]


def toy_sentences(n_nouns: int) -> Sentences:
    """The sentences of the first `n_nouns` nouns and the four verbs."""
    everyone = range(n_nouns)
    slots = np.array([(s, v, o) for s in everyone for v in range(len(VERBS)) for o in everyone if s != o])
    subject, verb, obj = slots.T
    truth = np.array(list(WORLD.values()), float)[verb, subject % 2, obj % 2]
    bags = np.hstack([np.eye(n_nouns)[subject] + np.eye(n_nouns)[obj], np.eye(len(VERBS))[verb]])
    return Sentences(slots, truth, bags, [f"{NOUNS[s]} {VERBS[v]} {NOUNS[o]}" for s, v, o in slots])


def split(
    count: int, allowed: Int[Array, " A"], share: float, rngs: list[np.random.Generator]
) -> tuple[Int[Array, "R n"], Bool[Array, "R count"]]:
    """For each generator, `share` of `count` sentences to train on, out of `allowed`; and which these are."""
    trains = np.stack([g.permutation(allowed)[: round(share * count)] for g in rngs])
    seen = np.zeros((len(rngs), count), bool)
    np.put_along_axis(seen, trains, True, 1)
    return trains, seen


def exchanged(slots: Int[Array, "B 3"], rng: np.random.Generator) -> Int[Array, "B 3"]:
    """Sentences with subject and object exchanged in half of them, at random."""
    return np.where(rng.random((len(slots), 1)) < 0.5, slots[:, ::-1], slots)


def bag_readers(bags: Float[Array, "B W"], truth: Float[Array, " B"], train: Int[Array, " n"]) -> Bool[Array, "2 B"]:
    """What logistic regression and an RBF-SVM, fitted to bags[train], say of every bag."""
    if len(set(truth[train])) == 1:
        return np.full((2, len(bags)), bool(truth[train][0]))
    # a fixed state keeps scikit-learn off the global one; neither fit is random
    models = LogisticRegression(max_iter=1000, random_state=0), SVC(random_state=0)
    return np.stack([m.fit(bags[train], truth[train]).predict(bags) > 0.5 for m in models])
