"""Items that are readiest just after they fired."""

from __future__ import annotations

from labcore.without import Without

WITHOUT = Without(
    idea="the slow rise of readiness",
    file="mechanism.py",
    line="return u / tau * np.exp(1 - u / tau)",
    instead="return np.exp(-u / tau)",
    shows="dynamical_intelligence.buffer",
    breaks=("slots_are_the_capacity",),
)
