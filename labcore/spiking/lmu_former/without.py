"""Numbers that each forget at a speed of their own, and do not speak to each other: no curve can be drawn from them."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="what each number tells the others",
    file="memory.py",
    line="a = (2 * i + 1) * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))",
    instead="a = -(2 * i + 1) * np.eye(d)",
    shows="lmu_former.window",
    fails=lambda frame: float(frame.error.mean()) >= 0.5,
)
