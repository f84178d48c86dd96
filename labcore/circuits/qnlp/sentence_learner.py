"""Many models of the sentences "subject verb object" side by side, and their gradients in two ways.

Each word's circuit is contracted once and its state is shared by all sentences; the cups are one einsum. This is the
contraction of each sentence's whole circuit, only sooner (the tests check it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from labcore.diagrams.diagram import Diagram
from labcore.primitives.runs.batched_adam import Adam

from .formal_sums import SHIFT_RULE
from .pregroup import WORD, parse
from .qubit_circuit import Angle, contract, word_circuit
from .toy_corpus import LEXICON, VERBS

EPS = 1e-6  # probabilities are kept this far from 0 and 1 before a log


def read(weight: Float[Tensor, "*batch 2**q_s"]) -> Float[Tensor, "*batch"]:
    """p(true) from the rescaled |amplitude|^2 of the open wires."""
    return weight[..., 0] if weight.shape[-1] == 1 else weight[..., 1] / weight.sum(-1).clamp(min=1e-300)


def draw_angles(words: Sequence[str], q_s: int, depth: int, seed: int) -> dict[str, Float[Tensor, " K"]]:
    """Angles of each word, uniform in [0, 2 pi): they depend on the seed and on the word alone."""
    theta = {}
    for word in words:
        rng = np.random.default_rng([seed, list(LEXICON).index(word)])
        circuit = word_circuit(word, sum(t.name == "n" or q_s for t in LEXICON[word]), depth)
        theta[word] = torch.tensor(
            rng.uniform(0, 2 * np.pi, sum(isinstance(x.box.data, Angle) for x in circuit.layers))
        )
    return theta


def wiring(sentence: Diagram, size: Mapping[str, int]) -> tuple[list[str], str]:
    """The same contraction as one einsum: the letters of each word's qubits, and those that stay open."""
    letters = iter("abcdefghijklmnopqrstuvwxy")
    wires, words, same = [], [], {}
    for layer in sentence.layers:
        if layer.box.data == WORD:
            new = [[next(letters) for _ in range(size[t.name])] for t in layer.box.cod]
            words.append("".join(map("".join, new)))
            wires[layer.offset : layer.offset] = new
        else:
            left, right = wires[layer.offset : layer.offset + 2]
            same |= dict(zip(reversed(right), left, strict=True))
            del wires[layer.offset : layer.offset + 2]
    return [word.translate(str.maketrans(same)) for word in words], "".join(map("".join, wires))


class Learner:
    """M models of the world of "subject verb object": the angles of N nouns and of four verbs."""

    def __init__(self, q_s: int, depth: int, nouns: Float[Tensor, "M N 3"], verbs: Float[Tensor, "M 4 P"]):
        self.q_s, self.depth, self.theta = q_s, depth, [nouns, verbs]
        self.circuits = [word_circuit("", 1, depth), word_circuit("", 2 + q_s, depth)]
        self.letters, self.out = wiring(parse(("Alice", "loves", "Bob"), LEXICON), {"n": 1, "s": q_s})

    @classmethod
    def start(cls, q_s: int, depth: int, nouns: int, rngs: list[np.random.Generator], copies: int) -> Learner:
        """A model for each generator, its angles uniform in [0, 2 pi), and all of them again `copies` times."""
        angles = shifted_copies(word_circuit("", 2 + q_s, depth))[0].shape[1]
        shapes = (nouns, 3), (len(VERBS), angles)
        draws = [np.tile(np.stack([g.uniform(0, 2 * np.pi, s) for g in rngs]), (copies, 1, 1)) for s in shapes]
        return cls(q_s, depth, *(torch.tensor(d, requires_grad=True) for d in draws))

    def states(self, kind: int, shift: Float[Tensor, "K P"] | None = None) -> Complex[Tensor, "M words ..."]:
        """States of all nouns (kind 0) or verbs (1), an axis of 2 for each qubit; before these, one for K shifted
        copies of each word.
        """
        theta = self.theta[kind] if shift is None else self.theta[kind][:, :, None] + shift
        flat = contract(self.circuits[kind], lambda a: theta[..., a.k])[..., 0]
        return flat.unflatten(-1, (2,) * len(self.circuits[kind].cod))

    def weights(
        self, slots: Int[Tensor, "M B 3"], copied: int | None = None, shift: Float[Tensor, "K P"] | None = None
    ) -> Float[Tensor, "M B 2**q_s"] | Float[Tensor, "M B K 2**q_s"]:
        """|amplitude|^2 of sentences, with an axis for K shifted copies of the word in slot `copied` if there is one.

        It is rescaled: the 1/sqrt 2 of each cup is left out.
        """
        each, states, letters = torch.arange(len(slots))[:, None], [self.states(0), self.states(1)], list(self.letters)
        operands = [states[slot % 2][each, slots[:, :, slot]] for slot in range(3)]
        if copied is not None:
            operands[copied] = self.states(copied % 2, shift)[each, slots[:, :, copied]]
            letters[copied] = "z" + letters[copied]
        spec = ",".join("..." + x for x in letters) + "->..." + "z" * (copied is not None) + self.out
        amplitude = torch.einsum(spec, *operands)
        amplitude = amplitude.reshape(*amplitude.shape[: 2 + (copied is not None)], -1)
        return amplitude.real**2 + amplitude.imag**2

    def loss(self, slots: Int[Tensor, "M B 3"], truth: Float[Tensor, "M B"]) -> Float[Tensor, " M"]:
        """Mean cross-entropy of sentences whose truth is known."""
        p = read(self.weights(slots)).clamp(EPS, 1 - EPS)
        return -(truth * p.log() + (1 - truth) * (1 - p).log()).mean(1)

    def shift_gradient(
        self, slots: Int[Tensor, "M B 3"], truth: Float[Tensor, "M B"]
    ) -> list[Float[Tensor, "M words P"]]:
        """The gradient of the loss from shifted sentences only: for each slot, the formal sum of its derivative."""
        with torch.no_grad():
            weight = self.weights(slots)
            p = read(weight)
            inside = (p > EPS) & (p < 1 - EPS)
            slope = torch.where(inside, (p - truth) / (p * (1 - p)).clamp(min=EPS / 2), 0) / truth.shape[1]
            if weight.shape[-1] == 1:
                slope = slope[..., None]
            else:  # the bubble 1/x around |v_0|^2 + |v_1|^2
                slope = torch.stack([-weight[..., 1], weight[..., 0]], -1) * (slope / weight.sum(-1) ** 2)[..., None]
            gradients = [torch.zeros_like(t) for t in self.theta]
            for slot in range(3):
                kind = slot % 2
                shift, coefficient = shifted_copies(self.circuits[kind])
                parts = torch.einsum("mbko,kp,mbo->mbp", self.weights(slots, slot, shift), coefficient, slope)
                gradient = gradients[kind]
                rows = torch.arange(len(slots))[:, None] * gradient.shape[1] + slots[:, :, slot]
                gradient.flatten(0, 1).index_add_(0, rows.flatten(), parts.flatten(0, 1))
        return gradients

    def first(self) -> Learner:
        """The first model alone."""
        return Learner(self.q_s, self.depth, *(t.detach()[:1].clone().requires_grad_() for t in self.theta))

    def both_gradients(self, slots: Int[Tensor, "M B 3"], truth: Float[Tensor, "M B"]) -> list[Float[Tensor, " A"]]:
        """The gradient of the loss by all angles, nouns first: by shifts, and by autograd."""
        autograd = torch.autograd.grad(self.loss(slots, truth).sum(), self.theta)
        return [torch.cat([g.flatten() for g in gs]) for gs in (self.shift_gradient(slots, truth), autograd)]

    def bloch(self) -> Float[Tensor, "N 3"]:
        """The nouns of the first model on the Bloch sphere."""
        a, b = self.states(0).detach()[0].unbind(-1)
        cross = 2 * a.conj() * b
        return torch.stack([cross.real, cross.imag, a.abs() ** 2 - b.abs() ** 2], -1)


