"""The widths at which errors are measured, as parameters / samples, and how a frame names them."""

from __future__ import annotations

from labcore.frames import axis, label

from .feature_regression import Cells

RATIOS = (0.05, 0.125, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 8.0)
WIDTHS = dict(
    width=axis("place in the list of widths"),
    ratio=label("width", "parameters / training samples"),
)


def cells_of(n_train: int) -> Cells:
    """The cells (samples, parameters) at these ratios."""
    return tuple((n_train, max(1, round(r * n_train))) for r in RATIOS)
