"""The hierarchy of overlaps and where it breaks, few blanks and many, and the teacher who changes nothing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from labcore.claims import Evidence, Seeds, claim, mean, once, repeats

from . import mattis
from .experiments import learn, retrieve
from .mechanism import Array

LARGE = "N = 100,000"


def _overlaps(seeds: range, **values: float | str) -> Float[Array, "seeds K"]:
    """Final overlaps of large networks."""
    return np.stack([once(retrieve, N=100_000, seed=s, **values).overlap.values[-1] for s in seeds])


@claim("The recalled patterns form a hierarchy: each is weaker than the one before by the factor d")
def hierarchy_is_a_power_law(seeds: Seeds) -> Evidence:
    m = _overlaps(seeds(8), d=0.3, K=5, T=0.0, start="hierarchy", sweeps=15)
    off = np.abs(m - mattis.hierarchy(5, 0.3).numpy()).max(1)
    return Evidence(
        mean("largest |m_k - 0.7 x 0.3^(k-1)| of five patterns", off) <= 0.01,
        size=f"{LARGE}, T = 0, 15 sweeps",
        also={"largest": off.max()} | {f"m{k + 1}": x for k, x in enumerate(m.mean(0)[:3])},
    )


@claim("The hierarchy breaks where the leader is outvoted, 1 - 2d + d^K = 0")
def hierarchy_breaks_where_outvoted(seeds: Seeds) -> Evidence:
    def off(k: int, d: float) -> Float[Array, " seeds"]:
        m = _overlaps(seeds(6), d=d, K=k, T=0.005, start="hierarchy", sweeps=15)
        return np.abs(m - mattis.hierarchy(k, d).numpy()).max(1)

    return Evidence(
        mean("largest |m_k - (1-d) d^(k-1)| at K = 3, d = 0.58", off(3, 0.58)) <= 0.012,
        mean("at K = 3, d = 0.66", off(3, 0.66)) >= 0.015,
        mean("at K = 4, d = 0.50", off(4, 0.50)) <= 0.012,
        mean("at K = 4, d = 0.60", off(4, 0.60)) >= 0.015,
        size=f"{LARGE}, T = 0.005, 15 sweeps; d_c is 0.618 for K = 3 and 0.544 for K = 4",
    )


@claim("With few blanks the third pattern stays far behind the first")
def few_blanks_keep_a_leader(seeds: Seeds) -> Evidence:
    few = np.sort(np.abs(_overlaps(seeds(8), d=0.2, K=5, T=0.1, start="pattern 1", sweeps=40)))[:, ::-1]
    third = few[:, 2] / few[:, 0]
    return Evidence(
        mean("third / first overlap", third) <= 0.05,
        size=f"{LARGE}, d = 0.2, T = 0.1, K = 5, 40 sweeps",
        also={"largest": third.max()},
    )


@claim("With many blanks a network recalls all patterns about equally, although it was shown only one", slow=True)
def many_blanks_recall_in_parallel(seeds: Seeds) -> Evidence:
    many = np.abs(_overlaps(seeds(8), d=0.8, K=5, T=0.1, start="pattern 1", sweeps=100))
    equal, lead, ladder = many.min(1) / many.max(1), many[:, 0] / many[:, 1:].mean(1), 0.8 ** np.arange(5)
    return Evidence(
        mean("weakest / strongest overlap", equal) >= (1 + ladder[4]) / 2,
        mean("overlap of the shown pattern / mean of the others", lead) <= (1 + 1 / ladder[1:].mean()) / 2,
        size=f"{LARGE}, d = 0.8, T = 0.1, K = 5, 100 sweeps; limits half way between a hierarchy and equal overlaps",
        also={"worst network": equal.min(), "share of networks above 0.85": (equal > 0.85).mean()},
    )


@claim("In low storage a teacher who groups the examples changes nothing")
def teacher_changes_nothing(seeds: Seeds) -> Evidence:
    lead = repeats(learn, seeds, 20, M=100, N=4000).overlap[:, :, 0]
    gap = (lead.sel(learning="teacher") - lead.sel(learning="no teacher")).transpose("count", "repeat")
    gaps = [mean(f"lead with - without a teacher, M = {m}", gap.sel(count=m)) for m in (12, 28, 100)]
    return Evidence(
        *(g <= 0.03 for g in gaps),
        *(g >= -0.03 for g in gaps),
        size="r = 0.2, d = 0.25, K = 3, N = 4000, 20 sweeps",
    )
