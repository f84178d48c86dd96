"""Questions of the lesson that `spike_driven` answers, and their checkers."""

from __future__ import annotations

import numpy as np

from labcore.exercises import asked, exercise
from labcore.primitives.spiking.operations import conv

from .experiments import pipe


@exercise(
    "One spike in a corner of a 4 x 4 picture meets a 3 x 3 convolution to 16 channels, with zeros beyond the border. "
    "How many additions does it cause?",
    asked("additions", 0, 1000),
    hint=("How many output places does it reach? In the middle it is nine.", "Each place has 16 channels."),
)
def corner(additions: int, seed: int) -> bool | str:
    spike = np.zeros((1, 4, 4))
    spike[0, 0, 0] = 1
    caused = conv(spike, (16, 1, 3, 3), padding=1).additions
    if additions == caused:
        return True
    return "So many it causes in the middle; some of its places lie outside." if additions == 144 else False


@exercise(
    "The network of the first bench takes several hundred nanojoules for a digit. By what number must all thresholds "
    "be multiplied so that it takes less than a quarter of that, and 2 % of the neurons before the head still fire?",
    pipe.parameters["threshold"],
    hint=("Higher thresholds mean fewer spikes.", "Look at the mean input of the head, in the first bench."),
)
def quarter(threshold: float, seed: int) -> bool | str:
    before, after = (pipe.run(threshold=t, seed=seed) for t in (1.0, threshold))
    share, rate = float(after.total / before.total), float(after.rate[-1])
    if share < 0.25 and rate >= 0.02:
        return True
    return f"With that it takes {share:.0%} of the energy, and {rate:.1%} of the neurons before the head fire."
