"""Test error of large random regressions without any data: closed forms and the deterministic equivalent.

n samples with p features of covariance Sigma, target y = z.beta + noise of variance s2, and the estimator that
minimizes |y - Z w|^2 / n + lam |w|^2. As n and p grow with p/n = gamma fixed, its excess risk E(z.beta - z.w)^2
stops depending on the draw. An implicit ridge k >= lam, the root of

    n = sum_j ev_j / (ev_j + k) + n lam / k,

replaces the randomness of Z. For Sigma = I everything is explicit in the Marchenko-Pastur law.

Sources: Hastie, Montanari, Rosset, Tibshirani, arXiv:1903.08560; Dobriban and Wager, arXiv:1507.03003;
Ali, Kolter, Tibshirani, arXiv:1810.10082 (early stopping).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from labcore.kernels import kernel

Array = np.ndarray


class DetEquiv(NamedTuple):
    """Deterministic equivalent of a ridge regression, at each `lam`.

    risk   excess risk: mean square distance to the noiseless target on new data
    kappa  the implicit ridge k, in the units of the eigenvalues
    df1    sum ev / (ev + k): effective number of directions that are fitted, at most min(n, p)
    df2    sum (ev / (ev + k))^2: how strongly the fit reacts to noise
    """

    risk: Float[Array, "*shape"]
    kappa: Float[Array, "*shape"]
    df1: Float[Array, "*shape"]
    df2: Float[Array, "*shape"]


@kernel(fastmath={"reassoc", "nsz"})  # the sums are taken several terms at a time
def _fractions(ev, above, k):
    """Sums of q and q^2 over descending ev (r,): q = k/(ev+k) of the first `above`, which are >= k, then ev/(ev+k)."""
    less, less2, more, more2 = 0.0, 0.0, 0.0, 0.0
    for j in range(above):
        q = k / (ev[j] + k)
        less += q
        less2 += q * q
    for j in range(above, len(ev)):
        q = ev[j] / (ev[j] + k)
        more += q
        more2 += q * q
    return less, less2, more, more2


@kernel
def _implicit_ridge(ev, n, lam):  # pragma: no cover
    """Root k (len(lam),) of n = sum ev/(ev+k) + n lam/k by safeguarded Newton, for positive ev (r,); both descending.

    k times the equation is concave in k: from above its root Newton comes down to it and never jumps over it, and the
    root of one ridge is above that of a smaller one.
    """
    r, trace, smallest = len(ev), 0.0, ev[-1] if len(ev) else np.inf
    for e in ev:
        trace += e
    k, last, above = np.zeros(len(lam)), np.inf, 0
    for i in range(len(lam)):
        # both ends are bounds on the root, not guesses: the sum lies between r ev_min/(ev_min+k) and trace/k
        low, high = max(lam[i], smallest * (r - n) / n), min(lam[i] + trace / n, last)
        if low <= 0:
            break  # no ridge and not more directions than samples: k = 0, and so for all that follow
        at, step = high, 2.0
        for _ in range(500):
            # each fraction above 1/2 is 1 - k/(ev + k), and its 1 counts against n: what is left on both sides are
            # positive terms, so that no digits are lost where n, the sum and their difference are far apart
            while above < r and ev[above] >= at:
                above += 1
            while above > 0 and ev[above - 1] < at:
                above -= 1
            less, less2, more, more2 = _fractions(ev, above, at)
            more, whole = more + n * lam[i] / at, n - above
            if more + max(-whole, 0.0) > less + max(whole, 0.0):
                low = at
            else:
                high = at
            slope = more2 + less2 - 2 * less - whole
            new = at - at * (more - less - whole) / slope if slope < 0 else 0.0
            if abs(new - at) <= 4e-16 * at:
                break
            if not low < new < high or 2 * abs(new - at) > step * max(new, at):  # Newton is out, or slow
                new = np.sqrt(low) * np.sqrt(high)
                if not low < new < high:
                    break
            at, step = new, abs(new - at) / max(new, at)
        k[i] = last = at
    return k


def det_equiv(
    ev: Float[ArrayLike, " p"],
    beta: Float[ArrayLike, " p"],
    resid: float,
    n: float,
    lam: Float[ArrayLike, "*shape"],
    s2: float,
) -> DetEquiv:
    """Excess risk of ridge regression with covariance eigenvalues `ev`, at every `lam` at once.

    ev     eigenvalues of the feature covariance, >= 0
    beta   true coefficients along the eigenvectors
    resid  variance of the part of the target that no linear function of the features reaches; acts as noise,
           and stays in the risk
    n      samples, > 0
    lam    ridge, >= 0; the objective is |y - Z w|^2 / n + lam |w|^2. 0 is the min-norm solution
    s2     variance of the label noise, not counted in the risk

    The risk is inf where it diverges: lam = 0 with exactly n directions.
    Raises ValueError for shapes that do not match and for values out of range.
    """
    ev, beta, lam = np.asarray(ev, float), np.asarray(beta, float), np.asarray(lam, float)
    if ev.ndim != 1 or ev.shape != beta.shape or ev.size == 0:
        raise ValueError(f"ev {ev.shape} and beta {beta.shape} must be one-dimensional, of the same length >= 1")
    if not n > 0:
        raise ValueError(f"n = {n} is not allowed; it must be > 0")
    _require("ev", ev, 0)
    _require("lam", lam, 0)
    _require("resid", resid, 0)
    _require("s2", s2, 0)
    dead = ev <= 0  # carries no signal, and would be 0/0 at k = 0
    unreachable, ev, beta = float(resid), ev[~dead], beta[~dead]
    down, k = np.argsort(-lam, axis=None), np.empty(lam.size)
    k[down] = _implicit_ridge(np.sort(ev)[::-1].copy(), float(n), lam.ravel()[down])
    both = ev + k[:, None]
    shrink, kept = ev / both, k[:, None] / both
    df1, df2 = shrink.sum(1), np.vecdot(shrink, shrink)
    bias = (kept * kept) @ (beta**2 * ev)
    with np.errstate(divide="ignore", invalid="ignore"):
        # n - df2 as n - df1, which is n lam / k, plus df1 - df2: the difference itself loses its digits near the pole
        free = np.where(k > 0, n * lam.ravel() / k, n - len(ev)) + np.vecdot(shrink, kept)
        risk = (bias + unreachable + s2 * df2 / n) / (free / n)
    # at the pole the numerator's share of noise decides between 0/0 and inf
    risk = np.where(free <= 0, np.inf if unreachable + s2 > 0 else 0.0, risk)
    return DetEquiv(*(a.reshape(lam.shape) for a in (risk, k, df1, df2)))


def stieltjes_mp(gamma: ArrayLike, lam: ArrayLike) -> Float[Array, "*shape"]:
    """m = mean of 1 / (s + lam) under the Marchenko-Pastur law of ratio gamma = p/n (its atom at 0 included).

    Broadcasts gamma > 0 with lam >= 0; inf for lam = 0 and gamma >= 1. Raises ValueError out of range.
    """
    g, lam = np.broadcast_arrays(_positive("gamma", gamma), _require("lam", lam, 0))
    b = 1 - g + lam
    root = np.hypot(b, 2 * np.sqrt(g * lam))
    with np.errstate(divide="ignore", invalid="ignore"):
        # two forms of one root of g lam m^2 + b m = 1: neither loses digits where it is used
        return np.where(b > 0, 2 / (b + root), np.where(lam > 0, (root - b) / (2 * g * lam), np.inf))


def hastie_ridgeless(gamma: ArrayLike, r2: ArrayLike, s2: ArrayLike, frac: ArrayLike = 1.0) -> Float[Array, "*shape"]:
    """Excess risk of least squares (gamma = p/n < 1) and of its min-norm solution (gamma > 1), isotropic features.

    r2    energy |beta|^2 of the whole target
    s2    variance of the label noise
    frac  share p/D of the target's energy on the features that the model sees; the rest acts as noise

    Broadcasts all four. inf at gamma = 1. Raises ValueError out of range. Source: arXiv:1903.08560.
    """
    g, r2, s2, frac = _positive("gamma", gamma), _require("r2", r2, 0), _require("s2", s2, 0), _require("frac", frac, 0)
    if np.any(frac > 1):
        raise ValueError(f"frac = {np.max(frac):g} is not allowed; it must be from 0 to 1")
    unseen = r2 * (1 - frac)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (s2 + unseen) * g / (1 - g)
        above = r2 * frac * (1 - 1 / g) + (s2 + unseen) / (g - 1)
    return unseen + np.where(g < 1, below, np.where(g > 1, above, np.inf))


def hastie_ridge(gamma: ArrayLike, lam: ArrayLike, r2: ArrayLike, s2: ArrayLike) -> Float[Array, "*shape"]:
    """Excess risk of ridge regression with isotropic features: r2 lam^2 m' + s2 gamma (m - lam m').

    m is `stieltjes_mp`, m' = -dm/dlam. Broadcasts all four; lam = 0 gives `hastie_ridgeless`; lam = gamma s2 / r2 is
    the best ridge. Raises ValueError out of range. Source: arXiv:1903.08560.
    """
    g, lam, r2, s2 = _positive("gamma", gamma), _require("lam", lam, 0), _require("r2", r2, 0), _require("s2", s2, 0)
    # with k = lam m / (1 - lam m), the root of k^2 + c k = lam, the two terms are (r2 k^2 + s2 gamma) / (1 + k) root:
    # nothing cancels, down to lam = 0
    c = 1 - g - lam
    root = np.hypot(c, 2 * np.sqrt(lam))
    with np.errstate(divide="ignore", invalid="ignore"):
        k = np.where(c > 0, 2 * lam / (c + root), (root - c) / 2)
        risk = (r2 * k / (1 + k) * k + s2 * g / (1 + k)) / root
        return np.where((g == 1) & (lam == 0), np.inf, risk)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


def early_stopping_risk(gamma: ArrayLike, t: ArrayLike, r2: ArrayLike, s2: ArrayLike) -> Float[Array, "*shape"]:
    """Excess risk of gradient flow from 0, stopped at time t, isotropic features.

    The flow is dw/dt = Z^T (y - Z w) / n; R(t) = r2 E[exp(-2 t s)] + s2 gamma E[(1 - exp(-t s))^2 / s] with s drawn
    from the Marchenko-Pastur law of Z^T Z / n, whose atom at 0 (mass 1 - 1/gamma, gamma > 1) never learns.
    Broadcasts all four; t >= 0. Raises ValueError out of range. Source: arXiv:1810.10082.
    """
    arrays = _positive("gamma", gamma), _require("t", t, 0), _require("r2", r2, 0), _require("s2", s2, 0)
    g, t, r2, s2 = (a[..., None] for a in np.broadcast_arrays(*arrays))
    # s = 1 + g - 2 sqrt(g) cos(theta) removes both square-root edges; theta ~ u^3 crowds nodes at the lower edge,
    # where late times live when gamma is near 1
    u = (_NODES + 1) / 2
    theta = np.pi * u**3
    s = (1 - np.sqrt(g)) ** 2 + 4 * np.sqrt(g) * np.sin(theta / 2) ** 2
    mass = 2 * np.sin(theta) ** 2 / (np.pi * s) * (3 * np.pi * u**2 * _WEIGHTS / 2)
    learned = -np.expm1(-t * s)
    risk = (mass * (r2 * (1 - learned) ** 2 + s2 * g * learned**2 / s)).sum(-1)
    return risk + (r2 * np.maximum(0, 1 - 1 / g))[..., 0]


def _require(name: str, value: ArrayLike, low: float) -> Float[Array, "*shape"]:
    a = np.asarray(value, float)
    if not np.all((a >= low) & np.isfinite(a)):
        bad = a[~((a >= low) & np.isfinite(a))].flat[0]
        raise ValueError(f"{name} = {bad:g} is not allowed; it must be finite and >= {low:g}")
    return a


def _positive(name: str, value: ArrayLike) -> Float[Array, "*shape"]:
    a = _require(name, value, 0)
    if np.any(a == 0):
        raise ValueError(f"{name} = 0 is not allowed; it must be > 0")
    return a
