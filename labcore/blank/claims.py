"""What the idea promises, as checks that can fail."""

from __future__ import annotations

from labcore.claims import Evidence, Seeds, claim, mean, once

from .experiments import course


@claim("Smaller steps end nearer to the valley")
def smaller_steps_end_nearer(seeds: Seeds) -> Evidence:
    large, small = (
        once(course, rate=rate, steps=400, n_seeds=20, seed=seeds.first).distance[:, 200:].mean("step").values
        for rate in (0.5, 0.05)
    )
    return Evidence(mean("distance with large steps - with small ones", large - small) >= 0.05, size="400 steps")
