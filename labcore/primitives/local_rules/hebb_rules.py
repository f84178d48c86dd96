"""Local learning rules of K linear units u = W x, sample by sample (numba) and batch by batch (torch).

Each is Hebb's product minus a decay; they differ in who takes part in the decay of unit k:
    hebb      dw_k = y_k x                                   nothing: the weights grow without limit
    oja       dw_k = y_k (x - y_k w_k)                       the unit itself: length 1, every unit the same axis
    sanger    dw_k = y_k (x - sum_{l<=k} y_l w_l)            the units before it: axis 1, axis 2, ... in order
    subspace  dw_k = y_k (x - sum_l y_l w_l)                 all units: the right subspace, any basis of it
    lateral   dw_k = y_k (x - y_k w_k), y_k = u_k - sum_{l<k} c_kl y_l, dc_kl = y_k (y_l - y_k c_kl)
                                                             itself, and learned inhibition from the units before it
    soft      dw_k = y_k (x - u_k w_k), y = softmax(u / tau) itself, and units compete: one takes each sample
For the linear rules y = u unless said otherwise. Sources: Oja (1982, 1989), Sanger (1989), Kung and Diamantaras (1990,
the lateral one, known as APEX), Nowlan (1990) and Moraitis et al. (2021, arXiv:2107.05747) for soft competition.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from labcore.checked import above, checked, within
from labcore.kernels import kernel

Array = np.ndarray
Rule = Literal["hebb", "oja", "sanger", "subspace", "lateral", "soft"]
RULES: tuple[str, ...] = get_args(Rule)
BLOWN_UP = 1e3


class Stream(NamedTuple):
    """What `hebb_stream` leaves: R recorded states, the first before any sample, the last after the last sample."""

    w: Float[Array, "R K D"]  # weights
    c: Float[Array, "R K K"]  # lateral inhibition, below the diagonal
    seen: Int[Array, " R"]  # samples seen at each record
    diverged: int  # 0, or the sample at which a weight left [-1000, 1000] or was no number; records end before it


def _check(rule: str, eta: float, tau: float) -> None:
    if rule not in RULES:
        raise ValueError(f"rule = {rule!r} is not allowed; it must be one of {', '.join(RULES)}")
    if not eta >= 0:
        raise ValueError(f"eta = {eta} is not allowed; it must be >= 0")
    if not tau > 0:
        raise ValueError(f"tau = {tau} is not allowed; it must be > 0")


@checked
def hebb_stream(
    x: Float[Array, "T D"],
    w: Float[Array, "K D"],
    rule: Rule,
    eta: Annotated[float, within(0)],
    tau: Annotated[float, above(0)] = 0.3,
    every: Annotated[int, within(1)] = 1,
) -> Stream:
    """Show the samples x one at a time to units that start at w; record each `every` samples."""
    x, w = np.ascontiguousarray(x, dtype=float), np.array(w, dtype=float)
    w_hist, c_hist, seen, diverged = _stream(x, w, RULES.index(rule), eta, tau, every)
    return Stream(w_hist, c_hist, seen, int(diverged))


@kernel
def _stream(x, w, rule, eta, tau, every):
    (samples, dim), units = x.shape, len(w)
    c, u, y, back = np.zeros((units, units)), np.empty(units), np.empty(units), np.empty(dim)
    records = samples // every + 1 + (samples % every > 0)
    w_hist, c_hist = np.empty((records, units, dim)), np.empty((records, units, units))
    seen = np.zeros(records, np.int64)
    w_hist[0], c_hist[0], at = w, c, 1
    for t in range(samples):
        for k in range(units):
            u[k] = 0.0
            for d in range(dim):
                u[k] += w[k, d] * x[t, d]
            y[k] = u[k]
        if rule == 4:
            for k in range(units):
                for j in range(k):
                    y[k] -= c[k, j] * y[j]
            for k in range(units):
                for j in range(k):
                    c[k, j] += eta * y[k] * (y[j] - y[k] * c[k, j])
        if rule == 5:
            top, total = u.max(), 0.0
            for k in range(units):
                y[k] = np.exp((u[k] - top) / tau)
                total += y[k]
            for k in range(units):
                y[k] /= total
        # `back` is what the feedback predicts of x; Sanger's grows from unit to unit, so old weights must enter it
        back[:] = 0.0
        if rule == 3:
            for k in range(units):
                for d in range(dim):
                    back[d] += y[k] * w[k, d]
        biggest = 0.0
        for k in range(units):
            for d in range(dim):
                if rule == 1 or rule == 4:
                    back[d] = y[k] * w[k, d]
                elif rule == 2:
                    back[d] += y[k] * w[k, d]
                elif rule == 5:
                    back[d] = u[k] * w[k, d]
                w[k, d] += eta * y[k] * (x[t, d] - back[d])
                # written so that a weight that is no number counts as blown up too
                if not abs(w[k, d]) <= biggest:
                    biggest = abs(w[k, d])
        if not biggest < BLOWN_UP:
            return w_hist[:at], c_hist[:at], seen[:at], t + 1
        if (t + 1) % every == 0 or t + 1 == samples:
            w_hist[at], c_hist[at], seen[at] = w, c, t + 1
            at += 1
    return w_hist[:at], c_hist[:at], seen[:at], 0


def respond(
    x: Float[Tensor, "... B D"],
    w: Float[Tensor, "... K D"],
    rule: Rule,
    tau: float = 0.3,
    c: Float[Tensor, "... K K"] | None = None,
) -> Float[Tensor, "... B K"]:
    """Responses y of units w to a batch x; the inhibition c is for the lateral rule."""
    u = x @ w.mT
    if rule == "soft":
        return torch.softmax(u / tau, -1)
    if rule == "lateral" and c is not None:
        # y + C y = u, solved from the first unit down: C is zero on and above its diagonal
        inhibition = c.tril(-1) + torch.eye(c.shape[-1], dtype=c.dtype)
        return torch.linalg.solve_triangular(inhibition, u.mT, upper=False).mT
    return u


def hebb_change(
    x: Float[Tensor, "... B D"],
    w: Float[Tensor, "... K D"],
    rule: Rule,
    tau: float = 0.3,
    c: Float[Tensor, "... K K"] | None = None,
) -> tuple[Float[Tensor, "... K D"], Float[Tensor, "... B K"], Float[Tensor, "... K K"] | None]:
    """The rule's mean over a batch x: change of w, responses, change of c or None.

    Any leading dimensions are independent learners. Only the lateral rule needs, and changes, c.
    Raises ValueError when it gets none.
    """
    _check(rule, 0.0, tau)
    if rule == "lateral" and c is None:
        raise ValueError("c = None is not allowed for the lateral rule; it must be inhibition (..., K, K)")
    y = respond(x, w, rule, tau, c)
    batch, inhibition = x.shape[-2], None
    change = y.mT @ x  # the idea
    if rule == "soft":
        change = change - (y * (x @ w.mT)).sum(-2)[..., None] * w
    elif rule != "hebb":
        together = y.mT @ y  # the idea
        own = torch.diagonal(together, dim1=-2, dim2=-1)[..., None]
        partners = {"sanger": together.tril(), "subspace": together}.get(rule)  # the idea
        change = change - (own * w if partners is None else partners @ w)  # the idea
        if rule == "lateral":
            inhibition = (together - own * c).tril(-1) / batch
    return change / batch, y, inhibition


def hebb_step(
    x: Float[Tensor, "... B D"],
    w: Float[Tensor, "... K D"],
    rule: Rule,
    eta: float,
    tau: float = 0.3,
    c: Float[Tensor, "... K K"] | None = None,
) -> tuple[Float[Tensor, "... K D"], Float[Tensor, "... B K"], Float[Tensor, "... K K"] | None]:
    """One step of size eta on a batch: new weights, responses, new inhibition (or c itself)."""
    _check(rule, eta, tau)
    change, y, inhibition = hebb_change(x, w, rule, tau, c)
    return w + eta * change, y, c if inhibition is None else c + eta * inhibition
