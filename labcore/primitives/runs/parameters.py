"""Parameters that several experiments with S runs have."""

from __future__ import annotations

from typing import Annotated

from labcore.experiment import number

Rate = Annotated[
    float,
    number(
        1e-4,
        3e-2,
        "First learning rate; it falls to 0 on a half cosine",
        "training",
        scale="log",
        label="learning rate",
    ),
]
