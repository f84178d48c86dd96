"""From utilities to decisions: the best option, a sample, or the sample that other samples contradict least."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int

from labcore.checked import checked, index, within
from labcore.kernels import kernel

from .rivals import softmax as gibbs

Array = np.ndarray
Reading = Literal["as learned", "doubled", "squashed", "ranks"]

__all__ = ["Reading", "agreement", "fitted", "gibbs", "least_risk", "read"]


def read(u: Float[Array, "n K"], reading: Reading) -> Float[Array, "n K"]:
    """The same preferences in other numbers: each row goes through a map that rises, so that its order stays.

    Raises ValueError for a reading that does not exist.
    """
    if reading == "as learned":
        return u
    if reading == "doubled":
        return 2 * u
    if reading == "squashed":
        return np.arcsinh(u - u.mean(-1, keepdims=True))
    if reading == "ranks":
        return u.argsort(-1, kind="stable").argsort(-1, kind="stable").astype(float)
    raise ValueError(f"reading = {reading!r} is not allowed; it must be as learned, doubled, squashed or ranks")


def agreement(p: Float[Array, "X K"], asked: Int[Array, "n L"], said: Int[Array, "n L"]) -> Float[Array, " n"]:
    """The probability that a sampled answer to each sentence is the one that was said, in all of its tokens."""
    return np.exp(np.log(np.maximum(p[asked, said], 1e-300)).sum(1))


def fitted(
    u: Float[Array, "X K"], asked: Int[Array, "n L"], said: Int[Array, "n L"], taus: Float[Array, " G"], rule: str
) -> float:
    """Of the temperatures the best for held-out sentences: by "likelihood", or by "sampling" them whole."""
    scored = []
    for tau in taus:
        p = gibbs(u, float(tau))
        whole = agreement(p, asked, said)
        scored.append(np.log(np.maximum(whole, 1e-300)).sum() if rule == "likelihood" else whole.sum())
    return float(taus[int(np.argmax(scored))])


@checked
@kernel
def least_risk(
    p: Annotated[Float[Array, "X K"], within(0, 1)],
    asked: Annotated[Int[Array, "n L"], index("X")],
    luck: Annotated[Float[Array, "n S L"], within(0, 1)],
) -> Int[Array, "n L"]:
    """Minimum Bayes risk: of S sampled answers to a sentence the one that differs from the others in fewest tokens.

    Tokens are drawn from the rows of p with the uniform numbers `luck`. The first of equally good answers is taken.
    """
    n, length = asked.shape
    samples = luck.shape[1]
    k_count = p.shape[1]
    out = np.empty((n, length), np.int64)
    drawn = np.empty((samples, length), np.int64)
    for i in range(n):
        for s in range(samples):
            for t in range(length):
                left, k = luck[i, s, t], 0
                while k < k_count - 1 and left > p[asked[i, t], k]:
                    left -= p[asked[i, t], k]
                    k += 1
                drawn[s, t] = k
        best, least = 0, samples * length + 1
        for s in range(samples):
            risk = 0
            for other in range(samples):
                for t in range(length):
                    risk += drawn[s, t] != drawn[other, t]  # the idea
            if risk < least:
                best, least = s, risk  # the idea
        out[i] = drawn[best]
    return out
