"""Many-to-many: what two networks share when no single unit of one is a single unit of the other."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

Array = np.ndarray
STARTS, MOST = 10, 100  # of k-means: starts, and rounds of each


def canonical_correlations(a: Float[Array, "n m1"], b: Float[Array, "n m2"], top: int = 10) -> Float[Array, " top"]:
    """Cosines of the angles between the spaces that the `top` main components of A and of B span, largest first.

    No basis of either space is better than another: turning the axes of A or B changes nothing.
    Source: Hotelling (1936). Raises ValueError for other numbers of inputs, and for more components than there are.
    """
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} inputs and b {len(b)}; they must be the same inputs")
    bases = []
    for name, v in (("a", a), ("b", b)):
        u, s, _ = np.linalg.svd(v - v.mean(0), full_matrices=False)
        if top < 1 or top > (s > 1e-10 * s[0]).sum():
            raise ValueError(f"top = {top} is not allowed for {name}; it has {(s > 1e-10 * s[0]).sum()} components")
        bases.append(u[:, :top])
    return np.minimum(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False), 1.0)


class Turning:
    """A random turn of all axes, to be made by any share of itself: 0 leaves them, 1 is uniform over all turns."""

    def __init__(self, m: int, seed: int | list[int]):
        q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(m, m)))
        q *= np.sign(np.diag(r))
        if np.linalg.det(q) < 0:  # a reflection cannot be made in part
            q[0] *= -1
        t, self._u = scipy.linalg.schur(q, output="complex")
        self._angles = np.angle(np.diag(t))

    def __call__(self, share: float) -> Float[Array, "m m"]:
        """The orthogonal matrix for this share."""
        return ((self._u * np.exp(1j * share * self._angles)) @ self._u.conj().T).real


def dimensions(a: Float[Array, "n m"]) -> float:
    """In how many directions activity varies, as if all variances that matter were equal: (sum s^2)^2 / sum s^4.

    Known as participation ratio. Raises ValueError where nothing varies.
    """
    power = np.linalg.svd(a - a.mean(0), compute_uv=False) ** 2
    if not power.sum() > 0:
        raise ValueError(f"a has {a.shape[1]} units, none of which changes; one must")
    return float(power.sum() ** 2 / (power**2).sum())


def clusters(likeness: Float[Array, "k l"], groups: int, seed: int | list[int]) -> Int[Array, " k+l"]:
    """A group, 0 .. groups - 1, for each unit of A and then of B: those that are like the same ones of the other net.

    Spectral clustering of the graph whose edges join each unit of A with each of B, with these weights >= 0: the
    eigenvectors of I - D^-1/2 S D^-1/2 with the smallest eigenvalues, each unit's row of them at length 1, k-means.
    Source: Ng, Jordan, Weiss (2001). Raises ValueError for a negative likeness, a unit without any, too many groups.
    """
    k, units = len(likeness), sum(likeness.shape)
    if not (likeness >= 0).all():
        raise ValueError("likeness has an entry below 0 or none; all must be 0 or more")
    if not 1 <= groups <= units:
        raise ValueError(f"groups = {groups} is not allowed; it must be from 1 to {units}")
    s = np.zeros((units, units))
    s[:k, k:], s[k:, :k] = likeness, likeness.T
    degree = s.sum(1)
    if not (degree > 0).all():
        raise ValueError("likeness has a unit that is like no other; each must be like one")
    root = 1 / np.sqrt(degree)
    vectors = np.linalg.eigh(np.eye(units) - root[:, None] * s * root)[1][:, :groups]
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
    rng = np.random.default_rng(seed)
    found = [_k_means(rows, groups, rng) for _ in range(STARTS)]  # it ends in a nearby minimum: the lowest is taken
    return min(found, key=lambda one: one[0])[1]


def _k_means(rows: Float[Array, "n d"], groups: int, rng: np.random.Generator) -> tuple[float, Int[Array, " n"]]:
    """Sum of squared distances to the centres, and whose centre is nearest; first centres are drawn far apart."""
    centres = rows[rng.integers(len(rows))][None]
    for _ in range(groups - 1):
        away = _squares(rows, centres).min(1)
        chances = away / away.sum() if away.sum() > 0 else None
        centres = np.vstack([centres, rows[rng.choice(len(rows), p=chances)]])
    for _ in range(MOST):
        distances = _squares(rows, centres)
        group = distances.argmin(1)
        member = np.eye(groups)[group]
        means = member.T @ rows / np.maximum(member.sum(0), 1)[:, None]
        moved = np.where(member.sum(0)[:, None] > 0, means, centres)  # a centre that nobody is near stays
        if np.array_equal(moved, centres):
            break
        centres = moved
    return float(distances.min(1).sum()), group


def _squares(rows: Float[Array, "n d"], centres: Float[Array, "c d"]) -> Float[Array, "n c"]:
    return ((rows[:, None] - centres[None]) ** 2).sum(2)
