"""Three networks compared with all baselines: shuffled inputs, networks before training, axes turned at random."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from .digit_nets import Trained, activations
from .matching import correlations, one_to_one, standardize
from .sparse_maps import heard, predict
from .subspaces import Turning, canonical_correlations

Array = np.ndarray
TOP = 10  # main directions
FEW = 0.1  # the penalty of the maps by few units
KINDS = ("inputs shuffled", "never trained", "axes turned", "trained")


def main_directions(*activities: Float[Array, "n m"]) -> int:
    """As many main directions as are compared, or as there are in all of these."""
    return min(TOP, *(int(np.linalg.matrix_rank(a - a.mean(0))) for a in activities))


def matched(a: Float[Array, "n k"], b: Float[Array, "n l"]) -> float:
    """Mean correlation of matched units of standardized A and B."""
    alike = correlations(a, b)
    return float(alike[one_to_one(alike)].mean())


def compare(found: Trained, r: int, seed: list[int]) -> dict[str, Array]:
    """What `turn` measures of repetition r, (layer,) or (layer, kind), by name; `seed` turns and shuffles."""
    both = [_compared_layer(found, r, layer, seed) for layer in (1, 2)]
    return {name: np.stack([one[name] for one in both]) for name in both[0]} | dict(accuracy=found.accuracy[r].mean())


def _compared_layer(found: Trained, r: int, layer: int, seed: list[int]) -> dict:
    new, strange = (activations(nets, found.held_out, layer)[r] for nets in (found.after, found.before))
    a, b, c = (standardize(v).z for v in new)
    u, v = (standardize(w).z for w in strange[:2])
    lively = new[1][:, standardize(new[1]).living]  # no more directions than B has units
    turned = (lively - lively.mean(0)) @ Turning(lively.shape[1], [*seed, 7])(1.0)
    t, order = standardize(turned).z, np.random.default_rng([*seed, 6]).permutation(len(b))
    alike = correlations(a, b)
    in_b, in_c = _strength(alike), _strength(correlations(a, c))
    diagonal = np.sort(in_b)[-min(alike.shape) :]
    tenth = max(len(diagonal) // 10, 1)
    top = main_directions(new[0], new[1], strange[0], strange[1])
    x, *ys = (standardize(w[:, heard(w)]).z for w in (new[0], new[1], turned))
    few, few_turned = (predict(x, y, np.array([FEW])) for y in ys)
    return dict(
        matched_each=np.array([matched(a, b[order]), matched(u, v), matched(a, t), diagonal.mean()]),
        canonical_each=np.array(
            [
                canonical_correlations(x, y, top).mean()
                for x, y in ((new[0], new[1][order]), (strange[0], strange[1]), (new[0], turned), (new[0], new[1]))
            ]
        ),
        best=diagonal[-tenth:].mean(),
        worst=diagonal[:tenth].mean(),
        again=np.corrcoef(rankdata(in_b), rankdata(in_c))[0, 1] if len(a.T) > 1 else 0.0,
        single=few.single.mean(),
        few=few.sparse.mean(),
        full=few.full.mean(),
        used=few.used.mean(),
        used_turned=few_turned.used.mean(),
    )


def _strength(alike: Array) -> Array:
    """Correlation of each unit of A with its partner; -1 for one without: (k, l) -> (k,)."""
    rows, columns = one_to_one(alike)
    found = np.full(len(alike), -1.0)
    found[rows] = alike[rows, columns]
    return found
