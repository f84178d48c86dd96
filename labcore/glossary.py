"""The glossary: words of the field, each in two plain sentences. The list itself is `glossary.toml`."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Term:
    """A word, what it means, and other forms of it. Its plural is found without a form of its own."""

    word: str
    means: str
    forms: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """The word and its forms."""
        return self.word, *self.forms


@functools.cache
def terms() -> tuple[Term, ...]:
    """All terms, in the order of the file."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["term"]
    return tuple(Term(row["word"], row["means"], tuple(row.get("forms", ()))) for row in rows)
