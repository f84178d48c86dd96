"""TITLE. Authors, year, arXiv:NUMBER or doi:NAME.

Problem: what is hard, in a sentence.
Idea: what is done about it, with its equation, here x <- x - eta (x - target + noise).
Laboratory scale: what is made smaller here, and what is kept exact.
"""

from __future__ import annotations

from .mechanism import descend

__all__ = ["descend"]