def shifted_copies(circuit: Diagram) -> tuple[Float[Tensor, "K P"], Float[Tensor, "K P"]]:
    """All K shifted copies that the derivatives of a word by its P angles need: their shifts, and coefficients."""
    angles = [layer.box for layer in circuit.layers if isinstance(layer.box.data, Angle)]
    rows = [(box.data.k, *rule) for box in angles for rule in SHIFT_RULE[box.name]]
    shift, coefficient = torch.zeros(2, len(rows), len(angles), dtype=torch.float64)
    for row, (k, c, by) in enumerate(rows):
        shift[row, k], coefficient[row, k] = by, c
    return shift, coefficient


def descend(
    learner: Learner,
    slots: Int[Tensor, "M B 3"],
    truth: Float[Tensor, "M B"],
    optimizer: str,
    lr: float,
    steps: int,
    rngs: list[np.random.Generator],
) -> Iterator[int]:
    """Lower the loss of all models; yields the step, from 0 to `steps`, before each update and after the last.

    Models that share a generator share its random directions in "spsa".
    """
    adam = Adam(learner.theta, lr, steps)
    for step in range(steps):
        yield step
        if optimizer == "adam-autograd":
            adam.step(learner.loss(slots, truth))
        elif optimizer == "adam-shift":
            adam.step(sum((t * g).sum((1, 2)) for t, g in zip(learner.theta, learner.shift_gradient(slots, truth))))
        else:
            rate, c = lr * ((1 + steps / 10) / (step + 1 + steps / 10)) ** 0.602, 0.1 / (step + 1) ** 0.101
            _spsa_step(learner, slots, truth, rate, c, rngs)
    yield steps


@torch.no_grad()
def _spsa_step(learner: Learner, slots: Tensor, truth: Tensor, rate: float, c: float, rngs: list) -> None:
    """theta - rate (L(theta + c d) - L(theta - c d)) / 2c d, with random signs d: Spall (1992)."""
    copies = len(slots) // len(rngs)
    draws = [np.stack([g.choice((-1.0, 1.0), t.shape[1:]) for g in rngs]) for t in learner.theta]
    signs = [torch.tensor(np.tile(d, (copies, 1, 1))) for d in draws]
    moved = [[t + side * d for t, d in zip(learner.theta, signs)] for side in (c, -c)]
    high, low = (Learner(learner.q_s, learner.depth, *theta).loss(slots, truth) for theta in moved)
    for t, d in zip(learner.theta, signs):
        t -= rate * ((high - low) / (2 * c))[:, None, None] * d
